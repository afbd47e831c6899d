//! What may leave, item by item; and how much of it there is.

mod canaries;
mod contents;
mod document;
mod exclusions;
mod rules;
mod size;

use std::collections::BTreeMap;
use std::sync::Mutex;

use vestibule_protocol::consent::{Class, Consent};
use vestibule_protocol::id::TenantId;
use vestibule_protocol::problem::Problem;
use vestibule_protocol::record::Key;
use vestibule_protocol::schema;

use super::{Exclusions, KindOverrides, Memo, Policy, View};
use crate::identity::{HomeSecret, TenantKeys};
use crate::outbound::inventory::Home;
use crate::outbound::inventory::ordinals::Ordinals;
use crate::outbound::inventory::orphans::Orphans;
use crate::outbound::reading::{Reading, Text};

/// Keys of one of many tenants.
fn keys(tenant: u8) -> TenantKeys {
    HomeSecret::new([3; 32]).tenant(&TenantId([tenant; 32]))
}

fn consent(names: bool) -> Consent {
    let mut consent = Consent::default();
    consent.grant(Class::Structure);
    if names {
        consent.grant(Class::Names);
    }
    consent
}

/// One rendering: what is rendered, for whom, under which policy.
struct Case {
    home: Home,
    tenant: u8,
    consent: Consent,
    exclusions: Exclusions,
    kinds: KindOverrides,
    own_hosts: Vec<Text>,
    ordinals: Ordinals,
    orphans: Orphans,
    /// Contents of all renderings so far.
    memo: Mutex<Memo>,
}

impl Case {
    fn new(readings: Vec<Reading>) -> Self {
        let mut home = Home::default();
        for reading in readings {
            home.apply(reading, 0);
        }
        let orphans = Orphans::refreshed(None, &home, 0).unwrap();
        Self {
            home,
            tenant: 4,
            consent: consent(false),
            exclusions: Exclusions::default(),
            kinds: KindOverrides::default(),
            own_hosts: Vec::new(),
            ordinals: Ordinals::default(),
            orphans,
            memo: Mutex::default(),
        }
    }

    fn with_names(mut self) -> Self {
        self.consent = consent(true);
        self
    }

    /// Records by key, each of which the schema allows; keys do not repeat. In the order of rendering, and the problems.
    fn render(&mut self) -> (Vec<(String, String)>, Vec<Problem>) {
        let keys = keys(self.tenant);
        let policy = Policy {
            consent: &self.consent,
            exclusions: &self.exclusions,
            kinds: &self.kinds,
            own_hosts: &self.own_hosts,
        };
        let view = View::new(&self.home, policy, &keys.id_key);
        view.number(&mut self.ordinals);
        let mut records = Vec::new();
        view.render(&self.ordinals, &self.orphans, &mut |record| {
            let key = Key::parse(record.key).unwrap();
            let body = String::from_utf8(record.body.to_vec()).unwrap();
            assert_eq!(schema::check(&key, record.body), Ok(()), "S1, S98: {key} {body}");
            records.push((record.key.to_owned(), body));
        });
        let mut remembered = Vec::new();
        let remembering = View::new(&self.home, policy, &keys.id_key).remembering(&self.memo);
        remembering.render(&self.ordinals, &self.orphans, &mut |record| {
            remembered.push((record.key.to_owned(), String::from_utf8(record.body.to_vec()).unwrap()));
        });
        assert_eq!(records, remembered, "what was rewritten before is what would be rewritten now");
        (records, view.problems().to_vec())
    }

    fn records(&mut self) -> BTreeMap<String, String> {
        let (list, _) = self.render();
        let count = list.len();
        let records: BTreeMap<_, _> = list.into_iter().collect();
        assert_eq!(records.len(), count, "keys do not repeat");
        records
    }

    /// Records of one kind, without their keys.
    fn of_kind(&mut self, kind: &str) -> Vec<String> {
        let start = format!("{kind}/");
        self.records().into_iter().filter(|(key, _)| key.starts_with(&start)).map(|(_, body)| body).collect()
    }
}
