//! What leaves the house: pure functions, no clock, no input or output.
//!
//! [`reading`] → [`inventory`] (what the home is) → [`privacy`] (what of it may leave, as canonical records) → [`snapshot`] (their
//! hashes) → [`diff`] (what changed).

pub mod contents;
pub mod diff;
#[cfg(test)]
pub(crate) mod example;
pub mod inventory;
pub mod privacy;
pub mod reading;
pub mod snapshot;
