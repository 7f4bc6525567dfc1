//! Reports, statuses, comments.

use penstock_app::bitbucket::Error;
use penstock_app::track::Commit;
use penstock_common::bitbucket::comments::NewComment;
use penstock_common::bitbucket::reports::{
    Annotation, AnnotationResult, AnnotationSeverity, AnnotationType, Report, ReportResult, ReportType,
};
use penstock_common::bitbucket::statuses::{BuildStatus, StatusState};
use penstock_common::decorate::report::Insight;
use penstock_sandbox::{Fault, Route};

use super::world::{SHOP, World, commit};

fn insight(annotations: usize) -> Insight {
    let annotation = |number| Annotation {
        external_id: format!("finding-{number}"),
        annotation_type: AnnotationType::Vulnerability,
        path: Some("a.txt".to_owned()),
        line: Some(1),
        summary: "A secret".to_owned(),
        details: None,
        result: AnnotationResult::Failed,
        severity: AnnotationSeverity::High,
        link: None,
    };
    let report = Report {
        title: "Secrets".to_owned(),
        details: "Some".to_owned(),
        external_id: "penstock-app".to_owned(),
        reporter: "Penstock".to_owned(),
        report_type: ReportType::Security,
        result: ReportResult::Failed,
        link: None,
        data: Vec::new(),
    };
    Insight { report, annotations: (0..annotations).map(annotation).collect() }
}

fn status(state: StatusState) -> BuildStatus {
    BuildStatus {
        key: "penstock-app".to_owned(),
        state,
        name: "Penstock".to_owned(),
        description: "A sentence".to_owned(),
        url: "https://bitbucket.org/acme/shop".to_owned(),
        refname: Some("main".to_owned()),
    }
}

#[tokio::test]
async fn a_report_takes_the_place_of_the_one_before() {
    let world = World::new(1);
    let (shop, at) = (world.shop().await, commit(&world.commits[0]));
    shop.put_report(at, &insight(120)).await.unwrap();
    shop.put_report(at, &insight(3)).await.unwrap();
    let there = world.sandbox.annotations(SHOP, &world.commits[0], "penstock-app").unwrap();
    assert_eq!(there.len(), 3);
    assert_eq!(world.sandbox.reports(SHOP, &world.commits[0]).unwrap()[0]["result"], "FAILED");
    let lost = shop.put_report(Commit::from([9; 20]), &insight(0)).await;
    assert!(matches!(lost, Err(error @ Error::Refused(_)) if error.is_not_found()));
}

#[tokio::test]
async fn a_status_may_be_posted_twice_but_not_over_somebody_elses() {
    let world = World::new(1);
    let (shop, at) = (world.shop().await, commit(&world.commits[0]));
    shop.put_status(at, &status(StatusState::InProgress)).await.unwrap();
    world.sandbox.fault(Route::new("POST", "*/statuses/build"), Fault::LostAnswer, 1);
    shop.put_status(at, &status(StatusState::Failed)).await.unwrap();
    // Another identity takes over the installation.
    world.directory.install(world.workspace, &world.sandbox.workspace_token("acme", &super::world::SCOPES).unwrap());
    let shop = world.shop().await;
    assert!(matches!(shop.put_status(at, &status(StatusState::Stopped)).await, Err(Error::Denied(_))));
}

#[tokio::test]
async fn a_comment_is_made_once_also_if_its_answer_is_lost() {
    let world = World::new(1);
    world.sandbox.branch(SHOP, "change", "main").unwrap();
    world.push("change", "b.txt");
    let number = world.sandbox.open_pull_request(SHOP, "A change", "change", "main").unwrap();
    let shop = world.shop().await;
    world.sandbox.fault(Route::new("POST", "*/comments"), Fault::LostAnswer, 1);
    let id = shop.create_comment(number, &NewComment::general("once")).await.unwrap();
    let told = shop.comment(number, id).await.unwrap().unwrap();
    assert_eq!((told.id, told.text.as_str(), told.deleted), (id, "once", false));
    assert!(told.author.uuid.is_some());
    // This one did not arrive.
    world.sandbox.fault(Route::new("POST", "*/comments"), Fault::status(503), 1);
    let second = shop.create_comment(number, &NewComment::general("once")).await.unwrap();
    assert_eq!(second, id, "what stands there word by word was meant");
    assert_eq!(world.sandbox.comments(SHOP, number).unwrap().len(), 1);

    assert!(shop.update_comment(number, id, &NewComment::general("twice")).await.unwrap());
    assert_eq!(shop.comment(number, id).await.unwrap().unwrap().text, "twice");
    shop.delete_comment(number, id).await.unwrap();
    shop.delete_comment(number, id).await.unwrap();
    assert!(shop.comment(number, id).await.unwrap().unwrap().deleted);
    assert!(!shop.update_comment(number, id, &NewComment::general("gone")).await.unwrap());
    assert_eq!(shop.comment(number, 1).await.unwrap(), None);
}

#[tokio::test]
async fn ours_is_found_among_any_number_of_copies() {
    const MARKER: &str = "[//]: # (penstock.test)";
    let world = World::new(1);
    world.sandbox.branch(SHOP, "change", "main").unwrap();
    world.push("change", "b.txt");
    let number = world.sandbox.open_pull_request(SHOP, "A change", "change", "main").unwrap();
    let shop = world.shop().await;
    let text = |body: &str| NewComment::general(format!("{MARKER}\n\n{body}"));
    let paste = |times| {
        (0..times).for_each(|_| assert!(world.sandbox.comment(SHOP, number, &format!("{MARKER}\n\nx")).unwrap() > 0))
    };
    assert_eq!(shop.replace_comment(number, MARKER, &text("none yet")).await.unwrap(), None);
    paste(120);
    assert_eq!(shop.replace_comment(number, MARKER, &text("none is ours")).await.unwrap(), None);
    let id = shop.create_comment(number, &text("one")).await.unwrap();
    paste(120);
    let before = world.requests();
    assert_eq!(shop.replace_comment(number, MARKER, &text("two")).await.unwrap(), Some(id));
    assert_eq!(world.requests() - before, 5, "three pages, a comment of another author, ours");
    let changed: Vec<u64> = world
        .sandbox
        .comments(SHOP, number)
        .unwrap()
        .iter()
        .filter(|comment| !comment.raw.ends_with('x'))
        .map(|comment| comment.id)
        .collect();
    assert_eq!(changed, [id]);
    // A marker in the middle of a line, or quoted, is none.
    world.sandbox.comment(SHOP, number, &format!("> {MARKER} ")).unwrap();
    assert_eq!(shop.replace_comment(number, MARKER, &text("three")).await.unwrap(), Some(id));
}

#[tokio::test]
async fn annotations_that_are_refused_are_counted() {
    let world = World::new(1);
    let (shop, at) = (world.shop().await, commit(&world.commits[0]));
    world.sandbox.fault(Route::new("POST", "*/annotations"), Fault::status(400), 1);
    let missing = shop.put_report(at, &insight(120)).await.unwrap();
    assert_eq!((missing.annotations, missing.why.unwrap().status()), (100, Some(400)));
    assert_eq!(world.sandbox.annotations(SHOP, &world.commits[0], "penstock-app").unwrap().len(), 20);
}

/// Just after a push not every part of Bitbucket knows the commit.
#[tokio::test]
async fn a_commit_that_is_not_known_yet_is_waited_for() {
    let world = World::new(1);
    let (shop, at) = (world.shop().await, commit(&world.commits[0]));
    world.sandbox.fault(Route::new("POST", "*/statuses/build"), Fault::status(404), 2);
    shop.put_status(at, &status(StatusState::Failed)).await.unwrap();
    world.sandbox.fault(Route::new("PUT", "*/reports/*"), Fault::status(404), 2);
    shop.put_report(at, &insight(1)).await.unwrap();
}
