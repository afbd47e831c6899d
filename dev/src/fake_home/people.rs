//! What people have saved, and whether a client has written over it: for whoever must know that no edit was lost.

use std::collections::BTreeMap;

/// A person's dashboard that a client has replaced or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overwritten {
    /// Path of the dashboard.
    pub url_path: String,
    /// What the person had saved.
    pub edit: String,
    /// It was there when a client last read the dashboard: so it could have been spared.
    pub was_read: bool,
}

/// Contents of dashboards as people left them, and as clients last read them, by path.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    left: BTreeMap<String, String>,
    read: BTreeMap<String, Option<String>>,
    pub(super) overwritten: Vec<Overwritten>,
}

impl People {
    /// A person saves a dashboard.
    pub(super) fn save(&mut self, url_path: &str, contents: &str) {
        self.left.insert(url_path.to_owned(), contents.to_owned());
    }

    /// A person deletes a dashboard.
    pub(super) fn delete(&mut self, url_path: &str) {
        self.left.remove(url_path);
    }

    /// A client reads a dashboard.
    pub(super) fn read(&mut self, url_path: &str, contents: Option<&String>) {
        self.read.insert(url_path.to_owned(), contents.cloned());
    }

    /// A client writes or deletes a dashboard that holds this now.
    pub(super) fn written_over(&mut self, url_path: &str, now: Option<&String>) {
        let Some(edit) = self.left.remove(url_path).filter(|left| Some(left) == now) else { return };
        let was_read = self.read.get(url_path).is_some_and(|read| read.as_ref() == Some(&edit));
        self.overwritten.push(Overwritten { url_path: url_path.to_owned(), edit, was_read });
    }
}
