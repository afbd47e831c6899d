//! Telling: from what is due to what stands in Home Assistant, in the language of the home.

use std::time::Duration;

use tokio::time::Instant;
use vestibule_protocol::problem::Problem;

use super::{BRIEF_MS, Kind, Notice, Notices, Now};
use crate::agent::Agent;
use crate::home::desk::{Desk, DeskError, HomeDesk as _};
use crate::outbound::reading::HomeTrouble;
use crate::page::Place;
use crate::problem;
use crate::store::Commit;
use crate::words::Words;

/// What stands above every notice.
const TITLE: &str = "Vestibule";

/// Notices on their way.
pub(in crate::agent) struct Telling {
    notices: Vec<Notice>,
    words: Words,
    place: Option<Place>,
}

impl Telling {
    /// Carries them out. A home without notifications has none to be told by, and counts as told.
    pub(in crate::agent) async fn perform(self, desk: &mut Desk<'_>) -> Result<Vec<Notice>, HomeTrouble> {
        for notice in &self.notices {
            let done = if notice.matters.is_empty() {
                desk.dismiss(notice.kind.id()).await
            } else {
                let text = self.text(desk, notice.kind);
                desk.notify(notice.kind.id(), TITLE, &text).await
            };
            if let Err(DeskError::Trouble(trouble)) = done {
                return Err(trouble);
            }
        }
        Ok(self.notices)
    }

    /// R17: a fixed sentence, and the way to our page, where the rest stands.
    fn text(&self, desk: &Desk<'_>, kind: Kind) -> String {
        let sentence = sentence(self.words, kind);
        let link = match &self.place {
            Some(Place::App(slug)) => desk.page_of(slug),
            Some(Place::Here(address)) => format!("http://{address}/"),
            None => return sentence.to_owned(),
        };
        format!("{sentence}\n\n[{}]({link})", self.words.get("note.open"))
    }
}

fn sentence(words: Words, kind: Kind) -> &'static str {
    match kind {
        Kind::Deployments => words.get("note.deployments"),
        Kind::Questions => words.get("note.questions"),
        Kind::Edited => words.get("note.edited"),
        Kind::Stuck => words.get("note.stuck"),
        Kind::Away => words.get("note.away"),
        Kind::Cloned => words.get("note.cloned"),
        Kind::Restored => words.get("note.restored"),
    }
}

impl Agent {
    /// Follows what happens and keeps what has to outlive a restart. Called after every input.
    pub(in crate::agent) async fn follow_notices(&mut self) -> Result<(), Problem> {
        if self.portal.welcomed_since.is_some() {
            self.portal.tried_since = None;
        } else {
            self.portal.tried_since.get_or_insert_with(Instant::now);
        }
        let mut notices = self.notices.clone();
        let keep = notices.follow(&self.at_this_moment(), &self.state.notices);
        self.notices = notices;
        if keep { self.keep_notices().await } else { Ok(()) }
    }

    /// What is to be told, if anything is.
    pub(in crate::agent) fn telling(&self) -> Option<Telling> {
        let notices = self.notices.due(&self.at_this_moment());
        (!notices.is_empty()).then(|| Telling {
            notices,
            words: Words::of_home(self.stock.language()),
            place: self.deployments.place(),
        })
    }

    /// It stands in Home Assistant.
    pub(in crate::agent) async fn told(&mut self, notices: Vec<Notice>) -> Result<(), Problem> {
        self.notices.done(notices, self.clock.now_ms());
        self.keep_notices().await
    }

    async fn keep_notices(&mut self) -> Result<(), Problem> {
        let mut commit = Commit::at(self.clock.now_ms());
        if self.notices == Notices::default() {
            commit.remove::<Notices>();
        } else {
            commit.put(&self.notices).map_err(|error| problem::store(&error))?;
        }
        self.store.commit(commit).await.map_err(|error| problem::store(&error))?;
        self.state.notices.clone_from(&self.notices);
        Ok(())
    }

    /// When there may be something to tell although nothing happens.
    pub(in crate::agent) fn notices_wake_at(&self) -> Option<Instant> {
        let now = self.clock.now_ms();
        let in_ms = |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or_default());
        let due = self.notices.look_again(now).map(|at| Instant::now() + in_ms(at - now));
        let tried = self.portal.tried_since.map(|since| since + in_ms(BRIEF_MS));
        let tried = tried.filter(|at| self.state.pairing.is_some() && *at > Instant::now());
        [due, tried].into_iter().flatten().min()
    }

    fn at_this_moment(&self) -> Now<'_> {
        let trying = self.portal.tried_since.map_or(Duration::ZERO, |since| since.elapsed());
        Now {
            now_ms: self.clock.now_ms(),
            paired: self.state.pairing.is_some() && self.state.forget_stub.is_none(),
            connected: self.portal.welcomed_since.is_some(),
            in_sync: self.in_sync(),
            trying_ms: i64::try_from(trying.as_millis()).unwrap_or(i64::MAX),
            restricted: self.state.grants.consent.restricted,
            problem: self.portal.problem.as_ref(),
            restored: self.state.session.restored,
            cloned: self.state.session.cloned,
            desk: &self.state.desk,
            outbox: &self.outbox,
        }
    }
}
