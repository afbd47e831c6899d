//! `vestibule-demo`: a real Home Assistant, the portal and the agent, paired and in sync, until Ctrl-C. With `--check` it proves that.
//!
//! Everything runs on this machine and lives under `target/`: `make demo` in `target/demo`, `make demo-check` in
//! `target/demo-check`. Nothing is left running, however this program ends.

mod api;
mod change;
mod check;
mod child;
mod deploy;
mod follow;
mod places;
mod say;
mod stage;
mod trouble;

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use places::Places;
use trouble::Trouble;

const USAGE: &str = "usage: vestibule-demo [--check]\n\nWithout --check it stays until Ctrl-C; with it, it asserts, tidies up and ends with 0 or 1.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--check"] => true,
        _ => {
            say::problem(USAGE);
            return ExitCode::from(2);
        }
    };
    say::listen_to_the_library();
    let ended = tokio::runtime::Runtime::new()
        .map_err(|error| Trouble::new(format!("No threads to run on: {error}."), "Try again."))
        .and_then(|runtime| runtime.block_on(until_asked_to_end(check)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            say::problem(&trouble.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Dropping the work kills all it has started, so a signal at any moment leaves nothing behind.
async fn until_asked_to_end(check: bool) -> Result<(), Trouble> {
    let mut asked = Asked::listen()?;
    if check {
        let work = Box::pin(async { check::check(&Places::check()?).await });
        return tokio::select! {
            ended = work => ended,
            () = asked.once() => Err(Trouble::new("Stopped before the end.", "Run make demo-check again.")),
        };
    }
    let places = Places::demo()?;
    let mut stage = tokio::select! {
        stage = Box::pin(stage::Stage::set(&places)) => stage?,
        () = asked.once() => return Ok(()),
    };
    stage.introduce();
    let desk = stage.desk(&places)?;
    let work = Box::pin(async {
        let id = deploy::deliver(&mut stage, &desk).await?;
        let decision = deploy::Decision::ask(&stage, id).await?;
        follow::follow(&mut stage, decision).await
    });
    tokio::select! {
        ended = work => ended?,
        () = asked.once() => {}
    }
    say::line("\nStopping. (Ctrl-C again ends it at once.)");
    tokio::select! {
        ended = stage.stop() => ended?,
        () = asked.once() => return Ok(()),
    }
    say::line("Stopped. `make demo` goes on from here; `rm -r target/demo` forgets it.");
    Ok(())
}

/// Ctrl-C, a polite kill, or the end of the terminal.
struct Asked {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Asked {
    fn listen() -> Result<Self, Trouble> {
        let listen =
            |kind| signal(kind).map_err(|error| Trouble::new(format!("No signals: {error}."), "Try again."));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn once(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
