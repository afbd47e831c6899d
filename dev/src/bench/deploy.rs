//! The other arrow: from the owner's yes to a dashboard that was read back, taken back, or rolled back.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;
use vestibule_dev::fake_home::{Fail, FakeHome};

use super::Failure;
use super::process::{Home, Place, Portal};
use super::sizes::{InSync, in_sync};
use super::table::Table;

/// A deployment arrives within a second; whoever waits longer than this waits in vain.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Sizes of a dashboard as it is designed, and how long it may take from yes to read back. At home real names take the place of ids,
/// and nothing larger than 2 MiB is accepted there.
const SIZES: [(usize, &str, Option<f64>); 3] =
    [(20_000, "20 kB", None), (200_000, "200 kB", Some(1_500.0)), (1_950_000, "2 MB", None)];

/// Everything of this file on one home; with a fake one also what happens when the home refuses in the middle.
pub(crate) async fn deploy(
    table: &mut Table,
    name: &str,
    home: &Home,
    fake: Option<&FakeHome>,
) -> Result<(), Failure> {
    let InSync { agent, place, _portal: portal, _folder } = in_sync(home).await?;
    let desk = Desk::open(&portal, &place).await?;
    for (size, words, limit) in SIZES {
        let id = desk.waiting(words, &[desk.dashboard(size)?]).await?;
        agent.forget_peak()?;
        let before = agent.mebibytes("VmRSS")?;
        let took = desk.decide(&["approve", &id, "--yes"], &id, &["verified", "settled"]).await?;
        let what = format!("dashboard of {words}: yes to verified");
        match limit {
            Some(limit) => table.most(&what, name, took, "ms", limit),
            None => table.shown(&what, name, took, "ms"),
        }
        table.shown("  memory above what it was, at most", name, agent.mebibytes("VmHWM")? - before, "MiB");
        let took = desk.decide(&["undo", &id, "--yes"], &id, &["undone"]).await?;
        table.shown("  undo to put back", name, took, "ms");
    }
    let Some(fake) = fake else { return Ok(()) };
    let size = 200_000;
    let id = desk.waiting("two", &[desk.dashboard(size)?, desk.dashboard(size)?]).await?;
    // Every size above has created one dashboard, and this one's first is the next.
    let nth = SIZES.len() as u64 + 2;
    let command = "lovelace/dashboards/create".to_owned();
    fake.fault(|faults| faults.fail = Some(Fail { command, nth, code: "unknown_error".to_owned() }));
    let took = desk.decide(&["approve", &id, "--yes"], &id, &["rolled_back"]).await?;
    table.shown("two of 200 kB, the second refused: yes to rolled back", name, took, "ms");
    Ok(())
}

/// Where staff work: the portal's commands, a key and a charter; and the home that it is for.
struct Desk<'a> {
    portal: &'a Portal,
    place: &'a Place,
    folder: PathBuf,
    token: String,
    fingerprint: String,
    /// Tokens of entities that a dashboard can show.
    entities: Vec<String>,
}

impl<'a> Desk<'a> {
    /// One approver, who is enough; the owner is asked about dashboards.
    async fn open(portal: &'a Portal, place: &'a Place) -> Result<Self, Failure> {
        let folder = portal.folder().with_extension("desk");
        std::fs::create_dir_all(&folder)?;
        let token = portal.staff().await?;
        let fingerprint = place.ask(&["fingerprint"]).await?.pop().unwrap_or(Value::Null);
        let fingerprint =
            fingerprint["fingerprint"].as_str().ok_or("the agent says no fingerprint")?.to_owned();
        let entity = |line: Value| {
            let id = line["key"].as_str()?.strip_prefix("entity/")?.to_owned();
            line["record"].get("usable").is_none().then(|| format!("@{id}"))
        };
        let entities = place.ask(&["preview"]).await?.into_iter().filter_map(entity).collect();
        let desk = Self { portal, place, folder, token, fingerprint, entities };
        let (key, charter) = (desk.file("ada.key"), desk.file("charter.json"));
        portal.command(&["key", "new", "--person", "Ada", "--no-passphrase", "--out", &key]).await?;
        let root = portal.root_key();
        let public = format!("{key}.pub");
        let new = ["charter", "new", "--tenant", portal.tenant(), "--root-key", &root];
        let who = ["--approver", &public, "--threshold", "1", "--out", &charter];
        portal.command(&[&new[..], &who].concat()).await?;
        desk.online(&["charter", "submit", &charter]).await?;
        let began = Instant::now();
        // Once the charter has arrived.
        while let Err(why) = place.text(&["consent", "set", "deploy.dashboards", "ask"]).await {
            if began.elapsed() > PATIENCE {
                return Err(why);
            }
            sleep(LOOK_AGAIN).await;
        }
        Ok(desk)
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    async fn online(&self, arguments: &[&str]) -> Result<Value, Failure> {
        let to = ["--portal", self.portal.origin(), "--token", &self.token];
        self.portal.command(&[arguments, &to].concat()).await
    }

    /// A dashboard of about this many bytes, as designers make them: sections of tiles.
    fn dashboard(&self, bytes: usize) -> Result<String, Failure> {
        let tile = |(n, entity): (usize, &String)| {
            json!({
                "type": "tile", "entity": entity, "name": format!("Lamp number {n} of this house"), "icon": "mdi:lamp",
                "vertical": false, "features_position": "bottom", "tap_action": {"action": "more-info"},
                "hold_action": {"action": "none"}, "double_tap_action": {"action": "none"},
                "grid_options": {"columns": 6, "rows": 1},
            })
        };
        let each = tile((1_000, self.entities.first().ok_or("this home has no entities")?)).to_string().len();
        let tiles: Vec<Value> =
            self.entities.iter().cycle().enumerate().take(bytes / each).map(tile).collect();
        let grid = |cards: &[Value]| json!({"type": "grid", "cards": cards});
        let sections: Vec<Value> = tiles.chunks(20).map(grid).collect();
        Ok(json!({"views": [{"type": "sections", "title": "Bench", "sections": sections}]}).to_string())
    }

    /// Designs, signs and hands in a deployment of new dashboards, and waits until it waits for the owner.
    async fn waiting(&self, title: &str, designs: &[String]) -> Result<String, Failure> {
        let deployment = self.file(&format!("{title}.json"));
        let mut items = Vec::new();
        for (n, design) in designs.iter().enumerate() {
            let file = self.file(&format!("{title}-{n}-design.json"));
            std::fs::write(Path::new(&file), design)?;
            let path = format!("bench-{n}-{}", title.to_lowercase().replace(' ', "-"));
            items.extend(["--dashboard".to_owned(), file, "--url-path".to_owned(), path]);
        }
        let items: Vec<&str> = items.iter().map(String::as_str).collect();
        let new = ["deployment", "new", "--instance", &self.fingerprint, "--title", title];
        let made = self.online(&[&new[..], &items, &["--out", &deployment]].concat()).await?;
        let id = made["id"].as_str().ok_or("the new deployment has no id")?.to_owned();
        let key = self.file("ada.key");
        self.portal.command(&["deployment", "sign", &deployment, "--key", &key, "--yes"]).await?;
        self.online(&["deployment", "submit", &deployment]).await?;
        self.until(&id, &["waiting"]).await?;
        Ok(id)
    }

    /// Milliseconds from the owner's command until the deployment has one of these states.
    async fn decide(&self, words: &[&str], id: &str, states: &[&str]) -> Result<f64, Failure> {
        let began = Instant::now();
        self.place.text(&[&["deployments"], words].concat()).await?;
        self.until(id, states).await?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }

    async fn until(&self, id: &str, states: &[&str]) -> Result<(), Failure> {
        let began = Instant::now();
        loop {
            let all = self.place.ask(&["deployments", "list"]).await?.pop().unwrap_or(Value::Null);
            let found = all.as_array().into_iter().flatten().find(|known| known["id"] == id);
            let state = found.and_then(|known| known["state"].as_str()).unwrap_or("on its way");
            if states.contains(&state) {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                let shown = self.place.text(&["deployments", "show", id]).await.unwrap_or_default();
                return Err(format!("it is {state}, not {}: {shown}", states.join(" or ")).into());
            }
            sleep(LOOK_AGAIN).await;
        }
    }
}
