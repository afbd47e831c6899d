//! A new identity: the portal erases the old one, everything here begins anew, and only what the owner decided about single things of the
//! home is taken along, to the next pairing.

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::Class;
use vestibule_protocol::problem::Problem;

use super::Agent;
use super::views::Rotated;
use crate::identity::IdKey;
use crate::problem;
use crate::store::{AreaKinds, Carried, ForgetStub, Grants, Stays};

impl Agent {
    /// Ends this identity as `forget` does, and keeps exclusions and kinds of rooms. The home must be readable, because they are kept by
    /// what they are about.
    pub(super) async fn rotate(&mut self) -> Result<Rotated, Problem> {
        let (Some(_), Some(keys)) = (&self.state.pairing, &self.keys) else {
            return Err(problem::not_paired());
        };
        if !self.home.complete || self.home.trouble.is_some() {
            return Err(problem::home_not_ready(self.home.trouble));
        }
        let key: [u8; 32] = self.dice.bytes();
        let (grants, kinds) = self.translated(&keys.id_key, &IdKey::local(key));
        let kept = (grants.excluded.len() + kinds.0.len()) as u64;
        let all = (self.state.grants.excluded.len() + self.state.area_kinds.0.len()) as u64;
        let carried = Carried { key: Fixed(key), excluded: grants.excluded, kinds };
        let waiting_for_portal = self.erase(self.stub(), Some(carried)).await?;
        Ok(Rotated { waiting_for_portal, kept, lost: all - kept })
    }

    /// What the portal's receipt needs.
    pub(super) fn stub(&self) -> Option<ForgetStub> {
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
    pub(super) async fn erase(
        &mut self,
        stub: Option<ForgetStub>,
        carried: Option<Carried>,
    ) -> Result<bool, Problem> {
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
        crate::kill::kill_point("agent.forgetting");
        self.reload().await?;
        Ok(true)
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
