//! Homes that stay silent are announced and then erased (R47).

use super::agent::{Home, Link, refused};
use super::desk::{DAY, Portal};
use vestibule_portal::role::Role;
use vestibule_portal::serve::{SILENT_DAYS, upkeep};
use vestibule_protocol::message::RefusalCode;

#[tokio::test]
async fn r47_silent_homes_are_erased_after_a_notice() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (silent, link) = Home::pair(&portal, &tenant).await;
    let (mut back, link_of_back) = Home::pair(&portal, &tenant).await;
    let (connected, _link) = Home::pair(&portal, &tenant).await;
    drop((link, link_of_back));
    let linked = async || portal.running.app.links.homes().len();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while linked().await > 1 {
        assert!(std::time::Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    let run = async || upkeep::run(&portal.running.app, SILENT_DAYS).await.unwrap();
    portal.pass(u64::from(SILENT_DAYS) * DAY - 1);
    assert_eq!(run().await.announced, 0);
    portal.pass(1);
    assert_eq!(run().await.announced, 2);
    let token = portal.staff(&tenant, Role::Viewer).await;
    let list = portal.get("/v1/instances", &token).await.json();
    let noticed = list["instances"].as_array().unwrap().iter().filter(|home| home["notice"].is_u64()).count();
    assert_eq!(noticed, 2);
    back.connect(&portal).await;
    portal.pass(7 * DAY - 1);
    assert_eq!(run().await.erased.len(), 0);
    portal.pass(1);
    assert_eq!(run().await.erased.len(), 1);
    assert_eq!(refused(Link::open(&portal, &tenant).await.hello(&silent).await), RefusalCode::Erased);
    for alive in [&back, &connected] {
        let path = format!("/v1/instances/{}", alive.fingerprint);
        assert_eq!(portal.get(&path, &token).await.status, 200);
    }
}
