//! The arguments. Help texts are snapshot tests, so a changed word is a decision.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::{Change, Class, Policy};
use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::id::OpaqueId;

/// Shows what leaves your Home Assistant, lets nothing else out, and keeps a portal in step.
#[derive(Debug, Parser)]
#[command(name = "vestibule", version, disable_help_subcommand = true)]
pub struct Arguments {
    /// What is common to all commands.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Accepted before and after the command.
#[derive(Debug, Args)]
pub struct Common {
    /// Folder of everything that Vestibule keeps [default: /data in the app, otherwise ~/.local/share/vestibule]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// File with settings (TOML or JSON); VESTIBULE_… variables win over it
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON and nothing else on stdout
    #[arg(long, global = true)]
    pub json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon: read the home, and keep the portal in step once paired
    Run,
    /// Print what the portal should hold, read afresh from the home; sends nothing
    Preview,
    /// Pair with a company's portal; shows everything first, and asks
    Pair {
        /// Address of the portal, such as https://portal.example
        #[arg(long, value_name = "URL")]
        portal: String,
        /// Invite code from the company
        #[arg(long, value_name = "CODE")]
        invite: String,
        /// Do not ask; accept the preview and grant the class structure
        #[arg(long)]
        yes: bool,
    },
    /// Show how things stand
    Status,
    /// Show and change what may leave
    Consent {
        /// What to do.
        #[command(subcommand)]
        command: ConsentCommand,
    },
    /// Show what the company wants to change, and say yes or no
    Deployments {
        /// What to do.
        #[command(subcommand)]
        command: DeploymentsCommand,
    },
    /// Show and answer questions of the company
    Questions {
        /// What to do.
        #[command(subcommand)]
        command: QuestionsCommand,
    },
    /// Ask the company for something, such as a dashboard for a room
    Requests {
        /// What to do.
        #[command(subcommand)]
        command: RequestsCommand,
    },
    /// Show who of the company's staff has read what
    Reads,
    /// Show every message that left or arrived
    Ledger {
        /// What to do.
        #[command(subcommand)]
        command: LedgerCommand,
    },
    /// Stop sending for the time being, or go on
    Restrict {
        /// Whether to stop.
        #[arg(default_value = "on")]
        state: OnOff,
    },
    /// Erase everything, here at once and at the portal as soon as it answers
    Forget {
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Stop waiting for the portal's receipt
        #[arg(long)]
        give_up: bool,
        /// Undo first what deployments have changed
        #[arg(long, conflicts_with = "keep")]
        undo: bool,
        /// Leave in place what deployments have changed
        #[arg(long)]
        keep: bool,
    },
    /// Change who this home is to a company
    Identity {
        /// What to do.
        #[command(subcommand)]
        command: IdentityCommand,
    },
    /// Write a copy of everything that Vestibule keeps, except keys
    Export {
        /// Write to this file instead of stdout
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Print a report for whoever helps you: versions, counts, problems and times; no names, no addresses
    Report {
        /// Send it to the company after you have read it and agreed
        #[arg(long, conflicts_with = "withdraw")]
        send: bool,
        /// Have the company's portal erase every report that was sent
        #[arg(long)]
        withdraw: bool,
        /// Agree beforehand
        #[arg(long, requires = "send")]
        yes: bool,
    },
    /// Print the fingerprint by which the portal knows this home
    Fingerprint,
    /// Succeed if a daemon answers, whatever the state of home and portal
    Health,
    /// Print a script that completes these commands in a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// `vestibule consent …`
#[derive(Debug, Subcommand)]
pub enum ConsentCommand {
    /// List what is granted and what is excluded
    List,
    /// Allow a class of data to leave
    Grant {
        /// structure or names
        class: Class,
    },
    /// Withdraw a class; the portal erases what it holds of it, history included
    Withdraw {
        /// structure or names
        class: Class,
    },
    /// Say what happens when the company wants to change something
    Set {
        /// deploy.dashboards, deploy.cards or deploy.automations
        change: Change,
        /// How
        policy: Allowed,
    },
    /// Let a thing not exist for the portal
    Exclude {
        /// An id as preview shows it (a_…, d_…, e_…, l_…), or integration/DOMAIN
        thing: String,
    },
    /// Let an excluded thing exist again
    Include {
        /// The id that was excluded
        thing: String,
    },
}

/// `vestibule deployments …`
#[derive(Debug, Subcommand)]
pub enum DeploymentsCommand {
    /// List deployments, newest first
    List,
    /// Show what a deployment would change and what it could do
    Show {
        /// The deployment
        id: DeploymentId,
    },
    /// Say yes to exactly what show has shown
    Approve {
        /// The deployment
        id: DeploymentId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Let browsers call this computer for this deployment; may be given more than once
        #[arg(long, value_name = "HOST")]
        allow_host: Vec<String>,
    },
    /// Say no
    Reject {
        /// The deployment
        id: DeploymentId,
    },
    /// Put back what was there before
    Undo {
        /// The deployment
        id: DeploymentId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Also where that loses edits made since
        #[arg(long)]
        overwrite: bool,
    },
    /// Switch on an automation that a deployment has put in place
    Enable {
        /// The deployment
        id: DeploymentId,
        /// Number of the item, as show numbers them
        #[arg(long, default_value_t = 1)]
        item: u32,
    },
    /// Let deployments go on after this home was restored from a backup or copied
    Confirm,
    /// Let an approver's key count no longer
    Block {
        /// The public key
        key: Key,
    },
    /// Let a blocked key count again
    Unblock {
        /// The public key
        key: Key,
    },
}

/// `vestibule questions …`
#[derive(Debug, Subcommand)]
pub enum QuestionsCommand {
    /// List questions with what can be chosen
    List,
    /// Answer a question
    Answer {
        /// The question
        id: Name,
        /// One of the things that can be chosen; without it, you do not want to answer
        #[arg(long, value_name = "THING")]
        choose: Option<OpaqueId>,
    },
    /// Let a thing show itself: a lamp is switched over and back
    Identify {
        /// The thing
        thing: OpaqueId,
    },
}

/// `vestibule requests …`
#[derive(Debug, Subcommand)]
pub enum RequestsCommand {
    /// Ask for something in your own words; the company reads them as you write them
    New {
        /// Your words
        text: String,
        /// A room that it is about, by its id (a_…); may be given more than once
        #[arg(long, value_name = "ROOM")]
        room: Vec<OpaqueId>,
    },
    /// List your requests
    List,
    /// Take a request back
    Withdraw {
        /// The request
        id: Name,
    },
}

/// A public key, as the portal's commands print it.
#[derive(Debug, Clone, Copy)]
pub struct Key(pub Fixed<32>);

impl std::str::FromStr for Key {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Fixed::parse(text).map(Self).ok_or("not a public key (43 characters)")
    }
}

/// The id of a question or request.
#[derive(Debug, Clone, Copy)]
pub struct Name(pub Fixed<16>);

impl std::str::FromStr for Name {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Fixed::parse(text).map(Self).ok_or("not an id (22 characters)")
    }
}

/// How a kind of change is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Allowed {
    /// Not at all
    Never,
    /// After your yes, each time
    Ask,
    /// Unasked, where it only shows (dashboards only)
    Trust,
}

impl Allowed {
    /// As the consent holds it.
    #[must_use]
    pub fn policy(self) -> Option<Policy> {
        match self {
            Self::Never => None,
            Self::Ask => Some(Policy::Ask),
            Self::Trust => Some(Policy::Trust),
        }
    }
}

/// `vestibule identity …`
#[derive(Debug, Subcommand)]
pub enum IdentityCommand {
    /// End this identity as forget does, and begin with a new one; exclusions and kinds of rooms stay
    Rotate {
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Undo first what deployments have changed
        #[arg(long, conflicts_with = "keep")]
        undo: bool,
        /// Leave in place what deployments have changed
        #[arg(long)]
        keep: bool,
    },
}

/// `vestibule ledger …`
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// List the newest entries
    List {
        /// Begin below this entry
        #[arg(long, value_name = "ENTRY")]
        from: Option<u64>,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show one message, decoded
    Show {
        /// Number of the entry
        entry: u64,
    },
    /// Check the chain of hashes and every message
    Verify,
    /// Write all entries as JSON lines
    Export {
        /// Write to this file instead of stdout
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// `on` or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnOff {
    /// Stop sending
    On,
    /// Go on
    Off,
}

impl OnOff {
    /// Whether it is `on`.
    #[must_use]
    pub fn is_on(self) -> bool {
        self == Self::On
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_pages_are_decisions() {
        fn pages(command: &mut clap::Command, path: &str, all: &mut String) {
            let path = format!("{path} {}", command.get_name()).trim().to_owned();
            all.push_str(&format!("==== {path}\n{}\n", command.render_help()));
            for name in command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect::<Vec<_>>() {
                if let Some(sub) = command.find_subcommand_mut(&name) {
                    pages(sub, &path, all);
                }
            }
        }
        let mut all = String::new();
        let mut command = Arguments::command().term_width(100);
        command.build();
        pages(&mut command, "", &mut all);
        insta::assert_snapshot!(all);
    }
}
