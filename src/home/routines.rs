//! Reading automations, scripts and scenes, one by one and over REST only: what the editor's address does not answer stays at home (R11).

use vestibule_protocol::limits;

use super::commands::Command;
use super::desk::{DeskError, Routine};
use super::read::BATCH;
use super::rest::Rest;
use super::session::Session;
use super::wire::entity;
use crate::outbound::reading::{HomeTrouble, RawDocument, RawRoutine};

/// Whether an entity can be one of them, by its id.
pub(super) fn is_routine(entity_id: &str) -> bool {
    ["automation.", "scene.", "script."].into_iter().any(|domain| entity_id.starts_with(domain))
}

/// Reads those among these entities that have a document. Home Assistant reads its whole file for each, so nothing else happens meanwhile
/// that it would have to do at once.
pub(super) async fn read(
    session: &mut Session,
    rest: &mut Rest<'_>,
    entity_ids: &[&str],
) -> Result<Vec<RawRoutine>, HomeTrouble> {
    let mut read = Vec::new();
    for batch in entity_ids.chunks(BATCH) {
        let listed = session.ask(&Command::EntityEntries(batch), entity::routines).await?;
        for (entity, kind, id) in listed.map_err(|_| HomeTrouble::Protocol)? {
            let document = match rest.read(kind, &id).await {
                Ok(Routine::Present(text)) if text.reveal_to_home().len() <= limits::CONTENT_BYTES => {
                    RawDocument::Text(text)
                }
                Ok(Routine::Present(_)) | Err(DeskError::TooLarge) => RawDocument::TooLarge,
                Err(DeskError::Trouble(trouble)) => return Err(trouble),
                Ok(Routine::Absent | Routine::Unmanaged) | Err(_) => RawDocument::OutOfReach,
            };
            read.push(RawRoutine { entity, document });
        }
    }
    Ok(read)
}
