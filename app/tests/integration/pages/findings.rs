//! Findings: the list, one of them, and judging.

use penstock_common::{Finding, Severity};
use penstock_sandbox::{Commit, Permission};

use super::visitor::{Visit, field, person, repository};
use crate::program::uploads::Scene;
use crate::program::world::{REPOSITORY, finding};

/// `number` findings, of all severities.
fn many(number: usize) -> Vec<Finding> {
    let severities = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    (0..number)
        .map(|at| finding(&format!("rule-{}", at % 7), &format!("src/f{at:04}.rs"), severities[at % 5]))
        .collect()
}

async fn scanned(findings: &[Finding]) -> Scene {
    let scene = Scene::new().await;
    let step = scene.sandbox.branch_step(REPOSITORY, "main").unwrap();
    scene.app.scan(&scene.sandbox, &step, findings).await;
    scene.app.settle(&scene.sandbox).await;
    scene
}

fn ids(body: &str) -> Vec<String> {
    body.split("name=\"finding\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_finding_is_on_one_page_in_every_order() {
    let scene = scanned(&many(120)).await;
    let reader = person(&scene, "Rea Reader", Permission::Read);
    let visit = Visit::new(&scene, "repository-page", &repository(&reader)).await;
    assert_eq!(visit.first, "findings");
    for (query, expected) in [
        ("findings?sort=worst", 120),
        ("findings?sort=newest", 120),
        ("findings?sort=path", 120),
        ("findings?severity=critical", 24),
        ("findings?rule=rule-3&sort=worst", 17),
        ("findings?path=src/f00&severity=low", 20),
        ("findings?category=code_quality&status=needs_triage", 120),
        ("findings?category=secret", 0),
        ("findings?tool=penstock&age=7", 120),
        ("findings?age=90", 0),
        ("findings?age=stale", 0),
        ("findings?q=f011", 10),
        ("findings?q=MESSAGE+of+rule-3", 17),
        ("findings?q=100%25", 0),
        ("findings?state=fixed", 0),
    ] {
        let mut seen = Vec::new();
        let mut page = query.to_owned();
        loop {
            let got = visit.get(&page).await;
            assert_eq!(got.status, 200, "{page}");
            seen.extend(ids(&got.body));
            let Some(at) = got.body.find("rel=\"next\"") else { break };
            let link = got.body[..at].rsplit("href=\"").next().unwrap().split('"').next().unwrap();
            page = link.replace("&amp;", "&").replace("&#38;", "&");
        }
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((all, seen.len()), (expected, expected), "{query}");
    }
    for bad in ["findings?severity=bad", "findings?after=x", "findings?sort=x", "findings?state=%3Cb%3E"] {
        let got = visit.get(bad).await;
        assert_eq!(got.status, 400, "{bad}");
        assert!(!got.body.contains("<b>"));
    }
    assert_eq!(visit.get("findings?branch=none").await.status, 404);
    let csv = visit.get("export?format=csv&severity=critical").await;
    assert_eq!((csv.status, csv.body.lines().count()), (200, 25));
    let sarif: serde_json::Value = serde_json::from_str(&visit.get("export?format=sarif").await.body).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 120);
    for page in ["trends", "runs", "deliveries", "overview"] {
        let got = visit.get(page).await;
        assert_eq!(got.status, 200, "{page}: {}", got.text());
        assert!(!got.body.contains(&visit.handle));
    }
    assert!(visit.get("overview").await.text().contains("Critical 24"), "{}", visit.get("overview").await.text());
    assert!(visit.get("runs").await.text().contains("penstock 0.1.0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_may_write_judges_and_nobody_else() {
    let scene = scanned(&[finding("rule", "a.rs", Severity::Critical)]).await;
    let writer = person(&scene, "Wri Writer", Permission::Write);
    let reader = person(&scene, "Rea Reader", Permission::Read);
    let stranger = person(&scene, "Stra Nger", Permission::None);
    let visit = Visit::new(&scene, "repository-page", &repository(&writer)).await;
    let list = visit.get("findings").await.body;
    let id = ids(&list)[0].clone();
    let page = format!("finding?id={id}");
    let shown = visit.get(&page).await;
    assert!(shown.text().contains("Needs triage") && shown.text().contains("Introduced on main"), "{}", shown.text());
    let token = field(&shown.body, "token");
    let form = |token: &str, reason: &str| {
        let own = |text: &str| text.to_owned();
        [
            own("token"),
            own(token),
            own("finding"),
            id.clone(),
            own("status"),
            own("false_positive"),
            own("reason"),
            own(reason),
            own("back"),
            page.clone(),
        ]
    };
    let send = async |visit: &Visit<'_>, token: &str, reason: &str, origin: Option<&str>| {
        let form = form(token, reason);
        let pairs: Vec<(&str, &str)> = form.chunks(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
        visit.post_from("triage", &pairs, origin).await
    };
    let base = Some(scene.app.base.as_str());
    // Not from our own page, not with a token of this view and action.
    for (token, origin) in [
        (token.as_str(), None),
        (token.as_str(), Some("https://evil.example")),
        (token.as_str(), Some("null")),
        ("", base),
        (&token[1..], base),
    ] {
        assert_eq!(send(&visit, token, "a test", origin).await.status, 403, "{origin:?}");
    }
    // Not by somebody who only reads, or has no right at all.
    for other in [&reader, &stranger] {
        let theirs = Visit::new(&scene, "repository-page", &repository(other)).await;
        let body = theirs.get(&page).await.body;
        let got = send(&theirs, &field(&body, "token"), "a test", base).await;
        assert_eq!(got.status, 403);
        assert!(got.text().contains("You may not do this"), "{}", got.text());
        assert_eq!(send(&theirs, &token, "a test", base).await.status, 403, "a token of another view");
    }
    // In a pull request that makes no sense: that is not everywhere.
    let sent = [("token", token.as_str()), ("finding", &id), ("status", "false_positive"), ("reason", "a test")];
    for bad in ["x", "-1", "99"] {
        let form = [&sent[..], &[("pull_request", bad)]].concat();
        let got = visit.post_from("triage", &form, base).await;
        assert!(matches!(got.status, 404 | 422), "{bad}: {}", got.status);
    }
    // Against the policy.
    let got = send(&visit, &token, "", base).await;
    assert_eq!(got.status, 422, "{}", got.text());
    let got = send(&visit, &token, "only a test value", base).await;
    assert_eq!((got.status, got.headers["location"].to_str().unwrap()), (303, format!("{page}&done=1").as_str()));
    let text = visit.get(&page).await.text();
    assert!(text.contains("False positive, said") && text.contains("“only a test value”"), "{text}");
    let open = visit.get("overview").await.text();
    assert!(open.contains("Critical 0"), "{open}");
    assert_eq!(ids(&visit.get("findings?status=false_positive").await.body), std::slice::from_ref(&id));
    // The context is fetched live.
    let text = visit.get(&format!("{page}&context=1")).await.text();
    assert!(text.contains("1 1") || text.contains("cannot be shown"), "{text}");
    assert_eq!(visit.get("finding?id=x").await.status, 404);
    assert_eq!(visit.get("finding").await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_workspace_shows_what_the_viewer_may_read() {
    let scene = scanned(&many(5)).await;
    let other = "acme/hidden";
    scene.sandbox.repository(other).unwrap();
    scene.sandbox.push(other, "main", &Commit::new("Begin").write("a.rs", "1")).unwrap();
    let step = scene.sandbox.branch_step(other, "main").unwrap();
    scene.app.scan(&scene.sandbox, &step, &many(3)).await;
    let reader = person(&scene, "Rea Reader", Permission::Read);
    let place = penstock_sandbox::Scene::new().seen_by(&reader);
    let visit = Visit::new(&scene, "workspace-page", &place).await;
    assert_eq!(visit.first, "workspace");
    let text = visit.get("workspace").await.text();
    assert!(text.contains("shop") && !text.contains("hidden"), "{text}");
    assert_eq!(visit.get("findings").await.status, 404, "a view of the workspace shows no repository");
    let fragment = super::visitor::client()
        .get(format!("{}/s/{}/workspace", scene.app.base, visit.handle))
        .header("accept", "application/json")
        .send()
        .await
        .unwrap();
    let fragment: serde_json::Value = fragment.json().await.unwrap();
    let html = fragment["html"].as_str().unwrap();
    assert!(html.contains("shop") && !html.contains("<html"), "{html}");
}
