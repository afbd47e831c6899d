//! What kind of room is this? Worked out at home from the words of an area, so that the words themselves need not leave.
//!
//! The list holds English, German, French, Spanish and Dutch words, and the commonest of Italian, Polish, Czech, Swedish, Danish,
//! Norwegian and Portuguese, folded to plain lower-case letters. A `*` lets a word of a compounding language stand behind others
//! (`Gästebad`). Children's rooms are bedrooms; there is no kind that would tell of children, nursing or illness (R9).

use vestibule_protocol::vocabulary::{List, OTHER};

const WORDS: &str = include_str!("rooms.txt");

/// Icons that people choose for areas, by what follows `mdi:`; the first that fits the beginning counts.
const ICONS: [(&str, &str); 34] = [
    ("baby", "bedroom"),
    ("balcony", "balcony"),
    ("bath", "bathroom"),
    ("bed", "bedroom"),
    ("book", "library"),
    ("bookshelf", "library"),
    ("car", "garage"),
    ("chef-hat", "kitchen"),
    ("coat-rack", "entrance"),
    ("countertop", "kitchen"),
    ("cradle", "bedroom"),
    ("desk", "office"),
    ("door", "entrance"),
    ("dumbbell", "gym"),
    ("flower", "garden"),
    ("food-fork-drink", "dining_room"),
    ("fridge", "kitchen"),
    ("garage", "garage"),
    ("grass", "garden"),
    ("greenhouse", "garden"),
    ("home-roof", "attic"),
    ("human-male-child", "bedroom"),
    ("pool", "pool"),
    ("server", "technical_room"),
    ("shower", "bathroom"),
    ("silverware", "dining_room"),
    ("sofa", "living_room"),
    ("stairs", "stairs"),
    ("stove", "kitchen"),
    ("teddy-bear", "bedroom"),
    ("toilet", "toilet"),
    ("tree", "garden"),
    ("washing-machine", "laundry"),
    ("weight-lifter", "gym"),
];

/// The kind of an area from its name, else from its other names, else from its icon, else `other`.
pub(super) fn kind_of<'a>(
    name: &str,
    aliases: impl Iterator<Item = &'a str>,
    icon: Option<&str>,
) -> &'static str {
    let mut aliases: Vec<&str> = aliases.collect();
    // Home Assistant keeps them as a set: without an order of our own the kind could change at a restart.
    aliases.sort_unstable();
    std::iter::once(name)
        .chain(aliases)
        .find_map(by_words)
        .or_else(|| icon.and_then(by_icon))
        .unwrap_or(OTHER)
}

fn by_icon(icon: &str) -> Option<&'static str> {
    let icon = icon.split_once(':')?.1;
    let (_, kind) = ICONS.iter().find(|(start, _)| {
        icon.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })?;
    List::Room.find(kind)
}

/// The longest phrase of the list that the text contains decides: `guest bathroom` is a bathroom, `guest room` is not.
fn by_words(text: &str) -> Option<&'static str> {
    let text = fold(text);
    let mut best: Option<(usize, &'static str)> = None;
    for line in WORDS.lines() {
        let Some((kind, phrases)) = line.split_once(": ") else { continue };
        for phrase in phrases.split('|') {
            let length = phrase.len();
            if best.is_none_or(|(most, _)| length > most) && contains(&text, phrase) {
                best = Some((length, kind));
            }
        }
    }
    best.and_then(|(_, kind)| List::Room.find(kind))
}

/// `text` is folded: words between single spaces, a space at both ends.
fn contains(text: &str, phrase: &str) -> bool {
    let (bare, ending) = phrase.strip_prefix('*').map_or((phrase, false), |bare| (bare, true));
    text.match_indices(bare)
        .any(|(at, _)| (ending || text[..at].ends_with(' ')) && text[at + bare.len()..].starts_with(' '))
}

/// Lower case, without diacritics, digits and punctuation.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len() + 2);
    folded.push(' ');
    for letter in text.chars().flat_map(char::to_lowercase) {
        let plain = match letter {
            'a'..='z' => {
                folded.push(letter);
                continue;
            }
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ą' | 'ă' => "a",
            'æ' => "ae",
            'ç' | 'ć' | 'č' => "c",
            'ď' | 'đ' => "d",
            'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
            'ì' | 'í' | 'î' | 'ï' | 'ī' => "i",
            'ł' => "l",
            'ñ' | 'ń' | 'ň' => "n",
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' => "o",
            'œ' => "oe",
            'ř' => "r",
            'ś' | 'š' | 'ş' => "s",
            'ß' => "ss",
            'ť' => "t",
            'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' => "u",
            'ý' | 'ÿ' => "y",
            'ź' | 'ż' | 'ž' => "z",
            // A combining mark after its letter.
            '\u{300}'..='\u{36f}' => "",
            _ if folded.ends_with(' ') => "",
            _ => " ",
        };
        folded.push_str(plain);
    }
    if !folded.ends_with(' ') {
        folded.push(' ');
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str) -> &'static str {
        kind_of(name, std::iter::empty(), None)
    }

    #[test]
    fn rooms_are_recognised_in_several_languages() {
        for (name, expected) in [
            ("Kitchen", "kitchen"),
            ("Küche", "kitchen"),
            ("Ku\u{308}che", "kitchen"),
            ("Cuisine", "kitchen"),
            ("La cocina", "kitchen"),
            ("Keuken", "kitchen"),
            ("Wohnküche", "kitchen"),
            ("Living Room", "living_room"),
            ("Wohnzimmer", "living_room"),
            ("Salon", "living_room"),
            ("Sala de estar", "living_room"),
            ("Woonkamer", "living_room"),
            ("Gästebad", "bathroom"),
            ("Salle de bains", "bathroom"),
            ("Baño", "bathroom"),
            ("badkamer 2", "bathroom"),
            ("Guest bathroom", "bathroom"),
            ("Guest room", "guest_room"),
            ("Gäste-WC", "toilet"),
            ("Bedroom2", "bedroom"),
            ("SCHLAFZIMMER", "bedroom"),
            ("Chambre", "bedroom"),
            ("Büro", "office"),
            ("Treppenhaus", "stairs"),
            ("Weinkeller", "wine_cellar"),
            ("Heizungskeller", "technical_room"),
            ("Obývací pokoj", "living_room"),
            ("Łazienka", "bathroom"),
            ("Emma", "other"),
            ("", "other"),
            ("!?", "other"),
            ("Barbara", "other"),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }

    /// R9: a room for children is a bedroom like any other.
    #[test]
    fn r9_rooms_of_children_are_bedrooms() {
        for name in [
            "Kinderzimmer Emma",
            "Kids' room",
            "Nursery",
            "Chambre d'enfant",
            "Habitación de los niños",
            "Babykamer",
        ] {
            assert_eq!(kind(name), "bedroom", "{name}");
        }
        assert_eq!(kind_of("Emma", std::iter::empty(), Some("mdi:teddy-bear")), "bedroom");
    }

    #[test]
    fn other_names_and_icons_help_where_the_name_does_not() {
        assert_eq!(kind_of("Downstairs A", ["Kitchen"].into_iter(), None), "kitchen");
        assert_eq!(kind_of("X", ["Office", "Kitchen"].into_iter(), None), "kitchen", "in sorted order");
        assert_eq!(kind_of("X", std::iter::empty(), Some("mdi:sofa-outline")), "living_room");
        assert_eq!(kind_of("X", std::iter::empty(), Some("mdi:cart")), "other");
        assert_eq!(kind_of("X", std::iter::empty(), Some("sofa")), "other");
    }

    #[test]
    fn every_kind_is_a_word_and_every_phrase_is_folded() {
        for line in WORDS.lines() {
            let (kind, phrases) = line.split_once(": ").unwrap();
            assert_eq!(List::Room.find(kind), Some(kind));
            for phrase in phrases.split('|') {
                assert_eq!(fold(phrase.trim_start_matches('*')).trim(), phrase.trim_start_matches('*'));
            }
        }
        assert!(ICONS.iter().all(|(_, kind)| List::Room.find(kind).is_some()));
        assert!(ICONS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
