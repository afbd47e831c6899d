//! Writing the ledger: the end of the chain, the inbound rows that wait for company, and the caps.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    DAY_MS, Direction, GENESIS, Hash, INBOUND_PREFIX, INBOUND_WHOLE, LedgerLimits, Mark, NewRow, PREFIX,
    Sealed, WHOLE, digest, expire, seal,
};
use crate::store::error::{LEDGER_DB, StoreError, sql};

/// Inbound rows wait in memory until so many of them have come …
const WAITING_ROWS: usize = 64;
/// … or so many bytes.
const WAITING_BYTES: usize = 64 * 1024;
/// If they cannot be written (a full disk), no more than so many times that wait; further ones are only counted.
const WAITING_MOST: usize = 16;
/// What a row costs on disk besides its body: hashes, indices, half-filled pages.
const ROW_COST: u64 = 512;
/// Kept back for rows that must get out even when the ledger is full.
const RESERVE: u64 = 1 << 20;

/// What the writer remembers of the ledger between transactions.
#[derive(Debug)]
pub(crate) struct Book {
    pub(super) head: Head,
    pub(super) limits: LedgerLimits,
    waiting: Vec<Prepared>,
    waiting_bytes: usize,
    omitted: Omitted,
    parked: Vec<(u64, Mark)>,
}

/// The part of it that a rollback must undo.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// Number of the next row.
    pub(super) next: u64,
    /// Hash of the last one.
    pub(super) previous: Hash,
    /// Bytes of inbound bodies and prefixes.
    pub(super) inbound_bytes: u64,
    /// No inbound row up to this number has a body left to let go.
    pub(super) trimmed_to: u64,
    /// When expiry last ran to its end.
    pub(super) expired_at: Option<i64>,
    /// Start of the day over which inbound rows are counted.
    window_start: i64,
    window_rows: u64,
    /// How much of `waiting`, `omitted` and `parked` this transaction has written.
    wrote_waiting: usize,
    wrote_omitted: Omitted,
    wrote_parked: usize,
}

/// Inbound frames beyond the day's number: only counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Omitted {
    frames: u64,
    bytes: u64,
}

/// A row whose body has been hashed and, if large, cut.
#[derive(Debug)]
struct Prepared {
    time: i64,
    direction: Direction,
    kind: String,
    size: u64,
    body: Hash,
    content: Arc<Vec<u8>>,
    whole: bool,
}

impl Book {
    /// Finds the end of the chain. Reads all inbound rows once to count them.
    pub(crate) fn load(ledger: &Connection, limits: LedgerLimits, now: i64) -> Result<Self, StoreError> {
        let end: Option<(i64, Hash)> = ledger
            .query_row("SELECT seq, hash FROM rows ORDER BY seq DESC LIMIT 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .map_err(sql(LEDGER_DB))?;
        let checkpoint: Option<(i64, Hash)> = ledger
            .query_row("SELECT first_seq - 1, previous FROM checkpoint", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .map_err(sql(LEDGER_DB))?;
        let (last, previous) = end.or(checkpoint).unwrap_or((0, GENESIS));
        let (inbound_bytes, window_rows): (i64, i64) = ledger
            .query_row(
                "SELECT coalesce(sum(CASE stored WHEN 0 THEN size WHEN 1 THEN length(prefix) ELSE 0 END), 0),
                        coalesce(sum(time > ?1), 0)
                 FROM rows WHERE direction = 1",
                [now.saturating_sub(DAY_MS)],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .map_err(sql(LEDGER_DB))?;
        let head = Head {
            next: last.cast_unsigned() + 1,
            previous,
            inbound_bytes: inbound_bytes.cast_unsigned(),
            trimmed_to: 0,
            expired_at: None,
            window_start: now,
            window_rows: window_rows.cast_unsigned(),
            wrote_waiting: 0,
            wrote_omitted: Omitted::default(),
            wrote_parked: 0,
        };
        Ok(Self {
            head,
            limits,
            waiting: Vec::new(),
            waiting_bytes: 0,
            omitted: Omitted::default(),
            parked: Vec::new(),
        })
    }

    /// What to hand to [`Self::roll_back`].
    pub(crate) fn before(&self) -> Head {
        self.head.clone()
    }

    /// The transaction failed: as if nothing had been appended.
    pub(crate) fn roll_back(&mut self, before: Head) {
        self.head = before;
    }

    /// The transaction is durable: what waited has been written.
    pub(crate) fn committed(&mut self) {
        let written: usize = self.waiting.drain(..self.head.wrote_waiting).map(|row| row.content.len()).sum();
        self.waiting_bytes -= written;
        if self.waiting.is_empty() {
            self.waiting = Vec::new();
        }
        self.omitted.frames -= self.head.wrote_omitted.frames;
        self.omitted.bytes -= self.head.wrote_omitted.bytes;
        self.parked.drain(..self.head.wrote_parked);
        self.head.wrote_waiting = 0;
        self.head.wrote_omitted = Omitted::default();
        self.head.wrote_parked = 0;
    }

    /// Changes the caps, from the next row on.
    pub(crate) const fn set_limits(&mut self, limits: LedgerLimits) {
        self.limits = limits;
    }

    /// Remembers marks until the next row is written.
    pub(crate) fn park(&mut self, marks: impl IntoIterator<Item = (u64, Mark)>) {
        self.parked.extend(marks);
    }

    /// Remembers an inbound row until there is an outbound one to be written with. True when enough wait for a
    /// transaction of their own.
    pub(crate) fn note(&mut self, row: &NewRow) -> bool {
        if row.time.saturating_sub(self.head.window_start).unsigned_abs() >= DAY_MS.unsigned_abs() {
            self.head.window_start = row.time;
            self.head.window_rows = 0;
        }
        let too_many = self.waiting.len() >= WAITING_MOST * WAITING_ROWS
            || self.waiting_bytes >= WAITING_MOST * WAITING_BYTES;
        if too_many || self.head.window_rows >= self.limits.inbound_rows_a_day {
            self.omit(1, row.bytes.len() as u64);
            return false;
        }
        self.head.window_rows += 1;
        let row = prepare(row);
        self.waiting_bytes += row.content.len();
        self.waiting.push(row);
        self.waiting.len() >= WAITING_ROWS || self.waiting_bytes >= WAITING_BYTES
    }

    /// Whether [`append`](Self::append) without rows would write anything.
    pub(crate) fn has_waiting(&self) -> bool {
        self.waiting.len() > self.head.wrote_waiting
    }

    /// Writes the inbound rows that wait, then `rows`, with the marks of earlier rows. Inside the caller's transaction.
    ///
    /// Without any row to write nothing is written, and the marks wait for the next one.
    pub(crate) fn append(
        &mut self,
        ledger: &Connection,
        rows: &[NewRow],
        marks: &[(u64, Mark)],
        now: i64,
    ) -> Result<Vec<u64>, StoreError> {
        if rows.is_empty() && !self.has_waiting() {
            self.park(marks.iter().copied());
            return Ok(Vec::new());
        }
        if self
            .head
            .expired_at
            .is_none_or(|at| now.saturating_sub(at).unsigned_abs() >= DAY_MS.unsigned_abs())
        {
            expire::expire(ledger, &mut self.head, now)?;
        }
        if let Err(full) = self.make_room(ledger, rows, now) {
            if !rows.is_empty() || !matches!(full, StoreError::LedgerFull { .. }) {
                return Err(full);
            }
            // Only inbound rows, and no room: they are counted, not kept. That is no reason to pause anything.
            self.give_up_waiting();
            self.park(marks.iter().copied());
            return Ok(Vec::new());
        }
        let mut settles = self.settle(ledger, marks)?;
        let waiting: Vec<Prepared> = std::mem::take(&mut self.waiting);
        let mut written = Ok(());
        for row in &waiting[self.head.wrote_waiting..] {
            written = written.and_then(|()| self.write(ledger, row, &std::mem::take(&mut settles)).map(drop));
        }
        self.waiting = waiting;
        written?;
        self.head.wrote_waiting = self.waiting.len();

        if !rows.is_empty() {
            self.write_omitted(ledger, &mut settles, now)?;
        }
        let mut seqs = Vec::with_capacity(rows.len());
        for row in rows {
            seqs.push(self.write(ledger, &prepare(row), &std::mem::take(&mut settles))?);
        }
        if self.head.inbound_bytes > self.limits.inbound_bytes {
            // Down to seven eighths, so that it is not done for every row.
            expire::trim_inbound(ledger, &mut self.head, self.limits.inbound_bytes / 8 * 7)?;
        }
        Ok(seqs)
    }

    /// Makes sure that the rows fit under the cap: old rows go first, then inbound bodies; younger outbound rows never (R26).
    fn make_room(&mut self, ledger: &Connection, rows: &[NewRow], now: i64) -> Result<(), StoreError> {
        let reserve = if !rows.is_empty() && rows.iter().all(|row| row.essential) { RESERVE } else { 0 };
        let cap = self.limits.cap + reserve;
        let new: u64 = rows.iter().map(|row| row.bytes.len() as u64 + ROW_COST).sum();
        let waiting = self.waiting_bytes as u64 + self.waiting.len() as u64 * ROW_COST;
        let fits = || used(ledger).map(|used| (used, used + new + waiting <= cap));
        while !fits()?.1 {
            if expire::expire(ledger, &mut self.head, now)? > 0 {
                continue;
            }
            let bytes = self.head.inbound_bytes;
            expire::trim_inbound(ledger, &mut self.head, bytes.saturating_sub(1 << 20))?;
            if self.head.inbound_bytes == bytes {
                return Err(StoreError::LedgerFull { used: fits()?.0, cap: self.limits.cap });
            }
        }
        Ok(())
    }

    /// Writes the marks that are known by now; returns what the next row's hash has to cover.
    fn settle(&mut self, ledger: &Connection, marks: &[(u64, Mark)]) -> Result<Vec<u8>, StoreError> {
        let mut settles = Vec::new();
        let parked = &self.parked[self.head.wrote_parked..];
        for (seq, mark) in parked.iter().chain(marks) {
            let changed = ledger
                .prepare_cached("UPDATE rows SET mark = ?2 WHERE seq = ?1 AND direction = 0 AND mark IS NULL")
                .and_then(|mut update| update.execute(params![seq.cast_signed(), mark.number()]))
                .map_err(sql(LEDGER_DB))?;
            if changed == 1 {
                settles.extend_from_slice(&seq.to_le_bytes());
                settles.push(mark.number());
            }
        }
        self.head.wrote_parked = self.parked.len();
        Ok(settles)
    }

    /// Writes one row at the end of the chain.
    fn write(&mut self, ledger: &Connection, row: &Prepared, settles: &[u8]) -> Result<u64, StoreError> {
        let head = &mut self.head;
        let seq = head.next;
        let sealed = Sealed {
            seq,
            time: row.time,
            direction: row.direction.number(),
            kind: &row.kind,
            size: row.size,
            body: &row.body,
            prefix: (!row.whole).then(|| digest(&row.content)),
            settles,
        };
        let hash = seal(&head.previous, &sealed);
        let insert = || {
            if row.whole {
                let new = ledger
                    .prepare_cached(
                        "INSERT INTO bodies (hash, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    )?
                    .execute(params![row.body, row.content.as_slice()])?;
                if new == 0 {
                    ledger
                        .prepare_cached(
                            "INSERT INTO shared (hash, refs) VALUES (?1, 2)
                             ON CONFLICT (hash) DO UPDATE SET refs = refs + 1",
                        )?
                        .execute([row.body])?;
                }
            }
            ledger
                .prepare_cached(
                    "INSERT INTO rows (seq, time, direction, kind, size, body, stored, prefix, settles, previous, hash)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                )?
                .execute(params![
                    seq.cast_signed(),
                    row.time,
                    row.direction.number(),
                    row.kind,
                    row.size.cast_signed(),
                    row.body,
                    if row.whole { WHOLE } else { PREFIX },
                    (!row.whole).then_some(row.content.as_slice()),
                    (!settles.is_empty()).then_some(settles),
                    head.previous,
                    hash,
                ])
        };
        insert().map_err(sql(LEDGER_DB))?;
        if row.direction == Direction::In {
            head.inbound_bytes += row.content.len() as u64;
        }
        head.next += 1;
        head.previous = hash;
        Ok(seq)
    }

    /// Says how many inbound frames were only counted, if any were.
    fn write_omitted(
        &mut self,
        ledger: &Connection,
        settles: &mut Vec<u8>,
        now: i64,
    ) -> Result<(), StoreError> {
        let frames = self.omitted.frames - self.head.wrote_omitted.frames;
        let bytes = self.omitted.bytes - self.head.wrote_omitted.bytes;
        if frames == 0 {
            return Ok(());
        }
        let note = local(now, "inbound-omitted", format!("{{\"frames\":{frames},\"bytes\":{bytes}}}"));
        self.write(ledger, &prepare(&note), &std::mem::take(settles))?;
        self.head.wrote_omitted = self.omitted;
        Ok(())
    }

    fn give_up_waiting(&mut self) {
        let gone = self.waiting.split_off(self.head.wrote_waiting);
        self.waiting_bytes -= gone.iter().map(|row| row.content.len()).sum::<usize>();
        self.omit(gone.len() as u64, gone.iter().map(|row| row.size).sum());
    }

    fn omit(&mut self, frames: u64, bytes: u64) {
        self.omitted.frames += frames;
        self.omitted.bytes += bytes;
    }
}

/// A note of the ledger about itself.
pub(crate) fn local(time: i64, kind: &str, json: String) -> NewRow {
    NewRow { direction: Direction::Local, ..NewRow::out(time, kind, Arc::new(json.into_bytes())) }
}

/// Bytes that the ledger takes up on disk, without pages that are free to be used again.
pub(crate) fn used(ledger: &Connection) -> Result<u64, StoreError> {
    let pragma =
        |name| ledger.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(sql(LEDGER_DB));
    let pages = pragma("page_count")? - pragma("freelist_count")?;
    Ok((pages * pragma("page_size")?).cast_unsigned())
}

fn prepare(row: &NewRow) -> Prepared {
    let whole = row.direction != Direction::In || row.keep || row.bytes.len() <= INBOUND_WHOLE;
    Prepared {
        time: row.time,
        direction: row.direction,
        kind: row.kind.clone(),
        size: row.bytes.len() as u64,
        body: digest(&row.bytes),
        content: if whole { Arc::clone(&row.bytes) } else { Arc::new(row.bytes[..INBOUND_PREFIX].to_vec()) },
        whole,
    }
}
