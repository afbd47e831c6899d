//! The reference model of deployments: what must be true of the home, of the agent's journal and of the portal, at any time and in the end.

use std::collections::BTreeMap;

use vestibule::store::{DeploymentRow, DeploymentState as Home, Desk};
use vestibule_portal::life::State as Portal;

use super::check::stored;
use super::company::Design;
use super::story::Story;

/// With this code a home refuses what staff took back.
const WITHDRAWN: &str = "withdrawn";

/// How the portal has to call what is so at home.
fn as_the_portal_calls_it(row: &DeploymentRow) -> Portal {
    match row.state {
        Home::Waiting => Portal::AwaitingOwner,
        Home::Approved | Home::Applying => Portal::Applying,
        Home::Verified | Home::Settled => Portal::Applied,
        Home::Refused if row.code.as_deref() == Some(WITHDRAWN) => Portal::Withdrawn,
        Home::Refused => Portal::Refused,
        Home::Conflict => Portal::Conflict,
        Home::RolledBack => Portal::RolledBack,
        Home::Undone => Portal::Undone,
        Home::NeedsOwner => Portal::NeedsOwner,
        Home::Expired => Portal::Expired,
        Home::Superseded => Portal::Superseded,
    }
}

impl Story {
    fn desk(&self) -> Desk {
        stored(&self.stage.agent_folder()).desk
    }

    /// R32 and promise 7, at every moment: no number is used twice or goes back, and nothing that had been read as somebody's work was
    /// written over.
    pub(super) fn look_at_deployments(&mut self) {
        let desk = self.desk();
        let consumed = desk.trusting.last_sequence;
        assert!(consumed >= self.memory.consumed, "{consumed} after {}", self.memory.consumed);
        self.memory.consumed = consumed;
        // The home's own repairs have the number of what they repair.
        let from_outside = desk.deployments.iter().filter(|row| row.repairs.is_none());
        let mut numbers: Vec<u64> =
            from_outside.map(|row| row.sequence).filter(|number| *number > 0).collect();
        assert!(numbers.iter().all(|number| *number <= consumed), "{numbers:?} beyond {consumed}");
        numbers.sort_unstable();
        let count = numbers.len();
        numbers.dedup();
        assert_eq!(numbers.len(), count, "a number is used twice: {numbers:?}");
        let lost: Vec<_> =
            self.stage.home.overwritten().into_iter().filter(|overwritten| overwritten.was_read).collect();
        assert!(lost.is_empty(), "somebody's work was overwritten although it was seen: {lost:?}");
    }

    /// Why deployments have not all come to an end on which both sides agree; `None` when they have.
    pub(super) fn unfinished(&self) -> Option<String> {
        let desk = self.desk();
        let open = |row: &&DeploymentRow| row.state.is_pending() || row.state == Home::Verified;
        if let Some(row) = desk.deployments.iter().find(open) {
            return Some(format!("at home: {row:?}"));
        }
        for row in self.deployed() {
            if row.state.is_open() || row.state.is_pending() {
                return Some(format!("at the portal: {} is {}", row.deployment, row.state));
            }
            let at_home = desk.deployments.iter().find(|known| known.id == row.deployment);
            let Some(at_home) = at_home else { continue };
            let wanted = as_the_portal_calls_it(at_home);
            // A home that was put back to an earlier copy, and found its own later work there, sees it with other eyes.
            let own_work = self.memory.back_in_time && row.state == Portal::Applied;
            if row.state != wanted && !own_work {
                return Some(format!(
                    "{} is {} at the portal and {wanted} at home",
                    row.deployment, row.state
                ));
            }
        }
        self.unheard(&desk)
    }

    /// Old or new, and never something between: every dashboard and script is what the deployments in place, and the people at home,
    /// have made of it.
    pub(super) fn inspect(&self) {
        let desk = self.desk();
        let rows: BTreeMap<_, _> = desk.deployments.iter().map(|row| (row.id, row)).collect();
        let mut designs: Vec<(&Design, Option<Home>)> = self
            .memory
            .designs
            .iter()
            .map(|design| (design, rows.get(&design.id).map(|row| row.state)))
            .collect();
        designs.sort_by_key(|(design, _)| design.sequence);
        let mut paths: Vec<&String> = self
            .memory
            .designs
            .iter()
            .flat_map(|design| design.boards.iter().map(|(path, _)| path))
            .collect();
        paths.sort_unstable();
        paths.dedup();
        for path in paths {
            self.inspect_board(path, &designs);
        }
        if self.memory.back_in_time {
            return;
        }
        for (design, state) in &designs {
            let Some(script) = &design.script else { continue };
            let there = self
                .stage
                .home
                .model(|model| model.routines.ids(vestibule_dev::fake_home::Domain::Script).contains(script));
            let wanted = matches!(state, Some(Home::Verified | Home::Settled));
            let left = *state == Some(Home::NeedsOwner);
            assert!(there == wanted || left, "{script} of {} is there: {there}, {state:?}", design.id);
        }
    }

    fn inspect_board(&self, path: &str, designs: &[(&Design, Option<Home>)]) {
        let (listed, actual) = self.stage.home.model(|model| {
            let listed = model.dashboards.iter().any(|dashboard| dashboard["url_path"] == *path);
            (listed, model.contents.get(path).filter(|_| listed).cloned())
        });
        let of_path = designs.iter().filter_map(|(design, state)| {
            let (_, content) = design.boards.iter().find(|(of, _)| of == path)?;
            Some((design, content, *state))
        });
        let of_path: Vec<_> = of_path.collect();
        let left_to_the_owner = of_path.iter().any(|(.., state)| *state == Some(Home::NeedsOwner));
        let story =
            format!("{path}: listed {listed}, {actual:?}; {of_path:?}; {:?}", self.memory.edits.get(path));
        if left_to_the_owner {
            return;
        }
        // The journal of a write that was under way has gone with a folder that was put back to before it.
        assert!(listed == actual.is_some() || self.memory.back_in_time, "half a dashboard: {story}");
        let edit = self.memory.edits.get(path);
        let designed = of_path.iter().any(|(_, content, _)| **content == actual);
        assert!(actual.is_none() || designed || edit == Some(&actual), "nobody has made that: {story}");
        if self.memory.back_in_time {
            return;
        }
        let in_place =
            |(.., state): &&(_, _, Option<Home>)| matches!(state, Some(Home::Verified | Home::Settled));
        let newest = of_path.iter().rfind(in_place).and_then(|(_, content, _)| (*content).clone());
        assert!(actual == newest || edit == Some(&actual), "neither old nor new: {story}");
    }
}
