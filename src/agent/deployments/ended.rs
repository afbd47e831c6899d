//! What the desk's task has brought, and what follows from it.

use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::id::OpaqueId;
use vestibule_protocol::problem::Problem;

use super::report::Said;
use super::views::PlanView;
use super::work::Brought;
use super::{Agent, Errand};
use crate::home::desk::DeskError;
use crate::inbound::apply::{End, Phase, Seen, Way};
use crate::inbound::plan::{Image, Target};
use crate::inbound::settle::{Looked, SETTLE_MS, judge};
use crate::inbound::{diff, images};
use crate::outbound::reading::Text;
use crate::problem;
use crate::store::{DeploymentRow, DeploymentState, Ended, ItemRow, JournalChange, StepNote, StepRow, Work};

/// Somebody edited what a deployment had made.
const DRIFTED: &str = "edited_at_home";
/// An undo would overwrite edits.
const EDITED: &str = "edited_since";
/// What was lost is written again within this time.
const AGAIN_MS: i64 = 60_000;

impl Agent {
    /// Takes what a job has brought.
    pub(in crate::agent) async fn on_desk_job(&mut self, brought: Brought) -> Result<(), Problem> {
        self.deployments.job = None;
        if !matches!(brought, Brought::Trouble(..) | Brought::Store(_)) {
            (self.deployments.attempts, self.deployments.retry_at) = (0, None);
        }
        match brought {
            Brought::Gathered(id, gathered) => self.on_gathered(id, *gathered).await,
            Brought::Walked(id, end, steps) => self.on_walked(id, end, &steps).await,
            Brought::Looked(seen, since) => self.on_looked(seen, since).await,
            Brought::Told(notices) => self.told(notices).await,
            Brought::Ran(errand, done) => self.on_ran(errand, done).await,
            Brought::Trouble(trouble, errand) => {
                if let Some(errand) = errand {
                    errand.reply().result(Err::<bool, _>(problem::home(trouble))).await;
                }
                self.rest();
                // It goes on when the home is there again; nobody has to wait for that.
                for (id, reply) in std::mem::take(&mut self.deployments.undoing) {
                    reply.result(self.view(id).await).await;
                }
                Ok(())
            }
            Brought::Refused(id, error) => self.on_refused_by_home(id, error).await,
            Brought::Store(error) => Err(problem::store(&error)),
        }
    }

    async fn on_walked(&mut self, id: DeploymentId, end: End, steps: &[StepRow]) -> Result<(), Problem> {
        let Some(row) = self.deployment(id).cloned() else { return Ok(()) };
        let now = self.clock.now_ms();
        let stood = row.work.as_ref().and_then(|work| work.stood).unwrap_or(DeploymentState::Verified);
        let before = row.code.clone();
        let mut row = DeploymentRow { work: None, changed_ms: now, code: None, ..row };
        let mut unsafe_undo = false;
        match end {
            End::Verified => {
                row.state = DeploymentState::Verified;
                row.ended = Some(Ended { verified_ms: now });
                self.name_things(&mut row, steps);
            }
            End::RolledBack(code) => (row.state, row.code) = (DeploymentState::RolledBack, Some(code)),
            End::Conflict(code) => (row.state, row.code) = (DeploymentState::Conflict, Some(code)),
            End::Undone => {
                row.state = DeploymentState::Undone;
                // Nothing is left of it any more.
                row.items.iter_mut().for_each(|item| item.code = None);
            }
            End::NeedsOwner(code) => {
                (row.state, row.code) = (DeploymentState::NeedsOwner, Some(code));
                for step in steps.iter().filter(|step| step.state.phase == Phase::Left) {
                    if let Some(item) = row.items.get_mut(step.state.item as usize) {
                        item.code = Some("left_as_edited".to_owned());
                    }
                }
            }
            End::Unsafe(edited) => {
                // Nothing was touched: it stands where it stood, and what was never in place cannot have drifted.
                unsafe_undo = true;
                row.state = stood;
                row.code = if stood.is_in_place() { Some(EDITED.to_owned()) } else { before };
                for n in edited.into_iter().filter(|_| stood.is_in_place()) {
                    let item = steps.get(n).and_then(|step| row.items.get_mut(step.state.item as usize));
                    if let Some(item) = item {
                        item.drifted = true;
                    }
                }
            }
        }
        // What is as before needs no images; what somebody edited keeps them for the owner.
        let over = matches!(
            row.state,
            DeploymentState::Undone | DeploymentState::RolledBack | DeploymentState::Conflict
        );
        let mut change = self.change();
        if row.state == DeploymentState::Verified {
            // What new things are called has become known on the way.
            steps.iter().for_each(|step| change.with(JournalChange::Step(id, StepNote::of(step))));
        }
        if over {
            row.undoable = false;
            change.with(JournalChange::DropSteps(id));
        }
        tracing::info!(state = row.state.name(), code = row.code.as_deref(), "a deployment has ended");
        if let Some(both_sides) = self.both_sides(&row, steps).await? {
            change.with(JournalChange::Plan(id, Some(both_sides)));
        }
        if let Some(repaired) = self.repaired(&row, steps) {
            change.say(repaired);
        }
        if unsafe_undo {
            change.note(row);
        } else {
            change.say(row);
        }
        self.forget_old(&mut change);
        self.keep(change).await?;
        // Older versions do not tell of the resource list.
        if steps.iter().any(|step| matches!(step.target, Target::Resource { .. })) {
            self.home.wishes.read_again();
        }
        self.answer_undo(id, unsafe_undo).await
    }

    /// What somebody at home has made of it while it was being carried out, beside what the owner was shown before; `None` where nobody
    /// has.
    async fn both_sides(&self, row: &DeploymentRow, steps: &[StepRow]) -> Result<Option<Text>, Problem> {
        let told = matches!(row.state, DeploymentState::Conflict | DeploymentState::NeedsOwner);
        let Some(keys) = self.keys.as_ref().filter(|_| told) else { return Ok(None) };
        let edited = |step: &StepRow| step.found.clone().filter(|found| *found != step.after);
        let at_home = self.stock.with_ids(&keys.id_key, &self.state.grants, |ids| {
            let diff = |step: &StepRow| {
                let sides = (&step.before, &edited(step)?);
                diff::at_home(step.state.item, &row.title, &step.target, sides, ids)
            };
            steps.iter().filter_map(diff).collect::<Vec<_>>()
        });
        if at_home.is_empty() {
            return Ok(None);
        }
        let shown = self.store.plan(self.clock.now_ms(), row.id).await;
        let shown = shown.map_err(|error| problem::store(&error))?;
        Ok(PlanView::beside(shown.as_ref(), &at_home).to_text())
    }

    /// What the next deployment names as its base (R16), and what new things are called.
    pub(super) fn name_things(&self, row: &mut DeploymentRow, steps: &[StepRow]) {
        let Some(keys) = &self.keys else { return };
        for item in &mut row.items {
            item.code = None;
        }
        for step in steps {
            let Some(item) = row.items.get_mut(step.state.item as usize) else { continue };
            item.thing = step.state.thing.or(item.thing);
            if item.kind == "automation.put" {
                // Who keeps it off himself is not asked to switch it on: it is what a deployment has brought so.
                let brought = step.before == Image::Absent || self.is_left_off(item.thing);
                item.off = brought && images::kept_off(&step.after);
            }
            if let Some(thing) = item.thing {
                item.base = images::base(&keys.id_key, thing, &step.target, &step.after).or(item.base);
            }
        }
    }

    /// Whether something that is in place has left this automation switched off, as it came.
    fn is_left_off(&self, thing: Option<OpaqueId>) -> bool {
        let in_place = self.state.desk.deployments.iter().filter(|row| row.state.is_in_place());
        let mut items = in_place.flat_map(|row| &row.items);
        thing.is_some() && items.any(|item| item.off && item.thing == thing)
    }

    /// R43: settled, lost or edited.
    async fn on_looked(
        &mut self,
        seen: Vec<(DeploymentId, Vec<Option<Seen>>)>,
        since: Option<i64>,
    ) -> Result<(), Problem> {
        let now = self.clock.now_ms();
        let all = self.in_place().await?;
        for (id, seen) in seen {
            let Some(row) = self.deployment(id).cloned() else { continue };
            let Some((_, steps)) = all.iter().find(|(known, _)| *known == id) else { continue };
            if steps.len() != seen.len() || !row.state.is_in_place() {
                continue;
            }
            let ended = row.ended.unwrap_or(Ended { verified_ms: now });
            // What is settled was on the disk.
            let restarted = since.is_some_and(|since| since > ended.verified_ms);
            let mut looked = judge(&seen, restarted && row.state == DeploymentState::Verified);
            if !looked.lost.is_empty() {
                looked = still_ours(&row, &self.steps(id).await?, steps, looked);
            }
            if !looked.lost.is_empty() {
                self.write_again(row, &looked, steps).await?;
                continue;
            }
            self.settle_or_drift(row, ended, &looked, steps).await?;
        }
        Ok(())
    }

    /// What Home Assistant has lost is written again from the journal.
    async fn write_again(
        &mut self,
        row: DeploymentRow,
        looked: &Looked,
        steps: &[StepRow],
    ) -> Result<(), Problem> {
        let id = row.id;
        let mut change = self.change();
        for step in looked.lost.iter().filter_map(|n| steps.get(*n)) {
            let mut state = step.state.clone();
            state.phase = Phase::Writing;
            change.with(JournalChange::Step(id, StepNote { state, ..StepNote::of(step) }));
        }
        let deadline = self.clock.now_ms() + AGAIN_MS;
        let work = Some(Work { way: Way::Forward, verified: false, deadline, stood: None });
        tracing::warn!("Home Assistant had lost what was deployed; it is written again");
        change.note(DeploymentRow { state: DeploymentState::Applying, work, ..row });
        self.keep(change).await
    }

    async fn settle_or_drift(
        &mut self,
        before: DeploymentRow,
        ended: Ended,
        looked: &Looked,
        steps: &[StepRow],
    ) -> Result<(), Problem> {
        let now = self.clock.now_ms();
        let mut row = before.clone();
        row.ended = Some(ended);
        if row.state == DeploymentState::Verified && now >= ended.verified_ms + SETTLE_MS {
            row.state = DeploymentState::Settled;
            row.changed_ms = now;
        }
        let settled = row.state != before.state;
        let mut newly = false;
        for (n, step) in steps.iter().enumerate() {
            let Some(item) = row.items.get_mut(step.state.item as usize) else { continue };
            let drifted = looked.drifted.contains(&n);
            newly |= drifted && !item.drifted;
            if drifted {
                item.drifted = true;
            }
        }
        // Put back by hand: no edit any more.
        if looked.drifted.is_empty() {
            row.items.iter_mut().for_each(|item| item.drifted = false);
        }
        if row == before {
            return Ok(());
        }
        let mut change = self.change();
        if newly {
            let mut edited = row.clone();
            for item in edited.items.iter_mut().filter(|item| item.drifted) {
                item.code = Some(DRIFTED.to_owned());
            }
            change.reports.extend(self.drift_of(&edited).map(|row| Said::of(&row, now).drifted()));
        }
        if settled {
            change.say(row);
        } else {
            change.note(row);
        }
        self.keep(change).await
    }

    async fn on_ran(&mut self, errand: Errand, done: Result<(), DeskError>) -> Result<(), Problem> {
        match (errand, done) {
            (errand, Err(error)) => {
                errand.reply().result(Err::<bool, _>(problem::desk(error))).await;
                Ok(())
            }
            (Errand::Identify(_, reply), Ok(())) => {
                reply.value(&true).await;
                Ok(())
            }
            (Errand::Enable(id, item, reply), Ok(())) => self.on_enabled(id, item, reply).await,
        }
    }

    /// The home answers and does not let us: nothing was changed, and nothing will be by waiting.
    async fn on_refused_by_home(
        &mut self,
        id: Option<DeploymentId>,
        error: DeskError,
    ) -> Result<(), Problem> {
        tracing::warn!(code = error.code(), "the home does not let us work at the desk");
        let Some(row) = id.and_then(|id| self.deployment(id)).cloned() else {
            self.rest();
            return Ok(());
        };
        if row.state == DeploymentState::Applying {
            self.rest();
            return Ok(());
        }
        let mut change = self.change();
        let code = Some(error.code().to_owned());
        change.say(DeploymentRow {
            state: DeploymentState::Refused,
            code,
            changed_ms: self.clock.now_ms(),
            ..row
        });
        self.keep(change).await
    }

    /// Clears what an item was said to be.
    pub(super) fn item_of(row: &mut DeploymentRow, item: Option<u32>) -> Option<&mut ItemRow> {
        row.items.get_mut(usize::try_from(item?).ok()?)
    }
}

/// Of what may have been lost, that which is certainly to be written again. What was seen to be edited is the owner's; and an item of which
/// a later deployment has a part would be written in half, if its owner has deleted it and it was not lost.
fn still_ours(row: &DeploymentRow, all: &[StepRow], own: &[StepRow], looked: Looked) -> Looked {
    let drifted = |step: &StepRow| row.items.get(step.state.item as usize).is_none_or(|item| item.drifted);
    // Afterwards everything is verified, and an automation that its owner has deleted would have all of it rolled back.
    let unloaded = own.iter().any(|step| drifted(step) && matches!(step.target, Target::Routine { .. }));
    let whole = |of: &StepRow| {
        let parts = |steps: &[StepRow]| steps.iter().filter(|step| step.state.item == of.state.item).count();
        parts(all) == parts(own)
    };
    let lost = |n: &usize| own.get(*n).is_some_and(|step| !unloaded && !drifted(step) && whole(step));
    let (lost, others): (Vec<_>, Vec<_>) = looked.lost.into_iter().partition(lost);
    Looked { lost, drifted: [looked.drifted, others].concat() }
}
