//! What comes in: envelopes that nobody may believe, and designs that must be refused or planned.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use vestibule::identity::HomeSecret;
use vestibule::inbound::charter;
use vestibule::inbound::consent::Yes;
use vestibule::inbound::deployment::{Received, Trust, Verified};
use vestibule::inbound::plan::{
    self, Choices, DashboardNow, DashboardRecord, Document, HomeNow, Origins, ResourceMode, ResourceNow,
    RoutineKind, RoutineNow, RoutineState,
};
use vestibule::outbound::contents::{Contents, DocumentKind, Ids, base_hash, rewrite};
use vestibule::outbound::reading::Text;
use vestibule::private::Private;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::charter::{Approver, Charter};
use vestibule_protocol::consent::{Change, Policy};
use vestibule_protocol::deployment::{
    Base, CardPut, DashboardPut, Deployment, DeploymentId, Item, PAYLOAD_TYPE, RoutinePut,
};
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::{Fingerprint, OpaqueId, TenantId, Thing};

const NOW: u64 = 1_795_000_000;
const TENANT: TenantId = TenantId([1; 32]);
const HOME: Fingerprint = Fingerprint([2; 32]);
const BOARD: OpaqueId = OpaqueId { thing: Thing::Dashboard, bits: 50 };
const AUTOMATION: OpaqueId = OpaqueId { thing: Thing::Automation, bits: 60 };

/// What stands in the dashboard of the home.
const DASHBOARD: &str = r#"{"title":"Ours","views":[{"title":"Hall","cards":[{"type":"tile","entity":"light.hall","name":"Grandma"}]}]}"#;
/// What stands in its automation.
const ROUTINE: &str = r#"{"id":"170","alias":"Evening","trigger":[],"action":[{"service":"light.turn_on","target":{"entity_id":"light.hall"}}]}"#;

/// Bytes as an envelope, which nobody has signed; and as a payload that the right people have signed all the same.
pub fn envelope(bytes: &[u8]) {
    if let Ok(envelope) = serde_json::from_slice::<Envelope>(bytes) {
        // Whoever finds a signature that fits has found more than a bug.
        assert!(believed(envelope.clone()).is_none(), "nobody has signed this");
        let pinned = charter();
        let outcome = charter::follow(Some(&pinned), &TENANT, std::slice::from_ref(&envelope));
        assert_eq!(outcome.charter, Some(pinned));
    }
    let Some(verified) = believed(signed(bytes)) else { return };
    let deployment = verified.deployment();
    assert_eq!((deployment.tenant, deployment.target), (TENANT, HOME));
    assert!(deployment.sequence > 6 && deployment.not_before <= NOW && NOW < deployment.expires);
    assert!(!verified.persons().contains(&deployment.author) && verified.persons().len() >= 2);
    assert!(verified.floor() <= NOW);
    let _ = plan::needs(deployment);
}

/// A kind in the first line, a design in the rest: refused, or a plan that is the same at every time.
pub fn plan(bytes: &[u8]) {
    let Some((kind, design)) = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once('\n')) else {
        return;
    };
    let Some(item) = item(kind, design) else { return };
    let deployment = Deployment { items: vec![item], ..empty() };
    let payload = serde_json::to_vec(&deployment).expect("a deployment can be spelled");
    let Some(verified) = believed(signed(&payload)) else { return };
    let key = HomeSecret::new([7; 32]).tenant(&TENANT).id_key;
    let home = home();
    let hosts = BTreeSet::new();
    let choices = Choices { hosts: &hosts, known: &[], origins: &Origins::default() };
    let planned = || plan::plan(&verified, &home, &Things, &key, &choices);
    let first = match planned() {
        Err(refusal) => {
            assert!(refusal.item == Some(0) && !refusal.problem().what.is_empty());
            let told: Vec<_> = refusal.diffs.iter().map(|diff| diff.for_the_owner()).collect();
            serde_json::to_string(&told).expect("a difference can be shown");
            return;
        }
        Ok(plan) => plan,
    };
    assert_eq!(planned().as_ref(), Ok(&first), "a plan depends on nothing but what it is made of");
    assert!(first.steps.iter().all(|step| step.before != step.after));
    let told: Vec<_> = first.diff.iter().map(|diff| diff.for_the_owner()).collect();
    serde_json::to_string(&told).expect("a difference can be shown");
    assert!(first.abilities.iter().all(|ability| !ability.words_for_the_owner().is_empty()));
    // Nobody gets past a host that is not allowed, and trust carries only what displays.
    let yes = verified.clone().consented(Yes::Plan(first.hash)).planned(first.clone());
    assert_eq!(yes.is_ok(), first.refused_hosts.is_empty());
    let trusted = verified.clone().consented(Yes::Trust).planned(first.clone());
    assert_eq!(trusted.is_ok(), first.display_only && verified.trusted());
}

fn item(kind: &str, design: &str) -> Option<Item> {
    let key = HomeSecret::new([7; 32]).tenant(&TENANT).id_key;
    let base = |thing, now| Base::Hash(base_hash(&key, thing, now));
    let board = |dashboard: Option<OpaqueId>, base| {
        Item::DashboardPut(DashboardPut {
            dashboard,
            url_path: dashboard.is_none().then(|| "new-board".to_owned()),
            title: dashboard.is_none().then(|| "New".to_owned()),
            icon: None,
            sidebar: None,
            admin: None,
            base,
            content: design.to_owned(),
        })
    };
    let routine = |existing: Option<OpaqueId>, base| RoutinePut {
        existing,
        id: existing.is_none().then(|| "evening".to_owned()),
        base,
        content: design.to_owned(),
    };
    Some(match kind {
        "dashboard" => board(None, Base::None),
        "replace" => board(Some(BOARD), base(BOARD, DASHBOARD)),
        "stale" => board(Some(BOARD), base(BOARD, "{}")),
        "automation" => Item::AutomationPut(routine(None, Base::None)),
        "update" => Item::AutomationPut(routine(Some(AUTOMATION), base(AUTOMATION, ROUTINE))),
        "script" => Item::ScriptPut(routine(None, Base::None)),
        "card" => Item::CardPut(CardPut {
            element: "acme-clock".to_owned(),
            module: design.to_owned(),
            hash: vestibule::inbound::card::address(design),
            base: Base::None,
        }),
        _ => return None,
    })
}

/// The example documents as they leave the home.
fn rewritten(thing: OpaqueId, kind: DocumentKind, text: &str) -> String {
    let key = HomeSecret::new([7; 32]).tenant(&TENANT).id_key;
    rewrite(&Contents { thing, kind, text }, &Things, &key, false).expect("an example can leave")
}

/// Designs of every kind, for the corpus.
pub fn designs() -> Vec<(&'static str, String)> {
    let board = rewritten(BOARD, DocumentKind::Dashboard, DASHBOARD);
    let routine = rewritten(AUTOMATION, DocumentKind::Automation, ROUTINE);
    let lamp = format!("@{}", OpaqueId { thing: Thing::Entity, bits: 1 });
    vec![
        ("dashboard", format!("dashboard\n{{\"views\":[{{\"cards\":[{{\"type\":\"tile\",\"entity\":\"{lamp}\"}}]}}]}}")),
        ("remote", "dashboard\n{\"views\":[],\"background\":\"url(https://evil.example/x)\"}".to_owned()),
        ("template", format!("dashboard\n{{\"views\":[{{\"cards\":[{{\"type\":\"markdown\",\"content\":\"{{{{ states('{lamp}') | round(1) }}}}\"}}]}}]}}")),
        ("custom", "dashboard\n{\"views\":[{\"cards\":[{\"type\":\"custom:button-card\",\"name\":\"[[[ x ]]]\"}]}]}".to_owned()),
        ("replace", format!("replace\n{board}")),
        ("stale", format!("stale\n{board}")),
        ("automation", format!("automation\n{}", routine.replace("\"id\"", "\"description\""))),
        ("update", format!("update\n{routine}")),
        ("script", "script\n{\"sequence\":[{\"service\":\"{{ x }}\"}]}".to_owned()),
        ("card", "card\ncustomElements.define('acme-clock', class extends HTMLElement {}); fetch(`//x.example/${1}`)".to_owned()),
    ]
}

/// Envelopes and payloads, for the corpus: what the right people have signed is given to them as a payload.
pub fn envelopes() -> Vec<(&'static str, Vec<u8>)> {
    let deployment =
        Deployment { items: item("dashboard", "{\"views\":[]}").into_iter().collect(), ..empty() };
    let payload = serde_json::to_vec(&deployment).expect("a deployment can be spelled");
    let stranger = Envelope::sign(PAYLOAD_TYPE, &payload, &SigningKey::from_bytes(&[99; 32]));
    let late = serde_json::to_vec(&Deployment { expires: NOW, ..deployment.clone() }).expect("likewise");
    let own = serde_json::to_vec(&Deployment { author: "Ada".into(), ..deployment }).expect("likewise");
    vec![
        ("payload", payload),
        ("payload-late", late),
        ("payload-own", own),
        ("payload-twice", br#"{"id":"x","id":"y"}"#.to_vec()),
        ("envelope", serde_json::to_vec(&stranger).expect("likewise")),
        ("envelope-empty", br#"{"payload":"","payloadType":"x","signatures":[]}"#.to_vec()),
    ]
}

fn signed(payload: &[u8]) -> Envelope {
    let mut envelope = Envelope::sign(PAYLOAD_TYPE, payload, &SigningKey::from_bytes(&[10; 32]));
    envelope.add_signature(&SigningKey::from_bytes(&[12; 32])).expect("the payload is base64");
    envelope
}

fn charter() -> Charter {
    let public = |n: u8| Fixed(*SigningKey::from_bytes(&[n; 32]).verifying_key().as_bytes());
    Charter {
        tenant: TENANT,
        version: 1,
        issued: NOW - 1_000,
        expires: NOW + 1_000,
        roots: vec![public(1)],
        root_threshold: 1,
        approvers: [("Ada", 10), ("Bo", 12)]
            .map(|(person, n)| Approver { person: person.to_owned(), key: public(n) })
            .into(),
        threshold: 2,
    }
}

fn believed(envelope: Envelope) -> Option<Verified> {
    let changes = BTreeMap::from(Change::ALL.map(|change| (change, Policy::Trust)));
    let trust = Trust {
        charter: Some(&charter()),
        blocked: &BTreeSet::new(),
        tenant: TENANT,
        fingerprint: HOME,
        now: NOW,
        clock_floor: NOW - 500,
        last_sequence: 6,
        held: false,
        changes: &changes,
        pending: 0,
    };
    Received::new(envelope).verify(&trust).ok()
}

fn empty() -> Deployment {
    Deployment {
        id: DeploymentId::new(NOW * 1000, [9; 16]),
        tenant: TENANT,
        target: HOME,
        sequence: 7,
        issued: NOW - 10,
        not_before: NOW - 10,
        expires: NOW + 10,
        title: "Fuzz".to_owned(),
        summary: String::new(),
        author: "Dan".to_owned(),
        items: Vec::new(),
    }
}

fn text(text: &str) -> Text {
    Private::new(text.into())
}

fn home() -> HomeNow {
    let routine =
        |thing, id: &str, kind, state| RoutineNow { kind, thing, id: text(id), state, enabled: None };
    HomeNow {
        version: "2026.11.0".to_owned(),
        dashboards: vec![DashboardNow {
            thing: Some(BOARD),
            id: Some(text("our_board")),
            url_path: text("our-board"),
            yaml: false,
            record: DashboardRecord { title: text("Ours"), icon: None, sidebar: true, admin: false },
            config: Some(text(DASHBOARD)),
        }],
        panels: vec![text("our-board")],
        resources: vec![ResourceNow {
            id: Some(text("r1")),
            module: true,
            url: text("/hacsfiles/button-card/button-card.js"),
        }],
        resource_mode: ResourceMode::Storage,
        routines: vec![
            routine(Some(AUTOMATION), "170", RoutineKind::Automation, RoutineState::Present(text(ROUTINE))),
            routine(None, "evening", RoutineKind::Automation, RoutineState::Absent),
            routine(None, "evening", RoutineKind::Script, RoutineState::Absent),
        ],
        others: vec![Document {
            thing: None,
            kind: DocumentKind::Automation,
            name: text("Bedtime"),
            text: text(r#"{"action":[{"service":"script.evening"}]}"#),
        }],
    }
}

/// One lamp and one room.
struct Things;

impl Ids for Things {
    fn token_of(&self, reference: &str, kind: Thing) -> Option<OpaqueId> {
        matches!((kind, reference), (Thing::Entity, "light.hall") | (Thing::Area, "hall"))
            .then_some(OpaqueId { thing: kind, bits: 1 })
    }
    fn reference_of(&self, id: OpaqueId) -> Option<Text> {
        match (id.thing, id.bits) {
            (Thing::Entity, 1) => Some(text("light.hall")),
            (Thing::Area, 1) => Some(text("hall")),
            _ => None,
        }
    }
    fn name_of(&self, id: OpaqueId) -> Option<Text> {
        self.reference_of(id).map(|_| text("Grandma's \"hall\""))
    }
    fn known_entity_id(&self, text: &str) -> bool {
        text == "light.hall"
    }
}
