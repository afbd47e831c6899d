//! The other arrow: staff design a dashboard for a room they know by its kind and number, an approver signs it, and the owner decides.
//!
//! Only the programs' own commands are used, each where its key would be: nothing here is a short cut.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};
use tokio::time::sleep;

use crate::change::Picture;
use crate::child;
use crate::places::Places;
use crate::say;
use crate::stage::{Stage, text};
use crate::trouble::Trouble;

/// Path of the dashboard in Home Assistant.
pub(crate) const PATH: &str = "vestibule-demo";
/// The custom card's element.
pub(crate) const CARD: &str = "vestibule-lights";
const MODULE: &str = include_str!("card.js");
const TITLE: &str = "A page for one room";
/// How long a deployment may take to come from the portal and to be carried out; on an idle machine it is about a second.
const WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Cards that the dashboard shows at most.
const CARDS: usize = 8;

/// What the portal's commands need.
pub(crate) struct Desk {
    program: PathBuf,
    folder: PathBuf,
    root_key: PathBuf,
    origin: String,
    token: String,
    tenant: String,
}

impl Desk {
    pub(crate) fn new(places: &Places, origin: &str, token: &str, tenant: &str) -> Result<Self, Trouble> {
        Ok(Self {
            program: places.program("vestibule-portal")?,
            folder: places.company(),
            root_key: places.root_key(),
            origin: origin.to_owned(),
            token: token.to_owned(),
            tenant: tenant.to_owned(),
        })
    }

    /// A command that works on files: where a key is, there is no portal.
    async fn offline(&self, arguments: &[&str]) -> Result<Value, Trouble> {
        child::value(&self.program, arguments, &[]).await
    }

    /// A command that talks to the portal.
    async fn online(&self, arguments: &[&str]) -> Result<Value, Trouble> {
        let all = [arguments, &["--portal", &self.origin, "--token", &self.token]].concat();
        child::value(&self.program, &all, &[]).await
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    /// An approver's key, and the charter that says that one person is enough; made once.
    pub(crate) async fn charter(&self) -> Result<(), Trouble> {
        let (key, charter) = (self.file("ada.key"), self.file("charter-1.json"));
        if Path::new(&charter).exists() {
            return Ok(());
        }
        self.offline(&["key", "new", "--person", "Ada Example", "--no-passphrase", "--out", &key]).await?;
        let root = self.root_key.to_string_lossy();
        let public = format!("{key}.pub");
        let new = ["charter", "new", "--tenant", &self.tenant, "--root-key", &root, "--approver", &public];
        self.offline(&[&new[..], &["--threshold", "1", "--out", &charter]].concat()).await?;
        self.online(&["charter", "submit", &charter]).await.map(drop)
    }

    /// Designs, checks, signs and hands in a dashboard for a room; says the deployment's id.
    async fn deploy(&self, fingerprint: &str, picture: &Picture, number: u64) -> Result<String, Trouble> {
        let file = |name: &str| self.folder.join(format!("{number}-{name}"));
        let (design, module, deployment) = (file("page.json"), file("card.js"), file("deployment.json"));
        write(&design, &design_of(picture)?.to_string())?;
        write(&module, MODULE)?;
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let (design, card) = (path(&design), format!("{CARD}={}", path(&module)));
        let (deployment, key) = (path(&deployment), self.file("ada.key"));
        let new =
            ["deployment", "new", "--instance", fingerprint, "--title", TITLE, "--author", "Cleo Example"];
        let items = ["--card", &card, "--dashboard", &design, "--url-path", PATH, "--out", &deployment];
        let made = self.online(&[&new[..], &items].concat()).await?;
        self.online(&["deployment", "check", &deployment]).await?;
        self.offline(&["deployment", "sign", &deployment, "--key", &key, "--yes"]).await?;
        self.online(&["deployment", "submit", &deployment]).await?;
        text(&made, "id")
    }
}

/// Delivers a deployment, or finds the one of last time; says its id.
pub(crate) async fn deliver(stage: &mut Stage, desk: &Desk) -> Result<String, Trouble> {
    desk.charter().await?;
    for change in ["deploy.dashboards", "deploy.cards"] {
        granted(stage, change).await?;
    }
    if let Some(known) = deployments(stage).await?.into_iter().find(|known| known["title"] == TITLE) {
        return text(&known, "id");
    }
    let picture = Picture::of(&stage.api.snapshot(stage.fingerprint()).await?.lines);
    let id = desk.deploy(stage.fingerprint(), &picture, 1).await?;
    until(stage, &id, &["waiting"]).await?;
    Ok(id)
}

/// The owner's word, from the terminal or from the command; until it is given, and afterwards where to look.
pub(crate) struct Decision {
    id: String,
    lines: Lines<BufReader<Stdin>>,
    listening: bool,
    done: bool,
}

impl Decision {
    /// Says what waits, and how to decide.
    pub(crate) async fn ask(stage: &Stage, id: String) -> Result<Self, Trouble> {
        let lines = BufReader::new(tokio::io::stdin()).lines();
        let mut decision = Self { id, lines, listening: true, done: false };
        let (state, command) = (state(stage, &decision.id).await?, stage.vestibule.pasteable());
        if state == "waiting" {
            let id = &decision.id;
            say::line(&format!(
                "A dashboard with a custom card waits for the owner's word. See what it would do, and decide:

                 {command} deployments show {id}
                 {command} deployments approve {id}

Or type yes here and press Enter.
"
            ));
        } else {
            decision.take_note(stage, &state);
        }
        Ok(decision)
    }

    /// Listens for so long.
    pub(crate) async fn listen(&mut self, stage: &Stage, time: Duration) -> Result<(), Trouble> {
        if self.done {
            sleep(time).await;
            return Ok(());
        }
        let line = tokio::time::timeout(time, async {
            if self.listening { self.lines.next_line().await } else { std::future::pending().await }
        });
        match line.await {
            Ok(Ok(Some(word))) if word.trim().eq_ignore_ascii_case("yes") => approve(stage, &self.id).await?,
            Ok(Ok(Some(_))) => say::line("Only yes is a yes."),
            // Nobody types here; the command is still there.
            Ok(Ok(None) | Err(_)) => self.listening = false,
            Err(_) => {}
        }
        let state = state(stage, &self.id).await?;
        self.take_note(stage, &state);
        Ok(())
    }

    fn take_note(&mut self, stage: &Stage, state: &str) {
        let (home, command, id) = (stage.home.url(), stage.vestibule.pasteable(), &self.id);
        match state {
            "waiting" | "approved" | "applying" => return,
            "verified" | "settled" => say::line(&format!(
                "The dashboard is in place, written and read back: open {home}/{PATH}\nTake it back with: {command} deployments undo {id}"
            )),
            other => {
                say::line(&format!("The deployment is {other}. More of it: {command} deployments show {id}"))
            }
        }
        self.done = true;
    }
}

/// The owner's yes, bound to the plan that `show` has printed.
pub(crate) async fn approve(stage: &Stage, id: &str) -> Result<(), Trouble> {
    stage.vestibule.ask(&["deployments", "approve", id, "--yes"]).await.map(drop)
}

/// Waits until a deployment has one of these states.
pub(crate) async fn until(stage: &mut Stage, id: &str, states: &[&str]) -> Result<String, Trouble> {
    let began = Instant::now();
    loop {
        let now = state(stage, id).await?;
        if states.contains(&&*now) {
            return Ok(now);
        }
        if began.elapsed() > WITHIN {
            let shown = stage.vestibule.ask(&["deployments", "show", id]).await.unwrap_or_default();
            let what =
                format!("The deployment is {now}, not {}, after {WITHIN:?}: {shown}", states.join(" or "));
            return Err(Trouble::new(what, "Look into agent.log and portal.log in the demo's folder."));
        }
        stage.look()?;
        sleep(LOOK_EVERY).await;
    }
}

/// A kind of change can be granted once the charter has arrived at home.
async fn granted(stage: &mut Stage, change: &str) -> Result<(), Trouble> {
    let began = Instant::now();
    loop {
        match stage.vestibule.ask(&["consent", "set", change, "ask"]).await {
            Ok(_) => return Ok(()),
            Err(_) if began.elapsed() < WITHIN => sleep(LOOK_EVERY).await,
            Err(trouble) => return Err(trouble),
        }
        stage.look()?;
    }
}

async fn state(stage: &Stage, id: &str) -> Result<String, Trouble> {
    let all = deployments(stage).await?;
    let found = all.iter().find(|known| known["id"] == id);
    Ok(found.and_then(|known| known["state"].as_str()).unwrap_or("on its way").to_owned())
}

async fn deployments(stage: &Stage) -> Result<Vec<Value>, Trouble> {
    let all = stage.vestibule.ask(&["deployments", "list"]).await?;
    Ok(all.as_array().cloned().unwrap_or_default())
}

/// A dashboard for the room with most lights. Its name is the owner's own, which this end need not know.
fn design_of(picture: &Picture) -> Result<Value, Trouble> {
    let area_of: BTreeMap<&str, &str> =
        picture.kind("device").filter_map(|(id, record)| Some((id, record.get("area")?.as_str()?))).collect();
    let mut rooms: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (id, record) in picture.kind("entity") {
        let word = |field: &str| record.get(field).and_then(Value::as_str);
        let room = word("area").or_else(|| area_of.get(word("device")?).copied());
        if let (Some(room), Some("light")) = (room, word("domain"))
            && !record.contains_key("usable")
        {
            rooms.entry(room).or_default().push(format!("@{id}"));
        }
    }
    let most = rooms.into_iter().max_by_key(|(_, lights)| lights.len());
    let (room, lights) = most.ok_or_else(|| {
        Trouble::new("No room of the example house has a light.", "Run make demo again: it begins anew.")
    })?;
    let tiles: Vec<Value> =
        lights.iter().take(CARDS).map(|light| json!({"type": "tile", "entity": light})).collect();
    Ok(json!({
        "views": [{
            "title": format!("@n_{room}"),
            "path": "room",
            "cards": [
                {"type": "markdown", "content": format!("# @n_{room}")},
                {"type": format!("custom:{CARD}"), "entities": lights},
                {"type": "grid", "columns": 2, "square": false, "cards": tiles},
            ],
        }],
    }))
}

fn write(path: &Path, text: &str) -> Result<(), Trouble> {
    std::fs::write(path, text).map_err(Trouble::file(format!("Writing {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_with_most_lights_is_chosen_by_ids_alone() {
        let line = |key: &str, record: Value| json!({"key": key, "record": record}).to_string();
        let picture = Picture::of(&[
            line("device/d_lamp", json!({"area": "a_kitchen"})),
            line("entity/e_one", json!({"domain": "light", "device": "d_lamp"})),
            line("entity/e_two", json!({"domain": "light", "area": "a_kitchen"})),
            line("entity/e_off", json!({"domain": "light", "area": "a_garage", "usable": false})),
            line("entity/e_switch", json!({"domain": "switch", "area": "a_garage"})),
        ]);
        let design = design_of(&picture).unwrap();
        assert_eq!(design["views"][0]["title"], "@n_a_kitchen");
        assert_eq!(design["views"][0]["cards"][1]["entities"], json!(["@e_one", "@e_two"]));
        assert!(design_of(&Picture::default()).is_err());
    }
}
