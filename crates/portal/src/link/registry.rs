//! Who is connected: at most one link for each home; the newest replaces the one before (R5).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, mpsc};

use crate::store::homes::Right;

/// What others tell a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// A newer link has taken over.
    Replaced,
    /// The home has been erased.
    Erased,
    /// Staff ask for the whole inventory.
    Pull,
}

/// Room for what is said to a link while it works; nothing is lost that matters if it is full, since every write is checked anyway.
const ROOM: usize = 4;

/// What a link hears from inside the portal.
pub struct Ears {
    /// Orders.
    pub controls: mpsc::Receiver<Control>,
    /// Rung when the store may hold something new for the home; rings are not counted and never lost.
    pub bell: Arc<Notify>,
}

struct Link {
    generation: u64,
    controls: mpsc::Sender<Control>,
    bell: Arc<Notify>,
}

#[derive(Default)]
struct Table(HashMap<i64, Link>);

/// The links of this program.
#[derive(Default)]
pub struct Links(Mutex<Table>);

impl Links {
    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a link and tells the one that it replaces. A link that is older than the one entered hears it itself.
    pub(super) fn enter(&self, right: Right) -> Ears {
        let (sender, controls) = mpsc::channel(ROOM);
        let bell = Arc::new(Notify::new());
        let mut table = self.table();
        match table.0.get(&right.home) {
            Some(link) if link.generation > right.generation => {
                let _ = sender.try_send(Control::Replaced);
            }
            _ => {
                let link = Link { generation: right.generation, controls: sender, bell: Arc::clone(&bell) };
                if let Some(older) = table.0.insert(right.home, link) {
                    let _ = older.controls.try_send(Control::Replaced);
                }
            }
        }
        Ears { controls, bell }
    }

    /// Takes a link out, unless a newer one stands there.
    pub(super) fn leave(&self, right: Right) {
        let mut table = self.table();
        if table.0.get(&right.home).is_some_and(|link| link.generation == right.generation) {
            table.0.remove(&right.home);
        }
    }

    /// Says something to a home's link; `false` when there is none.
    pub fn tell(&self, home: i64, control: Control) -> bool {
        self.table().0.get(&home).is_some_and(|link| link.controls.try_send(control).is_ok())
    }

    /// Lets a home's link look whether the store holds something new for it.
    pub fn ring(&self, home: i64) {
        if let Some(link) = self.table().0.get(&home) {
            link.bell.notify_one();
        }
    }

    /// Whether a home is connected.
    pub fn has(&self, home: i64) -> bool {
        self.table().0.contains_key(&home)
    }

    /// All homes that are connected.
    pub fn homes(&self) -> Vec<i64> {
        self.table().0.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r5_the_newest_link_is_the_one() {
        let links = Links::default();
        let right = |generation| Right { home: 1, generation };
        let mut first = links.enter(right(1));
        let mut third = links.enter(right(3));
        assert_eq!(first.controls.try_recv(), Ok(Control::Replaced));
        let mut second = links.enter(right(2));
        assert_eq!(second.controls.try_recv(), Ok(Control::Replaced), "it lost the race");
        links.leave(right(1));
        assert!(links.tell(1, Control::Pull));
        assert_eq!(third.controls.try_recv(), Ok(Control::Pull));
        links.leave(right(3));
        assert!(!links.has(1) && !links.tell(1, Control::Pull));
    }
}
