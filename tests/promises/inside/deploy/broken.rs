//! Whatever fails in the middle: old or new, never half, and nobody's edit is lost.

use vestibule_dev::fake_home::{Cut, Fail, When};

use super::*;

const OLD: &str = r#"{"views":[{"title":"Hall","cards":[]}]}"#;
const NEW: &str = r#"{"views":[{"title":"New hall","cards":[]}]}"#;
const FOREIGN: &str = r#"{"views":[{"title":"Mine","cards":[]}]}"#;

#[tokio::test(start_paused = true)]
async fn what_home_assistant_refuses_is_rolled_back() {
    let (world, portal) = house().await;
    let fail = Fail { command: "lovelace/config/save".into(), nth: 1, code: "invalid_format".into() };
    world.home.fault(|faults| faults.fail = Some(fail));
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", OLD)])).await;
    approve(&world, id).await;
    until(&world, id, "rolled_back").await;
    assert!(!has_dashboard(&world, "acme-hall"));
    heard(&portal, id, "rolled_back").await;
}

#[tokio::test(start_paused = true)]
async fn r42_a_connection_lost_over_any_write_leaves_the_new_in_the_end() {
    for command in
        ["lovelace/dashboards/create", "lovelace/config/save", "lovelace/config", "lovelace/dashboards/list"]
    {
        for when in [When::Before, When::After] {
            let (world, portal) = house().await;
            let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", OLD)])).await;
            until(&world, id, "waiting").await;
            let seen = world.home.commands().get(command).copied().unwrap_or_default();
            let cut = Cut { command: command.into(), nth: seen + 1, when };
            world.home.fault(|faults| faults.cut = Some(cut));
            approve(&world, id).await;
            until(&world, id, "verified").await;
            assert_eq!(contents(&world, "acme-hall").as_deref(), Some(OLD), "{command} {when:?}");
        }
    }
}

/// R41: an edit in the round trip of our own save is detected and told, and what stands there is left alone.
#[tokio::test(start_paused = true)]
async fn r41_an_edit_in_the_last_round_trip_needs_the_owner() {
    let (world, portal) = house().await;
    let first = deployed(&world, &portal, dashboard("acme-hall", OLD)).await;
    let saves = world.home.commands()["lovelace/config/save"];
    world.home.before("lovelace/config/save", saves + 1, |home| home.edit_dashboard("acme-hall", FOREIGN));
    let id = portal.submit(&portal.draft(vec![replace(&world, first, NEW)])).await;
    approve(&world, id).await;
    let left = until(&world, id, "needs_owner").await;
    assert_eq!(left.code.as_deref(), Some("edited_meanwhile"), "{left:#?}");
    heard(&portal, id, "needs_owner").await;
}

/// R42: a record is not taken away from under contents that somebody else has written.
#[tokio::test(start_paused = true)]
async fn r42_a_new_dashboard_that_was_edited_meanwhile_stays_whole() {
    let (world, portal) = house().await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", OLD)])).await;
    until(&world, id, "waiting").await;
    let saves = world.home.commands().get("lovelace/config/save").copied().unwrap_or_default();
    world.home.before("lovelace/config/save", saves + 1, |home| home.edit_dashboard("acme-hall", FOREIGN));
    approve(&world, id).await;
    let left = until(&world, id, "needs_owner").await;
    assert_eq!(left.items[0].code.as_deref(), Some("left_as_edited"), "{left:#?}");
    assert!(has_dashboard(&world, "acme-hall") && contents(&world, "acme-hall").is_some());
    let undone: DeploymentView = world.ask_one(Request::Undo { id, overwrite: true }).await;
    assert_eq!((&*undone.state, has_dashboard(&world, "acme-hall")), ("undone", false));
    assert_eq!(undone.items[0].code, None, "{undone:#?}");
    assert_eq!(contents(&world, "acme-hall"), None);
}

/// R36: what is about to be written must be what was agreed to.
#[tokio::test(start_paused = true)]
async fn an_edit_between_the_yes_and_the_deed_is_a_conflict() {
    let (world, portal) = house().await;
    let first = deployed(&world, &portal, dashboard("acme-hall", OLD)).await;
    let id = portal.submit(&portal.draft(vec![replace(&world, first, NEW)])).await;
    until(&world, id, "waiting").await;
    world.home.edit_dashboard("acme-hall", FOREIGN);
    approve(&world, id).await;
    until(&world, id, "conflict").await;
    assert_eq!(contents(&world, "acme-hall").as_deref(), Some(FOREIGN));
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_ends_in_the_middle_goes_on_where_it_was() {
    let (mut world, portal) = house().await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", OLD)])).await;
    until(&world, id, "waiting").await;
    world.home.fault(|faults| faults.hang = Some("lovelace/config/save".into()));
    approve(&world, id).await;
    waited("the record is made", || has_dashboard(&world, "acme-hall")).await;
    world.crash();
    world.home.fault(|faults| faults.hang = None);
    world.start().await;
    until(&world, id, "verified").await;
    assert_eq!(contents(&world, "acme-hall").as_deref(), Some(OLD));
}

#[tokio::test(start_paused = true)]
async fn a_home_that_stays_away_too_long_is_put_back() {
    let (world, portal) = house().await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", OLD)])).await;
    until(&world, id, "waiting").await;
    world.home.fault(|faults| faults.hang = Some("lovelace/config/save".into()));
    approve(&world, id).await;
    waited("the record is made", || has_dashboard(&world, "acme-hall")).await;
    sleep(Duration::from_secs(300)).await;
    world.home.fault(|faults| faults.hang = None);
    let back = until(&world, id, "rolled_back").await;
    assert_eq!(back.code.as_deref(), Some("deadline"), "{back:#?}");
    assert!(!has_dashboard(&world, "acme-hall"));
}

/// Promise 7: what somebody has put into a new dashboard meanwhile does not go with its record.
#[tokio::test(start_paused = true)]
async fn r42_a_new_dashboard_that_somebody_has_worked_on_is_not_taken_back() {
    for hangs in ["lovelace/config/save", "lovelace/config"] {
        let (world, portal) = house().await;
        let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", OLD)])).await;
        until(&world, id, "waiting").await;
        world.home.fault(|faults| faults.hang = Some(hangs.into()));
        approve(&world, id).await;
        waited("the record is made", || has_dashboard(&world, "acme-hall")).await;
        world.home.edit_dashboard("acme-hall", FOREIGN);
        sleep(Duration::from_secs(300)).await;
        world.home.fault(|faults| faults.hang = None);
        let left = until(&world, id, "needs_owner").await;
        assert_eq!(left.code.as_deref(), Some("deadline"), "{hangs}: {left:#?}");
        let at_home: Vec<_> = left.diff.iter().filter(|diff| diff.is_of_home()).collect();
        assert_eq!(at_home.len(), 1, "{hangs}: both sides are shown: {left:#?}");
        assert!(
            at_home[0].rows.iter().any(|row| row.after.as_ref().is_some_and(|line| line.contains("Mine")))
        );
        assert_eq!(contents(&world, "acme-hall").as_deref(), Some(FOREIGN), "{hangs}");
        assert_eq!(world.home.overwritten(), Vec::new(), "{hangs}");
        heard(&portal, id, "needs_owner").await;
        // It was never in place as a whole, so an undo that is not safe does not put it there either.
        assert_eq!(world.ask(Request::Undo { id, overwrite: false }).await.unwrap_err().code, "edited_since");
        let still: DeploymentView = world.ask_one(Request::Deployment { id }).await;
        assert_eq!((&*still.state, &still.code), ("needs_owner", &left.code), "{still:#?}");
        assert_eq!(still.items[0].code.as_deref(), Some("left_as_edited"), "{still:#?}");
    }
}

/// The last look before a write finds an edit: nothing is written, and the owner sees what was edited beside what was designed.
#[tokio::test(start_paused = true)]
async fn an_edit_that_the_last_look_finds_is_shown_from_both_sides() {
    let (world, portal) = house().await;
    let first = deployed(&world, &portal, dashboard("acme-hall", OLD)).await;
    let id = portal.submit(&portal.draft(vec![replace(&world, first, NEW)])).await;
    until(&world, id, "waiting").await;
    // The plan is made anew after the yes, from one reading of the contents; the walk reads them again before it writes.
    let reads = world.home.commands()["lovelace/config"];
    world.home.before("lovelace/config", reads + 2, |home| home.edit_dashboard("acme-hall", FOREIGN));
    approve(&world, id).await;
    let conflict = until(&world, id, "conflict").await;
    assert_eq!(conflict.code.as_deref(), Some("changed_meanwhile"), "{conflict:#?}");
    assert_eq!(contents(&world, "acme-hall").as_deref(), Some(FOREIGN));
    let after = |of_home: bool| {
        let diffs = conflict.diff.iter().filter(move |diff| diff.is_of_home() == of_home);
        diffs.flat_map(|diff| &diff.rows).filter_map(|row| row.after.clone()).collect::<String>()
    };
    assert!(after(true).contains("Mine") && after(false).contains("New hall"), "{conflict:#?}");
}
