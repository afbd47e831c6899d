//! The end of an identity, and what a next one begins with: everything here is erased at once, but for what the portal's receipt needs
//! (R29). Who wants a new identity takes along what was decided about single things of the home.

use tokio::time::Instant;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::Class;
use vestibule_protocol::problem::Problem;

use super::views::{Forgotten, Rotated};
use super::{Agent, PortalSide};
use crate::identity::IdKey;
use crate::kill::kill_point;
use crate::problem;
use crate::store::{AreaKinds, Carried, ForgetStub, Grants, Stays};

impl Agent {
    /// R29: erased here at once, but for what the portal's receipt needs.
    pub(super) async fn forget(&mut self, give_up: bool) -> Result<Forgotten, Problem> {
        if !give_up {
            self.nothing_is_half()?;
        }
        let stub = if give_up { None } else { self.stub().or_else(|| self.state.forget_stub.clone()) };
        // Who only stops waiting still wants what was to be taken along.
        let carried = self.state.carried.clone().filter(|_| give_up);
        Ok(Forgotten { local: true, waiting_for_portal: self.erase(stub, carried).await? })
    }

    /// Ends this identity as `forget` does, and keeps exclusions and kinds of rooms. The home must be readable, because they are kept by
    /// what they are about.
    pub(super) async fn rotate(&mut self) -> Result<Rotated, Problem> {
        let (Some(_), Some(keys)) = (&self.state.pairing, &self.keys) else {
            return Err(problem::not_paired());
        };
        if !self.home.complete || self.home.trouble.is_some() {
            return Err(problem::home_not_ready(self.home.trouble));
        }
        self.nothing_is_half()?;
        let key: [u8; 32] = self.dice.bytes();
        let (grants, kinds) = self.translated(&keys.id_key, &IdKey::local(key));
        let kept = (grants.excluded.len() + kinds.0.len()) as u64;
        let all = (self.state.grants.excluded.len() + self.state.area_kinds.0.len()) as u64;
        let carried = Carried { key: Fixed(key), excluded: grants.excluded, kinds };
        let waiting_for_portal = self.erase(self.stub(), Some(carried)).await?;
        Ok(Rotated { waiting_for_portal, kept, lost: all - kept })
    }

    /// Old or new, never half: what is being written ends within a minute. Where it cannot go on, nobody has to wait for it.
    fn nothing_is_half(&self) -> Result<(), Problem> {
        if self.is_writing() { Err(problem::being_written()) } else { Ok(()) }
    }

    /// What the portal's receipt needs.
    fn stub(&self) -> Option<ForgetStub> {
        let (Some(pairing), Some(keys)) = (&self.state.pairing, &self.keys) else { return None };
        Some(ForgetStub {
            origin: pairing.origin.clone(),
            tenant: pairing.tenant,
            fingerprint: pairing.fingerprint,
            device_key_seed: keys.device_key.to_bytes(),
            portal_key: pairing.portal_key,
            erasure: Fixed(self.dice.bytes()),
            epoch: self.state.grants.consent.epoch,
        })
    }

    /// Erases everything here but this; without a stub the home's secret too. Says whether the portal is waited for.
    async fn erase(&mut self, stub: Option<ForgetStub>, carried: Option<Carried>) -> Result<bool, Problem> {
        if let Some(link) = self.portal.link.take() {
            // A row that it were about to write would outlive the ledger.
            link.end().await;
        }
        if stub.is_none() {
            self.start_over(carried).await?;
            return Ok(false);
        }
        let stays = Stays { stub, carried };
        let erased = self.store.forget_everything_but(self.clock.now_ms(), stays).await;
        erased.map_err(|error| problem::store(&error))?;
        kill_point("agent.forgetting");
        self.reload().await?;
        Ok(true)
    }

    /// Forgets the rest and begins as on the first day, but for what is carried over to the next pairing.
    pub(super) async fn start_over(&mut self, carried: Option<Carried>) -> Result<(), Problem> {
        let fails = |error| problem::store(&error);
        let now = self.clock.now_ms();
        let stays = Stays { stub: None, carried };
        self.store.forget_everything_but(now, stays).await.map_err(fails)?;
        kill_point("agent.forgotten");
        self.secret = self.store.home_secret(self.dice.bytes()).await.map_err(fails)?;
        self.reload().await
    }

    /// Takes the state from the store again, after it was erased.
    async fn reload(&mut self) -> Result<(), Problem> {
        let fails = |error| problem::store(&error);
        let now = self.clock.now_ms();
        self.recorder.forget();
        self.state = self.store.load(now).await.map_err(fails)?;
        self.outbox = self.store.outbox(now).await.map_err(fails)?;
        self.keys = None;
        self.current = None;
        self.stock.forget_tenant(&mut self.state);
        self.deployments.forget(&self.state.desk);
        self.notices.forget_tenant();
        self.portal = PortalSide { retry_at: Some(Instant::now()), ..PortalSide::default() };
        Ok(())
    }

    /// What a first pairing with these ids begins with: `structure`, and what was carried over from an identity before.
    pub(super) fn first_grants(&self, key: &IdKey) -> (Grants, AreaKinds) {
        let (mut grants, kinds) = match &self.state.carried {
            Some(carried) => self.translated(&IdKey::local(carried.key.0), key),
            None => Default::default(),
        };
        grants.consent.grant(Class::Structure);
        (grants, kinds)
    }

    /// Exclusions and kinds of rooms as they stand, from the ids of one key to those of another; nothing else is granted.
    fn translated(&self, from: &IdKey, to: &IdKey) -> (Grants, AreaKinds) {
        let (excluded, kinds) = self.stock.translated(from, to, &self.state.grants, &self.state.area_kinds);
        (Grants { excluded, ..Grants::default() }, kinds)
    }
}
