//! The complete list of what can leave a home: every field of every record with its class, its shape, why it is needed, and how
//! long a portal may keep it. A field that is not listed here cannot be sent, and a portal refuses it.
//!
//! `docs/privacy.md` is generated from this list. A test keeps the typed records of [`crate::record`] equal to it.

mod check;
mod fields;

pub use check::{Refused, check};
pub use fields::SCHEMAS;

use crate::record::RecordKind;

/// Version of the list; part of every root (R18).
pub const VERSION: u32 = 1;

/// How long a portal may keep a record after the home removed it from its current inventory, in days: what the history of snapshots holds.
pub const HISTORY_DAYS: u32 = 90;

/// One kind of record.
#[derive(Debug, Clone, Copy)]
pub struct RecordSchema {
    /// Kind; gives the class.
    pub kind: RecordKind,
    /// What the record is for.
    pub purpose: &'static str,
    /// Its fields, in alphabetical order.
    pub fields: &'static [Field],
}

/// One field.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Name in the record.
    pub name: &'static str,
    /// What values it can have.
    pub shape: Shape,
    /// What it tells, in plain words.
    pub meaning: &'static str,
    /// Why a designer of dashboards needs it.
    pub purpose: &'static str,
}

/// What values a field can have. A portal checks the shape; that a [`Shape::Word`] comes from the program's closed lists is the home's
/// duty, because those lists grow with every version of Home Assistant and a portal may be older than its homes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `true`; `false` is spelled by leaving the field out.
    True,
    /// `false`; `true` is spelled by leaving the field out.
    False,
    /// An integer within these bounds.
    Integer(i64, i64),
    /// A member of a short list.
    OneOf(&'static [&'static str]),
    /// A member of one of the program's long lists: lower-case letters, digits, `_`, `-`, `.`, at most 64.
    Word,
    /// A unit of measurement from the program's list, at most 16 characters.
    Unit,
    /// An opaque id of one kind, by its letter.
    Id(char),
    /// Capability attributes with words, counts, decimal numbers and switches.
    Capabilities,
    /// Free text of the home, at most [`crate::limits::TEXT_CHARS`] characters.
    Text,
    /// A list of free texts.
    Texts,
    /// Free texts by the name of the field that left them out.
    TextsByField,
    /// A hash of 32 bytes as base64url.
    Hash,
    /// Rewritten contents as one JSON text (R14), at most [`crate::limits::CONTENT_BYTES`].
    Document,
    /// Manufacturer or model: at most 40 printable characters, let through by rule R9.
    Vetted,
}

/// The list for one kind.
#[must_use]
pub fn of(kind: RecordKind) -> &'static RecordSchema {
    // The table is in the order of `RecordKind::ALL`, which a test asserts.
    &SCHEMAS[kind as usize]
}
