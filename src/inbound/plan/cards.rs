//! Steps for custom cards: one row of the resource list for each element, content-addressed (R39).

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::{Base, CardDelete, CardPut, Item};
use vestibule_protocol::id::Thing;
use vestibule_protocol::limits;

use super::make::Planner;
use super::{Image, ResourceMode, ResourceNow, Target, check};
use crate::identity::IdSource;
use crate::inbound::abilities::{self, AbilityKind};
use crate::inbound::card::{self, Installed};
use crate::inbound::json::Json;
use crate::inbound::refusal::{Disposition, Refusal};
use crate::outbound::contents::{DocumentKind, Ids};
use crate::private::Private;

impl<'a, I: Ids> Planner<'a, I> {
    /// Rows that hold a card of ours.
    pub(super) fn our_rows(&self) -> impl Iterator<Item = (&'a ResourceNow, Installed)> {
        self.home.resources.iter().filter_map(|row| Some((row, card::read(row.url.reveal_to_inbound())?)))
    }

    pub(super) fn card_put(&mut self, put: &CardPut) -> Result<(), Refusal> {
        self.take(format!("element {}", put.element))?;
        self.resources_can_be_written()?;
        if card::address(&put.module) != put.hash {
            return Err(Refusal::refused("card_hash"));
        }
        let scan = card::scan(&put.module);
        if scan.imports {
            return Err(Refusal::refused("card_imports"));
        }
        if !scan.can_define(&put.element) {
            return Err(Refusal::refused("card_undefined").about(&put.element));
        }
        let now = self.row(&put.element, put.base)?;
        let old = now.as_ref().map_or("", |(_, installed)| &*installed.module);
        self.module_bytes = self.module_bytes - old.len() + put.module.len();
        if self.module_bytes > limits::CARDS_BYTES {
            return Err(Refusal::refused("cards_too_large"));
        }
        self.able(AbilityKind::InstallsCard, put.element.as_str());
        for what in &scan.reaches {
            self.able(AbilityKind::CardReaches, what.as_str());
        }
        let size = |module: &str| module.len().div_ceil(1024);
        let words = match &now {
            None => format!("new card {}, {} kB", put.element, size(&put.module)),
            Some(_) => {
                format!("card {}: new version, {} kB (was {} kB)", put.element, size(&put.module), size(old))
            }
        };
        let diff = self.compared(&put.element).texts(vec![words], old, &put.module);
        self.differs(diff);
        let after = Image::Present(Private::new(card::url(&put.element, &put.module).into()));
        self.row_step(&put.element, now.map(|(row, _)| row), after);
        Ok(())
    }

    pub(super) fn card_delete(&mut self, delete: &CardDelete) -> Result<(), Refusal> {
        self.take(format!("element {}", delete.element))?;
        self.resources_can_be_written()?;
        let Some((row, installed)) = self.row(&delete.element, delete.base)? else {
            return Err(Refusal::new("base_changed", Disposition::Conflict));
        };
        self.module_bytes -= installed.module.len();
        self.removed.push((self.at, delete.element.clone()));
        self.able(AbilityKind::Deletes, format!("the custom card {}", delete.element));
        let words = vec![format!("card {} is removed", delete.element)];
        let diff = self.compared(&delete.element).texts(words, &installed.module, "");
        self.differs(diff);
        self.row_step(&delete.element, Some(row), Image::Absent);
        Ok(())
    }

    fn row_step(&mut self, element: &str, row: Option<&ResourceNow>, after: Image) {
        let id = row.and_then(|row| row.id.clone());
        let thing =
            id.as_ref().map(|id| self.key.opaque(Thing::Resource, IdSource::Text(id.reveal_to_inbound())));
        let before = row.map_or(Image::Absent, |row| Image::Present(row.url.clone()));
        self.step(thing, Target::Resource { element: element.to_owned(), id }, before, after);
    }

    fn resources_can_be_written(&self) -> Result<(), Refusal> {
        match self.home.resource_mode {
            ResourceMode::Storage => Ok(()),
            ResourceMode::Yaml => Err(Refusal::refused("resources_in_yaml")),
        }
    }

    /// The row of an element, if it is what the item was designed against: two rows that define one element break the frontend.
    fn row(&self, element: &str, base: Base) -> Result<Option<(&'a ResourceNow, Installed)>, Refusal> {
        let mut ours = self.our_rows().filter(|(_, installed)| installed.element == element);
        let now = ours.next();
        let foreign = self.home.resources.iter().any(|row| {
            let url: &str = row.url.reveal_to_inbound();
            card::read(url).is_none() && file_stem(url) == Some(element)
        });
        if ours.next().is_some() || foreign {
            return Err(Refusal::refused("element_taken").about(element));
        }
        let address: Option<Fixed<32>> = now.as_ref().map(|(_, installed)| card::address(&installed.module));
        let fits = match base {
            Base::None => address.is_none(),
            Base::Hash(hash) => address == Some(hash),
        };
        if fits { Ok(now) } else { Err(Refusal::new("base_changed", Disposition::Conflict)) }
    }

    /// Every custom element that a dashboard uses must be known: deployed, coming along, in use already, or by its name in the list.
    pub(super) fn custom_cards(&self, after: &Json, before: Option<&Json>) -> Result<(), Refusal> {
        let elements = |json: &Json| abilities::survey(DocumentKind::Dashboard, json).elements;
        let wanted = elements(after);
        if wanted.is_empty() {
            return Ok(());
        }
        let mut known = before.map(elements).unwrap_or_default();
        known.extend(self.deployment.items.iter().filter_map(|item| match item {
            Item::CardPut(put) => Some(put.element.clone()),
            Item::CardDelete(_)
            | Item::DashboardPut(_)
            | Item::DashboardDelete(_)
            | Item::AutomationPut(_)
            | Item::AutomationDelete(_)
            | Item::ScriptPut(_)
            | Item::ScriptDelete(_) => None,
        }));
        let used = self.home.dashboards.iter().filter_map(|dashboard| dashboard.config.as_ref());
        let used = used.chain(self.home.others.iter().map(|other| &other.text));
        let used: Vec<Json> = used.filter_map(|text| Json::parse(text.reveal_to_inbound())).collect();
        for element in wanted {
            let listed = || {
                self.home.resources.iter().any(|row| {
                    let url: &str = row.url.reveal_to_inbound();
                    match card::read(url) {
                        Some(installed) => installed.element == element,
                        None => check::may_define(url, &element),
                    }
                })
            };
            let in_use = || used.iter().any(|json| elements(json).contains(&element));
            if !(known.contains(&element) || listed() || in_use()) {
                return Err(Refusal::refused("unknown_card").about(format!("custom:{element}")));
            }
        }
        Ok(())
    }

    /// No dashboard may be left with a card that nobody defines.
    pub(super) fn cards_in_use(&self) -> Result<(), Refusal> {
        for (item, element) in &self.removed {
            let mut in_use = self.after.iter().any(|after| after.survey.elements.contains(element));
            for (_, _, text) in self.untouched() {
                let json = Json::parse(text.reveal_to_inbound());
                in_use |= json.is_some_and(|json| {
                    abilities::survey(DocumentKind::Dashboard, &json).elements.contains(element)
                });
            }
            if in_use {
                return Err(Refusal::refused("card_in_use").about(element).at(*item));
            }
        }
        Ok(())
    }
}

/// `button-card` of `/hacsfiles/button-card/button-card.js?hacstag=1`
fn file_stem(url: &str) -> Option<&str> {
    let path = url.split(['?', '#']).next()?;
    let file = path.rsplit('/').next()?;
    file.strip_suffix(".js")
}
