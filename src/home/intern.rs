//! What repeats (domains, units, area ids, models, what lamps of one kind can do) is kept once and shared.

use std::collections::HashSet;
use std::sync::Arc;

use crate::outbound::reading::{RawCapabilities, Shared, Word};
use crate::private::Private;

/// Shared values of the reading task. It holds what the last readings held, see [`Interner::forget_unused`].
#[derive(Default)]
pub(super) struct Interner {
    texts: HashSet<Word>,
    /// Some 300 bytes each, and a home of ten thousand entities has a few hundred different ones.
    capabilities: HashSet<Arc<RawCapabilities>>,
}

impl Interner {
    /// The shared form of a text.
    pub(super) fn share(&mut self, text: &str) -> Shared {
        if let Some(known) = self.texts.get(text) {
            return Private::new(known.clone());
        }
        let new = Word::from(text);
        self.texts.insert(new.clone());
        Private::new(new)
    }

    /// The shared form of capabilities.
    pub(super) fn share_capabilities(&mut self, all: RawCapabilities) -> Arc<RawCapabilities> {
        if let Some(known) = self.capabilities.get(&all) {
            return Arc::clone(known);
        }
        let new = Arc::new(all);
        self.capabilities.insert(Arc::clone(&new));
        new
    }

    /// Lets go of what nobody else holds any more.
    pub(super) fn forget_unused(&mut self) {
        self.capabilities.retain(|all| Arc::strong_count(all) > 1);
        self.capabilities.shrink_to_fit();
        self.texts.retain(Word::is_shared);
        self.texts.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_memory_until_nobody_holds_them() {
        let mut interner = Interner::default();
        let (a, b) = (interner.share("light"), interner.share("light"));
        assert!(std::ptr::eq(&**a.reveal_to_home(), &**b.reveal_to_home()));
        drop(interner.share("°C"));
        interner.forget_unused();
        assert_eq!(interner.texts.len(), 1);
    }
}
