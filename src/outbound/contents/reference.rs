//! Finding ids of the home inside a text: entity ids, device ids, and what has their form.

use std::ops::Range;

use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::vocabulary::List;

use super::Ids;
use super::token::in_word;

/// Domains of entities that have no record (R9). Their ids are references like any other.
const NEVER: [&str; 6] = ["calendar", "device_tracker", "geo_location", "person", "todo", "zone"];
/// Functions of templates that take the id of a room, a floor or a label, and which.
const FUNCTIONS: [(&str, Thing); 11] = [
    ("area_devices", Thing::Area),
    ("area_entities", Thing::Area),
    ("area_name", Thing::Area),
    ("floor_areas", Thing::Floor),
    ("floor_entities", Thing::Floor),
    ("floor_name", Thing::Floor),
    ("label_areas", Thing::Label),
    ("label_description", Thing::Label),
    ("label_devices", Thing::Label),
    ("label_entities", Thing::Label),
    ("label_name", Thing::Label),
];

/// A reference in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Where.
    pub(super) at: Range<usize>,
    /// What the tenant calls it; `None` if it does not exist for the portal.
    pub(super) id: Option<OpaqueId>,
}

/// Whether this has the form of the ids that Home Assistant draws: 32 hexadecimal digits.
pub(super) fn is_long_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether this is a service that Home Assistant itself defines, which has the form of an entity id.
pub(super) fn is_service(text: &str) -> bool {
    List::Service.find(text).is_some()
}

/// All references in a text, from left to right, none over another. Costs nothing for a text without points and long words.
pub(super) fn all(text: &str, ids: &impl Ids) -> Vec<Found> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !in_word(bytes[at]) {
            at += 1;
            continue;
        }
        let end = word_end(bytes, at);
        let dotted =
            (bytes.get(end) == Some(&b'.')).then(|| word_end(bytes, end + 1)).filter(|to| *to > end + 1);
        let next = dotted
            .and_then(|to| entity(text, at..to, ids))
            .or_else(|| device(text, at..end, ids))
            .or_else(|| argument(text, at..end, ids));
        at = next.as_ref().map_or(end, |next| next.at.end);
        found.extend(next);
    }
    found
}

fn word_end(bytes: &[u8], from: usize) -> usize {
    from + bytes[from..].iter().take_while(|byte| in_word(**byte)).count()
}

fn entity(text: &str, at: Range<usize>, ids: &impl Ids) -> Option<Found> {
    let word = &text[at.clone()];
    if let Some(id) = ids.token_of(word, Thing::Entity) {
        return Some(Found { at, id: Some(id) });
    }
    (ids.known_entity_id(word) || looks_like_entity(text, &at)).then_some(Found { at, id: None })
}

/// Of a domain of entities, and standing alone: what does not exist is not told from what is excluded (R15).
fn looks_like_entity(text: &str, at: &Range<usize>) -> bool {
    let word = &text[at.clone()];
    let domain = word.split_once('.').map_or(word, |(domain, _)| domain);
    let before = text[..at.start].chars().next_back();
    let after = text[at.end..].chars().next();
    let alone = !after.is_some_and(char::is_alphanumeric)
        && before.is_none_or(|c| !c.is_alphanumeric() && (c != '.' || text[..at.start].ends_with("states.")));
    alone && (List::Domain.find(domain).is_some() || NEVER.contains(&domain)) && !is_service(word)
}

/// 32 hexadecimal digits: a device, or something else that nobody is told, such as a user.
fn device(text: &str, at: Range<usize>, ids: &impl Ids) -> Option<Found> {
    let word = &text[at.clone()];
    is_long_id(word).then(|| Found { at, id: ids.token_of(word, Thing::Device) })
}

/// `area_name('…')`
fn argument(text: &str, at: Range<usize>, ids: &impl Ids) -> Option<Found> {
    let quote = text[..at.start].chars().next_back().filter(|c| matches!(c, '\'' | '"'))?;
    if !text[at.end..].starts_with(quote) {
        return None;
    }
    let call = text[..at.start - 1].trim_end().strip_suffix('(')?.trim_end();
    let name = call.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
    let place = FUNCTIONS.binary_search_by_key(&name, |(known, _)| known).ok()?;
    Some(Found { id: ids.token_of(&text[at.clone()], FUNCTIONS[place].1), at })
}

/// A text with its references blanked, in which nothing of a home's ids is left.
pub(super) fn residue(text: &str, found: &[Found]) -> String {
    let mut rest = String::with_capacity(text.len());
    let mut from = 0;
    for one in found {
        rest.push_str(&text[from..one.at.start]);
        rest.push(' ');
        from = one.at.end;
    }
    rest.push_str(&text[from..]);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_functions_is_sorted() {
        assert!(FUNCTIONS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
