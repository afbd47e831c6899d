//! Items that name what comes along with them.

use super::*;

const SCRIPT_CONTENT: &str = r#"{"alias":"Night","sequence":[{"delay":1}]}"#;
const WAKE: &str = r#"{"alias":"Wake up","triggers":[],"actions":[{"action":"script.acme_night"}]}"#;
/// Shows the script and the automation, calls the script, and uses a card.
const BOARD_CONTENT: &str = r#"{"views":[{"cards":[{"type":"custom:acme-clock"},
    {"type":"entities","entities":["script.acme_night","automation.wake_up"]},
    {"type":"button","tap_action":{"action":"perform-action","perform_action":"script.acme_night"}}]}]}"#;

fn script() -> Item {
    routines::new(RoutineKind::Script, "acme_night", SCRIPT_CONTENT)
}

fn wake() -> Item {
    routines::new(RoutineKind::Automation, "acme_wake", WAKE)
}

fn board() -> Item {
    dashboards::new("acme-hall", BOARD_CONTENT)
}

fn home_without() -> HomeNow {
    let free = |kind, id: &str| RoutineNow {
        kind,
        thing: None,
        id: text(id),
        state: RoutineState::Absent,
        enabled: None,
    };
    let routines = vec![free(RoutineKind::Script, "acme_night"), free(RoutineKind::Automation, "acme_wake")];
    HomeNow { routines, ..home() }
}

fn all() -> Vec<Item> {
    vec![board(), wake(), script(), cards::put(CLOCK, Base::None)]
}

fn order(plan: &Plan) -> Vec<u32> {
    plan.steps.iter().map(|step| step.item).collect()
}

#[test]
fn what_is_named_is_written_before_what_names_it() {
    let plan = planned(&home_without(), all()).unwrap();
    // The script, the automation that calls it, the card, and then the dashboard: its record and its contents.
    assert_eq!(order(&plan), [2, 1, 3, 0, 0]);
    let contents = after(&plan, 4);
    assert!(contents.contains(r#""perform_action":"script.acme_night""#), "{contents}");
    // Without a need, the order is the author's.
    let plain = vec![dashboards::new("acme-hall", r#"{"views":[]}"#), script()];
    assert_eq!(order(&planned(&home_without(), plain).unwrap()), [0, 0, 1]);
}

/// R40: every caller, those that only show it included.
#[test]
fn r40_callers_that_come_along_are_named() {
    let plan = planned(&home_without(), all()).unwrap();
    let callers: Vec<String> = abilities(&plan)
        .into_iter()
        .filter(|(kind, _)| *kind == AbilityKind::CalledBy)
        .map(|(_, name)| name)
        .collect();
    assert_eq!(callers, ["Kitchen", "Wake up"]);
}

#[test]
fn scripts_that_call_each_other_stay_in_order() {
    let calls = |id: &str, other: &str| {
        routines::new(RoutineKind::Script, id, &format!(r#"{{"sequence":[{{"action":"script.{other}"}}]}}"#))
    };
    let mut home = home_without();
    home.routines[1] =
        RoutineNow { kind: RoutineKind::Script, id: text("acme_day"), ..home.routines[1].clone() };
    let items = vec![calls("acme_night", "acme_day"), calls("acme_day", "acme_night")];
    assert_eq!(order(&planned(&home, items).unwrap()), [0, 1]);
}

/// R15: nothing else is named by its id, and what is excluded not either.
#[test]
fn r15_only_what_comes_along_is_named_by_its_id() {
    for (items, code) in [
        (vec![board(), cards::put(CLOCK, Base::None)], "use_tokens"),
        (
            vec![
                script(),
                wake(),
                dashboards::new(
                    "a-b",
                    r#"{"views":[{"cards":[{"type":"tile","entity":"script.acme_night_2"}]}]}"#,
                ),
            ],
            "use_tokens",
        ),
        (
            vec![
                script(),
                wake(),
                dashboards::new("a-b", r#"{"views":[{"cards":[{"type":"tile","entity":"light.kitchen"}]}]}"#),
            ],
            "use_tokens",
        ),
    ] {
        assert_eq!(planned(&home_without(), items).unwrap_err().code, code);
    }
    // An alias that Home Assistant would spell in its own way tells no id.
    let odd = routines::new(RoutineKind::Automation, "acme_wake", &WAKE.replace("Wake up", "Wäke up"));
    let items = vec![board(), odd, script(), cards::put(CLOCK, Base::None)];
    assert_eq!(planned(&home_without(), items).unwrap_err().code, "use_tokens");
}

#[test]
fn an_entity_id_that_is_taken_is_refused_where_somebody_names_it() {
    // `script.evening` is in the home already, so a script with that key would be another entity.
    let mut home = home_without();
    home.routines[0] = RoutineNow { id: text("evening"), ..home.routines[0].clone() };
    let script = || routines::new(RoutineKind::Script, "evening", SCRIPT_CONTENT);
    assert!(planned(&home, vec![script()]).is_ok());
    let shows =
        dashboards::new("a-b", r#"{"views":[{"cards":[{"type":"tile","entity":"script.evening"}]}]}"#);
    let refusal = planned(&home, vec![shows, script()]).unwrap_err();
    assert_eq!((refusal.code, refusal.item), ("id_taken", Some(1)));
}

#[test]
fn the_entity_ids_that_others_rely_on_are_known_afterwards() {
    let plan = planned(&home_without(), all()).unwrap();
    let steps: Vec<_> = plan.steps.iter().map(|step| (&step.target, &step.before, &step.after)).collect();
    let wanted: Vec<Option<String>> = relied_on(&steps).iter().map(|id| id.as_ref().map(shown)).collect();
    let id = |id: &str| Some(id.to_owned());
    assert_eq!(wanted, [id("script.acme_night"), id("automation.wake_up"), None, None, None]);
    assert_eq!(relied_on(&steps[..1]), [None], "nobody else names it");
}
