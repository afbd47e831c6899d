//! Named places at which a test can kill the program, one for each durable step.
//!
//! Without the cargo feature `kill-points` (off by default, never in a release) [`kill_point`] is an empty function.
//! With it, the environment variable `VESTIBULE_TEST_KILL_AT` names a point, or `NAME:N` its N-th passing, and the
//! process aborts there: no destructor runs, no buffer is written, as with `kill -9`.

/// Every kill point of the program. A test compares this list with the source, so that a harness can walk through it.
pub const KILL_POINTS: &[&str] = &[
    "link.recorded",
    "link.sent",
    "store.secret.written",
    "store.secret.renamed",
    "store.damaged.moved",
    "store.migrated",
    "store.ledger.written",
    "store.ledger.appended",
    "store.agent.written",
    "store.agent.committed",
    "store.forget.marked",
    "store.forget.removed",
    "store.forget.created",
    "store.forget.done",
    "agent.paired",
    "agent.welcomed",
    "agent.spent",
    "agent.decided",
    "agent.outbox",
    "agent.forgetting",
    "agent.forgotten",
    "deploy.keeping",
    "deploy.kept",
    "deploy.approved",
    "deploy.undoing",
    "deploy.noting",
    "deploy.noted",
    "deploy.turning",
    "deploy.turned",
    "desk.looking",
    "desk.looked",
    "desk.writing",
    "desk.written",
    "desk.verifying",
    "desk.verified",
    "desk.restoring",
    "desk.restored",
    "desk.enabling",
    "desk.enabled",
];

/// Ends the process here if the test asked for it; otherwise does nothing. `name` is one of [`KILL_POINTS`].
#[cfg(feature = "kill-points")]
pub fn kill_point(name: &'static str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("VESTIBULE_TEST_KILL_AT").ok()?;
        Some(match text.rsplit_once(':') {
            Some((name, nth)) => (name.to_owned(), nth.parse().unwrap_or(1)),
            None => (text, 1),
        })
    });
    if let Some((wanted, nth)) = wanted
        && wanted == name
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *nth
    {
        std::process::abort();
    }
}

/// Does nothing: this build has no kill points.
#[cfg(not(feature = "kill-points"))]
#[inline(always)]
pub const fn kill_point(_name: &'static str) {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::KILL_POINTS;

    #[test]
    fn the_list_names_exactly_the_points_in_the_source() {
        let mut found = BTreeSet::new();
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        let listed: BTreeSet<String> = KILL_POINTS.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(found, listed);
        assert_eq!(listed.len(), KILL_POINTS.len(), "a point is listed twice");
    }

    fn collect(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let call = concat!("kill_point", "(\"");
                found.extend(text.split(call).skip(1).map(|rest| rest[..rest.find('"').unwrap()].to_owned()));
            }
        }
    }
}
