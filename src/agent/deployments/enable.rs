//! Switching a new automation on: an owner's step of its own (R40). A journalled write takes out the key that keeps it off, then it is
//! turned on.

use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::problem::Problem;

use super::walk::Journal;
use super::{Agent, Errand};
use crate::control::Reply;
use crate::home::desk::{DeskError, HomeDesk};
use crate::home::places;
use crate::inbound::apply::{Seen, Wrote};
use crate::inbound::images::{compare, enabled};
use crate::inbound::plan::{Image, RoutineKind, Target};
use crate::kill::kill_point;
use crate::outbound::reading::HomeTrouble;
use crate::problem;
use crate::store::{Commit, DeploymentRow, JournalChange, StepNote, StepRow};

impl Agent {
    /// Puts it on the list of errands, if it can be done at all.
    pub(in crate::agent) async fn enable(
        &mut self,
        id: DeploymentId,
        item: u32,
        reply: Reply,
    ) -> Result<(), Problem> {
        let found = self.deployment(id).map(|row| {
            let automation = row.items.get(item as usize).is_some_and(|item| item.kind == "automation.put");
            automation && row.state.is_in_place() && row.undoable
        });
        match found {
            None => reply.result(Err::<bool, _>(problem::no_such_deployment())).await,
            Some(false) => reply.result(Err::<bool, _>(problem::nothing_to_enable())).await,
            Some(true) => match self.desk_is_open() {
                Ok(()) => self.deployments.errands.push_back(Errand::Enable(id, item, reply)),
                Err(problem) => reply.result(Err::<bool, _>(problem)).await,
            },
        }
        Ok(())
    }

    /// It is on.
    pub(super) async fn on_enabled(
        &mut self,
        id: DeploymentId,
        item: u32,
        reply: Reply,
    ) -> Result<(), Problem> {
        let Some(mut row) = self.deployment(id).cloned() else { return Ok(()) };
        let steps = self.steps(id).await?;
        self.name_things(&mut row, &steps);
        if let Some(item) = row.items.get_mut(item as usize) {
            (item.enabled, item.off, item.drifted) = (true, false, false);
        }
        let mut change = self.change();
        if let Some(repaired) = self.repaired(&row, &steps) {
            change.say(repaired);
        }
        // The next deployment names the text as it is now for its base.
        change.say(DeploymentRow { changed_ms: self.clock.now_ms(), ..row });
        self.keep(change).await?;
        reply.result(self.view(id).await).await;
        Ok(())
    }
}

/// Writes and switches on. What the journal holds is the text that shall be there, before it is.
pub(super) async fn switch_on(
    desk: &mut impl HomeDesk,
    journal: &Journal,
    step: Option<StepRow>,
) -> Result<(), DeskError> {
    let Some(step) = step else { return Err(DeskError::NotFound) };
    let Target::Routine { kind: RoutineKind::Automation, id } = &step.target else {
        return Err(DeskError::NotSupported);
    };
    let wanted = enabled(&step.after).unwrap_or_else(|| step.after.clone());
    let is = |found: &Image, image: &Image, settled: bool| {
        compare(&step.target, found, &step.before, image, settled) == Seen::After
    };
    let found = places::look(desk, &step.target, &step.after).await?.image;
    if !is(&found, &wanted, false) {
        // As it was deployed, or as it was when this was interrupted between the journal and the deed. An edit is the owner's, and so
        // is switching it on then.
        let interrupted = enabled(&found).is_some_and(|found| is(&found, &wanted, false));
        if !is(&found, &step.after, true) && !interrupted {
            return Err(DeskError::Refused);
        }
        note(journal, &step, wanted.clone()).await?;
        kill_point("desk.enabling");
        if places::put(desk, &step.target, &wanted, None).await? != Wrote::Done {
            note(journal, &step, found).await?;
            return Err(DeskError::Refused);
        }
    }
    let read = places::look(desk, &step.target, &wanted).await?.image;
    note(journal, &step, read).await?;
    kill_point("desk.enabled");
    places::switch_on(desk, id).await
}

async fn note(journal: &Journal, step: &StepRow, after: Image) -> Result<(), DeskError> {
    let note = StepNote {
        n: step.n,
        state: step.state.clone(),
        target: None,
        beside: None,
        after: Some(after),
        found: None,
    };
    let change = JournalChange::Step(journal.id, note);
    let commit = Commit { journal: vec![change], ..Commit::at(journal.clock.now_ms()) };
    // Without a journal nothing is written; the owner presses again.
    journal.store.commit(commit).await.map(drop).map_err(|_| DeskError::Trouble(HomeTrouble::Unreachable))
}
