//! What the desk reads and writes, as plain values. `Debug` shows none of it: paths, ids and settings are the owner's.

use std::fmt;

use crate::outbound::reading::Text;

/// A dashboard's record.
#[derive(Clone, PartialEq, Eq)]
pub struct DeskDashboard {
    /// The record's id; a dashboard that is kept in YAML has none.
    pub id: Option<String>,
    /// Path.
    pub url_path: String,
    /// Title.
    pub title: Option<Text>,
    /// Icon.
    pub icon: Option<Text>,
    /// Shown in the sidebar.
    pub sidebar: bool,
    /// For administrators only.
    pub admin: bool,
    /// Kept in YAML: never written.
    pub yaml: bool,
}

/// A dashboard to make.
#[derive(Clone, PartialEq, Eq)]
pub struct NewDashboard {
    /// Path: `[a-z0-9]+(-[a-z0-9]+)+`, not taken by any panel (R45).
    pub url_path: String,
    /// What its record is to say.
    pub change: DashboardChange,
}

/// What a dashboard's record is to say.
#[derive(Clone, PartialEq, Eq)]
pub struct DashboardChange {
    /// Title.
    pub title: Text,
    /// Icon.
    pub icon: Option<Text>,
    /// Shown in the sidebar.
    pub sidebar: bool,
    /// For administrators only.
    pub admin: bool,
}

/// What came of saving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// How often the dashboard was announced to be saved since this connection last read it, or else since the save was sent, until its
    /// result. One is ours; more than one means that somebody edited it meanwhile (R41).
    pub events: u64,
}

/// A dashboard resource.
#[derive(Clone, PartialEq, Eq)]
pub struct DeskResource {
    /// Id; none where resources are kept in YAML.
    pub id: Option<String>,
    /// `module`, `js`, `css` or `html`.
    pub kind: String,
    /// Where it is loaded from.
    pub url: Text,
}

/// How resources are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceMode {
    /// By Home Assistant: they can be written.
    Storage,
    /// In the owner's YAML: they cannot.
    Yaml,
}

/// The registry entry of an automation's, script's or scene's entity, as far as it is the owner's to set (R44).
#[derive(Clone, PartialEq, Eq)]
pub struct RoutineEntity {
    /// Entity id.
    pub entity_id: String,
    /// Id of the document that it came of.
    pub unique_id: String,
    /// Registry id: an entry that was made again may have another.
    pub registry_id: String,
    /// What the owner set.
    pub settings: EntitySettings,
}

/// What an owner can set about an entity.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct EntitySettings {
    /// Name.
    pub name: Option<Text>,
    /// Icon.
    pub icon: Option<Text>,
    /// Area.
    pub area: Option<String>,
    /// Labels, sorted.
    pub labels: Vec<String>,
    /// Other names. `None` stands for the entity's own name (2026 and later).
    pub aliases: Vec<Option<Text>>,
    /// Categories, as Home Assistant's JSON text; versions before 2024.4 have none.
    pub categories: Option<Text>,
    /// Hidden by the owner.
    pub hidden: bool,
    /// Whether each voice assistant is shown it, where the owner or Home Assistant has decided that.
    pub exposed: Vec<(Assistant, bool)>,
}

/// A voice assistant that entities are shown to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assistant {
    /// Home Assistant's own.
    Conversation,
    /// Amazon's.
    Alexa,
    /// Google's.
    Google,
}

impl Assistant {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Conversation, Self::Alexa, Self::Google];

    /// As Home Assistant names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conversation => "conversation",
            Self::Alexa => "cloud.alexa",
            Self::Google => "cloud.google_assistant",
        }
    }
}

/// Whether an automation or script is there and ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoutineState {
    /// Enabled (automation), running (script).
    On,
    /// Disabled (automation), at rest (script).
    Off,
    /// Home Assistant could not make sense of it, or it is not loaded.
    Unavailable,
    /// Something else.
    Other,
}

/// What is shown of these values when they are printed.
macro_rules! silent {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(‹private›)"))
            }
        }
    )*};
}

silent!(DeskDashboard NewDashboard DashboardChange DeskResource RoutineEntity EntitySettings);

/// Whether a new dashboard may have this path (R45).
#[must_use]
pub fn is_new_path(path: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    path.contains('-') && path.split('-').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r45_new_paths_have_hyphens_between_plain_words() {
        for good in ["a-b", "house-energy-2", "0-0"] {
            assert!(is_new_path(good), "{good}");
        }
        for bad in ["", "lovelace", "a", "-a", "a-", "a--b", "A-b", "a-ü", "a-b/c", "a_b-c", "a-b "] {
            assert!(!is_new_path(bad), "{bad}");
        }
    }
}
