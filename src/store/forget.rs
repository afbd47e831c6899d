//! Forgetting: both databases go, with everything that ever lay beside them (R29).
//!
//! A marker file names what is to stay and outlives a kill; whoever opens the folder next completes the work. Files are
//! removed, not overwritten: on flash memory overwriting reaches other cells than those it means.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use super::error::{AGENT_DB, LEDGER_DB, StoreError};
use super::folder::{Folder, remove_if_there};
use super::open::{Opened, Pair, StoreOptions, open_pair};
use super::state::{self, Carried, ForgetStub, Singleton, Stays};
use crate::kill::kill_point;

const MARKER: &str = "forget.pending";

/// Decides durably that everything else is to go. From here on there is no way back.
pub(crate) fn mark(folder: &Folder, stays: &Stays) -> Result<(), StoreError> {
    let step = |error: std::io::Error| StoreError::io("marking the data folder", &error);
    let json =
        serde_json::to_vec(stays).map_err(|_| StoreError::BadValue { key: ForgetStub::KEY.to_owned() })?;
    let temporary = folder.path().join("forget.pending.new");
    remove_if_there(&temporary)?;
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary).map_err(step)?;
    file.write_all(&json).map_err(step)?;
    file.sync_all().map_err(step)?;
    fs::rename(&temporary, folder.path().join(MARKER)).map_err(step)?;
    folder.sync()?;
    kill_point("store.forget.marked");
    Ok(())
}

/// Whether a `forget` has been decided and not completed.
pub(crate) fn is_marked(folder: &Folder) -> bool {
    folder.path().join(MARKER).exists()
}

/// Removes everything, makes new databases, and puts into them what stays. May be repeated from any point. The caller has
/// closed the old databases.
pub(crate) fn complete(
    folder: &Folder,
    options: &StoreOptions,
    now: i64,
    opened: &mut Opened,
) -> Result<Pair, StoreError> {
    let text =
        fs::read(folder.path().join(MARKER)).map_err(|error| StoreError::io("reading the marker", &error))?;
    let Stays { stub, carried } =
        serde_json::from_slice(&text).map_err(|_| StoreError::BadValue { key: MARKER.to_owned() })?;
    for name in folder.names()? {
        // The databases, their logs, what was moved aside as damaged.
        if name.starts_with(AGENT_DB) || name.starts_with(LEDGER_DB) {
            remove_if_there(&folder.path().join(name))?;
        }
    }
    folder.sync()?;
    if stub.is_none() {
        folder.remove_home_secret()?;
    }
    kill_point("store.forget.removed");
    let pair = open_pair(folder, options, now, opened)?;
    if let Some(stub) = stub {
        keep::<ForgetStub>(&pair, &stub)?;
    }
    if let Some(carried) = carried {
        keep::<Carried>(&pair, &carried)?;
    }
    kill_point("store.forget.created");
    remove_if_there(&folder.path().join(MARKER))?;
    folder.sync()?;
    kill_point("store.forget.done");
    Ok(pair)
}

fn keep<T: Singleton>(pair: &Pair, value: &T) -> Result<(), StoreError> {
    let json = serde_json::to_string(value).map_err(|_| StoreError::BadValue { key: T::KEY.to_owned() })?;
    state::put_json(&pair.agent, T::KEY, Some(&json))
}
