//! Pinning who may approve: the first charter under the tenant's id, each later one under the one before (R31, R33).

use vestibule_protocol::charter::{BadCharter, Charter};
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::TenantId;

/// What became of charters that a portal sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The newest that is believed; `None` if there is none yet.
    pub charter: Option<Charter>,
    /// Those of the envelopes that brought it there, to be kept; in the order of their versions.
    pub taken: Vec<Envelope>,
    /// Why the rest is not believed.
    pub trouble: Option<BadCharter>,
}

/// Follows a chain of charters from the one that is pinned, or from the tenant's id.
///
/// Envelopes of versions that are pinned already are passed over; the first that does not follow ends it, and what was believed before
/// it stays. Whether the result has expired is not asked: an expired link of the chain still proves the next one, as with TUF's root.
#[must_use]
pub fn follow(pinned: Option<&Charter>, tenant: &TenantId, envelopes: &[Envelope]) -> Pinned {
    let mut outcome = Pinned { charter: pinned.cloned(), taken: Vec::new(), trouble: None };
    for envelope in envelopes {
        let next = match &outcome.charter {
            None => Charter::first(envelope, tenant),
            Some(charter) if is_old(charter, envelope) => continue,
            Some(charter) => charter.next(envelope),
        };
        match next {
            Ok(charter) => {
                outcome.charter = Some(charter);
                outcome.taken.push(envelope.clone());
            }
            Err(trouble) => {
                outcome.trouble = Some(trouble);
                break;
            }
        }
    }
    outcome
}

/// Whether it says to be a version that is pinned already. Nothing of it is believed.
fn is_old(charter: &Charter, envelope: &Envelope) -> bool {
    #[derive(serde::Deserialize)]
    struct Version {
        version: u32,
    }
    let claimed = envelope.unverified_payload().ok();
    let claimed = claimed.and_then(|payload| serde_json::from_slice::<Version>(&payload).ok());
    claimed.is_some_and(|claimed| claimed.version <= charter.version)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use vestibule_protocol::bytes::Fixed;
    use vestibule_protocol::charter::Approver;

    use super::*;

    fn key(n: u8) -> SigningKey {
        SigningKey::from_bytes(&[n; 32])
    }

    fn public(n: u8) -> Fixed<32> {
        Fixed(*key(n).verifying_key().as_bytes())
    }

    fn tenant() -> TenantId {
        TenantId::of_root_key(&public(1).0)
    }

    fn charter(version: u32) -> Charter {
        Charter {
            tenant: tenant(),
            version,
            issued: 100,
            expires: 200,
            roots: vec![public(1)],
            root_threshold: 1,
            approvers: vec![Approver { person: "Ada".into(), key: public(10) }],
            threshold: 1,
        }
    }

    fn chain(versions: &[u32]) -> Vec<Envelope> {
        versions.iter().map(|version| charter(*version).sign(&key(1)).unwrap()).collect()
    }

    #[test]
    fn r31_a_chain_is_followed_from_the_tenants_id() {
        let all = follow(None, &tenant(), &chain(&[1, 2, 3]));
        assert_eq!((all.charter.unwrap().version, all.taken.len(), all.trouble), (3, 3, None));
        let rest = follow(Some(&charter(2)), &tenant(), &chain(&[1, 2, 3]));
        assert_eq!((rest.charter.unwrap().version, rest.taken.len(), rest.trouble), (3, 1, None));
        let nothing_new = follow(Some(&charter(3)), &tenant(), &chain(&[1, 2, 3]));
        assert_eq!((nothing_new.charter.unwrap().version, nothing_new.taken.len()), (3, 0));
    }

    #[test]
    fn r31_what_does_not_follow_changes_nothing() {
        let gap = follow(None, &tenant(), &chain(&[1, 3]));
        assert_eq!((gap.charter.unwrap().version, gap.trouble), (1, Some(BadCharter::WrongVersion)));
        let forged = charter(2).sign(&key(9)).unwrap();
        let outcome = follow(Some(&charter(1)), &tenant(), &[forged, chain(&[2]).remove(0)]);
        assert_eq!(outcome.trouble, Some(BadCharter::TooFewSignatures));
        assert_eq!(outcome.charter.unwrap().version, 1, "what follows a forged one is not looked at");
        let garbage = Envelope::unsigned("x", b"{");
        let outcome = follow(Some(&charter(1)), &tenant(), &[garbage]);
        assert!(outcome.trouble.is_some() && outcome.taken.is_empty());
    }

    #[test]
    fn an_older_version_is_never_pinned_again() {
        let old = follow(Some(&charter(3)), &tenant(), &chain(&[2]));
        assert_eq!((old.charter.unwrap().version, old.taken.len(), old.trouble), (3, 0, None));
    }
}
