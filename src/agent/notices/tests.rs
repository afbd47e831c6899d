//! Weeks of a home, minute by minute: what the owner is told, and what is written.

use super::*;
use crate::problem;
use crate::store::IntentId;

const MINUTE: i64 = 60 * 1000;
const HOUR: i64 = 60 * MINUTE;

/// A home that is told things, minute by minute.
struct Owner {
    desk: Desk,
    outbox: Vec<Intent>,
    problem: Option<Problem>,
    notices: Notices,
    kept: Notices,
    now_ms: i64,
    writes: u32,
    told: Vec<(i64, Kind, bool)>,
}

impl Owner {
    fn new() -> Self {
        let (desk, outbox, told) = (Desk::default(), Vec::new(), Vec::new());
        let (notices, kept) = (Notices::default(), Notices::default());
        Self { desk, outbox, problem: None, notices, kept, now_ms: 1_000 * HOUR, writes: 0, told }
    }

    /// So many minutes pass, each as `change` makes it.
    fn minutes(&mut self, minutes: i64, change: impl Fn(&mut Now<'_>)) {
        for _ in 0..minutes {
            self.now_ms += MINUTE;
            let mut now = Now {
                now_ms: self.now_ms,
                paired: true,
                connected: true,
                in_sync: true,
                trying_ms: i64::MAX,
                restricted: false,
                problem: self.problem.as_ref(),
                restored: false,
                cloned: false,
                desk: &self.desk,
                outbox: &self.outbox,
            };
            change(&mut now);
            let keep = self.notices.follow(&now, &self.kept);
            let due = self.notices.due(&now);
            self.told.extend(due.iter().map(|it| (self.now_ms, it.kind, !it.matters.is_empty())));
            let kept = keep || !due.is_empty();
            self.notices.done(due, self.now_ms);
            assert!(self.notices.due(&now).is_empty(), "what was done is done");
            if kept {
                self.writes += 1;
                self.kept = self.notices.clone();
            }
        }
    }

    fn restart(&mut self) {
        self.notices = serde_json::from_str(&serde_json::to_string(&self.kept).unwrap()).unwrap();
    }

    fn short(&self) -> Vec<(Kind, bool)> {
        self.told.iter().map(|(_, kind, on)| (*kind, *on)).collect()
    }
}

fn away(now: &mut Now<'_>) {
    (now.connected, now.in_sync) = (false, false);
}

#[test]
fn a_quiet_week_is_quiet_and_writes_nothing() {
    let mut owner = Owner::new();
    owner.minutes(7 * 24 * 60, |_| ());
    assert_eq!((owner.told.len(), owner.writes), (0, 0));
    // Nor do outages of some minutes.
    for _ in 0..100 {
        owner.minutes(9, away);
        owner.minutes(1, |_| ());
    }
    assert_eq!((owner.told.len(), owner.writes), (0, 0));
}

#[test]
fn a_day_of_silence_is_told_once_across_restarts_and_taken_away() {
    let mut owner = Owner::new();
    let begun = owner.now_ms;
    for _ in 0..30 {
        owner.minutes(97, away);
        owner.restart();
    }
    assert_eq!(owner.short(), [(Kind::Away, true)]);
    assert!(owner.told[0].0 - begun <= AWAY_MS + 2 * MINUTE, "{:?}", owner.told);
    owner.minutes(1, |_| ());
    assert_eq!(owner.short(), [(Kind::Away, true), (Kind::Away, false)]);
    assert_eq!(owner.writes, 3, "the outage, the telling, the taking away");
}

/// A computer without a clock of its own starts in the past, and finds the time together with the portal.
#[test]
fn a_clock_that_jumps_makes_no_day() {
    let mut owner = Owner::new();
    owner.minutes(1, away);
    owner.now_ms += 1_000 * HOUR;
    owner.minutes(5, |now| {
        away(now);
        now.trying_ms = 6 * MINUTE;
    });
    assert_eq!(owner.told, []);
    owner.now_ms -= 3_000 * HOUR;
    owner.minutes(23 * 60, away);
    assert_eq!(owner.told, []);
}

#[test]
fn what_does_not_pass_by_itself_is_told_after_half_an_hour_and_once_a_day() {
    let erased = problem::refused(vestibule_protocol::message::RefusalCode::Erased);
    let mut owner = Owner::new();
    owner.problem = Some(erased.clone());
    owner.minutes(29, away);
    assert_eq!(owner.told, []);
    owner.restart();
    // A day without a connection is the same trouble, and no second notice.
    owner.minutes(30 * 60, away);
    assert_eq!(owner.short(), [(Kind::Stuck, true)]);
    owner.problem = None;
    owner.minutes(1, |_| ());
    assert_eq!(owner.short(), [(Kind::Stuck, true), (Kind::Stuck, false)]);
    // Again and again for two days, an hour each time.
    owner.told.clear();
    for _ in 0..48 {
        owner.problem = Some(erased.clone());
        owner.minutes(50, away);
        owner.problem = None;
        owner.minutes(10, |_| ());
    }
    let told = owner.short().iter().filter(|it| **it == (Kind::Stuck, true)).count();
    assert!((1..=2).contains(&told), "{:?}", owner.told);
    // What helps by itself in between is nothing to tell.
    let mut owner = Owner::new();
    for _ in 0..20 {
        owner.problem = Some(erased.clone());
        owner.minutes(20, away);
        owner.problem = Some(problem::refused(vestibule_protocol::message::RefusalCode::Unavailable));
        owner.minutes(20, away);
    }
    assert_eq!(owner.told, []);
}

#[test]
fn a_copy_a_restore_and_an_item_that_cannot_be_delivered() {
    let mut owner = Owner::new();
    owner.minutes(600, |now| now.restored = true);
    owner.restart();
    owner.minutes(600, |now| (now.restored, now.cloned) = (true, true));
    owner.minutes(60, |_| ());
    let restored = [(Kind::Restored, true)];
    let cloned = [(Kind::Cloned, true), (Kind::Restored, false), (Kind::Cloned, false)];
    assert_eq!(owner.short(), [&restored[..], &cloned[..]].concat());
    owner.told.clear();
    owner.outbox.push(Intent {
        id: IntentId([7; 16]),
        kind: "consent".into(),
        intent: "{}".into(),
        state: State::Wedged,
        reason: None,
        attempts: 1,
        queued_at: 0,
        changed_at: 0,
    });
    owner.minutes(600, |_| ());
    assert_eq!(owner.short(), [(Kind::Stuck, true)]);
    owner.outbox.clear();
    owner.minutes(5, |_| ());
    assert_eq!(owner.short(), [(Kind::Stuck, true), (Kind::Stuck, false)]);
}

/// While processing is restricted nobody is called to decide, but what is over goes.
#[test]
fn a_pause_is_a_pause_for_notices_too() {
    use vestibule_protocol::bytes::Fixed;
    let question = crate::store::QuestionRow {
        id: Fixed([3; 16]),
        question: "Which?".into(),
        candidates: Vec::new(),
        expires: 0,
        state: QuestionState::Open,
        choice: None,
        received_ms: 0,
    };
    let mut owner = Owner::new();
    owner.desk.questions.push(question);
    owner.minutes(60, |now| now.restricted = true);
    assert_eq!(owner.told, []);
    owner.minutes(60, |_| ());
    assert_eq!(owner.short(), [(Kind::Questions, true)]);
    owner.desk.questions.clear();
    owner.minutes(60, |now| now.restricted = true);
    assert_eq!(owner.short(), [(Kind::Questions, true), (Kind::Questions, false)]);
    // Nobody is paired any more.
    owner.minutes(60, |now| (now.paired, now.cloned) = (false, true));
    assert_eq!(owner.told.len(), 2);
}
