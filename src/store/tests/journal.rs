//! The journal comes back as it was written, stays within its limits, and says nothing in logs.

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::DeploymentId;

use super::super::*;
use super::{House, NOW};
use crate::inbound::apply::{Phase, Way};
use crate::inbound::plan::{Image, Target};
use crate::private::Private;

const CANARY: &str = "canary-in-the-hall";

fn id(n: u8) -> DeploymentId {
    DeploymentId::new(u64::from(n), [n; 16])
}

fn row(n: u8) -> DeploymentRow {
    DeploymentRow {
        id: id(n),
        sequence: u64::from(n),
        state: DeploymentState::Applying,
        code: None,
        title: CANARY.into(),
        summary: String::new(),
        author: "Ada".into(),
        persons: vec!["Bo".into()],
        items: vec![ItemRow {
            kind: "dashboard.put".into(),
            name: CANARY.into(),
            thing: None,
            base: None,
            code: None,
            drifted: false,
            enabled: false,
            off: false,
        }],
        not_before: 0,
        expires: 9,
        received_ms: NOW + i64::from(n),
        changed_ms: NOW,
        plan_hash: Some(Fixed([1; 32])),
        approved: None,
        hosts: std::collections::BTreeSet::new(),
        asked_again: false,
        work: Some(Work { way: Way::Forward, verified: false, deadline: NOW, stood: None }),
        ended: Some(Ended { verified_ms: NOW }),
        repairs: None,
        undoable: true,
    }
}

pub(super) fn desk() -> Desk {
    Desk {
        trusting: Trusting { clock_floor: 7, last_sequence: 8, ..Trusting::default() },
        deployments: vec![row(1), row(2)],
        questions: vec![QuestionRow {
            id: Fixed([1; 16]),
            question: CANARY.into(),
            candidates: vec!["e_aaaaaaaaaaaaa".parse().unwrap()],
            expires: 5,
            state: QuestionState::Open,
            choice: None,
            received_ms: NOW,
        }],
        requests: vec![RequestRow {
            id: Fixed([2; 16]),
            text: CANARY.into(),
            rooms: vec![],
            state: RequestState::Made,
            made_ms: NOW,
        }],
    }
}

pub(super) fn fill(commit: &mut Commit, desk: &Desk) {
    commit.put(&desk.trusting).unwrap();
    // Written in another order than they are read back.
    commit
        .journal
        .extend(desk.deployments.iter().rev().map(|row| JournalChange::Deployment(Box::new(row.clone()))));
    commit.journal.extend(desk.questions.iter().cloned().map(JournalChange::Question));
    commit.journal.extend(desk.requests.iter().cloned().map(JournalChange::Request));
}

fn step(n: u32, phase: Phase) -> StepRow {
    StepRow {
        n,
        state: StepState { item: 0, phase, thing: None, entity: None, deletes: false },
        target: Target::DashboardConfig { url_path: Private::new("a-b".into()) },
        before: Image::Absent,
        after: Image::Present(Private::new(CANARY.repeat(2_000).into())),
        beside: None,
        found: None,
    }
}

#[tokio::test]
async fn steps_keep_their_images() {
    let house = House::new();
    let (store, _) = house.open();
    let mut commit = Commit::at(NOW);
    fill(&mut commit, &desk());
    let steps = vec![step(0, Phase::Planned), step(1, Phase::Planned)];
    commit.journal.push(JournalChange::Steps(id(1), steps.clone()));
    commit.journal.push(JournalChange::Envelope(id(1), b"signed".to_vec()));
    commit.journal.push(JournalChange::Plan(id(1), Some(Private::new("{}".into()))));
    assert!(!format!("{commit:?} {:?}", desk()).contains(CANARY), "{commit:?}");
    store.commit(commit).await.unwrap();
    assert_eq!(store.steps(NOW, id(1)).await.unwrap(), steps);
    assert_eq!(store.envelope(NOW, id(1)).await.unwrap().unwrap(), b"signed");
    assert_eq!(store.plan(NOW, id(1)).await.unwrap(), Some(Private::new("{}".into())));

    let state = StepState { phase: Phase::Written, ..steps[1].state.clone() };
    let found = Some(Image::Present(Private::new("".into())));
    let target = Target::Resource { element: "x".into(), id: Some(Private::new("1".into())) };
    let mut commit = Commit::at(NOW);
    let note = StepNote {
        n: 1,
        state: state.clone(),
        target: Some(target.clone()),
        beside: None,
        after: None,
        found: found.clone(),
    };
    commit.journal.push(JournalChange::Step(id(1), note));
    store.commit(commit).await.unwrap();
    let wanted = vec![steps[0].clone(), StepRow { state, found, target, ..steps[1].clone() }];
    assert_eq!(store.steps(NOW, id(1)).await.unwrap(), wanted, "what is not named stays");
    assert_eq!(house.reader().steps(id(1)).unwrap(), wanted);

    let mut commit = Commit::at(NOW);
    commit.journal.push(JournalChange::DropSteps(id(1)));
    commit.journal.push(JournalChange::Drop(id(2)));
    store.commit(commit).await.unwrap();
    assert_eq!(store.steps(NOW, id(1)).await.unwrap(), []);
    assert_eq!(store.load(NOW).await.unwrap().desk.deployments, [row(1)]);
}

#[tokio::test]
async fn readings_of_staff_are_kept_once_and_within_limits() {
    let house = House::new();
    let (store, _) = house.open();
    let read = |n: u64| ReadRow { n, time: n, who: "Ada".into(), what: "snapshot".into() };
    for from in [0, 500] {
        let mut commit = Commit::at(NOW);
        commit.journal.push(JournalChange::Reads((from..from + 1_000).map(read).collect()));
        store.commit(commit).await.unwrap();
    }
    let kept = store.reads(NOW).await.unwrap();
    assert_eq!(kept.len(), READS);
    assert_eq!((kept[0].n, kept[READS - 1].n), (1_499, 500));
}
