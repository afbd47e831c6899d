//! Records of contents: what was saved of a dashboard, an automation, a script or a scene, rewritten; what cannot leave becomes a problem,
//! never silence (R14).

use std::sync::{Arc, PoisonError};

use vestibule_protocol::consent::Class;
use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::problem::Problem;
use vestibule_protocol::record::{ContentRecord, Vetted};

use super::known::Known;
use super::memo::Memo;
use super::render::{Out, ROUTINES, by_id};
use super::view::{SeenEntity, View};
use super::{ids, words};
use crate::outbound::contents::{ContentError, Contents, DocumentKind, base_hash, rewrite};
use crate::outbound::reading::{RawDashboard, RawDocument};

/// Renders what is granted: dashboards that have contents and are not kept in YAML (R11), by id, then automations, scripts and scenes.
pub(super) fn all(view: &View<'_>, routines: &[Vec<SeenEntity>; 3], out: &mut Out<'_>) {
    view.left_out.borrow_mut().clear();
    let documents = dashboards(view).chain(documents_of(view, routines));
    let mut known = None;
    let mut memo = view.memo.map(|memo| memo.lock().unwrap_or_else(PoisonError::into_inner));
    let mut out_of_reach = 0;
    for (thing, kind, document) in documents.collect::<Vec<_>>() {
        if *document == RawDocument::OutOfReach {
            out_of_reach += 1;
            continue;
        }
        let known = known.get_or_insert_with(|| {
            let known = Known::new(view);
            if let Some(memo) = &mut memo {
                memo.begin(known.digest());
            }
            known
        });
        if let Err(error) = document_of(view, known, memo.as_deref_mut(), (thing, kind), document, out) {
            view.left_out.borrow_mut().push(left_out(thing, error));
        }
    }
    if let Some(memo) = &mut memo {
        memo.end();
    }
    if out_of_reach > 0 {
        view.left_out.borrow_mut().push(unreachable(out_of_reach));
    }
}

type Document<'v> = (OpaqueId, DocumentKind, &'v RawDocument);

fn dashboards<'v>(view: &'v View<'_>) -> impl Iterator<Item = Document<'v>> {
    let granted = view.policy.consent.grants(Class::Dashboards);
    let id = |dashboard: &RawDashboard| ids::text(view.key, Thing::Dashboard, &dashboard.id);
    let all = view.home.dashboards.iter().filter(|_| granted);
    // The same that have records: whether one is kept in YAML is asked of those.
    let stored = by_id(all.map(|dashboard| (id(dashboard), dashboard))).into_iter();
    stored
        .filter(|(_, dashboard)| !dashboard.yaml)
        .filter_map(|(id, dashboard)| Some((id, DocumentKind::Dashboard, view.home.contents(dashboard)?)))
}

/// In the order of rendering.
fn documents_of<'v>(
    view: &'v View<'_>,
    routines: &[Vec<SeenEntity>; 3],
) -> impl Iterator<Item = Document<'v>> {
    let granted = view.policy.consent.grants(Class::Automations);
    let mut documents = Vec::new();
    let kinds = [DocumentKind::Automation, DocumentKind::Script, DocumentKind::Scene];
    for ((list, (_, thing)), kind) in routines.iter().zip(ROUTINES).zip(kinds).filter(|_| granted) {
        for raw in list.iter().map(|seen| &view.home.entities[seen.at as usize]) {
            let document = view.home.routine(raw);
            documents.extend(document.map(|document| (ids::entity(view.key, thing, raw), kind, document)));
        }
    }
    documents.into_iter()
}

fn document_of(
    view: &View<'_>,
    known: &Known<'_, '_>,
    memo: Option<&mut Memo>,
    (thing, kind): (OpaqueId, DocumentKind),
    document: &RawDocument,
    out: &mut Out<'_>,
) -> Result<(), ContentError> {
    let text = match document {
        RawDocument::Text(text) => text.reveal_to_privacy(),
        RawDocument::TooLarge => return Err(ContentError::TooLarge),
        RawDocument::Absent | RawDocument::OutOfReach => return Ok(()),
    };
    // R11: an older Home Assistant fills secrets in where the editor reads, and nobody can tell them from other words.
    let version = view.home.config.as_ref().map_or("", |config| &config.version);
    let clean = kind == DocumentKind::Dashboard || words::keeps_secrets(version);
    let names = clean && view.policy.consent.grants(Class::Names);
    let contents = Contents { thing, kind, text };
    let base = base_hash(view.key, thing, text);
    let anew = || rewrite(&contents, known, view.key, names).map(Arc::from);
    let rewritten = match memo {
        Some(memo) => memo.rewritten(thing, (base, names), anew)?,
        None => anew()?,
    };
    let record = ContentRecord { base, text: Vetted::by_privacy_rule(&rewritten) };
    if out.content(thing, &record) { Ok(()) } else { Err(ContentError::TooLarge) }
}

/// By the opaque id: titles are for the owner's page, and logs hold the code alone.
fn left_out(thing: OpaqueId, error: ContentError) -> Problem {
    Problem::new(
        "contents_left_out",
        format!("The contents of {thing} stay at home: {error}."),
        "Nothing else is affected. They leave once they are saved without that.",
    )
}

fn unreachable(count: usize) -> Problem {
    Problem::new(
        "contents_out_of_reach",
        format!(
            "The contents of {count} automations, scripts or scenes stay at home: Home Assistant's editor does not reach them."
        ),
        "Nothing else is affected. Those in packages, in split files, or in a file with a secret never leave.",
    )
}
