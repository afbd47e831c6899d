//! Hostile homes: nothing beyond the limits is taken in, and the portal goes on (R23).

use super::agent::{Home, Link, refused};
use super::desk::Portal;
use futures_util::SinkExt as _;
use tokio_tungstenite::tungstenite::Message;
use vestibule_protocol::limits;
use vestibule_protocol::message::{Batch, Hashes, Puts, RefusalCode};

#[tokio::test]
async fn r23_bombs_garbage_and_oversized_frames_end_the_link_and_nothing_else() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (mut home, mut link) = Home::pair(&portal, &tenant).await;
    let bomb = [&[1], zstd::bulk::compress(&vec![b' '; 64 << 20], 3).unwrap().as_slice()].concat();
    let deep = [vec![0], vec![b'['; 65]].concat();
    let cases: [Vec<u8>; 7] = [
        bomb,
        deep,
        Vec::new(),
        vec![9, 1, 2],
        b"\0{\"t\":\"reboot\"}".to_vec(),
        b"\0{\"t\":\"erase\",\"id\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"x\":1}".to_vec(),
        b"\0{\"t\":\"hello\",\"body\":\"{}\",\"signature\":\"\"}".to_vec(),
    ];
    for case in cases {
        link.send_raw(case).await;
        assert_eq!(refused(link.receive().await), RefusalCode::BadMessage);
        link = home.connect(&portal).await;
    }
    link.send_raw(vec![0; limits::FRAME_WIRE + 1]).await;
    // The socket is beyond reading; whether the reason still arrives depends on how far the sender got.
    while link.try_receive().await.is_some() {}
    let mut link = home.connect(&portal).await;
    link.socket.send(Message::text("{}")).await.unwrap();
    assert_eq!(refused(link.receive().await), RefusalCode::BadMessage);
    home.connect(&portal).await;
}

#[tokio::test]
async fn r23_no_more_than_the_limit_is_staged() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let mut home = Home::new(&tenant);
    home.consent.grant(vestibule_protocol::consent::Class::Names);
    let mut link = home.pair_with(&portal).await;
    link.buckets(&home, false).await;
    let long = format!("{{\"aliases\":[{}]}}", vec![format!("\"{}\"", "x".repeat(250)); 120].join(","));
    let mut code = None;
    for n in 0..40 {
        let mut puts = Puts::default();
        for i in 0..34_u64 {
            let id = vestibule_protocol::id::OpaqueId {
                thing: vestibule_protocol::id::Thing::Entity,
                bits: u64::from(n) * 100 + i,
            };
            puts.push(&format!("name/{id}"), long.as_bytes()).unwrap();
        }
        link.send(Batch { n, puts, deletes: Hashes::default() }).await;
    }
    while let Some(message) = link.try_receive().await {
        code = Some(refused(message));
    }
    assert_eq!(code, Some(RefusalCode::TooMuch));
    let mut link = home.connect(&portal).await;
    assert_eq!(link.buckets(&home, false).await.staged, 0);
}

#[tokio::test]
async fn batches_out_of_order_are_refused_and_repeated_ones_ignored() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (mut home, mut link) = Home::pair(&portal, &tenant).await;
    home.furnish(100);
    let batch = |n| Batch { n, puts: Puts::default(), deletes: Hashes::default() };
    link.send(batch(0)).await;
    assert_eq!(refused(link.receive().await), RefusalCode::BadMessage, "nothing was frozen");
    let mut link = home.connect(&portal).await;
    let want = link.buckets(&home, false).await;
    let batches = Link::batches(&home, &want, 50);
    link.send(batches[0].clone()).await;
    link.send(batches[0].clone()).await;
    assert_eq!(link.buckets(&home, false).await.staged, 1);
    link.send(batch(5)).await;
    assert_eq!(refused(link.receive().await), RefusalCode::BadMessage);
}

#[tokio::test]
async fn an_unknown_tenant_is_not_found_and_a_link_needs_its_protocol() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let upgrade =
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    let ask = async |path: &str, headers: &str| portal.request("GET", path, "", headers, "").await.status;
    assert_eq!(ask("/v1/link/t_unknown", upgrade).await, 404);
    let stranger = vestibule_protocol::id::TenantId([9; 32]);
    assert_eq!(ask(&format!("/v1/link/{stranger}"), upgrade).await, 404);
    assert_eq!(ask(&format!("/v1/link/{}", tenant.id), "").await, 400);
}
