//! Bases of things: from the snapshot, and from what home reported about earlier deployments.

use std::collections::BTreeMap;

use serde::Deserialize;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::{self, Base, Item};
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::record::RecordKind;

use super::held::Held;

/// A deployment as the portal answers it, as far as it is of use here.
#[derive(Debug, Clone, Deserialize)]
pub struct Earlier {
    /// How it stands.
    pub state: String,
    /// Its items, in their order.
    #[serde(default)]
    pub items: Vec<EarlierItem>,
    /// What was signed.
    pub envelope: Envelope,
}

/// What became of an item.
#[derive(Debug, Clone, Deserialize)]
pub struct EarlierItem {
    /// The thing, once there is one.
    #[serde(default)]
    pub thing: Option<OpaqueId>,
    /// What the next deployment names as its base.
    #[serde(default)]
    pub base: Option<Fixed<32>>,
}

/// Where something new is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// At a `url_path`.
    Dashboard,
    /// Under an automation id.
    Automation,
    /// Under a script key.
    Script,
}

impl Place {
    /// The place of things that deployments put somewhere.
    #[must_use]
    pub const fn of(thing: Thing) -> Option<Self> {
        match thing {
            Thing::Dashboard => Some(Self::Dashboard),
            Thing::Automation => Some(Self::Automation),
            Thing::Script => Some(Self::Script),
            Thing::Entity
            | Thing::Device
            | Thing::Area
            | Thing::Floor
            | Thing::Label
            | Thing::Scene
            | Thing::Resource => None,
        }
    }
}

/// Bases by thing and by element.
#[derive(Debug, Default)]
pub struct Bases {
    things: BTreeMap<OpaqueId, Base>,
    cards: BTreeMap<String, Base>,
    places: BTreeMap<(Place, String), OpaqueId>,
}

/// Whether a deployment in this state has changed the home.
#[must_use]
pub fn has_taken_effect(state: &str) -> bool {
    matches!(state, "verified" | "settled" | "drifted" | "applied")
}

impl Bases {
    /// Learns from an earlier deployment; the older ones first. One that changed nothing teaches nothing.
    pub fn learn(&mut self, earlier: &Earlier) {
        let Ok(deployment) = deployment::read(&earlier.envelope) else { return };
        if !has_taken_effect(&earlier.state) {
            return;
        }
        for (at, item) in deployment.items.iter().enumerate() {
            let report = earlier.items.get(at);
            let (thing, base) = report.map_or((None, None), |report| (report.thing, report.base));
            match item {
                Item::CardPut(put) => {
                    self.cards.insert(put.element.clone(), Base::Hash(base.unwrap_or(put.hash)));
                }
                Item::CardDelete(delete) => {
                    self.cards.remove(&delete.element);
                }
                Item::DashboardDelete(delete)
                | Item::AutomationDelete(delete)
                | Item::ScriptDelete(delete) => {
                    self.things.remove(&delete.existing);
                    self.places.retain(|_, id| *id != delete.existing);
                }
                Item::DashboardPut(put) => {
                    self.put(Place::Dashboard, put.url_path.as_ref(), put.dashboard.or(thing), base);
                }
                Item::AutomationPut(put) => {
                    self.put(Place::Automation, put.id.as_ref(), put.existing.or(thing), base);
                }
                Item::ScriptPut(put) => {
                    self.put(Place::Script, put.id.as_ref(), put.existing.or(thing), base);
                }
            }
        }
    }

    fn put(&mut self, place: Place, name: Option<&String>, id: Option<OpaqueId>, base: Option<Fixed<32>>) {
        let Some(id) = id else { return };
        if let Some(name) = name {
            self.places.insert((place, name.clone()), id);
        }
        if let Some(base) = base {
            self.things.insert(id, Base::Hash(base));
        }
    }

    /// Learns from the snapshot, which is newer than any report.
    pub fn learn_held(&mut self, held: &Held) {
        for (id, _) in held.all(RecordKind::Content) {
            if let Some(content) = held.content(id) {
                self.things.insert(id, Base::Hash(content.base));
            }
        }
    }

    /// The base of a thing.
    #[must_use]
    pub fn of(&self, id: OpaqueId) -> Option<Base> {
        self.things.get(&id).copied()
    }

    /// The base of a card.
    #[must_use]
    pub fn card(&self, element: &str) -> Option<Base> {
        self.cards.get(element).copied()
    }

    /// What an earlier deployment has put at a place.
    #[must_use]
    pub fn at(&self, place: Place, name: &str) -> Option<OpaqueId> {
        self.places.get(&(place, name.to_owned())).copied()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use vestibule_protocol::deployment::{CardPut, DashboardPut, Delete, Deployment, DeploymentId};
    use vestibule_protocol::id::{Fingerprint, TenantId};

    /// A deployment to look at, with these items.
    pub(crate) fn deployment(items: Vec<Item>) -> Deployment {
        Deployment {
            id: DeploymentId::new(1_800_000_000_000, [5; 16]),
            tenant: TenantId([1; 32]),
            target: Fingerprint([2; 32]),
            sequence: 1_800_000_000_000,
            issued: 1_800_000_000,
            not_before: 1_800_000_000,
            expires: 1_800_000_000 + 14 * 24 * 3600,
            title: "Kitchen".into(),
            summary: String::new(),
            author: "Ada".into(),
            items,
        }
    }

    pub(crate) fn new_dashboard(path: &str, content: &str) -> Item {
        Item::DashboardPut(DashboardPut {
            dashboard: None,
            url_path: Some(path.into()),
            title: Some("Kitchen".into()),
            icon: None,
            sidebar: None,
            admin: None,
            base: Base::None,
            content: content.into(),
        })
    }

    pub(crate) fn applied() -> Earlier {
        let card = CardPut {
            element: "acme-clock".into(),
            module: "export {}".into(),
            hash: Fixed([8; 32]),
            base: Base::None,
        };
        let items = vec![new_dashboard("kitchen-board", "{}"), Item::CardPut(card)];
        Earlier {
            state: "settled".into(),
            items: vec![
                EarlierItem { thing: Some("b_aaaaaaaaaaaaa".parse().unwrap()), base: Some(Fixed([9; 32])) },
                EarlierItem { thing: None, base: None },
            ],
            envelope: deployment(items).unsigned().unwrap(),
        }
    }

    pub(crate) fn bases(earlier: &Earlier) -> Bases {
        let mut bases = Bases::default();
        bases.learn(earlier);
        bases
    }

    #[test]
    fn only_what_took_effect_teaches() {
        let board = "b_aaaaaaaaaaaaa".parse().unwrap();
        assert_eq!(bases(&applied()).of(board), Some(Base::Hash(Fixed([9; 32]))));
        for state in ["refused", "undone", "rolled_back", "waiting", "queued"] {
            assert_eq!(bases(&Earlier { state: state.into(), ..applied() }).of(board), None, "{state}");
        }
    }

    #[test]
    fn the_snapshot_is_newer_and_deletion_forgets() {
        let board: OpaqueId = "b_aaaaaaaaaaaaa".parse().unwrap();
        let mut known = bases(&applied());
        let base = Fixed([3; 32]);
        let line =
            format!("{{\"key\":\"content/{board}\",\"record\":{{\"base\":\"{base}\",\"text\":\"{{}}\"}}}}");
        known.learn_held(&Held::read(&line).unwrap());
        assert_eq!(known.of(board), Some(Base::Hash(base)));
        let gone = Item::DashboardDelete(Delete { existing: board, base: Base::Hash(base) });
        known.learn(&Earlier {
            state: "settled".into(),
            items: Vec::new(),
            envelope: deployment(vec![gone]).unsigned().unwrap(),
        });
        assert_eq!((known.of(board), known.at(Place::Dashboard, "kitchen-board")), (None, None));
    }
}
