//! The support report: what can be told to whoever helps. Versions, counts, codes and timings; no names, no addresses, no ids (R17).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::schema;

use crate::agent::{Side, Status, Traffic};
use crate::store::Grants;

/// Everything that a report holds. Each text in it is one of the program's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Version of Vestibule.
    pub vestibule: String,
    /// Processor and system that it was built for.
    pub platform: String,
    /// Version of the list of fields.
    pub schema: u32,
    /// Version of Home Assistant, once it has been read.
    pub home_assistant: Option<String>,
    /// Kind of installation: `os`, `container`, `supervised`, `core`, `other`.
    pub installation: Option<String>,
    /// Seconds since the start.
    pub running_for: i64,
    /// Resident memory in KiB, and its peak, where the system tells.
    pub memory: Option<(u64, u64)>,
    /// Paired with a portal.
    pub paired: bool,
    /// Home and portal agree.
    pub in_sync: bool,
    /// The connection to Home Assistant.
    pub home: Connection,
    /// The connection to the portal.
    pub portal: Connection,
    /// Granted classes.
    pub classes: Vec<String>,
    /// Number of exclusions.
    pub exclusions: usize,
    /// Records by kind.
    pub records: BTreeMap<String, u64>,
    /// What went over the wire in the last 24 hours.
    pub last_day: Traffic,
    /// What waits: kind, state, and why.
    pub waiting: Vec<String>,
    /// `restricted`, `restored`, `cloned`, `forgetting`.
    pub flags: Vec<String>,
}

/// One connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// For how many seconds.
    pub connected_for: Option<i64>,
    /// Code of the problem.
    pub problem: Option<String>,
}

impl Report {
    /// A report of this moment. `versions` are Home Assistant's and the kind of installation; times are Unix milliseconds.
    #[must_use]
    pub fn new(
        status: &Status,
        grants: &Grants,
        versions: Option<(String, Option<&'static str>)>,
        now_ms: i64,
        started_ms: i64,
    ) -> Self {
        let connection = |side: &Side| Connection {
            connected_for: side.since.map(|since| (now_ms / 1000 - since).max(0)),
            problem: side.problem.as_ref().map(|problem| problem.code.to_string()),
        };
        let flags = [
            (status.restricted, "restricted"),
            (status.restored, "restored"),
            (status.cloned, "cloned"),
            (status.forgetting, "forgetting"),
        ];
        let waiting = status.outbox.iter().map(|item| {
            let reason = item.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            format!("{} {}{reason}", item.kind, item.state)
        });
        Self {
            vestibule: env!("CARGO_PKG_VERSION").to_owned(),
            platform: format!("{} {}", std::env::consts::ARCH, std::env::consts::OS),
            schema: schema::VERSION,
            home_assistant: versions.as_ref().map(|(version, _)| version.clone()),
            installation: versions.and_then(|(_, install)| install).map(str::to_owned),
            running_for: (now_ms - started_ms).max(0) / 1000,
            memory: memory(),
            paired: status.fingerprint.is_some(),
            in_sync: status.in_sync,
            home: connection(&status.home),
            portal: connection(&status.portal),
            classes: grants.consent.classes.iter().map(|class| class.name().to_owned()).collect(),
            exclusions: grants.excluded.len(),
            records: status.records.clone(),
            last_day: status.last_day,
            waiting: waiting.collect(),
            flags: flags.iter().filter(|(on, _)| *on).map(|(_, flag)| (*flag).to_owned()).collect(),
        }
    }

    /// Its name: a hash of its words, by which it is sent as it was shown.
    #[must_use]
    pub fn name(&self) -> Fixed<32> {
        Fixed(*blake3::hash(self.words().as_bytes()).as_bytes())
    }

    /// For people: a line each, always in the same order and in English, because whoever helps has to read it.
    #[must_use]
    pub fn words(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{:<16}{value}", format!("{name}:"));
        };
        let unknown = || "not known".to_owned();
        line("Vestibule", &format!("{} for {}, fields {}", self.vestibule, self.platform, self.schema));
        let install = self.installation.as_deref().unwrap_or("unknown kind");
        line(
            "Home Assistant",
            &self.home_assistant.as_ref().map_or_else(unknown, |version| format!("{version} ({install})")),
        );
        line("Running for", &format!("{} s", self.running_for));
        line(
            "Memory",
            &self.memory.map_or_else(unknown, |(now, peak)| format!("{now} KiB, at most {peak} KiB")),
        );
        line("Paired", yes(self.paired));
        line("In sync", yes(self.in_sync));
        line("Home", &self.home.words());
        line("Portal", &self.portal.words());
        line("Granted", &list(&self.classes));
        line("Exclusions", &self.exclusions.to_string());
        let records: Vec<String> =
            self.records.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        line("Records", &list(&records));
        let Traffic { frames_out, bytes_out, frames_in, bytes_in } = self.last_day;
        line(
            "Last 24 h",
            &format!("{bytes_out} B in {frames_out} frames out, {bytes_in} B in {frames_in} in"),
        );
        line("Waiting", &list(&self.waiting));
        line("Flags", &list(&self.flags));
        text
    }
}

impl Connection {
    fn words(&self) -> String {
        let state =
            self.connected_for.map_or_else(|| "not connected".to_owned(), |s| format!("connected for {s} s"));
        match &self.problem {
            Some(code) => format!("{state}, {code}"),
            None => state,
        }
    }
}

const fn yes(it_is: bool) -> &'static str {
    if it_is { "yes" } else { "no" }
}

fn list(words: &[String]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// Resident memory now and at most, in KiB.
fn memory() -> Option<(u64, u64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let of = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
    };
    Some((of("VmRSS:")?, of("VmHWM:")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vestibule_protocol::problem::Problem;

    #[test]
    fn r17_a_report_has_codes_and_no_texts() {
        let secret = "http://192.168.1.7:8123 Grandmother's room";
        let side = Side { problem: Some(Problem::new("home_tls", secret, secret)), ..Side::default() };
        let status = Status {
            fingerprint: Some("vst1secret".into()),
            tenant: Some("t_secret".into()),
            tenant_name: Some(secret.into()),
            root: Some("root-secret".into()),
            home: side.clone(),
            portal: side,
            ..Status::default()
        };
        let mut grants = Grants::default();
        grants.excluded.insert("integration/secret".into());
        let report = Report::new(&status, &grants, Some(("2026.11.0".into(), Some("os"))), 5_000, 1_000);
        let all = format!("{}{}", report.words(), serde_json::to_string(&report).unwrap());
        assert!(!all.contains("secret") && !all.contains("192.168") && !all.contains("Grand"), "{all}");
        assert!(all.contains("home_tls") && all.contains("2026.11.0 (os)") && all.contains("4 s"), "{all}");
    }
}
