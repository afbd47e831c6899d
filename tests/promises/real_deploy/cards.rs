//! Cards: one row for each, and every other row as it was, byte for byte (R39).

use super::stage::Stage;

const ONE: &str = "customElements.define('acme-zebra', class extends HTMLElement { setConfig() {} });";
const TWO: &str =
    "customElements.define('acme-zebra', class extends HTMLElement { setConfig() { this.two = 2; } });";

impl Stage {
    pub(super) async fn cards_come_change_and_go(&mut self) {
        let others = self.resources().await;
        assert!(!others.is_empty(), "the furnished house has one");
        let card = |text: &str| format!("acme-zebra={}", self.staff.file("zebra.js", text));
        // A module that loads another is not what was signed.
        let loading = card(&format!("import './other.js';{ONE}"));
        self.turned_away("Zebra card of two", &["--card", &loading], "refused", "card_imports").await;
        let one = card(ONE);
        let shown = self.offered("Zebra card", &["--card", &one]).await;
        assert_eq!(shown["abilities"][0]["kind"], "installs_card", "{shown:#}");
        assert_eq!(self.resources().await, others, "nothing happens before the yes");
        let first = shown["id"].as_str().unwrap();
        self.approve(first).await;
        self.becomes(first, "verified").await;
        self.heard(first, "applied").await;
        let with_one = self.ours(&others).await;
        // A card is used by a dashboard of the same deployment or of a later one.
        let page = self.staff.file("page.json", r#"{"views":[{"cards":[{"type":"custom:acme-zebra"}]}]}"#);
        let using = self.deployed("Zebra page", &["--dashboard", &page, "--url-path", "zebra-page"]).await;

        let two = card(TWO);
        let second = self.deployed("Zebra card two", &["--card", &two]).await;
        let with_two = self.ours(&others).await;
        assert_ne!(with_two, with_one);
        assert_eq!(row_id(&with_two), row_id(&with_one), "the same row");
        self.undo(&second).await;
        assert_eq!(self.ours(&others).await, with_one);

        let delete = ["--delete", "card/acme-zebra"];
        self.turned_away("Zebra in use", &delete, "refused", "card_in_use").await;
        self.undo(&using).await;
        let gone = self.deployed("Zebra card gone", &delete).await;
        assert_eq!(self.resources().await, others);
        self.undo(&gone).await;
        let again = self.ours(&others).await;
        assert_eq!(without_id(&again), without_id(&with_one), "the module is there again");
        self.deployed("Zebra card gone for good", &delete).await;
        assert_eq!(self.resources().await, others);
        self.told("cards");
    }

    /// The one row that is not among the others, which are as they were.
    async fn ours(&self, others: &[String]) -> String {
        let mut rows = self.resources().await;
        let ours = rows.iter().position(|row| !others.contains(row)).unwrap_or_else(|| panic!("{rows:?}"));
        let ours = rows.remove(ours);
        assert_eq!(rows, others);
        ours
    }
}

fn row_id(row: &str) -> String {
    let row: serde_json::Value = serde_json::from_str(row).unwrap();
    row["id"].as_str().unwrap().to_owned()
}

fn without_id(row: &str) -> String {
    row.replace(&row_id(row), "")
}
