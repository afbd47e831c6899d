//! The whole demo, running: a real Home Assistant, the portal, the agent; paired, with `names` granted, in sync.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::sleep;
use vestibule_dev::real::{DEMO_ENTITIES, NEWEST_HERE, OWNER_NAME, OWNER_PASSWORD, Options, RealHome};

use crate::api::Api;
use crate::child::{self, Running};
use crate::deploy::Desk;
use crate::places::{self, Places};
use crate::say;
use crate::trouble::Trouble;

/// A slow machine that still compiles something needs some tens of seconds for the first sync.
const IN_SYNC_WITHIN: Duration = Duration::from_secs(120);
/// How often we look whether something has come about.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What a later start has to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Notes {
    port: u16,
    token: String,
    tenant: String,
    words: String,
    fingerprint: String,
    recovery_code: String,
}

/// Everything, running. Dropping it kills everything.
pub(crate) struct Stage {
    // In the order in which they are killed.
    agent: Running,
    portal: Running,
    pub(crate) home: RealHome,
    pub(crate) vestibule: Vestibule,
    pub(crate) api: Api,
    origin: String,
    notes: Notes,
}

/// The agent's commands.
pub(crate) struct Vestibule {
    program: PathBuf,
    settings: PathBuf,
    data: PathBuf,
    environment: Vec<(String, String)>,
}

impl Stage {
    /// Starts everything; pairs where that has not been done.
    pub(crate) async fn set(places: &Places) -> Result<Self, Trouble> {
        let (mut portal, origin, kept) = portal(places).await?;
        let options = Options::new(NEWEST_HERE).entities(DEMO_ENTITIES).kept_in(&places.home());
        let starting = RealHome::start(options.port(places.home_port()?));
        if !places.home().exists() {
            say::line("The first start installs and furnishes Home Assistant, which can take minutes.");
        }
        let home = say::during("Starting Home Assistant", starting).await?;
        portal.look()?;
        say::line(&format!("Home Assistant {} runs, with the furnished example house.", home.version()));

        let vestibule = Vestibule::new(places, &home)?;
        let agent = vestibule.run(places)?;
        let notes = match kept {
            Some(notes) => {
                say::line("Portal and agent are paired already, from last time.");
                notes
            }
            None => say::during("Pairing, and granting names", pair(places, &vestibule, &origin)).await?,
        };
        let api = Api::new(&origin, &notes.token)?;
        let mut stage = Self { agent, portal, home, vestibule, api, origin, notes };
        stage.in_sync("Bringing the portal in sync").await?;
        Ok(stage)
    }

    /// Where staff of the example company work.
    pub(crate) fn desk(&self, places: &Places) -> Result<Desk, Trouble> {
        places::make_private(&places.company())?;
        Desk::new(places, &self.origin, &self.notes.token, &self.notes.tenant)
    }

    /// By which the portal knows the home.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.notes.fingerprint
    }

    /// Waits until the agent says that it is in sync.
    pub(crate) async fn in_sync(&mut self, what: &str) -> Result<(), Trouble> {
        let (agent, portal) = (&mut self.agent, &mut self.portal);
        let vestibule = &self.vestibule;
        let waiting = async {
            loop {
                agent.look()?;
                portal.look()?;
                if vestibule.status().await?["in_sync"] == true {
                    return Ok(());
                }
                sleep(LOOK_EVERY).await;
            }
        };
        let waiting = tokio::time::timeout(IN_SYNC_WITHIN, waiting);
        let waited = if what.is_empty() { waiting.await } else { say::during(what, waiting).await };
        let Ok(ended) = waited else {
            let status = vestibule.status().await.unwrap_or_default();
            let what = format!("Not in sync after {} s. Status: {status}", IN_SYNC_WITHIN.as_secs());
            return Err(Trouble::new(what, "Look into agent.log and portal.log in the demo's folder."));
        };
        ended
    }

    /// Says where everything is.
    pub(crate) fn introduce(&self) {
        let Notes { token, words, fingerprint, recovery_code, .. } = &self.notes;
        let (origin, program) = (&self.origin, self.vestibule.pasteable());
        say::line(&format!(
            "
In sync. Everything below is on this machine and can be tried as it stands.

Home Assistant   {home}
                 user {OWNER_NAME}, password {OWNER_PASSWORD}

Portal           {origin}/v1/instances (description: {origin}/v1/openapi.json)
                 staff token {token}
                 curl -s -H 'Authorization: Bearer {token}' {origin}/v1/instances/{fingerprint}

Agent            data in {data}
                 {program} status
                 {program} preview
                 {program} ledger list

Words            {words}
Fingerprint      {fingerprint}
Recovery code    {recovery_code}

Change something in Home Assistant: move a device to another area, rename, add or remove something.
What reaches the portal is shown here, with times in UTC. Ctrl-C stops everything.
",
            home = self.home.url(),
            data = self.vestibule.data.display(),
        ));
    }

    /// Fails if a program of ours has ended.
    pub(crate) fn look(&mut self) -> Result<(), Trouble> {
        self.agent.look()?;
        self.portal.look()
    }

    /// Stops everything, the agent first.
    pub(crate) async fn stop(mut self) -> Result<(), Trouble> {
        self.agent.stop().await?;
        self.portal.stop().await?;
        Ok(self.home.stop().await?)
    }
}

impl Vestibule {
    fn new(places: &Places, home: &RealHome) -> Result<Self, Trouble> {
        let data = places.agent();
        let environment = [
            ("VESTIBULE_HOME_ASSISTANT__URL", home.url()),
            ("VESTIBULE_HOME_ASSISTANT__TOKEN", home.token().to_owned()),
            ("VESTIBULE_DATA_DIR", data.to_string_lossy().into_owned()),
        ];
        let settings = places.settings();
        // The same as a file, so that commands can be pasted without all that.
        let text = format!(
            "data_dir = {:?}\n\n[home_assistant]\nurl = {:?}\ntoken = {:?}\n",
            data.to_string_lossy(),
            home.url(),
            home.token()
        );
        places::write_private(&settings, &text)?;
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Ok(Self { program: places.program("vestibule")?, settings, data, environment })
    }

    fn run(&self, places: &Places) -> Result<Running, Trouble> {
        let log = places.folder.join("agent.log");
        Running::start("The agent", vec!["run".to_owned()], &self.program, log, &self.environment)
    }

    /// How a person calls it.
    pub(crate) fn pasteable(&self) -> String {
        let here = std::env::current_dir().unwrap_or_default();
        let short = |path: &PathBuf| path.strip_prefix(&here).unwrap_or(path).display().to_string();
        format!("{} --config {}", short(&self.program), short(&self.settings))
    }

    /// Runs a command that answers with one JSON object.
    pub(crate) async fn ask(&self, arguments: &[&str]) -> Result<Value, Trouble> {
        child::value(&self.program, arguments, &self.environment).await
    }

    /// Runs a command that answers with JSON lines.
    pub(crate) async fn lines(&self, arguments: &[&str]) -> Result<Vec<String>, Trouble> {
        child::lines(&self.program, arguments, &self.environment).await
    }

    /// How things stand.
    pub(crate) async fn status(&self) -> Result<Value, Trouble> {
        self.ask(&["status"]).await
    }
}

/// Starts the portal, and finds out whether it and the agent's data still belong together; otherwise both begin anew.
async fn portal(places: &Places) -> Result<(Running, String, Option<Notes>), Trouble> {
    match again(places).await {
        Ok(Some((portal, origin, notes))) => return Ok((portal, origin, Some(notes))),
        Ok(None) => {}
        Err(why) => say::line(&format!(
            "Portal and agent start over, because what is left of last time is of no use:\n{why}"
        )),
    }
    places.start_over()?;
    let (portal, origin) = serve(places, places.portal_port()?).await?;
    Ok((portal, origin, None))
}

async fn again(places: &Places) -> Result<Option<(Running, String, Notes)>, Trouble> {
    let Ok(text) = std::fs::read_to_string(places.notes()) else {
        if places.agent().exists() || places.portal().exists() {
            return Err(Trouble::new("Pairing was not finished.", "It is done again now."));
        }
        return Ok(None);
    };
    let useless = |what: &str| Trouble::new(what, "They are paired again now.");
    let notes: Notes =
        serde_json::from_str(&text).map_err(|_| useless("The notes of last time cannot be read."))?;
    if !places::is_free(notes.port) {
        let what = format!("Somebody else uses port {}, under which the agent knows the portal.", notes.port);
        return Err(useless(&what));
    }
    let agent = places.agent().to_string_lossy().into_owned();
    let known = child::value(&places.program("vestibule")?, &["fingerprint", "--data", &agent], &[]).await?;
    if known["fingerprint"] != notes.fingerprint.as_str() {
        return Err(useless("The agent's data is of another home."));
    }
    let (portal, origin) = serve(places, notes.port).await?;
    if Api::new(&origin, &notes.token)?.instance(&notes.fingerprint).await?.is_none() {
        portal.stop().await?;
        return Err(useless("The portal no longer knows the home, or the staff token has expired."));
    }
    Ok(Some((portal, origin, notes)))
}

async fn serve(places: &Places, port: u16) -> Result<(Running, String), Trouble> {
    let data = places.portal().to_string_lossy().into_owned();
    let listen = format!("127.0.0.1:{port}");
    let command = ["serve", "--data", &data, "--listen", &listen, "--json"].map(str::to_owned).to_vec();
    let log = places.folder.join("portal.log");
    let mut portal = Running::start("The portal", command, &places.program("vestibule-portal")?, log, &[])?;
    let said = portal.first_line().await?;
    let origin = said["origin"].as_str().unwrap_or_default().to_owned();
    say::line(&format!("The portal serves at {origin}"));
    Ok((portal, origin))
}

/// What an operator and an owner do, by the same commands; the owner's yes is `--yes`, and `names` is granted for this example.
async fn pair(places: &Places, vestibule: &Vestibule, origin: &str) -> Result<Notes, Trouble> {
    let (program, data) =
        (places.program("vestibule-portal")?, places.portal().to_string_lossy().into_owned());
    let portal = async |arguments: &[&str]| {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--data", &data]).collect();
        child::value(&program, &arguments, &[]).await
    };
    let root_key = places.root_key().to_string_lossy().into_owned();
    let tenant =
        text(&portal(&["tenant", "create", "Example Homes", "--root-key", &root_key]).await?, "tenant")?;
    let staff = portal(&["staff", "add", "demo", "--tenant", &tenant, "--role", "admin"]).await?;
    let invite = portal(&["invite", "create", "--tenant", &tenant, "--label", "example house"]).await?;
    let code = text(&invite, "code")?;
    let paired = vestibule.ask(&["pair", "--portal", origin, "--invite", &code, "--yes"]).await?;
    let words = paired["words"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join(" ");
    if words != text(&invite, "words")? {
        let what = format!("The owner sees other words ({words}) than the operator ({}).", invite["words"]);
        return Err(Trouble::new(what, "That is a bug in Vestibule."));
    }
    vestibule.ask(&["consent", "grant", "names"]).await?;
    let port = origin.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or_default();
    let notes = Notes {
        port,
        token: text(&staff, "token")?,
        tenant,
        words,
        fingerprint: text(&paired, "fingerprint")?,
        recovery_code: text(&paired, "recovery_code")?,
    };
    places::write_private(&places.notes(), &serde_json::to_string(&notes).unwrap_or_default())?;
    Ok(notes)
}

/// A text in an answer.
pub(crate) fn text(value: &Value, key: &str) -> Result<String, Trouble> {
    let missing = || Trouble::new(format!("{key} is missing in {value}."), "That is a bug in Vestibule.");
    value[key].as_str().map(str::to_owned).ok_or_else(missing)
}
