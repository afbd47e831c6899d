//! What an owner had set about an automation's entity, written down before the automation is deleted, so that an undo can bring it back (R44).

use serde::{Deserialize, Serialize};

use super::desk::{Assistant, EntitySettings, RoutineEntity};
use super::places::private;
use crate::outbound::reading::Text;

/// An entity's id and what was set about it.
pub(super) struct Keepsake {
    pub(super) entity_id: String,
    pub(super) settings: EntitySettings,
}

impl Keepsake {
    /// The entity as it would be with everything put back.
    pub(super) fn like(&self, entity: &RoutineEntity) -> RoutineEntity {
        RoutineEntity {
            entity_id: self.entity_id.clone(),
            settings: self.settings.clone(),
            unique_id: entity.unique_id.clone(),
            registry_id: entity.registry_id.clone(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Spelled {
    entity_id: String,
    name: Option<String>,
    icon: Option<String>,
    area: Option<String>,
    labels: Vec<String>,
    aliases: Vec<Option<String>>,
    categories: Option<String>,
    hidden: bool,
    exposed: Vec<(String, bool)>,
}

pub(super) fn write(entity: &RoutineEntity) -> Option<Text> {
    let text = |text: &Text| text.reveal_to_home().to_string();
    let settings = &entity.settings;
    let spelled = Spelled {
        entity_id: entity.entity_id.clone(),
        name: settings.name.as_ref().map(text),
        icon: settings.icon.as_ref().map(text),
        area: settings.area.clone(),
        labels: settings.labels.clone(),
        aliases: settings.aliases.iter().map(|alias| alias.as_ref().map(text)).collect(),
        categories: settings.categories.as_ref().map(text),
        hidden: settings.hidden,
        exposed: settings.exposed.iter().map(|(to, shown)| (to.as_str().to_owned(), *shown)).collect(),
    };
    serde_json::to_string(&spelled).ok().map(private)
}

pub(super) fn read(text: &Text) -> Option<Keepsake> {
    let spelled: Spelled = serde_json::from_str(text.reveal_to_home()).ok()?;
    let assistant = |name: &str| Assistant::ALL.into_iter().find(|assistant| assistant.as_str() == name);
    Some(Keepsake {
        entity_id: spelled.entity_id,
        settings: EntitySettings {
            name: spelled.name.map(private),
            icon: spelled.icon.map(private),
            area: spelled.area,
            labels: spelled.labels,
            aliases: spelled.aliases.into_iter().map(|alias| alias.map(private)).collect(),
            categories: spelled.categories.map(private),
            hidden: spelled.hidden,
            exposed: spelled
                .exposed
                .iter()
                .filter_map(|(to, shown)| Some((assistant(to)?, *shown)))
                .collect(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r44_what_was_set_comes_back() {
        let entity = RoutineEntity {
            entity_id: "automation.wake".into(),
            unique_id: "1".into(),
            registry_id: "r".into(),
            settings: EntitySettings {
                name: Some(private("Wake".into())),
                icon: None,
                area: Some("den".into()),
                labels: vec!["x".into()],
                aliases: vec![None, Some(private("up".into()))],
                categories: Some(private("{}".into())),
                hidden: true,
                exposed: vec![(Assistant::Alexa, true)],
            },
        };
        let kept = read(&write(&entity).unwrap()).unwrap();
        assert!(kept.like(&entity) == entity);
    }
}
