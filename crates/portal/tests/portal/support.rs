//! Support reports: sent by the owner's act, seen by staff, gone when they are taken back (R24, R28, R46).

use super::agent::Home;
use super::company::Company;
use super::desk::{DAY, Portal, files_with, random};
use vestibule_portal::role::Role;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::limits;
use vestibule_protocol::message::{Erase, FromPortal, Part, Support};
use vestibule_protocol::receipt::{Receipt, Scope};

fn report(text: &str) -> Support {
    Support { id: Fixed(random()), text: text.to_owned(), time: 1 }
}

#[tokio::test]
async fn a_report_is_kept_shown_to_staff_and_erased_when_it_is_taken_back() {
    let portal = Portal::start().await;
    let (mine, other) = (Company::bare(&portal, 1).await, Company::bare(&portal, 2).await);
    let (home, mut link) = Home::pair(&portal, &mine.tenant).await;
    let path = format!("/v1/instances/{}/support", home.fingerprint);
    let first = report("Vestibule: canary-report\nIn sync: no\n");
    assert_eq!(link.ask(first.clone()).await.kind(), "done");
    assert_eq!(link.ask(first.clone()).await.kind(), "done", "R24");
    for token in [&mine.viewer, &mine.author, &mine.approver, &mine.admin] {
        let reply = portal.get(&path, token).await;
        let reports = reply.json()["reports"].clone();
        assert_eq!((reply.status, reports.as_array().unwrap().len()), (200, 1));
        assert_eq!(reports[0]["text"], first.text.as_str());
        // R30: the owner hears of each reading.
        let FromPortal::Reads(reads) = link.hear().await else { panic!() };
        assert_eq!(reads.reads[0].what, "support");
    }
    assert_eq!(portal.get(&path, "").await.status, 401);
    let absent = format!("/v1/instances/{}/support", Home::new(&mine.tenant).fingerprint);
    let (strange, absent) = (portal.get(&path, &other.admin).await, portal.get(&absent, &other.admin).await);
    assert_eq!((strange.status, strange.text()), (404, absent.text()));
    let erase = Erase { id: Fixed(random()), only: Some(Part::Support) };
    for _ in 0..2 {
        let FromPortal::Done(done) = link.ask(erase.clone()).await else { panic!() };
        let receipt =
            Receipt::verify(&done.receipts[0], portal.running.app.key.verifying_key().as_bytes()).unwrap();
        assert_eq!((receipt.scope, receipt.id), (Scope::Support, erase.id));
    }
    assert_eq!(portal.get(&path, &mine.viewer).await.json()["reports"].as_array().unwrap().len(), 0);
    assert_eq!(files_with(portal.folder.path(), b"canary-report"), Vec::<String>::new());
}

#[tokio::test]
async fn reports_are_few_small_and_not_kept_for_ever() {
    let portal = Portal::start().await;
    let company = Company::bare(&portal, 1).await;
    let (mut home, mut link) = Home::pair(&portal, &company.tenant).await;
    let path = format!("/v1/instances/{}/support", home.fingerprint);
    for n in 0..limits::SUPPORT_REPORTS + 3 {
        assert_eq!(link.ask(report(&format!("report {n}."))).await.kind(), "done");
    }
    let kept = portal.get(&path, &company.viewer).await.json()["reports"].clone();
    assert_eq!(kept.as_array().unwrap().len(), limits::SUPPORT_REPORTS as usize);
    assert_eq!(kept[0]["text"], "report 12.");
    assert_eq!(files_with(portal.folder.path(), b"report 2."), Vec::<String>::new());
    portal.pass(91 * DAY);
    vestibule_portal::serve::upkeep::run(&portal.running.app, 1000).await.unwrap();
    // The token of before has not been used for too long.
    let viewer = portal.staff(&company.tenant, Role::Viewer).await;
    assert_eq!(portal.get(&path, &viewer).await.json()["reports"].as_array().unwrap().len(), 0);
    for bad in ["", "\u{1b}[2J", &"x".repeat(limits::SUPPORT_BYTES + 1)] {
        let mut link = home.connect(&portal).await;
        assert_eq!(link.ask(report(bad)).await.kind(), "refused");
    }
}
