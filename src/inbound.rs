//! What may come back: pure functions, no clock, no input or output.

pub mod apply;
pub mod rollback;
pub mod settle;
