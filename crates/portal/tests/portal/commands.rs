//! The commands as people and scripts call them, beside a portal that serves.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use super::desk::files_with;
use vestibule_protocol::id::TenantId;
use vestibule_protocol::invite::Invite;
use vestibule_protocol::words;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vestibule-portal");

fn run(at: &Path, arguments: &[&str]) -> Output {
    Command::new(PROGRAM).current_dir(at).args(arguments).output().unwrap()
}

fn json(at: &Path, arguments: &[&str]) -> serde_json::Value {
    let output = run(at, &[arguments, &["--data", "data", "--json"]].concat());
    assert!(output.status.success(), "{arguments:?} {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn problem(at: &Path, arguments: &[&str]) -> String {
    let output = run(at, &[arguments, &["--data", "data", "--json"]].concat());
    assert_eq!(output.status.code(), Some(1), "{arguments:?} {output:?}");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    json["problem"]["code"].as_str().unwrap().to_owned()
}

struct Serving {
    child: Child,
    listening: String,
}

impl Serving {
    fn start(at: &Path, listen: &str) -> Self {
        let mut child = Command::new(PROGRAM)
            .current_dir(at)
            .args(["serve", "--data", "data", "--listen", listen, "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        Self { child, listening: json["listening"].as_str().unwrap().to_owned() }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_portal_from_an_empty_folder_to_an_invite() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert_eq!(problem(at, &["tenant", "create", "Example"]), "origin_unknown");
    let serving = Serving::start(at, "127.0.0.1:0");
    let created = json(at, &["tenant", "create", "Example Dashboards"]);
    let tenant = created["tenant"].as_str().unwrap();
    let key = at.join(created["root_key_file"].as_str().unwrap());
    assert_eq!(key.file_name().unwrap().to_str().unwrap(), format!("{tenant}.root.key"));
    let secret = std::fs::read_to_string(&key).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(at.join("data")).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(files_with(&at.join("data"), secret.trim().as_bytes()), Vec::<String>::new());

    let token = json(at, &["staff", "add", "Ada", "--tenant", tenant, "--role", "admin"]);
    let token = token["token"].as_str().unwrap();
    assert_eq!(files_with(&at.join("data"), token.as_bytes()), Vec::<String>::new(), "S40");
    assert_eq!(problem(at, &["staff", "add", "Ada", "--role", "viewer"]), "staff_exists");
    let listed = json(at, &["staff", "list", "--tenant", tenant]);
    assert_eq!(
        (listed["staff"][0]["name"].as_str(), listed.to_string().contains(token)),
        (Some("Ada"), false)
    );

    let invited = json(at, &["invite", "create", "--tenant", tenant, "--label", "unit 12"]);
    let invite = Invite::parse(invited["code"].as_str().unwrap()).unwrap();
    let id: TenantId = tenant.parse().unwrap();
    assert_eq!((invite.tenant, invite.origin.as_str()), (id, serving.listening.as_str()));
    assert_eq!(invited["words"].as_str().unwrap(), words::of(&id).join(" "));
    assert_eq!(files_with(&at.join("data"), &invite.secret), Vec::<String>::new());
    assert_eq!(json(at, &["invite", "list"])["invites"][0]["label"], "unit 12");
    assert_eq!(json(at, &["tenant", "show"])["words"], invited["words"]);
    assert_eq!(json(at, &["instance", "list", "--tenant", tenant])["instances"], serde_json::json!([]));
    assert_eq!(problem(at, &["invite", "create", "--portal", "https://other.example"]), "origin_differs");
    let stranger = TenantId([1; 32]).to_string();
    assert_eq!(problem(at, &["tenant", "show", "--tenant", &stranger]), "tenant_unknown");

    // Killed and started again at once on the same folder and port.
    let address = serving.listening.trim_start_matches("http://").to_owned();
    serving.kill();
    let serving = Serving::start(at, &address);
    assert_eq!(serving.listening, format!("http://{address}"));
    let other = "https://portal.example";
    let key = key.to_str().unwrap();
    let renewed = json(at, &["tenant", "renew", "--tenant", tenant, "--root-key", key, "--origin", other]);
    assert_eq!(renewed["origin"], other);
    json(at, &["invite", "create", "--portal", other]);
    json(at, &["staff", "remove", "Ada"]);
    assert_eq!(problem(at, &["staff", "remove", "Ada"]), "not_found");
    serving.kill();
}

#[test]
fn root_keys_are_kept_apart_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let create = ["tenant", "create", "Example", "--origin", "https://portal.example", "--root-key"];
    json(at, &[&create[..], &["root.key"]].concat());
    let before = std::fs::read(at.join("root.key")).unwrap();
    assert_eq!(problem(at, &[&create[..], &["root.key"]].concat()), "root_key_exists");
    assert_eq!(std::fs::read(at.join("root.key")).unwrap(), before);
    for inside in ["data/root.key", "data/../data/root.key"] {
        assert_eq!(problem(at, &[&create[..], &[inside]].concat()), "root_key_in_data");
    }
    json(at, &[&create[..], &["other.key"]].concat());
    assert_eq!(problem(at, &["tenant", "show"]), "tenant_unknown", "there are two");
    let tenants = json(at, &["tenant", "list"]);
    let first = tenants["tenants"][0]["tenant"].as_str().unwrap();
    let renew = |key| problem(at, &["tenant", "renew", "--tenant", first, "--root-key", key]);
    assert_eq!(renew("other.key"), "root_key_other");
    assert_eq!(renew("missing.key"), "root_key_unusable");
}

#[test]
fn a_portal_beyond_this_machine_needs_an_origin_and_encryption() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let serve = |more: &[&str]| problem(at, &[&["serve", "--listen", "0.0.0.0:0"], more].concat());
    assert_eq!(serve(&[]), "tls_needed");
    assert_eq!(serve(&["--behind-proxy"]), "origin_needed");
    assert_eq!(serve(&["--behind-proxy", "--origin", "http://portal.example"]), "origin_invalid");
    assert_eq!(
        serve(&["--tls-cert", "no.pem", "--tls-key", "no.pem", "--origin", "https://a.example"]),
        "tls_unusable"
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_eq!(problem(at, &["serve", "--listen", &address]), "listen_failed");
}

#[test]
fn usage_errors_exit_with_two_and_problems_go_to_stderr() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert_eq!(run(at, &["tenant", "list"]).status.code(), Some(2), "no data folder");
    assert_eq!(run(at, &["dance"]).status.code(), Some(2));
    assert_eq!(run(at, &["serve", "--data", "data", "--listen", "here"]).status.code(), Some(2));
    assert_eq!(run(at, &["--help"]).status.code(), Some(0));
    let output = run(at, &["tenant", "show", "--data", "data"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert!(String::from_utf8(output.stderr).unwrap().ends_with("(tenant_unknown)\n"));
    let script = run(at, &["completions", "bash"]);
    assert!(
        script.status.success() && String::from_utf8(script.stdout).unwrap().contains("vestibule-portal")
    );
}
