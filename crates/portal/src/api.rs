//! The pull API under `/v1`: what staff and their programs can ask. [`openapi`] describes it.

pub mod auth;
pub mod error;
pub mod health;
pub mod instances;
pub mod openapi;
pub mod recovery;
pub mod snapshot;
