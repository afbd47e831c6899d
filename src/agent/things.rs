//! What the owner's page asks beyond the status: previews by class, rooms, things to exclude, the pairing. In the owner's own words, so
//! this is for the owner's eyes only (R17).

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::Class;
use vestibule_protocol::id::{OpaqueId, TenantId};
use vestibule_protocol::problem::Problem;
use vestibule_protocol::receipt::Receipt;
use vestibule_protocol::words;

use super::Agent;
use crate::control::{Reply, ThingKind};
use crate::identity::IdKey;
use crate::observe::report::Report;
use crate::outbound::privacy::owner::{OwnKind, OwnRoom, OwnThing, Wanted};
use crate::outbound::privacy::{KindOverrides, Record};
use crate::outbound::reading::Text;
use crate::problem;
use crate::store::Commit;

/// Most things that one search shows.
const THINGS: usize = 60;
/// How long contents that nobody may have are kept after the owner looked at them.
const SHOWN: Duration = Duration::from_secs(5 * 60);
/// How long a preview waits for contents to be read.
const PATIENCE: Duration = Duration::from_secs(30);
/// Previews that may wait at a time.
const PREVIEWS: usize = 4;
/// Most records that one preview shows.
const RECORDS: u32 = 500;

/// Whom this home is paired with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionView {
    /// The pairing, if there is one.
    pub pairing: Option<PairingView>,
    /// Everything here is erased, and the portal's receipt is waited for.
    pub forgetting: bool,
    /// What the portal last stated to have erased, since this program was started.
    pub receipt: Option<Receipt>,
    /// What a change of identity has kept for the next pairing.
    #[serde(default)]
    pub carried: Option<CarriedView>,
}

/// What a change of identity has kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedView {
    /// Number of exclusions.
    pub exclusions: u64,
    /// Number of rooms whose kind the owner chose.
    pub rooms: u64,
}

/// A pairing as the owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairingView {
    /// Tenant id.
    pub tenant: String,
    /// The tenant's name, as it signed it.
    pub tenant_name: String,
    /// The portal's address.
    pub origin: String,
    /// Eight words, computed here from the tenant id.
    pub words: Vec<String>,
    /// By which the portal knows this home.
    pub fingerprint: String,
    /// Erases the home at the portal without this program.
    pub recovery_code: String,
    /// Unix milliseconds.
    pub paired_at: i64,
}

/// The sums of a preview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewView {
    /// The class that it is about.
    pub class: Class,
    /// Whether the ids are the real ones; unpaired they belong to a throw-away tenant.
    pub paired: bool,
    /// Number of records.
    pub total: u64,
    /// Their canonical JSON, before compression.
    pub bytes: u64,
    /// By kind of record.
    pub kinds: BTreeMap<String, PreviewKind>,
    /// Hash of all of it: a yes is a yes to this.
    pub hash: String,
}

/// One kind of record in a preview.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewKind {
    /// Number of records.
    pub records: u64,
    /// For each field that occurs, in how many.
    pub fields: BTreeMap<String, u64>,
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomView {
    /// An area's opaque id.
    pub id: String,
    /// The owner's name for it.
    pub name: String,
    /// Its floor's name.
    pub floor: Option<String>,
    /// The kind worked out from its words.
    pub worked_out: String,
    /// The kind that the owner chose instead; `other` if it is hidden.
    pub chosen: Option<String>,
    /// It does not exist for the portal.
    pub excluded: bool,
}

/// Something that can be excluded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThingView {
    /// What it is.
    pub kind: ThingKind,
    /// As in [`crate::control::Request::Exclude`].
    pub id: String,
    /// The owner's word for it.
    pub words: String,
    /// What tells it from others of the same name.
    pub detail: Option<String>,
    /// It is excluded by itself.
    pub excluded: bool,
}

/// A preview that waits for contents to be read.
struct Waiting {
    class: Class,
    from: u64,
    limit: u32,
    reply: Reply,
    deadline: Instant,
}

/// Previews of contents.
#[derive(Default)]
pub(super) struct Previews {
    waiting: Vec<Waiting>,
    /// Until when contents of a class are kept for the next page of its preview.
    shown_until: BTreeMap<Class, Instant>,
}

impl Previews {
    /// Whether the owner looks at contents of a class.
    pub(super) fn shown(&self, class: Class) -> bool {
        self.shown_until.get(&class).is_some_and(|until| *until > Instant::now())
    }

    /// When there is something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let soonest = self.waiting.iter().map(|waiting| waiting.deadline).min();
        let now = Instant::now();
        soonest.or_else(|| self.shown_until.values().copied().filter(|until| *until > now).min())
    }
}

impl Agent {
    /// Answers the previews that waited, as soon as contents were read, or when they were not.
    pub(super) async fn continue_previews(&mut self) {
        if self.previews.waiting.is_empty() {
            return;
        }
        for waiting in std::mem::take(&mut self.previews.waiting) {
            if self.stock.knows_contents(waiting.class) {
                self.show_preview(waiting.class, waiting.from, waiting.limit, &waiting.reply).await;
            } else if waiting.deadline <= Instant::now() {
                let problem = problem::home_not_ready(self.home.trouble);
                waiting.reply.result(Err::<(), _>(problem)).await;
            } else {
                self.previews.waiting.push(waiting);
            }
        }
    }

    pub(super) fn connection(&self) -> ConnectionView {
        let pairing =
            self.state.pairing.as_ref().zip(self.keys.as_ref()).map(|(pairing, keys)| PairingView {
                tenant: pairing.tenant.to_string(),
                tenant_name: pairing.tenant_name.clone(),
                origin: pairing.origin.clone(),
                words: words::of(&pairing.tenant).map(str::to_owned).to_vec(),
                fingerprint: pairing.fingerprint.to_string(),
                recovery_code: keys.recovery.to_string(),
                paired_at: pairing.paired_at,
            });
        ConnectionView {
            pairing,
            forgetting: self.state.forget_stub.is_some(),
            receipt: self.receipt.clone(),
            carried: self.state.carried.as_ref().map(|carried| CarriedView {
                exclusions: carried.excluded.len() as u64,
                rooms: carried.kinds.0.len() as u64,
            }),
        }
    }

    pub(super) async fn preview(&mut self, class: Class, from: u64, limit: u32, reply: Reply) {
        if matches!(class, Class::Dashboards | Class::Automations) {
            self.previews.shown_until.insert(class, Instant::now() + SHOWN);
            if !self.stock.knows_contents(class) && self.previews.waiting.len() < PREVIEWS {
                let deadline = Instant::now() + PATIENCE;
                self.previews.waiting.push(Waiting { class, from, limit, reply, deadline });
                return;
            }
        }
        self.show_preview(class, from, limit, &reply).await;
    }

    async fn show_preview(&self, class: Class, from: u64, limit: u32, reply: &Reply) {
        if !self.home.complete || self.home.trouble.is_some() {
            let problem = problem::home_not_ready(self.home.trouble);
            return reply.result(Err::<(), _>(problem)).await;
        }
        let mut sums = Sums::new(class, from, limit.min(RECORDS), self.keys.is_some());
        let now = self.clock.now_ms();
        let key = self.id_key();
        super::sync::heavy(|| {
            self.stock.preview_each(&key, &self.state.grants, class, now, &mut |record| sums.take(record));
        });
        let (lines, view) = sums.finish();
        for line in lines {
            reply.value(&line).await;
        }
        reply.value(&view).await;
    }

    pub(super) async fn rooms(&self, reply: &Reply) {
        let rooms: Vec<RoomView> =
            self.stock.rooms(&self.id_key(), &self.state.grants).into_iter().map(room).collect();
        reply.value(&rooms).await;
    }

    /// Stores the kind of a room, then lets it take effect.
    pub(super) async fn choose_kind(&mut self, area: &str, kind: Option<String>) -> Result<bool, Problem> {
        if self.state.pairing.is_none() {
            return Err(problem::not_paired());
        }
        let id: OpaqueId = area.parse().map_err(|_| problem::bad_thing())?;
        let mut chosen = self.state.area_kinds.clone();
        if let Some(kind) = kind {
            KindOverrides::default().set(id, &kind)?;
            chosen.0.insert(id.to_string(), Some(kind).filter(|kind| kind != super::stock::HIDDEN));
        } else {
            chosen.0.remove(area);
        }
        if chosen == self.state.area_kinds {
            return Ok(false);
        }
        let mut commit = Commit::at(self.clock.now_ms());
        commit.put(&chosen).map_err(|error| problem::store(&error))?;
        self.store.commit(commit).await.map_err(|error| problem::store(&error))?;
        self.stock.set_kinds(&chosen);
        self.state.area_kinds = chosen;
        self.begin_anew().await?;
        Ok(true)
    }

    pub(super) async fn things(&self, search: Option<&str>, kind: Option<ThingKind>, reply: &Reply) {
        let text = search.map(|text| text.trim().to_lowercase());
        let wanted = text.as_deref().map_or(Wanted::Excluded, |text| Wanted::Named(text, kind.map(own_kind)));
        let key = self.id_key();
        let found = super::sync::heavy(|| self.stock.things(&key, &self.state.grants, wanted, THINGS));
        let things: Vec<ThingView> = found.into_iter().map(thing).collect();
        reply.value(&things).await;
    }

    pub(super) async fn report(&self) -> Result<Report, Problem> {
        let status = self.status().await?;
        let now = self.clock.now_ms();
        let versions = self.stock.versions();
        Ok(Report::new(&status, &self.state.grants, versions, now, self.started_at))
    }

    /// The key for the ids that a person is shown; unpaired that of a tenant that does not exist.
    fn id_key(&self) -> IdKey {
        match (&self.keys, &self.state.carried) {
            (Some(keys), _) => keys.id_key.clone(),
            (None, Some(carried)) => IdKey::local(carried.key.0),
            // The same all the time, so that a yes can be a yes to a preview.
            (None, None) => self.secret.tenant(&TenantId([0; 32])).id_key,
        }
    }
}

/// Adds up a preview.
struct Sums {
    pass_over: u64,
    limit: usize,
    lines: Vec<Box<RawValue>>,
    hasher: blake3::Hasher,
    view: PreviewView,
}

impl Sums {
    fn new(class: Class, from: u64, limit: u32, paired: bool) -> Self {
        let (kinds, hash) = (BTreeMap::new(), String::new());
        Self {
            pass_over: from,
            limit: limit as usize,
            lines: Vec::new(),
            hasher: blake3::Hasher::new(),
            view: PreviewView { class, paired, total: 0, bytes: 0, kinds, hash },
        }
    }

    fn take(&mut self, record: Record<'_>) {
        self.hasher.update(record.key.as_bytes()).update(b"\0").update(record.body).update(b"\n");
        if self.view.total >= self.pass_over && self.lines.len() < self.limit {
            self.lines.extend(super::stock::line(record));
        }
        self.view.total += 1;
        self.view.bytes += record.body.len() as u64;
        let kind = record.kind.name();
        if !self.view.kinds.contains_key(kind) {
            self.view.kinds.insert(kind.to_owned(), PreviewKind::default());
        }
        let Some(of_kind) = self.view.kinds.get_mut(kind) else { return };
        of_kind.records += 1;
        let mut body = serde_json::Deserializer::from_slice(record.body);
        // Every record is an object of ours.
        let _ = CountFields(&mut of_kind.fields).deserialize(&mut body);
    }

    fn finish(mut self) -> (Vec<Box<RawValue>>, PreviewView) {
        self.view.hash = Fixed(*self.hasher.finalize().as_bytes()).to_string();
        (self.lines, self.view)
    }
}

/// Counts the fields of an object, without keeping anything of it: a preview looks at tens of thousands.
struct CountFields<'a>(&'a mut BTreeMap<String, u64>);

impl<'de> DeserializeSeed<'de> for CountFields<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, object: D) -> Result<(), D::Error> {
        object.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for CountFields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        // Names of our own fields, which never need escapes.
        while let Some(field) = object.next_key::<&str>()? {
            match self.0.get_mut(field) {
                Some(count) => *count += 1,
                None => drop(self.0.insert(field.to_owned(), 1)),
            }
            object.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

fn room(room: OwnRoom) -> RoomView {
    RoomView {
        id: room.id.to_string(),
        name: shown(&room.name),
        floor: room.floor.as_ref().map(shown),
        worked_out: room.worked_out.to_owned(),
        chosen: room.chosen.map(str::to_owned),
        excluded: room.excluded,
    }
}

fn thing(thing: OwnThing) -> ThingView {
    let kind = match thing.kind {
        OwnKind::Area => ThingKind::Area,
        OwnKind::Label => ThingKind::Label,
        OwnKind::Integration => ThingKind::Integration,
        OwnKind::Device => ThingKind::Device,
        OwnKind::Entity => ThingKind::Entity,
    };
    ThingView {
        kind,
        id: thing.id.to_string(),
        words: shown(&thing.words),
        detail: thing.detail.as_ref().map(shown),
        excluded: thing.excluded,
    }
}

const fn own_kind(kind: ThingKind) -> OwnKind {
    match kind {
        ThingKind::Area => OwnKind::Area,
        ThingKind::Label => OwnKind::Label,
        ThingKind::Integration => OwnKind::Integration,
        ThingKind::Device => OwnKind::Device,
        ThingKind::Entity => OwnKind::Entity,
    }
}

fn shown(text: &Text) -> String {
    text.reveal_to_owner().to_string()
}
