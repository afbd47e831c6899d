//! A page behind a pretended Supervisor, with a real agent, a fake home and a real portal.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use vestibule::agent::{Agent, Scope};
use vestibule::clock::{Clock, Dice};
use vestibule::home::{Endpoint, Token};
use vestibule::net::{Listener, Network, Trust};
use vestibule::page::guard::Front;
use vestibule::page::{Page, Parts, server};
use vestibule::settings::{HomeAssistant, Secret, Settings};
use vestibule::store::{Folder, Lock};
use vestibule_dev::fake_home::{FakeHome, Listening, TOKEN};
use vestibule_protocol::problem::Problem;

use crate::support::http::{self, Answer};
use crate::support::portal::{Portal, Tenant};
use crate::support::{SOON, until};

/// The prefix under which the pretended Supervisor shows the page.
pub(super) const PREFIX: &str = "/api/hassio_ingress/Ab9-_x";
/// This machine.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A page of a real agent, and the portal that it is or can be paired with.
pub(super) struct Served {
    pub(super) address: SocketAddr,
    pub(super) portal: Portal,
    pub(super) tenant: Tenant,
    folder: TempDir,
    served: JoinHandle<()>,
    agent: JoinHandle<Result<(), Problem>>,
    _stop: oneshot::Sender<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.served.abort();
        self.agent.abort();
    }
}

/// The same with a fake home.
pub(super) struct Stage {
    pub(super) home: FakeHome,
    served: Served,
    _listening: Listening,
}

impl Deref for Stage {
    type Target = Served;
    fn deref(&self) -> &Served {
        &self.served
    }
}

impl Stage {
    /// Not paired yet. Requests are taken from this machine, as if it were the Supervisor.
    pub(super) async fn new(home: FakeHome, tenant: &str) -> Self {
        Self::behind(home, tenant, HERE).await
    }

    /// The same with a Supervisor somewhere.
    pub(super) async fn behind(home: FakeHome, tenant: &str, supervisor: IpAddr) -> Self {
        let listening = home.listen().await.unwrap();
        let served = Served::of(&listening.url(), TOKEN, tenant, supervisor).await;
        Self { home, served, _listening: listening }
    }
}

impl Served {
    /// The page of an agent of the home at this address, with requests from this machine.
    pub(super) async fn at(url: &str, token: &str, tenant: &str) -> Self {
        Self::of(url, token, tenant, HERE).await
    }

    async fn of(url: &str, token: &str, tenant: &str, supervisor: IpAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            data_dir: folder.path().to_owned(),
            home_assistant: HomeAssistant {
                url: Some(Secret::new(url.to_owned())),
                token: Some(Secret::new(token.to_owned())),
                ca_file: None,
            },
            ..Settings::default()
        };
        let opened = Folder::create(folder.path()).unwrap();
        let lock = Lock::try_acquire(&opened).unwrap().unwrap();
        let agent = Agent::open(&settings, opened, lock, Scope::Daemon).await.unwrap();
        let page = Page::new(Parts {
            front: Front::Ingress(supervisor),
            to_home: Arc::new(Network::new(Trust::Public).unwrap()),
            home: Endpoint::from_url(url, Token::new(token).unwrap()).unwrap(),
            requests: agent.requests(),
            folder: folder.path().to_owned(),
            clock: Clock::system(),
            dice: Dice::system(),
        });
        let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.address().unwrap();
        let (stop, stopped) = oneshot::channel();
        let agent = tokio::spawn(agent.run(async move {
            let _ = stopped.await;
        }));
        let portal = Portal::start().await;
        let tenant = portal.tenant(tenant).await;
        let served = tokio::spawn(server::serve(listener, page));
        Self { address, portal, tenant, folder, served, agent, _stop: stop }
    }

    /// By which the portal knows this home.
    pub(super) async fn fingerprint(&self) -> String {
        let found = self.portal.get(&self.tenant, "/v1/instances").await.text();
        let at = found.find("vst1").unwrap_or_else(|| panic!("{found}"));
        found[at..].chars().take_while(char::is_ascii_alphanumeric).collect()
    }

    /// Waits until a page, as the owner sees it, contains this.
    pub(super) async fn shows(&self, user: &str, path: &str, words: &str) -> String {
        until(&format!("{path} shows {words}"), SOON, async || {
            let text = self.get(user, path).await.text();
            if text.contains(words) { Ok(text) } else { Err(text) }
        })
        .await
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Gets a page as a user of the home.
    pub(super) async fn get(&self, user: &str, path: &str) -> Answer {
        self.send("GET", path, &[("X-Remote-User-Id", user)], "").await
    }

    /// Sends exactly this, with the prefix that the Supervisor adds.
    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let spoken = headers.iter().any(|(name, _)| *name == "Accept-Language");
        let english: &[_] = if spoken { &[] } else { &[("Accept-Language", "en")] };
        let headers = [&[("X-Ingress-Path", PREFIX)], english, headers].concat();
        http::send(self.address, method, path, &headers, body).await.unwrap()
    }

    /// Sends a form as the browser of an administrator does.
    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_as("owner", path, fields).await
    }

    /// The same as another one.
    pub(super) async fn post_as(&self, user: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token(user).await;
        let body = form(&[&[("token", token.as_str())], fields].concat());
        let headers = [("X-Remote-User-Id", user), ("Sec-Fetch-Site", "same-origin")];
        self.send("POST", path, &headers, &body).await
    }

    /// The token in the forms of a user.
    pub(super) async fn token(&self, user: &str) -> String {
        let page = self.get(user, "/connection").await.text();
        field(&page, "token").unwrap_or_else(|| panic!("no form on {page}"))
    }

    /// Pairs over the page, as the owner does.
    pub(super) async fn pair(&self) {
        self.pair_as("owner").await;
    }

    /// The same as another administrator.
    pub(super) async fn pair_as(&self, user: &str) {
        let invite = self.portal.invite(&self.tenant).await;
        let meeting = self.post_as(user, "/connection/meet", &[("invite", &invite.code)]).await;
        assert_eq!(meeting.status, 200, "{}", meeting.text());
        let text = meeting.text();
        for word in invite.words.split(' ') {
            assert!(text.contains(&format!("<li>{word}</li>")), "{word} is missing: {text}");
        }
        let preview = field(&text, "preview").unwrap();
        let fields = [("invite", invite.code.as_str()), ("preview", &preview), ("same", "yes")];
        let paired = self.post_as(user, "/connection/pair", &fields).await;
        assert_eq!(paired.status, 303, "{}", paired.text());
        assert_eq!(paired.headers["location"], format!("{PREFIX}/connection?done=paired"));
    }

    /// Waits until the status says that all is well.
    pub(super) async fn in_sync(&self) {
        self.shows("owner", "/live", "In sync").await;
    }
}

/// Fields as a browser encodes them.
pub(super) fn form(fields: &[(&str, &str)]) -> String {
    let encoded = |text: &str| -> String {
        text.bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect()
    };
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    fields.join("&")
}

/// The value of a hidden field.
pub(super) fn field(page: &str, name: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\""))?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}
