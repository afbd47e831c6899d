//! `deployment check`: what would be refused at home, as far as the portal, or a file with a snapshot, lets one see.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use vestibule_protocol::problem::Problem;

use super::new::{earlier, held};
use crate::author::check::{Finding, check};
use crate::author::earlier::Bases;
use crate::author::held::Held;
use crate::author::{files, shown};
use crate::cli::output::Output;
use crate::cli::portal::PortalArgs;
use crate::problem::authoring as problem;
use crate::world::World;

/// Longest snapshot file: the largest home, all classes granted.
const SNAPSHOT_BYTES: usize = 256 << 20;

#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    /// Deployment
    file: PathBuf,
    /// Snapshot to check against, as JSON lines; instead of the portal's
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    #[command(flatten)]
    portal: PortalArgs,
}

impl Check {
    pub(super) fn run(self, output: &Output) -> Result<ExitCode, Problem> {
        let (deployment, _) = shown::deployment(&files::envelope(&self.file)?)?;
        let portal = self.portal.named()?;
        let held = match (&self.snapshot, &portal) {
            (Some(file), _) => Held::read(&files::text(file, SNAPSHOT_BYTES)?)?,
            (None, Some(portal)) => held(portal, deployment.target)?,
            (None, None) => return Err(problem::portal_needed()),
        };
        let mut bases = match &portal {
            Some(portal) => earlier(portal, deployment.target)?,
            None => Bases::default(),
        };
        bases.learn_held(&held);
        let found = check(&deployment, &held, &bases, World::real().now());
        let errors = found.iter().filter(|finding| finding.error).count();
        let mut answer = serde_json::json!({ "ok": errors == 0, "errors": errors, "findings": found });
        let mut lines: Vec<String> = found.iter().map(Finding::words).collect();
        if errors == 0 {
            lines.push("Nothing is wrong with it, as far as can be seen from here.".to_owned());
            output.answer(&answer, &lines.join("\n"));
            return Ok(ExitCode::SUCCESS);
        }
        // One answer with its problem in it, so that `--json` stays one object; the exit code lets a script stop here.
        let problem = problem::check_failed(errors);
        answer["problem"] = serde_json::json!(problem);
        output.answer(&answer, &lines.join("\n"));
        output.note_problem(&problem);
        Ok(ExitCode::from(1))
    }
}
