//! What must hold: at every moment, and after the last fault has healed.

use std::time::Duration;

use vestibule::control::Request;
use vestibule::store::State;
use vestibule_dev::fake_home::Faults;
use vestibule_protocol::consent::Class;

use super::check;
use super::stage::{Host, TICK};
use super::story::Story;

/// After the last fault has healed: both sides notice a dead connection after two minutes at most, and wait at most five before they
/// connect again.
const CALM: Duration = Duration::from_secs(20 * 60);
/// How often the reckoning looks while it waits.
const LOOK: Duration = Duration::from_secs(1);
/// For so long nothing may be said once all is in step.
const QUIET: Duration = Duration::from_secs(10);
impl Story {
    /// What must hold at every moment.
    pub(super) fn look(&mut self) {
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
        self.look_at_deployments();
    }

    /// Everything is mended, started, and as it should be.
    pub(super) fn heal(&mut self) {
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
    pub(super) fn reckon(&mut self) {
        let until = self.stage.sim.elapsed() + CALM;
        let mut open = None;
        while !self.agree() {
            if self.stage.sim.elapsed() >= until {
                let status = self.stage.status();
                let unfinished = self.unfinished();
                panic!("no agreement: {}\n{unfinished:?}\n{status:#?}", self.difference());
            }
            let unfinished = self.unfinished();
            if open != unfinished {
                self.stage.note(format_args!("open: {unfinished:?}"));
                open = unfinished;
            }
            self.decide_all(true);
            self.stage.run(LOOK);
        }
        self.stage.note("in step");
        self.look();
        self.inspect();
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
    pub(super) fn forget(&mut self) {
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
        // A home that is just starting again has nothing to compare with, also before the agent has noticed.
        let running = self.stage.home.model(|model| model.core_state == "RUNNING");
        // What is only believed after ten minutes has been believed.
        let settled = check::stored(&self.stage.agent_folder()).delays.is_empty();
        running
            && settled
            && self.stage.status().is_some_and(|status| status.in_sync)
            && self.unfinished().is_none()
            && self.difference().is_empty()
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
