//! What comes back: tokens in their places, and everything that is refused (R12, R13, R15).

use vestibule_protocol::id::Thing;

use super::super::ContentError;
use super::home::{DEVICE, House};

#[test]
fn r12_tokens_of_a_design_are_resolved() {
    let house = House::new();
    let lamp = house.token(Thing::Entity, "light.kitchen");
    let designed = format!(
        r#"{{ "entity":"{lamp}", "content":"It is {{{{ states('{lamp}') }}}} @@e_x a@b" , "n":1.0}}"#
    );
    assert_eq!(
        house.resolve(&designed, None).unwrap(),
        r#"{ "entity":"light.kitchen", "content":"It is {{ states('light.kitchen') }} @e_x a@b" , "n":1.0}"#
    );
}

#[test]
fn r12_name_tokens_become_the_owners_words() {
    let house = House::new();
    let (kitchen, heat) = (house.id(Thing::Area, "kitchen"), house.id(Thing::Entity, "sensor.temperature_2"));
    assert_eq!(
        house.resolve(&format!(r#"{{"heading":"In @n_{kitchen}: @n_{heat}"}}"#), None).unwrap(),
        r#"{"heading":"In Emma's kitchen: Heat \"here\""}"#
    );
    assert_eq!(house.resolve(r#""@n_a_aaaaaaaaaaaaa""#, None), Err(ContentError::UnknownReference));
}

#[test]
fn r13_a_hidden_text_stays_where_it_was() {
    let house = House::new();
    let base =
        r#"{"views":[{"title":"Emma","cards":[{"type":"iframe","url":"http://10.0.0.1/","Emma":1}]}]}"#;
    let gone = house.rewrite(base, false).unwrap();
    let token = |text: &str| house.rewrite(&format!("\"{text}\""), false).unwrap();
    let (emma, address) = (token("Emma"), token("http://10.0.0.1/"));
    assert!(gone.contains(&emma) && gone.contains(&address));
    for (designed, answer) in [
        (format!(r#"{{"title":{emma}}}"#), Ok(r#"{"title":"Emma"}"#)),
        (
            format!(r#"{{"views":[{{"url":[{address}]}}]}}"#),
            Ok(r#"{"views":[{"url":["http://10.0.0.1/"]}]}"#),
        ),
        // A key only as a key, and under the same key.
        (format!(r#"{{"cards":[{{{emma}:2}}]}}"#), Ok(r#"{"cards":[{"Emma":2}]}"#)),
        (format!(r#"{{"views":[{{{emma}:2}}]}}"#), Err(ContentError::SecretMoved)),
        (format!(r#"{{"title":{address}}}"#), Err(ContentError::SecretMoved)),
        (format!(r#"{{"name":{emma}}}"#), Err(ContentError::SecretMoved)),
        (format!("{{{address}:1}}"), Err(ContentError::SecretMoved)),
        (
            format!(r#"{{"url":"x{}"}}"#, address.trim_matches('"').replace('@', " @")),
            Err(ContentError::SecretMoved),
        ),
        (format!(r#"{{"url":"{0} {0}"}}"#, address.trim_matches('"')), Err(ContentError::SecretMoved)),
        (r#"{"url":"@x_aaaaaaaaaaaaa"}"#.to_owned(), Err(ContentError::SecretMoved)),
    ] {
        assert_eq!(
            house.resolve(&designed, Some(base)).as_deref(),
            answer.as_ref().map(|text| *text),
            "{designed}"
        );
    }
    // A new document has none.
    assert_eq!(house.resolve(&gone, None), Err(ContentError::SecretMoved));
    // One of another home, or of another document, has others.
    assert_eq!(house.resolve(&gone, Some(r#"{"title":"Ben"}"#)), Err(ContentError::SecretMoved));
}

/// Given without `names`, put back with it, and the other way round.
#[test]
fn r13_a_grant_in_between_changes_nothing() {
    let house = House::new();
    let base = r#"{"title":"Emma","content":"Say light.kitchen"}"#;
    for names in [false, true] {
        let gone = house.rewrite(base, names).unwrap();
        assert_eq!(house.resolve(&gone, Some(base)).as_deref(), Ok(base));
    }
}

#[test]
fn r13_a_key_is_found_below_a_hidden_key() {
    let house = House::new();
    let base = r#"{"Emma":{"Ben":["Carl"]}}"#;
    let gone = house.there_and_back(base, false);
    assert_eq!(gone.matches("@x_").count(), 3);
}

#[test]
fn r15_absent_excluded_and_unknown_are_one_code() {
    let house = House::new();
    for token in [
        house.token(Thing::Entity, "light.secret_room"),
        house.token(Thing::Entity, "light.never_was"),
        house.token(Thing::Area, "secret_room"),
        house.token(Thing::Dashboard, "wall"),
    ] {
        assert_eq!(house.resolve(&format!("\"{token}\""), None), Err(ContentError::UnknownReference));
    }
}

#[test]
fn r15_written_out_ids_are_refused_known_or_not() {
    let house = House::new();
    for text in [
        r#"{"entity":"light.kitchen"}"#.to_owned(),
        r#"{"entity":"light.secret_room"}"#.to_owned(),
        r#"{"entity":"light.never_was"}"#.to_owned(),
        r#"{"entity":"person.anybody"}"#.to_owned(),
        r#"{"content":"{{ states('odd_domain.secret') }}"}"#.to_owned(),
        r#"{"content":"{{ states.light.kitchen.state }}"}"#.to_owned(),
        r#"{"content":"{{ area_name('kitchen') }}"}"#.to_owned(),
        r#"{"content":"{{ area_name('no_room') }}"}"#.to_owned(),
        r#"{"area":"kitchen"}"#.to_owned(),
        r#"{"area":"no_room"}"#.to_owned(),
        r#"{"light.kitchen":1}"#.to_owned(),
        format!(r#"{{"x":"{DEVICE}"}}"#),
    ] {
        assert_eq!(house.resolve(&text, None), Err(ContentError::UseTokens), "{text}");
    }
    for text in [
        r#"{"perform_action":"light.turn_on"}"#,
        r#"{"content":"{{ trigger.event.data.command }} 3.5 www.example.org"}"#,
        r#"{"label":"Now","area_id":"all"}"#,
    ] {
        assert_eq!(house.resolve(text, None).as_deref(), Ok(text));
    }
}

#[test]
fn r12_misspelled_tokens_are_refused() {
    let house = House::new();
    for text in ["@e_x", "a@e_aaaaaaaaaaaaa", "@n_b_aaaaaaaaaaaaa"] {
        assert_eq!(house.resolve(&format!("\"{text}\""), None), Err(ContentError::BadToken), "{text}");
    }
}

#[test]
fn r14_two_keys_that_become_one_are_refused() {
    let house = House::new();
    let lamp = house.token(Thing::Entity, "light.kitchen");
    let twice = format!(r#"{{"{lamp}":1,"{lamp}":2}}"#);
    assert_eq!(house.resolve(&twice, None), Err(ContentError::DuplicateKey));
    let base = r#"{"Emma":1}"#;
    let emma = house.rewrite("\"Emma\"", false).unwrap();
    assert_eq!(
        house.resolve(&format!(r#"{{{emma}:1,"Emma":2}}"#), Some(base)),
        Err(ContentError::DuplicateKey)
    );
}
