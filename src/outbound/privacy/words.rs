//! What of an entity's nature is told, domain by domain (R9): closed lists, and nothing that varies with the state.

use vestibule_protocol::record::{Capabilities, Capability, Counted, Decimal};
use vestibule_protocol::vocabulary::{List, OTHER, capability};

use crate::outbound::reading::{RawCapabilities, RawConfig, RawEntity, Shared};

/// No record, ever: people, where they are, and what they plan.
const NEVER: [&str; 6] = ["calendar", "device_tracker", "geo_location", "person", "todo", "zone"];

/// Integrations whose manufacturer and model are, or can be, what the owner or a neighbour typed: in YAML, in a discovery message,
/// in the settings of a device built at home, as the name of a host, a share, a program or an app's author.
const USER_TEXT: [&str; 63] = [
    "bluetooth",
    "bluetooth_le_tracker",
    "bthome",
    "caldav",
    "cast",
    "command_line",
    "derivative",
    "dlna_dmr",
    "dlna_dms",
    "enocean",
    "esphome",
    "file",
    "filter",
    "folder_watcher",
    "fritz",
    "generic",
    "generic_hygrostat",
    "generic_thermostat",
    "google_assistant",
    "group",
    "hassio",
    "history_stats",
    "homekit",
    "homekit_controller",
    "ibeacon",
    "imap",
    "integration",
    "jellyfin",
    "knx",
    "kodi",
    "lcn",
    "local_calendar",
    "local_todo",
    "manual",
    "matter",
    "min_max",
    "mobile_app",
    "modbus",
    "mqtt",
    "nut",
    "ping",
    "plex",
    "private_ble_device",
    "proxmoxve",
    "remote_calendar",
    "rest",
    "rflink",
    "rfxtrx",
    "scrape",
    "snapcast",
    "snmp",
    "sql",
    "statistics",
    "switch_as_x",
    "systemmonitor",
    "tasmota",
    "tcp",
    "template",
    "threshold",
    "trend",
    "unifi",
    "upnp",
    "utility_meter",
];

/// Domains whose `supported_features` are a property of the device. Left out on purpose: `media_player` (most integrations drop
/// features while it is off), `climate` (several offer a range only in some modes) and `camera` (streaming comes and goes).
const FEATURES: [&str; 19] = [
    "ai_task",
    "alarm_control_panel",
    "assist_satellite",
    "conversation",
    "cover",
    "fan",
    "humidifier",
    "lawn_mower",
    "light",
    "lock",
    "notify",
    "remote",
    "siren",
    "stt",
    "update",
    "vacuum",
    "valve",
    "water_heater",
    "weather",
];

/// Capability attributes by domain. Left out on purpose: everything of `media_player` (sources vanish while it is off), the
/// temperature range of `climate` (several integrations change it with the mode), and every attribute whose value is free text (`pattern`).
const CAPABILITIES: [(&str, &[&str]); 18] = [
    ("climate", &["fan_modes", "hvac_modes", "preset_modes", "swing_horizontal_modes", "swing_modes"]),
    ("counter", &["maximum", "minimum", "step"]),
    ("cover", &["supported_speeds"]),
    ("event", &["event_types"]),
    ("fan", &["preset_modes"]),
    ("humidifier", &["available_modes", "max_humidity", "min_humidity", "target_humidity_step"]),
    ("input_datetime", &["has_date", "has_time"]),
    ("input_number", &["max", "min", "mode", "step"]),
    ("input_select", &["options"]),
    ("input_text", &["max", "min", "mode"]),
    ("light", &["effect_list", "max_color_temp_kelvin", "min_color_temp_kelvin", "supported_color_modes"]),
    ("number", &["max", "min", "mode", "step"]),
    ("remote", &["activity_list"]),
    ("select", &["options"]),
    ("sensor", &["options"]),
    ("siren", &["available_tones"]),
    ("text", &["max", "min", "mode"]),
    ("vacuum", &["fan_speed_list"]),
];
const WATER_HEATER: &[&str] = &["max_temp", "min_temp", "operation_list", "target_temp_step"];

/// The domain of an entity id; `None` where there is no record.
pub(super) fn domain_of(entity_id: &str) -> Option<&'static str> {
    let domain = entity_id.split_once('.').map_or(entity_id, |(domain, _)| domain);
    if NEVER.contains(&domain) { None } else { Some(List::Domain.find(domain).unwrap_or(OTHER)) }
}

/// The category of an entity.
pub(super) fn category(entity: &RawEntity) -> Option<&'static str> {
    let category = entity.category.as_ref()?.reveal_to_privacy();
    ["config", "diagnostic"].into_iter().find(|known| *known == &**category)
}

/// The state class, if it is one of Home Assistant's.
pub(super) fn state_class(raw: &RawCapabilities) -> Option<&'static str> {
    List::StateClass.find(raw.state_class.as_ref()?.reveal_to_privacy())
}

/// Whether manufacturer and model of this integration are nobody's own words.
pub(super) fn keeps_to_products(integration: &'static str) -> bool {
    List::Integration.find(integration).is_some() && USER_TEXT.binary_search(&integration).is_err()
}

/// Whether `supported_features` may leave. Those of a group follow its members.
pub(super) fn tells_features(domain: &str, integration: Option<&str>) -> bool {
    FEATURES.binary_search(&domain).is_ok() && integration != Some("group")
}

/// The attributes of a domain that may be told.
pub(super) fn attributes_of(domain: &str) -> &'static [&'static str] {
    if domain == "water_heater" {
        return WATER_HEATER;
    }
    CAPABILITIES.binary_search_by_key(&domain, |(name, _)| name).map_or(&[], |at| CAPABILITIES[at].1)
}

/// The capabilities that may be told; `None` if there are none.
pub(super) fn capabilities(domain: &str, raw: &RawCapabilities) -> Option<Capabilities> {
    let known = |name: &str| attributes_of(domain).iter().find(|known| **known == name).copied();
    let mut told = Vec::new();
    for (name, words) in &raw.lists {
        if let Some(name) = known(name)
            && !words.is_empty()
        {
            told.push((name, Capability::Words(counted(name, words))));
        }
    }
    for (name, word) in &raw.words {
        if let Some(name) = known(name)
            && let Some(word) = capability(name, word.reveal_to_privacy())
        {
            told.push((name, Capability::Word(word)));
        }
    }
    for (name, number) in &raw.numbers {
        if let Some(name) = known(name)
            && let Some(number) = Decimal::parse(number)
        {
            told.push((name, Capability::Number(number)));
        }
    }
    for (name, flag) in &raw.flags {
        if let Some(name) = known(name) {
            told.push((name, Capability::Flag(*flag)));
        }
    }
    told.sort_unstable_by_key(|(name, _)| *name);
    told.dedup_by_key(|(name, _)| *name);
    (!told.is_empty()).then_some(Capabilities(told))
}

/// Members of the closed list, sorted, and how many there are besides.
fn counted(attribute: &str, words: &[Shared]) -> Vec<Counted> {
    let mut members: Vec<&'static str> =
        words.iter().filter_map(|word| capability(attribute, word.reveal_to_privacy())).collect();
    members.sort_unstable();
    let more = words.len() - members.len();
    members.dedup();
    let mut list: Vec<Counted> = members.into_iter().map(Counted::Word).collect();
    if more > 0 {
        list.push(Counted::More(u32::try_from(more).unwrap_or(u32::MAX)));
    }
    list
}

/// The kind of installation.
pub(super) fn install(config: &RawConfig) -> Option<&'static str> {
    config.installation_type.as_ref().map(|text| match &**text.reveal_to_privacy() {
        "Home Assistant OS" => "os",
        "Home Assistant Container" => "container",
        "Home Assistant Supervised" => "supervised",
        "Home Assistant Core" => "core",
        _ => OTHER,
    })
}

/// The unit system.
pub(super) fn units(config: &RawConfig) -> Option<&'static str> {
    match &**config.length_unit.as_ref()?.reveal_to_privacy() {
        "km" => Some("metric"),
        "mi" => Some("us_customary"),
        _ => None,
    }
}

/// The language.
pub(super) fn language(config: &RawConfig) -> Option<&'static str> {
    List::Language.find(&config.language.as_ref()?.reveal_to_privacy().to_ascii_lowercase())
}

/// A version as Home Assistant numbers itself: digits, dots and the letters of pre-releases.
pub(super) fn version(text: &str) -> &str {
    let sound = (1..=24).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.split('.').all(|part| {
            let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
            let letters = rest.trim_end_matches(|c: char| c.is_ascii_digit());
            matches!(letters, "" | "a" | "b" | "rc" | "dev")
        });
    if sound { text } else { OTHER }
}

/// Whether Home Assistant's editor refuses a file with a secret in it instead of filling the secret in. Seen in 2026.2; 2024.3 fills in.
pub(super) fn keeps_secrets(version: &str) -> bool {
    let mut numbers = version.split('.').map_while(|part| part.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(2026), Some(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_known() {
        assert!(USER_TEXT.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(FEATURES.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(CAPABILITIES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(FEATURES.iter().all(|domain| List::Domain.find(domain).is_some()));
        assert!(CAPABILITIES.iter().all(|(domain, _)| List::Domain.find(domain).is_some()));
        for name in USER_TEXT {
            assert!(List::Integration.find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn r9_domains_that_never_leave() {
        for id in
            ["person.emma", "zone.home", "device_tracker.phone", "geo_location.quake", "calendar.x", "todo.x"]
        {
            assert_eq!(domain_of(id), None, "{id}");
        }
        assert_eq!(domain_of("light.emma"), Some("light"));
        assert_eq!(domain_of("emmas_invention.x"), Some("other"));
    }

    #[test]
    fn r11_only_newer_versions_keep_secrets() {
        for (version, keeps) in [
            ("2026.11.0", true),
            ("2026.2.0b1", true),
            ("2027.1.0", true),
            ("2026.1.3", false),
            ("2024.3.3", false),
            ("", false),
            ("x", false),
        ] {
            assert_eq!(keeps_secrets(version), keeps, "{version}");
        }
    }

    #[test]
    fn versions_are_versions_only() {
        for good in ["2026.11.0", "2026.11.0b2", "2026.12.0.dev202611210", "2024.3.3"] {
            assert_eq!(version(good), good);
        }
        for wrong in ["", "Emma's 2026", "2026.11-emma", "2026.emma", "v1", "2026.11.0.123456789012345"] {
            assert_eq!(version(wrong), "other", "{wrong}");
        }
    }
}
