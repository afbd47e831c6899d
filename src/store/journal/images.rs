//! How places and images are spelled in the journal.

use serde::{Deserialize, Serialize};

use super::{inflate, squeeze};
use crate::inbound::plan::{Image, RoutineKind, Target};
use crate::outbound::reading::Text;
use crate::private::Private;
use crate::store::error::StoreError;

/// First byte of an image that is a text; the empty image stands for nothing.
const PRESENT: u8 = b'+';

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Spelled {
    DashboardRecord { path: String, id: Option<String> },
    DashboardConfig { path: String },
    Resource { element: String, id: Option<String> },
    Automation { id: String },
    Script { id: String },
}

pub(super) fn target(target: &Target) -> Result<Vec<u8>, StoreError> {
    let text = |text: &Text| text.reveal_to_journal().to_string();
    let spelled = match target {
        Target::DashboardRecord { url_path, id } => {
            Spelled::DashboardRecord { path: text(url_path), id: id.as_ref().map(text) }
        }
        Target::DashboardConfig { url_path } => Spelled::DashboardConfig { path: text(url_path) },
        Target::Resource { element, id } => {
            Spelled::Resource { element: element.clone(), id: id.as_ref().map(text) }
        }
        Target::Routine { kind: RoutineKind::Automation, id } => Spelled::Automation { id: text(id) },
        Target::Routine { kind: RoutineKind::Script, id } => Spelled::Script { id: text(id) },
    };
    serde_json::to_vec(&spelled).map_err(|_| bad())
}

pub(super) fn read_target(bytes: &[u8]) -> Result<Target, StoreError> {
    let private = |text: String| Private::new(text.into_boxed_str());
    Ok(match serde_json::from_slice(bytes).map_err(|_| bad())? {
        Spelled::DashboardRecord { path, id } => {
            Target::DashboardRecord { url_path: private(path), id: id.map(private) }
        }
        Spelled::DashboardConfig { path } => Target::DashboardConfig { url_path: private(path) },
        Spelled::Resource { element, id } => Target::Resource { element, id: id.map(private) },
        Spelled::Automation { id } => Target::Routine { kind: RoutineKind::Automation, id: private(id) },
        Spelled::Script { id } => Target::Routine { kind: RoutineKind::Script, id: private(id) },
    })
}

pub(super) fn image(image: &Image) -> Result<Vec<u8>, StoreError> {
    match image {
        Image::Absent => Ok(Vec::new()),
        Image::Present(text) => {
            let text = text.reveal_to_journal().as_bytes();
            let mut bytes = Vec::with_capacity(text.len() + 1);
            bytes.push(PRESENT);
            bytes.extend_from_slice(text);
            squeeze(&bytes)
        }
    }
}

pub(super) fn read_image(bytes: &[u8]) -> Result<Image, StoreError> {
    if bytes.is_empty() {
        return Ok(Image::Absent);
    }
    let plain = inflate(bytes)?;
    let (first, rest) = plain.split_first().ok_or_else(bad)?;
    let text = std::str::from_utf8(rest).map_err(|_| bad())?;
    if *first == PRESENT { Ok(Image::Present(Private::new(text.into()))) } else { Err(bad()) }
}

fn bad() -> StoreError {
    StoreError::BadValue { key: "image".to_owned() }
}
