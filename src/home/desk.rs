//! The desk: where the home is written to. Everything else in this room reads.

mod error;
mod routine;

pub use error::DeskError;
pub use routine::{Routine, RoutineKind};
