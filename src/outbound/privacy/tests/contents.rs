//! Contents of dashboards as records: only where granted, never of YAML, and a problem for each that cannot leave (R10, R11, R14, R16).

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::{OpaqueId, Thing};

use super::*;
use crate::identity::IdSource;
use crate::outbound::contents::base_hash;
use crate::outbound::example::{entity, shared, text};
use crate::outbound::privacy::ids;
use crate::outbound::privacy::policy::Excluded;
use crate::outbound::reading::{RawConfig, RawContents, RawDashboard, RawDocument, RawRoutine};

/// A dashboard in which every string that is not Home Assistant's own is a canary; `never…` stays at home whatever is granted.
const AVIARY: &str = r#"{"title":"own title","own key":1,"views":[{"path":"own-path","type":"sections","visible":[{"user":"never a user"}],
    "sections":[{"cards":[{"type":"custom:own-card","entity":"light.own_lamp","icon":"mdi:own","code":"never a code",
    "content":"own words for {{ states('light.own_lamp') }}","image":"http://never.example.org/never.png",
    "tap_action":{"action":"perform-action","perform_action":"notify.never_phone","target":{"area_id":"never area"}},
    "camera_image":"camera.never_excluded","card_mod":{"style":"own style"}}]}]}]}"#;

fn board(id: &str, yaml: bool) -> RawDashboard {
    RawDashboard {
        id: shared(id),
        yaml,
        title: None,
        url_path: Some(text("a-path")),
        icon: None,
        sidebar: true,
        admin: false,
    }
}

fn case(documents: &[(&str, bool, RawDocument)]) -> Case {
    let contents =
        documents.iter().map(|(id, _, document)| RawContents { id: shared(id), document: document.clone() });
    let mut case = Case::new(vec![
        Reading::Entities(vec![entity(1, "light.own_lamp")]),
        Reading::Dashboards(documents.iter().map(|(id, yaml, _)| board(id, *yaml)).collect()),
        Reading::Contents(contents.collect()),
    ]);
    case.consent.grant(Class::Dashboards);
    case
}

fn aviary() -> RawDocument {
    RawDocument::Text(text(AVIARY))
}

fn contents(case: &mut Case) -> BTreeMap<String, String> {
    let records = case.records().into_iter();
    records
        .map(|(key, body)| (key.to_string(), body))
        .filter(|(key, _)| key.starts_with("content/"))
        .collect()
}

#[test]
fn r10_no_word_of_a_dashboard_leaves_without_names() {
    let all = contents(&mut case(&[("wall", false, aviary())]));
    assert_eq!(all.len(), 1);
    for (key, body) in &all {
        assert!(!body.contains("own") && !body.contains("never"), "{key} {body}");
        assert!(body.contains("sections") && body.contains("@e_") && body.contains("@x_"), "{body}");
    }
}

#[test]
fn r10_with_names_words_leave_and_secrets_do_not() {
    let mut case = case(&[("wall", false, aviary())]).with_names();
    case.consent.grant(Class::Dashboards);
    let all = contents(&mut case);
    for body in all.values() {
        assert!(!body.contains("never") && !body.contains("light.own_lamp"), "{body}");
        for word in
            ["own title", "own key", "own-path", "custom:own-card", "mdi:own", "own words for", "own style"]
        {
            assert!(body.contains(word), "{word} is missing in {body}");
        }
    }
}

#[test]
fn r11_contents_of_yaml_never_leave() {
    let mut case = case(&[("yaml", true, aviary()), ("wall", false, aviary())]).with_names();
    case.consent.grant(Class::Dashboards);
    assert_eq!(contents(&mut case).len(), 1);
}

/// A home that lists an id twice is odd; its contents leave once, and not at all where the first of them is kept in YAML.
#[test]
fn of_two_dashboards_with_one_id_the_first_counts() {
    let two = |first: bool, second: bool| case(&[("wall", first, aviary()), ("wall", second, aviary())]);
    assert_eq!(contents(&mut two(false, true)).len(), 1);
    assert_eq!(contents(&mut two(false, false)).len(), 1);
    assert!(contents(&mut two(true, false)).is_empty());
}

#[test]
fn contents_need_their_own_grant_and_no_other() {
    let mut case = case(&[("wall", false, aviary())]);
    case.consent.withdraw(Class::Structure);
    let keys: Vec<String> = case.render().0.into_iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert!(keys[0].starts_with("content/b_"));
    case.consent.withdraw(Class::Dashboards);
    assert!(case.render().0.is_empty());
}

#[test]
fn r16_the_record_names_the_base() {
    let mut case = case(&[("wall", false, aviary())]);
    let key = keys(case.tenant).id_key;
    let wall: OpaqueId = key.opaque(Thing::Dashboard, IdSource::Text("wall"));
    let base: Fixed<32> = base_hash(&key, wall, AVIARY);
    let all = contents(&mut case);
    assert!(all[&format!("content/{wall}")].starts_with(&format!("{{\"base\":\"{base}\",\"text\":\"{{")));
}

#[test]
fn r14_what_cannot_leave_is_a_problem_and_the_rest_leaves() {
    let repeated = RawDocument::Text(text(r#"{"own":1,"own":2}"#));
    let half = RawDocument::Text(text(r#"{"title":"\ud800"}"#));
    let mut case = case(&[
        ("wall", false, aviary()),
        ("repeated", false, repeated),
        ("half", false, half),
        ("large", false, RawDocument::TooLarge),
        ("none", false, RawDocument::Absent),
    ]);
    assert_eq!(contents(&mut case).len(), 1);
    let keys = keys(case.tenant);
    let policy = Policy {
        consent: &case.consent,
        exclusions: &case.exclusions,
        kinds: &case.kinds,
        own_hosts: &case.own_hosts,
    };
    let view = View::new(&case.home, policy, &keys.id_key);
    // Rendered twice, told once.
    for _ in 0..2 {
        view.render(&case.ordinals, &case.orphans, &mut |_| {});
    }
    let problems = view.left_out();
    assert_eq!(problems.len(), 3);
    for problem in &problems {
        assert_eq!(problem.code, "contents_left_out");
        assert!(problem.what.contains("b_") && !problem.what.contains("own"), "{problem:?}");
    }
}

/// R11: a secret without any form, filled in by an older Home Assistant, is a word like any other; so none leaves there.
#[test]
fn r11_where_secrets_are_filled_in_no_word_of_an_automation_leaves() {
    for (version, passes) in [("2024.3.3", false), ("2026.11.0", true)] {
        let mut raw = entity(1, "automation.own_automation");
        raw.integration = Some(shared("automation"));
        let document = RawDocument::Text(text(
            r#"{"alias":"shapeless","trigger":[],"action":[{"service":"light.turn_on"}]}"#,
        ));
        let routine = RawRoutine { entity: raw.id.unwrap(), document };
        let config =
            RawConfig { version: version.into(), language: None, length_unit: None, installation_type: None };
        let mut case = Case::new(vec![
            Reading::Config(config),
            Reading::Entities(vec![raw]),
            Reading::Routines(vec![routine]),
        ])
        .with_names();
        assert!(contents(&mut case).is_empty(), "not granted");
        case.consent.grant(Class::Automations);
        let all = contents(&mut case);
        assert_eq!(all.len(), 1);
        for (key, body) in &all {
            assert!(key.starts_with("content/m_") && body.contains("light.turn_on"), "{key} {body}");
            assert_eq!(body.contains("shapeless"), passes, "{version}: {body}");
        }
    }
}

/// Each rendering is compared with one that remembers all before it; so here one thing after another changes that a text depends on.
#[test]
fn whatever_changes_nothing_of_before_is_left_in_contents() {
    let mut case = case(&[("wall", false, aviary())]);
    let lamp = ids::entity(&keys(case.tenant).id_key, Thing::Entity, &entity(1, "light.own_lamp"));
    let mut seen = std::collections::BTreeSet::new();
    let mut look = |case: &mut Case, changes: bool| {
        let new = seen.insert(contents(case).into_values().next().unwrap());
        assert_eq!(new, changes);
    };
    look(&mut case, true);
    look(&mut case, false);
    case.consent.grant(Class::Names);
    look(&mut case, true);
    case.own_hosts = vec![text("own words")];
    look(&mut case, true);
    case.own_hosts.clear();
    look(&mut case, false);
    case.exclusions = [Excluded::Thing(lamp)].into_iter().collect();
    look(&mut case, true);
    case.exclusions = Exclusions::default();
    look(&mut case, false);
    case.home.apply(Reading::Entities(vec![entity(1, "light.other")]), 0);
    // What has gone looks like what is excluded.
    look(&mut case, false);
    case.home
        .apply(Reading::Entities(vec![entity(1, "light.own_lamp"), entity(2, "camera.never_excluded")]), 0);
    look(&mut case, true);
    let edited = RawDocument::Text(text(&AVIARY.replace("own title", "own other title")));
    case.home.apply(Reading::Contents(vec![RawContents { id: shared("wall"), document: edited }]), 0);
    look(&mut case, true);
    case.consent.withdraw(Class::Names);
    look(&mut case, true);
}
