//! What is withdrawn or erased is gone: in what is held, staged and past, in every file, and after a restored backup (R24, R27–R30).

use std::path::Path;

use super::agent::{Home, Link, refused};
use super::desk::{Portal, Reply, files_with};
use vestibule_portal::data::Data;
use vestibule_portal::journal;
use vestibule_portal::role::Role;
use vestibule_portal::store::{audit, erase};
use vestibule_portal::world::World;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::Class;
use vestibule_protocol::message::{ConsentChanged, Erase, FromPortal, Part, RefusalCode, Support};
use vestibule_protocol::receipt::{Receipt, Scope};

async fn with_names(portal: &Portal, seed: u8) -> (Home, Link, String) {
    let tenant = portal.tenant(seed).await;
    let token = portal.staff(&tenant, Role::Admin).await;
    let mut home = Home::new(&tenant);
    home.consent.grant(Class::Names);
    let mut link = home.pair_with(portal).await;
    home.furnish(60);
    assert_eq!(link.sync(&home).await.kind(), "ack");
    (home, link, token)
}

fn withdraw_names(home: &mut Home) {
    assert!(home.consent.withdraw(Class::Names));
    home.records.retain(|key, _| !key.starts_with("name/"));
}

async fn changes(portal: &Portal, home: &Home, root: impl std::fmt::Display, token: &str) -> Reply {
    portal.get(&format!("/v1/instances/{}/changes?since={root}", home.fingerprint), token).await
}

#[tokio::test]
async fn r27_withdrawing_a_class_erases_it_everywhere_and_older_roots_are_gone() {
    let portal = Portal::start().await;
    let (mut home, mut link, token) = with_names(&portal, 1).await;
    let older = home.root();
    // Something staged, too.
    let mut staged = home.clone();
    staged.furnish(80);
    let want = link.buckets(&staged, false).await;
    link.send(Link::batches(&staged, &want, 500)[0].clone()).await;
    assert_eq!(changes(&portal, &home, older, &token).await.status, 200);
    withdraw_names(&mut home);
    let id = Fixed([7; 16]);
    let FromPortal::Done(done) = link.ask(ConsentChanged { id, consent: home.consent.clone() }).await else {
        panic!()
    };
    assert_eq!((done.id, done.root), (id, home.root()));
    let receipt =
        Receipt::verify(&done.receipts[0], portal.running.app.key.verifying_key().as_bytes()).unwrap();
    assert_eq!(receipt.scope, Scope::Class(Class::Names));
    assert_eq!((receipt.id, receipt.fingerprint, receipt.tenant), (id, home.fingerprint, home.tenant.id));
    assert!(receipt.remains.contains(&"audit_digests".to_owned()));
    assert_eq!(changes(&portal, &home, older, &token).await.status, 410);
    let path = format!("/v1/instances/{}/snapshot", home.fingerprint);
    assert_eq!(portal.get(&path, &token).await.text(), home.lines());
    assert_eq!(files_with(portal.folder.path(), b"canary"), Vec::<String>::new());
    // R24: the same item again gets the same answer, and nothing more is erased.
    let FromPortal::Done(again) = link.ask(ConsentChanged { id, consent: home.consent.clone() }).await else {
        panic!()
    };
    assert_eq!(again, done);
    // The class may not be sent any more.
    let before = home.clone();
    home.records.insert("name/e_aaaaaaaaaaaaa".into(), "{\"name\":\"Kitchen\"}".into());
    assert_eq!(refused(link.push(&before, &home).await), RefusalCode::BadRecord);
}

#[tokio::test]
async fn r27_a_hello_carries_the_withdrawals_that_were_missed() {
    let portal = Portal::start().await;
    let (mut home, link, _token) = with_names(&portal, 1).await;
    drop(link);
    withdraw_names(&mut home);
    // Granted again meanwhile: what was held before must be erased all the same.
    home.consent.grant(Class::Names);
    let (_link, welcome) = home.connect_welcome(&portal).await;
    assert_eq!(welcome.root, home.root());
    assert_eq!(files_with(portal.folder.path(), b"canary"), Vec::<String>::new());
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("vestibule-portal.db") {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

fn put_back(backup: &Path, folder: &Path) {
    for name in ["vestibule-portal.db", "vestibule-portal.db-wal", "vestibule-portal.db-shm"] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    copy(backup, folder);
}

#[tokio::test]
async fn r28_a_restored_database_is_erased_again_before_anybody_can_ask() {
    let portal = Portal::start().await;
    let backup = tempfile::tempdir().unwrap();
    let (home, _link, token) = with_names(&portal, 1).await;
    let (mut other, _other_link, other_token) = with_names(&portal, 2).await;
    let portal = portal.restart_after(|folder| copy(folder, backup.path())).await;
    assert!(!files_with(backup.path(), b"canary").is_empty(), "the backup holds it");
    let mut home = home;
    let mut link = home.connect(&portal).await;
    let answer = link.ask(Erase { id: Fixed([1; 16]), only: None }).await;
    assert_eq!(answer.kind(), "erased");
    let mut link = other.connect(&portal).await;
    withdraw_names(&mut other);
    let changed = ConsentChanged { id: Fixed([2; 16]), consent: other.consent.clone() };
    assert_eq!(link.ask(changed).await.kind(), "done");
    assert_eq!(files_with(portal.folder.path(), b"canary"), Vec::<String>::new());

    let portal = portal.restart_after(|folder| put_back(backup.path(), folder)).await;
    assert_eq!(files_with(portal.folder.path(), b"canary"), Vec::<String>::new());
    assert_eq!(files_with(portal.folder.path(), &home.fingerprint.0), Vec::<String>::new());
    let path = format!("/v1/instances/{}", home.fingerprint);
    assert_eq!(portal.get(&path, &token).await.status, 404);
    assert_eq!(refused(Link::open(&portal, &home.tenant).await.hello(&home).await), RefusalCode::Erased);
    let path = format!("/v1/instances/{}/snapshot", other.fingerprint);
    assert_eq!(portal.get(&path, &other_token).await.text(), other.lines());
    // It comes back in step, and may grant names again; that survives the next start.
    assert!(other.consent.grant(Class::Names));
    other.furnish(60);
    let mut link = other.connect(&portal).await;
    assert_eq!(link.sync(&other).await.kind(), "ack");
    let portal = portal.restart().await;
    assert_eq!(portal.get(&path, &other_token).await.text(), other.lines());
}

/// Support reports that were taken back do not come back with a backup, and later ones are not taken back with them.
#[tokio::test]
async fn r28_support_reports_that_were_taken_back_stay_so() {
    let portal = Portal::start().await;
    let backup = tempfile::tempdir().unwrap();
    let (mut home, mut link, token) = with_names(&portal, 1).await;
    let report = |n: u8, text: &str| Support { id: Fixed([n; 16]), text: text.to_owned(), time: 1 };
    assert_eq!(link.ask(report(1, "an-early-report")).await.kind(), "done");
    let portal = portal.restart_after(|folder| copy(folder, backup.path())).await;
    let mut link = home.connect(&portal).await;
    let erase = Erase { id: Fixed([2; 16]), only: Some(Part::Support) };
    assert_eq!(link.ask(erase).await.kind(), "done");
    let portal = portal.restart_after(|folder| put_back(backup.path(), folder)).await;
    assert_eq!(files_with(portal.folder.path(), b"an-early-report"), Vec::<String>::new());
    portal.pass(1);
    let mut link = home.connect(&portal).await;
    assert_eq!(link.ask(report(3, "a-late-report")).await.kind(), "done");
    let portal = portal.restart().await;
    let path = format!("/v1/instances/{}/support", home.fingerprint);
    let reports = portal.get(&path, &token).await.json()["reports"].clone();
    assert_eq!(reports[0]["text"], "a-late-report");
    assert_eq!(reports.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn r29_an_erased_home_gets_a_receipt_and_may_be_paired_again() {
    let portal = Portal::start().await;
    let (mut home, mut link, token) = with_names(&portal, 1).await;
    let FromPortal::Erased(erased) = link.ask(Erase { id: Fixed([3; 16]), only: None }).await else {
        panic!()
    };
    let receipt =
        Receipt::verify(&erased.receipt, portal.running.app.key.verifying_key().as_bytes()).unwrap();
    assert_eq!((receipt.scope, receipt.id), (Scope::All, Fixed([3; 16])));
    assert!(link.try_receive().await.is_none());
    assert_eq!(files_with(portal.folder.path(), b"canary"), Vec::<String>::new());
    assert_eq!(files_with(portal.folder.path(), &home.fingerprint.0), Vec::<String>::new());
    assert_eq!(refused(Link::open(&portal, &home.tenant).await.hello(&home).await), RefusalCode::Erased);
    home.session = None;
    let mut link = home.pair_with(&portal).await;
    assert_eq!(link.sync(&home).await.kind(), "ack");
    // The journal still says that it was erased once; that was before.
    let portal = portal.restart().await;
    let path = format!("/v1/instances/{}/snapshot", home.fingerprint);
    assert_eq!(portal.get(&path, &token).await.text(), home.lines());
}

#[tokio::test]
async fn a_recovery_code_erases_without_the_agent() {
    let portal = Portal::start().await;
    let (home, mut link, token) = with_names(&portal, 1).await;
    let ask = async |code: &str| {
        let body = serde_json::json!({ "code": code }).to_string();
        portal.request("POST", "/v1/recovery", "", "Content-Type: application/json\r\n", &body).await
    };
    let wrong = ask("wrong").await;
    assert_eq!((wrong.status, wrong.json()["problem"]["code"].as_str()), (404, Some("not_found")));
    assert_eq!(
        ask(&format!(" {} ", home.recovery.to_string().to_uppercase().replace('-', " "))).await.status,
        200
    );
    assert_eq!(refused(link.receive().await), RefusalCode::Erased);
    let path = format!("/v1/instances/{}", home.fingerprint);
    assert_eq!(portal.get(&path, &token).await.status, 404);
    assert_eq!(ask(&home.recovery.to_string()).await.status, 404, "once");
    for _ in 0..60 {
        ask("guess").await;
    }
    assert_eq!(ask("guess").await.status, 429);
    let malformed = portal.request("POST", "/v1/recovery", "", "", "{}").await;
    assert!(matches!(malformed.status, 400 | 429));
}

#[tokio::test]
async fn r30_reading_is_recorded_and_the_chain_holds_without_the_details() {
    let portal = Portal::start().await;
    let (home, mut link, token) = with_names(&portal, 1).await;
    portal.get(&format!("/v1/instances/{}/snapshot", home.fingerprint), &token).await;
    let rows = portal.get(&format!("/v1/instances/{}/audit", home.fingerprint), &token).await.json();
    let newest = &rows["audit"][0];
    assert_eq!(newest["verb"], "read_snapshot");
    assert!(newest["actor"].as_str().unwrap().starts_with("staff:"));
    assert!(newest["details"].as_str().unwrap().contains(&home.root().to_string()));
    let verify = async || portal.running.app.store.read(audit::verify).await.unwrap();
    let before = verify().await.unwrap();
    link.ask(Erase { id: Fixed([3; 16]), only: None }).await;
    assert_eq!(verify().await, Ok(before + 1), "with the details gone");
    let forge = |tx: &vestibule_portal::store::Tx<'_>| {
        tx.db.execute("UPDATE audit SET verb = 'nothing' WHERE n = 2", [])?;
        Ok(())
    };
    portal.running.app.store.write(forge).await.unwrap();
    assert_eq!(verify().await, Err(2));
}

#[tokio::test]
async fn an_administrator_erases_a_home_that_is_connected() {
    let portal = Portal::start().await;
    let (home, mut link, token) = with_names(&portal, 1).await;
    let path = format!("/v1/instances/{}", home.fingerprint);
    assert_eq!(portal.request("DELETE", &path, &token, "", "").await.status, 204);
    assert_eq!(refused(link.receive().await), RefusalCode::Erased);
    assert_eq!(portal.request("DELETE", &path, &token, "", "").await.status, 404);
    assert_eq!(files_with(portal.folder.path(), b"canary"), Vec::<String>::new());
}

/// The command opens the same file while the portal serves; the link hears it at its next message.
#[tokio::test]
async fn a_home_erased_by_a_command_is_told_by_the_portal_that_serves() {
    let portal = Portal::start().await;
    let (home, mut link, token) = with_names(&portal, 1).await;
    let data = Data::at(portal.folder.path(), None).unwrap();
    let beside = data.inline_store(World::real()).unwrap();
    let erased = beside.write_now(|tx| {
        let row = tx.db.query_row("SELECT id FROM home", [], |row| row.get(0))?;
        erase::all(tx, row, "operator")
    });
    erased.unwrap();
    let mut after = home.clone();
    after.furnish(70);
    assert_eq!(refused(link.push(&home, &after).await), RefusalCode::Erased);
    assert_eq!(portal.get(&format!("/v1/instances/{}", home.fingerprint), &token).await.status, 404);
    assert_eq!(files_with(portal.folder.path(), b"canary"), Vec::<String>::new());
}

/// The journal comes first: a crash between it and the deletion is made good at the next start.
#[tokio::test]
async fn r28_an_erasure_that_was_only_announced_is_carried_out_at_the_next_start() {
    let portal = Portal::start().await;
    let (home, link, token) = with_names(&portal, 1).await;
    drop(link);
    let tag = journal::tag(&home.tenant.id, &home.fingerprint);
    let portal = portal
        .restart_after(|folder| {
            let entry = journal::Entry { home: Fixed(tag), scope: Scope::All, time: 1 };
            journal::Journal::at(&folder.join("erasures.jsonl")).append(&entry).unwrap();
        })
        .await;
    assert_eq!(portal.get(&format!("/v1/instances/{}", home.fingerprint), &token).await.status, 404);
    assert_eq!(files_with(portal.folder.path(), b"canary"), Vec::<String>::new());
}
