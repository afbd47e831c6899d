//! `docs/privacy.md` is generated from the list of fields; with `UPDATE_DOCS=1` this test rewrites it, otherwise it compares.

use std::fmt::Write as _;

use vestibule_protocol::consent::Class;
use vestibule_protocol::record::RecordKind;
use vestibule_protocol::schema::{HISTORY_DAYS, SCHEMAS, Shape};
use vestibule_protocol::vocabulary::List;

const HEAD: &str = "\
# What leaves your home

*This page is generated from the list in `crates/protocol/src/schema/fields.rs`. A field that is not below cannot be sent: the program
has no way to write it, and a portal refuses it.*

Nothing is sent before you pair with a portal and have accepted the preview. Then `structure` is sent, and nothing else until you grant it.
You can withdraw a class at any time; the portal then deletes what it holds of it, its history included. Areas, labels, devices, entities
and integrations can be excluded: for the portal they do not exist, and neither do references to them.

## Two things we do not promise

1. **A rich inventory can itself be recognised.** From identifiers, keys and hashes alone nobody can find your home or link what two
   companies see of it: each company gets other ones, derived from a secret that never leaves. But a list of many devices, makers and models
   is like a fingerprint. Somebody who knows your home well, or who has two such lists, may recognise it by its contents.
2. **A portal sees the internet address that your connection comes from.** That is how the internet works. The reference portal neither
   logs nor stores it; another portal could.

## What never leaves, whatever you grant

State values and history; people, zones, positions, calendars and to-do lists; phones with the companion app and their sensors; pictures;
unique ids, serial numbers, MAC and IP addresses, host names, URLs; users and their ids; access tokens and passwords.
Text that looks like a secret (a token, an address, an e-mail address, a phone number, coordinates) stays at home even with `names`.
This second net knows the known forms of secrets, not all: what leaves is what the preview shows.

## How contents are rewritten

A dashboard leaves only with the grant `dashboards`, and never one that is kept in YAML: its secrets come filled in. Its JSON text keeps its
order and its numbers; strings and keys in it are replaced. The id of an entity, a device, a room, a floor or a label becomes the id by which the
portal knows it. Types of cards, options, their fixed values and services of Home Assistant stay. Every other word, icons and addresses included,
becomes a token that means something only in that dashboard at your home. A template stays if it is made of the template language and of ids alone,
otherwise it becomes one token as a whole.

Automations, scripts and scenes leave with the grant `automations`, rewritten likewise, and only those that Home Assistant's editor keeps. Home
Assistant before 2026.2 fills secrets in there; then no text of theirs leaves, even with `names`.

With `names` as well, texts stay as they are, unless they have the form of a secret. In any case these become tokens: users, whatever stands under
keys such as `code`, `password`, `token`, `phone_number` or `latitude`, numbers of more than six digits or with more than three places after the
point, and every text that names something excluded. If you withdraw `names`, the portal
deletes contents too and gets them again without texts. A dashboard that cannot leave stays at home, and `vestibule status` says why.

## A support report

It belongs to no list of fields, because it is no record: a page of text that you read first, and that leaves only when you send it. It holds versions
(Vestibule, Home Assistant, kind of installation), for how long both connections have stood or the code of what is wrong with them, memory, which
classes are granted, how many exclusions and how many records of each kind there are, bytes of the last 24 hours, and the kinds of what waits to be
delivered. No names, no addresses, no ids. A portal keeps it for 90 days at most, and erases it when you take it back.

## How the words are chosen

Without `names`, every word comes from a list that ships with the program: Home Assistant's own domains, device classes, units, modes and
translation keys. Anything else is left out, counted (`\"+3\"`), or called `other` or `custom`. Two exceptions are maker and model of a device, as a
built-in integration words them, and only where nobody at home could have typed them.

What a device can do at the moment tells what it is doing. So features and capabilities are sent only where they do not change with the state:
nothing of the kind for media players and cameras, no features and no temperature range for thermostats, no features of groups.

The kind of a room is worked out at home from its name, its other names and its icon. Children's rooms are bedrooms. You can choose another
kind or hide it. Kinds: ";

/// What values a field can have, in words.
fn values(shape: Shape) -> String {
    match shape {
        Shape::True => "`true`, or absent".into(),
        Shape::False => "`false`, or absent".into(),
        Shape::Integer(least, most) => format!("a number from {least} to {most}"),
        Shape::OneOf(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Shape::Word => "a word of a closed list".into(),
        Shape::Unit => "a unit of a closed list".into(),
        Shape::Id(letter) => format!("an opaque id, `{letter}_…`"),
        Shape::Capabilities => "words of closed lists, counts, numbers, switches".into(),
        Shape::Text => "**your text**".into(),
        Shape::Texts => "**your texts**".into(),
        Shape::TextsByField => "**your texts**, by field".into(),
        Shape::Hash => "a hash".into(),
        Shape::Document => {
            "JSON text in which every word that is not in the program's lists is a token, or with `names` your text".into()
        }
        Shape::Vetted => "at most 40 characters, never text of your own".into(),
    }
}

fn document() -> String {
    let mut page = HEAD.to_owned();
    let kinds: Vec<String> = List::Room.words().map(|kind| format!("`{kind}`")).collect();
    let _ = writeln!(page, "{}.\n", kinds.join(", "));
    let _ = writeln!(page, "## The complete list\n");
    let _ = writeln!(
        page,
        "A portal may keep a record while it is current, and for {HISTORY_DAYS} days in the history of snapshots after it changed or was \
         removed; erasing and withdrawing delete it from both at once."
    );
    for class in Class::ALL {
        let _ = writeln!(page, "\n### Class `{class}`");
        for schema in SCHEMAS.iter().filter(|schema| schema.kind.classes().contains(&class)) {
            let id = [(RecordKind::Home, "home"), (RecordKind::Integration, "DOMAIN")]
                .into_iter()
                .find(|(kind, _)| *kind == schema.kind)
                .map_or("ID", |(_, id)| id);
            let key = match (schema.kind, class) {
                (RecordKind::Content, Class::Dashboards) => "content/b_…".to_owned(),
                (RecordKind::Content, _) => "content/m_…`, `content/s_…`, `content/c_…".to_owned(),
                (kind, _) => format!("{}/{id}", kind.name()),
            };
            let _ = writeln!(page, "\n#### `{key}`\n\nWhy: {}.\n", schema.purpose);
            if schema.fields.is_empty() {
                let _ = writeln!(page, "No fields.");
                continue;
            }
            let _ = writeln!(page, "| field | what it tells | what for | values |\n|---|---|---|---|");
            for field in schema.fields {
                let (name, meaning, purpose) = (field.name, field.meaning, field.purpose);
                let values = if meaning.starts_with("version of") {
                    "a version number".into()
                } else {
                    values(field.shape)
                };
                let _ = writeln!(page, "| `{name}` | {meaning} | {purpose} | {values} |");
            }
        }
    }
    page
}

/// S2: every field of every record stands on the owner's page, with its purpose.
#[test]
fn s2_the_privacy_page_is_the_list_of_fields() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/privacy.md");
    let page = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap();
    assert!(written == page, "docs/privacy.md is not up to date; run the tests once with UPDATE_DOCS=1");
    for schema in &SCHEMAS {
        for field in schema.fields {
            assert!(written.contains(&format!("| `{}` | {} |", field.name, field.meaning)));
        }
    }
}
