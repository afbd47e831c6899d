//! What is fuzzed: each target is one call into one of these functions, and `tests/promises/corpora.rs` runs the committed corpora
//! through the very same ones. They panic when something is wrong.

mod inbound;

pub use inbound::{designs, envelope, envelopes, plan};

use std::collections::BTreeMap;
use std::path::Path;

use vestibule::agent::Stock;
use vestibule::identity::HomeSecret;
use vestibule::outbound::contents::{Contents, DocumentKind, Ids, resolve, rewrite};
use vestibule::outbound::diff::Diff;
use vestibule::outbound::privacy::Record;
use vestibule::outbound::snapshot::{Builder, Snapshot};
use vestibule::portal::rooted::Rooted;
use vestibule::private::Private;
use vestibule::store::{AgentState, Grants};
use vestibule_portal::journal::Journal;
use vestibule_portal::store::edit::{Edit, Prepared};
use vestibule_portal::store::homes::Linked;
use vestibule_portal::store::{Stop, Store, Tx, consent, homes, tenants};
use vestibule_portal::world::World;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::{Class, Consent};
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::frame;
use vestibule_protocol::id::{Fingerprint, OpaqueId, TenantId, Thing};
use vestibule_protocol::message::{EnrolBody, FromAgent, FromPortal, Push, Puts};
use vestibule_protocol::record::{Key, RecordKind};
use vestibule_protocol::schema;
use vestibule_protocol::tree::{KeyHash, RecordHasher};

/// When everything happens, in Unix milliseconds: ten minutes later, entities without registry entry are believed.
const NOW_MS: i64 = 1_795_000_000_000;
const LATER_MS: i64 = NOW_MS + 601_000;

/// Whatever a home says, everything that could leave is a record that may exist (promise 1).
pub fn home_frame(bytes: &[u8]) {
    let mut grants = Grants::default();
    for class in Class::ALL {
        grants.consent.grant(class);
    }
    let keys = HomeSecret::new([7; 32]).tenant(&TenantId([9; 32]));
    let mut stock = Stock::new(&mut AgentState::default(), Vec::new());
    for now in [NOW_MS, LATER_MS] {
        stock.take_in(vestibule::home::overhear(bytes), now);
    }
    let mut keys_seen = std::collections::BTreeSet::new();
    for line in stock.preview(&keys.id_key, &grants, LATER_MS) {
        let line: Line<'_> = read(line.get());
        let key = Key::parse(&line.key).expect("a key");
        let checked = schema::check(&key, line.record.get().as_bytes());
        assert!(checked.is_ok(), "{}: {checked:?}", line.key);
        assert!(keys_seen.insert(line.key.clone()), "{} is rendered twice", line.key);
    }
}

struct Line<'a> {
    key: String,
    record: &'a serde_json::value::RawValue,
}

fn read(line: &str) -> Line<'_> {
    let mut fields: BTreeMap<String, &serde_json::value::RawValue> =
        serde_json::from_str(line).expect("a line is an object");
    let key = fields.remove("key").expect("a key");
    let key = serde_json::from_str(key.get()).expect("a key is text");
    Line { key, record: fields.remove("record").expect("a record") }
}

/// A frame is a message or gets an answer; a message comes back from its own spelling; a portal's wishes can be planned for.
pub fn link_frame(bytes: &[u8]) {
    let Ok(json) = frame::decode(bytes) else { return };
    if let Ok(message) = FromAgent::from_json(&json) {
        let again = message.to_json().expect("a message can be spelled");
        assert_eq!(FromAgent::from_json(&again).as_ref(), Ok(&message));
    }
    if let Ok(message) = FromPortal::from_json(&json) {
        let again = message.to_json().expect("a message can be spelled");
        assert_eq!(FromPortal::from_json(&again).as_ref(), Ok(&message));
        if let FromPortal::Want(want) = message {
            let home = snapshot(&(0..40).map(|number| (number, number)).collect());
            let frozen = std::sync::Arc::new(Rooted::new(home, &[Class::Structure]));
            let _ = Stock::plan(&frozen, &want);
        }
    }
}

/// A key in the first line, a record in the rest: refused, or canonical.
pub fn records(bytes: &[u8]) {
    let Some((key, record)) = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once('\n')) else {
        return;
    };
    let Ok(key) = Key::parse(key) else { return };
    if schema::check(&key, record.as_bytes()).is_ok() {
        let value: serde_json::Value = serde_json::from_str(record).expect("a record is JSON");
        assert_eq!(value.to_string(), record, "a record has one spelling");
    }
}

/// A home of four things that exist for the tenant, and an entity that does not.
struct Few;

const DEVICE: &str = "0123456789abcdef0123456789abcdef";
const EXCLUDED: &str = "light.secret_room";
const FEW: [(Thing, &str); 4] = [
    (Thing::Entity, "light.kitchen"),
    (Thing::Entity, "odd_domain.thing"),
    (Thing::Device, DEVICE),
    (Thing::Area, "kitchen"),
];

impl Ids for Few {
    fn token_of(&self, reference: &str, kind: Thing) -> Option<OpaqueId> {
        let at = FEW.iter().position(|known| *known == (kind, reference))?;
        Some(OpaqueId { thing: kind, bits: at as u64 })
    }

    fn reference_of(&self, id: OpaqueId) -> Option<Private<Box<str>>> {
        let known = FEW.get(usize::try_from(id.bits).ok()?).filter(|known| known.0 == id.thing)?;
        Some(Private::new(known.1.into()))
    }

    fn name_of(&self, id: OpaqueId) -> Option<Private<Box<str>>> {
        self.reference_of(id).map(|_| Private::new("Emma's \"@e_\"".into()))
    }

    fn known_entity_id(&self, text: &str) -> bool {
        text == EXCLUDED || self.token_of(text, Thing::Entity).is_some()
    }
}

/// A document of the home and, after a zero byte, a design for it: what leaves comes back as it was, no id of the home is in it, and
/// every design is resolved or refused.
pub fn contents(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (text, designed) = text.split_once('\0').unwrap_or((text, "{}"));
    let key = HomeSecret::new([7; 32]).tenant(&TenantId([9; 32])).id_key;
    let document = Contents {
        thing: OpaqueId { thing: Thing::Dashboard, bits: 1 },
        kind: DocumentKind::Dashboard,
        text,
    };
    for names in [false, true] {
        let Ok(gone) = rewrite(&document, &Few, &key, names) else { continue };
        assert_eq!(resolve(&gone, Some(&document), &Few, &key), Ok(Private::new(text.into())), "{gone}");
        for id in ["light.kitchen", EXCLUDED, DEVICE] {
            assert!(!words(&gone).any(|word| word == id), "{id} in {gone}");
        }
    }
    let _ = resolve(designed, Some(&document), &Few, &key);
}

/// Words as entity ids are words.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.'))
}

/// Numbers of things, and what is said of each.
type Home = BTreeMap<u8, u8>;

/// Two homes, and the way from one to the other: what the agent sends for it makes the portal hold the second.
///
/// Pairs of bytes, number and body; those after a pair of zeros belong to the second home.
pub fn delta(bytes: &[u8]) {
    let mut homes = [Home::new(), Home::new()];
    let mut second = 0;
    for pair in bytes.chunks_exact(2) {
        match pair {
            [0, 0] => second = 1,
            [number, body] => drop(homes[second].insert(*number, *body)),
            _ => {}
        }
    }
    let [before, after] = homes;
    let (old, new) = (snapshot(&before), snapshot(&after));
    let push = FromAgent::from(push(&old, &new, &after)).to_json().expect("a push can be spelled");
    let Ok(FromAgent::Push(push)) = FromAgent::from_json(&push) else {
        panic!("a push is read as something else")
    };

    let kept = portal(|tx, home| {
        let first = push_of(&Snapshot::default(), &old, &before);
        apply(tx, home, &first)?;
        assert_eq!(home.root, push.base, "the portal stands where the home believes it to stand");
        apply(tx, home, &push)?;
        assert_eq!((home.root, home.records), (push.root, after.len()));
        Ok(())
    });
    assert!(kept.is_ok(), "{kept:?}");
}

fn id(number: u8) -> OpaqueId {
    OpaqueId { thing: Thing::Device, bits: u64::from(number) << 40 | 7 }
}

fn key(number: u8) -> String {
    Key::of(RecordKind::Device, id(number)).to_string()
}

fn body(body: u8) -> String {
    format!("{{\"n\":{body}}}")
}

fn snapshot(home: &Home) -> Snapshot {
    let mut builder = Builder::default();
    for (number, said) in home {
        let (key, body) = (key(*number), body(*said));
        builder.add(Record {
            kind: RecordKind::Device,
            id: Some(id(*number)),
            key: &key,
            body: body.as_bytes(),
        });
    }
    builder.finish().0
}

fn push(old: &Snapshot, new: &Snapshot, home: &Home) -> Push {
    push_of(old, new, home)
}

/// As the agent renders it.
fn push_of(old: &Snapshot, new: &Snapshot, home: &Home) -> Push {
    let classes = [Class::Structure];
    let difference = Diff::between(old, new);
    let mut puts = Puts::default();
    for (number, said) in home {
        let key = key(*number);
        if difference.changed.binary_search(&KeyHash::of(&key)).is_ok() {
            puts.push(&key, body(*said).as_bytes()).expect("a body is JSON");
        }
    }
    let gone = difference.gone.iter().map(|hash| old.key(*hash).expect("it was there").to_string());
    Push {
        base: old.root(schema::VERSION, &classes),
        root: new.root(schema::VERSION, &classes),
        puts,
        deletes: gone.collect(),
    }
}

/// As the portal keeps it, but for the check of each record, which [`records`] is about.
fn apply(tx: &Tx<'_>, home: &mut Linked, push: &Push) -> Result<(), Stop> {
    let hasher = RecordHasher::default();
    let mut edit = Edit::of(tx, home);
    for (key, body) in push.puts.iter() {
        edit.put(&Prepared {
            place: KeyHash::of(key),
            key: key.to_owned(),
            hash: hasher.hash(key, body.as_bytes()),
            body: body.to_owned(),
        })?;
    }
    for key in &push.deletes {
        edit.delete(KeyHash::of(key))?;
    }
    edit.finish(push.root).map(drop)
}

thread_local! {
    /// A portal in memory, with one tenant that has one home; every use is rolled back.
    static PORTAL: Store = {
        let world = World::with(|| 1_795_000_000, |bytes| { bytes.fill(3); true });
        Store::simulated(Path::new(":memory:"), Journal::at(Path::new("no-such-folder/erasures")), world).expect("a database")
    };
}

fn portal(work: impl FnOnce(&Tx<'_>, &mut Linked) -> Result<(), Stop>) -> Result<(), Stop> {
    let mut outcome = Ok(());
    let rolled_back: Result<(), Stop> = PORTAL.with(|store| {
        store.write_now(|tx| {
            outcome = enrolled(tx).and_then(|mut home| work(tx, &mut home));
            Err(Stop::NotFound)
        })
    });
    assert!(matches!(rolled_back, Err(Stop::NotFound)), "{rolled_back:?}");
    outcome
}

fn enrolled(tx: &Tx<'_>) -> Result<Linked, Stop> {
    let (tenant, fingerprint) = (TenantId([1; 32]), Fingerprint([2; 32]));
    let statement = Envelope { payload: String::new(), payload_type: String::new(), signatures: Vec::new() };
    tenants::put(tx, &tenant, "Fuzz", &statement)?;
    let tenant = tenants::get(tx.db, &tenant)?;
    let body = EnrolBody {
        fingerprint,
        nonce: Fixed([0; 32]),
        agent: "0.1.0".to_owned(),
        device_key: Fixed([4; 32]),
        secret: Fixed([5; 16]),
        recovery_hash: Fixed([6; 32]),
    };
    homes::enrol(tx, &tenant, &body, None)?;
    let right = homes::take_over(tx, tenant.id, &fingerprint, "0.1.0")?;
    let mut home = homes::linked(tx, right)?;
    let mut allowed = Consent::default();
    allowed.grant(Class::Structure);
    consent::take(tx, &mut home, &allowed, schema::VERSION)?;
    Ok(home)
}
