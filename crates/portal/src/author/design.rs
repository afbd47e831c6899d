//! From what an author names on the command line to the items of a deployment.

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::{Base, CardDelete, CardPut, DashboardPut, Delete, Item, RoutinePut};
use vestibule_protocol::id::OpaqueId;
use vestibule_protocol::problem::Problem;

use super::earlier::{Bases, Place};
use crate::problem::authoring as problem;

/// One change as an author describes it, files read.
#[derive(Debug, Clone)]
pub struct Piece {
    /// What is changed.
    pub what: What,
    /// What it was designed against, if the author says so.
    pub base: Option<Base>,
}

/// What is changed.
#[derive(Debug, Clone)]
pub enum What {
    /// A dashboard comes or changes.
    Dashboard {
        /// Which.
        which: Which,
        /// How it stands in the sidebar.
        looks: Looks,
        /// Its configuration.
        content: String,
    },
    /// A card comes or changes.
    Card {
        /// The custom element.
        element: String,
        /// The ES module.
        module: String,
    },
    /// An automation comes or changes.
    Automation(Which, String),
    /// A script comes or changes.
    Script(Which, String),
    /// A dashboard, an automation or a script goes.
    Delete(OpaqueId),
    /// A card goes.
    DeleteCard(String),
}

/// Something that is there, or something new with the name that it shall have.
#[derive(Debug, Clone)]
pub enum Which {
    /// There already.
    Existing(OpaqueId),
    /// New: `url_path`, automation id or script key.
    New(String),
}

/// How a dashboard stands in the sidebar.
#[derive(Debug, Clone, Default)]
pub struct Looks {
    /// Title.
    pub title: Option<String>,
    /// Icon.
    pub icon: Option<String>,
    /// Not in the sidebar.
    pub hidden: bool,
    /// For administrators only.
    pub admin: bool,
}

impl Piece {
    /// Whether it is about something that exists, so that a base is needed.
    #[must_use]
    pub fn existing(&self, bases: &Bases) -> bool {
        let is = |place, which: &Which| match which {
            Which::Existing(_) => true,
            Which::New(name) => bases.at(place, name).is_some(),
        };
        match &self.what {
            What::Dashboard { which, .. } => is(Place::Dashboard, which),
            What::Automation(which, _) => is(Place::Automation, which),
            What::Script(which, _) => is(Place::Script, which),
            What::Delete(_) => true,
            // Snapshots say nothing of cards.
            What::Card { .. } | What::DeleteCard(_) => false,
        }
    }

    /// The item. A new dashboard without a title of its own gets `title`. What an earlier deployment has put at the same place is
    /// replaced rather than made anew.
    ///
    /// # Errors
    /// A `Problem` when nobody knows the base of something that exists.
    pub fn item(self, title: &str, bases: &Bases) -> Result<Item, Problem> {
        let given = self.base;
        let existing = |id: OpaqueId| {
            given.or_else(|| bases.of(id)).ok_or_else(|| problem::base_needed(&id.to_string()))
        };
        // What the author says is new stays new: the base was given.
        let known = |place: Place, name: &str| if given.is_some() { None } else { bases.at(place, name) };
        let none = given.unwrap_or(Base::None);
        Ok(match self.what {
            What::Dashboard { which, looks, content } => {
                let which = match which {
                    Which::New(path) => {
                        known(Place::Dashboard, &path).map_or(Which::New(path), Which::Existing)
                    }
                    Which::Existing(id) => Which::Existing(id),
                };
                let Looks { title: own, icon, hidden, admin } = looks;
                let (sidebar, admin) = (hidden.then_some(false), admin.then_some(true));
                let (dashboard, url_path, own, base) = match which {
                    Which::Existing(id) => (Some(id), None, own, existing(id)?),
                    Which::New(path) => (None, Some(path), own.or_else(|| Some(title.to_owned())), none),
                };
                let put =
                    DashboardPut { dashboard, url_path, title: own, icon, sidebar, admin, base, content };
                Item::DashboardPut(put)
            }
            What::Card { element, module } => {
                let base = given.or_else(|| bases.card(&element)).unwrap_or(Base::None);
                let hash = Fixed(*blake3::hash(module.as_bytes()).as_bytes());
                Item::CardPut(CardPut { element, module, hash, base })
            }
            What::Automation(which, content) => {
                Item::AutomationPut(routine(Place::Automation, which, content, none, known, existing)?)
            }
            What::Script(which, content) => {
                Item::ScriptPut(routine(Place::Script, which, content, none, known, existing)?)
            }
            What::Delete(id) => {
                let delete = Delete { existing: id, base: existing(id)? };
                match Place::of(id.thing) {
                    Some(Place::Dashboard) => Item::DashboardDelete(delete),
                    Some(Place::Automation) => Item::AutomationDelete(delete),
                    Some(Place::Script) => Item::ScriptDelete(delete),
                    None => return Err(problem::not_deletable()),
                }
            }
            What::DeleteCard(element) => {
                let base = given.or_else(|| bases.card(&element));
                let base = base.ok_or_else(|| problem::base_needed(&element))?;
                Item::CardDelete(CardDelete { element, base })
            }
        })
    }
}

fn routine(
    place: Place,
    which: Which,
    content: String,
    none: Base,
    known: impl Fn(Place, &str) -> Option<OpaqueId>,
    existing: impl Fn(OpaqueId) -> Result<Base, Problem>,
) -> Result<RoutinePut, Problem> {
    Ok(match which {
        Which::New(id) => match known(place, &id) {
            Some(known) => RoutinePut { existing: Some(known), id: None, base: existing(known)?, content },
            None => RoutinePut { existing: None, id: Some(id), base: none, content },
        },
        Which::Existing(id) => RoutinePut { existing: Some(id), id: None, base: existing(id)?, content },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::author::earlier::tests::{applied, bases};

    fn dashboard(path: &str) -> Piece {
        let which = Which::New(path.into());
        Piece { what: What::Dashboard { which, looks: Looks::default(), content: "{}".into() }, base: None }
    }

    #[test]
    fn what_is_new_has_no_base_and_a_title() {
        let item = dashboard("kitchen-board").item("Kitchen", &Bases::default()).unwrap();
        let Item::DashboardPut(put) = item else { panic!("{item:?}") };
        assert_eq!((put.base, put.title.as_deref()), (Base::None, Some("Kitchen")));
        assert_eq!((put.url_path.as_deref(), put.dashboard), (Some("kitchen-board"), None));
    }

    #[test]
    fn what_exists_needs_a_base_that_somebody_knows() {
        let id = "b_aaaaaaaaaaaaa".parse().unwrap();
        let delete = |base| Piece { what: What::Delete(id), base };
        assert_eq!(delete(None).item("", &Bases::default()).unwrap_err().code, "base_needed");
        let base = Base::Hash(Fixed([1; 32]));
        assert_eq!(delete(Some(base)).item("", &Bases::default()).unwrap().base(), base);
        let card = Piece { what: What::DeleteCard("acme-clock".into()), base: None };
        assert_eq!(card.item("", &Bases::default()).unwrap_err().code, "base_needed");
    }

    #[test]
    fn what_was_deployed_before_is_replaced() {
        let bases = bases(&applied());
        let item = dashboard("kitchen-board").item("Kitchen", &bases).unwrap();
        let Item::DashboardPut(put) = item else { panic!("{item:?}") };
        assert_eq!(put.dashboard, Some("b_aaaaaaaaaaaaa".parse().unwrap()));
        assert_eq!((put.base, put.url_path), (Base::Hash(Fixed([9; 32])), None));
        let card = What::Card { element: "acme-clock".into(), module: "export {}".into() };
        let item = Piece { what: card, base: None }.item("", &bases).unwrap();
        assert_eq!(item.base(), Base::Hash(Fixed([8; 32])));
    }
}
