//! `--portal`, `--token`, `--ca-file`: what every command takes that talks to a portal.

use std::path::PathBuf;

use clap::Args;
use vestibule_protocol::problem::Problem;

use crate::client::Client;
use crate::problem::authoring as problem;

/// A portal, and how to be let in.
#[derive(Debug, Args)]
pub(super) struct PortalArgs {
    /// Portal to talk to, such as https://portal.example
    #[arg(long, value_name = "URL")]
    portal: Option<String>,
    /// Your token at the portal
    #[arg(long, value_name = "TOKEN", env = "VESTIBULE_PORTAL_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Authority that the portal's certificate comes from, PEM; instead of the public ones
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

impl PortalArgs {
    /// Whether one is named.
    pub(super) const fn is_named(&self) -> bool {
        self.portal.is_some()
    }

    /// The portal, if one is named.
    pub(super) fn named(&self) -> Result<Option<Client>, Problem> {
        match (&self.portal, &self.token) {
            (None, _) => Ok(None),
            (Some(_), None) => Err(problem::portal_needed()),
            (Some(portal), Some(token)) => Client::new(portal, token, self.ca_file.as_deref()).map(Some),
        }
    }

    /// The portal, for commands that are about one.
    pub(super) fn needed(&self) -> Result<Client, Problem> {
        self.named()?.ok_or_else(problem::portal_needed)
    }
}
