//! Why a deployment goes no further: a stable code for the portal (R15), and words for the owner.

mod words;

use vestibule_protocol::problem::Problem;

use super::diff::ItemDiff;

/// What becomes of a deployment that goes no further now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// For good.
    Refused,
    /// For good: a newer one came before it (R32).
    Superseded,
    /// For good: its time has passed.
    Expired,
    /// For good: something has changed since it was designed (promise 7).
    Conflict,
    /// It is kept and looked at again: at this Unix time in seconds, or when the owner has done something about it.
    Hold {
        /// When it is worth looking again; `None` when only the owner can change that.
        until: Option<u64>,
    },
}

/// Why a deployment goes no further. Only [`Self::code`] and [`Self::item`] may leave the home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable, `snake_case`.
    pub code: &'static str,
    /// What becomes of it.
    pub disposition: Disposition,
    /// The item that it is about, from 0.
    pub item: Option<u32>,
    /// The word that it is about: a key's name, a kind of change, a host. The tenant's own or one of ours, never a text of the home.
    pub about: Option<String>,
    /// For a conflict: what is at home now beside what was designed. For the owner only.
    pub diffs: Vec<ItemDiff>,
}

impl Refusal {
    pub(super) const fn new(code: &'static str, disposition: Disposition) -> Self {
        Self { code, disposition, item: None, about: None, diffs: Vec::new() }
    }

    pub(super) const fn refused(code: &'static str) -> Self {
        Self::new(code, Disposition::Refused)
    }

    /// The home has been forgotten meanwhile.
    #[must_use]
    pub const fn not_paired() -> Self {
        Self::refused("other_home")
    }

    pub(super) fn about(mut self, about: impl Into<String>) -> Self {
        self.about = Some(about.into());
        self
    }

    pub(super) fn at(mut self, item: usize) -> Self {
        self.item = u32::try_from(item).ok();
        self
    }

    /// What the owner reads.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let (what, next) = words::of(self.code);
        let mut what = what.to_owned();
        if let Some(item) = self.item {
            what = format!("{what} (Item {}.)", item + 1);
        }
        if let Some(about) = &self.about {
            // Text from outside in a sentence of ours: short, quoted, without control characters.
            let about: String = about.chars().filter(|c| !c.is_control()).take(120).collect();
            what = format!("{what} It is about: \"{about}\".");
        }
        let problem = Problem::new(self.code, what, next);
        match self.disposition {
            Disposition::Hold { .. } => problem.retryable(),
            Disposition::Refused | Disposition::Superseded | Disposition::Expired | Disposition::Conflict => {
                problem
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_spelled_once_and_has_words() {
        let mut codes: Vec<&str> = words::ALL.iter().map(|(code, ..)| *code).collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        for (code, what, next) in words::ALL {
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
            assert!(what.ends_with('.') && next.ends_with('.'), "{code}");
        }
    }

    #[test]
    fn r17_words_from_outside_are_short_and_quoted() {
        let refusal = Refusal::refused("unreadable").at(2).about(format!("a\nb{}", "x".repeat(500)));
        let problem = refusal.problem();
        assert!(problem.what.contains("(Item 3.)") && problem.what.contains("\"abxx"), "{}", problem.what);
        assert!(!problem.what.contains('\n') && problem.what.len() < 400);
    }
}
