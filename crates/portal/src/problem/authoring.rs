//! Problems of authors and approvers: keys, passphrases, charters, deployments, and a portal that does not answer.

use vestibule_protocol::deployment::Unfit;
use vestibule_protocol::problem::Problem;

/// A key file is in the way.
#[must_use]
pub fn key_exists() -> Problem {
    Problem::new(
        "key_exists",
        "The key file or its .pub file exists already; key files are never overwritten.",
        "Choose another file with --out.",
    )
}

/// A key file cannot be used.
#[must_use]
pub fn key_unusable() -> Problem {
    Problem::new(
        "key_unusable",
        "The key file cannot be read, or holds no key.",
        "Give a file that `key new` wrote, or a root key file that `tenant create` wrote.",
    )
}

/// A key file cannot be written.
#[must_use]
pub fn key_unwritable() -> Problem {
    Problem::new("key_unwritable", "The key file cannot be written.", "Choose another place with --out.")
}

/// A plain key that others can read.
#[must_use]
pub fn key_exposed() -> Problem {
    Problem::new(
        "key_exposed",
        "This key file has no passphrase, and others on this machine may read it.",
        "Take their rights away with `chmod 600 FILE`. If somebody may have read it, make a new key and a charter without the old one.",
    )
}

/// A file that holds no public key.
#[must_use]
pub fn public_key_unusable() -> Problem {
    Problem::new(
        "public_key_unusable",
        "This file holds no public key of a person.",
        "Give the FILE.pub that `key new` wrote beside the key.",
    )
}

/// Nobody to ask for a passphrase.
#[must_use]
pub fn passphrase_needed() -> Problem {
    Problem::new(
        "passphrase_needed",
        "A passphrase is needed, and none was given.",
        "Call this at a terminal, or name a file that holds the passphrase with VESTIBULE_PASSPHRASE_FILE.",
    )
}

/// The named file has no passphrase.
#[must_use]
pub fn passphrase_file_unusable() -> Problem {
    Problem::new(
        "passphrase_file_unusable",
        "The file that VESTIBULE_PASSPHRASE_FILE names cannot be read as text.",
        "Give a file whose first line is the passphrase.",
    )
}

/// The two passphrases are not alike.
#[must_use]
pub fn passphrases_differ() -> Problem {
    Problem::new("passphrases_differ", "The two passphrases are not alike.", "Try again.")
}

/// The passphrase does not open the file.
#[must_use]
pub fn passphrase_wrong() -> Problem {
    Problem::new(
        "passphrase_wrong",
        "This passphrase does not open the key file, or the file has been altered.",
        "Try again.",
    )
}

/// A file is in the way.
#[must_use]
pub fn file_exists(name: &str) -> Problem {
    Problem::new(
        "file_exists",
        format!("{name} exists already; it is not overwritten."),
        "Choose another file, or move the old one away.",
    )
}

/// A file cannot be read.
#[must_use]
pub fn file_unreadable(name: &str) -> Problem {
    Problem::new("file_unreadable", format!("{name} cannot be read."), "Check its path and its permissions.")
}

/// A file cannot be written.
#[must_use]
pub fn file_unwritable(name: &str) -> Problem {
    Problem::new("file_unwritable", format!("{name} cannot be written."), "Choose another place.")
}

/// A file is too long.
#[must_use]
pub fn file_too_large(name: &str, most: usize) -> Problem {
    Problem::new(
        "file_too_large",
        format!("{name} is longer than {most} bytes, which is the most that a home takes."),
        "Make it smaller, or divide it.",
    )
}

/// A file is no text.
#[must_use]
pub fn file_no_text(name: &str) -> Problem {
    Problem::new("file_no_text", format!("{name} is not UTF-8 text."), "Save it as UTF-8.")
}

/// No envelope.
#[must_use]
pub fn envelope_unreadable() -> Problem {
    Problem::new(
        "envelope_unreadable",
        "This file holds no envelope.",
        "Give a file that `charter new` or `deployment new` wrote.",
    )
}

/// No charter.
#[must_use]
pub fn charter_unreadable() -> Problem {
    Problem::new("charter_unreadable", "This file holds no charter.", "Give a file that `charter new` wrote.")
}

/// A charter that homes would refuse.
#[must_use]
pub fn charter_unsound() -> Problem {
    Problem::new(
        "charter_unsound",
        "Homes would refuse this charter: a threshold that cannot be met, a key that stands twice, or too many keys.",
        "Thresholds count persons, not keys; each key belongs to one person.",
    )
}

/// The key has no say.
#[must_use]
pub fn root_key_no_say() -> Problem {
    Problem::new(
        "root_key_no_say",
        "This key is not among the root keys that may sign this charter.",
        "Give the root key that `tenant create` wrote for this tenant, or one that the previous charter names.",
    )
}

/// The previous charter is another tenant's, or not signed.
#[must_use]
pub fn charter_previous() -> Problem {
    Problem::new(
        "charter_previous",
        "The previous charter belongs to another tenant, or is not signed as it should be.",
        "Give the latest charter of this tenant, complete with its signatures.",
    )
}

/// A deployment that homes would refuse.
#[must_use]
pub fn deployment_unfit(why: &Unfit) -> Problem {
    Problem::new(
        "deployment_unfit",
        format!("Homes would refuse this: {why}."),
        "Correct what is named, and make the deployment anew.",
    )
}

/// Too large to be sent.
#[must_use]
pub fn deployment_too_large() -> Problem {
    Problem::new(
        "deployment_too_large",
        "The deployment does not fit into one message to a home (4 MiB).",
        "Divide it into several deployments.",
    )
}

/// No items.
#[must_use]
pub fn nothing_to_deploy() -> Problem {
    Problem::new(
        "nothing_to_deploy",
        "The deployment would change nothing.",
        "Add --dashboard, --card, --automation, --script or --delete.",
    )
}

/// Nobody knows the base.
#[must_use]
pub fn base_needed(what: &str) -> Problem {
    Problem::new(
        "base_needed",
        format!("Nobody knows against what the change to {what} was designed."),
        "Give --base after it, or --portal and --token of a portal that holds its contents or has deployed it before.",
    )
}

/// Such things are not deleted.
#[must_use]
pub fn not_deletable() -> Problem {
    Problem::new(
        "not_deletable",
        "Deployments delete dashboards, automations, scripts and cards, and nothing else.",
        "Write dashboard/b_…, automation/m_…, script/s_… or card/NAME.",
    )
}

/// Nobody knows the tenant.
#[must_use]
pub fn tenant_needed() -> Problem {
    Problem::new(
        "tenant_needed",
        "Nobody knows whose deployment this is.",
        "Give --tenant, or --portal and --token of a portal that has a charter.",
    )
}

/// An item that is not there, or has no text.
#[must_use]
pub fn no_such_item() -> Problem {
    Problem::new(
        "no_such_item",
        "There is no such item, or it deletes something and has no content.",
        "See the numbers that `deployment show FILE` prints.",
    )
}

/// The person at the terminal does not want it.
#[must_use]
pub fn not_signed() -> Problem {
    Problem::new("not_signed", "Nothing was signed.", "Call it again when it is right.")
}

/// No snapshot.
#[must_use]
pub fn snapshot_unreadable() -> Problem {
    Problem::new(
        "snapshot_unreadable",
        "This is no snapshot: JSON lines with a key and a record each.",
        "Fetch it from /v1/instances/FINGERPRINT/snapshot, or take what `vestibule preview --json` prints.",
    )
}

/// The design would not work.
#[must_use]
pub fn check_failed(errors: usize) -> Problem {
    let what = if errors == 1 { "One thing".to_owned() } else { format!("{errors} things") };
    Problem::new(
        "check_failed",
        format!("{what} in this deployment would be refused at home."),
        "Correct what is listed, and make the deployment anew.",
    )
}

/// No portal was named.
#[must_use]
pub fn portal_needed() -> Problem {
    Problem::new(
        "portal_needed",
        "This is answered by a portal, and none was named.",
        "Give --portal and --token.",
    )
}

/// The portal cannot be reached.
#[must_use]
pub fn portal_unreachable() -> Problem {
    Problem::new(
        "portal_unreachable",
        "Nobody answers at the portal's address.",
        "Check the address and the network, and try again.",
    )
    .retryable()
}

/// The portal's certificate is not trusted.
#[must_use]
pub fn portal_untrusted() -> Problem {
    Problem::new(
        "portal_untrusted",
        "The connection to the portal cannot be secured; most likely its certificate is not trusted here.",
        "If the portal has an authority of its own, give its certificate with --ca-file.",
    )
}

/// The file of authorities is of no use.
#[must_use]
pub fn authority_unusable() -> Problem {
    Problem::new(
        "authority_unusable",
        "The file given with --ca-file holds no usable certificate in PEM.",
        "Give the certificate of the authority that signed the portal's.",
    )
}

/// The portal answers something that is not understood.
#[must_use]
pub fn portal_confused() -> Problem {
    Problem::new(
        "portal_confused",
        "The portal's answer is not understood.",
        "Check that the address is that of a Vestibule portal, and that both are of a like version.",
    )
}

/// A token that cannot be one.
#[must_use]
pub fn token_invalid() -> Problem {
    Problem::new(
        "token_invalid",
        "The token holds characters that no token has.",
        "Give the token that `staff add` printed.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_golden() {
        let all = [
            key_exists(),
            key_unusable(),
            key_unwritable(),
            key_exposed(),
            public_key_unusable(),
            passphrase_needed(),
            passphrase_file_unusable(),
            passphrases_differ(),
            passphrase_wrong(),
            file_exists("board.json"),
            file_unreadable("board.json"),
            file_unwritable("board.json"),
            file_too_large("board.json", 100),
            file_no_text("board.json"),
            envelope_unreadable(),
            charter_unreadable(),
            charter_unsound(),
            root_key_no_say(),
            charter_previous(),
            deployment_unfit(&Unfit::OutOfBounds("title")),
            deployment_too_large(),
            nothing_to_deploy(),
            base_needed("b_aaaaaaaaaaaaa"),
            not_deletable(),
            tenant_needed(),
            no_such_item(),
            not_signed(),
            snapshot_unreadable(),
            check_failed(2),
            portal_needed(),
            portal_unreachable(),
            portal_untrusted(),
            authority_unusable(),
            portal_confused(),
            token_invalid(),
        ];
        let text: Vec<String> = all.iter().map(|problem| format!("{problem} {:?}", problem.retry)).collect();
        insta::assert_snapshot!(text.join("\n\n"));
        let codes: std::collections::BTreeSet<_> = all.iter().map(|problem| &problem.code).collect();
        assert_eq!(codes.len(), all.len());
    }
}
