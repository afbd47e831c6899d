//! Known answers, independence between tenants, and a dictionary attack.

use std::collections::HashSet;

use super::*;

const SECRET: [u8; 32] = *b"thirty-two bytes of pure secret!";

fn tenant(number: u32) -> TenantId {
    TenantId(*blake3::hash(&number.to_be_bytes()).as_bytes())
}

fn id_of(keys: &TenantKeys, number: u32) -> OpaqueId {
    let mut registry = [0; 16];
    registry[..4].copy_from_slice(&number.to_be_bytes());
    keys.id_key.opaque(Thing::Entity, IdSource::Registry(&registry))
}

/// S70: vectors, so that no later version can lose a home.
#[test]
fn s70_known_answers() {
    let keys = HomeSecret::new(SECRET).tenant(&tenant(1));
    let mut text = String::new();
    for line in [
        keys.fingerprint.to_string(),
        vestibule_protocol::bytes::Fixed(keys.device_key.verifying_key().to_bytes()).to_string(),
        keys.recovery.to_string(),
        id_of(&keys, 1).to_string(),
        keys.id_key.opaque(Thing::Area, IdSource::Text("kitchen")).to_string(),
        keys.id_key.opaque(Thing::Entity, IdSource::Text("light.kitchen")).to_string(),
    ] {
        text.push_str(&line);
        text.push('\n');
    }
    insta::assert_snapshot!(text);
}

#[test]
fn nothing_prints_a_secret() {
    let secret = HomeSecret::new(SECRET);
    let keys = secret.tenant(&tenant(1));
    assert_eq!(format!("{secret:?}{:?}", keys.id_key), "HomeSecret(‹secret›)IdKey(‹secret›)");
    assert!(!format!("{keys:?}").contains(&keys.recovery.to_string()));
}

/// S70, R1: over many tenants every output bit is a fair coin, and no two tenants share anything.
#[test]
fn r1_two_tenants_share_nothing_and_bits_are_fair() {
    const TENANTS: u32 = 2_000;
    let secret = HomeSecret::new(SECRET);
    let mut seen = HashSet::new();
    let mut ones = [0_u32; 256];
    let mut last: Option<[u8; 32]> = None;
    let mut distance = 0_u64;
    for number in 0..TENANTS {
        let keys = secret.tenant(&tenant(number));
        let print = keys.fingerprint.0;
        for (bit, count) in ones.iter_mut().enumerate() {
            *count += u32::from(print[bit / 8] >> (bit % 8) & 1);
        }
        if let Some(last) = last {
            distance += print.iter().zip(last).map(|(a, b)| u64::from((a ^ b).count_ones())).sum::<u64>();
        }
        last = Some(print);
        assert!(seen.insert(print.to_vec()), "fingerprint");
        assert!(seen.insert(keys.device_key.to_bytes().to_vec()), "device key");
        assert!(seen.insert(keys.id_key.0.to_vec()), "id key");
        assert!(seen.insert(keys.recovery.to_string().into_bytes()), "recovery code");
        assert!(seen.insert(id_of(&keys, 7).bits.to_be_bytes().to_vec()), "opaque id");
    }
    // Five standard deviations of a fair coin thrown 2 000 times: the inputs are fixed, so this cannot flicker.
    assert!(ones.iter().all(|count| count.abs_diff(TENANTS / 2) < 112));
    let mean = distance / u64::from(TENANTS - 1);
    assert!((126..=130).contains(&mean), "neighbours differ in half of their 256 bits, not {mean}");
}

/// A million URLs, addresses and host names, as somebody would guess them.
fn guesses() -> impl Iterator<Item = String> {
    let lan = (0..=255_u32).flat_map(|a| (0..=255_u32).map(move |b| format!("192.168.{a}.{b}")));
    let urls = (0..=255_u32).flat_map(|a| (0..=255_u32).map(move |b| format!("http://192.168.{a}.{b}:8123")));
    let ten = (0..500_000_u32).map(|n| format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255));
    let hosts = (0..200_000_u32).map(|n| format!("https://home{n}.duckdns.org"));
    let macs =
        (0..200_000_u32).map(|n| format!("a4:cf:12:{:02x}:{:02x}:{:02x}", n >> 16, n >> 8 & 255, n & 255));
    let names = ["homeassistant.local", "http://homeassistant.local:8123", "hassio", "raspberrypi.lan"];
    lan.chain(urls).chain(ten).chain(hosts).chain(macs).chain(names.into_iter().map(str::to_owned))
}

/// S69: whoever knows every public part (tenant, contexts, this source) and guesses addresses finds nothing.
#[test]
fn s69_a_million_guessed_addresses_find_no_home() {
    let tenant = tenant(1);
    let keys = HomeSecret::new(SECRET).tenant(&tenant);
    // The control: a home that had been so careless as to hash its address.
    let careless = *blake3::keyed_hash(&tenant.0, b"http://192.168.1.20:8123").as_bytes();
    let targets: HashSet<[u8; 8]> =
        [&keys.fingerprint.0, &keys.device_key.verifying_key().to_bytes(), &careless]
            .map(|bytes| bytes[..8].try_into().unwrap())
            .into_iter()
            .chain([id_of(&keys, 1).bits.to_be_bytes()])
            .collect();
    let (mut tried, mut found) = (0, Vec::new());
    for guess in guesses() {
        tried += 1;
        let plain = *blake3::hash(guess.as_bytes()).as_bytes();
        let by_tenant = *blake3::keyed_hash(&tenant.0, guess.as_bytes()).as_bytes();
        let as_secret = *blake3::keyed_hash(&plain, &tenant.0).as_bytes();
        let key = blake3::derive_key("vestibule 2026-11 v1 fingerprint key", guess.as_bytes());
        let by_context = *blake3::keyed_hash(&key, &tenant.0).as_bytes();
        if [plain, by_tenant, as_secret, by_context].iter().any(|hash| targets.contains(&hash[..8])) {
            found.push(guess);
        }
    }
    assert!(tried > 1_000_000);
    assert_eq!(found, ["http://192.168.1.20:8123"], "only the careless home is found");
}
