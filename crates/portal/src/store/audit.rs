//! The audit trail: rows that stay, chained by hashes over salted digests; salt and details in a table that can be erased (R30).

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Stop, Tx};
use crate::world::Seconds;

/// One row as it can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Unix time in seconds.
    pub at: Seconds,
    /// `owner`, `operator`, `portal` or `staff:` and a number.
    pub actor: String,
    /// What was done.
    pub verb: String,
    /// To what kind of thing.
    pub subject: String,
    /// The details, as JSON, unless they have been erased.
    pub details: Option<String>,
}

fn digest(salt: &[u8; 16], details: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("vestibule 2026-11 v1 audit details");
    hasher.update(salt).update(details.as_bytes());
    *hasher.finalize().as_bytes()
}

fn link(before: &[u8], tenant: Option<i64>, at: Seconds, words: [&str; 3], digest: &[u8; 32]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("vestibule 2026-11 v1 audit chain");
    hasher.update(before).update(&tenant.unwrap_or(0).to_be_bytes()).update(&at.to_be_bytes());
    for word in words {
        hasher.update(&(word.len() as u64).to_be_bytes()).update(word.as_bytes());
    }
    *hasher.update(digest).finalize().as_bytes()
}

/// Adds a row. `subject` names a kind of thing, never which one; that belongs into `details`.
///
/// # Errors
/// When the database cannot be written.
pub fn write(
    tx: &Tx<'_>,
    tenant: Option<i64>,
    actor: &str,
    verb: &str,
    subject: &str,
    home: Option<i64>,
    details: &str,
) -> Result<(), Stop> {
    let (at, salt) = (tx.now(), tx.world.random::<16>()?);
    let digest = digest(&salt, details);
    let before: Vec<u8> = tx
        .db
        .prepare_cached("SELECT chain FROM audit ORDER BY n DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?
        .unwrap_or_default();
    let chain = link(&before, tenant, at, [actor, verb, subject], &digest);
    tx.db
        .prepare_cached(
            "INSERT INTO audit (tenant, at, actor, verb, subject, digest, chain) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![tenant, at, actor, verb, subject, digest, chain])?;
    tx.db
        .prepare_cached("INSERT INTO audit_detail (n, home, salt, details) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![tx.db.last_insert_rowid(), home, salt, details])?;
    Ok(())
}

/// The rows about one home, newest first.
///
/// # Errors
/// When the database cannot be read.
pub fn of_home(db: &Connection, tenant: i64, home: i64, most: u32) -> Result<Vec<Row>, Stop> {
    Ok(db
        .prepare_cached(
            "SELECT at, actor, verb, subject, details FROM audit_detail JOIN audit USING (n)
             WHERE home = ?2 AND tenant = ?1 ORDER BY n DESC LIMIT ?3",
        )?
        .query_map(params![tenant, home, most], |row| {
            Ok(Row {
                at: row.get(0)?,
                actor: row.get(1)?,
                verb: row.get(2)?,
                subject: row.get(3)?,
                details: row.get(4)?,
            })
        })?
        .collect::<Result<_, _>>()?)
}

/// Whether the chain holds, with or without details; the number of rows, or the number of the first that does not fit.
///
/// # Errors
/// When the database cannot be read.
pub fn verify(db: &Connection) -> Result<Result<u64, i64>, Stop> {
    let mut statement = db.prepare_cached(
        "SELECT n, tenant, at, actor, verb, subject, digest, chain, salt, details
         FROM audit LEFT JOIN audit_detail USING (n) ORDER BY n",
    )?;
    let mut rows = statement.query([])?;
    let (mut before, mut count) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let words: [String; 3] = [row.get(3)?, row.get(4)?, row.get(5)?];
        let kept: [u8; 32] = row.get(6)?;
        let chain: Vec<u8> = row.get(7)?;
        let words = words.each_ref().map(String::as_str);
        let sound = link(&before, row.get(1)?, row.get(2)?, words, &kept) == chain.as_slice();
        let salt: Option<[u8; 16]> = row.get(8)?;
        let details: Option<String> = row.get(9)?;
        let fits = salt.zip(details).is_none_or(|(salt, details)| digest(&salt, &details) == kept);
        if !sound || !fits {
            return Ok(Err(row.get(0)?));
        }
        before = chain;
        count += 1;
    }
    Ok(Ok(count))
}
