//! `vestibule ledger …`

use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use vestibule_protocol::frame;
use vestibule_protocol::problem::Problem;

use super::output::{Output, target};
use crate::agent::offline;
use crate::problem;
use crate::settings::Settings;
use crate::store::{Entry as Found, Folder, Page, Reader, Row, Stored, Verification};

/// One entry as shown.
#[derive(Serialize)]
struct Entry {
    entry: u64,
    time: String,
    direction: &'static str,
    kind: String,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Box<RawValue>>,
}

fn reader(settings: &Settings) -> Result<Reader, Problem> {
    let folder = Folder::existing(&settings.data_dir).map_err(|error| problem::store(&error))?;
    Reader::open(&folder).map_err(|error| problem::store(&error))
}

fn entry(row: Row) -> Entry {
    Entry {
        entry: row.seq,
        time: Timestamp::from_millisecond(row.time).map(|time| time.to_string()).unwrap_or_default(),
        direction: row.direction.name(),
        kind: row.kind,
        bytes: row.size,
        mark: row.mark.map(|mark| mark.name()),
        message: None,
    }
}

fn words(entry: &Entry) -> String {
    let Entry { entry, time, direction, kind, bytes, mark, .. } = entry;
    let mark = mark.unwrap_or_default();
    format!("{entry:>8}  {time:<28} {direction:<5} {kind:<10} {bytes:>9} B  {mark}").trim_end().to_owned()
}

pub(super) async fn list(
    settings: &Settings,
    output: Output,
    from: Option<u64>,
    limit: u32,
) -> Result<(), Problem> {
    let marks = offline::marks(settings).await;
    let page = Page { from, limit, direction: None, newest_first: true };
    let rows = reader(settings)?.list(&page, &marks).map_err(|error| problem::store(&error))?;
    for row in rows {
        output.show(&entry(row), words);
    }
    Ok(())
}

pub(super) async fn show(settings: &Settings, output: Output, number: u64) -> Result<(), Problem> {
    let marks = offline::marks(settings).await;
    let found = reader(settings)?.get(number, &marks).map_err(|error| problem::store(&error))?;
    let Found { row, bytes } = found.ok_or_else(problem::no_such_row)?;
    let whole = row.stored == Stored::Whole;
    let mut shown = entry(row);
    let json = bytes
        .filter(|_| whole)
        .and_then(|bytes| frame::decode(&bytes).ok().map(std::borrow::Cow::into_owned));
    shown.message = json.and_then(|json| serde_json::from_slice(&json).ok());
    output.show(&shown, |shown| {
        let message = shown.message.as_deref().map_or("(the body is no longer kept)", RawValue::get);
        format!("{}\n{message}", words(shown))
    });
    Ok(())
}

pub(super) fn verify(settings: &Settings, output: Output) -> Result<(), Problem> {
    #[derive(Serialize)]
    struct Verified {
        verified: bool,
        entries: u64,
    }
    match reader(settings)?.verify().map_err(|error| problem::store(&error))? {
        Verification::Sound { rows, .. } => {
            output.show(&Verified { verified: true, entries: rows }, |v| {
                format!("The chain of {} entries is intact.", v.entries)
            });
            Ok(())
        }
        Verification::Broken { seq, .. } => Err(problem::ledger_broken(seq)),
    }
}

pub(super) async fn export(settings: &Settings, out: Option<&Path>) -> Result<(), Problem> {
    let marks = offline::marks(settings).await;
    let mut file = target(out)?;
    reader(settings)?.export(&marks, &mut file).map_err(|error| problem::store(&error))?;
    file.flush().map_err(|error| problem::output(&error))
}
