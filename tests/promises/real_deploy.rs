//! Deployments through the whole chain into real Home Assistants: author, approver, portal, agent and owner use the programs' own commands,
//! and what Home Assistant itself answers is compared before and after. R13, R15, R16, R36, R39–R45.
//!
//! One home of each version lives through one story, because starting it is what takes the time; another one through the deaths in `kills`.

mod cards;
mod contents;
mod dashboards;
mod kills;
mod refusals;
mod routines;
mod stage;
mod together;

use vestibule_dev::real::{NEWEST, OLDEST};

use crate::support::real::TURN;
use stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_home_assistant_is_deployed_to() {
    live("the_oldest_home_assistant_is_deployed_to", OLDEST).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_home_assistant_is_deployed_to() {
    live("the_newest_home_assistant_is_deployed_to", NEWEST).await;
}

async fn live(test: &str, version: &str) {
    let _turn = TURN.lock().await;
    let Some(mut stage) = Stage::set(test, version).await else { return };
    stage.contents_leave_without_a_word_of_the_home().await;
    stage.changes_are_allowed().await;
    stage.a_new_dashboard_says_the_owners_words().await;
    stage.an_owners_dashboard_is_replaced_and_comes_back().await;
    stage.an_edit_is_never_lost().await;
    stage.a_deleted_dashboard_comes_back().await;
    stage.the_owner_says_no().await;
    stage.what_fails_in_the_end_is_put_back_from_the_beginning().await;
    stage.cards_come_change_and_go().await;
    stage.automations_arrive_off_and_are_switched_on().await;
    stage.an_owners_automation_is_replaced_and_deleted_and_comes_back().await;
    stage.scripts_come_change_and_go().await;
    stage.a_dashboard_brings_what_it_names().await;
    stage.a_rename_is_offered_as_a_repair().await;
    stage.what_is_kept_in_yaml_is_refused().await;
    stage.what_holds_secrets_is_refused().await;
    stage.resources_in_yaml_are_refused().await;
    stage.what_stayed_has_settled().await;
    stage.nothing_personal_has_left_in_all_that().await;
}
