//! What would change, for the owner: in words, per card and per entity, and side by side.

use crate::outbound::reading::Text;

/// What one item would change. It holds texts of the home and is shown to the owner only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemDiff {
    /// The item, from 0.
    pub item: u32,
    /// Its kind, such as `dashboard.put`.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowChange {
    /// They do not.
    Same,
    /// They do.
    Changed,
    /// Equal lines are left out here; there are no texts.
    Gap,
}
