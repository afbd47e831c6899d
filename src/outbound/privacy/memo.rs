//! Contents as they were rewritten last, so that a change at home does not cost rewriting all of them anew.
//!
//! A rewritten text depends on the text itself, on whether names may leave, and on which ids exist for the tenant. All of that is compared
//! before anything is taken from here, so what is excluded now is never found in a text of before.

use std::collections::HashMap;
use std::sync::Arc;

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::{OpaqueId, Thing};

use crate::outbound::contents::ContentError;

/// What came of rewriting.
pub(super) type Rewritten = Result<Arc<str>, ContentError>;

/// Rewritten contents of the documents that were rendered last.
#[derive(Default)]
pub struct Memo {
    /// Which ids existed for the tenant: see [`super::known::Known::digest`].
    known: [u8; 32],
    texts: HashMap<OpaqueId, Kept>,
}

struct Kept {
    /// The text that was rewritten, and whether names could leave.
    of: (Fixed<32>, bool),
    rewritten: Rewritten,
    used: bool,
}

impl Memo {
    /// A rendering begins, with these ids.
    pub(super) fn begin(&mut self, known: [u8; 32]) {
        if self.known != known {
            self.texts.clear();
            self.known = known;
        }
    }

    /// The contents of a thing: as they were rewritten when they were the same, or rewritten now.
    pub(super) fn rewritten(
        &mut self,
        thing: OpaqueId,
        of: (Fixed<32>, bool),
        rewrite: impl FnOnce() -> Rewritten,
    ) -> Rewritten {
        if let Some(kept) = self.texts.get_mut(&thing).filter(|kept| kept.of == of) {
            kept.used = true;
            return kept.rewritten.clone();
        }
        let rewritten = rewrite();
        self.texts.insert(thing, Kept { of, rewritten: rewritten.clone(), used: true });
        rewritten
    }

    /// A rendering has ended: what it did not ask for is gone.
    pub(super) fn end(&mut self) {
        self.texts.retain(|_, kept| std::mem::replace(&mut kept.used, false));
    }

    /// Lets go of the contents of such things.
    pub fn forget(&mut self, which: impl Fn(Thing) -> bool) {
        self.texts.retain(|id, _| !which(id.thing));
    }
}
