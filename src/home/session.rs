//! Questions and answers over one socket. While an answer is waited for, events are sorted into [`Changes`], so none is missed.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

use super::commands::{Command, EventType, Sentence};
use super::desk::RoutineKind;
use super::read::Changes;
use super::socket::Socket;
use super::wire::{Envelope, Garbled, each_message, event};
use crate::outbound::reading::HomeTrouble;

/// Longest wait for an answer. Home Assistant's loop can be blocked for long, but it must come back some day.
const PATIENCE: Duration = Duration::from_secs(180);

/// Why Home Assistant did not do what we asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// This version, or this home, has no such command.
    Unknown,
    /// Only for administrators.
    Unauthorized,
    /// What was named is not there.
    NotFound,
    /// It is there, and this cannot be done with it.
    NotSupported,
    /// Anything else.
    Other,
}

/// What a subscription is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    Event(EventType),
    ConfigEntries,
    /// Resources; whether the first event, which lists what is known, has come.
    Resources(bool),
    Triggered,
    /// Scripts that are loaded anew.
    Scripts,
    /// Dashboards' contents; events are counted by path.
    Saved,
    /// One event is wanted, and kept.
    Once,
}

/// A socket, what we are subscribed to on it, and what that has told us.
pub(super) struct Session {
    socket: Socket,
    topics: HashMap<u64, Topic>,
    /// Announced and not read yet.
    pub(super) changes: Changes,
    /// How often each dashboard's contents were announced to have been saved or deleted since [`Session::count_saves`].
    pub(super) saves: HashMap<Box<str>, u64>,
}

/// What became of the messages that nobody waits for.
enum Awaited<'a> {
    Result(Result<&'a RawValue, Refusal>),
    Event(&'a RawValue),
}

impl Session {
    pub(super) fn new(socket: Socket) -> Self {
        Self { socket, topics: HashMap::new(), changes: Changes::default(), saves: HashMap::new() }
    }

    /// Asks, and reads the answer where it lies. The inner error is Home Assistant's refusal.
    pub(super) async fn ask<T>(
        &mut self,
        command: &impl Sentence,
        mut read: impl FnMut(&RawValue) -> Result<T, Garbled>,
    ) -> Result<Result<T, Refusal>, HomeTrouble> {
        let id = self.socket.send(command).await?;
        self.answer(id, &mut read).await
    }

    async fn answer<T>(
        &mut self,
        id: u64,
        mut read: impl FnMut(&RawValue) -> Result<T, Garbled>,
    ) -> Result<Result<T, Refusal>, HomeTrouble> {
        let mut answer = None;
        let deadline = Instant::now() + PATIENCE;
        while answer.is_none() {
            self.listen(deadline, |from, awaited| {
                if let (true, Awaited::Result(result)) = (from == id && answer.is_none(), awaited) {
                    answer = Some(match result {
                        Ok(raw) => read(raw).map(Ok),
                        Err(refusal) => Ok(Err(refusal)),
                    });
                }
            })
            .await?;
        }
        match answer {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(Garbled)) | None => Err(HomeTrouble::Protocol),
        }
    }

    /// Subscribes, waits for the first event, and unsubscribes.
    pub(super) async fn ask_once<T>(
        &mut self,
        command: &Command<'_>,
        mut read: impl FnMut(&RawValue) -> Result<T, Garbled>,
    ) -> Result<Result<T, Refusal>, HomeTrouble> {
        let id = self.socket.send(command).await?;
        self.topics.insert(id, Topic::Once);
        let mut answer = None;
        let deadline = Instant::now() + PATIENCE;
        while answer.is_none() {
            self.listen(deadline, |from, awaited| {
                if from != id || answer.is_some() {
                    return;
                }
                match awaited {
                    Awaited::Event(event) => answer = Some(read(event).map(Ok)),
                    Awaited::Result(Err(refusal)) => answer = Some(Ok(Err(refusal))),
                    Awaited::Result(Ok(_)) => {}
                }
            })
            .await?;
        }
        self.topics.remove(&id);
        let answer = answer.ok_or(HomeTrouble::Protocol)?.map_err(|Garbled| HomeTrouble::Protocol)?;
        if answer.is_ok() {
            self.socket.send(&Command::Unsubscribe(id)).await?;
        }
        Ok(answer)
    }

    /// Subscribes to all of these at once and waits for all answers, in whatever order they come.
    pub(super) async fn subscribe(
        &mut self,
        commands: &[Command<'_>],
    ) -> Result<Vec<Result<(), Refusal>>, HomeTrouble> {
        let mut ids = Vec::with_capacity(commands.len());
        for command in commands {
            let id = self.socket.send(command).await?;
            ids.push(id);
            if let Some(topic) = topic(command) {
                self.topics.insert(id, topic);
            }
        }
        let mut answers = vec![None; ids.len()];
        let deadline = Instant::now() + PATIENCE;
        while answers.iter().any(Option::is_none) {
            self.listen(deadline, |from, awaited| {
                if let (Awaited::Result(result), Ok(at)) = (awaited, ids.binary_search(&from)) {
                    answers[at].get_or_insert(result.map(|_| ()));
                }
            })
            .await?;
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// Begins to count in [`Session::saves`].
    pub(super) async fn count_saves(&mut self) -> Result<Result<(), Refusal>, HomeTrouble> {
        // Known before the answer, so that no event is missed.
        let id = self.socket.send(&Command::SubscribeEvents(EventType::Lovelace)).await?;
        self.topics.insert(id, Topic::Saved);
        self.answer(id, |_| Ok(())).await
    }

    /// Takes in one frame: notes what events announce, and hands results and wanted events to `take`.
    ///
    /// # Errors
    /// [`HomeTrouble::Silent`] after the deadline, otherwise the socket's trouble. Can be dropped without losing anything.
    async fn listen(
        &mut self,
        deadline: Instant,
        take: impl FnMut(u64, Awaited<'_>),
    ) -> Result<(), HomeTrouble> {
        let frame = timeout_at(deadline, self.socket.receive()).await.map_err(|_| HomeTrouble::Silent)??;
        self.sort(&frame, take).map_err(|Garbled| HomeTrouble::Protocol)
    }

    /// Takes in one frame while nothing is waited for. Can be dropped without losing anything.
    pub(super) async fn idle(&mut self) -> Result<(), HomeTrouble> {
        let frame = self.socket.receive().await?;
        self.sort(&frame, |_, _| {}).map_err(|Garbled| HomeTrouble::Protocol)
    }

    fn sort(&mut self, frame: &str, mut take: impl FnMut(u64, Awaited<'_>)) -> Result<(), Garbled> {
        let now = Instant::now();
        each_message(frame, |message| {
            let Some(id) = message.id else { return };
            match &*message.kind {
                "result" => take(id, Awaited::Result(outcome(&message))),
                "event" => {
                    let event = message.event.unwrap_or(RawValue::NULL);
                    match self.topics.get(&id).copied() {
                        Some(Topic::Once) => take(id, Awaited::Event(event)),
                        Some(topic) if self.note(id, topic, event, now).is_ok() => {}
                        // Something happened, and we do not know to what.
                        Some(_) => self.changes.event(EventType::Entities, now),
                        // Of a subscription that we have ended.
                        None => {}
                    }
                }
                // Pongs have done their work by arriving.
                _ => {}
            }
        })
    }

    fn note(&mut self, id: u64, topic: Topic, event: &RawValue, now: Instant) -> Result<(), Garbled> {
        let changes = &mut self.changes;
        match topic {
            Topic::Event(EventType::Entities) => changes.entity(&event::entity_change(event)?, now),
            Topic::Event(EventType::Lovelace) => changes.dashboard(event::saved_dashboard(event)?, now),
            Topic::Event(kind) => changes.event(kind, now),
            Topic::ConfigEntries => {
                if event::config_entries_matter(event)? {
                    changes.loading(now);
                }
            }
            Topic::Resources(seen_before) => {
                if !event::is_first_listing(event, seen_before) {
                    changes.resources(now);
                }
                self.topics.insert(id, Topic::Resources(true));
            }
            Topic::Saved => {
                // An event without a path is about the default dashboard, which is not ours to save.
                if let Some(path) = event::saved_dashboard(event)? {
                    *self.saves.entry(path).or_default() += 1;
                }
            }
            Topic::Scripts => changes.routines(RoutineKind::Script, now),
            Topic::Triggered => changes.appeared_or_vanished(&event::triggered_entity(event)?, now),
            Topic::Once => {}
        }
        Ok(())
    }
}

fn topic(command: &Command<'_>) -> Option<Topic> {
    match command {
        Command::SubscribeEvents(kind) => Some(Topic::Event(*kind)),
        Command::SubscribeConfigEntries => Some(Topic::ConfigEntries),
        Command::SubscribeResources => Some(Topic::Resources(false)),
        Command::SubscribeAppearing | Command::SubscribeVanishing => Some(Topic::Triggered),
        Command::SubscribeScripts => Some(Topic::Scripts),
        Command::GetConfig
        | Command::CurrentUser
        | Command::Unsubscribe(_)
        | Command::ConfigEntries
        | Command::Areas
        | Command::Floors
        | Command::Labels
        | Command::Devices
        | Command::Entities
        | Command::EntityEntries(_)
        | Command::States
        | Command::SomeStates(_)
        | Command::EntitySources
        | Command::Integrations
        | Command::Dashboards
        | Command::DashboardContents(_)
        | Command::Resources
        | Command::SystemHealth
        | Command::Users
        | Command::Ping => None,
    }
}

fn outcome<'a>(message: &Envelope<'a>) -> Result<&'a RawValue, Refusal> {
    if message.success {
        return Ok(message.result.unwrap_or(RawValue::NULL));
    }
    Err(match message.error.as_ref().and_then(|error| error.code.get()) {
        Some("unknown_command") => Refusal::Unknown,
        Some("unauthorized") => Refusal::Unauthorized,
        Some("not_found" | "config_not_found") => Refusal::NotFound,
        // Dashboards answer `error` where they are kept in YAML.
        Some("not_supported" | "error") => Refusal::NotSupported,
        _ => Refusal::Other,
    })
}
