//! Contents of dashboards are read where they are wished for, those of YAML never, and again when they were saved.

use vestibule_dev::fake_home::Domain;

use super::*;
use crate::outbound::reading::{RawContents, RawDocument};

const COMMAND: &str = "lovelace/config";

fn home() -> FakeHome {
    let home = FakeHome::of_size(Version::V2026_11, 30);
    home.add_dashboard("the-wall", "The wall");
    home.add_dashboard("not-saved", "Not saved");
    home.edit_dashboard("the-wall", r#"{"views":[{"z":1.0,"a":"é"}]}"#);
    home.add_yaml_dashboard("in-yaml", "In YAML", r#"{"views":[{"title":"a secret"}]}"#);
    home
}

fn asked(home: &FakeHome) -> u64 {
    home.commands().get(COMMAND).copied().unwrap_or_default()
}

fn shown(contents: &RawContents) -> Option<&str> {
    match &contents.document {
        RawDocument::Text(text) => Some(text.reveal_to_home()),
        RawDocument::Absent | RawDocument::OutOfReach | RawDocument::TooLarge => None,
    }
}

fn documents(contents: &[RawContents]) -> Vec<(&str, Option<&str>)> {
    let mut list: Vec<_> = contents.iter().map(|one| (&**one.id.reveal_to_home(), shown(one))).collect();
    list.sort_unstable();
    list
}

fn all(readings: &[Reading]) -> Option<Vec<(&str, Option<&str>)>> {
    readings
        .iter()
        .find_map(|reading| if let Reading::Contents(all) = reading { Some(documents(all)) } else { None })
}

fn some(readings: &[Reading]) -> Option<Vec<(&str, Option<&str>)>> {
    readings.iter().find_map(|reading| {
        if let Reading::SomeContents(some) = reading { Some(documents(some)) } else { None }
    })
}

#[tokio::test]
async fn contents_that_nobody_may_have_are_not_even_asked_for() {
    let (mut bench, readings) = Bench::in_sync(home()).await;
    assert_eq!(all(&readings), None);
    bench.home.edit_dashboard("the-wall", "{}");
    let readings = bench.read_after_stale().await;
    assert_eq!((all(&readings), some(&readings), asked(&bench.home)), (None, None, 0));
}

#[tokio::test]
async fn r11_contents_are_read_as_they_were_saved_and_yaml_never() {
    let wishes = Arc::new(Wishes::default());
    let mut bench = Bench::wishing(home(), Arc::clone(&wishes)).await;
    assert!(matches!(bench.next().await, HomeEvent::Connected { .. }));
    assert_eq!(all(&bench.read().await), None);
    // Granted later: everything is read once more.
    wishes.want_dashboards(true);
    let readings = bench.read().await;
    let read = all(&readings).unwrap();
    assert!(read.contains(&("the_wall", Some(r#"{"views":[{"z":1.0,"a":"é"}]}"#))), "{read:?}");
    assert!(read.contains(&("not_saved", None)));
    assert!(!read.iter().any(|(id, _)| id.contains("yaml")), "{read:?}");
    let before = asked(&bench.home);
    bench.home.edit_dashboard("the-wall", r#"{"views":[]}"#);
    let readings = bench.read_after_stale().await;
    assert_eq!(some(&readings), Some(vec![("the_wall", Some(r#"{"views":[]}"#))]));
    assert_eq!(asked(&bench.home), before + 1, "only the one that was saved");
    // Anything else does not lead to contents being read.
    bench.home.put_area("attic", "Attic");
    let readings = bench.read_after_stale().await;
    assert_eq!((all(&readings), some(&readings), asked(&bench.home)), (None, None, before + 1));
    bench.home.add_dashboard("a-new", "New");
    let readings = bench.read_after_stale().await;
    assert!(all(&readings).unwrap().contains(&("a_new", None)));
    assert_eq!(bench.home.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_was_wished_for_before_the_first_reading_is_read_once() {
    let wishes = Arc::new(Wishes::default());
    wishes.want_dashboards(true);
    let mut bench = Bench::wishing(home(), wishes).await;
    assert!(matches!(bench.next().await, HomeEvent::Connected { .. }));
    let boards = all(&bench.read().await).unwrap().len();
    // The next thing that happens is what happens next, no second reading of everything.
    bench.home.put_area("attic", "Attic");
    bench.read_after_stale().await;
    assert_eq!(asked(&bench.home), u64::try_from(boards).unwrap());
}

/// How many documents were read: of all kinds, or of some.
fn routines(readings: &[Reading]) -> Vec<(&'static str, usize)> {
    let count = |reading: &Reading| {
        if let Reading::Routines(all) = reading {
            Some(("all", all.len()))
        } else if let Reading::SomeRoutines(some) = reading {
            Some(("some", some.len()))
        } else {
            None
        }
    };
    readings.iter().filter_map(count).collect()
}

/// A registered entity does not vanish when its document is loaded anew.
#[tokio::test]
async fn what_is_loaded_anew_is_read_again() {
    for version in [Version::V2024_3, Version::V2026_11] {
        let home = FakeHome::of_size(version, 30);
        for (domain, id, text) in [
            (Domain::Automation, "wake", r#"{"alias":"Wake","trigger":[],"action":[]}"#),
            (Domain::Automation, "sleep", r#"{"alias":"Sleep","trigger":[],"action":[]}"#),
            (Domain::Script, "night", r#"{"alias":"Night","sequence":[]}"#),
            (Domain::Scene, "film", r#"{"name":"Film","entities":{}}"#),
        ] {
            home.put_routine(domain, id, text);
        }
        let wishes = Arc::new(Wishes::default());
        wishes.want_routines(true);
        let mut bench = Bench::wishing(home, wishes).await;
        assert!(matches!(bench.next().await, HomeEvent::Connected { .. }));
        assert_eq!(routines(&bench.read().await), [("all", 4)]);
        for (domain, id, text, read) in [
            (Domain::Automation, "wake", r#"{"alias":"Wake","trigger":[],"action":[],"mode":"queued"}"#, 2),
            (Domain::Script, "night", r#"{"alias":"Night","sequence":[],"mode":"queued"}"#, 1),
            (Domain::Scene, "film", r#"{"name":"Film","entities":{"light.a":"on"}}"#, 1),
        ] {
            bench.home.put_routine(domain, id, text);
            assert_eq!(routines(&bench.read_after_stale().await), [("some", read)], "{domain:?}");
        }
        assert_eq!(bench.home.violations(), Vec::<String>::new());
    }
}
