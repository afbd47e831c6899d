//! One test for each step of the order of trust, and one for each attack that has a name.

use ed25519_dalek::SigningKey;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::charter::Approver;
use vestibule_protocol::deployment::{
    Base, DashboardPut, Delete, DeploymentId, Item, PAYLOAD_TYPE, RoutinePut,
};
use vestibule_protocol::id::{OpaqueId, Thing};

use super::*;

const NOW: u64 = 1_800_000_000;
const DAY: u64 = 24 * 3600;
const TENANT: TenantId = TenantId([1; 32]);
const HOME: Fingerprint = Fingerprint([2; 32]);

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn public(n: u8) -> Fixed<32> {
    Fixed(*key(n).verifying_key().as_bytes())
}

/// Ada has two keys, Bo one, Cleo one; it takes two persons.
fn charter() -> Charter {
    Charter {
        tenant: TENANT,
        version: 1,
        issued: NOW - 100 * DAY,
        expires: NOW + 50 * DAY,
        roots: vec![public(1)],
        root_threshold: 1,
        approvers: [("Ada", 10), ("Ada", 11), ("Bo", 12), ("Cleo", 13)]
            .map(|(person, n)| Approver { person: person.into(), key: public(n) })
            .into(),
        threshold: 2,
    }
}

fn dashboard(content: &str) -> Item {
    Item::DashboardPut(DashboardPut {
        dashboard: None,
        url_path: Some("house-kitchen".into()),
        title: Some("Kitchen".into()),
        icon: None,
        sidebar: None,
        admin: None,
        base: Base::None,
        content: content.into(),
    })
}

fn deployment() -> Deployment {
    Deployment {
        id: DeploymentId::new(NOW * 1000, [9; 16]),
        tenant: TENANT,
        target: HOME,
        sequence: 7,
        issued: NOW - DAY,
        not_before: NOW - DAY,
        expires: NOW + DAY,
        title: "Kitchen".into(),
        summary: String::new(),
        author: "Dan".into(),
        items: vec![dashboard(r#"{"views":[]}"#)],
    }
}

/// Signed by Ada and Bo.
fn approved(deployment: &Deployment) -> Envelope {
    signed(deployment, &[10, 12])
}

fn signed(deployment: &Deployment, keys: &[u8]) -> Envelope {
    let mut envelope = deployment.sign(&key(keys[0])).unwrap();
    for n in &keys[1..] {
        envelope.add_signature(&key(*n)).unwrap();
    }
    envelope
}

/// What a home knows, to be changed by each test.
struct Home {
    charter: Option<Charter>,
    blocked: BTreeSet<[u8; 32]>,
    changes: BTreeMap<Change, Policy>,
    now: u64,
    clock_floor: u64,
    last_sequence: u64,
    held: bool,
    pending: usize,
}

impl Default for Home {
    fn default() -> Self {
        Self {
            charter: Some(charter()),
            blocked: BTreeSet::new(),
            changes: BTreeMap::from([(Change::Dashboards, Policy::Ask)]),
            now: NOW,
            clock_floor: NOW - 2 * DAY,
            last_sequence: 6,
            held: false,
            pending: 0,
        }
    }
}

impl Home {
    fn trust(&self) -> Trust<'_> {
        Trust {
            charter: self.charter.as_ref(),
            blocked: &self.blocked,
            tenant: TENANT,
            fingerprint: HOME,
            now: self.now,
            clock_floor: self.clock_floor,
            last_sequence: self.last_sequence,
            held: self.held,
            changes: &self.changes,
            pending: self.pending,
        }
    }

    fn verify(&self, envelope: Envelope) -> Result<Verified, Refusal> {
        Received::new(envelope).verify(&self.trust())
    }

    #[track_caller]
    fn refuses(&self, envelope: Envelope, code: &str) -> Refusal {
        let refusal = self.verify(envelope).expect_err(code);
        assert_eq!(refusal.code, code);
        assert_eq!(refusal.problem().code, code);
        refusal
    }
}

/// A deployment that is believed, of a home that asks for dashboards.
pub(in crate::inbound) fn verified() -> Verified {
    Home::default().verify(approved(&deployment())).unwrap()
}

/// The same of a home that trusts dashboards which only display.
pub(in crate::inbound) fn trusting() -> Verified {
    let changes = BTreeMap::from([(Change::Dashboards, Policy::Trust)]);
    Home { changes, ..Home::default() }.verify(approved(&deployment())).unwrap()
}

/// These items, in place in a home that allows everything and trusts dashboards.
pub(in crate::inbound) fn verified_with(items: Vec<Item>) -> Verified {
    let changes = BTreeMap::from([(Change::Dashboards, Policy::Trust), (Change::Automations, Policy::Ask)]);
    let home = Home { changes, ..Home::default() };
    let envelope = approved(&Deployment { items, ..deployment() });
    Received::new(envelope).verify_in_place(&home.trust()).unwrap()
}

fn with(change: impl FnOnce(&mut Deployment)) -> Envelope {
    let mut changed = deployment();
    change(&mut changed);
    approved(&changed)
}

#[test]
fn r31_what_enough_people_approved_is_believed() {
    let verified = Home::default().verify(approved(&deployment())).unwrap();
    assert_eq!(verified.deployment(), &deployment());
    assert_eq!(verified.persons(), ["Ada", "Bo"]);
    assert_eq!(verified.floor(), NOW - DAY);
    assert!(!verified.trusted());
}

// One for each step, in their order.

#[test]
fn r31_size() {
    let mut envelope = approved(&deployment());
    envelope.payload = "A".repeat(limits::FRAME_INFLATED + 4);
    Home::default().refuses(envelope, "oversized");
}

#[test]
fn r31_outer_form() {
    let mut garbage = approved(&deployment());
    garbage.payload.push('%');
    Home::default().refuses(garbage, "malformed_envelope");
    let mut garbage = approved(&deployment());
    garbage.signatures[1].sig.pop();
    Home::default().refuses(garbage, "malformed_envelope");
    Home::default().refuses(deployment().unsigned().unwrap(), "malformed_envelope");
    let mut flood = approved(&deployment());
    flood.signatures = vec![flood.signatures[0].clone(); limits::SIGNATURES + 1];
    Home::default().refuses(flood, "malformed_envelope");
}

#[test]
fn r33_nothing_is_believed_without_a_charter() {
    Home { charter: None, ..Home::default() }.refuses(approved(&deployment()), "no_charter");
    let other = Charter { tenant: TenantId([9; 32]), ..charter() };
    Home { charter: Some(other), ..Home::default() }.refuses(approved(&deployment()), "no_charter");
}

#[test]
fn r31_payload_type() {
    let payload = serde_json::to_vec(&deployment()).unwrap();
    let mut envelope = Envelope::sign("text/plain", &payload, &key(10));
    envelope.add_signature(&key(12)).unwrap();
    Home::default().refuses(envelope, "wrong_payload_type");
}

#[test]
fn r31_payload() {
    let signed_payload = |payload: &[u8]| {
        let mut envelope = Envelope::sign(PAYLOAD_TYPE, payload, &key(10));
        envelope.add_signature(&key(12)).unwrap();
        envelope
    };
    let mut value = serde_json::to_value(deployment()).unwrap();
    value["items"][0]["surprise"] = 1.into();
    let refusal = Home::default().refuses(signed_payload(value.to_string().as_bytes()), "unreadable");
    assert!(refusal.about.unwrap().contains("surprise"), "the key is named");
    let refusal = Home::default().refuses(with(|d| d.title = " ".into()), "out_of_bounds");
    assert_eq!(refusal.about.as_deref(), Some("title"));
}

#[test]
fn r31_nobody_approves_their_own_work() {
    let own = with(|d| d.author = "Ada".into());
    Home::default().refuses(own, "too_few_approvals");
    let mut changed = deployment();
    changed.author = "Ada".into();
    let verified = Home::default().verify(signed(&changed, &[10, 12, 13])).unwrap();
    assert_eq!(verified.persons(), ["Bo", "Cleo"]);
}

#[test]
fn r31_expiry() {
    let refusal = Home::default().refuses(with(|d| d.expires = NOW), "expired");
    assert_eq!(refusal.disposition, Disposition::Expired);
    let long = with(|d| d.expires = d.not_before + 30 * DAY + 1);
    Home::default().refuses(long, "out_of_bounds");
}

#[test]
fn r31_not_before() {
    let refusal = Home::default().refuses(with(|d| d.not_before = NOW + 5), "not_yet");
    assert_eq!(refusal.disposition, Disposition::Hold { until: Some(NOW + 5) });
}

#[test]
fn r34_a_home_without_a_clock_waits() {
    let fresh = Home { now: 1_000, ..Home::default() };
    let refusal = fresh.refuses(approved(&deployment()), "clock_wrong");
    assert_eq!(refusal.disposition, Disposition::Hold { until: Some(NOW - DAY) });
    let problem = refusal.problem();
    assert!(problem.what.contains("clock") && problem.retry == vestibule_protocol::problem::Retry::Yes);
    // Signed later than the clock shows: the deployment itself says that the clock is behind.
    let behind = Home { now: NOW - 1, ..Home::default() };
    behind.refuses(with(|d| d.issued = NOW), "clock_wrong");
}

#[test]
fn r6_a_restored_home_waits_for_its_owner() {
    let refusal =
        Home { held: true, ..Home::default() }.refuses(approved(&deployment()), "restored_or_cloned");
    assert_eq!(refusal.disposition, Disposition::Hold { until: None });
}

#[test]
fn r32_sixteen_may_wait() {
    assert!(Home { pending: 15, ..Home::default() }.verify(approved(&deployment())).is_ok());
    Home { pending: 16, ..Home::default() }.refuses(approved(&deployment()), "too_many_pending");
}

#[test]
fn r31_grants() {
    let routine = RoutinePut { existing: None, id: Some("x".into()), base: Base::None, content: "{}".into() };
    let both = with(|d| d.items.push(Item::AutomationPut(routine)));
    let refusal = Home::default().refuses(both.clone(), "not_allowed");
    assert_eq!((refusal.item, refusal.about.as_deref()), (Some(1), Some("deploy.automations")));
    let trusting =
        BTreeMap::from([(Change::Dashboards, Policy::Trust), (Change::Automations, Policy::Trust)]);
    let home = Home { changes: trusting, ..Home::default() };
    assert!(home.verify(approved(&deployment())).unwrap().trusted());
    assert!(!home.verify(both).unwrap().trusted(), "R38: automations are never on trust");
    Home { changes: BTreeMap::new(), ..Home::default() }.refuses(approved(&deployment()), "not_allowed");
}

// The attacks.

#[test]
fn attack_forged() {
    let refusal = Home::default().refuses(signed(&deployment(), &[98, 99]), "too_few_approvals");
    assert_eq!(refusal.about.as_deref(), Some("0 of 2 persons"));
    // A right key's name on a wrong key's signature.
    let mut named = signed(&deployment(), &[98, 99]);
    for (signature, n) in named.signatures.iter_mut().zip([10, 12]) {
        signature.keyid = Some(public(n).to_string());
    }
    Home::default().refuses(named, "too_few_approvals");
}

#[test]
fn attack_replayed() {
    let mut home = Home::default();
    let verified = home.verify(approved(&deployment())).unwrap();
    home.last_sequence = verified.deployment().sequence;
    let refusal = home.refuses(approved(&deployment()), "superseded");
    assert_eq!(refusal.disposition, Disposition::Superseded);
    assert!(Received::new(approved(&deployment())).verify_again(&home.trust()).is_ok(), "our own copy");
}

#[test]
fn attack_rolled_back() {
    let home = Home { last_sequence: 8, ..Home::default() };
    home.refuses(approved(&deployment()), "superseded");
    assert!(home.verify(with(|d| d.sequence = 1_000)).is_ok(), "gaps are allowed");
}

#[test]
fn attack_frozen() {
    // A portal that withholds the charter which removes an approver wins until the old one expires.
    let late = Home { now: NOW + 50 * DAY, clock_floor: NOW, ..Home::default() };
    late.refuses(with(|d| d.expires = NOW + 29 * DAY), "charter_expired");
    // Nor does it help to stop the clock once something newer was seen.
    let stopped = Home { now: NOW, clock_floor: NOW + 50 * DAY, ..Home::default() };
    stopped.refuses(approved(&deployment()), "charter_expired");
}

#[test]
fn attack_mixed_from_two_deployments() {
    // The payload of one with the signatures of another.
    let mut one = approved(&deployment());
    let other = with(|d| d.items = vec![dashboard(r#"{"views":[{}]}"#)]);
    one.payload.clone_from(&other.payload);
    Home::default().refuses(one, "too_few_approvals");
    // One person's signature from each.
    let mut halves = signed(&deployment(), &[10]);
    halves.signatures.push(other.signatures[1].clone());
    Home::default().refuses(halves, "too_few_approvals");
}

#[test]
fn attack_for_another_home() {
    Home::default().refuses(with(|d| d.target = Fingerprint([3; 32])), "other_home");
}

#[test]
fn attack_for_another_tenant() {
    Home::default().refuses(with(|d| d.tenant = TenantId([3; 32])), "other_tenant");
}

#[test]
fn attack_approved_by_too_few() {
    Home::default().refuses(signed(&deployment(), &[10]), "too_few_approvals");
}

#[test]
fn attack_by_a_removed_key() {
    let mut without = charter();
    without.approvers.retain(|approver| approver.person != "Bo");
    Home { charter: Some(without.clone()), ..Home::default() }
        .refuses(approved(&deployment()), "too_few_approvals");
    // Also between the yes and the deed.
    let home = Home { charter: Some(without), ..Home::default() };
    let again = Received::new(approved(&deployment())).verify_again(&home.trust());
    assert_eq!(again.unwrap_err().code, "too_few_approvals");
}

#[test]
fn attack_by_the_same_person_twice() {
    Home::default().refuses(signed(&deployment(), &[10, 11]), "too_few_approvals");
    let mut twice = signed(&deployment(), &[10]);
    twice.signatures.push(twice.signatures[0].clone());
    Home::default().refuses(twice, "too_few_approvals");
}

#[test]
fn attack_altered_by_one_byte() {
    let envelope = approved(&deployment());
    let payload = envelope.unverified_payload().unwrap();
    for at in [0, payload.len() / 2, payload.len() - 1] {
        let mut altered = payload.clone();
        altered[at] ^= 1;
        let other = Envelope::unsigned(PAYLOAD_TYPE, &altered);
        let altered = Envelope { payload: other.payload, ..envelope.clone() };
        Home::default().refuses(altered, "too_few_approvals");
    }
}

#[test]
fn attack_oversized() {
    let large = "x".repeat(limits::CONTENT_BYTES);
    Home::default().refuses(with(|d| d.items = vec![dashboard(&format!("\"{large}\""))]), "out_of_bounds");
    let items = with(|d| d.items = vec![dashboard("{}"); limits::ITEMS + 1]);
    Home::default().refuses(items, "out_of_bounds");
}

#[test]
fn attack_deeply_nested() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut envelope = Envelope::sign(PAYLOAD_TYPE, deep.as_bytes(), &key(10));
    envelope.add_signature(&key(12)).unwrap();
    let refusal = Home::default().refuses(envelope, "unreadable");
    assert_eq!(refusal.about.as_deref(), Some("nested too deeply"));
}

#[test]
fn attack_expired_while_the_clock_was_set_back() {
    let back = Home { now: NOW, clock_floor: NOW + 2 * DAY, ..Home::default() };
    back.refuses(approved(&deployment()), "expired");
    let back = Home { now: NOW - 10 * DAY, clock_floor: NOW, ..Home::default() };
    back.refuses(approved(&deployment()), "clock_wrong");
}

#[test]
fn attack_by_a_blocked_approver() {
    // Blocking one key of Ada's blocks Ada.
    let home = Home { blocked: BTreeSet::from([public(11).0]), ..Home::default() };
    home.refuses(approved(&deployment()), "approver_blocked");
    let verified = home.verify(signed(&deployment(), &[10, 12, 13])).unwrap();
    assert_eq!(verified.persons(), ["Bo", "Cleo"]);
}

#[test]
fn r31_a_key_of_small_order_signs_for_nobody() {
    // With it, one signature fits every text.
    let mut weak = charter();
    weak.approvers.push(Approver { person: "Eve".into(), key: Fixed([0; 32]) });
    weak.approvers.push(Approver { person: "Mallory".into(), key: Fixed(one()) });
    let mut envelope = signed(&deployment(), &[10]);
    envelope.signatures.push(vestibule_protocol::dsse::EnvelopeSignature {
        keyid: None,
        sig: format!("AQ{}==", "A".repeat(84)),
    });
    Home { charter: Some(weak), ..Home::default() }.refuses(envelope, "too_few_approvals");
}

/// The neutral element of the curve.
fn one() -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    bytes
}

#[test]
fn deletions_are_of_the_kind_that_they_delete() {
    let existing = OpaqueId { thing: Thing::Automation, bits: 1 };
    let delete = Item::AutomationDelete(Delete { existing, base: Base::Hash(Fixed([1; 32])) });
    let refusal = Home::default().refuses(with(|d| d.items = vec![delete]), "not_allowed");
    assert_eq!(refusal.about.as_deref(), Some("deploy.automations"));
}

proptest::proptest! {
    /// Whatever is changed in what was signed, it is not believed.
    #[test]
    fn any_other_envelope_is_refused(at: proptest::sample::Index, with: u8) {
        let text = serde_json::to_vec(&approved(&deployment())).unwrap();
        let mut other = text.clone();
        let at = at.index(other.len());
        proptest::prop_assume!(other[at] != with);
        other[at] = with;
        if let Ok(envelope) = serde_json::from_slice::<Envelope>(&other) {
            proptest::prop_assert!(Home::default().verify(envelope).is_err());
        }
    }
}

/// What is in place may be planned again long after its time, whoever has left the charter; not against the owner's own decisions.
#[test]
fn r33_what_is_in_place_outlives_its_time_and_not_the_owners_no() {
    let in_place = |home: Home| Received::new(approved(&deployment())).verify_in_place(&home.trust());
    let late = || Home { now: NOW + 400 * DAY, last_sequence: 99, pending: 99, ..Home::default() };
    let trusting = BTreeMap::from([(Change::Dashboards, Policy::Trust)]);
    let verified = in_place(Home { changes: trusting, ..late() }).unwrap();
    assert_eq!(verified.deployment(), &deployment());
    assert!(!verified.trusted(), "R38: a repair is asked for, whatever is trusted");
    let mut changed = charter();
    changed.approvers.retain(|approver| approver.person == "Cleo");
    assert!(in_place(Home { charter: Some(changed), ..late() }).is_ok());
    // Bo signed; so did Ada, with another key than the one that is blocked.
    for key in [12, 11] {
        let blocked = BTreeSet::from([public(key).0]);
        assert_eq!(in_place(Home { blocked, ..late() }).unwrap_err().code, "approver_blocked");
    }
    assert!(in_place(Home { blocked: BTreeSet::from([public(13).0]), ..late() }).is_ok());
    assert_eq!(in_place(Home { changes: BTreeMap::new(), ..late() }).unwrap_err().code, "not_allowed");
    let elsewhere = Received::new(with(|deployment| deployment.target = Fingerprint([3; 32])));
    assert_eq!(elsewhere.verify_in_place(&late().trust()).unwrap_err().code, "other_home");
    let other = Received::new(with(|deployment| deployment.tenant = TenantId([3; 32])));
    assert_eq!(other.verify_in_place(&late().trust()).unwrap_err().code, "other_tenant");
}
