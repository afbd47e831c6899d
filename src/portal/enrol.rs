//! First contact: who serves this invite, and, after the owner's yes, our keys (R3, R4).
//!
//! Both steps use the link itself: there is one way to the portal, and everything said on it stands in the ledger.

use std::sync::Arc;

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::TenantId;
use vestibule_protocol::invite::Invite;
use vestibule_protocol::message::{Enrol, EnrolBody, FromPortal, RefusalCode, device_signature};
use vestibule_protocol::statement::{Statement, Untrusted};

use super::link::{FromLink, Link, LinkTrouble, ToLink};
use super::origin::Origin;
use super::recorder::Recorder;
use crate::identity::TenantKeys;
use crate::net::Dial;

/// Why an invite led nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnrolError {
    /// No link.
    Link(LinkTrouble),
    /// The portal's statement is not believed.
    Untrusted(Untrusted),
    /// The portal refuses.
    Refused(RefusalCode),
}

/// A link whose portal has proved that it serves the tenant, before anything of ours was said.
pub struct Greeted {
    link: Link,
    nonce: Fixed<32>,
    /// What the tenant's root signed.
    pub statement: Statement,
}

/// Connects and checks the portal's statement; sends nothing.
///
/// # Errors
/// See [`EnrolError`].
pub async fn greet(
    dial: Arc<dyn Dial>,
    origin: &Origin,
    tenant: TenantId,
    ledger: Recorder,
    now_s: u64,
) -> Result<Greeted, EnrolError> {
    let mut link = Link::start(dial, origin.clone(), tenant, ledger);
    match link.next().await {
        FromLink::Message(FromPortal::Challenge(challenge)) => {
            let statement = believe(&challenge.statement, &tenant, origin, now_s)?;
            Ok(Greeted { link, nonce: challenge.nonce, statement })
        }
        FromLink::Message(FromPortal::Refusal(refusal)) => Err(EnrolError::Refused(refusal.code)),
        FromLink::Message(_) => Err(EnrolError::Link(LinkTrouble::Protocol)),
        FromLink::Closed(trouble) => Err(EnrolError::Link(trouble)),
    }
}

/// Checks a statement at pairing and on every connection (R2).
///
/// # Errors
/// [`EnrolError::Untrusted`].
pub fn believe(
    statement: &Envelope,
    tenant: &TenantId,
    origin: &Origin,
    now_s: u64,
) -> Result<Statement, EnrolError> {
    Statement::verify(statement, tenant, origin.as_str(), now_s).map_err(EnrolError::Untrusted)
}

impl Greeted {
    /// Sends device key, fingerprint and the hash of the recovery code, and no record (R4).
    ///
    /// # Errors
    /// See [`EnrolError`].
    pub async fn enrol(
        mut self,
        invite: &Invite,
        keys: &TenantKeys,
        agent_nonce: [u8; 32],
    ) -> Result<Statement, EnrolError> {
        let body = EnrolBody {
            fingerprint: keys.fingerprint,
            nonce: Fixed(agent_nonce),
            agent: env!("CARGO_PKG_VERSION").to_owned(),
            device_key: Fixed(*keys.device_key.verifying_key().as_bytes()),
            secret: Fixed(invite.secret),
            recovery_hash: Fixed(keys.recovery.hash()),
        };
        let body = serde_json::to_string(&body).map_err(|_| EnrolError::Link(LinkTrouble::Protocol))?;
        let signature = device_signature(
            &keys.device_key,
            "enrol",
            &invite.tenant,
            &self.statement.origin,
            &self.nonce.0,
            &body,
        );
        self.link.send(ToLink::Message(Enrol { body, signature }.into())).await;
        match self.link.next().await {
            FromLink::Message(FromPortal::Enrolled(_)) => Ok(self.statement),
            FromLink::Message(FromPortal::Refusal(refusal)) => Err(EnrolError::Refused(refusal.code)),
            FromLink::Message(_) => Err(EnrolError::Link(LinkTrouble::Protocol)),
            FromLink::Closed(trouble) => Err(EnrolError::Link(trouble)),
        }
    }
}
