//! An entity as it is kept: as it was read, less a box of its own for the state class that every other sensor has.

use std::ops::Deref;

use crate::outbound::privacy;
use crate::outbound::reading::{RawCapabilities, RawEntity};

/// One entity. The state class, a word of a list of four, takes a byte instead of the 130 of a box with nothing else in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::outbound) struct Kept {
    raw: RawEntity,
    state_class: u8,
}

impl Kept {
    pub(super) fn new(mut raw: RawEntity) -> Self {
        let mut state_class = 0;
        if let Some(capabilities) = &mut raw.capabilities {
            state_class =
                capabilities.state_class.take().map_or(0, |class| privacy::state_class_place(&class));
            if **capabilities == RawCapabilities::default() {
                raw.capabilities = None;
            }
        }
        Self { raw, state_class }
    }

    /// The state class, if it is one of Home Assistant's.
    pub(in crate::outbound) fn state_class(&self) -> Option<&'static str> {
        privacy::state_class_at(self.state_class)
    }
}

impl Deref for Kept {
    type Target = RawEntity;
    fn deref(&self) -> &RawEntity {
        &self.raw
    }
}
