//! The desk: where the home is written to. Everything else in this room reads.
//!
//! A desk has a connection of its own, opened for the work and closed after it. [`HomeDesk`] says what can be done at one. What must never
//! happen cannot be sent from here: a write to the default dashboard or to one in YAML, a write to resources that nobody has listed
//! (which loses the others in some versions), a message that Home Assistant would cut the connection for.

mod at_work;
mod error;
mod home_desk;
mod record;
mod routine;

use serde_json::value::RawValue;

use super::address::Endpoint;
use super::commands::{Command, DeskCommand, Sentence, Service, ServiceData, Target};
use super::intern::Interner;
use super::rest::Rest;
use super::session::{Refusal, Session};
use super::socket::{MAX_SEND, Socket};
use super::wire::{Garbled, lists};
use crate::net::Dial;
use crate::outbound::reading::HomeTrouble;

pub use error::DeskError;
pub use home_desk::HomeDesk;
pub use record::{
    Assistant, DashboardChange, DeskDashboard, DeskResource, EntitySettings, NewDashboard, ResourceMode,
    RoutineEntity, RoutineState, Saved, is_new_path,
};
pub use routine::{Routine, RoutineKind};

/// The path of the default dashboard, which is never written: everybody's first view would change, and in some versions its kind.
const DEFAULT_DASHBOARD: &str = "lovelace";
/// The rest of a message around the one text that may be long, bytes, generously.
const ENVELOPE: usize = 4_096;

/// A desk at a real home.
pub struct Desk<'a> {
    session: Session,
    rest: Rest<'a>,
    version: String,
    /// As they were last listed on this connection.
    dashboards: Vec<DeskDashboard>,
    resources_listed: bool,
    watching: bool,
}

impl<'a> Desk<'a> {
    /// Connects, and begins to count saves of dashboards.
    ///
    /// # Errors
    /// What keeps the home from being written to, a home that is starting or in recovery or safe mode included: its lists are falsely empty then.
    pub async fn open(dial: &'a dyn Dial, endpoint: &Endpoint) -> Result<Self, HomeTrouble> {
        let (socket, _) = Socket::open(dial, endpoint).await?;
        let mut session = Session::new(socket);
        // The Supervisor's greeting tells the installed version; this is the running one.
        let mut interner = Interner::default();
        let config = session.ask(&Command::GetConfig, |raw| lists::config(raw, &mut interner)).await?;
        let version = config.map_err(|_| HomeTrouble::Protocol)??.version;
        let rest = Rest::new(dial, endpoint);
        let (dashboards, resources_listed, watching) = (Vec::new(), false, false);
        let mut desk = Self { session, rest, version, dashboards, resources_listed, watching };
        let prepared = async {
            desk.watch_dashboards().await?;
            desk.dashboards().await.map(drop)
        };
        match prepared.await {
            Ok(()) => Ok(desk),
            Err(DeskError::Trouble(trouble)) => Err(trouble),
            Err(_) => Err(HomeTrouble::Protocol),
        }
    }

    /// The path within Home Assistant of an app's page.
    #[must_use]
    pub fn page_of(&self, slug: &str) -> String {
        if self.is_at_least((2026, 2)) { format!("/app/{slug}") } else { format!("/hassio/ingress/{slug}") }
    }

    /// Whether the version is at least this one, as year and month.
    fn is_at_least(&self, version: (u32, u32)) -> bool {
        let mut parts = self.version.split('.').map(|part| part.parse::<u32>().ok());
        matches!((parts.next().flatten(), parts.next().flatten()), (Some(year), Some(month)) if (year, month) >= version)
    }

    async fn ask<T>(
        &mut self,
        command: &impl Sentence,
        read: impl FnMut(&RawValue) -> Result<T, Garbled>,
    ) -> Result<T, DeskError> {
        self.session.ask(command, read).await?.map_err(refused)
    }

    /// Calls a service and waits until it has done its work.
    async fn call(
        &mut self,
        domain: &str,
        service: Service,
        service_data: Option<ServiceData<'_>>,
        entity_id: Option<&str>,
    ) -> Result<(), DeskError> {
        let target = entity_id.map(|entity_id| Target { entity_id });
        let service = service.wire_name();
        self.ask(&DeskCommand::CallService { domain, service, service_data, target }, |_| Ok(())).await
    }

    /// A listed dashboard that may be written, by its path.
    fn writable(&self, url_path: &str) -> Result<(), DeskError> {
        if url_path == DEFAULT_DASHBOARD {
            return Err(DeskError::Forbidden);
        }
        match self.dashboards.iter().find(|dashboard| dashboard.url_path == url_path) {
            None => Err(DeskError::NotFound),
            Some(dashboard) if dashboard.yaml => Err(DeskError::NotSupported),
            Some(_) => Ok(()),
        }
    }

    /// The same, by the id of its record.
    fn writable_record(&self, id: &str) -> Result<(), DeskError> {
        let listed = self.dashboards.iter().find(|dashboard| dashboard.id.as_deref() == Some(id));
        self.writable(&listed.ok_or(DeskError::NotFound)?.url_path)
    }

    const fn resources_are_safe(&self) -> Result<(), DeskError> {
        if self.resources_listed { Ok(()) } else { Err(DeskError::Unlisted) }
    }
}

/// Home Assistant and the Supervisor cut the connection for more.
const fn fits(text: &str) -> Result<(), DeskError> {
    if text.len() + ENVELOPE > MAX_SEND { Err(DeskError::TooLarge) } else { Ok(()) }
}

const fn refused(refusal: Refusal) -> DeskError {
    match refusal {
        Refusal::Unknown => DeskError::UnknownCommand,
        Refusal::Unauthorized => DeskError::Unauthorized,
        Refusal::NotFound => DeskError::NotFound,
        Refusal::NotSupported => DeskError::NotSupported,
        Refusal::Other => DeskError::Refused,
    }
}
