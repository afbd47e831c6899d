//! Data written by an earlier version opens in this one, and data of a later version is refused and left alone. The earlier data are
//! committed, one folder for each state of the schemas that was ever released (tests/golden/README.md).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vestibule_dev::fake_home::{FakeHome, Listening, TOKEN, Version};

use crate::support::{Agent, House, SOON, copy_folder, files, programs, put_back, until};

/// The home that all golden folders were made of.
const ENTITIES: usize = 20;

/// What is known of a golden folder, beside its files.
#[derive(Debug, Serialize, Deserialize)]
struct Facts {
    fingerprint: String,
    tenant: String,
    excluded: String,
    /// Records that the portal holds.
    records: usize,
    /// Migrations that `agent.db`, `ledger.db` and `vestibule-portal.db` had seen.
    schemas: [i64; 3],
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn schema(database: &Path) -> i64 {
    let database = rusqlite::Connection::open(database).unwrap();
    database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

async fn home() -> (FakeHome, Listening) {
    let home = FakeHome::of_size(Version::V2026_11, ENTITIES);
    let listening = home.listen().await.unwrap();
    (home, listening)
}

/// An agent on a copy of a golden data folder; it logs only what fails.
fn agent_of(data: &Path, url: &str) -> Agent {
    let mut agent = Agent::of(url, TOKEN);
    agent.set("VESTIBULE_LOG", "error");
    std::fs::create_dir_all(agent.data()).unwrap();
    put_back(data, &agent.data());
    agent
}

/// A command of the portal on this folder: exit code, stdout, stderr.
async fn portal(data: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let home = tempfile::tempdir().unwrap();
    let mut command = programs::command(programs::portal(), home.path());
    command.args(arguments).arg("--data").arg(data);
    let output = programs::output(command, "").await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Writes a golden folder with the schemas of this version: a paired home with `names` granted and one thing excluded.
async fn write(folder: &Path) {
    let (_home, listening) = home().await;
    let mut house = House::paired(&listening.url(), TOKEN).await;
    house.agent.json(&["consent", "grant", "names"]).await;
    house.equal("names are granted").await;
    let records = house.records().await;
    let excluded = records.keys().find_map(|key| key.strip_prefix("entity/")).unwrap().to_owned();
    house.agent.json(&["consent", "exclude", &excluded]).await;
    house.equal("one thing is excluded").await;
    let records = house.records().await.len();
    assert_eq!(house.agent.stop().await, Some(0));
    house.portal.kill().await;
    let (agent, portal) = (folder.join("agent"), folder.join("portal"));
    copy_folder(&house.agent.data(), &agent);
    copy_folder(&house.portal.data(), &portal);
    std::fs::remove_file(agent.join("agent.lock")).unwrap();
    let databases = [agent.join("agent.db"), agent.join("ledger.db"), portal.join("vestibule-portal.db")];
    for database in &databases {
        // What a kill left in the log goes into the file; closing takes the log away.
        rusqlite::Connection::open(database).unwrap().execute_batch("VACUUM").unwrap();
    }
    let schemas = databases.map(|database| schema(&database));
    let facts = Facts { fingerprint: house.fingerprint, tenant: house.tenant.id, excluded, records, schemas };
    std::fs::write(folder.join("facts.json"), serde_json::to_string_pretty(&facts).unwrap() + "\n").unwrap();
}

/// All golden folders. With `UPDATE_GOLDEN=NAME` one is written first.
async fn folders() -> Vec<(PathBuf, Facts)> {
    if let Ok(name) = std::env::var("UPDATE_GOLDEN") {
        write(&golden().join(name)).await;
    }
    let folders = std::fs::read_dir(golden()).unwrap().map(|entry| entry.unwrap().path());
    let with_facts = |folder: PathBuf| {
        let text = std::fs::read_to_string(folder.join("facts.json")).ok()?;
        Some((folder, serde_json::from_str(&text).unwrap()))
    };
    let found: Vec<(PathBuf, Facts)> = folders.filter_map(with_facts).collect();
    assert!(!found.is_empty(), "there is no golden folder");
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_of_earlier_versions_open_in_this_one() {
    let (_home, listening) = home().await;
    for (folder, facts) in folders().await {
        let mut agent = agent_of(&folder.join("agent"), &listening.url());
        agent.run().await;
        until("the home is read", SOON, async || {
            let status = agent.status().await;
            if status["home"]["problem"].is_null() && status["home"]["connected"] == true {
                Ok(())
            } else {
                Err(status.to_string())
            }
        })
        .await;
        assert_eq!(agent.json(&["fingerprint"]).await["fingerprint"], facts.fingerprint.as_str());
        let status = agent.status().await;
        assert_eq!(status["tenant"], facts.tenant.as_str(), "{status}");
        let consent = agent.json(&["consent", "list"]).await.to_string();
        assert!(consent.contains("names") && consent.contains(&facts.excluded), "{consent}");
        agent.command(&["ledger", "verify"]).await.ok();
        let due = agent.command(&["preview", "--json"]).await.ok().out;
        assert_eq!(due.lines().count(), facts.records, "the same ids, and the same are left out");
        assert!(!due.contains(&facts.excluded), "what was excluded stays excluded");
        assert_eq!(agent.stop().await, Some(0));

        let data = tempfile::tempdir().unwrap();
        copy_folder(&folder.join("portal"), data.path());
        let (code, out, err) = portal(data.path(), &["instance", "list", "--json"]).await;
        assert_eq!(code, Some(0), "{out}{err}");
        let list: Value = serde_json::from_str(&out).unwrap();
        let held = &list["instances"][0];
        assert_eq!(held["fingerprint"], facts.fingerprint.as_str(), "{list}");
        assert_eq!(held["records"], facts.records, "{list}");
        let (code, out, err) = portal(data.path(), &["tenant", "show", "--json"]).await;
        assert_eq!(code, Some(0), "{out}{err}");
    }
}

/// Going back to an older version says so and damages nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_of_later_versions_are_refused_and_left_alone() {
    let (_home, listening) = home().await;
    let (folder, _) = folders().await.pop().unwrap();
    for file in ["agent.db", "ledger.db"] {
        let mut agent = agent_of(&folder.join("agent"), &listening.url());
        // Once, so that both databases are of this version.
        agent.run().await;
        assert_eq!(agent.stop().await, Some(0));
        let known = raise(&agent.data().join(file));
        let before = databases(&agent.data());
        for command in ["run", "status"] {
            let ran = agent.command(&[command]).await;
            assert_eq!((ran.code, ran.out.as_str()), (1, ""));
            let words = ran.err.replace(&format!("program knows {known}"), "program knows N");
            if command == "run" {
                insta::assert_snapshot!(format!("{file}_of_a_newer_version").replace('.', "_"), words);
            }
            assert!(words.contains("database_newer"), "{words}");
        }
        assert!(databases(&agent.data()) == before, "something was touched when {file} was newer");
    }
    let data = tempfile::tempdir().unwrap();
    copy_folder(&folder.join("portal"), data.path());
    raise(&data.path().join("vestibule-portal.db"));
    let before = databases(data.path());
    let (code, out, err) = portal(data.path(), &["serve", "--listen", "127.0.0.1:0"]).await;
    assert_eq!((code, out.as_str()), (Some(1), ""));
    insta::assert_snapshot!("vestibule-portal_db_of_a_newer_version", err);
    assert!(databases(data.path()) == before, "the portal's database was touched");
}

/// Makes a database one of a far later version; the newest version that this program knows.
fn raise(database: &Path) -> i64 {
    let folder = tempfile::tempdir().unwrap();
    let known = if database.ends_with("vestibule-portal.db") { 0 } else { known(folder.path(), database) };
    let database = rusqlite::Connection::open(database).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    known
}

/// The schema that this program gives a new database of this name.
fn known(folder: &Path, database: &Path) -> i64 {
    let folder = vestibule::store::Folder::create(folder).unwrap();
    let lock = vestibule::store::Lock::try_acquire(&folder).unwrap().unwrap();
    let path = folder.path().join(database.file_name().unwrap());
    drop(vestibule::store::Store::open_inline(folder, lock, Default::default(), 0).unwrap());
    schema(&path)
}

/// What the databases hold, byte for byte.
fn databases(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let is_database = |name: &str| Path::new(name).extension().is_some_and(|ending| ending == "db");
    files(folder).into_iter().filter(|(name, _)| is_database(name)).collect()
}
