//! The keys of an app's manifest, as supervisor/apps/validate.py knows them, and those of them that Vestibule has.

use yaml_rust2::Yaml;

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text,
    /// Matches `[-_.A-Za-z0-9]+`.
    Slug,
    YesNo,
    /// From the first to the last number.
    Number(i64, i64),
    Texts,
    /// Text, of these.
    OneOf(&'static [&'static str]),
    /// A list of some of these.
    SomeOf(&'static [&'static str]),
    /// A table whose values are text.
    Table,
    /// `tcp://[HOST]:[PORT:n]`, `http://[HOST]:[PORT:n]/path` and the like.
    Watchdog,
    /// A URL.
    Url,
    /// Anything: nothing that Vestibule uses.
    Other,
}

impl Kind {
    pub(super) fn fits(self, value: &Yaml) -> bool {
        match self {
            Self::Text => value.as_str().is_some_and(|text| !text.is_empty()),
            Self::Slug => value.as_str().is_some_and(is_slug),
            Self::YesNo => value.as_bool().is_some(),
            Self::Number(first, last) => value.as_i64().is_some_and(|n| (first..=last).contains(&n)),
            Self::Texts => value.as_vec().is_some_and(|list| list.iter().all(|item| item.as_str().is_some())),
            Self::OneOf(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::SomeOf(words) => value.as_vec().is_some_and(|list| {
                list.iter().all(|item| item.as_str().is_some_and(|word| words.contains(&word)))
            }),
            Self::Table => value.as_hash().is_some_and(|table| table.values().all(|v| v.as_str().is_some())),
            Self::Watchdog => value.as_str().is_some_and(|text| {
                let rest =
                    ["http://", "https://", "tcp://"].iter().find_map(|begin| text.strip_prefix(begin));
                rest.is_some_and(|rest| rest.starts_with("[HOST]:["))
            }),
            Self::Url => value.as_str().is_some_and(|text| text.starts_with("https://")),
            Self::Other => true,
        }
    }
}

fn is_slug(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// All keys. Deprecated and ignored ones are left out, so that they fail as unknown ones do.
pub(super) const KEYS: &[(&str, Kind)] = &[
    ("apparmor", Kind::YesNo),
    ("arch", Kind::SomeOf(&["aarch64", "amd64"])),
    ("audio", Kind::YesNo),
    ("auth_api", Kind::YesNo),
    ("backup", Kind::OneOf(&["hot", "cold"])),
    ("backup_exclude", Kind::Texts),
    ("backup_post", Kind::Text),
    ("backup_pre", Kind::Text),
    ("boot", Kind::OneOf(&["auto", "manual", "manual_only"])),
    ("breaking_versions", Kind::Texts),
    ("description", Kind::Text),
    ("devices", Kind::Texts),
    ("devicetree", Kind::YesNo),
    ("discovery", Kind::Texts),
    ("docker_api", Kind::YesNo),
    ("environment", Kind::Table),
    ("full_access", Kind::YesNo),
    ("gpio", Kind::YesNo),
    ("hassio_api", Kind::YesNo),
    ("hassio_role", Kind::OneOf(&["default", "homeassistant", "backup", "manager", "admin"])),
    ("homeassistant", Kind::Text),
    ("homeassistant_api", Kind::YesNo),
    ("host_dbus", Kind::YesNo),
    ("host_ipc", Kind::YesNo),
    ("host_network", Kind::YesNo),
    ("host_pid", Kind::YesNo),
    ("host_uts", Kind::YesNo),
    ("image", Kind::Text),
    ("ingress", Kind::YesNo),
    ("ingress_entry", Kind::Text),
    ("ingress_port", Kind::Number(1, 65_535)),
    ("ingress_stream", Kind::YesNo),
    ("init", Kind::YesNo),
    ("journald", Kind::YesNo),
    ("kernel_modules", Kind::YesNo),
    ("legacy", Kind::YesNo),
    ("machine", Kind::Texts),
    ("map", Kind::Other),
    ("name", Kind::Text),
    ("options", Kind::Table),
    ("panel_admin", Kind::YesNo),
    ("panel_icon", Kind::Text),
    ("panel_title", Kind::Text),
    ("ports", Kind::Other),
    ("ports_description", Kind::Table),
    ("privileged", Kind::Texts),
    ("realtime", Kind::YesNo),
    ("schema", Kind::Table),
    ("services", Kind::Texts),
    ("slug", Kind::Slug),
    ("stage", Kind::OneOf(&["stable", "experimental", "deprecated"])),
    ("startup", Kind::OneOf(&["initialize", "system", "services", "application", "once"])),
    ("stdin", Kind::YesNo),
    ("timeout", Kind::Number(10, 300)),
    ("tmpfs", Kind::YesNo),
    ("uart", Kind::YesNo),
    ("udev", Kind::YesNo),
    ("ulimits", Kind::Other),
    ("url", Kind::Url),
    ("usb", Kind::YesNo),
    ("version", Kind::Text),
    ("video", Kind::YesNo),
    ("watchdog", Kind::Watchdog),
    ("webui", Kind::Text),
];

/// The keys that Vestibule has, or may have: `image` is set by the release, `url` once the repository has one.
pub(super) const OURS: &[&str] = &[
    "arch",
    "backup",
    "backup_exclude",
    "boot",
    "description",
    "hassio_role",
    "homeassistant",
    "homeassistant_api",
    "image",
    "ingress",
    "ingress_port",
    "init",
    "name",
    "options",
    "panel_admin",
    "panel_icon",
    "panel_title",
    "schema",
    "slug",
    "stage",
    "startup",
    "timeout",
    "url",
    "version",
    "watchdog",
];
