//! Deployments at the portal: who may do what (R31, R46), the order (R32), delivery over the link, reports (R24), erasure.

use super::agent::{Home, refused};
use super::company::{Company, report};
use super::desk::{DAY, Portal, files_with, random};
use vestibule_portal::store::audit;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::message::{Erase, FromPortal, ItemReport, RefusalCode, ReportState};

fn code(reply: &super::desk::Reply) -> (u16, String) {
    (reply.status, reply.json()["problem"]["code"].as_str().unwrap_or_default().to_owned())
}

fn deployed(message: FromPortal) -> DeploymentId {
    let FromPortal::Deploy(deploy) = message else { panic!("{message:?}") };
    vestibule_protocol::deployment::read(&deploy.envelope).unwrap().id
}

#[tokio::test]
async fn r31_a_charter_follows_the_one_before_it() {
    let portal = Portal::start().await;
    let company = Company::bare(&portal, 1).await;
    let submit = async |token: &str, envelope: &Envelope| portal.post("/v1/charters", token, envelope).await;
    let first = company.charter(&portal, 1);
    for token in [&company.viewer, &company.author, &company.approver] {
        assert_eq!(submit(token, &first).await.status, 403);
    }
    let forged = company.charter_of(&portal, 1).sign(&company.bo).unwrap();
    assert_eq!(code(&submit(&company.admin, &forged).await), (409, "charter_refused".into()));
    assert_eq!(submit(&company.admin, &first).await.status, 200);
    assert_eq!(submit(&company.admin, &first).await.json()["version"], 1, "the same again");
    assert_eq!(code(&submit(&company.admin, &company.charter(&portal, 3)).await).1, "charter_refused");
    assert_eq!(submit(&company.admin, &company.charter(&portal, 2)).await.json()["version"], 2);
    let list = portal.get("/v1/charters", &company.viewer).await.json();
    assert_eq!(list["charters"][1]["version"], 2);
    assert_eq!(list["charters"][0]["approvers"][0]["person"], "Ada");
    assert_eq!(list["charters"][0]["envelope"], serde_json::to_value(&first).unwrap());
    let other = Company::bare(&portal, 2).await;
    assert_eq!(portal.get("/v1/charters", &other.viewer).await.json()["charters"], serde_json::json!([]));
    assert_eq!(
        code(&submit(&other.admin, &company.charter(&portal, 3)).await),
        (409, "charter_refused".into())
    );
    let mut old = other.charter_of(&portal, 1);
    (old.issued, old.expires) = (1, 2);
    assert_eq!(code(&submit(&other.admin, &old.sign(&other.root()).unwrap()).await).1, "charter_expired");
}

#[tokio::test]
async fn a_home_hears_the_charters_that_it_lacks() {
    let portal = Portal::start().await;
    let company = Company::new(&portal, 1).await;
    let (mut home, mut link) = Home::pair(&portal, &company.tenant).await;
    let FromPortal::Charters(charters) = link.hear().await else { panic!() };
    assert_eq!(charters.envelopes, [company.charter(&portal, 1)]);
    let second = company.charter(&portal, 2);
    portal.post("/v1/charters", &company.admin, &second).await;
    let FromPortal::Charters(charters) = link.hear().await else { panic!() };
    assert_eq!(charters.envelopes, std::slice::from_ref(&second), "at once, and only what is new");
    home.charter = Some(1);
    let mut link = home.connect(&portal).await;
    let FromPortal::Charters(charters) = link.hear().await else { panic!() };
    assert_eq!(charters.envelopes, [second]);
    home.charter = Some(2);
    let mut link = home.connect(&portal).await;
    assert_eq!(link.heard(&home).await, []);
}

#[tokio::test]
async fn r31_r46_authors_draft_and_approvers_hand_in_signatures() {
    let portal = Portal::start().await;
    let company = Company::new(&portal, 1).await;
    let (home, _link) = Home::pair(&portal, &company.tenant).await;
    let deployment = company.deployment(&portal, &home, 1);
    let unsigned = deployment.unsigned().unwrap();
    let submit = async |token: &str, envelope: &Envelope| {
        let reply = company.submit(&portal, &home, token, envelope).await;
        let state = reply.json()["state"].as_str().unwrap_or_default().to_owned();
        (reply.status, state)
    };
    assert_eq!(submit(&company.viewer, &unsigned).await.0, 403);
    assert_eq!(submit(&company.author, &company.approved(&deployment)).await.0, 403, "that would decide it");
    assert_eq!(submit(&company.author, &unsigned).await, (200, "draft".into()));
    assert_eq!(submit(&company.author, &unsigned).await, (200, "draft".into()), "the same again");
    // The author's own signature does not count.
    let by = |key: &ed25519_dalek::SigningKey| deployment.sign(key).unwrap();
    assert_eq!(submit(&company.approver, &by(&company.ada)).await, (200, "draft".into()));
    assert_eq!(submit(&company.author, &by(&company.bo)).await.0, 403);
    assert_eq!(submit(&company.approver, &by(&company.bo)).await, (200, "submitted".into()));
    // R46: an administrator is no approver unless the charter says so.
    assert_eq!(submit(&company.admin, &by(&company.root())).await.0, 409);
    let shown = company.show(&portal, &deployment.id).await;
    assert_eq!((&shown["approved_by"], &shown["missing"]), (&serde_json::json!(["Bo"]), &1.into()));
    assert_eq!(submit(&company.approver, &by(&company.bo)).await, (200, "submitted".into()), "not twice");
    assert_eq!(submit(&company.approver, &by(&company.cy)).await, (200, "queued".into()));
    let shown = company.show(&portal, &deployment.id).await;
    assert_eq!(shown["missing"], 0);
    assert_eq!(shown["envelope"]["payload"], unsigned.payload, "never changed");
    assert_eq!(shown["envelope"]["signatures"].as_array().unwrap().len(), 3);
    assert_eq!(shown["items"], serde_json::json!([{"kind": "dashboard.put"}]));
    let list = portal.get("/v1/deployments", &company.viewer).await.json();
    assert_eq!(list["deployments"][0]["title"], "canary kitchen 1");
    assert!(list["deployments"][0].get("envelope").is_none());
}

#[tokio::test]
async fn what_a_home_would_refuse_is_refused_before() {
    let portal = Portal::start().await;
    let company = Company::bare(&portal, 1).await;
    let (home, _link) = Home::pair(&portal, &company.tenant).await;
    let (elsewhere, _other_link) = Home::pair(&portal, &company.tenant).await;
    let submit =
        async |envelope: &Envelope| code(&company.submit(&portal, &home, &company.approver, envelope).await);
    let good = company.deployment(&portal, &home, 5);
    assert_eq!(submit(&good.unsigned().unwrap()).await, (409, "no_charter".into()));
    portal.post("/v1/charters", &company.admin, &company.charter(&portal, 1)).await;
    assert_eq!(submit(&good.unsigned().unwrap()).await.0, 200);
    let with = |change: &dyn Fn(&mut vestibule_protocol::deployment::Deployment)| {
        let mut deployment = company.deployment(&portal, &home, 6);
        change(&mut deployment);
        company.approved(&deployment)
    };
    let refusals = [
        (with(&|it| it.target = elsewhere.fingerprint), 409, "deployment_elsewhere"),
        (with(&|it| it.tenant = vestibule_protocol::id::TenantId([3; 32])), 409, "deployment_elsewhere"),
        (with(&|it| (it.not_before, it.expires) = (1, 2)), 409, "deployment_expired"),
        (with(&|it| it.sequence = 5), 409, "sequence_taken"),
        (with(&|it| it.sequence = 0), 400, "deployment_unfit"),
        (with(&|it| it.items.clear()), 400, "deployment_unfit"),
        (with(&|it| it.id = good.id), 409, "deployment_differs"),
        (company.deployment(&portal, &home, 6).sign(&company.root()).unwrap(), 409, "signatures_unknown"),
        (company.charter(&portal, 1), 400, "deployment_unfit"),
    ];
    for (envelope, status, problem) in refusals {
        assert_eq!(submit(&envelope).await, (status, problem.into()));
    }
    let mut altered = company.approved(&company.deployment(&portal, &home, 6));
    altered.payload = good.unsigned().unwrap().payload;
    assert_eq!(submit(&altered).await, (409, "signatures_unknown".into()), "signatures of another payload");
    let mut many = company.approved(&company.deployment(&portal, &home, 6));
    many.signatures = vec![many.signatures[0].clone(); 33];
    assert_eq!(submit(&many).await, (409, "too_many_signatures".into()));
    let path = format!("/v1/instances/{}/deployments", home.fingerprint);
    assert_eq!(portal.request("POST", &path, &company.approver, "", "{}").await.status, 400);
    let large = Envelope { payload: "A".repeat((4 << 20) - (8 << 10)), ..good.unsigned().unwrap() };
    assert_eq!(submit(&large).await, (413, "deployment_too_large".into()));
    portal.pass(101 * DAY);
    let later = portal.staff(&company.tenant, vestibule_portal::role::Role::Approver).await;
    let late = company.deployment(&portal, &home, 7).unsigned().unwrap();
    let reply = company.submit(&portal, &home, &later, &late).await;
    assert_eq!(code(&reply), (409, "charter_expired".into()));
}

#[tokio::test]
async fn a_deployment_reaches_the_home_and_its_reports_come_back() {
    let portal = Portal::start().await;
    let company = Company::new(&portal, 1).await;
    let (mut home, mut link) = Home::pair(&portal, &company.tenant).await;
    home.charter = Some(1);
    assert_eq!(link.hear().await.kind(), "charters");
    let id = company.deploy(&portal, &home, 1).await;
    assert_eq!(deployed(link.hear().await), id, "at once");
    assert_eq!(company.state(&portal, &id).await, "delivered");
    for (state, expected) in [
        (ReportState::Waiting, "awaiting_owner"),
        (ReportState::Approved, "applying"),
        (ReportState::Verified, "applied"),
    ] {
        let FromPortal::Done(done) = link.ask(report(id, state, None)).await else { panic!() };
        assert_eq!((done.root, done.receipts.len()), (home.root(), 0));
        assert_eq!(company.state(&portal, &id).await, expected);
    }
    let thing = OpaqueId { thing: Thing::Dashboard, bits: 7 };
    let mut settled = report(id, ReportState::Settled, None);
    settled.items = vec![ItemReport { item: 0, thing: Some(thing), base: Some(Fixed([4; 32])), code: None }];
    assert_eq!(link.ask(settled.clone()).await.kind(), "done");
    assert_eq!(link.ask(settled).await.kind(), "done", "R24: again, and counted once");
    let shown = company.show(&portal, &id).await;
    assert_eq!((&shown["state"], &shown["code"]), (&"applied".into(), &"settled".into()));
    assert_eq!(shown["items"][0]["thing"], thing.to_string());
    assert_eq!(shown["items"][0]["base"], Fixed([4; 32]).to_string());
    let states: Vec<&str> =
        shown["history"].as_array().unwrap().iter().map(|step| step["state"].as_str().unwrap()).collect();
    assert_eq!(
        states,
        ["draft", "approved", "queued", "delivered", "awaiting_owner", "applying", "applied", "applied"]
    );
    link.ask(report(id, ReportState::Undone, None)).await;
    assert_eq!(company.state(&portal, &id).await, "undone");
    // What does not fit changes nothing, and is acknowledged all the same.
    assert_eq!(link.ask(report(id, ReportState::Waiting, None)).await.kind(), "done");
    assert_eq!(company.state(&portal, &id).await, "undone");
    let unknown = report(DeploymentId::new(1, random()), ReportState::Settled, None);
    assert_eq!(link.ask(unknown).await.kind(), "done");
    let (_other, mut other_link) = Home::pair(&portal, &company.tenant).await;
    assert_eq!(other_link.ask(report(id, ReportState::Settled, None)).await.kind(), "done");
    assert_eq!(company.state(&portal, &id).await, "undone", "another home's word does not count");
    let talk = report(id, ReportState::Refused, Some("Error in the Kitchen!"));
    assert_eq!(refused(link.ask(talk).await), RefusalCode::BadMessage, "R15: codes only");
    let verify = portal.running.app.store.read(audit::verify).await.unwrap();
    assert!(verify.unwrap() > 10);
    let path = format!("/v1/instances/{}/audit", home.fingerprint);
    let trail = portal.get(&path, &company.viewer).await.text();
    for verb in ["draft", "approve", "queue", "deliver", "report", "report_out_of_order"] {
        assert!(trail.contains(&format!("\"verb\":\"{verb}\"")), "{verb}");
    }
}

#[tokio::test]
async fn r32_a_home_that_was_away_gets_everything_in_order() {
    let portal = Portal::start().await;
    let company = Company::new(&portal, 1).await;
    let (mut home, link) = Home::pair(&portal, &company.tenant).await;
    home.charter = Some(1);
    drop(link);
    let older_draft = company.deployment(&portal, &home, 5);
    company.submit(&portal, &home, &company.author, &older_draft.unsigned().unwrap()).await;
    let third = company.deploy(&portal, &home, 30).await;
    let first = company.deploy(&portal, &home, 10).await;
    let second = company.deploy(&portal, &home, 20).await;
    let portal = portal.restart().await;
    let (mut link, welcome) = home.connect_welcome(&portal).await;
    assert_eq!(welcome.sequence, 0, "nothing was handed out before");
    for id in [first, second, third] {
        assert_eq!(deployed(link.hear().await), id);
    }
    assert_eq!(company.state(&portal, &older_draft.id).await, "superseded");
    let late = company.deployment(&portal, &home, 29);
    let reply = company.submit(&portal, &home, &company.approver, &company.approved(&late)).await;
    assert_eq!(code(&reply), (409, "sequence_passed".into()));
    let told = report(first, ReportState::Waiting, None);
    assert_eq!(link.ask(told.clone()).await.kind(), "done");
    home.done = Some(told.id);
    // The link is cut before the others were reported on: they come again, the first does not.
    let (mut link, welcome) = home.connect_welcome(&portal).await;
    assert_eq!(welcome.sequence, 30);
    let again: Vec<DeploymentId> = link.heard(&home).await.into_iter().map(deployed).collect();
    assert_eq!(again, [second, third]);
}

/// R6: the owner said no, the home was put back to before that, and now says yes.
#[tokio::test]
async fn r6_a_home_that_was_put_back_may_decide_anew() {
    let portal = Portal::start().await;
    let company = Company::new(&portal, 1).await;
    let (mut home, mut link) = Home::pair(&portal, &company.tenant).await;
    home.charter = Some(1);
    let backup = home.clone();
    let id = company.deploy(&portal, &home, 10).await;
    let told = |state| report(id, state, (state == ReportState::Refused).then_some("declined"));
    for state in [ReportState::Waiting, ReportState::Refused, ReportState::Approved] {
        assert_eq!(link.ask(told(state)).await.kind(), "done");
    }
    assert_eq!(company.state(&portal, &id).await, "refused", "a no is a no");
    portal.pass(60);
    let mut home = backup;
    let (mut link, welcome) = home.connect_welcome(&portal).await;
    assert!(welcome.restored);
    for (state, word) in [(ReportState::Approved, "applying"), (ReportState::Verified, "applied")] {
        assert_eq!(link.ask(told(state)).await.kind(), "done");
        assert_eq!(company.state(&portal, &id).await, word);
    }
}

/// R6: what staff took back does not wait again because a home that was put back still has its report of before to send.
#[tokio::test]
async fn r6_a_home_that_was_put_back_does_not_bring_back_what_was_withdrawn() {
    let portal = Portal::start().await;
    let company = Company::new(&portal, 1).await;
    let (mut home, mut link) = Home::pair(&portal, &company.tenant).await;
    home.charter = Some(1);
    let backup = home.clone();
    let id = company.deploy(&portal, &home, 10).await;
    assert_eq!(link.ask(report(id, ReportState::Waiting, None)).await.kind(), "done");
    let path = format!("/v1/deployments/{id}/withdraw");
    assert_eq!(portal.post(&path, &company.author, &()).await.status, 200);
    let mut home = backup;
    let (mut link, welcome) = home.connect_welcome(&portal).await;
    assert!(welcome.restored);
    assert_eq!(link.ask(report(id, ReportState::Waiting, None)).await.kind(), "done");
    assert_eq!(company.state(&portal, &id).await, "withdrawn");
}

#[tokio::test]
async fn r32_at_most_sixteen_wait_in_a_home() {
    let portal = Portal::start().await;
    let company = Company::new(&portal, 1).await;
    let (mut home, link) = Home::pair(&portal, &company.tenant).await;
    home.charter = Some(1);
    drop(link);
    let mut ids = Vec::new();
    for sequence in 1..=18 {
        ids.push(company.deploy(&portal, &home, sequence).await);
    }
    let mut link = home.connect(&portal).await;
    assert_eq!(link.heard(&home).await.len(), 16);
    assert_eq!(company.state(&portal, &ids[16]).await, "queued");
    link.ask(report(ids[0], ReportState::Waiting, None)).await;
    assert_eq!(link.heard(&home).await, [], "it still waits");
    link.ask(report(ids[0], ReportState::Refused, Some("not_granted"))).await;
    assert_eq!(deployed(link.hear().await), ids[16]);
    assert_eq!(company.show(&portal, &ids[0]).await["code"], "not_granted");
}

#[tokio::test]
async fn what_is_withdrawn_is_not_delivered_or_is_called_back() {
    let portal = Portal::start().await;
    let company = Company::new(&portal, 1).await;
    let (mut home, mut link) = Home::pair(&portal, &company.tenant).await;
    home.charter = Some(1);
    assert_eq!(link.hear().await.kind(), "charters");
    let withdraw = async |id: &DeploymentId, token: &str| {
        portal.post(&format!("/v1/deployments/{id}/withdraw"), token, &()).await
    };
    let there = company.deploy(&portal, &home, 1).await;
    assert_eq!(deployed(link.hear().await), there);
    assert_eq!(withdraw(&there, &company.viewer).await.status, 403);
    assert_eq!(withdraw(&there, &company.author).await.json()["state"], "withdrawn");
    let FromPortal::Withdraw(told) = link.hear().await else { panic!() };
    assert_eq!(told.deployment, there);
    assert_eq!(withdraw(&there, &company.author).await.status, 200, "again");
    drop(link);
    let away = company.deployment(&portal, &home, 2);
    company.submit(&portal, &home, &company.author, &away.unsigned().unwrap()).await;
    withdraw(&away.id, &company.author).await;
    let reply = company.submit(&portal, &home, &company.approver, &company.approved(&away)).await;
    assert_eq!(code(&reply), (409, "deployment_over".into()));
    let mut link = home.connect(&portal).await;
    let told = link.heard(&home).await;
    assert!(matches!(&told[..], [FromPortal::Withdraw(told)] if told.deployment == there), "{told:?}");
    // It was too late: the home's word counts.
    link.ask(report(there, ReportState::Verified, None)).await;
    assert_eq!(company.state(&portal, &there).await, "applied");
    assert_eq!(code(&withdraw(&there, &company.author).await), (409, "deployment_over".into()));
}

#[tokio::test]
async fn r33_a_new_charter_takes_back_what_its_persons_have_not_approved() {
    let portal = Portal::start().await;
    let company = Company::new(&portal, 1).await;
    let (mut home, link) = Home::pair(&portal, &company.tenant).await;
    drop(link);
    let id = company.deploy(&portal, &home, 1).await;
    let mut next = company.charter_of(&portal, 2);
    next.approvers.retain(|one| one.person != "Cy");
    next.threshold = 1;
    next.approvers.retain(|one| one.person != "Bo");
    let reply = portal.post("/v1/charters", &company.admin, &next.sign(&company.root()).unwrap()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let shown = company.show(&portal, &id).await;
    assert_eq!((&shown["state"], &shown["code"]), (&"submitted".into(), &"charter_changed".into()));
    home.charter = Some(2);
    let mut link = home.connect(&portal).await;
    assert_eq!(link.heard(&home).await, []);
}

#[tokio::test]
async fn a_pause_holds_deployments_until_it_is_over() {
    let portal = Portal::start().await;
    let company = Company::new(&portal, 1).await;
    let (mut home, link) = Home::pair(&portal, &company.tenant).await;
    drop(link);
    home.charter = Some(1);
    home.consent.restrict(true);
    let mut link = home.connect(&portal).await;
    let deployment = company.deployment(&portal, &home, 1);
    let reply = company.submit(&portal, &home, &company.approver, &company.approved(&deployment)).await;
    assert_eq!(reply.json()["state"], "approved");
    assert_eq!(link.heard(&home).await, []);
    home.consent.restrict(false);
    let id = Fixed([5; 16]);
    let changed = vestibule_protocol::message::ConsentChanged { id, consent: home.consent.clone() };
    assert_eq!(link.ask(changed).await.kind(), "done");
    assert_eq!(deployed(link.hear().await), deployment.id);
}

#[tokio::test]
async fn deployments_end_by_their_expiry_and_are_forgotten_after_ninety_days() {
    let portal = Portal::start().await;
    let company = Company::new(&portal, 1).await;
    let (mut home, link) = Home::pair(&portal, &company.tenant).await;
    drop(link);
    let id = company.deploy(&portal, &home, 1).await;
    portal.pass(10 * DAY);
    home.charter = Some(1);
    let mut link = home.connect(&portal).await;
    assert_eq!(link.heard(&home).await, [], "it expired on the shelf");
    assert_eq!(company.state(&portal, &id).await, "expired");
    portal.pass(20 * DAY);
    portal.get("/v1/deployments", &company.viewer).await;
    portal.pass(29 * DAY);
    portal.get("/v1/deployments", &company.viewer).await;
    portal.pass(29 * DAY);
    portal.get("/v1/deployments", &company.viewer).await;
    let run = async || vestibule_portal::serve::upkeep::run(&portal.running.app, 1000).await.unwrap();
    run().await;
    assert_eq!(company.state(&portal, &id).await, "expired");
    portal.pass(13 * DAY);
    run().await;
    assert_eq!(portal.get(&format!("/v1/deployments/{id}"), &company.viewer).await.status, 404);
    assert_eq!(
        portal
            .running
            .app
            .store
            .read(|db| Ok(
                db.query_row("SELECT count(*) FROM deployment_event", [], |row| row.get::<_, u32>(0))?
            ))
            .await
            .unwrap(),
        0
    );
}

#[tokio::test]
async fn r28_erasing_a_home_erases_its_deployments() {
    let portal = Portal::start().await;
    let company = Company::new(&portal, 1).await;
    let (home, mut link) = Home::pair(&portal, &company.tenant).await;
    let id = company.deploy(&portal, &home, 1).await;
    assert!(!files_with(portal.folder.path(), b"canary kitchen").is_empty());
    link.ask(report(id, ReportState::Refused, Some("not_granted"))).await;
    assert_eq!(link.ask(Erase { id: Fixed([1; 16]), only: None }).await.kind(), "erased");
    for trace in
        [b"canary kitchen".as_slice(), b"not_granted", &id.0, id.to_string().as_bytes(), &home.fingerprint.0]
    {
        assert_eq!(files_with(portal.folder.path(), trace), Vec::<String>::new());
    }
    assert_eq!(
        portal.get("/v1/deployments", &company.viewer).await.json()["deployments"],
        serde_json::json!([])
    );
}

/// Every address × role × foreign tenant: what is another's is as if it were not there.
#[tokio::test]
async fn r46_every_address_about_deployments_for_every_role_and_tenant() {
    let portal = Portal::start().await;
    let (mine, other) = (Company::new(&portal, 1).await, Company::new(&portal, 2).await);
    let (home, _link) = Home::pair(&portal, &mine.tenant).await;
    let (foreign, mut foreign_link) = Home::pair(&portal, &other.tenant).await;
    let theirs = other.deploy(&portal, &foreign, 1).await;
    let request = vestibule_protocol::message::Request {
        id: Fixed(random()),
        text: "a canary wish".into(),
        rooms: Vec::new(),
        withdrawn: false,
        time: 1,
    };
    assert_eq!(foreign_link.ask(request.clone()).await.kind(), "done");
    let question = serde_json::json!({"question": "Which?", "candidates": ["e_aaaaaaaaaaaaa"]});
    let roles = [(&mine.viewer, 0), (&mine.author, 1), (&mine.approver, 2), (&mine.admin, 3)];
    for (token, role) in roles {
        for path in ["/v1/charters", "/v1/deployments", "/v1/questions", "/v1/requests"] {
            let reply = portal.get(path, token).await;
            assert_eq!(reply.status, 200, "{path}");
            assert!(
                !reply.text().contains("canary") && !reply.text().contains(&foreign.fingerprint.to_string())
            );
            assert_eq!(portal.get(path, "").await.status, 401, "{path}");
        }
        for path in ["/v1/deployments", "/v1/questions", "/v1/requests"] {
            let strange = portal.get(&format!("{path}?instance={}", foreign.fingerprint), token).await;
            let absent =
                portal.get(&format!("{path}?instance={}", Home::new(&mine.tenant).fingerprint), token).await;
            assert_eq!((strange.status, strange.text()), (404, absent.text()), "{path}");
            assert_eq!(portal.get(&format!("{path}?instance={}", home.fingerprint), token).await.status, 200);
            assert_eq!(portal.get(&format!("{path}?home=1"), token).await.status, 400);
        }
        let nothing = DeploymentId::new(1, random());
        let show = async |id| portal.get(&format!("/v1/deployments/{id}"), token).await;
        let (strange, absent) = (show(theirs).await, show(nothing).await);
        assert_eq!((strange.status, strange.text()), (404, absent.text()));
        let at_least = |needs: u8| if role >= needs { 404 } else { 403 };
        let withdraw = async |id| portal.post(&format!("/v1/deployments/{id}/withdraw"), token, &()).await;
        let (strange, absent) = (withdraw(theirs).await, withdraw(nothing).await);
        assert_eq!((strange.status, strange.text()), (at_least(1), absent.text()));
        let deployment = mine.deployment(&portal, &foreign, 1);
        let reply = mine.submit(&portal, &foreign, token, &deployment.unsigned().unwrap()).await;
        assert_eq!(reply.status, at_least(1));
        let ask = async |home: &Home| {
            portal.post(&format!("/v1/instances/{}/questions", home.fingerprint), token, &question).await
        };
        assert_eq!(ask(&foreign).await.status, at_least(1));
        assert_eq!(ask(&home).await.status, if role >= 1 { 200 } else { 403 });
        let mark = portal
            .post(&format!("/v1/requests/{}", request.id), token, &serde_json::json!({"state": "taken"}))
            .await;
        assert_eq!(mark.status, at_least(1));
    }
    for path in ["/v1/charters", "/v1/requests/x", "/v1/deployments/x/withdraw"] {
        assert_eq!(portal.post(path, "", &()).await.status, 401, "{path}");
    }
    assert_eq!(portal.get("/v1/events", "").await.status, 401);
    // The payload names the tenant: another one's deployment cannot be slipped to an own home either.
    let slipped = other.approved(&other.deployment(&portal, &home, 3));
    assert_eq!(mine.submit(&portal, &home, &mine.approver, &slipped).await.status, 409);
    assert_eq!(other.state(&portal, &theirs).await, "delivered");
}
