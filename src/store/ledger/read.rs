//! Reading the ledger: lists without bodies, single rows with them, sums, and the export.

use std::fmt;
use std::io::Write;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

use super::{Direction, Hash, Mark, PREFIX, Stored, WHOLE};
use crate::store::error::{LEDGER_DB, StoreError, sql};
use crate::store::hex;

/// One row as stored. `Debug` hides nothing, for there is no body in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Number in the chain, from 1.
    pub seq: u64,
    /// Unix milliseconds.
    pub time: i64,
    /// Which way it went.
    pub direction: Direction,
    /// Kind of message.
    pub kind: String,
    /// Size of the whole frame in bytes.
    pub size: u64,
    /// How much of the body is here.
    pub stored: Stored,
    /// BLAKE3 of the whole frame.
    pub body: [u8; 32],
    /// Hash of the row before.
    pub previous: [u8; 32],
    /// Hash of this row.
    pub hash: [u8; 32],
    /// What became of it; `None` unless outbound.
    pub mark: Option<Mark>,
}

/// One row with what is kept of its body. `Debug` hides the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The row.
    pub row: Row,
    /// The whole frame, or its prefix, or nothing: see [`Row::stored`].
    pub bytes: Option<Vec<u8>>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("row", &self.row).finish_non_exhaustive()
    }
}

/// Which rows to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// First number to list; `None` for the first, or with `newest_first` the last, there is.
    pub from: Option<u64>,
    /// At most so many rows.
    pub limit: u32,
    /// Only rows of this direction.
    pub direction: Option<Direction>,
    /// Count down instead of up.
    pub newest_first: bool,
}

/// How much went over the wire.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Frames sent, or perhaps sent.
    pub out_frames: u64,
    /// Their bytes.
    pub out_bytes: u64,
    /// Frames received (without those that were only counted).
    pub in_frames: u64,
    /// Their bytes.
    pub in_bytes: u64,
}

impl fmt::Debug for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { out_frames, out_bytes, in_frames, in_bytes } = self;
        write!(f, "out {out_bytes} B in {out_frames} frames, in {in_bytes} B in {in_frames} frames")
    }
}

const COLUMNS: &str = "seq, time, direction, kind, size, stored, body, previous, hash, mark";

/// Lists rows without bodies. `pending` are marks that the daemon knows and has not written yet.
pub(crate) fn list(
    ledger: &Connection,
    page: &Page,
    pending: &[(u64, Mark)],
) -> Result<Vec<Row>, StoreError> {
    let (compare, order, default) =
        if page.newest_first { ("<=", "DESC", i64::MAX) } else { (">=", "ASC", 0) };
    let text = format!(
        "SELECT {COLUMNS} FROM rows WHERE seq {compare} ?1 AND (?2 IS NULL OR direction = ?2) ORDER BY seq {order} LIMIT ?3"
    );
    let from = page.from.map_or(default, |seq| i64::try_from(seq).unwrap_or(i64::MAX));
    let mut statement = ledger.prepare(&text).map_err(sql(LEDGER_DB))?;
    let direction = page.direction.map(Direction::number);
    statement
        .query_map(params![from, direction, page.limit], |row| read(row, pending))
        .and_then(Iterator::collect)
        .map_err(sql(LEDGER_DB))
}

/// One row with what is here of its body.
pub(crate) fn get(
    ledger: &Connection,
    seq: u64,
    pending: &[(u64, Mark)],
) -> Result<Option<Entry>, StoreError> {
    let Ok(number) = i64::try_from(seq) else { return Ok(None) };
    let text = format!("SELECT {COLUMNS}, prefix FROM rows WHERE seq = ?1");
    let found: Option<(Row, Option<Vec<u8>>)> = ledger
        .query_row(&text, [number], |row| Ok((read(row, pending)?, row.get(10)?)))
        .optional()
        .map_err(sql(LEDGER_DB))?;
    let Some((row, prefix)) = found else { return Ok(None) };
    let bytes = match row.stored {
        Stored::Whole => Some(
            ledger
                .query_row("SELECT bytes FROM bodies WHERE hash = ?1", [row.body], |row| row.get(0))
                .map_err(sql(LEDGER_DB))?,
        ),
        Stored::Prefix => prefix,
        Stored::HashOnly => None,
    };
    Ok(Some(Entry { row, bytes }))
}

/// Sums of what went over the wire since a time.
pub(crate) fn usage(ledger: &Connection, since: i64, pending: &[(u64, Mark)]) -> Result<Usage, StoreError> {
    let sum = |direction: Direction| -> Result<(u64, u64), StoreError> {
        let read = |row: &rusqlite::Row<'_>| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, i64>(1)?.cast_unsigned()))
        };
        ledger
            .query_row(
                "SELECT count(*), coalesce(sum(size), 0) FROM rows
                 WHERE time >= ?1 AND direction = ?2 AND mark IS NOT 2",
                params![since, direction.number()],
                read,
            )
            .map_err(sql(LEDGER_DB))
    };
    let ((mut out_frames, mut out_bytes), (in_frames, in_bytes)) =
        (sum(Direction::Out)?, sum(Direction::In)?);
    for (seq, mark) in pending {
        if *mark == Mark::Unsent
            && let Some(Entry { row, .. }) = get(ledger, *seq, &[])?
            && row.direction == Direction::Out
            && row.mark == Some(Mark::Unknown)
            && row.time >= since
        {
            out_frames = out_frames.saturating_sub(1);
            out_bytes = out_bytes.saturating_sub(row.size);
        }
    }
    Ok(Usage { out_frames, out_bytes, in_frames, in_bytes })
}

/// Bytes sent (or perhaps sent) and received in each of `count` equal steps of time, the first of which begins at `since`.
pub(crate) fn usage_by(
    ledger: &Connection,
    since: i64,
    step_ms: i64,
    count: usize,
) -> Result<Vec<(u64, u64)>, StoreError> {
    let mut steps = vec![(0_u64, 0_u64); count];
    let mut select = ledger
        .prepare(
            "SELECT (time - ?1) / ?2, direction, sum(size) FROM rows
             WHERE time >= ?1 AND direction IN (0, 1) AND mark IS NOT 2 GROUP BY 1, 2",
        )
        .map_err(sql(LEDGER_DB))?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?.cast_unsigned()))
    };
    for row in select.query_map(params![since, step_ms], read).map_err(sql(LEDGER_DB))? {
        let (step, direction, bytes) = row.map_err(sql(LEDGER_DB))?;
        let Some(step) = usize::try_from(step).ok().and_then(|step| steps.get_mut(step)) else { continue };
        let side = if direction == 0 { &mut step.0 } else { &mut step.1 };
        *side += bytes;
    }
    Ok(steps)
}

/// Writes the whole ledger as JSON lines, one row at a time: first the checkpoint if there is one. Bytes and hashes are
/// hexadecimal.
pub(crate) fn export(
    ledger: &Connection,
    pending: &[(u64, Mark)],
    out: &mut dyn Write,
) -> Result<u64, StoreError> {
    let mut line = |value: serde_json::Value| {
        writeln!(out, "{value}").map_err(|error| StoreError::io("writing the export", &error))
    };
    if let Some(checkpoint) = super::verify::checkpoint(ledger)? {
        line(json!({ "checkpoint": {
            "first_seq": checkpoint.first_seq,
            "previous": hex(&checkpoint.previous),
            "dropped": checkpoint.dropped,
            "dropped_until": checkpoint.dropped_until,
        }}))?;
    }
    let (mut from, mut count) = (0, 0);
    // In pages, so that no long reading holds up the writer's checkpoints.
    loop {
        let page = Page { from: Some(from), limit: 256, direction: None, newest_first: false };
        let rows = list(ledger, &page, pending)?;
        let Some(last) = rows.last() else { return Ok(count) };
        from = last.seq + 1;
        for row in &rows {
            // It may have expired since it was listed.
            let Some(Entry { row, bytes }) = get(ledger, row.seq, pending)? else { continue };
            line(json!({
                "seq": row.seq,
                "time": row.time,
                "direction": row.direction.name(),
                "kind": row.kind,
                "size": row.size,
                "stored": row.stored.name(),
                "bytes": bytes.map(|bytes| hex(&bytes)),
                "mark": row.mark.map(Mark::name),
                "body": hex(&row.body),
                "previous": hex(&row.previous),
                "hash": hex(&row.hash),
            }))?;
            count += 1;
        }
    }
}

impl Stored {
    /// `whole`, `prefix` or `hash_only`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Prefix => "prefix",
            Self::HashOnly => "hash_only",
        }
    }
}

fn read(row: &rusqlite::Row<'_>, pending: &[(u64, Mark)]) -> rusqlite::Result<Row> {
    let seq = row.get::<_, i64>(0)?.cast_unsigned();
    let number: i64 = row.get(2)?;
    let direction = Direction::of(number).ok_or(rusqlite::Error::IntegralValueOutOfRange(2, number))?;
    let written = row.get::<_, Option<i64>>(9)?.and_then(Mark::of);
    let known = || pending.iter().find(|(pending, _)| *pending == seq).map(|(_, mark)| *mark);
    Ok(Row {
        seq,
        time: row.get(1)?,
        direction,
        kind: row.get(3)?,
        size: row.get::<_, i64>(4)?.cast_unsigned(),
        stored: match row.get(5)? {
            WHOLE => Stored::Whole,
            PREFIX => Stored::Prefix,
            _ => Stored::HashOnly,
        },
        body: row.get::<_, Hash>(6)?,
        previous: row.get(7)?,
        hash: row.get(8)?,
        mark: (direction == Direction::Out).then(|| written.or_else(known).unwrap_or(Mark::Unknown)),
    })
}
