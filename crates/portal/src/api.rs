//! The API under `/v1`: what staff and their programs can ask. [`openapi`] describes it.

pub mod auth;
pub mod body;
pub mod charters;
pub mod deployments;
pub mod error;
pub mod events;
pub mod health;
pub mod instances;
pub mod openapi;
pub mod questions;
pub mod recovery;
pub mod requests;
pub mod snapshot;
pub mod support;
