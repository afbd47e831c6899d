//! What is around every page: language, prefix, navigation, and the token of its forms.

use std::fmt::Display;

use super::words::Words;

/// A place in the navigation.
pub(super) struct Place {
    /// Its address below the prefix.
    pub(super) path: &'static str,
    /// Its name's key.
    pub(super) key: &'static str,
    /// Also for those who may only look.
    open: bool,
}

/// The navigation, in order.
const PLACES: [Place; 6] = [
    Place { path: "/", key: "nav.status", open: true },
    Place { path: "/leaves", key: "nav.leaves", open: false },
    Place { path: "/deployments", key: "nav.deployments", open: false },
    Place { path: "/questions", key: "nav.questions", open: false },
    Place { path: "/ledger", key: "nav.ledger", open: false },
    Place { path: "/connection", key: "nav.connection", open: false },
];

/// What every template knows.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// What all addresses begin with.
    pub(super) base: String,
    /// The sentences.
    pub(super) words: Words,
    /// The place in the navigation.
    pub(super) here: &'static str,
    /// For the forms.
    pub(super) token: String,
    /// Whether this person decides, or only looks.
    pub(super) decides: bool,
    /// What was just done, as a sentence.
    pub(super) done: Option<&'static str>,
    /// Changes whenever style or script change.
    pub(super) version: &'static str,
}

impl Frame {
    /// A sentence.
    pub(super) fn t(&self, key: &'static str) -> &'static str {
        self.words.get(key)
    }

    /// A sentence with a value.
    pub(super) fn t1(&self, key: &'static str, value: impl Display) -> String {
        self.words.fill(key, &[&value])
    }

    /// A sentence with two values.
    pub(super) fn t2(&self, key: &'static str, first: impl Display, second: impl Display) -> String {
        self.words.fill(key, &[&first, &second])
    }

    /// A word for one of a closed list; the word itself where the catalogue is older than the list.
    pub(super) fn word(&self, list: &str, word: impl Display) -> String {
        let word = word.to_string();
        self.words.find(&format!("{list}.{word}")).map_or(word, str::to_owned)
    }

    /// Places that this person may see.
    pub(super) fn places(&self) -> impl Iterator<Item = &'static Place> {
        PLACES.iter().filter(|place| place.open || self.decides)
    }
}

/// What must come out of a template as text.
#[cfg(test)]
pub(super) const EVIL: &str = "\"'><script>alert(1)</script>";

#[cfg(test)]
impl Frame {
    /// In English, for somebody who decides.
    pub(super) fn of_a_test(here: &'static str) -> Self {
        Self {
            base: String::new(),
            words: Words::of_home(None),
            here,
            token: "t".to_owned(),
            decides: true,
            done: None,
            version: "v",
        }
    }
}
