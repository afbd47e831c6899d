//! Taking over what the owner allows, and carrying out what was withdrawn (R27).

use std::collections::BTreeSet;

use rusqlite::params;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::{Class, Consent};
use vestibule_protocol::receipt::Scope;

use super::edit::Edit;
use super::homes::Linked;
use super::{Stop, Tx, audit, erase};
use crate::journal::Entry;

/// Whether the object is one that a home can have: classes sorted and once each.
#[must_use]
pub fn is_sound(consent: &Consent) -> bool {
    consent.classes.is_sorted_by(|one, next| one < next)
        && consent.withdrawn.values().all(|epoch| *epoch <= consent.epoch)
        && i64::try_from(consent.epoch).is_ok()
}

/// Stores consent and schema; erases what is no longer granted, history included, and says which classes that were.
///
/// A home that was put back from a backup may come with an older object. It is believed, because the home is the one that knows what
/// its owner sees; what it grants anew has to be sent anew.
///
/// # Errors
/// When database or journal cannot be written.
pub fn take(tx: &Tx<'_>, home: &mut Linked, new: &Consent, schema: u32) -> Result<Vec<Class>, Stop> {
    if *new == home.consent && schema == home.schema && home.version > 0 {
        return Ok(Vec::new());
    }
    let mut withdrawn: BTreeSet<Class> = new.withdrawn_since(home.consent.epoch).collect();
    withdrawn.extend(home.consent.classes.iter().filter(|class| !new.grants(**class)));
    if home.version == 0 {
        // Nothing has ever been sent here.
        withdrawn.clear();
    }
    let (tenant, tag): (i64, [u8; 32]) =
        tx.db.query_row("SELECT tenant, tag FROM home WHERE id = ?1", [home.id], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    for class in &withdrawn {
        let entry = Entry { home: Fixed(tag), scope: Scope::Class(*class), time: tx.now() };
        tx.journal.append(&entry)?;
        erase::class(tx, home.id, *class)?;
        audit::write(tx, Some(tenant), "owner", "withdraw", class.name(), Some(home.id), "{}")?;
    }
    home.consent = new.clone();
    home.schema = schema;
    store(tx, home, tx.journal.length()?)?;
    Edit::of(tx, home).finish_unannounced(!withdrawn.is_empty())?;
    if !withdrawn.is_empty() {
        tx.scrub_afterwards();
    }
    Ok(withdrawn.into_iter().collect())
}

/// Writes consent and schema, and that the journal up to `journal_at` has been carried out for this home.
pub(super) fn store(tx: &Tx<'_>, home: &Linked, journal_at: u64) -> Result<(), Stop> {
    let text = serde_json::to_string(&home.consent).map_err(|_| Stop::BadMessage)?;
    tx.db.execute(
        "UPDATE home SET consent = ?2, epoch = ?3, schema = ?4, journal_at = ?5 WHERE id = ?1",
        params![home.id, text, home.consent.epoch, home.schema, journal_at],
    )?;
    Ok(())
}
