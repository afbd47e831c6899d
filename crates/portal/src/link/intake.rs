//! From a frame to something that can be stored: decompressed, parsed, and every record checked against the list of fields.

use axum::body::Bytes;
use vestibule_protocol::consent::Class;
use vestibule_protocol::message::{
    Answer, Buckets, Commit, ConsentChanged, Erase, FromAgent, Puts, RefusalCode, Report, Request, Support,
};
use vestibule_protocol::record::Key;
use vestibule_protocol::schema;
use vestibule_protocol::tree::{KeyHash, RecordHasher, Root};

use super::{End, wire};
use crate::app::App;
use crate::store::edit::Prepared;
use crate::store::{reports, requests, support};

/// Frames up to this size are worked on where they arrive; larger ones aside, a few at a time.
const SMALL: usize = 16 << 10;

/// What a home asks for.
pub(super) enum Work {
    Push { base: Root, root: Root, puts: Vec<Prepared>, deletes: Vec<KeyHash> },
    Buckets(Buckets),
    Batch { n: u32, puts: Vec<Prepared>, deletes: Vec<KeyHash> },
    Commit(Commit),
    Consent(ConsentChanged),
    Erase(Erase),
    Report(Report),
    Request(Request),
    Answer(Answer),
    Support(Support),
}

/// Reads one frame under the classes that are granted.
pub(super) async fn read(app: &App, frame: Bytes, classes: &[Class]) -> Result<Work, End> {
    if frame.len() <= SMALL {
        return Ok(prepare(&frame, classes)?);
    }
    let _turn = app.heavy.acquire().await.map_err(|_| End::Closed)?;
    let classes = classes.to_vec();
    Ok(app.store.aside(move || prepare(&frame, &classes)).await??)
}

fn prepare(frame: &[u8], classes: &[Class]) -> Result<Work, RefusalCode> {
    Ok(match wire::read(frame)? {
        FromAgent::Push(push) => {
            let deletes = push
                .deletes
                .iter()
                .map(|key| Key::parse(key).map(|key| KeyHash::of(key.as_str())))
                .collect::<Result<_, _>>()
                .map_err(|_| RefusalCode::BadRecord)?;
            Work::Push { base: push.base, root: push.root, puts: records(&push.puts, classes)?, deletes }
        }
        FromAgent::Batch(batch) => Work::Batch {
            n: batch.n,
            puts: records(&batch.puts, classes)?,
            deletes: batch.deletes.keys().ok_or(RefusalCode::BadMessage)?,
        },
        FromAgent::Buckets(buckets) => Work::Buckets(buckets),
        FromAgent::Commit(commit) => Work::Commit(commit),
        FromAgent::ConsentChanged(consent) => Work::Consent(consent),
        FromAgent::Erase(erase) => Work::Erase(erase),
        FromAgent::Report(report) if reports::is_sound(&report) => Work::Report(report),
        FromAgent::Request(request) if requests::is_sound(&request) => Work::Request(request),
        FromAgent::Answer(answer) => Work::Answer(answer),
        FromAgent::Support(report) if support::is_sound(&report) => Work::Support(report),
        FromAgent::Report(_) | FromAgent::Request(_) | FromAgent::Support(_) => {
            return Err(RefusalCode::BadMessage);
        }
        FromAgent::Enrol(_) | FromAgent::Hello(_) => return Err(RefusalCode::BadMessage),
    })
}

fn records(puts: &Puts, classes: &[Class]) -> Result<Vec<Prepared>, RefusalCode> {
    let hasher = RecordHasher::default();
    puts.iter()
        .map(|(key, body)| {
            let key = Key::parse(key).map_err(|_| RefusalCode::BadRecord)?;
            if !classes.contains(&key.class()) || schema::check(&key, body.as_bytes()).is_err() {
                return Err(RefusalCode::BadRecord);
            }
            Ok(Prepared {
                place: KeyHash::of(key.as_str()),
                hash: hasher.hash(key.as_str(), body.as_bytes()),
                key: key.as_str().to_owned(),
                body: body.to_owned(),
            })
        })
        .collect()
}
