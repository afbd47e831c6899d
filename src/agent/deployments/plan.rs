//! From what was read to a plan: shown to the owner, or, after the yes, written into the journal and carried out (R36, R38).

use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::problem::Problem;

use super::receive::state_of;
use super::views::PlanView;
use super::{Agent, Change};
use crate::agent::sync::heavy;
use crate::home::gather::Gathered;
use crate::inbound::apply::{Phase, Way};
use crate::inbound::consent::Yes;
use crate::inbound::deployment::{Received, Verified};
use crate::inbound::plan::{Choices, HomeNow, Image, Origins, Plan, Target, plan};
use crate::inbound::refusal::{Disposition, Refusal};
use crate::outbound::privacy::Known;
use crate::outbound::reading::Text;
use crate::store::{DeploymentRow, DeploymentState, Ended, JournalChange, StepRow, StepState, Work};

/// Going forward may take so long; then everything is put back.
const APPLY_MS: i64 = 60_000;
/// What is there is not what the deployment was designed against.
const BASE_CHANGED: &str = "base_changed";
/// The plan was different at applying, twice.
const PLAN_CHANGED: &str = "plan_changed";

impl Agent {
    /// Everything that a plan needs has been read.
    pub(super) async fn on_gathered(&mut self, id: DeploymentId, gathered: Gathered) -> Result<(), Problem> {
        let Some(row) = self.deployment(id).cloned() else { return Ok(()) };
        if !matches!(row.state, DeploymentState::Waiting | DeploymentState::Approved) {
            return Ok(());
        }
        if row.repairs.is_some() {
            return self.plan_repair(row, gathered).await;
        }
        let Some(envelope) = self.envelope(id).await? else { return Ok(()) };
        // Believed anew: an approver may have been removed or blocked, a grant withdrawn.
        let Some(verified) = self.trust().map(|trust| Received::new(envelope).verify_again(&trust)) else {
            return Ok(());
        };
        let known = self.known_texts().await?;
        let planned = verified.and_then(|verified| {
            let plan = self.plan(&verified, gathered, &row, &known)?;
            Ok((verified, plan))
        });
        match planned {
            Err(refusal) => self.not_planned(row, &refusal).await,
            Ok((verified, plan)) if row.state == DeploymentState::Waiting => {
                self.show_plan(row, &verified, &plan).await
            }
            Ok((verified, plan)) => self.carry_out(row, verified, plan).await,
        }
    }

    fn plan(
        &self,
        verified: &Verified,
        gathered: Gathered,
        row: &DeploymentRow,
        known: &[(OpaqueId, Text)],
    ) -> Result<Plan, Refusal> {
        let keys = self.keys.as_ref().ok_or_else(Refusal::not_paired)?;
        let choices = Choices { hosts: &row.hosts, known, origins: &Origins::default() };
        heavy(|| {
            self.stock.with_ids(&keys.id_key, &self.state.grants, |ids| {
                plan(verified, &for_tenant(gathered, ids), ids, &keys.id_key, &choices)
            })
        })
    }

    /// Texts that this home has written before, as far as the journal still has them.
    async fn known_texts(&self) -> Result<Vec<(OpaqueId, Text)>, Problem> {
        let mut known = Vec::new();
        for (id, steps) in self.in_place().await? {
            let items = self.deployment(id).map_or(&[][..], |row| &row.items);
            let text = |step: StepRow| {
                // The step that fills a new dashboard came before there was an id; its item has it since.
                let item = items.get(step.state.item as usize).and_then(|item| item.thing);
                match (step.state.thing.or(item)?, step.target, step.after) {
                    (
                        thing,
                        Target::DashboardConfig { .. } | Target::Routine { .. },
                        Image::Present(text),
                    ) => Some((thing, text)),
                    _ => None,
                }
            };
            known.extend(steps.into_iter().filter_map(text));
        }
        Ok(known)
    }

    pub(super) async fn not_planned(&mut self, row: DeploymentRow, refusal: &Refusal) -> Result<(), Problem> {
        if row.code.as_deref() == Some(refusal.code) && row.state == state_of(refusal.disposition) {
            // Told already.
            return Ok(());
        }
        let mut row = DeploymentRow {
            state: state_of(refusal.disposition),
            code: Some(refusal.code.to_owned()),
            changed_ms: self.clock.now_ms(),
            plan_hash: None,
            ..row
        };
        if let Some(item) = Self::item_of(&mut row, refusal.item) {
            item.code = Some(refusal.code.to_owned());
        }
        tracing::info!(code = refusal.code, "a deployment cannot be planned");
        let mut change = self.change();
        // Not every change of a document is told; the next design shall be made from what is there.
        if refusal.code == BASE_CHANGED {
            self.home.wishes.read_again();
        }
        let view = PlanView::of_refusal(refusal);
        change.with(JournalChange::Plan(row.id, view.to_text()));
        change.say(row);
        self.keep(change).await
    }

    /// Shows the owner what it would do; where that was agreed to beforehand, goes on at once.
    pub(super) async fn show_plan(
        &mut self,
        row: DeploymentRow,
        verified: &Verified,
        plan: &Plan,
    ) -> Result<(), Problem> {
        let trusted =
            verified.trusted() && plan.display_only && plan.objection().is_none() && !self.is_held();
        let mut row = DeploymentRow {
            plan_hash: Some(plan.hash),
            code: row.code.filter(|code| code == PLAN_CHANGED),
            ..row
        };
        if trusted {
            row.state = DeploymentState::Approved;
            row.approved = Some(plan.hash);
            row.changed_ms = self.clock.now_ms();
        }
        let mut change = self.change();
        change.with(JournalChange::Plan(row.id, PlanView::of(plan).to_text()));
        if trusted {
            change.say(row);
        } else {
            change.note(row);
        }
        self.keep(change).await
    }

    /// After the yes: what is about to happen must be what was agreed to.
    pub(super) async fn carry_out(
        &mut self,
        row: DeploymentRow,
        verified: Verified,
        plan: Plan,
    ) -> Result<(), Problem> {
        let yes = row.approved.map_or(Yes::Trust, Yes::Plan);
        let view = PlanView::of(&plan);
        let (hash, steps) = (plan.hash, plan.steps.clone());
        let puts = plan.puts;
        match verified.consented(yes).planned(plan) {
            Ok(_) if steps.is_empty() => self.nothing_to_do(row).await,
            Ok(_) => {
                let step = |(n, step): (usize, crate::inbound::plan::PlannedStep)| StepRow {
                    n: u32::try_from(n).unwrap_or(u32::MAX),
                    state: StepState {
                        item: step.item,
                        phase: Phase::Planned,
                        thing: step.thing,
                        entity: None,
                        deletes: n >= puts,
                    },
                    target: step.target,
                    before: step.before,
                    beside: None,
                    after: step.after,
                    found: None,
                };
                let steps: Vec<StepRow> = steps.into_iter().enumerate().map(step).collect();
                let deadline = self.clock.now_ms() + APPLY_MS;
                let row = DeploymentRow {
                    state: DeploymentState::Applying,
                    undoable: true,
                    changed_ms: self.clock.now_ms(),
                    work: Some(Work { way: Way::Forward, verified: false, deadline, stood: None }),
                    ..row
                };
                // All before-images are durable before the first write.
                let mut change = self.change();
                change.with(JournalChange::Steps(row.id, steps));
                change.note(row);
                self.keep(change).await
            }
            Err(refusal) if row.asked_again => {
                let conflict = Refusal { disposition: Disposition::Conflict, ..refusal };
                self.not_planned(row, &conflict).await
            }
            Err(refusal) => {
                let row = DeploymentRow {
                    state: DeploymentState::Waiting,
                    code: Some(refusal.code.to_owned()),
                    changed_ms: self.clock.now_ms(),
                    plan_hash: Some(hash),
                    approved: None,
                    asked_again: true,
                    ..row
                };
                let mut change = self.change();
                change.with(JournalChange::Plan(row.id, view.to_text()));
                change.say(row);
                self.keep(change).await
            }
        }
    }

    /// Everything is as it should be already.
    async fn nothing_to_do(&mut self, row: DeploymentRow) -> Result<(), Problem> {
        let now = self.clock.now_ms();
        let mut change: Change = self.change();
        change.say(DeploymentRow {
            state: DeploymentState::Verified,
            changed_ms: now,
            ended: Some(Ended { verified_ms: now }),
            ..row
        });
        self.keep(change).await
    }
}

/// What was read, without what the owner has excluded: that does not exist (R15).
pub(super) fn for_tenant(gathered: Gathered, ids: &Known<'_, '_>) -> HomeNow {
    let Gathered { mut home, entities } = gathered;
    for routine in &mut home.routines {
        let entity = entities.iter().find(|(thing, _)| Some(*thing) == routine.thing);
        let excluded = entity.is_some_and(|(_, entity)| ids.token_of_text(entity, Thing::Entity).is_none());
        routine.thing = routine.thing.filter(|_| !excluded);
    }
    home
}
