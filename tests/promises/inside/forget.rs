//! R29: forgetting is done here at once, and at the portal as soon as it proves it.

use ed25519_dalek::SigningKey;
use vestibule::agent::{ConnectionView, ConsentView, Forgotten, RoomView, Rotated};
use vestibule::control::Request;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::Class;
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::Fingerprint;
use vestibule_protocol::message::{Erase, Erased, FromAgent};
use vestibule_protocol::receipt::{Receipt, Scope};

use super::hostile::{Hostile, empty_root, welcome};
use super::real::RealPortal;
use super::world::{World, problem_of};

/// Texts that must be nowhere after forgetting: opaque ids, names, and what the home calls its things.
fn traces(world: &World, portal: &RealPortal) -> Vec<String> {
    let ids = portal.lines().into_iter().filter_map(|line| {
        let key = line.strip_prefix("{\"key\":\"")?.split('"').next()?.to_owned();
        key.split_once('/').map(|(_, id)| id.to_owned()).filter(|id| id.len() > 10)
    });
    let mut traces: Vec<String> = ids.collect();
    traces.extend(world.home.model(|model| model.entities.keys().cloned().collect::<Vec<_>>()));
    traces.push("Example Dashboards".into());
    traces
}

#[tokio::test(start_paused = true)]
async fn r29_forgetting_erases_here_at_once_and_there_when_it_answers() {
    let mut world = World::new(60).await;
    let portal = RealPortal::in_sync_with(&world).await;
    world.grant(Class::Names).await;
    world.converge(&portal).await;
    let traces = traces(&world, &portal);
    assert!(traces.len() > 100);
    let secret = std::fs::read(world.folder().join("home_secret")).unwrap();
    world.to_portal.hang_up();
    let forgotten: Forgotten = world.ask_one(Request::Forget { give_up: false }).await;
    assert_eq!(forgotten, Forgotten { local: true, waiting_for_portal: true });
    assert_eq!(world.occurrences(&traces), Vec::<String>::new());
    let status = world.status().await;
    assert!(status.forgetting && status.fingerprint.is_none() && status.tenant.is_none());
    assert_eq!(world.ask(Request::Grant { class: Class::Names }).await.unwrap_err().code, "not_paired");
    assert_eq!(world.meet(&portal.invite()).await.unwrap_err().code, "still_forgetting");
    // It survives a kill, and being offline.
    world.crash();
    world.start().await;
    assert!(world.status().await.forgetting && !portal.is_erased());
    portal.answer(&world);
    world.until("forgotten", |status| !status.forgetting).await;
    assert!(portal.is_erased());
    assert_eq!(world.occurrences(&traces), Vec::<String>::new());
    assert_ne!(std::fs::read(world.folder().join("home_secret")).unwrap(), secret);
    world.assert_ledger_is_sound();
}

#[tokio::test(start_paused = true)]
async fn r29_a_new_identity_keeps_what_was_decided_about_things_and_nothing_else() {
    let mut world = World::new(60).await;
    let portal = RealPortal::in_sync_with(&world).await;
    world.grant(Class::Names).await;
    let rooms: Vec<RoomView> = world.ask_one(Request::Rooms).await;
    let (hidden, sauna) = (rooms[0].clone(), rooms[1].clone());
    // The last is of something that is not there.
    for thing in [&*hidden.id, "integration/hue", "e_aaaaaaaaaaaaa"] {
        world.ask(Request::Exclude { thing: thing.to_owned() }).await.unwrap();
    }
    let kind = Some("sauna".to_owned());
    world.ask(Request::RoomKind { area: sauna.id.clone(), kind }).await.unwrap();
    let before = world.converge(&portal).await;
    let traces = traces(&world, &portal);
    world.to_portal.hang_up();
    let rotated: Rotated = world.ask_one(Request::Rotate).await;
    assert_eq!(rotated, Rotated { waiting_for_portal: true, kept: 3, lost: 1 });
    assert_eq!(world.occurrences(&traces), Vec::<String>::new());
    let decided = async |world: &World| {
        let rooms: Vec<RoomView> = world.ask_one(Request::Rooms).await;
        let of = |name: &str| rooms.iter().find(|room| room.name == name).unwrap().clone();
        assert!(of(&hidden.name).excluded, "{rooms:?}");
        assert_eq!(of(&sauna.name).chosen.as_deref(), Some("sauna"));
        [of(&hidden.name).id, of(&sauna.name).id]
    };
    // It survives a kill, and being offline; the portal erases before anything new begins.
    world.crash();
    world.start().await;
    let invite = portal.another_invite().await;
    assert_eq!(world.meet(&invite).await.unwrap_err().code, "still_forgetting");
    portal.answer(&world);
    let status = world.until("forgotten", |status| !status.forgetting).await;
    assert!(portal.is_erased() && status.fingerprint.is_none());
    let between = decided(&world).await;
    assert_ne!(between, [hidden.id.clone(), sauna.id.clone()]);
    world.pair(&invite).await.unwrap();
    let after = world.converge(&portal).await;
    assert_ne!(before.fingerprint, after.fingerprint);
    let now = decided(&world).await;
    let held = portal.lines().join("\n");
    assert!(held.contains(&now[1]) && held.contains("\"kind\":\"sauna\""), "{held}");
    for id in between.iter().chain([&now[0], &hidden.id, &sauna.id]) {
        assert!(!held.contains(id.as_str()), "{id}");
    }
    let consent: ConsentView = world.ask_one(Request::Consent).await;
    assert!(!consent.consent.grants(Class::Names) && consent.excluded.len() == 2, "{consent:?}");
    // To forget is to forget: also what was carried over.
    let _: Rotated = world.ask_one(Request::Rotate).await;
    let _: Forgotten = world.ask_one(Request::Forget { give_up: false }).await;
    world.until("forgotten", |status| !status.forgetting).await;
    let view: ConnectionView = world.ask_one(Request::Connection).await;
    assert_eq!(view.carried, None);
    world.assert_ledger_is_sound();
}

/// A receipt for the request of this erasure.
fn receipt(id: Fixed<16>, portal: &Hostile, key: &SigningKey, scope: Scope) -> Envelope {
    let receipt = Receipt {
        id,
        tenant: portal.tenant(),
        fingerprint: Fingerprint([0; 32]),
        scope,
        time: 1,
        remains: Vec::new(),
    };
    receipt.sign(key).unwrap()
}

#[tokio::test(start_paused = true)]
async fn r29_a_forged_receipt_is_none() {
    let world = World::new(30).await;
    let mut portal = Hostile::paired_with(&world).await;
    drop(portal.in_sync().await);
    let _: Forgotten = world.ask_one(Request::Forget { give_up: false }).await;
    let (own, other) = (portal.key.clone(), SigningKey::from_bytes(&[66; 32]));
    let forged = |portal: &Hostile, id| {
        vec![
            receipt(id, portal, &other, Scope::All),
            receipt(Fixed([1; 16]), portal, &own, Scope::All),
            receipt(id, portal, &own, Scope::Class(Class::Structure)),
            portal.statement(),
        ]
    };
    for lie in 0..4 {
        let (mut peer, hello) = portal.greet().await;
        assert!(hello.root.is_none() && hello.consent.classes.is_empty());
        assert_eq!(hello.consent.withdrawn.len(), Class::ALL.len());
        peer.say(welcome(empty_root(&[]))).await;
        let Some(FromAgent::Erase(Erase { id, only: None })) = peer.hear().await else { panic!("no erase") };
        let receipt = forged(&portal, id)[lie].clone();
        peer.say(Erased { id, receipt }).await;
        peer.hear_nothing().await;
        let status = world.until_problem("receipt_invalid").await;
        assert!(status.forgetting);
    }
    let (mut peer, _) = portal.greet().await;
    peer.say(welcome(empty_root(&[]))).await;
    let Some(FromAgent::Erase(Erase { id, only: None })) = peer.hear().await else { panic!("no erase") };
    let receipt = receipt(id, &portal, &own, Scope::All);
    peer.say(Erased { id, receipt }).await;
    let status = world.until("forgotten", |status| !status.forgetting).await;
    assert_eq!(problem_of(&status), None);
}

#[tokio::test(start_paused = true)]
async fn r29_the_owner_may_stop_waiting() {
    let world = World::new(30).await;
    let portal = RealPortal::in_sync_with(&world).await;
    let fingerprint = world.status().await.fingerprint.unwrap();
    world.to_portal.hang_up();
    let _: Forgotten = world.ask_one(Request::Forget { give_up: false }).await;
    // Asked twice is asked once.
    let again: Forgotten = world.ask_one(Request::Forget { give_up: false }).await;
    assert!(again.waiting_for_portal);
    let secret = std::fs::read(world.folder().join("home_secret")).unwrap();
    let forgotten: Forgotten = world.ask_one(Request::Forget { give_up: true }).await;
    assert_eq!(forgotten, Forgotten { local: true, waiting_for_portal: false });
    assert!(!world.status().await.forgetting);
    assert_ne!(std::fs::read(world.folder().join("home_secret")).unwrap(), secret);
    assert_eq!(world.occurrences(&[fingerprint]), Vec::<String>::new());
    assert!(!portal.is_erased());
}
