//! Planned again, because things have other names today.

use vestibule_protocol::deployment::{DashboardPut, RoutinePut};

use super::super::repair::{Again, InPlace, again, mentions, names, needs_again, outdated};
use super::*;
use crate::inbound::deployment::tests::verified_with;
use crate::outbound::contents::Ids;
use crate::outbound::reading::Text;

/// The example's home after an evening of renaming: an entity id and the name of a room.
struct Renamed;

impl Ids for Renamed {
    fn token_of(&self, reference: &str, kind: Thing) -> Option<OpaqueId> {
        Things.token_of(if reference == "light.sofa" { "light.reading" } else { reference }, kind)
    }
    fn reference_of(&self, id: OpaqueId) -> Option<Text> {
        let reference = Things.reference_of(id)?;
        Some(if shown(&reference) == "light.reading" { text("light.sofa") } else { reference })
    }
    fn name_of(&self, id: OpaqueId) -> Option<Text> {
        let name = Things.name_of(id)?;
        Some(if shown(&name) == "Grandma's kitchen" { text("Kitchen") } else { name })
    }
    fn known_entity_id(&self, text: &str) -> bool {
        text == "light.sofa" || Things.known_entity_id(text)
    }
}

/// The example's home without its reading lamp.
struct Gone;

impl Ids for Gone {
    fn token_of(&self, reference: &str, kind: Thing) -> Option<OpaqueId> {
        Things.token_of(reference, kind).filter(|_| reference != "light.reading")
    }
    fn reference_of(&self, id: OpaqueId) -> Option<Text> {
        Things.reference_of(id).filter(|reference| shown(reference) != "light.reading")
    }
    fn name_of(&self, id: OpaqueId) -> Option<Text> {
        Renamed.name_of(id)
    }
    fn known_entity_id(&self, text: &str) -> bool {
        Things.known_entity_id(text)
    }
}

fn room() -> String {
    token(Thing::Area, "kitchen").replace('@', "@n_")
}

/// A new dashboard that names a lamp by its id, and a room in its title.
fn board() -> Item {
    let lamp = token(Thing::Entity, "light.reading");
    Item::DashboardPut(DashboardPut {
        dashboard: None,
        url_path: Some("our-house".into()),
        title: Some(room()),
        icon: None,
        sidebar: None,
        admin: None,
        base: Base::None,
        content: format!(r#"{{"views":[{{"cards":[{{"type":"tile","entity":"{lamp}"}}]}}]}}"#),
    })
}

/// What it wrote, as Home Assistant spells it.
fn board_places(title: &str, entity: &str) -> Vec<InPlace> {
    let record = DashboardRecord { title: text(title), icon: None, sidebar: true, admin: false };
    let url_path = text("our-house");
    let place = |target, now| InPlace {
        item: 0,
        thing: Some(BOARD),
        target,
        before: Image::Absent,
        now: Image::Present(now),
        edited: false,
        entity: None,
    };
    let contents = format!(r#"{{"views": [{{"cards": [{{"type": "tile", "entity": "{entity}"}}]}}]}}"#);
    vec![
        place(Target::DashboardRecord { url_path: url_path.clone(), id: Some(text("x")) }, record.text()),
        place(Target::DashboardConfig { url_path }, text(&contents)),
    ]
}

/// The home with these places as they are.
fn home_with(places: &[InPlace]) -> HomeNow {
    let mut home = home();
    for place in places {
        let Image::Present(now) = &place.now else { continue };
        match &place.target {
            Target::DashboardRecord { .. } => {
                home.dashboards[0].record = DashboardRecord::of_text(now).unwrap();
            }
            Target::DashboardConfig { .. } => home.dashboards[0].config = Some(now.clone()),
            Target::Routine { kind, id } => home.routines.push(RoutineNow {
                kind: *kind,
                thing: place.thing,
                id: id.clone(),
                state: RoutineState::Present(now.clone()),
                enabled: None,
            }),
            Target::Resource { .. } => {}
        }
    }
    home
}

fn again_with(items: Vec<Item>, places: &[InPlace], home: &HomeNow, ids: &impl Ids) -> Option<Again> {
    let id = DeploymentId::new(1_900_000_000_000, [3; 16]);
    again(verified_with(items), id, places, home, ids, &key())
}

fn plan_again(again: &Again, home: &HomeNow, ids: &impl Ids) -> Plan {
    let hosts = BTreeSet::new();
    let choices = Choices { hosts: &hosts, known: &[], origins: &again.origins };
    super::super::plan(&again.verified, home, ids, &key(), &choices).unwrap()
}

#[test]
fn a_rename_puts_the_ids_and_names_of_today_where_the_old_ones_stand_and_nothing_else() {
    let places = board_places("Grandma's kitchen", "light.reading");
    let home = home_with(&places);
    assert_eq!(again_with(vec![board()], &places, &home, &Things), None, "spelled otherwise is not outdated");
    let again = again_with(vec![board()], &places, &home, &Renamed).unwrap();
    assert_eq!(again.items, [0]);
    assert!(!again.verified.trusted(), "never unasked");
    let plan = plan_again(&again, &home, &Renamed);
    assert_eq!(image(&plan.steps[0].before), image(&places[0].now));
    assert_eq!(after(&plan, 0), r#"{"admin":false,"icon":null,"sidebar":true,"title":"Kitchen"}"#);
    assert_eq!(image(&plan.steps[1].before), image(&places[1].now));
    assert!(after(&plan, 1).contains("light.sofa") && !after(&plan, 1).contains("light.reading"));
    assert_eq!(plan.steps.len(), 2);
}

#[test]
fn only_the_title_changes_where_only_the_room_has_another_name() {
    let places = board_places("Grandma's kitchen", "light.sofa");
    let home = home_with(&places);
    let again = again_with(vec![board()], &places, &home, &Renamed).unwrap();
    let plan = plan_again(&again, &home, &Renamed);
    assert_eq!(plan.steps.len(), 1, "contents that are only spelled otherwise stay");
    assert!(matches!(plan.steps[0].target, Target::DashboardRecord { .. }));
}

#[test]
fn what_was_edited_or_names_what_is_gone_is_left_alone() {
    let places = board_places("Grandma's kitchen", "light.reading");
    let mut edited = home_with(&places);
    edited.dashboards[0].config = Some(text(r#"{"views":[]}"#));
    assert_eq!(again_with(vec![board()], &places, &edited, &Renamed), None);
    let mut retitled = home_with(&places);
    retitled.dashboards[0].record.title = text("My own");
    assert_eq!(again_with(vec![board()], &places, &retitled, &Renamed), None);
    let mut known = places.clone();
    known[0].edited = true;
    assert_eq!(outdated(&deployment(vec![board()]), &known, &Renamed, &key()), [0_u32; 0]);
    assert_eq!(outdated(&deployment(vec![board()]), &places, &Gone, &key()), [0_u32; 0]);
    // Contents that a later deployment has taken over are its own.
    assert_eq!(outdated(&deployment(vec![board()]), &places[..1], &Renamed, &key()), [0_u32; 0]);
}

/// R13: what is hidden comes from the document that was designed against, also when the deployment is in its place.
#[test]
fn r13_hidden_texts_come_from_what_stood_there_first() {
    let designed = leaving(BOARD, DocumentKind::Dashboard, CONTENTS);
    let designed =
        designed.replace(&token(Thing::Entity, "light.kitchen"), &token(Thing::Entity, "light.reading"));
    assert!(designed.contains("@x_"), "{designed}");
    let item = dashboards::replace(CONTENTS, &designed);
    let place = InPlace {
        item: 0,
        thing: Some(BOARD),
        target: Target::DashboardConfig { url_path: text("our-house") },
        before: Image::Present(text(CONTENTS)),
        now: Image::Present(text(&CONTENTS.replace("light.kitchen", "light.reading"))),
        edited: false,
        entity: None,
    };
    let places = [place];
    let home = home_with(&places);
    let again = again_with(vec![item], &places, &home, &Renamed).unwrap();
    let plan = plan_again(&again, &home, &Renamed);
    assert_eq!(after(&plan, 0), CONTENTS.replace("light.kitchen", "light.sofa"));
}

/// R40: a repair switches nothing on or off.
#[test]
fn r40_an_automation_stays_as_it_is_switched() {
    let lamp = token(Thing::Entity, "light.reading");
    let content = format!(
        r#"{{"alias":"Evening","triggers":[],"actions":[{{"action":"light.turn_on","target":{{"entity_id":"{lamp}"}}}}]}}"#
    );
    let put =
        RoutinePut { existing: None, id: Some("evening".into()), base: Base::None, content: content.clone() };
    for state in ["", r#","initial_state":false"#] {
        let now = content.replace(&lamp, "light.reading");
        let now = format!("{},\"id\":\"evening\"{state}}}", now.strip_suffix('}').unwrap());
        let place = InPlace {
            item: 0,
            thing: Some(AUTOMATION),
            target: Target::Routine { kind: RoutineKind::Automation, id: text("evening") },
            before: Image::Absent,
            now: Image::Present(text(&now)),
            edited: false,
            entity: None,
        };
        let places = [place];
        let home = home_with(&places);
        let item = || vec![Item::AutomationPut(put.clone())];
        assert_eq!(again_with(item(), &places, &home, &Things), None);
        let again = again_with(item(), &places, &home, &Renamed).unwrap();
        let plan = plan_again(&again, &home, &Renamed);
        assert!(after(&plan, 0).contains("light.sofa"));
        assert_eq!(after(&plan, 0).contains("initial_state"), !state.is_empty());
        assert_eq!(needs_again(&places).routines, BTreeSet::from([AUTOMATION]));
    }
}

#[test]
fn the_hash_of_names_changes_with_what_is_named_and_with_nothing_else() {
    let named = mentions(&deployment(vec![board()]));
    assert_eq!(named.len(), 2);
    assert_ne!(names(&named, &Things), names(&named, &Renamed));
    assert_ne!(names(&named, &Gone), names(&named, &Renamed));
    let bath = token(Thing::Area, "bath").replace('@', "@n_");
    let other = mentions(&deployment(vec![dashboards::new(
        "a-b",
        &format!(r#"{{"views":[{{"title":"{bath}"}}]}}"#),
    )]));
    assert_eq!(other.len(), 1);
    assert_eq!(names(&other, &Things), names(&other, &Renamed));
}

/// What came along has no token in the approved text; it is followed by the entity that it has become.
#[test]
fn what_came_along_is_followed_when_it_is_renamed() {
    let script = routines::new(RoutineKind::Script, "night", r#"{"sequence":[{"delay":1}]}"#);
    let shows = r#"{"views":[{"cards":[{"type":"tile","entity":"script.night"}]}]}"#;
    let board = dashboards::new("our-house", shows);
    let entity = |reference: &str| Things.token_of(reference, Thing::Entity);
    let place = |item, thing, target, now: &str, entity| InPlace {
        item,
        thing: Some(thing),
        target,
        before: Image::Absent,
        now: Image::Present(text(now)),
        edited: false,
        entity,
    };
    let of_script = Target::Routine { kind: RoutineKind::Script, id: text("night") };
    let of_board = Target::DashboardConfig { url_path: text("our-house") };
    // In the example's home it is called `script.evening` by now.
    let places = [
        place(0, SCRIPT, of_script, r#"{"sequence":[{"delay":1}]}"#, entity("script.evening")),
        place(1, BOARD, of_board, shows, None),
    ];
    let home = home_with(&places);
    let again = again_with(vec![script.clone(), board.clone()], &places, &home, &Things).unwrap();
    assert_eq!(again.items, [1]);
    let plan = plan_again(&again, &home, &Things);
    assert_eq!(after(&plan, 0), shows.replace("script.night", "script.evening"));
    let mut gone = places.clone();
    gone[0].entity = Some(OpaqueId { thing: Thing::Entity, bits: 99 });
    assert_eq!(again_with(vec![script, board], &gone, &home, &Things), None);
}
