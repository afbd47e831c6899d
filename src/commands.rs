//! The commands: `vestibule run`, `pair`, `status` and the others, with their arguments and exit codes.
//!
//! Exit codes: 0; 1 with a [`Problem`]; 2 for arguments that cannot be right. With `--json` stdout carries nothing but JSON, problems
//! included; warnings, progress and questions go to stderr.

mod arguments;
mod change;
mod deployments;
mod forget;
mod identity;
mod ledger;
mod output;
mod pair;
mod preview;
mod questions;
mod report;
mod run;
mod show;

pub use arguments::{Arguments, Command};

use std::collections::HashMap;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use vestibule_protocol::problem::Problem;

use crate::settings::{Flags, Settings};
use arguments::{
    ConsentCommand, DeploymentsCommand, IdentityCommand, LedgerCommand, QuestionsCommand, RequestsCommand,
};
use forget::Deployed;
use output::Output;

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output { json: arguments.common.json };
    match perform(&arguments, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            output.problem(&problem);
            ExitCode::FAILURE
        }
    }
}

fn perform(arguments: &Arguments, output: Output) -> Result<(), Problem> {
    if let Command::Completions { shell } = arguments.command {
        clap_complete::generate(shell, &mut Arguments::command(), "vestibule", &mut std::io::stdout());
        return Ok(());
    }
    let environment: HashMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()))
        .collect();
    let flags = Flags { config: arguments.common.config.clone(), data: arguments.common.data.clone() };
    let settings = Settings::load(&flags, &environment)?;
    crate::observe::start(settings.log, matches!(arguments.command, Command::Run));
    // Two threads, so that the sockets are served while the loop computes.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_keep_alive(std::time::Duration::from_millis(500))
        .enable_all()
        .build()
        .map_err(|error| crate::problem::output(&error))?;
    runtime.block_on(dispatch(&arguments.command, &settings, output))
}

async fn dispatch(command: &Command, settings: &Settings, output: Output) -> Result<(), Problem> {
    match command {
        Command::Run => run::run(settings).await,
        Command::Preview => preview::preview(settings, output).await,
        Command::Pair { portal, invite, yes } => pair::pair(settings, output, portal, invite, *yes).await,
        Command::Status => show::status(settings, output).await,
        Command::Report { send: true, yes, .. } => report::send(settings, output, *yes).await,
        Command::Report { withdraw: true, .. } => report::withdraw(settings, output).await,
        Command::Report { .. } => report::show(settings, output).await,
        Command::Fingerprint => show::fingerprint(settings, output),
        Command::Health => show::health(settings, output).await,
        Command::Export { out } => show::export(settings, output, out.as_deref()).await,
        Command::Consent { command } => match command {
            ConsentCommand::List => show::consent(settings, output).await,
            ConsentCommand::Grant { class } => change::grant(settings, output, *class).await,
            ConsentCommand::Withdraw { class } => change::withdraw(settings, output, *class).await,
            ConsentCommand::Set { change, policy } => {
                change::set(settings, output, *change, policy.policy()).await
            }
            ConsentCommand::Exclude { thing } => change::exclude(settings, output, thing).await,
            ConsentCommand::Include { thing } => change::include(settings, output, thing).await,
        },
        Command::Deployments { command } => match command {
            DeploymentsCommand::List => deployments::list(settings, output).await,
            DeploymentsCommand::Show { id } => deployments::show(settings, output, *id).await,
            DeploymentsCommand::Approve { id, yes, allow_host } => {
                let hosts = allow_host.iter().cloned().collect();
                deployments::approve(settings, output, *id, *yes, hosts).await
            }
            DeploymentsCommand::Reject { id } => deployments::reject(settings, output, *id).await,
            DeploymentsCommand::Undo { id, yes, overwrite } => {
                deployments::undo(settings, output, *id, *yes, *overwrite).await
            }
            DeploymentsCommand::Enable { id, item } => {
                deployments::enable(settings, output, *id, *item).await
            }
            DeploymentsCommand::Confirm => deployments::confirm(settings, output).await,
            DeploymentsCommand::Block { key } => deployments::block(settings, output, key.0, true).await,
            DeploymentsCommand::Unblock { key } => deployments::block(settings, output, key.0, false).await,
        },
        Command::Questions { command } => match command {
            QuestionsCommand::List => questions::list(settings, output).await,
            QuestionsCommand::Answer { id, choose } => {
                questions::answer(settings, output, id.0, *choose).await
            }
            QuestionsCommand::Identify { thing } => questions::identify(settings, output, *thing).await,
        },
        Command::Requests { command } => match command {
            RequestsCommand::New { text, room } => questions::wish(settings, output, text, room).await,
            RequestsCommand::List => questions::requests(settings, output).await,
            RequestsCommand::Withdraw { id } => questions::withdraw(settings, output, id.0).await,
        },
        Command::Reads => questions::reads(settings, output).await,
        Command::Ledger { command } => match command {
            LedgerCommand::List { from, limit } => ledger::list(settings, output, *from, *limit).await,
            LedgerCommand::Show { entry } => ledger::show(settings, output, *entry).await,
            LedgerCommand::Verify => ledger::verify(settings, output),
            LedgerCommand::Export { out } => ledger::export(settings, out.as_deref()).await,
        },
        Command::Restrict { state } => change::restrict(settings, output, state.is_on()).await,
        Command::Forget { yes, give_up, undo, keep } => {
            forget::forget(settings, output, *yes, *give_up, Deployed::of(*undo, *keep)).await
        }
        Command::Identity { command: IdentityCommand::Rotate { yes, undo, keep } } => {
            identity::rotate(settings, output, *yes, Deployed::of(*undo, *keep)).await
        }
        Command::Completions { .. } => Ok(()),
    }
}
