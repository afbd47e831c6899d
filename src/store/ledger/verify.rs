//! Checking the ledger: the whole chain, every body, every mark.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};

use super::{
    Direction, GENESIS, Hash, Mark, PREFIX, PREFIX_GONE, Sealed, WHOLE, WHOLE_GONE, digest, seal,
    seal_checkpoint,
};
use crate::store::error::{LEDGER_DB, StoreError, sql};

/// Stands for the rows that have expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// The first row that remains, or will come.
    pub first_seq: u64,
    /// Hash of the last row that was dropped.
    pub previous: [u8; 32],
    /// How many rows were dropped in all.
    pub dropped: u64,
    /// Latest time among them, Unix milliseconds.
    pub dropped_until: i64,
}

/// What checking the ledger found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// Everything fits together. (That the last rows have been cut off cannot be seen from the ledger itself.)
    Sound {
        /// How many rows were checked.
        rows: u64,
        /// How many of them have let go of their body or have only a prefix of it; their hashes were checked.
        without_body: u64,
        /// Hash of the last row: written down elsewhere, it shows later whether rows were cut off.
        head: [u8; 32],
        /// What stands for the rows before.
        checkpoint: Option<Checkpoint>,
    },
    /// Something has been changed.
    Broken {
        /// The first row that is wrong; for a wrong checkpoint the first row there should be.
        seq: u64,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Recomputes the whole chain, in one consistent reading. Reads every body: seconds for a full ledger.
pub(crate) fn verify(ledger: &Connection) -> Result<Verification, StoreError> {
    ledger.execute_batch("BEGIN").map_err(sql(LEDGER_DB))?;
    let found = walk(ledger);
    ledger.execute_batch("ROLLBACK").map_err(sql(LEDGER_DB))?;
    match found {
        Ok(sound) => Ok(sound),
        Err(Stop::Broken(seq, what)) => Ok(Verification::Broken { seq, what }),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// The checkpoint, if rows have expired.
pub(super) fn checkpoint(ledger: &Connection) -> Result<Option<Checkpoint>, StoreError> {
    Ok(sealed_checkpoint(ledger)?.map(|(checkpoint, _)| checkpoint))
}

enum Stop {
    Broken(u64, &'static str),
    Failed(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

fn walk(ledger: &Connection) -> Result<Verification, Stop> {
    let sealed = sealed_checkpoint(ledger)?;
    let (mut expected, mut previous) = (1, GENESIS);
    if let Some((point, hash)) = &sealed {
        if seal_checkpoint(point.first_seq, &point.previous, point.dropped, point.dropped_until) != *hash {
            return Err(Stop::Broken(point.first_seq, "the checkpoint has been changed"));
        }
        (expected, previous) = (point.first_seq, point.previous);
    }
    let first = expected;
    // Marked rows whose marking no later row has confirmed yet. Marks come soon after, so this stays small.
    let mut marked: BTreeMap<u64, i64> = BTreeMap::new();
    let (mut rows, mut without_body) = (0, 0);
    let mut statement = ledger
        .prepare(
            "SELECT seq, time, direction, kind, size, body, stored, prefix, settles, previous, hash, mark
             FROM rows ORDER BY seq",
        )
        .map_err(sql(LEDGER_DB))?;
    let mut cursor = statement.query([]).map_err(sql(LEDGER_DB))?;
    while let Some(row) = cursor.next().map_err(sql(LEDGER_DB))? {
        let seq = row.get::<_, i64>(0).map_err(sql(LEDGER_DB))?.cast_unsigned();
        if seq != expected {
            return Err(Stop::Broken(seq.min(expected), "a row is missing, or there is one too many"));
        }
        let stored: i64 = row.get(6).map_err(|_| Stop::Broken(seq, "a column has an impossible value"))?;
        previous = check_row(ledger, row, seq, &previous, &mut marked, first)?;
        rows += 1;
        without_body += u64::from(stored != WHOLE);
        expected = seq + 1;
    }
    if let Some((seq, _)) = marked.pop_first() {
        return Err(Stop::Broken(seq, "its mark was not written with a later row"));
    }
    check_counts(ledger, rows - without_body)?;
    Ok(Verification::Sound { rows, without_body, head: previous, checkpoint: sealed.map(|(point, _)| point) })
}

/// Checks one row by itself and against the one before; returns its hash.
fn check_row(
    ledger: &Connection,
    row: &rusqlite::Row<'_>,
    seq: u64,
    previous: &Hash,
    marked: &mut BTreeMap<u64, i64>,
    first: u64,
) -> Result<Hash, Stop> {
    let broken = |what| Err(Stop::Broken(seq, what));
    // A value of an impossible shape was not written by us: the row is wrong, the file need not be.
    let odd = |_| Stop::Broken(seq, "a column has an impossible value");
    let (direction, stored): (i64, i64) = (row.get(2).map_err(odd)?, row.get(6).map_err(odd)?);
    let size = row.get::<_, i64>(4).map_err(odd)?.cast_unsigned();
    let body: Hash = row.get(5).map_err(odd)?;
    let prefix: Option<Vec<u8>> = row.get(7).map_err(odd)?;
    let settles: Vec<u8> = row.get::<_, Option<Vec<u8>>>(8).map_err(odd)?.unwrap_or_default();
    let (kept, hash): (Hash, Hash) = (row.get(9).map_err(odd)?, row.get(10).map_err(odd)?);
    let mark: Option<i64> = row.get(11).map_err(odd)?;
    let kind: String = row.get(3).map_err(odd)?;

    if kept != *previous {
        return broken("it does not follow the row before");
    }
    let prefix_hash = match (stored, &prefix) {
        (WHOLE | WHOLE_GONE, None) => None,
        (PREFIX, Some(prefix)) => Some(digest(prefix)),
        (PREFIX_GONE, Some(hash)) => {
            Some(hash.as_slice().try_into().map_err(|_| Stop::Broken(seq, "its prefix has been changed"))?)
        }
        _ => return broken("what is kept of its body has been changed"),
    };
    let time = row.get(1).map_err(odd)?;
    let number = u8::try_from(direction).map_err(|_| Stop::Broken(seq, "its direction has been changed"))?;
    let sealed = Sealed {
        seq,
        time,
        direction: number,
        kind: &kind,
        size,
        body: &body,
        prefix: prefix_hash,
        settles: &settles,
    };
    if seal(previous, &sealed) != hash {
        return broken("it has been changed");
    }
    if stored == WHOLE {
        let bytes: Option<Vec<u8>> = ledger
            .prepare_cached("SELECT bytes FROM bodies WHERE hash = ?1")
            .and_then(|mut select| select.query_row([body], |row| row.get(0)).optional())
            .map_err(sql(LEDGER_DB))?;
        match bytes {
            None => return broken("its body is missing"),
            Some(bytes) if digest(&bytes) != body => return broken("its body has been changed"),
            Some(_) => {}
        }
    } else if Direction::of(direction) != Some(Direction::In) {
        return broken("the body of a row that is not inbound was taken away");
    }
    check_marks(seq, &settles, marked, first)?;
    match mark {
        Some(mark) if direction == 0 && Mark::of(mark).is_some() => drop(marked.insert(seq, mark)),
        Some(_) => return broken("its mark is impossible"),
        None => {}
    }
    Ok(hash)
}

/// The marks that this row's hash covers must be those that the earlier rows have.
fn check_marks(seq: u64, settles: &[u8], marked: &mut BTreeMap<u64, i64>, first: u64) -> Result<(), Stop> {
    let (entries, rest) = settles.as_chunks::<9>();
    if !rest.is_empty() {
        return Err(Stop::Broken(seq, "it has been changed"));
    }
    for [number @ .., mark] in entries {
        let settled = u64::from_le_bytes(*number);
        if settled >= first && marked.remove(&settled) != Some(i64::from(*mark)) {
            return Err(Stop::Broken(settled, "its mark has been changed"));
        }
    }
    Ok(())
}

/// Every body must be there for exactly as many rows as it is counted for.
///
/// Each row's body was found already, so the sums decide. Only if they differ is the place looked for: that needs a sort,
/// for which a large ledger would need temporary files.
fn check_counts(ledger: &Connection, whole: u64) -> Result<(), Stop> {
    let (refs, stray): (i64, i64) = ledger
        .query_row(
            "SELECT coalesce(sum(coalesce(shared.refs, 1)), 0),
                    (SELECT count(*) FROM shared WHERE hash NOT IN (SELECT hash FROM bodies))
             FROM bodies LEFT JOIN shared ON shared.hash = bodies.hash",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .map_err(sql(LEDGER_DB))?;
    if refs.cast_unsigned() == whole && stray == 0 {
        return Ok(());
    }
    let wrong: Option<Option<i64>> = ledger
        .query_row(
            "WITH used AS (SELECT body, count(*) AS refs, min(seq) AS seq FROM rows WHERE stored = 0 GROUP BY body)
             SELECT used.seq FROM bodies
                 LEFT JOIN used ON used.body = bodies.hash
                 LEFT JOIN shared ON shared.hash = bodies.hash
                 WHERE used.refs IS NOT coalesce(shared.refs, 1)
             UNION ALL
             SELECT NULL FROM shared WHERE hash NOT IN (SELECT hash FROM bodies)
             LIMIT 1",
            [],
            |row| row.get(0),
        )
        .optional()
        .map_err(sql(LEDGER_DB))?;
    let seq = wrong.flatten().unwrap_or(0).cast_unsigned();
    Err(Stop::Broken(seq, "a body's count of rows has been changed"))
}

fn sealed_checkpoint(ledger: &Connection) -> Result<Option<(Checkpoint, Hash)>, StoreError> {
    let read = |row: &rusqlite::Row<'_>| {
        let checkpoint = Checkpoint {
            first_seq: row.get::<_, i64>(0)?.cast_unsigned(),
            previous: row.get(1)?,
            dropped: row.get::<_, i64>(2)?.cast_unsigned(),
            dropped_until: row.get(3)?,
        };
        Ok((checkpoint, row.get(4)?))
    };
    ledger
        .query_row("SELECT first_seq, previous, dropped, dropped_until, hash FROM checkpoint", [], read)
        .optional()
        .map_err(sql(LEDGER_DB))
}
