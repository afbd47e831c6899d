//! What staff take back, questions and wishes from their beginning to their end, as each side sees them.

use vestibule_protocol::bytes::Fixed;

use super::*;

const HALL: &str = r#"{"views":[{"title":"Hall","cards":[]}]}"#;

/// Some entities of this domain, as the portal knows them, with what the owner calls them.
async fn entities(world: &World, portal: &RealPortal, domain: &str) -> Vec<OpaqueId> {
    let of = format!("\"domain\":\"{domain}\"");
    let lines = portal.lines();
    let ids = lines.iter().filter(|line| line.contains(&of));
    let ids: Vec<OpaqueId> = ids
        .filter_map(|line| line.strip_prefix("{\"key\":\"entity/")?.split_once('"')?.0.parse().ok())
        .collect();
    assert!(!ids.is_empty(), "{domain} {:?}", world.status().await.records);
    ids
}

/// Waits for a question to be in this state at home.
async fn question(world: &World, id: Fixed<16>, state: &str) -> QuestionView {
    let deadline = Instant::now() + Duration::from_secs(26 * 3600);
    loop {
        let all: Vec<QuestionView> = world.ask_one(Request::Questions).await;
        if let Some(view) = all.into_iter().find(|view| view.id == id.to_string() && view.state == state) {
            return view;
        }
        assert!(Instant::now() < deadline, "the question is never {state}");
        sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_staff_take_back_is_gone_at_home_and_stays_taken_back() {
    let (mut world, portal) = house().await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", HALL)])).await;
    until(&world, id, "waiting").await;
    waited("the owner is told", || world.home.model(|model| model.notifications.len()) == 1).await;
    portal.withdraw(id).await;
    let over = until(&world, id, "refused").await;
    assert_eq!(over.code.as_deref(), Some("withdrawn"));
    waited("nothing waits any more", || world.home.model(|model| model.notifications.is_empty())).await;
    assert_eq!(heard(&portal, id, "withdrawn").await.as_deref(), Some("withdrawn"), "the home has heard it");
    let yes = world
        .ask(Request::Approve { id, plan_hash: None, hosts: Default::default(), files: Default::default() })
        .await;
    assert_eq!(yes.unwrap_err().code, "not_waiting");
    // Its number stays consumed, and nothing comes back with the next link or start.
    let consumed = world.desk().trusting.last_sequence;
    world.crash();
    world.start().await;
    world.converge(&portal).await;
    sleep(Duration::from_secs(600)).await;
    assert_eq!(world.desk().trusting.last_sequence, consumed);
    assert_eq!(view(&world, id).await.unwrap().state, "refused");
    assert!(!has_dashboard(&world, "acme-hall"));
    assert_eq!(portal.deployment(id).0, "withdrawn");
}

/// Taken back while the home is away, and agreed to there meanwhile: the first to arrive counts, and both sides agree on it.
#[tokio::test(start_paused = true)]
async fn what_was_carried_out_before_the_withdrawal_arrived_is_told_as_it_is() {
    let (world, portal) = house().await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", HALL)])).await;
    until(&world, id, "waiting").await;
    heard(&portal, id, "awaiting_owner").await;
    world.to_portal.hang_up();
    world.until("offline", |status| !status.portal.connected).await;
    portal.withdraw(id).await;
    approve(&world, id).await;
    until(&world, id, "verified").await;
    portal.answer(&world);
    heard(&portal, id, "applied").await;
    assert_eq!(contents(&world, "acme-hall").as_deref(), Some(HALL));
}

#[tokio::test(start_paused = true)]
async fn a_question_is_declined_or_is_over_when_its_time_is() {
    let (world, portal) = house().await;
    let lamps = entities(&world, &portal, "light").await;
    let first = portal.ask("Which is the reading lamp?", lamps.clone()).await;
    question(&world, first, "open").await;
    let declined: QuestionView = world.ask_one(Request::AnswerQuestion { id: first, choice: None }).await;
    assert_eq!((&*declined.state, declined.choice), ("declined", None));
    waited("staff know", || portal.questions()[0].state == "declined").await;
    let again = world.ask(Request::AnswerQuestion { id: first, choice: Some(lamps[0]) }).await;
    assert_eq!(again.unwrap_err().code, "question_over");

    let second = portal.ask("Which lamp stands in the hall?", lamps.clone()).await;
    question(&world, second, "open").await;
    world.clock.jump(25 * 3600);
    question(&world, second, "expired").await;
    portal.upkeep().await;
    assert_eq!(portal.questions()[0].state, "expired");
    let late = world.ask(Request::AnswerQuestion { id: second, choice: Some(lamps[0]) }).await;
    assert_eq!(late.unwrap_err().code, "question_over");
}

/// An answer that was given in time counts, however late it arrives.
#[tokio::test(start_paused = true)]
async fn an_answer_that_was_given_in_time_counts_when_it_arrives() {
    let (mut world, portal) = house().await;
    let lamps = entities(&world, &portal, "light").await;
    let id = portal.ask("Which is the reading lamp?", lamps.clone()).await;
    question(&world, id, "open").await;
    world.to_portal.hang_up();
    world.until("offline", |status| !status.portal.connected).await;
    let _: QuestionView = world.ask_one(Request::AnswerQuestion { id, choice: Some(lamps[0]) }).await;
    world.crash();
    world.start().await;
    world.clock.jump(25 * 3600);
    portal.upkeep().await;
    assert_eq!(portal.questions()[0].state, "expired");
    portal.answer(&world);
    waited("the answer arrives", || portal.questions()[0].choice == Some(lamps[0].to_string())).await;
    assert_eq!(portal.questions()[0].state, "answered");
}

/// The owner, and nobody else, can have a candidate show itself; what could do harm does not.
#[tokio::test(start_paused = true)]
async fn a_lamp_shows_itself_and_is_left_as_it_was() {
    let (world, portal) = house().await;
    let lamp = entities(&world, &portal, "light").await[0];
    portal.ask("Which is the reading lamp?", vec![lamp]).await;
    // Telling the owner of the question is a call as well.
    waited("the owner is told", || world.home.model(|model| !model.notifications.is_empty())).await;
    let calls = || world.home.commands()["call_service"];
    let told = calls();
    let states = || world.home.model(|model| model.states.clone());
    let before = states();
    let shown: bool = world.ask_one(Request::Identify { thing: lamp }).await;
    assert!(shown);
    assert_eq!(calls(), told + 2, "over and back");
    assert_eq!(states(), before);
    let sensor = entities(&world, &portal, "sensor").await[0];
    let refused = world.ask(Request::Identify { thing: sensor }).await;
    assert_eq!(refused.unwrap_err().code, "home_refused");
    let stranger = world.ask(Request::Identify { thing: "e_aaaaaaaaaaaaa".parse().unwrap() }).await;
    assert_eq!(stranger.unwrap_err().code, "no_candidate");
    assert_eq!(calls(), told + 2);
    // Nothing of it is told to anybody.
    assert_eq!(world.sent("answer"), 0);
}

/// A wish that was made and taken back while nobody listened is told as such, and its words never leave.
#[tokio::test(start_paused = true)]
async fn a_wish_that_was_taken_back_before_it_left_takes_its_words_along() {
    let (mut world, portal) = house().await;
    world.to_portal.hang_up();
    world.until("offline", |status| !status.portal.connected).await;
    let wish = |text: &str| Request::NewRequest { text: text.into(), rooms: vec![] };
    let made: RequestView = world.ask_one(wish("Something for the cellar")).await;
    sleep(Duration::from_secs(1)).await;
    let kept: RequestView = world.ask_one(wish("A dashboard for the hall")).await;
    let id = Fixed::parse(&made.id).unwrap();
    let withdrawn: RequestView = world.ask_one(Request::WithdrawRequest { id }).await;
    assert_eq!(withdrawn.state, "withdrawn");
    world.crash();
    world.start().await;
    portal.answer(&world);
    world.converge(&portal).await;
    let arrived = portal.requests();
    assert_eq!(arrived.len(), 1, "{arrived:?}");
    assert_eq!((arrived[0].id.to_string(), &*arrived[0].text), (kept.id.clone(), "A dashboard for the hall"));
    let all: Vec<RequestView> = world.ask_one(Request::Requests).await;
    let states: Vec<&str> = all.iter().map(|view| &*view.state).collect();
    assert_eq!(states, ["withdrawn", "delivered"]);
    // Taken back twice is taken back once; a wish that never was is none.
    let _: RequestView = world.ask_one(Request::WithdrawRequest { id }).await;
    let strange = world.ask(Request::WithdrawRequest { id: Fixed([1; 16]) }).await;
    assert_eq!(strange.unwrap_err().code, "no_such_request");
}
