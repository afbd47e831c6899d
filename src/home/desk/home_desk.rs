//! What can be done at a desk, so that tests and simulations can bring their own.

use std::future::Future;

use super::{
    DashboardChange, DeskDashboard, DeskError, DeskResource, EntitySettings, NewDashboard, ResourceMode,
    Routine, RoutineEntity, RoutineKind, RoutineState, Saved,
};
use crate::outbound::reading::Text;

/// Everything that is ever written to a home, and the readings that go with it. Each call is one step: nothing is tried again.
///
/// All of them fail with [`DeskError::Trouble`] when the connection is lost, after which this desk is of no more use, and most of them with
/// [`DeskError::Unauthorized`] when the token belongs to no administrator.
pub trait HomeDesk: Send {
    /// Home Assistant's version, such as `2026.11.0`.
    fn version(&self) -> &str;

    /// All dashboards but the nameless default one.
    fn dashboards(&mut self) -> impl Future<Output = Result<Vec<DeskDashboard>, DeskError>> + Send;

    /// Every path that a panel has taken, sorted.
    fn panels(&mut self) -> impl Future<Output = Result<Vec<String>, DeskError>> + Send;

    /// A dashboard's contents, exactly as Home Assistant spells them; `None` where there is no such dashboard, or one without contents.
    fn dashboard(&mut self, url_path: &str) -> impl Future<Output = Result<Option<Text>, DeskError>> + Send;

    /// Replaces a dashboard's contents. Home Assistant looks at nothing in them.
    ///
    /// [`DeskError::NotFound`] where no such dashboard is listed, [`DeskError::NotSupported`] where it is kept in YAML,
    /// [`DeskError::Forbidden`] for `lovelace`, [`DeskError::Refused`] for what is no JSON object, [`DeskError::TooLarge`].
    fn save_dashboard(
        &mut self,
        url_path: &str,
        config: &Text,
    ) -> impl Future<Output = Result<Saved, DeskError>> + Send;

    /// Makes a dashboard without contents; gives the id of its record.
    ///
    /// [`DeskError::Forbidden`] for a path that is none of ours, [`DeskError::Refused`] for one that is taken.
    fn create_dashboard(
        &mut self,
        record: &NewDashboard,
    ) -> impl Future<Output = Result<String, DeskError>> + Send;

    /// Changes a dashboard's record. [`DeskError::NotFound`], or [`DeskError::Forbidden`] for `lovelace`.
    fn update_dashboard(
        &mut self,
        id: &str,
        record: &DashboardChange,
    ) -> impl Future<Output = Result<(), DeskError>> + Send;

    /// Deletes a dashboard, contents included. [`DeskError::NotFound`], or [`DeskError::Forbidden`] for `lovelace`.
    fn delete_dashboard(&mut self, id: &str) -> impl Future<Output = Result<(), DeskError>> + Send;

    /// Takes a dashboard's contents away, as if none had ever been saved. Errors as [`Self::save_dashboard`].
    fn delete_dashboard_config(
        &mut self,
        url_path: &str,
    ) -> impl Future<Output = Result<(), DeskError>> + Send;

    /// Begins to count saves, which [`Saved`] reports. It has begun already where the desk was opened on a connection.
    fn watch_dashboards(&mut self) -> impl Future<Output = Result<(), DeskError>> + Send;

    /// All dashboard resources. Must be asked for before the first one is written.
    fn resources(&mut self) -> impl Future<Output = Result<Vec<DeskResource>, DeskError>> + Send;

    /// How resources are kept.
    fn resource_mode(&mut self) -> impl Future<Output = Result<ResourceMode, DeskError>> + Send;

    /// Adds a module; gives its id. [`DeskError::Unlisted`], [`DeskError::TooLarge`], [`DeskError::UnknownCommand`] in YAML mode.
    fn create_resource(&mut self, url: &Text) -> impl Future<Output = Result<String, DeskError>> + Send;

    /// Loads a module from elsewhere. [`DeskError::NotFound`], and as [`Self::create_resource`].
    fn update_resource(&mut self, id: &str, url: &Text)
    -> impl Future<Output = Result<(), DeskError>> + Send;

    /// Removes a resource. Errors as [`Self::update_resource`].
    fn delete_resource(&mut self, id: &str) -> impl Future<Output = Result<(), DeskError>> + Send;

    /// A document, exactly as Home Assistant spells it.
    fn routine(
        &mut self,
        kind: RoutineKind,
        id: &str,
    ) -> impl Future<Output = Result<Routine, DeskError>> + Send;

    /// Creates or replaces a document. It is in its file then, and not yet loaded. [`DeskError::Refused`], [`DeskError::Unmanaged`],
    /// [`DeskError::NotSupported`], [`DeskError::Forbidden`].
    fn put_routine(
        &mut self,
        kind: RoutineKind,
        id: &str,
        config: &Text,
    ) -> impl Future<Output = Result<(), DeskError>> + Send;

    /// Deletes a document, and with it the registry entry of its entity. [`DeskError::NotFound`], and as [`Self::put_routine`].
    fn delete_routine(
        &mut self,
        kind: RoutineKind,
        id: &str,
    ) -> impl Future<Output = Result<(), DeskError>> + Send;

    /// Loads a file again, or one automation of it where Home Assistant can; what the file says is loaded when this returns.
    fn reload(
        &mut self,
        kind: RoutineKind,
        id: Option<&str>,
    ) -> impl Future<Output = Result<(), DeskError>> + Send;

    /// Registry entries of this kind's entities, in Home Assistant's order.
    fn routine_entities(
        &mut self,
        kind: RoutineKind,
    ) -> impl Future<Output = Result<Vec<RoutineEntity>, DeskError>> + Send;

    /// States of these automations and scripts, those that have one. [`DeskError::Forbidden`] for any other entity.
    fn states(
        &mut self,
        entity_ids: &[&str],
    ) -> impl Future<Output = Result<Vec<(String, RoutineState)>, DeskError>> + Send;

    /// When the state was written that has stood longest, in Unix milliseconds by the home's clock; `None` where none says. No state
    /// outlives Home Assistant, so it has not started since.
    fn oldest_state(&mut self) -> impl Future<Output = Result<Option<i64>, DeskError>> + Send;

    /// Ids of the repairs that Home Assistant asks for about automations and scripts. They begin with the entity id.
    fn issues(&mut self) -> impl Future<Output = Result<Vec<String>, DeskError>> + Send;

    /// Puts back what an owner had set about an automation's, script's or scene's entity, its entity id included.
    ///
    /// [`DeskError::NotFound`], [`DeskError::Refused`] when the entity id is taken, [`DeskError::Forbidden`] for any other entity.
    fn update_entity(
        &mut self,
        entity_id: &str,
        wanted_id: &str,
        settings: &EntitySettings,
    ) -> impl Future<Output = Result<(), DeskError>> + Send;

    /// Enables an automation. [`DeskError::Forbidden`] for any other entity.
    fn turn_on(&mut self, entity_id: &str) -> impl Future<Output = Result<(), DeskError>> + Send;

    /// Tells the owner something in Home Assistant: fixed local sentences only. The same id replaces what was told before.
    fn notify(
        &mut self,
        id: &str,
        title: &str,
        message: &str,
    ) -> impl Future<Output = Result<(), DeskError>> + Send;

    /// Takes a notification away; one that is not there is away already.
    fn dismiss(&mut self, id: &str) -> impl Future<Output = Result<(), DeskError>> + Send;

    /// Shows the owner which thing this is: a lamp is switched over and back, an identify button pressed.
    ///
    /// [`DeskError::NotSupported`] for everything else: who asks which lock this is does not want it opened.
    fn identify(&mut self, entity_id: &str) -> impl Future<Output = Result<(), DeskError>> + Send;
}
