//! Where in a document a string stands: under which key, and whether ids of rooms, floors or labels are expected there.

use vestibule_protocol::id::Thing;

/// Keys under which nothing but ids of one sort stands. `label` is missing: some cards have a text under it.
const ID_KEYS: [(&str, Thing); 16] = [
    ("area", Thing::Area),
    ("area_id", Thing::Area),
    ("area_ids", Thing::Area),
    ("areas", Thing::Area),
    ("areas_options", Thing::Area),
    ("areas_order", Thing::Area),
    ("device", Thing::Device),
    ("device_id", Thing::Device),
    ("device_ids", Thing::Device),
    ("floor", Thing::Floor),
    ("floor_id", Thing::Floor),
    ("floor_ids", Thing::Floor),
    ("floors", Thing::Floor),
    ("label_id", Thing::Label),
    ("label_ids", Thing::Label),
    ("labels", Thing::Label),
];
/// Keys of objects in which lists of such ids stand under other keys: `{"areas_display": {"hidden": […], "order": […]}}`.
const LISTS: [(&str, Thing); 2] = [("areas_display", Thing::Area), ("floors_display", Thing::Floor)];
/// Keys whose strings are somebody's: never told, whatever was granted.
const PERSONAL: [&str; 30] = [
    "access_token",
    "api_key",
    "apikey",
    "auth",
    "authorization",
    "chat_id",
    "client_id",
    "client_secret",
    "code",
    "context_user_id",
    "latitude",
    "longitude",
    "owner",
    "passcode",
    "password",
    "phone",
    "phone_number",
    "pin",
    "pin_code",
    "private_key",
    "recipient",
    "recipients",
    "secret",
    "token",
    "user",
    "user_id",
    "user_ids",
    "username",
    "users",
    "webhook_id",
];

/// The place of a value, or of a key among others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'k> {
    /// The nearest key above, as it is at home; empty at the top.
    pub(super) key: &'k str,
    /// A sort of ids that stands here, and nothing else.
    pub(super) ids: Option<Thing>,
    /// The same one key further down.
    below: Option<Thing>,
}

impl<'k> Place<'k> {
    /// The top of a document.
    pub(super) const fn root() -> Self {
        Self { key: "", ids: None, below: None }
    }

    /// The place of the value of a key.
    pub(super) fn under(&self, key: &'k str) -> Self {
        let listed = |list: &[(&str, Thing)]| {
            list.binary_search_by_key(&key, |(known, _)| known).ok().map(|at| list[at].1)
        };
        Self { key, ids: listed(&ID_KEYS).or(self.below), below: listed(&LISTS) }
    }

    /// Whether what stands here is somebody's.
    pub(super) fn is_personal(&self) -> bool {
        PERSONAL.binary_search(&self.key).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted() {
        assert!(ID_KEYS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(LISTS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(PERSONAL.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn ids_are_expected_under_their_keys() {
        let target = Place::root().under("target");
        assert_eq!(target.ids, None);
        assert_eq!(target.under("area_id").ids, Some(Thing::Area));
        let display = Place::root().under("areas_display");
        assert_eq!(display.ids, None);
        assert_eq!(display.under("hidden").ids, Some(Thing::Area));
        assert_eq!(display.under("hidden").under("name").ids, None);
        assert!(Place::root().under("users").is_personal());
    }
}
