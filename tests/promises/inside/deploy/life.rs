//! The whole life of a deployment: asked for, approved, written, verified, settled, undone.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_dashboard_is_approved_written_settled_and_undone() {
    let (world, portal) = house().await;
    let content = r#"{"views":[{"title":"Hall","cards":[{"type":"markdown","content":"Welcome"}]}]}"#;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", content)])).await;
    let shown = approve(&world, id).await;
    assert!(shown.display_only && shown.problem.is_none(), "{shown:#?}");
    assert!(!shown.diff[0].words.is_empty(), "{shown:#?}");
    until(&world, id, "verified").await;
    assert_eq!(contents(&world, "acme-hall").as_deref(), Some(content));
    heard(&portal, id, "applied").await;
    until(&world, id, "settled").await;
    let undone: DeploymentView = world.ask_one(Request::Undo { id, overwrite: false }).await;
    assert_eq!(undone.state, "undone");
    assert!(!has_dashboard(&world, "acme-hall"));
    assert_eq!(contents(&world, "acme-hall"), None);
    heard(&portal, id, "undone").await;
    assert_eq!(world.home.violations(), Vec::<String>::new());
}
