//! The company in the story: a charter, deployments that people approve, some of which are taken back.

use serde_json::json;
use vestibule_portal::role::Role;
use vestibule_portal::store::deployments::{self, Row};
use vestibule_portal::store::staff::Staff;
use vestibule_portal::store::{Stop, charters, homes, submit, tenants};
use vestibule_protocol::deployment::{
    Base, DashboardPut, Delete, Deployment, DeploymentId, Item, RoutinePut,
};

use super::check::stored;
use super::stage::TICK;
use super::story::Story;
use crate::support::signing;

/// What a deployment was made to do, as its author knows it.
#[derive(Debug, Clone)]
pub(super) struct Design {
    pub(super) id: DeploymentId,
    pub(super) sequence: u64,
    /// Paths of dashboards with what shall stand there; `None` where it shall go.
    pub(super) boards: Vec<(String, Option<String>)>,
    /// All of it is new.
    pub(super) creates: bool,
    /// The key of a script.
    pub(super) script: Option<String>,
}

/// Longest wait for the charter, in steps of the network.
const STEPS: u32 = 250;

impl Story {
    /// The company says who may approve; the owner allows it, and what only displays perhaps unasked.
    pub(super) fn hire(&mut self) {
        let envelope = signing::charter(self.stage.tenant, self.seconds());
        self.at_the_portal(|tx, tenant, _| charters::put(tx, tenant, "ada", &envelope).map(drop));
        for _ in 0..STEPS {
            if stored(&self.stage.agent_folder()).desk.trusting.charter.is_some() {
                break;
            }
            self.stage.run(TICK);
        }
        self.stage.note("the company has a charter");
    }

    /// Somebody of the company does something.
    pub(super) fn staff(&mut self) {
        match self.chance.below(6) {
            0 => self.take_back(),
            1 | 2 => self.create(),
            3 => self.ask_about(),
            _ => self.follow(),
        }
    }

    /// A new dashboard, or two that belong together, or one with a script.
    pub(super) fn create(&mut self) {
        let n = self.number();
        let mut boards = vec![(format!("deck-{n}"), Some(content(n)))];
        let mut script = None;
        match self.chance.below(3) {
            0 => boards.push((format!("deck-{n}-too"), Some(content(self.number())))),
            1 => script = Some(format!("script_{n}")),
            _ => {}
        }
        let mut items: Vec<Item> = boards.iter().map(|(path, text)| new_board(path, text)).collect();
        items.extend(script.as_ref().map(|key| {
            Item::ScriptPut(RoutinePut {
                existing: None,
                id: Some(key.clone()),
                base: Base::None,
                content: json!({"alias": format!("Script {n}"), "sequence": []}).to_string(),
            })
        }));
        self.submit(items, boards, (true, script));
    }

    /// The next look of a dashboard that is in place as far as the company knows, or its end.
    fn follow(&mut self) {
        let in_place = |row: &Row| row.state == vestibule_portal::life::State::Applied;
        let rows: Vec<Row> = self.deployed().into_iter().filter(in_place).collect();
        let Some(row) = self.chance.pick(&rows) else { return self.create() };
        let Some(design) = self.memory.designs.iter().find(|design| design.id == row.deployment) else {
            return;
        };
        let path = design.boards[0].0.clone();
        let known = row.items.iter().find(|item| item.item == 0);
        let Some((existing, base)) = known.and_then(|item| Some((item.thing?, Base::Hash(item.base?))))
        else {
            return;
        };
        if self.chance.once_in(4) {
            let delete = Item::DashboardDelete(Delete { existing, base });
            return self.submit(vec![delete], vec![(path, None)], (false, None));
        }
        let text = content(self.number());
        let put = DashboardPut {
            dashboard: Some(existing),
            url_path: None,
            title: None,
            icon: None,
            sidebar: None,
            admin: None,
            base,
            content: text.clone(),
        };
        self.submit(vec![Item::DashboardPut(put)], vec![(path, Some(text))], (false, None));
    }

    fn submit(
        &mut self,
        items: Vec<Item>,
        boards: Vec<(String, Option<String>)>,
        (creates, script): (bool, Option<String>),
    ) {
        let now = self.seconds();
        let draft = signing::draft(self.stage.tenant, self.stage.fingerprint(), now, items);
        let id = DeploymentId::new(now * 1000, self.chance.bytes());
        let sequence = now * 1000 + u64::from(self.number());
        let deployment = Deployment { id, sequence, ..draft };
        let envelope = signing::approved(&deployment);
        let staff = |tenant| Staff {
            id: 1,
            tenant,
            name: "ada".into(),
            role: Role::Approver,
            created: 0,
            last_used: 0,
        };
        self.at_the_portal(|tx, tenant, home| {
            submit::submit(tx, &staff(tenant), "ada", home, &envelope, &deployment).map(drop)
        });
        self.stage.note(format_args!("staff: {id} {boards:?} {script:?}"));
        self.memory.designs.push(Design { id, sequence, boards, creates, script });
    }

    fn take_back(&mut self) {
        let waits = |row: &Row| row.state.may_become(vestibule_portal::life::State::Withdrawn);
        let rows: Vec<Row> = self.deployed().into_iter().filter(waits).collect();
        let Some(row) = self.chance.pick(&rows) else { return self.create() };
        self.at_the_portal(|tx, tenant, _| {
            deployments::withdraw(tx, tenant, &row.deployment, "ada").map(drop)
        });
        self.stage.note(format_args!("staff: {} is taken back", row.deployment));
    }

    /// What the portal knows of deployments, newest first.
    pub(super) fn deployed(&self) -> Vec<Row> {
        let portal = self.stage.portal();
        let rows = portal.store.read_now(|db| {
            let tenant = tenants::get(db, portal.tenant)?.id;
            deployments::list(db, tenant, None, 1_000)
        });
        rows.unwrap()
    }

    /// Changes something in the portal's database, and lets the home's link know.
    pub(super) fn at_the_portal(
        &self,
        change: impl Fn(&vestibule_portal::store::Tx<'_>, i64, &homes::Instance) -> Result<(), Stop>,
    ) {
        let portal = self.stage.portal();
        let fingerprint = self.stage.fingerprint();
        let mut row = 0;
        let changed = portal.store.write_now(|tx| {
            let tenant = tenants::get(tx.db, portal.tenant)?.id;
            let home = homes::get(tx.db, tenant, &fingerprint)?;
            row = home.id;
            change(tx, tenant, &home)
        });
        changed.unwrap();
        self.stage.ring(row);
    }

    fn number(&mut self) -> u32 {
        self.memory.new += 1;
        self.memory.new
    }

    fn seconds(&self) -> u64 {
        u64::try_from(self.stage.now_ms() / 1000).unwrap()
    }
}

fn content(n: u32) -> String {
    json!({"views": [{"title": format!("Design {n}"), "cards": []}]}).to_string()
}

fn new_board(path: &str, content: &Option<String>) -> Item {
    Item::DashboardPut(DashboardPut {
        dashboard: None,
        url_path: Some(path.to_owned()),
        title: Some("Deck".into()),
        icon: None,
        sidebar: None,
        admin: None,
        base: Base::None,
        content: content.clone().unwrap_or_default(),
    })
}
