//! *What leaves*: the classes with their previews, the kinds of rooms, and what does not exist for the portal.

use askama::Template;
use vestibule_protocol::consent::Class;
use vestibule_protocol::record::RecordKind;
use vestibule_protocol::schema::{self, Field, HISTORY_DAYS, RecordSchema, SCHEMAS};
use vestibule_protocol::vocabulary::List;

use super::answer::{Call, Fault, Shown, html};
use super::form::encoded;
use super::frame::Frame;
use super::show;
use crate::agent::{ConsentView, PreviewView, RoomView, Status, ThingView};
use crate::control::{Request, ThingKind};
use crate::problem;

/// Records on a page of a preview.
const RECORDS: u32 = 40;

struct ClassCard {
    class: Class,
    granted: bool,
}

#[derive(Template)]
#[template(path = "leaves.html")]
struct LeavesPage {
    f: Frame,
    paired: bool,
    restricted: bool,
    classes: Vec<ClassCard>,
    excluded: Vec<ThingView>,
    rooms: usize,
    chosen: usize,
}

/// The overview.
pub(super) async fn page(call: &Call<'_>) -> Shown {
    let status: Status = call.page.ask(Request::Status).await?;
    let consent: ConsentView = call.page.ask(Request::Consent).await?;
    let rooms: Vec<RoomView> = call.page.ask(Request::Rooms).await?;
    let excluded = call.page.ask(Request::Things { search: None, kind: None }).await?;
    let card = |class| ClassCard { class, granted: consent.consent.grants(class) };
    Ok(html(&LeavesPage {
        f: call.frame("/leaves"),
        paired: status.fingerprint.is_some(),
        restricted: status.restricted,
        classes: Class::ALL.into_iter().map(card).collect(),
        excluded,
        rooms: rooms.len(),
        chosen: rooms.iter().filter(|room| room.chosen.is_some()).count(),
    }))
}

/// Fields of one kind of record in a preview.
struct KindRow {
    kind: String,
    records: u64,
    fields: Vec<(&'static Field, u64)>,
}

#[derive(Template)]
#[template(path = "class.html")]
struct ClassPage {
    f: Frame,
    class: Class,
    granted: bool,
    view: PreviewView,
    size: String,
    kinds: Vec<KindRow>,
    records: Vec<String>,
    from: u64,
    to: u64,
    before: Option<u64>,
    after: Option<u64>,
}

/// What one class adds, exactly.
pub(super) async fn class(call: &Call<'_>, class: &str) -> Shown {
    let class: Class = class.parse().map_err(|_| Fault::NotFound)?;
    let from = call.query.number("from").unwrap_or(0);
    let consent: ConsentView = call.page.ask(Request::Consent).await?;
    let mut lines = Vec::new();
    let request = Request::Preview { class, from, limit: RECORDS };
    call.page.ask_each(request, |value| lines.push(value)).await?;
    let view: PreviewView =
        lines.pop().and_then(|last| serde_json::from_str(last.get()).ok()).ok_or_else(problem::stopping)?;
    let to = from.saturating_add(lines.len() as u64);
    let kinds = view.kinds.iter().map(|(kind, sums)| KindRow {
        kind: kind.clone(),
        records: sums.records,
        fields: fields_of(kind)
            .iter()
            .filter_map(|field| sums.fields.get(field.name).map(|count| (field, *count)))
            .collect(),
    });
    Ok(html(&ClassPage {
        f: call.frame("/leaves"),
        class,
        granted: consent.consent.grants(class),
        size: show::bytes(view.bytes),
        kinds: kinds.collect(),
        records: lines.iter().map(|line| line.get().to_owned()).collect(),
        from: if to > from { from + 1 } else { from },
        to,
        before: from.checked_sub(1).map(|_| from.saturating_sub(RECORDS.into())),
        after: (to < view.total).then_some(to),
        view,
    }))
}

fn fields_of(kind: &str) -> &'static [Field] {
    RecordKind::ALL.into_iter().find(|known| known.name() == kind).map_or(&[], |kind| schema::of(kind).fields)
}

/// Grants a class, if the preview that was shown is still what would leave.
pub(super) async fn grant(call: &Call<'_>) -> Shown {
    let class = wanted(call)?;
    let preview = Request::Preview { class, from: 0, limit: 0 };
    let view: PreviewView = call.page.ask(preview).await?;
    if call.form.get("seen") != Some(&view.hash) {
        return Err(problem::preview_changed().into());
    }
    call.page.ask_each(Request::Grant { class }, drop).await?;
    call.go("/leaves", "granted")
}

/// Withdraws a class.
pub(super) async fn withdraw(call: &Call<'_>) -> Shown {
    let class = wanted(call)?;
    call.page.ask_each(Request::Withdraw { class }, drop).await?;
    call.go("/leaves", "withdrawn")
}

fn wanted(call: &Call<'_>) -> Result<Class, Fault> {
    call.form.get("class").unwrap_or_default().parse().map_err(|_| Fault::NotFound)
}

#[derive(Template)]
#[template(path = "fields.html")]
struct FieldsPage {
    f: Frame,
    schemas: &'static [RecordSchema],
    days: u32,
}

/// The complete list of what can leave.
pub(super) fn fields(call: &Call<'_>) -> Shown {
    Ok(html(&FieldsPage { f: call.frame("/leaves"), schemas: &SCHEMAS, days: HISTORY_DAYS }))
}

#[derive(Template)]
#[template(path = "rooms.html")]
struct RoomsPage {
    f: Frame,
    paired: bool,
    rooms: Vec<RoomView>,
    /// The one that is being changed.
    open: Option<RoomView>,
    kinds: Vec<&'static str>,
}

/// Rooms and their kinds.
pub(super) async fn rooms(call: &Call<'_>) -> Shown {
    let status: Status = call.page.ask(Request::Status).await?;
    let rooms: Vec<RoomView> = call.page.ask(Request::Rooms).await?;
    let open = call.query.some("room").and_then(|id| rooms.iter().find(|room| room.id == id)).cloned();
    let kinds = List::Room.words().collect();
    Ok(html(&RoomsPage {
        f: call.frame("/leaves"),
        paired: status.fingerprint.is_some(),
        rooms,
        open,
        kinds,
    }))
}

/// Chooses the kind of a room.
pub(super) async fn choose(call: &Call<'_>) -> Shown {
    let area = call.form.get("room").unwrap_or_default().to_owned();
    let kind = call.form.some("kind").map(str::to_owned);
    call.page.ask_each(Request::RoomKind { area, kind }, drop).await?;
    call.go("/leaves/rooms", "room")
}

#[derive(Template)]
#[template(path = "things.html")]
struct ThingsPage {
    f: Frame,
    paired: bool,
    search: String,
    kind: Option<ThingKind>,
    kinds: [ThingKind; 5],
    found: Option<Vec<ThingView>>,
    excluded: Vec<ThingView>,
}

/// Looking for things to exclude.
pub(super) async fn things(call: &Call<'_>) -> Shown {
    let status: Status = call.page.ask(Request::Status).await?;
    let search = call.query.get("search").unwrap_or_default().trim().to_owned();
    let kind = call.query.some("kind").and_then(thing_kind);
    let found = if search.is_empty() && kind.is_none() {
        None
    } else {
        Some(call.page.ask(Request::Things { search: Some(search.clone()), kind }).await?)
    };
    let excluded = call.page.ask(Request::Things { search: None, kind: None }).await?;
    let (f, paired, kinds) = (call.frame("/leaves"), status.fingerprint.is_some(), ThingKind::ALL);
    Ok(html(&ThingsPage { f, paired, search, kind, kinds, found, excluded }))
}

/// Excludes a thing, or includes it again.
pub(super) async fn exclude(call: &Call<'_>, exclude: bool) -> Shown {
    let thing = call.form.get("thing").unwrap_or_default().to_owned();
    let request = if exclude { Request::Exclude { thing } } else { Request::Include { thing } };
    call.page.ask_each(request, drop).await?;
    let search = call.form.get("search").unwrap_or_default();
    let kind = call.form.some("kind").and_then(thing_kind);
    let place = format!("/leaves/things?{}", back(search, kind));
    call.go(&place, if exclude { "excluded" } else { "included" })
}

fn back(search: &str, kind: Option<ThingKind>) -> String {
    format!("search={}&kind={}", encoded(search), kind.map_or("", ThingKind::name))
}

fn thing_kind(name: &str) -> Option<ThingKind> {
    ThingKind::ALL.into_iter().find(|kind| kind.name() == name)
}
