//! What a deployment could do beyond showing: each with a stable code, so that the owner can be told in any language (R37, R38).

use crate::outbound::reading::Text;

/// Something that a deployment could do beyond showing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ability {
    /// The item that has it, from 0.
    pub item: u32,
    /// What it is.
    pub kind: AbilityKind,
    /// What it is about: a service, a host, a script, a card type. It may be a word of the home's.
    pub subject: Text,
    /// The document that the item replaces could do it before.
    pub kept: bool,
}

/// What a deployment could do beyond showing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AbilityKind {
    /// Calls a service when somebody touches it (dashboards) or when it runs (automations, scripts). Subject: the service.
    CallsService,
    /// Calls a service that only a template knows. Subject: where.
    CallsAnyService,
    /// Runs when something happens at home. Subject: the automation's name.
    RunsByItself,
    /// Is called by something. Subject: the caller's name.
    CalledBy,
    /// Runs a blueprint, whose actions are elsewhere. Subject: its path.
    UsesBlueprint,
    /// Makes a browser call another computer. Subject: the host.
    CallsHost,
    /// Shows another page inside the dashboard. Subject: its address.
    ShowsPage,
    /// Runs code in the browser: a template that is not a safe one, JavaScript in `[[[`, `card_mod`. Subject: which of these.
    RunsCode,
    /// Uses a custom card, which runs code in the browser. Subject: its type.
    UsesCard,
    /// Installs a custom card, which can do everything that the person who looks at it can do. Subject: the element.
    InstallsCard,
    /// Removes a custom card. Subject: the element.
    RemovesCard,
    /// What the scan of a card's code has found; a hint. Subject: what.
    CardReaches,
    /// Goes to another page of Home Assistant. Subject: the path.
    Navigates,
    /// Speaks to a voice assistant, or fires an event of the browser. Subject: the action.
    ActsInBrowser,
    /// A script of this name is stored, which runs when it is called. Subject: the script.
    StoresScript,
    /// Something that is deleted. Subject: its name.
    Deletes,
}
