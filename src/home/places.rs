//! The places that a deployment writes, as calls at a desk: what stands there now, and how one image becomes another.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::desk::{
    DashboardChange, DeskDashboard, DeskError, DeskResource, HomeDesk, NewDashboard, Routine, RoutineEntity,
    RoutineKind as Kind, RoutineState,
};
use super::keepsake;
use crate::inbound::apply::Wrote;
use crate::inbound::card;
use crate::inbound::plan::{Image, RoutineKind, Target};
use crate::outbound::reading::Text;
use crate::private::Private;

/// Longest wait for an automation or script to be loaded.
const LOADING: Duration = Duration::from_secs(10);
/// How soon to look again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// The resource list has changed in other places than ours (R39).
const OTHERS_CHANGED: &str = "resources_changed";
/// There are contents under a record that is to go.
const CONTENTS_LEFT: &str = "edited_meanwhile";
/// An automation or script is not loaded although its file was.
const NOT_LOADED: &str = "not_loaded";
/// An automation or script got another entity id than the one by which others name it.
const OTHER_ENTITY_ID: &str = "other_entity_id";
/// Home Assistant asks for a repair of it.
const COMPLAINS: &str = "needs_repair";

/// What was found in a place.
pub struct Found {
    /// What stands there.
    pub image: Image,
    /// The place with Home Assistant's own id of the record or row, where that has become known.
    pub target: Target,
}

/// A dashboard's record as an image spells it.
#[derive(Serialize, Deserialize)]
struct Record {
    admin: bool,
    icon: Option<String>,
    sidebar: bool,
    title: String,
}

/// Looks at a place. `after` is what shall stand there: a row of the resource list that is not known by its id is known by that.
///
/// # Errors
/// What the desk says.
pub async fn look(desk: &mut impl HomeDesk, target: &Target, after: &Image) -> Result<Found, DeskError> {
    let mut target = target.clone();
    let image = match &mut target {
        Target::DashboardRecord { url_path, id } => {
            let listed = desk.dashboards().await?;
            let path: &str = url_path.reveal_to_home();
            match listed.into_iter().find(|dashboard| dashboard.url_path == path && !dashboard.yaml) {
                Some(dashboard) => {
                    *id = dashboard.id.clone().map(private);
                    Image::Present(record(&dashboard))
                }
                None => Image::Absent,
            }
        }
        Target::DashboardConfig { url_path } => present(desk.dashboard(url_path.reveal_to_home()).await?),
        Target::Resource { element, id } => match row(desk.resources().await?, element, id.as_ref(), after) {
            Some(row) => {
                *id = row.id.map(private);
                Image::Present(row.url)
            }
            None => Image::Absent,
        },
        Target::Routine { kind, id } => match desk.routine(desk_kind(*kind), id.reveal_to_home()).await? {
            Routine::Present(text) => Image::Present(text),
            Routine::Absent => Image::Absent,
            Routine::Unmanaged => return Err(DeskError::Unmanaged),
        },
    };
    Ok(Found { image, target })
}

/// The row of a card: by its id, by what shall stand in it, or by the element that it defines. A row that was made again, in undoing or
/// after Home Assistant had lost it, has another id.
fn row(rows: Vec<DeskResource>, element: &str, id: Option<&Text>, after: &Image) -> Option<DeskResource> {
    let known = |row: &DeskResource| id.is_some_and(|id| row.id.as_deref() == Some(&**id.reveal_to_home()));
    let wanted = |row: &DeskResource| matches!(after, Image::Present(url) if row.url == *url);
    let defines =
        |row: &DeskResource| card::read(row.url.reveal_to_home()).is_some_and(|card| card.element == element);
    let at = rows.iter().position(known).or_else(|| rows.iter().position(wanted));
    let at = at.or_else(|| rows.iter().position(defines))?;
    rows.into_iter().nth(at)
}

/// Brings a place to an image; `beside` goes with it (R44).
///
/// # Errors
/// [`DeskError::Trouble`] only: then nobody knows whether it happened.
pub async fn put(
    desk: &mut impl HomeDesk,
    target: &Target,
    to: &Image,
    beside: Option<&Text>,
) -> Result<Wrote, DeskError> {
    let done = match target {
        Target::DashboardRecord { url_path, id } => put_record(desk, url_path, id.as_ref(), to).await,
        Target::DashboardConfig { url_path } => match to {
            Image::Present(text) => match desk.save_dashboard(url_path.reveal_to_home(), text).await {
                Ok(saved) if saved.events > 1 => Ok(Wrote::Interleaved),
                other => other.map(|_| Wrote::Done),
            },
            Image::Absent => {
                desk.delete_dashboard_config(url_path.reveal_to_home()).await.map(|()| Wrote::Done)
            }
        },
        Target::Resource { id, .. } => put_resource(desk, id.as_ref(), to).await,
        Target::Routine { kind, id } => put_routine(desk, desk_kind(*kind), id, to, beside).await,
    };
    match done {
        Ok(wrote) => Ok(wrote),
        Err(error @ DeskError::Trouble(_)) => Err(error),
        Err(error) => Ok(Wrote::Refused(error.code())),
    }
}

async fn put_record(
    desk: &mut impl HomeDesk,
    url_path: &Text,
    id: Option<&Text>,
    to: &Image,
) -> Result<Wrote, DeskError> {
    match (to, id) {
        (Image::Absent, Some(id)) => {
            // Home Assistant deletes the contents with the record. Ours were taken away before; what is there now is somebody else's.
            if desk.dashboard(url_path.reveal_to_home()).await?.is_some() {
                return Ok(Wrote::Refused(CONTENTS_LEFT));
            }
            desk.delete_dashboard(id.reveal_to_home()).await?;
        }
        (Image::Absent, None) => return Err(DeskError::NotFound),
        (Image::Present(text), _) => {
            let record: Record =
                serde_json::from_str(text.reveal_to_home()).map_err(|_| DeskError::Refused)?;
            let change = DashboardChange {
                title: private(record.title),
                icon: record.icon.map(private),
                sidebar: record.sidebar,
                admin: record.admin,
            };
            let path: &str = url_path.reveal_to_home();
            let there = desk.dashboards().await?.into_iter().find(|dashboard| dashboard.url_path == path);
            match there.map(|dashboard| dashboard.id) {
                Some(Some(id)) => desk.update_dashboard(&id, &change).await?,
                Some(None) => return Err(DeskError::NotSupported),
                None => {
                    desk.create_dashboard(&NewDashboard { url_path: path.to_owned(), change }).await?;
                }
            }
        }
    }
    Ok(Wrote::Done)
}

/// R39: the list is read before and after, and everything but our row must be as it was.
async fn put_resource(desk: &mut impl HomeDesk, id: Option<&Text>, to: &Image) -> Result<Wrote, DeskError> {
    let before = desk.resources().await?;
    let known = id.map(|id| id.reveal_to_home().to_string());
    let known = known.filter(|known| before.iter().any(|row| row.id.as_ref() == Some(known)));
    let ours = match (to, known) {
        (Image::Present(url), Some(id)) => desk.update_resource(&id, url).await.map(|()| Some(id))?,
        (Image::Present(url), None) => Some(desk.create_resource(url).await?),
        (Image::Absent, Some(id)) => desk.delete_resource(&id).await.map(|()| Some(id))?,
        (Image::Absent, None) => None,
    };
    let others = |rows: &[DeskResource]| -> Vec<DeskResource> {
        rows.iter().filter(|row| row.id != ours).cloned().collect()
    };
    let after = desk.resources().await?;
    Ok(if others(&before) == others(&after) { Wrote::Done } else { Wrote::Refused(OTHERS_CHANGED) })
}

async fn put_routine(
    desk: &mut impl HomeDesk,
    kind: Kind,
    id: &Text,
    to: &Image,
    beside: Option<&Text>,
) -> Result<Wrote, DeskError> {
    let id: &str = id.reveal_to_home();
    match to {
        Image::Present(text) => {
            desk.put_routine(kind, id, text).await?;
            desk.reload(kind, Some(id)).await?;
            if let Some(kept) = beside.and_then(keepsake::read) {
                let entity = loaded(desk, kind, id).await?;
                if let Some(entity) = entity.filter(|entity| *entity != kept.like(entity)) {
                    desk.update_entity(&entity.entity_id, &kept.entity_id, &kept.settings).await?;
                }
            }
        }
        Image::Absent => {
            desk.delete_routine(kind, id).await?;
            desk.reload(kind, None).await?;
        }
    }
    Ok(Wrote::Done)
}

/// What is lost when a place is emptied, to be kept beside its image (R44).
///
/// # Errors
/// What the desk says.
pub async fn beside(desk: &mut impl HomeDesk, target: &Target) -> Result<Option<Text>, DeskError> {
    let Target::Routine { kind, id } = target else { return Ok(None) };
    let id: &str = id.reveal_to_home();
    let entities = desk.routine_entities(desk_kind(*kind)).await?;
    Ok(entities.iter().find(|entity| entity.unique_id == id).and_then(keepsake::write))
}

/// The registry id of an automation's or script's entity.
///
/// # Errors
/// What the desk says.
pub async fn registry_id(desk: &mut impl HomeDesk, target: &Target) -> Result<Option<String>, DeskError> {
    let Target::Routine { kind, id } = target else { return Ok(None) };
    let id: &str = id.reveal_to_home();
    let entities = desk.routine_entities(desk_kind(*kind)).await?;
    Ok(entities.into_iter().find(|entity| entity.unique_id == id).map(|entity| entity.registry_id))
}

/// Checks that what was written into a place works: an automation or script is loaded, and nothing complains. `wanted` is the entity id
/// that it has to have, because others name it.
///
/// # Errors
/// What the desk says; the inner error is a stable code.
pub async fn verify(
    desk: &mut impl HomeDesk,
    target: &Target,
    wanted: Option<&Text>,
) -> Result<Result<(), &'static str>, DeskError> {
    let Target::Routine { kind, id } = target else { return Ok(Ok(())) };
    let Some(entity) = loaded(desk, desk_kind(*kind), id.reveal_to_home()).await? else {
        return Ok(Err(NOT_LOADED));
    };
    if wanted.is_some_and(|wanted| **wanted.reveal_to_home() != *entity.entity_id) {
        return Ok(Err(OTHER_ENTITY_ID));
    }
    let issues = desk.issues().await?;
    let complains = issues.iter().any(|issue| {
        issue.strip_prefix(&*entity.entity_id).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    });
    Ok(if complains { Err(COMPLAINS) } else { Ok(()) })
}

/// The entity of an automation or script, once it has a state that says that it was understood.
async fn loaded(desk: &mut impl HomeDesk, kind: Kind, id: &str) -> Result<Option<RoutineEntity>, DeskError> {
    let deadline = Instant::now() + LOADING;
    loop {
        let entity = desk.routine_entities(kind).await?.into_iter().find(|entity| entity.unique_id == id);
        if let Some(entity) = entity {
            let states = desk.states(&[&entity.entity_id]).await?;
            if states.iter().any(|(_, state)| matches!(state, RoutineState::On | RoutineState::Off)) {
                return Ok(Some(entity));
            }
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Switches an automation on whose configuration says that it may be (R40).
///
/// # Errors
/// What the desk says; [`DeskError::NotFound`] when it is not loaded.
pub async fn switch_on(desk: &mut impl HomeDesk, id: &Text) -> Result<(), DeskError> {
    let entity = loaded(desk, Kind::Automation, id.reveal_to_home()).await?.ok_or(DeskError::NotFound)?;
    desk.turn_on(&entity.entity_id).await
}

/// Shows the owner which thing this is.
///
/// # Errors
/// What the desk says.
pub async fn identify(desk: &mut impl HomeDesk, entity_id: &Text) -> Result<(), DeskError> {
    desk.identify(entity_id.reveal_to_home()).await
}

fn record(dashboard: &DeskDashboard) -> Text {
    let text = |text: &Text| text.reveal_to_home().to_string();
    let record = Record {
        title: dashboard.title.as_ref().map(text).unwrap_or_default(),
        icon: dashboard.icon.as_ref().map(text),
        sidebar: dashboard.sidebar,
        admin: dashboard.admin,
    };
    private(serde_json::to_string(&record).unwrap_or_default())
}

fn present(text: Option<Text>) -> Image {
    text.map_or(Image::Absent, Image::Present)
}

pub(super) const fn desk_kind(kind: RoutineKind) -> Kind {
    match kind {
        RoutineKind::Automation => Kind::Automation,
        RoutineKind::Script => Kind::Script,
    }
}

pub(super) fn private(text: String) -> Text {
    Private::new(text.into_boxed_str())
}
