//! Whatever leaves comes back as it was: `resolve(rewrite(t)) == t` for arbitrary JSON (R12).

use proptest::prelude::*;

use super::documents;
use super::home::House;

/// Strings that are more likely to break something than letters drawn at random.
fn pieces() -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        Just("@".to_owned()),
        Just("@e_".to_owned()),
        Just("@@".to_owned()),
        Just("@x_aaaaaaaaaaaaa".to_owned()),
        Just("@e_aaaaaaaaaaaaa".to_owned()),
        Just("@n_a_aaaaaaaaaaaaa".to_owned()),
        Just("light.kitchen".to_owned()),
        Just("light.secret_room".to_owned()),
        Just("odd_domain.thing".to_owned()),
        Just("states.".to_owned()),
        Just(".".to_owned()),
        Just("_".to_owned()),
        Just("{{ ".to_owned()),
        Just(" }}".to_owned()),
        Just("'on'".to_owned()),
        Just("area_name('kitchen')".to_owned()),
        Just(super::home::DEVICE.to_owned()),
        Just("light.turn_on".to_owned()),
        Just("type".to_owned()),
        Just(" ".to_owned()),
        Just("é😀\u{7f}\n\"\\".to_owned()),
        "[a-z0-9_@.]{1,6}",
        any::<String>(),
    ];
    proptest::collection::vec(odd, 0..5).prop_map(|pieces| pieces.concat())
}

/// How a string may be spelled.
fn literal() -> impl Strategy<Value = String> {
    (pieces(), 0..12_u8).prop_map(|(text, odd)| match odd {
        0 => {
            let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            format!("\"{units}\"")
        }
        1 => serde_json::to_string(&text).unwrap().replace('/', "\\/"),
        _ => serde_json::to_string(&text).unwrap(),
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        literal(),
        proptest::sample::select(vec![
            "entity",
            "area",
            "areas_options",
            "areas_display",
            "hidden",
            "users",
            "code",
            "type",
            "device_id",
            "label"
        ])
        .prop_map(|key| format!("\"{key}\"")),
    ]
}

/// Any JSON, with any white space and any spelling of numbers; keys may repeat.
fn json() -> impl Strategy<Value = String> {
    let space = || proptest::sample::select(vec!["", " ", "\n  ", "\t\r"]);
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,9})(\\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?",
        literal(),
        literal(),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            (space(), proptest::collection::vec(inner.clone(), 0..6)).prop_map(|(space, list)| format!(
                "[{space}{}{space}]",
                list.join(&format!("{space},{space}"))
            )),
            (space(), proptest::collection::vec((key(), inner), 0..6)).prop_map(|(space, fields)| {
                let fields: Vec<String> =
                    fields.into_iter().map(|(key, value)| format!("{key}{space}:{space}{value}")).collect();
                format!("{{{space}{}{space}}}", fields.join(&format!("{space},{space}")))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn r12_what_leaves_comes_back(text in json(), names: bool) {
        let house = House::new();
        let Ok(gone) = house.rewrite(&text, names) else { return Ok(()) };
        prop_assert_eq!(house.resolve(&gone, Some(&text)), Ok(text), "{}", gone);
    }

    #[test]
    fn r12_so_does_any_string(text in literal(), names: bool) {
        let house = House::new();
        let gone = house.rewrite(&text, names).unwrap();
        prop_assert_eq!(house.resolve(&gone, Some(&text)), Ok(text), "{}", gone);
        for secret in ["light.kitchen", "light.secret_room", super::home::DEVICE] {
            let word = |text: &str| text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || "_.".contains(c))).any(|word| word == secret);
            prop_assert!(!word(&gone), "{}", gone);
        }
    }

    #[test]
    fn r12_any_design_gets_an_answer(designed in json(), base in json()) {
        let _ = House::new().resolve(&designed, Some(&base));
    }

    #[test]
    fn r12_dashboards_of_all_cards_come_back(text in documents::dashboard(), names: bool) {
        let gone = House::new().there_and_back(&text, names);
        prop_assert!(names || !gone.contains("Emma"), "{}", gone);
        prop_assert!(!gone.contains("light.kitchen") && !gone.contains("10.0.0.1"), "{}", gone);
    }
}

#[test]
fn r12_odd_dashboards_come_back() {
    for text in documents::ODD {
        for names in [false, true] {
            House::new().there_and_back(text, names);
        }
    }
}
