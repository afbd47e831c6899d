//! The only code that talks to the portal.
//!
//! [`origin`] says where it is, [`link`] keeps one connection, [`session`] decides what to say on it (pure),
//! [`budget`] keeps a hostile portal from wearing the home out, [`retry`] says when to try again, [`enrol`] is the first contact.

pub mod budget;
pub mod enrol;
pub mod link;
pub mod origin;
pub mod recorder;
pub mod retry;
pub mod rooted;
pub mod session;
