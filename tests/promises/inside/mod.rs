//! The agent inside one process, on pipes and a clock that tests move: everything around it fails in every way we could think of.
//!
//! [`world`] puts home, agent and portal together; [`hostile`] is a portal that follows no rule but the test's. The rest are the
//! promises: [`link`] and [`home`] break the two arrows, [`rules`] holds a hostile portal against the rules, [`time`] moves clocks,
//! [`disk`] fills the ledger, [`notices`] counts what the owner is told, [`backup`] restores as the Supervisor does, [`reports`] sends what
//! was shown, [`contents`] grants and withdraws those of dashboards, [`kill`] kills the program wherever it has just made something durable.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what cannot go on in a test has failed")]
#![expect(clippy::print_stderr, reason = "the seed of a story that ends badly")]

mod backup;
mod contents;
mod deploy;
mod disk;
mod forget;
mod home;
mod hostile;
mod kill;
mod link;
mod notices;
mod pipes;
mod real;
mod reports;
mod rules;
mod seeds;
mod time;
mod wearing;
mod world;
