//! *Deployments*: what the company wants to change, side by side with what stands there, and the owner's yes, no and undo.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::{Change, Consent, Policy};
use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::problem::Problem;

use super::answer::{Call, Fault, Shown, html};
use super::frame::Frame;
use super::show::Moment;
use crate::agent::{ConsentView, DeploymentView, DiffRow, ItemDiffView};
use crate::control::Request;

const NEVER: &str = "never";
const ASK: &str = "ask";
const TRUST: &str = "trust";

/// Where the list is.
const HERE: &str = "/deployments";
/// The state of what was changed at home since it was designed.
const CONFLICT: &str = "conflict";

/// About how many bytes of lines a page shows side by side, so that it stays light.
const SHOWN: usize = 40_000;

struct Line {
    address: String,
    view: DeploymentView,
    received: Moment,
    /// Something of it was edited at home since.
    drifted: bool,
}

impl Line {
    fn of(view: DeploymentView) -> Self {
        Self {
            address: address(&view.id),
            received: Moment::of_s(view.received),
            drifted: view.items.iter().any(|item| item.drifted),
            view,
        }
    }
}

#[derive(Template)]
#[template(path = "deployments.html")]
struct ListPage {
    f: Frame,
    lines: Vec<Line>,
    switches: Vec<Switch>,
}

/// What happens with one kind of change.
struct Switch {
    change: &'static str,
    /// The word of the catalogue.
    key: &'static str,
    now: &'static str,
    choices: &'static [&'static str],
}

impl Switch {
    fn of(change: Change, consent: &Consent) -> Self {
        let now = match consent.changes.get(&change) {
            None => NEVER,
            Some(Policy::Ask) => ASK,
            Some(Policy::Trust) => TRUST,
        };
        let (key, choices): (_, &[_]) = match change {
            Change::Dashboards => ("dashboards", &[NEVER, ASK, TRUST]),
            // R38: never unasked.
            Change::Cards => ("cards", &[NEVER, ASK]),
            Change::Automations => ("automations", &[NEVER, ASK]),
        };
        Self { change: change.name(), key, now, choices }
    }
}

/// All of them, newest first.
pub(super) async fn page(call: &Call<'_>) -> Shown {
    let views: Vec<DeploymentView> = call.page.ask(Request::Deployments).await?;
    let consent: ConsentView = call.page.ask(Request::Consent).await?;
    let lines = views.into_iter().map(Line::of);
    let switches = Change::ALL.into_iter().map(|change| Switch::of(change, &consent.consent)).collect();
    Ok(html(&ListPage { f: call.frame(HERE), lines: lines.collect(), switches }))
}

/// What shall happen with a kind of change.
pub(super) async fn switch(call: &Call<'_>) -> Shown {
    let change: Change =
        call.form.some("change").and_then(|name| name.parse().ok()).ok_or(Fault::NotFound)?;
    let policy = match call.form.some("policy") {
        Some(NEVER) => None,
        Some(ASK) => Some(Policy::Ask),
        Some(TRUST) => Some(Policy::Trust),
        _ => return Err(Fault::NotFound),
    };
    call.page.ask_each(Request::SetChange { change, policy }, drop).await?;
    call.go(HERE, "switched")
}

/// What a conflict is between, for one item.
struct Conflict {
    /// What was changed at home since it was designed; unknown where that base is gone.
    at_home: Option<ItemDiffView>,
    /// What the company designed.
    designed: Option<ItemDiffView>,
    /// Number of the first of them on the page.
    at: usize,
}

impl Conflict {
    /// Those of a deployment, taken out of its differences.
    fn of(view: &mut DeploymentView) -> Vec<Self> {
        // Also where somebody has edited in the moment of a write, and the owner decides.
        if view.state != CONFLICT && view.diff.iter().all(|diff| !diff.is_of_home()) {
            return Vec::new();
        }
        let mut all: BTreeMap<u32, Self> = BTreeMap::new();
        for diff in std::mem::take(&mut view.diff) {
            let at = 2 * all.len() + 1;
            let conflict = all.entry(diff.item).or_insert(Self { at_home: None, designed: None, at });
            let side = if diff.is_of_home() { &mut conflict.at_home } else { &mut conflict.designed };
            *side = Some(diff);
        }
        all.into_values().collect()
    }

    /// Each side with its heading's key and its number on the page.
    fn sides(&self) -> impl Iterator<Item = (&'static str, &ItemDiffView, usize)> {
        let home = self.at_home.as_ref().map(|diff| ("deploy.conflict.home", diff, self.at));
        let designed = self.designed.as_ref().map(|diff| ("deploy.conflict.designed", diff, self.at + 1));
        home.into_iter().chain(designed)
    }
}

#[derive(Template)]
#[template(path = "deployment.html")]
struct OnePage {
    f: Frame,
    view: DeploymentView,
    /// Both sides, where there is a conflict; then `view` has no differences.
    conflicts: Vec<Conflict>,
    received: Moment,
    expires: Moment,
    waits: bool,
    may_reject: bool,
    /// Not all lines are shown.
    cut: bool,
    /// Undoing was tried, and loses edits made since.
    lost: Option<Problem>,
}

impl OnePage {
    fn new(f: Frame, mut view: DeploymentView, lost: Option<Problem>) -> Self {
        let cut = shorten(&mut view, SHOWN);
        let waits = view.state == "waiting";
        Self {
            f,
            conflicts: Conflict::of(&mut view),
            received: Moment::of_s(view.received),
            expires: Moment::of_s(i64::try_from(view.expires).unwrap_or(i64::MAX)),
            may_reject: waits || view.state == "approved",
            waits,
            view,
            cut,
            lost,
        }
    }
}

/// One of them, with everything that it would change.
pub(super) async fn one(call: &Call<'_>, id: &str) -> Shown {
    let id = id.parse().map_err(|_| Fault::NotFound)?;
    let view = call.page.ask(Request::Deployment { id }).await?;
    Ok(html(&OnePage::new(call.frame(HERE), view, None)))
}

#[derive(Template)]
#[template(path = "deployment_live.html")]
struct LivePart {
    f: Frame,
    moved: bool,
    state: String,
    address: String,
}

/// Whether it has come further than the page of a deployment shows, for the script.
pub(super) async fn live(call: &Call<'_>, id: &str) -> Shown {
    let id: DeploymentId = id.parse().map_err(|_| Fault::NotFound)?;
    let view: DeploymentView = call.page.ask(Request::Deployment { id }).await?;
    let moved = call.query.get("was") != Some(&view.state);
    Ok(html(&LivePart { f: call.frame(HERE), moved, state: view.state, address: address(&view.id) }))
}

/// The owner's yes to the plan that was on the page, and to no other.
pub(super) async fn approve(call: &Call<'_>) -> Shown {
    let id = chosen(call)?;
    let plan: Option<Fixed<32>> = call.form.some("plan").and_then(Fixed::parse);
    // A yes to whatever is planned by now would be a yes to something unseen.
    let plan_hash = Some(plan.ok_or_else(crate::problem::plan_changed)?);
    let hosts: BTreeSet<String> = call.form.all("host").map(str::to_owned).collect();
    let files: BTreeSet<String> = call.form.all("file").map(str::to_owned).collect();
    call.page.ask_each(Request::Approve { id, plan_hash, hosts, files }, drop).await?;
    call.go(&address(&id.to_string()), "approved")
}

/// The owner's no.
pub(super) async fn reject(call: &Call<'_>) -> Shown {
    let id = chosen(call)?;
    call.page.ask_each(Request::Reject { id }, drop).await?;
    call.go(&address(&id.to_string()), "rejected")
}

/// Takes back what it has done. Where that loses edits, it asks again.
pub(super) async fn undo(call: &Call<'_>) -> Shown {
    let id = chosen(call)?;
    let overwrite = call.form.get("overwrite") == Some("yes");
    match call.page.ask_each(Request::Undo { id, overwrite }, drop).await {
        Ok(()) => call.go(&address(&id.to_string()), "undone"),
        Err(problem) if problem.code == "edited_since" && !overwrite => {
            let view = call.page.ask(Request::Deployment { id }).await?;
            Ok(html(&OnePage::new(call.frame(HERE), view, Some(problem))))
        }
        Err(problem) => Err(problem.into()),
    }
}

/// Switches on an automation that it has put in place (R40).
pub(super) async fn enable(call: &Call<'_>) -> Shown {
    let id = chosen(call)?;
    let item = call.form.number("item").and_then(|item| u32::try_from(item).ok()).ok_or(Fault::NotFound)?;
    call.page.ask_each(Request::Enable { id, item }, drop).await?;
    call.go(&address(&id.to_string()), "enabled")
}

fn chosen(call: &Call<'_>) -> Result<DeploymentId, Fault> {
    call.form.some("id").and_then(|id| id.parse().ok()).ok_or(Fault::NotFound)
}

/// The address of one.
fn address(id: &str) -> String {
    format!("{HERE}/{id}")
}

/// Leaves out the lines beyond `limit` bytes; says whether there were any.
fn shorten(view: &mut DeploymentView, limit: usize) -> bool {
    let weight = |row: &DiffRow| {
        let text = |side: &Option<String>| side.as_ref().map_or(0, String::len);
        // Each line stands in about so much of markup.
        text(&row.before) + text(&row.after) + 60
    };
    let (mut left, mut cut) = (limit, false);
    for diff in &mut view.diff {
        let mut keep = 0;
        for row in &diff.rows {
            let Some(rest) = left.checked_sub(weight(row)) else {
                cut = true;
                break;
            };
            left = rest;
            keep += 1;
        }
        diff.rows.truncate(keep);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{AbilityView, ItemView};
    use crate::page::frame::EVIL;

    fn view(state: &str) -> DeploymentView {
        let evil = || EVIL.to_owned();
        let row =
            |change: &str| DiffRow { before: Some(evil()), after: Some(evil()), change: change.to_owned() };
        DeploymentView {
            id: "0195f3a0-0000-7000-8000-000000000001".to_owned(),
            title: evil(),
            state: state.to_owned(),
            code: Some(evil()),
            summary: evil(),
            author: evil(),
            approved_by: vec![evil(), evil()],
            expires: u64::MAX,
            received: 0,
            items: vec![ItemView {
                kind: "automation.put".to_owned(),
                name: evil(),
                thing: Some(evil()),
                code: Some(evil()),
                drifted: true,
                enabled: false,
                // The loop says so only of what is in place.
                off: matches!(state, "verified" | "settled"),
            }],
            abilities: vec![AbilityView {
                item: 0,
                kind: evil(),
                subject: evil(),
                kept: true,
                words: evil(),
            }],
            refused_hosts: vec![evil()],
            files: [evil()].into(),
            display_only: false,
            plan_hash: Some("plan".to_owned()),
            undoable: true,
            repairs: None,
            diff: vec![ItemDiffView {
                item: 0,
                kind: evil(),
                title: evil(),
                words: vec![evil()],
                rows: vec![row("same"), row("changed"), row("gap")],
            }],
            problem: Some(crate::problem::edited_since()),
        }
    }

    #[test]
    fn r17_words_of_a_deployment_are_no_markup() {
        for state in ["waiting", "approved", "verified", "settled", "needs_owner", "refused", CONFLICT, EVIL]
        {
            let text = OnePage::new(Frame::of_a_test(HERE), view(state), None).render().unwrap();
            assert!(!text.contains("<script>alert") && !text.contains("\"'>"), "{state}: {text}");
            let list = ListPage {
                switches: Change::ALL
                    .into_iter()
                    .map(|change| Switch::of(change, &Consent::default()))
                    .collect(),
                f: Frame::of_a_test(HERE),
                lines: vec![Line::of(view(state))],
            };
            assert!(!list.render().unwrap().contains("<script>alert"), "{state}");
        }
    }

    #[test]
    fn r33_what_can_be_decided_depends_on_the_state() {
        for (state, approve, reject, enable) in [
            ("waiting", true, true, false),
            ("approved", false, true, false),
            ("applying", false, false, false),
            ("verified", false, false, true),
            ("refused", false, false, false),
        ] {
            let text = OnePage::new(Frame::of_a_test(HERE), view(state), None).render().unwrap();
            for (name, there) in [("approve", approve), ("reject", reject), ("enable", enable)] {
                let form = format!("action=\"/deployments/{name}\"");
                assert_eq!(text.contains(&form), there, "{state} {name}");
            }
            assert_eq!(text.contains("name=\"plan\" value=\"plan\""), approve, "{state}");
            assert_eq!(text.contains("type=\"checkbox\""), approve, "{state}: a host to tick");
        }
        let unplanned = DeploymentView { plan_hash: None, ..view("waiting") };
        let text = OnePage::new(Frame::of_a_test(HERE), unplanned, None).render().unwrap();
        assert!(!text.contains("/deployments/approve"), "{text}");
    }

    #[test]
    fn losing_edits_is_asked_for_again() {
        let first = OnePage::new(Frame::of_a_test(HERE), view("verified"), None).render().unwrap();
        assert!(!first.contains("name=\"overwrite\""), "{first}");
        let lost = Some(crate::problem::edited_since());
        let again = OnePage::new(Frame::of_a_test(HERE), view("verified"), lost).render().unwrap();
        assert!(again.contains("name=\"overwrite\" value=\"yes\""), "{again}");
    }

    #[test]
    fn a_conflict_shows_both_sides_and_drift_shows_in_the_history() {
        let designed = ItemDiffView { title: "Hall".into(), ..view(CONFLICT).diff.remove(0) };
        let at_home = ItemDiffView { kind: "home".to_owned(), ..designed.clone() };
        let shown = |diff: Vec<ItemDiffView>| {
            let view = DeploymentView { diff, ..view(CONFLICT) };
            OnePage::new(Frame::of_a_test(HERE), view, None).render().unwrap()
        };
        let both = shown(vec![at_home.clone(), designed.clone()]);
        let place = |text: &str| both.find(text).unwrap_or_else(|| panic!("{text}: {both}"));
        assert!(place("You changed it here") < place("The company designed"));
        assert!(!both.contains("is not known any more"), "{both}");
        assert_eq!(both.matches("<table class=\"diff\">").count(), 2);
        let one = shown(vec![designed.clone()]);
        assert!(one.contains("is not known any more") && !one.contains("You changed it here"), "{one}");
        let meanwhile = DeploymentView { diff: vec![designed, at_home], ..view("needs_owner") };
        let left = OnePage::new(Frame::of_a_test(HERE), meanwhile, None).render().unwrap();
        assert!(left.contains("You changed it here") && left.contains("The company designed"), "{left}");
        assert!(left.contains("in the same moment") && !left.contains("is not known any more"), "{left}");
        assert!(Line::of(view("settled")).drifted);
    }

    #[test]
    fn long_differences_are_cut() {
        let mut view = view("waiting");
        let row = view.diff[0].rows[0].clone();
        view.diff[0].rows = vec![row; 5000];
        let page = OnePage::new(Frame::of_a_test(HERE), view, None);
        assert!(page.cut);
        assert!(page.render().unwrap().len() < 85_000);
    }
}
