//! A home for tests: realistic in its proportions, of any size, the same at every run.

use std::sync::Arc;

use super::reading::{
    RawArea, RawCapabilities, RawConfig, RawDashboard, RawDevice, RawEntity, RawFloor, RawIntegration,
    RawLabel, RawResource, Reading, RegistryId, Shared, Text,
};
use crate::private::Private;

pub(crate) fn shared(text: &str) -> Shared {
    Private::new(text.into())
}

pub(crate) fn text(text: &str) -> Text {
    Private::new(text.into())
}

/// A registry id like Home Assistant's: random, here by hashing.
pub(crate) fn registry_id(kind: &str, number: usize) -> RegistryId {
    let hash = blake3::hash(format!("{kind} {number}").as_bytes());
    RegistryId(Private::new(std::array::from_fn(|i| hash.as_bytes()[i])))
}

/// An entity with nothing but its identity.
pub(crate) fn entity(number: usize, entity_id: &str) -> RawEntity {
    RawEntity {
        id: Some(registry_id("entity", number)),
        entity_id: text(entity_id),
        integration: None,
        device: None,
        area: None,
        labels: [].into(),
        name: None,
        original_name: None,
        aliases: [].into(),
        icon: None,
        translation_key: None,
        device_class: None,
        unit: None,
        category: None,
        supported_features: None,
        capabilities: None,
        main: false,
        disabled: false,
        hidden: false,
        orphaned: false,
        editor: false,
        mode: None,
    }
}

/// A device with nothing but its identity.
pub(crate) fn device(number: usize, integration: &str) -> RawDevice {
    RawDevice {
        id: registry_id("device", number),
        parent: None,
        integrations: [shared(integration)].into(),
        name: None,
        name_by_user: None,
        manufacturer: None,
        model: None,
        area: None,
        labels: [].into(),
        service: false,
        disabled: false,
    }
}

const ROOMS: [&str; 14] = [
    "Living room",
    "Kitchen",
    "Bedroom",
    "Emma's room",
    "Ben's room",
    "Bathroom",
    "Guest toilet",
    "Office",
    "Hallway",
    "Garage",
    "Garden",
    "Laundry room",
    "Attic",
    "Terrace",
];

/// (integration, manufacturer, model, name, entities of the device)
type Product = (&'static str, &'static str, &'static str, &'static str, &'static [Feature]);
/// (domain, suffix, device class, unit, category, translation key, state class, features)
type Feature = (
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
    bool,
    u32,
);

const DIAGNOSTIC: Option<&str> = Some("diagnostic");
const CONFIG: Option<&str> = Some("config");
const PRODUCTS: [Product; 8] = [
    (
        "hue",
        "Signify Netherlands B.V.",
        "Hue white lamp (LWB010)",
        "lamp",
        &[
            ("light", "", None, None, None, None, false, 40),
            ("update", "firmware", Some("firmware"), None, CONFIG, None, false, 5),
            ("sensor", "zigbee_connectivity", None, None, DIAGNOSTIC, Some("zigbee_connectivity"), false, 0),
        ],
    ),
    (
        "zha",
        "LUMI",
        "lumi.weather",
        "climate sensor",
        &[
            ("sensor", "temperature", Some("temperature"), Some("°C"), None, None, true, 0),
            ("sensor", "humidity", Some("humidity"), Some("%"), None, None, true, 0),
            ("sensor", "pressure", Some("pressure"), Some("hPa"), None, None, true, 0),
            ("sensor", "battery", Some("battery"), Some("%"), DIAGNOSTIC, None, true, 0),
            ("sensor", "rssi", Some("signal_strength"), Some("dBm"), DIAGNOSTIC, Some("rssi"), true, 0),
            ("sensor", "lqi", None, None, DIAGNOSTIC, Some("lqi"), true, 0),
            ("button", "identify", Some("identify"), None, DIAGNOSTIC, None, false, 0),
        ],
    ),
    (
        "shelly",
        "Shelly",
        "Shelly Plus 2PM",
        "shutter",
        &[
            ("cover", "", Some("shutter"), None, None, None, false, 15),
            ("sensor", "power", Some("power"), Some("W"), None, None, true, 0),
            ("sensor", "energy", Some("energy"), Some("kWh"), None, None, true, 0),
            ("sensor", "voltage", Some("voltage"), Some("V"), DIAGNOSTIC, None, true, 0),
            ("sensor", "temperature", Some("temperature"), Some("°C"), DIAGNOSTIC, None, true, 0),
            (
                "binary_sensor",
                "overheating",
                Some("problem"),
                None,
                DIAGNOSTIC,
                Some("overheating"),
                false,
                0,
            ),
            ("button", "restart", Some("restart"), None, CONFIG, None, false, 0),
            ("update", "firmware", Some("firmware"), None, CONFIG, None, false, 5),
        ],
    ),
    (
        "mqtt",
        "Grandma's workshop",
        "Self-made",
        "soil sensor",
        &[
            ("sensor", "moisture", Some("moisture"), Some("%"), None, None, true, 0),
            ("sensor", "last_seen", Some("timestamp"), None, DIAGNOSTIC, None, false, 0),
            ("switch", "pump", None, None, None, None, false, 0),
            ("select", "mode", None, None, CONFIG, None, false, 0),
        ],
    ),
    (
        "esphome",
        "Espressif",
        "esp32dev",
        "panel",
        &[
            ("binary_sensor", "motion", Some("motion"), None, None, None, false, 0),
            ("sensor", "illuminance", Some("illuminance"), Some("lx"), None, None, true, 0),
            ("number", "timeout", None, Some("s"), CONFIG, None, false, 0),
            ("sensor", "uptime", Some("duration"), Some("s"), DIAGNOSTIC, None, true, 0),
            ("sensor", "wifi_signal", Some("signal_strength"), Some("dBm"), DIAGNOSTIC, None, true, 0),
        ],
    ),
    (
        "tado",
        "Tado",
        "VA01",
        "thermostat",
        &[
            ("climate", "", None, None, None, None, false, 401),
            ("sensor", "temperature", Some("temperature"), Some("°C"), None, None, true, 0),
            ("sensor", "heating", None, Some("%"), None, Some("heating"), true, 0),
            ("binary_sensor", "battery", Some("battery"), None, DIAGNOSTIC, None, false, 0),
            ("binary_sensor", "window", Some("window"), None, None, None, false, 0),
        ],
    ),
    (
        "sonos",
        "Sonos",
        "One",
        "speaker",
        &[
            ("media_player", "", Some("speaker"), None, None, None, false, 4_127_295),
            ("switch", "crossfade", None, None, CONFIG, Some("cross_fade"), false, 0),
            ("switch", "loudness", None, None, CONFIG, Some("loudness"), false, 0),
            ("number", "bass", None, None, CONFIG, Some("bass"), false, 0),
            ("number", "treble", None, None, CONFIG, Some("treble"), false, 0),
        ],
    ),
    (
        "fancy_custom",
        "Fancy",
        "F-1",
        "gadget",
        &[
            ("sensor", "state", None, None, None, Some("fancy_state"), false, 0),
            ("sensor", "flux", None, Some("flux/h"), None, None, true, 0),
            ("switch", "boost", None, None, None, None, false, 0),
        ],
    ),
];

/// All readings of a home with about `entities` entities.
pub(crate) fn home(entities: usize) -> Vec<Reading> {
    let areas = (entities / 60).clamp(4, 60);
    let area_id = |number: usize| shared(&format!("area_{number}"));
    let (mut devices, mut list) = (Vec::new(), Vec::new());
    while list.len() + list.len() / 20 < entities {
        let number = devices.len();
        // Runs of one product, as homes have them.
        let (integration, manufacturer, model, what, features) =
            PRODUCTS[(number * 7 + number / 5) % PRODUCTS.len()];
        let room = (number * 5) % areas;
        let name = format!("{} {what}", ROOMS[room % ROOMS.len()]);
        let slug: String = name
            .to_lowercase()
            .chars()
            .filter(|c| *c != '\'')
            .map(|c| if c == ' ' { '_' } else { c })
            .collect();
        let mut raw = device(number, integration);
        raw.name = Some(text(&name));
        raw.manufacturer = Some(shared(manufacturer));
        raw.model = Some(shared(model));
        raw.area = Some(area_id(room));
        for (domain, suffix, class, unit, category, key, measures, features) in features {
            let place = list.len();
            let mut raw_entity = entity(place, &format!("{domain}.{slug}_{suffix}_{number}"));
            raw_entity.integration = Some(shared(integration));
            raw_entity.device = Some(raw.id);
            raw_entity.original_name = Some(text(&if suffix.is_empty() {
                name.clone()
            } else {
                format!("{name} {}", suffix.replace('_', " "))
            }));
            raw_entity.main = suffix.is_empty();
            raw_entity.device_class = class.map(shared);
            raw_entity.unit = unit.map(shared);
            raw_entity.category = category.map(shared);
            raw_entity.translation_key = key.map(shared);
            raw_entity.supported_features = (*features != 0).then_some(*features);
            raw_entity.disabled = place % 11 == 3;
            raw_entity.capabilities = capabilities(domain, *measures);
            list.push(raw_entity);
        }
        devices.push(raw);
    }
    for number in 0..list.len() / 20 {
        let mut raw = entity(100_000 + number, &format!("automation.routine_{number}"));
        if number % 3 == 0 {
            raw.id = None;
        }
        raw.integration = Some(shared("automation"));
        raw.original_name = Some(text(&format!("Routine {number}")));
        raw.editor = number % 2 == 0;
        raw.mode = Some(shared("single"));
        list.push(raw);
    }
    list.sort_by(|a, b| a.entity_id.cmp(&b.entity_id));
    let config = RawConfig {
        version: "2026.11.0".into(),
        language: Some(shared("de")),
        length_unit: Some(shared("km")),
        installation_type: Some(shared("Home Assistant OS")),
    };
    let floors = (0..2)
        .map(|number| RawFloor {
            id: shared(&format!("floor_{number}")),
            name: text(["Ground floor", "Upstairs"][number]),
            aliases: vec![],
            level: i32::try_from(number).ok(),
            icon: None,
        })
        .collect();
    let area = |number: usize| RawArea {
        id: area_id(number),
        floor: Some(shared(&format!("floor_{}", number % 2))),
        name: text(ROOMS[number % ROOMS.len()]),
        aliases: vec![],
        icon: None,
        labels: [].into(),
    };
    let integration = |domain: &str| RawIntegration {
        domain: shared(domain),
        built_in: domain != "fancy_custom",
        version: (domain == "fancy_custom").then(|| shared("1.2.3")),
    };
    vec![
        Reading::Config(config),
        Reading::Floors(floors),
        Reading::Areas((0..areas).map(area).collect()),
        Reading::Labels(vec![RawLabel { id: shared("good"), name: text("Good ones"), icon: None }]),
        Reading::Devices(devices),
        Reading::Entities(list),
        Reading::Integrations(
            PRODUCTS
                .iter()
                .map(|product| product.0)
                .chain(["automation", "frontend", "sun"])
                .map(integration)
                .collect(),
        ),
        Reading::Dashboards(vec![RawDashboard {
            id: shared("wall"),
            yaml: false,
            title: Some(text("On the wall")),
            url_path: Some(text("on-the-wall")),
            icon: None,
            sidebar: true,
            admin: false,
        }]),
        Reading::Resources(vec![RawResource {
            id: shared("1"),
            kind: shared("module"),
            url: text("/hacsfiles/button-card/button-card.js"),
        }]),
    ]
}

fn capabilities(domain: &str, measures: bool) -> Option<Arc<RawCapabilities>> {
    let list = |words: &[&str]| -> Box<[Shared]> { words.iter().map(|word| shared(word)).collect() };
    let mut raw = RawCapabilities::default();
    match domain {
        "light" => raw.lists.push(("supported_color_modes", list(&["brightness", "color_temp"]))),
        "climate" => {
            raw.lists.push(("hvac_modes", list(&["off", "auto", "heat"])));
            raw.lists.push(("preset_modes", list(&["home", "away", "Emma asleep"])));
            raw.numbers.push(("max_temp", "25.0".into()));
        }
        "number" => {
            raw.numbers.extend([("min", "0".into()), ("max", "100.0".into()), ("step", "1".into())]);
            raw.words.push(("mode", shared("auto")));
        }
        "select" => raw.lists.push(("options", list(&["Grandma", "Holiday", "Off"]))),
        _ if measures => raw.state_class = Some(shared("measurement")),
        _ => return None,
    }
    Some(Arc::new(raw))
}
