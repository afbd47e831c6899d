//! Keys, typed records and their spelling.

use super::*;

#[test]
fn keys_are_read_strictly() {
    for good in [
        "home/home",
        "integration/hue",
        "entity/e_aaaaaaaaaaaaa",
        "name/d_aaaaaaaaaaaaa",
        "automation/m_aaaaaaaaaaaaa",
    ] {
        let key = Key::parse(good).unwrap();
        assert_eq!(key.to_string(), good);
        assert!(good.starts_with(key.kind().name()));
    }
    for wrong in [
        "home",
        "home/x",
        "entity/d_aaaaaaaaaaaaa",
        "entity/e_",
        "person/e_aaaaaaaaaaaaa",
        "integration/../x",
        "name/kitchen",
    ] {
        assert_eq!(Key::parse(wrong), Err(InvalidKey), "{wrong}");
    }
}

/// The list of fields and the typed records are the same thing, written twice.
#[test]
fn typed_records_are_equal_to_the_list_of_fields() {
    let id = |thing| OpaqueId { thing, bits: 7 };
    let text = Vetted::by_privacy_rule("Text");
    let word = Some("word");
    let area = Some(id(Thing::Area));
    let device = Some(id(Thing::Device));
    let entity = EntityRecord {
        area,
        caps: Some(Capabilities(vec![("min", Capability::Flag(true))])),
        category: Some("config"),
        class: word,
        device,
        disabled: true,
        domain: "light",
        features: Some(1),
        hidden: true,
        integration: word,
        key: word,
        main: true,
        ordinal: Some(2),
        state_class: Some("total"),
        unit: word,
        usable: false,
    };
    let routine = RoutineRecord { editor: true, entity: id(Thing::Entity), mode: Some("single") };
    let some = || Some(text.clone());
    let name = NameRecord {
        aliases: vec![text.clone()],
        entity_id: some(),
        icon: some(),
        name: some(),
        other: std::iter::once(("unit", vec![text.clone()])).collect(),
        path: some(),
    };
    let home =
        HomeRecord { agent: "1", core: text.clone(), install: Some("os"), language: word, units: word };
    let full = [
        serde_json::to_value(HomeRecord { units: Some("metric"), ..home }),
        serde_json::to_value(FloorRecord { level: Some(1), order: 0 }),
        serde_json::to_value(AreaRecord { floor: Some(id(Thing::Floor)), kind: "x", order: 0, ordinal: 1 }),
        serde_json::to_value(LabelRecord {}),
        serde_json::to_value(DeviceRecord {
            area,
            integration: word,
            manufacturer: some(),
            model: some(),
            parent: device,
            service: true,
        }),
        serde_json::to_value(entity),
        serde_json::to_value(IntegrationRecord { built_in: true }),
        serde_json::to_value(DashboardRecord { admin: true, mode: "yaml", sidebar: true }),
        serde_json::to_value(ResourceRecord { source: "hacs", kind: "js" }),
        serde_json::to_value(&routine),
        serde_json::to_value(&routine),
        serde_json::to_value(&routine),
        serde_json::to_value(name),
    ];
    for (record, schema) in full.into_iter().zip(&crate::schema::SCHEMAS) {
        let record = record.unwrap();
        let typed: Vec<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
        let listed: Vec<&str> = schema.fields.iter().map(|field| field.name).collect();
        assert_eq!(typed, listed, "{:?}", schema.kind);
    }
}

#[test]
fn numbers_have_one_spelling() {
    let spelled = |text| Decimal::parse(text).map(|decimal| decimal.0);
    assert_eq!(spelled("7.0").as_deref(), Some("7"));
    assert_eq!(spelled("0.50").as_deref(), Some("0.5"));
    assert_eq!(spelled("-0.0").as_deref(), Some("0"));
    assert_eq!(spelled("1e300"), None);
    assert_eq!(spelled("NaN"), None);
    assert_eq!(spelled("12 Elm Street"), None);
}
