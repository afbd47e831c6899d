//! Vestibule: the small room between a home and the street.
//!
//! ```text
//! OUT   home ─→ outbound: inventory ─→ privacy ─→ snapshot ─→ diff ─→ portal
//! IN    portal ─→ inbound: deployment ─→ plan ─→ home
//! ```
//!
//! The modules, in the order the data flows: [`home`] reads, [`outbound`] decides what may leave (pure), [`inbound`]
//! decides what may come in and what it would change (pure), [`agent`] is the one loop that
//! owns the state, [`store`] remembers, [`portal`] talks to the other end. [`identity`] says who the home is to a tenant. [`commands`]
//! and [`control`] are how a person reaches it all, and [`page`] is the same for a browser; `words` has the sentences of both page and
//! notifications.

pub mod home;

pub mod identity;
pub mod inbound;
pub mod outbound;
pub mod private;

pub mod agent;
pub mod clock;
pub mod kill;
pub mod problem;
pub mod settings;
pub mod store;

pub mod net;
pub mod portal;

pub mod commands;
pub mod control;
pub mod observe;
pub mod page;
mod words;
