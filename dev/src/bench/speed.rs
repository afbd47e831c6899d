//! Time: from the start to in sync, beside a bare Python client on the same home in the same minute.

use std::time::Duration;

use vestibule_dev::fake_home::{FakeHome, Model, Version};

use super::Failure;
use super::process::{Home, Peer, Place, Portal};
use super::sizes::{InSync, in_sync};
use super::table::Table;

/// The middle of so many runs is taken; ours and the peer's take turns.
const TURNS: usize = 5;

/// Restarts without a change and first syncs.
pub(crate) async fn times(table: &mut Table, name: &str, home: &Home, limited: bool) -> Result<(), Failure> {
    let peer = Peer::find();
    let (mut restarts, mut firsts, mut peers, mut fast) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let InSync { mut agent, place, _portal, _folder } = in_sync(home).await?;
    let away = FakeHome::new(Model::empty(Version::V2026_11));
    let nowhere = away.listen().await?;
    let empty = Home { url: nowhere.url(), token: vestibule_dev::fake_home::TOKEN.to_owned() };
    for _ in 0..TURNS {
        if let Some(peer) = &peer {
            let (plain, quick) = peer.read(home).await?;
            peers.push(plain);
            fast.extend(quick);
        }
        agent.stop().await?;
        agent = place.start()?;
        let done = agent.says("in sync").await?;
        restarts.push(done.duration_since(agent.started()).as_secs_f64());
        firsts.push(first_sync(home, &empty).await?.as_secs_f64());
    }
    let (restart, first) = (middle(&mut restarts), middle(&mut firsts));
    table.shown("unchanged restart, start to in sync", name, restart * 1e3, "ms");
    table.shown("first sync, start to in sync", name, first * 1e3, "ms");
    if peers.is_empty() {
        table.skipped("the Python client beside us", "no Python with aiohttp is installed");
        return Ok(());
    }
    let python = middle(&mut peers);
    table.shown("  Python (aiohttp), the same lists fetched and parsed", name, python * 1e3, "ms");
    if !fast.is_empty() {
        table.shown("  the same with orjson", name, middle(&mut fast) * 1e3, "ms");
    }
    let rows = [("unchanged restart", restart, 1.25), ("first sync", first, 2.5)];
    for (what, time, limit) in rows {
        let what = format!("{what}, as a multiple of Python's time");
        if limited {
            table.most(&what, name, time / python, "×", limit);
        } else {
            table.shown(&what, name, time / python, "×");
        }
    }
    Ok(())
}

/// An agent that was paired while its home was empty finds everything on its next start.
async fn first_sync(home: &Home, empty: &Home) -> Result<Duration, Failure> {
    let folder = tempfile::tempdir()?;
    let portal = Portal::start(&folder.path().join("portal")).await?;
    let mut place = Place { data: folder.path().join("agent"), home: empty.clone() };
    place.pair(&portal).await?;
    place.home = home.clone();
    let mut agent = place.start()?;
    let done = agent.says("in sync").await?;
    Ok(done.duration_since(agent.started()))
}

/// The value in the middle.
pub(crate) fn middle(values: &mut [f64]) -> f64 {
    at(values, 0.5)
}

/// The value below which this share of them lies.
pub(crate) fn at(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short list")]
    #[expect(clippy::cast_precision_loss, reason = "a short list")]
    let place = ((values.len() as f64 * share).ceil() as usize).clamp(1, values.len().max(1)) - 1;
    values.get(place).copied().unwrap_or(f64::NAN)
}
