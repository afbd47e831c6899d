//! What must not be lost: changes of consent and erasures, from the outbox to the portal's receipt (R24, R27, R29).

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::{Fingerprint, TenantId};
use vestibule_protocol::message::{ConsentChanged, Erase};
use vestibule_protocol::problem::Problem;
use vestibule_protocol::receipt::{Receipt, Scope as Erased};

use super::Agent;
use super::support::{self, SUPPORT, TAKE_BACK};
use crate::kill::kill_point;
use crate::portal::session::{self, receipt_fits};
use crate::problem;
use crate::store::{Commit, Intent, IntentId, OutboxChange, SessionToken, State};

/// A change of consent; `erase` outlives the outbox and stands in the forget stub.
const CONSENT: &str = "consent";
/// A receipt that is missing, or not signed by the key that was pinned at pairing.
const BAD_RECEIPT: &str = "receipt_invalid";

impl Agent {
    /// Address and tenant of whoever we have to talk to.
    pub(super) fn counterpart(&self) -> Option<(String, TenantId)> {
        let stub = self.state.forget_stub.as_ref().map(|stub| (stub.origin.clone(), stub.tenant));
        stub.or_else(|| self.state.pairing.as_ref().map(|pairing| (pairing.origin.clone(), pairing.tenant)))
    }

    /// With what we prove who we are.
    pub(super) fn credentials(&self) -> Option<(ed25519_dalek::SigningKey, Fingerprint)> {
        let stub = self.state.forget_stub.as_ref();
        let stub =
            stub.map(|stub| (ed25519_dalek::SigningKey::from_bytes(&stub.device_key_seed), stub.fingerprint));
        stub.or_else(|| self.keys.as_ref().map(|keys| (keys.device_key.clone(), keys.fingerprint)))
    }

    /// The next intent, rendered under the grants of this moment (R24).
    pub(super) fn next_intent(&self) -> Option<(IntentId, session::Intent)> {
        if let Some(stub) = &self.state.forget_stub {
            return Some((
                IntentId(stub.erasure.0),
                session::Intent::Erase(Erase { id: stub.erasure, only: None }),
            ));
        }
        // Nothing but the owner's own decisions leaves while processing is restricted.
        let restricted = self.state.grants.consent.restricted;
        let render = |intent: &Intent| {
            if intent.kind == CONSENT {
                let consent = self.state.grants.consent.clone();
                let message = ConsentChanged { id: Fixed(intent.id.0), consent };
                return Some((intent.id, session::Intent::Consent(message)));
            }
            if intent.kind == TAKE_BACK || (intent.kind == SUPPORT && !restricted) {
                return Some((intent.id, support::render(intent.id, &intent.kind, &intent.intent)?));
            }
            let message = self.render(intent.id, &intent.kind, &intent.intent).filter(|_| !restricted)?;
            Some((intent.id, message))
        };
        self.outbox.iter().filter(|intent| intent.state == State::Queued).find_map(render)
    }

    /// Whether the owner has decided something that the portal does not know yet.
    pub(super) fn something_to_deliver(&self) -> bool {
        self.state.forget_stub.is_some()
            || (self.state.pairing.is_some()
                && self.outbox.iter().any(|intent| matches!(intent.state, State::Queued | State::InFlight)))
    }

    /// An outbox change that stands for a change of consent.
    pub(super) fn consent_intent(&self) -> OutboxChange {
        OutboxChange::Add {
            id: IntentId(self.dice.bytes()),
            kind: CONSENT.to_owned(),
            intent: "{}".to_owned(),
        }
    }

    /// Changes one intent, unless it is the erasure, which has no row any more.
    pub(super) async fn change_outbox(&mut self, change: OutboxChange) -> Result<(), Problem> {
        let session = self.state.session.clone();
        self.change_outbox_and(change, session).await
    }

    /// The same, together with what is known of the items that the portal has carried out (R6).
    pub(super) async fn change_outbox_and(
        &mut self,
        change: OutboxChange,
        session: SessionToken,
    ) -> Result<(), Problem> {
        if self.state.forget_stub.is_some() {
            return Ok(());
        }
        let fails = |error| problem::store(&error);
        let now = self.clock.now_ms();
        let mut commit = Commit { outbox: vec![change], ..Commit::at(now) };
        if session != self.state.session {
            commit.put(&session).map_err(fails)?;
        }
        self.store.commit(commit).await.map_err(fails)?;
        kill_point("agent.outbox");
        self.state.session = session;
        self.outbox = self.store.outbox(now).await.map_err(fails)?;
        Ok(())
    }

    /// The link is gone: nobody knows whether what was in flight arrived, so it waits again under its old id.
    pub(super) async fn requeue(&mut self) -> Result<(), Problem> {
        let flying: Vec<IntentId> = self
            .outbox
            .iter()
            .filter(|intent| intent.state == State::InFlight)
            .map(|intent| intent.id)
            .collect();
        for id in flying {
            self.change_outbox(OutboxChange::Requeue(id)).await?;
        }
        Ok(())
    }

    /// The portal says that it carried something out.
    pub(super) async fn delivered(
        &mut self,
        id: IntentId,
        wire: Fixed<16>,
        receipts: Vec<Envelope>,
    ) -> Result<(), Problem> {
        if let Some(stub) = &self.state.forget_stub {
            let receipt =
                receipts.first().and_then(|envelope| receipt_fits(envelope, &stub.portal_key.0, id));
            let receipt = receipt.filter(|receipt| receipt.scope == Erased::All);
            return match receipt {
                Some(receipt) => self.forgotten_at_portal(Some(receipt)).await,
                None => {
                    self.cut(Some(problem::bad_receipt()), None);
                    Ok(())
                }
            };
        }
        let Some(pairing) = &self.state.pairing else { return Ok(()) };
        let receipts: Vec<Option<Receipt>> =
            receipts.iter().map(|envelope| receipt_fits(envelope, &pairing.portal_key.0, id)).collect();
        let erases = self.outbox.iter().any(|intent| intent.id == id && intent.kind == TAKE_BACK);
        let erased = receipts.iter().flatten().any(|receipt| receipt.scope == Erased::Support) || !erases;
        let sound = erased && receipts.iter().all(Option::is_some);
        self.wish_delivered(id).await?;
        let change = if sound {
            OutboxChange::Acknowledge(id)
        } else {
            OutboxChange::Wedge(id, BAD_RECEIPT.to_owned())
        };
        let mut session = self.state.session.clone();
        session.agrees(Some(wire));
        self.change_outbox_and(change, session).await
    }

    /// Nothing is left there; now nothing is left here either, the home's secret included (R29).
    pub(super) async fn forgotten_at_portal(&mut self, receipt: Option<Receipt>) -> Result<(), Problem> {
        match &receipt {
            Some(receipt) => {
                tracing::info!(remains = ?receipt.remains, "the portal states that it has erased this home")
            }
            None => tracing::warn!(
                "the portal says that it does not know this home any more; its receipt was lost"
            ),
        }
        self.receipt = receipt;
        let carried = self.state.carried.take();
        self.start_over(carried).await
    }
}
