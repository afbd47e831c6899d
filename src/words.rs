//! Sentences for the owner, on the page and in Home Assistant's notifications, in five languages: one file each in `addon/words`, a line a
//! sentence, `key = text`, sorted by key.
//!
//! `{}` in a sentence stands for a value. A test keeps the files equal in keys and places, and every key that is used in them.

use std::cmp::Ordering;

/// Languages, the first of which is the fallback.
const CATALOGUES: [(&str, &str); 5] = [
    ("en", include_str!("../addon/words/en.txt")),
    ("de", include_str!("../addon/words/de.txt")),
    ("es", include_str!("../addon/words/es.txt")),
    ("fr", include_str!("../addon/words/fr.txt")),
    ("nl", include_str!("../addon/words/nl.txt")),
];

/// The sentences of one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words {
    /// Such as `de`.
    pub(crate) language: &'static str,
    text: &'static str,
}

impl Words {
    /// The first of a browser's languages that there is. A browser lists them by preference; the weights only repeat that.
    pub(crate) fn accepted(accept: &str) -> Option<Self> {
        accept.split(',').take(16).filter(|one| !one.ends_with("q=0")).find_map(Self::of)
    }

    /// The language of the home, else English.
    pub(crate) fn of_home(language: Option<&str>) -> Self {
        language.and_then(Self::of).unwrap_or(Self::nth(0))
    }

    /// The catalogue of a language tag such as `de-AT;q=0.8`.
    fn of(tag: &str) -> Option<Self> {
        let language = tag.trim().split(['-', ';', '_']).next()?.to_ascii_lowercase();
        (0..CATALOGUES.len()).map(Self::nth).find(|words| words.language == language)
    }

    const fn nth(at: usize) -> Self {
        let (language, text) = CATALOGUES[at];
        Self { language, text }
    }

    /// The sentence; the key itself if there is none.
    pub(crate) fn get(self, key: &'static str) -> &'static str {
        self.find(key).unwrap_or(key)
    }

    /// The sentence of a key that is made at run time, such as the name of a kind of room.
    pub(crate) fn find(self, key: &str) -> Option<&'static str> {
        let bytes = self.text.as_bytes();
        let (mut low, mut high) = (0, bytes.len());
        while low < high {
            let middle = low.midpoint(high);
            let start = bytes[..middle].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let end =
                bytes[middle..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| middle + at);
            let (known, sentence) = self.text[start..end].split_once(" = ")?;
            match known.cmp(key) {
                Ordering::Equal => return Some(sentence),
                Ordering::Less => low = end + 1,
                Ordering::Greater => high = start,
            }
        }
        None
    }

    /// A sentence with its places filled, in order.
    pub(crate) fn fill(self, key: &'static str, values: &[&dyn std::fmt::Display]) -> String {
        let mut values = values.iter();
        let mut text = String::new();
        for (at, part) in self.get(key).split("{}").enumerate() {
            if at > 0
                && let Some(value) = values.next()
            {
                text.push_str(&value.to_string());
            }
            text.push_str(part);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;

    fn lines(text: &'static str) -> BTreeMap<&'static str, &'static str> {
        text.lines().map(|line| line.split_once(" = ").unwrap_or_else(|| panic!("{line:?}"))).collect()
    }

    #[test]
    fn all_catalogues_have_the_same_keys_and_places() {
        let english = lines(CATALOGUES[0].1);
        for (language, text) in CATALOGUES {
            let keys: Vec<&str> = text.lines().map(|line| line.split_once(" = ").unwrap().0).collect();
            assert!(keys.is_sorted_by(|a, b| a < b), "{language} is not sorted");
            let words = lines(text);
            assert_eq!(keys, english.keys().copied().collect::<Vec<_>>(), "{language}");
            for (key, sentence) in words {
                assert!(!sentence.trim().is_empty(), "{language}: {key}");
                let places = |text: &str| text.matches("{}").count();
                assert_eq!(places(sentence), places(english[key]), "{language}: {key}");
                assert!(!sentence.contains(['<', '>', '&']), "{language}: {key} is no HTML");
            }
        }
    }

    #[test]
    fn every_key_is_found_by_searching() {
        for at in 0..CATALOGUES.len() {
            let words = Words::nth(at);
            for (key, sentence) in lines(words.text) {
                assert_eq!(words.find(key), Some(sentence));
            }
            assert_eq!(words.find("no.such.key"), None);
            assert_eq!(words.find(""), None);
            assert_eq!(words.find("zzz"), None);
        }
    }

    #[test]
    fn every_key_that_is_used_exists_and_the_other_way_round() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut texts = Vec::new();
        for folder in ["addon/templates", "src/page", "src/agent/notices"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                texts.push(std::fs::read_to_string(entry.unwrap().path()).unwrap());
            }
        }
        let all = texts.join("\n");
        let mut used = BTreeSet::new();
        for call in ["t(\"", "t1(\"", "t2(\"", "get(\"", "fill(\"", "key: \""] {
            for (at, _) in all.match_indices(call) {
                let key = all[at + call.len()..].split('"').next().unwrap();
                if key.contains('.') && !key.contains(' ') {
                    used.insert(key);
                }
            }
        }
        let english = lines(CATALOGUES[0].1);
        let missing: Vec<_> = used.iter().filter(|key| !english.contains_key(**key)).collect();
        assert!(missing.is_empty(), "no sentence for {missing:?}");
        // These are spelled at run time, from closed lists.
        let made = [
            "room.",
            "kind.",
            "class.",
            "thing.",
            "done.",
            "frame.",
            "record.",
            "mark.",
            "state.",
            "change.",
            "policy.",
            "question.",
            "request.",
            "read.",
        ];
        let idle: Vec<_> = english
            .keys()
            .filter(|key| {
                !all.contains(&format!("\"{key}\"")) && !made.iter().any(|made| key.starts_with(made))
            })
            .collect();
        assert!(idle.is_empty(), "nobody says {idle:?}");
    }

    #[test]
    fn languages_are_chosen_by_the_browser_then_by_the_home() {
        for (accept, home, language) in [
            (Some("de-AT,de;q=0.9,en;q=0.8"), None, "de"),
            (Some("pl,fr;q=0.5"), Some("nl"), "fr"),
            (Some("pl"), Some("nl"), "nl"),
            (Some("DE"), None, "de"),
            (None, Some("es-419"), "es"),
            (None, Some("pl"), "en"),
            (Some("<script>"), None, "en"),
            (None, None, "en"),
        ] {
            let chosen = accept.and_then(Words::accepted).unwrap_or(Words::of_home(home));
            assert_eq!(chosen.language, language, "{accept:?} {home:?}");
        }
    }

    #[test]
    fn every_kind_of_room_record_and_class_has_a_word() {
        let words = Words::nth(0);
        for kind in vestibule_protocol::vocabulary::List::Room.words().chain(["other"]) {
            assert!(words.find(&format!("room.{kind}")).is_some(), "room.{kind}");
        }
        for kind in vestibule_protocol::record::RecordKind::ALL {
            assert!(words.find(&format!("record.{}", kind.name())).is_some(), "{kind:?}");
        }
        for class in vestibule_protocol::consent::Class::ALL {
            for part in ["title", "what"] {
                assert!(words.find(&format!("class.{}.{part}", class.name())).is_some(), "{class}");
            }
        }
        for kind in crate::control::ThingKind::ALL {
            assert!(words.find(&format!("thing.{}", kind.name())).is_some(), "{kind:?}");
        }
        for mark in ["sent", "unsent", "unknown"] {
            assert!(words.find(&format!("mark.{mark}")).is_some(), "{mark}");
        }
    }
}
