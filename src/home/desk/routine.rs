//! Automations, scripts and scenes as Home Assistant's editor keeps them: kinds, ids and what a read finds.

use crate::outbound::reading::Text;

/// Longest id, bytes. Home Assistant's own are 13 digits.
const MAX_ID: usize = 256;

/// The documents that are read and written one by one, by id, over REST.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RoutineKind {
    /// An automation of `automations.yaml`.
    Automation,
    /// A script of `scripts.yaml`.
    Script,
    /// A scene of `scenes.yaml`.
    Scene,
}

/// What is kept under an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Routine {
    /// The document, as Home Assistant's JSON text.
    Present(Text),
    /// Nothing that the editor could reach; in packages or split files there may still be one.
    Absent,
    /// Home Assistant cannot read the file: leave it alone (R40).
    Unmanaged,
}

impl RoutineKind {
    /// Home Assistant's name for the kind, which is also the domain of its entities and services.
    #[must_use]
    pub const fn domain(self) -> &'static str {
        match self {
            Self::Automation => "automation",
            Self::Script => "script",
            Self::Scene => "scene",
        }
    }

    /// Whether an id may stand in an address.
    ///
    /// A script's id is its object id. Automations and scenes may have any id, but Home Assistant and the Supervisor refuse
    /// addresses that look like an attack, and the Supervisor's proxy takes an id apart that holds `/`, `?`, `#` or `%`.
    #[must_use]
    pub fn accepts(self, id: &str, through_supervisor: bool) -> bool {
        if id.is_empty() || id.len() > MAX_ID {
            return false;
        }
        match self {
            Self::Script => id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
            Self::Automation | Self::Scene => {
                let taken_apart: &[char] =
                    if through_supervisor { &['/', '\\', '?', '#', '%'] } else { &['/', '\\'] };
                !id.contains(taken_apart)
                    && !id.chars().any(char::is_control)
                    && id != "."
                    && id != ".."
                    && !looks_like_an_attack(id)
            }
        }
    }
}

/// At least what `components/http/security_filter.py` refuses in a text without a slash, and a little more.
fn looks_like_an_attack(id: &str) -> bool {
    let id = id.to_ascii_lowercase();
    let both = |first: &str, second: &str| id.contains(first) && id.contains(second);
    both("script", "<") || both("script", "%3c") || both("union", "select") || both("concat", "(")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_cannot_be_sent_are_told_apart() {
        use RoutineKind::{Automation, Scene, Script};
        for (kind, id, direct, proxied) in [
            (Automation, "1695034800000", true, true),
            (Automation, "Licht an, wenn's dunkel wird ü", true, true),
            (Scene, "v.1", true, true),
            (Automation, "really?", true, false),
            (Automation, "50%", true, false),
            (Automation, "a/b", false, false),
            (Automation, "..", false, false),
            (Automation, "a\nb", false, false),
            (Automation, "", false, false),
            (Automation, "UNION all SELECT", false, false),
            (Automation, "concat(a)", false, false),
            (Automation, "<Script>", false, false),
            (Script, "good_night_2", true, true),
            (Script, "Good", false, false),
            (Script, "a b", false, false),
        ] {
            assert_eq!((kind.accepts(id, false), kind.accepts(id, true)), (direct, proxied), "{id}");
        }
        assert!(!Automation.accepts(&"a".repeat(257), false));
    }
}
