//! Text that repeats (domains, units, area ids, models) is kept once and shared.

use std::collections::HashSet;
use std::sync::Arc;

use crate::outbound::reading::Shared;
use crate::private::Private;

/// Shared texts of the reading task. It holds what the last readings held, see [`Interner::forget_unused`].
#[derive(Default)]
pub(super) struct Interner(HashSet<Arc<str>>);

impl Interner {
    /// The shared form of a text.
    pub(super) fn share(&mut self, text: &str) -> Shared {
        if let Some(known) = self.0.get(text) {
            return Private::new(Arc::clone(known));
        }
        let new: Arc<str> = text.into();
        self.0.insert(Arc::clone(&new));
        Private::new(new)
    }

    /// Lets go of texts that nobody else holds any more.
    pub(super) fn forget_unused(&mut self) {
        self.0.retain(|text| Arc::strong_count(text) > 1);
        self.0.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_memory_until_nobody_holds_them() {
        let mut interner = Interner::default();
        let (a, b) = (interner.share("light"), interner.share("light"));
        assert!(Arc::ptr_eq(a.reveal_to_home(), b.reveal_to_home()));
        drop(interner.share("°C"));
        interner.forget_unused();
        assert_eq!(interner.0.len(), 1);
    }
}
