//! R29: what is forgotten is in no file any more.

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::Class;
use vestibule_protocol::id::{Fingerprint, TenantId};

use super::*;

const CANARY: &[u8] = b"canary-in-the-attic";
/// How the seed of [`stub`] is written.
const SEED: &[u8] = b"9,9,9,9,9,9,9,9,9,9,9,9";

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
        erasure: Fixed([1; 16]),
        epoch: 3,
    }
}

async fn lived_in() -> House {
    let house = House::new();
    let text = String::from_utf8(CANARY.to_vec()).unwrap();
    house.folder().mint_home_secret(&house.lock(), *b"canary-in-the-attic-is-a-secret!").unwrap();
    std::fs::write(house.root.path().join("ledger.db.damaged-5"), CANARY).unwrap();
    let (store, _) = house.open();
    for i in 0..20 {
        let mut commit = Commit::at(NOW + i);
        commit.put(&AreaKinds([(format!("{text} {i}"), None)].into())).unwrap();
        commit.rows = vec![out(NOW, &format!("{text} {i}"))];
        commit.outbox =
            vec![OutboxChange::Add { id: IntentId([i as u8; 16]), kind: "x".into(), intent: text.clone() }];
        store.commit(commit).await.unwrap();
        store.note_inbound(inbound(NOW, &text)).await.unwrap();
    }
    drop(store);
    assert!(house.contains(CANARY).len() >= 4, "{:?}", house.contains(CANARY));
    house
}

#[tokio::test]
async fn r29_forget_leaves_the_stub_then_nothing() {
    let house = lived_in().await;
    let (store, _) = house.open();
    store.forget_everything_but(NOW, but(stub())).await.unwrap();
    assert_eq!(house.contains(CANARY), ["home_secret"], "while the receipt is awaited the secret stays");
    let left = AgentState { forget_stub: Some(stub()), ..AgentState::default() };
    assert_eq!(store.load(NOW).await.unwrap(), left);
    assert!(!house.contains(SEED).is_empty(), "the device key signs the erasure");
    // The erasure is still sent, and still in the ledger first.
    assert_eq!(store.append(NOW, vec![out(NOW, "erase")], vec![]).await.unwrap(), [1]);
    drop(store);
    let (store, opened) = house.open();
    assert_eq!(opened, Opened::default());
    assert_eq!(store.load(NOW).await.unwrap(), left);

    store.forget_everything_but(NOW, Stays::default()).await.unwrap();
    assert_eq!(house.contains(CANARY), Vec::<String>::new());
    assert_eq!(house.contains(SEED), Vec::<String>::new(), "the device key's seed");
    assert_eq!(house.folder().home_secret().unwrap(), None);
    assert_eq!(store.load(NOW).await.unwrap(), AgentState::default());
    store.append(NOW, vec![out(NOW, "a new life")], vec![]).await.unwrap();
    store.close(NOW).await.unwrap();
    assert_eq!(house.folder().names().unwrap(), ["agent.db", "agent.lock", "ledger.db"]);
    assert_eq!(assert_sound(&house.reader()), 1);
}

#[tokio::test]
async fn what_is_carried_over_outlives_the_stub_and_the_secret() {
    let house = lived_in().await;
    let (store, _) = house.open();
    let kinds = AreaKinds([("a_bbbbbbbbbbbbb".to_owned(), None)].into());
    let excluded = ["e_bbbbbbbbbbbbb".to_owned()].into();
    let carried = Carried { key: Fixed([6; 32]), excluded, kinds };
    for stub in [Some(stub()), None] {
        let stays = Stays { stub: stub.clone(), carried: Some(carried.clone()) };
        store.forget_everything_but(NOW, stays).await.unwrap();
        let left = store.load(NOW).await.unwrap();
        assert_eq!((&left.carried, &left.forget_stub), (&Some(carried.clone()), &stub));
        assert_eq!(
            (left.grants.excluded, left.area_kinds),
            (carried.excluded.clone(), carried.kinds.clone())
        );
        assert!(!left.grants.consent.grants(Class::Structure), "nothing is granted");
    }
    assert_eq!(house.contains(CANARY), Vec::<String>::new());
    assert_eq!(house.folder().home_secret().unwrap(), None);
    store.forget_everything_but(NOW, Stays::default()).await.unwrap();
    assert_eq!(store.load(NOW).await.unwrap(), AgentState::default());
    assert_eq!(house.contains(b"e_bbbbbbbbbbbbb"), Vec::<String>::new());
}

#[tokio::test]
async fn a_forget_that_was_interrupted_is_completed_on_the_next_start() {
    let house = lived_in().await;
    super::super::forget::mark(&house.folder(), &but(stub())).unwrap();
    // As a kill right after the decision leaves it: everything is still there.
    let (store, opened) = house.open();
    assert!(opened.forget_completed && opened.first_start && !opened.ledger_restarted);
    assert_eq!(house.contains(CANARY), ["home_secret"]);
    assert_eq!(store.load(NOW).await.unwrap().forget_stub, Some(stub()));
    drop(store);
    assert!(!house.open().1.forget_completed);
}

#[tokio::test]
async fn a_forget_that_fails_half_way_is_completed_with_the_next_call() {
    let house = lived_in().await;
    let (store, _) = house.open();
    // Something that cannot be removed as a file, in the way of the new database.
    let block = house.root.path().join("agent.db.block");
    std::fs::create_dir(&block).unwrap();
    assert!(store.forget_everything_but(NOW, Stays::default()).await.is_err());
    assert!(store.load(NOW).await.is_err(), "nothing else happens before it is done");
    std::fs::remove_dir(&block).unwrap();
    assert_eq!(store.load(NOW).await.unwrap(), AgentState::default());
    assert_eq!(house.contains(CANARY), Vec::<String>::new());
}

#[test]
fn debug_output_hides_keys_tokens_and_words() {
    assert_eq!(format!("{:?}", stub()), format!("ForgetStub {{ tenant: {}, .. }}", TenantId([1; 32])));
    let token = SessionToken { token: Some(Fixed([7; 16])), ..SessionToken::default() };
    assert_eq!(format!("{token:?}"), "SessionToken { token: true, restored: false, cloned: false }");
    let mut commit = Commit::at(NOW);
    commit.put(&token).unwrap();
    commit.rows.push(out(NOW, "hush"));
    commit.outbox.push(OutboxChange::Add {
        id: IntentId([0; 16]),
        kind: "answer".into(),
        intent: "hush".into(),
    });
    let shown = format!("{commit:?}");
    assert!(shown.contains("session") && shown.contains("answer") && !shown.contains("hush"), "{shown}");
    let state = AgentState {
        grants: Grants { excluded: ["hush".to_owned()].into(), ..Grants::default() },
        area_kinds: AreaKinds([("hush".to_owned(), None)].into()),
        session: token,
        ..AgentState::default()
    };
    assert!(!format!("{state:?}").contains("hush"));
}
