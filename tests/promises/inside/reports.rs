//! The support report: exactly what the owner has read goes to the portal, nothing of the home's is in it, and it comes back when the
//! owner wants that.

use std::collections::BTreeSet;

use serde_json::Value;
use vestibule::control::Request;
use vestibule::observe::report::Report;
use vestibule_protocol::bytes::Fixed;

use super::real::RealPortal;
use super::world::{ORIGIN, World};

/// Every text of the home that is somebody's own: ids, names, values, and the addresses of both sides.
fn own_texts(world: &World, portal: &RealPortal) -> BTreeSet<String> {
    fn collect(value: &Value, texts: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => drop(texts.insert(text.clone())),
            Value::Array(all) => all.iter().for_each(|one| collect(one, texts)),
            Value::Object(all) => all.values().for_each(|one| collect(one, texts)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut texts = BTreeSet::new();
    world.home.model(|model| {
        for (id, entity) in &model.entities {
            texts.insert(id.clone());
            collect(entity, &mut texts);
        }
        model.areas.iter().chain(&model.devices).for_each(|thing| collect(thing, &mut texts));
    });
    // Words of the program's own that a home may use as well.
    let harmless = ["structure", "entity", "device", "label", "portal", "home"];
    texts.retain(|text| text.len() > 5 && !harmless.contains(&&**text));
    texts.extend([ORIGIN, "127.0.0.1", "8123", "Example", "vst1"].map(str::to_owned));
    texts.insert(portal.fingerprint().to_string());
    texts
}

#[tokio::test(start_paused = true)]
async fn r17_a_report_is_sent_as_it_was_read_and_holds_nothing_of_the_homes() {
    let world = World::new(60).await;
    let portal = RealPortal::in_sync_with(&world).await;
    let own = own_texts(&world, &portal);
    assert!(own.len() > 100, "{}", own.len());
    let strange = world.ask(Request::SendReport { report: Fixed([1; 32]) }).await;
    assert_eq!(strange.unwrap_err().code, "report_not_shown");
    let report: Report = world.ask_one(Request::Report).await;
    let words = report.words();
    let told: Vec<&String> = own.iter().filter(|text| words.contains(&***text)).collect();
    assert!(told.is_empty(), "{told:?} in {words}");
    assert_eq!((portal.reports(), world.sent("support")), (Vec::new(), 0), "shown is not sent");
    world.ask(Request::SendReport { report: report.name() }).await.unwrap();
    world.converge(&portal).await;
    assert_eq!(portal.reports(), std::slice::from_ref(&words));
    assert_eq!(world.sent("support"), 1, "the ledger has it");
    // A yes is for one report.
    let again = world.ask(Request::SendReport { report: report.name() }).await;
    assert_eq!(again.unwrap_err().code, "report_not_shown");
    world.ask(Request::TakeReportsBack).await.unwrap();
    world.converge(&portal).await;
    assert_eq!(portal.reports(), Vec::<String>::new());
    world.assert_ledger_is_sound();
}

/// A pause holds reports back, but not the owner's wish to have them erased; and what has not left is not sent any more.
#[tokio::test(start_paused = true)]
async fn a_pause_holds_reports_and_a_restart_keeps_them() {
    let mut world = World::new(20).await;
    let portal = RealPortal::in_sync_with(&world).await;
    let send = async |world: &World| {
        let report: Report = world.ask_one(Request::Report).await;
        world.ask(Request::SendReport { report: report.name() }).await.unwrap();
    };
    send(&world).await;
    world.converge(&portal).await;
    world.ask(Request::Restrict { on: true }).await.unwrap();
    send(&world).await;
    world.crash();
    world.start().await;
    let held = |status: &vestibule::agent::Status| {
        status.portal.connected && status.outbox.iter().any(|it| it.kind == "support" && it.state == "queued")
    };
    world.until("a report waits", held).await;
    world.ask(Request::TakeReportsBack).await.unwrap();
    world.until("they are gone", |status| status.portal.connected && status.outbox.is_empty()).await;
    assert_eq!(portal.reports(), Vec::<String>::new());
    world.ask(Request::Restrict { on: false }).await.unwrap();
    world.converge(&portal).await;
    assert_eq!((portal.reports(), world.sent("support")), (Vec::new(), 1));
}
