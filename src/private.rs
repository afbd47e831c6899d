//! `Private<T>`: text from the home that cannot be printed, logged, serialised or sent by accident.
//!
//! The type has no `Serialize`, no `Display`, no `Deref` and no public way to its value. Only five doors lead out, all
//! inside this crate: [`Private::reveal_to_privacy`], which `outbound::privacy` alone may call,
//! [`Private::reveal_to_home`], which `home/` may call, [`Private::reveal_to_owner`] for what the owner's own page and terminal show,
//! [`Private::reveal_to_inbound`], which `inbound/` may call to work out what a deployment would change, and
//! [`Private::reveal_to_journal`], through which images of the home's documents get into the database. The architecture test counts
//! the callers.

use std::fmt;

/// A value that came from the home and has not passed the privacy rules.
///
/// `Debug` prints `‹private›` whatever the value is. Equality and order are those of the value, so that
/// collections of private values can be compared without being looked at.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Private<T>(T);

impl<T> Private<T> {
    /// Wraps a value on its way in.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the privacy rules, which decide what of it may leave.
    pub(crate) const fn reveal_to_privacy(&self) -> &T {
        &self.0
    }

    /// The value, for the owner's own page and terminal. Nothing that a portal is told passes here.
    pub(crate) const fn reveal_to_owner(&self) -> &T {
        &self.0
    }

    /// The value, for talking back to the home it came from (it already knows it).
    pub(crate) const fn reveal_to_home(&self) -> &T {
        &self.0
    }

    /// The value, for the journal in the data folder, from which what was there before is put back.
    pub(crate) const fn reveal_to_journal(&self) -> &T {
        &self.0
    }

    /// The value, for working out what a deployment would change at home. What comes of it is private again, or a yes or no.
    pub(crate) const fn reveal_to_inbound(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹private›")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_value() {
        let nested = vec![Some(Private::new("Grandmother's room"))];
        assert_eq!(format!("{nested:?}"), "[Some(‹private›)]");
    }
}
