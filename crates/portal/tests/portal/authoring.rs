//! Authors and approvers at their own machines: keys, charters and deployments as files, without portal, token or data folder.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::charter::Charter;
use vestibule_protocol::deployment::{self, Base, Item};
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::{Fingerprint, TenantId};

const PROGRAM: &str = env!("CARGO_BIN_EXE_vestibule-portal");

/// A folder with a passphrase in it.
pub(crate) struct Desk(tempfile::TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("passphrase"), "correct horse battery\n").unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(PROGRAM)
            .current_dir(self.0.path())
            .env("VESTIBULE_PASSPHRASE_FILE", "passphrase")
            .stdin(Stdio::null())
            .args(arguments)
            .output()
            .unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?} {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn problem(&self, arguments: &[&str]) -> String {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(1), "{arguments:?} {output:?}");
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        json["problem"]["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn envelope(&self, name: &str) -> Envelope {
        serde_json::from_slice(&std::fs::read(self.path(name)).unwrap()).unwrap()
    }

    /// A tenant with its root key, and keys of Ada and Bo; the id comes back.
    pub(crate) fn tenant(&self) -> String {
        let origin = "https://portal.example";
        let create = ["tenant", "create", "Example", "--data", "data", "--origin", origin];
        let created = self.json(&[&create[..], &["--root-key", "root.key"]].concat());
        self.json(&["key", "new", "--person", "Ada", "--out", "ada.key"]);
        self.json(&["key", "new", "--person", "Bo", "--out", "bo.key", "--no-passphrase"]);
        created["tenant"].as_str().unwrap().to_owned()
    }
}

fn home() -> String {
    Fingerprint([2; 32]).to_string()
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn r35_from_key_to_an_approved_deployment_without_a_portal() {
    let desk = Desk::new();
    let tenant = desk.tenant();
    let charter = ["charter", "new", "--tenant", &tenant, "--root-key", "root.key", "--threshold", "2"];
    let made = desk.json(
        &[&charter[..], &["--approver", "ada.key.pub", "bo.key.pub", "--out", "charter.json"]].concat(),
    );
    assert_eq!((made["version"].as_u64(), made["complete"].as_bool()), (Some(1), Some(true)));
    let id: TenantId = tenant.parse().unwrap();
    let charter = Charter::first(&desk.envelope("charter.json"), &id).unwrap();
    assert_eq!((charter.threshold, charter.approvers.len()), (2, 2));
    assert_eq!(charter.expires - charter.issued, 90 * 24 * 3600);
    let shown = desk.json(&["charter", "show", "charter.json"]);
    assert_eq!(shown["approvers"][0]["person"], "Ada");

    desk.write("board.json", "{\"views\":[]}\n");
    desk.write("clock.js", "customElements.define('acme-clock', class extends HTMLElement {});");
    desk.write("night.json", "{\"alias\":\"Night\",\"actions\":[{\"action\":\"lock.lock\"}]}");
    let base = Fixed([4; 32]).to_string();
    let home = home();
    let new = ["deployment", "new", "--instance", &home, "--title", "Kitchen", "--tenant", &tenant];
    let items = [
        "--dashboard",
        "board.json",
        "--url-path",
        "kitchen-board",
        "--card",
        "acme-clock=clock.js",
        "--automation",
        "night_lock=night.json",
        "--script",
        "s_aaaaaaaaaaaaa=night.json",
        "--base",
        &base,
        "--delete",
        "dashboard/b_aaaaaaaaaaaaa",
        "--base",
        &base,
    ];
    let made = desk.json(&[&new[..], &items, &["--author", "Cy", "--out", "d.json"]].concat());
    assert_eq!(made["abilities"]["services"][0], "lock.lock");
    let before = desk.envelope("d.json");
    let read = deployment::read(&before).unwrap();
    let kinds: Vec<&str> = read.items.iter().map(Item::kind).collect();
    assert_eq!(kinds, ["dashboard.put", "card.put", "automation.put", "script.put", "dashboard.delete"]);
    assert_eq!(read.items[3].base(), Base::Hash(Fixed([4; 32])));
    assert_eq!((read.target.to_string(), read.tenant, read.author.as_str()), (home.clone(), id, "Cy"));
    assert!(before.signatures.is_empty());
    assert!(deployment::approvals(&before, &charter).is_err());

    let clock = desk.json(&["deployment", "show", "d.json", "--item", "2"]);
    assert!(clock["text"].as_str().unwrap().starts_with("customElements.define"), "as it is signed");
    assert_eq!(desk.problem(&["deployment", "show", "d.json", "--item", "5"]), "no_such_item");

    // What is shown beside the signature is read from the bytes that are signed.
    let signed = desk.run(&["deployment", "sign", "d.json", "--key", "ada.key", "--json"]);
    let text = String::from_utf8(signed.stderr).unwrap();
    for expected in [&home, "Kitchen", "lock.lock", "new at /kitchen-board", "delete b_aaaaaaaaaaaaa"] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    let json: serde_json::Value = serde_json::from_slice(&signed.stdout).unwrap();
    assert_eq!((json["person"].as_str(), json["signatures"].as_u64()), (Some("Ada"), Some(1)));
    assert!(deployment::approvals(&desk.envelope("d.json"), &charter).is_err(), "one of two");
    desk.json(&["deployment", "sign", "d.json", "--key", "ada.key", "--yes"]);
    assert_eq!(desk.envelope("d.json").signatures.len(), 1, "the same person twice");
    desk.json(&["deployment", "sign", "d.json", "--key", "bo.key", "--yes"]);
    let after = desk.envelope("d.json");
    assert_eq!(after.payload, before.payload, "the bytes are what was handed over");
    let persons = deployment::approvals(&after, &charter).unwrap();
    assert_eq!(persons.into_iter().collect::<Vec<_>>(), ["Ada", "Bo"]);
    assert_eq!(desk.json(&["deployment", "show", "d.json"])["signatures"], 2);
}

#[test]
fn r33_charters_follow_each_other_by_thresholds() {
    let desk = Desk::new();
    let tenant = desk.tenant();
    let new = ["charter", "new", "--tenant", &tenant, "--approver", "ada.key.pub", "--threshold", "1"];
    let make = |more: &[&'static str]| [&new[..], more].concat();
    desk.json(&make(&["--root-key", "root.key", "--out", "one.json", "--days", "180"]));
    // Two roots from now on, and both have to agree.
    desk.json(&["key", "new", "--person", "Safe", "--out", "safe.key", "--no-passphrase"]);
    desk.json(&["key", "new", "--person", "Vault", "--out", "vault.key"]);
    let second =
        ["--root-key", "root.key", "--previous", "one.json", "--root", "safe.key.pub", "vault.key.pub"];
    let made = desk.json(&make(&[&second[..], &["--root-threshold", "2", "--out", "two.json"]].concat()));
    assert_eq!((made["version"].as_u64(), made["complete"].as_bool()), (Some(2), Some(false)));
    let id: TenantId = tenant.parse().unwrap();
    let one = Charter::first(&desk.envelope("one.json"), &id).unwrap();
    assert!(one.next(&desk.envelope("two.json")).is_err());
    assert_eq!(desk.json(&["charter", "sign", "two.json", "--key", "safe.key"])["complete"], false);
    assert_eq!(desk.json(&["charter", "sign", "two.json", "--key", "vault.key"])["complete"], true);
    let two = one.next(&desk.envelope("two.json")).unwrap();
    assert_eq!(two.roots.len(), 2);

    let third = ["--previous", "two.json", "--out", "three.json", "--root-key"];
    assert_eq!(desk.problem(&make(&[&third[..], &["root.key"]].concat())), "root_key_no_say");
    assert_eq!(desk.problem(&make(&["--root-key", "bo.key", "--out", "x.json"])), "root_key_no_say");
    assert_eq!(desk.problem(&make(&["--root-key", "root.key", "--out", "one.json"])), "file_exists");
    desk.json(&make(&[&third[..], &["safe.key"]].concat()));
    let unsound = ["charter", "new", "--tenant", &tenant, "--root-key", "root.key", "--out", "x.json"];
    let wrong = [&unsound[..], &["--approver", "ada.key.pub", "--threshold", "2"]].concat();
    assert_eq!(desk.problem(&wrong), "charter_unsound", "two people of one");
    let twice = [&unsound[..], &["--approver", "ada.key.pub", "ada.key.pub", "--threshold", "1"]].concat();
    assert_eq!(desk.problem(&twice), "charter_unsound");
    assert!(!desk.path("x.json").exists());
    let long = [&unsound[..], &["--approver", "ada.key.pub", "--threshold", "1", "--days", "181"]].concat();
    assert_eq!(desk.run(&long).status.code(), Some(2));
}

#[test]
fn keys_are_sealed_unless_somebody_says_otherwise() {
    let desk = Desk::new();
    let made = desk.json(&["key", "new", "--person", "Ada", "--out", "ada.key"]);
    assert_eq!(
        (made["encrypted"].as_bool(), made["public_file"].as_str()),
        (Some(true), Some("ada.key.pub"))
    );
    assert_eq!(mode(&desk.path("ada.key")), 0o600);
    let public: serde_json::Value =
        serde_json::from_slice(&std::fs::read(desk.path("ada.key.pub")).unwrap()).unwrap();
    assert_eq!(public, serde_json::json!({ "person": "Ada", "key": made["key"] }));
    assert_eq!(desk.problem(&["key", "new", "--person", "Ada", "--out", "ada.key"]), "key_exists");
    assert_eq!(desk.problem(&["key", "new", "--person", " ", "--out", "x.key"]), "name_invalid");

    let plain = desk.run(&["key", "new", "--person", "Bo", "--out", "bo.key", "--no-passphrase", "--json"]);
    assert!(String::from_utf8(plain.stderr).unwrap().contains("no passphrase"));
    assert_eq!(mode(&desk.path("bo.key")), 0o600);
    // A wrong passphrase, an empty one, and none at all.
    desk.write("board.json", "{}");
    let (home, tenant) = (home(), TenantId([1; 32]).to_string());
    let new =
        ["deployment", "new", "--instance", &home, "--title", "T", "--tenant", &tenant, "--out", "d.json"];
    desk.json(&[&new[..], &["--dashboard", "board.json", "--url-path", "a-b"]].concat());
    let sign = ["deployment", "sign", "d.json", "--key", "ada.key", "--yes"];
    for (words, code) in [("wrong", "passphrase_wrong"), ("", "passphrase_needed")] {
        desk.write("passphrase", words);
        assert_eq!(desk.problem(&sign), code);
    }
    std::fs::remove_file(desk.path("passphrase")).unwrap();
    assert_eq!(desk.problem(&sign), "passphrase_file_unusable");
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(desk.path("bo.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(desk.problem(&["deployment", "sign", "d.json", "--key", "bo.key"]), "key_exposed");
    assert!(desk.envelope("d.json").signatures.is_empty());
}

#[test]
fn what_homes_would_refuse_is_not_even_written() {
    let desk = Desk::new();
    let (home, tenant) = (home(), TenantId([1; 32]).to_string());
    desk.write("board.json", "{}");
    desk.write("big.js", &"x".repeat((256 << 10) + 1));
    let new = ["deployment", "new", "--instance", &home, "--title", "T", "--out", "d.json"];
    let make = |more: &[&'static str]| [&new[..], &["--tenant", &tenant], more].concat();
    assert_eq!(desk.problem(&make(&[])), "nothing_to_deploy");
    let board = ["--dashboard", "board.json", "--url-path", "kitchen-board"];
    assert_eq!(desk.problem(&[&new[..], &board].concat()), "tenant_needed");
    assert_eq!(
        desk.problem(&make(&["--dashboard", "board.json", "--url-path", "lovelace"])),
        "deployment_unfit",
        "R45"
    );
    assert_eq!(desk.problem(&make(&["--card", "acme-clock=big.js"])), "file_too_large", "R39");
    assert_eq!(desk.problem(&make(&["--card", "acme-clock=none.js"])), "file_unreadable");
    assert_eq!(desk.problem(&make(&["--delete", "script/s_aaaaaaaaaaaaa"])), "base_needed");
    assert_eq!(desk.problem(&make(&["--automation", "Bad Id=board.json"])), "deployment_unfit");
    assert_eq!(desk.run(&make(&["--dashboard", "board.json"])).status.code(), Some(2));
    assert_eq!(desk.run(&make(&["--delete", "room/a_aaaaaaaaaaaaa"])).status.code(), Some(2));
    assert_eq!(desk.run(&[&make(&board)[..], &["--days", "31"]].concat()).status.code(), Some(2));
    assert!(!desk.path("d.json").exists());
    desk.json(&make(&board));
    assert_eq!(desk.problem(&make(&board)), "file_exists");
    desk.write("other.json", "{}");
    for command in [&["deployment", "show", "other.json"][..], &["charter", "show", "other.json"]] {
        assert_eq!(desk.problem(command), "envelope_unreadable");
    }
    assert_eq!(desk.problem(&["charter", "show", "d.json"]), "charter_unreadable");
    assert_eq!(desk.problem(&["deployment", "submit", "d.json"]), "portal_needed");
}
