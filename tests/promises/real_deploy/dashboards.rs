//! Dashboards: created, replaced, deleted, refused, in conflict, rolled back and undone.

use serde_json::{Value, json};

use super::contents::{OWNERS, owners};
use super::stage::Stage;
use crate::support::{SOON, until};

/// The path of the dashboard that is new.
const NEW: &str = "vestibule-hall";
/// The part of the owner's dashboard that staff replace, as the home spells it.
const AREA: &str = r#"{"area":"garage","type":"area"}"#;
/// Fails at home only: nobody else can know which kinds of triggers there are.
const INVALID: &str = r#"{"alias":"Quagga","trigger":[{"platform":"quagga_rides"}],"action":[]}"#;

impl Stage {
    /// Names and ids that staff do not know stand where they put tokens; all else is there byte for byte.
    pub(super) async fn a_new_dashboard_says_the_owners_words(&mut self) {
        let before = self.boards().await;
        let (guests, visitors) = (self.entity("input_boolean").await, self.entity("counter").await);
        let garage = self.id("area", |area| area["kind"] == "garage").await;
        // Keys out of order, a number that looks whole, letters, empty lists.
        let design = format!(
            r##"{{"views":[{{"title":"@n_{garage}","type":"masonry","max_columns":2.0,"badges":[],"cards":[{{"type":"markdown","content":"# @n_{garage}: @n_{visitors} ü @@e_aaaaaaaaaaaaa"}},{{"type":"tile","entity":"@{guests}"}},{{"type":"entities","entities":["@{visitors}",{{"name":"Wer ist da?","entity":"@{guests}"}}]}}]}}],"title":"Zebra"}}"##
        );
        let due = design
            .replace(&format!("@n_{garage}"), "Garage")
            .replace(&format!("@n_{visitors}"), &self.name("counter.besucher").await)
            .replace(&format!("@{guests}"), "input_boolean.gaeste")
            .replace(&format!("@{visitors}"), "counter.besucher")
            .replace("@@e_", "@e_");
        let file = self.staff.file("hall.json", &design);
        let title = format!("Zebra @n_{garage}");
        let items =
            ["--dashboard", &file, "--url-path", NEW, "--dashboard-title", &title, "--icon", "mdi:sofa"];
        let shown = self.offered("Zebra hall", &items).await;
        assert_eq!(shown["display_only"], true, "{shown:#}");
        assert!(shown["diff"][0]["words"][0].is_string(), "{shown:#}");
        assert_eq!(self.boards().await, before, "nothing happens before the yes");
        let id = shown["id"].as_str().unwrap().to_owned();
        self.approve(&id).await;
        self.becomes(&id, "verified").await;
        assert_eq!(self.board(NEW).await.as_ref(), Some(&due));
        let record = self.record(NEW).await.unwrap();
        let looks =
            ["title", "icon", "show_in_sidebar", "require_admin", "mode"].map(|key| record[key].clone());
        assert_eq!(
            looks,
            [json!("Zebra Garage"), json!("mdi:sofa"), json!(true), json!(false), json!("storage")]
        );
        self.stays = (id, due);
        // A path that is taken is taken.
        let refused = ["--dashboard", &file, "--url-path", NEW, "--base", "none"];
        self.turned_away("Zebra again", &refused, "refused", "path_taken").await;
        self.told("a new dashboard");
    }

    /// R13, R14: hidden texts come back where they were, and nowhere else.
    pub(super) async fn an_owners_dashboard_is_replaced_and_comes_back(&mut self) {
        let before = self.board(OWNERS).await.unwrap();
        let (board, held) = self.owners_held().await;
        let guests = self.entity("input_boolean").await;
        let design = held.replace(&area_of(&held), &format!(r#"{{"type":"tile","entity":"@{guests}"}}"#));
        assert_ne!(design, held);
        let id = self.deployed("Zebra replaced", &self.replacing(&board, &design)).await;
        let due = before.replace(AREA, r#"{"type":"tile","entity":"input_boolean.gaeste"}"#);
        assert_ne!(due, before);
        assert_eq!(self.board(OWNERS).await, Some(due));
        self.undo(&id).await;
        assert_eq!(self.board(OWNERS).await.as_ref(), Some(&before));

        let content: Value = serde_json::from_str(&held).unwrap();
        let cards = &content["views"][0]["cards"];
        let (code, picture) = (cards[1]["content"].as_str().unwrap(), cards[3]["image"].as_str().unwrap());
        for (design, code) in [
            (held.replace(picture, code), "secret_moved"),
            (
                held.replace(&area_of(&held), r#"{"type":"tile","entity":"input_boolean.gaeste"}"#),
                "use_tokens",
            ),
            (
                held.replace(&area_of(&held), r#"{"type":"tile","entity":"@e_aaaaaaaaaaaaa"}"#),
                "unknown_reference",
            ),
        ] {
            self.held(&board, |text| text == held).await;
            self.turned_away("Zebra refused", &self.replacing(&board, &design), "refused", code).await;
        }
        assert_eq!(self.board(OWNERS).await.as_ref(), Some(&before));
        self.told("an owner's dashboard replaced");
    }

    pub(super) async fn an_edit_is_never_lost(&mut self) {
        let before = self.board(OWNERS).await.unwrap();
        let edit = json!({"views": [{"title": "Von Hand", "cards": []}]});
        let (board, held) = self.owners_held().await;
        let design = held.replace(&format!(",{}", area_of(&held)), "");
        assert_ne!(design, held);
        let design = self.replacing(&board, &design);

        // Edited since it was deployed: noticed, and an undo asks.
        let id = self.deployed("Zebra edited", &design).await;
        self.edit_board(OWNERS, &edit).await;
        until("the edit is noticed", SOON, async || {
            let shown = self.show(&id).await;
            if shown["items"][0]["drifted"] == true { Ok(()) } else { Err(shown["items"].to_string()) }
        })
        .await;
        let ran = self.house.agent.command(&["deployments", "undo", &id, "--yes", "--json"]).await;
        assert!(ran.code == 1 && format!("{ran:?}").contains("edited_since"), "{ran:?}");
        assert_eq!(self.board(OWNERS).await, Some(edit.to_string()));
        let insisted = ["deployments", "undo", &id, "--yes", "--overwrite"];
        assert_eq!(self.house.agent.json(&insisted).await["state"], "undone");
        assert_eq!(self.board(OWNERS).await.as_ref(), Some(&before));

        // Edited between design and arrival, and between plan and yes.
        self.held(&board, |text| text == held).await;
        let (id, file) = self.staff.designed("Zebra late", &design).await;
        self.edit_board(OWNERS, &edit).await;
        self.staff.submit(&file).await;
        let conflict = self.becomes(&id, "conflict").await;
        assert_eq!(conflict["code"], "base_changed", "{conflict:#}");
        assert!(conflict["problem"].is_object() && conflict["diff"][0].is_object(), "{conflict:#}");
        self.heard(&id, "conflict").await;
        assert_eq!(self.board(OWNERS).await, Some(edit.to_string()));

        self.edit_board(OWNERS, &owners()).await;
        self.held(&board, |text| text == held).await;
        let shown = self.offered("Zebra crossed", &design).await;
        let id = shown["id"].as_str().unwrap();
        self.edit_board(OWNERS, &edit).await;
        self.approve(id).await;
        self.becomes(id, "conflict").await;
        assert_eq!(self.board(OWNERS).await, Some(edit.to_string()));
        self.edit_board(OWNERS, &owners()).await;
        self.told("edits");
    }

    pub(super) async fn a_deleted_dashboard_comes_back(&mut self) {
        let before = self.boards().await;
        let (board, _) = self.owners_held().await;
        let id = self.deployed("Zebra gone", &["--delete", &format!("dashboard/{board}")]).await;
        assert_eq!((self.record(OWNERS).await, self.board(OWNERS).await), (None, None));
        assert_eq!(self.boards().await.len() + 1, before.len());
        self.undo(&id).await;
        // In the list it stands last now.
        let sorted = |mut boards: Vec<(Value, Option<String>)>| {
            boards.sort_by_key(|(record, _)| record["url_path"].to_string());
            boards
        };
        assert_eq!(sorted(self.boards().await), sorted(before), "record, looks and contents");
        self.told("a deleted dashboard");
    }

    pub(super) async fn the_owner_says_no(&mut self) {
        let before = self.boards().await;
        let file = self.staff.file("no.json", r#"{"views":[{"title":"Zebra","cards":[]}]}"#);
        let shown =
            self.offered("Zebra unwanted", &["--dashboard", &file, "--url-path", "zebra-unwanted"]).await;
        let id = shown["id"].as_str().unwrap();
        let told = async || self.call(json!({"type": "persistent_notification/get"})).await.to_string();
        until("the owner is told", SOON, async || {
            let told = told().await;
            if told.contains("vestibule_deployments") { Ok(()) } else { Err(told) }
        })
        .await;
        assert!(!told().await.contains("unwanted"), "R17: not in the company's words");
        let refused = self.house.agent.json(&["deployments", "reject", id]).await;
        assert_eq!((&refused["state"], &refused["code"]), (&json!("refused"), &json!("declined")));
        self.heard(id, "refused").await;
        until("nothing waits any more", SOON, async || {
            let told = told().await;
            if told.contains("vestibule_deployments") { Err(told) } else { Ok(()) }
        })
        .await;
        assert_eq!(self.boards().await, before);
        self.told("the owner's no");
    }

    /// Of several items the last one is refused by Home Assistant itself: all are as before, and what was to go has stayed.
    pub(super) async fn what_fails_in_the_end_is_put_back_from_the_beginning(&mut self) {
        let (boards, resources) = (self.boards().await, self.resources().await);
        let files = ["automations.yaml", "scripts.yaml"].map(|name| self.file(name));
        let (board, held) = self.owners_held().await;
        let script = self.content_with("counter.reset").await;
        let module = "customElements.define('acme-quagga', class extends HTMLElement {});";
        let (page, other) =
            (r#"{"views":[]}"#, held.replace(&area_of(&held), r#"{"type":"markdown","content":"x"}"#));
        let (page, other) = (self.staff.file("page.json", page), self.staff.file("other.json", &other));
        let card = format!("acme-quagga={}", self.staff.file("card.js", module));
        let automation = format!("vestibule_quagga={}", self.staff.file("quagga.json", INVALID));
        let gone = format!("script/{script}");
        let items = [
            &["--dashboard", &page, "--url-path", "quagga-page"][..],
            &["--dashboard", &other, "--dashboard-id", &board],
            &["--card", &card, "--delete", &gone, "--automation", &automation],
        ];
        let shown = self.offered("Quagga", &items.concat()).await;
        let id = shown["id"].as_str().unwrap();
        self.approve(id).await;
        let back = self.becomes(id, "rolled_back").await;
        assert_eq!(back["code"], "refused_by_home", "{back:#}");
        assert_eq!(self.boards().await, boards);
        assert_eq!(self.resources().await, resources);
        assert_eq!(["automations.yaml", "scripts.yaml"].map(|name| self.file(name)), files);
        self.heard(id, "rolled_back").await;
        self.told("rolled back");
    }

    /// The owner's dashboard as the portal holds it, with its id, once that is what is there.
    pub(super) async fn owners_held(&self) -> (String, String) {
        self.house.equal("before a design").await;
        let board = self.content_with("\"picture\"").await;
        let held = self.held(&board, |text| text.contains("picture")).await;
        (board, held)
    }

    /// The one thing whose contents at the portal hold a word.
    pub(super) async fn content_with(&self, word: &str) -> String {
        self.id("content", |record| record["text"].as_str().is_some_and(|text| text.contains(word))).await
    }

    /// The item that replaces a dashboard.
    fn replacing(&self, board: &str, design: &str) -> [&'static str; 4] {
        let (file, board) = (self.staff.file("replacing.json", design), board.to_owned());
        // A handful of short texts in a test that ends with them.
        ["--dashboard", file.leak(), "--dashboard-id", board.leak()]
    }
}

/// The card for the garage, as the portal holds it.
fn area_of(held: &str) -> String {
    let at = held.find(r#"{"area":"@a_"#).unwrap();
    let end = held[at..].find('}').unwrap();
    held[at..=at + end].to_owned()
}
