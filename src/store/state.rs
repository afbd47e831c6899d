//! The typed values that the agent keeps: pairing, consent, tokens, ordinals, delays.
//!
//! Small ones are JSON objects under a key ([`Singleton`]); sets of ids are packed. Each change is part of a
//! [`super::Commit`], so that values that belong together become durable together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rusqlite::{Connection, OptionalExtension, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::Consent;
use vestibule_protocol::id::{Fingerprint, TenantId};
use vestibule_protocol::limits;

use super::error::{AGENT_DB, StoreError, sql};
use super::journal::{self, Desk};
use crate::agent::Notices;
use crate::portal::budget::Budget;

/// A value of which there is one, stored as JSON under its key. Other rooms may store their own types so.
pub trait Singleton: Serialize + DeserializeOwned {
    /// The key, unique in the program.
    const KEY: &'static str;
}

/// The tenant this home is paired with, as accepted by the owner at pairing. `Debug` shows no address and no name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairing {
    /// Whose portal.
    pub tenant: TenantId,
    /// The tenant's name as its signed statement gave it.
    pub tenant_name: String,
    /// The portal's origin: scheme, host and port.
    pub origin: String,
    /// The portal's Ed25519 key for receipts, pinned at pairing.
    pub portal_key: Fixed<32>,
    /// This home's fingerprint for this tenant.
    pub fingerprint: Fingerprint,
    /// When the pairing was made, Unix milliseconds.
    pub paired_at: i64,
    /// Hash of the preview that the owner accepted.
    pub preview: Fixed<32>,
}

impl fmt::Debug for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pairing")
            .field("tenant", &self.tenant)
            .field("paired_at", &self.paired_at)
            .finish_non_exhaustive()
    }
}

impl Singleton for Pairing {
    const KEY: &'static str = "pairing";
}

/// What the owner allows, and what shall not exist for the portal. `Debug` does not say what is excluded.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// The versioned object that the portal sees (R27).
    pub consent: Consent,
    /// Opaque ids and `integration/DOMAIN`; the portal never sees this list.
    pub excluded: BTreeSet<String>,
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grants {{ {:?}, {} exclusions }}", self.consent, self.excluded.len())
    }
}

impl Singleton for Grants {
    const KEY: &'static str = "grants";
}

/// By what a copy that was put back is noticed (R6), and what the portal said of it. `Debug` hides all ids.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionToken {
    /// The token to present next; stored before it is used.
    pub token: Option<Fixed<16>>,
    /// The outbox item that the portal has carried out last, under its id on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Fixed<16>>,
    /// Those that were sent after it: nobody knows whether they arrived. Oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<Fixed<16>>,
    /// This home was restored from a backup, as the portal or the missing ledger says.
    #[serde(default)]
    pub restored: bool,
    /// The portal noticed that there are two of this home.
    #[serde(default)]
    pub cloned: bool,
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SessionToken {{ token: {}, restored: {}, cloned: {} }}",
            self.token.is_some(),
            self.restored,
            self.cloned
        )
    }
}

impl SessionToken {
    /// An item is about to be sent.
    pub fn sends(&mut self, item: Fixed<16>) {
        self.sent.retain(|sent| *sent != item);
        self.sent.push(item);
        let over = self.sent.len().saturating_sub(limits::SENT);
        self.sent.drain(..over);
    }

    /// This is what the portal has carried out last.
    pub fn agrees(&mut self, done: Option<Fixed<16>>) {
        self.done = done;
        self.sent.clear();
    }
}

impl Singleton for SessionToken {
    const KEY: &'static str = "session";
}

/// What the owner says an area is, by its opaque id: a kind, or `None` to hide it. `Debug` only counts.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaKinds(pub BTreeMap<String, Option<String>>);

impl fmt::Debug for AreaKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AreaKinds({})", self.0.len())
    }
}

impl Singleton for AreaKinds {
    const KEY: &'static str = "area_kinds";
}

/// All that is left after `forget`, until the portal's receipt arrives or the owner gives up (R29). `Debug` hides the key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgetStub {
    /// The portal's origin.
    pub origin: String,
    /// The tenant's id.
    pub tenant: TenantId,
    /// This home's fingerprint for that tenant.
    pub fingerprint: Fingerprint,
    /// Seed of the device key for that tenant: the erasure must still be signed.
    pub device_key_seed: [u8; 32],
    /// The portal's key that signs the receipt.
    pub portal_key: Fixed<32>,
    /// Id of the erasure that waits for its receipt.
    pub erasure: Fixed<16>,
    /// Epoch of the consent at that moment: what follows must be newer.
    pub epoch: u64,
}

impl fmt::Debug for ForgetStub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForgetStub").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

impl Singleton for ForgetStub {
    const KEY: &'static str = "forget_stub";
}

/// What the owner decided about single things of the home, kept over a change of identity until the next pairing. Its ids are made by a
/// key of its own, which belongs to no tenant. `Debug` only counts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Makes the ids.
    pub key: Fixed<32>,
    /// As in [`Grants`].
    pub excluded: BTreeSet<String>,
    /// Overrides of area kinds.
    pub kinds: AreaKinds,
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Carried {{ {} exclusions, {:?} }}", self.excluded.len(), self.kinds)
    }
}

impl Singleton for Carried {
    const KEY: &'static str = "carried";
}

/// What outlives a `forget`. With nothing in it, nothing does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stays {
    /// Until the portal's receipt arrives; with it the home's secret stays too.
    pub stub: Option<ForgetStub>,
    /// Where only the identity changes.
    #[serde(default)]
    pub carried: Option<Carried>,
}

/// One given ordinal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ordinal {
    /// Hash of the thing's id.
    pub id: u64,
    /// Hash of the scope within which it is counted.
    pub scope: u64,
    /// Its number there.
    pub n: u32,
}

/// All ordinals ever given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ordinals {
    /// For each scope the next free number; sorted by scope.
    pub scopes: Vec<(u64, u32)>,
    /// What was given, sorted by id.
    pub given: Vec<Ordinal>,
}

/// The entities that Home Assistant called orphaned when it was last asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orphans {
    /// Hashes of their ids.
    pub ids: Vec<u64>,
    /// When Home Assistant was asked, Unix milliseconds; `None` if never.
    pub refreshed_at: Option<i64>,
}

/// An entity without registry entry whose coming or going is not believed yet (R8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// Hash of its id.
    pub id: u64,
    /// Since when, Unix milliseconds.
    pub since: i64,
    /// Going, not coming.
    pub going: bool,
}

/// Everything the agent needs on start, in one reading.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AgentState {
    /// The pairing, if there is one.
    pub pairing: Option<Pairing>,
    /// What the owner allows.
    pub grants: Grants,
    /// The session token.
    pub session: SessionToken,
    /// All ordinals.
    pub ordinals: Ordinals,
    /// The orphaned entities.
    pub orphans: Orphans,
    /// Unregistered entities that came or went a short while ago (R8).
    pub delays: Vec<Delay>,
    /// Overrides of area kinds.
    pub area_kinds: AreaKinds,
    /// What was sent again in the last day.
    pub budget: Budget,
    /// What `forget` has left.
    pub forget_stub: Option<ForgetStub>,
    /// What a change of identity has left. Until the next pairing `grants` and `area_kinds` are of it.
    pub carried: Option<Carried>,
    /// What the owner has been told through Home Assistant.
    pub notices: Notices,
    /// Deployments, what approves them, questions and requests.
    pub desk: Desk,
}

const ORPHANS: &str = "orphans";
const DELAYS: &str = "delays";

/// Reads everything.
pub(crate) fn load(agent: &Connection) -> Result<AgentState, StoreError> {
    let carried: Option<Carried> = get(agent)?;
    let (excluded, kinds) =
        carried.clone().map(|carried| (carried.excluded, carried.kinds)).unwrap_or_default();
    Ok(AgentState {
        pairing: get(agent)?,
        grants: get(agent)?.unwrap_or(Grants { excluded, ..Grants::default() }),
        session: get(agent)?.unwrap_or_default(),
        ordinals: ordinals(agent)?,
        orphans: orphans(agent)?,
        delays: delays(agent)?,
        area_kinds: get(agent)?.unwrap_or(kinds),
        budget: get(agent)?.unwrap_or_default(),
        forget_stub: get(agent)?,
        carried,
        notices: get(agent)?.unwrap_or_default(),
        desk: journal::desk(agent)?,
    })
}

/// A paired home whose ledger is missing was put back from a backup (R6). The portal notices that only if the home has connected twice since
/// the backup was made.
pub(crate) fn mark_restored(agent: &Connection) -> Result<(), StoreError> {
    if get::<Pairing>(agent)?.is_none() {
        return Ok(());
    }
    let session = SessionToken { restored: true, ..get(agent)?.unwrap_or_default() };
    let json = serde_json::to_string(&session)
        .map_err(|_| StoreError::BadValue { key: SessionToken::KEY.to_owned() })?;
    put_json(agent, SessionToken::KEY, Some(&json))
}

/// One singleton.
pub(crate) fn get<T: Singleton>(agent: &Connection) -> Result<Option<T>, StoreError> {
    let Some(json) = get_json(agent, T::KEY)? else { return Ok(None) };
    serde_json::from_str(&json).map(Some).map_err(|_| StoreError::BadValue { key: T::KEY.to_owned() })
}

/// One singleton as text.
pub(crate) fn get_json(agent: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    agent
        .query_row("SELECT json FROM singletons WHERE key = ?1", [key], |row| row.get(0))
        .optional()
        .map_err(sql(AGENT_DB))
}

/// Stores (`Some`) or removes (`None`) one singleton.
pub(crate) fn put_json(agent: &Connection, key: &str, json: Option<&str>) -> Result<(), StoreError> {
    let done = match json {
        Some(json) => agent.execute(
            "INSERT INTO singletons (key, json) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET json = excluded.json",
            [key, json],
        ),
        None => agent.execute("DELETE FROM singletons WHERE key = ?1", [key]),
    };
    done.map(drop).map_err(sql(AGENT_DB))
}

/// Adds ordinals. A scope's next number follows, and never falls.
pub(crate) fn add_ordinals(agent: &Connection, new: &[Ordinal]) -> Result<(), StoreError> {
    // In the order of the table, or fifty thousand of them would drag every page through a small cache many times.
    let mut sorted: Vec<&Ordinal> = new.iter().collect();
    sorted.sort_unstable_by_key(|ordinal| ordinal.id.cast_signed());
    let mut next: BTreeMap<u64, u32> = BTreeMap::new();
    let insert = || {
        let mut insert = agent.prepare(
            "INSERT INTO ordinals (id, scope, n) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET scope = excluded.scope, n = excluded.n",
        )?;
        for ordinal in sorted {
            insert.execute(params![ordinal.id.cast_signed(), ordinal.scope.cast_signed(), ordinal.n])?;
            let free = next.entry(ordinal.scope).or_default();
            *free = (*free).max(ordinal.n.saturating_add(1));
        }
        let mut raise = agent.prepare(
            "INSERT INTO scopes (scope, next) VALUES (?1, ?2)
             ON CONFLICT (scope) DO UPDATE SET next = max(next, excluded.next)",
        )?;
        for (scope, free) in next {
            raise.execute(params![scope.cast_signed(), free])?;
        }
        Ok(())
    };
    insert().map_err(sql(AGENT_DB))
}

/// Replaces the set of orphaned entities.
pub(crate) fn put_orphans(agent: &Connection, orphans: &Orphans) -> Result<(), StoreError> {
    let time = orphans.refreshed_at.unwrap_or(i64::MIN).cast_unsigned();
    let bytes: Vec<u8> =
        std::iter::once(&time).chain(&orphans.ids).flat_map(|word| word.to_le_bytes()).collect();
    put_packed(agent, ORPHANS, &bytes)
}

/// Replaces the list of entities whose coming or going is not believed yet.
pub(crate) fn put_delays(agent: &Connection, delays: &[Delay]) -> Result<(), StoreError> {
    let words =
        delays.iter().flat_map(|delay| [delay.id, delay.since.cast_unsigned(), u64::from(delay.going)]);
    put_packed(agent, DELAYS, &words.flat_map(u64::to_le_bytes).collect::<Vec<u8>>())
}

fn delays(agent: &Connection) -> Result<Vec<Delay>, StoreError> {
    let words: Vec<u64> = words(&packed(agent, DELAYS)?).collect();
    let (rows, _) = words.as_chunks::<3>();
    Ok(rows
        .iter()
        .map(|[id, since, going]| Delay { id: *id, since: since.cast_signed(), going: *going == 1 })
        .collect())
}

fn ordinals(agent: &Connection) -> Result<Ordinals, StoreError> {
    let read = || {
        let count = |table: &str| {
            agent.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, u32>(0))
        };
        // Exact sizes: the vectors stay for the life of the program.
        let mut scopes = Vec::with_capacity(count("scopes")? as usize);
        let mut given = Vec::with_capacity(count("ordinals")? as usize);
        let mut statement = agent.prepare("SELECT scope, next FROM scopes")?;
        for row in statement.query_map([], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))? {
            scopes.push(row?);
        }
        let mut statement = agent.prepare("SELECT id, scope, n FROM ordinals")?;
        let one = |row: &rusqlite::Row<'_>| {
            let (id, scope): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok(Ordinal { id: id.cast_unsigned(), scope: scope.cast_unsigned(), n: row.get(2)? })
        };
        for row in statement.query_map([], one)? {
            given.push(row?);
        }
        Ok((scopes, given))
    };
    let (mut scopes, mut given): (Vec<(u64, u32)>, Vec<Ordinal>) = read().map_err(sql(AGENT_DB))?;
    scopes.sort_unstable();
    given.sort_unstable();
    Ok(Ordinals { scopes, given })
}

fn orphans(agent: &Connection) -> Result<Orphans, StoreError> {
    let bytes = packed(agent, ORPHANS)?;
    let mut all = words(&bytes);
    let refreshed_at = all.next().map(u64::cast_signed).filter(|time| *time != i64::MIN);
    Ok(Orphans { ids: all.collect(), refreshed_at })
}

fn packed(agent: &Connection, key: &str) -> Result<Vec<u8>, StoreError> {
    agent
        .query_row("SELECT bytes FROM packed WHERE key = ?1", [key], |row| row.get(0))
        .optional()
        .map(Option::unwrap_or_default)
        .map_err(sql(AGENT_DB))
}

fn put_packed(agent: &Connection, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
    agent
        .execute(
            "INSERT INTO packed (key, bytes) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET bytes = excluded.bytes",
            params![key, bytes],
        )
        .map(drop)
        .map_err(sql(AGENT_DB))
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk))
}
