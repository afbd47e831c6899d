//! Dashboards.

use vestibule_protocol::deployment::DashboardPut;

use super::*;

pub(super) fn new(path: &str, content: &str) -> Item {
    Item::DashboardPut(DashboardPut {
        dashboard: None,
        url_path: Some(path.into()),
        title: Some("Kitchen".into()),
        icon: Some("mdi:pot".into()),
        sidebar: None,
        admin: Some(true),
        base: Base::None,
        content: content.into(),
    })
}

pub(super) fn replace(now: &str, content: &str) -> Item {
    replace_at(BOARD, now, content)
}

fn replace_at(thing: OpaqueId, now: &str, content: &str) -> Item {
    Item::DashboardPut(DashboardPut {
        dashboard: Some(thing),
        url_path: None,
        title: None,
        icon: None,
        sidebar: None,
        admin: None,
        base: base(thing, now),
        content: content.into(),
    })
}

fn cards(cards: &str) -> String {
    format!(r#"{{"views":[{{"cards":[{cards}]}}]}}"#)
}

#[test]
fn a_new_dashboard_is_a_record_and_its_contents() {
    let lamp = token(Thing::Entity, "light.reading");
    let room = token(Thing::Area, "kitchen").replace('@', "@n_");
    let mut item =
        new("my-kitchen", &cards(&format!(r#"{{"type": "tile", "entity": "{lamp}", "name": "In {room}"}}"#)));
    let Item::DashboardPut(put) = &mut item else { panic!("a dashboard") };
    put.title = Some(format!("{room} today"));
    let plan = planned(&home(), vec![item]).unwrap();
    assert_eq!(
        after(&plan, 0),
        r#"{"admin":true,"icon":"mdi:pot","sidebar":true,"title":"Grandma's kitchen today"}"#
    );
    assert_eq!(
        after(&plan, 1),
        cards(r#"{"type": "tile", "entity": "light.reading", "name": "In Grandma's kitchen"}"#)
    );
    assert!(plan.steps.iter().all(|step| step.before == Image::Absent && step.thing.is_none()));
    assert!(plan.display_only && plan.abilities.is_empty() && plan.objection().is_none());
    assert_eq!(
        plan.diff[0].words.iter().map(shown).collect::<Vec<_>>(),
        ["new dashboard with 1 view and 1 card", "entity Reading lamp is new in it"]
    );
}

#[test]
fn a_dashboard_that_left_comes_back_with_its_own_texts() {
    let designed = leaving(BOARD, DocumentKind::Dashboard, CONTENTS);
    assert!(!designed.contains("Grandma") && !designed.contains("light.kitchen"), "{designed}");
    let same = planned(&home(), vec![replace(CONTENTS, &designed)]).unwrap();
    assert!(same.steps.is_empty(), "nothing changes, nothing is written");
    let lamp = token(Thing::Entity, "light.reading");
    let kitchen = token(Thing::Entity, "light.kitchen");
    let plan = planned(&home(), vec![replace(CONTENTS, &designed.replace(&kitchen, &lamp))]).unwrap();
    assert_eq!(plan.steps.len(), 1);
    assert_eq!(plan.steps[0].thing, Some(BOARD));
    assert_eq!(image(&plan.steps[0].before), CONTENTS);
    assert_eq!(after(&plan, 0), CONTENTS.replace("light.kitchen", "light.reading"));
    // Its custom card was there before, set up the same way.
    assert_eq!(abilities(&plan), [(AbilityKind::UsesCard, "custom:button-card".to_owned())]);
    assert!(plan.abilities[0].kept && plan.display_only);
}

#[test]
fn r45_new_ones_need_a_path_that_no_panel_has() {
    for path in ["our-house", "in-file", "my-panel"] {
        refused(&home(), new(path, r#"{"views":[]}"#), "path_taken");
    }
}

#[test]
fn r45_only_storage_dashboards_are_replaced_or_deleted() {
    for (thing, code) in [
        (YAML, "yaml_dashboard"),
        (MADE_UP, "default_dashboard"),
        (LOVELACE, "default_dashboard"),
        (OpaqueId { thing: Thing::Dashboard, bits: 99 }, "unknown_reference"),
    ] {
        refused(&home(), replace_at(thing, r#"{"views":[]}"#, "{}"), code);
        let delete = Delete { existing: thing, base: base(thing, r#"{"views":[]}"#) };
        refused(&home(), Item::DashboardDelete(delete), code);
    }
}

#[test]
fn r16_what_was_changed_since_is_a_conflict_with_both_differences() {
    let mut changed = home();
    changed.dashboards[0].config = Some(text(&CONTENTS.replace("Our house", "My house")));
    let designed = leaving(BOARD, DocumentKind::Dashboard, CONTENTS);
    let designed = designed.replace(r#""type":"light""#, r#""type":"tile""#).replace("\"light\"", "\"tile\"");
    let refusal = refused(&changed, replace(CONTENTS, &designed), "base_changed");
    assert_eq!((refusal.disposition, refusal.diffs.len()), (Disposition::Conflict, 1));
    // With the old text from the journal, both sides can be shown.
    let hosts = BTreeSet::new();
    let known = [(BOARD, text(CONTENTS))];
    let choices = Choices { hosts: &hosts, known: &known, origins: &Origins::default() };
    let refusal = make(&deployment(vec![replace(CONTENTS, &designed)]), &changed, &Things, &key(), &choices)
        .unwrap_err();
    let words: Vec<Vec<String>> =
        refusal.diffs.iter().map(|diff| diff.words.iter().map(shown).collect()).collect();
    assert_eq!(words[0], ["title changed"]);
    assert_eq!(
        words[1],
        ["view Grandma: card tile (Ceiling) added", "view Grandma: card light (Ceiling) removed"]
    );
    assert_eq!(refusal.diffs[0].kind, "home");
    // A hash of another document does not fit this one, were the texts the same.
    let foreign = Item::DashboardDelete(Delete { existing: BOARD, base: base(OTHER, CONTENTS) });
    refused(&home(), foreign, "base_changed");
}

#[test]
fn a_deleted_dashboard_loses_contents_and_record() {
    let delete = Item::DashboardDelete(Delete { existing: BOARD, base: base(BOARD, CONTENTS) });
    let plan = planned(&home(), vec![delete]).unwrap();
    assert!(matches!(plan.steps[0].target, Target::DashboardConfig { .. }));
    assert!(
        matches!(&plan.steps[1].target, Target::DashboardRecord { id: Some(id), .. } if shown(id) == "our_house")
    );
    assert!(plan.steps.iter().all(|step| step.after == Image::Absent && step.before != Image::Absent));
    assert_eq!(abilities(&plan), [(AbilityKind::Deletes, "House".to_owned())]);
    assert!(!plan.display_only && plan.puts == 0);
}

#[test]
fn what_a_dashboard_refers_to_must_be_there() {
    let unknown = OpaqueId { thing: Thing::Entity, bits: 99 };
    for (content, code) in [
        (cards(&format!(r#"{{"type":"tile","entity":"@{unknown}"}}"#)), "unknown_reference"),
        (cards(r#"{"type":"tile","entity":"light.reading"}"#), "use_tokens"),
        (cards(r#"{"type":"tile","entity":"light.nowhere"}"#), "use_tokens"),
        (cards(r#"{"type":"area","area":"kitchen"}"#), "use_tokens"),
        (
            cards(
                r#"{"type":"button","tap_action":{"action":"call-service","service":"light.turn_on","target":{"label_id":"mine"}}}"#,
            ),
            "use_tokens",
        ),
        (cards(r#"{"type":"tile","entity":"@e_short"}"#), "bad_token"),
        (cards(r#"{"type":"tile","entity":"@x_aaaaaaaaaaaaa"}"#), "secret_moved"),
        (cards(r#"{"type":"nonsense"}"#), "unknown_card"),
        (cards(r#"{"type":"vertical-stack","cards":[{"type":"nonsense"}]}"#), "unknown_card"),
        (cards(r#"{"type":"custom:nobodys-card"}"#), "unknown_card"),
        (r#"{"strategy":{"type":"custom:nobodys-strategy"}}"#.to_owned(), "unknown_card"),
        (r#"{"title":"x"}"#.to_owned(), "wrong_shape"),
        ("[]".to_owned(), "wrong_shape"),
        (r#"{"views":[1]}"#.to_owned(), "wrong_shape"),
        (r#"{"views":[],"views":[]}"#.to_owned(), "duplicate_key"),
        ("{".to_owned(), "not_json"),
        (format!("{}{}", r#"{"views":["#.repeat(70), "]}".repeat(70)), "too_deep"),
    ] {
        refused(&home(), new("my-kitchen", &content), code);
    }
    let old = HomeNow { version: "2024.3.3".to_owned(), ..home() };
    let heading = || new("my-kitchen", &cards(r#"{"type":"heading","heading":"x"}"#));
    refused(&old, heading(), "needs_newer_home");
    assert!(planned(&home(), vec![heading()]).is_ok());
    // Known from the list of resources, or because a dashboard uses it already.
    for card in ["custom:button-card", "custom:button-card-template"] {
        assert!(
            planned(&home(), vec![new("my-kitchen", &cards(&format!(r#"{{"type":"{card}"}}"#)))]).is_ok()
        );
    }
}

#[test]
fn r37_a_remote_host_is_refused_unless_the_owner_allows_it() {
    let item =
        || vec![new("my-kitchen", &cards(r#"{"type":"picture","image":"https://evil.example/x.png"}"#))];
    let plan = planned(&home(), item()).unwrap();
    assert_eq!(plan.refused_hosts, ["evil.example"]);
    let objection = plan.objection().unwrap();
    assert_eq!((objection.code, objection.about.as_deref()), ("remote_host", Some("evil.example")));
    let allowed = planned_with(&home(), item(), &["evil.example"]).unwrap();
    assert!(allowed.objection().is_none() && !allowed.display_only);
    // Also in the title, which is no part of the contents.
    let mut title = new("my-kitchen", r#"{"views":[]}"#);
    let Item::DashboardPut(put) = &mut title else { panic!("a dashboard") };
    put.icon = Some("https://evil.example/i.svg".into());
    assert_eq!(planned(&home(), vec![title]).unwrap().refused_hosts, ["evil.example"]);
}

#[test]
fn r37_the_owners_own_address_stays_where_it_is() {
    let own = r#"{"views":[{"cards":[{"type":"iframe","url":"https://weather.example/radar"}]}]}"#;
    let mut home = home();
    home.dashboards[0].config = Some(text(own));
    let designed = leaving(BOARD, DocumentKind::Dashboard, own);
    let designed = designed.replace(r#""views":["#, r#""views":[{"cards":[]},"#);
    let plan = planned(&home, vec![replace(own, &designed)]).unwrap();
    assert!(plan.refused_hosts.is_empty() && plan.abilities.iter().all(|ability| ability.kept));
    assert!(!plan.display_only, "it is named, and asked for");
}

#[test]
fn r38_anything_beyond_showing_is_asked_for() {
    let lamp = token(Thing::Entity, "light.reading");
    for (card, only) in [
        (format!(r#"{{"type":"tile","entity":"{lamp}","tap_action":{{"action":"toggle"}}}}"#), true),
        (format!(r#"{{"type":"markdown","content":"{{{{ states('{lamp}') }}}} degrees"}}"#), true),
        (format!(r#"{{"type":"markdown","content":"{{{{ states('{lamp}').replace('a', 'b') }}}}"}}"#), false),
        (
            r#"{"type":"button","tap_action":{"action":"perform-action","perform_action":"light.turn_on"}}"#
                .to_owned(),
            false,
        ),
        (r#"{"type":"custom:button-card"}"#.to_owned(), false),
        (r#"{"type":"iframe","url":"/local/x.html"}"#.to_owned(), false),
    ] {
        let plan = planned(&home(), vec![new("my-kitchen", &cards(&card))]).unwrap();
        assert_eq!(plan.display_only, only, "{card}: {:?}", abilities(&plan));
    }
}

#[test]
fn title_icon_and_place_are_a_step_of_their_own() {
    let designed = leaving(BOARD, DocumentKind::Dashboard, CONTENTS);
    let mut item = replace(CONTENTS, &designed);
    let Item::DashboardPut(put) = &mut item else { panic!("a dashboard") };
    put.title = Some("New".into());
    let plan = planned(&home(), vec![item]).unwrap();
    assert_eq!(plan.steps.len(), 1);
    assert!(matches!(plan.steps[0].target, Target::DashboardRecord { id: Some(_), .. }));
    assert!(image(&plan.steps[0].before).contains("House") && after(&plan, 0).contains("New"));
}

#[test]
fn r23_what_home_assistant_would_not_take_is_refused_before_anybody_is_asked() {
    let name = "x".repeat(1 << 20);
    let item = new("my-kitchen", &format!(r#"{{"views":[],"a":"{name}","b":"{name}"}}"#));
    refused(&home(), item, "too_large");
}
