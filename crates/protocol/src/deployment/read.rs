//! From received bytes to a deployment: who approved it, and whether it can be read at all. The order is that of R31.

use std::collections::BTreeSet;

use super::{Base, Delete, Deployment, Item, LIFETIME_SECONDS, PAYLOAD_TYPE};
use crate::charter::Charter;
use crate::dsse::{Envelope, NotSigned};
use crate::id::Thing;
use crate::limits;

/// Why an envelope is not an approved one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotApproved {
    /// Not base64, no signatures, or more than there can be.
    #[error(transparent)]
    Envelope(#[from] NotSigned),
    /// Fewer distinct persons have signed than the charter asks for.
    #[error("approved by {have} of {need} persons")]
    TooFew {
        /// How many have.
        have: usize,
        /// How many it takes.
        need: usize,
    },
}

/// Why a payload cannot be a deployment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The envelope holds something else.
    #[error("the envelope does not hold a deployment")]
    WrongType,
    /// Not the expected JSON: unknown, missing or repeated keys. The word is a key's name of ours, where it is known.
    #[error("the deployment cannot be read: {0}")]
    Unreadable(String),
    /// A value outside its limits; the word names the field.
    #[error("the deployment has a {0} that is not allowed")]
    OutOfBounds(&'static str),
}

/// The distinct persons of the charter who have signed; their keys may be several each (R31). Strict Ed25519; `keyid` is ignored.
///
/// # Errors
/// [`NotApproved`] when the envelope is malformed, or when fewer persons than the threshold have signed.
pub fn approvals<'a>(envelope: &Envelope, charter: &'a Charter) -> Result<BTreeSet<&'a str>, NotApproved> {
    let keys: Vec<[u8; 32]> = charter.approver_keys().collect();
    let signers = envelope.signers(&keys)?;
    let persons: BTreeSet<&str> = signers.iter().filter_map(|key| charter.person(key)).collect();
    let need = charter.threshold as usize;
    if persons.len() < need {
        return Err(NotApproved::TooFew { have: persons.len(), need });
    }
    Ok(persons)
}

/// Reads the payload, whoever signed it.
///
/// # Errors
/// See [`Unfit`].
pub fn read(envelope: &Envelope) -> Result<Deployment, Unfit> {
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(Unfit::WrongType);
    }
    let payload = envelope.unverified_payload().map_err(|_| Unfit::Unreadable("base64".into()))?;
    crate::frame::check_depth(&payload).map_err(|_| Unfit::Unreadable("nested too deeply".into()))?;
    let deployment: Deployment =
        serde_json::from_slice(&payload).map_err(|error| Unfit::Unreadable(key_of(&error)))?;
    bounds(&deployment)?;
    Ok(deployment)
}

/// serde's words with the key it names. The payload is the tenant's own text, never the home's.
fn key_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = text.find(" at line ").unwrap_or(text.len());
    text[..position].chars().filter(|c| !c.is_control()).take(120).collect()
}

fn bounds(deployment: &Deployment) -> Result<(), Unfit> {
    let text = |what, text: &str, most: usize| {
        let chars = text.chars().count();
        let fits = chars <= most && !text.chars().any(|c| c.is_control() && c != '\n');
        if fits { Ok(()) } else { Err(Unfit::OutOfBounds(what)) }
    };
    let within = |what, fits: bool| if fits { Ok(()) } else { Err(Unfit::OutOfBounds(what)) };
    text("title", &deployment.title, limits::TITLE_CHARS)?;
    within("title", !deployment.title.trim().is_empty())?;
    text("summary", &deployment.summary, limits::SUMMARY_CHARS)?;
    text("author", &deployment.author, limits::PERSON_CHARS)?;
    within("expiry", deployment.not_before < deployment.expires)?;
    within("expiry", deployment.expires - deployment.not_before <= LIFETIME_SECONDS)?;
    within("sequence", deployment.sequence > 0 && i64::try_from(deployment.sequence).is_ok())?;
    within("number of items", (1..=limits::ITEMS).contains(&deployment.items.len()))?;
    deployment.items.iter().try_for_each(item)
}

fn item(item: &Item) -> Result<(), Unfit> {
    let within = |what, fits: bool| if fits { Ok(()) } else { Err(Unfit::OutOfBounds(what)) };
    let short =
        |text: &Option<String>| text.as_ref().is_none_or(|text| text.chars().count() <= limits::TITLE_CHARS);
    let deletes = |delete: &Delete, thing| {
        within("existing", delete.existing.thing == thing)?;
        within("base", delete.base != Base::None)
    };
    match item {
        Item::DashboardPut(put) => {
            within("dashboard", put.dashboard.is_none_or(|id| id.thing == Thing::Dashboard))?;
            within("url_path", put.dashboard.is_some() != put.url_path.is_some())?;
            within("url_path", put.url_path.as_deref().is_none_or(is_path))?;
            within("base", put.dashboard.is_some() == (put.base != Base::None))?;
            within("title", short(&put.title) && (put.title.is_some() || put.dashboard.is_some()))?;
            within("icon", short(&put.icon))?;
            within("content", put.content.len() <= limits::CONTENT_BYTES)
        }
        Item::AutomationPut(put) | Item::ScriptPut(put) => {
            let thing =
                if matches!(item, Item::AutomationPut(_)) { Thing::Automation } else { Thing::Script };
            within("existing", put.existing.is_none_or(|id| id.thing == thing))?;
            within("id", put.existing.is_some() != put.id.is_some())?;
            within("id", put.id.as_deref().is_none_or(is_slug))?;
            within("base", put.existing.is_some() == (put.base != Base::None))?;
            within("content", put.content.len() <= limits::CONTENT_BYTES)
        }
        Item::CardPut(put) => {
            within("element", is_element(&put.element))?;
            within("module", put.module.len() <= limits::CARD_BYTES)
        }
        Item::CardDelete(delete) => {
            within("element", is_element(&delete.element))?;
            within("base", delete.base != Base::None)
        }
        Item::DashboardDelete(delete) => deletes(delete, Thing::Dashboard),
        Item::AutomationDelete(delete) => deletes(delete, Thing::Automation),
        Item::ScriptDelete(delete) => deletes(delete, Thing::Script),
    }
}

/// R45: lower-case words with hyphens between them, at least two.
#[must_use]
fn is_path(path: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    path.len() <= 64 && path.contains('-') && path.split('-').all(word)
}

fn is_slug(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// A custom element's name as browsers want it, in its plainest form.
fn is_element(name: &str) -> bool {
    is_path(name) && name.starts_with(|c: char| c.is_ascii_lowercase())
}
