//! Contents of dashboards on their way to the portal: granted, changed, renamed around, withdrawn (R10, R16, R27).

use vestibule_dev::fake_home::Domain;
use vestibule_protocol::consent::Class;

use super::real::RealPortal;
use super::world::World;

/// Canaries are words that are in no vocabulary.
const WALL: &str = r#"{"title":"qzx title","views":[{"type":"sections","path":"qzx-path","cards":[{"type":"tile","entity":"light.qzx_lamp",
    "name":"qzx name","tap_action":{"action":"toggle"}}]}]}"#;

fn contents(portal: &RealPortal) -> Vec<String> {
    portal.lines().into_iter().filter(|line| line.starts_with("{\"key\":\"content/")).collect()
}

async fn furnished() -> (World, RealPortal) {
    let world = World::new(60).await;
    world.home.add_dashboard("the-wall", "The wall");
    world.home.edit_dashboard("the-wall", WALL);
    world.home.add_yaml_dashboard("in-yaml", "In YAML", r#"{"views":[{"title":"qzx secret"}]}"#);
    let portal = RealPortal::in_sync_with(&world).await;
    (world, portal)
}

#[tokio::test(start_paused = true)]
async fn r27_contents_come_with_their_grant_and_go_with_it() {
    let (mut world, portal) = furnished().await;
    assert!(contents(&portal).is_empty());
    assert_eq!(world.home.commands().get("lovelace/config"), None);
    world.grant(Class::Dashboards).await;
    let granted = world.converge(&portal).await;
    let held = contents(&portal);
    assert!(!held.is_empty() && granted.left_out.is_empty());
    assert!(held.iter().all(|line| line.contains("content/b_") && !line.contains("qzx")), "{held:?}");
    assert!(held.iter().any(|line| line.contains("tile") && line.contains("@x_")), "{held:?}");

    // A change of one dashboard is one record.
    world.home.edit_dashboard("the-wall", r#"{"title":"qzx title","views":[]}"#);
    world.converge(&portal).await;
    assert_ne!(contents(&portal), held);
    world.home.edit_dashboard("the-wall", WALL);
    world.converge(&portal).await;
    assert_eq!(contents(&portal), held);

    // Nothing of it is stored, and a restart sends nothing.
    let canaries = ["qzx name".to_owned(), "qzx title".to_owned(), "qzx-path".to_owned()];
    world.stop().await;
    assert_eq!(world.occurrences(&canaries), Vec::<String>::new());
    let sent = world.sent("push") + world.sent("batch");
    world.start().await;
    world.converge(&portal).await;
    assert_eq!(world.sent("push") + world.sent("batch"), sent);
    assert_eq!(contents(&portal), held);

    world.grant(Class::Names).await;
    world.converge(&portal).await;
    assert!(contents(&portal).iter().any(|line| line.contains("qzx name") && !line.contains("qzx secret")));
    world.withdraw(Class::Names).await;
    world.converge(&portal).await;
    assert_eq!(contents(&portal), held);
    world.withdraw(Class::Dashboards).await;
    world.converge(&portal).await;
    assert!(contents(&portal).is_empty());
    assert_eq!(world.home.violations(), Vec::<String>::new());
}

/// R14: what cannot leave is told, and everything else leaves.
#[tokio::test(start_paused = true)]
async fn r14_contents_that_cannot_leave_are_a_problem_that_the_owner_sees() {
    let (world, portal) = furnished().await;
    let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
    world.home.edit_dashboard("the-wall", &format!("{{\"views\":{deep}}}"));
    world.grant(Class::Dashboards).await;
    let status = world.converge(&portal).await;
    assert_eq!(contents(&portal).len(), 0);
    assert_eq!(status.left_out.len(), 1, "{status:?}");
    assert_eq!(status.left_out[0].code, "contents_left_out");
    assert!(status.words().contains("nested too deeply"));
    world.home.edit_dashboard("the-wall", WALL);
    let status = world.converge(&portal).await;
    assert_eq!((contents(&portal).len(), status.left_out.len()), (1, 0));
}

/// A dashboard at the limit is one record, one frame, and one version at the portal.
#[tokio::test(start_paused = true)]
async fn r23_a_large_dashboard_arrives() {
    let (world, portal) = furnished().await;
    let card = r#"{"type":"markdown","content":"{{ states('light.qzx') | float(0) }} qzx words"},"#;
    let cards = card.repeat(1_200_000 / card.len());
    world.home.edit_dashboard(
        "the-wall",
        &format!("{{\"views\":[{{\"cards\":[{}]}}]}}", cards.trim_end_matches(',')),
    );
    world.grant(Class::Dashboards).await;
    world.converge(&portal).await;
    let held = contents(&portal);
    assert!(held.len() == 1 && held[0].len() > 500_000, "{}", held.len());
}

const ROUTINE: &str = r#"{"alias":"qzx alias","trigger":[{"platform":"state","entity_id":"light.qzx_lamp","to":"on"}],
    "action":[{"service":"notify.qzx_phone","data":{"message":"qzx words"}}]}"#;

/// R11, R27: automations come with their grant, by what the editor keeps, without a word of the home; and go with it.
#[tokio::test(start_paused = true)]
async fn r11_automations_come_as_the_editor_keeps_them() {
    let (world, portal) = furnished().await;
    world.home.put_routine(Domain::Automation, "1700000000001", ROUTINE);
    world.home.put_routine(
        Domain::Script,
        "qzx_script",
        r#"{"alias":"qzx script","sequence":[{"delay":"00:01:00"}]}"#,
    );
    world.converge(&portal).await;
    assert!(contents(&portal).is_empty());
    world.grant(Class::Automations).await;
    world.converge(&portal).await;
    let held = contents(&portal);
    let of = |letter: &str| {
        held.iter().filter(|line| line.starts_with(&format!("{{\"key\":\"content/{letter}_"))).count()
    };
    assert!(of("m") >= 1 && of("s") >= 1, "{held:?}");
    assert_eq!(of("b"), 0);
    assert!(held.iter().all(|line| !line.contains("qzx")), "{held:?}");
    // Saved in the editor, it is loaded anew, and so it is read anew.
    world.home.put_routine(Domain::Automation, "1700000000001", &ROUTINE.replace("\"on\"", "\"off\""));
    world.converge(&portal).await;
    assert_ne!(contents(&portal), held);
    world.withdraw(Class::Automations).await;
    world.converge(&portal).await;
    assert!(contents(&portal).is_empty());
}

/// R11: a file with a secret in it is out of reach, and the owner is told so.
#[tokio::test(start_paused = true)]
async fn r11_a_file_with_a_secret_stays_at_home() {
    let (world, portal) = furnished().await;
    world.home.put_routine(Domain::Automation, "1700000000001", ROUTINE);
    world.home.change_silently(|model| model.routines.unreadable.insert(Domain::Automation));
    world.grant(Class::Automations).await;
    let status = world.converge(&portal).await;
    assert!(contents(&portal).is_empty());
    assert_eq!(status.left_out.len(), 1, "{status:?}");
    assert_eq!(status.left_out[0].code, "contents_out_of_reach");
}
