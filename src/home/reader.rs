//! Reading what the plan names: one list at a time, each frame dropped before the next is asked for.

use std::collections::{BTreeSet, HashSet};

use serde_json::value::RawValue;
use vestibule_protocol::limits;

use super::address::Endpoint;
use super::commands::Command;
use super::intern::Interner;
use super::read::{BATCH, Contents, Entities, Plan};
use super::rest::Rest;
use super::routines::{self, is_routine};
use super::session::{Refusal, Session};
use super::wire::{Garbled, entity, lists, text};
use super::wishes::Wishes;
use crate::net::Dial;
use crate::outbound::reading::{
    HomeTrouble, RawConfig, RawContents, RawDashboard, RawDocument, RawEntity, Reading, Shared, Text,
};

/// So many entity ids in a batch may be refused one by one. None is expected: Home Assistant does not let an entity have such an id.
const MAX_STRANGE: usize = 8;

/// What the reading task keeps between readings, and across connections.
#[derive(Default)]
pub(super) struct Keeper {
    pub(super) interner: Interner,
    config_entries: lists::EntryDomains,
    /// Dashboards in storage mode: record ids and paths.
    boards: Vec<(Shared, Text)>,
    /// Automations, scripts and scenes were read since they are wished for.
    routines_read: bool,
    /// Home Assistant's version when it was asked, and the answer. Asking makes it look up things on the internet, so we ask once.
    installation_type: Option<(String, Option<String>)>,
}

/// Reads the configuration; the trouble if lists cannot be believed at the moment.
pub(super) async fn config(session: &mut Session, keeper: &mut Keeper) -> Result<RawConfig, HomeTrouble> {
    let interner = &mut keeper.interner;
    session
        .ask(&Command::GetConfig, |raw| lists::config(raw, interner))
        .await?
        .map_err(|_| HomeTrouble::Protocol)?
}

/// Where else a reading goes, and how far.
#[derive(Clone, Copy)]
pub(super) struct Reach<'a> {
    pub(super) wishes: &'a Wishes,
    pub(super) dial: &'a dyn Dial,
    pub(super) endpoint: &'a Endpoint,
}

/// Reads what the plan names.
pub(super) async fn read(
    session: &mut Session,
    keeper: &mut Keeper,
    plan: &Plan,
    reach: Reach<'_>,
) -> Result<Vec<Reading>, HomeTrouble> {
    let mut readings = Vec::new();
    if plan.entities == Entities::All {
        keeper.interner.forget_unused();
    }
    if plan.areas {
        readings.push(Reading::Areas(list(session, keeper, &Command::Areas, lists::areas).await?));
    }
    if plan.floors {
        let floors = optional_list(session, keeper, &Command::Floors, lists::floors).await?;
        readings.push(Reading::Floors(floors));
    }
    if plan.labels {
        let labels = optional_list(session, keeper, &Command::Labels, lists::labels).await?;
        readings.push(Reading::Labels(labels));
    }
    if plan.devices {
        readings.push(Reading::Devices(devices(session, keeper).await?));
    }
    match &plan.entities {
        Entities::All => readings.push(Reading::Entities(all_entities(session, keeper).await?)),
        Entities::Some(ids) if ids.is_empty() => {}
        Entities::Some(ids) => {
            let ids: Vec<(&str, bool)> = ids.iter().map(|(id, removed)| (&**id, *removed)).collect();
            readings.push(some_entities(session, keeper, &ids).await?);
        }
    }
    readings.extend(routines(session, keeper, plan, reach, readings.last()).await?);
    if plan.integrations {
        let integrations = list(session, keeper, &Command::Integrations, lists::integrations).await?;
        readings.push(Reading::Integrations(integrations));
    }
    if plan.dashboards {
        let dashboards = optional_list(session, keeper, &Command::Dashboards, lists::dashboards).await?;
        keeper.boards = boards(&dashboards);
        readings.push(Reading::Dashboards(dashboards));
        let resources = optional_list(session, keeper, &Command::Resources, lists::resources).await?;
        readings.push(Reading::Resources(resources));
    }
    if reach.wishes.dashboards() {
        readings.extend(contents(session, keeper, &plan.contents).await?);
    }
    if plan.config || plan.entities == Entities::All {
        // Last, so that lists read while Home Assistant was going down are thrown away.
        let mut config = config(session, keeper).await?;
        config.installation_type = installation_type(session, keeper, &config.version).await?;
        readings.push(Reading::Config(config));
    }
    Ok(readings)
}

/// R11: a dashboard in YAML mode comes with its secrets filled in, so its contents are not even asked for.
fn boards(dashboards: &[RawDashboard]) -> Vec<(Shared, Text)> {
    let stored = dashboards.iter().filter(|dashboard| !dashboard.yaml);
    stored.filter_map(|dashboard| Some((dashboard.id.clone(), dashboard.url_path.clone()?))).collect()
}

/// Contents of dashboards, one at a time; `None` if the plan names none.
async fn contents(
    session: &mut Session,
    keeper: &Keeper,
    which: &Contents,
) -> Result<Option<Reading>, HomeTrouble> {
    let mut read = Vec::new();
    for (id, path) in &keeper.boards {
        let path = path.reveal_to_home();
        if matches!(which, Contents::Some(paths) if !paths.contains(path)) {
            continue;
        }
        let answer = session
            .ask(&Command::DashboardContents(path), |raw| {
                let small = raw.get().len() <= limits::CONTENT_BYTES;
                Ok(if small { RawDocument::Text(text(raw.get())) } else { RawDocument::TooLarge })
            })
            .await?;
        // Nothing was saved yet, or it is gone again; the list says which.
        read.push(RawContents { id: id.clone(), document: answer.unwrap_or(RawDocument::Absent) });
    }
    Ok(match which {
        Contents::All => Some(Reading::Contents(read)),
        Contents::Some(_) if read.is_empty() => None,
        Contents::Some(_) => Some(Reading::SomeContents(read)),
    })
}

/// Automations, scripts and scenes, if they are wished for: all, or those among the entities that changed.
async fn routines(
    session: &mut Session,
    keeper: &mut Keeper,
    plan: &Plan,
    reach: Reach<'_>,
    entities: Option<&Reading>,
) -> Result<Option<Reading>, HomeTrouble> {
    if !reach.wishes.routines() {
        keeper.routines_read = false;
        return Ok(None);
    }
    let mut rest = Rest::new(reach.dial, reach.endpoint);
    match (&plan.entities, entities) {
        (Entities::All, Some(Reading::Entities(all))) if !(plan.routines_known && keeper.routines_read) => {
            let ids = all
                .iter()
                .filter(|entity| entity.id.is_some())
                .map(|entity| &**entity.entity_id.reveal_to_home());
            let ids: Vec<&str> = ids.filter(|id| is_routine(id)).collect();
            let all = routines::read(session, &mut rest, &ids).await?;
            keeper.routines_read = true;
            Ok(Some(Reading::Routines(all)))
        }
        (entities, _) => {
            let mut ids: BTreeSet<Box<str>> = match entities {
                Entities::Some(changed) => changed.keys().filter(|id| is_routine(id)).cloned().collect(),
                Entities::All => BTreeSet::new(),
            };
            if !plan.routines.is_empty() {
                let listed = session.ask(&Command::Entities, entity::registered_ids).await?;
                let (listed, _) = listed.map_err(|_| HomeTrouble::Protocol)?;
                let anew = |id: &str| {
                    id.split_once('.')
                        .is_some_and(|(domain, _)| plan.routines.iter().any(|kind| kind.domain() == domain))
                };
                ids.extend(listed.into_iter().filter(|id| anew(id)));
            }
            let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
            let some = routines::read(session, &mut rest, &ids).await?;
            Ok((!some.is_empty()).then_some(Reading::SomeRoutines(some)))
        }
    }
}

/// A list that every home has.
async fn list<T>(
    session: &mut Session,
    keeper: &mut Keeper,
    command: &Command<'_>,
    convert: impl Fn(&RawValue, &mut Interner) -> Result<lists::Counted<T>, Garbled>,
) -> Result<Vec<T>, HomeTrouble> {
    let answer = session.ask(command, |raw| convert(raw, &mut keeper.interner)).await?;
    let (all, skipped) = answer.map_err(|_| HomeTrouble::Protocol)?;
    report_skipped(command.wire_name(), skipped);
    Ok(all)
}

/// A list that some versions, or homes without dashboards, do not have.
async fn optional_list<T>(
    session: &mut Session,
    keeper: &mut Keeper,
    command: &Command<'_>,
    convert: impl Fn(&RawValue, &mut Interner) -> Result<lists::Counted<T>, Garbled>,
) -> Result<Vec<T>, HomeTrouble> {
    let (all, skipped) = match session.ask(command, |raw| convert(raw, &mut keeper.interner)).await? {
        Ok(answer) => answer,
        Err(Refusal::Unknown) => return Ok(Vec::new()),
        Err(_) => return Err(HomeTrouble::Protocol),
    };
    report_skipped(command.wire_name(), skipped);
    Ok(all)
}

async fn devices(
    session: &mut Session,
    keeper: &mut Keeper,
) -> Result<Vec<crate::outbound::reading::RawDevice>, HomeTrouble> {
    let interner = &mut keeper.interner;
    let answer = session.ask(&Command::ConfigEntries, |raw| lists::config_entries(raw, interner)).await?;
    let (entries, skipped) = answer.map_err(|_| HomeTrouble::Protocol)?;
    report_skipped(Command::ConfigEntries.wire_name(), skipped);
    keeper.config_entries = entries;
    let (entries, interner) = (&keeper.config_entries, &mut keeper.interner);
    let answer = session.ask(&Command::Devices, |raw| lists::devices(raw, entries, interner)).await?;
    let (devices, skipped) = answer.map_err(|_| HomeTrouble::Protocol)?;
    report_skipped(Command::Devices.wire_name(), skipped);
    Ok(devices)
}

/// All entities. Of the registry's list only the ids are kept: the extended entries hold everything, a thousand at a time.
async fn all_entities(session: &mut Session, keeper: &mut Keeper) -> Result<Vec<RawEntity>, HomeTrouble> {
    let answer = session.ask(&Command::Entities, entity::registered_ids).await?;
    let (ids, mut skipped) = answer.map_err(|_| HomeTrouble::Protocol)?;
    let mut entities = Vec::with_capacity(ids.len());
    for batch in ids.chunks(BATCH) {
        let batch: Vec<&str> = batch.iter().map(|id| &**id).collect();
        skipped += entries(session, keeper, &batch, &mut entities).await?;
    }
    report_skipped(Command::Entities.wire_name(), skipped);
    sort(&mut entities);
    // In the registry, but without an entry that we could read: their states must not make them look unregistered.
    let unread: HashSet<Box<str>> = ids.into_iter().filter(|id| find(&entities, id).is_none()).collect();

    let mut unregistered = Vec::new();
    let interner = &mut keeper.interner;
    let answer = session
        .ask(&Command::States, |raw| {
            entity::states(raw, |id, nature| match find(&entities, id) {
                Some(at) => nature.complete(&mut entities[at], interner),
                None if unread.contains(id) => {}
                None => unregistered.push(nature.unregistered(id, interner)),
            })
        })
        .await?;
    report_skipped(Command::States.wire_name(), answer.map_err(|_| HomeTrouble::Protocol)?);
    if !unregistered.is_empty() {
        sort(&mut unregistered);
        claim(session, keeper, &mut unregistered).await?;
        // Not twice the room, which growing would take.
        entities.reserve_exact(unregistered.len());
        entities.append(&mut unregistered);
        sort(&mut entities);
    }
    Ok(entities)
}

/// A few entities, some of which may be gone.
async fn some_entities(
    session: &mut Session,
    keeper: &mut Keeper,
    ids: &[(&str, bool)],
) -> Result<Reading, HomeTrouble> {
    let mut now = Vec::with_capacity(ids.len());
    let wanted: Vec<&str> = ids.iter().map(|(id, _)| *id).collect();
    let skipped = entries(session, keeper, &wanted, &mut now).await?;
    report_skipped(Command::EntityEntries(&[]).wire_name(), skipped);
    sort(&mut now);

    let mut unregistered = Vec::new();
    let interner = &mut keeper.interner;
    let answer = session
        .ask_once(&Command::SomeStates(&wanted), |event| {
            entity::compressed_states(event, |id, nature| {
                if let Some(at) = find(&now, id) {
                    nature.complete(&mut now[at], interner);
                } else if ids.contains(&(id, false)) {
                    // What the registry has just removed may have a state for a moment longer.
                    unregistered.push(nature.unregistered(id, interner));
                }
            })
        })
        .await?;
    report_skipped(Command::SomeStates(&[]).wire_name(), answer.map_err(|_| HomeTrouble::Protocol)?);
    if !unregistered.is_empty() {
        sort(&mut unregistered);
        claim(session, keeper, &mut unregistered).await?;
        now.append(&mut unregistered);
        sort(&mut now);
    }
    let gone = wanted.iter().filter(|id| find(&now, id).is_none()).map(|id| text(id)).collect();
    Ok(Reading::SomeEntities { now, gone })
}

/// Extended entries of these ids. If Home Assistant refuses the request because of one strange id, the rest is still read.
async fn entries(
    session: &mut Session,
    keeper: &mut Keeper,
    ids: &[&str],
    entities: &mut Vec<RawEntity>,
) -> Result<usize, HomeTrouble> {
    let (mut skipped, mut strange) = (0, 0);
    let mut parts = vec![ids];
    while let Some(part) = parts.pop() {
        let interner = &mut keeper.interner;
        let answer = session
            .ask(&Command::EntityEntries(part), |raw| {
                entity::entries(raw, interner, |entity| entities.push(entity))
            })
            .await?;
        match answer {
            Ok(broken) => skipped += broken,
            Err(Refusal::Other | Refusal::NotFound | Refusal::NotSupported) if part.len() > 1 => {
                let (left, right) = part.split_at(part.len() / 2);
                parts.extend([right, left]);
            }
            Err(Refusal::Other | Refusal::NotFound | Refusal::NotSupported)
                if strange + 1 < ids.len().min(MAX_STRANGE) =>
            {
                strange += 1
            }
            // More of them are no odd entities but a home that answers nothing: not the same as a home that has nothing.
            Err(_) => return Err(HomeTrouble::Protocol),
        }
    }
    Ok(skipped + strange)
}

/// Fills in which integration provides these unregistered entities (sorted by id).
async fn claim(
    session: &mut Session,
    keeper: &mut Keeper,
    unregistered: &mut [RawEntity],
) -> Result<(), HomeTrouble> {
    let interner = &mut keeper.interner;
    let answer = session
        .ask(&Command::EntitySources, |raw| {
            entity::sources(raw, |id, domain| {
                if let Some(at) = find(unregistered, id) {
                    unregistered[at].integration = Some(interner.share(domain));
                }
            })
        })
        .await?;
    match answer {
        Ok(skipped) => report_skipped(Command::EntitySources.wire_name(), skipped),
        Err(Refusal::Unknown) => {}
        Err(_) => return Err(HomeTrouble::Protocol),
    }
    Ok(())
}

async fn installation_type(
    session: &mut Session,
    keeper: &mut Keeper,
    version: &str,
) -> Result<Option<crate::outbound::reading::Shared>, HomeTrouble> {
    let known = keeper.installation_type.as_ref().filter(|(of, _)| of == version);
    let kind = if let Some((_, kind)) = known {
        kind.clone()
    } else {
        // Refused or unknown: a home without the system health integration. It stays unknown until the next version.
        let kind = session.ask_once(&Command::SystemHealth, super::wire::event::installation_type).await?;
        let kind = kind.unwrap_or(None);
        keeper.installation_type = Some((version.to_owned(), kind.clone()));
        kind
    };
    Ok(kind.map(|kind| keeper.interner.share(&kind)))
}

fn sort(entities: &mut [RawEntity]) {
    entities.sort_unstable_by(|a, b| a.entity_id.cmp(&b.entity_id));
}

fn find(sorted: &[RawEntity], id: &str) -> Option<usize> {
    sorted.binary_search_by(|entity| (**entity.entity_id.reveal_to_home()).cmp(id)).ok()
}

fn report_skipped(command: &'static str, skipped: usize) {
    if skipped > 0 {
        tracing::warn!(
            command,
            skipped,
            "Home Assistant sent entries that make no sense; they were left out"
        );
    }
}
