//! Reading and judging through the API.

use std::collections::BTreeSet;

use penstock_app::api::openapi;
use penstock_common::Severity;
use penstock_sandbox::Commit;
use serde_json::{Value, json};

use super::uploads::Scene;
use super::world::{REPOSITORY, finding};

struct Api<'a> {
    scene: &'a Scene,
    token: String,
    repository: String,
}

impl<'a> Api<'a> {
    /// A repository with three findings on its main branch.
    async fn new(scene: &'a Scene, scopes: &str) -> Self {
        let step = scene.sandbox.branch_step(REPOSITORY, "main").unwrap();
        let findings = [
            finding("a", "src/a.rs", Severity::Low),
            finding("b", "src/b.rs", Severity::Critical),
            finding("c", "lib/c.rs", Severity::High),
        ];
        scene.app.scan(&scene.sandbox, &step, &findings).await;
        let told = scene.sandbox.step_environment(&step);
        let repository =
            told.iter().find(|(name, _)| name == "BITBUCKET_REPO_UUID").unwrap().1.trim_matches(['{', '}']).to_owned();
        Self { scene, token: scene.token(scopes, None).await, repository }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let address = format!("{}/api/v1/repositories/{}/{path}", self.scene.app.base, self.repository);
        let response = reqwest::Client::new().get(address).bearer_auth(&self.token).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }

    async fn triage(&self, finding: &str, body: Value) -> (u16, Value) {
        let base = &self.scene.app.base;
        let address = format!("{base}/api/v1/repositories/{}/findings/{finding}/triage", self.repository);
        let request =
            reqwest::Client::new().post(address).bearer_auth(&self.token).header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }
}

fn rules(page: &Value) -> Vec<&str> {
    page["findings"].as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn findings_are_filtered_and_paged() {
    let scene = Scene::new().await;
    let api = Api::new(&scene, "read").await;
    let (status, all) = api.get("findings").await;
    assert_eq!((status, rules(&all), all["branch"].as_str()), (200, vec!["b", "c", "a"], Some("main")));
    assert_eq!(all["findings"][0]["message"], "Message of b");
    for (query, expected) in [
        ("severity=high", vec!["c"]),
        ("path=src/", vec!["b", "a"]),
        ("rule=a&state=open", vec!["a"]),
        ("state=fixed", vec![]),
        ("state=all&tool=penstock&category=code_quality&status=needs_triage", vec!["b", "c", "a"]),
        ("tool=other", vec![]),
    ] {
        assert_eq!(rules(&api.get(&format!("findings?{query}")).await.1), expected, "{query}");
    }
    let fingerprint = all["findings"][2]["fingerprint"].as_str().unwrap();
    assert_eq!(rules(&api.get(&format!("findings?fingerprint={fingerprint}")).await.1), ["a"]);
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let (_, page) = api.get(&format!("findings?limit=1{cursor}")).await;
        seen.extend(rules(&page).into_iter().map(str::to_owned));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["b", "c", "a"]);
    for wrong in [
        "findings?limit=0",
        "findings?limit=501",
        "findings?cursor=x",
        "findings?nothing=1",
        "findings?severity=bad",
        "findings?fingerprint=x",
    ] {
        assert_eq!(api.get(wrong).await.0, 400, "{wrong}");
    }
    assert_eq!(api.get("findings?branch=none").await.0, 404);
    let (_, baseline) = api.get("baseline").await;
    assert_eq!((rules(&baseline), baseline["commit"].as_str().unwrap().len()), (vec!["b", "c", "a"], 40));
    let (_, runs) = api.get("runs").await;
    assert_eq!((runs["runs"].as_array().unwrap().len(), runs["runs"][0]["state"].as_str()), (1, Some("applied")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_judgement_counts_at_once_and_keeps_the_rules() {
    let scene = Scene::new().await;
    let api = Api::new(&scene, "read triage").await;
    let (_, all) = api.get("findings?rule=c").await;
    let id = all["findings"][0]["id"].as_str().unwrap();
    scene.sandbox.branch(REPOSITORY, "feature", "main").unwrap();
    let head = scene.sandbox.push(REPOSITORY, "feature", &Commit::new("F").write("n.rs", "1")).unwrap();
    let number = scene.sandbox.open_pull_request(REPOSITORY, "F", "feature", "main").unwrap();
    let step = scene.sandbox.pull_request_step(REPOSITORY, number).unwrap();
    scene.app.scan(&scene.sandbox, &step, &[finding("n", "n.rs", Severity::High)]).await;
    scene.app.settle(&scene.sandbox).await;
    assert_eq!(scene.sandbox.statuses(REPOSITORY, &head).unwrap()[0]["state"], "FAILED");

    let reason = |status: &str| json!({"status": status, "reason": "a test"});
    assert_eq!(api.triage(id, json!({"status": "false_positive"})).await.0, 422);
    let (status, told) = api.triage(id, reason("accepted_risk")).await;
    assert!(status == 422 && told["detail"].as_str().unwrap().contains("at most 365 days"), "{told}");
    assert_eq!(api.triage(id, json!({"status": "nonsense"})).await.0, 400);
    assert_eq!(api.triage("01010101-0101-0101-0101-010101010101", reason("false_positive")).await.0, 404);
    let judged = json!({"id": id, "status": "false_positive", "waits_for_approval": false});
    assert_eq!(api.triage(id, reason("false_positive")).await, (200, judged));
    let (_, judged) = api.get("findings?status=false_positive").await;
    assert_eq!(rules(&judged), ["c"]);

    // In a pull request: what was dismissed there blocks no more.
    let (_, new) = api.get("findings?branch=feature").await;
    let id = new["findings"][0]["id"].as_str().unwrap();
    let body = json!({"status": "used_in_tests", "reason": "only there", "pull_request": number});
    assert_eq!(api.triage(id, body).await.0, 200);
    scene.app.settle(&scene.sandbox).await;
    assert_eq!(scene.sandbox.statuses(REPOSITORY, &head).unwrap()[0]["state"], "SUCCESSFUL");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_route_is_closed_to_another_tenant() {
    let scene = Scene::new().await;
    let mut api = Api::new(&scene, "read triage upload:any-ref").await;
    let (_, all) = api.get("findings").await;
    let (finding, run) = (all["findings"][0]["id"].as_str().unwrap(), api.get("runs").await.1["runs"][0]["id"].clone());
    // The same app in another workspace, with a token that may everything there.
    scene.sandbox.repository("other/thing").unwrap();
    scene.app.install(&scene.sandbox, "other").await;
    let other = scene.sandbox.installed().into_iter().find(|one| one.workspace == "other").unwrap();
    let other = scene.app.state.store.for_workspace(other.workspace_uuid.parse().unwrap());
    let token = penstock_app::door::token::ApiToken::issue().unwrap();
    let new = penstock_app::store::workspace::NewToken {
        token: penstock_app::store::new_id(),
        hash: *token.hash().as_bytes(),
        repository: None,
        name: "ci".to_owned(),
        scopes: "read triage upload:any-ref".to_owned(),
        creator: "me".to_owned(),
        maker: None,
        expires_at: None,
    };
    let mut write = other.write().await.unwrap();
    write.new_token(&new, scene.app.state.now()).await.unwrap();
    write.commit().await.unwrap();
    let before = scene.app.state.store.for_workspace(scene.workspace()).export().await.unwrap();

    let document = openapi::document();
    let mut tried = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let address = path
                .replace("{repository}", &api.repository)
                .replace("{finding}", finding)
                .replace("{run}", run.as_str().unwrap());
            let body = match (path.as_str(), method.as_str()) {
                ("/api/v1/openapi.json", _) => continue,
                ("/api/v1/runs", _) => continue,
                (_, "get") => None,
                ("/api/v1/runs/{run}/deliveries", _) => Some(json!([])),
                _ => Some(json!({"status": "false_positive", "reason": "evil"})),
            };
            let method = method.to_uppercase().parse().unwrap();
            let mut request = reqwest::Client::new().request(method, format!("{}{address}", scene.app.base));
            request = request.bearer_auth(token.expose());
            if let Some(body) = body {
                request = request.header("content-type", "application/json").body(body.to_string());
            }
            assert_eq!(request.send().await.unwrap().status(), 404, "{path}");
            tried.insert(path.as_str());
        }
    }
    assert_eq!(tried.len(), 5, "{tried:?}");
    let after = scene.app.state.store.for_workspace(scene.workspace()).export().await.unwrap();
    assert_eq!(after, before);
    api.token = token.expose().to_owned();
    assert_eq!(api.get("findings").await.0, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_step_reads_its_own_repository_and_judges_nothing() {
    let scene = Scene::new().await;
    let mut api = Api::new(&scene, "read").await;
    let (_, all) = api.get("findings").await;
    let id = all["findings"][0]["id"].as_str().unwrap().to_owned();
    let step = scene.sandbox.branch_step(REPOSITORY, "main").unwrap();
    api.token = scene.sandbox.oidc_token(&step, &[&scene.app.base]);
    assert_eq!(api.get("findings").await.0, 200);
    assert_eq!(api.triage(&id, json!({"status": "confirmed"})).await.0, 403);
    scene.sandbox.repository("acme/other").unwrap();
    scene.sandbox.push("acme/other", "main", &Commit::new("B").write("x", "1")).unwrap();
    let other = scene.sandbox.branch_step("acme/other", "main").unwrap();
    api.token = scene.sandbox.oidc_token(&other, &[&scene.app.base]);
    assert_eq!(api.get("findings").await.0, 404);
}

#[test]
fn the_document_has_every_route() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut routes = BTreeSet::new();
    for file in ["api/mod.rs", "upload/handlers.rs"] {
        let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
        let found = text.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        routes.extend(found.filter(|path| path.starts_with("/api/")));
    }
    let document = openapi::document();
    let told: BTreeSet<String> = document["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(told, routes);
    let text = document.to_string();
    assert!(!text.contains("#/$defs/"), "every reference leads into the document");
}
