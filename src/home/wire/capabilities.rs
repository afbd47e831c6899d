//! Capability attributes: what an entity can do, as far as a dashboard's author needs it. The table is the allow-list.

use serde_json::value::RawValue;

use super::{Odd, Texts};
use crate::home::intern::Interner;
use crate::outbound::reading::{RawCapabilities, Shared};

/// How a capability is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Words,
    Number,
    Word,
    Flag,
    StateClass,
}

/// A capability attribute and where to find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Capability {
    pub(super) name: &'static str,
    kind: Kind,
    /// From the state of registered entities too: helpers keep a copy in the registry only in newer versions, automations and
    /// scripts never do, and none of them is ever unavailable for want of a device.
    pub(super) state_only: bool,
}

const fn words(name: &'static str) -> Capability {
    Capability { name, kind: Kind::Words, state_only: false }
}

const fn number(name: &'static str) -> Capability {
    Capability { name, kind: Kind::Number, state_only: false }
}

const fn word(name: &'static str) -> Capability {
    Capability { name, kind: Kind::Word, state_only: false }
}

const fn helper(name: &'static str, kind: Kind) -> Capability {
    Capability { name, kind, state_only: true }
}

/// What Home Assistant calls capability attributes, by the entity's domain. Everything else stays where it is.
static TABLE: &[(&str, &[Capability])] = &[
    (
        "light",
        &[
            words("supported_color_modes"),
            words("effect_list"),
            number("min_color_temp_kelvin"),
            number("max_color_temp_kelvin"),
        ],
    ),
    (
        "climate",
        &[
            words("hvac_modes"),
            words("fan_modes"),
            words("preset_modes"),
            words("swing_modes"),
            words("swing_horizontal_modes"),
            number("min_temp"),
            number("max_temp"),
            number("target_temp_step"),
            number("min_humidity"),
            number("max_humidity"),
            number("target_humidity_step"),
        ],
    ),
    (
        "humidifier",
        &[
            words("available_modes"),
            number("min_humidity"),
            number("max_humidity"),
            number("target_humidity_step"),
        ],
    ),
    (
        "water_heater",
        &[words("operation_list"), number("min_temp"), number("max_temp"), number("target_temp_step")],
    ),
    ("fan", &[words("preset_modes"), number("percentage_step")]),
    ("vacuum", &[words("fan_speed_list")]),
    ("media_player", &[words("source_list"), words("sound_mode_list")]),
    ("select", &[words("options")]),
    ("number", &[number("min"), number("max"), number("step"), word("mode")]),
    ("text", &[number("min"), number("max"), word("pattern"), word("mode")]),
    (
        "sensor",
        &[Capability { name: "state_class", kind: Kind::StateClass, state_only: false }, words("options")],
    ),
    ("event", &[words("event_types")]),
    ("siren", &[words("available_tones")]),
    ("remote", &[words("activity_list")]),
    ("device_tracker", &[word("source_type"), word("tracking_type")]),
    (
        "weather",
        &[
            word("temperature_unit"),
            word("pressure_unit"),
            word("wind_speed_unit"),
            word("visibility_unit"),
            word("precipitation_unit"),
        ],
    ),
    ("input_select", &[words("options"), helper("editable", Kind::Flag)]),
    (
        "input_number",
        &[
            helper("min", Kind::Number),
            helper("max", Kind::Number),
            helper("step", Kind::Number),
            helper("mode", Kind::Word),
            helper("editable", Kind::Flag),
        ],
    ),
    (
        "input_text",
        &[
            helper("min", Kind::Number),
            helper("max", Kind::Number),
            helper("pattern", Kind::Word),
            helper("mode", Kind::Word),
            helper("editable", Kind::Flag),
        ],
    ),
    (
        "input_datetime",
        &[helper("has_date", Kind::Flag), helper("has_time", Kind::Flag), helper("editable", Kind::Flag)],
    ),
    ("input_boolean", &[helper("editable", Kind::Flag)]),
    ("input_button", &[helper("editable", Kind::Flag)]),
    ("schedule", &[helper("editable", Kind::Flag)]),
    (
        "counter",
        &[
            helper("minimum", Kind::Number),
            helper("maximum", Kind::Number),
            helper("step", Kind::Number),
            helper("editable", Kind::Flag),
        ],
    ),
    ("timer", &[helper("duration", Kind::Word), helper("editable", Kind::Flag)]),
    ("automation", &[helper("max", Kind::Number)]),
    ("script", &[helper("max", Kind::Number)]),
];

/// The capabilities that entities of a domain may have.
pub(super) fn capabilities_of(domain: &str) -> &'static [Capability] {
    TABLE.iter().find(|(of, _)| *of == domain).map_or(&[], |(_, capabilities)| capabilities)
}

/// Capabilities being collected.
#[derive(Default)]
pub(super) struct Capabilities(RawCapabilities);

impl From<Option<Box<RawCapabilities>>> for Capabilities {
    fn from(known: Option<Box<RawCapabilities>>) -> Self {
        Self(known.map(|known| *known).unwrap_or_default())
    }
}

impl Capabilities {
    fn has(&self, name: &str) -> bool {
        let all = &self.0;
        all.lists.iter().any(|(known, _)| *known == name)
            || all.numbers.iter().any(|(known, _)| *known == name)
            || all.words.iter().any(|(known, _)| *known == name)
            || all.flags.iter().any(|(known, _)| *known == name)
    }

    /// Values of the wrong kind are left out, and so is what is known already: what the registry says goes first.
    pub(super) fn add(
        &mut self,
        found: &[(Capability, &RawValue)],
        interner: &mut Interner,
        wanted: impl Fn(&Capability) -> bool,
    ) {
        for (capability, raw) in found.iter().filter(|(capability, _)| wanted(capability)) {
            let name = capability.name;
            if self.has(name) {
                continue;
            }
            let json = raw.get();
            match capability.kind {
                Kind::Words => {
                    let words = serde_json::from_str::<Texts<'_>>(json).unwrap_or_default().shared(interner);
                    if !words.is_empty() {
                        self.0.lists.push((name, words));
                    }
                }
                Kind::Number => {
                    if json.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
                        self.0.numbers.push((name, json.into()));
                    }
                }
                Kind::Word => {
                    if let Some(word) = one_word(json, interner) {
                        self.0.words.push((name, word));
                    }
                }
                Kind::StateClass => self.0.state_class = one_word(json, interner),
                Kind::Flag => {
                    if let Ok(flag) = serde_json::from_str(json) {
                        self.0.flags.push((name, flag));
                    }
                }
            }
        }
    }

    /// `None` where there are none. The order is that of the names, whatever order Home Assistant used.
    pub(super) fn finish(mut self) -> Option<Box<RawCapabilities>> {
        let all = &mut self.0;
        all.lists.sort_unstable_by_key(|(name, _)| *name);
        all.numbers.sort_unstable_by_key(|(name, _)| *name);
        all.words.sort_unstable_by_key(|(name, _)| *name);
        all.flags.sort_unstable_by_key(|(name, _)| *name);
        // There are thousands of these, most with one or two entries where a growing list has room for four.
        all.lists.shrink_to_fit();
        all.numbers.shrink_to_fit();
        all.words.shrink_to_fit();
        all.flags.shrink_to_fit();
        (self.0 != RawCapabilities::default()).then(|| Box::new(self.0))
    }
}

fn one_word(json: &str, interner: &mut Interner) -> Option<Shared> {
    serde_json::from_str::<Odd<'_>>(json).unwrap_or_default().shared(interner)
}
