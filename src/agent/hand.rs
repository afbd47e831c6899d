//! How a command gets something done: by the daemon, or, where there is none, by an agent of its own for as long as it takes.

use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot};
use vestibule_protocol::problem::Problem;

use super::{Agent, Scope, offline};
use crate::control::{Answer, Asked, Hands, Reply, Request, find};
use crate::problem;
use crate::settings::Settings;
use crate::store::Folder;

/// Something that answers requests.
pub enum Hand {
    /// The daemon.
    Daemon(crate::control::Daemon),
    /// An agent inside this command.
    Own {
        /// Where it takes requests.
        requests: mpsc::Sender<Asked>,
        /// Ends it.
        stop: oneshot::Sender<()>,
        /// The agent.
        task: tokio::task::JoinHandle<Result<(), Problem>>,
    },
}

impl Hand {
    /// Finds the daemon or starts an agent; `home` says whether that agent needs to read the home.
    ///
    /// # Errors
    /// What the data folder or the settings say.
    pub async fn take(settings: &Settings, home: bool) -> Result<Self, Problem> {
        let folder = Folder::create(&settings.data_dir).map_err(|error| problem::store(&error))?;
        let lock = match find(&folder).await? {
            Hands::Daemon(daemon) => return Ok(Self::Daemon(daemon)),
            Hands::Own(lock) => lock,
        };
        let scope = if home { Scope::Pairing } else { Scope::Change };
        let agent = Agent::open(settings, folder, lock, scope).await?;
        let requests = agent.requests();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(agent.run(async move {
            let _ = stopped.await;
        }));
        Ok(Self::Own { requests, stop, task })
    }

    /// Asks, and gives every value of the answer to `each`, as JSON text.
    ///
    /// # Errors
    /// The problem that ended the answer.
    pub async fn each(&self, request: &Request, mut each: impl FnMut(&str)) -> Result<(), Problem> {
        match self {
            Self::Daemon(daemon) => daemon.ask(request, each).await,
            Self::Own { requests, .. } => {
                let (reply, mut answers) = Reply::channel();
                requests.send((request.clone(), reply)).await.map_err(|_| problem::stopping())?;
                while let Some(answer) = answers.recv().await {
                    match answer {
                        Answer::Value(value) => each(value.get()),
                        Answer::Problem(problem) => return Err(problem),
                    }
                }
                Ok(())
            }
        }
    }

    /// Asks for one value.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub async fn one<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Problem> {
        let mut answer = None;
        self.each(request, |value| answer = Some(value.to_owned())).await?;
        offline::parse(&answer.ok_or_else(problem::daemon_gone)?)
    }

    /// Ends an agent of one's own, after it has written everything down.
    pub async fn put_back(self) {
        if let Self::Own { stop, task, .. } = self {
            let _ = stop.send(());
            let _ = task.await;
        }
    }
}
