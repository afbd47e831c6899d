//! The reference model: what the portal must hold, computed from the fake home itself with fresh eyes, and what must hold at any time.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::io::duplex;
use tokio::sync::mpsc;
use vestibule::agent::Stock;
use vestibule::home::{Endpoint, Token, Wishes};
use vestibule::net::{BoxedStream, Dial, Dialling, Target};
use vestibule::outbound::reading::{HomeEvent, Reading};
use vestibule::store::{AgentState, Folder, Reader};
use vestibule_dev::fake_home::{FakeHome, Model, TOKEN};
use vestibule_portal::journal::Journal;
use vestibule_portal::store::homes::Instance;
use vestibule_portal::store::{Store, history, homes, tenants};
use vestibule_protocol::consent::Class;
use vestibule_protocol::id::{Fingerprint, TenantId};
use vestibule_protocol::receipt::Scope;
use vestibule_protocol::record::Key;
use vestibule_protocol::schema;

/// Records by key.
pub(super) type Records = BTreeMap<String, String>;

/// More versions than any story makes.
const VERSIONS: u32 = 10_000;

/// A wire straight into the fake home.
struct Straight(FakeHome);

impl Dial for Straight {
    fn dial<'a>(&'a self, _: &'a Target) -> Dialling<'a> {
        let (ours, theirs) = duplex(1 << 20);
        let home = self.0.clone();
        tokio::spawn(async move { home.serve(theirs).await });
        Box::pin(async move { Ok(Box::new(ours) as BoxedStream) })
    }
}

/// Everything that the home tells somebody who asks for the first time.
fn read(home: &FakeHome) -> Vec<Reading> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (to, mut events) = mpsc::channel(2);
        let endpoint = Endpoint::from_url("http://127.0.0.1:1", Token::new(TOKEN).unwrap()).unwrap();
        tokio::spawn(vestibule::home::run(
            endpoint,
            Straight(home.clone()),
            || 0.5,
            Arc::new(Wishes::default()),
            to,
        ));
        loop {
            match events.recv().await.expect("the home answers") {
                HomeEvent::Read { readings, complete: true } => return readings,
                HomeEvent::Read { .. } | HomeEvent::Connected { .. } | HomeEvent::Stale => {}
                HomeEvent::Lost(trouble) => panic!("the home cannot be read: {trouble:?}"),
            }
        }
    })
}

#[derive(serde::Deserialize)]
struct Line<'a> {
    key: String,
    #[serde(borrow)]
    record: &'a serde_json::value::RawValue,
}

/// What the agent has stored.
pub(super) fn stored(folder: &Folder) -> AgentState {
    Reader::open(folder).unwrap().load().unwrap()
}

/// What the portal should hold: the home read afresh, under what is stored.
pub(super) fn expected(folder: &Folder, tenant: &TenantId, home: &FakeHome, now_ms: i64) -> Records {
    let state = stored(folder);
    let keys = folder.home_secret().unwrap().expect("a secret").tenant(tenant);
    let mut state = state.clone();
    let mut stock = Stock::new(&mut state, Vec::new());
    stock.take_in(read(home), now_ms);
    let lines = stock.preview(&keys.id_key, &state.grants, now_ms);
    lines
        .iter()
        .map(|line| {
            let line: Line<'_> = serde_json::from_str(line.get()).unwrap();
            (line.key, line.record.get().to_owned())
        })
        .collect()
}

/// The portal's database, looked at from outside.
pub(super) struct Portal<'a> {
    pub(super) store: Store,
    pub(super) journal: Journal,
    pub(super) tenant: &'a TenantId,
}

impl Portal<'_> {
    /// The home, if it has enrolled.
    pub(super) fn home(&self, fingerprint: &Fingerprint) -> Option<Instance> {
        self.store
            .read_now(|db| {
                let row = tenants::get(db, self.tenant)?.id;
                homes::get(db, row, fingerprint)
            })
            .ok()
    }

    /// What is held of the home now.
    pub(super) fn records(&self, home: &Instance) -> Records {
        let lines = self.store.read_now(|db| history::snapshot(db, home.id)).unwrap();
        lines.into_iter().map(|(key, body)| (key, body.unwrap())).collect()
    }

    /// What must be true of a portal at every moment, whatever has gone wrong.
    pub(super) fn sound(&self, home: &Instance) -> Result<(), String> {
        let records = self.records(home);
        if records.len() as u64 != home.records {
            return Err(format!("{} records, counted as {}", records.len(), home.records));
        }
        for (key, body) in records {
            let parsed = Key::parse(&key).map_err(|_| format!("{key} is no key"))?;
            schema::check(&parsed, body.as_bytes()).map_err(|error| format!("{key}: {error}"))?;
        }
        let root = self.store.read_now(|db| history::versions(db, home.id, 1)).unwrap();
        match root.first() {
            Some(newest) if newest.root != home.root => Err("the newest version has another root".to_owned()),
            _ => self.withdrawn_is_gone(home),
        }
    }

    /// Nothing of a class that is not granted is held, in no version.
    fn withdrawn_is_gone(&self, home: &Instance) -> Result<(), String> {
        let versions = self.store.read_now(|db| history::versions(db, home.id, VERSIONS)).unwrap();
        for version in versions.iter().filter(|version| !version.gone) {
            let lines = self.store.read_now(|db| history::snapshot_at(db, home.id, version.root));
            let lines = lines.map_err(|stop| format!("a version cannot be read: {stop}"))?;
            for (key, _) in lines {
                let names = key.starts_with("name/");
                let class = if names { Class::Names } else { Class::Structure };
                if !home.consent.grants(class) {
                    return Err(format!("{key} of a class that is not granted"));
                }
            }
        }
        Ok(())
    }

    /// Erasures of a whole home that the journal has noted.
    pub(super) fn farewells(&self) -> usize {
        let entries = self.journal.entries().unwrap();
        entries.iter().filter(|(_, entry)| entry.scope == Scope::All).count()
    }

    /// Erasures of a class that the journal has noted.
    pub(super) fn erasures(&self) -> usize {
        let entries = self.journal.entries().unwrap();
        entries.iter().filter(|(_, entry)| matches!(entry.scope, Scope::Class(_))).count()
    }
}

/// The ledger as lines that are the same whenever the same has happened; panics if its chain is broken.
pub(super) fn ledger(folder: &Folder) -> Vec<String> {
    let reader = Reader::open(folder).unwrap();
    let verified = reader.verify().unwrap();
    assert!(
        matches!(verified, vestibule::store::Verification::Sound { .. }),
        "the ledger does not verify: {verified:?}"
    );
    let mut text = Vec::new();
    reader.export(&[], &mut text).unwrap();
    String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
}

/// How many records of each kind there are in a home of which nothing is excluded: counted, not rendered.
pub(super) fn counted(model: &Model) -> BTreeMap<&'static str, usize> {
    let unregistered = model.states.keys().filter(|id| !model.entities.contains_key(*id)).count();
    BTreeMap::from([
        ("area", model.areas.len()),
        ("device", model.devices.len()),
        ("entity", model.entities.len() + unregistered),
        ("label", model.labels.len()),
    ])
}

/// Records by kind, of the same kinds.
pub(super) fn counts(records: &Records) -> BTreeMap<&'static str, usize> {
    let kind = |kind: &'static str| {
        let begins = format!("{kind}/");
        (kind, records.keys().filter(|key| key.starts_with(&begins)).count())
    };
    ["area", "device", "entity", "label"].map(kind).into_iter().collect()
}
