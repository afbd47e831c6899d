//! What leaves, and what does not (R10, R12, R14, R15).

use vestibule_protocol::id::Thing;
use vestibule_protocol::limits;

use super::super::{ContentError, base_hash};
use super::home::{DEVICE, HIDDEN_DEVICE, House};

/// The whole token, as it stands in JSON.
fn is_hidden(json: &str) -> bool {
    json.len() == 18 && json.starts_with("\"@x_") && json.ends_with('"')
}

#[test]
fn r12_ids_become_tokens_wherever_they_stand() {
    let house = House::new();
    let lamp = house.token(Thing::Entity, "light.kitchen");
    let kitchen = house.token(Thing::Area, "kitchen");
    let device = house.token(Thing::Device, DEVICE);
    for (text, gone) in [
        (r#"{"entity":"light.kitchen"}"#.to_owned(), format!(r#"{{"entity":"{lamp}"}}"#)),
        (r#"{"entities":["light.kitchen"]}"#.to_owned(), format!(r#"{{"entities":["{lamp}"]}}"#)),
        (r#"{"entities":{"light.kitchen":null}}"#.to_owned(), format!(r#"{{"entities":{{"{lamp}":null}}}}"#)),
        (
            r#"{"entity_id":"light.kitchen, light.kitchen"}"#.to_owned(),
            format!(r#"{{"entity_id":"{lamp}, {lamp}"}}"#),
        ),
        (r#"{"area_id":["kitchen","all"]}"#.to_owned(), format!(r#"{{"area_id":["{kitchen}","all"]}}"#)),
        (
            r#"{"areas_display":{"hidden":["kitchen"]}}"#.to_owned(),
            format!(r#"{{"areas_display":{{"hidden":["{kitchen}"]}}}}"#),
        ),
        (
            r#"{"areas_options":{"kitchen":{"hidden":true}}}"#.to_owned(),
            format!(r#"{{"areas_options":{{"{kitchen}":{{"hidden":true}}}}}}"#),
        ),
        (
            format!(r#"{{"target":{{"device_id":"{DEVICE}"}}}}"#),
            format!(r#"{{"target":{{"device_id":"{device}"}}}}"#),
        ),
        (
            r#"{"content":"{{ states('light.kitchen') | float(0) }}"}"#.to_owned(),
            format!(r#"{{"content":"{{{{ states('{lamp}') | float(0) }}}}"}}"#),
        ),
        (
            r#"{"content":"{{ states.light.kitchen.state }}"}"#.to_owned(),
            format!(r#"{{"content":"{{{{ states.{lamp}.state }}}}"}}"#),
        ),
        (
            r#"{"content":"{{ area_name('kitchen') }}"}"#.to_owned(),
            format!(r#"{{"content":"{{{{ area_name('{kitchen}') }}}}"}}"#),
        ),
    ] {
        for names in [false, true] {
            assert_eq!(house.there_and_back(&text, names), gone);
        }
    }
}

#[test]
fn r12_a_part_of_a_longer_word_is_no_id() {
    let house = House::new();
    for text in ["xlight.kitchen", "light.kitchen_2", "my_light.kitchen", "light.kitchen2"] {
        let gone = house.there_and_back(&format!(r#"{{"name":"{text}"}}"#), true);
        assert!(!gone.contains("@e_"), "{gone}");
    }
    let gone = house.there_and_back(r#"{"name":"See light.kitchen."}"#, true);
    assert!(gone.contains("See @e_"), "{gone}");
}

#[test]
fn r10_without_names_only_the_vocabulary_passes() {
    let house = House::new();
    let text = r#"{"views": [{"title":"Emma","type":"sections","cards":[{"type":"tile","state":"on","min":0,"max":1.50,"show":true,
        "tap_action":{"action":"perform-action","perform_action":"light.turn_on"},"card_mod":{"style":"ha-card{}"},"Emma's":null}]}]}"#;
    let gone = house.there_and_back(text, false);
    let hidden = gone.matches("@x_").count();
    assert_eq!(hidden, 3, "{gone}");
    for kept in [
        "\"type\":\"sections\"",
        "\"light.turn_on\"",
        "1.50",
        "[{\"title\":\"@x_",
        "\n        \"tap_action\"",
    ] {
        assert!(gone.contains(kept), "{kept} in {gone}");
    }
    assert!(!gone.contains("Emma") && !gone.contains("ha-card"));
}

#[test]
fn r10_a_template_with_another_literal_is_one_token() {
    let house = House::new();
    for template in [
        "{{ 'Emma' if is_state('light.kitchen', 'on') }}",
        "The lamp {{ states('light.kitchen') }}",
        "{% set emma = 1 %}{{ emma }}",
        "{{ states('light.kitchen') == '12345678' }}",
    ] {
        let gone = house.there_and_back(&format!("\"{template}\""), false);
        assert!(is_hidden(&gone), "{gone}");
        let gone = house.there_and_back(&format!("\"{template}\""), true);
        assert!(!gone.contains("light.kitchen"), "{gone}");
    }
}

#[test]
fn r10_secrets_never_leave_and_users_neither() {
    let house = House::new();
    for (key, value) in [
        ("url", "\"http://192.168.1.20/x\""),
        ("content", "\"Call +49 171 2345678\""),
        ("content", "\"see our-own-host for more\""),
        ("password", "\"shapeless\""),
        ("code", "1234"),
        ("code", "\"1234\""),
        ("users", "\"emma\""),
        ("user", "\"aaaabbbbccccddddaaaabbbbccccdddd\""),
        ("name", "\"aaaabbbbccccddddaaaabbbbccccdddd\""),
        ("latitude", "52"),
        ("value", "52.520008"),
        ("value", "491712345678"),
        ("webhook_id", "\"front-door\""),
    ] {
        for names in [false, true] {
            let gone = house.there_and_back(&format!("{{\"{key}\":{value}}}"), names);
            assert!(gone.contains("\"@x_") && !gone.contains(value.trim_matches('"')), "{gone}");
        }
    }
}

#[test]
fn r10_with_names_free_text_passes() {
    let house = House::new();
    let text = r#"{"title":"Emma's room @ home","icon":"mdi:bed","content":"Hello\n{{ user }} light.kitchen","my key":"x"}"#;
    let gone = house.there_and_back(text, true);
    assert!(
        gone.contains("Emma's room @ home") && gone.contains("mdi:bed") && gone.contains("my key"),
        "{gone}"
    );
    assert!(!gone.contains("light.kitchen"));
}

#[test]
fn r15_excluded_and_unknown_things_look_alike() {
    let house = House::new();
    for reference in [
        "light.secret_room",
        "person.emma",
        "odd_domain.secret",
        "light.never_was",
        "person.nobody",
        HIDDEN_DEVICE,
        "ffffffffffffffffffffffffffffffff",
    ] {
        for text in [format!("\"{reference}\""), format!("\"is {reference} there?\"")] {
            let gone = house.there_and_back(&text, true);
            assert!(is_hidden(&gone), "{gone}");
        }
    }
    for area in ["excluded_area", "no_area"] {
        let gone = house.there_and_back(&format!(r#"{{"area":"{area}"}}"#), true);
        assert!(gone.contains("\"@x_"), "{gone}");
    }
}

#[test]
fn r13_the_same_text_has_another_token_in_another_document() {
    let house = House::new();
    let one = house.rewrite("\"Emma\"", false).unwrap();
    assert_eq!(one, house.rewrite("\"Emma\"", false).unwrap());
    let other =
        super::super::Contents { thing: house.id(Thing::Dashboard, "other"), ..house.doc("\"Emma\"") };
    assert_ne!(one, super::super::rewrite(&other, &house, &house.0, false).unwrap());
    assert_ne!(one, house.rewrite("\"Ben\"", false).unwrap());
}

#[test]
fn r14_what_cannot_leave_is_refused() {
    let house = House::new();
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(house.rewrite(&deep(limits::JSON_DEPTH), false).is_ok());
    assert_eq!(house.rewrite(&deep(limits::JSON_DEPTH + 1), false), Err(ContentError::TooDeep));
    let long = format!("\"{}\"", "a".repeat(limits::CONTENT_BYTES - 1));
    assert_eq!(house.rewrite(&long, false), Err(ContentError::TooLarge));
    let grows = format!("[\"b\"{}]", ",\"b\"".repeat(limits::CONTENT_BYTES / 8));
    assert_eq!(house.rewrite(&grows, false), Err(ContentError::TooLarge));
    for (text, error) in [
        (r#"{"a":1,"a":2}"#, ContentError::DuplicateKey),
        (r#"{"a":1,"\u0061":2}"#, ContentError::DuplicateKey),
        (r#""\ud800""#, ContentError::LoneSurrogate),
        (r#""\ud800\u0041""#, ContentError::LoneSurrogate),
        (r#""\udc00\ud800""#, ContentError::LoneSurrogate),
        ("", ContentError::NotJson),
        ("{} {}", ContentError::NotJson),
        ("[1,]", ContentError::NotJson),
        ("{\"a\":1,}", ContentError::NotJson),
        ("{a:1}", ContentError::NotJson),
        ("01", ContentError::NotJson),
        ("1.", ContentError::NotJson),
        ("-", ContentError::NotJson),
        ("\"a", ContentError::NotJson),
        ("\"\\", ContentError::NotJson),
        ("\"\\x\"", ContentError::NotJson),
        ("\"\\u00g0\"", ContentError::NotJson),
        ("\"\\ü\"", ContentError::NotJson),
        ("\"\n\"", ContentError::NotJson),
        ("nul", ContentError::NotJson),
    ] {
        assert_eq!(house.rewrite(text, false), Err(error), "{text}");
    }
}

/// R16: over Home Assistant's text, with the tenant's key, for one document.
#[test]
fn r16_the_base_hash_is_known() {
    let house = House::new();
    let wall = house.id(Thing::Dashboard, "wall");
    let hash = base_hash(&house.0, wall, "{}");
    assert_eq!(hash.to_string(), "bTHbbnLBS2UyvOtBysXqv52cTET2oBgZIWy0iNaSOT0");
    assert_ne!(hash, base_hash(&house.0, wall, "{ }"));
    assert_ne!(hash, base_hash(&house.0, house.id(Thing::Dashboard, "other"), "{}"));
}
