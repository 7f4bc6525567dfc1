//! What an upload may not do.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use penstock_app::crypto::MasterKeys;
use penstock_app::door::token::ApiToken;
use penstock_app::store::new_id;
use penstock_app::store::workspace::NewToken;
use penstock_common::upload::answer::State as Progress;
use penstock_common::upload::v1::Upload;
use penstock_common::{Severity, Uuid};
use penstock_sandbox::{Commit, Fault, Route, Sandbox};
use serde_json::Value;

use super::world::{APP, App, REPOSITORY, WORKSPACE, clock_ahead, finding, new_repository, shop, upload, verbatim};

pub(crate) struct Scene {
    pub(crate) sandbox: Sandbox,
    pub(crate) app: App,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::on(None).await
    }

    pub(crate) async fn on(postgres: Option<&str>) -> Self {
        let sandbox = shop();
        let app = App::start(&sandbox, postgres).await;
        app.install(&sandbox, WORKSPACE).await;
        Self { sandbox, app }
    }

    /// The app has a clock that can be set ahead of the sandbox's, in milliseconds.
    pub(crate) async fn with_clock(postgres: Option<&str>, folder: &Path) -> (Self, Arc<AtomicI64>) {
        let sandbox = shop();
        let key = folder.join("master.key");
        MasterKeys::read_or_create(&key).unwrap();
        let (clock, ahead) = clock_ahead();
        let app = App::start_at(&sandbox, postgres, folder, &key, clock).await;
        app.install(&sandbox, WORKSPACE).await;
        (Self { sandbox, app }, ahead)
    }

    pub(crate) fn workspace(&self) -> Uuid {
        let installed = self.sandbox.installed();
        installed[0].workspace_uuid.parse().unwrap()
    }

    pub(crate) async fn token(&self, scopes: &str, repository: Option<Uuid>) -> String {
        let token = ApiToken::issue().unwrap();
        let new = NewToken {
            token: new_id(),
            hash: *token.hash().as_bytes(),
            repository,
            name: "ci".to_owned(),
            scopes: scopes.to_owned(),
            creator: "me".to_owned(),
            maker: None,
            expires_at: None,
        };
        let mut write = self.app.state.store.for_workspace(self.workspace()).write().await.unwrap();
        write.new_token(&new, self.app.state.now()).await.unwrap();
        write.commit().await.unwrap();
        token.expose().to_owned()
    }

    /// Refused with this status, and words that hold `word`.
    async fn refused(&self, token: &str, upload: &Upload, status: u16, word: &str) {
        let (told, body) = self.app.send(token, upload).await;
        assert!(told == status && body["detail"].as_str().unwrap_or_default().contains(word), "{told} {body}");
        assert_eq!(body["status"], status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_step_writes_to_its_own_repository_about_its_own_commit() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    let other = "acme/other";
    new_repository(sandbox, other);
    let foreign = sandbox.branch_step(other, "main").unwrap();
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let token = sandbox.oidc_token(&step, &[&app.base]);
    let good = upload(sandbox, &step, &[]);
    let change = |change: &dyn Fn(&mut penstock_common::Subject)| {
        let mut upload = good.clone();
        change(upload.run.subject.as_mut().unwrap());
        upload
    };

    scene.refused(&token, &upload(sandbox, &foreign, &[]), 403, "its own repository only").await;
    scene.refused(&sandbox.oidc_token(&step, &[]), &good, 401, "").await;
    scene.refused(&sandbox.oidc_token(&step, &["https://other.example"]), &good, 401, "").await;
    scene.refused("nonsense", &good, 401, "").await;
    let commit = change(&|subject| subject.commit = "1".repeat(40));
    scene.refused(&token, &commit, 422, "another commit").await;
    scene.refused(&token, &change(&|subject| subject.commit = "abc".to_owned()), 422, "40 hex digits").await;
    scene.refused(&token, &change(&|subject| subject.branch = Some("else".into())), 422, "another branch").await;
    let pull_request =
        penstock_common::PullRequest { id: 7, destination_branch: "main".into(), destination_commit: None };
    let claimed = change(&|subject| subject.pull_request = Some(pull_request.clone()));
    scene.refused(&token, &claimed, 422, "not started for this pull request").await;
    let pipeline = change(&|subject| subject.pipeline_uuid = Some(Uuid::from([9; 16]).to_string()));
    scene.refused(&token, &pipeline, 403, "another pipeline").await;
    let (status, body) = app.send(&token, &good).await;
    assert_eq!(status, 201, "{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_may_what_its_scopes_say() {
    let scene = Scene::new().await;
    let step = scene.sandbox.branch_step(REPOSITORY, "main").unwrap();
    let confirmed = upload(&scene.sandbox, &step, &[]);
    let mut free = confirmed.clone();
    free.run.subject.as_mut().unwrap().pipeline_uuid = None;
    scene.refused(&scene.token("read", None).await, &confirmed, 403, "lacks the scope `upload`").await;
    let upload_only = scene.token("upload", None).await;
    scene.refused(&upload_only, &free, 422, "upload:any-ref").await;
    assert_eq!(scene.app.send(&upload_only, &confirmed).await.0, 201);
    let elsewhere = scene.token("upload upload:any-ref", Some(Uuid::from([7; 16]))).await;
    scene.refused(&elsewhere, &free, 404, "no such repository").await;
    let any = scene.token("upload:any-ref", None).await;
    free.name = "other".into();
    let (status, body) = scene.app.send(&any, &free).await;
    assert_eq!((status, body["state"].as_str()), (201, Some("applied")), "{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hostile_body_is_refused_and_the_app_lives() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let token = sandbox.oidc_token(&step, &[&app.base]);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..100 {
        encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let post = async |body: Vec<u8>, encoding: &str, key: &str| {
        let response = reqwest::Client::new()
            .post(format!("{}/api/v1/runs", app.base))
            .bearer_auth(&token)
            .header("idempotency-key", key)
            .header("content-encoding", encoding)
            .body(body)
            .send()
            .await
            .unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (response.status().as_u16(), kind)
    };
    let problem = "application/problem+json".to_owned();
    let _ = app.send(&token, &upload(sandbox, &step, &[])).await;
    assert_eq!(post(bomb, "gzip", "some-key-1").await, (413, problem.clone()));
    assert_eq!(post(b"not gzip".to_vec(), "gzip", "some-key-2").await, (400, problem.clone()));
    assert_eq!(post(b"{}".to_vec(), "br", "some-key-3").await, (415, problem.clone()));
    assert_eq!(post("[".repeat(1 << 20).into_bytes(), "identity", "some-key-4").await, (400, problem.clone()));
    assert_eq!(post(b"{}".to_vec(), "identity", "short").await, (400, problem.clone()));
    for path in ["../etc/passwd", "/etc/passwd", "a//b", "a\u{1b}[31m"] {
        let hostile = upload(sandbox, &step, &[finding("r", path, Severity::High)]);
        scene.refused(&token, &hostile, 422, "finding 0 stands at a path that is none").await;
    }
    let many: Vec<_> = (0..50_001).map(|number| finding("r", &format!("f{number}.rs"), Severity::Low)).collect();
    scene.refused(&token, &upload(sandbox, &step, &many), 413, "at most 50000").await;
    assert_eq!(app.send(&token, &upload(sandbox, &step, &[])).await.0, 201, "and it still serves");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_bitbucket_is_away_a_run_waits_and_moves_nothing() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let token = sandbox.oidc_token(&step, &[&app.base]);
    // Key sets and tokens work; what a run is about cannot be asked.
    sandbox.fault(Route::new("GET", "/2.0/repositories/*/pipelines/*"), Fault::status(503), 1000);
    let run = upload(sandbox, &step, &[finding("r", "a.rs", Severity::High)]);
    let (status, body) = app.send(&token, &run).await;
    assert_eq!((status, body["state"].as_str()), (201, Some("waiting")), "{body}");
    assert!(body.get("gate").is_none(), "without confirmation there is no verdict");
    assert!(app.state.store.for_workspace(scene.workspace()).repositories().await.unwrap().is_empty());
    sandbox.clear_faults();
    let (status, body) = app.send(&token, &run).await;
    assert_eq!((status, body["state"].as_str()), (201, Some("applied")), "the same request goes on: {body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pull_request_of_a_fork_is_not_scanned() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    sandbox.fork(REPOSITORY, "somebody/shop").unwrap();
    sandbox.branch("somebody/shop", "feature", "main").unwrap();
    sandbox.push("somebody/shop", "feature", &Commit::new("Evil").write("x", "1")).unwrap();
    let number = sandbox.open_pull_request_from("somebody/shop", "feature", REPOSITORY, "main").unwrap();
    app.settle(sandbox).await;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let mut run = upload(sandbox, &step, &[]);
    let pull_request =
        penstock_common::PullRequest { id: number, destination_branch: "main".into(), destination_commit: None };
    let subject = run.run.subject.as_mut().unwrap();
    (subject.pull_request, subject.pipeline_uuid) = (Some(pull_request), None);
    let token = scene.token("upload:any-ref", None).await;
    let (status, body) = app.send(&token, &run).await;
    assert_eq!((status, body["state"].as_str()), (201, Some("refused")), "{body}");
    assert!(body["note"].as_str().unwrap().starts_with("not scanned"), "{body}");
    let commit = sandbox.tip("somebody/shop", "feature").unwrap();
    assert!(sandbox.statuses(REPOSITORY, &commit).unwrap_or_default().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_secret_that_was_sent_is_hidden_before_it_is_kept() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let canary = format!("ghp_{}", "x7Gh2Lq9ZkWp4RtY8vBn3MdCs6Fj1Ha5Ku0e".chars().rev().collect::<String>());
    let mut leaking = finding("r", "a.rs", Severity::High);
    leaking.message = verbatim(&format!("found password = \"{canary}\" here"));
    let answer = app.scan(sandbox, &step, &[leaking]).await;
    assert_eq!(answer.state, Progress::Applied);
    app.settle(sandbox).await;
    let workspace = app.state.store.for_workspace(scene.workspace());
    let exported = workspace.export().await.unwrap();
    let contents: Vec<Value> = exported
        .iter()
        .filter(|line| line.contains("\"table\":\"contents\""))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(contents.len(), 1);
    assert!(!exported.iter().any(|line| line.contains(&canary)), "it stands in the database");
    let secret = sandbox.shared_secret(APP, WORKSPACE).unwrap();
    assert!(!exported.iter().any(|line| line.contains(&secret)));
    assert!(!app.state.metrics.text().contains(&canary));
}

/// Trends are of when runs ran; nothing is from the future, whatever the sender's clock says.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_is_of_when_it_ran_and_an_older_one_undoes_nothing() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let token = sandbox.oidc_token(&step, &[&app.base]);
    let workspace = app.state.store.for_workspace(scene.workspace());
    let repository: Uuid = step.repository().parse().unwrap();
    let found = [finding("r", "a.rs", Severity::High)];
    for (started, findings, told, there) in [
        ("2026-10-02T10:00:00Z", &found[..], Some(1_790_935_200_000), 1),
        ("2026-10-01T10:00:00Z", &[][..], Some(1_790_848_800_000), 1),
        // Nor does a newer one of the same commit.
        ("2999-01-01T00:00:00Z", &[][..], None, 1),
    ] {
        let mut upload = upload(sandbox, &step, findings);
        upload.run.started_at = started.to_owned();
        let (status, body) = app.send(&token, &upload).await;
        assert_eq!((status, body["counts"]["existing"].as_u64()), (201, Some(there)), "{started}: {body}");
        let row = &workspace.runs(repository, penstock_app::track::RunId(u128::MAX), 1).await.unwrap()[0];
        assert_eq!(row.started_at, told.unwrap_or(row.received_at), "{started}");
    }
}
