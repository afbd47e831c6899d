//! The only code that talks to Home Assistant.
//!
//! [`run`] is the task; it hands over [`HomeEvent`](crate::outbound::reading::HomeEvent)s. Below it, from the outside in:
//! `task` (connect, read, wait, again), `reader` (which list next), `read` (what to read again and when), `session` (questions,
//! answers, events), `socket` (WebSocket, authentication, signs of life), `paced` (memory), and `wire` (what of
//! Home Assistant's JSON we look at). `commands` is the closed list of what we ever say.

pub mod address;
pub mod commands;
pub mod desk;
pub mod gather;
mod intern;
mod keepsake;
mod overheard;
mod paced;
mod people;
pub mod places;
mod read;
mod reader;
pub mod rest;
mod routines;
mod session;
mod socket;
mod task;
mod wire;
mod wishes;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use address::{AddressError, Endpoint, Token};
pub use overheard::overhear;
pub use people::{Administrators, UserHash, administrators};
pub use task::run;
pub use wishes::Wishes;
