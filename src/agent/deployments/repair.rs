//! Repairs: what is in place names things as they were called then. When the home calls them otherwise, the owner is offered the same
//! deployment with the names of today, and nothing is written before the yes.
//!
//! A repair is a row like any other from then on: planned, shown, approved by the hash of its plan, walked, undone. No portal has a part
//! in it. It is offered once for the same names: who said no, or took it back, is not asked again until something else is renamed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::{self, DeploymentId};
use vestibule_protocol::problem::Problem;

use super::plan::for_tenant;
use super::{Agent, Deployments, fresh};
use crate::agent::sync::heavy;
use crate::home::gather::Gathered;
use crate::inbound::apply::Phase;
use crate::inbound::deployment::{Received, Verified};
use crate::inbound::images;
use crate::inbound::plan::{
    Again, Choices, InPlace, Needs, Plan, again, mentions, names, needs_again, outdated, plan,
};
use crate::inbound::refusal::Refusal;
use crate::outbound::contents::Mention;
use crate::store::{DeploymentRow, DeploymentState, ItemRow, JournalChange, Repairs, StepRow};

/// Whoever renames one thing often renames the next: so long is waited before the owner is bothered.
const RENAMES: Duration = Duration::from_secs(10);
/// A repair is offered for as long as it is of use: until the year 10000.
const FOREVER: u64 = 253_402_300_799;
/// There is nothing left to put right.
const NOTHING_TO_DO: &str = "nothing_to_do";

/// What a deployment in place names.
pub(super) struct Named {
    mentions: BTreeSet<Mention>,
    /// The names for which there is nothing more to offer.
    checked: Option<Fixed<32>>,
}

impl Deployments {
    /// Something at home may have another name now.
    pub(in crate::agent) fn names_may_have_changed(&mut self) {
        self.renames_at.get_or_insert_with(|| Instant::now() + RENAMES);
    }

    /// What is in place may be another now.
    pub(super) fn rows_have_changed(&mut self) {
        self.named.values_mut().for_each(|named| named.checked = None);
        self.names_may_have_changed();
    }
}

impl Agent {
    /// Whether repairs may be offered: not while the home is being read, and not before a restore is confirmed (R6).
    pub(super) const fn may_offer(&self) -> bool {
        !self.home.stale && !self.is_held()
    }

    /// Whether it is time to look. What is known to be edited has to be known first.
    pub(super) fn renames_are_due(&self) -> bool {
        let due = self.deployments.renames_at.is_some_and(|at| at <= Instant::now());
        due && self.may_offer() && !self.deployments.look
    }

    /// Offers repairs of what names things as they are not called any more, and takes back those that are of no use.
    pub(super) async fn look_for_renames(&mut self) -> Result<(), Problem> {
        self.deployments.renames_at = None;
        let origins: Vec<DeploymentRow> =
            self.state.desk.deployments.iter().filter(|row| is_origin(row)).cloned().collect();
        self.learn(&origins).await?;
        for (origin, names) in self.names_of(origins) {
            self.look_at(&origin, names).await?;
        }
        let all = &self.state.desk.deployments;
        let of_use = |of: DeploymentId| all.iter().any(|row| row.id == of && is_origin(row));
        let useless = |row: &&DeploymentRow| {
            row.state == DeploymentState::Waiting
                && row.repairs.as_ref().is_some_and(|repairs| !of_use(repairs.of))
        };
        let useless: Vec<DeploymentRow> = all.iter().filter(useless).cloned().collect();
        for row in useless {
            self.take_back(row).await?;
        }
        Ok(())
    }

    /// Reads what those deployments name that are not known yet.
    async fn learn(&mut self, origins: &[DeploymentRow]) -> Result<(), Problem> {
        self.deployments.named.retain(|id, _| origins.iter().any(|row| row.id == *id));
        for row in origins {
            if self.deployments.named.contains_key(&row.id) {
                continue;
            }
            let Some(envelope) = self.envelope(row.id).await? else { continue };
            let Ok(deployment) = heavy(|| deployment::read(&envelope)) else { continue };
            // What came along with it is named by what it has become.
            let entities = self.steps(row.id).await?.into_iter().filter_map(|step| step.state.entity);
            let mentions = mentions(&deployment).into_iter().chain(entities.map(Mention::Id)).collect();
            let named = Named { mentions, checked: None };
            self.deployments.named.insert(row.id, named);
        }
        Ok(())
    }

    /// Those deployments that name things, with a hash of what these are called now.
    fn names_of(&self, origins: Vec<DeploymentRow>) -> Vec<(DeploymentRow, Fixed<32>)> {
        let named = &self.deployments.named;
        let naming = |row: &DeploymentRow| named.get(&row.id).filter(|named| !named.mentions.is_empty());
        let Some(keys) = self.keys.as_ref().filter(|_| origins.iter().any(|row| naming(row).is_some()))
        else {
            return Vec::new();
        };
        heavy(|| {
            self.stock.with_ids(&keys.id_key, &self.state.grants, |ids| {
                let hash = |row: DeploymentRow| {
                    let names = names(&naming(&row)?.mentions, ids);
                    Some((row, names))
                };
                origins.into_iter().filter_map(hash).collect()
            })
        })
    }

    /// Offers a repair of one deployment, brings the one that waits up to date, or takes it back.
    async fn look_at(&mut self, origin: &DeploymentRow, names: Fixed<32>) -> Result<(), Problem> {
        let checked = self.deployments.named.get(&origin.id).and_then(|named| named.checked);
        if checked == Some(names) || !self.is_allowed(origin) {
            return Ok(());
        }
        let of_origin =
            |row: &&DeploymentRow| row.repairs.as_ref().is_some_and(|repairs| repairs.of == origin.id);
        let all = &self.state.desk.deployments;
        let is_for = |row: &DeploymentRow| row.repairs.as_ref().is_some_and(|repairs| repairs.names == names);
        let pending = all.iter().filter(of_origin).find(|row| row.state.is_pending()).cloned();
        if pending.as_ref().is_some_and(|row| row.state != DeploymentState::Waiting || is_for(row)) {
            return Ok(());
        }
        let last = all
            .iter()
            .filter(of_origin)
            .rfind(|row| !row.state.is_pending() && row.state != DeploymentState::Superseded);
        let answered = last.is_some_and(|row| is_for(row) && !row.state.is_in_place());
        let items = if answered { Vec::new() } else { self.outdated(origin).await? };
        if let Some(named) = self.deployments.named.get_mut(&origin.id) {
            named.checked = Some(names);
        }
        match pending {
            None if items.is_empty() => Ok(()),
            Some(row) if items.is_empty() => self.take_back(row).await,
            Some(row) => {
                let repairs = Some(Repairs { of: origin.id, names, items });
                // The owner has been told already, and sees the new plan in the place of the old one.
                let row = DeploymentRow { repairs, plan_hash: None, code: None, ..row };
                let mut change = self.change();
                change.with(JournalChange::Plan(row.id, None));
                change.note(row);
                self.keep(change).await
            }
            None => {
                tracing::info!(
                    items = items.len(),
                    "a deployment names things as they are not called any more"
                );
                let mut change = self.change();
                change.note(self.offer(origin, Repairs { of: origin.id, names, items }));
                self.keep(change).await
            }
        }
    }

    /// Whether the owner still allows the kinds of change in it.
    fn is_allowed(&self, row: &DeploymentRow) -> bool {
        use vestibule_protocol::consent::Change;
        let changes = &self.state.grants.consent.changes;
        row.items.iter().all(|item| {
            let change = match item.kind.split('.').next() {
                Some("dashboard") => Change::Dashboards,
                Some("card") => Change::Cards,
                _ => Change::Automations,
            };
            changes.contains_key(&change)
        })
    }

    fn offer(&self, origin: &DeploymentRow, repairs: Repairs) -> DeploymentRow {
        let now = self.clock.now_ms();
        let id = DeploymentId::new(u64::try_from(now).unwrap_or_default(), fresh(self).0);
        DeploymentRow {
            id,
            state: DeploymentState::Waiting,
            code: None,
            items: items_of(origin, &repairs.items),
            not_before: 0,
            expires: FOREVER,
            received_ms: now,
            changed_ms: now,
            plan_hash: None,
            approved: None,
            asked_again: false,
            work: None,
            ended: None,
            undoable: false,
            repairs: Some(repairs),
            ..origin.clone()
        }
    }

    async fn outdated(&self, origin: &DeploymentRow) -> Result<Vec<u32>, Problem> {
        let places = self.places(origin).await?;
        let (Some(keys), Some(envelope)) = (&self.keys, self.envelope(origin.id).await?) else {
            return Ok(Vec::new());
        };
        let Ok(deployment) = deployment::read(&envelope) else { return Ok(Vec::new()) };
        Ok(heavy(|| {
            self.stock.with_ids(&keys.id_key, &self.state.grants, |ids| {
                outdated(&deployment, &places, ids, &keys.id_key)
            })
        }))
    }

    /// The places that a deployment has written and that nobody but its own repairs has written since.
    async fn places(&self, origin: &DeploymentRow) -> Result<Vec<InPlace>, Problem> {
        let mut owners: BTreeMap<String, (&DeploymentRow, StepRow)> = BTreeMap::new();
        for (id, steps) in self.in_place().await? {
            let Some(row) = self.deployment(id) else { continue };
            let ours = id == origin.id || row.repairs.as_ref().is_some_and(|repairs| repairs.of == origin.id);
            if ours {
                owners.extend(steps.into_iter().map(|step| (images::place(&step.target), (row, step))));
            }
        }
        let mut places = Vec::new();
        for step in self.steps(origin.id).await? {
            let Some((row, now)) = owners.remove(&images::place(&step.target)) else { continue };
            let item = row.items.get(now.state.item as usize);
            let thing = origin.items.get(step.state.item as usize).and_then(|item| item.thing);
            if step.state.deletes || now.state.phase != Phase::Written {
                continue;
            }
            places.push(InPlace {
                item: step.state.item,
                thing: step.state.thing.or(thing),
                target: now.target,
                before: step.before,
                now: now.after,
                edited: item.is_some_and(|item| item.drifted),
                entity: step.state.entity,
            });
        }
        Ok(places)
    }

    /// What has to be read to plan a repair; `None` for what is no repair.
    pub(super) async fn repair_needs(&self, id: DeploymentId) -> Result<Option<Needs>, Problem> {
        let Some(repairs) = self.deployment(id).and_then(|row| row.repairs.as_ref()) else { return Ok(None) };
        let Some(origin) = self.deployment(repairs.of) else { return Ok(Some(Needs::default())) };
        let mut places = self.places(origin).await?;
        places.retain(|place| repairs.items.contains(&place.item));
        Ok(Some(needs_again(&places)))
    }

    /// Everything that the plan of a repair needs has been read.
    pub(super) async fn plan_repair(
        &mut self,
        row: DeploymentRow,
        gathered: Gathered,
    ) -> Result<(), Problem> {
        let Some(repairs) = row.repairs.clone() else { return Ok(()) };
        let origin = self.deployment(repairs.of).filter(|row| is_origin(row)).cloned();
        let (Some(origin), Some(envelope)) = (origin, self.envelope(repairs.of).await?) else {
            return self.take_back(row).await;
        };
        let mut places = self.places(&origin).await?;
        places.retain(|place| repairs.items.contains(&place.item));
        let Some(verified) = self.trust().map(|trust| Received::new(envelope).verify_in_place(&trust)) else {
            return Ok(());
        };
        let planned = verified.and_then(|verified| self.repair_plan(verified, gathered, &row, &places));
        match planned {
            Err(refusal) => self.not_planned(row, &refusal).await,
            Ok(None) => {
                // Whatever is not as it was left was edited: that is found and told the usual way.
                self.deployments.look = true;
                self.take_back(row).await
            }
            Ok(Some((verified, plan, items))) => {
                let row = DeploymentRow {
                    items: items_of(&origin, &items),
                    repairs: Some(Repairs { items, ..repairs }),
                    ..row
                };
                if row.state == DeploymentState::Waiting {
                    self.show_plan(row, &verified, &plan).await
                } else {
                    self.carry_out(row, verified, plan).await
                }
            }
        }
    }

    fn repair_plan(
        &self,
        verified: Verified,
        gathered: Gathered,
        row: &DeploymentRow,
        places: &[InPlace],
    ) -> Result<Option<(Verified, Plan, Vec<u32>)>, Refusal> {
        let key = &self.keys.as_ref().ok_or_else(Refusal::not_paired)?.id_key;
        heavy(|| {
            self.stock.with_ids(key, &self.state.grants, |ids| {
                let home = for_tenant(gathered, ids);
                let Some(Again { verified, items, origins }) =
                    again(verified, row.id, places, &home, ids, key)
                else {
                    return Ok(None);
                };
                let choices = Choices { hosts: &row.hosts, known: &[], origins: &origins };
                let plan = plan(&verified, &home, ids, key, &choices)?;
                Ok((!plan.steps.is_empty()).then_some((verified, plan, items)))
            })
        })
    }

    /// There is nothing to put right any more.
    async fn take_back(&mut self, row: DeploymentRow) -> Result<(), Problem> {
        let mut change = self.change();
        change.with(JournalChange::Plan(row.id, None));
        change.note(DeploymentRow {
            state: DeploymentState::Superseded,
            code: Some(NOTHING_TO_DO.to_owned()),
            changed_ms: self.clock.now_ms(),
            ..row
        });
        self.keep(change).await
    }

    /// The deployment in place after a repair of it has ended, if the next design has to name another base for it (R16).
    pub(super) fn repaired(&self, repair: &DeploymentRow, steps: &[StepRow]) -> Option<DeploymentRow> {
        let (repairs, keys) = (repair.repairs.as_ref()?, self.keys.as_ref()?);
        let before = self.deployment(repairs.of).filter(|row| is_origin(row))?;
        let mut row = before.clone();
        for step in steps {
            let now = if repair.state.is_in_place() {
                &step.after
            } else if repair.state == DeploymentState::Undone {
                &step.before
            } else {
                return None;
            };
            let item = *repairs.items.get(step.state.item as usize)?;
            let (Some(item), Some(thing)) = (row.items.get_mut(item as usize), step.state.thing) else {
                continue;
            };
            item.base = images::base(&keys.id_key, thing, &step.target, now).or(item.base);
        }
        (row != *before).then_some(row)
    }

    /// The deployment whose document was edited, as it is told to the portal: of a repair, the one that it repairs.
    pub(super) fn drift_of(&self, edited: &DeploymentRow) -> Option<DeploymentRow> {
        let Some(repairs) = &edited.repairs else { return Some(edited.clone()) };
        let mut row = self.deployment(repairs.of)?.clone();
        for (n, item) in repairs.items.iter().zip(&edited.items) {
            if let Some(of) = row.items.get_mut(*n as usize) {
                of.code.clone_from(&item.code);
            }
        }
        Some(row)
    }
}

/// Whether a deployment is in place, and its images are there to plan it again.
fn is_origin(row: &DeploymentRow) -> bool {
    row.repairs.is_none() && row.undoable && row.state.is_in_place()
}

/// Items of a deployment as those of its repair.
fn items_of(origin: &DeploymentRow, items: &[u32]) -> Vec<ItemRow> {
    let fresh = |item: &ItemRow| ItemRow { code: None, drifted: false, ..item.clone() };
    items.iter().filter_map(|n| origin.items.get(*n as usize)).map(fresh).collect()
}
