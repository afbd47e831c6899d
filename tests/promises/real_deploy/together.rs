//! What belongs together: a deployment that brings what it names, and a home that renames what a deployment names.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::support::{SOON, until};

const CARD: &str = "customElements.define('acme-quagga', class extends HTMLElement { setConfig() {} });";
const SCRIPT: &str = r#"{"alias":"Quagga script","sequence":[],"mode":"single"}"#;
/// In the old words, which every version takes; it calls the script that comes along.
const AUTOMATION: &str = r#"{"alias":"Quagga rides","trigger":[{"platform":"event","event_type":"quagga"}],"condition":[],"action":[{"service":"script.quagga_script"}],"mode":"single"}"#;
const BOARD: &str = r#"{"views":[{"cards":[{"type":"custom:acme-quagga"},{"type":"entities","entities":["script.quagga_script","automation.quagga_rides"]}]}]}"#;
const PATH: &str = "quagga-hall";

impl Stage {
    /// Card, script and automation have no token yet: they are named as they will be called, and come and go as one.
    pub(super) async fn a_dashboard_brings_what_it_names(&mut self) {
        let (boards, resources) = (self.boards().await, self.resources().await);
        let board = self.staff.file("quagga.json", BOARD);
        let naming = ["--dashboard", &board, "--url-path", PATH];
        self.turned_away("Quagga alone", &naming, "refused", "use_tokens").await;

        let card = format!("acme-quagga={}", self.staff.file("quagga.js", CARD));
        let script = format!("quagga_script={}", self.staff.file("quagga-script.json", SCRIPT));
        let automation = format!("quagga_rides={}", self.staff.file("quagga-rides.json", AUTOMATION));
        let with = ["--card", &card, "--script", &script, "--automation", &automation];
        let id = self.deployed("Quagga", &[&naming[..], &with[..]].concat()).await;
        assert_eq!(self.board(PATH).await.as_deref(), Some(BOARD));
        assert_eq!(self.state("script.quagga_script").await.as_deref(), Some("off"));
        assert_eq!(
            self.state("automation.quagga_rides").await.as_deref(),
            Some("off"),
            "until it is switched on"
        );
        assert_eq!(self.resources().await.len(), resources.len() + 1);

        self.undo(&id).await;
        assert_eq!((self.boards().await, self.resources().await), (boards, resources));
        for (kind, id) in [("script", "quagga_script"), ("automation", "quagga_rides")] {
            assert_eq!((self.routine(kind, id).await, self.entry(kind, id).await), (None, None), "{kind}");
        }
        self.told("a dashboard and what it names");
    }

    /// The owner renames an entity and a room that the dashboard which stays names, and is offered the same with the names of today.
    pub(super) async fn a_rename_is_offered_as_a_repair(&mut self) {
        let (origin, text) = self.stays.clone();
        let others = self.boards().await;
        self.called("input_boolean.gaeste", "input_boolean.besuch", "Werkstatt").await;
        // If it is looked for between the two renames, another offer takes the place of the first.
        let shown = until("both are in one repair", SOON, async || {
            let all = self.house.agent.json(&["deployments", "list"]).await;
            let fits = |one: &&Value| one["repairs"] == *origin && one["plan_hash"].is_string();
            let offer = all.as_array().unwrap().iter().find(fits).ok_or_else(|| all.to_string())?;
            let shown = self.show(offer["id"].as_str().unwrap()).await;
            let rows = shown["diff"][0]["rows"].to_string();
            let both = rows.contains("input_boolean.besuch") && rows.contains("# Werkstatt: ");
            if both && shown["state"] == "waiting" { Ok(shown) } else { Err(shown.to_string()) }
        })
        .await;
        let repair = shown["id"].as_str().unwrap();
        assert!(shown["diff"][0]["rows"].to_string().contains("input_boolean.gaeste"), "{shown:#}");
        assert_eq!(self.boards().await, others, "nothing is written by itself");

        self.approve(repair).await;
        self.becomes(repair, "verified").await;
        let due = text.replace("input_boolean.gaeste", "input_boolean.besuch").replace("Garage", "Werkstatt");
        assert_eq!(self.board("vestibule-hall").await, Some(due));
        assert_eq!(self.record("vestibule-hall").await.unwrap()["title"], "Zebra Werkstatt");
        let undone = self.house.agent.json(&["deployments", "undo", repair, "--yes"]).await;
        assert_eq!(undone["state"], "undone", "{undone:#}");
        assert_eq!(self.boards().await, others);
        self.called("input_boolean.besuch", "input_boolean.gaeste", "Garage").await;
        self.told("a repair");
    }

    /// The owner calls an entity and the garage otherwise.
    async fn called(&self, from: &str, to: &str, room: &str) {
        let rename = json!({"type": "config/entity_registry/update", "entity_id": from, "new_entity_id": to});
        self.call(rename).await;
        self.call(json!({"type": "config/area_registry/update", "area_id": "garage", "name": room})).await;
    }
}
