//! `/v1/events`: what happens, as it happens (server-sent events, WHATWG HTML section 9.2).
//!
//! What is stored has a number, by which a reader resumes; who comes and goes is told to those who listen, and has none.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use vestibule_protocol::id::Fingerprint;

use super::error::{Answer, ProblemBody};
use crate::app::App;
use crate::live::Waking;
use crate::problem;
use crate::store::staff::{self, Staff};
use crate::store::{Stop, events};

/// Events read at once.
const AT_ONCE: u32 = 100;

/// How long a listener waits before it looks by itself: a command beside the serving program wakes nobody.
const LOOK: Duration = Duration::from_secs(15);

struct Listener {
    app: App,
    staff: Staff,
    wakings: Receiver<Waking>,
    /// The newest that was told.
    last: u64,
    ready: VecDeque<Event>,
}

/// State changes of deployments, questions, requests and charters, and homes that come and go.
#[utoipa::path(get, path = "/v1/events", tag = "events", security(("token" = [])),
    params(("Last-Event-ID" = Option<u64>, Header, description = "The newest event that was seen; without it, from now on.")),
    responses(
    (status = 200, description = "Events `deployment`, `question`, `request`, `charter` and `home`, each with a JSON object; `reset` \
        when some between are no longer kept: fetch the lists then.", content_type = "text/event-stream", body = String),
    (status = 400, description = "Not a number.", body = ProblemBody),
    (status = 401, description = "No valid token.", body = ProblemBody),
))]
pub(crate) async fn stream(
    State(app): State<App>,
    staff: Staff,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Answer> {
    let seen = match headers.get("last-event-id") {
        None => None,
        Some(value) => {
            let number = value.to_str().ok().and_then(|text| text.parse::<u64>().ok());
            Some(number.ok_or_else(|| Answer::bad_request(problem::bad_request()))?)
        }
    };
    // Listened first: what is stored between the two is then read or heard.
    let wakings = app.live.listen();
    let (last, lost) = app
        .store
        .read(move |db| {
            let newest = events::newest(db)?;
            // After a restored backup numbers can be lower than what was seen.
            Ok(match seen {
                Some(seen) => (seen.min(newest), seen > newest || events::lost_after(db, seen)?),
                None => (newest, false),
            })
        })
        .await?;
    let mut ready = VecDeque::new();
    if lost {
        ready.push_back(Event::default().event("reset").data("{}"));
    }
    let listener = Listener { app, staff, wakings, last, ready };
    let stream = unfold(listener, async |mut listener| {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}

impl Listener {
    /// The next event; nothing any more when the program ends or the token has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            self.look().await.ok()?;
            if self.ready.is_empty() {
                let stop = self.app.stop.clone();
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return None,
                    () = self.wait() => {}
                }
            }
        }
    }

    /// Reads what is new, if the person may still read.
    async fn look(&mut self) -> Result<(), Stop> {
        let (staff, last) = (self.staff.clone(), self.last);
        let new = self.app.store.read(move |db| {
            staff::is_there(db, staff.id)?;
            events::after(db, staff.tenant, last, AT_ONCE)
        });
        for event in new.await? {
            self.last = event.n;
            let told = Event::default().id(event.n.to_string()).event(event.kind).data(event.body);
            self.ready.push_back(told);
        }
        Ok(())
    }

    async fn wait(&mut self) {
        match tokio::time::timeout(LOOK, self.wakings.recv()).await {
            Ok(Ok(Waking::Home { tenant, fingerprint, connected })) if tenant == self.staff.tenant => {
                self.ready.push_back(home(fingerprint, connected));
            }
            Ok(Err(RecvError::Closed)) => self.app.stop.cancelled().await,
            Ok(Ok(Waking::Home { .. } | Waking::Stored) | Err(RecvError::Lagged(_))) | Err(_) => {}
        }
    }
}

fn home(fingerprint: Fingerprint, connected: bool) -> Event {
    let body = serde_json::json!({ "instance": fingerprint, "connected": connected });
    Event::default().event("home").data(body.to_string())
}
