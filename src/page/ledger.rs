//! *Ledger*: every message, decoded, searchable, with its chain checked, and all of it as a file; and who of the staff has read what.

use std::borrow::Cow;

use askama::Template;
use vestibule_protocol::frame;

use super::answer::{Call, Fault, Shown, download, html};
use super::body::Body;
use super::form::encoded;
use super::frame::Frame;
use super::reads::{self, Reading};
use super::show::{self, Moment};
use crate::problem;
use crate::store::{Direction, Entry, Mark, Page as Rows, Reader, Row, StoreError, Stored, Verification};

/// Entries on a page.
const ENTRIES: usize = 40;
/// Most entries that one search opens; then it offers to go on.
const OPENED: usize = 400;
/// Entries that are listed at a time while searching.
const AT_A_TIME: u32 = 100;
/// Longest message that is shown, in bytes; longer ones are there as a file.
const SHOWN: usize = 64 << 10;

/// One entry in the list.
struct Line {
    entry: u64,
    time: Moment,
    direction: &'static str,
    kind: String,
    size: String,
    mark: Option<&'static str>,
}

impl From<Row> for Line {
    fn from(row: Row) -> Self {
        Self {
            entry: row.seq,
            time: Moment::of_ms(row.time),
            direction: row.direction.name(),
            kind: row.kind,
            size: show::bytes(row.size),
            mark: row.mark.map(Mark::name),
        }
    }
}

#[derive(Template)]
#[template(path = "ledger.html")]
struct LedgerPage {
    f: Frame,
    lines: Vec<Line>,
    search: String,
    only_out: bool,
    only_in: bool,
    /// Query of the next page.
    next: Option<String>,
    /// A search that has not opened everything yet.
    unfinished: bool,
    checked: Option<Checked>,
    reads: Vec<Reading>,
    more_reads: bool,
}

/// What checking the chain found.
enum Checked {
    Sound(u64),
    Broken(u64),
}

/// What is looked for.
struct Sought {
    from: Option<u64>,
    direction: Option<Direction>,
    /// In lower case.
    text: String,
}

/// What was found, and where to go on.
struct Found {
    rows: Vec<Row>,
    next: Option<u64>,
}

/// The list, newest first.
pub(super) async fn page(call: &Call<'_>) -> Shown {
    list(call, None).await
}

/// Checks the chain, and shows what came of it above the list.
pub(super) async fn check(call: &Call<'_>) -> Shown {
    let checked = match call.page.read(|reader, _| reader.verify()).await? {
        Verification::Sound { rows, .. } => Checked::Sound(rows),
        Verification::Broken { seq, .. } => Checked::Broken(seq),
    };
    list(call, Some(checked)).await
}

async fn list(call: &Call<'_>, checked: Option<Checked>) -> Shown {
    let search = call.query.get("search").unwrap_or_default().trim().to_owned();
    let direction = match call.query.get("direction") {
        Some("out") => Some(Direction::Out),
        Some("in") => Some(Direction::In),
        _ => None,
    };
    let sought = Sought { from: call.query.number("from"), direction, text: search.to_lowercase() };
    let found = call.page.read(move |reader, marks| seek(reader, marks, &sought)).await?;
    let (reads, more_reads) = reads::newest(call).await?;
    let name = direction.map_or("", Direction::name);
    let next = found.next.map(|next| format!("from={next}&direction={name}&search={}", encoded(&search)));
    Ok(html(&LedgerPage {
        f: call.frame("/ledger"),
        unfinished: found.rows.len() < ENTRIES && next.is_some(),
        lines: found.rows.into_iter().map(Line::from).collect(),
        search,
        only_out: direction == Some(Direction::Out),
        only_in: direction == Some(Direction::In),
        next,
        checked,
        reads,
        more_reads,
    }))
}

/// Goes down the ledger until a page is full, or enough was opened.
fn seek(reader: &Reader, marks: &[(u64, Mark)], sought: &Sought) -> Result<Found, StoreError> {
    let (mut rows, mut from, mut opened) = (Vec::new(), sought.from, 0);
    loop {
        let page = Rows { from, limit: AT_A_TIME, direction: sought.direction, newest_first: true };
        let listed = reader.list(&page, marks)?;
        let last = listed.len() < AT_A_TIME as usize;
        for row in listed {
            if rows.len() == ENTRIES || opened == OPENED {
                return Ok(Found { rows, next: Some(row.seq) });
            }
            let below = row.seq.checked_sub(1);
            opened += usize::from(!sought.text.is_empty());
            if holds(reader, &row, &sought.text)? {
                rows.push(row);
            }
            from = below;
        }
        if last || from.is_none() {
            return Ok(Found { rows, next: None });
        }
    }
}

fn holds(reader: &Reader, row: &Row, text: &str) -> Result<bool, StoreError> {
    if text.is_empty() || row.kind.contains(text) {
        return Ok(true);
    }
    let entry = reader.get(row.seq, &[])?;
    let message = entry.as_ref().and_then(message);
    Ok(message.is_some_and(|json| json.to_lowercase().contains(text)))
}

/// The message of an entry as JSON text, if all of it is kept.
fn message(entry: &Entry) -> Option<String> {
    let bytes = entry.bytes.as_ref().filter(|_| entry.row.stored == Stored::Whole)?;
    let json = frame::decode(bytes).unwrap_or(Cow::Borrowed(bytes.as_slice()));
    String::from_utf8(json.into_owned()).ok()
}

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryPage {
    f: Frame,
    line: Line,
    hash: String,
    previous: String,
    message: Option<String>,
    whole: bool,
}

/// One entry, decoded.
pub(super) async fn entry(call: &Call<'_>, entry: &str) -> Shown {
    let found = find(call, entry).await?;
    let text = message(&found);
    let (message, whole) = text.map(|json| show::indented(&json, SHOWN)).unzip();
    let hex = |hash: [u8; 32]| blake3::Hash::from_bytes(hash).to_hex().to_string();
    Ok(html(&EntryPage {
        f: call.frame("/ledger"),
        hash: hex(found.row.hash),
        previous: hex(found.row.previous),
        line: found.row.into(),
        message,
        whole: whole.unwrap_or(true),
    }))
}

/// One message as a file, exactly as it reads after decompression.
pub(super) async fn raw(call: &Call<'_>, entry: &str) -> Shown {
    let text = message(&find(call, entry).await?).ok_or(Fault::NotFound)?;
    Ok(download("application/json", "attachment; filename=\"message.json\"", Body::Whole(text.into())))
}

async fn find(call: &Call<'_>, entry: &str) -> Result<Entry, Fault> {
    let number: u64 = entry.parse().map_err(|_| Fault::NotFound)?;
    let found = call.page.read(move |reader, marks| reader.get(number, marks)).await?;
    found.ok_or(Fault::NotFound)
}

/// The whole ledger as JSON lines.
pub(super) async fn export(call: &Call<'_>) -> Shown {
    let body = call
        .page
        .stream(|folder, marks, out| {
            let reader = Reader::open(folder).map_err(|error| problem::store(&error))?;
            reader.export(marks, out).map(drop).map_err(|error| problem::store(&error))
        })
        .await?;
    Ok(download("application/jsonl", "attachment; filename=\"vestibule-ledger.jsonl\"", body))
}
