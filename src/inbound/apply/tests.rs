//! The walk on a model home: every way it can go, killed at every prefix.

use proptest::prelude::*;

use super::*;

/// What stands in a document of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doc {
    Old,
    New,
    Foreign,
}

/// What goes wrong at a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Refuse,
    Lose,
    Interleave,
}

/// A home, and the journal beside it.
#[derive(Debug, Clone)]
struct Model {
    docs: Vec<Doc>,
    journal: Vec<Step>,
    way: Way,
    verified: bool,
    /// The n-th write fails like this.
    fault: Option<(usize, Fault)>,
    writes: usize,
    /// After so many things done somebody edits this document.
    edit: Option<(usize, usize)>,
    edited: bool,
    done: usize,
    /// Documents that were deleted although something before them had not been verified.
    complains: bool,
}

impl Model {
    fn new(deletes: &[bool]) -> Self {
        Self {
            docs: vec![Doc::Old; deletes.len()],
            journal: deletes
                .iter()
                .zip(0..)
                .map(|(deletes, item)| Step { phase: Phase::Planned, deletes: *deletes, item })
                .collect(),
            way: Way::Forward,
            verified: false,
            fault: None,
            writes: 0,
            edit: None,
            edited: false,
            done: 0,
            complains: false,
        }
    }

    fn walk(&self) -> Walk {
        Walk::new(self.journal.clone(), self.way.clone(), self.verified)
    }

    fn write(&mut self, n: usize, to: Doc) -> Wrote {
        self.writes += 1;
        match self.fault.filter(|(nth, _)| *nth == self.writes).map(|(_, fault)| fault) {
            Some(Fault::Refuse) => return Wrote::Refused("invalid_format"),
            Some(Fault::Lose) => return Wrote::Done,
            Some(Fault::Interleave) => {
                self.docs[n] = Doc::Foreign;
                self.edited = true;
                return Wrote::Interleaved;
            }
            None => self.docs[n] = to,
        }
        Wrote::Done
    }

    /// Does one thing; `None` at the end. `forget` loses the answer, as a kill right after the deed does.
    fn step(&mut self, walk: &mut Walk, forget: bool) -> Option<End> {
        if let Some((at, n)) = self.edit
            && at == self.done
            && !self.edited
        {
            self.docs[n] = Doc::Foreign;
            self.edited = true;
        }
        self.done += 1;
        let heard = match walk.next() {
            Do::Look(n) => Heard::Seen(match self.docs[n] {
                Doc::Old => Seen::Before,
                Doc::New => Seen::After,
                Doc::Foreign => Seen::Other,
            }),
            Do::Note(n, phase, _) => {
                self.journal[n].phase = phase;
                Heard::Durable
            }
            Do::Turn => {
                self.way = walk.way().clone();
                self.verified = walk.verified();
                Heard::Durable
            }
            Do::Write(n) => {
                if self.journal[n].deletes {
                    assert!(self.verified, "R44: nothing is deleted before all else is verified");
                }
                assert_eq!(self.journal[n].phase, Phase::Writing, "the intention is durable first");
                Heard::Wrote(self.write(n, Doc::New))
            }
            Do::Restore(n) => {
                assert_eq!(self.journal[n].phase, Phase::Restoring, "the intention is durable first");
                Heard::Wrote(self.write(n, Doc::Old))
            }
            Do::Verify => Heard::Verified(if self.complains { Err("verify_failed") } else { Ok(()) }),
            Do::End(end) => return Some(end),
        };
        if !forget {
            walk.hear(heard);
        }
        None
    }

    /// Runs to the end, killed once after so many things done.
    fn run(&mut self, kill: Option<usize>) -> End {
        let mut walk = self.walk();
        for count in 0..1_000 {
            let killed = kill == Some(count);
            if let Some(end) = self.step(&mut walk, killed) {
                return end;
            }
            if killed {
                walk = self.walk();
            }
        }
        panic!("it never ends: {walk:?}")
    }

    fn all(&self, doc: Doc) -> bool {
        self.docs.iter().all(|found| *found == doc)
    }
}

#[test]
fn everything_is_written_in_order_and_deletions_come_last() {
    let mut model = Model::new(&[true, false, false]);
    assert_eq!(model.run(None), End::Verified);
    assert!(model.all(Doc::New));
}

#[test]
fn r42_old_or_new_whatever_prefix_is_killed() {
    for fault in [None, Some(Fault::Refuse), Some(Fault::Lose)] {
        for nth in 1..5 {
            for kill in 0..60 {
                let mut model = Model::new(&[false, true, false]);
                model.fault = fault.map(|fault| (nth, fault));
                let end = model.run(Some(kill));
                match end {
                    End::Verified => assert!(model.all(Doc::New)),
                    End::RolledBack(_) => assert!(model.all(Doc::Old), "{fault:?} {nth} {kill}"),
                    End::Conflict(_) | End::Undone | End::NeedsOwner(_) | End::Unsafe(_) => {
                        panic!("{fault:?} {nth} {kill}: {end:?}")
                    }
                }
            }
        }
    }
}

#[test]
fn what_complains_is_rolled_back() {
    let mut model = Model::new(&[false, false, true]);
    model.complains = true;
    assert_eq!(model.run(None), End::RolledBack("verify_failed".into()));
    assert!(model.all(Doc::Old));
}

#[test]
fn an_edit_before_the_write_is_a_conflict_and_stays() {
    let mut model = Model::new(&[false, false]);
    model.docs[1] = Doc::Foreign;
    assert_eq!(model.run(None), End::Conflict(CHANGED.into()));
    assert_eq!(model.docs, [Doc::Old, Doc::Foreign]);
}

#[test]
fn r41_an_edit_in_the_round_trip_of_a_write_needs_the_owner() {
    let mut model = Model::new(&[false, false]);
    model.fault = Some((2, Fault::Interleave));
    assert_eq!(model.run(None), End::NeedsOwner(EDITED.into()));
    assert_eq!(model.docs, [Doc::Old, Doc::Foreign]);
}

#[test]
fn an_undo_takes_everything_back_or_touches_nothing() {
    let mut model = Model::new(&[false, true]);
    assert_eq!(model.run(None), End::Verified);
    model.way = Way::Back(Why::Undo { overwrite: false });
    assert_eq!(model.clone().run(None), End::Undone);
    model.docs[0] = Doc::Foreign;
    let mut cautious = model.clone();
    assert_eq!(cautious.run(None), End::Unsafe(vec![0]));
    assert_eq!(cautious.docs, [Doc::Foreign, Doc::New], "nothing was touched");
    model.way = Way::Back(Why::Undo { overwrite: true });
    assert_eq!(model.run(None), End::Undone);
    assert!(model.all(Doc::Old));
}

#[test]
fn late_is_back() {
    let mut model = Model::new(&[false, false]);
    let mut walk = model.walk();
    while model.journal[0].phase != Phase::Written {
        assert_eq!(model.step(&mut walk, false), None);
    }
    assert!(!walk.clone().late() || walk.at == At::Choose);
    while !walk.late() {
        assert_eq!(model.step(&mut walk, false), None);
    }
    let end = loop {
        if let Some(end) = model.step(&mut walk, false) {
            break end;
        }
    };
    assert_eq!(end, End::RolledBack(DEADLINE.into()));
    assert!(model.all(Doc::Old));
    let mut done = Model::new(&[]).walk();
    done.verified = true;
    assert!(!done.late(), "what is over is not late");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Promise 7: whenever somebody edits, that edit stands at the end, and everything else is as before or all is new.
    #[test]
    fn an_edit_is_never_overwritten(
        deletes in proptest::collection::vec(any::<bool>(), 1..4),
        edit in (0..60_usize, 0..4_usize),
        kill in proptest::option::of(0..60_usize),
        fault in proptest::option::of((1..6_usize, prop_oneof![Just(Fault::Refuse), Just(Fault::Lose)])),
    ) {
        let mut model = Model::new(&deletes);
        let n = edit.1 % deletes.len();
        model.edit = Some((edit.0, n));
        model.fault = fault;
        let before_write = |model: &Model| model.journal[n].phase;
        // The model edits between two things that are done, so between a look and its write too: that one moment is the promise's limit,
        // and there the edit is seen by the event, which the model plays as an interleaved write.
        let mut walk = model.walk();
        let mut end = None;
        for count in 0..1_000 {
            if let (Do::Note(m, Phase::Writing | Phase::Restoring, _), false) = (walk.next(), model.edited)
                && m == n && model.edit.is_some_and(|(at, _)| at >= model.done && at <= model.done + 1) {
                model.edit = Some((model.done + 2, n));
            }
            if let (Do::Write(m) | Do::Restore(m), false) = (walk.next(), model.edited)
                && m == n && model.edit.is_some_and(|(at, _)| at == model.done) {
                model.edit = Some((model.done + 1, n));
            }
            let killed = kill == Some(count);
            end = model.step(&mut walk, killed);
            if end.is_some() { break; }
            if killed { walk = model.walk(); }
        }
        let end = end.unwrap();
        if model.edited {
            prop_assert_eq!(model.docs[n], Doc::Foreign, "{:?} {:?}", before_write(&model), end);
            let others: Vec<Doc> = model.docs.iter().enumerate().filter(|(m, _)| *m != n).map(|(_, doc)| *doc).collect();
            match end {
                End::Verified => prop_assert!(others.iter().all(|doc| *doc == Doc::New)),
                End::RolledBack(_) | End::Conflict(_) | End::NeedsOwner(_) => {
                    prop_assert!(others.iter().all(|doc| *doc == Doc::Old) || fault.is_some(), "{:?}", others);
                }
                End::Undone | End::Unsafe(_) => prop_assert!(false, "{:?}", end),
            }
        } else {
            match end {
                End::Verified => prop_assert!(model.all(Doc::New)),
                End::RolledBack(_) => prop_assert!(model.all(Doc::Old) || fault.is_some()),
                End::NeedsOwner(_) => prop_assert!(fault.is_some(), "only a failed restoring"),
                End::Undone | End::Unsafe(_) | End::Conflict(_) => prop_assert!(false, "{:?}", end),
            }
        }
    }
}

/// R42: with a new dashboard's record would go what somebody has put into it.
#[test]
fn r42_an_item_that_holds_somebody_elses_work_stays_as_a_whole() {
    let step = |phase| Step { phase, deletes: false, item: 0 };
    for contents in [Phase::Planned, Phase::Writing, Phase::Written] {
        let steps = vec![step(Phase::Written), step(contents)];
        let mut walk = Walk::new(steps, Way::Back(Why::Failed("deadline".into())), false);
        let mut looked = Vec::new();
        let end = loop {
            match walk.next() {
                Do::Look(n) => {
                    looked.push(n);
                    walk.hear(Heard::Seen(if n == 1 { Seen::Other } else { Seen::After }));
                }
                Do::Note(..) | Do::Turn => walk.hear(Heard::Durable),
                Do::End(end) => break end,
                other @ (Do::Write(_) | Do::Restore(_) | Do::Verify) => panic!("{contents:?}: {other:?}"),
            }
        };
        assert_eq!((looked, end), (vec![1, 0], End::NeedsOwner("deadline".into())), "{contents:?}");
    }
}
