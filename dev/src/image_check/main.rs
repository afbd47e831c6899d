//! `vestibule-image-check`: what `dev/image/check` built, as an image: its size and contents, and how it runs under a container engine
//! beside a Supervisor with a Home Assistant behind it, and the other architecture under emulation.
//!
//! Prints one table, writes `target/image/check.json`, and fails if something is not as it must be. What this machine cannot do is
//! skipped by name.

mod app;
mod emulated;
mod engine;
mod image;
mod profile;
#[path = "../bench/table.rs"]
mod table;

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use tokio::process::Command;

use table::{Table, line};

/// Whatever ends a check.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Where the programs lie, by architecture; `again` is the second build of amd64.
pub(crate) fn built() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/image")
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut table = Table::default();
    if let Err(failure) = image::programs(&mut table) {
        table.failed("programs", &failure.to_string());
    }
    if let Err(failure) = profile::parse(&mut table).await {
        table.failed("AppArmor profile", &failure.to_string());
    }
    if let Err(failure) = container(&mut table).await {
        table.failed("image", &failure.to_string());
    }
    if let Err(failure) = emulated::run(&mut table).await {
        table.failed("aarch64", &failure.to_string());
    }
    let file = built().join("check.json");
    match table.finish(&file) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            line(&format!("{}: {error}", file.display()));
            ExitCode::FAILURE
        }
    }
}

/// Everything that needs a container engine.
async fn container(table: &mut Table) -> Result<(), Failure> {
    let engine = match engine::Engine::ready().await {
        Ok(engine) => engine,
        Err(why) => {
            table.skipped("image", &why.to_string());
            return Ok(());
        }
    };
    let checked = async {
        image::build(table, &engine).await?;
        app::run(table, &engine).await
    }
    .await;
    engine.stop().await?;
    checked
}

/// Runs a command to its end; what it printed on stdout.
pub(crate) async fn output_of(command: &mut Command) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).output().await?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{:?}: {}", command.as_std(), String::from_utf8_lossy(&said).trim()).into())
}
