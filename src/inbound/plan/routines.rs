//! Steps for automations and scripts. New automations arrive switched off (R40), and no deployment switches one on or off.

use vestibule_protocol::deployment::{Delete, RoutinePut};

use super::make::Planner;
use super::{Image, RoutineKind, RoutineNow, RoutineState, Target, check};
use crate::inbound::abilities::AbilityKind;
use crate::inbound::json::{Json, with_member};
use crate::inbound::refusal::Refusal;
use crate::outbound::contents::{Contents, DocumentKind, Ids};
use crate::outbound::reading::Text;
use crate::private::Private;

/// The key by which Home Assistant switches an automation on or off at every load.
const STATE: &str = "initial_state";
/// The first version that knows `triggers`, `conditions` and `actions`.
const PLURAL: (u32, u32) = (2024, 10);
/// The first version that knows `action` for `service`.
const ACTION: (u32, u32) = (2024, 8);

impl RoutineKind {
    pub(super) const fn document(self) -> DocumentKind {
        match self {
            Self::Automation => DocumentKind::Automation,
            Self::Script => DocumentKind::Script,
        }
    }

    /// Where Home Assistant's editor keeps it.
    const fn file(self) -> &'static str {
        match self {
            Self::Automation => "automations.yaml",
            Self::Script => "scripts.yaml",
        }
    }
}

impl<'a, I: Ids> Planner<'a, I> {
    pub(super) fn routine_put(&mut self, kind: RoutineKind, put: &RoutinePut) -> Result<(), Refusal> {
        let now = self.routine(kind, put)?;
        self.take(format!("{kind:?} {}", now.id.reveal_to_inbound()))?;
        let current = match (&now.state, put.existing) {
            (RoutineState::Present(text), Some(thing)) => {
                self.same_base(thing, kind.document(), text, put.base, Some(&put.content))?;
                Some(Contents { thing, kind: kind.document(), text: text.reveal_to_inbound() })
            }
            (RoutineState::Absent, None) => None,
            (RoutineState::Present(_), None) => return Err(Refusal::refused("id_taken")),
            (RoutineState::Absent, Some(_)) => return Err(Refusal::refused("unmanaged")),
            (RoutineState::Unmanaged, _) => return Err(Refusal::refused("unmanaged")),
        };
        let base = current.and_then(|current| self.origin(current));
        let text = self.resolved(&put.content, base.as_ref())?;
        let before = current.map(|current| Json::parse(current.text).ok_or(Refusal::refused("not_json")));
        let before = before.transpose()?;
        let text = match kind {
            RoutineKind::Automation => switched_as_now(&text, before.as_ref())?,
            RoutineKind::Script => text,
        };
        let target = Target::Routine { kind, id: now.id.clone() };
        let text = match (put.existing, &now.state) {
            (Some(thing), RoutineState::Present(current)) => self.unless_alike(thing, &target, current, text),
            _ => text,
        };
        let after = Json::parse(text.reveal_to_inbound()).ok_or(Refusal::refused("not_json"))?;
        shape(kind, &after, now.id.reveal_to_inbound())?;
        syntax(&after, before.as_ref(), &self.home.version)?;
        let designed = Json::parse(&put.content).ok_or(Refusal::refused("not_json"))?;
        check::references(&designed, before.as_ref())?;

        let id: &str = now.id.reveal_to_inbound();
        let name = after.text_of("alias").unwrap_or(id).to_owned();
        self.can_do(kind.document(), put.existing, &name, before.as_ref(), &after);
        self.able(AbilityKind::RewritesFile, kind.file());
        match kind {
            RoutineKind::Automation => self.able(AbilityKind::RunsByItself, name.as_str()),
            RoutineKind::Script => self.scripts.push((self.at, format!("script.{id}"))),
        }
        let before_image = match &now.state {
            RoutineState::Present(text) => Image::Present(text.clone()),
            RoutineState::Absent | RoutineState::Unmanaged => Image::Absent,
        };
        self.step(put.existing, target, before_image, Image::Present(text));
        let diff = self.compared(&name).documents(kind.document(), before.as_ref(), Some(&after), self.ids);
        self.differs(diff);
        Ok(())
    }

    pub(super) fn routine_delete(&mut self, kind: RoutineKind, delete: &Delete) -> Result<(), Refusal> {
        let thing = delete.existing;
        let now = self.home.routines.iter().find(|now| now.kind == kind && now.thing == Some(thing));
        let now = now.ok_or(Refusal::refused("unknown_reference"))?;
        self.take(format!("{kind:?} {}", now.id.reveal_to_inbound()))?;
        let text = match &now.state {
            RoutineState::Present(text) => text,
            RoutineState::Absent | RoutineState::Unmanaged => return Err(Refusal::refused("unmanaged")),
        };
        self.same_base(thing, kind.document(), text, delete.base, None)?;
        let before = Json::parse(text.reveal_to_inbound()).ok_or(Refusal::refused("not_json"))?;
        let id: &str = now.id.reveal_to_inbound();
        let name = before.text_of("alias").unwrap_or(id).to_owned();
        self.gone.insert(thing);
        self.able(AbilityKind::Deletes, name.as_str());
        self.able(AbilityKind::RewritesFile, kind.file());
        if kind == RoutineKind::Script {
            self.scripts.push((self.at, format!("script.{id}")));
        }
        let target = Target::Routine { kind, id: now.id.clone() };
        self.step(Some(thing), target, Image::Present(text.clone()), Image::Absent);
        let diff = self.compared(&name).documents(kind.document(), Some(&before), None, self.ids);
        self.differs(diff);
        Ok(())
    }

    fn routine(&self, kind: RoutineKind, put: &RoutinePut) -> Result<&'a RoutineNow, Refusal> {
        let mut of_kind = self.home.routines.iter().filter(|now| now.kind == kind);
        let found = match (&put.existing, &put.id) {
            (Some(thing), _) => of_kind.find(|now| now.thing == Some(*thing)),
            (None, Some(id)) => of_kind.find(|now| **now.id.reveal_to_inbound() == **id),
            (None, None) => None,
        };
        found.ok_or(Refusal::refused("unknown_reference"))
    }
}

/// R40: a new automation is switched off; of another one the switch stays as it is, whatever was designed.
pub(super) fn switched_as_now(text: &Text, before: Option<&Json>) -> Result<Text, Refusal> {
    let state = match before.map(|before| before.get(STATE)) {
        None => Some("false"),
        Some(Some(Json::Bool(true))) => Some("true"),
        Some(Some(Json::Bool(false))) => Some("false"),
        Some(Some(_)) => return Err(Refusal::refused("wrong_shape")),
        Some(None) => None,
    };
    let text: &str = text.reveal_to_inbound();
    let designed = Json::parse(text).ok_or(Refusal::refused("not_json"))?;
    let same = match (designed.get(STATE), state) {
        (None, None) => true,
        (Some(Json::Bool(value)), Some(state)) => value.to_string() == state,
        _ => false,
    };
    // What needs no change keeps its text, byte for byte.
    let switched = if same { Some(text.to_owned()) } else { with_member(text, STATE, state) };
    Ok(Private::new(switched.ok_or(Refusal::refused("wrong_shape"))?.into()))
}

/// What Home Assistant would refuse, or worse, accept: it must not get a body that it logs (R17).
fn shape(kind: RoutineKind, after: &Json, id: &str) -> Result<(), Refusal> {
    let has = |keys: &[&str]| keys.iter().any(|key| after.get(key).is_some());
    let complete = match kind {
        RoutineKind::Automation => has(&["trigger", "triggers"]) && has(&["action", "actions"]),
        RoutineKind::Script => has(&["sequence"]),
    };
    if !after.is_object() || !(complete || has(&["use_blueprint"])) {
        return Err(Refusal::refused("wrong_shape"));
    }
    // An id in the body wins over that in the address.
    match after.get("id") {
        None => Ok(()),
        Some(Json::Text(own)) if own == id && kind == RoutineKind::Automation => Ok(()),
        Some(_) => Err(Refusal::refused("wrong_id")),
    }
}

/// Words that this Home Assistant does not know yet. What the document has already, it knows.
fn syntax(after: &Json, before: Option<&Json>, version: &str) -> Result<(), Refusal> {
    let newer = |about: &str| Refusal::refused("needs_newer_home").about(about);
    let now = check::version(version);
    let had = |key: &str| before.is_some_and(|before| before.get(key).is_some());
    for key in ["triggers", "conditions", "actions"] {
        if now < PLURAL && after.get(key).is_some() && !had(key) {
            return Err(newer(key));
        }
    }
    let mut calls = false;
    after.each(&mut |_, value| {
        calls |= value.text_of("action").is_some_and(|service| service.contains('.'));
    });
    if calls && now < ACTION && before.is_none() { Err(newer("action")) } else { Ok(()) }
}
