//! What the owner asks and decides. A decision is durable before it takes effect, and takes effect at once.

use std::collections::BTreeMap;

use tokio::time::Instant;
use vestibule_protocol::consent::Consent;
use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::problem::Problem;

use super::Agent;
use super::offline::{self, DAY_MS};
use super::views::{ConsentView, Side, Status};
use crate::control::{Reply, Request};
use crate::kill::kill_point;
use crate::problem;
use crate::store::{Commit, Grants};

impl Agent {
    pub(super) async fn on_request(&mut self, request: Request, reply: Reply) -> Result<(), Problem> {
        match request {
            Request::Health => reply.value(&true).await,
            Request::Status => {
                let status = self.status().await;
                reply.result(status).await;
            }
            Request::Consent => reply.value(&offline::view(&self.state)).await,
            Request::Leaving => {
                let now = self.clock.now_ms();
                let lines =
                    self.keys.as_ref().filter(|_| self.home.complete).map_or_else(Vec::new, |keys| {
                        self.stock.leaving(&keys.id_key, &self.state.grants, now)
                    });
                reply.value(&lines).await;
            }
            Request::Marks => {
                let marks: Vec<(u64, &str)> =
                    self.recorder.pending().into_iter().map(|(row, mark)| (row, mark.name())).collect();
                reply.value(&marks).await;
            }
            Request::Meet { portal, invite } => self.meeting.ask(portal, invite, reply),
            Request::Pair { invite, preview } => {
                let paired = self.pair(&invite, &preview).await;
                reply.result(paired).await;
            }
            Request::Grant { class } => self.consent(reply, |consent| consent.grant(class)).await,
            Request::Withdraw { class } => self.consent(reply, |consent| consent.withdraw(class)).await,
            Request::Restrict { on } => self.consent(reply, |consent| consent.restrict(on)).await,
            Request::Exclude { thing } => self.exclusion(reply, &thing, true).await,
            Request::Include { thing } => self.exclusion(reply, &thing, false).await,
            Request::SetChange { .. }
            | Request::Deployments
            | Request::Deployment { .. }
            | Request::Approve { .. }
            | Request::Reject { .. }
            | Request::Undo { .. }
            | Request::Enable { .. }
            | Request::ConfirmRestored
            | Request::Block { .. }
            | Request::Questions
            | Request::AnswerQuestion { .. }
            | Request::Identify { .. }
            | Request::Requests
            | Request::NewRequest { .. }
            | Request::WithdrawRequest { .. }
            | Request::Reads => self.on_desk_request(request, reply).await?,
            Request::Forget { give_up } => {
                let forgotten = self.forget(give_up).await;
                reply.result(forgotten).await;
            }
            Request::Rotate => {
                let rotated = self.rotate().await;
                reply.result(rotated).await;
            }
            Request::Connection => reply.value(&self.connection()).await,
            Request::Preview { class, from, limit } => self.preview(class, from, limit, reply).await,
            Request::Rooms => self.rooms(&reply).await,
            Request::RoomKind { area, kind } => {
                let chosen = self.choose_kind(&area, kind).await;
                reply.result(chosen).await;
            }
            Request::Things { search, kind } => self.things(search.as_deref(), kind, &reply).await,
            Request::Report => {
                let report = self.show_report().await;
                reply.result(report).await;
            }
            Request::SendReport { report } => {
                let sent = self.send_report(report).await;
                reply.result(sent).await;
            }
            Request::TakeReportsBack => {
                let taken = self.take_reports_back().await;
                reply.result(taken).await;
            }
        }
        Ok(())
    }

    async fn consent(&mut self, reply: Reply, change: impl FnOnce(&mut Consent) -> bool) {
        let mut grants = self.state.grants.clone();
        let changed = change(&mut grants.consent);
        reply.result(self.decide(grants, changed, true).await).await;
    }

    async fn exclusion(&mut self, reply: Reply, thing: &str, exclude: bool) {
        let mut grants = self.state.grants.clone();
        let changed = match (is_thing(thing), exclude) {
            (false, _) => {
                reply.result(Err::<ConsentView, _>(problem::bad_thing())).await;
                return;
            }
            (true, true) => grants.excluded.insert(thing.to_owned()),
            (true, false) => grants.excluded.remove(thing),
        };
        // The portal is not told what is excluded: for it, such things do not exist.
        reply.result(self.decide(grants, changed, false).await).await;
    }

    /// Stores a decision, then lets it take effect: a link that was opened under other grants is cut, with whatever was on its way.
    pub(super) async fn decide(
        &mut self,
        grants: Grants,
        changed: bool,
        tell: bool,
    ) -> Result<ConsentView, Problem> {
        if self.state.pairing.is_none() {
            return Err(problem::not_paired());
        }
        if changed {
            let mut commit = Commit::at(self.clock.now_ms());
            commit.put(&grants).map_err(|error| problem::store(&error))?;
            if tell {
                commit.outbox.push(self.consent_intent());
            }
            self.store.commit(commit).await.map_err(|error| problem::store(&error))?;
            kill_point("agent.decided");
            self.state.grants = grants;
            self.outbox =
                self.store.outbox(self.clock.now_ms()).await.map_err(|error| problem::store(&error))?;
            self.begin_anew().await?;
        }
        Ok(offline::view(&self.state))
    }

    /// Cuts the link, whatever is on its way, and takes stock: what leaves is decided differently now.
    pub(super) async fn begin_anew(&mut self) -> Result<(), Problem> {
        self.portal.link = None;
        self.portal.session = crate::portal::session::Session::default();
        self.portal.welcomed_since = None;
        self.portal.retry_at = Some(Instant::now());
        self.take_stock().await
    }

    pub(super) async fn status(&self) -> Result<Status, Problem> {
        let now = self.clock.now_ms();
        let mut status = Status { running: true, ..Status::default() };
        offline::fill(&mut status, &self.state);
        status.home = Side {
            connected: self.home.connected_since.is_some(),
            since: self.home.connected_since,
            problem: self.home.trouble.map(problem::home),
        };
        status.portal = Side {
            connected: self.portal.welcomed_since.is_some(),
            since: self.portal.welcomed_since,
            problem: self.portal.problem.clone(),
        };
        status.in_sync = self.in_sync();
        status.root = self.current.as_ref().map(|current| current.root().to_string());
        status.records = self.current.as_ref().map_or_else(BTreeMap::new, |current| current.counts());
        let usage = self.store.usage(now, now - DAY_MS, self.recorder.pending()).await;
        status.last_day = offline::traffic(&usage.map_err(|error| problem::store(&error))?);
        status.left_out.clone_from(&self.left_out);
        status.outbox = offline::waiting(&self.outbox);
        status.restored = self.state.session.restored;
        status.cloned = self.state.session.cloned;
        status.language = self.stock.language().map(str::to_owned);
        Ok(status)
    }

    /// True only when paired, connected to both, nothing waits to be read, and the portal has acknowledged exactly this inventory.
    pub(super) fn in_sync(&self) -> bool {
        let root = self.current.as_ref().map(|current| current.root());
        self.state.pairing.is_some()
            && self.home.connected_since.is_some()
            && self.home.complete
            && !self.home.stale
            && self.home.held.is_empty()
            && self.portal.welcomed_since.is_some()
            && !self.portal.session.busy()
            && !self.something_to_deliver()
            && root.is_some()
            && self.portal.session.portal_root() == root
    }
}

/// What can be excluded: an area, device, entity or label by its opaque id, or an integration by its domain.
fn is_thing(text: &str) -> bool {
    let by_id = |id: OpaqueId| matches!(id.thing, Thing::Area | Thing::Device | Thing::Entity | Thing::Label);
    text.parse().is_ok_and(by_id)
        || text.strip_prefix("integration/").is_some_and(|domain| {
            (1..=64).contains(&domain.len())
                && domain.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        })
}

#[cfg(test)]
mod tests {
    use super::is_thing;

    #[test]
    fn things_that_can_be_excluded() {
        for good in
            ["a_aaaaaaaaaaaaa", "e_aaaaaaaaaaaaa", "d_aaaaaaaaaaaaa", "l_aaaaaaaaaaaaa", "integration/hue"]
        {
            assert!(is_thing(good), "{good}");
        }
        for wrong in ["kitchen", "light.kitchen", "f_aaaaaaaaaaaaa", "integration/", "integration/Hue", ""] {
            assert!(!is_thing(wrong), "{wrong}");
        }
    }
}
