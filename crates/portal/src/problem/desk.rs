//! Problems with charters, deployments, questions and requests.

use vestibule_protocol::charter::BadCharter;
use vestibule_protocol::deployment::Unfit;
use vestibule_protocol::problem::Problem;

use crate::life::State;

/// The charter does not follow from what is in force.
#[must_use]
pub fn charter_refused(why: &BadCharter) -> Problem {
    Problem::new(
        "charter_refused",
        format!("The charter is not accepted: {why}."),
        "The first one is signed by the tenant's root key; each later one is the next version, signed by the root keys of both.",
    )
}

/// The charter is over.
#[must_use]
pub fn charter_expired() -> Problem {
    Problem::new(
        "charter_expired",
        "The charter has expired; homes would not accept anything approved under it.",
        "Sign and submit its next version.",
    )
}

/// There is no charter yet.
#[must_use]
pub fn no_charter() -> Problem {
    Problem::new(
        "no_charter",
        "This tenant has no charter, so nobody can approve anything.",
        "Make one with `vestibule-portal charter new` and submit it.",
    )
}

/// The payload cannot be a deployment.
#[must_use]
pub fn deployment_unfit(why: &Unfit) -> Problem {
    Problem::new(
        "deployment_unfit",
        format!("A home would refuse this: {why}."),
        "Make the deployment anew; what is signed is never changed.",
    )
}

/// More than travels in one message.
#[must_use]
pub fn deployment_too_large() -> Problem {
    Problem::new(
        "deployment_too_large",
        "The deployment is larger than one message of the link.",
        "Divide it into several.",
    )
}

/// Meant for somebody else.
#[must_use]
pub fn deployment_elsewhere() -> Problem {
    Problem::new(
        "deployment_elsewhere",
        "The deployment was made for another home or another tenant.",
        "Submit it to the home that it names, or make one for this home.",
    )
}

/// Its time has passed.
#[must_use]
pub fn deployment_expired() -> Problem {
    Problem::new(
        "deployment_expired",
        "The deployment has expired.",
        "Make it anew and have it signed again.",
    )
}

/// Another payload under the same id.
#[must_use]
pub fn deployment_differs() -> Problem {
    Problem::new(
        "deployment_differs",
        "There is another deployment with this id; its contents differ.",
        "Make it anew, which gives it an id of its own.",
    )
}

/// Too late for what was asked.
#[must_use]
pub fn deployment_over(state: State) -> Problem {
    Problem::new(
        "deployment_over",
        format!("The deployment is {}; this cannot be done any more.", state.name().replace('_', " ")),
        "Make a new one if something has to change.",
    )
}

/// A later deployment has been handed out.
#[must_use]
pub fn sequence_passed() -> Problem {
    Problem::new(
        "sequence_passed",
        "A later deployment has already been given to this home, so it would refuse this one.",
        "Make it anew; the sequence has to rise.",
    )
}

/// Two deployments with one sequence.
#[must_use]
pub fn sequence_taken() -> Problem {
    Problem::new(
        "sequence_taken",
        "Another deployment for this home has the same sequence.",
        "Make it anew; the sequence has to rise.",
    )
}

/// Too many are open.
#[must_use]
pub fn too_many_deployments() -> Problem {
    Problem::new(
        "too_many_deployments",
        "Too many deployments for this home are being worked on.",
        "Withdraw those that are not wanted any more.",
    )
}

/// More signatures than an envelope holds.
#[must_use]
pub fn too_many_signatures() -> Problem {
    Problem::new(
        "too_many_signatures",
        "An envelope holds at most 32 signatures.",
        "Submit only those that the charter asks for.",
    )
}

/// No signature counts.
#[must_use]
pub fn signatures_unknown() -> Problem {
    Problem::new(
        "signatures_unknown",
        "None of the signatures is by a key of the charter.",
        "Sign with a key that the charter in force names; see `GET /v1/charters`.",
    )
}

/// The question cannot be asked.
#[must_use]
pub fn question_unfit() -> Problem {
    Problem::new(
        "question_unfit",
        "A question has 1 to 2000 characters, 1 to 64 different candidates, and ends within 30 days.",
        "Change it and ask again.",
    )
}

/// Too many questions wait.
#[must_use]
pub fn too_many_questions() -> Problem {
    Problem::new(
        "too_many_questions",
        "Too many questions to this owner are waiting for an answer.",
        "Wait until some are answered or have expired.",
    )
}

/// The request is closed.
#[must_use]
pub fn request_over() -> Problem {
    Problem::new(
        "request_over",
        "The owner has taken the request back, or it is done.",
        "Look at `GET /v1/requests` for those that are open.",
    )
}

/// All of them, for the golden list.
#[cfg(test)]
pub(super) fn all() -> Vec<Problem> {
    vec![
        charter_refused(&BadCharter::WrongVersion),
        charter_expired(),
        no_charter(),
        deployment_unfit(&Unfit::OutOfBounds("title")),
        deployment_too_large(),
        deployment_elsewhere(),
        deployment_expired(),
        deployment_differs(),
        deployment_over(State::RolledBack),
        sequence_passed(),
        sequence_taken(),
        too_many_deployments(),
        too_many_signatures(),
        signatures_unknown(),
        question_unfit(),
        too_many_questions(),
        request_over(),
    ]
}
