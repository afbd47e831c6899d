//! What documents can do, document by document.

use super::*;
use crate::inbound::hosts;

fn seen(kind: DocumentKind, text: &str) -> Vec<(AbilityKind, String)> {
    let json = Json::parse(text).unwrap();
    let (abilities, _) = of_document(0, kind, None, &json);
    abilities.into_iter().map(|a| (a.kind, a.subject.reveal_to_inbound().to_string())).collect()
}

fn on_a_card(card: &str) -> Vec<(AbilityKind, String)> {
    seen(DocumentKind::Dashboard, &format!(r#"{{"views":[{{"title":"Home","cards":[{card}]}}]}}"#))
}

#[test]
fn r38_what_only_shows_can_do_nothing() {
    for card in [
        r#"{"type":"tile","entity":"light.kitchen"}"#,
        r#"{"type":"entities","title":"Kitchen","entities":["light.a",{"entity":"sensor.b","name":"Warm"}]}"#,
        r#"{"type":"button","entity":"light.a","tap_action":{"action":"toggle"},"hold_action":{"action":"more-info"}}"#,
        r#"{"type":"markdown","content":"It is {{ states('sensor.x') | round(1) }} degrees"}"#,
        r#"{"type":"markdown","content":"<b>Warm</b><br><ha-icon icon=\"mdi:home\"></ha-icon>"}"#,
        r#"{"type":"picture","image":"/local/house.png","icon":"mdi:home"}"#,
        r#"{"type":"conditional","conditions":[{"entity":"light.a","state":"on"}],"card":{"type":"tile","entity":"light.a"}}"#,
    ] {
        assert_eq!(on_a_card(card), [], "{card}");
    }
    let navigates =
        on_a_card(r#"{"type":"button","tap_action":{"action":"navigate","navigation_path":"/lovelace/x"}}"#);
    assert_eq!(navigates, [(AbilityKind::Navigates, "/lovelace/x".to_owned())]);
}

#[test]
fn r37_every_channel_out_of_a_browser_is_named() {
    use AbilityKind::{CallsHost, RunsCode, ShowsPage, UsesCard};
    let evil = || "evil.example".to_owned();
    for (card, kind, subject) in [
        (r#"{"type":"markdown","content":"![x](https://evil.example/x.png)"}"#, CallsHost, evil()),
        (r#"{"type":"markdown","content":"<img src=//evil.example/x>"}"#, CallsHost, evil()),
        (r#"{"type":"picture","image":"https://evil.example/x.png"}"#, CallsHost, evil()),
        (
            r#"{"type":"picture-elements","elements":[{"style":{"background":"url(//evil.example)"}}]}"#,
            CallsHost,
            evil(),
        ),
        (r#"{"type":"tile","entity":"light.a","https://evil.example":1}"#, CallsHost, evil()),
        (r#"{"type":"iframe","url":"https://evil.example"}"#, ShowsPage, evil()),
        (r#"{"type":"iframe","url":"/local/page.html"}"#, ShowsPage, hosts::HERE.to_owned()),
        (
            r#"{"type":"button","tap_action":{"action":"url","url_path":"https://evil.example"}}"#,
            CallsHost,
            evil(),
        ),
        (
            r#"{"type":"button","tap_action":{"action":"url","url_path":"javascript:alert(1)"}}"#,
            RunsCode,
            "javascript:".to_owned(),
        ),
        (r#"{"type":"tile","card_mod":{"style":"ha-card { color: red }"}}"#, RunsCode, "card_mod".to_owned()),
        (r#"{"type":"custom:button-card","name":"[[[ return user.name ]]]"}"#, RunsCode, "[[[".to_owned()),
        (r#"{"type":"custom:button-card"}"#, UsesCard, "custom:button-card".to_owned()),
        (r#"{"type":"markdown","content":"{{ states | list }}"}"#, RunsCode, "template".to_owned()),
        (
            r#"{"type":"markdown","content":"[x](/y?{{ states('sensor.x') }})"}"#,
            RunsCode,
            "template".to_owned(),
        ),
        // Past the words for a frame that shows a page of the home's own.
        (r#"{"type":"iframe","url":"data:image/svg+xml;base64,AAAA"}"#, ShowsPage, hosts::ANY.to_owned()),
        (
            r#"{"type":"button","tap_action":{"action":"url","url_path":"tel:+49900"}}"#,
            AbilityKind::ActsInBrowser,
            "tel:".to_owned(),
        ),
        (
            r#"{"type":"entities","entities":[{"type":"weblink","url":"homeassistant://call_service/lock.unlock"}]}"#,
            AbilityKind::ActsInBrowser,
            "homeassistant:".to_owned(),
        ),
        (
            r#"{"type":"markdown","content":"www.{{ states('lock.door') }}.evil.example"}"#,
            RunsCode,
            "template".to_owned(),
        ),
        (
            r#"{"type":"history-graph","entities":[{"entity":"sensor.x","name":"<img src=x onerror='alert(1)'>"}]}"#,
            RunsCode,
            "HTML".to_owned(),
        ),
        (
            r#"{"type":"picture","image":"/api/webhook/open-the-door"}"#,
            AbilityKind::ActsInBrowser,
            "webhook".to_owned(),
        ),
        (
            r#"{"type":"history-graph","entities":[{"entity":"sensor.x","name":"<img title='"}]}"#,
            RunsCode,
            "HTML".to_owned(),
        ),
        (
            r#"{"type":"picture-elements","elements":[{"style":{"background":"u\\72l(x)"}}]}"#,
            RunsCode,
            "style".to_owned(),
        ),
    ] {
        let found = on_a_card(card);
        let expected = (kind, subject);
        assert!(found.contains(&expected), "{card}: {found:?}");
    }
    let strategy = seen(DocumentKind::Dashboard, r#"{"strategy":{"type":"iframe","url":"//evil.example"}}"#);
    assert!(strategy.contains(&(ShowsPage, evil())));
    let background = seen(
        DocumentKind::Dashboard,
        r#"{"background":"center / cover url('https://evil.example/b.png')","views":[]}"#,
    );
    assert!(background.contains(&(CallsHost, evil())));
    let hidden = seen(
        DocumentKind::Dashboard,
        r#"{"background":"center / cover u\\72l(\\2f\\2f evil.example/b.png)","views":[]}"#,
    );
    assert!(hidden.contains(&(CallsHost, evil())), "{hidden:?}");
    let alias = seen(DocumentKind::Automation, r#"{"alias":"<img src=x onerror=alert(1)>","actions":[]}"#);
    assert_eq!(alias, [(RunsCode, "HTML".to_owned())]);
}

#[test]
fn r37_services_are_named_in_every_spelling() {
    for card in [
        r#"{"type":"button","tap_action":{"action":"call-service","service":"lock.unlock"}}"#,
        r#"{"type":"button","hold_action":{"action":"perform-action","perform_action":"lock.unlock"}}"#,
        r#"{"type":"entities","entities":[{"type":"call-service","service":"lock.unlock"}]}"#,
    ] {
        assert_eq!(on_a_card(card), [(AbilityKind::CallsService, "lock.unlock".to_owned())], "{card}");
    }
    let acts = on_a_card(r#"{"type":"button","tap_action":{"action":"fire-dom-event","x":1}}"#);
    assert_eq!(acts, [(AbilityKind::ActsInBrowser, "fire-dom-event".to_owned())]);
    for (text, expected) in [
        (r#"{"action":[{"service":"light.turn_on"}]}"#, (AbilityKind::CallsService, "light.turn_on")),
        (r#"{"actions":[{"action":"light.turn_on"}]}"#, (AbilityKind::CallsService, "light.turn_on")),
        (
            r#"{"actions":[{"if":[],"then":[{"action":"light.turn_on"}]}]}"#,
            (AbilityKind::CallsService, "light.turn_on"),
        ),
        (r#"{"actions":[{"action":"{{ x }}"}]}"#, (AbilityKind::CallsAnyService, "{{ x }}")),
        (r#"{"actions":[{"scene":"scene.x"}]}"#, (AbilityKind::CallsService, "scene.turn_on")),
        (r#"{"actions":[{"event":"boo"}]}"#, (AbilityKind::FiresEvent, "boo")),
        (
            r#"{"actions":[{"device_id":"x","domain":"light","type":"turn_on"}]}"#,
            (AbilityKind::CallsService, "light.turn_on"),
        ),
        (r#"{"triggers":[{"trigger":"webhook","webhook_id":"x"}]}"#, (AbilityKind::ListensToNet, "webhook")),
        (r#"{"trigger":{"platform":"webhook"}}"#, (AbilityKind::ListensToNet, "webhook")),
        (r#"{"use_blueprint":{"path":"x/y.yaml"}}"#, (AbilityKind::UsesBlueprint, "x/y.yaml")),
        (
            r#"{"actions":[{"action":"notify.x","data":{"url":"https://evil.example"}}]}"#,
            (AbilityKind::CallsHost, "evil.example"),
        ),
    ] {
        let found = seen(DocumentKind::Automation, text);
        assert!(found.contains(&(expected.0, expected.1.to_owned())), "{text}: {found:?}");
    }
    let trigger = seen(
        DocumentKind::Automation,
        r#"{"triggers":[{"trigger":"device","device_id":"x","domain":"light","type":"on"}]}"#,
    );
    assert_eq!(trigger, []);
}

#[test]
fn what_was_there_before_is_kept_only_word_for_word() {
    let before = Json::parse(
        r#"{"views":[{"cards":[{"type":"custom:x-card","a":1}]}],"background":"https://a.example/1"}"#,
    )
    .unwrap();
    let same = of_document(0, DocumentKind::Dashboard, Some(&before), &before).0;
    assert!(same.iter().all(|ability| ability.kept));
    let other = Json::parse(
        r#"{"views":[{"cards":[{"type":"custom:x-card","a":2}]}],"background":"https://a.example/2"}"#,
    )
    .unwrap();
    let changed = of_document(0, DocumentKind::Dashboard, Some(&before), &other).0;
    assert_eq!(changed.len(), 2);
    assert!(changed.iter().all(|ability| !ability.kept && !ability.only_displays()), "{changed:?}");
}

#[test]
fn every_ability_has_a_code_and_words() {
    let codes: std::collections::BTreeSet<&str> =
        AbilityKind::ALL.into_iter().map(AbilityKind::code).collect();
    assert_eq!(codes.len(), AbilityKind::ALL.len());
    for kind in AbilityKind::ALL {
        let words = Ability::new(0, kind, "the\nsubject", false).words_for_the_owner();
        assert!(words.contains("the subject") && !words.contains('\n'), "{words}");
    }
    let silent = format!("{:?}", Ability::new(0, AbilityKind::CallsHost, "secret.example", true));
    assert!(!silent.contains("secret"), "{silent}");
}
