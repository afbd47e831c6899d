//! The table itself.

use super::{Field, RecordSchema, Shape};
use crate::record::RecordKind;

const fn field(name: &'static str, shape: Shape, meaning: &'static str, purpose: &'static str) -> Field {
    Field { name, shape, meaning, purpose }
}

const MODE: Shape = Shape::OneOf(&["parallel", "queued", "restart", "single"]);
const ROUTINE: &[Field] = &[
    field(
        "editor",
        Shape::True,
        "Home Assistant's editor can open it",
        "only such ones can be improved later",
    ),
    field("entity", Shape::Id('e'), "its entity", "to put it on a dashboard"),
    field("mode", MODE, "what happens when it is started twice", "to judge whether a button for it is safe"),
];

/// Every record, in the order of [`RecordKind::ALL`].
pub const SCHEMAS: [RecordSchema; 14] = [
    RecordSchema {
        kind: RecordKind::Home,
        purpose: "what the installation as a whole can do",
        fields: &[
            field("agent", Shape::Word, "version of Vestibule", "to know what the agent can do"),
            field("core", Shape::Word, "version of Home Assistant", "cards and options differ by version"),
            field(
                "install",
                Shape::OneOf(&["container", "core", "os", "other", "supervised"]),
                "kind of installation",
                "to know whether apps are possible",
            ),
            field("language", Shape::Word, "language of the installation", "to write dashboards in it"),
            field("units", Shape::OneOf(&["metric", "us_customary"]), "unit system", "to choose scales"),
        ],
    },
    RecordSchema {
        kind: RecordKind::Floor,
        purpose: "how rooms are grouped",
        fields: &[
            field("level", Shape::Integer(-100, 1000), "storey", "to order floors as in the house"),
            field("order", Shape::Integer(0, 100_000), "place in the owner's order", "to keep that order"),
        ],
    },
    RecordSchema {
        kind: RecordKind::Area,
        purpose: "which rooms there are",
        fields: &[
            field("floor", Shape::Id('f'), "its floor", "to group rooms"),
            field(
                "kind",
                Shape::Word,
                "kind of room, worked out at home from its name",
                "to choose a design for it",
            ),
            field("order", Shape::Integer(0, 100_000), "place in the owner's order", "to keep that order"),
            field(
                "ordinal",
                Shape::Integer(1, 100_000),
                "number among the rooms of its kind",
                "to tell two bedrooms apart",
            ),
        ],
    },
    RecordSchema { kind: RecordKind::Label, purpose: "that a label exists, nothing else", fields: &[] },
    RecordSchema {
        kind: RecordKind::Device,
        purpose: "which devices there are and where",
        fields: &[
            field("area", Shape::Id('a'), "its room", "to place it"),
            field(
                "integration",
                Shape::Word,
                "integration it belongs to; or custom, or other",
                "to know what it can do",
            ),
            field(
                "manufacturer",
                Shape::Vetted,
                "manufacturer as a built-in integration words it",
                "to choose fitting cards",
            ),
            field(
                "model",
                Shape::Vetted,
                "model as a built-in integration words it",
                "to choose fitting cards",
            ),
            field("parent", Shape::Id('d'), "device it is part of", "to group parts"),
            field("service", Shape::True, "a service, not a thing", "to leave it out of rooms"),
        ],
    },
    RecordSchema {
        kind: RecordKind::Entity,
        purpose: "what can be shown and operated",
        fields: &[
            field("area", Shape::Id('a'), "its own room, if not its device's", "to place it"),
            field(
                "caps",
                Shape::Capabilities,
                "what it can do: modes, ranges, numbers of options",
                "to choose controls",
            ),
            field(
                "category",
                Shape::OneOf(&["config", "diagnostic"]),
                "setting or diagnosis",
                "to leave it off everyday pages",
            ),
            field("class", Shape::Word, "device class", "to choose the icon and the card"),
            field("device", Shape::Id('d'), "its device", "to group what belongs together"),
            field("disabled", Shape::True, "switched off", "to leave it out"),
            field("domain", Shape::Word, "kind of entity, such as light", "to choose the card"),
            field(
                "features",
                Shape::Integer(0, u32::MAX as i64),
                "features as Home Assistant counts them",
                "to choose controls",
            ),
            field("hidden", Shape::True, "hidden by the owner", "to leave it out"),
            field(
                "integration",
                Shape::Word,
                "integration it belongs to; or custom, or other",
                "to know what it can do",
            ),
            field(
                "key",
                Shape::Word,
                "translation key of a built-in integration",
                "to tell what it measures",
            ),
            field("main", Shape::True, "the main entity of its device", "to choose the one to show"),
            field(
                "ordinal",
                Shape::Integer(2, 1_000_000),
                "number among those of its device and domain",
                "to tell alike ones apart",
            ),
            field(
                "state_class",
                Shape::OneOf(&["measurement", "measurement_angle", "total", "total_increasing"]),
                "kind of measurement",
                "to choose a graph",
            ),
            field("unit", Shape::Unit, "unit of measurement", "to choose a scale"),
            field(
                "usable",
                Shape::False,
                "false if disabled, or if nothing provides it now",
                "to leave it out",
            ),
        ],
    },
    RecordSchema {
        kind: RecordKind::Integration,
        purpose: "what the home is made of",
        fields: &[field("built_in", Shape::True, "ships with Home Assistant", "to know what it can do")],
    },
    RecordSchema {
        kind: RecordKind::Dashboard,
        purpose: "which dashboards exist",
        fields: &[
            field("admin", Shape::True, "for administrators only", "to know who sees it"),
            field(
                "mode",
                Shape::OneOf(&["storage", "yaml"]),
                "kept by Home Assistant or in a file",
                "only the first can be improved",
            ),
            field("sidebar", Shape::True, "shown in the sidebar", "to know how it is reached"),
        ],
    },
    RecordSchema {
        kind: RecordKind::Resource,
        purpose: "which custom cards may be present",
        fields: &[
            field(
                "source",
                Shape::OneOf(&["hacs", "local", "other", "ours"]),
                "where it is loaded from",
                "to know what can be relied on",
            ),
            field(
                "type",
                Shape::OneOf(&["css", "html", "js", "module"]),
                "kind of resource",
                "to know what can be relied on",
            ),
        ],
    },
    RecordSchema { kind: RecordKind::Automation, purpose: "that an automation exists", fields: ROUTINE },
    RecordSchema { kind: RecordKind::Script, purpose: "that a script exists", fields: ROUTINE },
    RecordSchema { kind: RecordKind::Scene, purpose: "that a scene exists", fields: ROUTINE },
    RecordSchema {
        kind: RecordKind::Name,
        purpose: "the owner's own words, for whoever was granted names",
        fields: &[
            field("aliases", Shape::Texts, "other names", "to recognise what the owner means"),
            field("entity_id", Shape::Text, "entity id", "to recognise what the owner means"),
            field("icon", Shape::Text, "icon", "to keep the owner's choice"),
            field("name", Shape::Text, "name or title", "to recognise what the owner means"),
            field(
                "other",
                Shape::TextsByField,
                "texts that structure replaced: own units, options, models",
                "to design for them",
            ),
            field("path", Shape::Text, "address of a dashboard within Home Assistant", "to link to it"),
        ],
    },
    RecordSchema {
        kind: RecordKind::Content,
        purpose: "what a dashboard, an automation, a script or a scene is made of",
        fields: &[
            field(
                "base",
                Shape::Hash,
                "keyed hash of the contents as they are at home",
                "a deployment says by it what it was designed against",
            ),
            field(
                "text",
                Shape::Document,
                "its contents, in which every id is a token, and so is every text of the home unless `names` is granted",
                "to improve what is there instead of starting anew",
            ),
        ],
    },
];
