//! What automations and scripts will be called that come along in a deployment, so that its other items can name them.

use super::{Item, RoutinePut};

impl Item {
    /// The entity id that a new automation or script of this item gets, where that can be told beforehand: of a script by its key, of an
    /// automation by its alias, if that is plain. Other items of the same deployment may write it out; it is checked once it is there.
    #[must_use]
    pub fn entity_id(&self) -> Option<String> {
        let slug = |text: &str| Some(slug(text)?).filter(|slug| !slug.is_empty());
        match self {
            Self::ScriptPut(RoutinePut { id: Some(id), .. }) => {
                // A key that Home Assistant would spell otherwise has another entity id.
                Some(format!("script.{}", slug(id).filter(|slug| slug == id)?))
            }
            Self::AutomationPut(RoutinePut { id: Some(_), content, .. }) => alias_entity_id(content),
            Self::ScriptPut(_)
            | Self::AutomationPut(_)
            | Self::DashboardPut(_)
            | Self::DashboardDelete(_)
            | Self::CardPut(_)
            | Self::CardDelete(_)
            | Self::AutomationDelete(_)
            | Self::ScriptDelete(_) => None,
        }
    }
}

/// The entity id that Home Assistant makes for an automation with this configuration, as JSON text, if its alias is plain and nothing else
/// is called so.
#[must_use]
pub fn alias_entity_id(automation: &str) -> Option<String> {
    let json: serde_json::Value = serde_json::from_str(automation).ok()?;
    let slug = slug(json.get("alias")?.as_str()?).filter(|slug| !slug.is_empty())?;
    Some(format!("automation.{slug}"))
}

/// As Home Assistant makes an id of a name. Only of letters, digits and what stands between words; how other characters are spelled
/// depends on its version.
fn slug(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_');
    if !text.chars().all(plain) {
        return None;
    }
    let words = text.split([' ', '-', '_']).filter(|word| !word.is_empty());
    Some(words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::Base;

    fn put(id: &str, content: &str) -> RoutinePut {
        RoutinePut { existing: None, id: Some(id.into()), base: Base::None, content: content.into() }
    }

    #[test]
    fn a_script_is_called_by_its_key() {
        for (id, entity_id) in [
            ("good_night", Some("script.good_night")),
            ("a1", Some("script.a1")),
            ("a__b", None),
            ("_a", None),
            ("_", None),
        ] {
            assert_eq!(Item::ScriptPut(put(id, "{}")).entity_id().as_deref(), entity_id, "{id}");
        }
        let existing = RoutinePut { existing: "s_aaaaaaaaaaaaa".parse().ok(), id: None, ..put("x", "{}") };
        assert_eq!(Item::ScriptPut(existing).entity_id(), None, "it has a token");
    }

    #[test]
    fn an_automation_is_called_by_its_alias_where_that_is_plain() {
        for (alias, entity_id) in [
            ("Wake", Some("automation.wake")),
            (" Good -- Night_2 ", Some("automation.good_night_2")),
            ("Küche", None),
            ("In @n_a_aaaaaaaaaaaaa", None),
            ("--", None),
            ("", None),
        ] {
            let content = serde_json::json!({ "alias": alias }).to_string();
            assert_eq!(Item::AutomationPut(put("x", &content)).entity_id().as_deref(), entity_id, "{alias}");
        }
        assert_eq!(Item::AutomationPut(put("x", "{}")).entity_id(), None);
    }
}
