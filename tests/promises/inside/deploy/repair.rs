//! Something at home is renamed after a deployment: the owner is offered the same with the names of today, and decides.

use vestibule::agent::{RoomView, ThingView};
use vestibule::control::ThingKind;
use vestibule_dev::fake_home::Domain;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::Class;
use vestibule_protocol::deployment::RoutinePut;
use vestibule_protocol::frame;

use super::*;

/// Longest wait for an offer, on the test's clock.
const SOON: Duration = Duration::from_secs(300);

/// An entity of the home, and what the tenant calls it.
async fn entity(world: &World, entity_id: &str) -> OpaqueId {
    let search = Request::Things { search: Some(entity_id.to_owned()), kind: Some(ThingKind::Entity) };
    let found: Vec<ThingView> = world.ask_one(search).await;
    let fits = |thing: &&ThingView| thing.words == entity_id || thing.detail.as_deref() == Some(entity_id);
    found.iter().find(fits).unwrap().id.parse().unwrap()
}

/// The first light of the home.
fn light(world: &World) -> String {
    let light = |id: &&String| id.starts_with("light.");
    world.home.model(|model| model.entities.keys().find(light).unwrap().clone())
}

fn board(token: &str) -> Item {
    dashboard("acme-hall", &format!(r#"{{"views":[{{"cards":[{{"type":"tile","entity":"{token}"}}]}}]}}"#))
}

/// Everything that repairs, newest first.
async fn repairs(world: &World) -> Vec<DeploymentView> {
    let all: Vec<DeploymentView> = world.ask_one(Request::Deployments).await;
    all.into_iter().filter(|view| view.repairs.is_some()).collect()
}

/// Waits for a repair that waits for the owner.
async fn offered(world: &World) -> DeploymentView {
    let deadline = Instant::now() + SOON;
    loop {
        let waiting =
            repairs(world).await.into_iter().find(|view| view.state == "waiting" && view.plan_hash.is_some());
        if let Some(view) = waiting {
            return world.ask_one(Request::Deployment { id: view.id.parse().unwrap() }).await;
        }
        assert!(Instant::now() < deadline, "no repair is offered: {:#?}", repairs(world).await);
        sleep(Duration::from_millis(20)).await;
    }
}

/// Yes to exactly this, and to no host or file besides.
async fn yes(world: &World, view: &DeploymentView) -> DeploymentId {
    let id: DeploymentId = view.id.parse().unwrap();
    let plan_hash = view.plan_hash.as_deref().and_then(Fixed::parse);
    let (hosts, files) = Default::default();
    world.ask(Request::Approve { id, plan_hash, hosts, files }).await.unwrap();
    id
}

async fn carried_out(world: &World, view: &DeploymentView) {
    let id = yes(world, view).await;
    until(world, id, "verified").await;
}

/// Long enough for everything that is going to be offered.
async fn a_while() {
    sleep(Duration::from_secs(120)).await;
}

/// How often the portal has been told of a deployment.
fn reports(world: &World, id: &str) -> usize {
    let reader = world.reader();
    let rows = world.ledger().into_iter().filter(|row| row.kind == "report");
    let told = |row: vestibule::store::Row| {
        let frame = reader.get(row.seq, &[]).unwrap().unwrap().bytes.unwrap();
        String::from_utf8(frame::decode(&frame).unwrap().into_owned()).unwrap()
    };
    rows.map(told).filter(|message| message.contains(id)).count()
}

#[tokio::test(start_paused = true)]
async fn a_rename_is_offered_as_a_diff_and_written_after_a_yes_and_undone() {
    let (world, portal) = house().await;
    let lamp = light(&world);
    let token = format!("@{}", entity(&world, &lamp).await);
    let id = deployed(&world, &portal, board(&token)).await;
    until(&world, id, "settled").await;
    let (_, base) = thing(&world, id);
    let old = contents(&world, "acme-hall").unwrap();
    assert!(old.contains(&lamp), "{old}");

    world.home.rename_entity(&lamp, "light.sofa");
    let shown = offered(&world).await;
    assert_eq!(shown.repairs.as_deref(), Some(&*id.to_string()));
    assert_eq!((shown.items.len(), &*shown.items[0].kind), (1, "dashboard.put"));
    let changed: Vec<_> = shown.diff[0].rows.iter().filter(|row| row.change == "changed").collect();
    assert_eq!(changed.len(), 1, "{:#?}", shown.diff);
    assert!(changed[0].before.as_ref().unwrap().contains(&lamp));
    assert!(changed[0].after.as_ref().unwrap().contains("light.sofa"));
    assert_eq!(contents(&world, "acme-hall").as_deref(), Some(&*old), "nothing is written unasked");
    let told = || world.home.model(|model| model.notifications.len());
    waited("the owner is told", || told() == 1).await;

    // A yes to another plan is no yes to this one.
    let repair: DeploymentId = shown.id.parse().unwrap();
    let other = Request::Approve {
        id: repair,
        plan_hash: Some(Fixed([1; 32])),
        hosts: Default::default(),
        files: Default::default(),
    };
    assert_eq!(world.ask(other).await.unwrap_err().code, "plan_changed");
    carried_out(&world, &shown).await;
    assert_eq!(contents(&world, "acme-hall").unwrap(), old.replace(&lamp, "light.sofa"));
    waited("nothing waits any more", || told() == 0).await;
    until(&world, repair, "settled").await;
    // The portal hears of no repair, and of the deployment the base that the next design has to name.
    a_while().await;
    assert_eq!(reports(&world, &shown.id), 0);
    assert!(reports(&world, &id.to_string()) > 0);
    assert_ne!(thing(&world, id).1, base);
    let next =
        deployed(&world, &portal, replace(&world, id, &format!(r#"{{"views":[],"a":"{token}"}}"#))).await;
    let undone: DeploymentView = world.ask_one(Request::Undo { id: next, overwrite: false }).await;
    assert_eq!(undone.state, "undone");

    let undone: DeploymentView = world.ask_one(Request::Undo { id: repair, overwrite: false }).await;
    assert_eq!((&*undone.state, contents(&world, "acme-hall").as_deref()), ("undone", Some(&*old)));
    assert_eq!(thing(&world, id).1, base);
    a_while().await;
    assert!(
        repairs(&world).await.iter().all(|view| view.state == "undone"),
        "who took it back is not asked again"
    );
    let undone: DeploymentView = world.ask_one(Request::Undo { id, overwrite: false }).await;
    assert_eq!(undone.state, "undone");
    assert!(!has_dashboard(&world, "acme-hall"));
    assert_eq!(world.home.violations(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_no_stands_until_something_else_is_renamed() {
    let (mut world, portal) = house().await;
    let lamp = light(&world);
    let token = format!("@{}", entity(&world, &lamp).await);
    deployed(&world, &portal, board(&token)).await;
    world.home.rename_entity(&lamp, "light.sofa");
    let shown = offered(&world).await;
    world.ask(Request::Reject { id: shown.id.parse().unwrap() }).await.unwrap();
    a_while().await;
    // Not even after a restart, with everything read anew.
    world.stop().await;
    world.start().await;
    world.converge(&portal).await;
    a_while().await;
    let refused = repairs(&world).await;
    assert_eq!((refused.len(), &*refused[0].state), (1, "refused"), "{refused:#?}");
    world.home.rename_entity("light.sofa", "light.couch");
    let shown = offered(&world).await;
    carried_out(&world, &shown).await;
    assert!(contents(&world, "acme-hall").unwrap().contains("light.couch"));
}

#[tokio::test(start_paused = true)]
async fn while_one_waits_further_renames_change_it_and_the_owner_is_told_once() {
    let (world, portal) = house().await;
    let lamp = light(&world);
    let token = format!("@{}", entity(&world, &lamp).await);
    deployed(&world, &portal, board(&token)).await;
    world.home.rename_entity(&lamp, "light.sofa");
    let first = offered(&world).await;
    waited("the owner is told", || world.home.model(|model| model.notifications.len()) == 1).await;
    let told = world.home.commands()["call_service"];
    world.home.rename_entity("light.sofa", "light.couch");
    a_while().await;
    let second = offered(&world).await;
    assert_eq!(first.id, second.id);
    assert_ne!(first.plan_hash, second.plan_hash);
    assert_eq!(world.home.commands()["call_service"], told, "no nagging");
    // And back again: nothing is left to put right.
    world.home.rename_entity("light.couch", &lamp);
    let id: DeploymentId = first.id.parse().unwrap();
    let over = until(&world, id, "superseded").await;
    assert_eq!(over.code.as_deref(), Some("nothing_to_do"));
    waited("nothing waits any more", || world.home.model(|model| model.notifications.is_empty())).await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_the_owners_is_never_repaired() {
    let (world, portal) = house().await;
    world.grant(Class::Dashboards).await;
    world.converge(&portal).await;
    let lamp = light(&world);
    let token = format!("@{}", entity(&world, &lamp).await);
    let id = deployed(&world, &portal, board(&token)).await;
    until(&world, id, "settled").await;
    let mine = r#"{"views":[{"title":"Mine","cards":[]}]}"#;
    world.home.edit_dashboard("acme-hall", mine);
    a_while().await;
    world.home.rename_entity(&lamp, "light.sofa");
    a_while().await;
    assert_eq!(repairs(&world).await, Vec::new());
    assert_eq!(contents(&world, "acme-hall").as_deref(), Some(mine));
}

/// The agent sees the edit only when it reads for the plan, or when it writes.
#[tokio::test(start_paused = true)]
async fn an_edit_after_the_offer_is_not_overwritten() {
    let (world, portal) = house().await;
    let lamp = light(&world);
    let token = format!("@{}", entity(&world, &lamp).await);
    let id = deployed(&world, &portal, board(&token)).await;
    until(&world, id, "settled").await;
    world.home.rename_entity(&lamp, "light.sofa");
    let shown = offered(&world).await;
    let mine = r#"{"views":[{"title":"Mine","cards":[]}]}"#;
    world.home.edit_dashboard("acme-hall", mine);
    let repair = yes(&world, &shown).await;
    until(&world, repair, "superseded").await;
    assert_eq!(contents(&world, "acme-hall").as_deref(), Some(mine));
}

/// R18: while the home is starting its lists are falsely empty; while it is restricted nothing is begun.
#[tokio::test(start_paused = true)]
async fn r18_nothing_is_offered_while_the_home_starts_or_is_restricted() {
    let (world, portal) = house().await;
    let lamp = light(&world);
    let token = format!("@{}", entity(&world, &lamp).await);
    deployed(&world, &portal, board(&token)).await;
    world.ask(Request::Restrict { on: true }).await.unwrap();
    world.home.rename_entity(&lamp, "light.sofa");
    a_while().await;
    assert_eq!(repairs(&world).await, Vec::new());
    world.home.set_core_state("STARTING");
    world.home.cut_connections();
    world.ask(Request::Restrict { on: false }).await.unwrap();
    a_while().await;
    assert_eq!(repairs(&world).await, Vec::new());
    world.home.set_core_state("RUNNING");
    world.home.cut_connections();
    offered(&world).await;
}

/// The owner's own words, and a trust that is not for this: `trust` never carries out a repair.
#[tokio::test(start_paused = true)]
async fn r38_a_room_gets_another_name_and_trust_does_not_answer_for_the_owner() {
    let (world, portal) = house().await;
    allow(&world, Change::Dashboards, Some(Policy::Trust)).await;
    world.converge(&portal).await;
    let rooms: Vec<RoomView> = world.ask_one(Request::Rooms).await;
    let content = format!(r#"{{"views":[{{"title":"In @n_{}"}}]}}"#, rooms[0].id);
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", &content)])).await;
    until(&world, id, "verified").await;
    let area = world.home.model(|model| {
        let area = model.areas.iter().find(|area| area["name"] == rooms[0].name.as_str()).unwrap();
        area["area_id"].as_str().unwrap().to_owned()
    });
    world.home.put_area(&area, "The den");
    let shown = offered(&world).await;
    a_while().await;
    assert!(contents(&world, "acme-hall").unwrap().contains(&rooms[0].name));
    // What is not allowed any more is not carried out, and not offered again.
    allow(&world, Change::Dashboards, None).await;
    let repair = yes(&world, &shown).await;
    let refused = until(&world, repair, "refused").await;
    assert_eq!(refused.code.as_deref(), Some("not_allowed"));
    assert!(contents(&world, "acme-hall").unwrap().contains(&rooms[0].name));
}

#[tokio::test(start_paused = true)]
async fn an_automation_is_repaired_without_being_switched() {
    let (world, portal) = house().await;
    let lamp = light(&world);
    let token = format!("@{}", entity(&world, &lamp).await);
    let content = format!(
        r#"{{"alias":"Wake","triggers":[],"conditions":[],"actions":[{{"action":"light.turn_on","target":{{"entity_id":"{token}"}}}}],"mode":"single"}}"#
    );
    let put = RoutinePut { existing: None, id: Some("acme_wake".into()), base: Base::None, content };
    let id = deployed(&world, &portal, Item::AutomationPut(put)).await;
    world.ask(Request::Enable { id, item: 0 }).await.unwrap();
    world.home.rename_entity(&lamp, "light.sofa");
    let shown = offered(&world).await;
    assert!(shown.abilities.iter().any(|ability| ability.kind == "runs_by_itself"), "{shown:#?}");
    carried_out(&world, &shown).await;
    let state =
        world.home.model(|model| model.states.get("automation.wake").map(|state| state.value.clone()));
    assert_eq!(state.as_deref(), Some("on"));
    let text = world.home.model(|model| model.routines.text(Domain::Automation, "acme_wake")).unwrap();
    assert!(text.contains("light.sofa") && !text.contains("initial_state"), "{text}");
}
