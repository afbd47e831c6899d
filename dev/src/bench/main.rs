//! `vestibule-bench [CASE…]`: drives the released programs and says whether they hold the budget (DESIGN section 12).
//!
//! Cases: `memory`, `times`, `wire`, `changes`, `contents`, `page`, `deploy`, `real` (all of them without arguments), and `real-10000`, which
//! starts a real home of that size. Prints one table, writes `target/bench.json`, and fails if a limit is missed.

mod deploy;
mod page;
mod process;
mod quiet;
mod sizes;
mod speed;
mod table;

use std::path::Path;
use std::process::ExitCode;

use table::{Table, line};
use vestibule_dev::fake_home::{FakeHome, Listening, Version};
use vestibule_dev::real::{NEWEST, Options, RealHome, TEST_ENTITIES, skip_reason};

use process::Home;

/// Whatever ends a measurement.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

const ALL: [&str; 8] = ["wire", "changes", "contents", "page", "times", "memory", "deploy", "real"];

#[tokio::main]
async fn main() -> ExitCode {
    let mut cases: Vec<String> = std::env::args().skip(1).collect();
    if cases.is_empty() {
        cases = ALL.map(str::to_owned).to_vec();
    }
    let mut table = Table::default();
    for case in &cases {
        if let Err(failure) = measure(case, &mut table).await {
            table.failed(case, &failure.to_string());
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench.json");
    match table.finish(&file) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            line(&format!("{}: {error}", file.display()));
            ExitCode::FAILURE
        }
    }
}

async fn measure(case: &str, table: &mut Table) -> Result<(), Failure> {
    match case {
        "wire" => {
            let (_fake, listening) = fake(1_000).await?;
            sizes::wire(table, "fake 1 000", &home(&listening)).await?;
        }
        "changes" => {
            let (fake, listening) = fake(1_000).await?;
            quiet::fake(table, &fake, &home(&listening)).await?;
        }
        "contents" => {
            let (fake, listening) = fake(1_000).await?;
            quiet::contents(table, &fake, &home(&listening)).await?;
        }
        "page" => {
            let (_fake, listening) = fake(10_000).await?;
            page::visits(table, "fake 10 000", &home(&listening)).await?;
        }
        "times" => {
            for (size, name) in [(1_000, "fake 1 000"), (10_000, "fake 10 000")] {
                let (_fake, listening) = fake(size).await?;
                speed::times(table, name, &home(&listening), size >= 10_000).await?;
            }
        }
        "memory" => {
            for size in [1_000, 2_000, 10_000, 50_000] {
                let (_fake, listening) = fake(size).await?;
                sizes::memory(table, &format!("fake {size}"), &home(&listening), size).await?;
            }
        }
        "deploy" => {
            let (fake, listening) = fake(1_000).await?;
            deploy::deploy(table, "fake 1 000", &home(&listening), Some(&fake)).await?;
        }
        "real" => real(table, TEST_ENTITIES).await?,
        "real-10000" => real(table, 10_000).await?,
        _ => return Err("there is no such case".into()),
    }
    Ok(())
}

async fn fake(entities: usize) -> Result<(FakeHome, Listening), Failure> {
    let fake = FakeHome::of_size(Version::V2026_11, entities);
    let listening = fake.listen().await?;
    Ok((fake, listening))
}

fn home(listening: &Listening) -> Home {
    Home { url: listening.url(), token: vestibule_dev::fake_home::TOKEN.to_owned() }
}

async fn real(table: &mut Table, entities: u32) -> Result<(), Failure> {
    let real = match RealHome::start(Options::new(NEWEST).entities(entities)).await {
        Ok(real) => real,
        Err(error) => {
            let Some(why) = skip_reason(&error) else { return Err(error.into()) };
            table.skipped("a real Home Assistant", &why);
            return Ok(());
        }
    };
    let name = format!("real {entities}");
    let home = Home { url: real.url(), token: real.token().to_owned() };
    sizes::memory(table, &name, &home, entities as usize).await?;
    sizes::wire(table, &name, &home).await?;
    speed::times(table, &name, &home, entities >= 10_000).await?;
    deploy::deploy(table, &name, &home, None).await?;
    quiet::real(table, &name, &real).await
}
