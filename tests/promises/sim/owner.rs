//! The owner in the story, as far as deployments go: says yes and no, takes back, edits and deletes at home.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vestibule::control::Request;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::{Change, Policy};
use vestibule_protocol::deployment::DeploymentId;

use super::story::Story;
use crate::support::both_files;

/// Why an agent may say no to an owner who acts on what has changed meanwhile, or while something is away.
const NOT_NOW: [&str; 10] = [
    "not_waiting",
    "not_planned_yet",
    "plan_changed",
    "not_undoable",
    "edited_since",
    "no_such_deployment",
    "home_not_ready",
    "home_unreachable",
    "home_lost",
    "home_refused",
];

impl Story {
    /// The owner allows deployments: asked, or for dashboards unasked.
    pub(super) fn allow(&mut self) {
        let dashboards = if self.chance.once_in(3) { Policy::Trust } else { Policy::Ask };
        for (change, policy) in [(Change::Dashboards, dashboards), (Change::Automations, Policy::Ask)] {
            let request = Request::SetChange { change, policy: Some(policy) };
            let answer = self.stage.owner(request);
            self.stage.note(format_args!("owner: {change:?} {policy:?}: {}", answer.is_some()));
        }
    }

    /// The owner looks at what there is and does something about it.
    pub(super) fn tend(&mut self) {
        match self.chance.below(7) {
            0 => self.edit(),
            1 => self.take_back_one(),
            2 | 3 => self.speak(),
            _ => self.decide_all(false),
        }
    }

    /// Says yes or no to everything that waits with a plan; `confirm` a restore first.
    pub(super) fn decide_all(&mut self, confirm: bool) {
        if confirm {
            self.say(&Request::ConfirmRestored);
        }
        for view in self.shown() {
            let (id, hash) = (id_of(&view), view["plan_hash"].as_str().and_then(Fixed::parse));
            if view["state"] != "waiting" || hash.is_none() {
                continue;
            }
            if self.chance.once_in(4) {
                self.say(&Request::Reject { id });
            } else {
                self.say(&Request::Approve {
                    id,
                    plan_hash: hash,
                    hosts: BTreeSet::new(),
                    files: both_files(),
                });
            }
        }
    }

    fn take_back_one(&mut self) {
        let views: Vec<Value> = self.shown().into_iter().filter(|view| view["undoable"] == true).collect();
        let Some(view) = self.chance.pick(&views) else { return self.decide_all(false) };
        self.say(&Request::Undo { id: id_of(&view), overwrite: false });
    }

    /// Somebody at home works on a dashboard that was deployed, or deletes it.
    fn edit(&mut self) {
        let home = self.stage.home.clone();
        let ours = |path: &&String| path.starts_with("deck-");
        let paths: Vec<String> = home.model(|model| model.contents.keys().filter(ours).cloned().collect());
        let Some(path) = self.chance.pick(&paths) else { return self.decide_all(false) };
        if self.chance.once_in(4) {
            home.remove_dashboard(&path);
            self.memory.edits.insert(path.clone(), None);
            self.stage.note(format_args!("home: {path} is deleted"));
            return;
        }
        self.memory.new += 1;
        let edit = json!({"views": [{"title": format!("Edit {}", self.memory.new)}]}).to_string();
        home.edit_dashboard(&path, &edit);
        self.stage.note(format_args!("home: {path} is edited: {edit}"));
        self.memory.edits.insert(path, Some(edit));
    }

    fn shown(&mut self) -> Vec<Value> {
        match self.stage.owner(Request::Deployments) {
            Some(Ok(Value::Array(views))) => views,
            _ => Vec::new(),
        }
    }

    /// Says something; sometimes the agent dies before it can answer.
    fn say(&mut self, request: &Request) {
        let answer = self.stage.owner(request.clone());
        self.stage.note(format_args!("owner: {request:?}: {}", short(answer.as_ref())));
        if let Some(Err(code)) = answer {
            assert!(NOT_NOW.contains(&&*code), "{request:?} is refused: {code}");
        }
    }
}

fn id_of(view: &Value) -> DeploymentId {
    view["id"].as_str().unwrap().parse().unwrap()
}

/// An answer without what is not the same in each run.
fn short(answer: Option<&Result<Value, String>>) -> String {
    match answer {
        None => "no answer".to_owned(),
        Some(Err(code)) => code.clone(),
        Some(Ok(view)) => view["state"].as_str().unwrap_or("done").to_owned(),
    }
}
