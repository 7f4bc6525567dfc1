//! What the REST API has for apps.

use penstock_sandbox::{Commit, Permission};
use serde_json::json;

use crate::client::{Client, SHOP, send, shop};

#[test]
fn a_workspace_by_either_name() {
    let sandbox = shop();
    let client = Client::new(&sandbox).bearer(&sandbox.workspace_token("acme", &["account", "repository"]).unwrap());
    let shown = client.get("/workspaces/acme").json();
    assert_eq!((&shown["type"], &shown["slug"]), (&json!("workspace"), &json!("acme")));
    let uuid = shown["uuid"].as_str().unwrap().to_owned();
    assert_eq!(client.get(&format!("/workspaces/{uuid}")).json(), shown);
    assert_eq!(client.get("/workspaces/none").status, 404);
    sandbox.rename_workspace("acme", "initech").unwrap();
    assert_eq!(client.get("/workspaces/acme").status, 404);
    assert_eq!(client.get(&format!("/workspaces/{uuid}")).json()["slug"], "initech");
    assert_eq!(client.get("/repositories/initech/shop").json()["workspace"]["slug"], "initech");
    let token = sandbox.repository_token("initech/shop", &["repository"]).unwrap();
    let stranger = Client::new(&sandbox).bearer(&token);
    assert_eq!(stranger.get("/workspaces/initech").status, 403);
}

#[test]
fn the_repositories_of_a_workspace() {
    let sandbox = shop();
    for name in ["acme/b", "acme/a", "umbrella/c"] {
        sandbox.repository(name).unwrap();
    }
    let client = Client::new(&sandbox).bearer(&sandbox.workspace_token("acme", &["repository"]).unwrap());
    let names = |client: &Client, path: &str| {
        let all = client.all(path);
        all.iter().map(|item| item["full_name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&client, "/repositories/acme?pagelen=2"), ["acme/a", "acme/b", SHOP]);
    assert_eq!(
        names(
            &Client::new(&sandbox).bearer(&sandbox.repository_token(SHOP, &["repository"]).unwrap()),
            "/repositories/acme"
        ),
        [SHOP]
    );
    assert!(names(&client, "/repositories/umbrella").is_empty());
    assert_eq!(client.get("/repositories/none").status, 404);
}

#[test]
fn what_somebody_may_effectively_do() {
    let sandbox = shop();
    let (grace, eve) = (sandbox.person("Grace"), sandbox.person("Eve"));
    sandbox.permit(SHOP, &grace.uuid, Permission::Write).unwrap();
    let token = sandbox.repository_token(SHOP, &["repository:admin"]).unwrap();
    let client = Client::new(&sandbox).bearer(&token);
    let path = "/workspaces/acme/permissions/repositories/shop";
    let find = |uuid: &str| {
        let request = client.request("GET", path).query(&[("q", format!("user.uuid=\"{uuid}\""))]);
        send(request).unwrap().json()["values"].as_array().unwrap().first().map(|found| found["permission"].clone())
    };
    assert_eq!((find(&grace.uuid), find(&eve.uuid)), (Some(json!("write")), None));
    let all = client.all(path);
    assert_eq!(all.len(), 2, "Grace, and the one who owns everything: {all:?}");
    sandbox.permit(SHOP, &grace.uuid, Permission::None).unwrap();
    assert_eq!(find(&grace.uuid), None);
    assert!(sandbox.permit(SHOP, "{none}", Permission::Read).is_err());
    // It is for administrators.
    let reader = Client::new(&sandbox).bearer(&sandbox.repository_token(SHOP, &["repository"]).unwrap());
    assert_eq!(reader.get(path).status, 403);
    sandbox.rename_repository(SHOP, "acme/store").unwrap();
    assert_eq!(client.get(path).status, 404);
}

#[test]
fn who_owns_a_workspace_and_who_is_a_member() {
    let sandbox = shop();
    let (grace, eve) = (sandbox.person("Grace"), sandbox.person("Eve"));
    sandbox.permit(SHOP, &grace.uuid, Permission::Admin).unwrap();
    sandbox.permit(SHOP, &eve.uuid, Permission::None).unwrap();
    let client = Client::new(&sandbox).bearer(&sandbox.workspace_token("acme", &["account"]).unwrap());
    let path = "/workspaces/acme/permissions";
    let all = |filter: &str| {
        let request = client.request("GET", path).query(&[("q", format!("permission=\"{filter}\""))]);
        let told = send(request).unwrap().json();
        let all = told["values"].as_array().unwrap().iter();
        all.map(|one| one["user"]["uuid"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((all("owner"), all("member")), (vec![sandbox.owner().uuid], vec![grace.uuid]));
    let other = sandbox.repository_token(SHOP, &["repository"]).unwrap();
    assert_eq!(Client::new(&sandbox).bearer(&other).get(path).status, 403);
}

#[test]
fn a_pipeline_says_what_it_ran_on() {
    let sandbox = shop();
    let client = Client::new(&sandbox).bearer(&sandbox.repository_token(SHOP, &["pipeline"]).unwrap());
    let target = |step: &penstock_sandbox::Step| {
        client.get(&format!("/repositories/{SHOP}/pipelines/{}", step.pipeline())).json()["target"].clone()
    };
    let branch = target(&sandbox.branch_step(SHOP, "main").unwrap());
    assert_eq!((&branch["ref_type"], &branch["ref_name"]), (&json!("branch"), &json!("main")));
    sandbox.push(SHOP, "main", &Commit::new("on\n").write("on", "x")).unwrap();
    let pull_request = target(&sandbox.pull_request_step(SHOP, 1).unwrap());
    assert_eq!(pull_request["type"], "pipeline_pullrequest_target");
    assert_eq!((&pull_request["source"], &pull_request["pullrequest"]["id"]), (&json!("feature"), &json!(1)));
    assert_eq!(pull_request["commit"]["hash"], sandbox.tip(SHOP, "feature").unwrap());
    assert_eq!(pull_request["destination_commit"]["hash"], sandbox.tip(SHOP, "main").unwrap());
}
