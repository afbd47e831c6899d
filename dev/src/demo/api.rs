//! The portal's API, as staff and their programs use it.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use crate::trouble::Trouble;

/// Far longer than any answer takes on one machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// A portal and a token of its staff.
#[derive(Clone)]
pub(crate) struct Api {
    http: reqwest::Client,
    origin: String,
    token: String,
}

/// What is held of a home, or what changed in it: JSON lines, and the root they lead to.
pub(crate) struct Lines {
    pub(crate) root: String,
    pub(crate) lines: Vec<String>,
}

impl Api {
    pub(crate) fn new(origin: &str, token: &str) -> Result<Self, Trouble> {
        // The client wants one even for plain HTTP. When another is there already, that one is as good.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(ANSWER_WITHIN)
            .build()
            .map_err(|error| broken(&error))?;
        Ok(Self { http, origin: origin.to_owned(), token: token.to_owned() })
    }

    /// The home; `None` if this portal, for this token, has none.
    pub(crate) async fn instance(&self, fingerprint: &str) -> Result<Option<Value>, Trouble> {
        let Some(response) = self.get(fingerprint, "").await? else { return Ok(None) };
        response.json().await.map(Some).map_err(|error| broken(&error))
    }

    /// All records of the home.
    pub(crate) async fn snapshot(&self, fingerprint: &str) -> Result<Lines, Trouble> {
        let gone = || Trouble::new("The portal no longer holds the home.", "Run make demo again.");
        lines(self.get(fingerprint, "/snapshot").await?.ok_or_else(gone)?).await
    }

    /// What changed since a root; `None` if the portal no longer knows that root.
    pub(crate) async fn changes(&self, fingerprint: &str, since: &str) -> Result<Option<Lines>, Trouble> {
        match self.get(fingerprint, &format!("/changes?since={since}")).await? {
            Some(response) => lines(response).await.map(Some),
            None => Ok(None),
        }
    }

    async fn get(&self, fingerprint: &str, rest: &str) -> Result<Option<reqwest::Response>, Trouble> {
        let address = format!("{}/v1/instances/{fingerprint}{rest}", self.origin);
        let response =
            self.http.get(address).bearer_auth(&self.token).send().await.map_err(|error| broken(&error))?;
        match response.status() {
            status if status.is_success() => Ok(Some(response)),
            StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::UNAUTHORIZED => Ok(None),
            status => Err(Trouble::new(
                format!("The portal answered {status}."),
                "Its log is beside its data folder.",
            )),
        }
    }
}

async fn lines(response: reqwest::Response) -> Result<Lines, Trouble> {
    let tag = response.headers().get("etag").and_then(|tag| tag.to_str().ok()).unwrap_or_default();
    let root = tag.trim_matches('"').to_owned();
    let text = response.text().await.map_err(|error| broken(&error))?;
    Ok(Lines { root, lines: text.lines().map(str::to_owned).collect() })
}

fn broken(error: &reqwest::Error) -> Trouble {
    Trouble::new(
        format!("Asking the portal failed: {error}."),
        "See whether it still runs; its log is beside its data folder.",
    )
}
