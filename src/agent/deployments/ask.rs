//! Questions of staff: kept within limits, answered by the owner with one of the candidates.

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::OpaqueId;
use vestibule_protocol::limits;
use vestibule_protocol::message::Ask;
use vestibule_protocol::problem::Problem;

use super::report::{ANSWER, Answered};
use super::views::{CandidateView, QuestionView};
use super::{Agent, Errand};
use crate::control::Reply;
use crate::problem;
use crate::store::{JournalChange, OVER, QuestionRow, QuestionState};

impl Agent {
    pub(super) async fn on_ask(&mut self, ask: Ask) -> Result<(), Problem> {
        let questions = &self.state.desk.questions;
        let open = questions.iter().filter(|row| row.state == QuestionState::Open).count();
        if let Some(row) = questions.iter().find(|row| row.id == ask.id).cloned() {
            return self.answer_again(&row).await;
        }
        let sound = (1..=limits::CANDIDATES).contains(&ask.candidates.len())
            && (1..=limits::SUMMARY_CHARS).contains(&ask.question.chars().count());
        if !sound || open >= limits::QUESTIONS || ask.expires <= self.clock.now_s() {
            return Ok(());
        }
        let row = QuestionRow {
            id: ask.id,
            question: ask.question,
            candidates: ask.candidates,
            expires: ask.expires,
            state: QuestionState::Open,
            choice: None,
            received_ms: self.clock.now_ms(),
        };
        self.keep_question(row, false).await
    }

    /// The owner's answer: one of the candidates, or none.
    pub(in crate::agent) async fn answer(
        &mut self,
        id: Fixed<16>,
        choice: Option<OpaqueId>,
    ) -> Result<QuestionView, Problem> {
        let row = self.state.desk.questions.iter().find(|row| row.id == id);
        let row = row.cloned().ok_or_else(problem::no_such_question)?;
        if row.state != QuestionState::Open {
            return Err(problem::question_over());
        }
        if choice.is_some_and(|choice| !row.candidates.contains(&choice)) {
            return Err(problem::no_candidate());
        }
        let state = if choice.is_some() { QuestionState::Answered } else { QuestionState::Declined };
        let row = QuestionRow { state, choice, ..row };
        self.keep_question(row.clone(), true).await?;
        Ok(self.question_view(&row))
    }

    /// Shows the owner which thing a candidate is. Only the owner can ask for that.
    pub(in crate::agent) async fn identify(&mut self, thing: OpaqueId, reply: Reply) {
        let entity = self.keys.as_ref().and_then(|keys| {
            self.stock.with_ids(&keys.id_key, &self.state.grants, |ids| {
                use crate::outbound::contents::Ids as _;
                ids.reference_of(thing)
            })
        });
        match entity.filter(|_| thing.thing == vestibule_protocol::id::Thing::Entity) {
            None => reply.result(Err::<bool, _>(problem::no_candidate())).await,
            Some(entity) => match self.desk_is_open() {
                Ok(()) => self.deployments.errands.push_back(Errand::Identify(entity, reply)),
                Err(problem) => reply.result(Err::<bool, _>(problem)).await,
            },
        }
    }

    pub(in crate::agent) fn question_views(&self) -> Vec<QuestionView> {
        self.state.desk.questions.iter().map(|row| self.question_view(row)).collect()
    }

    fn own_word(&self, id: OpaqueId) -> Option<String> {
        let keys = self.keys.as_ref()?;
        self.stock.own_word(&keys.id_key, id).as_ref().map(super::views::plain)
    }

    /// With the owner's own names for the candidates.
    fn question_view(&self, row: &QuestionRow) -> QuestionView {
        let names: Vec<CandidateView> = row
            .candidates
            .iter()
            .map(|id| CandidateView { id: id.to_string(), name: self.own_word(*id) })
            .collect();
        QuestionView::of(row, names)
    }

    pub(super) async fn expire_questions(&mut self, now: u64) -> Result<(), Problem> {
        let over = |row: &&QuestionRow| row.state == QuestionState::Open && row.expires <= now;
        let over: Vec<QuestionRow> = self.state.desk.questions.iter().filter(over).cloned().collect();
        for row in over {
            self.keep_question(QuestionRow { state: QuestionState::Expired, ..row }, false).await?;
        }
        Ok(())
    }

    async fn keep_question(&mut self, row: QuestionRow, answer: bool) -> Result<(), Problem> {
        let mut change = self.change();
        if answer {
            let answered = Answered { question: row.id, choice: row.choice };
            change.commit.outbox.push(self.intent(ANSWER, &answered)?);
        }
        let over = |known: &&QuestionRow| known.state != QuestionState::Open && known.id != row.id;
        let old: Vec<Fixed<16>> =
            self.state.desk.questions.iter().filter(over).rev().skip(OVER).map(|row| row.id).collect();
        change.with(JournalChange::Question(row.clone()));
        old.iter().for_each(|id| change.with(JournalChange::DropQuestion(*id)));
        self.keep(change).await?;
        let all = &mut self.state.desk.questions;
        all.retain(|known| !old.contains(&known.id));
        match all.iter_mut().find(|known| known.id == row.id) {
            Some(known) => *known = row,
            None => all.push(row),
        }
        Ok(())
    }
}
