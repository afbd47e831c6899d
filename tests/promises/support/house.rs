//! A home that is paired: an agent, a portal, a tenant, and what must be true of the three.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::portal::{Portal, Tenant};
use super::{Agent, SOON, until};

/// An agent that is paired with a portal.
pub(crate) struct House {
    pub(crate) agent: Agent,
    pub(crate) portal: Portal,
    pub(crate) tenant: Tenant,
    pub(crate) fingerprint: String,
}

impl House {
    /// Starts everything and pairs, as an owner does who trusts the company.
    pub(crate) async fn paired(url: &str, token: &str) -> Self {
        let mut agent = Agent::of(url, token);
        let portal = Portal::start().await;
        let tenant = portal.tenant("Example").await;
        let invite = portal.invite(&tenant).await;
        agent.run().await;
        let paired =
            agent.json(&["pair", "--portal", &portal.origin(), "--invite", &invite.code, "--yes"]).await;
        let fingerprint = paired["fingerprint"].as_str().unwrap().to_owned();
        Self { agent, portal, tenant, fingerprint }
    }

    /// Waits until the agent says that both are in step.
    pub(crate) async fn in_sync(&self) -> Value {
        until("in sync", SOON * 2, async || {
            let status = self.agent.status().await;
            if status["in_sync"] == true { Ok(status) } else { Err(status.to_string()) }
        })
        .await
    }

    /// Waits until the portal holds exactly what a fresh reading of the home gives.
    pub(crate) async fn equal(&self, after: &str) {
        self.equal_within(after, SOON * 2).await;
    }

    pub(crate) async fn equal_within(&self, after: &str, within: Duration) {
        until(after, within, async || {
            let status = self.agent.status().await;
            if status["in_sync"] != true {
                return Err(status.to_string());
            }
            let (held, due) = (self.snapshot().await, self.preview().await);
            let (held, due) = (sorted(&held), sorted(&due));
            if held == due { Ok(()) } else { Err(differences(&held, &due)) }
        })
        .await;
    }

    /// What the portal holds, as it is sent.
    pub(crate) async fn snapshot(&self) -> String {
        self.portal.snapshot(&self.tenant, &self.fingerprint).await
    }

    /// What the portal should hold, read afresh.
    pub(crate) async fn preview(&self) -> String {
        self.agent.command(&["preview", "--json"]).await.ok().out
    }

    /// What the portal holds, by key.
    pub(crate) async fn records(&self) -> BTreeMap<String, Value> {
        records(&self.snapshot().await)
    }

    /// Waits until the portal's records fit.
    pub(crate) async fn holds(&self, what: &str, fits: impl Fn(&BTreeMap<String, Value>) -> bool) {
        until(what, SOON, async || {
            let records = self.records().await;
            if fits(&records) { Ok(()) } else { Err(format!("{} records", records.len())) }
        })
        .await;
    }
}

/// JSON lines as records by key.
pub(crate) fn records(lines: &str) -> BTreeMap<String, Value> {
    let line = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        (line["key"].as_str().unwrap().to_owned(), line["record"].take())
    };
    lines.lines().map(line).collect()
}

fn sorted(lines: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = lines.lines().collect();
    lines.sort_unstable();
    lines
}

fn differences(held: &[&str], due: &[&str]) -> String {
    let only = |these: &[&str], those: &[&str]| {
        let only: Vec<String> =
            these.iter().filter(|line| those.binary_search(line).is_err()).map(ToString::to_string).collect();
        format!("{} such as {:#?}", only.len(), &only[..only.len().min(5)])
    };
    format!("only at the portal: {}; only at home: {}", only(held, due), only(due, held))
}
