//! A home to which a company has proposed changes and put questions: some wait, one is in place and was edited since, one is a conflict.

use std::ops::Deref;

use serde_json::{Value, json};
use vestibule_dev::fake_home::{FakeHome, Version};

use super::stage::{Served, Stage, field};
use crate::support::{SOON, Staff, until};

/// What the company designs first, and what it designs next.
pub(super) const OLD: &str =
    r#"{"views":[{"title":"Hall","cards":[{"type":"markdown","content":"Welcome"}]}]}"#;
const NEW: &str = r#"{"views":[{"title":"Hall","cards":[{"type":"markdown","content":"Come in"}]}]}"#;
/// Where the first of them goes.
pub(super) const HALL: &str = "acme-hall";
/// What somebody at home made of it meanwhile.
pub(super) const MINE: &str =
    r#"{"views":[{"title":"Hall","cards":[{"type":"markdown","content":"Our own <b>words</b>"}]}]}"#;
/// Words of the company that would be seen if they were markup.
pub(super) const TITLE: &str = "A page for <i>the hall</i>";
pub(super) const QUESTION: &str = "Which is <b>the reading lamp</b>?";

/// All of it, with a fake home or a real one.
pub(super) struct Scene<S = Stage> {
    pub(super) stage: S,
    pub(super) staff: Staff,
    pub(super) fingerprint: String,
    /// Ids of deployments.
    pub(super) waiting: String,
    pub(super) unwanted: String,
    pub(super) edited: String,
    pub(super) conflict: String,
    /// Addresses of questions.
    pub(super) questions: Vec<String>,
    /// What can be chosen, by opaque id.
    pub(super) candidates: Vec<String>,
}

impl Scene {
    /// With a fake home.
    pub(super) async fn set() -> Self {
        let stage = Stage::new(FakeHome::of_size(Version::V2026_11, 120), "Example").await;
        let home = stage.home.clone();
        Self::of(stage, "owner", async || home.edit_dashboard(HALL, MINE)).await
    }
}

impl<S: Deref<Target = Served>> Scene<S> {
    /// With whatever home is behind the page; `edit` makes [`MINE`] of the dashboard at [`HALL`].
    pub(super) async fn of(stage: S, user: &str, edit: impl AsyncFnOnce()) -> Self {
        stage.pair_as(user).await;
        stage.shows(user, "/live", "In sync").await;
        let staff = employ(&stage, user).await;
        let fingerprint = stage.fingerprint().await;
        let edited = staff.dashboard("In place", OLD, &["--url-path", HALL]).await;
        approve(&stage, user, &edited).await;
        let thing = until("the portal hears of the dashboard", SOON, async || {
            let known = staff.seen(&edited).await;
            known["items"][0]["thing"].as_str().map(str::to_owned).ok_or(known.to_string())
        })
        .await;
        edit().await;
        let conflict = staff.dashboard("Next", NEW, &["--dashboard-id", &thing]).await;
        stage.shows(user, &address(&conflict), ">conflict<").await;
        let waiting = staff.dashboard(TITLE, OLD, &["--url-path", "acme-new"]).await;
        let unwanted = staff.dashboard("Unwanted", OLD, &["--url-path", "acme-unwanted"]).await;
        planned(&stage, user, &waiting).await;
        planned(&stage, user, &unwanted).await;
        // The staff's first look is told to the owner.
        let held = stage.portal.snapshot(&stage.tenant, &fingerprint).await;
        let candidates = lights(&held);
        for question in [QUESTION, "Which one is broken?"] {
            staff.ask(question, &candidates).await;
        }
        let questions = until("both questions", SOON, async || {
            let text = stage.get(user, "/questions").await.text();
            let found: Vec<String> = text
                .split("/questions/one?id=")
                .skip(1)
                .filter_map(|rest| Some(format!("/questions/one?id={}", rest.split_once('"')?.0)))
                .collect();
            if found.len() == 2 { Ok(found) } else { Err(text) }
        })
        .await;
        // Newest first; the story begins with the first.
        let questions = questions.into_iter().rev().collect();
        Self { stage, staff, fingerprint, waiting, unwanted, edited, conflict, questions, candidates }
    }

    /// Everything that `dev/browser/decisions.mjs` is to do with it, under scripts switched off: `room` is one of the home's.
    pub(super) async fn story(&self, user: &str, room: &str) -> Value {
        let page = self.stage.get(user, &self.questions[0]).await.text();
        let (_, after) =
            page.split_once(&format!("name=\"choice\" value=\"{}\"", self.candidates[1])).unwrap();
        let choice = after.split("<span class=\"unseen\">: ").nth(1).unwrap().split('<').next().unwrap();
        let invite = self.stage.portal.invite(&self.stage.tenant).await;
        let words: Vec<&str> = invite.words.split(' ').collect();
        json!({
            "approve": address(&self.waiting),
            "undo": true,
            "moved": address(&self.unwanted),
            "conflict": address(&self.conflict),
            "question": {"path": self.questions[0], "choice": choice},
            "decline": self.questions[1],
            "room": room,
            "rotate": {"deployed": "keep", "invite": invite.code, "words": words},
        })
    }
}

/// A company whose charter is pinned at home, where the owner wants to be asked about dashboards.
pub(super) async fn employ(stage: &Served, user: &str) -> Staff {
    let staff = Staff::at(&stage.portal, &stage.tenant, stage.fingerprint().await).await;
    until("the charter is pinned", SOON, async || {
        let asked = [("change", "deploy.dashboards"), ("policy", "ask")];
        let answer = stage.post_as(user, "/deployments/switch", &asked).await;
        if answer.status == 303 { Ok(()) } else { Err(answer.text()) }
    })
    .await;
    staff
}

/// Where a deployment is shown.
pub(super) fn address(id: &str) -> String {
    format!("/deployments/{id}")
}

/// Waits until there is something to say yes to; gives the page.
pub(super) async fn planned(stage: &Served, user: &str, id: &str) -> String {
    stage.shows(user, &address(id), "name=\"plan\"").await
}

/// The owner's yes to what is shown, and what comes of it.
pub(super) async fn approve(stage: &Served, user: &str, id: &str) {
    let page = planned(stage, user, id).await;
    let plan = field(&page, "plan").unwrap();
    let answer = stage.post_as(user, "/deployments/approve", &[("id", id), ("plan", &plan)]).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    stage.shows(user, &address(id), ">done and checked<").await;
}

/// Ids of three lights of a snapshot.
fn lights(snapshot: &str) -> Vec<String> {
    let light = |line: &str| {
        let record: Value = serde_json::from_str(line).ok()?;
        let id = record["key"].as_str()?.strip_prefix("entity/")?;
        (record["record"]["domain"] == "light").then(|| id.to_owned())
    };
    let found: Vec<String> = snapshot.lines().filter_map(light).take(3).collect();
    assert_eq!(found.len(), 3, "{snapshot}");
    found
}
