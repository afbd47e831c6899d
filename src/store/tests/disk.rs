//! Damage, newer versions, a full disk.

use std::fs;

use super::*;

fn smash(house: &House, file: &str, range: std::ops::Range<usize>) {
    let path = house.root.path().join(file);
    let mut bytes = fs::read(&path).unwrap();
    bytes[range].fill(0xa5);
    fs::write(path, bytes).unwrap();
}

async fn filled() -> House {
    let house = House::new();
    house.folder().mint_home_secret(&house.lock(), [7; 32]).unwrap();
    let (store, _) = house.open();
    let mut commit = Commit::at(NOW);
    commit.put(&epoch(9)).unwrap();
    commit.rows = (0..50).map(|i| out(NOW, &format!("row {i} {}", "x".repeat(400)))).collect();
    store.commit(commit).await.unwrap();
    store.close(NOW).await.unwrap();
    house
}

#[tokio::test]
async fn a_damaged_ledger_is_moved_aside_and_the_new_one_says_so() {
    for range in [0..100, 4096..12_288] {
        let house = filled().await;
        smash(&house, "ledger.db", range);
        let (store, opened) = house.open();
        assert_eq!(opened.damaged, [format!("ledger.db.damaged-{NOW}")]);
        assert!(opened.ledger_restarted && !opened.first_start);
        assert!(house.root.path().join(&opened.damaged[0]).exists());
        assert_eq!(store.load(NOW).await.unwrap().grants.consent.epoch, 9, "the rest is untouched");
        let rows = house.reader().list(&every(), &[]).unwrap();
        assert_eq!(
            (rows.len(), rows[0].kind.as_str(), rows[0].direction),
            (1, "chain-start", Direction::Local)
        );
        let said = house.reader().get(1, &[]).unwrap().unwrap().bytes.unwrap();
        assert_eq!(String::from_utf8(said).unwrap(), r#"{"reason":"ledger_damaged"}"#);
        store.append(NOW, vec![out(NOW, "on")], vec![]).await.unwrap();
        assert_sound(&house.reader());
    }
}

#[tokio::test]
async fn a_damaged_agent_database_is_moved_aside_and_the_secret_survives() {
    let house = filled().await;
    fs::write(
        house.root.path().join("agent.db"),
        "this is no database at all, but long enough to be read as one",
    )
    .unwrap();
    assert!(matches!(Reader::open(&house.folder()).err(), Some(StoreError::Damaged { file: "agent.db" })));
    let (store, opened) = house.open();
    assert_eq!(opened.damaged, [format!("agent.db.damaged-{NOW}")]);
    assert_eq!(store.load(NOW).await.unwrap(), AgentState::default());
    assert_eq!(house.folder().home_secret().unwrap().unwrap().expose(), &[7; 32]);
    assert_eq!(assert_sound(&house.reader()), 50, "the ledger is untouched");
    drop(store);
    // Damaged again within the same millisecond: both are kept.
    fs::write(
        house.root.path().join("agent.db"),
        "damaged again, and long enough to be read as a database header",
    )
    .unwrap();
    let (_, opened) = house.open();
    assert_eq!(opened.damaged, [format!("agent.db.damaged-{NOW}-1")]);
}

#[tokio::test]
async fn a_ledger_left_out_of_a_backup_starts_a_new_chain_that_says_so() {
    let house = filled().await;
    fs::remove_file(house.root.path().join("ledger.db")).unwrap();
    let (_, opened) = house.open();
    assert!(opened.ledger_restarted && opened.damaged.is_empty());
    assert_eq!(in_short(&house.reader()), [r"1 local chain-start 27 -"]);
    let (_, opened) = house.open();
    assert_eq!(opened, Opened::default(), "said once");
    assert_eq!(assert_sound(&house.reader()), 1);
    assert!(
        !house.reader().load().unwrap().session.restored,
        "nobody is paired, so there is nothing to confirm"
    );
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_alone() {
    for (file, ours) in [("agent.db", 2), ("ledger.db", 1)] {
        let house = filled().await;
        house.sqlite(file).pragma_update(None, "user_version", ours + 1).unwrap();
        let before = house.files();
        let refused = Store::open_inline(house.folder(), house.lock(), house.options, NOW).map(drop);
        assert!(
            matches!(&refused, Err(StoreError::NewerDatabase { file: named, found, known }) if *named == file && *found == ours + 1 && *known == ours),
            "{refused:?}"
        );
        assert!(matches!(Reader::open(&house.folder()).err(), Some(StoreError::NewerDatabase { .. })));
        let content = |files: BTreeMap<String, (u64, SystemTime, Vec<u8>)>| {
            files
                .into_iter()
                .filter(|(name, _)| name.ends_with(".db"))
                .map(|(name, file)| (name, file.2))
                .collect::<Vec<_>>()
        };
        assert!(content(house.files()) == content(before), "{file} was touched");
        house.sqlite(file).pragma_update(None, "user_version", ours).unwrap();
        let (store, _) = house.open();
        assert_eq!(store.load(NOW).await.unwrap().grants.consent.epoch, 9);
    }
}

#[test]
fn a_full_disk_is_an_error_and_not_the_end() {
    let house = House::new();
    let mut store = house.databases();
    let commit = |i: u64| Commit {
        rows: vec![NewRow::out(
            NOW,
            "push",
            Arc::new(vec![u8::try_from(i % 250).unwrap(); 20_000 + i as usize]),
        )],
        puts: vec![("value".into(), Some(i.to_string()))],
        ..Commit::at(NOW)
    };
    store.commit_all(&[&commit(0)]).pop().unwrap().unwrap();
    let pages: i64 = store.connections().1.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    store.connections().1.pragma_update_and_check(None, "max_page_count", pages + 12, |_| Ok(())).unwrap();

    // Alone and in a group; the ledger's failure keeps the rest of its commit out, and spares what has no rows.
    let stateful = Commit { puts: vec![("other".into(), Some("1".into()))], ..Commit::at(NOW) };
    let results = store.commit_all(&[&commit(1), &commit(2), &stateful, &commit(3)]);
    let short: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(short, [true, true, true, false], "{results:?}");
    assert_eq!(results[3], Err(StoreError::DiskFull));
    assert!(StoreError::DiskFull.retry());
    for _ in 0..3 {
        assert_eq!(store.commit_all(&[&commit(4)]).pop().unwrap(), Err(StoreError::DiskFull));
    }
    // Inbound rows are kept in memory until there is space again.
    for i in 0..80 {
        let noted = store.note_inbound(&inbound(NOW, &format!("{i:0>1000}")));
        assert!(noted.is_ok() || noted == Err(StoreError::DiskFull), "{noted:?}");
    }
    store.connections().1.pragma_update_and_check(None, "max_page_count", 1 << 30, |_| Ok(())).unwrap();
    assert_eq!(store.commit_all(&[&commit(5)]).pop().unwrap(), Ok(vec![84]));
    store.close(NOW).unwrap();
    assert_eq!(assert_sound(&house.reader()), 84);
    assert_eq!(house.reader().get_json("value").unwrap().as_deref(), Some("5"));
}

#[test]
fn a_state_that_does_not_fit_keeps_its_row_out_of_the_ledger() {
    let house = House::new();
    let mut store = house.databases();
    let pages: i64 = store.connections().0.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    store.connections().0.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    let large = Commit {
        rows: vec![out(NOW, "erase")],
        puts: vec![("value".into(), Some("x".repeat(100_000)))],
        ..Commit::at(NOW)
    };
    assert_eq!(store.commit_all(&[&large]).pop().unwrap(), Err(StoreError::DiskFull));
    store.connections().0.pragma_update_and_check(None, "max_page_count", 1 << 30, |_| Ok(())).unwrap();
    assert_eq!(store.commit_all(&[&large]).pop().unwrap(), Ok(vec![1]));
}

#[test]
fn a_failure_between_the_two_databases_leaves_rows_that_are_marked_unsent() {
    let house = House::new();
    let mut store = house.databases();
    // A constraint that SQLite checks at the last moment stands for a disk that fails there.
    store
        .connections()
        .0
        .execute_batch(
            "PRAGMA foreign_keys = ON;
             CREATE TABLE parent (x INTEGER PRIMARY KEY);
             CREATE TABLE child (y INTEGER REFERENCES parent (x) DEFERRABLE INITIALLY DEFERRED);
             CREATE TEMP TRIGGER late AFTER INSERT ON singletons WHEN NEW.key = 'bad'
                 BEGIN INSERT INTO child VALUES (1); END;",
        )
        .unwrap();
    let commit = |key: &str, text: &str| Commit {
        rows: vec![out(NOW, text)],
        puts: vec![(key.into(), Some("1".into()))],
        ..Commit::at(NOW)
    };
    let failed = store.commit_all(&[&commit("bad", "first")]).pop().unwrap();
    assert!(matches!(failed, Err(StoreError::Sql { file: "agent.db", .. })), "{failed:?}");
    assert_eq!(store.commit_all(&[&commit("good", "second")]).pop().unwrap(), Ok(vec![2]));
    store.close(NOW).unwrap();
    let reader = house.reader();
    assert_eq!(in_short(&reader), ["1 out push 5 unsent", "2 out push 6 unknown"]);
    assert_eq!((reader.get_json("bad").unwrap(), reader.get_json("good").unwrap()), (None, Some("1".into())));
    assert_sound(&reader);
}

#[test]
fn errors_of_the_operating_system_are_named() {
    use std::io::{Error, ErrorKind};
    for (kind, expected) in [
        (ErrorKind::StorageFull, StoreError::DiskFull),
        (ErrorKind::QuotaExceeded, StoreError::DiskFull),
        (ErrorKind::ReadOnlyFilesystem, StoreError::FolderReadOnly),
        (ErrorKind::PermissionDenied, StoreError::FolderUnreadable),
        (ErrorKind::BrokenPipe, StoreError::Io { step: "x", kind: ErrorKind::BrokenPipe }),
    ] {
        assert_eq!(StoreError::io("x", &Error::from(kind)), expected);
    }
}

#[tokio::test]
async fn what_turns_out_damaged_in_use_is_looked_at_on_the_next_start() {
    let house = filled().await;
    error_in_use(&house).await;
    assert!(house.root.path().join("ledger.db.suspect").exists());
    let (_, opened) = house.open();
    assert_eq!(opened.damaged.len(), 1);
    assert!(!house.root.path().join("ledger.db.suspect").exists());
}

async fn error_in_use(house: &House) {
    // More than fits into the cache.
    let (store, _) = house.open();
    let rows = (0..100_u8).map(|i| NewRow::out(NOW, "batch", Arc::new(vec![i; 10_000]))).collect();
    store.append(NOW, rows, vec![]).await.unwrap();
    store.close(NOW).await.unwrap();
    let mut store = house.databases();
    smash(house, "ledger.db", 4096..400_000);
    let failed = store.read(NOW, |_, ledger| super::super::ledger::verify(ledger));
    assert_eq!(failed, Err(StoreError::Damaged { file: "ledger.db" }));
}

const SHUT: &str = "VESTIBULE_TEST_SHUT_FOLDER";

/// Folders that one may not write, or not even read. Root may do everything, so the work is done by a child process that
/// is not root: this test binary again, told by its environment to run [`in_folders_that_are_shut`].
#[tokio::test]
async fn folders_that_are_shut_are_named_and_read_where_possible() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    let house = filled().await;
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let owner = fs::metadata(house.root.path()).unwrap().uid();
    // Where nobody else can reach: the child needs its program and the way to it.
    let stage = tempfile::tempdir().unwrap();
    let program = stage.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    for path in [stage.path(), &program] {
        mode(path, 0o755);
    }
    for name in house.folder().names().unwrap() {
        mode(&house.root.path().join(name), 0o444);
    }
    for (folder_mode, what) in [(0o555, "read-only"), (0o000, "unreadable")] {
        mode(house.root.path(), folder_mode);
        let mut child = std::process::Command::new(&program);
        child.args(["--exact", "store::tests::disk::in_folders_that_are_shut"]);
        child.env(SHUT, house.root.path()).env("VESTIBULE_TEST_SHUT_HOW", what).current_dir("/");
        if owner == 0 {
            child.uid(65_534).gid(65_534);
        }
        let output = child.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains("1 passed"), "{what}: {said}");
    }
    mode(house.root.path(), 0o755);
}

#[test]
fn in_folders_that_are_shut() {
    let Some(path) = std::env::var_os(SHUT) else { return };
    let path = Path::new(&path);
    if std::env::var("VESTIBULE_TEST_SHUT_HOW").unwrap() == "read-only" {
        let folder = Folder::create(path).unwrap();
        assert!(matches!(Lock::try_acquire(&folder), Err(StoreError::FolderReadOnly)));
        let reader = Reader::open(&folder).unwrap();
        assert_eq!(reader.load().unwrap().grants.consent.epoch, 9);
        assert_eq!(assert_sound(&reader), 50);
        assert_eq!(Folder::create(&path.join("below")), Err(StoreError::FolderReadOnly));
    } else {
        assert_eq!(Folder::create(path), Err(StoreError::FolderUnreadable));
        assert_eq!(Folder::existing(path), Err(StoreError::FolderUnreadable));
    }
}
