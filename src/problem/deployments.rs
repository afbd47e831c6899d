//! Problems about deployments, questions and requests.

use vestibule_protocol::problem::Problem;

/// No deployment has this id.
#[must_use]
pub fn no_such_deployment() -> Problem {
    Problem::new(
        "no_such_deployment",
        "There is no deployment of this id.",
        "See all of them with: vestibule deployments list",
    )
}

/// A yes or no to something that does not wait for one.
#[must_use]
pub fn not_waiting(state: &str) -> Problem {
    Problem::new(
        "not_waiting",
        format!("This deployment does not wait for you: it is {state}."),
        "Look at it with: vestibule deployments show ID",
    )
}

/// A yes before there is anything to say yes to.
#[must_use]
pub fn not_planned_yet(code: Option<&str>) -> Problem {
    let why = code.map(|code| format!(" ({code})")).unwrap_or_default();
    Problem::new(
        "not_planned_yet",
        format!("What this deployment would do is not worked out yet{why}."),
        "Wait until the daemon has read the home, and look at it with: vestibule deployments show ID",
    )
    .retryable()
}

/// The yes is to another plan than the one at hand.
#[must_use]
pub fn plan_changed() -> Problem {
    Problem::new(
        "plan_changed",
        "What this deployment would do has changed since you looked at it.",
        "Look at it again with: vestibule deployments show ID",
    )
}

/// A yes without the host that browsers would call.
#[must_use]
pub fn host_not_allowed(host: &str) -> Problem {
    Problem::new(
        "remote_host",
        format!("With this deployment your browser would call another computer: {host}."),
        "If you want that, allow it for this deployment with: --allow-host HOST",
    )
}

/// A yes without the separate one to what becomes of a file (R40).
#[must_use]
pub fn file_not_agreed(file: &str) -> Problem {
    Problem::new(
        "file_not_agreed",
        format!(
            "For this Home Assistant would write {file} anew: comments and formatting in it are lost, and missing ids are added."
        ),
        "If you agree, say so too: tick the file on the page, or approve with --yes after reading what show says.",
    )
}

/// Nothing is there any more from which it could be undone.
#[must_use]
pub fn not_undoable() -> Problem {
    Problem::new(
        "not_undoable",
        "This deployment cannot be undone: it has changed nothing, or is older than the last twenty.",
        "See what can be undone with: vestibule deployments list",
    )
}

/// An undo would overwrite edits.
#[must_use]
pub fn edited_since() -> Problem {
    Problem::new(
        "edited_since",
        "What this deployment made has been edited or replaced since. Undoing it would lose that, so nothing was changed.",
        "Undo what came later first, or lose the edits with: vestibule deployments undo ID --overwrite",
    )
}

/// A question that is not there.
#[must_use]
pub fn no_such_question() -> Problem {
    Problem::new(
        "no_such_question",
        "There is no question of this id.",
        "See all of them with: vestibule questions list",
    )
}

/// A question that has been answered or has expired.
#[must_use]
pub fn question_over() -> Problem {
    Problem::new("question_over", "This question is not open any more.", "Nothing has to be done.")
}

/// An answer that is none of the candidates, or something that cannot be shown.
#[must_use]
pub fn no_candidate() -> Problem {
    Problem::new(
        "no_candidate",
        "This is none of the things that can be chosen.",
        "See them with: vestibule questions list",
    )
}

/// A wish that cannot be sent.
#[must_use]
pub fn bad_wish() -> Problem {
    Problem::new(
        "bad_request_text",
        "A request has between 1 and 2000 characters and names rooms by their ids (a_…), at most 64.",
        "See the ids of your rooms with: vestibule preview",
    )
}

/// A wish that is not there.
#[must_use]
pub fn no_such_wish() -> Problem {
    Problem::new(
        "no_such_request",
        "There is no request of this id.",
        "See all of them with: vestibule requests list",
    )
}

/// A report that was not shown, or too long ago.
#[must_use]
pub fn report_not_shown() -> Problem {
    Problem::new(
        "report_not_shown",
        "This report was not shown by this run of Vestibule, or others were shown since.",
        "Make a new one, read it, and send that.",
    )
}

/// A report that no portal takes.
#[must_use]
pub fn report_too_long() -> Problem {
    Problem::new(
        "report_too_long",
        "This report is longer than what a portal takes.",
        "Save it as a file, and give it to whoever helps you in another way.",
    )
}

/// The owner did not agree.
#[must_use]
pub fn report_not_sent() -> Problem {
    Problem::new(
        "report_not_sent",
        "Nothing was sent, because nobody agreed.",
        "To agree beforehand, give --yes.",
    )
}

/// A confirmation that cannot count yet: it takes the portal's number of what it has handed out (R32).
#[must_use]
pub fn not_met_since() -> Problem {
    Problem::new(
        "not_met_since",
        "This home was restored, and has not spoken with the portal since.",
        "Confirm when the portal has been reached. Nothing is carried out until then.",
    )
    .retryable()
}

/// Nobody can deploy, so nothing can be allowed (R33).
#[must_use]
pub fn no_charter() -> Problem {
    Problem::new(
        "no_charter",
        "The company has not said yet who may approve changes, so none can be allowed.",
        "Wait until the portal has sent its charter, or ask the company for it.",
    )
    .retryable()
}

/// R38.
#[must_use]
pub fn trust_only_dashboards() -> Problem {
    Problem::new(
        "trust_only_dashboards",
        "Cards and automations are always asked for: they can do more than show.",
        "Use ask, or never. Trust is there for deploy.dashboards.",
    )
}

/// What the home said at the desk.
#[must_use]
pub fn desk(error: crate::home::desk::DeskError) -> Problem {
    if let crate::home::desk::DeskError::Trouble(trouble) = error {
        return super::home(trouble);
    }
    Problem::new(
        "home_refused",
        format!("Home Assistant did not do it ({}).", error.code()),
        "Look at it in Home Assistant; nothing was changed.",
    )
}

/// Something that cannot be switched on by us.
#[must_use]
pub fn nothing_to_enable() -> Problem {
    Problem::new(
        "nothing_to_enable",
        "This item is no automation that a deployment has put in place.",
        "See what there is with: vestibule deployments show ID",
    )
}

/// Forgetting in the middle of a write.
#[must_use]
pub fn being_written() -> Problem {
    Problem::new(
        "being_written",
        "A deployment is being written, or taken back, at this moment. Nothing was forgotten.",
        "Try again in a minute.",
    )
    .retryable()
}

/// Forgetting without a word about what deployments have changed.
#[must_use]
pub fn undo_or_keep(count: usize) -> Problem {
    Problem::new(
        "undo_or_keep",
        format!(
            "{count} deployments have changed this home. Once everything is forgotten, they cannot be undone any more."
        ),
        "Undo them first with --undo, or leave them in place with --keep.",
    )
}

/// An undo before forgetting that did not come to its end.
#[must_use]
pub fn not_undone(state: &str) -> Problem {
    Problem::new(
        "not_undone",
        format!("Not everything could be undone: a deployment is {state}. Nothing was forgotten."),
        "Look at it with: vestibule deployments list. To leave it in place, use --keep.",
    )
}
