//! Reading the journal back.

use rusqlite::{Connection, OptionalExtension as _};
use serde::de::DeserializeOwned;
use vestibule_protocol::deployment::DeploymentId;

use super::rows::{DeploymentRow, Desk, ReadRow};
use super::steps::StepRow;
use super::{READS, images, inflate};
use crate::outbound::reading::Text;
use crate::private::Private;
use crate::store::error::{AGENT_DB, StoreError, sql};
use crate::store::state;

/// All small parts.
pub(crate) fn desk(agent: &Connection) -> Result<Desk, StoreError> {
    Ok(Desk {
        trusting: state::get(agent)?.unwrap_or_default(),
        deployments: rows(agent, "SELECT json FROM deployments ORDER BY position, id")?,
        questions: rows(agent, "SELECT json FROM questions ORDER BY position, id")?,
        requests: rows(agent, "SELECT json FROM requests ORDER BY position, id")?,
    })
}

/// The steps of a deployment, in order.
pub(crate) fn steps(agent: &Connection, id: DeploymentId) -> Result<Vec<StepRow>, StoreError> {
    type Columns = (u32, String, Vec<u8>, Vec<u8>, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>);
    let read = || -> rusqlite::Result<Vec<Columns>> {
        agent
            .prepare(
                "SELECT n, json, target, before, after, beside, found FROM steps WHERE deployment = ?1 ORDER BY n",
            )?
            .query_map([id.0], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
            })?
            .collect()
    };
    let step = |(n, json, target, before, after, beside, found): Columns| {
        Ok(StepRow {
            n,
            state: parse(&json)?,
            target: images::read_target(&target)?,
            before: images::read_image(&before)?,
            after: images::read_image(&after)?,
            beside: beside.as_deref().map(text).transpose()?,
            found: found.as_deref().map(images::read_image).transpose()?,
        })
    };
    read().map_err(sql(AGENT_DB))?.into_iter().map(step).collect()
}

/// One deployment.
pub(crate) fn deployment(agent: &Connection, id: DeploymentId) -> Result<Option<DeploymentRow>, StoreError> {
    let json: Option<String> = agent
        .query_row("SELECT json FROM deployments WHERE id = ?1", [id.0], |row| row.get(0))
        .optional()
        .map_err(sql(AGENT_DB))?;
    json.map(|json| parse(&json)).transpose()
}

/// The signed bytes of a deployment.
pub(crate) fn envelope(agent: &Connection, id: DeploymentId) -> Result<Option<Vec<u8>>, StoreError> {
    blob(agent, "SELECT envelope FROM deployments WHERE id = ?1", id)?
        .map(|bytes| inflate(&bytes))
        .transpose()
}

/// What the owner is shown of a deployment's plan, as JSON.
pub(crate) fn plan(agent: &Connection, id: DeploymentId) -> Result<Option<Text>, StoreError> {
    blob(agent, "SELECT plan FROM deployments WHERE id = ?1", id)?.map(|bytes| text(&bytes)).transpose()
}

fn blob(agent: &Connection, query: &str, id: DeploymentId) -> Result<Option<Vec<u8>>, StoreError> {
    agent
        .query_row(query, [id.0], |row| row.get::<_, Option<Vec<u8>>>(0))
        .optional()
        .map(Option::flatten)
        .map_err(sql(AGENT_DB))
}

fn rows<T: DeserializeOwned>(agent: &Connection, query: &str) -> Result<Vec<T>, StoreError> {
    let read = || -> rusqlite::Result<Vec<String>> {
        agent.prepare(query)?.query_map([], |row| row.get(0))?.collect()
    };
    read().map_err(sql(AGENT_DB))?.iter().map(|json| parse(json)).collect()
}

/// Who has read what, newest first.
pub(crate) fn reads(agent: &Connection) -> Result<Vec<ReadRow>, StoreError> {
    let read = |row: &rusqlite::Row<'_>| {
        let (n, time): (i64, i64) = (row.get(0)?, row.get(1)?);
        Ok(ReadRow { n: n.cast_unsigned(), time: time.cast_unsigned(), who: row.get(2)?, what: row.get(3)? })
    };
    let mut statement = agent
        .prepare("SELECT n, time, who, what FROM reads ORDER BY n DESC LIMIT ?1")
        .map_err(sql(AGENT_DB))?;
    statement.query_map([READS], read).and_then(Iterator::collect).map_err(sql(AGENT_DB))
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|_| StoreError::BadValue { key: "journal".to_owned() })
}

fn text(bytes: &[u8]) -> Result<Text, StoreError> {
    let text =
        String::from_utf8(inflate(bytes)?).map_err(|_| StoreError::BadValue { key: "image".to_owned() })?;
    Ok(Private::new(text.into()))
}
