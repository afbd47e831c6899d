//! Deployments, questions and wishes on a link: what the home has not heard yet, and what it says about them.

use std::collections::BTreeSet;

use axum::body::Bytes;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::message::{
    Answer, Charters, Deploy, Done, Read, Reads, Report, Request, Support, Withdraw,
};

use super::End;
use super::session::Session;
use crate::store::charters::Kept;
use crate::store::homes::{self, Linked};
use crate::store::{Stop, Tx, delivery, deployments, questions, reports, requests, support};

/// Charters in one message: each is at most some 20 kB.
const CHARTERS: usize = 50;

/// What has been sent on this link. A home that comes again hears what it has not reported on once more.
pub(super) struct Told {
    /// Version of the charter.
    charter: u32,
    /// Position in the audit trail.
    reads: u64,
    deploys: BTreeSet<i64>,
    withdrawn: BTreeSet<DeploymentId>,
    asks: BTreeSet<[u8; 16]>,
}

impl From<u32> for Told {
    /// Nothing yet, but that the home has this version of the charter.
    fn from(charter: u32) -> Self {
        Self {
            charter,
            reads: 0,
            deploys: BTreeSet::new(),
            withdrawn: BTreeSet::new(),
            asks: BTreeSet::new(),
        }
    }
}

impl Session<'_> {
    /// Sends what the store holds for this home and this link has not said yet. Charters come first: what follows is judged by them.
    pub(super) async fn tell(&mut self) -> Result<(), End> {
        loop {
            let (home, now) = ((self.open.tenant, self.open.right.home), self.app.store.now());
            let (charter, read) = (self.told.charter, self.told.reads);
            let glance =
                self.app.store.read(move |db| delivery::glance(db, home, charter, read, now)).await?;
            self.charters(&glance.charters).await?;
            let more = !glance.reads.is_empty();
            self.reads(glance.reads).await?;
            if glance.waiting {
                self.deployments().await?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    async fn charters(&mut self, newer: &[Kept]) -> Result<(), End> {
        for some in newer.chunks(CHARTERS) {
            let envelopes = some.iter().map(|kept| kept.envelope.clone()).collect();
            self.wire.send(Charters { envelopes }).await?;
            if let Some(last) = some.last() {
                self.told.charter = last.charter.version;
            }
        }
        Ok(())
    }

    /// R30. A ping follows; when its answer comes, the home has what was sent before, and it need not be told again.
    async fn reads(&mut self, reads: Vec<Read>) -> Result<(), End> {
        let Some(last) = reads.last().map(|read| read.n) else { return Ok(()) };
        self.wire.send(Reads { reads }).await?;
        self.told.reads = last;
        self.wire.ping_with(Bytes::copy_from_slice(&last.to_be_bytes())).await
    }

    /// The answer to a ping.
    pub(super) async fn arrived(&mut self, bytes: &[u8]) -> Result<(), End> {
        let Ok(n) = <[u8; 8]>::try_from(bytes).map(u64::from_be_bytes) else { return Ok(()) };
        let (right, told) = (self.open.right, self.told.reads);
        // A home cannot have received more than was sent.
        Ok(self.app.store.write(move |tx| delivery::reads_told(tx, right, n.min(told))).await?)
    }

    async fn deployments(&mut self) -> Result<(), End> {
        let right = self.open.right;
        let due = self.app.store.write(move |tx| delivery::hand_out(tx, right)).await?;
        self.app.live.stored();
        for row in due.deploys {
            if self.told.deploys.insert(row) {
                let envelope = self.app.store.read(move |db| deployments::envelope(db, row)).await?;
                self.wire.send(Deploy { envelope }).await?;
            }
        }
        for deployment in due.withdrawn {
            if self.told.withdrawn.insert(deployment) {
                self.wire.send(Withdraw { deployment }).await?;
            }
        }
        for ask in due.asks {
            if self.told.asks.insert(ask.id.0) {
                self.wire.send(ask).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn report(&mut self, report: Report) -> Result<(), End> {
        let tenant = self.open.tenant;
        self.item(report.id, move |tx, home| reports::take(tx, home, tenant, &report)).await?;
        // There may be room now for one that was queued.
        self.tell().await
    }

    pub(super) async fn request(&mut self, request: Request) -> Result<(), End> {
        let (tenant, of) = (self.open.tenant, self.open.fingerprint);
        self.item(request.id, move |tx, home| requests::take(tx, home, tenant, &of, &request)).await
    }

    pub(super) async fn support(&mut self, report: Support) -> Result<(), End> {
        let (tenant, of) = (self.open.tenant, self.open.fingerprint);
        self.item(report.id, move |tx, home| support::take(tx, home, tenant, &of, &report)).await
    }

    pub(super) async fn answered(&mut self, answer: Answer) -> Result<(), End> {
        let (tenant, of) = (self.open.tenant, self.open.fingerprint);
        self.item(answer.id, move |tx, home| questions::answer(tx, home, tenant, &of, &answer)).await
    }

    /// One item of the home's outbox: acknowledged when it is durable (R47).
    async fn item(
        &mut self,
        id: Fixed<16>,
        take: impl FnOnce(&Tx<'_>, &Linked) -> Result<(), Stop> + Send + 'static,
    ) -> Result<(), End> {
        let right = self.open.right;
        let taken = self.app.store.write(move |tx| {
            let home = homes::linked(tx, right)?;
            take(tx, &home)?;
            Ok(home.root)
        });
        let root = taken.await?;
        self.app.live.stored();
        self.wire.send(Done { id, root, receipts: Vec::new() }).await
    }
}
