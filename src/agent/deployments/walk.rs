//! Carrying out what the walk says: at the desk, and in the journal before and after.

use vestibule_protocol::deployment::DeploymentId;

use crate::clock::Clock;
use crate::home::desk::{DeskError, HomeDesk};
use crate::home::places;
use crate::identity::IdKey;
use crate::inbound::apply::{Do, End, Heard, Keep, Phase, Seen, Step, Walk};
use crate::inbound::images::compare;
use crate::inbound::plan::{Image, RoutineKind, Target, relied_on};
use crate::kill::kill_point;
use crate::outbound::privacy::ids;
use crate::outbound::reading::RegistryId;
use crate::store::{Commit, JournalChange, StepNote, StepRow, Store, StoreError, Work};
use vestibule_protocol::id::{OpaqueId, Thing};

/// What a walk needs besides the desk.
pub(super) struct Journal {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) key: IdKey,
    pub(super) id: DeploymentId,
}

/// Why a walk stopped before its end; it goes on later from where it was.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The home cannot be reached, or does not let us.
    Desk(DeskError),
    /// The journal cannot be written: then nothing is done.
    Store(StoreError),
}

impl From<DeskError> for Stopped {
    fn from(error: DeskError) -> Self {
        Self::Desk(error)
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Walks to the end. Every intention is durable before it is carried out, and every deed is looked at before it is believed.
///
/// # Errors
/// See [`Stopped`].
pub(super) async fn walk(
    desk: &mut impl HomeDesk,
    journal: &Journal,
    mut rows: Vec<StepRow>,
    work: Work,
) -> Result<(End, Vec<StepRow>), Stopped> {
    let step = |row: &StepRow| {
        let state = &row.state;
        Step { phase: state.phase, deletes: state.deletes, item: state.item }
    };
    let steps = rows.iter().map(step).collect();
    let mut walk = Walk::new(steps, work.way.clone(), work.verified);
    let mut last = Image::Absent;
    loop {
        if journal.clock.now_ms() > work.deadline {
            walk.late();
        }
        let heard = match walk.next() {
            Do::Look(n) => {
                kill_point("desk.looking");
                let row = &mut rows[n];
                let looked = places::look(desk, &row.target, &row.after).await;
                kill_point("desk.looked");
                match looked {
                    Ok(found) => {
                        let settled = !matches!(row.state.phase, Phase::Planned | Phase::Writing);
                        let seen = compare(&row.target, &found.image, &row.before, &row.after, settled);
                        row.target = found.target;
                        if seen == Seen::Other {
                            row.found = Some(found.image.clone());
                        }
                        last = found.image;
                        Heard::Seen(seen)
                    }
                    Err(error @ DeskError::Trouble(_)) => return Err(error.into()),
                    Err(error) => Heard::Unseen(error.code()),
                }
            }
            Do::Note(n, phase, keep) => {
                note(desk, journal, &mut rows[n], phase, keep, &last).await?;
                Heard::Durable
            }
            Do::Write(n) => {
                kill_point("desk.writing");
                let wrote = places::put(desk, &rows[n].target, &rows[n].after, None).await?;
                kill_point("desk.written");
                Heard::Wrote(wrote)
            }
            Do::Restore(n) => {
                kill_point("desk.restoring");
                let row = &rows[n];
                let wrote = places::put(desk, &row.target, &row.before, row.beside.as_ref()).await?;
                kill_point("desk.restored");
                Heard::Wrote(wrote)
            }
            Do::Turn => {
                turn(journal, &walk, &work).await?;
                Heard::Durable
            }
            Do::Verify => Heard::Verified(verify(desk, journal, &mut rows).await?),
            Do::End(end) => return Ok((end, rows)),
        };
        walk.hear(heard);
    }
}

/// Makes a phase durable, with what was just read.
async fn note(
    desk: &mut impl HomeDesk,
    journal: &Journal,
    row: &mut StepRow,
    phase: Phase,
    keep: Keep,
    last: &Image,
) -> Result<(), Stopped> {
    row.state.phase = phase;
    // R44: what goes with it is written down before it goes.
    if phase == Phase::Writing && row.after == Image::Absent && row.beside.is_none() {
        row.beside = places::beside(desk, &row.target).await?;
    }
    let kept = |wanted: Keep| (keep == wanted).then(|| last.clone());
    let (after, found) = (kept(Keep::After), kept(Keep::Found));
    if let Some(after) = &after {
        row.after = after.clone();
    }
    if found.is_some() {
        row.found.clone_from(&found);
    }
    let note = StepNote {
        n: row.n,
        state: row.state.clone(),
        target: Some(row.target.clone()),
        beside: row.beside.clone(),
        after,
        found,
    };
    kill_point("deploy.noting");
    commit(journal, JournalChange::Step(journal.id, note)).await?;
    kill_point("deploy.noted");
    Ok(())
}

/// Makes durable which way is walked, and whether the check is behind us.
async fn turn(journal: &Journal, walk: &Walk, work: &Work) -> Result<(), Stopped> {
    let work = Work { way: walk.way().clone(), verified: walk.verified(), ..*work };
    kill_point("deploy.turning");
    commit(journal, JournalChange::Work(journal.id, work)).await?;
    kill_point("deploy.turned");
    Ok(())
}

/// Checks everything that stays, and learns what its things are called.
async fn verify(
    desk: &mut impl HomeDesk,
    journal: &Journal,
    rows: &mut [StepRow],
) -> Result<Result<(), &'static str>, Stopped> {
    let images: Vec<_> = rows.iter().map(|row| (&row.target, &row.before, &row.after)).collect();
    let relied_on = relied_on(&images);
    for (row, wanted) in rows.iter_mut().zip(relied_on).filter(|(row, _)| !row.state.deletes) {
        kill_point("desk.verifying");
        // Once it has been there, the owner may call it otherwise.
        let wanted = wanted.as_ref().filter(|_| row.state.thing.is_none());
        match places::verify(desk, &row.target, wanted).await {
            Ok(Ok(())) => {}
            Ok(Err(code)) => return Ok(Err(code)),
            Err(error @ DeskError::Trouble(_)) => return Err(error.into()),
            Err(error) => return Ok(Err(error.code())),
        }
        kill_point("desk.verified");
        if row.state.thing.is_none() {
            (row.state.thing, row.state.entity) = thing(desk, &journal.key, row).await?;
        }
    }
    Ok(Ok(()))
}

/// The tenant's names of what a step has made, and of its entity if it is an automation or a script.
async fn thing(
    desk: &mut impl HomeDesk,
    key: &IdKey,
    row: &StepRow,
) -> Result<(Option<OpaqueId>, Option<OpaqueId>), DeskError> {
    let thing = match &row.target {
        Target::DashboardRecord { id: Some(id), .. } => Some(ids::named(key, Thing::Dashboard, id)),
        Target::DashboardConfig { url_path } => {
            let record = Target::DashboardRecord { url_path: url_path.clone(), id: None };
            match places::look(desk, &record, &Image::Absent).await?.target {
                Target::DashboardRecord { id: Some(id), .. } => Some(ids::named(key, Thing::Dashboard, &id)),
                Target::DashboardRecord { id: None, .. }
                | Target::DashboardConfig { .. }
                | Target::Resource { .. }
                | Target::Routine { .. } => None,
            }
        }
        Target::Routine { kind, .. } => {
            let thing = match kind {
                RoutineKind::Automation => Thing::Automation,
                RoutineKind::Script => Thing::Script,
            };
            let registry = places::registry_id(desk, &row.target).await?.map(|id| RegistryId::parse(&id));
            let named = |thing| registry.as_ref().map(|id| ids::registered(key, thing, id));
            return Ok((named(thing), named(Thing::Entity)));
        }
        Target::DashboardRecord { id: None, .. } | Target::Resource { .. } => None,
    };
    Ok((thing, None))
}

async fn commit(journal: &Journal, change: JournalChange) -> Result<(), StoreError> {
    let commit = Commit { journal: vec![change], ..Commit::at(journal.clock.now_ms()) };
    journal.store.commit(commit).await.map(drop)
}
