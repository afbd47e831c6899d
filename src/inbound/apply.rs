//! Writing a plan into a home, step by step, so that a crash at any point leaves the old or the new, never something between.
//!
//! Home Assistant has no transaction and no compare-and-swap. So every document is read right before it is written and read back
//! afterwards (R41), every intention is durable before it is carried out, and what was read decides what follows, not what the journal
//! believes (R42). This file says what to do next; whoever does it tells what came of it. [`super::rollback`] is the way back.

use serde::{Deserialize, Serialize};

use super::rollback;

/// Nothing was said, but what was read back is not what was written.
const NOT_KEPT: &str = "not_kept";
/// A document was edited after it was planned and before it was written.
const CHANGED: &str = "changed_meanwhile";
/// A document was edited in the round trip of our own write.
const EDITED: &str = "edited_meanwhile";
/// The time for all of it is over.
const DEADLINE: &str = "deadline";

/// How far a step got; durable before the next thing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing has been done.
    Planned,
    /// It may have been written.
    Writing,
    /// It was written and read back.
    Written,
    /// It may have been put back.
    Restoring,
    /// What was there before is there again.
    Restored,
    /// Somebody else's work is there, and stays.
    Left,
}

/// Which way the steps are walked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Towards the after-images.
    Forward,
    /// Towards the before-images.
    Back(Why),
}

/// Why the before-images are put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Something did not work; a stable code.
    Failed(String),
    /// A document was not what it had been when the plan was made.
    Conflict(String),
    /// The owner takes it back.
    Undo {
        /// The owner has agreed that edits made since are lost.
        overwrite: bool,
    },
}

/// What a document is found to be, compared with the images of its step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// As before.
    Before,
    /// As it shall be.
    After,
    /// Both: the step changes nothing.
    Both,
    /// Somebody else's work.
    Other,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrote {
    /// Home Assistant says that it is done.
    Done,
    /// Home Assistant refused; a stable code.
    Refused(&'static str),
    /// Done, but somebody else saved the same document in the same moment (R41).
    Interleaved,
}

/// Which image is stored with a phase: the document as it was just read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// None.
    Nothing,
    /// As the after-image (R43).
    After,
    /// As what was found.
    Found,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Do {
    /// Read the document of this step and compare it.
    Look(usize),
    /// Make this durable.
    Note(usize, Phase, Keep),
    /// Write the after-image.
    Write(usize),
    /// Write the before-image.
    Restore(usize),
    /// Make durable which way is walked now.
    Turn,
    /// Check what was written: automations are loaded, nothing complains.
    Verify,
    /// It is over.
    End(End),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Of [`Do::Look`].
    Seen(Seen),
    /// Of [`Do::Look`]: the home does not show it, for this reason (a stable code).
    Unseen(&'static str),
    /// Of [`Do::Note`] and [`Do::Turn`].
    Durable,
    /// Of [`Do::Write`] and [`Do::Restore`].
    Wrote(Wrote),
    /// Of [`Do::Verify`]: a stable code if something complains.
    Verified(Result<(), &'static str>),
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Everything is written, read back and verified.
    Verified,
    /// Everything is as before; the code says why.
    RolledBack(String),
    /// Everything is as before, because something had changed since the plan was made.
    Conflict(String),
    /// Everything is as before, because the owner wanted it so.
    Undone,
    /// Some documents are somebody else's work and were left alone; the others are as before.
    NeedsOwner(String),
    /// Taking it back would overwrite edits in these steps; nothing was touched.
    Unsafe(Vec<usize>),
}

/// One step, as far as the walk is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// How far it got.
    pub phase: Phase,
    /// It removes something, and runs after everything else was verified (R44).
    pub deletes: bool,
    /// The item that it belongs to: a new dashboard's record and its contents go together.
    pub item: u32,
}

/// Where the walk is between two things to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// The next step is to be chosen.
    Choose,
    /// This one is being looked at; what became of writing it, if that was tried.
    Look(usize, Option<Wrote>),
    /// This has to be durable before anything else.
    Note(usize, Phase, Keep),
    /// The new way has to be durable.
    Turn,
    /// The step's image is to be written.
    Move(usize),
}

/// A walk over the steps of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    pub(super) steps: Vec<Step>,
    pub(super) way: Way,
    pub(super) verified: bool,
    pub(super) at: At,
    /// On the way back after [`At::Note`]: turn when it is durable.
    pub(super) turn_to: Option<Why>,
    /// For an undo: so many steps have been found untouched, and these have not.
    pub(super) checked: usize,
    pub(super) edited: Vec<usize>,
}

impl Walk {
    /// A walk that begins, or goes on where the journal says that it was.
    #[must_use]
    pub const fn new(steps: Vec<Step>, way: Way, verified: bool) -> Self {
        Self { steps, way, verified, at: At::Choose, turn_to: None, checked: 0, edited: Vec::new() }
    }

    /// Which way it goes.
    #[must_use]
    pub const fn way(&self) -> &Way {
        &self.way
    }

    /// Whether everything but deletions has been verified.
    #[must_use]
    pub const fn verified(&self) -> bool {
        self.verified
    }

    /// What to do now. Asked again without [`Self::hear`] in between it says the same.
    #[must_use]
    pub fn next(&self) -> Do {
        match &self.at {
            At::Choose => match self.way {
                Way::Forward => self.choose(),
                Way::Back(_) => rollback::choose(self),
            },
            At::Look(n, _) => Do::Look(*n),
            At::Note(n, phase, keep) => Do::Note(*n, *phase, *keep),
            At::Turn => Do::Turn,
            At::Move(n) => match self.way {
                Way::Forward => Do::Write(*n),
                Way::Back(_) => Do::Restore(*n),
            },
        }
    }

    /// The time is over: what has not been written will not be, and what has been is put back. Says whether that changed anything: a walk
    /// in the middle of a write, on its way back, or at its end goes on.
    pub fn late(&mut self) -> bool {
        let late = self.at == At::Choose && self.way == Way::Forward && !matches!(self.next(), Do::End(_));
        if late {
            self.turn(Why::Failed(DEADLINE.to_owned()));
        }
        late
    }

    /// Takes what came of [`Self::next`]. What does not answer it changes nothing.
    pub fn hear(&mut self, heard: Heard) {
        match (self.next(), heard) {
            (Do::Look(n), Heard::Seen(seen)) => {
                let tried = match &mut self.at {
                    At::Look(_, tried) => tried.take(),
                    At::Choose | At::Note(..) | At::Turn | At::Move(_) => None,
                };
                match self.way {
                    Way::Forward => self.seen(n, seen, tried),
                    Way::Back(_) => rollback::seen(self, n, seen, tried),
                }
            }
            (Do::Look(n), Heard::Unseen(code)) => match self.way {
                Way::Forward => self.turn(Why::Failed(code.to_owned())),
                Way::Back(_) => rollback::unseen(self, n),
            },
            (Do::Note(n, phase, _), Heard::Durable) => {
                if let Some(step) = self.steps.get_mut(n) {
                    step.phase = phase;
                }
                self.at = match phase {
                    Phase::Writing | Phase::Restoring => At::Move(n),
                    Phase::Planned | Phase::Written | Phase::Restored | Phase::Left => At::Choose,
                };
                if let Some(why) = self.turn_to.take() {
                    self.turn(why);
                }
            }
            (Do::Turn, Heard::Durable) => self.at = At::Choose,
            (Do::Write(n) | Do::Restore(n), Heard::Wrote(wrote)) => self.at = At::Look(n, Some(wrote)),
            (Do::Verify, Heard::Verified(Ok(()))) => {
                self.verified = true;
                self.at = At::Turn;
            }
            (Do::Verify, Heard::Verified(Err(code))) => self.turn(Why::Failed(code.to_owned())),
            (
                Do::Look(_)
                | Do::Note(..)
                | Do::Turn
                | Do::Write(_)
                | Do::Restore(_)
                | Do::Verify
                | Do::End(_),
                _,
            ) => {}
        }
    }

    /// The next step forward: everything that stays, then the check, then what goes.
    fn choose(&self) -> Do {
        let open = |deletes: bool| {
            self.steps.iter().position(|step| step.deletes == deletes && step.phase != Phase::Written)
        };
        match (open(false), self.verified, open(true)) {
            (Some(n), ..) | (None, true, Some(n)) => Do::Look(n),
            (None, false, _) => Do::Verify,
            (None, true, None) => Do::End(End::Verified),
        }
    }

    fn seen(&mut self, n: usize, seen: Seen, tried: Option<Wrote>) {
        let writing = self.steps.get(n).is_some_and(|step| step.phase == Phase::Writing);
        match (writing, seen, tried) {
            (_, _, Some(Wrote::Interleaved)) | (true, Seen::Other, _) => {
                self.turn_to = Some(Why::Failed(EDITED.to_owned()));
                self.at = At::Note(n, Phase::Left, Keep::Found);
            }
            (_, Seen::After | Seen::Both, _) => self.at = At::Note(n, Phase::Written, Keep::After),
            (false, Seen::Before, _) => self.at = At::Note(n, Phase::Writing, Keep::Nothing),
            (false, Seen::Other, _) => self.turn(Why::Conflict(CHANGED.to_owned())),
            // The program ended between the intention and the deed.
            (true, Seen::Before, None) => self.at = At::Move(n),
            (true, Seen::Before, Some(Wrote::Refused(code))) => self.turn(Why::Failed(code.to_owned())),
            (true, Seen::Before, Some(Wrote::Done)) => self.turn(Why::Failed(NOT_KEPT.to_owned())),
        }
    }

    fn turn(&mut self, why: Why) {
        self.way = Way::Back(why);
        self.at = At::Turn;
    }
}

#[cfg(test)]
mod tests;
