//! Opening, closing, state, readers beside the writer, and quiet while nothing happens.

use std::collections::{BTreeMap, BTreeSet};

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::{Change, Class, Consent, Policy};
use vestibule_protocol::id::{Fingerprint, TenantId};

use super::*;
use crate::portal::budget::Budget;

fn pairing() -> Pairing {
    Pairing {
        tenant: TenantId([1; 32]),
        tenant_name: "Example".into(),
        origin: "https://portal.example".into(),
        portal_key: Fixed([1; 32]),
        fingerprint: Fingerprint([2; 32]),
        paired_at: NOW,
        preview: Fixed([2; 32]),
    }
}

fn everything() -> (Commit, AgentState) {
    let mut budget = Budget::default();
    budget.spend(NOW, 1.0);
    let state = AgentState {
        pairing: Some(pairing()),
        grants: Grants {
            consent: Consent {
                epoch: 3,
                classes: vec![Class::Structure],
                withdrawn: BTreeMap::from([(Class::Names, 2)]),
                changes: BTreeMap::from([(Change::Dashboards, Policy::Ask)]),
                restricted: true,
            },
            excluded: BTreeSet::from(["integration/hue".to_owned()]),
        },
        session: SessionToken {
            token: Some(Fixed([3; 16])),
            done: Some(Fixed([4; 16])),
            sent: vec![Fixed([5; 16])],
            restored: true,
            cloned: false,
        },
        ordinals: Ordinals {
            scopes: vec![(1, 3), (u64::MAX, 8)],
            given: vec![
                Ordinal { id: 0, scope: 1, n: 2 },
                Ordinal { id: 5, scope: u64::MAX, n: 7 },
                Ordinal { id: u64::MAX, scope: 1, n: 0 },
            ],
        },
        orphans: Orphans { ids: vec![u64::MAX, 0, 9], refreshed_at: Some(NOW) },
        delays: vec![
            Delay { id: u64::MAX, since: NOW, going: true },
            Delay { id: 4, since: -1, going: false },
        ],
        area_kinds: AreaKinds(BTreeMap::from([
            ("den".to_owned(), Some("office".to_owned())),
            ("x".to_owned(), None),
        ])),
        budget,
        forget_stub: None,
        carried: None,
        notices: serde_json::from_str(r#"{"told":{"away":["5"]},"away_since":5,"stuck":null}"#).unwrap(),
        desk: super::journal::desk(),
    };
    let mut commit = Commit::at(NOW);
    commit.put(state.pairing.as_ref().unwrap()).unwrap();
    commit.put(&state.grants).unwrap();
    commit.put(&state.session).unwrap();
    commit.put(&state.area_kinds).unwrap();
    commit.put(&state.budget).unwrap();
    commit.put(&state.notices).unwrap();
    commit.ordinals.clone_from(&state.ordinals.given);
    commit.orphans = Some(state.orphans.clone());
    commit.delays = Some(state.delays.clone());
    super::journal::fill(&mut commit, &state.desk);
    (commit, state)
}

#[tokio::test]
async fn all_state_comes_back_after_a_restart() {
    let house = House::new();
    assert_eq!(house.reader().load().unwrap(), AgentState::default(), "nothing there yet");
    let (store, opened) = house.open();
    assert_eq!(opened, Opened { first_start: true, ..Opened::default() });
    assert_eq!(store.load(NOW).await.unwrap(), AgentState::default());
    let (commit, state) = everything();
    store.commit(commit).await.unwrap();
    assert_eq!(store.load(NOW).await.unwrap(), state);
    assert_eq!(house.reader().load().unwrap(), state);
    drop(store);
    let (store, opened) = house.open();
    assert_eq!(opened, Opened::default());
    assert_eq!(store.load(NOW).await.unwrap(), state);
    let mut commit = Commit::at(NOW);
    commit.remove::<Pairing>();
    store.commit(commit).await.unwrap();
    assert_eq!(store.load(NOW).await.unwrap(), AgentState { pairing: None, ..state });
    assert!(store.get_json(NOW, "grants".into()).await.unwrap().is_some(), "the rest stays");
}

#[tokio::test]
async fn an_ordinal_is_never_given_twice() {
    let house = House::new();
    let (store, _) = house.open();
    let give = |ordinals| Commit { ordinals, ..Commit::at(NOW) };
    store.commit(give(vec![Ordinal { id: 1, scope: 1, n: 4 }])).await.unwrap();
    store
        .commit(give(vec![Ordinal { id: 1, scope: 2, n: 0 }, Ordinal { id: 2, scope: 1, n: 2 }]))
        .await
        .unwrap();
    let ordinals = store.load(NOW).await.unwrap().ordinals;
    assert_eq!(ordinals.scopes, [(1, 5), (2, 1)], "the next number never falls");
    assert_eq!(ordinals.given, [Ordinal { id: 1, scope: 2, n: 0 }, Ordinal { id: 2, scope: 1, n: 2 }]);
}

#[tokio::test]
async fn many_ordinals_at_once() {
    let house = House::new();
    let (store, _) = house.open();
    let given: Vec<Ordinal> = (0..50_000_u32)
        .map(|n| Ordinal {
            id: u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            scope: u64::from(n % 7),
            n: n / 7,
        })
        .collect();
    store.commit(Commit { ordinals: given.clone(), ..Commit::at(NOW) }).await.unwrap();
    let loaded = store.load(NOW).await.unwrap().ordinals;
    assert_eq!((loaded.given.len(), loaded.scopes.len()), (50_000, 7));
    assert_eq!(loaded.given.capacity(), 50_000);
    assert!(loaded.given.is_sorted());
}

#[tokio::test]
async fn nothing_is_written_while_nothing_happens() {
    let house = House::new();
    let (store, _) = house.open();
    let (commit, _) = everything();
    store.commit(Commit { rows: vec![out(NOW, "x")], ..commit }).await.unwrap();
    let before = house.files();
    for hour in 0..48 {
        store.flush(NOW + hour * HOUR, vec![]).await.unwrap();
    }
    assert!(house.files() == before, "idle, but a file changed");
    // Readers meet in the shared memory, which is a file too; the others stay as they are.
    let settled = || {
        let mut files = house.files();
        files.retain(|name, _| !name.ends_with("-shm"));
        files
    };
    let before = settled();
    for hour in 0..48 {
        let now = NOW + hour * HOUR;
        store.load(now).await.unwrap();
        store.outbox(now).await.unwrap();
        store.usage(now, 0, vec![]).await.unwrap();
        store.verify(now).await.unwrap();
    }
    assert!(settled() == before, "only read, but a file changed");
}

#[test]
fn an_empty_commit_changes_no_row() {
    let house = House::new();
    let mut databases = house.databases();
    let before = (databases.connections().0.total_changes(), databases.connections().1.total_changes());
    databases
        .commit_all(&[&Commit::at(NOW), &Commit::at(NOW + 100 * DAY)])
        .into_iter()
        .for_each(|done| drop(done.unwrap()));
    assert_eq!(
        (databases.connections().0.total_changes(), databases.connections().1.total_changes()),
        before
    );
}

#[tokio::test]
async fn the_thread_groups_what_queues_and_answers_each() {
    let house = House::new();
    let (store, _) = Store::open(house.folder(), house.lock(), house.options, NOW).unwrap();
    assert!(Lock::try_acquire(&house.folder()).unwrap().is_none(), "the thread holds the lock");
    let mut tasks = Vec::new();
    for i in 0..200_u8 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut commit = Commit::at(NOW);
            commit.rows.push(NewRow::out(NOW, "push", Arc::new(vec![i])));
            // Every tenth asks for something impossible, and must not take its neighbours with it.
            if i % 10 == 0 {
                commit.outbox.push(OutboxChange::Acknowledge(IntentId([i; 16])));
            }
            (i, store.commit(commit).await)
        }));
    }
    let mut seen = BTreeMap::new();
    for task in tasks {
        let (i, result) = task.await.unwrap();
        if i % 10 == 0 {
            assert_eq!(result, Err(StoreError::OutboxUnknown));
        } else {
            seen.insert(result.unwrap()[0], i);
        }
    }
    assert_eq!(seen.len(), 180);
    let reader = house.reader();
    for (seq, i) in &seen {
        assert_eq!(reader.get(*seq, &[]).unwrap().unwrap().bytes, Some(vec![*i]));
    }
    assert_eq!(assert_sound(&reader), 180);
    drop(reader);
    store.clone().close(NOW).await.unwrap();
    assert_eq!(store.append(NOW, vec![], vec![]).await, Err(StoreError::Closed));
    assert!(Lock::try_acquire(&house.folder()).unwrap().is_some(), "released");
    assert!(!house.root.path().join("ledger.db-wal").exists(), "closed cleanly");
}

#[tokio::test]
async fn the_caller_gets_its_frame_back_for_sending() {
    let house = House::new();
    let (store, _) = Store::open(house.folder(), house.lock(), house.options, NOW).unwrap();
    let frame = Arc::new(vec![1; 1 << 20]);
    store.append(NOW, vec![NewRow::out(NOW, "batch", Arc::clone(&frame))], vec![]).await.unwrap();
    assert_eq!(Arc::try_unwrap(frame).unwrap().len(), 1 << 20);
}

#[tokio::test]
async fn two_readers_look_while_the_writer_writes() {
    let house = House::new();
    let (store, _) = Store::open(house.folder(), house.lock(), house.options, NOW).unwrap();
    store.append(NOW, vec![out(NOW, "first")], vec![]).await.unwrap();
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (folder, done) = (house.folder(), Arc::clone(&done));
            std::thread::spawn(move || {
                let (mut last, mut rounds) = (0, 0);
                while !done.load(std::sync::atomic::Ordering::SeqCst) || rounds == 0 {
                    let reader = Reader::open(&folder).unwrap();
                    let rows = assert_sound(&reader);
                    assert!(rows >= last, "rows vanished");
                    reader.load().unwrap();
                    (last, rounds) = (rows, rounds + 1);
                }
                last
            })
        })
        .collect();
    for i in 0..300 {
        store.append(NOW + i, vec![out(NOW + i, &"frame ".repeat(300))], vec![]).await.unwrap();
    }
    done.store(true, std::sync::atomic::Ordering::SeqCst);
    for reader in readers {
        assert!(reader.join().unwrap() >= 1);
    }
    assert_eq!(assert_sound(&house.reader()), 301);
}

#[tokio::test]
async fn readers_work_without_a_daemon_and_without_a_log() {
    let house = House::new();
    let (store, _) = house.open();
    let (commit, state) = everything();
    store.commit(commit).await.unwrap();
    store.close(NOW).await.unwrap();
    assert!(!house.root.path().join("agent.db-wal").exists());
    assert_eq!(house.reader().load().unwrap(), state);
    // And the agent starts again afterwards.
    let (store, _) = house.open();
    assert_eq!(store.load(NOW).await.unwrap(), state);
}

#[tokio::test]
async fn a_dropped_store_and_a_copy_taken_meanwhile_are_complete() {
    let house = House::new();
    let (store, _) = house.open();
    let (commit, state) = everything();
    let rows = vec![out(NOW, "first"), out(NOW, "second")];
    store.commit(Commit { rows, ..commit }).await.unwrap();
    // What a power cut would leave, the log included.
    let copy = House::new();
    house.copy_to(copy.root.path());
    store.append(NOW, vec![out(NOW, "third")], vec![]).await.unwrap();
    drop(store);

    // Whoever looks first, with the agent still dead, sees what is only in the log.
    assert_eq!(copy.reader().load().unwrap(), state);
    assert_eq!(assert_sound(&copy.reader()), 2);
    let (store, opened) = copy.open();
    assert_eq!(opened, Opened::default());
    assert_eq!(store.load(NOW).await.unwrap(), state);
    assert_eq!(assert_sound(&copy.reader()), 2);
    assert_eq!(store.append(NOW, vec![out(NOW, "else")], vec![]).await.unwrap(), [3]);
    house.open();
    assert_eq!(assert_sound(&house.reader()), 3);
}
