//! *Requests and questions*: what the owner wishes for, and what the company asks, answered by the own names of things.

use std::collections::BTreeMap;

use askama::Template;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::OpaqueId;
use vestibule_protocol::limits;

use super::answer::{Call, Fault, Shown, html};
use super::form::encoded;
use super::frame::Frame;
use super::show::{self, Moment};
use crate::agent::{QuestionView, RequestView, RoomView, Status};
use crate::control::Request;
use crate::problem;

/// Where the list is.
const HERE: &str = "/questions";
/// How much of a text stands in a list, in characters; fifty long ones would make the page heavy.
const LISTED: usize = 160;
const OPEN: &str = "open";
const WITHDRAWN: &str = "withdrawn";

/// A wish of the owner.
struct Wish {
    id: String,
    text: String,
    state: String,
    made: Moment,
    /// The owner's names of its rooms.
    rooms: Vec<String>,
    may_withdraw: bool,
}

/// A question in the list.
struct Line {
    address: String,
    text: String,
    state: String,
    open: bool,
    expires: Moment,
}

#[derive(Template)]
#[template(path = "questions.html")]
struct ListPage {
    f: Frame,
    paired: bool,
    questions: Vec<Line>,
    wishes: Vec<Wish>,
    /// Those that exist for the portal.
    rooms: Vec<RoomView>,
    longest: usize,
}

/// Everything, the newest first, open questions before all others.
pub(super) async fn page(call: &Call<'_>) -> Shown {
    let status: Status = call.page.ask(Request::Status).await?;
    let mut questions: Vec<QuestionView> = call.page.ask(Request::Questions).await?;
    let mut wishes: Vec<RequestView> = call.page.ask(Request::Requests).await?;
    let mut rooms: Vec<RoomView> = call.page.ask(Request::Rooms).await?;
    questions.reverse();
    questions.sort_by_key(|question| question.state != OPEN);
    wishes.reverse();
    let names: BTreeMap<String, String> =
        rooms.iter().map(|room| (room.id.clone(), room.name.clone())).collect();
    rooms.retain(|room| !room.excluded);
    Ok(html(&ListPage {
        f: call.frame(HERE),
        paired: status.fingerprint.is_some(),
        questions: questions.iter().map(line).collect(),
        wishes: wishes.into_iter().map(|view| wish(view, &names)).collect(),
        rooms,
        longest: limits::SUMMARY_CHARS,
    }))
}

fn line(view: &QuestionView) -> Line {
    Line {
        address: address(&view.id),
        text: show::shortened(&view.question, LISTED),
        state: view.state.clone(),
        open: view.state == OPEN,
        expires: Moment::of_s(i64::try_from(view.expires).unwrap_or(i64::MAX)),
    }
}

fn wish(view: RequestView, names: &BTreeMap<String, String>) -> Wish {
    Wish {
        text: show::shortened(&view.text, LISTED),
        made: Moment::of_s(view.made),
        // A room that is gone has no name any more.
        rooms: view.rooms.iter().map(|id| names.get(id).unwrap_or(id).clone()).collect(),
        may_withdraw: view.state != WITHDRAWN,
        state: view.state,
        id: view.id,
    }
}

/// Something that can be chosen.
struct Choice {
    id: String,
    name: Option<String>,
    chosen: bool,
    /// It can show itself.
    shows: bool,
}

#[derive(Template)]
#[template(path = "question.html")]
struct OnePage {
    f: Frame,
    id: String,
    /// The company's words.
    text: String,
    state: String,
    open: bool,
    expires: Moment,
    choices: Vec<Choice>,
}

impl OnePage {
    fn new(f: Frame, view: QuestionView) -> Self {
        let (open, chosen) = (view.state == OPEN, view.choice);
        let choice = |candidate: crate::agent::CandidateView| Choice {
            chosen: chosen.as_ref() == Some(&candidate.id),
            shows: open && candidate.id.starts_with("e_"),
            id: candidate.id,
            name: candidate.name,
        };
        Self {
            f,
            id: view.id,
            text: view.question,
            state: view.state,
            open,
            expires: Moment::of_s(i64::try_from(view.expires).unwrap_or(i64::MAX)),
            choices: view.candidates.into_iter().map(choice).collect(),
        }
    }
}

/// One question, with what can be chosen by the owner's own names.
pub(super) async fn one(call: &Call<'_>) -> Shown {
    let id = call.query.some("id").ok_or(Fault::NotFound)?;
    let questions: Vec<QuestionView> = call.page.ask(Request::Questions).await?;
    let view = questions.into_iter().find(|view| view.id == id).ok_or(Fault::NotFound)?;
    Ok(html(&OnePage::new(call.frame(HERE), view)))
}

/// The owner's answer: one of the candidates, or that there will be none.
pub(super) async fn answer(call: &Call<'_>) -> Shown {
    let id = chosen(call)?;
    let choice = match call.form.some("choice") {
        Some(choice) => Some(choice.parse::<OpaqueId>().map_err(|_| problem::no_candidate())?),
        None if call.form.get("decline") == Some("yes") => None,
        None => return Err(Fault::NotFound),
    };
    call.page.ask_each(Request::AnswerQuestion { id, choice }, drop).await?;
    call.go(&address(&id.to_string()), if choice.is_some() { "answered" } else { "declined" })
}

/// Lets a thing show itself to the owner, who then sees which one it is.
pub(super) async fn identify(call: &Call<'_>) -> Shown {
    let id = chosen(call)?;
    let thing = call.form.some("thing").and_then(|thing| thing.parse().ok());
    let thing: OpaqueId = thing.ok_or_else(problem::no_candidate)?;
    call.page.ask_each(Request::Identify { thing }, drop).await?;
    call.go(&address(&id.to_string()), "identified")
}

/// A new wish, for the rooms that were ticked.
pub(super) async fn request(call: &Call<'_>) -> Shown {
    // Browsers end the lines of a form as mail does.
    let text = call.form.get("text").unwrap_or_default().replace("\r\n", "\n").trim().to_owned();
    let rooms: Result<Vec<OpaqueId>, _> = call.form.all("room").map(str::parse).collect();
    let rooms = rooms.map_err(|_| problem::bad_wish())?;
    call.page.ask_each(Request::NewRequest { text, rooms }, drop).await?;
    call.go(HERE, "requested")
}

/// Takes a wish back.
pub(super) async fn withdraw(call: &Call<'_>) -> Shown {
    let id = chosen(call)?;
    call.page.ask_each(Request::WithdrawRequest { id }, drop).await?;
    call.go(HERE, "request_withdrawn")
}

fn chosen(call: &Call<'_>) -> Result<Fixed<16>, Fault> {
    call.form.some("id").and_then(Fixed::parse).ok_or(Fault::NotFound)
}

/// The address of a question. Its id has letters that no path of ours has.
fn address(id: &str) -> String {
    format!("{HERE}/one?id={}", encoded(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::CandidateView;
    use crate::page::frame::EVIL;

    fn question(state: &str) -> QuestionView {
        let candidate =
            |id: &str, name: Option<&str>| CandidateView { id: id.to_owned(), name: name.map(str::to_owned) };
        QuestionView {
            id: "A-_z".to_owned(),
            question: EVIL.repeat(20),
            candidates: vec![
                candidate("e_aaaaaaaaaaaaa", Some(EVIL)),
                candidate("a_aaaaaaaaaaaaa", None),
                candidate(EVIL, None),
            ],
            state: state.to_owned(),
            choice: (state == "answered").then(|| "a_aaaaaaaaaaaaa".to_owned()),
            expires: u64::MAX,
        }
    }

    #[test]
    fn r17_words_of_others_are_no_markup() {
        for state in [OPEN, "answered", EVIL] {
            let text = OnePage::new(Frame::of_a_test(HERE), question(state)).render().unwrap();
            assert!(!text.contains("<script>alert") && !text.contains("\"'>"), "{state}: {text}");
            let view = RequestView {
                id: EVIL.to_owned(),
                text: EVIL.to_owned(),
                rooms: vec![EVIL.to_owned()],
                state: state.to_owned(),
                made: 0,
            };
            let room = RoomView {
                id: EVIL.to_owned(),
                name: EVIL.to_owned(),
                floor: Some(EVIL.to_owned()),
                worked_out: EVIL.to_owned(),
                chosen: None,
                excluded: false,
            };
            let list = ListPage {
                f: Frame::of_a_test(HERE),
                paired: true,
                questions: vec![line(&question(state))],
                wishes: vec![wish(view, &BTreeMap::new())],
                rooms: vec![room],
                longest: 9,
            };
            let text = list.render().unwrap();
            assert!(!text.contains("<script>alert") && !text.contains("\"'>"), "{state}: {text}");
        }
    }

    #[test]
    fn only_open_questions_are_answered_and_only_entities_show_themselves() {
        let open = OnePage::new(Frame::of_a_test(HERE), question(OPEN)).render().unwrap();
        assert_eq!(open.matches("name=\"choice\"").count(), 3, "{open}");
        assert_eq!(open.matches("name=\"thing\"").count(), 1, "{open}");
        assert!(open.contains("name=\"decline\""), "{open}");
        for state in ["answered", "declined", "expired"] {
            let over = OnePage::new(Frame::of_a_test(HERE), question(state)).render().unwrap();
            assert!(!over.contains("<form"), "{state}: {over}");
        }
    }

    #[test]
    fn the_largest_question_is_a_light_page() {
        let name = "The lamp on the shelf beside the window".to_owned();
        let candidate = |n: usize| CandidateView { id: format!("e_{n:0>13}"), name: Some(name.clone()) };
        let largest = QuestionView {
            question: "x".repeat(limits::SUMMARY_CHARS),
            candidates: (0..limits::CANDIDATES).map(candidate).collect(),
            ..question(OPEN)
        };
        let size = OnePage::new(Frame::of_a_test(HERE), largest).render().unwrap().len();
        assert!(size < 60_000, "{size}");
    }
}
