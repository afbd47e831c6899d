//! What the owner keeps in files is not touched, and the refusal says so.

use super::stage::Stage;

/// A hash that nobody has issued: what is asked for must be refused before anybody looks at it.
const SOME_BASE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const AUTOMATION: &str =
    r#"{"alias":"Zebra","trigger":[{"platform":"event","event_type":"zebra"}],"action":[]}"#;

impl Stage {
    pub(super) async fn what_is_kept_in_yaml_is_refused(&mut self) {
        let (boards, file) = (self.boards().await, self.file("dashboards/keller.yaml"));
        let board = self.id("dashboard", |record| record["mode"] == "yaml").await;
        let page = self.staff.file("page.json", r#"{"views":[]}"#);
        let replace = ["--dashboard", &page, "--dashboard-id", &board, "--base", SOME_BASE];
        self.turned_away("Zebra in YAML", &replace, "refused", "yaml_dashboard").await;
        let gone = format!("dashboard/{board}");
        let delete = ["--delete", &gone, "--base", SOME_BASE];
        self.turned_away("Zebra out of YAML", &delete, "refused", "yaml_dashboard").await;
        assert_eq!(self.boards().await, boards);
        assert_eq!(self.file("dashboards/keller.yaml"), file);
        self.told("a dashboard in YAML");
    }

    /// R40: Home Assistant would lose or expand what stands in the file.
    pub(super) async fn what_holds_secrets_is_refused(&mut self) {
        let before = self.file("automations.yaml");
        let thing = self.content_with("input_button.press").await;
        let folder = self.home.folder().to_owned();
        std::fs::write(folder.join("secrets.yaml"), "canary: swordfish\n").unwrap();
        let secret = format!(
            "{before}\n# A comment.\n- id: vestibule_secret\n  alias: !secret canary\n  trigger: []\n  action: []\n"
        );
        std::fs::write(folder.join("automations.yaml"), &secret).unwrap();
        let file = self.staff.file("zebra.json", AUTOMATION);
        let new = format!("vestibule_zebra={file}");
        self.turned_away("Zebra and a secret", &["--automation", &new], "refused", "unmanaged").await;
        let existing = format!("{thing}={file}");
        self.turned_away("Zebra over a secret", &["--automation", &existing], "refused", "unmanaged").await;
        let gone = format!("automation/{thing}");
        self.turned_away("Zebra less a secret", &["--delete", &gone], "refused", "unmanaged").await;
        assert_eq!(self.file("automations.yaml"), secret, "not a byte was written");
        std::fs::write(folder.join("automations.yaml"), before).unwrap();
        self.told("secrets");
    }

    /// The restart that this takes is also the one after which everything that was deployed must still be there (R43).
    pub(super) async fn resources_in_yaml_are_refused(&mut self) {
        let before = self.file("configuration.yaml");
        let mode = if self.is_old() { "mode: yaml" } else { "resource_mode: yaml" };
        let resources = "resources:\n    - url: /local/theirs.js\n      type: module";
        let yaml =
            before.replace("lovelace:\n  mode: storage\n", &format!("lovelace:\n  {mode}\n  {resources}\n"));
        assert_ne!(yaml, before);
        std::fs::write(self.home.folder().join("configuration.yaml"), yaml).unwrap();
        self.home.restart().await.unwrap();
        let listed = self.resources().await;
        assert!(listed.len() == 1 && listed[0].contains("theirs.js"), "{listed:?}");
        let module = "customElements.define('acme-zebra', class extends HTMLElement {});";
        let card = format!("acme-zebra={}", self.staff.file("zebra.js", module));
        self.turned_away("Zebra card in YAML", &["--card", &card], "refused", "resources_in_yaml").await;
        assert_eq!(self.resources().await, listed);
        self.told("resources in YAML");
    }

    pub(super) async fn what_stayed_has_settled(&mut self) {
        let (id, text) = self.stays.clone();
        let shown = self.becomes(&id, "settled").await;
        assert_eq!(shown["items"][0]["drifted"], false, "{shown:#}");
        assert_eq!(self.board("vestibule-hall").await, Some(text), "after a restart as well");
        self.heard(&id, "applied").await;
        self.undo(&id).await;
        assert_eq!((self.record("vestibule-hall").await, self.board("vestibule-hall").await), (None, None));
        self.told("settled");
    }
}
