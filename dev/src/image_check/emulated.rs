//! The program for aarch64, executed by an emulator: it starts, answers, and ends when it is told to.

use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::{Failure, Table, built, line, output_of};

const EMULATORS: [&str; 2] = ["qemu-aarch64-static", "qemu-aarch64"];
/// Emulation is slow, and the machine may be busy.
const WITHIN: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Runs `--version`, `run`, `health` and SIGTERM.
pub(crate) async fn run(table: &mut Table) -> Result<(), Failure> {
    let program = built().join("aarch64/vestibule");
    if !program.exists() {
        table.skipped("aarch64 under emulation", "there is no program for it");
        return Ok(());
    }
    let mut emulator = None;
    for name in EMULATORS {
        if output_of(Command::new(name).arg("--version")).await.is_ok() {
            emulator = Some(name);
            break;
        }
    }
    let Some(emulator) = emulator else {
        table.skipped("aarch64 under emulation", "there is no qemu-aarch64-static");
        return Ok(());
    };
    let data = tempfile::tempdir()?;
    let vestibule = |arguments: &[&str]| {
        let mut command = Command::new(emulator);
        command.arg(&program).args(arguments).arg("--data").arg(data.path()).env_clear().kill_on_drop(true);
        command
    };
    line(&format!("aarch64: {}", output_of(Command::new(emulator).arg(&program).arg("--version")).await?));
    let log = std::fs::File::create(data.path().join("log"))?;
    let begun = Instant::now();
    let mut daemon = vestibule(&["run"])
        // No such home: it stays up, and tries again.
        .env("VESTIBULE_HOME_ASSISTANT__URL", "http://127.0.0.1:1")
        .env("VESTIBULE_HOME_ASSISTANT__TOKEN", "none")
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    while output_of(&mut vestibule(&["health"])).await.is_err() {
        if begun.elapsed() > WITHIN {
            return Err(std::fs::read_to_string(data.path().join("log"))?.into());
        }
        sleep(LOOK_AGAIN).await;
    }
    table.shown("start until healthy, emulated", "aarch64", begun.elapsed().as_secs_f64(), "s");
    let id = daemon.id().ok_or("it has ended by itself")?;
    let begun = Instant::now();
    output_of(Command::new("kill").args(["-TERM", &id.to_string()])).await?;
    let status = timeout(WITHIN, daemon.wait()).await.map_err(|_| "it does not end on SIGTERM")??;
    let code = status.code().unwrap_or(255);
    table.most("exit code on SIGTERM, emulated", "aarch64", f64::from(code), "", 0.0);
    table.shown("from SIGTERM to the end, emulated", "aarch64", begun.elapsed().as_secs_f64(), "s");
    Ok(())
}
