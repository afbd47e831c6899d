//! What a deployment can do beyond showing something, as far as its bytes tell (R37, R38). A help for whoever signs, not a guarantee: what
//! home lets happen is decided there.

use std::collections::BTreeSet;

use serde::Serialize;
use vestibule_protocol::deployment::{Deployment, Item};

use super::document::Document;

/// What a deployment can do.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Abilities {
    /// Services that it calls, when somebody touches it or by itself.
    pub services: BTreeSet<String>,
    /// Hosts that it names.
    pub hosts: BTreeSet<String>,
    /// Custom cards that it uses.
    pub custom_cards: BTreeSet<String>,
    /// Templates that Home Assistant evaluates.
    pub templates: usize,
    /// Strings that a custom card evaluates as JavaScript.
    pub scripts: usize,
    /// Places that show a page of somebody else.
    pub frames: usize,
    /// Style sheets of its own, which can load pictures from anywhere.
    pub styles: usize,
    /// Automations and scripts that come or change; they run by themselves.
    pub routines: usize,
    /// Things that go.
    pub deletions: usize,
    /// What new card modules reach for: hints, since code can hide what it does.
    pub modules: BTreeSet<&'static str>,
}

/// What to look for in a module, and what it is called.
const REACHES: [(&str, &str); 13] = [
    ("fetch(", "fetch"),
    ("XMLHttpRequest", "XMLHttpRequest"),
    ("WebSocket", "WebSocket"),
    ("EventSource", "EventSource"),
    ("sendBeacon", "sendBeacon"),
    ("eval(", "eval"),
    ("Function(", "Function"),
    ("import(", "dynamic import"),
    ("localStorage", "localStorage"),
    ("sessionStorage", "sessionStorage"),
    ("indexedDB", "indexedDB"),
    ("document.cookie", "cookies"),
    ("callService", "callService"),
];

/// Keys whose string names a service.
const SERVICE_KEYS: [&str; 3] = ["service", "action", "perform_action"];

impl Abilities {
    /// Looks through all items.
    #[must_use]
    pub fn of(deployment: &Deployment) -> Self {
        let mut abilities = Self::default();
        for item in &deployment.items {
            abilities.deletions += usize::from(item.deletes());
            match item {
                Item::DashboardPut(put) => abilities.document(&put.content),
                Item::AutomationPut(put) | Item::ScriptPut(put) => {
                    abilities.routines += 1;
                    abilities.document(&put.content);
                }
                Item::CardPut(put) => abilities.module(&put.module),
                Item::DashboardDelete(_)
                | Item::CardDelete(_)
                | Item::AutomationDelete(_)
                | Item::ScriptDelete(_) => {}
            }
        }
        abilities
    }

    fn document(&mut self, text: &str) {
        let Ok(document) = Document::read(text) else {
            // Home refuses it; whoever signs still sees the hosts.
            self.hosts.extend(hosts(text));
            return;
        };
        document.texts(&mut |key, text| {
            self.hosts.extend(hosts(text));
            self.templates += usize::from(["{{", "{%", "{#"].iter().any(|open| text.contains(open)));
            self.scripts += usize::from(text.contains("[[["));
            self.styles += usize::from(text.contains("url(") || key.is_none() && text == "card_mod");
            let named = text.split_once('.').is_some_and(|(domain, name)| is_word(domain) && is_word(name));
            if key.is_some_and(|key| SERVICE_KEYS.contains(&key)) && named {
                self.services.insert(text.to_owned());
            }
            if key == Some("type") {
                match text.strip_prefix("custom:") {
                    Some(element) => {
                        self.custom_cards.insert(element.to_owned());
                    }
                    None => self.frames += usize::from(text == "iframe"),
                }
            }
        });
    }

    fn module(&mut self, text: &str) {
        self.hosts.extend(hosts(text));
        self.modules
            .extend(REACHES.into_iter().filter(|(word, _)| text.contains(word)).map(|(_, name)| name));
    }

    /// One line for each thing that it can do.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut list = |what: &str, names: Vec<&str>| {
            if !names.is_empty() {
                let names: Vec<String> = names.into_iter().map(super::shown::plain).collect();
                lines.push(format!("{what}: {}", names.join(", ")));
            }
        };
        list("calls services", self.services.iter().map(String::as_str).collect());
        list("names hosts", self.hosts.iter().map(String::as_str).collect());
        list("uses custom cards", self.custom_cards.iter().map(String::as_str).collect());
        list("brings code that reaches for", self.modules.iter().copied().collect());
        let counts = [
            (self.routines, "automations or scripts that run by themselves"),
            (self.templates, "templates, evaluated at home"),
            (self.scripts, "texts that are run as JavaScript"),
            (self.frames, "pages of others, shown in a frame"),
            (self.styles, "style sheets of its own"),
            (self.deletions, "things that are deleted"),
        ];
        lines.extend(
            counts
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| format!("{what}: {count}")),
        );
        lines
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Whatever follows `//` and could be a host, lower case: with or without a scheme, since browsers add the page's.
fn hosts(text: &str) -> impl Iterator<Item = String> {
    text.match_indices("//").filter_map(|(at, _)| {
        let rest = &text[at + 2..];
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '@' | '_')));
        let host = rest[..end.unwrap_or(rest.len())].trim_end_matches([':', '.']);
        let credentials = host.rfind('@').map_or(0, |at| at + 1);
        let host = host[credentials..].to_lowercase();
        // A comment in a module is no host.
        let named = host.contains(['.', '[']) || host.starts_with("localhost");
        (named && !host.starts_with('.')).then_some(host)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::author::earlier::tests::{deployment, new_dashboard};
    use vestibule_protocol::bytes::Fixed;
    use vestibule_protocol::deployment::{Base, CardPut, RoutinePut};

    #[test]
    fn r37_what_it_can_do_is_named() {
        let board = r#"{"views":[{"cards":[
            {"type":"custom:acme-clock","card_mod":{"style":"background: url(//cdn.example/x.png)"}},
            {"type":"iframe","url":"https://User:pw@Page.example:8443/path"},
            {"type":"markdown","content":"{{ states('@e_aaaaaaaaaaaaa') }} [[[ return 1 ]]]"},
            {"type":"button","tap_action":{"action":"perform-action","perform_action":"light.turn_on"}}]}]}"#;
        let module = "// a comment\nfetch('https://api.example'); eval('1'); import('x')";
        let card = CardPut {
            element: "acme-clock".into(),
            module: module.into(),
            hash: Fixed([0; 32]),
            base: Base::None,
        };
        let routine = RoutinePut {
            existing: None,
            id: Some("good_night".into()),
            base: Base::None,
            content: r#"{"actions":[{"action":"lock.unlock"}]}"#.into(),
        };
        let items = vec![new_dashboard("a-b", board), Item::CardPut(card), Item::AutomationPut(routine)];
        let abilities = Abilities::of(&deployment(items));
        insta::assert_snapshot!(abilities.lines().join("\n"));
    }

    #[test]
    fn a_plain_dashboard_can_do_nothing() {
        let board = r#"{"views":[{"cards":[{"type":"entities","entities":["@e_aaaaaaaaaaaaa"]}]}]}"#;
        let abilities = Abilities::of(&deployment(vec![new_dashboard("a-b", board)]));
        assert_eq!(abilities, Abilities::default());
        assert!(abilities.lines().is_empty());
    }
}
