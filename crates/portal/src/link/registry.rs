//! Who is connected: at most one link for each home; the newest replaces the one before (R5).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

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

#[derive(Default)]
struct Table(HashMap<i64, (u64, mpsc::Sender<Control>)>);

/// The links of this program.
#[derive(Default)]
pub struct Links(Mutex<Table>);

impl Links {
    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a link and tells the one that it replaces. A link that is older than the one entered hears it itself.
    pub(super) fn enter(&self, right: Right) -> mpsc::Receiver<Control> {
        let (sender, receiver) = mpsc::channel(ROOM);
        let mut table = self.table();
        match table.0.get(&right.home) {
            Some((generation, _)) if *generation > right.generation => {
                let _ = sender.try_send(Control::Replaced);
            }
            _ => {
                if let Some((_, older)) = table.0.insert(right.home, (right.generation, sender)) {
                    let _ = older.try_send(Control::Replaced);
                }
            }
        }
        receiver
    }

    /// Takes a link out, unless a newer one stands there.
    pub(super) fn leave(&self, right: Right) {
        let mut table = self.table();
        if table.0.get(&right.home).is_some_and(|(generation, _)| *generation == right.generation) {
            table.0.remove(&right.home);
        }
    }

    /// Says something to a home's link; `false` when there is none.
    pub fn tell(&self, home: i64, control: Control) -> bool {
        self.table().0.get(&home).is_some_and(|(_, link)| link.try_send(control).is_ok())
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
        assert_eq!(first.try_recv(), Ok(Control::Replaced));
        let mut second = links.enter(right(2));
        assert_eq!(second.try_recv(), Ok(Control::Replaced), "it lost the race");
        links.leave(right(1));
        assert!(links.tell(1, Control::Pull));
        assert_eq!(third.try_recv(), Ok(Control::Pull));
        links.leave(right(3));
        assert!(!links.has(1) && !links.tell(1, Control::Pull));
    }
}
