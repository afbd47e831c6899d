//! Walks a document and notes what it could do.

use std::collections::BTreeSet;

use super::AbilityKind;
use crate::inbound::json::Json;
use crate::inbound::{hosts, markup, template};
use crate::outbound::contents::DocumentKind;

/// Keys by which extensions of the frontend take style sheets and code.
const STYLE_KEYS: [&str; 5] = ["card_mod", "card-mod", "card_mod_style", "extra_styles", "uix"];
/// The key of markdown.
const MARKDOWN: &str = "content";
/// Keys of addresses that are opened when somebody touches them.
const ADDRESS_KEYS: [&str; 3] = ["navigation_path", "url", "url_path"];
/// Keys of an action that somebody triggers by touching a card; `action` under them is a kind of action, elsewhere a service.
const TOUCHED: &str = "_action";

/// Something that a document could do, with what makes two of them the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::inbound) struct Found {
    pub(in crate::inbound) kind: AbilityKind,
    pub(in crate::inbound) subject: String,
    /// The piece of the document that it stands in, word for word.
    exactly: String,
}

/// What a document could do, and what it is made of.
#[derive(Debug, Default)]
pub(in crate::inbound) struct Survey {
    pub(in crate::inbound) found: BTreeSet<Found>,
    /// Elements of custom cards and the like, without `custom:`.
    pub(in crate::inbound) elements: BTreeSet<String>,
    /// Services that are called by name.
    pub(in crate::inbound) services: BTreeSet<String>,
}

/// Looks at a whole document.
pub(in crate::inbound) fn survey(kind: DocumentKind, document: &Json) -> Survey {
    let mut walk = Walk { dashboard: kind == DocumentKind::Dashboard, survey: Survey::default() };
    walk.value("", document);
    walk.survey
}

struct Walk {
    dashboard: bool,
    survey: Survey,
}

impl Walk {
    fn note(&mut self, kind: AbilityKind, subject: impl Into<String>, exactly: &str) {
        let found = Found { kind, subject: subject.into(), exactly: exactly.to_owned() };
        self.survey.found.insert(found);
    }

    fn value(&mut self, key: &str, value: &Json) {
        match value {
            Json::Text(text) => self.string(key, text),
            Json::List(list) => list.iter().for_each(|value| self.value(key, value)),
            Json::Object(entries) => {
                let above = key;
                self.object(key, value);
                for (key, value) in entries {
                    self.string("", key);
                    if STYLE_KEYS.contains(&&**key) && self.dashboard {
                        self.note(AbilityKind::RunsCode, key, &value.lines().concat());
                    }
                    // Below a style everything is one.
                    self.value(if is_style(above) { above } else { key }, value);
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    /// Any string, keys included.
    fn string(&mut self, key: &str, text: &str) {
        let exactly = format!("{key}\0{text}");
        for host in hosts::named(text) {
            self.note(AbilityKind::CallsHost, host, &exactly);
        }
        // Names are shown in charts and elsewhere, those of routines too; what markdown shows goes through a filter first.
        let is_name = if self.dashboard { key != MARKDOWN } else { key == "alias" };
        let html = if is_name { markup::begins(text) } else { markup::runs(text) };
        if html {
            self.note(AbilityKind::RunsCode, "HTML", &exactly);
        }
        if !self.dashboard {
            return;
        }
        if let Some(scheme) = hosts::runs_code(text) {
            self.note(AbilityKind::RunsCode, scheme, &exactly);
        }
        if let Some(scheme) = hosts::other_scheme(text).filter(|_| ADDRESS_KEYS.contains(&key)) {
            self.note(AbilityKind::ActsInBrowser, scheme, &exactly);
        }
        if hosts::calls_webhook(text) {
            self.note(AbilityKind::ActsInBrowser, "webhook", &exactly);
        }
        if text.contains("[[[") {
            self.note(AbilityKind::RunsCode, "[[[", &exactly);
        } else if template::is_template(text) && !template::is_safe(text) {
            self.note(AbilityKind::RunsCode, "template", &exactly);
        }
        // In a style, an escape can spell anything.
        if is_style(key) && text.contains('\\') {
            self.note(AbilityKind::RunsCode, "style", &exactly);
        }
        if let Some(element) = text.strip_prefix("custom:") {
            self.survey.elements.insert(element.to_owned());
        }
    }

    fn object(&mut self, key: &str, object: &Json) {
        if self.dashboard {
            self.card(object);
            self.touch(key, object);
        } else {
            self.routine(object);
        }
        for name in ["service", "perform_action"] {
            if let Some(service) = object.text_of(name) {
                self.service(service, object);
            }
        }
    }

    fn card(&mut self, object: &Json) {
        let Some(kind) = object.text_of("type") else { return };
        let exactly = || object.lines().concat();
        if kind.starts_with("custom:") {
            self.note(AbilityKind::UsesCard, kind, &exactly());
        }
        if matches!(kind, "iframe" | "webpage") {
            let url = object.text_of("url").unwrap_or_default();
            // A `data:` address is a page that nobody has seen.
            let unnamed = if hosts::other_scheme(url).is_some() { hosts::ANY } else { hosts::HERE };
            let host = hosts::named(url).into_iter().next().unwrap_or_else(|| unnamed.to_owned());
            self.note(AbilityKind::ShowsPage, host, &exactly());
        }
    }

    /// What happens when somebody touches a card.
    fn touch(&mut self, key: &str, object: &Json) {
        let Some(action) = object.text_of("action") else { return };
        let path = object.text_of("navigation_path").or_else(|| object.text_of("url_path"));
        match action {
            "none" | "more-info" | "toggle" => {}
            // The service stands beside it.
            "call-service" | "perform-action" => {}
            "navigate" | "url" => self.note(AbilityKind::Navigates, path.unwrap_or_default(), action),
            service
                if !key.ends_with(TOUCHED) && (service.contains('.') || template::is_template(service)) =>
            {
                self.service(service, object);
            }
            other => self.note(AbilityKind::ActsInBrowser, other, &object.lines().concat()),
        }
    }

    /// An object of an automation or a script.
    fn routine(&mut self, object: &Json) {
        let exactly = || object.lines().concat();
        if let Some(action) = object.text_of("action") {
            self.service(action, object);
        }
        if object.text_of("scene").is_some() {
            self.service("scene.turn_on", object);
        }
        let is_trigger = object.get("trigger").is_some() || object.get("platform").is_some();
        let is_condition = object.get("condition").is_some();
        if let (Some(_), Some(domain), Some(kind)) =
            (object.get("device_id"), object.text_of("domain"), object.text_of("type"))
            && !is_trigger
            && !is_condition
        {
            self.service(&format!("{domain}.{kind}"), object);
        }
        if let Some(event) = object.text_of("event")
            && !is_trigger
        {
            self.note(AbilityKind::FiresEvent, event, &exactly());
        }
        if [object.text_of("trigger"), object.text_of("platform")].contains(&Some("webhook")) {
            self.note(AbilityKind::ListensToNet, "webhook", &exactly());
        }
        if let Some(blueprint) = object.get("use_blueprint") {
            let path = blueprint.text_of("path").unwrap_or_default();
            self.note(AbilityKind::UsesBlueprint, path, &exactly());
        }
    }

    fn service(&mut self, service: &str, object: &Json) {
        let exactly = object.lines().concat();
        if template::is_template(service) {
            self.note(AbilityKind::CallsAnyService, service, &exactly);
        } else {
            self.note(AbilityKind::CallsService, service, &exactly);
            self.survey.services.insert(service.to_owned());
            // `script.turn_on` runs those that it is aimed at.
            if service.starts_with("script.") {
                object.each(&mut |_, value| {
                    if let Some(script) = value.text().filter(|text| text.starts_with("script.")) {
                        self.survey.services.insert(script.to_owned());
                    }
                });
            }
        }
    }
}

fn is_style(key: &str) -> bool {
    key.contains("style")
}
