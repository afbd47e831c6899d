//! A snapshot together with the classes under which it may leave, and the root that names both (R18).

use std::ops::Deref;

use vestibule_protocol::consent::Class;
use vestibule_protocol::schema;
use vestibule_protocol::tree::Root;

use crate::outbound::snapshot::Snapshot;

/// An inventory as the portal should hold it. The root is computed once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rooted {
    snapshot: Snapshot,
    classes: Vec<Class>,
    root: Root,
}

impl Rooted {
    /// Names a snapshot; `classes` are sorted, as in a consent.
    #[must_use]
    pub fn new(snapshot: Snapshot, classes: &[Class]) -> Self {
        let root = snapshot.root(schema::VERSION, classes);
        Self { snapshot, classes: classes.to_vec(), root }
    }

    /// The name of the whole.
    #[must_use]
    pub const fn root(&self) -> Root {
        self.root
    }

    /// The name that the same records have under the classes of `other`: what a portal computes that has already been told of a new consent.
    #[must_use]
    pub fn root_as(&self, other: &Self) -> Root {
        if self.classes == other.classes {
            self.root
        } else {
            self.snapshot.root(schema::VERSION, &other.classes)
        }
    }

    /// The name that an empty inventory has under these classes.
    #[must_use]
    pub fn empty_root(&self) -> Root {
        Snapshot::default().root(schema::VERSION, &self.classes)
    }
}

impl Deref for Rooted {
    type Target = Snapshot;
    fn deref(&self) -> &Snapshot {
        &self.snapshot
    }
}
