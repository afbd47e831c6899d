//! The command line: what can be asked, and how answers and problems are printed.
//!
//! Commands open the same database file as a portal that serves; both may work at once.

mod ask;
mod charter;
mod deployment;
mod instance;
mod invite;
mod key;
mod output;
mod portal;
mod request;
mod serve;
mod staff;
mod tenant;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use vestibule_protocol::id::TenantId;
use vestibule_protocol::problem::Problem;

use crate::data::Data;
use crate::problem;
use crate::store::tenants::{self, Tenant};
use crate::store::{Stop, Store};
use crate::world::World;
use output::Output;

/// The reference portal of Vestibule: keeps the inventories that homes release, and gives them to staff.
#[derive(Debug, Parser)]
#[command(name = "vestibule-portal", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

/// Heading of what every command takes, so that it does not stand between what is its own.
const EVERYWHERE: &str = "For every command";

/// Where, and how to answer.
#[derive(Debug, Args)]
struct Place {
    /// Data folder of the portal
    #[arg(long, value_name = "DIR", env = "VESTIBULE_PORTAL_DATA", hide_env_values = true, global = true, help_heading = EVERYWHERE)]
    data: Option<PathBuf>,
    /// Erasure journal, if it is kept outside the data folder
    #[arg(
        long,
        value_name = "FILE",
        env = "VESTIBULE_PORTAL_ERASURE_JOURNAL",
        hide_env_values = true,
        global = true,
        help_heading = EVERYWHERE
    )]
    erasure_journal: Option<PathBuf>,
    /// Answer as JSON
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve homes and staff
    Serve(serve::Serve),
    /// Companies that homes can be paired with
    #[command(subcommand)]
    Tenant(tenant::TenantCommand),
    /// People and programs of a tenant, with their tokens
    #[command(subcommand)]
    Staff(staff::StaffCommand),
    /// One-time codes with which homes enrol
    #[command(subcommand)]
    Invite(invite::InviteCommand),
    /// Homes that have enrolled
    #[command(subcommand)]
    Instance(instance::InstanceCommand),
    /// Keys of those who approve, made where they are used
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Who may approve deployments, and how many it takes
    #[command(subcommand)]
    Charter(charter::CharterCommand),
    /// Changes to homes: designed, signed, handed in, followed
    #[command(subcommand)]
    Deployment(deployment::DeploymentCommand),
    /// Questions to owners, who answer by real names
    #[command(subcommand)]
    Ask(ask::AskCommand),
    /// What owners wish for
    #[command(subcommand)]
    Request(request::RequestCommand),
    /// Print a completion script for a shell
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
}

/// Runs one command; prints its answer; the exit code is 0, 1 (a problem) or 2 (usage).
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let output = Output::new(cli.place.json);
    if let Command::Completions { shell } = cli.command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "vestibule-portal", &mut script);
        output.raw(&script);
        return ExitCode::SUCCESS;
    }
    let result = match answer(cli, &output) {
        Ok(result) => result,
        Err(error) => return usage(&error),
    };
    match result {
        Ok(code) => code,
        Err(problem) => {
            output.problem(&problem);
            ExitCode::from(1)
        }
    }
}

/// What a command answers; the outer error is one of usage.
fn answer(cli: Cli, output: &Output) -> Result<Result<ExitCode, Problem>, clap::Error> {
    let Place { data, erasure_journal: journal, .. } = cli.place;
    let folder = move || {
        data.ok_or_else(|| {
            Cli::command().error(
                ErrorKind::MissingRequiredArgument,
                "the data folder is missing: give --data DIR or set VESTIBULE_PORTAL_DATA",
            )
        })
    };
    let desk = |folder| Desk::open(folder, journal.clone(), *output);
    let result = match cli.command {
        Command::Deployment(command) => return Ok(command.run(output)),
        Command::Serve(serve) => serve.run(folder()?, journal, output),
        Command::Tenant(command) => desk(folder()?).and_then(|desk| command.run(&desk)),
        Command::Staff(command) => desk(folder()?).and_then(|desk| command.run(&desk)),
        Command::Invite(command) => desk(folder()?).and_then(|desk| command.run(&desk)),
        Command::Instance(command) if command.is_remote() => command.ask(output),
        Command::Instance(command) => desk(folder()?).and_then(|desk| command.run(&desk)),
        Command::Key(command) => command.run(output),
        Command::Charter(command) => command.run(output),
        Command::Ask(command) => command.run(output),
        Command::Request(command) => command.run(output),
        Command::Completions { .. } => Ok(()),
    };
    Ok(result.map(|()| ExitCode::SUCCESS))
}

fn usage(error: &clap::Error) -> ExitCode {
    // Help and version are answers, not errors.
    let code = if error.use_stderr() { 2 } else { 0 };
    let _ = error.print();
    ExitCode::from(code)
}

/// What a command works with.
struct Desk {
    data: Data,
    store: Store,
    world: World,
    output: Output,
}

impl Desk {
    fn open(folder: PathBuf, journal: Option<PathBuf>, output: Output) -> Result<Self, Problem> {
        let world = World::real();
        let data = Data::at(&folder, journal.as_deref())?;
        let store = data.inline_store(world.clone())?;
        Ok(Self { data, store, world, output })
    }

    /// The tenant of this id; without one, the only tenant there is.
    fn tenant(&self, id: Option<&TenantId>) -> Result<Tenant, Problem> {
        let found = self.store.read_now(|db| match id {
            Some(id) => tenants::get(db, id),
            None => match <[Tenant; 1]>::try_from(tenants::list(db)?) {
                Ok([only]) => Ok(only),
                Err(_) => Err(Stop::NotFound),
            },
        });
        found.map_err(|stop| {
            if matches!(stop, Stop::NotFound) { problem::tenant_unknown() } else { problem::of_stop(stop) }
        })
    }

    fn read<T>(&self, work: impl FnOnce(&rusqlite::Connection) -> Result<T, Stop>) -> Result<T, Problem> {
        self.store.read_now(work).map_err(problem::of_stop)
    }

    fn write<T>(&self, work: impl FnOnce(&crate::store::Tx<'_>) -> Result<T, Stop>) -> Result<T, Problem> {
        self.store.write_now(work).map_err(problem::of_stop)
    }
}

/// A name or label that people see.
fn checked_name(name: &str) -> Result<&str, Problem> {
    let name = name.trim();
    if (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        Ok(name)
    } else {
        Err(problem::name_invalid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every help page, as people see it.
    #[test]
    fn help_pages_are_golden() {
        fn pages(command: &mut clap::Command, path: &str, text: &mut String) {
            let help = command.clone().bin_name(path.to_owned()).term_width(100).render_long_help();
            text.push_str(&format!("=== {path}\n{help}\n"));
            for sub in command.get_subcommands_mut().filter(|sub| sub.get_name() != "help") {
                let path = format!("{path} {}", sub.get_name());
                pages(sub, &path, text);
            }
        }
        let mut command = Cli::command();
        command.build();
        let mut text = String::new();
        pages(&mut command, "vestibule-portal", &mut text);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
