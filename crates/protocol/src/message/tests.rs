//! Golden messages: one of each kind, as first released. Old ones are never deleted, since portals serve older agents.

use super::*;
use crate::consent::Class;
use crate::dsse::EnvelopeSignature;
use crate::tree::{BucketHash, KeyHash, RecordHash};

fn root(byte: u8) -> Root {
    Root(Fixed([byte; 16]))
}

fn envelope() -> Envelope {
    Envelope {
        payload: "e30=".into(),
        payload_type: "application/vnd.vestibule.statement+json".into(),
        signatures: vec![EnvelopeSignature { keyid: None, sig: "AA==".into() }],
    }
}

fn puts() -> Puts {
    let mut puts = Puts::default();
    puts.push("entity/e_aaaaaaaaaaaaa", br#"{"domain":"light"}"#).unwrap();
    puts
}

fn from_agent() -> Vec<FromAgent> {
    let buckets: Vec<BucketHash> = vec![[7; 32]; 256];
    vec![
        Enrol { body: "{}".into(), signature: Fixed([1; 64]) }.into(),
        Hello { body: "{}".into(), signature: Fixed([1; 64]) }.into(),
        Push { base: root(1), root: root(2), puts: puts(), deletes: vec!["area/a_aaaaaaaaaaaaa".into()] }
            .into(),
        Buckets { root: root(2), hashes: Hashes::of_buckets(&buckets, false) }.into(),
        Batch { n: 0, puts: puts(), deletes: Hashes::of_keys([KeyHash(1)]) }.into(),
        Commit { root: root(2), batches: 1 }.into(),
        ConsentChanged {
            id: Fixed([3; 16]),
            consent: Consent {
                epoch: 2,
                classes: vec![Class::Structure],
                withdrawn: [(Class::Names, 2)].into(),
                changes: [(crate::consent::Change::Dashboards, crate::consent::Policy::Ask)].into(),
                restricted: true,
            },
        }
        .into(),
        Erase { id: Fixed([4; 16]), only: None }.into(),
        Support { id: Fixed([15; 16]), text: "Vestibule: 0.1.0\n".into(), time: 1_800_000_000 }.into(),
        Report {
            id: Fixed([5; 16]),
            deployment: deployment(),
            state: ReportState::Conflict,
            code: Some("base_changed".into()),
            items: vec![ItemReport {
                item: 0,
                thing: "b_aaaaaaaaaaaaa".parse().ok(),
                base: Some(Fixed([6; 32])),
                code: None,
            }],
            time: 1_800_000_000,
        }
        .into(),
        Request {
            id: Fixed([6; 16]),
            text: "a page for the kitchen".into(),
            rooms: "a_aaaaaaaaaaaaa".parse().into_iter().collect(),
            withdrawn: false,
            time: 1_800_000_000,
        }
        .into(),
        Answer { id: Fixed([7; 16]), question: Fixed([8; 16]), choice: "e_aaaaaaaaaaaaa".parse().ok() }
            .into(),
    ]
}

fn deployment() -> crate::deployment::DeploymentId {
    crate::deployment::DeploymentId::new(1_800_000_000_000, [1; 16])
}

fn from_portal() -> Vec<FromPortal> {
    let entries = [(KeyHash(1), RecordHash([2; 16]))];
    vec![
        Challenge { nonce: Fixed([1; 32]), statement: envelope() }.into(),
        Enrolled {}.into(),
        Welcome {
            root: root(1),
            schema: 1,
            sequence: 0,
            session: Fixed([5; 16]),
            done: Some(Fixed([3; 16])),
            restored: true,
            cloned: false,
        }
        .into(),
        Ack { root: root(1) }.into(),
        Mismatch { root: root(1) }.into(),
        Want {
            all: false,
            buckets: vec![(7, Entries::of(&entries, false)), (8, Entries::of(&entries, true))],
            staged: 2,
        }
        .into(),
        Pull {}.into(),
        Done { id: Fixed([3; 16]), root: root(2), receipts: vec![envelope()] }.into(),
        Erased { id: Fixed([4; 16]), receipt: envelope() }.into(),
        Charters { envelopes: vec![envelope()] }.into(),
        Deploy { envelope: envelope() }.into(),
        Withdraw { deployment: deployment() }.into(),
        Ask {
            id: Fixed([8; 16]),
            question: "Which is the reading lamp?".into(),
            candidates: "e_aaaaaaaaaaaaa".parse().into_iter().collect(),
            expires: 1_800_000_000,
        }
        .into(),
        Reads { reads: vec![Read { n: 3, time: 1_800_000_000, who: "Ada".into(), what: "snapshot".into() }] }
            .into(),
        Refusal { code: RefusalCode::TooMany, after_s: Some(60) }.into(),
    ]
}

#[test]
fn every_message_is_golden_and_reads_back() {
    let mut golden = Vec::new();
    for message in from_agent() {
        let json = message.to_json().unwrap();
        assert_eq!(FromAgent::from_json(&json), Ok(message));
        golden.push(String::from_utf8(json).unwrap());
    }
    for message in from_portal() {
        let json = message.to_json().unwrap();
        assert_eq!(FromPortal::from_json(&json), Ok(message));
        golden.push(String::from_utf8(json).unwrap());
    }
    assert_eq!(golden.len(), FromAgent::KINDS.len() + FromPortal::KINDS.len());
    insta::assert_snapshot!(golden.join("\n"));
}

/// What else an erasure can ask for, beside the golden one.
#[test]
fn an_erasure_of_the_reports_alone_says_so() {
    let message: FromAgent = Erase { id: Fixed([4; 16]), only: Some(Part::Support) }.into();
    let json = message.to_json().unwrap();
    let golden = r#"{"t":"erase","id":"BAQEBAQEBAQEBAQEBAQEBA","only":"support"}"#;
    assert_eq!(String::from_utf8(json.clone()).unwrap(), golden);
    assert_eq!(FromAgent::from_json(&json), Ok(message));
    assert!(FromAgent::from_json(golden.replace("support", "names").as_bytes()).is_err());
}

/// S97: what is not listed is refused, by name.
#[test]
fn r14_unknown_and_repeated_things_are_refused() {
    let read = |text: &str| FromAgent::from_json(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(read("[]"), "not a message");
    assert_eq!(read(r#"{"root":"x","t":"push"}"#), "not a message");
    assert_eq!(read(r#"{"t":"reboot"}"#), "unknown type of message");
    assert_eq!(read(r#"{"t":"challenge"}"#), "unknown type of message");
    assert_eq!(
        read(r#"{"t":"erase","t":"erase","id":"AAAAAAAAAAAAAAAAAAAAAA"}"#),
        "the message erase does not have the expected form: unknown field t"
    );
    assert_eq!(
        read(r#"{"t":"erase","id":"AAAAAAAAAAAAAAAAAAAAAA","x":1}"#),
        "the message erase does not have the expected form: unknown field x"
    );
    assert_eq!(
        read(r#"{"t":"erase","id":"AAAAAAAAAAAAAAAAAAAAAA","id":"AAAAAAAAAAAAAAAAAAAAAA"}"#),
        "the message erase does not have the expected form: duplicate field id"
    );
    assert_eq!(
        read(r#"{"t":"erase"}"#),
        "the message erase does not have the expected form: missing field id"
    );
    assert_eq!(
        read(r#"{"t":"batch","n":0,"puts":{"a":{},"a":{}}}"#),
        "the message batch does not have the expected form: duplicate field key"
    );
}

/// R17: an error about a message never repeats what stood in it.
#[test]
fn r17_errors_do_not_quote_the_message() {
    let error = FromAgent::from_json(br#"{"t":"erase","id":"Grandmother"}"#).unwrap_err().to_string();
    assert!(!error.contains("Grandmother"), "{error}");
}

#[test]
fn differing_buckets_are_found_from_short_and_whole_hashes() {
    let mine: Vec<BucketHash> = vec![[7; 32]; 256];
    let mut theirs = mine.clone();
    theirs[3][0] = 8;
    theirs[200][31] = 8;
    assert_eq!(Hashes::of_buckets(&theirs, false).differing(&mine), Some(vec![3]));
    assert_eq!(Hashes::of_buckets(&theirs, true).differing(&mine), Some(vec![3, 200]));
    assert_eq!(Hashes::default().differing(&mine).map(|all| all.len()), Some(256));
    assert_eq!(Hashes::of_keys([KeyHash(1)]).differing(&mine), None);
}

#[test]
fn bucket_lines_read_back() {
    let entries = [(KeyHash(1), RecordHash([2; 16])), (KeyHash(u64::MAX), RecordHash([3; 16]))];
    for whole in [false, true] {
        let lines = Entries::of(&entries, whole);
        let read = lines.lines().unwrap();
        assert_eq!(read.len(), 2);
        assert!(
            read.iter()
                .zip(&entries)
                .all(|(line, entry)| line.0 == entry.0 && Entries::same(line.1, &entry.1))
        );
        assert!(!Entries::same(read[0].1, &entries[1].1));
    }
    assert_eq!(Entries::Short(Hashes::of_keys([KeyHash(1)])).lines(), None);
}
