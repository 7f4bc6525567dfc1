//! Who may do what.

use serde_json::json;

use crate::client::{Client, SHOP, commit_path, send, shop};

const HERE: &str = "/repositories/acme/shop";

#[test]
fn three_kinds_of_credentials_are_known() {
    let sandbox = shop();
    let scopes = ["read:repository:bitbucket", "read:user:bitbucket"];
    let api = sandbox.api_token("acme", "ada@example.com", &scopes).unwrap();
    let workspace = sandbox.workspace_token("acme", &["repository"]).unwrap();
    let client = Client::new(&sandbox);
    assert_eq!(client.clone().basic("ada@example.com", &api).get(HERE).status, 200);
    assert_eq!(client.clone().basic("ada@example.com", &api).get("/user").json()["display_name"], "ada@example.com");
    assert_eq!(client.clone().bearer(&workspace).get(HERE).status, 200);

    let (id, secret) = sandbox.oauth_consumer("acme", &["repository"]).unwrap();
    let endpoint = format!("{}/site/oauth2/access_token", sandbox.site_url());
    let grant = |name: &str, secret: &str| {
        let request = client.clone().basic(name, secret).request("POST", &endpoint);
        let form =
            request.header("content-type", "application/x-www-form-urlencoded").body("grant_type=client_credentials");
        send(form).unwrap()
    };
    let token = grant(&id, &secret).json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(client.clone().bearer(&token).get(HERE).status, 200);
    assert_eq!(grant(&id, "wrong").status, 401);
}

#[test]
fn wrong_credentials_are_refused() {
    let sandbox = shop();
    let client = Client::new(&sandbox);
    let api = sandbox.api_token("acme", "ada@example.com", &["read:repository:bitbucket"]).unwrap();
    let access = sandbox.repository_token(SHOP, &["repository"]).unwrap();
    let expired = sandbox.repository_token(SHOP, &["repository"]).unwrap();
    sandbox.expire(&expired);
    let refused = [
        client.clone().bearer("nonsense"),
        client.clone().bearer(&api),
        client.clone().bearer(&expired),
        client.clone().basic("eve@example.com", &api),
        client.clone().basic("ada@example.com", &access),
        client.clone(),
    ];
    for client in refused {
        let reply = client.get(HERE);
        assert_eq!((reply.status, reply.json()["type"].as_str()), (401, Some("error")));
        assert!(reply.header("www-authenticate").is_some());
    }
    let password = sandbox.app_password("acme", "ada").unwrap();
    let reply = client.basic("ada", &password).get(HERE);
    assert_eq!(reply.status, 401);
    assert!(reply.message().contains("API token"), "{}", reply.message());
}

#[test]
fn a_scope_that_is_missing_is_named() {
    let sandbox = shop();
    let client = Client::new(&sandbox);
    let token = sandbox.repository_token(SHOP, &["repository"]).unwrap();
    let reply = client.clone().bearer(&token).get(&format!("{HERE}/pullrequests/1"));
    assert_eq!(reply.status, 403);
    assert_eq!(reply.json()["error"]["detail"], json!({"required": ["pullrequest"], "granted": ["repository"]}));
    // Those of API tokens do not imply each other, the classic ones do.
    let api = sandbox.api_token("acme", "ada@example.com", &["read:pullrequest:bitbucket"]).unwrap();
    let reply = client.clone().basic("ada@example.com", &api).get(HERE);
    assert_eq!(reply.json()["error"]["detail"]["required"], json!(["read:repository:bitbucket"]));
    let token = sandbox.repository_token(SHOP, &["pullrequest:write"]).unwrap();
    assert_eq!(client.bearer(&token).get(HERE).status, 200);
    let api = sandbox.api_token("acme", "ada@example.com", &["read:repository:bitbucket"]).unwrap();
    assert_eq!(Client::new(&sandbox).basic("ada@example.com", &api).get("/user").status, 403);
}

#[test]
fn without_access_there_is_nothing() {
    let sandbox = shop();
    sandbox.repository("acme/other").unwrap();
    let other = sandbox.repository_token("acme/other", &["repository"]).unwrap();
    let reply = Client::new(&sandbox).bearer(&other).get(HERE);
    assert_eq!(reply.status, 404);
    let absent = Client::new(&sandbox).bearer(&other).get("/repositories/acme/absent");
    assert_eq!(reply.text, absent.text);
    let token = sandbox.repository_token(SHOP, &["repository"]).unwrap();
    sandbox.shut_out(&token);
    assert_eq!(Client::new(&sandbox).bearer(&token).get(HERE).status, 404);
}

#[test]
fn who_calls_too_often_has_to_wait() {
    let sandbox = shop();
    sandbox.limit_rate(5);
    let client = Client::with_token(&sandbox);
    let near: Vec<_> = (0..5).map(|_| client.get(HERE).header("x-ratelimit-nearlimit").unwrap().to_owned()).collect();
    assert_eq!(near, ["false", "false", "false", "true", "true"]);
    let reply = client.get(HERE);
    assert_eq!((reply.status, reply.message().as_str()), (429, "Rate limit for this resource has been exceeded"));
    assert_eq!((reply.header("x-ratelimit-limit"), reply.header("x-ratelimit-resource")), (Some("5"), Some("api")));
    // Others are counted for themselves, and API tokens are not told.
    let api = sandbox.api_token("acme", "ada@example.com", &["read:repository:bitbucket"]).unwrap();
    let reply = Client::new(&sandbox).basic("ada@example.com", &api).get(HERE);
    assert_eq!((reply.status, reply.header("x-ratelimit-limit")), (200, None));
}

#[test]
fn a_token_does_not_belong_in_the_url() {
    let sandbox = shop();
    let token = sandbox.repository_token(SHOP, &["repository"]).unwrap();
    let reply = Client::new(&sandbox).get(&format!("{}?access_token={token}", commit_path(&sandbox, "main")));
    assert_eq!(reply.status, 401);
    let violations = sandbox.take_violations();
    assert!(!violations.is_empty());
    assert!(!format!("{violations:?}{:?}", sandbox.journal()).contains(&token));
}

#[test]
fn access_tokens_and_apps_that_are_to_be_refused_have_no_account() {
    let sandbox = shop();
    for token in [
        sandbox.repository_token(SHOP, &["repository", "account"]).unwrap(),
        sandbox.workspace_token("acme", &["repository", "account"]).unwrap(),
    ] {
        let reply = Client::new(&sandbox).bearer(&token).get("/user");
        assert_eq!((reply.status, reply.message().contains("not supported for this endpoint")), (401, true));
    }
    let (id, secret) = sandbox.oauth_consumer("acme", &["account"]).unwrap();
    let request = Client::new(&sandbox).basic(&id, &secret);
    let request = request.request("POST", &format!("{}/site/oauth2/access_token", sandbox.site_url()));
    let form = request.header("content-type", "application/x-www-form-urlencoded");
    let granted = send(form.body("grant_type=client_credentials")).unwrap().json();
    let client = Client::new(&sandbox).bearer(granted["access_token"].as_str().unwrap());
    assert!(client.get("/user").json()["uuid"].is_string());
    for status in [401, 403] {
        sandbox.refuse_user_to_apps(Some(status));
        assert_eq!(client.get("/user").status, status);
    }
    sandbox.refuse_user_to_apps(None);
    assert_eq!(client.get("/user").status, 200);
}
