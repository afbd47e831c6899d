//! How the page gets to know and to change things: requests to the loop, as the commands make them, and the ledger's file.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use vestibule_protocol::problem::Problem;

use super::Page;
use super::body::{Body, Pieces};
use crate::agent::offline;
use crate::control::{Answer, Reply, Request};
use crate::problem;
use crate::store::{Folder, Mark, Reader, StoreError};

impl Page {
    /// Asks, and gives every value of the answer to `each`.
    pub(super) async fn ask_each(
        &self,
        request: Request,
        mut each: impl FnMut(Box<RawValue>),
    ) -> Result<(), Problem> {
        let (reply, mut answers) = Reply::channel();
        self.requests.send((request, reply)).await.map_err(|_| problem::stopping())?;
        while let Some(answer) = answers.recv().await {
            match answer {
                Answer::Value(value) => each(value),
                Answer::Problem(problem) => return Err(problem),
            }
        }
        Ok(())
    }

    /// Asks for one value; of several the last.
    pub(super) async fn ask<T: DeserializeOwned>(&self, request: Request) -> Result<T, Problem> {
        let mut last = None;
        self.ask_each(request, |value| last = Some(value)).await?;
        offline::parse(last.ok_or_else(problem::stopping)?.get())
    }

    /// Looks into the ledger, beside the loop.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Reader, &[(u64, Mark)]) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let marks = self.marks().await?;
        let folder = self.folder.clone();
        let work = move || {
            let folder = Folder::existing(&folder)?;
            look(&Reader::open(&folder)?, &marks)
        };
        let looked = tokio::task::spawn_blocking(work).await.map_err(|_| problem::stopping())?;
        looked.map_err(|error| problem::store(&error))
    }

    /// A download that is written while it is sent. What goes wrong on the way ends it early.
    pub(super) async fn stream(
        &self,
        write: impl FnOnce(&Folder, &[(u64, Mark)], &mut Pieces) -> Result<(), Problem> + Send + 'static,
    ) -> Result<Body, Problem> {
        let marks = self.marks().await?;
        let folder = Folder::existing(&self.folder).map_err(|error| problem::store(&error))?;
        let (mut pieces, body) = Pieces::new();
        tokio::task::spawn_blocking(move || {
            match write(&folder, &marks, &mut pieces) {
                // What waits in the last piece; a browser that is gone does not want it.
                Ok(()) => drop(std::io::Write::flush(&mut pieces)),
                Err(problem) => tracing::warn!(code = %problem.code, "a download ended early"),
            }
        });
        Ok(body)
    }

    async fn marks(&self) -> Result<Vec<(u64, Mark)>, Problem> {
        let mut marks = Vec::new();
        self.ask_each(Request::Marks, |value| marks = offline::read_marks(value.get())).await?;
        Ok(marks)
    }
}
