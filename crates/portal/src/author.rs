//! What authors and approvers do at their own desks: put a deployment together, check it, and see what they sign.
//!
//! In that order: [`design`] makes items of files, with bases from what the portal holds of the home ([`held`]) or knows of earlier
//! deployments ([`earlier`]); [`check`] says what would be refused at home; [`shown`] renders the bytes that are signed, with what they can do
//! ([`abilities`]). All of it is pure; [`files`] reads and writes.

pub mod abilities;
pub mod check;
pub mod design;
pub mod document;
pub mod earlier;
pub mod files;
pub mod held;
pub mod shown;
pub mod tokens;
pub mod tree;
