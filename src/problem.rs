//! Everything that a person reads when something is wrong, in one place: stable code, what happened, what to do next.

mod deployments;

pub use deployments::*;

use vestibule_protocol::invite::InvalidInvite;
use vestibule_protocol::message::RefusalCode;
use vestibule_protocol::problem::Problem;
use vestibule_protocol::statement::Untrusted;

use crate::home::AddressError;
use crate::net::DialError;
use crate::outbound::reading::HomeTrouble;
use crate::portal::enrol::EnrolError;
use crate::portal::link::LinkTrouble;
use crate::portal::origin::BadOrigin;
use crate::store::StoreError;

/// A line on the control socket that is no request.
#[must_use]
pub fn bad_request() -> Problem {
    Problem::new(
        "bad_request",
        "The daemon does not understand this command.",
        "Use the same version of the command and of the daemon.",
    )
}

/// The daemon is about to end.
#[must_use]
pub fn stopping() -> Problem {
    Problem::new("stopping", "The daemon is stopping.", "Try again when it has been started again.")
        .retryable()
}

/// The daemon went away in the middle of an answer.
#[must_use]
pub fn daemon_gone() -> Problem {
    Problem::new("daemon_gone", "The daemon stopped answering.", "Look at its log, and try again.")
        .retryable()
}

/// No daemon answers.
#[must_use]
pub fn no_daemon() -> Problem {
    Problem::new("no_daemon", "No daemon is running on this data folder.", "Start one with: vestibule run")
        .retryable()
}

/// Somebody holds the lock and does not answer.
#[must_use]
pub fn data_busy() -> Problem {
    Problem::new(
        "data_busy",
        "Another Vestibule has been using this data folder for a minute without answering.",
        "End it, or give this one a folder of its own with --data.",
    )
    .retryable()
}

/// The store's own words.
#[must_use]
pub fn store(error: &StoreError) -> Problem {
    let problem = Problem::new(error.code(), capital(&format!("{error}.")), error.next());
    if error.retry() { problem.retryable() } else { problem }
}

/// Nothing says where Home Assistant is.
#[must_use]
pub fn no_home() -> Problem {
    Problem::new(
        "home_not_set",
        "Nothing says where Home Assistant is.",
        "Set VESTIBULE_HOME_ASSISTANT__URL and VESTIBULE_HOME_ASSISTANT__TOKEN, or the same in a file given with --config.",
    )
}

/// The home's address or token cannot be right.
#[must_use]
pub fn home_address(error: AddressError) -> Problem {
    let (setting, example) = match error {
        AddressError::EmptyToken | AddressError::StrangeToken => (
            "home_assistant.token",
            "Make a long-lived access token on your profile page in Home Assistant, and copy it whole.",
        ),
        AddressError::Empty
        | AddressError::TooLong
        | AddressError::NoScheme
        | AddressError::UnknownScheme
        | AddressError::NoHost
        | AddressError::StrangeHost
        | AddressError::BadPort
        | AddressError::Credentials
        | AddressError::Query
        | AddressError::StrangePath => {
            ("home_assistant.url", "It looks like http://homeassistant.local:8123")
        }
    };
    Problem::new("home_address", format!("The setting {setting} is not usable: {error}."), example)
}

/// A certificate file without certificates.
#[must_use]
pub fn bad_authority(setting: &'static str) -> Problem {
    Problem::new(
        "bad_ca_file",
        format!("The file of the setting {setting} cannot be read or holds no certificate in PEM."),
        "Give the certificate of your authority; it begins with -----BEGIN CERTIFICATE-----.",
    )
}

/// Why the home cannot be read.
#[must_use]
pub fn home(trouble: HomeTrouble) -> Problem {
    let (code, what, next) = match trouble {
        HomeTrouble::Unreachable => (
            "home_unreachable",
            "Home Assistant does not answer.",
            "Check that it is running and that home_assistant.url is its address.",
        ),
        HomeTrouble::NameUnknown => (
            "home_name_unknown",
            "The name in home_assistant.url is not known here.",
            "Check its spelling, or use the address instead of the name.",
        ),
        HomeTrouble::Tls => (
            "home_tls",
            "The encrypted connection to Home Assistant failed: its certificate is not trusted, or it does not speak TLS there.",
            "Set home_assistant.ca_file to your own authority's certificate, or use http:// within your network.",
        ),
        HomeTrouble::NotHomeAssistant => (
            "not_home_assistant",
            "Something answers at home_assistant.url, but it is not Home Assistant.",
            "Check address and port; Home Assistant itself is mostly at port 8123.",
        ),
        HomeTrouble::TokenRefused => (
            "home_token_refused",
            "Home Assistant refuses the access token.",
            "Make a new long-lived access token on your profile page, and set home_assistant.token to it.",
        ),
        HomeTrouble::TooOld => (
            "home_too_old",
            "This Home Assistant is older than 2024.3.",
            "Update Home Assistant; Vestibule works with 2024.3 and everything newer.",
        ),
        HomeTrouble::NotRunning => (
            "home_not_running",
            "Home Assistant is starting or stopping.",
            "Wait; Vestibule goes on by itself once it runs.",
        ),
        HomeTrouble::RecoveryMode => (
            "home_recovery_mode",
            "Home Assistant is in recovery mode: its configuration has an error, and its lists are falsely empty.",
            "Mend the configuration and restart Home Assistant. Nothing is deleted at the portal meanwhile.",
        ),
        HomeTrouble::SafeMode => (
            "home_safe_mode",
            "Home Assistant is in safe mode: custom integrations are missing from its lists.",
            "Restart Home Assistant normally. Nothing is deleted at the portal meanwhile.",
        ),
        HomeTrouble::Silent => (
            "home_silent",
            "Home Assistant accepted the connection and then fell silent.",
            "Check whether it is overloaded; Vestibule connects again by itself.",
        ),
        HomeTrouble::Protocol => (
            "home_protocol",
            "Home Assistant answered in a way that Vestibule does not understand.",
            "Please report this with the versions of both.",
        ),
    };
    let problem = Problem::new(code, what, next);
    let lasting =
        matches!(trouble, HomeTrouble::TokenRefused | HomeTrouble::TooOld | HomeTrouble::NotHomeAssistant);
    if lasting { problem } else { problem.retryable() }
}

/// An address that no portal can have.
#[must_use]
pub fn origin(error: BadOrigin) -> Problem {
    Problem::new(
        "portal_address",
        capital(&format!("{error}.")),
        "Use the address exactly as the company printed it.",
    )
}

/// A text that is no invite.
#[must_use]
pub fn invite(error: InvalidInvite) -> Problem {
    let code = match error {
        InvalidInvite::NotAnInvite => "invite_not_one",
        InvalidInvite::Mistyped => "invite_mistyped",
        InvalidInvite::Newer => "invite_newer",
    };
    let next = match error {
        InvalidInvite::Newer => "Update Vestibule.",
        InvalidInvite::NotAnInvite | InvalidInvite::Mistyped => "Copy the whole code again.",
    };
    Problem::new(code, capital(&format!("{error}.")), next)
}

/// The portal asked for is not the one that invites.
#[must_use]
pub fn other_portal() -> Problem {
    Problem::new(
        "invite_other_portal",
        "The invite was made for another portal than the one given with --portal.",
        "Use the address that came with the invite.",
    )
}

/// Why a portal is not believed.
#[must_use]
pub fn untrusted(error: Untrusted) -> Problem {
    let next = match error {
        Untrusted::Expired => "Ask the company to renew its statement (vestibule-portal tenant renew).",
        Untrusted::OtherOrigin => "Use the address that came with the invite; otherwise ask the company.",
        Untrusted::Envelope(_) | Untrusted::Unreadable | Untrusted::OtherTenant => {
            "Do not go on. Ask the company whether the address is right; somebody may be pretending to be its portal."
        }
    };
    Problem::new("portal_untrusted", format!("This portal is not believed: {error}."), next)
}

/// Why there is no link to the portal.
#[must_use]
pub fn link(trouble: LinkTrouble) -> Problem {
    let (code, what, next) = match trouble {
        LinkTrouble::Dial(DialError::NameUnknown) => (
            "portal_name_unknown",
            "The portal's name is not known here.",
            "Check the spelling of its address and your connection to the internet.",
        ),
        LinkTrouble::Dial(DialError::Unreachable) => (
            "portal_unreachable",
            "The portal does not answer.",
            "Wait; Vestibule tries again by itself. At home everything goes on.",
        ),
        LinkTrouble::Dial(DialError::Tls) => (
            "portal_tls",
            "The encrypted connection to the portal failed: its certificate is not trusted.",
            "If the company uses an authority of its own, set portal.ca_file to its certificate. Otherwise do not go on.",
        ),
        LinkTrouble::NotAPortal => (
            "not_a_portal",
            "Something answers at the portal's address, but it does not speak vestibule.v1.",
            "Check the address; otherwise portal and agent are of versions that do not fit.",
        ),
        LinkTrouble::UnknownTenant => (
            "tenant_unknown",
            "The portal does not serve the company that the invite names.",
            "Ask the company for a new invite.",
        ),
        LinkTrouble::Lost => (
            "portal_lost",
            "The connection to the portal was lost.",
            "Wait; Vestibule connects again by itself.",
        ),
        LinkTrouble::Protocol => (
            "portal_protocol",
            "The portal answered in a way that Vestibule does not understand.",
            "Please tell the company; nothing more is sent meanwhile.",
        ),
        LinkTrouble::LedgerFull => (
            "ledger_full",
            "The ledger is full of entries younger than 90 days, so nothing is sent.",
            "Allow it more space, or wait until old entries expire.",
        ),
        LinkTrouble::Ledger => (
            "ledger_unwritable",
            "The ledger cannot be written, and what cannot be written down is not sent.",
            "Check that the disk of the data folder is neither full nor read-only.",
        ),
    };
    let problem = Problem::new(code, what, next);
    let lasting =
        matches!(trouble, LinkTrouble::NotAPortal | LinkTrouble::UnknownTenant | LinkTrouble::LedgerFull);
    if lasting { problem } else { problem.retryable() }
}

/// Why a portal refuses.
#[must_use]
pub fn refused(code: RefusalCode) -> Problem {
    let (code, what, next) = match code {
        RefusalCode::NotAuthentic => (
            "portal_refuses_home",
            "The portal does not know this home, or does not accept its signature.",
            "Ask the company; then pair again with a new invite (vestibule forget, vestibule pair).",
        ),
        RefusalCode::InviteRefused => (
            "invite_refused",
            "The portal does not accept this invite: it has expired, was used by another home, or never existed.",
            "Ask the company for a new one; an invite is good for 24 hours and one home.",
        ),
        RefusalCode::Version => (
            "portal_version",
            "Portal and agent have no version in common.",
            "Update Vestibule, and tell the company.",
        ),
        RefusalCode::TooMany => {
            ("portal_too_many", "The portal had too many attempts.", "Wait; Vestibule tries again by itself.")
        }
        RefusalCode::Replaced => (
            "portal_replaced",
            "Another connection with this home's identity took over.",
            "If there is a copy of this Vestibule somewhere, end one of the two.",
        ),
        RefusalCode::BadMessage | RefusalCode::BadRecord => (
            "portal_bad_message",
            "The portal refuses what this home sends.",
            "Portal and agent are of versions that do not fit; please report this.",
        ),
        RefusalCode::TooMuch => (
            "portal_too_much",
            "This home is larger than what the portal keeps for one home.",
            "Exclude areas or integrations, or ask the company.",
        ),
        RefusalCode::Unavailable => (
            "portal_unavailable",
            "The portal cannot work at the moment.",
            "Wait; Vestibule tries again by itself.",
        ),
        RefusalCode::Erased => (
            "portal_erased",
            "This home has been erased at the portal.",
            "If that was not you, ask the company. Pair again with a new invite (vestibule forget, vestibule pair).",
        ),
    };
    let problem = Problem::new(code, what, next);
    if ["portal_too_many", "portal_unavailable"].contains(&code) { problem.retryable() } else { problem }
}

/// Why an invite led nowhere.
#[must_use]
pub fn enrol(error: EnrolError) -> Problem {
    match error {
        EnrolError::Link(trouble) => link(trouble),
        EnrolError::Untrusted(error) => untrusted(error),
        EnrolError::Refused(code) => refused(code),
    }
}

/// R19: both exchanged everything and still differ.
#[must_use]
pub fn schema_disagreement() -> Problem {
    Problem::new(
        "schema_disagreement",
        "Home and portal have exchanged everything and still compute different roots.",
        "Please report this with the versions of both. Vestibule tries again in an hour.",
    )
    .retryable()
}

/// R22: the portal asked for the same again and again.
#[must_use]
pub fn send_budget() -> Problem {
    Problem::new(
        "send_budget",
        "The portal has asked for everything again more often than once an hour or ten times a day.",
        "Nothing is lost. Vestibule goes on by itself later; tell the company if it happens again.",
    )
    .retryable()
}

/// R29: a receipt that the pinned key did not sign.
#[must_use]
pub fn bad_receipt() -> Problem {
    Problem::new(
        "receipt_invalid",
        "The portal's receipt is not signed by the key that was pinned at pairing.",
        "Ask the company. Vestibule asks the portal again; to stop waiting: vestibule forget --give-up",
    )
    .retryable()
}

/// Asked for something that needs a pairing.
#[must_use]
pub fn not_paired() -> Problem {
    Problem::new(
        "not_paired",
        "This home is not paired with a portal.",
        "Pair it with: vestibule pair --portal URL --invite CODE",
    )
}

/// Pairing twice.
#[must_use]
pub fn already_paired() -> Problem {
    Problem::new(
        "already_paired",
        "This home is already paired. It is paired with one company at a time.",
        "To change that, run vestibule forget first; it erases what the portal holds.",
    )
}

/// Pairing while the last erasure is still waited for.
#[must_use]
pub fn still_forgetting() -> Problem {
    Problem::new(
        "still_forgetting",
        "The last portal has not confirmed yet that it erased this home.",
        "Wait for its receipt, or give that up with: vestibule forget --give-up",
    )
    .retryable()
}

/// The inventory changed between preview and yes.
#[must_use]
pub fn preview_changed() -> Problem {
    Problem::new(
        "preview_changed",
        "The home changed while the preview was shown.",
        "Run the command again and look at the new preview.",
    )
    .retryable()
}

/// The owner said no.
#[must_use]
pub fn declined() -> Problem {
    Problem::new(
        "declined",
        "Not paired: you did not say yes. Nothing was sent.",
        "Run the command again if that was a mistake.",
    )
}

/// The owner said no to forgetting.
#[must_use]
pub fn not_forgotten() -> Problem {
    Problem::new(
        "declined",
        "Nothing was erased: you did not say yes.",
        "Run the command again, or add --yes.",
    )
}

/// The home did not become readable in time.
#[must_use]
pub fn home_not_ready(trouble: Option<HomeTrouble>) -> Problem {
    trouble.map_or_else(
        || {
            Problem::new(
                "home_not_ready",
                "The home could not be read completely within a minute.",
                "Try again when Home Assistant has started.",
            )
            .retryable()
        },
        home,
    )
}

/// A text that names nothing that can be excluded.
#[must_use]
pub fn bad_thing() -> Problem {
    Problem::new(
        "bad_thing",
        "That is nothing that can be excluded.",
        "Use an id as vestibule preview shows it (a_…, d_…, e_…, l_…), or integration/DOMAIN.",
    )
}

/// A place where the page cannot be.
#[must_use]
pub fn page_listen() -> Problem {
    Problem::new(
        "page_listen",
        "The setting page.listen is no address for the page.",
        "Use off, or an address with a port, such as 127.0.0.1:8098; outside the Supervisor only this machine's own (127.0.0.1 or [::1]).",
    )
}

/// A file that cannot be written.
#[must_use]
pub fn output(error: &std::io::Error) -> Problem {
    Problem::new(
        "output",
        format!("The output cannot be written: {}.", error.kind()),
        "Check the disk and the path.",
    )
}

/// An entry of the ledger that is not there.
#[must_use]
pub fn no_such_row() -> Problem {
    Problem::new(
        "no_such_row",
        "The ledger has no such entry.",
        "See which there are with: vestibule ledger list",
    )
}

/// A ledger whose chain does not verify.
#[must_use]
pub fn ledger_broken(seq: u64) -> Problem {
    Problem::new(
        "ledger_broken",
        format!("The ledger has been altered or damaged: entry {seq} does not fit its chain."),
        "Keep a copy of the data folder if you want to find out why. Vestibule goes on appending to it.",
    )
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
