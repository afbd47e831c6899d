//! The way back: item by item in reverse, and never over somebody else's work (R42).
//!
//! Each document is read first. As before: nothing to do. As we left it: put back. Anything else: it stays, both images are kept, and the
//! owner decides. An undo looks at everything before it touches anything, so that it is refused as a whole where it is not safe.

use super::apply::{At, Do, End, Keep, Phase, Seen, Walk, Way, Why, Wrote};

/// What was put back is not what is there now.
const NOT_RESTORED: &str = "not_restored";

/// The next step back.
pub(super) fn choose(walk: &Walk) -> Do {
    if let Some(unchecked) = unchecked(walk) {
        return Do::Look(unchecked);
    }
    if !walk.edited.is_empty() {
        return Do::End(End::Unsafe(walk.edited.clone()));
    }
    order(walk).into_iter().find(|n| is_open(walk, *n)).map_or_else(|| Do::End(end(walk)), Do::Look)
}

/// Whether a step is still to be looked at. One that was never begun is, too, where it shares its item with one that was: with a new
/// dashboard's record would go what somebody has put into it.
fn is_open(walk: &Walk, n: usize) -> bool {
    let touched = |phase| matches!(phase, Phase::Writing | Phase::Written | Phase::Restoring);
    let step = walk.steps[n];
    touched(step.phase)
        || step.phase == Phase::Planned
            && walk.steps.iter().any(|other| other.item == step.item && touched(other.phase))
}

/// Whether somebody else's work is in the same item, so that this step stays as well.
fn holds_work(walk: &Walk, n: usize) -> bool {
    let item = walk.steps.get(n).map(|step| step.item);
    walk.steps.iter().any(|step| Some(step.item) == item && step.phase == Phase::Left)
}

/// What was read before or after putting back.
pub(super) fn seen(walk: &mut Walk, n: usize, seen: Seen, tried: Option<Wrote>) {
    if unchecked(walk) == Some(n) && tried.is_none() {
        walk.checked += 1;
        if seen == Seen::Other {
            walk.edited.push(n);
        }
        return;
    }
    let overwrite = walk.way == Way::Back(Why::Undo { overwrite: true });
    let restoring = walk.steps.get(n).is_some_and(|step| step.phase == Phase::Restoring);
    walk.at = match (seen, tried) {
        (Seen::Before | Seen::Both, _) => At::Note(n, Phase::Restored, Keep::Nothing),
        (_, None) if !overwrite && holds_work(walk, n) => At::Note(n, Phase::Left, Keep::Found),
        (Seen::After, None) if restoring => At::Move(n),
        (Seen::After, None) => At::Note(n, Phase::Restoring, Keep::Nothing),
        (Seen::Other, None) if overwrite => At::Note(n, Phase::Restoring, Keep::Found),
        (Seen::After | Seen::Other, _) => At::Note(n, Phase::Left, Keep::Found),
    };
}

/// A place that the home does not show any more is left as it is.
pub(super) fn unseen(walk: &mut Walk, n: usize) {
    if unchecked(walk) == Some(n) {
        walk.checked += 1;
        walk.edited.push(n);
    } else {
        walk.at = At::Note(n, Phase::Left, Keep::Nothing);
    }
}

/// The steps in the reverse of the order in which they were written.
fn order(walk: &Walk) -> Vec<usize> {
    let of = |deletes: bool| {
        walk.steps.iter().enumerate().rev().filter(move |(_, step)| step.deletes == deletes).map(|(n, _)| n)
    };
    of(true).chain(of(false)).collect()
}

/// The next step that a cautious undo has to look at before it touches anything.
fn unchecked(walk: &Walk) -> Option<usize> {
    let untouched =
        walk.steps.iter().all(|step| !matches!(step.phase, Phase::Restoring | Phase::Restored | Phase::Left));
    if walk.way != Way::Back(Why::Undo { overwrite: false }) || !untouched {
        return None;
    }
    order(walk).get(walk.checked).copied()
}

fn end(walk: &Walk) -> End {
    let left = walk.steps.iter().any(|step| step.phase == Phase::Left);
    match &walk.way {
        Way::Back(Why::Failed(code) | Why::Conflict(code)) if left => End::NeedsOwner(code.clone()),
        Way::Back(Why::Undo { .. }) | Way::Forward if left => End::NeedsOwner(NOT_RESTORED.to_owned()),
        Way::Back(Why::Failed(code)) => End::RolledBack(code.clone()),
        Way::Back(Why::Conflict(code)) => End::Conflict(code.clone()),
        Way::Back(Why::Undo { .. }) | Way::Forward => End::Undone,
    }
}
