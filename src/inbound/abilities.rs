//! What a deployment could do beyond showing: each with a stable code, so that the owner can be told in any language (R37, R38).
//!
//! A document is looked at as it would be written, with every token resolved: what matters is what a browser gets to see.

mod survey;
mod words;

pub(super) use survey::{Survey, survey};

use super::json::Json;
use crate::outbound::contents::DocumentKind;
use crate::outbound::reading::Text;
use crate::private::Private;

/// Something that a deployment could do beyond showing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ability {
    /// The item that has it, from 0.
    pub item: u32,
    /// What it is.
    pub kind: AbilityKind,
    /// What it is about: a service, a host, a script, a card type. It may be a word of the home's.
    pub subject: Text,
    /// The document that the item replaces could do the very same before.
    pub kept: bool,
}

/// What a deployment could do beyond showing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AbilityKind {
    /// Calls a service when somebody touches it (dashboards) or when it runs (automations, scripts). Subject: the service.
    CallsService,
    /// Calls a service whose name is only known when a template has run. Subject: the template.
    CallsAnyService,
    /// Fires an event at home. Subject: the event.
    FiresEvent,
    /// Runs when something happens at home. Subject: its name.
    RunsByItself,
    /// Can be started from the net. Subject: `webhook`.
    ListensToNet,
    /// Is called by something that is there, or comes with it. Subject: the caller's name.
    CalledBy,
    /// Runs a blueprint, whose actions stand elsewhere. Subject: its path.
    UsesBlueprint,
    /// Home Assistant writes a file anew: comments and formatting are lost, ids are added (R40). Subject: the file.
    RewritesFile,
    /// Makes a browser call another computer. Subject: the host.
    CallsHost,
    /// Shows another page inside the dashboard. Subject: its host.
    ShowsPage,
    /// Runs code in the browser, which can read and send anything that the person can. Subject: `template`, `[[[`, `card_mod` and the like.
    RunsCode,
    /// Uses a custom card, which runs code in the browser as well. Subject: its type.
    UsesCard,
    /// Installs a custom card, which can do everything that the person who looks at it can do. Subject: the element.
    InstallsCard,
    /// What the scan of a card's code has found; a hint. Subject: what.
    CardReaches,
    /// Goes to another page of Home Assistant. Subject: the path.
    Navigates,
    /// Speaks to a voice assistant, or fires an event of the browser. Subject: the action.
    ActsInBrowser,
    /// Deletes something. Subject: its name.
    Deletes,
}

impl AbilityKind {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::CallsService,
        Self::CallsAnyService,
        Self::FiresEvent,
        Self::RunsByItself,
        Self::ListensToNet,
        Self::CalledBy,
        Self::UsesBlueprint,
        Self::RewritesFile,
        Self::CallsHost,
        Self::ShowsPage,
        Self::RunsCode,
        Self::UsesCard,
        Self::InstallsCard,
        Self::CardReaches,
        Self::Navigates,
        Self::ActsInBrowser,
        Self::Deletes,
    ];

    /// Stable name, for programs and translations.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::CallsService => "calls_service",
            Self::CallsAnyService => "calls_any_service",
            Self::FiresEvent => "fires_event",
            Self::RunsByItself => "runs_by_itself",
            Self::ListensToNet => "listens_to_net",
            Self::CalledBy => "called_by",
            Self::UsesBlueprint => "uses_blueprint",
            Self::RewritesFile => "rewrites_file",
            Self::CallsHost => "calls_host",
            Self::ShowsPage => "shows_page",
            Self::RunsCode => "runs_code",
            Self::UsesCard => "uses_card",
            Self::InstallsCard => "installs_card",
            Self::CardReaches => "card_reaches",
            Self::Navigates => "navigates",
            Self::ActsInBrowser => "acts_in_browser",
            Self::Deletes => "deletes",
        }
    }
}

impl Ability {
    pub(super) fn new(item: u32, kind: AbilityKind, subject: impl Into<Box<str>>, kept: bool) -> Self {
        Self { item, kind, subject: Private::new(subject.into()), kept }
    }

    /// Whether something may have it and still count as displaying only (R38). Of custom cards: where the same card, set up the same way,
    /// was in the dashboard before.
    #[must_use]
    pub const fn only_displays(&self) -> bool {
        match self.kind {
            AbilityKind::Navigates => true,
            AbilityKind::UsesCard => self.kept,
            AbilityKind::CallsService
            | AbilityKind::CallsAnyService
            | AbilityKind::FiresEvent
            | AbilityKind::RunsByItself
            | AbilityKind::ListensToNet
            | AbilityKind::CalledBy
            | AbilityKind::UsesBlueprint
            | AbilityKind::RewritesFile
            | AbilityKind::CallsHost
            | AbilityKind::ShowsPage
            | AbilityKind::RunsCode
            | AbilityKind::InstallsCard
            | AbilityKind::CardReaches
            | AbilityKind::ActsInBrowser
            | AbilityKind::Deletes => false,
        }
    }
}

/// What a document can do, and which of it could the one before do.
pub(super) fn of_document(
    item: u32,
    kind: DocumentKind,
    before: Option<&Json>,
    after: &Json,
) -> (Vec<Ability>, Survey) {
    let old = before.map(|before| survey(kind, before)).unwrap_or_default();
    let new = survey(kind, after);
    // Kept is only what is word for word the same; several pieces may come down to one subject.
    let mut abilities: std::collections::BTreeMap<(AbilityKind, &str), bool> =
        std::collections::BTreeMap::new();
    for found in &new.found {
        let kept = old.found.contains(found);
        abilities.entry((found.kind, &found.subject)).and_modify(|all| *all &= kept).or_insert(kept);
    }
    let abilities = abilities
        .into_iter()
        .map(|((kind, subject), kept)| Ability::new(item, kind, subject, kept))
        .collect();
    (abilities, new)
}

#[cfg(test)]
mod tests;
