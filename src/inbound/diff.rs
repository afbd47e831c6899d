//! What would change, for the owner: in words, per card and per entity, and side by side.
//!
//! All of it holds texts of the home, so all of it is `Private`. [`ItemDiff::for_the_owner`] is the one way out: whoever calls it answers
//! the owner's command or page, and nobody else.

mod lines;
mod words;

use serde::Serialize;

use super::json::Json;
use super::plan::{Image, RoutineKind, Target};
use crate::outbound::contents::{DocumentKind, Ids};
use crate::outbound::reading::Text;
use crate::private::Private;

/// The kind of a difference that people at home have made.
pub const AT_HOME: &str = "home";

/// What one item would change. It holds texts of the home and is shown to the owner only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemDiff {
    /// The item, from 0.
    pub item: u32,
    /// Its kind, such as `dashboard.put`; `home` for what was changed at home since something was designed.
    pub kind: &'static str,
    /// What it is called.
    pub title: Text,
    /// In words, one change a line.
    pub words: Vec<Text>,
    /// Side by side: what has changed, with a few lines around it.
    pub rows: Vec<Row>,
}

/// A line of the side-by-side view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What stands there now; `None` where a line is new.
    pub before: Option<Text>,
    /// What would stand there; `None` where a line is removed.
    pub after: Option<Text>,
    /// How the two differ.
    pub change: RowChange,
}

/// How the two sides of a row differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowChange {
    /// They do not.
    Same,
    /// They do.
    Changed,
    /// Lines are left out here; there are no texts.
    Gap,
}

/// A difference on its way to the owner's terminal or page. Its `Debug` tells nothing.
#[derive(Serialize)]
pub struct Shown<'a> {
    item: u32,
    kind: &'static str,
    title: &'a str,
    words: Vec<&'a str>,
    rows: Vec<ShownRow<'a>>,
}

#[derive(Serialize)]
struct ShownRow<'a> {
    before: Option<&'a str>,
    after: Option<&'a str>,
    change: RowChange,
}

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shown(item {}, ‹private›)", self.item)
    }
}

impl ItemDiff {
    /// For the answer to the owner's command, or the owner's page, and nothing else; never for a log or a message.
    #[must_use]
    pub fn for_the_owner(&self) -> Shown<'_> {
        Shown {
            item: self.item,
            kind: self.kind,
            title: self.title.reveal_to_inbound(),
            words: self.words.iter().map(|words| &**words.reveal_to_inbound()).collect(),
            rows: self.rows.iter().map(Row::shown).collect(),
        }
    }
}

impl Row {
    fn shown(&self) -> ShownRow<'_> {
        ShownRow {
            before: self.before.as_ref().map(|text| &**text.reveal_to_inbound()),
            after: self.after.as_ref().map(|text| &**text.reveal_to_inbound()),
            change: self.change,
        }
    }
}

/// What is compared.
pub(super) struct Compared<'a> {
    pub(super) item: u32,
    pub(super) kind: &'static str,
    pub(super) title: &'a str,
}

impl Compared<'_> {
    /// Two versions of a document; either may be missing.
    pub(super) fn documents(
        &self,
        kind: DocumentKind,
        before: Option<&Json>,
        after: Option<&Json>,
        ids: &impl Ids,
    ) -> ItemDiff {
        let side = |json: Option<&Json>| json.map(Json::lines).unwrap_or_default();
        self.made(words::of(kind, before, after, ids), &side(before), &side(after))
    }

    /// Two versions of a text, with words for it.
    pub(super) fn texts(&self, words: Vec<String>, before: &str, after: &str) -> ItemDiff {
        let side = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        self.made(words, &side(before), &side(after))
    }

    fn made(&self, words: Vec<String>, before: &[String], after: &[String]) -> ItemDiff {
        ItemDiff {
            item: self.item,
            kind: self.kind,
            title: Private::new(self.title.into()),
            words: words.into_iter().map(|words| Private::new(words.into())).collect(),
            rows: lines::rows(before, after),
        }
    }
}

/// What stands in a document's place instead of what was there when its step was planned, where that is somebody's work; `None` for places
/// that are no documents.
pub fn at_home(
    item: u32,
    title: &str,
    target: &Target,
    (before, found): (&Image, &Image),
    ids: &impl Ids,
) -> Option<ItemDiff> {
    let kind = match target {
        Target::DashboardConfig { .. } => DocumentKind::Dashboard,
        Target::Routine { kind: RoutineKind::Automation, .. } => DocumentKind::Automation,
        Target::Routine { kind: RoutineKind::Script, .. } => DocumentKind::Script,
        Target::DashboardRecord { .. } | Target::Resource { .. } => return None,
    };
    let json = |image: &Image| match image {
        Image::Present(text) => Json::parse(text.reveal_to_inbound()),
        Image::Absent => None,
    };
    let compared = Compared { item, kind: AT_HOME, title };
    Some(compared.documents(kind, json(before).as_ref(), json(found).as_ref(), ids))
}

#[cfg(test)]
mod tests;
