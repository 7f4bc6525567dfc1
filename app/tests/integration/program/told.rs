//! What a run says beside its findings: who owns files, when it ended, what tests and coverage are.

use crate::program::world::verbatim;
use penstock_app::track::RunId;
use penstock_common::metrics::{Coverage, Lines, Metrics, Tests};
use penstock_common::upload::v1::Upload;
use penstock_common::{Finding, Severity, Uuid};
use penstock_sandbox::Step;
use serde_json::Value;

use super::scenes;
use super::uploads::Scene;
use super::world::{REPOSITORY, finding, upload};

scenes!(
    a_run_counts_on_the_day_on_which_it_ended,
    what_was_measured_stays_with_the_run_and_its_day,
    findings_are_asked_for_by_their_owners,
    what_no_honest_pipe_says_is_refused,
);

const DAY: i64 = 86_400_000;

struct Case {
    scene: Scene,
    step: Step,
    repository: Uuid,
}

impl Case {
    fn new(scene: Scene) -> Self {
        let step = scene.sandbox.branch_step(REPOSITORY, "main").unwrap();
        let repository = step.repository().parse().unwrap();
        Self { scene, step, repository }
    }

    async fn send(&self, findings: &[Finding], change: impl FnOnce(&mut Upload)) -> (u16, Value) {
        let mut upload = upload(&self.scene.sandbox, &self.step, findings);
        change(&mut upload);
        let token = self.scene.sandbox.oidc_token(&self.step, &[&self.scene.app.base]);
        self.scene.app.send(&token, &upload).await
    }

    async fn get(&self, path: &str) -> Value {
        let address = format!("{}/api/v1/repositories/{}/{path}", self.scene.app.base, self.repository);
        let token = self.scene.token("read", None).await;
        let response = reqwest::Client::new().get(address).bearer_auth(token).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{path}");
        response.json().await.unwrap()
    }
}

/// A moment as a run says it.
fn rfc3339(milliseconds: i64) -> String {
    penstock_common::time::rfc3339(milliseconds.div_euclid(1000))
}

fn owned(finding: Finding, owners: &[&str]) -> Finding {
    Finding { owners: owners.iter().map(|owner| verbatim(owner)).collect(), ..finding }
}

pub(crate) fn metrics(passed: u64, covered: u64, patch: Option<Lines>) -> Metrics {
    Metrics {
        tests: Some(Tests { passed, failed: 1, skipped: 2, duration_ms: Some(61_000) }),
        coverage: Some(Coverage { total: Some(Lines { covered, total: 1000 }), patch }),
    }
}

async fn a_run_counts_on_the_day_on_which_it_ended(scene: Scene) {
    let case = Case::new(scene);
    let now = case.scene.app.state.now();
    let workspace = case.scene.app.state.store.for_workspace(case.scene.workspace());
    let row = async || workspace.runs(case.repository, RunId(u128::MAX), 1).await.unwrap().remove(0);
    let begin = now.div_euclid(DAY) * DAY;
    let (started, finished) = (begin - 2 * DAY - 5_000, begin - 2 * DAY + 5_000);
    let (status, body) = case
        .send(&[finding("r", "a.rs", Severity::High)], |upload| {
            upload.run.started_at = rfc3339(started);
            upload.run.finished_at = Some(rfc3339(finished));
        })
        .await;
    assert_eq!((status, body["state"].as_str()), (201, Some("applied")), "{body}");
    let told = row().await;
    assert_eq!((told.started_at, told.finished_at), (started, Some(finished)));
    let (main, _) = workspace.branch(case.repository, None).await.unwrap().unwrap();
    let days = workspace.days(case.repository, main, 0).await.unwrap();
    assert_eq!(days.iter().map(|day| day.day).collect::<Vec<_>>(), [finished.div_euclid(DAY)]);
    let found = workspace.find(case.repository, main, &Default::default(), Default::default(), None, 9).await.unwrap();
    assert_eq!(found[0].since, finished);

    // No clock but ours says when something came.
    let (early, late) = (rfc3339(started - DAY), rfc3339(now + DAY));
    for (told, expected) in [(Some(early), Some(started)), (Some("soon".to_owned()), None), (None, None)] {
        let (status, _) = case
            .send(&[], |upload| {
                upload.run.started_at = rfc3339(started);
                upload.run.finished_at = told;
            })
            .await;
        assert_eq!((status, row().await.finished_at), (201, expected));
    }
    let (status, _) = case.send(&[], |upload| upload.run.finished_at = Some(late)).await;
    let told = row().await;
    assert_eq!((status, told.finished_at), (201, Some(told.received_at)));
    let api = case.get("runs").await;
    assert_eq!(api["runs"][0]["finished_at"], told.received_at);
    assert!(api["runs"][1].get("finished_at").is_none());
}

async fn what_was_measured_stays_with_the_run_and_its_day(scene: Scene) {
    let case = Case::new(scene);
    let workspace = case.scene.app.state.store.for_workspace(case.scene.workspace());
    let patch = Some(Lines { covered: 25, total: 30 });
    // Twice on a day under one name: the last one counts. No finding has to change for that.
    for (name, passed) in [("penstock", 7), ("penstock", 9), ("other", 100)] {
        let (status, body) = case
            .send(&[], |upload| {
                upload.name = verbatim(name);
                upload.run.metrics = Some(metrics(passed, 800, patch));
            })
            .await;
        assert_eq!(status, 201, "{body}");
    }
    case.send(&[], |upload| upload.name = "nothing".into()).await;
    let (main, _) = workspace.branch(case.repository, None).await.unwrap().unwrap();
    let days = workspace.day_metrics(case.repository, main, 0).await.unwrap();
    let told: Vec<_> = days.iter().map(|one| (one.name.as_str(), one.metrics.tests.unwrap().passed)).collect();
    assert_eq!(told, [("other", 100), ("penstock", 9)]);
    assert_eq!(days[0].day, jiff_day("2026-11-25"));
    assert!(workspace.day_metrics(case.repository, main, days[0].day + 1).await.unwrap().is_empty());
    let api = case.get("runs").await;
    assert!(api["runs"][0].get("metrics").is_none());
    assert_eq!(api["runs"][1]["metrics"]["tests"]["passed"], 100);
    assert_eq!(api["runs"][1]["metrics"]["coverage"]["patch"]["covered"], 25);
}

fn jiff_day(text: &str) -> i64 {
    format!("{text}T00:00:00Z").parse::<jiff::Timestamp>().unwrap().as_millisecond().div_euclid(DAY)
}

async fn findings_are_asked_for_by_their_owners(scene: Scene) {
    let case = Case::new(scene);
    let found = |owners: &[&str]| {
        [
            owned(finding("a", "src/a.rs", Severity::Low), &["@jo", "kim@example.com"]),
            owned(finding("b", "src/b.rs", Severity::Critical), owners),
            finding("c", "lib/c.rs", Severity::High),
        ]
    };
    let (status, body) = case.send(&found(&["@acme/core"]), |_| {}).await;
    assert_eq!(status, 201, "{body}");
    let rules = async |query: &str| -> Vec<String> {
        let page = case.get(&format!("findings?{query}")).await;
        page["findings"].as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(rules("owner=@jo%20kim@example.com").await, ["a"]);
    assert_eq!(rules("owner=@acme/core&rule=b").await, ["b"]);
    assert!(rules("owner=@jo").await.is_empty(), "who owns something together is one owner");
    let all = case.get("findings").await;
    assert_eq!(all["findings"][2]["owners"], serde_json::json!(["@jo", "kim@example.com"]));
    assert_eq!(all["findings"][1]["owners"], serde_json::json!([]));

    // Another owner is no news of the finding, but it is told.
    let workspace = case.scene.app.state.store.for_workspace(case.scene.workspace());
    let (main, _) = workspace.branch(case.repository, None).await.unwrap().unwrap();
    let log = async || workspace.log(case.repository, 1, 1000).await.unwrap().len();
    let before = log().await;
    case.send(&found(&["@new"]), |_| {}).await;
    assert_eq!((rules("owner=@new").await, rules("owner=@acme/core").await), (vec!["b".to_owned()], Vec::new()));
    assert_eq!(log().await, before);
    let days = workspace.days(case.repository, main, 0).await.unwrap();
    assert_eq!(days.iter().map(|day| day.introduced).sum::<i64>(), 3);
}

async fn what_no_honest_pipe_says_is_refused(scene: Scene) {
    let case = Case::new(scene);
    let more = Lines { covered: 2, total: 1 };
    let (status, body) = case.send(&[], |upload| upload.run.metrics = Some(metrics(1, 1, Some(more)))).await;
    assert_eq!(status, 422);
    assert!(body["detail"].as_str().unwrap().contains("more lines are covered than there are"), "{body}");
    let (status, _) = case.send(&[], |upload| upload.run.metrics = Some(metrics(u64::MAX, 1, None))).await;
    assert_eq!(status, 422);
    for owners in [&["two words"][..], &[""], &["a\u{1b}b"], &["@a"; 21]] {
        let (status, body) = case.send(&[owned(finding("a", "a.rs", Severity::Low), owners)], |_| {}).await;
        assert!(status == 422 && body["detail"].as_str().unwrap().contains("owners"), "{body}");
    }
    let canary = format!("ghp_{}", "x7Gh2Lq9ZkWp4RtY8vBn3MdCs6Fj1Ha5Ku0e".chars().rev().collect::<String>());
    let (status, _) = case.send(&[owned(finding("a", "a.rs", Severity::Low), &[&canary])], |_| {}).await;
    assert_eq!(status, 201);
    let told = case.get("findings").await.to_string();
    assert!(told.contains("owners") && !told.contains(&canary), "{told}");
}
