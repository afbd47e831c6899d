//! Designs that are right, and one that is wrong for each reason.

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::{DashboardPut, Delete, RoutinePut};

use super::*;
use crate::author::earlier::tests::{deployment, new_dashboard};

const NOW: u64 = 1_800_000_100;
const BOARD: &str = "b_aaaaaaaaaaaaa";

fn base() -> Fixed<32> {
    Fixed([6; 32])
}

fn held() -> Held {
    let text = serde_json::json!({ "key": "content/b_aaaaaaaaaaaaa", "record": {
        "base": base(), "text": r#"{"title":"@x_aaaaaaaaaaaaa","views":[{"note":"call @x_baaaaaaaaaaaa"}]}"# } });
    let lines = [
        r#"{"key":"dashboard/b_aaaaaaaaaaaaa","record":{"mode":"storage"}}"#,
        r#"{"key":"dashboard/b_baaaaaaaaaaaa","record":{"mode":"yaml"}}"#,
        r#"{"key":"name/b_aaaaaaaaaaaaa","record":{"path":"taken-path"}}"#,
        r#"{"key":"entity/e_aaaaaaaaaaaaa","record":{"domain":"light"}}"#,
        r#"{"key":"area/a_aaaaaaaaaaaaa","record":{"kind":"kitchen","order":0,"ordinal":1}}"#,
        r#"{"key":"automation/m_aaaaaaaaaaaaa","record":{"editor":true,"entity":"e_aaaaaaaaaaaaa"}}"#,
        r#"{"key":"automation/m_baaaaaaaaaaaa","record":{"entity":"e_aaaaaaaaaaaaa"}}"#,
        &text.to_string(),
    ];
    Held::read(&lines.join("\n")).unwrap()
}

fn findings(items: Vec<Item>) -> Vec<(bool, &'static str, Option<String>)> {
    let mut bases = Bases::default();
    bases.learn_held(&held());
    let found = check(&deployment(items), &held(), &bases, NOW);
    for finding in &found {
        assert!(!finding.words().contains("see the documentation"), "{finding:?}");
    }
    found.into_iter().map(|finding| (finding.error, finding.code, finding.subject)).collect()
}

fn errors(items: Vec<Item>) -> Vec<&'static str> {
    findings(items).into_iter().filter(|(error, ..)| *error).map(|(_, code, _)| code).collect()
}

fn replaced(content: &str) -> Item {
    Item::DashboardPut(DashboardPut {
        dashboard: Some(BOARD.parse().unwrap()),
        url_path: None,
        title: None,
        icon: None,
        sidebar: None,
        admin: None,
        base: Base::Hash(base()),
        content: content.into(),
    })
}

#[test]
fn a_design_in_order_has_no_findings() {
    let board = r#"{"views":[{"title":"@n_a_aaaaaaaaaaaaa","cards":[{"type":"tile","entity":"@e_aaaaaaaaaaaaa",
        "tap_action":{"action":"perform-action","perform_action":"light.turn_on"}}]}]}"#;
    assert_eq!(findings(vec![new_dashboard("kitchen-board", board)]), []);
    let same = r#"{"title":"@x_aaaaaaaaaaaaa","views":[{"note":"call @x_baaaaaaaaaaaa"}]}"#;
    assert_eq!(findings(vec![replaced(same)]), []);
}

#[test]
fn r15_unknown_things_and_raw_ids_are_named() {
    let board = r#"{"cards":[{"entity":"light.lamp"},{"entities":["@e_baaaaaaaaaaaa","sensor.x"]},
        {"content":"The @d_aaaaaaaaaaaaa and @e_short, {{ states('sensor.t') }}"},{"person":"@n_a_baaaaaaaaaaaa"}]}"#;
    let found = findings(vec![new_dashboard("a-b", board)]);
    let expected = [
        (false, "looks_like_an_entity_id", "sensor.t"),
        (true, "bad_token", "@e_short"),
        (true, "unknown_reference", "a_baaaaaaaaaaaa"),
        (true, "unknown_reference", "d_aaaaaaaaaaaaa"),
        (true, "unknown_reference", "e_baaaaaaaaaaaa"),
        (true, "use_tokens", "light.lamp"),
        (true, "use_tokens", "sensor.x"),
    ];
    assert_eq!(found, expected.map(|(error, code, subject)| (error, code, Some(subject.to_owned()))));
}

#[test]
fn r13_hidden_texts_stay_where_they_stood() {
    for moved in [
        r#"{"heading":"@x_aaaaaaaaaaaaa"}"#,
        r#"{"title":"Hello @x_aaaaaaaaaaaaa"}"#,
        r#"{"title":"@x_caaaaaaaaaaaa"}"#,
        r#"{"@x_aaaaaaaaaaaaa":1}"#,
    ] {
        assert_eq!(errors(vec![replaced(moved)]), ["secret_moved"], "{moved}");
    }
    let title = r#"{"title":"@x_aaaaaaaaaaaaa"}"#;
    assert_eq!(errors(vec![new_dashboard("a-b", title)]), ["secret_moved"]);
}

#[test]
fn what_cannot_be_written_is_told() {
    let delete = |id: &str, base| {
        let existing: OpaqueId = id.parse().unwrap();
        let delete = Delete { existing, base };
        if existing.thing == Thing::Dashboard {
            Item::DashboardDelete(delete)
        } else {
            Item::AutomationDelete(delete)
        }
    };
    let known = Base::Hash(base());
    assert_eq!(errors(vec![delete(BOARD, known)]), [""; 0]);
    assert_eq!(errors(vec![delete(BOARD, Base::Hash(Fixed([1; 32])))]), ["base_differs"]);
    assert_eq!(errors(vec![delete("b_baaaaaaaaaaaa", known)]), ["yaml_mode"]);
    assert_eq!(errors(vec![delete("b_caaaaaaaaaaaa", known)]), ["unknown_reference"]);
    assert_eq!(errors(vec![delete("m_baaaaaaaaaaaa", known)]), ["unmanaged"]);
    assert_eq!(
        findings(vec![delete("m_aaaaaaaaaaaaa", known)]),
        [(false, "base_not_checked", Some("m_aaaaaaaaaaaaa".into()))]
    );
    assert_eq!(errors(vec![new_dashboard("taken-path", "{}")]), ["path_taken"]);
    assert_eq!(errors(vec![new_dashboard("a-b", "[]")]), ["not_json"]);
    assert_eq!(errors(vec![new_dashboard("a-b", "{\"a\":1,\"a\":2}")]), ["duplicate_key"]);
    let mut late = deployment(vec![new_dashboard("a-b", "{}")]);
    late.expires = NOW;
    assert_eq!(check(&late, &held(), &Bases::default(), NOW)[0].code, "expired");
}

#[test]
fn cards_are_looked_at() {
    let card = |module: &str, base| {
        let hash = Fixed(*blake3::hash(module.as_bytes()).as_bytes());
        Item::CardPut(CardPut { element: "acme-clock".into(), module: module.into(), hash, base })
    };
    let sound = "customElements.define('acme-clock', X)";
    let board = |element: &str| new_dashboard("a-b", &format!("{{\"type\":\"custom:{element}\"}}"));
    assert_eq!(findings(vec![card(sound, Base::None), board("acme-clock")]), []);
    assert_eq!(
        findings(vec![board("other-card")]),
        [(false, "card_not_deployed", Some("other-card".into()))]
    );
    assert_eq!(findings(vec![card("1", Base::None)])[0].1, "element_not_defined");
    assert_eq!(errors(vec![card(sound, Base::Hash(base()))]), ["base_differs"]);
    let large: Vec<Item> =
        (0..5).map(|_| card(&format!("acme-clock{}", "x".repeat(250_000)), Base::None)).collect();
    assert_eq!(errors(large), ["cards_too_large"]);
}

#[test]
fn routines_are_read_like_dashboards() {
    let routine = RoutinePut {
        existing: None,
        id: Some("night".into()),
        base: Base::None,
        content: r#"{"triggers":[{"trigger":"state","entity_id":"light.lamp"}],"actions":[{"action":"light.turn_off",
            "target":{"entity_id":"@e_aaaaaaaaaaaaa"}}]}"#
            .into(),
    };
    assert_eq!(
        findings(vec![Item::AutomationPut(routine)]),
        [(true, "use_tokens", Some("light.lamp".into()))]
    );
}

#[test]
fn what_comes_along_is_named_by_the_entity_id_that_it_will_get() {
    let routine = |id: &str, content: &str| RoutinePut {
        existing: None,
        id: Some(id.into()),
        base: Base::None,
        content: content.into(),
    };
    let board = r#"{"cards":[{"entities":["script.night","automation.wake_up"]},{"content":"{{ states('script.night') }}"},
        {"tap_action":{"action":"perform-action","perform_action":"script.night"}}]}"#;
    let script = || Item::ScriptPut(routine("night", r#"{"sequence":[]}"#));
    let wake = || {
        Item::AutomationPut(routine(
            "x",
            r#"{"alias":"Wake up","triggers":[],"actions":[{"action":"script.night"}]}"#,
        ))
    };
    assert_eq!(findings(vec![new_dashboard("a-b", board), wake(), script()]), []);
    let found = findings(vec![new_dashboard("a-b", board), wake()]);
    let script = |error, code| (error, code, Some("script.night".to_owned()));
    let (looks, raw) = (script(false, "looks_like_an_entity_id"), script(true, "use_tokens"));
    assert_eq!(found, [looks, raw.clone(), raw]);
}
