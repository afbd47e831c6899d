//! The reference portal: the other end of the wire.
//!
//! In the order of a home's life here: an operator makes tenants and invites ([`cli`]), the home enrols and keeps in step ([`link`]),
//! what it sends is kept ([`store`]) and read by staff ([`api`]); what is erased stays erased ([`journal`]). [`serve`] puts it together.

pub mod api;
pub mod app;
pub mod cli;
pub mod data;
pub mod journal;
pub mod life;
pub mod link;
pub mod live;
pub mod origin;
pub mod problem;
pub mod role;
pub mod serve;
pub mod store;
pub mod world;
