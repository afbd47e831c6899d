//! R29: who forgets decides first what becomes of what was deployed, for afterwards nothing is left from which it could be undone.

use vestibule::agent::Forgotten;

use super::*;

const HALL: &str = r#"{"views":[{"title":"Hall","cards":[]}]}"#;
const NEW: &str = r#"{"views":[{"title":"New hall","cards":[]}]}"#;
const FOREIGN: &str = r#"{"views":[{"title":"Mine","cards":[]}]}"#;

/// Texts of a deployment, which must be nowhere afterwards.
fn traces(id: DeploymentId) -> Vec<String> {
    vec![id.to_string(), "acme-hall".into(), "New hall".into(), "A new look".into()]
}

async fn forget(world: &World, portal: &RealPortal) {
    let forgotten: Forgotten = world.ask_one(Request::Forget { give_up: false }).await;
    assert!(forgotten.local);
    world.until("forgotten", |status| !status.forgetting).await;
    assert!(portal.is_erased());
}

/// As `vestibule forget --undo` does it: newest first, each finding what it left.
#[tokio::test(start_paused = true)]
async fn what_is_undone_before_it_is_forgotten_leaves_the_home_as_it_was() {
    let (world, portal) = house().await;
    let before = world.home.model(|model| (model.dashboards.clone(), model.contents.clone()));
    let first = deployed(&world, &portal, dashboard("acme-hall", HALL)).await;
    let second = deployed(&world, &portal, replace(&world, first, NEW)).await;
    for id in [second, first] {
        let undone: DeploymentView = world.ask_one(Request::Undo { id, overwrite: false }).await;
        assert_eq!(undone.state, "undone");
    }
    forget(&world, &portal).await;
    assert_eq!(world.home.model(|model| (model.dashboards.clone(), model.contents.clone())), before);
    assert_eq!(world.occurrences(&traces(second)), Vec::<String>::new());
}

/// As `vestibule forget --keep` does it: what is deployed is the owner's from now on, and nobody remembers that it was not always.
#[tokio::test(start_paused = true)]
async fn what_is_kept_stays_and_is_nobodys() {
    let (mut world, portal) = house().await;
    let first = deployed(&world, &portal, dashboard("acme-hall", HALL)).await;
    let id = deployed(&world, &portal, replace(&world, first, NEW)).await;
    let waiting = portal.submit(&portal.draft(vec![dashboard("acme-porch", HALL)])).await;
    until(&world, waiting, "waiting").await;
    forget(&world, &portal).await;
    assert_eq!(contents(&world, "acme-hall").as_deref(), Some(NEW));
    assert_eq!(world.occurrences(&traces(id)), Vec::<String>::new());
    assert_eq!(world.occurrences(&traces(waiting)), Vec::<String>::new());
    for _ in 0..2 {
        let desk = world.desk();
        assert_eq!(desk, vestibule::store::Desk::default());
        let undo = world.ask(Request::Undo { id, overwrite: false }).await;
        assert_eq!(undo.unwrap_err().code, "no_such_deployment");
        world.home.edit_dashboard("acme-hall", FOREIGN);
        sleep(Duration::from_secs(600)).await;
        assert_eq!(contents(&world, "acme-hall").as_deref(), Some(FOREIGN));
        assert!(!has_dashboard(&world, "acme-porch"));
        world.crash();
        world.start().await;
        sleep(Duration::from_secs(60)).await;
    }
}

/// Old or new, never half: what is being written comes to its end first. Where it cannot go on, nobody has to wait for it.
#[tokio::test(start_paused = true)]
async fn forgetting_does_not_leave_a_half_written_thing_behind() {
    let (world, portal) = house().await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", HALL)])).await;
    until(&world, id, "waiting").await;
    world.home.fault(|faults| faults.hang = Some("lovelace/config/save".into()));
    approve(&world, id).await;
    waited("the record is made", || has_dashboard(&world, "acme-hall")).await;
    for early in [Request::Forget { give_up: false }, Request::Rotate] {
        assert_eq!(world.ask(early).await.unwrap_err().code, "being_written");
    }
    assert_eq!(view(&world, id).await.unwrap().state, "applying");
    world.home.fault(|faults| faults.hang = None);
    waited("it has ended", || {
        !world.desk().deployments.iter().any(|row| row.state == vestibule::store::DeploymentState::Applying)
    })
    .await;
    assert_eq!(has_dashboard(&world, "acme-hall"), contents(&world, "acme-hall").is_some());
    forget(&world, &portal).await;
    assert_eq!(world.desk(), vestibule::store::Desk::default());
    assert_eq!(world.occurrences(&traces(id)), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn forgetting_does_not_wait_for_a_home_that_is_away() {
    let (world, portal) = house().await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", HALL)])).await;
    until(&world, id, "waiting").await;
    world.home.fault(|faults| faults.hang = Some("lovelace/config/save".into()));
    approve(&world, id).await;
    waited("the record is made", || has_dashboard(&world, "acme-hall")).await;
    world.home.fault(|faults| (faults.refuse, faults.hang) = (true, None));
    world.home.cut_connections();
    world.until("the home is away", |status| !status.home.connected).await;
    forget(&world, &portal).await;
    world.home.fault(|faults| faults.refuse = false);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(contents(&world, "acme-hall"), None, "nobody goes on with it");
}
