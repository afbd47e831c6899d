//! Onboarding a new home over REST, as its first browser would, and minting the two tokens we use.

use std::time::Duration;

use serde_json::{Value, json};

use super::process::{Process, url};
use super::{RealError, Session};

/// Long-lived tokens outlive every test, in days.
const LIFESPAN: u32 = 3_650;

/// User name of the owner of every home made here.
pub const OWNER_NAME: &str = "maria";
/// The owner's password; such a home answers on this machine only.
pub const OWNER_PASSWORD: &str = "geheim-1";

/// Long-lived access tokens of a home's two users.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Of the owner, an administrator.
    pub admin: String,
    /// Of a user who is no administrator.
    pub guest: String,
}

/// Waits for the web server, makes the owner and a guest, and finishes onboarding.
pub(super) async fn onboard(process: &mut Process, within: Duration) -> Result<Tokens, RealError> {
    process.wait_for("/api/onboarding", None, within, Value::is_array).await?;
    let steps = Steps { base: url(process.port), http: process.http.clone() };
    // English, because Home Assistant makes its first areas in this language and ours must not collide with them.
    let owner = json!({
        "client_id": steps.client(), "name": "Maria Muster", "username": OWNER_NAME,
        "password": OWNER_PASSWORD, "language": "en",
    });
    let user = steps.post("/api/onboarding/users", None, &owner).await?;
    let access = steps.exchange(&user["auth_code"]).await?;
    // The oldest version answers 500 here without the integrations for the cloud; the step counts as done all the same.
    drop(steps.post("/api/onboarding/core_config", Some(&access), &json!({})).await);
    steps.post("/api/onboarding/analytics", Some(&access), &json!({})).await?;
    let integration = json!({"client_id": steps.client(), "redirect_uri": steps.client()});
    steps.post("/api/onboarding/integration", Some(&access), &integration).await?;

    let mut session = Session::open(process.port, &access).await?;
    let admin = mint(&mut session).await?;
    let guest = json!({"type": "config/auth/create", "name": "Gast", "group_ids": ["system-users"]});
    let guest = session.call(guest).await?;
    session
        .call(json!({
            "type": "config/auth_provider/homeassistant/create",
            "user_id": guest["user"]["id"], "username": "gast", "password": "geheim-2",
        }))
        .await?;
    let access = steps.log_in("gast", "geheim-2").await?;
    let guest = mint(&mut Session::open(process.port, &access).await?).await?;
    Ok(Tokens { admin, guest })
}

async fn mint(session: &mut Session) -> Result<String, RealError> {
    let command =
        json!({"type": "auth/long_lived_access_token", "client_name": "Vestibule", "lifespan": LIFESPAN});
    text(&session.call(command).await?)
}

struct Steps {
    base: String,
    http: reqwest::Client,
}

impl Steps {
    fn client(&self) -> String {
        format!("{}/", self.base)
    }

    async fn post(&self, path: &str, access: Option<&str>, body: &Value) -> Result<Value, RealError> {
        let mut request = self.http.post(format!("{}{path}", self.base)).json(body);
        if let Some(access) = access {
            request = request.bearer_auth(access);
        }
        answer(path, request).await
    }

    /// Changes an authorisation code for an access token.
    async fn exchange(&self, code: &Value) -> Result<String, RealError> {
        // A form whose values need no escaping but for the address.
        let client = self.client().replace(':', "%3A").replace('/', "%2F");
        let form = format!("grant_type=authorization_code&code={}&client_id={client}", text(code)?);
        let request = self.http.post(format!("{}/auth/token", self.base));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        text(&answer("/auth/token", request).await?["access_token"])
    }

    async fn log_in(&self, name: &str, password: &str) -> Result<String, RealError> {
        let begin = json!({
            "client_id": self.client(), "redirect_uri": self.client(), "handler": ["homeassistant", null],
        });
        let flow = self.post("/auth/login_flow", None, &begin).await?;
        let path = format!("/auth/login_flow/{}", text(&flow["flow_id"])?);
        let who = json!({"client_id": self.client(), "username": name, "password": password});
        self.exchange(&self.post(&path, None, &who).await?["result"]).await
    }
}

async fn answer(path: &str, request: reqwest::RequestBuilder) -> Result<Value, RealError> {
    let broken = |error: reqwest::Error| RealError::Broken(format!("onboarding, {path}: {error}"));
    request
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(broken)?
        .json()
        .await
        .map_err(broken)
}

fn text(value: &Value) -> Result<String, RealError> {
    let missing = || RealError::Broken(format!("onboarding: expected a text, got {value}"));
    value.as_str().map(str::to_owned).ok_or_else(missing)
}
