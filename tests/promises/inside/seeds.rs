//! Random numbers that come again: the same seed, the same story. And what happens in a house.

use serde_json::json;
use vestibule_dev::fake_home::{EntityKind, FakeHome};

/// SplitMix64: enough to choose between faults.
pub(super) struct Seed(u64);

impl Seed {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(super) const fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// One of these.
    pub(super) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()].clone()
    }
}

/// Something that changes what the portal should hold.
pub(super) fn change(home: &FakeHome, seed: &mut Seed) {
    let ids: Vec<String> = home.model(|model| model.entities.keys().cloned().collect());
    let devices: Vec<String> =
        home.model(|model| model.devices.iter().map(|d| d["id"].as_str().unwrap().to_owned()).collect());
    let fresh = seed.below(1 << 40);
    match seed.below(6) {
        0 => home.add_entity(&format!("light.fresh_{fresh}"), EntityKind::Light, None),
        1 => home.add_entity(&format!("sensor.fresh_{fresh}"), EntityKind::Power, Some(&seed.pick(&devices))),
        2 => home.remove_entity(&seed.pick(&ids)),
        3 => home.put_area(&format!("area_{fresh}"), &format!("Kitchen {fresh}")),
        4 => home.update_entity(
            &seed.pick(&ids),
            &json!({"name": format!("Name {fresh}"), "area_id": "kitchen_0"}),
        ),
        _ => home.update_device(&seed.pick(&devices), &json!({"area_id": null})),
    }
}
