//! Deployments from the approver's signature to the home and back again, in one process: what is written, what is refused, and what is put
//! back, whatever fails in between.

mod broken;
mod flood;
mod kinds;
mod leaving;
mod life;
mod lost;
mod repair;
mod restored;
mod staff;
mod trust;

use std::time::Duration;

use tokio::time::{Instant, sleep};
use vestibule::agent::{DeploymentView, QuestionView, RequestView};
use vestibule::control::Request;
use vestibule_protocol::consent::{Change, Policy};
use vestibule_protocol::deployment::{Base, DashboardPut, Delete, DeploymentId, Item};
use vestibule_protocol::id::OpaqueId;
use vestibule_protocol::message::Charters;

use super::hostile::Hostile;
use super::real::RealPortal;
use super::world::World;
use crate::support::signing;

/// Longest wait for anything, on the test's clock.
const PATIENCE: Duration = Duration::from_secs(3600);

/// A home that is paired, in sync, has a charter pinned and is asked about every kind of change.
pub(super) async fn house() -> (World, RealPortal) {
    let world = World::new(20).await;
    let portal = RealPortal::in_sync_with(&world).await;
    portal.charter().await;
    let deadline = Instant::now() + PATIENCE;
    while world.reader().load().unwrap().desk.trusting.charter.is_none() {
        assert!(Instant::now() < deadline, "the charter never came");
        sleep(Duration::from_millis(20)).await;
    }
    for change in Change::ALL {
        allow(&world, change, Some(Policy::Ask)).await;
    }
    world.converge(&portal).await;
    (world, portal)
}

/// A hostile portal, and an agent that has pinned its charter and does this with dashboards.
async fn pinned(policy: Policy) -> (World, Hostile) {
    let world = World::new(20).await;
    let mut portal = Hostile::paired_with(&world).await;
    let mut peer = portal.in_sync().await;
    world.until("in sync", |status| status.in_sync).await;
    let now = u64::try_from(world.clock.now_ms() / 1000).unwrap();
    peer.say(Charters { envelopes: vec![signing::charter(portal.tenant(), now)] }).await;
    waited("the charter is pinned", || world.desk().trusting.charter.is_some()).await;
    allow(&world, Change::Dashboards, Some(policy)).await;
    (world, portal)
}

async fn allow(world: &World, change: Change, policy: Option<Policy>) {
    world.ask(Request::SetChange { change, policy }).await.unwrap();
}

/// A new dashboard.
pub(super) fn dashboard(path: &str, content: &str) -> Item {
    Item::DashboardPut(DashboardPut {
        dashboard: None,
        url_path: Some(path.to_owned()),
        title: Some("Hall".into()),
        icon: None,
        sidebar: None,
        admin: None,
        base: Base::None,
        content: content.to_owned(),
    })
}

async fn view(world: &World, id: DeploymentId) -> Option<DeploymentView> {
    let all: Vec<DeploymentView> = world.ask_one(Request::Deployments).await;
    if !all.iter().any(|view| view.id == id.to_string()) {
        return None;
    }
    Some(world.ask_one(Request::Deployment { id }).await)
}

/// Waits until a deployment is in this state at home.
pub(super) async fn until(world: &World, id: DeploymentId, state: &str) -> DeploymentView {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = view(world, id).await;
        if let Some(seen) = seen.as_ref().filter(|seen| seen.state == state) {
            // Waiting is only of interest once there is a plan to say yes to, or a reason why not.
            if state != "waiting" || seen.plan_hash.is_some() || seen.code.is_some() {
                return seen.clone();
            }
        }
        assert!(Instant::now() < deadline, "never {state}: {seen:#?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// The owner looks at it and says yes.
async fn approve(world: &World, id: DeploymentId) -> DeploymentView {
    let shown = until(world, id, "waiting").await;
    let plan_hash = shown.plan_hash.as_deref().and_then(vestibule_protocol::bytes::Fixed::parse);
    let (hosts, files) = (Default::default(), shown.files.clone());
    world.ask(Request::Approve { id, plan_hash, hosts, files }).await.unwrap();
    shown
}

/// Waits until the portal has heard of this state.
async fn heard(portal: &RealPortal, id: DeploymentId, state: &str) -> Option<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (seen, code) = portal.deployment(id);
        if seen == state {
            return code;
        }
        assert!(Instant::now() < deadline, "the portal never heard of {state}: it has {seen} {code:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A dashboard's contents as the home has them.
fn contents(world: &World, path: &str) -> Option<String> {
    world.home.model(|model| model.contents.get(path).cloned())
}

pub(super) fn has_dashboard(world: &World, path: &str) -> bool {
    world.home.model(|model| model.dashboards.iter().any(|dashboard| dashboard["url_path"] == path))
}

/// Deploys one item with the owner's yes.
async fn deployed(world: &World, portal: &RealPortal, item: Item) -> DeploymentId {
    let id = portal.submit(&portal.draft(vec![item])).await;
    approve(world, id).await;
    until(world, id, "verified").await;
    id
}

/// What the first item of a deployment has become, and the base for the next.
fn thing(world: &World, id: DeploymentId) -> (OpaqueId, Base) {
    let rows = world.reader().load().unwrap().desk.deployments;
    let item = rows.into_iter().find(|row| row.id == id).unwrap().items.remove(0);
    (item.thing.unwrap(), Base::Hash(item.base.unwrap()))
}

/// The dashboard of an earlier deployment with other contents.
fn replace(world: &World, id: DeploymentId, content: &str) -> Item {
    let (existing, base) = thing(world, id);
    Item::DashboardPut(DashboardPut {
        dashboard: Some(existing),
        url_path: None,
        title: None,
        icon: None,
        sidebar: None,
        admin: None,
        base,
        content: content.to_owned(),
    })
}

async fn waited(what: &str, is: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
