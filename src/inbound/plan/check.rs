//! What a designed document refers to: rooms and devices by token only, and cards that the home's Home Assistant has.

use std::collections::BTreeSet;

use crate::inbound::json::Json;
use crate::inbound::refusal::Refusal;

/// Keys under which nothing but ids stands.
const ID_KEYS: [&str; 4] = ["area_id", "device_id", "floor_id", "label_id"];

/// Cards of Home Assistant 2024.3.3, as its frontend registers them.
const CARDS: &str = "alarm-panel area button calendar conditional empty-state energy-carbon-consumed-gauge energy-compare \
    energy-date-selection energy-devices-detail-graph energy-devices-graph energy-distribution energy-gas-graph \
    energy-grid-neutrality-gauge energy-self-sufficiency-gauge energy-solar-consumed-gauge energy-solar-graph energy-sources-table \
    energy-usage-graph energy-water-graph entities entity entity-button entity-filter gauge glance grid history-graph \
    horizontal-stack humidifier iframe light logbook map markdown media-control picture picture-elements picture-entity \
    picture-glance plant-status sensor shopping-list statistic statistics-graph thermostat tile todo-list vertical-stack \
    weather-forecast";
/// Cards that came later, with the first version known to have them; 2026.11.0 has them all.
const LATER: [(&str, (u32, u32)); 17] = [
    ("alert", (2026, 11)),
    ("clock", (2025, 6)),
    ("date", (2026, 11)),
    ("discovered-devices", (2026, 11)),
    ("distribution", (2026, 11)),
    ("energy-grid-balance", (2026, 11)),
    ("energy-sankey", (2026, 11)),
    ("heading", (2024, 10)),
    ("home-summary", (2026, 11)),
    ("power-sankey", (2026, 11)),
    ("power-sources-graph", (2026, 11)),
    ("repairs", (2026, 11)),
    ("shortcut", (2026, 11)),
    ("toggle-group", (2026, 11)),
    ("updates", (2026, 11)),
    ("water-flow-sankey", (2026, 11)),
    ("water-sankey", (2026, 11)),
];

/// Year and month of a version, such as `2026.11.0`; zero for what is none.
pub(super) fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// Looks for ids that are written out where a token belongs and that resolving lets pass because they have no form of their own. What the
/// document says already may stay: it names what is gone.
pub(super) fn references(designed: &Json, before: Option<&Json>) -> Result<(), Refusal> {
    let known: BTreeSet<(&str, &str)> = before.map(Json::strings).unwrap_or_default();
    let written_out = |key: &str, text: &str| {
        ID_KEYS.contains(&key)
            && !text.is_empty()
            && !text.contains(['@', '{', ' '])
            && !known.contains(&(key, text))
    };
    match designed.strings().into_iter().find(|(key, text)| written_out(key, text)) {
        Some((key, _)) => Err(Refusal::refused("use_tokens").about(key)),
        None => Ok(()),
    }
}

/// Every card of Home Assistant's own must be one that this version has. What the dashboard has already may stay.
pub(super) fn core_cards(after: &Json, before: Option<&Json>, home: &str) -> Result<(), Refusal> {
    let had = before.map(types).unwrap_or_default();
    for kind in types(after) {
        if kind.starts_with("custom:")
            || had.contains(kind)
            || CARDS.split_whitespace().any(|card| card == kind)
        {
            continue;
        }
        match LATER.iter().find(|(card, _)| *card == kind) {
            Some((_, since)) if version(home) < *since => {
                return Err(Refusal::refused("needs_newer_home").about(kind));
            }
            Some(_) => {}
            None => return Err(Refusal::refused("unknown_card").about(kind)),
        }
    }
    Ok(())
}

/// The types of all cards, where cards stand: in views, in sections, in other cards.
fn types(document: &Json) -> BTreeSet<&str> {
    let mut types = BTreeSet::new();
    for view in document.list_of("views") {
        let sections = view.list_of("sections");
        for place in sections.iter().chain([view]) {
            place.list_of("cards").iter().for_each(|card| inside(card, &mut types));
        }
        for part in ["header", "footer"] {
            if let Some(card) = view.get(part).and_then(|part| part.get("card")) {
                inside(card, &mut types);
            }
        }
    }
    types
}

fn inside<'j>(card: &'j Json, types: &mut BTreeSet<&'j str>) {
    let kind = card.text_of("type");
    types.extend(kind);
    // What a custom card makes of its settings is its own business.
    if kind.is_none_or(|kind| kind.starts_with("custom:")) {
        return;
    }
    card.list_of("cards").iter().for_each(|card| inside(card, types));
    // An entity filter's card may go without a type.
    if let Some(card) = card.get("card") {
        inside(card, types);
    }
}

/// Whether a resource may define an element: its address holds the element's name, or the name of the family that it belongs to.
pub(super) fn may_define(url: &str, element: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let path = url.split(['?', '#']).next().unwrap_or_default();
    if path.starts_with("data:") {
        return false;
    }
    let path = plain(path);
    // `mushroom-light-card` comes in `mushroom.js`.
    let family = element.split('-').next().filter(|word| {
        word.len() >= 4 && !["card", "mini", "simple", "custom", "light", "home", "more"].contains(word)
    });
    path.contains(&plain(element)) || family.is_some_and(|family| path.contains(&plain(family)))
}
