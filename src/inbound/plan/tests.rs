//! Plans on a small home: what fits, what is refused, and exactly what would be written.

mod arriving;
mod cards;
mod dashboards;
mod repair;
mod routines;

use std::collections::BTreeSet;

use vestibule_protocol::deployment::{Base, Delete, Deployment, DeploymentId, Item};
use vestibule_protocol::id::{Fingerprint, OpaqueId, TenantId, Thing};

use super::make::make;
use super::*;
use crate::inbound::abilities::AbilityKind;
use crate::inbound::example::{Things, key, shown, text, token};
use crate::inbound::refusal::{Disposition, Refusal};
use crate::outbound::contents::{Contents, DocumentKind, base_hash, rewrite};

const BOARD: OpaqueId = OpaqueId { thing: Thing::Dashboard, bits: 50 };
const OTHER: OpaqueId = OpaqueId { thing: Thing::Dashboard, bits: 51 };
const YAML: OpaqueId = OpaqueId { thing: Thing::Dashboard, bits: 52 };
const MADE_UP: OpaqueId = OpaqueId { thing: Thing::Dashboard, bits: 53 };
const LOVELACE: OpaqueId = OpaqueId { thing: Thing::Dashboard, bits: 54 };
const AUTOMATION: OpaqueId = OpaqueId { thing: Thing::Automation, bits: 60 };
const SCRIPT: OpaqueId = OpaqueId { thing: Thing::Script, bits: 70 };

const CONTENTS: &str = r#"{"title": "Our house", "views": [{"title": "Grandma", "cards": [
    {"type": "light", "entity": "light.kitchen", "name": "Ceiling of ours"}, {"type": "custom:button-card", "entity": "light.gone"}]}]}"#;
const CLOCK: &str = "customElements.define('acme-clock', class extends HTMLElement { setConfig() {} });";

fn dashboard(thing: OpaqueId, path: &str, config: Option<&str>) -> DashboardNow {
    DashboardNow {
        thing: Some(thing),
        id: Some(text(&path.replace('-', "_"))),
        url_path: text(path),
        yaml: false,
        record: DashboardRecord { title: text("House"), icon: None, sidebar: true, admin: false },
        config: config.map(text),
    }
}

fn home() -> HomeNow {
    HomeNow {
        version: "2026.11.0".to_owned(),
        dashboards: vec![
            dashboard(BOARD, "our-house", Some(CONTENTS)),
            dashboard(OTHER, "other-one", Some(r#"{"views":[]}"#)),
            DashboardNow { yaml: true, id: None, ..dashboard(YAML, "in-file", None) },
            dashboard(MADE_UP, "made-up", None),
            dashboard(LOVELACE, "lovelace", Some(r#"{"views":[]}"#)),
        ],
        panels: ["our-house", "other-one", "in-file", "made-up", "lovelace", "config", "my-panel"]
            .map(text)
            .into(),
        resources: vec![ResourceNow {
            id: Some(text("r1")),
            module: true,
            url: text("/hacsfiles/button-card/button-card.js?hacstag=1"),
        }],
        resource_mode: ResourceMode::Storage,
        routines: Vec::new(),
        others: Vec::new(),
    }
}

fn base(thing: OpaqueId, now: &str) -> Base {
    Base::Hash(base_hash(&key(), thing, now))
}

fn deployment(items: Vec<Item>) -> Deployment {
    Deployment {
        id: DeploymentId::new(1_800_000_000_000, [9; 16]),
        tenant: TenantId([1; 32]),
        target: Fingerprint([2; 32]),
        sequence: 7,
        issued: 100,
        not_before: 100,
        expires: 200,
        title: "Kitchen".into(),
        summary: String::new(),
        author: "Dan".into(),
        items,
    }
}

fn planned_with(home: &HomeNow, items: Vec<Item>, hosts: &[&str]) -> Result<Plan, Refusal> {
    let hosts: BTreeSet<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    make(
        &deployment(items),
        home,
        &Things,
        &key(),
        &Choices { hosts: &hosts, known: &[], origins: &Origins::default() },
    )
}

fn planned(home: &HomeNow, items: Vec<Item>) -> Result<Plan, Refusal> {
    planned_with(home, items, &[])
}

#[track_caller]
fn refused(home: &HomeNow, item: Item, code: &str) -> Refusal {
    let refusal = planned(home, vec![item]).expect_err(code);
    assert_eq!((refusal.code, refusal.item), (code, Some(0)), "{:?}", refusal.about);
    assert_ne!(
        refusal.problem().what,
        Refusal::refused("nothing like it").problem().what,
        "{code} has words"
    );
    refusal
}

fn after(plan: &Plan, at: usize) -> String {
    image(&plan.steps[at].after)
}

fn image(image: &Image) -> String {
    match image {
        Image::Absent => "absent".to_owned(),
        Image::Present(text) => shown(text),
    }
}

fn abilities(plan: &Plan) -> Vec<(AbilityKind, String)> {
    plan.abilities.iter().map(|ability| (ability.kind, shown(&ability.subject))).collect()
}

/// The document as it leaves, for designs that start from it.
fn leaving(thing: OpaqueId, kind: DocumentKind, now: &str) -> String {
    rewrite(&Contents { thing, kind, text: now }, &Things, &key(), false).unwrap()
}

#[test]
fn r36_the_hash_covers_everything_that_a_yes_is_given_to() {
    let one = planned(&home(), vec![dashboards::new("my-kitchen", "{\"views\":[]}")]).unwrap();
    assert_eq!(one, planned(&home(), vec![dashboards::new("my-kitchen", "{\"views\":[]}")]).unwrap());
    let mut hashes = BTreeSet::from([one.hash]);
    for item in [
        dashboards::new("my-kitchen2", "{\"views\":[]}"),
        dashboards::new("my-kitchen", "{\"views\":[{}]}"),
        dashboards::new("my-kitchen", "{\"views\": []}"),
        dashboards::replace(CONTENTS, &leaving(BOARD, DocumentKind::Dashboard, CONTENTS)),
    ] {
        assert!(hashes.insert(planned(&home(), vec![item]).unwrap().hash));
    }
    // The before-image too: what is replaced has changed, and the base fits again.
    let other = CONTENTS.replace("Our house", "Their house");
    let mut changed = home();
    changed.dashboards[0].config = Some(text(&other));
    let put = |now: &str| dashboards::replace(now, "{\"views\":[]}");
    let before = planned(&home(), vec![put(CONTENTS)]).unwrap();
    let now = planned(&changed, vec![put(&other)]).unwrap();
    assert_ne!(before.hash, now.hash);
    // And what it may call.
    let remote = || vec![dashboards::new("my-x", r#"{"views":[],"background":"https://a.example/b"}"#)];
    let refused = planned(&home(), remote()).unwrap();
    assert_eq!(refused.hash, planned_with(&home(), remote(), &["a.example"]).unwrap().hash);
}

#[test]
fn r44_deletes_come_last() {
    let delete = Item::DashboardDelete(Delete { existing: BOARD, base: base(BOARD, CONTENTS) });
    let plan = planned(&home(), vec![delete, dashboards::new("my-kitchen", r#"{"views":[]}"#)]).unwrap();
    let items: Vec<u32> = plan.steps.iter().map(|step| step.item).collect();
    assert_eq!((items, plan.puts), (vec![1, 1, 0, 0], 2));
}

#[test]
fn two_items_do_not_meet_in_one_place() {
    let twice = vec![dashboards::new("my-kitchen", "{\"views\":[]}"); 2];
    let refusal = planned(&home(), twice).unwrap_err();
    assert_eq!((refusal.code, refusal.item), ("item_twice", Some(1)));
}

#[test]
fn needs_name_what_has_to_be_read() {
    let delete = |existing| Delete { existing, base: base(existing, "") };
    let dashboards =
        needs(&deployment(vec![dashboards::new("my-kitchen", "{}"), Item::DashboardDelete(delete(BOARD))]));
    assert_eq!(dashboards.dashboards, BTreeSet::from([BOARD]));
    assert!(!dashboards.everything && dashboards.more());
    let script = needs(&deployment(vec![routines::new(RoutineKind::Script, "evening", "{}")]));
    assert!(script.everything, "every caller is named");
    assert_eq!(script.new_routines, BTreeSet::from([(RoutineKind::Script, "evening".to_owned())]));
    let automation = needs(&deployment(vec![Item::AutomationDelete(delete(AUTOMATION))]));
    assert_eq!(automation.routines, BTreeSet::from([AUTOMATION]));
    assert!(!needs(&deployment(vec![cards::put(CLOCK, Base::None)])).more());
}

#[test]
fn a_record_comes_back_from_its_image() {
    for record in [
        DashboardRecord { title: text("A \"b\""), icon: Some(text("mdi:home")), sidebar: true, admin: false },
        DashboardRecord { title: text(""), icon: None, sidebar: false, admin: true },
    ] {
        assert_eq!(DashboardRecord::of_text(&record.text()), Some(record));
    }
    assert_eq!(DashboardRecord::of_text(&text("{}")), None);
}
