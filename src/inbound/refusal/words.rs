//! What the owner reads when a deployment goes no further: one row for each code.

/// Said about what only the sender can put right.
const THEIRS: &str = "Nothing was changed. Whoever sent it has to make it anew; here nothing has to be done.";
/// Said about what nobody honest would have sent.
const SUSPECT: &str =
    "Nothing was changed. Ask whoever looks after the portal: this should not happen by accident.";

/// Code, what happened, what to do next.
pub(super) const ALL: [(&str, &str, &str); 50] = [
    // Trust (R31 to R34).
    ("oversized", "A deployment is larger than any may be.", SUSPECT),
    ("malformed_envelope", "A deployment came in an envelope that cannot be opened.", SUSPECT),
    (
        "no_charter",
        "Nobody has been named yet who may approve changes.",
        "Wait until the portal has sent the charter, or ask the company for it.",
    ),
    (
        "charter_expired",
        "The list of those who may approve changes has expired.",
        "Nothing was changed. The company has to sign a new charter.",
    ),
    ("too_few_approvals", "Fewer people have approved this than the charter asks for.", SUSPECT),
    (
        "approver_blocked",
        "Without the person whom you have blocked, too few have approved this.",
        "Nothing was changed. Others have to approve it, or you unblock that person.",
    ),
    ("wrong_payload_type", "What was signed is no deployment.", SUSPECT),
    ("unreadable", "The deployment holds something that this version does not know.", THEIRS),
    ("out_of_bounds", "The deployment holds a value that is not allowed.", THEIRS),
    ("other_tenant", "The deployment belongs to another company.", SUSPECT),
    ("other_home", "The deployment is meant for another home.", SUSPECT),
    ("expired", "The time in which the deployment could be used has passed.", THEIRS),
    ("not_yet", "The deployment's time has not come yet.", "Nothing has to be done; it waits by itself."),
    (
        "clock_wrong",
        "The clock of this computer is behind: it shows a time before something that was already signed.",
        "Set the clock, or wait until it has been set by the network.",
    ),
    (
        "restored_or_cloned",
        "This Vestibule was put back to an earlier copy, or there are two of it; changes wait until you confirm.",
        "Make sure that only one is running, and confirm it.",
    ),
    ("superseded", "A newer deployment has come before this one.", "Nothing has to be done."),
    (
        "too_many_pending",
        "Sixteen deployments are waiting already.",
        "Approve or reject some of those that wait.",
    ),
    (
        "not_allowed",
        "You do not allow changes of this kind.",
        "Nothing was changed. If you want them: vestibule consent set KIND ask.",
    ),
    // What does not fit the home.
    (
        "base_changed",
        "Something has been changed at home since this was designed.",
        "Nothing was changed. It has to be designed anew from what is there now.",
    ),
    ("path_taken", "The address of the new dashboard is in use already.", THEIRS),
    ("unknown_reference", "The deployment names something that does not exist here.", THEIRS),
    ("yaml_dashboard", "The dashboard is kept in a file of your own, which is not touched.", THEIRS),
    ("default_dashboard", "The dashboard that Home Assistant makes by itself is not touched.", THEIRS),
    (
        "resources_in_yaml",
        "Your list of custom cards is kept in a file of your own, which is not touched.",
        "Nothing was changed. Keep resources in storage mode if you want cards to be deployed.",
    ),
    (
        "unmanaged",
        "Home Assistant's own editor cannot write this automation or script: it lies in a file of yours, or beside a secret.",
        "Nothing was changed. Move it, or the secrets, to another file if you want it to be edited from here.",
    ),
    ("id_taken", "An automation or script with this id exists already.", THEIRS),
    ("wrong_id", "The automation names another id than its own.", THEIRS),
    ("wrong_shape", "The contents are not what Home Assistant expects.", THEIRS),
    ("item_twice", "Two items of the deployment change the same thing.", THEIRS),
    ("needs_newer_home", "The deployment uses something that your Home Assistant is too old for.", THEIRS),
    ("needs_older_home", "The deployment uses something that your Home Assistant no longer has.", THEIRS),
    ("unknown_card", "The deployment uses a card that does not exist here.", THEIRS),
    (
        "too_large",
        "What would have to be written is larger than Home Assistant accepts.",
        "Nothing was changed. It has to be made smaller.",
    ),
    // Cards (R39).
    ("card_hash", "A card is not the one that was announced.", SUSPECT),
    ("card_undefined", "A card does not define the element that it is named after.", THEIRS),
    ("card_imports", "A card wants to load another module.", THEIRS),
    ("card_in_use", "A dashboard still uses the card that would be removed.", THEIRS),
    ("element_taken", "Another card of that name is installed already.", THEIRS),
    ("cards_too_large", "All deployed cards together would be larger than they may be.", THEIRS),
    // What it could do (R37).
    (
        "remote_host",
        "It would make browsers in your home call another computer.",
        "Nothing was changed. If you know that address and want it, allow it for this deployment.",
    ),
    // What contents can be wrong about (R11 to R15).
    ("not_json", "The contents cannot be read.", THEIRS),
    ("lone_surrogate", "The contents hold a character that cannot be sent.", THEIRS),
    ("too_deep", "The contents are nested too deeply.", THEIRS),
    ("duplicate_key", "The contents name a key twice.", THEIRS),
    ("secret_moved", "A hidden text of yours would be moved to another place.", SUSPECT),
    (
        "use_tokens",
        "The deployment names a thing by Home Assistant's own id; only the ids of this company are taken.",
        THEIRS,
    ),
    ("bad_token", "The contents hold something that looks like an id and is none.", THEIRS),
    // Consent.
    (
        "plan_changed",
        "What would happen is not what you agreed to any more.",
        "Look at it again, and approve or reject it.",
    ),
    ("owner_wanted", "It does more than show things, so you are asked.", "Approve or reject it."),
    ("nothing_to_do", "Everything is already as the deployment wants it.", "Nothing has to be done."),
];

/// What happened, and what to do next.
pub(super) fn of(code: &str) -> (&'static str, &'static str) {
    let known = ALL.iter().find(|(known, ..)| *known == code);
    known.map_or(("The deployment was refused.", THEIRS), |(_, what, next)| (*what, *next))
}
