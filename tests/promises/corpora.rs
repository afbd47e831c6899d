//! Every file of the fuzzers' corpora goes through the functions that are fuzzed; nothing that was once found comes back. So do some
//! thousand things made from these files by chance: less than a fuzzer does, and everywhere.
//!
//! `VESTIBULE_TEST_MUTATIONS` says how many are made for each target, `VESTIBULE_TEST_SEED` makes others.

#[expect(unreachable_pub, reason = "a library of its own where it is fuzzed")]
#[path = "../../fuzz/src/lib.rs"]
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use vestibule_protocol::frame;

use crate::support::dice::Seeded;

/// With this variable the examples below are written into the corpora.
const WRITE: &str = "VESTIBULE_TEST_WRITE";

/// How many things are made for each target.
const MUTATIONS: &str = "VESTIBULE_TEST_MUTATIONS";
const MUTATIONS_MADE: u64 = 500;
/// With another number other things are made.
const SEED: &str = "VESTIBULE_TEST_SEED";
/// Changes of one thing.
const CHANGES: u64 = 4;
/// Bytes that mean something to somebody who reads.
const TELLING: [u8; 16] = *b"\0\"\\{}[],:@_ \xff\x80\n9";

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

fn replay(target: &str, examples: Vec<(String, Vec<u8>)>, run: impl Fn(&[u8])) {
    let folder = corpus(target);
    for (name, bytes) in examples {
        let path = folder.join(name);
        if std::env::var_os(WRITE).is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
        assert!(
            fs::read(&path).is_ok_and(|kept| kept == bytes),
            "{} has changed: set {WRITE}=1",
            path.display()
        );
    }
    let mut kept = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        // A failing test says which file it was.
        println!("{}", path.display());
        let bytes = fs::read(path).unwrap();
        run(&bytes);
        kept.push(bytes);
    }
    assert!(kept.len() > 3, "the corpus of {target} is all but empty");
    // In an order that is the same everywhere.
    kept.sort_unstable();
    mutate(target, &kept, run);
}

/// Things that are almost like those which are kept. One that is not borne is written where the fuzzers write theirs.
fn mutate(target: &str, kept: &[Vec<u8>], run: impl Fn(&[u8])) {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse().ok());
    let mut chance = Seeded::new(number(SEED).unwrap_or(0), target);
    for n in 0..number(MUTATIONS).unwrap_or(MUTATIONS_MADE) {
        let mut bytes = chance.pick(kept).unwrap();
        for _ in 0..=chance.below(CHANGES) {
            change(&mut bytes, kept, &mut chance);
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(&bytes))) {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/artifacts").join(target);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("mutation-{n}")), &bytes).unwrap();
            resume_unwind(panic);
        }
    }
}

/// Changes a byte, takes some away, repeats some, or puts some of another file there.
fn change(bytes: &mut Vec<u8>, kept: &[Vec<u8>], chance: &mut Seeded) {
    let some = |of: &[u8], chance: &mut Seeded| {
        let at = usize::try_from(chance.below(of.len() as u64 + 1)).unwrap();
        let longest = (of.len() - at).min(64) as u64;
        at..at + usize::try_from(chance.within(0..=longest)).unwrap()
    };
    let range = some(bytes, chance);
    match chance.below(5) {
        0 if range.start < bytes.len() => bytes[range.start] ^= 1 << chance.below(8),
        1 if range.start < bytes.len() => bytes[range.start] = chance.pick(&TELLING).unwrap(),
        2 => drop(bytes.drain(range)),
        3 => {
            let again = bytes[range.clone()].to_vec();
            bytes.splice(range.start..range.start, again);
        }
        _ => {
            let other = chance.pick(kept).unwrap();
            let taken = some(&other, chance);
            bytes.splice(range, other[taken].iter().copied());
        }
    }
}

/// What real Home Assistants of both ends of the version range answered, each answer as a frame, and all in one.
#[test]
fn frames_of_home_assistant() {
    let mut examples = Vec::new();
    for (version, text) in [
        ("2024.3.3", include_str!("../../src/home/samples/2024.3.3.json")),
        ("2026.11.0", include_str!("../../src/home/samples/2026.11.0.json")),
    ] {
        let sample: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
        let message = |(id, (_, result)): (usize, (&String, &Value))| json!({"id": id, "type": "result", "success": true, "result": result, "event": result});
        let messages: Vec<Value> = sample.iter().enumerate().map(message).collect();
        for (name, message) in sample.keys().zip(&messages) {
            examples.push((format!("{version}-{name}"), message.to_string().into_bytes()));
        }
        examples.push((format!("{version}-all"), Value::from(messages).to_string().into_bytes()));
    }
    replay("home_frame", examples, targets::home_frame);
}

/// The golden messages of the protocol, plain and compressed.
#[test]
fn frames_of_the_link() {
    let golden = include_str!(
        "../../crates/protocol/src/message/snapshots/vestibule_protocol__message__tests__every_message_is_golden_and_reads_back.snap"
    );
    let mut examples = Vec::new();
    for (number, line) in golden.lines().filter(|line| line.starts_with('{')).enumerate() {
        examples.push((format!("golden-{number:02}"), [b"\0", line.as_bytes()].concat()));
        examples.push((format!("golden-{number:02}-small"), frame::encode(line.as_bytes()).unwrap()));
    }
    assert!(examples.len() > 30, "the golden messages were not understood");
    replay("link_frame", examples, targets::link_frame);
}

#[test]
fn records_with_their_keys() {
    let id = "aaaaaaaaaaaaa";
    let examples = [
        ("home", "home/home\n{\"installation\":\"container\",\"language\":\"de\"}".to_owned()),
        ("floor", format!("floor/f_{id}\n{{\"level\":-1,\"order\":2}}")),
        (
            "area",
            format!("area/a_{id}\n{{\"floor\":\"f_{id}\",\"kind\":\"kitchen\",\"ordinal\":1,\"order\":3}}"),
        ),
        ("label", format!("label/l_{id}\n{{}}")),
        (
            "device",
            format!("device/d_{id}\n{{\"area\":\"a_{id}\",\"integration\":\"hue\",\"parent\":\"d_{id}\"}}"),
        ),
        (
            "entity",
            format!(
                "entity/e_{id}\n{{\"capabilities\":{{\"supported_color_modes\":[\"hs\"]}},\"domain\":\"light\"}}"
            ),
        ),
        ("name", format!("name/e_{id}\n{{\"aliases\":[\"Lampe\"],\"name\":\"Leselampe\"}}")),
        ("integration", "integration/hue\n{\"built_in\":true}".to_owned()),
        ("unlisted", format!("entity/e_{id}\n{{\"serial\":\"1\"}}")),
        ("not-canonical", format!("entity/e_{id}\n{{\"domain\": \"light\"}}")),
    ];
    let examples = examples.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())).collect();
    replay("records", examples, targets::records);
}

#[test]
fn changes_from_one_home_to_the_next() {
    let examples: [(&str, Vec<u8>); 6] = [
        ("nothing", Vec::new()),
        ("first", vec![0, 0, 1, 1, 2, 2, 3, 3]),
        ("last", vec![1, 1, 2, 2, 3, 3, 0, 0]),
        ("one-changed", vec![1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 9, 3, 3]),
        ("swapped", vec![1, 1, 2, 2, 0, 0, 1, 2, 2, 1]),
        (
            "many",
            (1..=255).flat_map(|n| [n, n]).chain([0, 0]).chain((1..=255).flat_map(|n| [n, n / 2])).collect(),
        ),
    ];
    let examples = examples.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    replay("delta", examples, targets::delta);
}

/// Documents of a home, some with a design for them after a zero byte.
#[test]
fn contents_and_designs() {
    let examples: [(&str, &str); 14] = [
        ("empty", "{}"),
        ("string", "\"Emma\""),
        (
            "card",
            r#"{"views":[{"title":"Emma","cards":[{"type":"tile","entity":"light.kitchen","min":1.50}]}]}"#,
        ),
        ("excluded", r#"{"badges":["light.secret_room",{"entity":"light.never_was"}]}"#),
        (
            "template",
            r#"{"content":"{{ states('light.kitchen') | float(0) }}","x":"Hi {{ states.light.kitchen }}"}"#,
        ),
        (
            "keys",
            r#"{"entities":{"light.kitchen":{"Emma":1},"odd_domain.thing":null},"areas_options":{"kitchen":{}}}"#,
        ),
        ("literal-tokens", r#"{"a":"@e_aaaaaaaaaaaaa","b":"@@x_","c":"me@s_x","d":"@light.kitchen"}"#),
        ("escapes", r#"{"a":"\u0041\/\ud83d\ude00","\u0062":"\u0000","c":"é\n\t\\"}"#),
        ("surrogate", r#"{"a":"\ud800"}"#),
        ("twice", r#"{"a":1,"\u0061":2}"#),
        (
            "secrets",
            r#"{"url":"http://10.0.0.1/","code":1234,"users":["0123456789abcdef0123456789abcdef"],"at":52.52000}"#,
        ),
        ("design", "{\"name\":\"Emma\"}\0{\"name\":\"@n_a_aaaaaaaaaaaac @e_aaaaaaaaaaaaa @@e_\"}"),
        ("moved", "{\"name\":\"Emma\"}\0{\"title\":\"@x_aaaaaaaaaaaaa\"}"),
        ("written-out", "{}\0{\"entity\":\"light.kitchen\",\"area\":\"kitchen\"}"),
    ];
    let mut examples: Vec<(String, Vec<u8>)> =
        examples.into_iter().map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).collect();
    for depth in [64, 65] {
        examples.push((
            format!("deep-{depth}"),
            format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into_bytes(),
        ));
    }
    replay("contents", examples, targets::contents);
}

/// R31: an envelope of strangers, and payloads that the right people would have signed.
#[test]
fn envelopes_of_deployments() {
    let examples = targets::envelopes().into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    replay("envelope", examples, targets::envelope);
}

/// Designs of every kind, honest and not.
#[test]
fn designs_that_are_planned_or_refused() {
    let examples = targets::designs().into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes()));
    replay("plan", examples.collect(), targets::plan);
}
