//! Every typed call once.

use penstock_common::Secret;
use penstock_common::bitbucket::client::{Auth, Error};
use penstock_common::bitbucket::comments::NewComment;
use penstock_common::bitbucket::diffs::DiffStatus;
use penstock_common::bitbucket::pull_requests::PullRequestState;
use penstock_common::bitbucket::reports::ReportResult;
use penstock_common::bitbucket::statuses::{BuildStatus, StatusState};

use super::world::{BRANCH, REPOSITORY, World, annotations, report};

#[tokio::test]
async fn a_repository_its_branches_commits_and_files() {
    let world = World::new();
    let repository = world.usual();
    let told = repository.get().await.unwrap();
    assert_eq!(told.names(), Some(("acme", "shop")));
    assert_eq!(told.mainbranch.unwrap().name, "main");
    assert_eq!(repository.branch(BRANCH).await.unwrap().unwrap().target.hash, world.head);
    assert_eq!(repository.branch("none").await.unwrap(), None);
    assert_eq!(repository.branches().await.unwrap().len(), 2);
    let commit = repository.commit(&world.head[..12]).await.unwrap().unwrap();
    assert_eq!((commit.hash, &commit.parents[0].hash), (world.head.clone(), &world.base));
    assert_eq!(repository.commit(&"0".repeat(40)).await.unwrap(), None);
    let commits = repository.commits(&world.head, 1).await.unwrap();
    assert_eq!(commits.iter().map(|commit| &commit.hash).collect::<Vec<_>>(), [&world.head]);
    assert_eq!(repository.merge_base("main", &world.head).await.unwrap().unwrap().hash, world.base);
    let file = |path: &'static str| repository.file(&world.head, path, 100);
    assert_eq!(file("dir/b c.txt").await.unwrap().unwrap(), b"two\n");
    assert_eq!(file("none").await.unwrap(), None);
    assert!(matches!(repository.file(&world.head, "a.txt", 3).await, Err(Error::TooLarge { limit: 3, .. })));
    assert!(matches!(file("../../x").await, Err(Error::Segment(_))));
}

#[tokio::test]
async fn a_report_with_annotations() {
    let world = World::new();
    let repository = world.usual();
    let mut made = report();
    repository.delete_report(&world.head, &made.external_id).await.unwrap();
    assert_eq!(repository.report(&world.head, &made.external_id).await.unwrap(), None);
    repository.put_report(&world.head, &made).await.unwrap();
    repository.post_annotations(&world.head, &made.external_id, &annotations(250)).await.unwrap();
    made.result = ReportResult::Failed;
    repository.put_report(&world.head, &made).await.unwrap();
    let told = repository.report(&world.head, &made.external_id).await.unwrap().unwrap();
    assert_eq!(told.result.as_deref(), Some("FAILED"));
    assert_eq!(repository.reports(&world.head).await.unwrap().len(), 1);
    assert_eq!(repository.annotation_ids(&world.head, &made.external_id).await.unwrap().len(), 250);
    let posts = world.requests().iter().filter(|request| request.starts_with("POST")).count();
    assert_eq!(posts, 3);
    repository.delete_report(&world.head, &made.external_id).await.unwrap();
    assert_eq!(repository.reports(&world.head).await.unwrap(), []);
}

fn status(state: StatusState) -> BuildStatus {
    BuildStatus {
        key: "penstock".to_owned(),
        state,
        name: "Penstock".to_owned(),
        description: "running".to_owned(),
        url: "https://bitbucket.org/acme/shop/pipelines/results/1".to_owned(),
        refname: Some(BRANCH.to_owned()),
    }
}

#[tokio::test]
async fn a_status_is_replaced_by_who_made_it() {
    let world = World::new();
    let repository = world.usual();
    repository.post_status(&world.head, &status(StatusState::InProgress)).await.unwrap();
    repository.post_status(&world.head, &status(StatusState::Successful)).await.unwrap();
    let told = repository.statuses_with_key(&world.head, "penstock").await.unwrap();
    assert_eq!((told.len(), told[0].state), (1, StatusState::Successful));
    assert_eq!(repository.statuses(&world.head).await.unwrap(), told);
    assert_eq!(repository.statuses_with_key(&world.head, "other").await.unwrap(), []);
    assert_eq!(repository.statuses_with_key(&"0".repeat(40), "penstock").await.unwrap(), []);
    // Of another branch it is another one.
    let elsewhere = BuildStatus { refname: Some("release".to_owned()), ..status(StatusState::Failed) };
    repository.post_status(&world.head, &elsewhere).await.unwrap();
    let states: Vec<_> = repository.statuses_with_key(&world.head, "penstock").await.unwrap();
    assert_eq!(states.iter().map(|one| one.state).collect::<Vec<_>>(), [StatusState::Successful, StatusState::Failed]);
    let denied = world.usual().post_status(&world.head, &status(StatusState::Failed)).await.unwrap_err();
    assert!(denied.is_denied(), "{denied}");
}

#[tokio::test]
async fn comments_and_what_a_pull_request_is() {
    let world = World::new();
    let (repository, number) = (world.with_scopes(&["repository", "pullrequest", "account"]), world.pull_request);
    let pull_request = repository.pull_request(number).await.unwrap().unwrap();
    assert_eq!(pull_request.state, PullRequestState::Open);
    assert!(!pull_request.is_from_fork());
    assert_eq!(repository.pull_request(99).await.unwrap(), None);
    assert_eq!(repository.open_pull_requests(BRANCH).await.unwrap(), [pull_request]);
    for none in ["main", "a\"b\\c", "x\" OR state=\"OPEN"] {
        assert_eq!(repository.open_pull_requests(none).await.unwrap(), [], "{none}");
    }

    // Access tokens have no account that they may ask about; what they make names it.
    assert_eq!(repository.client().user().await.unwrap_err().status(), Some(401));
    assert_eq!(repository.identity().await.unwrap(), None);
    let api = world
        .sandbox
        .api_token("acme", "ada@example.com", &["read:repository:bitbucket", "read:user:bitbucket"])
        .unwrap();
    let auth = Auth::ApiToken { email: "ada@example.com".to_owned(), token: Secret::new(&api) };
    assert!(world.repository(auth).identity().await.unwrap().is_some());
    let made = repository.create_comment(number, &NewComment::general("one")).await.unwrap();
    assert!(made.author().is_some());
    let changed = repository.update_comment(number, made.id, &NewComment::general("two")).await.unwrap();
    assert_eq!((changed.id, changed.text()), (made.id, "two"));
    repository.delete_comment(number, made.id).await.unwrap();
    repository.delete_comment(number, made.id).await.unwrap();
    let comments = repository.comments_where(number, |_| true).await.unwrap();
    assert!(comments.iter().all(|comment| comment.id == made.id && comment.deleted), "{comments:?}");

    let diff = String::from_utf8(repository.diff(number, 10_000).await.unwrap()).unwrap();
    assert!(diff.contains("+more"), "{diff}");
    let files = repository.diffstat(number).await.unwrap();
    assert_eq!(files.len(), 1);
    assert_eq!((files[0].status, files[0].lines_added), (DiffStatus::Modified, 1));
}

#[tokio::test]
async fn a_moved_repository_is_found_under_its_new_name() {
    let world = World::new();
    let repository = world.usual();
    world.sandbox.rename_repository(REPOSITORY, "acme/store").unwrap();
    assert_eq!(repository.get().await.unwrap().full_name, "acme/store");
    repository.put_report(&world.head, &report()).await.unwrap();
    assert_eq!(repository.reports(&world.head).await.unwrap().len(), 1);
}
