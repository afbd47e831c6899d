//! What may come in, and what it would change: pure functions, no clock, no input or output (DESIGN section 8).
//!
//! A deployment gets through the house by five doors, and its type says how far it got:
//!
//! ```text
//! Received ─→ Verified ─→ Consented ─→ Planned ─→ applied
//! ```
//!
//! 1. [`deployment::Received`]: bytes from a portal, which may have been hacked. Nothing in them is believed.
//! 2. [`deployment::Verified`]: enough people whom the tenant's charter names have signed exactly these bytes, for this home, for now, in
//!    this order, and the owner allows such changes at all (R31 to R34).
//! 3. [`plan`]: what every document would be before and after it, to the byte; what the result can *do* ([`abilities`], R37, R38); and
//!    how that reads ([`diff`]). The owner says yes to the hash over all of this (R36).
//! 4. [`consent::Consented`]: that yes, or the trust that was given before to what only displays.
//! 5. [`consent::Planned`]: planned again when it is carried out, and still what was agreed to. Only now may somebody write:
//!    [`apply`] says what to do next, [`rollback`] is the way back, [`settle`] looks again later.
//!
//! Whatever stops it on the way is a [`refusal::Refusal`]: a stable code for the portal, words for the owner.

pub mod abilities;
pub mod apply;
pub mod card;
pub mod charter;
pub mod consent;
pub mod deployment;
pub mod diff;
#[cfg(test)]
mod example;
mod hosts;
pub mod images;
mod json;
mod markup;
pub mod plan;
mod readings;
pub mod refusal;
pub mod rollback;
pub mod settle;
mod template;
