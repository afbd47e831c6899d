//! Settings: built-in defaults, then `/data/options.json` if it is there, then `--config FILE`, then `VESTIBULE_…` from the
//! environment, then flags. Unknown keys are errors, because a setting that silently does nothing is worse than none.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat};
use serde::Deserialize;
use vestibule_protocol::problem::Problem;

/// Where the Supervisor puts an app's options.
const OPTIONS: &str = "/data/options.json";
/// The data folder of an app.
const APP_DATA: &str = "/data";
const PREFIX: &str = "VESTIBULE";
/// Variables that belong to the tests; the programs ignore them.
const OF_TESTS: &str = "VESTIBULE_TEST_";
/// Variables that belong to the portal's command, such as `VESTIBULE_PORTAL_DATA`; ours have two underscores there.
const OF_PORTAL: (&str, &str) = ("VESTIBULE_PORTAL_", "VESTIBULE_PORTAL__");

/// What the agent is told from outside. Everything else is decided by commands and kept in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Folder of everything the agent keeps.
    pub data_dir: PathBuf,
    /// Where Home Assistant is.
    #[serde(default)]
    pub home_assistant: HomeAssistant,
    /// How the portal is reached.
    #[serde(default)]
    pub portal: Portal,
    /// The owner's page.
    #[serde(default)]
    pub page: Page,
    /// How much is logged; by default `info` for the daemon and `warn` for commands.
    #[serde(default)]
    pub log: Option<LogLevel>,
    /// The Supervisor's token, where there is a Supervisor; never from a file.
    #[serde(skip)]
    pub supervisor_token: Option<Secret>,
    /// The slug under which Home Assistant knows this app, where there is a Supervisor; never from a file.
    #[serde(skip)]
    pub app: Option<String>,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What is not as it should be.
    Warn,
    /// What happens.
    Info,
    /// How it happens.
    Debug,
    /// Every step.
    Trace,
}

/// Where Home Assistant is. Not needed where there is a Supervisor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeAssistant {
    /// Such as `http://homeassistant.local:8123`.
    #[serde(default)]
    pub url: Option<Secret>,
    /// A long-lived access token.
    #[serde(default)]
    pub token: Option<Secret>,
    /// Certificates (PEM) of a private authority.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// How the portal is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Portal {
    /// Certificates (PEM) of a private authority.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// The owner's page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Address and port to listen at, or `off`. By default port 8099 where there is a Supervisor, else port 8098 on loopback.
    #[serde(default)]
    pub listen: Option<String>,
}

/// A setting that no log may show: the token, and the home's URL (R17).
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    /// The value, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹secret›")
    }
}

/// Flags, which win over everything.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--data`
    pub data: Option<PathBuf>,
}

impl Settings {
    /// Reads all layers. `environment` is the process's, handed in so that tests can bring their own.
    ///
    /// # Errors
    /// `settings_unreadable` and `settings_unknown`, naming file and key.
    pub fn load(flags: &Flags, environment: &HashMap<String, String>) -> Result<Self, Problem> {
        let supervised = environment.get("SUPERVISOR_TOKEN").filter(|token| !token.is_empty());
        let ours: HashMap<String, String> = environment
            .iter()
            .filter(|(name, _)| is_ours(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let default_data = default_data(environment, supervised.is_some());
        let mut layers = Config::builder()
            .set_default("data_dir", default_data.to_string_lossy().into_owned())
            .map_err(|error| unreadable(&error))?;
        if Path::new(OPTIONS).exists() {
            layers = layers.add_source(File::new(OPTIONS, FileFormat::Json));
        }
        if let Some(file) = &flags.config {
            layers = layers.add_source(File::from(file.as_path()));
        }
        let variables =
            Environment::with_prefix(PREFIX).prefix_separator("_").separator("__").source(Some(ours));
        layers = layers.add_source(variables);
        if let Some(data) = &flags.data {
            layers = layers
                .set_override("data_dir", data.to_string_lossy().into_owned())
                .map_err(|error| unreadable(&error))?;
        }
        let mut settings: Self = layers
            .build()
            .map_err(|error| unreadable(&error))?
            .try_deserialize()
            .map_err(|error| unknown(&error))?;
        settings.supervisor_token = supervised.cloned().map(Secret);
        settings.app =
            environment.get("HOSTNAME").filter(|_| supervised.is_some()).and_then(|name| slug(name));
        Ok(settings)
    }
}

/// The Supervisor calls an app's container `REPOSITORY-vestibule`, and the app itself `REPOSITORY_vestibule`.
fn slug(hostname: &str) -> Option<String> {
    let repository = hostname.strip_suffix("-vestibule")?;
    let sound =
        !repository.is_empty() && repository.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    sound.then(|| format!("{repository}_vestibule"))
}

fn is_ours(name: &str) -> bool {
    let of_portal = name.starts_with(OF_PORTAL.0) && !name.starts_with(OF_PORTAL.1);
    !name.starts_with(OF_TESTS) && !of_portal
}

/// `/data` in an app, otherwise the place where Linux keeps a user's data.
fn default_data(environment: &HashMap<String, String>, supervised: bool) -> PathBuf {
    let variable = |name| environment.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if supervised {
        return APP_DATA.into();
    }
    variable("XDG_DATA_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".local/share")))
        .map_or_else(|| "vestibule-data".into(), |base| base.join("vestibule"))
}

fn unreadable(error: &config::ConfigError) -> Problem {
    Problem::new(
        "settings_unreadable",
        format!("The settings cannot be read: {}.", without_values(error)),
        "Check the file given with --config and the variables that begin with VESTIBULE_.",
    )
}

fn unknown(error: &config::ConfigError) -> Problem {
    Problem::new(
        "settings_unknown",
        format!("A setting is unknown or has a value that it cannot have: {}.", without_values(error)),
        "The settings are data_dir, log, home_assistant.url, home_assistant.token, home_assistant.ca_file, portal.ca_file and page.listen.",
    )
}

/// The library's words, less anything that could be a value: a token pasted into the wrong place must not be repeated.
fn without_values(error: &config::ConfigError) -> String {
    let text = error.to_string();
    let mut quoted = text.split('`').skip(1);
    match (text.contains("unknown field"), quoted.next()) {
        (true, Some(key)) => format!("the key {key:?}"),
        _ if text.contains("not found") => "a file is missing".to_owned(),
        _ if text.contains("variant") => "log is error, warn, info, debug or trace".to_owned(),
        _ if text.contains("invalid type") => "a value is of the wrong kind".to_owned(),
        _ => "a file is not valid JSON or TOML".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)], flags: &Flags) -> Result<Settings, Problem> {
        let environment =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::load(flags, &environment)
    }

    #[test]
    fn later_layers_win() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agent.toml");
        std::fs::write(&file, "data_dir = '/from/file'\n[home_assistant]\nurl = 'http://file'\n").unwrap();
        let flags = Flags { config: Some(file), data: None };
        let settings = load(&[("VESTIBULE_HOME_ASSISTANT__URL", "http://environment")], &flags).unwrap();
        assert_eq!(settings.data_dir, Path::new("/from/file"));
        assert_eq!(settings.home_assistant.url, Some(Secret("http://environment".into())));
        let flags = Flags { data: Some("/from/flag".into()), ..flags };
        assert_eq!(load(&[("VESTIBULE_DATA_DIR", "/x")], &flags).unwrap().data_dir, Path::new("/from/flag"));
    }

    #[test]
    fn an_unknown_key_is_named() {
        let problem = load(&[("VESTIBULE_HOME_ASISTANT__URL", "http://secret.example")], &Flags::default())
            .unwrap_err();
        assert_eq!(problem.code, "settings_unknown");
        assert!(problem.what.contains("home_asistant"), "{problem}");
        assert!(!problem.to_string().contains("secret.example"), "{problem}");
    }

    #[test]
    fn a_level_that_does_not_exist_is_refused() {
        assert_eq!(
            load(&[("VESTIBULE_LOG", "debug")], &Flags::default()).unwrap().log,
            Some(LogLevel::Debug)
        );
        let problem = load(&[("VESTIBULE_LOG", "chatty")], &Flags::default()).unwrap_err();
        assert_eq!(problem.code, "settings_unknown");
        assert!(problem.what.contains("error, warn, info"), "{problem}");
        assert!(!problem.to_string().contains("chatty"), "{problem}");
    }

    #[test]
    fn the_variables_of_tests_and_of_the_portal_are_ignored() {
        let variables = [
            ("VESTIBULE_TEST_REQUIRE", "all"),
            ("VESTIBULE_PORTAL_DATA", "/x"),
            ("VESTIBULE_PORTAL__CA_FILE", "/y"),
        ];
        let settings = load(&variables, &Flags::default()).unwrap();
        assert_eq!(settings.portal.ca_file.as_deref(), Some(Path::new("/y")));
    }

    #[test]
    fn a_supervised_home_needs_no_settings() {
        let settings = load(&[("SUPERVISOR_TOKEN", "t")], &Flags::default()).unwrap();
        assert_eq!(settings.data_dir, Path::new("/data"));
        assert_eq!(settings.supervisor_token, Some(Secret("t".into())));
        assert!(!format!("{settings:?}").contains("\"t\""));
        assert_eq!(settings.app, None);
        for (name, slug) in [
            ("a0d7b954-vestibule", Some("a0d7b954_vestibule")),
            ("local-vestibule", Some("local_vestibule")),
            ("6f3a1c", None),
            ("-vestibule", None),
            ("a/b-vestibule", None),
        ] {
            let settings = load(&[("SUPERVISOR_TOKEN", "t"), ("HOSTNAME", name)], &Flags::default()).unwrap();
            assert_eq!(settings.app.as_deref(), slug, "{name}");
        }
        assert_eq!(load(&[("HOSTNAME", "local-vestibule")], &Flags::default()).unwrap().app, None);
    }
}
