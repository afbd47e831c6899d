//! The rules of the house (DESIGN section 2), kept by reading the sources. Each failure names file and line.

mod sources;

use sources::{Source, has_ending, paths, root, rust, texts};

/// No file is longer.
const LINES: usize = 600;

/// Fails with one line for each offence.
fn none(offences: Vec<String>, rule: &str) {
    assert!(offences.is_empty(), "{rule}:\n  {}", offences.join("\n  "));
}

/// Programs' lines that contain one of these words, outside the places where they may stand.
fn outside<'a>(
    sources: &'a [Source],
    words: &'a [&str],
    places: &'a [&str],
) -> impl Iterator<Item = String> + 'a {
    sources.iter().filter(|source| source.path.contains("src/") && !source.lies_in(places)).flat_map(
        move |source| {
            source
                .code()
                .filter(|line| words.iter().any(|word| has_word(line.text, word)))
                .map(move |line| format!("{}:{}: {}", source.path, line.number, line.text.trim()))
        },
    )
}

/// Whether a line has this word, not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let of_a_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let begins = word.chars().next().is_some_and(|c| of_a_name(Some(c)));
    let ends = word.chars().last().is_some_and(|c| of_a_name(Some(c)));
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !(begins && of_a_name(before) || ends && of_a_name(after))
    })
}

#[test]
fn outbound_and_inbound_are_pure() {
    let outside_world = [
        "tokio",
        "futures_util",
        "std::fs",
        "std::io",
        "std::env",
        "std::process",
        "std::thread",
        "SystemTime",
        "Instant",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "getrandom",
        "rusqlite",
        "crate::agent",
        "crate::clock",
        "crate::control",
        "crate::home",
        "crate::net",
        "crate::portal",
        "crate::settings",
        "crate::store",
    ];
    let pure: Vec<Source> = rust()
        .into_iter()
        .filter(|source| source.path.starts_with("src/outbound") || source.path.starts_with("src/inbound"))
        .collect();
    assert!(pure.len() > 10, "outbound was not found");
    none(
        outside(&pure, &outside_world, &[]).collect(),
        "outbound and inbound know no runtime, socket, clock, file or chance",
    );
}

#[test]
fn only_one_file_names_commands_of_home_assistant() {
    // What reads, and next to it what writes.
    const PLACES: [&str; 2] = ["src/home/commands.rs", "src/home/commands/desk.rs"];
    let sources = rust();
    // Every arm of the tables, `Self::… => "…"`.
    let names: Vec<String> = sources
        .iter()
        .filter(|source| PLACES.contains(&&*source.path))
        .flat_map(Source::code)
        .filter_map(|line| {
            line.text.split_once("=> \"")?.1.split_once('"').map(|(name, _)| format!("\"{name}\""))
        })
        .collect();
    assert!(names.len() > 45, "the tables of {PLACES:?} were not understood: {names:?}");
    // A portal has pings of its own. Outbound and inbound send nothing: one integration is called ping, and dashboards toggle things.
    let places = [PLACES[0], PLACES[1], "dev/", "tests/", "benches/", "fuzz/", "crates/portal/"];
    let with_pure = [&places[..], &["src/outbound/", "src/inbound/"]].concat();
    let (long, short): (Vec<&str>, Vec<&str>) =
        names.iter().map(String::as_str).partition(|name| name.contains(['_', '/']));
    let rule = "only src/home/commands spells commands and events of Home Assistant";
    none(outside(&sources, &long, &places).collect(), rule);
    none(outside(&sources, &short, &with_pure).collect(), rule);
}

#[test]
fn only_few_files_open_sockets() {
    let sources = rust();
    let agent: Vec<Source> = sources.into_iter().filter(|source| source.path.starts_with("src/")).collect();
    let network =
        ["TcpStream", "TcpListener", "TcpSocket", "UdpSocket", "lookup_host", "TlsConnector", "reqwest"];
    none(outside(&agent, &network, &["src/net.rs"]).collect(), "only src/net.rs opens connections");
    // The HTTP library is given connections; it cannot make any.
    none(
        outside(&agent, &["hyper", "hyper_util"], &["src/home/rest.rs", "src/page/server.rs"]).collect(),
        "only home/rest.rs asks over HTTP, and only page/server.rs answers",
    );
    none(
        outside(&agent, &["Listener::bind"], &["src/net.rs", "src/page.rs"]).collect(),
        "only the page listens",
    );
    let dialling = [".dial(", "client_async", "client_async_with_config"];
    let both = ["src/net.rs", "src/home/rest.rs", "src/home/socket.rs", "src/portal/link.rs"];
    none(outside(&agent, &dialling, &both).collect(), "only home/ and portal/ use connections");
    let local = ["UnixStream", "UnixListener"];
    none(outside(&agent, &local, &["src/control/"]).collect(), "only control/ has a socket for commands");
    let link = ["Link::start"];
    none(
        outside(&agent, &link, &["src/portal/", "src/agent/sync.rs"]).collect(),
        "only portal/ makes links, and the loop asks for them",
    );
}

#[test]
fn only_the_stores_name_sql() {
    let sources = rust();
    let sql = [
        "\"SELECT ",
        "\"INSERT ",
        "\"UPDATE ",
        "\"DELETE ",
        "\"CREATE ",
        "\"PRAGMA ",
        "\"BEGIN",
        "\"VACUUM",
        "rusqlite::params",
    ];
    let rooms = ["src/store/", "crates/portal/src/store/", "crates/portal/src/store.rs"];
    none(outside(&sources, &sql, &rooms).collect(), "only the stores name SQL");
    let agent: Vec<Source> = sources.into_iter().filter(|source| source.path.starts_with("src/")).collect();
    none(outside(&agent, &["rusqlite"], &["src/store/"]).collect(), "only the store knows the database");
}

#[test]
fn private_text_has_few_doors() {
    let sources = rust();
    let doors = [
        ("reveal_to_privacy", vec!["src/private.rs", "src/outbound/privacy/", "src/outbound/contents/"]),
        ("reveal_to_home", vec!["src/private.rs", "src/home/"]),
        ("reveal_to_journal", vec!["src/private.rs", "src/store/journal/"]),
        ("reveal_to_owner", vec!["src/private.rs", "src/agent/things.rs", "src/agent/deployments/views.rs"]),
        ("reveal_to_inbound", vec!["src/private.rs", "src/inbound/"]),
        ("by_privacy_rule", vec!["crates/protocol/src/record.rs", "src/outbound/privacy/"]),
    ];
    for (door, places) in doors {
        let used = sources.iter().any(|source| source.code().any(|line| has_word(line.text, door)));
        assert!(used, "nobody uses {door} any more: the rule looks for the wrong word");
        none(outside(&sources, &[door], &places).collect(), &format!("{door} is called in {places:?} only"));
    }
}

/// The page has no second way to the state: it asks the loop, and reads the ledger as the commands do. It never talks to the portal.
#[test]
fn the_page_asks_the_loop() {
    let sources = rust();
    let page: Vec<Source> = sources
        .into_iter()
        .filter(|source| source.path == "src/page.rs" || source.path.starts_with("src/page/"))
        .collect();
    assert!(page.len() > 10, "the page was not found");
    let others = [
        "crate::portal",
        "crate::inbound",
        "crate::outbound::inventory",
        "crate::outbound::privacy",
        "Store",
    ];
    none(
        outside(&page, &others, &[]).collect(),
        "the page knows neither portal nor home nor the writing store",
    );
    let reading = ["Reader", "spawn_blocking"];
    let places = ["src/page/ask.rs", "src/page/ledger.rs"];
    none(outside(&page, &reading, &places).collect(), "only the ledger's page reads a file");
}

/// What a page shows is escaped by its template, without exception, and there is no script or style in it.
#[test]
fn templates_escape_everything_and_hold_no_script() {
    let templates: Vec<(String, String)> =
        texts().into_iter().filter(|(path, _)| path.starts_with("addon/templates/")).collect();
    assert!(templates.len() > 10, "the templates were not found");
    let unsafe_words = [
        "|safe",
        "| safe",
        "|escape(",
        "escape=",
        " style=",
        "<style",
        "onclick",
        "onload",
        "javascript:",
        "http://",
        "https://",
    ];
    let offences = templates.iter().flat_map(|(path, text)| {
        (1..).zip(text.lines()).filter_map(move |(number, line)| {
            let scripted = line.contains("<script") && !line.contains("src=");
            (scripted || unsafe_words.iter().any(|word| line.contains(word)))
                .then(|| format!("{path}:{number}: {}", line.trim()))
        })
    });
    none(offences.collect(), "templates escape everything, and hold no script, style or foreign address");
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let sources = rust();
    let silent = sources.iter().filter(|source| !source.text.starts_with("//! "));
    none(
        silent.map(|source| format!("{}:1", source.path)).collect(),
        "a file's first line says what it is for",
    );
    let mut lengths: Vec<usize> = sources.iter().map(|source| source.text.lines().count()).collect();
    lengths.sort_unstable();
    println!(
        "{} Rust files; half have at most {} lines, nine of ten at most {}, the longest {}",
        lengths.len(),
        lengths[lengths.len() / 2],
        lengths[lengths.len() * 9 / 10],
        lengths[lengths.len() - 1],
    );
    let long = sources.iter().filter(|source| source.text.lines().count() > LINES);
    none(long.map(|source| format!("{}:{LINES}", source.path)).collect(), "no file is longer than 600 lines");
}

#[test]
fn every_crate_has_the_lints_and_no_versions_of_its_own() {
    let manifests: Vec<(String, String)> =
        texts().into_iter().filter(|(path, _)| path.ends_with("Cargo.toml")).collect();
    let (_, workspace) = manifests.iter().find(|(path, _)| path == "Cargo.toml").expect("the root manifest");
    assert!(section(workspace, "[workspace.lints.rust]").any(|line| line == "unsafe_code = \"forbid\""));
    let mut offences = Vec::new();
    for (path, text) in &manifests {
        // Cargo-fuzz wants its crate outside the workspace, so nothing can be inherited there.
        let alone = path.starts_with("fuzz/");
        let lints = if alone {
            ("[lints.rust]", "unsafe_code = \"forbid\"")
        } else {
            ("[lints]", "workspace = true")
        };
        if !section(text, lints.0).any(|line| line == lints.1) {
            offences.push(format!("{path}: {} lacks {}", lints.0, lints.1));
        }
        for (number, line) in (1..).zip(text.lines()) {
            let inherited = line.contains("workspace = true") || line.contains("path = ");
            if in_dependencies(text, number) && !inherited && !line.is_empty() && !alone {
                offences.push(format!("{path}:{number}: {line}"));
            }
        }
    }
    none(offences, "lints are inherited, and versions stand in the root manifest only");
}

/// The lines of a section of a manifest.
fn section<'a>(text: &'a str, head: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().skip_while(move |line| *line != head).skip(1).take_while(|line| !line.starts_with('['))
}

/// Whether a line lies in a table of dependencies of a crate, not of the workspace.
fn in_dependencies(text: &str, number: usize) -> bool {
    let before: Vec<&str> = text.lines().take(number).collect();
    let is_entry = before.last().is_some_and(|line| !line.starts_with(['[', '#']));
    let head = before.iter().rev().find(|line| line.starts_with('['));
    is_entry && head.is_some_and(|head| head.ends_with("dependencies]") && !head.starts_with("[workspace"))
}

#[test]
fn nothing_is_switched_off_or_left_for_later() {
    // Spelled in two pieces, so that this file does not offend itself.
    let words = [
        concat!("#[", "ignore"),
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("#[", "allow("),
        concat!("#![", "allow("),
        concat!("dbg", "!("),
        concat!("unsafe", " {"),
        concat!("unsafe", " fn"),
    ];
    let sources = rust();
    let offences = sources.iter().flat_map(|source| {
        source
            .all_code()
            .filter(|line| words.iter().any(|word| line.text.contains(word)))
            .map(|line| format!("{}:{}: {}", source.path, line.number, line.text.trim()))
    });
    none(offences.collect(), "nothing is ignored, allowed or left undone");
    let notes = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
    let offences = texts().into_iter().flat_map(|(path, text)| {
        let found = |(number, line): (usize, &str)| {
            notes.iter().any(|note| has_word(line, note)).then(|| format!("{path}:{number}: {}", line.trim()))
        };
        (1..).zip(text.lines()).filter_map(found).collect::<Vec<_>>()
    });
    none(offences.collect(), "nothing is left for later");
}

/// Waiting for a condition has an end; sleeping and hoping has none.
#[test]
fn tests_wait_for_conditions_with_a_deadline() {
    /// Lines around a pause in which its deadline must be in sight.
    const SIGHT: usize = 12;
    let words = ["thread::sleep", concat!("sleep", "(Duration")];
    let ends = ["deadline", "until", "timeout", "elapsed", "start_paused", "patience", "PATIENCE", "limit"];
    let sources = rust();
    let mut offences = Vec::new();
    // There time is simulated: a pause costs none, and whoever waits for a condition has the simulation's deadline.
    let simulated = ["tests/promises/inside/", "tests/promises/sim/"];
    for source in
        sources.iter().filter(|source| !simulated.iter().any(|folder| source.path.starts_with(folder)))
    {
        let lines: Vec<&str> = source.text.lines().collect();
        for line in source.test_code().filter(|line| words.iter().any(|word| line.text.contains(word))) {
            let around = &lines[line.number.saturating_sub(SIGHT)..lines.len().min(line.number + SIGHT)];
            let in_sight = around.iter().any(|line| ends.iter().any(|end| line.contains(end)));
            if !in_sight {
                offences.push(format!("{}:{}: {}", source.path, line.number, line.text.trim()));
            }
        }
    }
    none(offences, "a test that waits has a deadline in sight");
}

/// Only then does a simulation tell the same story again.
#[test]
fn every_select_is_biased() {
    let sources = rust();
    let mut offences = Vec::new();
    // The demo and the benchmarks are never part of a simulation.
    let simulated = |path: &str| !path.starts_with("dev/src/demo") && !path.starts_with("dev/src/bench");
    for source in sources.iter().filter(|source| simulated(&source.path)) {
        let lines: Vec<_> = source.code().collect();
        for pair in lines.windows(2) {
            if pair[0].text.contains("select! {") && pair[1].text.trim() != "biased;" {
                offences.push(format!("{}:{}", source.path, pair[0].number));
            }
        }
    }
    none(offences, "every select! begins with `biased;`");
}

#[test]
fn nothing_of_one_machine_is_committed() {
    let machine = [
        concat!("/", "root/"),
        concat!("/", "work/"),
        concat!("/usr/local/", "cargo"),
        concat!(".cargo/", "registry"),
        concat!("index-", "url"),
        concat!("INDEX", "_URL"),
        concat!("replace-", "with"),
        concat!("PROXY", "=http"),
    ];
    let offences = texts().into_iter().flat_map(|(path, text)| {
        let found = |(number, line): (usize, &str)| {
            // `framework/` is no place on a machine.
            let here = machine.iter().any(|word| match line.find(word) {
                Some(at) => !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '}' || c == '.'),
                None => false,
            });
            here.then(|| format!("{path}:{number}: {}", line.trim()))
        };
        (1..).zip(text.lines()).filter_map(found).collect::<Vec<_>>()
    });
    none(offences.collect(), "no path, registry or proxy of one machine is committed");
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("a lock file");
    let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let other = (1..).zip(lock.lines()).filter(|(_, line)| line.starts_with("source = ") && *line != public);
    none(
        other.map(|(number, line)| format!("Cargo.lock:{number}: {line}")).collect(),
        "all crates come from the public registry",
    );
    let settings =
        paths().into_iter().filter(|path| path.starts_with(".cargo/") || has_ending(path, "npmrc"));
    none(settings.collect(), "no settings of one machine are committed");
}

#[test]
fn words_are_found_as_words() {
    for (line, word, found) in [
        ("use tokio::time;", "tokio", true),
        ("let tokio_like = 1;", "tokio", false),
        ("x.dial(target)", ".dial(", true),
        ("Instant::now()", "Instant", true),
        ("Instantly", "Instant", false),
        ("INSTANT, Instant", "Instant", true),
    ] {
        assert_eq!(has_word(line, word), found, "{word} in {line}");
    }
}
