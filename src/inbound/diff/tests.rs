//! Differences as the owner reads them.

use super::*;
use crate::inbound::example::{Things, shown};

fn diff(before: Option<&str>, after: Option<&str>) -> ItemDiff {
    let json = |text: Option<&str>| text.map(|text| Json::parse(text).unwrap());
    let compared = Compared { item: 0, kind: "dashboard.put", title: "House" };
    compared.documents(DocumentKind::Dashboard, json(before).as_ref(), json(after).as_ref(), &Things)
}

fn words(before: Option<&str>, after: Option<&str>) -> Vec<String> {
    diff(before, after).words.iter().map(shown).collect()
}

const BEFORE: &str = r#"{"title":"House","views":[
    {"title":"Kitchen","cards":[{"type":"light","entity":"light.kitchen"},{"type":"markdown","content":"Hello"}]},
    {"title":"Bath","sections":[{"type":"grid","cards":[{"type":"tile","entity":"light.reading","icon":"mdi:lamp"}]}]}]}"#;

#[test]
fn cards_views_and_entities_are_told_in_words() {
    let after = r#"{"title":"House","theme":"x","views":[
        {"title":"Bath","sections":[{"type":"grid","cards":[{"type":"tile","entity":"light.reading","icon":"mdi:bulb","name":"x"}]}]},
        {"title":"Kitchen","icon":"mdi:pot","cards":[{"type":"markdown","content":"Hello"},{"type":"tile","entity":"sensor.warmth"}]},
        {"title":"Garden","cards":[]}]}"#;
    assert_eq!(
        words(Some(BEFORE), Some(after)),
        [
            "view Bath: card tile (Reading lamp) changed: icon, name",
            "view Kitchen: card tile (Warmth) added",
            "view Kitchen: card light (Ceiling) removed",
            "view Kitchen: icon added",
            "view Garden added, with 0 cards",
            "the views stand in another order",
            "theme added",
            "entity Warmth is new in it",
            "entity Ceiling is no longer in it",
        ]
    );
}

#[test]
fn what_comes_and_goes_as_a_whole_is_said_in_a_line() {
    assert_eq!(words(None, Some(BEFORE))[0], "new dashboard with 2 views and 3 cards");
    assert_eq!(words(Some(BEFORE), None)[0], "the dashboard is deleted with 2 views and 3 cards");
    assert_eq!(words(Some(BEFORE), Some(BEFORE)), ["nothing changes"]);
    let turned = BEFORE.replace(
        r#"{"type":"light","entity":"light.kitchen"},{"type":"markdown","content":"Hello"}"#,
        r#"{"type":"markdown","content":"Hello"},{"type":"light","entity":"light.kitchen"}"#,
    );
    assert_eq!(words(Some(BEFORE), Some(&turned)), ["view Kitchen: cards are arranged differently"]);
}

#[test]
fn r17_a_difference_is_shown_on_purpose_only() {
    let diff = diff(Some(BEFORE), Some(&BEFORE.replace("Hello", "Secret")));
    let silent = format!("{diff:?} {:?}", diff.for_the_owner());
    assert!(!silent.contains("Secret") && !silent.contains("Kitchen"), "{silent}");
    let told = serde_json::to_string(&diff.for_the_owner()).unwrap();
    assert!(
        told.contains("Secret") && told.contains("view Kitchen: card markdown changed: content"),
        "{told}"
    );
    assert!(told.contains(r#""change":"changed""#) && told.contains(r#""change":"gap""#), "{told}");
}
