//! Nothing in the ledger can be changed without being found.

use proptest::prelude::*;
use rusqlite::types::Value;

use super::*;

/// A ledger with everything a ledger can have: a checkpoint, all directions, all marks, shared, cut and dropped bodies.
fn rich() -> House {
    let mut house = House::new();
    house.options.ledger.inbound_bytes = 700;
    let mut store = house.databases();
    let commit = |now, rows, marks| Commit { rows, marks, ..Commit::at(now) };
    let old = NOW - 100 * DAY;
    for result in store.commit_all(&[&commit(old, vec![out(old, "old"), out(old, "older")], vec![])]) {
        result.unwrap();
    }
    store.close(old).unwrap();

    let mut store = house.databases();
    let large = "x".repeat(5_000);
    for row in [inbound(NOW, &large), inbound(NOW, "small"), inbound(NOW, &"y".repeat(600))] {
        store.note_inbound(&row).unwrap();
    }
    let steps = [
        commit(NOW, vec![out(NOW, "one"), out(NOW, "two")], vec![]),
        commit(NOW + 1, vec![out(NOW + 1, "one")], vec![(6, Mark::Sent), (7, Mark::Unsent)]),
        commit(
            NOW + 2,
            vec![NewRow { direction: Direction::Local, ..out(NOW + 2, "note") }],
            vec![(8, Mark::Unknown)],
        ),
        commit(NOW + 3, vec![out(NOW + 3, "last"), inbound(NOW + 3, &large)], vec![]),
    ];
    for step in &steps {
        store.commit_all(&[step]).pop().unwrap().unwrap();
    }
    store.close(NOW).unwrap();
    house
}

#[test]
fn the_rich_ledger_is_rich_and_sound() {
    let house = rich();
    let reader = house.reader();
    assert_eq!(
        in_short(&reader),
        [
            "3 in ack 5000 -",
            "4 in ack 5 -",
            "5 in ack 600 -",
            "6 out push 3 sent",
            "7 out push 3 unsent",
            "8 out push 3 unknown",
            "9 local push 4 -",
            "10 out push 4 unknown",
            "11 in ack 5000 -",
        ]
    );
    let Verification::Sound { rows, without_body, checkpoint: Some(checkpoint), .. } =
        reader.verify().unwrap()
    else {
        panic!("not sound, or no checkpoint")
    };
    assert_eq!((rows, checkpoint.first_seq, checkpoint.dropped), (9, 3, 2));
    assert!(without_body >= 3, "prefixes and bodies that were let go: {without_body}");
}

/// Every cell of every table of the ledger: table, row id or key, column.
fn cells(ledger: &rusqlite::Connection) -> Vec<(&'static str, i64, String, Value)> {
    let mut cells = Vec::new();
    for (table, order) in [("rows", "seq"), ("bodies", "hash"), ("shared", "hash"), ("checkpoint", "only")] {
        let mut statement = ledger.prepare(&format!("SELECT * FROM {table} ORDER BY {order}")).unwrap();
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([]).unwrap();
        let mut position = 0;
        while let Some(row) = rows.next().unwrap() {
            for (index, name) in names.iter().enumerate() {
                if name != "only" {
                    cells.push((table, position, name.clone(), row.get(index).unwrap()));
                }
            }
            position += 1;
        }
    }
    cells
}

/// Writes another value into one cell; false if SQLite itself refuses it.
fn overwrite(ledger: &rusqlite::Connection, cell: &(&str, i64, String, Value), value: Value) -> bool {
    let (table, position, column, _) = cell;
    let (key, order) = match *table {
        "rows" => ("seq", "seq"),
        "bodies" | "shared" => ("hash", "hash"),
        _ => ("only", "only"),
    };
    let text = format!(
        "UPDATE {table} SET {column} = ?1 WHERE {key} = (SELECT {key} FROM {table} ORDER BY {order} LIMIT 1 OFFSET ?2)"
    );
    ledger.execute(&text, rusqlite::params![value, position]).is_ok_and(|changed| changed == 1)
}

fn flipped(value: &Value, bit: usize) -> Option<Value> {
    let flip = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        let bit = bit % (bytes.len() * 8).max(1);
        *bytes.get_mut(bit / 8)? ^= 1 << (bit % 8);
        Some(bytes)
    };
    match value {
        Value::Null => None,
        Value::Integer(number) => Some(Value::Integer(number ^ (1 << (bit % 63)))),
        Value::Real(_) => None,
        Value::Text(text) => String::from_utf8(flip(text.as_bytes())?).ok().map(Value::Text),
        Value::Blob(bytes) => flip(bytes).map(Value::Blob),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_flipped_bit_in_any_column_is_found(pick in any::<prop::sample::Index>(), bit in 0_usize..1 << 16) {
        thread_local! { static HOUSE: House = rich(); }
        HOUSE.with(|house| {
            let ledger = house.sqlite("ledger.db");
            ledger.execute_batch("BEGIN").unwrap();
            let cells = cells(&ledger);
            let cell = pick.get(&cells);
            let Some(value) = flipped(&cell.3, bit) else { return Ok(()) };
            if overwrite(&ledger, cell, value.clone()) {
                // `verify` brings its own transaction, so the change is made durable, and undone afterwards.
                ledger.execute_batch("COMMIT").unwrap();
                let found = broken_at(super::super::ledger::verify(&ledger).unwrap());
                // Rows are found again by position, which a changed key may have moved.
                restore(&ledger, &cells);
                prop_assert!(found.is_some(), "{} {} {:?} -> {value:?}", cell.0, cell.2, cell.3);
            }
            Ok(())
        })?;
    }
}

/// Puts every cell back.
fn restore(ledger: &rusqlite::Connection, cells: &[(&'static str, i64, String, Value)]) {
    ledger
        .execute_batch(
            "BEGIN; DELETE FROM rows; DELETE FROM bodies; DELETE FROM shared; DELETE FROM checkpoint;",
        )
        .unwrap();
    let mut rest = cells;
    while let Some((table, position, ..)) = rest.first() {
        let length = rest.iter().take_while(|cell| cell.0 == *table && cell.1 == *position).count();
        let (row, others) = rest.split_at(length);
        let columns: Vec<&str> = row.iter().map(|cell| cell.2.as_str()).collect();
        let marks = vec!["?"; length].join(", ");
        let text = format!("INSERT INTO {table} ({}) VALUES ({marks})", columns.join(", "));
        ledger.execute(&text, rusqlite::params_from_iter(row.iter().map(|cell| &cell.3))).unwrap();
        rest = others;
    }
    ledger.execute_batch("UPDATE checkpoint SET only = 1; COMMIT").unwrap();
    assert_eq!(broken_at(super::super::ledger::verify(ledger).unwrap()), None, "restored");
}

#[test]
fn what_was_taken_out_or_put_in_is_named() {
    let house = rich();
    let ledger = house.sqlite("ledger.db");
    let before = cells(&ledger);
    for (change, seq) in [
        ("DELETE FROM rows WHERE seq = 7", 7),
        ("DELETE FROM rows WHERE seq = 3", 3),
        ("UPDATE rows SET seq = 20 WHERE seq = 8", 8),
        ("UPDATE rows SET mark = 1 WHERE seq = 7", 7),
        ("UPDATE rows SET mark = NULL WHERE seq = 6", 6),
        ("UPDATE rows SET mark = 1 WHERE seq = 10", 10),
        ("UPDATE rows SET mark = 1 WHERE seq = 4", 4),
        ("UPDATE rows SET kind = 'hello' WHERE seq = 8", 8),
        ("UPDATE rows SET stored = 3 WHERE seq = 10", 10),
        ("UPDATE rows SET previous = zeroblob(32) WHERE seq = 9", 9),
        ("DELETE FROM bodies WHERE bytes = CAST('two' AS BLOB)", 7),
        ("UPDATE bodies SET bytes = CAST('owt' AS BLOB) WHERE bytes = CAST('two' AS BLOB)", 7),
        ("UPDATE shared SET refs = 9 WHERE hash = (SELECT body FROM rows WHERE seq = 6)", 6),
        ("DELETE FROM shared WHERE hash = (SELECT body FROM rows WHERE seq = 6)", 6),
        ("INSERT INTO shared VALUES (zeroblob(32), 2)", 0),
        ("INSERT INTO bodies VALUES (zeroblob(32), zeroblob(3))", 0),
        ("DELETE FROM checkpoint", 1),
        ("UPDATE checkpoint SET dropped = 1", 3),
    ] {
        assert_eq!(ledger.execute(change, []).unwrap(), 1, "{change}");
        assert_eq!(broken_at(super::super::ledger::verify(&ledger).unwrap()), Some(seq), "{change}");
        restore(&ledger, &before);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order, with restarts in between: sound, and every append keeps its bytes.
    #[test]
    fn any_history_is_sound(steps in prop::collection::vec((0_u8..6, 0_usize..9_000, 0_i64..40), 1..40)) {
        let mut house = House::new();
        house.options = StoreOptions { durable: false, ..StoreOptions::default() };
        house.options.ledger.inbound_bytes = 20_000;
        let mut store = house.databases();
        let mut now = NOW;
        let mut last = NOW;
        let mut sent: Vec<(u64, Arc<Vec<u8>>)> = Vec::new();
        for (step, size, days) in steps {
            now += days * DAY / 4;
            let bytes = Arc::new(vec![u8::try_from(size % 5).unwrap(); size]);
            let mut commit = Commit::at(now);
            match step {
                0..=2 => {
                    commit.rows.push(NewRow::out(now, "push", Arc::clone(&bytes)));
                    commit.marks.extend(sent.last().map(|(seq, _)| (*seq, Mark::Sent)));
                    let seqs = store.commit_all(&[&commit]).pop().unwrap().unwrap();
                    sent.push((seqs[0], bytes));
                    last = now;
                }
                3 => store.note_inbound(&NewRow::inbound(now, "want", bytes)).unwrap(),
                4 => drop(store.commit_all(&[&commit]).pop().unwrap().unwrap()),
                _ => {
                    drop(store);
                    store = house.databases();
                }
            }
        }
        store.close(now).unwrap();
        let reader = house.reader();
        assert_sound(&reader);
        for (seq, bytes) in sent {
            match reader.get(seq, &[]).unwrap() {
                Some(Entry { row, bytes: kept }) => {
                    prop_assert_eq!(kept.as_ref(), Some(&*bytes));
                    prop_assert!(row.time >= last - KEEP_MS - DAY);
                }
                None => prop_assert!(seq < reader.list(&every(), &[]).unwrap().first().map_or(u64::MAX, |row| row.seq)),
            }
        }
    }
}
