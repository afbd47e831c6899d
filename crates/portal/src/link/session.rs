//! What a welcome home asks for, one message after another; every answer follows a durable commit (R47).

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use vestibule_protocol::id::TenantId;
use vestibule_protocol::limits::{PING_SECONDS, SILENCE_SECONDS};
use vestibule_protocol::message::{
    Ack, Commit, ConsentChanged, Done, Erase, Erased, Mismatch, Part, Pull, RefusalCode,
};
use vestibule_protocol::receipt::Scope;

use super::End;
use super::desk::Told;
use super::hello::Open;
use super::intake::{self, Work};
use super::registry::Control;
use super::wire::{Incoming, Wire};
use crate::app::App;
use crate::store::edit::Edit;
use crate::store::{Stop, consent, erase, handled, homes, staging, support};

/// Serves the link until it ends.
pub(super) async fn run(app: &App, tenant: TenantId, open: Open, wire: &mut Wire) -> Result<(), End> {
    let (right, row, fingerprint) = (open.right, open.tenant, open.fingerprint);
    app.live.home(row, fingerprint, true);
    let told = Told::from(open.charter);
    let mut session = Session { app, tenant, open, wire, told };
    let end = session.serve().await;
    app.links.leave(right);
    if !app.links.has(right.home) {
        app.live.home(row, fingerprint, false);
    }
    end
}

pub(super) struct Session<'a> {
    pub(super) app: &'a App,
    tenant: TenantId,
    pub(super) open: Open,
    pub(super) wire: &'a mut Wire,
    pub(super) told: Told,
}

impl Session<'_> {
    async fn serve(&mut self) -> Result<(), End> {
        let every = Duration::from_secs(PING_SECONDS);
        let silence = Duration::from_secs(SILENCE_SECONDS);
        let mut ping = interval_at(Instant::now() + every, every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        self.tell().await?;
        loop {
            let bell = std::sync::Arc::clone(&self.open.ears.bell);
            tokio::select! {
                biased;
                () = self.app.stop.cancelled() => return Err(RefusalCode::Unavailable.into()),
                control = self.open.ears.controls.recv() => match control {
                    Some(Control::Replaced) | None => return Err(RefusalCode::Replaced.into()),
                    Some(Control::Erased) => return Err(RefusalCode::Erased.into()),
                    Some(Control::Pull) => self.wire.send(Pull {}).await?,
                },
                () = bell.notified() => self.tell().await?,
                incoming = self.wire.next() => {
                    match incoming? {
                        Incoming::Frame(frame) => {
                            let work = intake::read(self.app, frame, &self.open.classes).await?;
                            self.carry_out(work).await?;
                        }
                        Incoming::Pong(bytes) => self.arrived(&bytes).await?,
                        Incoming::Alive => {}
                    }
                    heard = Instant::now();
                }
                _ = ping.tick() => self.wire.ping().await?,
                () = sleep_until(heard + silence) => return Err(End::Closed),
            }
        }
    }

    async fn carry_out(&mut self, work: Work) -> Result<(), End> {
        let right = self.open.right;
        match work {
            Work::Push { base, root, puts, deletes } => {
                let pushed = self.app.store.write(move |tx| {
                    let mut home = homes::linked(tx, right)?;
                    // R20: nothing is assumed; a base that is not ours changes nothing.
                    if home.root != base {
                        return Err(Stop::Mismatch(home.root));
                    }
                    let mut edit = Edit::of(tx, &mut home);
                    for put in &puts {
                        edit.put(put)?;
                    }
                    for delete in deletes {
                        edit.delete(delete)?;
                    }
                    edit.finish(root)
                });
                self.answer(pushed.await).await
            }
            Work::Buckets(buckets) => {
                let want = self
                    .app
                    .store
                    .write(move |tx| staging::begin(tx, &homes::linked(tx, right)?, &buckets))
                    .await?;
                self.wire.send(want).await
            }
            Work::Batch { n, puts, deletes } => {
                let kept = self
                    .app
                    .store
                    .write(move |tx| staging::add(tx, &homes::linked(tx, right)?, n, &puts, &deletes))
                    .await;
                if matches!(kept, Err(Stop::TooMuch)) {
                    self.forget_staging().await?;
                }
                Ok(kept?)
            }
            Work::Commit(Commit { root, batches }) => {
                let committed = self
                    .app
                    .store
                    .write(move |tx| staging::commit(tx, &mut homes::linked(tx, right)?, root, batches))
                    .await;
                if matches!(committed, Err(Stop::Mismatch(_) | Stop::BadRecord | Stop::TooMuch)) {
                    self.forget_staging().await?;
                }
                self.answer(committed).await
            }
            Work::Report(report) => self.report(report).await,
            Work::Request(request) => self.request(request).await,
            Work::Answer(answer) => self.answered(answer).await,
            Work::Support(report) => self.support(report).await,
            Work::Consent(changed) => self.consent(changed).await,
            Work::Erase(Erase { id, only: Some(Part::Support) }) => {
                let (tenant, fingerprint) = (self.tenant, self.open.fingerprint);
                let (row, key) = (self.open.tenant, self.app.key.clone());
                let erased = self.app.store.write(move |tx| {
                    let home = homes::linked(tx, right)?;
                    if let Some(receipts) = handled::before(tx, home.id, &id)? {
                        return Ok(Done { id, root: home.root, receipts });
                    }
                    support::take_back(tx, &home, row)?;
                    let receipts = vec![handled::receipt(tx, &key, id, tenant, fingerprint, Scope::Support)?];
                    handled::note(tx, home.id, &id, &receipts)?;
                    Ok(Done { id, root: home.root, receipts })
                });
                self.wire.send(erased.await?).await
            }
            Work::Erase(Erase { id, only: None }) => {
                let (tenant, home, key) = (self.tenant, self.open.fingerprint, self.app.key.clone());
                let receipt = self
                    .app
                    .store
                    .write(move |tx| {
                        homes::linked(tx, right)?;
                        erase::all(tx, right.home, "owner")?;
                        handled::receipt(tx, &key, id, tenant, home, Scope::All)
                    })
                    .await?;
                self.wire.send(Erased { id, receipt }).await?;
                Err(End::Closed)
            }
        }
    }

    async fn consent(&mut self, ConsentChanged { id, consent }: ConsentChanged) -> Result<(), End> {
        if !consent::is_sound(&consent) {
            return Err(RefusalCode::BadMessage.into());
        }
        let (tenant, fingerprint, key) = (self.tenant, self.open.fingerprint, self.app.key.clone());
        let (right, schema) = (self.open.right, self.open.schema);
        let (done, classes) = self
            .app
            .store
            .write(move |tx| {
                let mut home = homes::linked(tx, right)?;
                if let Some(receipts) = handled::before(tx, home.id, &id)? {
                    return Ok((Done { id, root: home.root, receipts }, home.consent.classes));
                }
                consent::take(tx, &mut home, &consent, schema)?;
                // A receipt for every class that is withdrawn now: the hello that carried the same consent may have erased it already.
                let withdrawn = home.consent.withdrawn.keys().filter(|class| !home.consent.grants(**class));
                let receipts = withdrawn
                    .copied()
                    .map(|class| handled::receipt(tx, &key, id, tenant, fingerprint, Scope::Class(class)))
                    .collect::<Result<Vec<_>, _>>()?;
                handled::note(tx, home.id, &id, &receipts)?;
                Ok((Done { id, root: home.root, receipts }, home.consent.classes))
            })
            .await?;
        self.open.classes = classes;
        self.wire.send(done).await?;
        // A pause may be over.
        self.tell().await
    }

    async fn forget_staging(&mut self) -> Result<(), End> {
        let right = self.open.right;
        let forgotten = self.app.store.write(move |tx| {
            homes::linked(tx, right)?;
            staging::forget(tx, right.home)
        });
        Ok(forgotten.await?)
    }

    async fn answer(&mut self, result: Result<vestibule_protocol::tree::Root, Stop>) -> Result<(), End> {
        match result {
            Ok(root) => self.wire.send(Ack { root }).await,
            Err(Stop::Mismatch(root)) => self.wire.send(Mismatch { root }).await,
            Err(stop) => Err(stop.into()),
        }
    }
}
