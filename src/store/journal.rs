//! The journal: deployments with the images that they are undone from, what approves them, questions, requests, and who has read what.
//!
//! Everything is part of a [`super::Commit`], so that it becomes durable together with what belongs to it. Texts of the home lie only in
//! images and plans; no `Debug` shows them.

mod change;
mod images;
mod read;
mod rows;
mod steps;

pub use change::{JournalChange, StepNote};
pub use rows::{
    DeploymentRow, DeploymentState, Desk, Ended, ItemRow, QuestionRow, QuestionState, ReadRow, Repairs,
    RequestRow, RequestState, Trusting, Work,
};
pub use steps::{StepRow, StepState};

pub(crate) use change::change;
pub(crate) use read::{deployment, desk, envelope, plan, reads, steps};

/// Deployments that keep their images, so that they can be undone.
pub const UNDOABLE: usize = 20;
/// Deployments that are remembered at all.
pub const REMEMBERED: usize = 200;
/// Readings of staff that are remembered.
pub const READS: usize = 1_000;
/// Questions and requests that are remembered once they are over.
pub const OVER: usize = 50;
/// Images compress well and are written while the owner waits.
const LEVEL: i32 = 3;
/// No image or envelope is larger; a text of this size is no honest one.
const INFLATED: usize = 16 << 20;

fn squeeze(bytes: &[u8]) -> Result<Vec<u8>, super::StoreError> {
    zstd::bulk::compress(bytes, LEVEL).map_err(|_| super::StoreError::BadValue { key: "image".to_owned() })
}

fn inflate(bytes: &[u8]) -> Result<Vec<u8>, super::StoreError> {
    let bad = |_| super::StoreError::BadValue { key: "image".to_owned() };
    let mut out = Vec::new();
    let limit = INFLATED as u64 + 1;
    std::io::Read::read_to_end(
        &mut std::io::Read::take(zstd::stream::read::Decoder::new(bytes).map_err(bad)?, limit),
        &mut out,
    )
    .map_err(bad)?;
    if out.len() > INFLATED { Err(super::StoreError::BadValue { key: "image".to_owned() }) } else { Ok(out) }
}
