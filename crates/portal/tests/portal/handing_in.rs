//! The command line against a portal that serves: from a charter to a deployment in place, and on to the next one.

use std::sync::atomic::Ordering;

use vestibule_portal::role::Role;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::{self, Base, Item};
use vestibule_protocol::message::{FromPortal, ItemReport, Report, ReportState};

use super::agent::{Home, Link};
use super::authoring::Desk;
use super::desk::{Portal, Tenant};

/// A portal on the clock of the programs that are run beside it.
async fn portal() -> (Portal, Tenant) {
    let portal = Portal::start().await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    portal.clock.store(now.as_secs(), Ordering::SeqCst);
    let tenant = portal.tenant(1).await;
    (portal, tenant)
}

/// A desk with the tenant's root key (as `tenant create` writes it), the key of Ada, and a charter that asks for her alone.
fn desk(tenant: &Tenant) -> Desk {
    let desk = Desk::new();
    desk.write("root.key", &format!("{}\n", Fixed([1; 32])));
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(desk.path("root.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    desk.json(&["key", "new", "--person", "Ada", "--out", "ada.key", "--no-passphrase"]);
    let id = tenant.id.to_string();
    let new = ["charter", "new", "--tenant", &id, "--root-key", "root.key", "--approver", "ada.key.pub"];
    desk.json(&[&new[..], &["--threshold", "1", "--out", "charter.json"]].concat());
    desk
}

fn furnish(home: &mut Home) {
    home.furnish(2);
    for (key, body) in [
        ("area/a_aaaaaaaaaaaaa", r#"{"kind":"kitchen","order":0,"ordinal":1}"#),
        ("dashboard/b_aaaaaaaaaaaaa", r#"{"mode":"storage"}"#),
    ] {
        home.records.insert(key.into(), body.into());
    }
}

/// The next deployment that arrives at the home.
async fn deployed(link: &mut Link) -> deployment::Deployment {
    // Charters and readings come first.
    for _ in 0..10 {
        if let FromPortal::Deploy(deploy) = link.hear().await {
            return deployment::read(&deploy.envelope).unwrap();
        }
    }
    panic!("no deployment came");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_charter_to_the_next_version_of_a_dashboard() {
    let (portal, tenant) = portal().await;
    let admin = portal.staff(&tenant, Role::Admin).await;
    let author = portal.staff(&tenant, Role::Author).await;
    let origin = format!("http://{}", portal.running.addr);
    let desk = desk(&tenant);
    let at = |token: &str| ["--portal".to_owned(), origin.clone(), "--token".into(), token.to_owned()];
    let ask = |token: &str, arguments: &[&str]| {
        let at = at(token);
        let at: Vec<&str> = at.iter().map(String::as_str).collect();
        desk.json(&[arguments, &at].concat())
    };
    let refused = |token: &str, arguments: &[&str]| {
        let at = at(token);
        let at: Vec<&str> = at.iter().map(String::as_str).collect();
        desk.problem(&[arguments, &at].concat())
    };
    let (mut home, mut link) = Home::pair(&portal, &tenant).await;
    let empty = home.clone();
    furnish(&mut home);
    assert_eq!(link.push(&empty, &home).await.kind(), "ack");
    let print = home.fingerprint.to_string();

    // Homes and what is held of them.
    assert_eq!(ask(&author, &["instance", "list"])["instances"][0]["fingerprint"], print.as_str());
    assert_eq!(ask(&author, &["instance", "show", &print])["records"], 4);
    let tree = ask(&author, &["instance", "show", &print, "--tree"]);
    assert!(tree["tree"].as_str().unwrap().contains("kitchen  a_aaaaaaaaaaaaa"), "{tree}");

    // The same out of the data folder, for whoever runs the portal.
    let data = portal.folder.path().to_str().unwrap().to_owned();
    assert_eq!(desk.json(&["instance", "show", &print, "--data", &data])["kinds"]["entity"], 2);
    assert_eq!(desk.json(&["instance", "show", &print, "--tree", "--data", &data]), tree);

    // Roles and tokens are those of the API.
    assert_eq!(refused("nobody", &["instance", "list"]), "unauthorised");
    assert_eq!(refused(&author, &["charter", "submit", "charter.json"]), "forbidden");
    assert_eq!(ask(&admin, &["charter", "submit", "charter.json"])["version"], 1);

    desk.write("board.json", r#"{"views":[{"title":"@n_a_aaaaaaaaaaaaa"}]}"#);
    let new = ["deployment", "new", "--instance", &print, "--title", "Kitchen", "--author", "Cy"];
    let board = ["--dashboard", "board.json", "--url-path", "kitchen-board"];
    // The tenant is learned from the portal.
    let made = ask(&author, &[&new[..], &board, &["--out", "one.json"]].concat());
    assert_eq!(
        (made["tenant"].as_str(), made["sequence"].is_u64()),
        (Some(tenant.id.to_string().as_str()), true)
    );
    let checked = ask(&author, &["deployment", "check", "one.json"]);
    assert_eq!((checked["ok"].as_bool(), checked["findings"].as_array().unwrap().len()), (Some(true), 0));
    desk.json(&["deployment", "sign", "one.json", "--key", "ada.key", "--yes"]);
    let handed = ask(&admin, &["deployment", "submit", "one.json"]);
    let id = handed["id"].as_str().unwrap().to_owned();
    assert_eq!(made["id"], id.as_str());
    let one = deployed(&mut link).await;
    assert_eq!((one.id.to_string(), one.title.as_str()), (id.clone(), "Kitchen"));
    let listed = ask(&author, &["deployment", "list", "--instance", &print]);
    assert_eq!(listed["deployments"][0]["id"], id.as_str());

    // Home has made a dashboard of it; the same command then replaces that one.
    let base = Fixed([7; 32]);
    let item =
        ItemReport { item: 0, thing: Some("b_baaaaaaaaaaaa".parse().unwrap()), base: Some(base), code: None };
    let report = Report {
        id: Fixed([3; 16]),
        deployment: one.id,
        state: ReportState::Settled,
        code: None,
        items: vec![item],
        time: portal.now(),
    };
    assert_eq!(link.ask(report).await.kind(), "done");
    let shown = ask(&author, &["deployment", "show", &id]);
    assert_eq!((shown["state"].as_str(), shown["approved_by"][0].as_str()), (Some("applied"), Some("Ada")));
    ask(&author, &[&new[..], &board, &["--out", "two.json"]].concat());
    let two = deployment::read(&desk.envelope("two.json")).unwrap();
    let Item::DashboardPut(put) = &two.items[0] else { panic!("{two:?}") };
    assert_eq!(put.dashboard.unwrap().to_string(), "b_baaaaaaaaaaaa");
    assert_eq!((put.base, put.url_path.as_ref()), (Base::Hash(base), None));
    assert!(two.sequence > one.sequence);

    // Taken back before anybody has approved it.
    assert_eq!(ask(&author, &["deployment", "submit", "two.json"])["state"], "draft");
    ask(&author, &["deployment", "withdraw", &two.id.to_string()]);
    assert_eq!(ask(&author, &["deployment", "show", &two.id.to_string()])["state"], "withdrawn");
    portal.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_and_requests_are_listed() {
    let (portal, tenant) = portal().await;
    let author = portal.staff(&tenant, Role::Author).await;
    let origin = format!("http://{}", portal.running.addr);
    let desk = Desk::new();
    let ask =
        |arguments: &[&str]| desk.json(&[arguments, &["--portal", &origin, "--token", &author]].concat());
    let (home, _link) = Home::pair(&portal, &tenant).await;
    let print = home.fingerprint.to_string();
    let question = ["ask", "new", "--instance", &print, "--question", "Which is the reading lamp?"];
    let asked =
        ask(&[&question[..], &["--candidate", "e_aaaaaaaaaaaaa", "e_baaaaaaaaaaaa", "--days", "3"]].concat());
    let listed = ask(&["ask", "list", "--instance", &print]);
    assert_eq!(
        (&listed["questions"][0]["id"], listed["questions"][0]["state"].as_str()),
        (&asked["id"], Some("open"))
    );
    assert_eq!(ask(&["request", "list"])["requests"], serde_json::json!([]));
    portal.running.stop().await;
}

#[test]
fn a_portal_that_does_not_answer_is_a_problem_with_a_code() {
    let desk = Desk::new();
    let list = |portal: &str| desk.problem(&["instance", "list", "--token", "x", "--portal", portal]);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(list(&format!("http://{free}")), "portal_unreachable");
    assert_eq!(list("http://portal.example"), "origin_invalid", "never in clear beyond this machine");
    assert_eq!(
        desk.problem(&["instance", "list", "--token", "x\ny", "--portal", "http://127.0.0.1:1"]),
        "token_invalid"
    );
    assert_eq!(desk.problem(&["instance", "list", "--portal", "http://127.0.0.1:1"]), "portal_needed");
    desk.write("ca.pem", "nothing");
    let with_ca =
        ["instance", "list", "--token", "x", "--portal", "https://127.0.0.1:1", "--ca-file", "ca.pem"];
    assert_eq!(desk.problem(&with_ca), "authority_unusable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_checked_against_the_given_authority() {
    let desk = Desk::new();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    desk.write("ca.pem", &made.cert.pem());
    desk.write("tls.key", &made.signing_key.serialize_pem());
    let options = vestibule_portal::serve::Options {
        tls: Some((desk.path("ca.pem"), desk.path("tls.key"))),
        origin: Some("https://localhost".into()),
        ..vestibule_portal::serve::Options::local(desk.path("data"))
    };
    let running = vestibule_portal::serve::start(options).await.unwrap();
    let origin = format!("https://localhost:{}", running.addr.port());
    let list = ["instance", "list", "--token", "x", "--portal", &origin];
    assert_eq!(desk.problem(&list), "portal_untrusted");
    assert_eq!(desk.problem(&[&list[..], &["--ca-file", "ca.pem"]].concat()), "unauthorised");
    running.stop().await;
}

#[test]
fn a_snapshot_file_is_enough_for_checking() {
    let desk = Desk::new();
    let (home, tenant) = (
        vestibule_protocol::id::Fingerprint([2; 32]).to_string(),
        vestibule_protocol::id::TenantId([1; 32]).to_string(),
    );
    desk.write("board.json", r#"{"cards":[{"entity":"light.lamp"}]}"#);
    desk.write("home.jsonl", "{\"key\":\"home/home\",\"record\":{}}\n");
    let new =
        ["deployment", "new", "--instance", &home, "--tenant", &tenant, "--title", "T", "--out", "d.json"];
    desk.json(&[&new[..], &["--dashboard", "board.json", "--url-path", "a-b"]].concat());
    assert_eq!(desk.problem(&["deployment", "check", "d.json"]), "portal_needed");
    let check = ["deployment", "check", "d.json", "--snapshot", "home.jsonl"];
    // One object, with the problem in it.
    assert_eq!(desk.problem(&check), "check_failed");
    let told = desk.run(&check);
    let (said, problem) = (String::from_utf8(told.stdout).unwrap(), String::from_utf8(told.stderr).unwrap());
    assert!(said.contains("(use_tokens)") && problem.ends_with("(check_failed)\n"), "{said} {problem}");
    desk.write("home.jsonl", "no");
    assert_eq!(desk.problem(&check), "snapshot_unreadable");
}
