//! What happens in one simulation: life at home, decisions of the owner, and everything that goes wrong; then calm, and the reckoning.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use vestibule::control::Request;
use vestibule::store::State;
use vestibule_dev::fake_home::{EntityKind, Faults, Model, Version};
use vestibule_protocol::consent::Class;

use super::check;
use super::dice::Seeded;
use super::hosts::ORIGIN;
use super::stage::{Host, LATENCY, Stage, TICK};

/// After the last fault has healed: both sides notice a dead connection after two minutes at most, and wait at most five before they
/// connect again.
const CALM: Duration = Duration::from_secs(20 * 60);
/// How often the reckoning looks while it waits.
const LOOK: Duration = Duration::from_secs(1);
/// For so long nothing may be said once all is in step.
const QUIET: Duration = Duration::from_secs(10);
/// How long the owner waits for an answer to a decision.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the story knows that no store tells.
#[derive(Default)]
struct Memory {
    /// Whether `names` is granted, as the owner was last told; `None` where an answer was lost.
    names: Option<bool>,
    excluded: BTreeSet<String>,
    /// Decisions that withdrew a class.
    withdrawals: usize,
    /// Folders put back to an earlier copy.
    rewinds: usize,
    /// One of them was the agent's.
    back_in_time: bool,
    /// Highest epoch of the consent that the agent and the portal have shown.
    epochs: [u64; 2],
    /// Number for the next new thing.
    new: u32,
}

/// One whole story.
pub(super) struct Story {
    stage: Stage,
    chance: Seeded,
    memory: Memory,
    /// Things may happen that are believed only after ten minutes. Few stories have the time.
    patient: bool,
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
        match self.chance.below(10) {
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
    fn life(&mut self) {
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
    fn decision(&mut self) {
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

    fn network(&mut self) {
        let other = if self.chance.once_in(2) { "portal" } else { "home" };
        let time = Duration::from_millis(self.chance.within(20..=12_000));
        let what = self.chance.below(6);
        self.stage.note(format_args!("network: {what} between agent and {other} for {time:?}"));
        let sim = &self.stage.sim;
        match what {
            0 => sim.partition("agent", other),
            1 => sim.partition_oneway("agent", other),
            2 => sim.partition_oneway(other, "agent"),
            3 | 4 => sim.hold("agent", other),
            _ => sim.set_link_max_message_latency("agent", other, LATENCY * 20),
        }
        // Life goes on meanwhile.
        self.stage.run(time / 2);
        self.life();
        if self.chance.once_in(3) {
            self.decision();
        }
        self.stage.run(time / 2);
        self.mend(other);
    }

    fn mend(&mut self, other: &str) {
        self.stage.sim.release("agent", other);
        self.stage.sim.repair("agent", other);
        self.stage.sim.set_link_max_message_latency("agent", other, LATENCY);
        self.stage.note(format_args!("network: mended to {other}"));
    }

    fn crash(&mut self) {
        let host = Host::ALL[usize::try_from(self.chance.below(3)).unwrap()];
        self.restart(host);
    }

    /// Kills a program and starts it again after a while, in which things change unseen.
    fn restart(&mut self, host: Host) {
        if !self.stage.is_up(host) {
            return;
        }
        self.stage.kill(host);
        let time = Duration::from_millis(self.chance.within(0..=8_000));
        self.stage.note(format_args!("{} killed for {time:?}", host.name()));
        self.stage.run(time);
        if self.chance.once_in(2) {
            self.life();
        }
        if host == Host::Home && self.chance.once_in(4) {
            self.weather();
        }
        let starts = Duration::from_millis(self.chance.within(0..=6_000));
        self.stage.start(host, starts);
        self.stage.run(TICK * 3);
    }

    /// Home Assistant comes back odd: lists falsely empty, or answers in strange order.
    fn weather(&mut self) {
        let odd = self.chance.below(4);
        self.stage.note(format_args!("home: comes back odd: {odd}"));
        match odd {
            0 => self.stage.home.change_silently(|model| model.recovery_mode = true),
            1 => self.stage.home.change_silently(|model| model.safe_mode = true),
            2 => self.stage.home.fault(|faults| faults.reorder = true),
            _ => self.stage.home.fault(|faults| (faults.duplicate, faults.arrays) = (true, true)),
        }
    }

    /// A folder is copied, or put back to an earlier copy.
    fn rewind(&mut self) {
        let host = if self.chance.once_in(2) { Host::Agent } else { Host::Portal };
        if !self.stage.has_copy(host) {
            self.stage.copy(host);
            self.stage.note(format_args!("{} copied", host.name()));
        } else if self.stage.is_up(host) && self.memory.rewinds < 2 {
            self.stage.kill(host);
            self.stage.run(TICK * 2);
            self.stage.put_back(host);
            self.stage.start(host, Duration::ZERO);
            self.stage.note(format_args!("{} put back to yesterday's copy", host.name()));
            self.memory.rewinds += 1;
            if host == Host::Agent {
                // The agent says what the owner decided then, and the portal follows as soon as it hears of it.
                self.memory.names = None;
                self.memory.back_in_time = true;
            }
            self.memory.epochs = [0, 0];
            self.stage.run(TICK * 3);
        }
    }

    /// What must hold at every moment.
    fn look(&mut self) {
        let agent = check::stored(&self.stage.agent_folder()).grants.consent.epoch;
        let portal = self.stage.portal();
        let home = portal.home(&self.stage.fingerprint()).expect("a paired home stays enrolled");
        if let Err(broken) = portal.sound(&home) {
            panic!("the portal holds what it must not: {broken}");
        }
        let epochs = [agent, if self.memory.back_in_time { 0 } else { home.consent.epoch }];
        let fell = epochs.iter().zip(self.memory.epochs).any(|(now, before)| *now < before);
        assert!(!fell, "the epoch of the consent fell from {:?} to {epochs:?}", self.memory.epochs);
        self.memory.epochs = epochs;
    }

    /// Everything is mended, started, and as it should be.
    fn heal(&mut self) {
        self.mend("home");
        self.mend("portal");
        for host in Host::ALL {
            if !self.stage.is_up(host) {
                self.stage.start(host, Duration::ZERO);
            }
        }
        self.stage.home.fault(|faults| *faults = Faults::default());
        let odd = self.stage.home.model(|model| model.recovery_mode || model.safe_mode);
        if odd {
            // Only a restart ends recovery and safe mode.
            self.stage.home.change_silently(|model| (model.recovery_mode, model.safe_mode) = (false, false));
            self.stage.kill(Host::Home);
            self.stage.start(Host::Home, Duration::ZERO);
        }
        self.stage.run(TICK * 3);
        let free = self.stage.owner(Request::Restrict { on: false });
        assert!(matches!(free, Some(Ok(_))), "the restriction is not lifted: {free:?}");
        let granted = self.stage.owner(Request::Grant { class: Class::Structure });
        assert!(matches!(granted, Some(Ok(_))), "structure is not granted again: {granted:?}");
        self.stage.note("healed");
    }

    /// All is calm: portal and home must come to agree, and then be quiet.
    fn reckon(&mut self) {
        let until = self.stage.sim.elapsed() + CALM;
        while !self.agree() {
            if self.stage.sim.elapsed() >= until {
                let status = self.stage.status();
                panic!("no agreement: {}\n{status:#?}", self.difference());
            }
            self.stage.run(LOOK);
        }
        self.stage.note("in step");
        self.look();
        // What a connection says when it is well is not in the ledger: nothing else may be said.
        let flushed = Duration::from_secs(6);
        self.stage.run(flushed);
        let before = check::ledger(&self.stage.agent_folder());
        self.stage.run(QUIET);
        let after = check::ledger(&self.stage.agent_folder());
        assert_eq!(
            before.len(),
            after.len(),
            "something is said although nothing happens: {:?}",
            after.last()
        );
        assert!(self.agree(), "agreement does not last: {}", self.difference());
        self.settle_accounts();
        self.stage.diary.extend(after);
    }

    /// R29: the owner wants everything to be forgotten, whoever is away or killed meanwhile.
    fn forget(&mut self) {
        let fingerprint = self.stage.fingerprint();
        match self.chance.below(4) {
            0 => self.stage.sim.partition("agent", "portal"),
            1 => self.stage.kill(Host::Portal),
            _ => {}
        }
        let asked = self.stage.ask(Request::Forget { give_up: false }).expect("the agent is up");
        if self.chance.once_in(3) {
            self.stage.run(TICK);
            self.restart(Host::Agent);
        }
        let answer = self.stage.answer(asked, TICK * 10);
        self.stage.note(format_args!("owner: forget: {answer:?}"));
        self.stage.run(Duration::from_millis(self.chance.within(0..=3_000)));
        self.mend("portal");
        if !self.stage.is_up(Host::Portal) {
            self.stage.start(Host::Portal, Duration::ZERO);
        }
        // A request that died with the program is made again.
        let state = check::stored(&self.stage.agent_folder());
        if state.pairing.is_some() {
            let again = self.stage.owner(Request::Forget { give_up: false });
            assert!(matches!(again, Some(Ok(_))), "forgetting is refused: {again:?}");
        }
        let until = self.stage.sim.elapsed() + CALM;
        loop {
            let state = check::stored(&self.stage.agent_folder());
            let portal = self.stage.portal();
            if state.pairing.is_none() && state.forget_stub.is_none() && portal.home(&fingerprint).is_none() {
                assert_eq!(portal.farewells(), 1, "erased once, and noted once");
                break;
            }
            drop(portal);
            assert!(
                self.stage.sim.elapsed() < until,
                "it is not forgotten: {:?}",
                state.forget_stub.is_some()
            );
            self.stage.run(LOOK);
        }
        assert_ne!(self.stage.fingerprint(), fingerprint, "who pairs again is somebody else");
        let left = check::ledger(&self.stage.agent_folder());
        self.stage.note(format_args!("forgotten; {} rows in the ledger", left.len()));
    }

    fn agree(&mut self) -> bool {
        self.stage.status().is_some_and(|status| status.in_sync) && self.difference().is_empty()
    }

    /// How the portal differs from the home, in keys.
    fn difference(&self) -> String {
        let portal = self.stage.portal();
        let home = portal.home(&self.stage.fingerprint()).expect("enrolled");
        let (held, wanted) = (portal.records(&home), self.stage.expected());
        let lacks =
            wanted.iter().filter(|(key, _)| !held.contains_key(*key)).map(|(key, _)| format!("-{key}"));
        let ghosts = held.keys().filter(|key| !wanted.contains_key(*key)).map(|key| format!("+{key}"));
        let other = held
            .iter()
            .filter_map(|(key, body)| Some((key, body, wanted.get(key)?)))
            .filter(|(_, held, wanted)| held != wanted)
            .map(|(key, held, wanted)| format!("{key}: {held} instead of {wanted}"));
        lacks.chain(ghosts).chain(other).collect::<Vec<_>>().join("\n")
    }

    /// The owner's decisions: all delivered, none twice, none lost.
    fn settle_accounts(&mut self) {
        let folder = self.stage.agent_folder();
        let state = check::stored(&folder);
        let portal = self.stage.portal();
        let home = portal.home(&self.stage.fingerprint()).expect("enrolled");
        assert_eq!(home.consent, state.grants.consent, "the portal knows another consent");
        let granted = state.grants.consent.grants(Class::Names);
        if let Some(names) = self.memory.names {
            assert_eq!(granted, names, "a decision that was confirmed to the owner is lost");
        }
        let outbox = vestibule::store::Reader::open(&folder).unwrap().outbox().unwrap();
        let open: Vec<_> = outbox.iter().filter(|intent| intent.state != State::Acknowledged).collect();
        assert!(open.is_empty(), "the outbox is not empty: {open:?}");
        let (erasures, allowed) = (portal.erasures(), self.memory.withdrawals + 2 * self.memory.rewinds);
        assert!(erasures <= allowed, "{erasures} erasures for {allowed} reasons");
        if state.grants.excluded.is_empty() {
            let held = check::counts(&portal.records(&home));
            assert_eq!(held, self.stage.home.model(check::counted), "counted at the portal and at home");
        }
        let violations = self.stage.home.violations();
        assert!(violations.is_empty(), "no good client does that: {violations:?}");
    }
}

fn ids(list: &[serde_json::Value], id: &str) -> Vec<String> {
    list.iter().filter_map(|thing| thing[id].as_str().map(str::to_owned)).collect()
}
