//! Records of contents: what was saved of a dashboard, rewritten; what cannot leave becomes a problem, never silence (R14).

use vestibule_protocol::consent::Class;
use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::problem::Problem;
use vestibule_protocol::record::{ContentRecord, Vetted};

use super::ids;
use super::known::Known;
use super::render::Out;
use super::view::View;
use crate::outbound::contents::{ContentError, Contents, DocumentKind, base_hash, rewrite};
use crate::outbound::reading::RawDocument;

/// Renders the contents of all dashboards that have some and are not kept in YAML, by id (R11).
pub(super) fn dashboards(view: &View<'_>, out: &mut Out<'_>) {
    view.left_out.borrow_mut().clear();
    let stored = view.home.dashboards.iter().filter(|dashboard| !dashboard.yaml);
    let mut documents: Vec<(OpaqueId, &RawDocument)> = stored
        .filter_map(|dashboard| {
            let id = ids::text(view.key, Thing::Dashboard, &dashboard.id);
            Some((id, view.home.contents(dashboard)?))
        })
        .collect();
    if documents.is_empty() {
        return;
    }
    documents.sort_unstable_by_key(|(id, _)| id.bits);
    let known = Known::new(view);
    for (id, document) in documents {
        if let Err(error) = document_of(view, &known, id, document, out) {
            view.left_out.borrow_mut().push(left_out(id, error));
        }
    }
}

fn document_of(
    view: &View<'_>,
    known: &Known<'_, '_>,
    thing: OpaqueId,
    document: &RawDocument,
    out: &mut Out<'_>,
) -> Result<(), ContentError> {
    let text = match document {
        RawDocument::Text(text) => text.reveal_to_privacy(),
        RawDocument::TooLarge => return Err(ContentError::TooLarge),
        RawDocument::Absent => return Ok(()),
    };
    let names = view.policy.consent.grants(Class::Names);
    let contents = Contents { thing, kind: DocumentKind::Dashboard, text };
    let rewritten = rewrite(&contents, known, view.key, names)?;
    let record =
        ContentRecord { base: base_hash(view.key, thing, text), text: Vetted::by_privacy_rule(&rewritten) };
    if out.content(thing, &record) { Ok(()) } else { Err(ContentError::TooLarge) }
}

/// By the opaque id: titles are for the owner's page, and logs hold the code alone.
fn left_out(thing: OpaqueId, error: ContentError) -> Problem {
    Problem::new(
        "contents_left_out",
        format!("The contents of {thing} stay at home: {error}."),
        "Nothing else is affected. They leave once the dashboard is saved without that.",
    )
}
