//! The closed vocabulary: every word that a `structure` record may hold, and that contents keep when `names` is not granted. Whatever is
//! not in a list stays at home (R9, R10).
//!
//! The long lists are facts taken from released versions of Home Assistant by `dev/vocabulary/generate.py`. Each is one text with a
//! word a line, sorted by bytes and searched in place: a table of string slices would cost 16 bytes and a relocation a word. The lists
//! `content_keys`, `content_values` and `template_words` are kept by hand, because no file of Home Assistant holds them in one place.
//!
//! Icons have no list: `mdi:` alone has seven thousand names and any icon set can be added at home, so an icon is a text like any other.

use std::cmp::Ordering;

/// A closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum List {
    /// Domains of entities, without those that never leave (person, zone, device tracker, geo location, calendar, to-do list).
    Domain,
    /// Device classes of all domains.
    DeviceClass,
    /// Units of measurement, in Home Assistant's spelling, which may be `μ` or `µ`.
    Unit,
    /// State classes of sensors.
    StateClass,
    /// Domains of built-in integrations.
    Integration,
    /// Translation keys of the entities of built-in integrations.
    Key,
    /// Languages that Home Assistant ships, in lower case: `de`, `pt-br`.
    Language,
    /// Kinds of rooms. None tells of children, nursing or illness.
    Room,
    /// Capability attributes and the words that Home Assistant itself defines for them; see [`capability`].
    Capability,
    /// Options of dashboards, cards, automations and scripts: keys that contents may keep (R10).
    ContentKey,
    /// Types of cards, conditions and triggers, and enumerated values of options: strings that contents may keep.
    ContentValue,
    /// Services of built-in integrations, `domain.service`.
    Service,
    /// What the services of entities can be given.
    ServiceField,
    /// Words of the template language, its functions and filters.
    TemplateWord,
}

/// What an area is when nothing better is known, or when the owner hides it.
pub const OTHER: &str = "other";
/// Stands for every custom integration.
pub const CUSTOM: &str = "custom";

impl List {
    /// All lists.
    pub const ALL: [Self; 14] = [
        Self::Domain,
        Self::DeviceClass,
        Self::Unit,
        Self::StateClass,
        Self::Integration,
        Self::Key,
        Self::Language,
        Self::Room,
        Self::Capability,
        Self::ContentKey,
        Self::ContentValue,
        Self::Service,
        Self::ServiceField,
        Self::TemplateWord,
    ];

    const fn text(self) -> &'static str {
        match self {
            Self::Domain => include_str!("vocabulary/domains.txt"),
            Self::DeviceClass => include_str!("vocabulary/device_classes.txt"),
            Self::Unit => include_str!("vocabulary/units.txt"),
            Self::StateClass => "measurement\nmeasurement_angle\ntotal\ntotal_increasing\n",
            Self::Integration => include_str!("vocabulary/integrations.txt"),
            Self::Key => include_str!("vocabulary/keys.txt"),
            Self::Language => include_str!("vocabulary/languages.txt"),
            Self::Room => include_str!("vocabulary/rooms.txt"),
            Self::Capability => include_str!("vocabulary/capabilities.txt"),
            Self::ContentKey => include_str!("vocabulary/content_keys.txt"),
            Self::ContentValue => include_str!("vocabulary/content_values.txt"),
            Self::Service => include_str!("vocabulary/services.txt"),
            Self::ServiceField => include_str!("vocabulary/service_fields.txt"),
            Self::TemplateWord => include_str!("vocabulary/template_words.txt"),
        }
    }

    /// The list's own copy of `word`, if it is in the list.
    #[must_use]
    pub fn find(self, word: &str) -> Option<&'static str> {
        search(self.text(), |line| line.as_bytes().cmp(word.as_bytes()))
    }

    /// All words, sorted by bytes.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        self.text().lines()
    }
}

/// A word that Home Assistant defines for a capability attribute such as `hvac_modes`; `None` for what an integration or an owner made up.
#[must_use]
pub fn capability(attribute: &str, word: &str) -> Option<&'static str> {
    let line = search(List::Capability.text(), |line| {
        let (list, known) = line.split_once(' ').unwrap_or((line, ""));
        list.cmp(attribute).then_with(|| known.cmp(word))
    })?;
    line.split_once(' ').map(|(_, word)| word)
}

/// Whether contents may keep this key although it is a text (R10).
#[must_use]
pub fn is_content_key(key: &str) -> bool {
    [List::ContentKey, List::ServiceField, List::Domain].into_iter().any(|list| list.find(key).is_some())
}

/// Whether contents may keep this string although it is a text (R10).
#[must_use]
pub fn is_content_value(value: &str) -> bool {
    const LISTS: [List; 8] = [
        List::ContentValue,
        List::ContentKey,
        List::ServiceField,
        List::Service,
        List::DeviceClass,
        List::StateClass,
        List::Unit,
        List::Integration,
    ];
    LISTS.into_iter().any(|list| list.find(value).is_some())
        || List::Capability.words().any(|line| line.split_once(' ').is_some_and(|(_, word)| word == value))
}

/// Binary search for a line; every probe is moved back to the start of the line it falls into.
fn search(text: &'static str, order: impl Fn(&str) -> Ordering) -> Option<&'static str> {
    let bytes = text.as_bytes();
    let (mut low, mut high) = (0, bytes.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = bytes[low..middle].iter().rposition(|byte| *byte == b'\n').map_or(low, |at| low + at + 1);
        let end = bytes[middle..high].iter().position(|byte| *byte == b'\n').map_or(high, |at| middle + at);
        let line = text.get(start..end)?;
        match order(line) {
            Ordering::Equal => return Some(line),
            Ordering::Less => low = end + 1,
            Ordering::Greater => high = start,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found_and_nothing_else() {
        for list in List::ALL {
            let words: Vec<&str> = list.words().collect();
            assert!(
                words.windows(2).all(|pair| pair[0].as_bytes() < pair[1].as_bytes()),
                "{list:?} is sorted"
            );
            for word in &words {
                assert_eq!(list.find(word), Some(*word));
                assert_eq!(list.find(&format!("{word}~")), None);
                assert_eq!(list.find(&word[..0]), None);
            }
            assert_eq!(list.find("\n"), None);
            assert_eq!(list.find("Grandmother's"), None);
        }
    }

    #[test]
    fn the_lists_hold_what_a_home_needs() {
        for (list, word) in [
            (List::Domain, "light"),
            (List::DeviceClass, "temperature"),
            (List::Unit, "°C"),
            (List::Unit, "µg/m³"),
            (List::Unit, "%"),
            (List::Integration, "hue"),
            (List::Key, "signal_strength"),
            (List::Language, "de"),
            (List::Room, "kitchen"),
        ] {
            assert_eq!(list.find(word), Some(word), "{list:?}");
        }
        assert_eq!(capability("hvac_modes", "heat_cool"), Some("heat_cool"));
        assert_eq!(capability("preset_modes", "heat_cool"), None);
        assert_eq!(capability("hvac_modes", ""), None);
    }

    /// R9: some domains have no record, and no kind of room tells of children, nursing or illness.
    #[test]
    fn r9_what_must_not_be_told_has_no_word() {
        for never in ["person", "zone", "device_tracker", "geo_location", "calendar", "todo"] {
            assert_eq!(List::Domain.find(never), None, "{never}");
        }
        for never in ["nursery", "child", "kids_room", "sickroom", "clinic", "medical", "prayer_room"] {
            assert_eq!(List::Room.find(never), None, "{never}");
        }
    }

    /// R10, R12: nothing that could be a token, a sentence or a template.
    #[test]
    fn r10_words_of_contents_are_words() {
        for list in
            [List::ContentKey, List::ContentValue, List::Service, List::ServiceField, List::TemplateWord]
        {
            for word in list.words() {
                let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':');
                assert!((1..=64).contains(&word.len()) && word.bytes().all(sound), "{list:?} {word}");
            }
        }
        assert!(is_content_key("tap_action") && is_content_value("picture-elements"));
        assert!(is_content_value("light.turn_on") && is_content_value("heat_cool") && is_content_value("°C"));
        assert!(!is_content_key("Grandmother") && !is_content_value("notify.mobile_app_emma"));
    }

    #[test]
    fn every_word_fits_the_shape_of_its_fields() {
        // Records hold no words of these, or other characters are in their shape.
        let free = [List::Unit, List::Capability, List::ContentKey, List::ContentValue, List::TemplateWord];
        for list in List::ALL {
            for word in list.words().filter(|_| !free.contains(&list)) {
                assert!(
                    word.len() <= 64
                        && word
                            .bytes()
                            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.".contains(&b)),
                    "{list:?} {word}"
                );
            }
        }
        assert!(List::Unit.words().all(|unit| (1..=16).contains(&unit.chars().count())));
    }
}
