//! From what the home says to what the portal holds: take stock, compare, send.

use std::sync::Arc;

use tokio::time::Instant;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::{Class, Consent};
use vestibule_protocol::message::{
    FromPortal, Hello, HelloBody, Refusal, RefusalCode, Want, Welcome, device_signature,
};
use vestibule_protocol::problem::Problem;
use vestibule_protocol::{limits, schema};

use super::{Agent, LAZY_FLUSH, Stock};
use crate::kill::kill_point;
use crate::outbound::reading::{HomeEvent, Reading};
use crate::portal::budget::{Budget, PULL};
use crate::portal::enrol::believe;
use crate::portal::link::{Link, LinkTrouble, ToLink};
use crate::portal::origin::Origin;
use crate::portal::retry;
use crate::portal::rooted::Rooted;
use crate::portal::session::{Session, Step};
use crate::problem;
use crate::store::{Commit, OutboxChange};

/// Largest push before compression, in bytes; the rest of a message's 4 MiB is more than its other fields need.
const PUSH_PLAIN: usize = limits::CONTENT_RECORD_BYTES;
/// Quotes, colon and comma around a key and its record.
const KEY_QUOTES: usize = 4;
/// A schema disagreement is looked at again after this time (R19).
const DISAGREEMENT: std::time::Duration = std::time::Duration::from_secs(60 * 60);
/// A full ledger is tried again after this time: each attempt takes a hello's row from what is kept back for the owner's decisions (R26).
const FULL: std::time::Duration = std::time::Duration::from_secs(60 * 60);
/// So many links that end soon are followed by a short pause within [`EASE_SPAN`]; each costs a few rows of the ledger (R22).
const EASES: usize = 12;
const EASE_SPAN: std::time::Duration = std::time::Duration::from_secs(60 * 60);

/// A little more than the second for which the allocator keeps freed memory in case it is needed again.
const GIVE_BACK_AFTER: std::time::Duration = std::time::Duration::from_millis(1_500);
/// Large enough to be no part of a page of smaller things; never touched, so it costs nothing.
const GIVE_BACK_ASK: usize = 8 << 20;

impl Agent {
    pub(super) async fn on_home(&mut self, event: HomeEvent) -> Result<(), Problem> {
        match event {
            HomeEvent::Connected { version, admin } => {
                tracing::info!(version, admin, "connected to Home Assistant");
                self.home.connected_since = Some(self.clock.now_ms() / 1000);
                self.home.trouble = None;
                self.home.complete = false;
                self.home.stale = true;
                self.deployments.reconnected();
            }
            HomeEvent::Stale => self.home.stale = true,
            HomeEvent::Read { readings, complete } => {
                if readings
                    .iter()
                    .any(|reading| matches!(reading, Reading::Dashboards(_) | Reading::Resources(_)))
                {
                    self.deployments.look_again();
                }
                self.home.held.push((readings, complete));
                if !self.portal.session.frozen() {
                    self.take_in_held().await?;
                }
            }
            HomeEvent::Lost(trouble) => {
                // What is known stays known: nothing is synced as deleted (R18).
                self.home.trouble = Some(trouble);
                self.home.connected_since = None;
                self.home.complete = false;
                self.home.stale = false;
                // What was read before and has to wait is no reading of the next connection.
                self.home.held.iter_mut().for_each(|(_, complete)| *complete = false);
                self.current = None;
            }
        }
        Ok(())
    }

    /// Takes in what waited while the inventory had to stay as it was.
    async fn take_in_held(&mut self) -> Result<(), Problem> {
        let held = std::mem::take(&mut self.home.held);
        if held.is_empty() {
            return Ok(());
        }
        for (readings, complete) in held {
            self.home.complete |= complete;
            self.home.stale &= !complete;
            let now = self.clock.now_ms();
            heavy(|| self.stock.take_in(readings, now));
        }
        self.take_stock().await
    }

    /// Computes the inventory anew, for the tenant that may see it; stores what has to outlive a restart before it is used.
    pub(super) async fn take_stock(&mut self) -> Result<(), Problem> {
        let Some(keys) = self.keys.as_ref().filter(|_| self.home.complete && self.home.trouble.is_none())
        else {
            return Ok(());
        };
        if self.stock.awaits_contents(&self.state.grants) {
            // Newly granted, and on their way here. Without them the inventory would be another one, for a moment.
            self.current = None;
            return Ok(());
        }
        let now = self.clock.now_ms();
        let taken = heavy(|| self.stock.take(&keys.id_key, &self.state.grants, now));
        if !taken.commit.is_empty() {
            self.store.commit(taken.commit).await.map_err(|error| problem::store(&error))?;
        }
        self.deployments.names_may_have_changed();
        self.left_out = taken.left_out;
        let changed = self.current.as_ref().is_none_or(|current| current.root() != taken.snapshot.root());
        if changed {
            self.current = Some(taken.snapshot);
        }
        Ok(())
    }

    /// Whose contents are read and kept: only those that somebody may have, or that the owner looks at.
    fn wish(&mut self) {
        let paired = self.state.pairing.is_some();
        let wanted =
            |class| (paired && self.state.grants.consent.grants(class)) || self.previews.shown(class);
        self.home.wishes.want_dashboards(wanted(Class::Dashboards));
        self.home.wishes.want_routines(wanted(Class::Automations));
        for class in [Class::Dashboards, Class::Automations] {
            if !wanted(class) {
                self.stock.forget_contents(class);
            }
        }
    }

    /// Says whatever there is to say now. Called after every input.
    pub(super) async fn settle(&mut self) -> Result<(), Problem> {
        self.wish();
        if !self.portal.session.frozen() {
            self.take_in_held().await?;
        }
        self.continue_previews().await;
        self.continue_meeting().await?;
        self.follow_notices().await?;
        self.work_on().await?;
        self.drop_unsendable().await?;
        if self.portal.link.is_none() {
            return self.connect().await;
        }
        self.say_next().await?;
        if self.portal.session.wants_buckets() {
            self.say_next().await?;
        }
        Ok(())
    }

    async fn say_next(&mut self) -> Result<(), Problem> {
        let intent = self.next_intent();
        let may_send = !self.state.grants.consent.restricted && self.state.forget_stub.is_none();
        let current = self.current.as_ref().filter(|_| may_send);
        let step = self.portal.session.next(current, intent, &mut self.portal.acknowledged);
        match step {
            None => Ok(()),
            Some(Step::Send(message)) => {
                if let Some((id, wire)) = self.portal.session.flying() {
                    let mut session = self.state.session.clone();
                    session.sends(wire);
                    self.change_outbox_and(OutboxChange::MarkInFlight(id), session).await?;
                }
                self.say(ToLink::Message(message)).await;
                Ok(())
            }
            Some(step) => self.perform(step).await,
        }
    }

    /// Opens a link if there is somebody to talk to and the time has come.
    async fn connect(&mut self) -> Result<(), Problem> {
        let now = Instant::now();
        if self.portal.retry_at.is_some_and(|at| at > now) {
            return Ok(());
        }
        let Some((origin, tenant)) = self.counterpart() else { return Ok(()) };
        let origin = Origin::parse(&origin).map_err(problem::origin)?;
        // However the last link ended: what was on its way then waits again.
        self.requeue().await?;
        self.portal.retry_at = None;
        self.portal.answer_by = None;
        self.portal.session = Session::default();
        self.deployments.new_link();
        self.portal.link =
            Some(Link::start(Arc::clone(&self.to_portal), origin, tenant, self.recorder.clone()));
        Ok(())
    }

    pub(super) async fn on_message(&mut self, message: FromPortal) -> Result<(), Problem> {
        self.portal.flush_at = Some(Instant::now() + LAZY_FLUSH);
        // A pull is no answer to anything.
        self.portal.answer_by = self.portal.answer_by.filter(|_| matches!(message, FromPortal::Pull(_)));
        if let FromPortal::Challenge(challenge) = &message
            && self.portal.session.greet()
        {
            return match self.hello(challenge) {
                Ok(hello) => {
                    self.say(ToLink::Message(hello.into())).await;
                    Ok(())
                }
                Err(problem) => {
                    self.cut(Some(problem), None);
                    Ok(())
                }
            };
        }
        match self.portal.session.receive(message, &mut self.portal.acknowledged) {
            Some(step) => self.perform(step).await,
            None => Ok(()),
        }
    }

    /// The answer to a challenge of a portal that has proved whom it serves (R2, R5).
    fn hello(&self, challenge: &vestibule_protocol::message::Challenge) -> Result<Hello, Problem> {
        let (origin, tenant) = self.counterpart().ok_or_else(problem::not_paired)?;
        let parsed = Origin::parse(&origin).map_err(problem::origin)?;
        believe(&challenge.statement, &tenant, &parsed, self.clock.now_s()).map_err(problem::enrol)?;
        let (device_key, fingerprint) = self.credentials().ok_or_else(problem::not_paired)?;
        let quiet = self.state.grants.consent.restricted || self.state.forget_stub.is_some();
        let body = HelloBody {
            fingerprint,
            nonce: Fixed(self.dice.bytes()),
            agent: env!("CARGO_PKG_VERSION").to_owned(),
            schema: schema::VERSION,
            session: self.state.session.token,
            done: self.state.session.done,
            sent: self.state.session.sent.clone(),
            consent: self.told_consent(),
            charter: self.state.desk.trusting.charter.as_ref().map(|charter| charter.version),
            root: self.current.as_ref().filter(|_| !quiet).map(|current| current.root()),
        };
        let body = serde_json::to_string(&body).map_err(|_| problem::link(LinkTrouble::Protocol))?;
        let signature = device_signature(&device_key, "hello", &tenant, &origin, &challenge.nonce.0, &body);
        Ok(Hello { body, signature })
    }

    /// The consent as the portal is told it; after `forget` nothing is allowed any more.
    fn told_consent(&self) -> Consent {
        self.state.forget_stub.as_ref().map_or_else(
            || self.state.grants.consent.clone(),
            |stub| Consent {
                epoch: stub.epoch + 1,
                withdrawn: Class::ALL.into_iter().map(|class| (class, stub.epoch + 1)).collect(),
                ..Consent::default()
            },
        )
    }

    async fn perform(&mut self, step: Step) -> Result<(), Problem> {
        match step {
            Step::Welcomed(welcome) => self.on_welcome(welcome).await,
            Step::Push { base, target } => {
                match self.push(&base, &target) {
                    Some(push) => self.say(ToLink::Message(push)).await,
                    None => self.portal.session.cannot_push(),
                }
                Ok(())
            }
            Step::Send(message) => {
                self.say(ToLink::Message(message)).await;
                Ok(())
            }
            Step::Transfer { frozen, want, pulled } => self.transfer(frozen, want, pulled).await,
            Step::InSync => {
                tracing::info!(
                    records = self.current.as_ref().map_or(0, |current| current.entries().len()),
                    "in sync"
                );
                self.portal.problem = None;
                self.ease();
                self.portal.sent.clone_from(&self.portal.acknowledged);
                Ok(())
            }
            Step::Delivered(id, wire, receipts) => self.delivered(id, wire, receipts).await,
            Step::Desk(said) => self.on_desk(said).await,
            Step::Refused(refusal) => self.on_refused(&refusal).await,
            Step::Disagreement => {
                self.cut(Some(problem::schema_disagreement()), Some(DISAGREEMENT));
                Ok(())
            }
            Step::Broken => {
                self.cut(Some(problem::link(LinkTrouble::Protocol)), None);
                Ok(())
            }
        }
    }

    /// The next loss is met with a short pause again. Only once in sync, and only so often: a portal that wants the impossible, or that
    /// hangs up as soon as all is well, must not be able to keep us busy.
    fn ease(&mut self) {
        let now = Instant::now();
        self.portal.eased.retain(|at| now.duration_since(*at) < EASE_SPAN);
        if self.portal.attempt > 0 && self.portal.eased.len() < EASES {
            self.portal.eased.push(now);
            self.portal.attempt = 0;
        }
    }

    async fn on_welcome(&mut self, welcome: Welcome) -> Result<(), Problem> {
        if welcome.schema != schema::VERSION {
            self.cut(Some(problem::refused(RefusalCode::Version)), Some(DISAGREEMENT));
            return Ok(());
        }
        if self.state.forget_stub.is_none() {
            let mut session = self.state.session.clone();
            session.token = Some(welcome.session);
            session.agrees(welcome.done);
            session.restored |= welcome.restored;
            session.cloned |= welcome.cloned;
            let mut commit = Commit::at(self.clock.now_ms());
            commit.put(&session).map_err(|error| problem::store(&error))?;
            let noticed = session.restored || session.cloned;
            let trusting = if noticed { self.note_restored(&mut commit, welcome.sequence)? } else { None };
            // R6: stored before it can be used.
            self.store.commit(commit).await.map_err(|error| problem::store(&error))?;
            kill_point("agent.welcomed");
            self.state.session = session;
            if let Some(trusting) = trusting {
                self.state.desk.trusting = trusting;
            }
            if noticed {
                self.tell_again().await?;
            }
        }
        tracing::info!("connected to the portal");
        self.portal.welcomed_since = Some(self.clock.now_ms() / 1000);
        self.portal.problem = None;
        Ok(())
    }

    /// The difference as one message; `None` if it is too large for one.
    fn push(&self, base: &Rooted, target: &Rooted) -> Option<vestibule_protocol::message::FromAgent> {
        let keys = self.keys.as_ref()?;
        let (puts, deletes) = heavy(|| self.stock.difference(&keys.id_key, &self.state.grants, base, target));
        let puts_size: usize = puts.iter().map(|(key, record)| key.len() + record.len() + KEY_QUOTES).sum();
        let size = puts_size + deletes.iter().map(|key| key.len() + KEY_QUOTES).sum::<usize>();
        (size < PUSH_PLAIN).then(|| Session::push(base.root_as(target), target.root(), puts, deletes))
    }

    /// Renders what is wanted and hands it to the link, which sends it while the loop goes on.
    async fn transfer(&mut self, frozen: Arc<Rooted>, want: Want, pulled: bool) -> Result<(), Problem> {
        let (Some(keys), Some(link)) = (&self.keys, &self.portal.link) else { return Ok(()) };
        let sender = link.sender();
        let Some(plan) = Stock::plan(&frozen, &want) else {
            self.cut(Some(problem::link(LinkTrouble::Protocol)), None);
            return Ok(());
        };
        // R22: what is sent again counts; what the portal has never been sent is the owner's doing.
        let (sent, first) = (self.portal.sent.as_deref(), self.state.budget.first());
        let restart = sent.is_none();
        let again = if first { 0.0 } else { plan.sent_again(sent.map(std::ops::Deref::deref)) };
        let again = if pulled { again.max(PULL) } else { again };
        let now = self.clock.now_ms();
        if let Some(free) = self.state.budget.wait_until(now, restart).filter(|_| Budget::counts(again)) {
            let wait = std::time::Duration::from_millis(u64::try_from(free - now).unwrap_or_default());
            self.cut(Some(problem::send_budget()), Some(wait));
            return Ok(());
        }
        if first || Budget::counts(again) {
            self.state.budget.spend(now, again);
            let mut commit = Commit::at(now);
            commit.put(&self.state.budget).map_err(|error| problem::store(&error))?;
            self.store.commit(commit).await.map_err(|error| problem::store(&error))?;
        }
        kill_point("agent.spent");
        let Ok(batches) = heavy(|| self.stock.batches(&keys.id_key, &self.state.grants, &plan, want.staged))
        else {
            self.cut(Some(problem::link(LinkTrouble::Protocol)), None);
            return Ok(());
        };
        self.portal.sent = Some(Arc::clone(&frozen));
        tokio::spawn(async move {
            for message in batches.into_messages(frozen.root()) {
                // A link that was cut takes nothing more.
                if sender.send(message).await.is_err() {
                    break;
                }
            }
        });
        Ok(())
    }

    async fn on_refused(&mut self, refusal: &Refusal) -> Result<(), Problem> {
        if refusal.code == RefusalCode::Erased && self.state.forget_stub.is_some() {
            // The receipt was lost, but this is what it would have said.
            return self.forgotten_at_portal(None).await;
        }
        let pause = retry::after_refusal(refusal, self.dice.unit());
        self.cut(Some(problem::refused(refusal.code)), pause);
        Ok(())
    }

    pub(super) fn on_closed(&mut self, trouble: LinkTrouble) {
        // A restart of the portal ends a good link; that alone is no problem to show.
        let problem = (trouble != LinkTrouble::Lost || self.portal.welcomed_since.is_none())
            .then(|| problem::link(trouble));
        self.cut(problem, (trouble == LinkTrouble::LedgerFull).then_some(FULL));
    }

    /// Ends the link and plans the next attempt; a problem stays visible until the next welcome.
    pub(super) fn cut(&mut self, problem: Option<Problem>, pause: Option<std::time::Duration>) {
        let pause = pause.unwrap_or_else(|| retry::pause(self.portal.attempt, self.dice.unit()));
        self.portal.attempt = self.portal.attempt.saturating_add(1);
        self.portal.link = None;
        self.portal.session = Session::default();
        self.portal.welcomed_since = None;
        self.portal.retry_at = Some(Instant::now() + pause);
        if let Some(problem) = problem {
            tracing::warn!(code = %problem.code, pause_ms = pause.as_millis(), "no link to the portal");
            self.portal.problem = Some(problem);
        }
    }

    pub(super) async fn say(&self, message: ToLink) {
        if let Some(link) = &self.portal.link {
            link.send(message).await;
        }
    }
}

/// Work of milliseconds: other tasks, above all those that serve the sockets, move to another thread meanwhile. A simulation has only
/// one thread and no time passes in it.
pub(super) fn heavy<T>(work: impl FnOnce() -> T) -> T {
    if tokio::runtime::Handle::current().runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread {
        let result = tokio::task::block_in_place(work);
        tokio::spawn(give_memory_back());
        result
    } else {
        work()
    }
}

/// What a reading needed for a moment is tens of megabytes in a large home. The allocator returns what was freed a second ago, but only
/// when it is asked for something large, and an agent at rest never asks. So it is asked once.
async fn give_memory_back() {
    tokio::time::sleep(GIVE_BACK_AFTER).await;
    drop(std::hint::black_box(Vec::<u8>::with_capacity(GIVE_BACK_ASK)));
}
