//! Each kind of job, interrupted.

use penstock_app::jobs::{kind, perform};
use penstock_app::settings::{Key, Value, set};
use penstock_app::state::State;
use penstock_app::store::new_id;
use penstock_app::store::system::Job;
use penstock_common::Uuid;
use penstock_sandbox::{Commit, Permission};

use super::bench::{Bench, FEATURE, Interruption, Operation, failed};
use super::{ends_alike, interrupted};
use crate::program::world::{REPOSITORY, finding};

interrupted!(
    branches,
    a_repository,
    a_pull_request_that_is_updated,
    a_pull_request_that_is_merged,
    a_pull_request_that_is_declined,
    a_main_branch,
    a_branch,
    a_repository_judged_anew,
    a_workspace_judged_anew,
    the_end_of_waiting,
    a_sweep,
    a_comment,
    a_post,
);

type Database = Option<String>;

/// A job about the bench's repository.
fn job(bench: &Bench, kind: &str, subject: &str) -> impl Fn(State) -> Operation + use<> {
    job_in(bench, Some(bench.repository), kind, subject)
}

fn job_in(bench: &Bench, repository: Option<Uuid>, kind: &str, subject: &str) -> impl Fn(State) -> Operation + use<> {
    let (workspace, kind, subject) = (bench.tenant, kind.to_owned(), subject.to_owned());
    let job = Job { id: new_id(), workspace, repository, kind, subject, attempts: 1, created_at: 0 };
    move |state| {
        let job = job.clone();
        Box::pin(async move { perform(&state, &job).await.map_err(failed) })
    }
}

async fn branches(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| {
        bench.sandbox.push(REPOSITORY, "main", &Commit::new("Next").write("c.rs", "1")).unwrap();
        bench.sandbox.decline(REPOSITORY, bench.pull_request).unwrap();
        bench.sandbox.delete_branch(REPOSITORY, FEATURE).unwrap();
        job(bench, kind::BRANCHES, "")
    })
    .await;
}

async fn a_repository(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| {
        bench.sandbox.rename_repository(REPOSITORY, "acme/store").unwrap();
        job(bench, kind::REPOSITORY, "")
    })
    .await;
}

async fn a_pull_request_that_is_updated(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| {
        bench.sandbox.push(REPOSITORY, FEATURE, &Commit::new("Next").write("c.rs", "1")).unwrap();
        job(bench, kind::PULL_REQUEST, &bench.pull_request.to_string())
    })
    .await;
}

async fn a_pull_request_that_is_merged(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| {
        bench.settle_waiting().await;
        bench.sandbox.merge(REPOSITORY, bench.pull_request).unwrap();
        job(bench, kind::PULL_REQUEST, &bench.pull_request.to_string())
    })
    .await;
}

async fn a_pull_request_that_is_declined(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| {
        bench.sandbox.decline(REPOSITORY, bench.pull_request).unwrap();
        job(bench, kind::PULL_REQUEST, &bench.pull_request.to_string())
    })
    .await;
}

/// A setting on which verdicts depend.
async fn stricter(bench: &Bench) {
    let gate = [(Key::Gate, Value::of_form(Key::Gate, "any.high <= 0").unwrap())];
    set(&bench.workspace(), None, &gate, "admin", bench.state().now()).await.unwrap();
}

async fn a_main_branch(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| {
        stricter(bench).await;
        job(bench, kind::MAIN_BRANCH, "")
    })
    .await;
}

async fn a_branch(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| {
        bench.settle_waiting().await;
        bench.sandbox.decline(REPOSITORY, bench.pull_request).unwrap();
        let declined = job(bench, kind::PULL_REQUEST, &bench.pull_request.to_string());
        declined(bench.state()).await.unwrap();
        stricter(bench).await;
        let (branch, _) = bench.workspace().branch(bench.repository, Some(FEATURE)).await.unwrap().unwrap();
        job(bench, kind::BRANCH, &branch.to_string())
    })
    .await;
}

async fn a_repository_judged_anew(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| job(bench, kind::JUDGE_ANEW, "")).await;
}

async fn a_workspace_judged_anew(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| job_in(bench, None, kind::JUDGE_ANEW, "")).await;
}

async fn the_end_of_waiting(database: impl AsyncFn() -> Database, how: Interruption) {
    // The head of the pull request was not scanned: its run waits.
    ends_alike(database, how, async |bench| job(bench, kind::WAITING, &bench.pull_request.to_string())).await;
}

async fn a_sweep(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| {
        bench.sandbox.push(REPOSITORY, FEATURE, &Commit::new("Next").write("c.rs", "1")).unwrap();
        bench.sandbox.rename_repository(REPOSITORY, "acme/store").unwrap();
        job(bench, kind::SWEEP, "")
    })
    .await;
}

async fn a_comment(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| {
        bench.settle_waiting().await;
        let writer = bench.sandbox.person("Wim").uuid;
        bench.sandbox.permit(REPOSITORY, &writer, Permission::Write).unwrap();
        let three = finding("three", "three.rs", penstock_common::Severity::High);
        let text = format!("/penstock ignore {} it is a test", &three.fingerprints.primary.as_str()[4..14]);
        let person = bench.sandbox.acting_as(&writer).unwrap();
        let comment = person.comment(REPOSITORY, bench.pull_request, &text).unwrap();
        job(bench, kind::COMMENT, &format!("{}/{comment}", bench.pull_request))
    })
    .await;
}

async fn a_post(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| {
        bench.settle_waiting().await;
        let wished = bench.ask("select subject from jobs where kind = 'publish' and subject like 'comment/%'").await;
        job(bench, kind::PUBLISH, &wished[0])
    })
    .await;
}
