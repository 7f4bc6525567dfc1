//! When things go wrong on the way: what is tried again, and what must not be.

use std::sync::atomic::Ordering;
use std::time::Duration;

use penstock_common::Secret;
use penstock_common::bitbucket::client::{Auth, Error};
use penstock_common::bitbucket::comments::NewComment;
use penstock_common::bitbucket::reports::{Report, ReportResult};
use penstock_common::bitbucket::statuses::{BuildStatus, StatusState};
use penstock_sandbox::{Fault, Route};

use super::raw::{Raw, json};
use super::world::{REPOSITORY, World, annotations, client_of, counting, quick, report};

fn any() -> Route {
    Route::new("*", "*")
}

fn successful() -> BuildStatus {
    BuildStatus {
        key: "penstock".to_owned(),
        state: StatusState::Successful,
        name: "Penstock".to_owned(),
        description: "passed".to_owned(),
        url: "https://bitbucket.org/acme/shop".to_owned(),
        refname: None,
    }
}

#[tokio::test]
async fn what_may_be_done_twice_is_tried_again() {
    let world = World::new();
    let repository = world.usual();
    for fault in
        [Fault::status(503), Fault::status(555), Fault::too_many(0), Fault::Reset, Fault::LostAnswer, Fault::HalfBody]
    {
        world.sandbox.fault(any(), fault, 2);
        assert_eq!(repository.get().await.unwrap().full_name, REPOSITORY);
    }
    assert_eq!(world.requests().len(), 6 * 3);
    world.sandbox.fault(any(), Fault::status(500), 4);
    assert_eq!(repository.get().await.unwrap_err().status(), Some(500));
    assert_eq!(repository.get().await.unwrap().full_name, REPOSITORY, "four attempts, not five");
}

#[tokio::test]
async fn what_says_no_for_good_is_not_tried_again() {
    let world = World::new();
    let repository = world.usual();
    for status in [400, 401, 403, 404, 410, 501] {
        world.sandbox.fault(any(), Fault::status(status), 1);
        assert_eq!(repository.get().await.unwrap_err().status(), Some(status));
    }
    assert_eq!(world.requests().len(), 6);
}

#[tokio::test]
async fn a_comment_is_made_once_at_most() {
    let world = World::new();
    let repository = world.usual();
    let make = || async { repository.create_comment(world.pull_request, &NewComment::general("once")).await };
    for fault in [Fault::LostAnswer, Fault::HalfBody, Fault::status(502)] {
        world.sandbox.fault(Route::new("POST", "*"), fault, 1);
        let before = world.requests().len();
        let error = make().await.unwrap_err();
        assert!(error.is_uncertain(), "{error}");
        assert_eq!(world.requests().len(), before + 1);
    }
    // This one surely was not made.
    world.sandbox.fault(Route::new("POST", "*"), Fault::too_many(0), 1);
    make().await.unwrap();
    assert_eq!(
        repository.comments_where(world.pull_request, |_| true).await.unwrap().len(),
        3,
        "two lost answers, one 429"
    );
}

#[tokio::test]
async fn annotations_whose_answer_was_lost_are_looked_up_first() {
    let world = World::new();
    let repository = world.usual();
    let path = "/commit/HEAD/reports/penstock-secrets/annotations";
    let (post, get) = (format!("POST {path}"), format!("GET {path}"));
    for (fault, wanted) in [
        (Fault::LostAnswer, vec![&post, &get]),
        (Fault::HalfBody, vec![&post, &get]),
        (Fault::Reset, vec![&post, &get, &post]),
        (Fault::status(503), vec![&post, &get, &post]),
        (Fault::too_many(0), vec![&post, &post]),
    ] {
        repository.delete_report(&world.head, "penstock-secrets").await.unwrap();
        repository.put_report(&world.head, &report()).await.unwrap();
        let before = world.requests().len();
        world.sandbox.fault(Route::new("POST", "*/annotations"), fault, 1);
        repository.post_annotations(&world.head, "penstock-secrets", &annotations(7)).await.unwrap();
        assert_eq!(world.requests()[before..].iter().collect::<Vec<_>>(), wanted);
        assert_eq!(repository.annotation_ids(&world.head, "penstock-secrets").await.unwrap().len(), 7);
    }
}

#[tokio::test]
async fn a_commit_that_is_not_known_yet_is_waited_for() {
    let status = successful();
    let world = World::new();
    let repository = world.usual();
    // More often than anything else is tried.
    world.sandbox.fault(any(), Fault::status(404), 6);
    repository.put_report(&world.head, &report()).await.unwrap();
    world.sandbox.fault(any(), Fault::status(404), 1);
    repository.post_annotations(&world.head, "penstock-secrets", &annotations(7)).await.unwrap();
    world.sandbox.fault(any(), Fault::status(404), 1);
    repository.post_status(&world.head, &status).await.unwrap();

    // One that never comes costs its time once, however much is posted to it.
    let mut options = quick();
    options.patience.late = Duration::from_millis(60);
    let token = world.sandbox.repository_token(REPOSITORY, &["repository"]).unwrap();
    let client = world.client(Auth::AccessToken(Secret::new(&token)), options);
    let repository = client.in_repository("acme", "shop");
    let gone = "f".repeat(40);
    assert_eq!(repository.put_report(&gone, &report()).await.unwrap_err().status(), Some(404));
    tokio::time::sleep(Duration::from_millis(60)).await;
    let before = world.requests().len();
    assert_eq!(repository.put_report(&gone, &report()).await.unwrap_err().status(), Some(404));
    assert_eq!(repository.post_status(&gone, &status).await.unwrap_err().status(), Some(404));
    assert_eq!(world.requests().len(), before + 2);
    // What is only looked for may well not be there.
    let before = world.requests().len();
    assert_eq!(repository.report(&world.head, "none").await.unwrap(), None);
    assert_eq!(world.requests().len(), before + 1);
}

#[tokio::test]
async fn a_server_with_too_much_to_do_is_asked_as_long_as_there_is_time() {
    let plain = Fault::status(429).with_body("Rate limit for this resource has been exceeded");
    let page = Fault::status(429).with_body("<html><body>Too many requests</body></html>");
    for fault in [Fault::status(429), plain, page] {
        let world = World::new();
        let repository = world.usual();
        let client = repository.client().within(Duration::from_secs(60));
        world.sandbox.fault(any(), fault.clone(), 9);
        client.in_repository("acme", "shop").get().await.unwrap();
        assert_eq!(world.requests().len(), 10);
        // Without a deadline the caller has to know when to stop.
        world.sandbox.fault(any(), fault, 9);
        assert_eq!(repository.get().await.unwrap_err().status(), Some(429));
        assert_eq!(world.requests().len(), 14);
        world.sandbox.clear_faults();
    }
}

fn ids(world: &World) -> usize {
    world.sandbox.annotations(REPOSITORY, &world.head, "penstock-secrets").unwrap().len()
}

/// The result of the report that is there, if there is one.
fn result(world: &World) -> Option<String> {
    let reports = world.sandbox.reports(REPOSITORY, &world.head).unwrap();
    Some(reports.first()?["result"].as_str()?.to_owned())
}

#[tokio::test]
async fn an_old_report_goes_only_when_the_new_one_can_come() {
    let world = World::new();
    let repository = world.usual();
    let final_report = |result| Report { result, ..report() };
    let (passed, failed) = (final_report(ReportResult::Passed), final_report(ReportResult::Failed));
    let replace = async |report: &Report, count| {
        repository.replace_report(&world.head, &self::report(), report, &annotations(count)).await
    };
    assert_eq!(replace(&failed, 7).await.unwrap().annotations, 0);
    assert!(!world.requests().iter().any(|request| request.starts_with("DELETE")), "there was nothing to delete");
    for status in [400, 403, 404, 429, 500] {
        world.sandbox.fault(Route::new("PUT", "*"), Fault::status(status), 100);
        let mut options = quick();
        options.patience.late = Duration::from_millis(20);
        let token = world.sandbox.repository_token(REPOSITORY, &["repository"]).unwrap();
        let client = world.client(Auth::AccessToken(Secret::new(&token)), options);
        let refused = client.in_repository("acme", "shop");
        refused.replace_report(&world.head, &report(), &passed, &annotations(2)).await.unwrap_err();
        assert_eq!((result(&world).as_deref(), ids(&world)), (Some("FAILED"), 7), "{status}");
        world.sandbox.clear_faults();
    }
    // The same findings again, and more of them: nothing has to go.
    let before = world.requests().len();
    replace(&failed, 9).await.unwrap();
    assert!(!world.requests()[before..].iter().any(|request| request.starts_with("DELETE")));
    assert_eq!(ids(&world), 9);
    // Those that are fixed vanish.
    replace(&passed, 2).await.unwrap();
    assert_eq!((result(&world).as_deref(), ids(&world)), (Some("PASSED"), 2));
    replace(&failed, 250).await.unwrap();
    replace(&passed, 0).await.unwrap();
    assert_eq!((result(&world).as_deref(), ids(&world)), (Some("PASSED"), 0));
}

#[tokio::test]
async fn a_refused_part_costs_no_other() {
    let world = World::new();
    let repository = world.usual();
    let failed = Report { result: ReportResult::Failed, ..report() };
    let replace = async || repository.replace_report(&world.head, &report(), &failed, &annotations(330)).await.unwrap();
    // The first of four parts, whatever is wrong with it.
    for status in [400, 413, 500] {
        world.sandbox.fault(
            Route::new("POST", "*/annotations"),
            Fault::status(status),
            if status == 500 { 3 } else { 1 },
        );
        let missing = replace().await;
        assert_eq!((missing.annotations, ids(&world)), (100, 230), "{status}");
        assert_eq!(missing.why.unwrap().status(), Some(status));
        assert_eq!(result(&world).as_deref(), Some("FAILED"), "the result is there");
        world.sandbox.clear_faults();
        repository.delete_report(&world.head, "penstock-secrets").await.unwrap();
    }
    // An error that applies to all parts is not repeated for each.
    let posts = || world.requests().iter().filter(|request| request.starts_with("POST")).count();
    let before = posts();
    world.sandbox.fault(Route::new("POST", "*/annotations"), Fault::status(403), 9);
    let missing = replace().await;
    assert_eq!((missing.annotations, ids(&world), posts() - before), (330, 0, 1));
}

#[tokio::test]
async fn a_status_is_posted_again_under_its_key() {
    let world = World::new();
    let repository = world.usual();
    let status = successful();
    world.sandbox.fault(Route::new("POST", "*"), Fault::LostAnswer, 2);
    repository.post_status(&world.head, &status).await.unwrap();
    assert_eq!(repository.statuses(&world.head).await.unwrap().len(), 1);
}

#[tokio::test]
async fn patience_ends() {
    let world = World::new();
    let token = world.sandbox.repository_token(REPOSITORY, &["repository"]).unwrap();
    let auth = || Auth::AccessToken(Secret::new(&token));
    // More than anybody waits for.
    world.sandbox.fault(any(), Fault::too_many(3600), 1);
    let error = world.repository(auth()).get().await.unwrap_err();
    assert_eq!((error.status(), world.requests().len()), (Some(429), 1));

    // An answer that takes its time, again and again.
    let mut options = quick();
    options.patience.attempt = Duration::from_millis(100);
    options.patience.attempts = 2;
    world.sandbox.fault(any(), Fault::Drip(Duration::from_secs(1)), 2);
    let client = world.client(auth(), options);
    let error = client.in_repository("acme", "shop").get().await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert_eq!(world.requests().len(), 3);

    // The deadline is over all calls and all waits.
    world.sandbox.fault(any(), Fault::Delay(Duration::from_secs(60)), 1);
    let client = world.client(auth(), quick()).within(Duration::from_millis(100));
    let error = client.in_repository("acme", "shop").get().await.unwrap_err();
    assert!(matches!(error, Error::Deadline { last: Some(_), .. }), "{error}");
    let error = client.in_repository("acme", "shop").get().await.unwrap_err();
    assert!(matches!(error, Error::Deadline { last: None, .. }), "{error}");
    assert_eq!(world.requests().len(), 4, "nothing is sent after the deadline");

    // A wait that would end after the deadline is not begun, and the server's words are told.
    world.sandbox.clear_faults();
    world.sandbox.fault(any(), Fault::too_many(4), 1);
    let client = world.client(auth(), quick()).within(Duration::from_secs(3));
    let error = client.in_repository("acme", "shop").get().await.unwrap_err();
    assert_eq!(error.status(), Some(429));
}

#[tokio::test]
async fn who_cannot_be_reached_is_not_asked_again() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (options, drawn) = counting();
    let client = client_of(&format!("http://{closed}/2.0"), Auth::Anonymous, options);
    for _ in 0..3 {
        let error = client.user().await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }) && !error.is_uncertain(), "{error}");
    }
    assert_eq!(drawn.load(Ordering::Relaxed), 4, "the first call was tried, the others were not");
}

#[tokio::test]
async fn near_the_limit_there_are_pauses() {
    let server = Raw::new(|_| json("200 OK", "x-ratelimit-nearlimit: true\r\n", "{}")).await;
    let (options, drawn) = counting();
    let client = client_of(&server.api(), Auth::Anonymous, options);
    for pauses in 0..3 {
        client.user().await.unwrap();
        assert_eq!(drawn.load(Ordering::Relaxed), pauses);
    }
}

#[tokio::test]
async fn answers_are_bounded() {
    let large = "9".repeat(200_000);
    let server = Raw::new(move |request| {
        let status = if request.starts_with("GET /2.0/user") { "200 OK" } else { "400 Bad Request" };
        json(status, "", &large)
    });
    let server = server.await;
    let client = client_of(&server.api(), Auth::Anonymous, quick());
    let request = client.request(penstock_common::bitbucket::client::Method::GET, ["user"]).unwrap().limit(100_000);
    assert!(matches!(client.send(&request).await, Err(Error::TooLarge { limit: 100_000, .. })));
    let error = client.in_repository("a", "b").get().await.unwrap_err();
    assert_eq!(error.status(), Some(400));
    assert!(error.to_string().len() < 1000);
}

#[tokio::test]
async fn what_is_not_json_is_an_error_of_the_server() {
    let server = Raw::new(|_| json("200 OK", "", "<html>maintenance</html>")).await;
    let client = client_of(&server.api(), Auth::Anonymous, quick());
    let error = client.user().await.unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
}
