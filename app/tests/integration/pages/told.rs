//! What a run says beside its findings, as people see it.

use crate::program::world::verbatim;
use penstock_common::metrics::Lines;
use penstock_common::{Finding, Severity};
use penstock_sandbox::{Commit, Permission};

use super::visitor::{Visit, person, repository};
use crate::program::told::metrics;
use crate::program::uploads::Scene;
use crate::program::world::{REPOSITORY, finding, upload};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_owns_a_file_is_a_column_and_a_filter() {
    let scene = Scene::new().await;
    let step = scene.sandbox.branch_step(REPOSITORY, "main").unwrap();
    let reader = person(&scene, "Rea Reader", Permission::Read);
    let visit = Visit::new(&scene, "repository-page", &repository(&reader)).await;
    let found = [finding("a", "src/a.rs", Severity::Low), finding("b", "src/b.rs", Severity::High)];
    scene.app.scan(&scene.sandbox, &step, &found).await;
    assert!(!visit.get("findings").await.body.contains(">Owner</th>"), "without owners there is no column");

    let [first, second] = found;
    let owners = vec!["@jo".into(), "k&m@example.com".into()];
    scene.app.scan(&scene.sandbox, &step, &[Finding { owners, ..first }, second]).await;
    let list = visit.get("findings").await;
    assert!(list.body.contains(">Owner</th>"));
    let link = list.body.split("href=\"findings?owner=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let narrowed = visit.get(&format!("findings?owner={link}")).await.text();
    assert!(narrowed.contains("1 finding") && narrowed.contains("Title of a"), "{narrowed}");
    assert!(!narrowed.contains("Title of b"), "{narrowed}");
    assert!(visit.get("findings?owner=@nobody").await.text().contains("Nothing is like this."));
    let page = list.body.split("href=\"finding?id=").nth(2).unwrap().split('"').next().unwrap().to_owned();
    let page = visit.get(&format!("finding?id={page}")).await.text();
    assert!(page.contains("Owner @jo k&#38;m@example.com"), "{page}");
    let csv = visit.get("export?format=csv").await.body;
    assert!(csv.lines().next().unwrap().ends_with(",owner"), "{csv}");
    assert!(csv.lines().any(|line| line.ends_with(",'@jo k&m@example.com")), "{csv}");
    let sarif: serde_json::Value = serde_json::from_str(&visit.get("export?format=sarif").await.body).unwrap();
    assert_eq!(sarif["runs"][0]["results"][1]["properties"]["owners"][0], "@jo");
    let sarif = visit.get(&format!("export?format=sarif&owner={link}")).await.body;
    assert_eq!(sarif.matches("\"ruleId\"").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_nobody_measured_is_not_shown() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    let reader = person(&scene, "Rea Reader", Permission::Read);
    let main = sandbox.branch_step(REPOSITORY, "main").unwrap();
    app.scan(sandbox, &main, &[finding("old", "a.rs", Severity::High)]).await;
    sandbox.branch(REPOSITORY, "feature", "main").unwrap();
    sandbox.push(REPOSITORY, "feature", &Commit::new("More").write("c.rs", "1")).unwrap();
    let number = sandbox.open_pull_request(REPOSITORY, "More", "feature", "main").unwrap();
    app.settle(sandbox).await;
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    app.scan(sandbox, &step, &[]).await;
    let inside = Visit::new(&scene, "repository-page", &repository(&reader)).await;
    let panel = Visit::new(&scene, "pull-request-panel", &repository(&reader).in_pull_request(number)).await;
    let trends = inside.get("trends").await.text();
    assert!(trends.contains("Introduced and fixed") && !trends.contains("Coverage") && !trends.contains("Tests"));
    assert!(!panel.get(&panel.first).await.text().contains("Tests cover"));
    assert!(!inside.get("runs").await.text().contains("took"));

    let patch = |covered, total| Some(Lines { covered, total });
    for (step, name, patch) in [
        (&main, "penstock", patch(1, 9)),
        (&step, "penstock", patch(10, 20)),
        (&step, "penstock", patch(15, 20)),
        (&step, "part", patch(1000, 1180)),
    ] {
        let mut upload = upload(sandbox, step, &[]);
        upload.name = verbatim(name);
        upload.run.metrics = Some(metrics(1234, 835, patch));
        upload.run.finished_at = Some("2026-11-25T10:00:12Z".to_owned());
        let (status, body) = app.send(&sandbox.oidc_token(step, &[&app.base]), &upload).await;
        assert_eq!(status, 201, "{body}");
    }
    let told = panel.get(&panel.first).await.text();
    assert!(told.contains("Tests cover 84.5 % of the changed lines (1,015 of 1,200 lines)."), "{told}");
    let trends = inside.get("trends").await.text();
    assert!(trends.contains("Coverage at the end of each week"), "{trends}");
    assert!(trends.contains("83.5 % 835 1,000") && trends.contains("1,234 1 2 1 minute"), "{trends}");
    let runs = inside.get("runs").await.text();
    assert!(runs.contains("took 12 seconds"), "{runs}");
}
