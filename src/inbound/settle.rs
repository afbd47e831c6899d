//! Looking again later: Home Assistant writes some records to disk after ten seconds, so what was read back can still be lost (R43).

use super::apply::Seen;

/// How long after it was verified a deployment is read again, in milliseconds.
pub const SETTLE_MS: i64 = 30_000;

/// What another look has shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looked {
    /// Steps whose document is as before although it had been written: lost in a crash of Home Assistant.
    pub lost: Vec<usize>,
    /// Steps whose document somebody has edited since.
    pub drifted: Vec<usize>,
}

/// Judges another look at the documents of a deployment that is in place. `seen` has one entry for each step whose document is still this
/// deployment's, `None` for those that a later deployment has taken over. Only where Home Assistant has started again since the
/// deployment was verified, and before it was settled, can something have been lost; at any other time somebody has put it back.
#[must_use]
pub fn judge(seen: &[Option<Seen>], restarted: bool) -> Looked {
    let mut looked = Looked::default();
    for (n, seen) in seen.iter().enumerate() {
        match seen {
            None | Some(Seen::After | Seen::Both) => {}
            Some(Seen::Before) if restarted => looked.lost.push(n),
            Some(Seen::Before | Seen::Other) => looked.drifted.push(n),
        }
    }
    looked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r43_only_a_restart_loses_something() {
        let seen = [Some(Seen::After), Some(Seen::Before), Some(Seen::Other), Some(Seen::Both), None];
        assert_eq!(judge(&seen, true), Looked { lost: vec![1], drifted: vec![2] });
        assert_eq!(judge(&seen, false), Looked { lost: vec![], drifted: vec![1, 2] });
        assert_eq!(judge(&seen[..1], true), Looked::default());
    }
}
