//! The identity provider of Pipelines.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use penstock_sandbox::Sandbox;
use serde_json::{Map, Value};

use crate::client::{Client, SHOP, shop};

/// The claims, verified as a resource server would: with what discovery says.
fn verified(sandbox: &Sandbox, token: &str, audience: &str) -> Option<Map<String, Value>> {
    let client = Client::new(sandbox);
    let issuer = sandbox.oidc_issuer("acme");
    let configuration = client.get(&format!("{issuer}/.well-known/openid-configuration")).json();
    assert_eq!(configuration["issuer"], issuer);
    let keys = client.get(configuration["jwks_uri"].as_str().unwrap()).json();
    let id = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == id)?;
    let key = DecodingKey::from_rsa_components(key["n"].as_str().unwrap(), key["e"].as_str().unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[issuer]);
    Some(jsonwebtoken::decode(token, &key, &validation).ok()?.claims)
}

#[test]
fn a_token_says_which_step_it_is() {
    let sandbox = shop();
    let step = sandbox.branch_step(SHOP, "feature").unwrap();
    let token = sandbox.oidc_token(&step, &["https://penstock.example.com"]);
    let claims = verified(&sandbox, &token, "https://penstock.example.com").unwrap();
    assert_eq!(claims["sub"], format!("{}:{}", step.repository(), step.uuid()));
    assert_eq!(
        (&claims["repositoryUuid"], &claims["pipelineUuid"]),
        (&step.repository().into(), &step.pipeline().into())
    );
    assert_eq!(claims["branchName"], "feature");
    assert!(claims["exp"].as_i64() > claims["iat"].as_i64());
    // A deployment stands in the middle.
    let step = step.with_deployment();
    let claims = verified(&sandbox, &sandbox.oidc_token(&step, &["a", "b"]), "b").unwrap();
    let environment = claims["deploymentEnvironmentUuid"].as_str().unwrap();
    assert_eq!(claims["sub"], format!("{}:{environment}:{}", step.repository(), step.uuid()));
    assert_eq!(claims["aud"], serde_json::json!(["a", "b"]));
}

#[test]
fn without_an_audience_it_is_the_workspace() {
    let sandbox = shop();
    let step = sandbox.branch_step(SHOP, "feature").unwrap();
    let token = sandbox.oidc_token(&step, &[]);
    assert!(verified(&sandbox, &token, "https://penstock.example.com").is_none());
    let workspace = Client::with_token(&sandbox).get("/repositories/acme/shop").json()["workspace"]["uuid"].clone();
    let workspace = workspace.as_str().unwrap().trim_matches(['{', '}']);
    assert!(verified(&sandbox, &token, &format!("ari:cloud:bitbucket::workspace/{workspace}")).is_some());
}

#[test]
fn keys_change() {
    let sandbox = shop();
    let step = sandbox.branch_step(SHOP, "feature").unwrap();
    let first = sandbox.oidc_token(&step, &["a"]);
    sandbox.rotate_keys(false);
    let second = sandbox.oidc_token(&step, &["a"]);
    assert!(verified(&sandbox, &first, "a").is_some());
    assert!(verified(&sandbox, &second, "a").is_some());
    sandbox.rotate_keys(true);
    assert!(verified(&sandbox, &first, "a").is_none());
}

#[test]
fn the_api_takes_no_such_token() {
    let sandbox = shop();
    let step = sandbox.branch_step(SHOP, "feature").unwrap();
    let token = sandbox.oidc_token(&step, &[]);
    assert_eq!(Client::new(&sandbox).bearer(&token).get("/repositories/acme/shop").status, 401);
    assert_eq!(Client::new(&sandbox).get("/workspaces/none/pipelines-config/identity/oidc/keys.json").status, 404);
}
