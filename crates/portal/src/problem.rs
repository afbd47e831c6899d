//! Every problem that the portal tells people about, in one place; golden in the tests.

pub mod authoring;
mod desk;

pub use desk::{
    charter_expired, charter_refused, deployment_differs, deployment_elsewhere, deployment_expired,
    deployment_over, deployment_too_large, deployment_unfit, no_charter, question_unfit, request_over,
    sequence_passed, sequence_taken, signatures_unknown, too_many_deployments, too_many_questions,
    too_many_signatures,
};

use vestibule_protocol::problem::Problem;

use crate::store::Stop;

/// A name that is already taken.
#[must_use]
pub fn staff_exists() -> Problem {
    Problem::new(
        "staff_exists",
        "There is already somebody of this name.",
        "Choose another name, or remove the old entry first; that ends its token.",
    )
}

/// No origin is known yet.
#[must_use]
pub fn origin_unknown() -> Problem {
    Problem::new(
        "origin_unknown",
        "The portal does not know yet under which address homes will reach it.",
        "Run `vestibule-portal serve` once on this data folder, or give the address with --origin.",
    )
}

/// `serve` needs an origin.
#[must_use]
pub fn origin_needed() -> Problem {
    Problem::new(
        "origin_needed",
        "The portal listens beyond this machine, so it cannot guess the address under which homes will reach it.",
        "Give it with --origin https://…",
    )
}

/// Not an origin.
#[must_use]
pub fn origin_invalid() -> Problem {
    Problem::new(
        "origin_invalid",
        "This is not an origin that homes can use: https:// and a host, without a path; http:// only for this machine.",
        "Give an address such as https://portal.example.",
    )
}

/// TLS is needed.
#[must_use]
pub fn tls_needed() -> Problem {
    Problem::new(
        "tls_needed",
        "The portal would listen beyond this machine without encryption.",
        "Give --tls-cert and --tls-key, or --behind-proxy if a proxy in front of it encrypts.",
    )
}

/// Certificate or key do not work.
#[must_use]
pub fn tls_unusable() -> Problem {
    Problem::new(
        "tls_unusable",
        "The certificate or its key cannot be used.",
        "Check that both files are PEM, readable, and belong together.",
    )
}

/// The port cannot be had.
#[must_use]
pub fn listen_failed() -> Problem {
    Problem::new(
        "listen_failed",
        "The address to listen on is not free, or this user may not use it.",
        "Stop the other program, or choose another port with --listen.",
    )
    .retryable()
}

/// The folder cannot be used.
#[must_use]
pub fn data_unusable() -> Problem {
    Problem::new(
        "data_unusable",
        "The data folder cannot be created or written.",
        "Choose another with --data, or give this user the right to write it.",
    )
}

/// Another portal serves the same folder.
#[must_use]
pub fn already_served() -> Problem {
    Problem::new(
        "already_served",
        "Another vestibule-portal serves this data folder.",
        "Stop it first, or choose another folder with --data.",
    )
    .retryable()
}

/// The root key file is not free.
#[must_use]
pub fn root_key_exists() -> Problem {
    Problem::new(
        "root_key_exists",
        "The file for the root key exists already; it is never overwritten.",
        "Choose another file with --root-key.",
    )
}

/// The root key would lie beside the database.
#[must_use]
pub fn root_key_in_data() -> Problem {
    Problem::new(
        "root_key_in_data",
        "The root key must not lie in the portal's data folder: whoever steals the portal would have it.",
        "Choose a file elsewhere with --root-key, best on another machine or a stick.",
    )
}

/// The root key cannot be read or written.
#[must_use]
pub fn root_key_unusable() -> Problem {
    Problem::new(
        "root_key_unusable",
        "The root key file cannot be read or written, or holds no root key.",
        "Check its path and its permissions.",
    )
}

/// A root key of another tenant.
#[must_use]
pub fn root_key_other() -> Problem {
    Problem::new(
        "root_key_other",
        "This root key belongs to another tenant.",
        "Give the file that was written when this tenant was created.",
    )
}

/// No such tenant.
#[must_use]
pub fn tenant_unknown() -> Problem {
    Problem::new("tenant_unknown", "There is no such tenant here.", "See `vestibule-portal tenant list`.")
}

/// The name cannot be used.
#[must_use]
pub fn name_invalid() -> Problem {
    Problem::new(
        "name_invalid",
        "A name or label has 1 to 100 characters and no control characters.",
        "Choose another.",
    )
}

/// The statement was made for another origin.
#[must_use]
pub fn origin_differs() -> Problem {
    Problem::new(
        "origin_differs",
        "The tenant's statement was made for another address than the invite would carry; homes would refuse it.",
        "Run `vestibule-portal tenant renew` with the address in use.",
    )
}

/// The statement is over.
#[must_use]
pub fn statement_expired() -> Problem {
    Problem::new(
        "statement_expired",
        "The tenant's statement has expired; homes would refuse this portal.",
        "Run `vestibule-portal tenant renew` with the root key.",
    )
}

/// Not found, or not theirs.
#[must_use]
pub fn not_found() -> Problem {
    Problem::new("not_found", "There is no such thing here.", "Check the identifier.")
}

/// Was there once.
#[must_use]
pub fn gone() -> Problem {
    Problem::new("gone", "This version has expired or has been erased.", "Fetch the snapshot as it is now.")
}

/// No valid token.
#[must_use]
pub fn unauthorised() -> Problem {
    Problem::new(
        "unauthorised",
        "The request carries no valid token. Tokens end after 30 days without use.",
        "Send `Authorization: Bearer TOKEN`, or ask the operator for a new token.",
    )
}

/// The role does not suffice.
#[must_use]
pub fn forbidden() -> Problem {
    Problem::new("forbidden", "Your role does not allow this.", "Ask somebody whose role does.")
}

/// Too many attempts.
#[must_use]
pub fn too_many() -> Problem {
    Problem::new("too_many", "There were too many attempts.", "Wait a minute and try again.").retryable()
}

/// The request cannot be understood.
#[must_use]
pub fn bad_request() -> Problem {
    Problem::new(
        "bad_request",
        "The request is not of the form that this address expects.",
        "See /v1/openapi.json.",
    )
}

/// The home is not there at the moment.
#[must_use]
pub fn not_connected() -> Problem {
    Problem::new("not_connected", "The home is not connected at the moment.", "Try again later.").retryable()
}

/// The owner has asked for a pause.
#[must_use]
pub fn restricted() -> Problem {
    Problem::new(
        "restricted",
        "The owner has asked that nothing be processed for the time being.",
        "Wait until the owner lifts the restriction.",
    )
}

/// The store does not work at the moment.
#[must_use]
pub fn unavailable() -> Problem {
    Problem::new(
        "unavailable",
        "The portal cannot read or write its data at the moment.",
        "Try again in a moment; if it lasts, look at the portal's log and at the room on its disk.",
    )
    .retryable()
}

/// The problem of a transaction that was not carried out.
#[must_use]
pub fn of_stop(stop: Stop) -> Problem {
    match stop {
        Stop::Problem(problem) => problem,
        Stop::NotFound | Stop::Erased => not_found(),
        Stop::Forbidden => forbidden(),
        Stop::Gone => gone(),
        Stop::Database(_)
        | Stop::File(_)
        | Stop::NotStored
        | Stop::Replaced
        | Stop::Mismatch(_)
        | Stop::TooMuch
        | Stop::BadMessage
        | Stop::BadRecord
        | Stop::InviteRefused => unavailable(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_golden() {
        let mut all = vec![
            staff_exists(),
            origin_unknown(),
            origin_needed(),
            origin_invalid(),
            tls_needed(),
            tls_unusable(),
            listen_failed(),
            data_unusable(),
            already_served(),
            root_key_exists(),
            root_key_in_data(),
            root_key_unusable(),
            root_key_other(),
            tenant_unknown(),
            name_invalid(),
            origin_differs(),
            statement_expired(),
            not_found(),
            gone(),
            unauthorised(),
            forbidden(),
            too_many(),
            bad_request(),
            not_connected(),
            restricted(),
            unavailable(),
        ];
        all.extend(desk::all());
        let text: Vec<String> = all.iter().map(|problem| format!("{problem} {:?}", problem.retry)).collect();
        insta::assert_snapshot!(text.join("\n\n"));
        let codes: std::collections::BTreeSet<_> = all.iter().map(|problem| &problem.code).collect();
        assert_eq!(codes.len(), all.len());
    }
}
