//! What nobody can ever see or do: five sentences, and for each how it is kept and where one can check it.

use askama::Template;

use super::answer::{Call, Shown, html};
use super::frame::Frame;

/// One sentence and its proof.
#[derive(Debug, Clone, Copy)]
pub(super) struct Promise {
    /// The anchor on the page of proofs.
    pub(super) anchor: &'static str,
    /// The sentence's key.
    pub(super) key: &'static str,
    /// Key of how it is kept.
    pub(super) how: &'static str,
    /// Where on this page one can check it, and that place's name.
    pub(super) check: Option<(&'static str, &'static str)>,
    /// Rules and tests that fail when it is broken, in the program's sources.
    pub(super) tests: &'static [&'static str],
}

/// All five.
pub(super) const PROMISES: [Promise; 5] = [
    Promise {
        anchor: "life",
        key: "never.life",
        how: "never.life.how",
        check: Some(("/leaves/fields", "never.check.fields")),
        tests: &["R9: tests/promises/privacy.rs", "R9: src/outbound/privacy/tests/canaries.rs"],
    },
    Promise {
        anchor: "address",
        key: "never.address",
        how: "never.address.how",
        check: Some(("/leaves", "never.check.leaves")),
        tests: &["R7: tests/promises/identity.rs", "R17: tests/promises/privacy.rs"],
    },
    Promise {
        anchor: "ledger",
        key: "never.ledger",
        how: "never.ledger.how",
        check: Some(("/ledger", "never.check.ledger")),
        tests: &["R25: tests/promises/ledger.rs", "R25: src/store/tests/chain.rs"],
    },
    Promise {
        anchor: "change",
        key: "never.change",
        how: "never.change.how",
        check: None,
        tests: &["R31: crates/protocol/src/dsse.rs", "R31: crates/protocol/src/charter.rs"],
    },
    Promise {
        anchor: "operate",
        key: "never.operate",
        how: "never.operate.how",
        check: None,
        tests: &["src/home/commands.rs", "tests/promises/house.rs"],
    },
];

#[derive(Template)]
#[template(path = "never.html")]
struct NeverPage {
    f: Frame,
    promises: [Promise; 5],
}

/// The page of proofs.
pub(super) fn page(call: &Call<'_>) -> Shown {
    Ok(html(&NeverPage { f: call.frame(""), promises: PROMISES }))
}
