//! Automations and scripts.

use vestibule_protocol::deployment::RoutinePut;

use super::*;

const NOW: &str = r#"{"id": "170", "alias": "Evening light", "triggers": [{"trigger": "sun", "event": "sunset"}], "conditions": [], "actions": [{"action": "light.turn_on", "target": {"entity_id": "light.kitchen"}}], "mode": "single"}"#;

pub(super) fn new(kind: RoutineKind, id: &str, content: &str) -> Item {
    put(kind, RoutinePut { existing: None, id: Some(id.into()), base: Base::None, content: content.into() })
}

fn replace(kind: RoutineKind, thing: OpaqueId, now: &str, content: &str) -> Item {
    let content = content.to_owned();
    put(kind, RoutinePut { existing: Some(thing), id: None, base: base(thing, now), content })
}

fn put(kind: RoutineKind, put: RoutinePut) -> Item {
    match kind {
        RoutineKind::Automation => Item::AutomationPut(put),
        RoutineKind::Script => Item::ScriptPut(put),
    }
}

fn routine(kind: RoutineKind, thing: Option<OpaqueId>, id: &str, state: RoutineState) -> RoutineNow {
    RoutineNow { kind, thing, id: text(id), state, enabled: None }
}

fn with(routines: Vec<RoutineNow>) -> HomeNow {
    HomeNow { routines, ..home() }
}

fn free(kind: RoutineKind, id: &str) -> HomeNow {
    with(vec![routine(kind, None, id, RoutineState::Absent)])
}

fn there(now: &str) -> HomeNow {
    let present = RoutineState::Present(text(now));
    with(vec![routine(RoutineKind::Automation, Some(AUTOMATION), "170", present)])
}

fn design() -> String {
    let lamp = token(Thing::Entity, "light.reading");
    format!(
        r#"{{"alias":"Evening","triggers":[{{"trigger":"sun","event":"sunset"}}],"actions":[{{"action":"light.turn_on","target":{{"entity_id":"{lamp}"}}}}]}}"#
    )
}

#[test]
fn r40_a_new_automation_arrives_switched_off() {
    let home = free(RoutineKind::Automation, "evening");
    let plan = planned(&home, vec![new(RoutineKind::Automation, "evening", &design())]).unwrap();
    assert_eq!(plan.steps.len(), 1);
    assert_eq!(plan.steps[0].before, Image::Absent);
    let text = after(&plan, 0);
    assert!(text.ends_with(r#","initial_state":false}"#) && text.contains("light.reading"), "{text}");
    assert_eq!(
        abilities(&plan),
        [
            (AbilityKind::CallsService, "light.turn_on".to_owned()),
            (AbilityKind::RunsByItself, "Evening".to_owned()),
            (AbilityKind::RewritesFile, "automations.yaml".to_owned()),
        ]
    );
    assert!(!plan.display_only);
    let on = design().replace(r#"{"alias""#, r#"{"initial_state":true,"alias""#);
    let plan = planned(&home, vec![new(RoutineKind::Automation, "evening", &on)]).unwrap();
    assert!(after(&plan, 0).starts_with(r#"{"initial_state":false,"alias""#));
}

#[test]
fn r40_no_update_switches_an_automation() {
    for (now, designed, state) in [
        (NOW.to_owned(), "true", None),
        (NOW.replace("\"mode\"", "\"initial_state\": false, \"mode\""), "true", Some("false")),
        (NOW.replace("\"mode\"", "\"initial_state\": true, \"mode\""), "false", Some("true")),
    ] {
        let content = design().replace(r#"{"alias""#, &format!(r#"{{"initial_state":{designed},"alias""#));
        let item = replace(RoutineKind::Automation, AUTOMATION, &now, &content);
        let text = after(&planned(&there(&now), vec![item]).unwrap(), 0);
        let found =
            ["true", "false"].into_iter().find(|value| text.contains(&format!("\"initial_state\":{value}")));
        assert_eq!(found, state, "{text}");
    }
}

#[test]
fn an_automation_that_left_comes_back() {
    let designed = leaving(AUTOMATION, DocumentKind::Automation, NOW);
    let same = replace(RoutineKind::Automation, AUTOMATION, NOW, &designed);
    assert!(planned(&there(NOW), vec![same]).unwrap().steps.is_empty());
    let lamp = (token(Thing::Entity, "light.kitchen"), token(Thing::Entity, "light.reading"));
    let other = replace(RoutineKind::Automation, AUTOMATION, NOW, &designed.replace(&lamp.0, &lamp.1));
    let plan = planned(&there(NOW), vec![other]).unwrap();
    assert_eq!(after(&plan, 0), NOW.replace("light.kitchen", "light.reading"));
    assert_eq!(image(&plan.steps[0].before), NOW);
}

#[test]
fn r40_what_home_assistant_cannot_write_is_left_alone() {
    let kind = RoutineKind::Automation;
    for (state, code) in
        [(RoutineState::Present(text("{}")), "id_taken"), (RoutineState::Unmanaged, "unmanaged")]
    {
        let home = with(vec![routine(kind, None, "evening", state)]);
        refused(&home, new(kind, "evening", &design()), code);
    }
    refused(&home(), new(kind, "evening", &design()), "unknown_reference");
    for (state, code) in [(RoutineState::Absent, "unmanaged"), (RoutineState::Unmanaged, "unmanaged")] {
        let home = with(vec![routine(kind, Some(AUTOMATION), "170", state)]);
        refused(&home, replace(kind, AUTOMATION, NOW, &design()), code);
        let delete = Delete { existing: AUTOMATION, base: base(AUTOMATION, NOW) };
        refused(&home, Item::AutomationDelete(delete), code);
    }
    refused(&there("{}"), replace(kind, AUTOMATION, NOW, &design()), "base_changed");
}

#[test]
fn r17_home_assistant_never_gets_a_body_that_it_would_refuse() {
    let kind = RoutineKind::Automation;
    for (content, code) in [
        ("[]".to_owned(), "wrong_shape"),
        (r#"{"alias":"x"}"#.to_owned(), "wrong_shape"),
        (design().replace(r#"{"alias""#, r#"{"id":"other","alias""#), "wrong_id"),
        (
            design()
                .replace("light.turn_on", "{{ x }}")
                .replace("{{ x }}\",", "{{ x }}\",\"device_id\":\"abc\","),
            "use_tokens",
        ),
    ] {
        refused(&free(kind, "evening"), new(kind, "evening", &content), code);
    }
    let old = HomeNow { version: "2024.3.3".to_owned(), ..free(kind, "evening") };
    refused(&old, new(kind, "evening", &design()), "needs_newer_home");
    let plain = design().replace("triggers", "trigger").replace("actions", "action");
    refused(&old, new(kind, "evening", &plain), "needs_newer_home");
    let plain = plain.replace(r#""action":"light"#, r#""service":"light"#);
    assert!(planned(&old, vec![new(kind, "evening", &plain)]).is_ok());
}

#[test]
fn r40_every_caller_of_a_script_is_named() {
    let mut home = free(RoutineKind::Script, "good_night");
    let calls = r#"{"triggers":[],"actions":[{"action":"script.good_night"}]}"#;
    let document =
        |name: &str, kind, doc: &str| Document { thing: None, kind, name: text(name), text: text(doc) };
    home.others = vec![
        document("Bedtime", DocumentKind::Automation, calls),
        document("Other", DocumentKind::Automation, r#"{"actions":[{"action":"script.other"}]}"#),
    ];
    home.dashboards[1].config =
        Some(text(r#"{"views":[{"cards":[{"type":"entities","entities":["script.good_night"]}]}]}"#));
    let plan = planned(&home, vec![new(RoutineKind::Script, "good_night", r#"{"sequence":[{"delay":1}]}"#)])
        .unwrap();
    assert_eq!(
        abilities(&plan),
        [
            (AbilityKind::CalledBy, "Bedtime".to_owned()),
            (AbilityKind::CalledBy, "House".to_owned()),
            (AbilityKind::RewritesFile, "scripts.yaml".to_owned()),
        ]
    );
    assert!(!after(&plan, 0).contains("initial_state"), "scripts have no such key");
}

#[test]
fn a_deleted_routine_leaves_nothing() {
    let delete = Item::AutomationDelete(Delete { existing: AUTOMATION, base: base(AUTOMATION, NOW) });
    let plan = planned(&there(NOW), vec![delete]).unwrap();
    assert_eq!((image(&plan.steps[0].before).as_str(), &plan.steps[0].after), (NOW, &Image::Absent));
    assert_eq!(
        abilities(&plan),
        [
            (AbilityKind::RewritesFile, "automations.yaml".to_owned()),
            (AbilityKind::Deletes, "Evening light".to_owned()),
        ]
    );
    let unknown = Delete { existing: SCRIPT, base: base(SCRIPT, "") };
    refused(&home(), Item::ScriptDelete(unknown), "unknown_reference");
}
