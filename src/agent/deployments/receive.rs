//! What a portal says of deployments: believed or not, durable before it counts (R31–R34).

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::{self, Deployment, DeploymentId, Item};
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::limits;
use vestibule_protocol::message::{Charters, Withdraw};
use vestibule_protocol::problem::Problem;

use super::next::is_unplanned;
use super::{Agent, Change};
use crate::agent::sync::heavy;
use crate::inbound::charter;
use crate::inbound::deployment::{Received, Trust, Verified};
use crate::inbound::refusal::{Disposition, Refusal};
use crate::portal::link::LinkTrouble;
use crate::portal::session::ForDesk;
use crate::problem;
use crate::store::{
    DeploymentRow, DeploymentState, ItemRow, JournalChange, REMEMBERED, ReadRow, Trusting, UNDOABLE,
};

/// So many deployments that nobody approved end a link: each costs the work of checking its signatures (R22).
const UNBELIEVED: u32 = 64;
/// So many of them are remembered for the owner.
const UNBELIEVED_KEPT: usize = 16;
/// So much may a portal say beside the inventory in a day; honest ones say a handful (R22).
const HEARD_A_DAY: u32 = 2_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How long a link rests after that.
const REST: std::time::Duration = std::time::Duration::from_secs(60 * 60);
/// A portal took it back.
const WITHDRAWN: &str = "withdrawn";

impl Agent {
    /// Takes what a portal says beside the inventory.
    pub(in crate::agent) async fn on_desk(&mut self, said: ForDesk) -> Result<(), Problem> {
        if self.state.forget_stub.is_some() {
            return Ok(());
        }
        if self.hears_too_much(1) {
            self.cut(Some(problem::send_budget()), Some(REST));
            return Ok(());
        }
        match said {
            ForDesk::Charters(charters) => self.on_charters(&charters).await,
            ForDesk::Deploy(deploy) => self.on_deploy(deploy.envelope).await,
            ForDesk::Withdraw(withdraw) => self.on_withdraw(&withdraw).await,
            ForDesk::Ask(ask) => self.on_ask(ask).await,
            ForDesk::Reads(reads) => {
                let row = |read: vestibule_protocol::message::Read| ReadRow {
                    n: read.n,
                    time: read.time,
                    who: read.who.chars().take(limits::PERSON_CHARS).collect(),
                    what: read.what.chars().take(limits::PERSON_CHARS).collect(),
                };
                let rows: Vec<ReadRow> = reads.reads.into_iter().take(crate::store::READS).map(row).collect();
                let mut change = self.change();
                change.with(JournalChange::Reads(rows));
                self.keep(change).await
            }
        }
    }

    /// R22: each message costs a write, so there are only so many in a day.
    pub(super) fn hears_too_much(&mut self, messages: usize) -> bool {
        let now = self.clock.now_ms();
        let (since, heard) = &mut self.deployments.heard;
        if now < *since || now - *since >= DAY_MS {
            (*since, *heard) = (now, 0);
        }
        *heard = heard.saturating_add(u32::try_from(messages).unwrap_or(u32::MAX));
        *heard > HEARD_A_DAY
    }

    async fn on_charters(&mut self, charters: &Charters) -> Result<(), Problem> {
        let Some(pairing) = &self.state.pairing else { return Ok(()) };
        let trusting = &self.state.desk.trusting;
        let pinned =
            heavy(|| charter::follow(trusting.charter.as_ref(), &pairing.tenant, &charters.envelopes));
        if pinned.trouble.is_some() {
            tracing::warn!("a charter of the portal is not believed");
        }
        if pinned.charter != trusting.charter {
            let floor = pinned.charter.as_ref().map_or(0, |charter| charter.issued);
            let trusting = Trusting {
                clock_floor: trusting.clock_floor.max(floor),
                charter: pinned.charter,
                ..trusting.clone()
            };
            tracing::info!(
                version = trusting.charter.as_ref().map(|charter| charter.version),
                "charter pinned"
            );
            let mut change = self.change();
            change.trusting = Some(trusting);
            self.keep(change).await?;
        }
        Ok(())
    }

    async fn on_deploy(&mut self, envelope: Envelope) -> Result<(), Problem> {
        let claimed = heavy(|| deployment::read(&envelope).ok());
        if let Some(row) = claimed.as_ref().and_then(|claimed| self.deployment(claimed.id)) {
            // Told again what it knows or should know. One that was never believed is looked at anew: somebody may have used its id.
            if row.sequence > 0 {
                let row = row.clone();
                if self.report_waits(row.id) {
                    return Ok(());
                }
                let mut change = self.change();
                change.say(row);
                return self.keep(change).await;
            }
        }
        let Some(verified) =
            self.trust().map(|trust| heavy(|| Received::new(envelope.clone()).verify(&trust)))
        else {
            return Ok(());
        };
        match verified {
            Ok(verified) => self.accept(&verified, &envelope).await,
            Err(refusal) => self.turn_away(claimed, &refusal, &envelope).await,
        }
    }

    /// What decides whom we believe; `None` without a pairing.
    pub(super) fn trust(&self) -> Option<Trust<'_>> {
        let pairing = self.state.pairing.as_ref()?;
        let desk = &self.state.desk;
        Some(Trust {
            charter: desk.trusting.charter.as_ref(),
            blocked: &self.deployments.blocked,
            tenant: pairing.tenant,
            fingerprint: pairing.fingerprint,
            now: self.clock.now_s(),
            clock_floor: desk.trusting.clock_floor,
            last_sequence: desk.trusting.last_sequence,
            held: self.is_held(),
            changes: &self.state.grants.consent.changes,
            pending: desk
                .deployments
                .iter()
                .filter(|row| row.sequence > 0 && row.repairs.is_none() && row.state.is_pending())
                .count(),
        })
    }

    /// R6: restored or cloned, and the owner has not confirmed it.
    pub(super) const fn is_held(&self) -> bool {
        self.state.session.restored || self.state.session.cloned
    }

    /// R32: durable, with its sequence, before anybody hears of it.
    async fn accept(&mut self, verified: &Verified, envelope: &Envelope) -> Result<(), Problem> {
        let deployment = verified.deployment();
        let mut row = self.row(deployment);
        row.sequence = deployment.sequence;
        row.persons = verified.persons().to_vec();
        let trusting = &self.state.desk.trusting;
        let trusting = Trusting {
            clock_floor: trusting.clock_floor.max(verified.floor()),
            last_sequence: trusting.last_sequence.max(deployment.sequence),
            ..trusting.clone()
        };
        tracing::info!(items = deployment.items.len(), "a deployment was believed");
        let mut change = self.change();
        change.trusting = Some(trusting);
        change.with(JournalChange::Envelope(row.id, envelope_bytes(envelope)?));
        change.say(row);
        self.forget_old(&mut change);
        self.keep(change).await
    }

    /// What is not believed now: kept if it may be later, else told and counted.
    async fn turn_away(
        &mut self,
        claimed: Option<Deployment>,
        refusal: &Refusal,
        envelope: &Envelope,
    ) -> Result<(), Problem> {
        let holds = matches!(refusal.disposition, Disposition::Hold { .. });
        tracing::info!(code = refusal.code, "a deployment was not believed");
        if !holds {
            self.deployments.unbelieved += 1;
            if self.deployments.unbelieved > UNBELIEVED {
                self.cut(Some(problem::link(LinkTrouble::Protocol)), None);
                return Ok(());
            }
        }
        let Some(claimed) = claimed else { return Ok(()) };
        let before = self.deployment(claimed.id).cloned();
        let mut change = self.change();
        let mut row = self.row(&claimed);
        row.code = Some(refusal.code.to_owned());
        row.state = state_of(refusal.disposition);
        if holds {
            let held = self.state.desk.deployments.iter().filter(|row| is_held(row)).count();
            if before.is_none() && held >= limits::PENDING {
                return Ok(());
            }
            // Its signatures were right: only the time, or the owner's word, is missing.
            change.with(JournalChange::Envelope(row.id, envelope_bytes(envelope)?));
        } else {
            // Nobody vouches for its words.
            (row.title, row.summary, row.author) = (String::new(), String::new(), String::new());
            row.items.clear();
        }
        let same = before.is_some_and(|before| before.state == row.state && before.code == row.code);
        if same && self.report_waits(row.id) {
            return Ok(());
        }
        change.say(row);
        self.forget_unbelieved(&mut change);
        self.keep(change).await
    }

    /// Looks again at what could not be believed yet, or not any more when it was to be planned.
    pub(super) async fn reconsider(&mut self) -> Result<(), Problem> {
        self.reconsider_unplanned().await?;
        let held: Vec<DeploymentRow> =
            self.state.desk.deployments.iter().filter(|row| is_held(row)).cloned().collect();
        for row in held {
            let Some(envelope) = self.envelope(row.id).await? else { continue };
            let Some(verified) = self.trust().map(|trust| Received::new(envelope.clone()).verify(&trust))
            else {
                return Ok(());
            };
            match verified {
                Ok(verified) => self.accept(&verified, &envelope).await?,
                Err(refusal) if Some(refusal.code) == row.code.as_deref() => {}
                Err(refusal) => {
                    let state = state_of(refusal.disposition);
                    let row = DeploymentRow { state, code: Some(refusal.code.to_owned()), ..row };
                    let mut change = self.change();
                    change.say(row);
                    self.keep(change).await?;
                }
            }
        }
        Ok(())
    }

    /// What was believed once and waits for the clock, or for the owner's word, is planned as soon as nothing is in its way.
    async fn reconsider_unplanned(&mut self) -> Result<(), Problem> {
        let stuck = |row: &&DeploymentRow| is_unplanned(row) && row.code.is_some();
        let stuck: Vec<DeploymentRow> = self.state.desk.deployments.iter().filter(stuck).cloned().collect();
        for row in stuck {
            let of = row.repairs.as_ref().map_or(row.id, |repairs| repairs.of);
            let Some(received) = self.envelope(of).await?.map(Received::new) else { continue };
            let Some(trust) = self.trust() else { return Ok(()) };
            let verified = heavy(|| match row.repairs {
                Some(_) => received.verify_in_place(&trust),
                None => received.verify_again(&trust),
            });
            let waits =
                verified.is_err_and(|refusal| matches!(refusal.disposition, Disposition::Hold { .. }));
            if !waits {
                let mut change = self.change();
                change.note(DeploymentRow { code: None, ..row });
                self.keep(change).await?;
            }
        }
        Ok(())
    }

    /// The envelope of a deployment as it was received.
    pub(super) async fn envelope(&self, id: DeploymentId) -> Result<Option<Envelope>, Problem> {
        let bytes =
            self.store.envelope(self.clock.now_ms(), id).await.map_err(|error| problem::store(&error))?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    async fn on_withdraw(&mut self, withdraw: &Withdraw) -> Result<(), Problem> {
        let Some(row) = self.deployment(withdraw.deployment) else { return Ok(()) };
        // Told again, by a portal that was put back or thinks that this home was.
        let known = row.state == DeploymentState::Refused && row.code.as_deref() == Some(WITHDRAWN);
        let waits = matches!(row.state, DeploymentState::Waiting | DeploymentState::Approved);
        // What a portal never proposed it cannot take back.
        if row.repairs.is_some() || !(waits || known && !self.report_waits(row.id)) {
            return Ok(());
        }
        let row = DeploymentRow {
            state: DeploymentState::Refused,
            code: Some(WITHDRAWN.to_owned()),
            ..row.clone()
        };
        let mut change = self.change();
        change.with(JournalChange::Plan(row.id, None));
        change.say(row);
        self.keep(change).await
    }

    fn row(&self, deployment: &Deployment) -> DeploymentRow {
        let now = self.clock.now_ms();
        DeploymentRow {
            id: deployment.id,
            sequence: 0,
            state: DeploymentState::Waiting,
            code: None,
            title: deployment.title.clone(),
            summary: deployment.summary.clone(),
            author: deployment.author.clone(),
            persons: Vec::new(),
            items: deployment.items.iter().map(item).collect(),
            not_before: deployment.not_before,
            expires: deployment.expires,
            received_ms: now,
            changed_ms: now,
            plan_hash: None,
            approved: None,
            hosts: std::collections::BTreeSet::new(),
            asked_again: false,
            work: None,
            ended: None,
            undoable: false,
            repairs: None,
        }
    }

    /// Keeps the journal within its limits: images of the last [`UNDOABLE`] in place, rows of the last [`REMEMBERED`].
    pub(super) fn forget_old(&self, change: &mut Change) {
        let all = &self.state.desk.deployments;
        let over = |row: &&DeploymentRow| !row.state.is_pending();
        for row in all.iter().filter(|row| row.undoable && !row.state.is_pending()).rev().skip(UNDOABLE) {
            change.with(JournalChange::DropSteps(row.id));
            change.note(DeploymentRow { undoable: false, ..row.clone() });
        }
        for row in all.iter().filter(over).filter(|row| !row.undoable).rev().skip(REMEMBERED) {
            change.with(JournalChange::Drop(row.id));
        }
    }

    fn forget_unbelieved(&self, change: &mut Change) {
        let never = |row: &&DeploymentRow| row.sequence == 0 && !row.state.is_pending();
        for row in self.state.desk.deployments.iter().filter(never).rev().skip(UNBELIEVED_KEPT) {
            change.with(JournalChange::Drop(row.id));
        }
    }
}

/// Believed but for the time or the owner's word.
pub(super) fn is_held(row: &DeploymentRow) -> bool {
    row.sequence == 0 && row.state == DeploymentState::Waiting
}

/// What becomes of a deployment that goes no further now.
pub(super) const fn state_of(disposition: Disposition) -> DeploymentState {
    match disposition {
        Disposition::Refused => DeploymentState::Refused,
        Disposition::Superseded => DeploymentState::Superseded,
        Disposition::Expired => DeploymentState::Expired,
        Disposition::Conflict => DeploymentState::Conflict,
        Disposition::Hold { .. } => DeploymentState::Waiting,
    }
}

fn envelope_bytes(envelope: &Envelope) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(envelope).map_err(|_| problem::bad_request())
}

/// What an item is called in lists, in the tenant's own words.
fn item(item: &Item) -> ItemRow {
    let name = match item {
        Item::DashboardPut(put) => {
            put.url_path.clone().or_else(|| put.dashboard.map(|id| id.to_string())).unwrap_or_default()
        }
        Item::CardPut(put) => put.element.clone(),
        Item::CardDelete(delete) => delete.element.clone(),
        Item::AutomationPut(put) | Item::ScriptPut(put) => {
            put.id.clone().or_else(|| put.existing.map(|id| id.to_string())).unwrap_or_default()
        }
        Item::DashboardDelete(delete) | Item::AutomationDelete(delete) | Item::ScriptDelete(delete) => {
            delete.existing.to_string()
        }
    };
    ItemRow {
        kind: item.kind().to_owned(),
        name,
        thing: None,
        base: None,
        code: None,
        drifted: false,
        enabled: false,
        off: false,
    }
}

/// Keys that the owner has blocked, as the order of trust wants them.
pub(super) fn blocked(trusting: &Trusting) -> std::collections::BTreeSet<[u8; 32]> {
    trusting.blocked.iter().map(|Fixed(key)| *key).collect()
}
