//! What goes wrong: the network, programs that are killed, a home that comes back odd, folders put back to an earlier copy.

use std::time::Duration;

use super::check::stored;
use super::company::Design;
use super::stage::{Host, LATENCY, TICK};
use super::story::Story;

/// So late Home Assistant writes its records, in milliseconds.
const LATE_MS: i64 = 10_000;

impl Story {
    pub(super) fn network(&mut self) {
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

    /// A short cut: what was on its way is lost, and both ends still believe in the connection.
    pub(super) fn blink(&mut self) {
        let other = if self.chance.once_in(3) { "home" } else { "portal" };
        self.stage.note(format_args!("network: a blink between agent and {other}"));
        self.stage.sim.partition("agent", other);
        self.stage.run(Duration::from_millis(self.chance.within(40..=400)));
        self.mend(other);
    }

    pub(super) fn mend(&mut self, other: &str) {
        self.stage.sim.release("agent", other);
        self.stage.sim.repair("agent", other);
        self.stage.sim.set_link_max_message_latency("agent", other, LATENCY);
        self.stage.note(format_args!("network: mended to {other}"));
    }

    pub(super) fn crash(&mut self) {
        let host = Host::ALL[usize::try_from(self.chance.below(3)).unwrap()];
        self.restart(host);
    }

    /// Kills a program and starts it again after a while, in which things change unseen.
    pub(super) fn restart(&mut self, host: Host) {
        if !self.stage.is_up(host) {
            return;
        }
        if host == Host::Home && self.chance.once_in(2) {
            self.lose_what_is_new();
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

    /// R43: Home Assistant writes its records late, so a crash loses dashboards that were made just now.
    fn lose_what_is_new(&mut self) {
        let now = self.stage.now_ms();
        for row in stored(&self.stage.agent_folder()).desk.deployments {
            let fresh = row.ended.is_some_and(|ended| now - ended.verified_ms < LATE_MS);
            let design = self.memory.designs.iter().find(|design| design.id == row.id);
            let Some(design) = design.filter(|design| fresh && design.creates) else { continue };
            for (path, _) in &design.boards {
                // One of which a later deployment has a part is not written again: that is told as an edit, and tested by itself.
                let parted =
                    |other: &Design| other.id != row.id && other.boards.iter().any(|(of, _)| of == path);
                if self.memory.edits.contains_key(path) || self.memory.designs.iter().any(parted) {
                    continue;
                }
                // Contents are written at once, and are seen again with the record.
                self.stage.home.change_silently(|model| {
                    model.dashboards.retain(|dashboard| dashboard["url_path"] != *path);
                });
                self.stage.diary.push(format!("home: {path} is lost"));
            }
        }
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
    pub(super) fn rewind(&mut self) {
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
                self.memory.consumed = 0;
            }
            self.memory.epochs = [0, 0];
            self.stage.run(TICK * 3);
        }
    }
}
