//! Marks, caps, expiry, lists and the export.

use super::*;

#[tokio::test]
async fn r25_a_mark_is_written_with_the_next_row_and_never_alone() {
    let house = House::new();
    let (store, _) = house.open();
    let first = store.append(NOW, vec![out(NOW, "a")], vec![]).await.unwrap();
    assert_eq!(first, [1]);
    let before = house.files();
    store.flush(NOW, vec![(1, Mark::Sent)]).await.unwrap();
    assert!(house.files() == before, "a mark was written by itself");
    assert_eq!(in_short(&house.reader()), ["1 out push 1 unknown"]);
    let pending = house.reader().list(&every(), &[(1, Mark::Sent)]).unwrap();
    assert_eq!(pending[0].mark, Some(Mark::Sent));

    store.append(NOW, vec![out(NOW, "b")], vec![]).await.unwrap();
    store.append(NOW, vec![out(NOW, "c")], vec![(2, Mark::Unsent), (1, Mark::Unsent)]).await.unwrap();
    let expected = ["1 out push 1 sent", "2 out push 1 unsent", "3 out push 1 unknown"];
    assert_eq!(in_short(&house.reader()), expected, "the first word counts");
    drop(store);
    assert_eq!(in_short(&house.reader()), expected);
    assert_sound(&house.reader());
}

#[tokio::test]
async fn inbound_rows_wait_for_company_and_keep_their_place() {
    let house = House::new();
    let (store, _) = house.open();
    store.append(NOW, vec![out(NOW, "a")], vec![]).await.unwrap();
    let before = house.files();
    store.note_inbound(inbound(NOW + 1, "ack")).await.unwrap();
    assert!(house.files() == before, "an inbound row was written by itself");
    store.append(NOW + 2, vec![out(NOW + 2, "bb")], vec![(1, Mark::Sent)]).await.unwrap();
    assert_eq!(in_short(&house.reader()), ["1 out push 1 sent", "2 in ack 3 -", "3 out push 2 unknown"]);
    store.note_inbound(inbound(NOW + 3, "last")).await.unwrap();
    store.close(NOW + 3).await.unwrap();
    assert_eq!(in_short(&house.reader()).last().unwrap(), "4 in ack 4 -");
    assert_sound(&house.reader());
}

#[tokio::test]
async fn r22_large_inbound_bodies_leave_a_prefix_unless_asked_for() {
    let house = House::new();
    let (store, _) = house.open();
    let large: String = (0..INBOUND_WHOLE + 1).map(|i| char::from(b'a' + (i % 26) as u8)).collect();
    let kept = NewRow { keep: true, ..inbound(NOW, &large) };
    let exact = inbound(NOW, &large[..INBOUND_WHOLE]);
    store.append(NOW, vec![inbound(NOW, &large), kept, exact], vec![]).await.unwrap();
    let reader = house.reader();
    let get = |seq| reader.get(seq, &[]).unwrap().unwrap();
    assert_eq!(get(1).row.stored, Stored::Prefix);
    assert_eq!(get(1).bytes.unwrap(), large.as_bytes()[..INBOUND_PREFIX]);
    assert_eq!(get(1).row.body, *blake3::hash(large.as_bytes()).as_bytes());
    assert_eq!(get(2).bytes.unwrap(), large.as_bytes());
    assert_eq!(get(3).bytes.unwrap(), large.as_bytes()[..INBOUND_WHOLE]);
    assert_sound(&reader);
}

#[tokio::test]
async fn r22_a_talkative_portal_fills_no_disk() {
    let mut house = House::new();
    house.options.ledger.inbound_rows_a_day = 300;
    house.options.ledger.inbound_bytes = 8_000;
    let (store, _) = house.open();
    for i in 0..1_000_i64 {
        store.note_inbound(inbound(NOW + i, &format!("{i:0>100}"))).await.unwrap();
    }
    store.append(NOW + 1_000, vec![out(NOW + 1_000, "x")], vec![]).await.unwrap();
    let reader = house.reader();
    let rows = reader.list(&every(), &[]).unwrap();
    assert_eq!(rows.len(), 302);
    assert_eq!(rows[300].kind, "inbound-omitted");
    let said = reader.get(301, &[]).unwrap().unwrap().bytes.unwrap();
    assert_eq!(String::from_utf8(said).unwrap(), r#"{"frames":700,"bytes":70000}"#);
    let kept: u64 = rows
        .iter()
        .filter(|row| row.direction == Direction::In && row.stored == Stored::Whole)
        .map(|row| row.size)
        .sum();
    assert!((6_000..=8_000).contains(&kept), "{kept}");
    assert_sound(&reader);
    // A restart does not give it another day's worth.
    store.close(NOW + 1_000).await.unwrap();
    let (store, _) = house.open_at(NOW + HOUR);
    store.note_inbound(inbound(NOW + HOUR, "again")).await.unwrap();
    store.flush(NOW + HOUR, vec![]).await.unwrap();
    assert_eq!(house.reader().list(&every(), &[]).unwrap().len(), 302);
    // The next day does.
    store.note_inbound(inbound(NOW + 26 * HOUR, "next day")).await.unwrap();
    store.flush(NOW + 26 * HOUR, vec![]).await.unwrap();
    assert_eq!(house.reader().list(&every(), &[]).unwrap().len(), 303);
}

#[tokio::test]
async fn r26_identical_bodies_are_stored_once() {
    let house = House::new();
    let (store, _) = house.open();
    let frame: Vec<u8> = blake3::Hasher::new().update(b"frame").finalize_xof_bytes(500_000);
    let rows: Vec<NewRow> = (0..20).map(|i| NewRow::out(NOW + i, "push", Arc::new(frame.clone()))).collect();
    store.append(NOW, rows, vec![]).await.unwrap();
    store.close(NOW).await.unwrap();
    let size = std::fs::metadata(house.root.path().join("ledger.db")).unwrap().len();
    assert!(size < 600_000, "{size}");
    assert_eq!(assert_sound(&house.reader()), 20);
}

trait Xof {
    fn finalize_xof_bytes(&self, length: usize) -> Vec<u8>;
}

impl Xof for blake3::Hasher {
    fn finalize_xof_bytes(&self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.finalize_xof().fill(&mut bytes);
        bytes
    }
}

fn noise(seed: u64, length: usize) -> Arc<Vec<u8>> {
    Arc::new(blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof_bytes(length))
}

#[tokio::test]
async fn r26_a_full_ledger_pauses_sending_and_drops_nothing_young() {
    let mut house = House::new();
    house.options.ledger.cap = 2 << 20;
    let (store, _) = house.open();
    for i in 0..60 {
        store
            .append(
                NOW,
                vec![NewRow { keep: true, ..NewRow::inbound(NOW, "deploy", noise(1_000 + i, 10_000)) }],
                vec![],
            )
            .await
            .unwrap();
    }
    let mut written = 0;
    let full = loop {
        match store
            .append(NOW + DAY, vec![NewRow::out(NOW + DAY, "batch", noise(written, 50_000))], vec![])
            .await
        {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, StoreError::LedgerFull { cap, .. } if cap == 2 << 20), "{full:?}");
    assert!(full.retry());
    assert!(written >= 30, "{written}: inbound bodies must have made room");
    let rows = house.reader().list(&every(), &[]).unwrap();
    assert_eq!(rows.iter().filter(|row| row.direction == Direction::Out).count() as u64, written);
    assert!(rows.iter().all(|row| row.direction == Direction::In || row.stored == Stored::Whole));
    assert!(rows.iter().any(|row| row.direction == Direction::In && row.stored == Stored::HashOnly));
    assert_sound(&house.reader());

    // What the owner withdraws must still get out, and the portal's words pause nothing.
    let erase = NewRow { essential: true, ..NewRow::out(NOW + DAY, "erase", noise(7, 300)) };
    store.append(NOW + DAY, vec![erase], vec![]).await.unwrap();
    store.note_inbound(inbound(NOW + DAY, "erased")).await.unwrap();
    store.flush(NOW + DAY, vec![]).await.unwrap();
    // More room, or time, helps.
    let later = NOW + 92 * DAY;
    store.append(later, vec![NewRow::out(later, "batch", noise(5_000, 50_000))], vec![]).await.unwrap();
    assert_sound(&house.reader());
    let size = std::fs::metadata(house.root.path().join("ledger.db")).unwrap().len();
    assert!(size < (3 << 20) + (1 << 16), "{size}");
}

#[tokio::test]
async fn a_higher_cap_ends_the_pause() {
    let mut house = House::new();
    house.options.ledger.cap = 200_000;
    let (store, _) = house.open();
    let row = || vec![NewRow::out(NOW, "batch", noise(1, 300_000))];
    assert!(store.append(NOW, row(), vec![]).await.is_err());
    store.set_limits(LedgerLimits { cap: 2 << 20, ..LedgerLimits::default() }).await.unwrap();
    assert_eq!(store.append(NOW, row(), vec![]).await.unwrap(), [1]);
}

#[tokio::test]
async fn rows_expire_after_ninety_days_and_the_chain_still_verifies() {
    let house = House::new();
    let (store, _) = house.open();
    for day in 0..200 {
        let now = NOW + day * DAY;
        store.append(now, vec![out(now, &format!("day {day}")), out(now, "same")], vec![]).await.unwrap();
    }
    let reader = house.reader();
    let Verification::Sound { rows, checkpoint: Some(checkpoint), .. } = reader.verify().unwrap() else {
        panic!("no checkpoint")
    };
    assert_eq!((checkpoint.dropped + rows, checkpoint.first_seq), (400, checkpoint.dropped + 1));
    let oldest = reader.list(&every(), &[]).unwrap()[0].time;
    assert!((NOW + 109 * DAY..=NOW + 110 * DAY).contains(&oldest), "{}", (oldest - NOW) / DAY);
    assert_eq!(checkpoint.dropped_until, oldest - DAY);

    // All of it expires: numbers and chain go on from the checkpoint, also after a restart.
    store.close(NOW + 200 * DAY).await.unwrap();
    let much_later = NOW + 900 * DAY;
    let (store, opened) = house.open_at(much_later);
    assert_eq!(opened, Opened::default());
    assert_eq!(store.append(much_later, vec![out(much_later, "back")], vec![]).await.unwrap(), [401]);
    assert_eq!(in_short(&house.reader()), ["401 out push 4 unknown"]);
    assert_sound(&house.reader());
}

#[tokio::test]
async fn a_wrong_clock_neither_empties_the_ledger_nor_keeps_it_for_ever() {
    let house = House::new();
    let (store, _) = house.open();
    store.append(NOW, vec![out(NOW, "now")], vec![]).await.unwrap();
    // For a moment the clock says 2099, then it is right again.
    let wrong = NOW + 73 * 365 * DAY;
    store.append(NOW + 1, vec![out(wrong, "from 2099")], vec![]).await.unwrap();
    store.append(NOW + 2, vec![out(NOW + 2, "now again")], vec![]).await.unwrap();
    store.append(NOW + 2 * DAY, vec![out(NOW + 2 * DAY, "later")], vec![]).await.unwrap();
    assert_eq!(house.reader().list(&every(), &[]).unwrap().len(), 4);
    let end = NOW + 91 * DAY;
    store.append(end, vec![out(end, "end")], vec![]).await.unwrap();
    let left: Vec<u64> = house.reader().list(&every(), &[]).unwrap().iter().map(|row| row.seq).collect();
    assert_eq!(left, [4, 5]);
    assert_sound(&house.reader());
}

#[tokio::test]
async fn lists_sums_and_export() {
    let house = House::new();
    let (store, _) = house.open();
    store.append(NOW - 2 * DAY, vec![out(NOW - 2 * DAY, "yesterday's frame")], vec![]).await.unwrap();
    store.note_inbound(inbound(NOW, "ack")).await.unwrap();
    store
        .append(NOW, vec![out(NOW, "12345"), out(NOW, "cut"), out(NOW, "not sent")], vec![(1, Mark::Sent)])
        .await
        .unwrap();
    let reader = house.reader();
    let pending = [(3, Mark::Sent), (5, Mark::Unsent)];
    let usage = |since| reader.usage(since, &pending).unwrap();
    let day = Usage { out_frames: 2, out_bytes: 8, in_frames: 1, in_bytes: 3 };
    assert_eq!(usage(NOW - DAY), day);
    assert_eq!(store.usage(NOW, NOW - DAY, pending.to_vec()).await.unwrap(), day);
    assert_eq!(usage(NOW - 30 * DAY), Usage { out_frames: 3, out_bytes: 25, ..day });

    let seqs = |page: Page| reader.list(&page, &[]).unwrap().iter().map(|row| row.seq).collect::<Vec<_>>();
    assert_eq!(seqs(Page { limit: 2, ..every() }), [1, 2]);
    assert_eq!(seqs(Page { limit: 2, from: Some(2), ..every() }), [2, 3]);
    assert_eq!(seqs(Page { limit: 2, newest_first: true, ..every() }), [5, 4]);
    assert_eq!(seqs(Page { direction: Some(Direction::In), ..every() }), [2]);
    assert_eq!(store.ledger(NOW, every(), vec![]).await.unwrap(), reader.list(&every(), &[]).unwrap());

    let mut text = Vec::new();
    assert_eq!(reader.export(&pending, &mut text).unwrap(), 5);
    let lines: Vec<serde_json::Value> =
        String::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[2]["bytes"], "3132333435");
    assert_eq!(lines[2]["mark"], "sent");
    assert_eq!(lines[1]["mark"], serde_json::Value::Null);
    assert_eq!(lines[3]["previous"], lines[2]["hash"]);
}

#[test]
fn debug_output_never_shows_a_frame() {
    let row = out(NOW, "Grandmother's room");
    assert_eq!(format!("{row:?}"), "NewRow { Out push of 18 bytes }");
}
