//! The story of a pull request: installed, pushed, opened, scanned, merged, reverted, renamed.

use penstock_common::Masked;
use penstock_common::gate::Verdict;
use penstock_common::upload::answer::State as Progress;
use penstock_common::{Destination, Severity, Uuid};
use penstock_sandbox::{Commit, Sandbox};
use serde_json::Value;

use super::world::{APP, App, REPOSITORY, WORKSPACE, finding, shop};
use crate::store::world::database;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_sqlite() {
    story(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_postgres() {
    if let Some(url) = database().await {
        story(Some(&url)).await;
    }
}

fn statuses(sandbox: &Sandbox, repository: &str, commit: &str) -> Vec<(String, String)> {
    let told = sandbox.statuses(repository, commit).unwrap();
    let text = |status: &Value, key: &str| status[key].as_str().unwrap_or_default().to_owned();
    told.iter().map(|status| (text(status, "state"), text(status, "description"))).collect()
}

fn comments(sandbox: &Sandbox, number: u64) -> Vec<String> {
    let told = sandbox.comments(REPOSITORY, number).unwrap();
    told.into_iter().filter(|comment| !comment.is_deleted).map(|comment| comment.raw).collect()
}

/// Rules that are open on a branch, as the database has them.
async fn open(app: &App, repository: Uuid, branch: &str) -> Vec<String> {
    let workspace = app.state.store.system().tenants().await.unwrap()[0].workspace;
    let mut lane = app.state.store.for_workspace(workspace).lane(repository).await;
    let tracked = lane.state(&[branch]).await.unwrap();
    let Some(branch) = tracked.repository.branch_named(branch) else { return Vec::new() };
    let rules = tracked.repository.open(branch.id).filter_map(|row| tracked.repository.finding(row.finding));
    let mut rules: Vec<String> = rules.map(|finding| finding.rule.to_string()).collect();
    rules.sort();
    rules
}

async fn story(postgres: Option<&str>) {
    let sandbox = shop();
    let app = App::start(&sandbox, postgres).await;
    app.install(&sandbox, WORKSPACE).await;

    // The main branch is scanned: old debt.
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let old = finding("old", "a.rs", Severity::High);
    let answer = app.scan(&sandbox, &step, std::slice::from_ref(&old)).await;
    assert_eq!(answer.state, Progress::Applied, "{answer:?}");
    assert_eq!(answer.by_app(Destination::BuildStatus), Some(&Masked::EMPTY));
    let repository: Uuid = sandbox
        .step_environment(&step)
        .iter()
        .find(|(name, _)| name == "BITBUCKET_REPO_UUID")
        .unwrap()
        .1
        .parse()
        .unwrap();
    app.settle(&sandbox).await;
    assert_eq!(open(&app, repository, "main").await, ["old"]);
    assert_eq!(statuses(&sandbox, REPOSITORY, step.commit()).len(), 1);

    // A pull request is opened: it waits for its scan.
    let first = sandbox.push(REPOSITORY, "main", &Commit::new("More").write("b.rs", "1")).unwrap();
    sandbox.branch(REPOSITORY, "feature", &first).unwrap();
    let head = sandbox.push(REPOSITORY, "feature", &Commit::new("Feature").write("c.rs", "1")).unwrap();
    let number = sandbox.open_pull_request(REPOSITORY, "Feature", "feature", "main").unwrap();
    app.settle(&sandbox).await;
    assert_eq!(statuses(&sandbox, REPOSITORY, &head)[0].0, "INPROGRESS");

    // It is scanned: one new finding, which blocks.
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    let new = finding("new", "c.rs", Severity::High);
    let answer = app.scan(&sandbox, &step, &[old.clone(), new.clone()]).await;
    assert_eq!((answer.counts.new, answer.counts.existing), (1, 1), "{answer:?}");
    assert_eq!(answer.gate.as_ref().unwrap().verdict(), Verdict::Failed);
    assert_eq!(answer.by_app(Destination::PrComment), Some(&Masked::EMPTY));
    app.settle(&sandbox).await;
    let told = statuses(&sandbox, REPOSITORY, &head);
    assert_eq!((told.len(), told[0].0.as_str()), (1, "FAILED"), "{told:?}");
    let told = comments(&sandbox, number);
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("Message of new") && !told[0].contains("Message of old"), "{}", told[0]);

    // The same run again changes nothing and is answered the same.
    let again = app.scan(&sandbox, &step, &[old.clone(), new.clone()]).await;
    assert_eq!(again, answer);
    app.settle(&sandbox).await;
    assert_eq!(comments(&sandbox, number), told);

    // It is fixed.
    let fixed = sandbox.push(REPOSITORY, "feature", &Commit::new("Fix").write("c.rs", "2")).unwrap();
    app.settle(&sandbox).await;
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    let answer = app.scan(&sandbox, &step, std::slice::from_ref(&old)).await;
    assert_eq!(answer.gate.as_ref().unwrap().verdict(), Verdict::Passed, "{answer:?}");
    app.settle(&sandbox).await;
    assert_eq!(statuses(&sandbox, REPOSITORY, &fixed)[0].0, "SUCCESSFUL");
    assert_eq!(comments(&sandbox, number).len(), 1, "the same comment was updated");
    assert!(!comments(&sandbox, number)[0].contains("Message of new"));

    // It breaks once more and is merged all the same: the destination has it.
    sandbox.push(REPOSITORY, "feature", &Commit::new("Break").write("c.rs", "3")).unwrap();
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    app.scan(&sandbox, &step, &[old.clone(), new.clone()]).await;
    app.settle(&sandbox).await;
    sandbox.merge(REPOSITORY, number).unwrap();
    app.settle(&sandbox).await;
    assert_eq!(open(&app, repository, "main").await, ["new", "old"]);

    // Reverted, then back again: fixed and reopened.
    sandbox.push(REPOSITORY, "main", &Commit::new("Revert").write("c.rs", "4")).unwrap();
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    app.scan(&sandbox, &step, std::slice::from_ref(&old)).await;
    assert_eq!(open(&app, repository, "main").await, ["old"]);
    sandbox.push(REPOSITORY, "main", &Commit::new("Again").write("c.rs", "5")).unwrap();
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    app.scan(&sandbox, &step, &[old.clone(), new.clone()]).await;
    assert_eq!(open(&app, repository, "main").await, ["new", "old"]);

    // A branch that is deleted takes what stood on it with it; a new name changes nothing.
    sandbox.delete_branch(REPOSITORY, "feature").unwrap();
    sandbox.rename_repository(REPOSITORY, "acme/store").unwrap();
    app.settle(&sandbox).await;
    assert!(open(&app, repository, "feature").await.is_empty());
    assert_eq!(open(&app, repository, "main").await, ["new", "old"]);
    let tenant = app.state.store.system().tenants().await.unwrap()[0].workspace;
    let row = app.state.store.for_workspace(tenant).repository(repository).await.unwrap().unwrap();
    assert_eq!(row.slug, "store");

    // Uninstalled: nobody gets in any more.
    let token = sandbox.oidc_token(&step, &[&app.base]);
    tokio::task::block_in_place(|| sandbox.uninstall(APP, WORKSPACE)).unwrap();
    let (status, _) = app.send_body(&token, b"{}".to_vec(), "some-key").await;
    assert_eq!(status, 401);
    let dead = app.state.store.system().dead_jobs(10).await.unwrap();
    assert!(dead.is_empty(), "{dead:?}");
    app.stop().await;
}
