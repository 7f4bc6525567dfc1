//! What people set changes what the app does.

use crate::program::world::verbatim;
use penstock_common::Masked;
use std::sync::atomic::Ordering;

use penstock_app::judgement::{Judge, judge};
use penstock_app::publish::retry;
use penstock_app::settings::{Key, Value, hooks, set};
use penstock_app::store::workspace::{Place, Workspace};
use penstock_app::track::{Actor, Decision, FindingId, Status};
use penstock_common::decorate::Identity;
use penstock_common::delivery::{Delivery, Outcome};
use penstock_common::upload::answer::Answer;
use penstock_common::{Category, Destination, Finding, Severity, Uuid};
use penstock_sandbox::{Commit, Fault, Mishap, Route, Sandbox};
use serde_json::json;

use super::scenes;
use super::uploads::Scene;
use super::world::{REPOSITORY, WORKSPACE, finding, new_repository, upload};
use crate::store::world::database;

scenes!(
    a_report_is_posted_anew_after_a_judgement,
    the_main_branch_is_judged_again,
    a_branch_without_a_pull_request_is_judged_again,
    another_gate_judges_anew,
    a_missing_scan_is_told_as_set,
    a_policy_counts_in_its_own_pull_request_if_that_is_set,
    nothing_is_posted_that_is_switched_off,
    a_hook_set_up_by_hand_tells_what_happened,
    tokens_for_nobody_are_taken_as_the_workspace_says,
    what_was_refused_is_tried_again,
);

const NOTHING: [&str; 0] = [];

impl Scene {
    fn tenant(&self) -> Workspace {
        self.app.state.store.for_workspace(self.workspace())
    }

    async fn set(&self, key: Key, value: Value) {
        set(&self.tenant(), None, &[(key, Some(value))], "admin", self.app.state.now()).await.unwrap();
    }

    async fn repository(&self) -> Uuid {
        self.tenant().repositories().await.unwrap()[0].repository
    }

    fn state(&self, commit: &str) -> Vec<String> {
        let told = self.sandbox.statuses(REPOSITORY, commit).unwrap();
        told.iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
    }

    /// A pull request that was not scanned yet, and its head.
    fn pull_request(&self) -> (u64, String) {
        self.sandbox.branch(REPOSITORY, "feature", "main").unwrap();
        let head = self.sandbox.push(REPOSITORY, "feature", &Commit::new("F").write("n.rs", "1")).unwrap();
        (self.sandbox.open_pull_request(REPOSITORY, "F", "feature", "main").unwrap(), head)
    }

    async fn dismiss(&self, rule: &str, pull_request: Option<u64>) {
        let (workspace, repository) = (self.tenant(), self.repository().await);
        let finding: FindingId = {
            let mut lane = workspace.lane(repository).await;
            let tracked = lane.state(&[]).await.unwrap();
            tracked.repository.findings().find(|one| one.rule == rule).unwrap().id
        };
        let now = self.app.state.now();
        let author = Actor::Account("judge".to_owned());
        let (reason, account) = ("no such thing".into(), "judge".to_owned());
        let decision = Decision { status: Status::FalsePositive, reason, author, account, expires: None, now };
        let wish = Judge { finding, pull_request, decision };
        judge(&self.app.state, &workspace, repository, &wish).await.unwrap();
        self.app.settle(&self.sandbox).await;
    }

    /// Tells what came of the pipe's reports, as the pipe does.
    async fn told(&self, answer: &Answer, outcome: Outcome) {
        let token = self.token("upload", None).await;
        let told = [Delivery { destination: Destination::CodeInsights, outcome }];
        let response = reqwest::Client::new()
            .post(format!("{}/api/v1/runs/{}/deliveries", self.app.base, answer.run))
            .bearer_auth(token)
            .header("content-type", "application/json")
            .body(serde_json::to_string(&told).unwrap())
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 204);
        self.app.settle(&self.sandbox).await;
    }
}

fn published() -> Outcome {
    Outcome::Published { detail: "1 report".into() }
}

/// Of one annotation its id and its result.
fn annotations(sandbox: &Sandbox, commit: &str, report: &str) -> Vec<(String, String)> {
    let text = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let mut all: Vec<_> = sandbox
        .annotations(REPOSITORY, commit, report)
        .unwrap()
        .iter()
        .map(|one| (text(one, "external_id"), text(one, "result")))
        .collect();
    all.sort();
    all
}

fn annotation_id(finding: &Finding) -> String {
    finding.fingerprints.primary.as_str().replace(':', "-")
}

async fn a_report_is_posted_anew_after_a_judgement(scene: Scene) {
    let Scene { sandbox, app } = &scene;
    let main = sandbox.branch_step(REPOSITORY, "main").unwrap();
    app.scan(sandbox, &main, &[]).await;
    let (number, head) = scene.pull_request();
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    let (bad, other) = (finding("bad", "n.rs", Severity::High), finding("other", "o.rs", Severity::High));
    let findings = [bad.clone(), other.clone()];
    let answer = app.scan(sandbox, &step, &findings).await;
    let sent = upload(sandbox, &step, &findings);
    let report = Identity::new(sent.run.subject.as_ref().unwrap(), &sent.name).report_id(Category::CodeQuality);
    let reports = |commit: &str| sandbox.reports(REPOSITORY, commit).unwrap();

    scene.told(&answer, published()).await;
    assert!(reports(&head).is_empty(), "what the pipe posted stands");
    scene.dismiss("bad", Some(number)).await;
    let mut expected = vec![(annotation_id(&bad), "IGNORED".to_owned()), (annotation_id(&other), "FAILED".to_owned())];
    expected.sort();
    assert_eq!(annotations(sandbox, &head, &report), expected, "{:?}", reports(&head));
    let details = sandbox.annotations(REPOSITORY, &head, &report).unwrap();
    assert!(details.iter().any(|one| one["details"].as_str().unwrap().contains("false positive: no such thing")));
    let result = |commit: &str| {
        let all = reports(commit);
        all.iter().find(|one| one["external_id"] == report.as_str()).unwrap()["result"].as_str().unwrap().to_owned()
    };
    assert_eq!(result(&head), "FAILED");
    scene.dismiss("other", Some(number)).await;
    assert_eq!(
        (result(&head).as_str(), reports(&head).len()),
        ("PASSED", 2),
        "one for each category, in place of themselves"
    );

    // The next run knows nothing of that, and the app says it after the pipe has.
    let next = sandbox.push(REPOSITORY, "feature", &Commit::new("G").write("g.rs", "1")).unwrap();
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    let answer = app.scan(sandbox, &step, &findings).await;
    app.settle(sandbox).await;
    assert!(reports(&next).is_empty());
    scene.told(&answer, published()).await;
    assert_eq!(result(&next), "PASSED");

    // What the pipe could not post is posted, and what nobody wants is not.
    for (name, remedy, count) in [("H", "set a token", 2), ("I", "", 0)] {
        let next = sandbox.push(REPOSITORY, "feature", &Commit::new(name).write("h.rs", name)).unwrap();
        let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
        let answer = app.scan(sandbox, &step, &findings).await;
        let skipped = Outcome::Skipped { reason: "no".into(), remedy: verbatim(remedy) };
        scene.told(&answer, skipped).await;
        assert_eq!(reports(&next).len(), count, "{name}");
    }
    let told = scene.tenant().deliveries(scene.repository().await, 50).await.unwrap();
    assert!(
        told.iter().any(|row| row.sender == "app" && row.destination == "code-insights" && row.outcome == "published")
    );
    let violations = sandbox.violations();
    assert!(violations.is_empty(), "{violations:?}");
}

async fn the_main_branch_is_judged_again(scene: Scene) {
    let Scene { sandbox, app } = &scene;
    scene.set(Key::Gate, Value::of_form(Key::Gate, "any.high <= 0").unwrap().unwrap()).await;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let answer = app.scan(sandbox, &step, &[finding("bad", "a.rs", Severity::High)]).await;
    assert!(
        answer.gate.as_ref().unwrap().conditions.iter().any(|one| one.name == "any.high"),
        "the floor is part of the gate"
    );
    app.settle(sandbox).await;
    assert_eq!(scene.state(step.commit()), ["FAILED"]);
    scene.told(&answer, Outcome::Failed { reason: "no".into(), remedy: Masked::EMPTY }).await;
    let results = || {
        let reports = sandbox.reports(REPOSITORY, step.commit()).unwrap();
        reports.iter().map(|one| one["result"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(results().contains(&"FAILED".to_owned()), "what the pipe could not post: {:?}", results());
    scene.dismiss("bad", None).await;
    assert_eq!(scene.state(step.commit()), ["SUCCESSFUL"]);
    assert_eq!(results(), ["PASSED", "PASSED"]);
}

async fn a_branch_without_a_pull_request_is_judged_again(scene: Scene) {
    let Scene { sandbox, app } = &scene;
    scene.set(Key::Gate, Value::of_form(Key::Gate, "any.high <= 0").unwrap().unwrap()).await;
    let bad = finding("bad", "a.rs", Severity::High);
    let branch = async |name: &str, findings: &[Finding]| {
        sandbox.branch(REPOSITORY, name, "main").unwrap();
        sandbox.push(REPOSITORY, name, &Commit::new(name).write("n.rs", name)).unwrap();
        let step = sandbox.branch_step(REPOSITORY, name).unwrap();
        app.scan(sandbox, &step, findings).await;
        step.commit().to_owned()
    };
    app.scan(sandbox, &sandbox.branch_step(REPOSITORY, "main").unwrap(), &[]).await;
    let with = branch("release", std::slice::from_ref(&bad)).await;
    let with_another = branch("trial", &[bad.clone(), finding("worse", "b.rs", Severity::High)]).await;
    let of_other = branch("other", &[finding("worse", "b.rs", Severity::High)]).await;
    let gone = branch("gone", std::slice::from_ref(&bad)).await;
    app.settle(sandbox).await;
    sandbox.delete_branch(REPOSITORY, "gone").unwrap();
    app.settle(sandbox).await;
    for head in [&with, &with_another, &of_other, &gone] {
        assert_eq!(scene.state(head), ["FAILED"]);
    }
    scene.dismiss("bad", None).await;
    assert_eq!(scene.state(&with), ["SUCCESSFUL"]);
    assert_eq!(scene.state(&with_another), ["FAILED"], "something else is wrong there");
    assert_eq!(scene.state(&of_other), ["FAILED"]);
    assert_eq!(scene.state(&gone), ["FAILED"], "nobody looks at it any more");
    scene.dismiss("worse", None).await;
    assert_eq!(scene.state(&with_another), ["SUCCESSFUL"]);
    assert_eq!(scene.state(&of_other), ["SUCCESSFUL"]);

    // What the pipe could not post there is posted.
    let step = sandbox.branch_step(REPOSITORY, "other").unwrap();
    let answer = app.scan(sandbox, &step, &[finding("worse", "b.rs", Severity::High)]).await;
    assert!(sandbox.reports(REPOSITORY, &of_other).unwrap().is_empty());
    scene.told(&answer, Outcome::Failed { reason: "no".into(), remedy: Masked::EMPTY }).await;
    assert_eq!(sandbox.reports(REPOSITORY, &of_other).unwrap().len(), 2);
    let violations = sandbox.violations();
    assert!(violations.is_empty(), "{violations:?}");
}

/// What was judged before a setting changed is judged by it, without another run: of a repository, and of all of a workspace and of no other one.
async fn another_gate_judges_anew(scene: Scene) {
    let Scene { sandbox, app } = &scene;
    let low = [finding("low", "a.rs", Severity::Low)];
    let names = [REPOSITORY, "acme/second", "zeta/shop"];
    for name in &names[1..] {
        new_repository(sandbox, name);
    }
    app.install(sandbox, "zeta").await;
    let mut heads = Vec::new();
    for name in names {
        let main = sandbox.branch_step(name, "main").unwrap();
        app.scan(sandbox, &main, &low).await;
        sandbox.branch(name, "feature", "main").unwrap();
        sandbox.push(name, "feature", &Commit::new("F").write("n.rs", name)).unwrap();
        let number = sandbox.open_pull_request(name, "F", "feature", "main").unwrap();
        let step = sandbox.pull_request_step(name, number).unwrap();
        app.scan(sandbox, &step, &low).await;
        heads.push((name, main.commit().to_owned(), step.commit().to_owned()));
    }
    let told = async || {
        app.settle(sandbox).await;
        let state = |name, commit: &str| {
            let all = sandbox.statuses(name, commit).unwrap();
            let states: Vec<String> = all.iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect();
            assert_eq!(states.len(), 1, "one status, in place of itself");
            states.concat()
        };
        heads.iter().map(|(name, main, head)| (state(name, main), state(name, head))).collect::<Vec<_>>()
    };
    let both = |state: &str| (state.to_owned(), state.to_owned());
    let (good, bad) = (both("SUCCESSFUL"), both("FAILED"));
    assert_eq!(told().await, [good.clone(), good.clone(), good.clone()]);
    let floor = Value::of_form(Key::Gate, "any.low <= 0").unwrap().unwrap();
    let tenant = app.state.store.for_workspace(
        sandbox.installed().iter().find(|one| one.workspace == WORKSPACE).unwrap().workspace_uuid.parse().unwrap(),
    );
    let second = tenant.repositories().await.unwrap().into_iter().find(|row| row.name == "acme/second").unwrap();
    let change = async |level, value: Option<Value>| {
        set(&tenant, level, &[(Key::Gate, value)], "admin", app.state.now()).await.unwrap();
        told().await
    };
    assert_eq!(change(Some(second.repository), Some(floor.clone())).await, [good.clone(), bad.clone(), good.clone()]);
    assert_eq!(change(None, Some(floor)).await, [bad.clone(), bad.clone(), good.clone()]);
    assert_eq!(change(None, None).await, [good.clone(), bad, good], "the repository's own holds on");
    let violations = sandbox.violations();
    assert!(violations.is_empty(), "{violations:?}");
}

async fn a_missing_scan_is_told_as_set(scene: Scene) {
    let Scene { sandbox, app } = &scene;
    let (number, head) = scene.pull_request();
    app.settle(sandbox).await;
    assert_eq!(scene.state(&head), NOTHING, "nobody knows that it should be scanned");
    scene.set(Key::MissingScan, Value::of_form(Key::MissingScan, "always").unwrap().unwrap()).await;
    let push = |text: &str| sandbox.push(REPOSITORY, "feature", &Commit::new(text).write("n.rs", text)).unwrap();
    let head = push("2");
    app.settle(sandbox).await;
    assert_eq!(scene.state(&head), ["INPROGRESS"]);
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    app.scan(sandbox, &step, &[]).await;
    scene.set(Key::MissingScan, Value::of_form(Key::MissingScan, "never").unwrap().unwrap()).await;
    let head = push("3");
    app.settle(sandbox).await;
    assert_eq!(scene.state(&head), NOTHING);
    scene.set(Key::MissingScan, Value::of_form(Key::MissingScan, "lately").unwrap().unwrap()).await;
    let head = push("4");
    app.settle(sandbox).await;
    assert_eq!(scene.state(&head), ["INPROGRESS"], "a run came a moment ago");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn waiting_ends_when_it_is_set_to_on_sqlite() {
    waiting_ends(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn waiting_ends_when_it_is_set_to_on_postgres() {
    if let Some(url) = database().await {
        waiting_ends(Some(&url)).await;
    }
}

async fn waiting_ends(postgres: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let (scene, ahead) = Scene::with_clock(postgres, folder.path()).await;
    scene.set(Key::MissingScan, Value::of_form(Key::MissingScan, "always").unwrap().unwrap()).await;
    scene.set(Key::WaitingMinutes, Value::Number(7)).await;
    let (_, head) = scene.pull_request();
    scene.app.settle(&scene.sandbox).await;
    assert_eq!(scene.state(&head), ["INPROGRESS"]);
    ahead.store(6 * 60_000, Ordering::Relaxed);
    scene.app.settle(&scene.sandbox).await;
    assert_eq!(scene.state(&head), ["INPROGRESS"], "a minute is left");
    ahead.store(8 * 60_000, Ordering::Relaxed);
    scene.app.settle(&scene.sandbox).await;
    assert_eq!(scene.state(&head), ["STOPPED"]);
    scene.app.stop().await;
}

async fn a_policy_counts_in_its_own_pull_request_if_that_is_set(scene: Scene) {
    let Scene { sandbox, app } = &scene;
    let main = sandbox.branch_step(REPOSITORY, "main").unwrap();
    app.scan(sandbox, &main, &[]).await;
    let (number, _) = scene.pull_request();
    let loose = "[gate]\nnew.high = 5\n";
    let head = sandbox.push(REPOSITORY, "feature", &Commit::new("Loosen").write("penstock.toml", loose)).unwrap();
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    app.scan(sandbox, &step, &[finding("bad", "n.rs", Severity::High)]).await;
    app.settle(sandbox).await;
    assert_eq!(scene.state(&head), ["FAILED"], "it counts after the merge");
    scene.set(Key::PolicyChanges, Value::Switch(true)).await;
    let head = sandbox.push(REPOSITORY, "feature", &Commit::new("Again").write("x.rs", "1")).unwrap();
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    app.scan(sandbox, &step, &[finding("bad", "n.rs", Severity::High)]).await;
    app.settle(sandbox).await;
    assert_eq!(scene.state(&head), ["SUCCESSFUL"]);
    // What the workspace wants holds all the same.
    scene.set(Key::Gate, Value::of_form(Key::Gate, "new.high <= 0").unwrap().unwrap()).await;
    let head = sandbox.push(REPOSITORY, "feature", &Commit::new("Once more").write("x.rs", "2")).unwrap();
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    app.scan(sandbox, &step, &[finding("bad", "n.rs", Severity::High)]).await;
    app.settle(sandbox).await;
    assert_eq!(scene.state(&head), ["FAILED"]);
}

async fn nothing_is_posted_that_is_switched_off(scene: Scene) {
    let Scene { sandbox, app } = &scene;
    let main = sandbox.branch_step(REPOSITORY, "main").unwrap();
    app.scan(sandbox, &main, &[]).await;
    let off = [Key::PostStatus, Key::PostComment, Key::PostReport].map(|key| (key, Some(Value::Switch(false))));
    let repository = scene.repository().await;
    set(&scene.tenant(), Some(repository), &off, "admin", app.state.now()).await.unwrap();
    let (number, head) = scene.pull_request();
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    let answer = app.scan(sandbox, &step, &[finding("bad", "n.rs", Severity::High)]).await;
    assert!(answer.posts.is_empty(), "so the pipe posts: {answer:?}");
    scene.told(&answer, Outcome::Failed { reason: "no".into(), remedy: Masked::EMPTY }).await;
    scene.dismiss("bad", Some(number)).await;
    assert_eq!(scene.state(&head), NOTHING);
    assert!(sandbox.comments(REPOSITORY, number).unwrap().is_empty());
    assert!(sandbox.reports(REPOSITORY, &head).unwrap().is_empty());
}

async fn a_hook_set_up_by_hand_tells_what_happened(scene: Scene) {
    let Scene { sandbox, app } = &scene;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    app.scan(sandbox, &step, &[]).await;
    let (workspace, repository) = (scene.tenant(), scene.repository().await);
    let made = hooks::make(&workspace, repository, &app.state.config.base, "admin", app.state.now()).await.unwrap();
    let secret = made.secret.expose();
    let hook = sandbox.hook(REPOSITORY, &made.url, Some(secret), &["*"]).unwrap();
    let wrong = sandbox.hook(REPOSITORY, &made.url, Some("another secret"), &["*"]).unwrap();
    let unsigned = sandbox.hook(REPOSITORY, &made.url, None, &["*"]).unwrap();
    sandbox.repository("acme/other").unwrap();
    let elsewhere = sandbox.hook("acme/other", &made.url, Some(secret), &["*"]).unwrap();
    let answers = async |receiver: &str, event: &str| {
        app.settle(sandbox).await;
        let all = sandbox.deliveries();
        let of = all.iter().filter(|one| one.receiver == receiver && one.event == event);
        of.filter_map(|one| one.attempts.last().and_then(|attempt| attempt.status)).collect::<Vec<_>>()
    };
    sandbox.branch(REPOSITORY, "feature", "main").unwrap();
    let head = sandbox.push(REPOSITORY, "feature", &Commit::new("F").write("n.rs", "1")).unwrap();
    app.settle(sandbox).await;
    // What Bitbucket tells the app itself is lost: only the hook tells of the pull request.
    sandbox.mishap(Mishap::Lose, 1);
    sandbox.open_pull_request(REPOSITORY, "F", "feature", "main").unwrap();
    assert_eq!(answers(&hook, "pullrequest:created").await, [200]);
    assert_eq!(answers(&wrong, "pullrequest:created").await, [401]);
    assert_eq!(answers(&unsigned, "pullrequest:created").await, [401]);
    assert_eq!(scene.state(&head), ["INPROGRESS"]);
    sandbox.push("acme/other", "main", &Commit::new("B").write("x", "1")).unwrap();
    assert_eq!(answers(&elsewhere, "repo:push").await, [422], "its secret was made for another repository");
    assert!(hooks::remove(&workspace, repository, made.hook, "admin", app.state.now()).await.unwrap());
    sandbox.push(REPOSITORY, "main", &Commit::new("C").write("c.rs", "1")).unwrap();
    assert_eq!(answers(&hook, "repo:push").await.last(), Some(&401));
}

async fn tokens_for_nobody_are_taken_as_the_workspace_says(scene: Scene) {
    let Scene { sandbox, app } = &scene;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let (token, run) = (sandbox.oidc_token(&step, &[]), upload(sandbox, &step, &[]));
    assert_eq!(app.send(&token, &run).await.0, 401);
    scene.set(Key::DefaultAudience, Value::Switch(true)).await;
    let (status, body) = app.send(&token, &run).await;
    assert_eq!(status, 201, "{body}");
    scene.set(Key::DefaultAudience, Value::Switch(false)).await;
    assert_eq!(app.send(&token, &run).await.0, 401);
}

async fn what_was_refused_is_tried_again(scene: Scene) {
    let Scene { sandbox, app } = &scene;
    let statuses = Route::new("POST", "/2.0/repositories/*/statuses/build");
    sandbox.fault(statuses, Fault::status(403), 1);
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    app.scan(sandbox, &step, &[]).await;
    app.settle(sandbox).await;
    assert_eq!(scene.state(step.commit()), NOTHING);
    let (workspace, repository) = (scene.tenant(), scene.repository().await);
    let failed = workspace.deliveries(repository, 10).await.unwrap();
    assert_eq!((failed[0].destination.as_str(), failed[0].outcome.as_str()), ("build-status", "failed"));
    let place = Place { repository, kind: "status".to_owned(), subject: failed[0].subject.clone() };
    let nothing = Place { subject: "nothing".to_owned(), ..place.clone() };
    assert!(!retry(&workspace, &nothing, "admin", app.state.now()).await.unwrap());
    assert!(retry(&workspace, &place, "admin", app.state.now()).await.unwrap());
    app.settle(sandbox).await;
    assert_eq!(scene.state(step.commit()), ["SUCCESSFUL"]);
    let told = workspace.audit(Some(repository), u64::MAX, 10).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(json!(told[0].1.act), json!({"act": "delivery_retried", "kind": "status", "subject": place.subject}));
}
