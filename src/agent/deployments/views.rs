//! Deployments, questions and wishes as the owner is shown them: in words, and as JSON that others rely on.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use vestibule_protocol::problem::Problem;

use crate::inbound::abilities::{Ability, AbilityKind};
use crate::inbound::diff::{AT_HOME, ItemDiff, RowChange};
use crate::inbound::plan::Plan;
use crate::inbound::refusal::Refusal;
use crate::outbound::reading::Text;
use crate::private::Private;
use crate::store::{DeploymentRow, Desk, ItemRow, QuestionRow, QuestionState, RequestRow, RequestState};

/// What the owner is shown of a plan; kept beside the deployment, so that it can be looked at without a daemon.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct PlanView {
    abilities: Vec<AbilityView>,
    refused_hosts: Vec<String>,
    display_only: bool,
    diff: Vec<ItemDiffView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

/// Something that a deployment could do beyond showing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbilityView {
    /// The item, from 0.
    pub item: u32,
    /// Such as `calls_service`.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// What was there before could do it already.
    pub kept: bool,
    /// A sentence for the owner.
    pub words: String,
}

/// What one item would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemDiffView {
    /// The item, from 0.
    pub item: u32,
    /// Such as `dashboard.put`.
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// One change a line.
    pub words: Vec<String>,
    /// Side by side.
    pub rows: Vec<DiffRow>,
}

/// A line of the side-by-side view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffRow {
    /// What stands there now.
    pub before: Option<String>,
    /// What would stand there.
    pub after: Option<String>,
    /// `same`, `changed` or `gap`.
    pub change: String,
}

/// An item of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemView {
    /// Such as `dashboard.put`.
    pub kind: String,
    /// The tenant's own name for it.
    pub name: String,
    /// The thing, once there is one.
    pub thing: Option<String>,
    /// What is wrong with it.
    pub code: Option<String>,
    /// It has been edited at home since.
    pub drifted: bool,
    /// A new automation that the owner has switched on.
    pub enabled: bool,
    /// An automation that a deployment has brought and that is still switched off, as it came: it can be switched on with this item (R40).
    pub off: bool,
}

/// A deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentView {
    /// Which.
    pub id: String,
    /// The company's title.
    pub title: String,
    /// `waiting`, `approved`, `applying`, `verified`, `settled`, `refused`, `conflict`, `rolled_back`, `undone`, `needs_owner`,
    /// `expired` or `superseded`.
    pub state: String,
    /// Why, as a stable code.
    pub code: Option<String>,
    /// The company's summary.
    pub summary: String,
    /// Who made it.
    pub author: String,
    /// Who approved it.
    pub approved_by: Vec<String>,
    /// Unix seconds at which it expires.
    pub expires: u64,
    /// Unix seconds at which it came.
    pub received: i64,
    /// Its items.
    pub items: Vec<ItemView>,
    /// What it could do beyond showing.
    pub abilities: Vec<AbilityView>,
    /// Hosts that would have to be allowed for it.
    pub refused_hosts: Vec<String>,
    /// Files that Home Assistant would write anew for the first time: each needs a yes of its own (R40).
    #[serde(default)]
    pub files: BTreeSet<String>,
    /// It only shows.
    pub display_only: bool,
    /// To what a yes would be a yes.
    pub plan_hash: Option<String>,
    /// It can be undone.
    pub undoable: bool,
    /// Of a repair: the deployment in place that it puts up to date, because things have other ids or names at home since.
    pub repairs: Option<String>,
    /// What would change.
    pub diff: Vec<ItemDiffView>,
    /// Why it goes no further, in words.
    pub problem: Option<Problem>,
}

/// A question of staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionView {
    /// Which.
    pub id: String,
    /// The company's words.
    pub question: String,
    /// What can be chosen, with the owner's own names.
    pub candidates: Vec<CandidateView>,
    /// `open`, `answered`, `declined` or `expired`.
    pub state: String,
    /// What was chosen.
    pub choice: Option<String>,
    /// Unix seconds after which nobody needs the answer.
    pub expires: u64,
}

/// Something that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateView {
    /// Its opaque id.
    pub id: String,
    /// The owner's own word for it.
    pub name: Option<String>,
}

/// A wish of the owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestView {
    /// Which.
    pub id: String,
    /// The owner's words.
    pub text: String,
    /// Rooms.
    pub rooms: Vec<String>,
    /// `made`, `delivered` or `withdrawn`.
    pub state: String,
    /// Unix seconds.
    pub made: i64,
}

impl PlanView {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            abilities: plan.abilities.iter().map(ability).collect(),
            refused_hosts: plan.refused_hosts.clone(),
            display_only: plan.display_only,
            diff: plan.diff.iter().map(diff).collect(),
            problem: plan.objection().map(|refusal| refusal.problem()),
        }
    }

    pub(super) fn of_refusal(refusal: &Refusal) -> Self {
        Self {
            diff: refusal.diffs.iter().map(diff).collect(),
            problem: Some(refusal.problem()),
            ..Self::default()
        }
    }

    /// What the owner was shown before, and what somebody at home has made of it meanwhile.
    pub(super) fn beside(shown: Option<&Text>, at_home: &[ItemDiff]) -> Self {
        let mut all = parsed(shown);
        all.diff.retain(|diff| !diff.is_of_home());
        all.diff.extend(at_home.iter().map(diff));
        all
    }

    pub(super) fn to_text(&self) -> Option<Text> {
        serde_json::to_string(self).ok().map(|text| Private::new(text.into_boxed_str()))
    }
}

fn parsed(plan: Option<&Text>) -> PlanView {
    plan.and_then(|text| serde_json::from_str(text.reveal_to_owner()).ok()).unwrap_or_default()
}

fn ability(ability: &Ability) -> AbilityView {
    AbilityView {
        item: ability.item,
        kind: ability.kind.code().to_owned(),
        subject: plain(&ability.subject),
        kept: ability.kept,
        words: ability.words_for_the_owner(),
    }
}

fn diff(diff: &ItemDiff) -> ItemDiffView {
    let row = |row: &crate::inbound::diff::Row| DiffRow {
        before: row.before.as_ref().map(plain),
        after: row.after.as_ref().map(plain),
        change: match row.change {
            RowChange::Same => "same",
            RowChange::Changed => "changed",
            RowChange::Gap => "gap",
        }
        .to_owned(),
    };
    ItemDiffView {
        item: diff.item,
        kind: diff.kind.to_owned(),
        title: plain(&diff.title),
        words: diff.words.iter().map(plain).collect(),
        rows: diff.rows.iter().map(row).collect(),
    }
}

pub(super) fn plain(text: &Text) -> String {
    text.reveal_to_owner().to_string()
}

/// A deployment as the owner is shown it; `plan` is what [`PlanView`] wrote.
pub(in crate::agent) fn show(row: &DeploymentRow, desk: &Desk, plan: Option<&Text>) -> DeploymentView {
    let all = &desk.deployments;
    let in_place = row.undoable && row.state.is_in_place();
    let later = || all.iter().rev().take_while(|other| other.id != row.id);
    let is_of = |item: &ItemRow, other: &DeploymentRow| {
        other.state.is_in_place() && other.items.iter().any(|other| other.thing == item.thing)
    };
    let plan = parsed(plan);
    let item = |item: &ItemRow| ItemView {
        kind: item.kind.clone(),
        name: item.name.clone(),
        thing: item.thing.map(|id| id.to_string()),
        code: item.code.clone(),
        drifted: item.drifted,
        enabled: item.enabled,
        off: item.off && in_place && !later().any(|other| is_of(item, other)),
    };
    let rewrites = |ability: &&AbilityView| ability.kind == AbilityKind::RewritesFile.code();
    let files: BTreeSet<String> =
        plan.abilities.iter().filter(rewrites).map(|ability| ability.subject.clone()).collect();
    DeploymentView {
        id: row.id.to_string(),
        title: row.title.clone(),
        state: row.state.name().to_owned(),
        code: row.code.clone(),
        summary: row.summary.clone(),
        author: row.author.clone(),
        approved_by: row.persons.clone(),
        expires: row.expires,
        received: row.received_ms / 1000,
        items: row.items.iter().map(item).collect(),
        abilities: plan.abilities,
        refused_hosts: plan.refused_hosts.into_iter().filter(|host| !row.hosts.contains(host)).collect(),
        files: &files - &desk.trusting.files,
        display_only: plan.display_only,
        plan_hash: row.plan_hash.map(|hash| hash.to_string()),
        undoable: row.undoable,
        repairs: row.repairs.as_ref().map(|repairs| repairs.of.to_string()),
        diff: plan.diff,
        problem: plan.problem,
    }
}

/// The same without what would change, for lists.
pub(in crate::agent) fn list(row: &DeploymentRow, desk: &Desk, plan: Option<&Text>) -> DeploymentView {
    DeploymentView { diff: Vec::new(), ..show(row, desk, plan) }
}

impl ItemDiffView {
    /// People at home have made this change, not the company.
    #[must_use]
    pub fn is_of_home(&self) -> bool {
        self.kind == AT_HOME
    }
}

impl DeploymentView {
    /// What it has done stands in the home, and can be undone.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        self.undoable && matches!(&*self.state, "verified" | "settled")
    }

    /// One line.
    #[must_use]
    pub fn line(&self) -> String {
        let code = self.code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
        let title = if self.title.is_empty() { "not believed" } else { &*self.title };
        let repair = if self.repairs.is_some() { "repair: " } else { "" };
        format!("{}  {}{code}  {repair}{title}", self.id, self.state)
    }

    /// Everything, for a person. The company's words are marked as such.
    #[must_use]
    pub fn words(&self) -> String {
        let mut text = self.line();
        if let Some(of) = &self.repairs {
            let _ = write!(
                text,
                "\nRepair of:    {of}\n  Things have other names at home since. This is what was approved then, with the names of today;\n  \
                 it comes from no portal."
            );
        }
        if !self.summary.is_empty() {
            let _ = write!(text, "\nThey say:     {}", self.summary);
        }
        if !self.author.is_empty() {
            let _ = write!(
                text,
                "\nMade by:      {}\nApproved by:  {}",
                self.author,
                self.approved_by.join(", ")
            );
        }
        for (n, item) in self.items.iter().enumerate() {
            let code = item.code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
            let drifted = if item.drifted { ", edited at home since" } else { "" };
            let off = if item.off { ", switched off" } else { "" };
            let _ = write!(text, "\nItem {}:       {} {}{code}{off}{drifted}", n + 1, item.kind, item.name);
        }
        for diff in &self.diff {
            let _ = write!(text, "\n\n{} ({})", diff.title, diff.kind);
            for line in &diff.words {
                let _ = write!(text, "\n  {line}");
            }
            for row in diff.rows.iter().filter(|row| row.change != "same") {
                match (&row.before, &row.after) {
                    (None, None) => text.push_str("\n    …"),
                    (before, after) => {
                        let lines =
                            before.iter().map(|line| ('-', line)).chain(after.iter().map(|line| ('+', line)));
                        for (sign, line) in lines {
                            let _ = write!(text, "\n  {sign} {line}");
                        }
                    }
                }
            }
        }
        if !self.abilities.is_empty() {
            text.push_str("\n\nBeyond showing, it could:");
            for ability in &self.abilities {
                let kept = if ability.kept { " (as before)" } else { "" };
                let _ = write!(text, "\n  {}{kept}", ability.words);
            }
        }
        for host in &self.refused_hosts {
            let _ = write!(
                text,
                "\nYour browser would call {host}. To allow that for this one: --allow-host {host}"
            );
        }
        if let Some(problem) = &self.problem {
            let _ = write!(text, "\n{}\n{}", problem.what, problem.next);
        }
        if let Some(hash) = &self.plan_hash {
            let _ = write!(text, "\nPlan:         {hash}");
        }
        text
    }
}

impl QuestionView {
    pub(super) fn of(row: &QuestionRow, candidates: Vec<CandidateView>) -> Self {
        let state = match row.state {
            QuestionState::Open => "open",
            QuestionState::Answered => "answered",
            QuestionState::Declined => "declined",
            QuestionState::Expired => "expired",
        };
        Self {
            id: row.id.to_string(),
            question: row.question.clone(),
            candidates,
            state: state.to_owned(),
            choice: row.choice.map(|id| id.to_string()),
            expires: row.expires,
        }
    }

    /// For a person.
    #[must_use]
    pub fn words(&self) -> String {
        let mut text = format!("{}  {}\nThey ask:     {}", self.id, self.state, self.question);
        for candidate in &self.candidates {
            let chosen = if self.choice.as_deref() == Some(&*candidate.id) { "  (chosen)" } else { "" };
            let name = candidate.name.as_deref().unwrap_or("?");
            let _ = write!(text, "\n  {}  {name}{chosen}", candidate.id);
        }
        text
    }
}

impl RequestView {
    pub(in crate::agent) fn of(row: &RequestRow) -> Self {
        let state = match row.state {
            RequestState::Made => "made",
            RequestState::Delivered => "delivered",
            RequestState::Withdrawn => "withdrawn",
        };
        Self {
            id: row.id.to_string(),
            text: row.text.clone(),
            rooms: row.rooms.iter().map(ToString::to_string).collect(),
            state: state.to_owned(),
            made: row.made_ms / 1000,
        }
    }

    /// For a person.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{}  {}  {}", self.id, self.state, self.text)
    }
}
