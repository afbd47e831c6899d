//! The whole life of a deployment: asked for, approved, written, verified, settled, edited, undone.

use vestibule_protocol::consent::Class;

use super::*;

const OLD: &str = r#"{"views":[{"title":"Hall","cards":[{"type":"markdown","content":"Welcome"}]}]}"#;
const NEW: &str = r#"{"views":[{"title":"Hall","cards":[{"type":"markdown","content":"Come in"}]}]}"#;
const FOREIGN: &str = r#"{"views":[{"title":"Mine","cards":[]}]}"#;

#[tokio::test(start_paused = true)]
async fn a_dashboard_is_approved_written_settled_and_undone() {
    let (world, portal) = house().await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", OLD)])).await;
    let shown = approve(&world, id).await;
    assert!(shown.display_only && shown.problem.is_none(), "{shown:#?}");
    assert!(!shown.diff[0].words.is_empty(), "{shown:#?}");
    until(&world, id, "verified").await;
    assert_eq!(contents(&world, "acme-hall").as_deref(), Some(OLD));
    heard(&portal, id, "applied").await;
    until(&world, id, "settled").await;
    let undone: DeploymentView = world.ask_one(Request::Undo { id, overwrite: false }).await;
    assert_eq!(undone.state, "undone");
    assert!(!has_dashboard(&world, "acme-hall"));
    assert_eq!(contents(&world, "acme-hall"), None);
    heard(&portal, id, "undone").await;
    assert_eq!(world.home.violations(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_owner_is_told_once_and_can_say_no() {
    let (mut world, portal) = house().await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", OLD)])).await;
    until(&world, id, "waiting").await;
    let told = |world: &World| world.home.model(|model| model.notifications.len());
    waited("the owner is told", || told(&world) == 1).await;
    // Dismissed in Home Assistant, and not told again after a restart.
    world.home.change_silently(|model| model.notifications.clear());
    world.crash();
    world.start().await;
    sleep(PATIENCE).await;
    assert_eq!(told(&world), 0);
    let next = portal.submit(&portal.draft(vec![dashboard("acme-attic", OLD)])).await;
    until(&world, next, "waiting").await;
    waited("the owner is told of another", || told(&world) == 1).await;
    let _: DeploymentView = world.ask_one(Request::Reject { id: next }).await;
    let status = world.status().await;
    assert_eq!(status.waiting, 1);
    let refused: DeploymentView = world.ask_one(Request::Reject { id }).await;
    assert_eq!((&*refused.state, refused.code.as_deref()), ("refused", Some("declined")));
    assert_eq!(heard(&portal, id, "refused").await.as_deref(), Some("declined"));
    waited("nothing waits any more", || told(&world) == 0).await;
    assert!(!has_dashboard(&world, "acme-hall"));
    let again = world
        .ask(Request::Approve { id, plan_hash: None, hosts: Default::default(), files: Default::default() })
        .await;
    assert_eq!(again.unwrap_err().code, "not_waiting");
}

#[tokio::test(start_paused = true)]
async fn r38_trust_carries_out_what_only_displays_and_asks_for_the_rest() {
    let (world, portal) = house().await;
    allow(&world, Change::Dashboards, Some(Policy::Trust)).await;
    world.converge(&portal).await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", OLD)])).await;
    until(&world, id, "verified").await;
    let acts = r#"{"views":[{"cards":[{"type":"button","tap_action":{"action":"perform-action","perform_action":"light.turn_on"}}]}]}"#;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-acts", acts)])).await;
    let shown = until(&world, id, "waiting").await;
    assert!(!shown.display_only && !shown.abilities.is_empty(), "{shown:#?}");
    assert!(!has_dashboard(&world, "acme-acts"));
}

#[tokio::test(start_paused = true)]
async fn a_dashboard_is_replaced_and_the_two_are_undone_in_any_safe_order() {
    let (world, portal) = house().await;
    let first = deployed(&world, &portal, dashboard("acme-hall", OLD)).await;
    let second = deployed(&world, &portal, replace(&world, first, NEW)).await;
    assert_eq!(contents(&world, "acme-hall").as_deref(), Some(NEW));
    let unsafe_undo = world.ask(Request::Undo { id: first, overwrite: false }).await;
    assert_eq!(unsafe_undo.unwrap_err().code, "edited_since");
    assert_eq!(contents(&world, "acme-hall").as_deref(), Some(NEW), "nothing was touched");
    for (id, left) in [(second, Some(OLD)), (first, None)] {
        let undone: DeploymentView = world.ask_one(Request::Undo { id, overwrite: false }).await;
        assert_eq!(undone.state, "undone");
        assert_eq!(contents(&world, "acme-hall").as_deref(), left);
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_is_a_conflict_for_the_next_and_is_never_overwritten() {
    let (world, portal) = house().await;
    let first = deployed(&world, &portal, dashboard("acme-hall", OLD)).await;
    let next = replace(&world, first, NEW);
    world.home.edit_dashboard("acme-hall", FOREIGN);
    let second = portal.submit(&portal.draft(vec![next])).await;
    let conflict = until(&world, second, "conflict").await;
    assert!(conflict.problem.is_some(), "{conflict:#?}");
    let sides: Vec<&str> = conflict.diff.iter().map(|diff| &*diff.kind).collect();
    assert_eq!(sides, ["home", "dashboard.put"], "what was changed at home, and what was designed");
    heard(&portal, second, "conflict").await;
    assert_eq!(contents(&world, "acme-hall").as_deref(), Some(FOREIGN));
}

#[tokio::test(start_paused = true)]
async fn an_edit_is_noticed_and_an_undo_asks_before_it_is_lost() {
    let (world, portal) = house().await;
    world.grant(Class::Dashboards).await;
    world.converge(&portal).await;
    let id = deployed(&world, &portal, dashboard("acme-hall", OLD)).await;
    until(&world, id, "settled").await;
    world.home.edit_dashboard("acme-hall", FOREIGN);
    let deadline = Instant::now() + PATIENCE;
    while !view(&world, id).await.unwrap().items[0].drifted {
        assert!(Instant::now() < deadline, "the edit is never noticed");
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(world.ask(Request::Undo { id, overwrite: false }).await.unwrap_err().code, "edited_since");
    assert_eq!(contents(&world, "acme-hall").as_deref(), Some(FOREIGN));
    let undone: DeploymentView = world.ask_one(Request::Undo { id, overwrite: true }).await;
    assert_eq!(undone.state, "undone");
    assert!(!has_dashboard(&world, "acme-hall"));
}

#[tokio::test(start_paused = true)]
async fn r44_a_deleted_dashboard_comes_back() {
    let (world, portal) = house().await;
    let first = deployed(&world, &portal, dashboard("acme-hall", OLD)).await;
    let (existing, base) = thing(&world, first);
    let delete = Item::DashboardDelete(Delete { existing, base });
    let second = deployed(&world, &portal, delete).await;
    assert!(!has_dashboard(&world, "acme-hall"));
    let undone: DeploymentView = world.ask_one(Request::Undo { id: second, overwrite: false }).await;
    assert_eq!(undone.state, "undone");
    assert_eq!(contents(&world, "acme-hall").as_deref(), Some(OLD));
    assert!(has_dashboard(&world, "acme-hall"));
}

#[tokio::test(start_paused = true)]
async fn what_is_withdrawn_or_expires_is_not_carried_out() {
    let (world, portal) = house().await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", OLD)])).await;
    until(&world, id, "waiting").await;
    world.clock.jump(8 * 24 * 3600);
    let expired = until(&world, id, "expired").await;
    assert_eq!(expired.code.as_deref(), Some("expired"));
}

/// R33, R38: nothing is granted before somebody is named who may approve, and only dashboards can be trusted.
#[tokio::test(start_paused = true)]
async fn r33_nothing_can_be_allowed_without_a_charter() {
    let world = World::new(5).await;
    let portal = RealPortal::in_sync_with(&world).await;
    let set = |change, policy| Request::SetChange { change, policy: Some(policy) };
    let refused = world.ask(set(Change::Dashboards, Policy::Ask)).await;
    assert_eq!(refused.unwrap_err().code, "no_charter");
    portal.charter().await;
    waited("the charter is pinned", || world.reader().load().unwrap().desk.trusting.charter.is_some()).await;
    let refused = world.ask(set(Change::Cards, Policy::Trust)).await;
    assert_eq!(refused.unwrap_err().code, "trust_only_dashboards");
    world.ask(set(Change::Dashboards, Policy::Trust)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn questions_are_answered_and_requests_arrive() {
    let (world, portal) = house().await;
    let things: Vec<OpaqueId> = portal
        .lines()
        .iter()
        .filter_map(|line| line.strip_prefix("{\"key\":\"entity/")?.split_once('"')?.0.parse().ok())
        .take(2)
        .collect();
    let id = portal.ask("Which is the reading lamp?", things.clone()).await;
    let mut asked: Vec<QuestionView> = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while asked.is_empty() {
        assert!(Instant::now() < deadline, "the question never came");
        sleep(Duration::from_millis(20)).await;
        asked = world.ask_one(Request::Questions).await;
    }
    assert!(asked[0].candidates.iter().all(|candidate| candidate.name.is_some()), "{asked:#?}");
    let other = "e_aaaaaaaaaaaaa".parse().unwrap();
    let wrong = world.ask(Request::AnswerQuestion { id, choice: Some(other) }).await;
    assert_eq!(wrong.unwrap_err().code, "no_candidate");
    let answered: QuestionView = world.ask_one(Request::AnswerQuestion { id, choice: Some(things[1]) }).await;
    assert_eq!(answered.state, "answered");
    waited("the answer arrives", || portal.questions()[0].choice == Some(things[1].to_string())).await;

    let made: RequestView =
        world.ask_one(Request::NewRequest { text: "A dashboard for the hall".into(), rooms: vec![] }).await;
    waited("the request arrives", || portal.requests().len() == 1).await;
    assert_eq!(portal.requests()[0].text, "A dashboard for the hall");
    let id = vestibule_protocol::bytes::Fixed::parse(&made.id).unwrap();
    world.ask(Request::WithdrawRequest { id }).await.unwrap();
    waited("the withdrawal arrives", || portal.requests()[0].state == "withdrawn").await;
    assert_eq!(portal.requests()[0].text, "");
}
