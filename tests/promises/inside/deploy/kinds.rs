//! Cards, automations and scripts: created, replaced, switched on, deleted and brought back.

use vestibule_dev::fake_home::Domain;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::{CardDelete, CardPut, RoutinePut};

use super::*;

const WAKE: &str = r#"{"alias":"Wake","triggers":[],"conditions":[],"actions":[],"mode":"single"}"#;

fn card(module: &str, base: Base) -> Item {
    let hash = hash(module);
    Item::CardPut(CardPut { element: "acme-clock".into(), module: module.into(), hash, base })
}

fn hash(module: &str) -> Fixed<32> {
    Fixed(*blake3::hash(module.as_bytes()).as_bytes())
}

fn urls(world: &World) -> Vec<String> {
    world.home.model(|model| {
        model.resources.iter().map(|row| row["url"].as_str().unwrap_or_default().to_owned()).collect()
    })
}

#[tokio::test(start_paused = true)]
async fn r39_a_card_has_one_row_and_the_others_stay() {
    let (world, portal) = house().await;
    world.home.add_resource("/local/theirs.js");
    let before = urls(&world);
    let one = "customElements.define('acme-clock', class extends HTMLElement {});";
    let two = "customElements.define('acme-clock', class extends HTMLElement { x() {} });";
    deployed(&world, &portal, card(one, Base::None)).await;
    let with_one = urls(&world);
    assert_eq!(with_one.len(), before.len() + 1);
    let second = deployed(&world, &portal, card(two, Base::Hash(hash(one)))).await;
    let with_two = urls(&world);
    assert_eq!(with_two.len(), before.len() + 1, "the same row");
    assert_ne!(with_one, with_two);
    let undone: DeploymentView = world.ask_one(Request::Undo { id: second, overwrite: false }).await;
    assert_eq!((&*undone.state, urls(&world)), ("undone", with_one.clone()));
    let delete = CardDelete { element: "acme-clock".into(), base: Base::Hash(hash(one)) };
    let gone = deployed(&world, &portal, Item::CardDelete(delete)).await;
    assert_eq!(urls(&world), before);
    // The row is made anew, under another id.
    let undone: DeploymentView = world.ask_one(Request::Undo { id: gone, overwrite: false }).await;
    assert_eq!((&*undone.state, urls(&world)), ("undone", with_one));
}

fn automation(world: &World, id: &str) -> Option<String> {
    world.home.model(|model| model.states.get(id).map(|state| state.value.clone()))
}

#[tokio::test(start_paused = true)]
async fn r40_an_automation_comes_switched_off_and_r44_comes_back_with_its_entity() {
    let (world, portal) = house().await;
    let put =
        RoutinePut { existing: None, id: Some("acme_wake".into()), base: Base::None, content: WAKE.into() };
    let id = deployed(&world, &portal, Item::AutomationPut(put)).await;
    assert_eq!(automation(&world, "automation.wake").as_deref(), Some("off"));
    assert!(view(&world, id).await.unwrap().items[0].off);
    let on: DeploymentView = world.ask_one(Request::Enable { id, item: 0 }).await;
    assert!(on.items[0].enabled && !on.items[0].off, "{on:#?}");
    assert_eq!(automation(&world, "automation.wake").as_deref(), Some("on"));
    // The owner gives it another id; the deletion and its undo bring that back.
    world.home.rename_entity("automation.wake", "automation.morning");
    world.converge(&portal).await;
    let (existing, base) = thing(&world, id);
    let second = deployed(&world, &portal, Item::AutomationDelete(Delete { existing, base })).await;
    assert_eq!(world.home.model(|model| model.routines.ids(Domain::Automation)), Vec::<String>::new());
    let undone: DeploymentView = world.ask_one(Request::Undo { id: second, overwrite: false }).await;
    assert_eq!(undone.state, "undone");
    assert_eq!(world.home.model(|model| model.routines.ids(Domain::Automation)), ["acme_wake"]);
    assert_eq!(automation(&world, "automation.morning").as_deref(), Some("on"));
}

/// What Home Assistant does to a file takes a yes of its own, before the first write to it and not again.
#[tokio::test(start_paused = true)]
async fn r40_a_file_is_written_anew_only_after_a_yes_of_its_own() {
    let (world, portal) = house().await;
    let put = |id: &str, alias: &str| {
        let content = WAKE.replace("Wake", alias);
        let item = RoutinePut { existing: None, id: Some(id.to_owned()), base: Base::None, content };
        Item::AutomationPut(item)
    };
    let first = portal.submit(&portal.draft(vec![put("acme_wake", "Wake")])).await;
    let shown = until(&world, first, "waiting").await;
    assert_eq!(shown.files, ["automations.yaml".to_owned()].into());
    let plan_hash = shown.plan_hash.as_deref().and_then(Fixed::parse);
    let yes = |files| Request::Approve { id: first, plan_hash, hosts: Default::default(), files };
    let refused = world.ask(yes(Default::default())).await.unwrap_err();
    assert_eq!(refused.code, "file_not_agreed");
    assert!(refused.what.contains("automations.yaml"), "{refused:?}");
    assert_eq!(world.home.model(|model| model.routines.ids(Domain::Automation)), Vec::<String>::new());
    world.ask(yes(shown.files)).await.unwrap();
    until(&world, first, "verified").await;
    let second = portal.submit(&portal.draft(vec![put("acme_sleep", "Sleep")])).await;
    assert!(until(&world, second, "waiting").await.files.is_empty(), "that was asked before");
}

#[tokio::test(start_paused = true)]
async fn a_script_is_written_with_a_dashboard_or_not_at_all() {
    let (world, portal) = house().await;
    let script = RoutinePut {
        existing: None,
        id: Some("acme_night".into()),
        base: Base::None,
        content: r#"{"alias":"Night","sequence":[]}"#.into(),
    };
    let items = vec![dashboard("acme-hall", r#"{"views":[]}"#), Item::ScriptPut(script)];
    let id = portal.submit(&portal.draft(items)).await;
    approve(&world, id).await;
    until(&world, id, "verified").await;
    assert_eq!(world.home.model(|model| model.routines.ids(Domain::Script)), ["acme_night"]);
    let undone: DeploymentView = world.ask_one(Request::Undo { id, overwrite: false }).await;
    assert_eq!(undone.state, "undone");
    assert_eq!(world.home.model(|model| model.routines.ids(Domain::Script)), Vec::<String>::new());
    assert!(!has_dashboard(&world, "acme-hall"));
}

/// A script, an automation that calls it, a card, and a dashboard that names all three.
fn together() -> Vec<Item> {
    let routine = |id: &str, content: &str| RoutinePut {
        existing: None,
        id: Some(id.into()),
        base: Base::None,
        content: content.into(),
    };
    let board = r#"{"views":[{"cards":[{"type":"custom:acme-clock"},{"type":"entities","entities":["script.acme_night","automation.wake"]}]}]}"#;
    let wake = WAKE.replace(r#""actions":[]"#, r#""actions":[{"action":"script.acme_night"}]"#);
    vec![
        dashboard("acme-hall", board),
        Item::AutomationPut(routine("acme_wake", &wake)),
        Item::ScriptPut(routine("acme_night", r#"{"alias":"Night","sequence":[]}"#)),
        card("customElements.define('acme-clock', class extends HTMLElement {});", Base::None),
    ]
}

fn nothing_is_left(world: &World, urls_before: &[String]) {
    for domain in [Domain::Script, Domain::Automation] {
        assert_eq!(world.home.model(|model| model.routines.ids(domain)), Vec::<String>::new());
    }
    assert!(!has_dashboard(world, "acme-hall"));
    assert_eq!(urls(world), urls_before);
}

#[tokio::test(start_paused = true)]
async fn a_dashboard_names_what_comes_along_and_all_of_it_is_undone() {
    let (world, portal) = house().await;
    let before = urls(&world);
    let id = portal.submit(&portal.draft(together())).await;
    let shown = approve(&world, id).await;
    let callers = shown.abilities.iter().filter(|ability| ability.kind == "called_by").count();
    assert_eq!(callers, 2, "{shown:#?}");
    until(&world, id, "verified").await;
    let states = |id: &str| world.home.model(|model| model.states.contains_key(id));
    assert!(states("script.acme_night") && states("automation.wake"));
    assert!(contents(&world, "acme-hall").unwrap().contains("script.acme_night"));
    let undone: DeploymentView = world.ask_one(Request::Undo { id, overwrite: false }).await;
    assert_eq!(undone.state, "undone");
    nothing_is_left(&world, &before);
}

/// The entity id was taken in the moment between the plan and the deed: nothing stays that names the wrong thing.
#[tokio::test(start_paused = true)]
async fn what_gets_another_entity_id_than_others_name_is_rolled_back() {
    let (world, portal) = house().await;
    let before = urls(&world);
    let id = portal.submit(&portal.draft(together())).await;
    until(&world, id, "waiting").await;
    let saves = world.home.commands().get("lovelace/dashboards/create").copied().unwrap_or_default();
    world.home.before("lovelace/dashboards/create", saves + 1, |home| {
        home.rename_entity("automation.wake", "automation.other");
    });
    approve(&world, id).await;
    let rolled_back = until(&world, id, "rolled_back").await;
    assert_eq!(rolled_back.code.as_deref(), Some("other_entity_id"), "{rolled_back:#?}");
    nothing_is_left(&world, &before);
}

/// R40: what a deployment has brought can be switched on, by the last one that has written it; what was there before is the owner's.
#[tokio::test(start_paused = true)]
async fn r40_only_what_was_brought_and_is_still_off_is_offered_to_be_switched_on() {
    let (world, portal) = house().await;
    let put = |existing, id: Option<&str>, base, content: &str| {
        let content = content.to_owned();
        Item::AutomationPut(RoutinePut { existing, id: id.map(str::to_owned), base, content })
    };
    let first = deployed(&world, &portal, put(None, Some("acme_wake"), Base::None, WAKE)).await;
    // The entity is known as soon as it has been read.
    world.converge(&portal).await;
    let (existing, base) = thing(&world, first);
    let other = WAKE.replace("single", "restart");
    let second = deployed(&world, &portal, put(Some(existing), None, base, &other)).await;
    let off = async |id| view(&world, id).await.unwrap().items[0].off;
    assert!(!off(first).await && off(second).await, "the last one has it");
    let undone: DeploymentView = world.ask_one(Request::Undo { id: second, overwrite: false }).await;
    assert_eq!(undone.state, "undone");
    assert!(off(first).await && !off(second).await);
    world.ask(Request::Enable { id: first, item: 0 }).await.unwrap();
    assert!(!off(first).await);
    assert_eq!(automation(&world, "automation.wake").as_deref(), Some("on"));
    let (existing, base) = thing(&world, first);
    let third = deployed(&world, &portal, put(Some(existing), None, base, &other)).await;
    assert!(!off(third).await, "it was merely changed");
}
