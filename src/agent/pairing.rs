//! Pairing: meet the portal, show the owner everything, and enrol after the yes (R3, R4).

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::invite::Invite;
use vestibule_protocol::problem::Problem;
use vestibule_protocol::words;

use super::Agent;
use super::views::{Meeting, Paired};
use crate::control::Reply;
use crate::kill::kill_point;
use crate::portal::enrol::{Greeted, greet};
use crate::portal::origin::Origin;
use crate::problem;
use crate::store::{Carried, Commit, Pairing};

/// How long a pairing waits for the home to be read completely: Home Assistant may just be starting.
const PATIENCE: Duration = Duration::from_secs(60);

/// Meetings asked for and held.
#[derive(Default)]
pub(super) struct Meetings {
    waiting: Option<(String, String, Reply, Instant)>,
    met: Option<Met>,
}

/// A portal that was met: what the owner was shown.
struct Met {
    invite: Invite,
    preview: [u8; 32],
}

impl Meetings {
    /// Takes a request; it is answered once the home has been read.
    pub(super) fn ask(&mut self, portal: String, invite: String, reply: Reply) {
        self.waiting = Some((portal, invite, reply, Instant::now() + PATIENCE));
    }

    /// When the patience ends.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.as_ref().map(|(.., deadline)| *deadline)
    }
}

impl Agent {
    /// Goes on with a meeting as soon as the home is readable, or gives it up.
    pub(super) async fn continue_meeting(&mut self) -> Result<(), Problem> {
        let Some((portal, invite, reply, deadline)) = self.meeting.waiting.take() else { return Ok(()) };
        let early = self.may_meet(&portal, &invite);
        let ready = self.home.complete && self.home.trouble.is_none();
        match early {
            Err(problem) => reply.result(Err::<(), _>(problem)).await,
            Ok(_) if !ready && !self.hopeless() && deadline > Instant::now() => {
                self.meeting.waiting = Some((portal, invite, reply, deadline));
            }
            Ok(_) if !ready => reply.result(Err::<(), _>(problem::home_not_ready(self.home.trouble))).await,
            Ok((origin, invite)) => {
                if let Err(problem) = self.meet(&origin, invite, &reply).await {
                    reply.result(Err::<(), _>(problem)).await;
                }
            }
        }
        Ok(())
    }

    /// Waiting does not help against a wrong token or a home that is too old.
    fn hopeless(&self) -> bool {
        self.home
            .trouble
            .is_some_and(|trouble| problem::home(trouble).retry == vestibule_protocol::problem::Retry::No)
    }

    fn may_meet(&self, portal: &str, invite: &str) -> Result<(Origin, Invite), Problem> {
        if self.state.pairing.is_some() {
            return Err(problem::already_paired());
        }
        if self.state.forget_stub.is_some() {
            return Err(problem::still_forgetting());
        }
        let invite = Invite::parse(invite).map_err(problem::invite)?;
        let origin = Origin::parse(portal).map_err(problem::origin)?;
        let invited = Origin::parse(&invite.origin).map_err(problem::origin)?;
        if invited != origin {
            return Err(problem::other_portal());
        }
        Ok((origin, invite))
    }

    /// Contacts the portal, sends nothing, and shows what pairing would let leave, with the real ids.
    async fn meet(&mut self, origin: &Origin, invite: Invite, reply: &Reply) -> Result<(), Problem> {
        let greeted = self.greet(origin, &invite).await?;
        let keys = self.secret.tenant(&invite.tenant);
        let (grants, kinds) = self.first_grants(&keys.id_key);
        let now = self.clock.now_ms();
        let mut hasher = blake3::Hasher::new();
        self.stock.set_kinds(&kinds);
        let preview = self.stock.preview(&keys.id_key, &grants, now);
        self.stock.set_kinds(&self.state.area_kinds);
        for line in preview {
            hasher.update(line.get().as_bytes()).update(b"\n");
            reply.value(&line).await;
        }
        let preview = *hasher.finalize().as_bytes();
        reply
            .value(&Meeting {
                tenant: invite.tenant.to_string(),
                tenant_name: greeted.statement.name.clone(),
                words: words::of(&invite.tenant).map(str::to_owned).to_vec(),
                fingerprint: keys.fingerprint.to_string(),
                recovery_code: keys.recovery.to_string(),
                preview: Fixed(preview).to_string(),
            })
            .await;
        self.meeting.met = Some(Met { invite, preview });
        Ok(())
    }

    async fn greet(&self, origin: &Origin, invite: &Invite) -> Result<Greeted, Problem> {
        greet(Arc::clone(&self.to_portal), origin, invite.tenant, self.recorder.clone(), self.clock.now_s())
            .await
            .map_err(problem::enrol)
    }

    /// Enrols with the portal that was met, after the owner's yes to this preview.
    pub(super) async fn pair(&mut self, invite: &str, preview: &str) -> Result<Paired, Problem> {
        let invite = Invite::parse(invite).map_err(problem::invite)?;
        let met = self
            .meeting
            .met
            .take()
            .filter(|met| met.invite == invite && Fixed(met.preview).to_string() == preview);
        let met = met.ok_or_else(problem::preview_changed)?;
        let origin = Origin::parse(&invite.origin).map_err(problem::origin)?;
        let keys = self.secret.tenant(&invite.tenant);
        let greeted = self.greet(&origin, &invite).await?;
        let statement = greeted.enrol(&invite, &keys, self.dice.bytes()).await.map_err(problem::enrol)?;
        let pairing = Pairing {
            tenant: invite.tenant,
            tenant_name: statement.name.clone(),
            origin: statement.origin,
            portal_key: statement.portal_key,
            fingerprint: keys.fingerprint,
            paired_at: self.clock.now_ms(),
            preview: Fixed(met.preview),
        };
        let (grants, kinds) = self.first_grants(&keys.id_key);
        let mut commit = Commit::at(pairing.paired_at);
        commit.put(&pairing).map_err(|error| problem::store(&error))?;
        commit.put(&grants).map_err(|error| problem::store(&error))?;
        commit.put(&kinds).map_err(|error| problem::store(&error))?;
        commit.remove::<Carried>();
        self.store.commit(commit).await.map_err(|error| problem::store(&error))?;
        kill_point("agent.paired");
        let paired = Paired {
            tenant: pairing.tenant.to_string(),
            tenant_name: pairing.tenant_name.clone(),
            words: words::of(&pairing.tenant).map(str::to_owned).to_vec(),
            fingerprint: pairing.fingerprint.to_string(),
            recovery_code: keys.recovery.to_string(),
        };
        self.state.pairing = Some(pairing);
        self.state.grants = grants;
        self.stock.set_kinds(&kinds);
        self.state.area_kinds = kinds;
        self.state.carried = None;
        self.keys = Some(keys);
        self.portal.retry_at = Some(Instant::now());
        self.take_stock().await?;
        tracing::info!("paired");
        Ok(paired)
    }
}
