//! The reference portal: the other end of the wire.
//!
//! In the order of a home's life here: an operator makes tenants and invites ([`cli`]), the home enrols and keeps in step ([`link`]),
//! what it sends is kept ([`store`]) and read by staff ([`api`]); what is erased stays erased ([`journal`]). [`serve`] puts it together.
//!
//! Apart from all that, on the machines of people: authors and approvers ([`author`]) with their keys ([`keyfile`]), who reach a portal
//! as any other program would ([`client`]).

pub mod api;
pub mod app;
pub mod author;
pub mod cli;
pub mod client;
pub mod data;
pub mod journal;
pub mod keyfile;
pub mod life;
pub mod link;
pub mod live;
pub mod origin;
pub mod problem;
pub mod role;
pub mod serve;
pub mod store;
pub mod when;
pub mod world;
