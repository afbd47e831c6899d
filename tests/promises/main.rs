//! What Vestibule promises, proved on the real programs. `tests/README.md` says which module proves what.

#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says by name when it is skipped"
)]

mod commands;
mod corpora;
mod house;
mod identity;
mod inside;
mod ledger;
mod packaging;
mod page;
mod privacy;
mod problems;
mod real_cards;
mod real_deploy;
mod real_desk;
mod real_leaks;
mod real_sync;
mod sim;
mod support;
mod upgrade;
