//! What every request and every link can reach, and the map of addresses.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use ed25519_dalek::SigningKey;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use vestibule_protocol::limits::FRAME_INFLATED;

use crate::link::registry::Links;
use crate::live::Live;
use crate::store::Store;
use crate::world::Seconds;
use crate::{api, link};

/// Large frames and documents that are worked on at the same time; bounds memory, not throughput on few cores.
const HEAVY: usize = 4;

/// Failed attempts a minute, by everybody together: no address is kept, and a right code needs one attempt.
const FAILURES_A_MINUTE: u32 = 60;

/// Shared state; clones are the same.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of [`App`].
pub struct Parts {
    /// What is kept.
    pub store: Store,
    /// Who is connected.
    pub links: Links,
    /// Who listens to events.
    pub live: Live,
    /// When staff last looked at a home's overview, so that looking often is one reading.
    pub looks: Looks,
    /// Signs receipts.
    pub key: SigningKey,
    /// For checking signatures of homes that are not known, so that it takes as long (R5).
    pub nobody: [u8; 32],
    /// Failed enrolments.
    pub enrolments: Limit,
    /// Failed recoveries.
    pub recoveries: Limit,
    /// Large pieces of work.
    pub heavy: Semaphore,
    /// The program is ending.
    pub stop: CancellationToken,
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Puts it together.
    #[must_use]
    pub fn new(store: Store, key: SigningKey, stop: CancellationToken) -> Self {
        Self(Arc::new(Parts {
            store,
            links: Links::default(),
            live: Live::default(),
            looks: Looks::default(),
            nobody: *SigningKey::from_bytes(&[1; 32]).verifying_key().as_bytes(),
            key,
            enrolments: Limit::default(),
            recoveries: Limit::default(),
            heavy: Semaphore::new(HEAVY),
            stop,
        }))
    }

    /// All addresses.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v1/health", get(api::health::health))
            .route("/v1/openapi.json", get(api::openapi::document))
            .route("/v1/instances", get(api::instances::list))
            .route("/v1/instances/{fingerprint}", get(api::instances::show).delete(api::instances::erase))
            .route("/v1/instances/{fingerprint}/snapshot", get(api::snapshot::snapshot))
            .route("/v1/instances/{fingerprint}/changes", get(api::snapshot::changes))
            .route("/v1/instances/{fingerprint}/history", get(api::snapshot::history))
            .route("/v1/instances/{fingerprint}/support", get(api::support::list))
            .route("/v1/instances/{fingerprint}/audit", get(api::instances::audit))
            .route("/v1/instances/{fingerprint}/pull", post(api::instances::pull))
            .route("/v1/instances/{fingerprint}/deployments", post(api::deployments::submit))
            .route("/v1/instances/{fingerprint}/questions", post(api::questions::ask))
            .route("/v1/charters", get(api::charters::list).post(api::charters::submit))
            .route("/v1/deployments", get(api::deployments::list))
            .route("/v1/deployments/{id}", get(api::deployments::show))
            .route("/v1/deployments/{id}/withdraw", post(api::deployments::withdraw))
            .route("/v1/questions", get(api::questions::list))
            .route("/v1/requests", get(api::requests::list))
            .route("/v1/requests/{id}", post(api::requests::mark))
            .route("/v1/events", get(api::events::stream))
            .route("/v1/recovery", post(api::recovery::recover))
            .route("/v1/link/{tenant}", get(link::upgrade))
            .fallback(api::error::no_such_address)
            .method_not_allowed_fallback(api::error::no_such_method)
            .layer(DefaultBodyLimit::max(FRAME_INFLATED))
            .with_state(self.clone())
    }
}

/// How long a look at a home's overview counts as the same reading, in seconds.
const LOOK_SECONDS: Seconds = 3600;

/// Who looked at which home's overview, and when it was last written down: staff, row of the home, what.
#[derive(Debug, Default)]
pub struct Looks(Mutex<HashMap<(i64, i64, &'static str), Seconds>>);

impl Looks {
    /// Whether this look has to be written down.
    pub fn is_due(&self, staff: i64, home: i64, what: &'static str, now: Seconds) -> bool {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if looks.get(&(staff, home, what)).is_some_and(|at| now < at + LOOK_SECONDS) {
            return false;
        }
        looks.retain(|_, at| now < *at + LOOK_SECONDS);
        looks.insert((staff, home, what), now);
        true
    }
}

/// Counts failures in the current minute.
#[derive(Debug, Default)]
pub struct Limit(Mutex<(Seconds, u32)>);

impl Limit {
    /// Whether another attempt may be made.
    pub fn allows(&self, now: Seconds) -> bool {
        let at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        at.0 != now / 60 || at.1 < FAILURES_A_MINUTE
    }

    /// Notes a failure.
    pub fn failed(&self, now: Seconds) {
        let mut at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *at = if at.0 == now / 60 { (at.0, at.1 + 1) } else { (now / 60, 1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r3_failures_are_limited_by_the_minute() {
        let limit = Limit::default();
        for _ in 0..FAILURES_A_MINUTE {
            assert!(limit.allows(600));
            limit.failed(600);
        }
        assert!(!limit.allows(659));
        assert!(limit.allows(660));
    }
}
