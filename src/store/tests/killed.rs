//! Every kill point of the store: a child process is killed there, and what it leaves is opened again.
//!
//! The child is this test binary, told by its environment to run [`the_life_that_is_cut_short`].

use std::process::Command;

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::{Fingerprint, TenantId};

use super::*;
use crate::kill::KILL_POINTS;

const FOLDER: &str = "VESTIBULE_TEST_KILL_FOLDER";
const ERASURE: IntentId = IntentId([5; 16]);

fn but(stub: ForgetStub) -> Stays {
    Stays { stub: Some(stub), carried: None }
}

fn stub() -> ForgetStub {
    ForgetStub {
        origin: "https://portal.example".into(),
        tenant: TenantId([1; 32]),
        fingerprint: Fingerprint([2; 32]),
        device_key_seed: [9; 32],
        portal_key: Fixed([8; 32]),
        erasure: Fixed(ERASURE.0),
        epoch: 3,
    }
}

/// What the child does: everything that has a kill point.
#[tokio::test]
async fn the_life_that_is_cut_short() {
    let Some(path) = std::env::var_os(FOLDER) else { return };
    let folder = Folder::create(Path::new(&path)).unwrap();
    let lock = Lock::try_acquire(&folder).unwrap().unwrap();
    if folder.home_secret().unwrap().is_none() {
        folder.mint_home_secret(&lock, [7; 32]).unwrap();
    }
    let (store, _) = Store::open(folder, lock, StoreOptions::default(), NOW).unwrap();
    if store.load(NOW).await.unwrap().forget_stub.is_none() {
        let add = OutboxChange::Add { id: ERASURE, kind: "erase".into(), intent: "{}".into() };
        let mut commit = Commit { rows: vec![out(NOW, "canary")], outbox: vec![add], ..Commit::at(NOW) };
        commit.put(&epoch(1)).unwrap();
        drop(store.commit(commit).await);
        store.forget_everything_but(NOW, but(stub())).await.unwrap();
    }
    store.close(NOW).await.unwrap();
}

fn live(folder: &Path, point: &str) -> bool {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::killed::the_life_that_is_cut_short"])
        .env(FOLDER, folder)
        .env("VESTIBULE_TEST_KILL_AT", point)
        .output()
        .unwrap()
        .status;
    // Neither a failed assertion nor anything else may pass for the kill.
    assert!(status.success() || status.code().is_none(), "{point}: {status}");
    status.success()
}

#[test]
fn every_kill_point_of_the_store_leaves_old_or_new() {
    for point in KILL_POINTS.iter().filter(|point| point.starts_with("store.")) {
        let house = House::new();
        if *point == "store.damaged.moved" {
            std::fs::write(
                house.root.path().join("agent.db"),
                "damaged, and long enough to be read as a header",
            )
            .unwrap();
        }
        assert!(!live(house.root.path(), point), "{point} was never reached");

        // Whatever is left opens, is sound, and is either as before the step or as after it.
        let secret = house.folder().home_secret().unwrap();
        assert!(secret.is_none() || secret.unwrap().bytes() == &[7; 32], "{point}");
        let (store, opened) = house.open();
        assert!(opened.damaged.is_empty(), "{point}: {opened:?}");
        drop(store);
        let reader = house.reader();
        let (state, outbox) = (reader.load().unwrap(), reader.outbox().unwrap());
        let rows = reader
            .list(&every(), &[])
            .unwrap()
            .into_iter()
            .filter(|row| row.direction == Direction::Out)
            .count();
        assert_sound(&reader);
        let forgotten = state.forget_stub.is_some();
        assert_eq!(outbox.len() as u64, state.grants.consent.epoch, "{point}: one transaction");
        assert!(outbox.len() <= rows, "{point}: the ledger comes first");
        if forgotten {
            assert_eq!((rows, outbox.len()), (0, 0), "{point}");
            assert_eq!(house.contains(b"canary"), Vec::<String>::new(), "{point}");
        }
        match *point {
            "store.ledger.appended" => assert_eq!((rows, outbox.len()), (1, 0)),
            "store.agent.committed" => assert_eq!((rows, outbox.len()), (1, 1)),
            "store.ledger.written" | "store.agent.written" => assert_eq!((rows, outbox.len()), (0, 0)),
            point if point.starts_with("store.forget.") => assert!(forgotten, "{point}"),
            _ => assert_eq!((rows, forgotten), (0, false), "{point}"),
        }

        if outbox.is_empty() {
            assert!(live(house.root.path(), "none"), "{point}: the next life goes to its end");
            assert_eq!(house.reader().load().unwrap().forget_stub, Some(stub()), "{point}");
        }
    }
}
