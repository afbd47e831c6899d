//! What the owner wishes for: words and rooms, on their way to the portal until it has them.

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::limits;
use vestibule_protocol::problem::Problem;

use super::report::{REQUEST, Wished};
use super::views::RequestView;
use super::{Agent, fresh};
use crate::problem;
use crate::store::{IntentId, JournalChange, OVER, OutboxChange, RequestRow, RequestState};

impl Agent {
    /// A new wish.
    pub(in crate::agent) async fn new_request(
        &mut self,
        text: String,
        rooms: Vec<OpaqueId>,
    ) -> Result<RequestView, Problem> {
        if self.state.pairing.is_none() {
            return Err(problem::not_paired());
        }
        let fits = (1..=limits::SUMMARY_CHARS).contains(&text.trim().chars().count())
            && !text.chars().any(|c| c.is_control() && c != '\n')
            && rooms.len() <= limits::CANDIDATES
            && rooms.iter().all(|room| room.thing == Thing::Area);
        if !fits {
            return Err(problem::bad_wish());
        }
        let id = fresh(self);
        let made_ms = self.clock.now_ms();
        let row = RequestRow { id, text, rooms, state: RequestState::Made, made_ms };
        self.keep_wish(row, IntentId(id.0)).await
    }

    /// The owner takes a wish back.
    pub(in crate::agent) async fn withdraw_request(&mut self, id: Fixed<16>) -> Result<RequestView, Problem> {
        let row = self.state.desk.requests.iter().find(|row| row.id == id).cloned();
        let row = row.ok_or_else(problem::no_such_wish)?;
        if row.state == RequestState::Withdrawn {
            return Ok(RequestView::of(&row));
        }
        self.keep_wish(RequestRow { state: RequestState::Withdrawn, ..row }, IntentId(self.dice.bytes()))
            .await
    }

    async fn keep_wish(&mut self, row: RequestRow, intent: IntentId) -> Result<RequestView, Problem> {
        let wished =
            serde_json::to_string(&Wished { request: row.id }).map_err(|_| problem::bad_request())?;
        let mut change = self.change();
        change.commit.outbox.push(OutboxChange::Add { id: intent, kind: REQUEST.to_owned(), intent: wished });
        let over = |known: &&RequestRow| known.id != row.id;
        let old: Vec<Fixed<16>> =
            self.state.desk.requests.iter().filter(over).rev().skip(OVER).map(|row| row.id).collect();
        change.with(JournalChange::Request(row.clone()));
        old.iter().for_each(|id| change.with(JournalChange::DropRequest(*id)));
        self.keep(change).await?;
        let all = &mut self.state.desk.requests;
        all.retain(|known| !old.contains(&known.id));
        let view = RequestView::of(&row);
        match all.iter_mut().find(|known| known.id == row.id) {
            Some(known) => *known = row,
            None => all.push(row),
        }
        Ok(view)
    }
}
