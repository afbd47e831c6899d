//! What happens in one simulation: life at home, decisions of the owner, and everything that goes wrong; then calm, and the reckoning.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;
use vestibule::control::Request;
use vestibule_dev::fake_home::{EntityKind, Model, Version};
use vestibule_protocol::consent::Class;

use super::company::Design;
use super::hosts::ORIGIN;
use super::stage::{Host, Stage, TICK};
use crate::support::dice::Seeded;

/// How long the owner waits for an answer to a decision.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the story knows that no store tells.
#[derive(Default)]
pub(super) struct Memory {
    /// Whether `names` is granted, as the owner was last told; `None` where an answer was lost.
    pub(super) names: Option<bool>,
    pub(super) excluded: BTreeSet<String>,
    /// Decisions that withdrew a class.
    pub(super) withdrawals: usize,
    /// Folders put back to an earlier copy.
    pub(super) rewinds: usize,
    /// One of them was the agent's.
    pub(super) back_in_time: bool,
    /// Highest epoch of the consent that the agent and the portal have shown.
    pub(super) epochs: [u64; 2],
    /// Number for the next new thing.
    pub(super) new: u32,
    /// What the company has handed in, in that order.
    pub(super) designs: Vec<Design>,
    /// Dashboards of the company as somebody at home last left them; `None` where they were deleted.
    pub(super) edits: BTreeMap<String, Option<String>>,
    /// Highest sequence that the agent has consumed.
    pub(super) consumed: u64,
}

/// One whole story.
pub(super) struct Story {
    pub(super) stage: Stage,
    pub(super) chance: Seeded,
    pub(super) memory: Memory,
    /// Things may happen that are believed only after ten minutes. Few stories have the time.
    pub(super) patient: bool,
}

/// Plays the story of a seed; panics where a promise is broken. Gives the diary.
pub(super) fn play(seed: u64) -> Vec<String> {
    let mut chance = Seeded::new(seed, "story");
    let version = if chance.once_in(3) { Version::V2024_3 } else { Version::V2026_11 };
    let entities = usize::try_from(chance.within(20..=40)).unwrap();
    let stage = Stage::new(seed, version, entities);
    let patient = chance.once_in(25);
    let mut story = Story { stage, chance, memory: Memory::default(), patient };
    story.pair();
    story.hire();
    story.allow();
    story.create();
    if story.chance.once_in(2) {
        story.ask_about();
    }
    for _ in 0..story.chance.within(5..=12) {
        let pause = Duration::from_millis(story.chance.within(0..=6_000));
        story.stage.run(pause);
        story.something();
        story.look();
    }
    story.heal();
    story.reckon();
    if story.chance.once_in(4) {
        story.forget();
    }
    story.stage.diary
}

impl Story {
    fn pair(&mut self) {
        let invite = self.stage.invite.clone();
        self.stage.run(TICK * 5);
        let meet = Request::Meet { portal: ORIGIN.to_owned(), invite: invite.clone() };
        let meeting = self.stage.owner(meet).expect("an answer").expect("a meeting");
        let preview = meeting["preview"].as_str().expect("a preview").to_owned();
        let paired = self.stage.owner(Request::Pair { invite, preview }).expect("an answer");
        paired.expect("a pairing");
        self.memory.names = Some(false);
        self.stage.note("paired");
        // The other thing that can never be got back: from here on, copies are worth taking.
        let early = Duration::from_millis(self.chance.within(0..=4_000));
        self.stage.run(early);
        if self.chance.once_in(2) {
            self.decide(Request::Grant { class: Class::Names });
        }
    }

    fn something(&mut self) {
        self.one_thing();
        // Misfortunes seldom come singly, and the worst come while something is under way.
        if self.chance.once_in(3) {
            self.stage.run(Duration::from_millis(self.chance.within(0..=1_500)));
            match self.chance.below(3) {
                0 => self.blink(),
                1 => self.restart(Host::Portal),
                _ => self.crash(),
            }
        }
    }

    fn one_thing(&mut self) {
        match self.chance.below(22) {
            11..=14 => self.staff(),
            15.. => self.tend(),
            0..=3 => {
                for _ in 0..self.chance.within(1..=3) {
                    self.life();
                }
            }
            4 | 5 => self.decision(),
            6 | 7 => self.network(),
            8 => self.crash(),
            _ => self.rewind(),
        }
    }

    /// Something changes at home.
    pub(super) fn life(&mut self) {
        let home = self.stage.home.clone();
        let entities: Vec<String> = home.model(|model| model.entities.keys().cloned().collect());
        let areas: Vec<String> = home.model(|model| ids(&model.areas, "area_id"));
        let devices: Vec<String> = home.model(|model| ids(&model.devices, "id"));
        self.memory.new += 1;
        let n = self.memory.new;
        let entity = self.chance.pick(&entities).unwrap_or_default();
        let area = self.chance.pick(&areas).unwrap_or_default();
        let device = self.chance.pick(&devices).unwrap_or_default();
        let what = self.chance.below(if self.patient { 18 } else { 16 });
        match what {
            0 => home.rename_entity(&entity, &format!("{}_renamed_{n}", entity)),
            1 => home.update_entity(&entity, &json!({"name": format!("Called {n}")})),
            2 => home.update_entity(&entity, &json!({"area_id": area})),
            3 => home.update_entity(&entity, &json!({"disabled_by": "user"})),
            4 => home.update_entity(&entity, &json!({"hidden_by": "user", "labels": ["garden"]})),
            5 | 6 => home.add_entity(&format!("light.new_{n}"), EntityKind::Light, Some(&device)),
            7 => home.remove_entity(&entity),
            8 => home.put_area(&area, &format!("Bedroom of number {n}")),
            9 => home.put_area(&format!("area_{n}"), &format!("Kitchen {n}")),
            10 => home.remove_area(&area),
            11 => home.update_device(&device, &json!({"area_id": area, "name_by_user": format!("Mine {n}")})),
            12 => drop(home.add_device(&format!("Device number {n}"), Some(&area))),
            13 => home.put_label(&format!("label_{n}"), &format!("Label {n}")),
            14 => home.load_integration(&format!("example_{n}")),
            15 => home.add_dashboard(&format!("board-{n}"), &format!("Board {n}")),
            16 => home.add_unregistered(&format!("sensor.loose_new_{n}"), "example_cloud"),
            _ => {
                let loose = |model: &Model| {
                    let registered = |id: &&String| !model.entities.contains_key(*id);
                    model.states.keys().filter(registered).cloned().collect::<Vec<_>>()
                };
                if let Some(loose) = self.chance.pick(&home.model(loose)) {
                    home.remove_unregistered(&loose);
                }
            }
        }
        self.stage.note(format_args!("home: {what} {entity} {area} {device}"));
    }

    /// The owner decides something.
    pub(super) fn decision(&mut self) {
        let request = match self.chance.below(8) {
            0 | 1 => Request::Grant { class: Class::Names },
            2 if self.chance.once_in(4) => Request::Withdraw { class: Class::Structure },
            2 | 3 => Request::Withdraw { class: Class::Names },
            4 => Request::Restrict { on: self.chance.once_in(2) },
            5 | 6 => match self.chance.pick(&self.things()) {
                Some(thing) => Request::Exclude { thing },
                None => return,
            },
            _ => {
                let excluded: Vec<String> = self.memory.excluded.iter().cloned().collect();
                match self.chance.pick(&excluded) {
                    Some(thing) => Request::Include { thing },
                    None => return,
                }
            }
        };
        self.decide(request);
    }

    fn decide(&mut self, request: Request) {
        let Some(asked) = self.stage.ask(request.clone()) else { return };
        // Sometimes the program is killed before it can answer.
        let answer = if self.chance.once_in(6) {
            self.stage.run(TICK);
            self.restart(Host::Agent);
            self.stage.answer(asked, TICK)
        } else {
            self.stage.answer(asked, PATIENCE)
        };
        let done = match &answer {
            Some(Ok(_)) => Some(true),
            Some(Err(_)) => Some(false),
            None => None,
        };
        self.stage.note(format_args!("owner: {request:?}: {answer:?}"));
        assert_ne!(done, Some(false), "a decision of a paired owner is refused: {answer:?}");
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the story remembers what it has decided, and asks for nothing else"
        )]
        match request {
            Request::Grant { class: Class::Names } => self.memory.names = done,
            Request::Withdraw { class: Class::Names } => {
                self.memory.names = done.map(|_| false);
                self.memory.withdrawals += 1;
            }
            Request::Withdraw { .. } => self.memory.withdrawals += 1,
            Request::Exclude { thing } => drop(self.memory.excluded.insert(thing)),
            Request::Include { thing } if done.is_some() => drop(self.memory.excluded.remove(&thing)),
            _ => {}
        }
    }

    /// Things that the owner could exclude, by the ids under which the portal knows them.
    fn things(&self) -> Vec<String> {
        let portal = self.stage.portal();
        let Some(home) = portal.home(&self.stage.fingerprint()) else { return Vec::new() };
        let id = |key: &String| {
            let (kind, id) = key.split_once('/')?;
            matches!(kind, "area" | "device" | "entity" | "label").then(|| id.to_owned())
        };
        portal.records(&home).keys().filter_map(id).collect()
    }
}

fn ids(list: &[serde_json::Value], id: &str) -> Vec<String> {
    list.iter().filter_map(|thing| thing[id].as_str().map(str::to_owned)).collect()
}
