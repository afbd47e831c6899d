//! The app as Home Assistant's Supervisor sees it: its manifest, its texts, its profile, its image. What the Supervisor would drop or
//! misread without a word fails here.

mod keys;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use vestibule::settings::{Flags, Settings};
use yaml_rust2::{Yaml, YamlLoader};

use keys::{KEYS, OURS};

const LANGUAGES: [&str; 5] = ["de", "en", "es", "fr", "nl"];
/// More would be a sign that something is decided in the wrong place (DESIGN section 11).
const MOST_OPTIONS: usize = 8;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The one document of a YAML file, as a table. A key that stands in it twice is an error of the parser.
fn table(path: &str) -> BTreeMap<String, Yaml> {
    let documents = YamlLoader::load_from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let [document] = &documents[..] else { panic!("{path} is not one document") };
    entries(document)
}

fn entries(table: &Yaml) -> BTreeMap<String, Yaml> {
    let pairs = table.as_hash().unwrap_or_else(|| panic!("{table:?} is not a table"));
    pairs.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), value.clone())).collect()
}

fn manifest() -> BTreeMap<String, Yaml> {
    table("config.yaml")
}

fn said(manifest: &BTreeMap<String, Yaml>, key: &str) -> bool {
    manifest.get(key).is_some_and(|value| value.as_bool().unwrap_or_else(|| panic!("{key} is yes or no")))
}

/// The Supervisor's own formula (supervisor/apps/utils.py), for what this manifest can contain.
fn rating(manifest: &BTreeMap<String, Yaml>, profile: bool) -> i64 {
    let mut points = 5;
    if manifest.get("apparmor").and_then(Yaml::as_bool) == Some(false) {
        points -= 1;
    } else if profile {
        points += 1;
    }
    if said(manifest, "ingress") {
        points += 2;
    } else if said(manifest, "auth_api") {
        points += 1;
    }
    let grave = [
        "BPF",
        "CHECKPOINT_RESTORE",
        "DAC_READ_SEARCH",
        "NET_ADMIN",
        "NET_RAW",
        "PERFMON",
        "SYS_ADMIN",
        "SYS_MODULE",
        "SYS_PTRACE",
        "SYS_RAWIO",
    ];
    let privileged: Vec<&str> = manifest
        .get("privileged")
        .map(|list| list.as_vec().unwrap().iter().map(|right| right.as_str().unwrap()).collect())
        .unwrap_or_default();
    if said(manifest, "kernel_modules") || privileged.iter().any(|right| grave.contains(right)) {
        points -= 1;
    }
    points -= match manifest.get("hassio_role").and_then(Yaml::as_str) {
        Some("manager") => 1,
        Some("admin") => 2,
        _ => 0,
    };
    points -= i64::from(said(manifest, "host_network"));
    points -= 2 * i64::from(said(manifest, "host_pid"));
    points -= i64::from(said(manifest, "host_uts") && privileged.contains(&"SYS_ADMIN"));
    if said(manifest, "docker_api") || said(manifest, "full_access") {
        points = 1;
    }
    points.clamp(1, 8)
}

#[test]
fn the_manifest_has_only_keys_that_the_supervisor_knows_each_of_its_kind() {
    let manifest = manifest();
    for (key, value) in &manifest {
        let (_, kind) = KEYS.iter().find(|(known, _)| known == key).unwrap_or_else(|| {
            panic!("the Supervisor knows no key {key} and would drop it without a word");
        });
        assert!(kind.fits(value), "{key}: {value:?} is no {kind:?}");
    }
    for key in ["name", "description", "version", "slug", "arch"] {
        assert!(manifest.contains_key(key), "{key} is required");
    }
}

#[test]
fn the_manifest_asks_for_one_right_only() {
    let manifest = manifest();
    let more: Vec<&String> = manifest.keys().filter(|key| !OURS.contains(&key.as_str())).collect();
    assert!(more.is_empty(), "new keys are decisions: {more:?}");
    assert!(said(&manifest, "homeassistant_api"), "the right to talk to Home Assistant");
    assert_eq!(manifest["hassio_role"].as_str(), Some("default"));
    assert!(!said(&manifest, "init"), "the program is process 1 itself");
    assert_eq!(manifest["backup"].as_str(), Some("cold"), "databases are copied whole");
}

#[test]
fn the_security_rating_is_eight_of_eight() {
    let manifest = manifest();
    let profile = root().join("apparmor.txt").is_file();
    assert_eq!(rating(&manifest, profile), 8);
    // The formula itself, on what would cost points.
    let with = |key: &str, value: Yaml| {
        let mut other = manifest.clone();
        other.insert(key.to_owned(), value);
        rating(&other, profile)
    };
    let word = |word: &str| Yaml::String(word.to_owned());
    assert_eq!(rating(&manifest, false), 7);
    assert_eq!(with("apparmor", Yaml::Boolean(false)), 6);
    assert_eq!(with("ingress", Yaml::Boolean(false)), 6);
    assert_eq!(with("hassio_role", word("manager")), 7);
    assert_eq!(with("hassio_role", word("admin")), 6);
    assert_eq!(with("host_network", Yaml::Boolean(true)), 7);
    assert_eq!(with("host_pid", Yaml::Boolean(true)), 6);
    assert_eq!(with("privileged", Yaml::Array(vec![word("NET_ADMIN")])), 7);
    assert_eq!(with("docker_api", Yaml::Boolean(true)), 1);
}

#[test]
fn the_manifest_says_the_version_of_the_program_and_both_architectures() {
    let manifest = manifest();
    assert_eq!(manifest["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
    let architectures: BTreeSet<&str> =
        manifest["arch"].as_vec().unwrap().iter().map(|arch| arch.as_str().unwrap()).collect();
    assert_eq!(architectures, BTreeSet::from(["aarch64", "amd64"]));
    assert_eq!(manifest["homeassistant"].as_str(), Some("2024.3.0"), "the oldest that is tested");
    assert!(text("CHANGELOG.md").contains("## ["), "a version stands in the change log");
}

#[test]
fn the_watchdog_asks_whether_the_page_is_there_and_nothing_else() {
    let manifest = manifest();
    let port = manifest["ingress_port"].as_i64().unwrap();
    assert_eq!(manifest["watchdog"].as_str(), Some(format!("tcp://[HOST]:[PORT:{port}]").as_str()));
}

#[test]
fn the_ledger_stays_out_of_backups_and_the_identity_goes_into_them() {
    // The Supervisor matches the end of a path, as Python's `Path.match` does.
    let manifest = manifest();
    let patterns: Vec<&str> = manifest["backup_exclude"]
        .as_vec()
        .unwrap()
        .iter()
        .map(|pattern| pattern.as_str().unwrap())
        .collect();
    let excluded = |name: &str| {
        patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(begin) => name.starts_with(begin),
            None => name == *pattern,
        })
    };
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.damaged-1", "control.sock"] {
        assert!(excluded(name), "{name}");
    }
    for name in ["home_secret", "agent.db", "agent.db-wal", "options.json"] {
        assert!(!excluded(name), "{name}");
    }
}

/// The settings of an app with these options.
fn settings(options: &serde_json::Value) -> Result<Settings, vestibule_protocol::problem::Problem> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("options.json");
    fs::write(&file, options.to_string()).unwrap();
    let environment = [("SUPERVISOR_TOKEN".to_owned(), "token".to_owned())].into();
    Settings::load(&Flags { config: Some(file), data: None }, &environment)
}

#[test]
fn every_option_is_a_setting_and_every_value_of_it_works() {
    let manifest = manifest();
    let (options, schema) = (entries(&manifest["options"]), entries(&manifest["schema"]));
    assert!(schema.len() <= MOST_OPTIONS, "{} options", schema.len());
    let defaults: serde_json::Map<String, serde_json::Value> =
        options.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap().into())).collect();
    assert_eq!(settings(&defaults.into()).unwrap().data_dir, Path::new("/data"));
    for key in options.keys() {
        assert!(schema.contains_key(key), "{key} has a default and no schema");
    }
    for (key, kind) in &schema {
        let values = kind.as_str().and_then(|kind| kind.strip_prefix("list(")?.strip_suffix(')'));
        let values = values.unwrap_or_else(|| panic!("{key}: {kind:?} is not tried out here"));
        let mut seen = BTreeSet::new();
        for value in values.split('|') {
            let settings = settings(&serde_json::json!({ key: value })).unwrap();
            seen.insert(format!("{settings:?}"));
        }
        assert_eq!(seen.len(), values.split('|').count(), "a value of {key} changes nothing");
        assert_eq!(
            settings(&serde_json::json!({ key: "no such value" })).unwrap_err().code,
            "settings_unknown"
        );
    }
    let unknown = settings(&serde_json::json!({ "no_such_option": 1 })).unwrap_err();
    assert_eq!(unknown.code, "settings_unknown");
}

#[test]
fn every_option_is_explained_in_every_language() {
    let options: BTreeSet<String> = entries(&manifest()["schema"]).into_keys().collect();
    let mut texts = BTreeSet::new();
    let mut number = 0;
    for language in LANGUAGES {
        let path = format!("translations/{language}.yaml");
        let translation = table(&path);
        assert_eq!(translation.keys().collect::<Vec<_>>(), ["configuration"], "{path}");
        let explained = entries(&translation["configuration"]);
        assert_eq!(explained.keys().cloned().collect::<BTreeSet<_>>(), options, "{path}");
        for (option, words) in explained {
            let words = entries(&words);
            assert_eq!(words.keys().collect::<Vec<_>>(), ["description", "name"], "{path}: {option}");
            number += words.len();
            texts.extend(words.into_values().map(|word| word.into_string().unwrap().trim().to_owned()));
        }
    }
    assert!(!texts.contains(""), "an empty text");
    assert_eq!(texts.len(), number, "a text was copied from another language");
    let there: BTreeSet<String> = fs::read_dir(root().join("translations"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, LANGUAGES.map(|language| format!("{language}.yaml")).into());
}

#[test]
fn there_is_one_profile_and_it_is_enforced() {
    let text = text("apparmor.txt");
    let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("profile ")).collect();
    let [head] = heads[..] else { panic!("the Supervisor wants exactly one profile, not {heads:?}") };
    let slug = manifest()["slug"].as_str().unwrap().to_owned();
    assert!(head.starts_with(&format!("profile {slug} ")), "{head}");
    assert!(!head.contains("complain") && !head.contains("unconfined"), "{head}");
    let rules: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    for rule in rules {
        let wide = ["file,", "network,", "capability,", "mount", "ptrace", "/** "];
        assert!(!wide.iter().any(|word| rule.starts_with(word)), "{rule} is too wide");
    }
}

#[test]
fn what_the_store_shows_lies_beside_the_manifest() {
    assert_eq!(picture("icon.png"), (128, 128));
    assert_eq!(picture("logo.png"), (250, 100));
    assert!(table("repository.yaml").contains_key("name"));
    let intro = text("README.md");
    let mut lines = intro.lines().filter(|line| !line.is_empty());
    assert_eq!(lines.next(), Some("# Vestibule"));
    assert!(lines.next().is_some_and(|line| line.starts_with("Vestibule is ")), "the store shows what it is");
    let docs = text("DOCS.md");
    for head in [
        "Install",
        "Pair",
        "What leaves",
        "Decide",
        "Undo",
        "Backups",
        "Uninstall cleanly",
        "What is not changed",
    ] {
        assert!(docs.contains(&format!("\n## {head}\n")), "DOCS.md says nothing about: {head}");
    }
    for promise in ["does not hold the ledger", "Remote access", "database_newer", "Forget"] {
        assert!(docs.contains(promise), "DOCS.md does not say: {promise}");
    }
}

/// Width and height of a PNG.
fn picture(path: &str) -> (u32, u32) {
    let bytes = fs::read(root().join(path)).unwrap();
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && &bytes[12..16] == b"IHDR", "{path} is no PNG");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

/// The Supervisor takes `config.*` for another app's manifest, and `build.*` for the manifest of a builder that is no more, wherever they
/// lie: also what a build left behind, and workflows.
#[test]
fn no_other_file_is_named_like_an_apps() {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !path.is_symlink() {
                if !matches!(name.as_str(), "target" | "node_modules" | ".git") {
                    walk(&path, found);
                }
            } else if is_reserved(&name) {
                found.push(path.strip_prefix(root()).unwrap().display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    walk(root(), &mut found);
    assert_eq!(found, ["config.yaml"], "another file is named like an app's");
    for name in ["config.json", "config.schema.yml", "build.yaml", "build.yml", "build.json"] {
        assert!(is_reserved(name), "{name}");
    }
    for name in ["build.rs", "config.rs", "my-config.yaml", "config.toml", "configuration.yaml"] {
        assert!(!is_reserved(name), "{name}");
    }
}

/// As the patterns `config.*` and `build.{yaml,yml,json}` of the Supervisor match.
fn is_reserved(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    matches!(stem, "config" | "build") && matches!(ending, "yaml" | "yml" | "json")
}

#[test]
fn the_image_is_one_program_without_a_shell() {
    let file = text("Dockerfile");
    let final_stage = file.rsplit_once("\nFROM ").unwrap().1;
    assert!(final_stage.starts_with("scratch\n"), "the image has no base");
    for line in final_stage.lines().filter(|line| line.starts_with("COPY ")) {
        assert_eq!(line, "COPY --from=binary /out/ /", "nothing else goes in");
    }
    assert!(!final_stage.contains("\nRUN "), "there is no shell to run anything");
    for line in [
        "ENTRYPOINT [\"/usr/bin/vestibule\"]",
        "CMD [\"run\"]",
        "CMD [\"/usr/bin/vestibule\", \"health\"]",
        "io.hass.type=\"app\"",
        "io.hass.arch=",
        "io.hass.version=",
    ] {
        assert!(final_stage.contains(line), "the image lacks {line}");
    }
    assert!(final_stage.contains(&format!("ARG BUILD_VERSION={}\n", env!("CARGO_PKG_VERSION"))));
    assert!(file.contains("\nFROM binary-${SOURCE} AS binary\n"), "where the program comes from is chosen");
}

/// A tag can be moved to other code at any time, a digest cannot.
#[test]
fn workflows_run_what_is_pinned() {
    let folder = root().join(".github/workflows");
    let mut number = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for line in text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses:"))
        {
            let digest =
                line.split_once('@').map_or("", |(_, after)| after.split_whitespace().next().unwrap());
            let pinned = digest.len() == 40 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(pinned, "{}: {line} is not pinned by digest", path.display());
        }
        assert!(!text.contains("home-assistant/builder@"), "that builder is no more");
        number += 1;
    }
    assert_eq!(number, 2, "ci.yml and release.yml");
}
