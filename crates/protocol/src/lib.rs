//! Everything that a home and a portal must agree on. No input or output, no async, no clock.
//!
//! - what may leave: [`schema`] (the complete list of fields), [`record`] (keys and typed records), [`vocabulary`]
//! - what comes back: [`charter`], [`deployment`]
//! - who is who: [`id`], [`words`], [`dsse`], [`statement`], [`invite`], [`receipt`], [`recovery`]
//! - how it travels: [`message`], [`frame`], [`consent`], [`limits`]
//! - how both sides know that they hold the same: [`tree`]
//! - what a person is told when something is wrong: [`problem`]

pub mod base32;
pub mod bytes;
pub mod charter;
pub mod consent;
pub mod deployment;
pub mod dsse;
pub mod frame;
pub mod id;
pub mod invite;
pub mod limits;
pub mod message;
pub mod problem;
pub mod receipt;
pub mod record;
pub mod recovery;
pub mod schema;
pub mod statement;
pub mod tree;
pub mod vocabulary;
pub mod words;
