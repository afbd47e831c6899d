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
