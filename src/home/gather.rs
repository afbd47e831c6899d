//! Reading what a plan needs to know of the home.

use std::collections::BTreeSet;

use super::desk::{DeskError, HomeDesk, ResourceMode as Mode, Routine, RoutineEntity, RoutineState as State};
use super::places::{desk_kind, private};
use crate::identity::IdKey;
use crate::inbound::plan::{
    DashboardNow, DashboardRecord, Document, HomeNow, Needs, ResourceMode, ResourceNow, RoutineKind,
    RoutineNow, RoutineState,
};
use crate::outbound::contents::DocumentKind;
use crate::outbound::privacy::ids;
use crate::outbound::reading::{RegistryId, Text};
use vestibule_protocol::id::{OpaqueId, Thing};

/// What was read.
pub struct Gathered {
    /// For the planner.
    pub home: HomeNow,
    /// The entities of the automations and scripts in it, by which can be told whether the owner has excluded them.
    pub entities: Vec<(OpaqueId, Text)>,
}

/// Reads what is needed. `key` makes the tenant's names of things.
///
/// # Errors
/// What the desk says.
pub async fn gather(desk: &mut impl HomeDesk, needs: &Needs, key: &IdKey) -> Result<Gathered, DeskError> {
    let dashboards = dashboards(desk, needs, key).await?;
    let panels = desk.panels().await?.into_iter().map(private).collect();
    let resource_mode = match desk.resource_mode().await? {
        Mode::Storage => ResourceMode::Storage,
        Mode::Yaml => ResourceMode::Yaml,
    };
    let resources = desk.resources().await?;
    let resources = resources.into_iter().map(|row| ResourceNow {
        id: row.id.map(private),
        module: row.kind == "module",
        url: row.url,
    });
    let mut gathered = Gathered {
        home: HomeNow {
            version: desk.version().to_owned(),
            dashboards,
            panels,
            resources: resources.collect(),
            resource_mode,
            routines: Vec::new(),
            others: Vec::new(),
        },
        entities: Vec::new(),
    };
    for kind in [RoutineKind::Automation, RoutineKind::Script] {
        routines(desk, needs, key, kind, &mut gathered).await?;
    }
    Ok(gathered)
}

async fn dashboards(
    desk: &mut impl HomeDesk,
    needs: &Needs,
    key: &IdKey,
) -> Result<Vec<DashboardNow>, DeskError> {
    let mut all = Vec::new();
    for listed in desk.dashboards().await? {
        let name = private(listed.id.clone().unwrap_or_else(|| listed.url_path.clone()));
        let thing = ids::named(key, Thing::Dashboard, &name);
        let wanted = needs.everything || needs.dashboards.contains(&thing);
        let config = if wanted && !listed.yaml { desk.dashboard(&listed.url_path).await? } else { None };
        all.push(DashboardNow {
            thing: Some(thing),
            id: listed.id.map(private),
            url_path: private(listed.url_path),
            yaml: listed.yaml,
            record: DashboardRecord {
                title: listed.title.unwrap_or_else(|| private(String::new())),
                icon: listed.icon,
                sidebar: listed.sidebar,
                admin: listed.admin,
            },
            config,
        });
    }
    Ok(all)
}

/// The automations or scripts that are needed.
async fn routines(
    desk: &mut impl HomeDesk,
    needs: &Needs,
    key: &IdKey,
    kind: RoutineKind,
    into: &mut Gathered,
) -> Result<(), DeskError> {
    let new: BTreeSet<&str> =
        needs.new_routines.iter().filter(|(of, _)| *of == kind).map(|(_, id)| &**id).collect();
    let letter = if kind == RoutineKind::Automation { Thing::Automation } else { Thing::Script };
    let wanted = needs.routines.iter().any(|thing| thing.thing == letter);
    if new.is_empty() && !wanted && !needs.everything {
        return Ok(());
    }
    let entities = desk.routine_entities(desk_kind(kind)).await?;
    for entity in &entities {
        let thing = ids::registered(key, letter, &RegistryId::parse(&entity.registry_id));
        let named = needs.routines.contains(&thing) || new.contains(&*entity.unique_id);
        if !named && !needs.everything {
            continue;
        }
        into.entities.push((thing, private(entity.entity_id.clone())));
        let state = routine_state(desk, kind, &entity.unique_id).await?;
        if named {
            let enabled = enabled(desk, kind, entity).await?;
            let id = private(entity.unique_id.clone());
            into.home.routines.push(RoutineNow { kind, thing: Some(thing), id, state, enabled });
        } else if let RoutineState::Present(text) = state {
            let document = match kind {
                RoutineKind::Automation => DocumentKind::Automation,
                RoutineKind::Script => DocumentKind::Script,
            };
            let name = entity.settings.name.clone().unwrap_or_else(|| private(entity.entity_id.clone()));
            into.home.others.push(Document { thing: Some(thing), kind: document, name, text });
        }
    }
    for id in new {
        if entities.iter().all(|entity| entity.unique_id != id) {
            let state = routine_state(desk, kind, id).await?;
            let id = private(id.to_owned());
            into.home.routines.push(RoutineNow { kind, thing: None, id, state, enabled: None });
        }
    }
    Ok(())
}

async fn routine_state(
    desk: &mut impl HomeDesk,
    kind: RoutineKind,
    id: &str,
) -> Result<RoutineState, DeskError> {
    match desk.routine(desk_kind(kind), id).await {
        Ok(Routine::Present(text)) => Ok(RoutineState::Present(text)),
        Ok(Routine::Absent) | Err(DeskError::NotFound | DeskError::Forbidden) => Ok(RoutineState::Absent),
        Ok(Routine::Unmanaged) | Err(DeskError::Unmanaged | DeskError::NotSupported) => {
            Ok(RoutineState::Unmanaged)
        }
        Err(error) => Err(error),
    }
}

async fn enabled(
    desk: &mut impl HomeDesk,
    kind: RoutineKind,
    entity: &RoutineEntity,
) -> Result<Option<bool>, DeskError> {
    if kind == RoutineKind::Script {
        return Ok(None);
    }
    let states = desk.states(&[&entity.entity_id]).await?;
    Ok(states.first().and_then(|(_, state)| match state {
        State::On => Some(true),
        State::Off => Some(false),
        State::Unavailable | State::Other => None,
    }))
}
