//! `key`: keys of authors and approvers, made where they are used; the portal never sees more than their public halves (R35).

use std::path::PathBuf;

use clap::Subcommand;
use vestibule_protocol::problem::Problem;

use super::checked_name;
use super::output::Output;
use crate::keyfile::{self, passphrase};
use crate::world::World;

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make a key for a person; FILE.pub beside it is for the charter
    New {
        /// Name of the person, as owners read it
        #[arg(long, value_name = "NAME")]
        person: String,
        /// File for the key; never overwritten
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Leave the key unencrypted, readable by you only
        #[arg(long)]
        no_passphrase: bool,
    },
}

impl KeyCommand {
    pub(super) fn run(self, output: &Output) -> Result<(), Problem> {
        let Self::New { person, out, no_passphrase } = self;
        let person = checked_name(&person)?;
        let passphrase = if no_passphrase {
            output.note("This key has no passphrase: whoever can read the file can sign as its person.");
            None
        } else {
            Some(passphrase::fresh(&out)?)
        };
        let (public, beside) =
            keyfile::create(&out, person, passphrase.as_ref().map(|words| words.as_str()), &World::real())?;
        let answer = serde_json::json!({
            "person": public.person, "key": public.key, "file": out, "public_file": beside,
            "encrypted": passphrase.is_some(),
        });
        let words = format!(
            "Key     {}\nPerson  {}\nSecret  {}\nPublic  {}\nThe public file goes to whoever makes the charter; the secret one stays with you.",
            public.key,
            public.person,
            out.display(),
            beside.display()
        );
        output.answer(&answer, &words);
        Ok(())
    }
}
