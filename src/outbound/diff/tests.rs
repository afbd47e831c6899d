//! Snapshots and what leads from one to the next.

use std::collections::BTreeMap;

use proptest::prelude::*;
use vestibule_protocol::record::{Key, RecordKind};

use super::*;
use crate::outbound::privacy::Record;
use crate::outbound::snapshot::Builder;
use vestibule_protocol::id::{OpaqueId, Thing};

/// Records by number of a device, with bodies.
type Home = BTreeMap<u8, u8>;

fn id(number: u8) -> OpaqueId {
    OpaqueId { thing: Thing::Device, bits: u64::from(number) << 40 | 7 }
}

fn bodies(home: &Home) -> BTreeMap<String, Vec<u8>> {
    home.iter()
        .map(|(number, body)| {
            (Key::of(RecordKind::Device, id(*number)).to_string(), format!("{{\"n\":{body}}}").into())
        })
        .collect()
}

fn snapshot<'a>(home: impl Iterator<Item = (&'a u8, &'a u8)>) -> Snapshot {
    let mut builder = Builder::default();
    for (number, body) in home {
        let key = Key::of(RecordKind::Device, id(*number)).to_string();
        let body = format!("{{\"n\":{body}}}");
        builder.add(Record {
            kind: RecordKind::Device,
            id: Some(id(*number)),
            key: &key,
            body: body.as_bytes(),
        });
    }
    let (snapshot, problems) = builder.finish();
    assert!(problems.is_empty());
    snapshot
}

proptest! {
    /// `apply(diff(a, b), a) == b`, for hashes at home and for bodies at a portal.
    #[test]
    fn a_diff_leads_from_one_home_to_the_other(a: Home, b: Home) {
        let (old, new) = (snapshot(a.iter()), snapshot(b.iter()));
        let diff = Diff::between(&old, &new);
        prop_assert_eq!(&old.apply(&diff, &new), &new);
        prop_assert_eq!(diff.is_empty(), a == b);

        let (mut portal, source) = (bodies(&a), bodies(&b));
        for key in &diff.gone {
            prop_assert!(portal.remove(old.key(*key).unwrap().as_str()).is_some());
        }
        for key in &diff.changed {
            let key = new.key(*key).unwrap().to_string();
            let body = source[&key].clone();
            portal.insert(key, body);
        }
        prop_assert_eq!(portal, source);
        // Nothing is sent that was not different.
        prop_assert!(diff.changed.iter().all(|key| old.get(*key) != new.get(*key)));
    }

    #[test]
    fn the_order_of_records_does_not_matter(a: Home) {
        prop_assert_eq!(snapshot(a.iter()), snapshot(a.iter().rev()));
    }
}

#[test]
fn keys_of_all_kinds_can_be_spelled_again() {
    let device = id(1);
    let area = OpaqueId { thing: Thing::Area, bits: 9 };
    let keys = [
        ("home/home".to_owned(), RecordKind::Home, None),
        ("integration/hue".to_owned(), RecordKind::Integration, None),
        ("integration/custom".to_owned(), RecordKind::Integration, None),
        (format!("device/{device}"), RecordKind::Device, Some(device)),
        (format!("name/{area}"), RecordKind::Name, Some(area)),
    ];
    let mut builder = Builder::default();
    for (key, kind, id) in &keys {
        builder.add(Record { kind: *kind, id: *id, key, body: b"{}" });
    }
    let (snapshot, _) = builder.finish();
    for (key, ..) in &keys {
        assert_eq!(snapshot.key(KeyHash::of(key)).unwrap().as_str(), key);
    }
    assert_eq!(snapshot.key(KeyHash(1)), None);
    assert_eq!((0..=255).map(|bucket| snapshot.bucket(bucket).len()).sum::<usize>(), keys.len());
}

#[test]
fn r8_of_two_records_with_one_key_the_first_stays() {
    let mut builder = Builder::default();
    for body in [b"{\"n\":1}", b"{\"n\":2}"] {
        builder.add(Record { kind: RecordKind::Device, id: Some(id(1)), key: "device/d_x", body });
    }
    let (one, problems) = builder.finish();
    assert_eq!((one.len(), problems.len(), problems[0].code.as_ref()), (1, 1, "id_collision"));
    let mut builder = Builder::default();
    builder.add(Record { kind: RecordKind::Device, id: Some(id(1)), key: "device/d_x", body: b"{\"n\":1}" });
    assert_eq!(one, builder.finish().0);
}
