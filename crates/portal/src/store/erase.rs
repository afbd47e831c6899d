//! Erasing: a class of a home, or the home. The journal comes first, so that a crash or a restored backup cannot bring it back (R28).

use rusqlite::{OptionalExtension as _, params};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::Class;
use vestibule_protocol::receipt::Scope;
use vestibule_protocol::record::key_prefixes;

use super::edit::Edit;
use super::homes::{self, Linked};
use super::{Stop, Tx, audit, consent, staging, support};
use crate::journal::{Entry, Tag};
use crate::world::Seconds;

/// Tables with a column `home`, apart from the home's own row.
const TABLES: [&str; 15] = [
    "record",
    "bucket",
    "version",
    "change",
    "staging",
    "staged",
    "session",
    "handled",
    "audit_detail",
    "deployment",
    "deployment_event",
    "question",
    "request",
    "event",
    "support",
];

/// Deletes a class in what is held, staged and past; older roots answer 410 (R27). The caller makes the next version.
pub(super) fn class(tx: &Tx<'_>, home: i64, class: Class) -> Result<(), Stop> {
    for prefix in key_prefixes(class) {
        tx.db
            .prepare_cached("DELETE FROM record WHERE home = ?1 AND substr(key, 1, length(?2)) = ?2")?
            .execute(params![home, prefix])?;
    }
    // Older roots are gone, so nobody can ask for what led to them.
    tx.db.execute("DELETE FROM change WHERE home = ?1", [home])?;
    tx.db.execute("UPDATE version SET gone = 1 WHERE home = ?1", [home])?;
    staging::forget(tx, home)
}

/// Erases a home: the journal, then every row; the audit trail keeps its digests.
///
/// # Errors
/// When journal or database cannot be written; [`Stop::Erased`] when it is already gone.
pub fn all(tx: &Tx<'_>, home: i64, actor: &str) -> Result<(), Stop> {
    let tag: Tag = tx
        .db
        .prepare_cached("SELECT tag FROM home WHERE id = ?1")?
        .query_row([home], |row| row.get(0))
        .optional()?
        .ok_or(Stop::Erased)?;
    tx.journal.append(&Entry { home: Fixed(tag), scope: Scope::All, time: tx.now() })?;
    delete(tx, home, &tag, tx.now(), actor)
}

fn delete(tx: &Tx<'_>, home: i64, tag: &Tag, at: Seconds, actor: &str) -> Result<(), Stop> {
    let (tenant, device_key): (i64, [u8; 32]) =
        tx.db.query_row("SELECT tenant, device_key FROM home WHERE id = ?1", [home], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    for table in TABLES {
        tx.db.execute(&format!("DELETE FROM {table} WHERE home = ?1"), [home])?;
    }
    tx.db.execute("DELETE FROM home WHERE id = ?1", [home])?;
    tx.db.execute("UPDATE invite SET device_key = NULL, label = NULL WHERE device_key = ?1", [device_key])?;
    tx.db.execute("INSERT OR REPLACE INTO erased (tag, at) VALUES (?1, ?2)", params![tag, at])?;
    audit::write(tx, Some(tenant), actor, "erase", "home", None, "{}")?;
    tx.scrub_afterwards();
    Ok(())
}

/// Erases the home whose recovery code has this hash; says which row that was.
///
/// # Errors
/// [`Stop::NotFound`] when there is none.
pub fn by_recovery(tx: &Tx<'_>, hash: &[u8; 32]) -> Result<i64, Stop> {
    let home: i64 = tx
        .db
        .prepare_cached("SELECT id FROM home WHERE recovery_hash = ?1")?
        .query_row([hash], |row| row.get(0))
        .optional()?
        .ok_or(Stop::NotFound)?;
    all(tx, home, "owner")?;
    Ok(home)
}

/// Carries out again what the journal says and a restored database has forgotten; says how much that was.
///
/// # Errors
/// When journal or database cannot be read or written.
pub fn replay(tx: &Tx<'_>) -> Result<u32, Stop> {
    let mut carried_out = 0;
    for (at, entry) in tx.journal.entries()? {
        let tag = entry.home.0;
        let homes: Vec<(i64, u64, u64)> = tx
            .db
            .prepare_cached("SELECT id, generation, journal_at FROM home WHERE tag = ?1")?
            .query_map([tag], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<Result<_, _>>()?;
        let Some((home, generation, _)) = homes.iter().copied().find(|(_, _, journal_at)| *journal_at <= at)
        else {
            if homes.is_empty() && entry.scope == Scope::All {
                tx.db.execute(
                    "INSERT OR IGNORE INTO erased (tag, at) VALUES (?1, ?2)",
                    params![tag, entry.time],
                )?;
            }
            continue;
        };
        match entry.scope {
            Scope::All => delete(tx, home, &tag, entry.time, "portal")?,
            // Reports that came afterwards were sent by a new decision.
            Scope::Support => {
                if !support::forget(tx, home, entry.time)? {
                    continue;
                }
            }
            Scope::Class(withdrawn) => {
                let mut linked = homes::linked(tx, homes::Right { home, generation })?;
                forget_class(tx, &mut linked, withdrawn, at)?;
            }
        }
        carried_out += 1;
    }
    Ok(carried_out)
}

/// The home's epoch stays as the backup has it, so that its next hello brings everything that changed since.
fn forget_class(tx: &Tx<'_>, home: &mut Linked, withdrawn: Class, entry_at: u64) -> Result<(), Stop> {
    class(tx, home.id, withdrawn)?;
    home.consent.classes.retain(|class| *class != withdrawn);
    // Only up to this entry: later ones of the same home are still to come.
    consent::store(tx, home, entry_at + 1)?;
    Edit::of(tx, home).finish_unannounced(true)?;
    tx.scrub_afterwards();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Journal;
    use crate::store::Store;
    use crate::world::World;

    /// R28: a table that a later migration adds cannot be forgotten.
    #[test]
    fn r28_every_table_about_a_home_is_erased_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::at(&folder.path().join("erasures.jsonl"));
        let store = Store::inline(&folder.path().join("portal.db"), journal, World::real()).unwrap();
        let listed: Vec<String> = store
            .read_now(|db| {
                Ok(db
                    .prepare(
                        "SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) c
                         WHERE m.type = 'table' AND c.name = 'home' ORDER BY m.name",
                    )?
                    .query_map([], |row| row.get(0))?
                    .collect::<Result<_, _>>()?)
            })
            .unwrap();
        let mut tables = TABLES.map(str::to_owned).to_vec();
        tables.sort();
        assert_eq!(listed, tables);
    }
}
