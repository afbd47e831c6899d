//! How fast and how small; run by name on a release build: `cargo test --release -p vestibule-portal speed -- --ignored --nocapture`.

use super::agent::Home;
use super::desk::Portal;
use vestibule_protocol::frame;
use vestibule_protocol::message::{FromAgent, Push, Puts};

/// Homes that are connected to measure what one costs.
const SOME: usize = 2000;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "a measurement, not a proof"]
async fn speed_of_one_record_pushes() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let mut tasks = Vec::new();
    let mut homes = Vec::new();
    for _ in 0..64 {
        let (mut home, mut link) = Home::pair(&portal, &tenant).await;
        home.furnish(500);
        assert_eq!(link.sync(&home).await.kind(), "ack");
        homes.push((home, link));
    }
    // Made beforehand, so that the agents' own work does not count.
    let mut ready = Vec::new();
    for (mut home, link) in homes {
        let key = home.records.keys().next().unwrap().clone();
        let mut frames = Vec::new();
        for n in 0..100 {
            let mut push =
                Push { base: home.root(), root: home.root(), puts: Puts::default(), deletes: Vec::new() };
            let body = format!("{{\"domain\":\"light\",\"ordinal\":{}}}", 1000 + n);
            push.puts.push(&key, body.as_bytes()).unwrap();
            home.records.insert(key.clone(), body);
            push.root = home.root();
            frames.push(frame::encode(&FromAgent::from(push).to_json().unwrap()).unwrap());
        }
        ready.push((link, frames));
    }
    let begun = std::time::Instant::now();
    for (mut link, frames) in ready {
        tasks.push(tokio::spawn(async move {
            for frame in frames {
                link.send_raw(frame).await;
                assert_eq!(link.receive().await.kind(), "ack");
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{:.0} one-record pushes a second, agents on the same core", 6400.0 / seconds);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "a measurement, not a proof"]
async fn speed_of_a_first_sync() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (mut home, mut link) = Home::pair(&portal, &tenant).await;
    home.furnish(15_000);
    let begun = std::time::Instant::now();
    assert_eq!(link.sync(&home).await.kind(), "ack");
    println!("first sync of 15 000 records: {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "a measurement, not a proof"]
async fn size_of_a_connected_home() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let mut homes = Vec::new();
    for _ in 0..SOME {
        let (mut home, _link) = Home::pair(&portal, &tenant).await;
        home.furnish(1);
        homes.push(home);
    }
    let Portal { folder, clock, running } = portal;
    let address = running.addr;
    running.stop().await;
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_vestibule-portal"))
        .args(["serve", "--listen", &address.to_string(), "--data"])
        .arg(folder.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line)
        .unwrap();
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let before = resident();
    let mut beside = Portal::start().await;
    beside.clock = clock;
    beside.running.addr = address;
    let mut links = Vec::new();
    for home in &mut homes {
        let mut link = home.connect(&beside).await;
        let before = Home { records: Default::default(), ..home.clone() };
        link.push(&before, home).await;
        links.push(link);
    }
    println!("{SOME} connected homes: {before} KiB before, {} KiB with them", resident());
    child.kill().unwrap();
    child.wait().unwrap();
}
