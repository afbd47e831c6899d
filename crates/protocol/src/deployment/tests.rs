//! What can be read, and who has approved it.

use super::*;
use crate::charter::{Approver, Charter};
use crate::dsse::NotSigned;

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn public(n: u8) -> Fixed<32> {
    Fixed(*key(n).verifying_key().as_bytes())
}

fn deployment() -> Deployment {
    Deployment {
        id: DeploymentId::new(1_800_000_000_000, [9; 16]),
        tenant: TenantId([1; 32]),
        target: Fingerprint([2; 32]),
        sequence: 7,
        issued: 100,
        not_before: 100,
        expires: 200,
        title: "Kitchen".into(),
        summary: String::new(),
        author: "Cleo".into(),
        items: vec![Item::DashboardPut(DashboardPut {
            dashboard: None,
            url_path: Some("vestibule-kitchen".into()),
            title: Some("Kitchen".into()),
            icon: None,
            sidebar: None,
            admin: None,
            base: Base::None,
            content: r#"{"views":[]}"#.into(),
        })],
    }
}

fn charter() -> Charter {
    Charter {
        tenant: TenantId([1; 32]),
        version: 1,
        issued: 0,
        expires: 1_000,
        roots: vec![public(1)],
        root_threshold: 1,
        approvers: [("Ada", 10), ("Ada", 11), ("Bo", 12)]
            .map(|(person, n)| Approver { person: person.into(), key: public(n) })
            .into(),
        threshold: 2,
    }
}

#[test]
fn r31_two_persons_are_two_whatever_keys_they_have() {
    let mut envelope = deployment().sign(&key(10)).unwrap();
    assert_eq!(approvals(&envelope, &charter()), Err(NotApproved::TooFew { have: 1, need: 2 }));
    envelope.add_signature(&key(11)).unwrap();
    assert_eq!(
        approvals(&envelope, &charter()),
        Err(NotApproved::TooFew { have: 1, need: 2 }),
        "the same person twice"
    );
    envelope.add_signature(&key(99)).unwrap();
    assert_eq!(approvals(&envelope, &charter()), Err(NotApproved::TooFew { have: 1, need: 2 }), "a stranger");
    envelope.add_signature(&key(12)).unwrap();
    assert_eq!(approvals(&envelope, &charter()).unwrap().into_iter().collect::<Vec<_>>(), ["Ada", "Bo"]);
    // S94: one byte more.
    let mut altered = envelope;
    altered.payload.replace_range(..4, "fyJp");
    assert_eq!(approvals(&altered, &charter()), Err(NotApproved::TooFew { have: 0, need: 2 }));
}

#[test]
fn no_envelope_without_signatures_or_with_hundreds_is_looked_at() {
    let mut envelope = deployment().unsigned().unwrap();
    assert_eq!(approvals(&envelope, &charter()), Err(NotApproved::Envelope(NotSigned::Malformed)));
    for _ in 0..=crate::limits::SIGNATURES {
        envelope.signatures.push(deployment().sign(&key(1)).unwrap().signatures.remove(0));
    }
    assert_eq!(approvals(&envelope, &charter()), Err(NotApproved::Envelope(NotSigned::Malformed)));
}

fn unfit(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut value = serde_json::to_value(deployment()).unwrap();
    change(&mut value);
    let payload = serde_json::to_vec(&value).unwrap();
    read(&Envelope::sign(PAYLOAD_TYPE, &payload, &key(1))).unwrap_err().to_string()
}

#[test]
fn what_is_not_listed_refuses_the_whole_by_name() {
    let envelope = deployment().unsigned().unwrap();
    assert_eq!(read(&envelope), Ok(deployment()));
    assert!(unfit(|d| d["surprise"] = 1.into()).contains("surprise"));
    assert!(unfit(|d| d["items"][0]["surprise"] = 1.into()).contains("surprise"));
    assert!(unfit(|d| d["items"][0]["kind"] = "house.burn".into()).contains("house.burn"));
    let twice = br#"{"id":"x","id":"y"}"#;
    assert!(read(&Envelope::unsigned(PAYLOAD_TYPE, twice)).is_err());
    assert_eq!(read(&Envelope { payload_type: "x".into(), ..envelope }), Err(Unfit::WrongType));
}

#[test]
fn r45_paths_and_other_values_have_limits() {
    for path in ["lovelace", "kitchen", "-kitchen", "a--b", "Kitchen-x", "a-b/c", "map-", ""] {
        let error = unfit(|d| d["items"][0]["url_path"] = path.into());
        assert_eq!(error, "the deployment has a url_path that is not allowed", "{path}");
    }
    assert!(unfit(|d| d["expires"] = 100.into()).contains("expiry"));
    assert!(unfit(|d| d["expires"] = (101 + LIFETIME_SECONDS).into()).contains("expiry"));
    assert!(unfit(|d| d["title"] = " ".into()).contains("title"));
    assert!(unfit(|d| d["items"] = serde_json::json!([])).contains("number of items"));
    assert!(unfit(|d| d["sequence"] = 0.into()).contains("sequence"));
    assert!(unfit(|d| d["items"][0]["base"] = Fixed([1; 32]).to_string().into()).contains("base"));
}

#[test]
fn ids_are_uuids_of_version_7_in_one_spelling() {
    let id = DeploymentId::new(1_800_000_000_000, [0xff; 16]);
    assert_eq!(id.to_string(), "01a3185c-5000-7fff-bfff-ffffffffffff");
    assert_eq!(id.to_string().parse(), Ok(id));
    for wrong in [
        "",
        "01A3185C-5000-7FFF-BFFF-FFFFFFFFFFFF",
        "01a3185c-5000-4fff-bfff-ffffffffffff",
        "01a3185c50007fffbfffffffffffffff",
    ] {
        assert!(wrong.parse::<DeploymentId>().is_err(), "{wrong}");
    }
}
