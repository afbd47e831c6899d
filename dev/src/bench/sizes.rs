//! Bytes: in memory, and on the wire beside what general compressors need.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;
use vestibule_dev::fake_home::{FakeHome, Model, Version};

use super::Failure;
use super::process::{Agent, Home, Place, Portal};
use super::table::Table;

/// DESIGN: memory is steady from so long after in sync.
const STEADY: Duration = Duration::from_secs(5);

/// An agent that was paired while it ran, and is in sync.
pub(crate) struct InSync {
    /// The daemon.
    pub(crate) agent: Agent,
    /// Its folder and home.
    pub(crate) place: Place,
    /// Kept, because it ends when it is dropped.
    pub(crate) _portal: Portal,
    /// Removed when it is dropped.
    pub(crate) _folder: tempfile::TempDir,
}

/// Starts a portal and an agent on new folders, pairs them, and waits until in sync.
pub(crate) async fn in_sync(home: &Home) -> Result<InSync, Failure> {
    let folder = tempfile::tempdir()?;
    let portal = Portal::start(&folder.path().join("portal")).await?;
    let place = Place { data: folder.path().join("agent"), home: home.clone() };
    let mut agent = place.start()?;
    agent.says("Vestibule is running").await?;
    place.pair(&portal).await?;
    agent.says("in sync").await?;
    Ok(InSync { agent, place, _portal: portal, _folder: folder })
}

/// Resident memory at rest and at most: pairing, its preview and the first sync included.
pub(crate) async fn memory(
    table: &mut Table,
    name: &str,
    home: &Home,
    entities: usize,
) -> Result<(), Failure> {
    let paired = in_sync(home).await?;
    sleep(STEADY).await;
    let agent = &paired.agent;
    let (steady, peak) = match entities {
        0..=2_000 => (8.0, None),
        2_001..=10_000 => (16.0, Some(32.0)),
        _ => (48.0, Some(96.0)),
    };
    table.most("memory, 5 s after in sync", name, agent.mebibytes("VmRSS")?, "MiB", steady);
    table.shown("  of which the program's own file", name, agent.mebibytes("RssFile")?, "MiB");
    let most = agent.mebibytes("VmHWM")?;
    match peak {
        Some(limit) => table.most("memory, peak since start with pairing", name, most, "MiB", limit),
        None => table.shown("memory, peak since start with pairing", name, most, "MiB"),
    }
    Ok(())
}

/// Payload bytes in ledger entries of these kinds after an entry; `None` means all kinds. Gives the newest entry's number too.
pub(crate) async fn ledger(place: &Place, after: u64, kinds: &[(&str, &str)]) -> Result<(f64, u64), Failure> {
    let entries = place.ask(&["ledger", "list", "--limit", "1000"]).await?;
    let (mut bytes, mut newest) = (0, after);
    for entry in &entries {
        let number = entry["entry"].as_u64().unwrap_or_default();
        newest = newest.max(number);
        let (direction, kind) = (&entry["direction"], &entry["kind"]);
        if number > after && kinds.iter().any(|(d, k)| direction == d && kind == k) {
            bytes += entry["bytes"].as_u64().unwrap_or_default();
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
    Ok((bytes as f64, newest))
}

/// A first sync on the wire, both ways.
const TRANSFER: [(&str, &str); 6] =
    [("out", "buckets"), ("in", "want"), ("out", "batch"), ("out", "commit"), ("in", "ack"), ("out", "push")];

/// Bytes of a first sync, without and with names.
pub(crate) async fn wire(table: &mut Table, name: &str, home: &Home) -> Result<(), Failure> {
    let InSync { agent, place, _portal, _folder } = in_sync(home).await?;
    let status = place.ask(&["status"]).await?.pop().unwrap_or(Value::Null);
    let entities = status["records"]["entity"].as_f64().ok_or("status shows no entities")?;
    let (structure, _) = ledger(&place, 0, &TRANSFER).await?;
    let snapshot = place.text(&["preview"]).await?;
    table.most("first sync on the wire, an entity", name, structure / entities, "B", 24.0);
    table.shown("  all of it in one piece by zstd -19", name, pressed(&snapshot, &[])? / entities, "B");
    agent.stop().await?;
    let names = with_names(home).await?;
    table.most("  the same with names, from an almost empty portal", name, names / entities, "B", 34.0);
    Ok(())
}

/// A first sync after both classes were granted, which needs an earlier pairing: the home was empty then.
async fn with_names(home: &Home) -> Result<f64, Failure> {
    let away = FakeHome::new(Model::empty(Version::V2026_11));
    let nowhere = away.listen().await?;
    let empty = Home { url: nowhere.url(), token: vestibule_dev::fake_home::TOKEN.to_owned() };
    let InSync { agent, mut place, _portal, _folder } = in_sync(&empty).await?;
    place.ask(&["consent", "grant", "names"]).await?;
    agent.stop().await?;
    let (_, before) = ledger(&place, 0, &[]).await?;
    place.home = home.clone();
    let mut agent = place.start()?;
    agent.says("in sync").await?;
    Ok(ledger(&place, before, &TRANSFER).await?.0)
}

/// Bytes that zstd -19 needs for a text, given another one that both sides have (`--patch-from`), if it is not empty.
pub(crate) fn pressed(text: &str, base: &[u8]) -> Result<f64, Failure> {
    let mut to = Vec::new();
    let mut encoder = if base.is_empty() {
        zstd::stream::write::Encoder::new(&mut to, 19)?
    } else {
        zstd::stream::write::Encoder::with_ref_prefix(&mut to, 19, base)?
    };
    encoder.long_distance_matching(true)?;
    encoder.window_log(27)?;
    std::io::Write::write_all(&mut encoder, text.as_bytes())?;
    encoder.finish()?;
    #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
    Ok(to.len() as f64)
}
