//! Intents through restarts, and in step with the ledger.

use super::*;

const A: IntentId = IntentId([0xa; 16]);
const B: IntentId = IntentId([0xb; 16]);

fn add(id: IntentId, kind: &str) -> OutboxChange {
    OutboxChange::Add { id, kind: kind.into(), intent: format!(r#"{{"kind":"{kind}"}}"#) }
}

async fn change(store: &Store, now: i64, changes: Vec<OutboxChange>) -> Result<(), StoreError> {
    store.commit(Commit { outbox: changes, ..Commit::at(now) }).await.map(drop)
}

async fn states(store: &Store) -> Vec<(IntentId, State, u32, Option<String>)> {
    let all = store.outbox(NOW).await.unwrap();
    all.into_iter().map(|intent| (intent.id, intent.state, intent.attempts, intent.reason)).collect()
}

#[tokio::test]
async fn an_intent_from_queue_to_acknowledgement_through_a_restart() {
    let house = House::new();
    let (store, _) = house.open();
    change(&store, NOW, vec![add(A, "consent"), add(B, "erase")]).await.unwrap();
    assert_eq!(store.next_intent(NOW).await.unwrap().unwrap().id, A);
    change(&store, NOW + 1, vec![OutboxChange::MarkInFlight(A)]).await.unwrap();
    assert_eq!(store.next_intent(NOW).await.unwrap().unwrap().id, B, "one in flight is not sent again");
    drop(store);

    let (store, _) = house.open();
    let next = store.next_intent(NOW).await.unwrap().unwrap();
    assert_eq!((next.id, next.attempts, next.kind.as_str()), (A, 1, "consent"), "same id, old place");
    assert_eq!(
        (next.queued_at, next.changed_at, next.intent.as_str()),
        (NOW, NOW + 1, r#"{"kind":"consent"}"#)
    );
    change(&store, NOW, vec![OutboxChange::MarkInFlight(A), OutboxChange::Acknowledge(A)]).await.unwrap();
    change(&store, NOW, vec![OutboxChange::Wedge(B, "refused".into())]).await.unwrap();
    assert_eq!(
        states(&store).await,
        [(A, State::Acknowledged, 2, None), (B, State::Wedged, 0, Some("refused".into()))]
    );
    assert_eq!(store.next_intent(NOW).await.unwrap(), None, "a wedged one is not sent");
    assert_eq!(house.reader().outbox().unwrap(), store.outbox(NOW).await.unwrap());

    change(
        &store,
        NOW,
        vec![OutboxChange::Retry(B), OutboxChange::MarkInFlight(B), OutboxChange::Requeue(B)],
    )
    .await
    .unwrap();
    assert_eq!(states(&store).await[1], (B, State::Queued, 1, None));
    change(&store, NOW, vec![OutboxChange::Discard(B)]).await.unwrap();
    assert_eq!(states(&store).await.len(), 1);
}

#[tokio::test]
async fn wedged_intents_do_not_hold_up_the_others() {
    let house = House::new();
    let (store, _) = house.open();
    change(&store, NOW, vec![add(A, "x"), add(B, "y"), OutboxChange::Wedge(A, "bad".into())]).await.unwrap();
    assert_eq!(store.next_intent(NOW).await.unwrap().unwrap().id, B);
}

#[tokio::test]
async fn what_is_refused_changes_nothing_at_all() {
    let house = House::new();
    let (store, _) = house.open();
    change(&store, NOW, vec![add(A, "x")]).await.unwrap();
    let before = states(&store).await;
    let refused = Commit {
        rows: vec![out(NOW, "frame")],
        puts: vec![("k".into(), Some("1".into()))],
        outbox: vec![OutboxChange::MarkInFlight(A), OutboxChange::Retry(A)],
        ..Commit::at(NOW)
    };
    let illegal = StoreError::OutboxIllegal { from: State::InFlight, event: Event::Retry };
    assert_eq!(store.commit(refused).await, Err(illegal));
    assert_eq!(states(&store).await, before);
    assert_eq!(store.get_json(NOW, "k".into()).await.unwrap(), None);
    assert_eq!(house.reader().list(&every(), &[]).unwrap(), [], "not even in the ledger");
    assert_eq!(change(&store, NOW, vec![add(A, "x")]).await, Err(StoreError::OutboxDuplicate));
    assert_eq!(change(&store, NOW, vec![OutboxChange::Discard(B)]).await, Err(StoreError::OutboxUnknown));
}

#[tokio::test]
async fn r24_acknowledged_intents_are_kept_for_ninety_days() {
    let house = House::new();
    let (store, _) = house.open();
    change(&store, NOW, vec![add(A, "x"), OutboxChange::MarkInFlight(A), OutboxChange::Acknowledge(A)])
        .await
        .unwrap();
    change(&store, NOW + 90 * DAY, vec![add(B, "y")]).await.unwrap();
    assert_eq!(states(&store).await.len(), 2);
    change(&store, NOW + 90 * DAY + 1, vec![OutboxChange::Wedge(B, "z".into())]).await.unwrap();
    assert_eq!(states(&store).await, [(B, State::Wedged, 0, Some("z".into()))]);
}

#[tokio::test]
async fn the_outbox_has_a_ceiling() {
    let house = House::new();
    let (store, _) = house.open();
    let id = |i: u64| IntentId(std::array::from_fn(|byte| i.to_le_bytes()[byte % 8]));
    change(&store, NOW, (0..MAX_WAITING).map(|i| add(id(i), "answer")).collect()).await.unwrap();
    assert_eq!(change(&store, NOW, vec![add(A, "answer")]).await, Err(StoreError::OutboxFull));
    change(&store, NOW, vec![OutboxChange::Discard(id(3)), add(A, "answer")]).await.unwrap();
}
