//! Wishes of the owner and questions of the company, and the model of them: what one side has said and not taken back, the other knows.

use serde_json::Value;
use vestibule::control::Request;
use vestibule::store::{Desk, QuestionState, RequestState};
use vestibule_portal::store::questions::{self, Question};
use vestibule_portal::store::requests::{self, Request as Wish};
use vestibule_portal::store::tenants;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::message::Ask;

use super::check::stored;
use super::story::Story;

/// How long a question is good for, in seconds: longer than any story.
const GOOD_FOR: u64 = 7 * 24 * 3600;
/// More than any story has.
const ALL: u32 = 1_000;

impl Story {
    /// The owner wishes for something, takes a wish back, or answers what is asked.
    pub(super) fn speak(&mut self) {
        let desk = stored(&self.stage.agent_folder()).desk;
        let open: Vec<_> = desk.questions.iter().filter(|row| row.state == QuestionState::Open).collect();
        let made: Vec<_> = desk
            .requests
            .iter()
            .filter(|row| row.state != RequestState::Withdrawn)
            .map(|row| row.id)
            .collect();
        let request = match self.chance.below(4) {
            0 => self.chance.pick(&made).map(|id| Request::WithdrawRequest { id }),
            1 | 2 => self.chance.pick(&open).map(|row| {
                let choice = self.chance.pick(&row.candidates).filter(|_| self.chance.once_in(2));
                Request::AnswerQuestion { id: row.id, choice }
            }),
            _ => None,
        };
        let request = request.unwrap_or_else(|| {
            self.memory.new += 1;
            Request::NewRequest { text: format!("Wish {}", self.memory.new), rooms: Vec::new() }
        });
        let answer = self.stage.owner(request.clone());
        let done = answer.as_ref().map(|answer| answer.as_ref().map(Value::is_object));
        self.stage.note(format_args!("owner: {request:?}: {done:?}"));
        assert!(!matches!(answer, Some(Err(_))), "{request:?} is refused: {answer:?}");
    }

    /// Somebody of the company asks about two things of the home.
    pub(super) fn ask_about(&mut self) {
        let entities = |key: &String| key.strip_prefix("entity/")?.parse().ok();
        let portal = self.stage.portal();
        let home = portal.home(&self.stage.fingerprint()).expect("enrolled");
        let candidates: Vec<_> = portal.records(&home).keys().filter_map(entities).take(2).collect();
        drop(portal);
        if candidates.is_empty() {
            return;
        }
        self.memory.new += 1;
        let ask = Ask {
            id: Fixed(self.chance.bytes()),
            question: format!("Question {}", self.memory.new),
            candidates,
            expires: u64::try_from(self.stage.now_ms() / 1000).unwrap() + GOOD_FOR,
        };
        self.stage.note(format_args!("staff: ask {}", ask.question));
        self.at_the_portal(|tx, tenant, home| questions::ask(tx, tenant, "staff:1", home, &ask));
    }

    /// What one side has not heard of the other; `None` when both know.
    pub(super) fn unheard(&self, desk: &Desk) -> Option<String> {
        let (wishes, questions) = self.at_the_company();
        for row in &desk.requests {
            let there = wishes.iter().find(|wish| wish.id == row.id);
            let fits = there.is_some_and(|wish| match row.state {
                RequestState::Made => false,
                RequestState::Delivered => {
                    wish.state == "open" && wish.text == row.text
                        // The home was put back to before it was taken back.
                        || wish.state == "withdrawn" && self.memory.back_in_time
                }
                RequestState::Withdrawn => wish.state == "withdrawn" && wish.text.is_empty(),
            });
            // What was taken back before it left has never been there.
            let never_left = there.is_none() && row.state == RequestState::Withdrawn;
            if !fits && !never_left {
                return Some(format!("a wish is {:?} at home, at the portal {there:?}", row.state));
            }
        }
        for asked in questions {
            let at_home = desk.questions.iter().find(|row| row.id == asked.id);
            let answer = at_home.map(|row| (row.state, row.choice.map(|choice| choice.to_string())));
            let fits = match (&*asked.state, answer) {
                ("open", Some((QuestionState::Open, _)))
                | ("declined", Some((QuestionState::Declined, _))) => true,
                ("answered", Some((QuestionState::Answered, choice))) if choice == asked.choice => true,
                // The home was put back to before its owner answered. If it was answered once more, the first answer counts.
                ("answered" | "declined", _) => self.memory.back_in_time,
                _ => false,
            };
            if !fits {
                return Some(format!("a question is {} at the portal, at home {at_home:?}", asked.state));
            }
        }
        None
    }

    fn at_the_company(&self) -> (Vec<Wish>, Vec<Question>) {
        let portal = self.stage.portal();
        let both = portal.store.read_now(|db| {
            let tenant = tenants::get(db, portal.tenant)?.id;
            Ok((requests::list(db, tenant, None, ALL)?, questions::list(db, tenant, None, ALL)?))
        });
        both.unwrap()
    }
}
