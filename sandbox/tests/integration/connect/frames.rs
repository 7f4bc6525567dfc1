//! The app's places inside Bitbucket.

use penstock_sandbox::{ConnectError, Frame, Sandbox, Scene};
use serde_json::json;
use url::Url;

use super::double::{AppDouble, claims, hash};
use crate::client::{SHOP, shop};

fn query(url: &str) -> Vec<(String, String)> {
    Url::parse(url).unwrap().query_pairs().into_owned().filter(|(name, _)| name != "jwt").collect()
}

fn repository(sandbox: &Sandbox) -> serde_json::Value {
    let token = sandbox.repository_token(SHOP, &["repository"]).unwrap();
    crate::client::Client::new(sandbox).bearer(&token).get(&format!("/repositories/{SHOP}")).json()
}

#[test]
fn an_address_says_who_looks_at_what_and_is_signed() {
    let (sandbox, app) = (shop(), AppDouble::start());
    let installed = app.install(&sandbox);
    let grace = sandbox.person("Grace");
    let scene = Scene::new().seen_by(&grace.uuid).in_repository(SHOP).in_pull_request(1);
    let frames = sandbox.frames("an-app", "acme", &scene).unwrap();
    let keys: Vec<_> = frames.iter().map(|frame: &Frame| (frame.kind.as_str(), frame.key.as_str())).collect();
    assert_eq!(keys, [("webPanels", "repo"), ("webPanels", "pr"), ("generalPages", "page")]);
    let uuid = repository(&sandbox)["uuid"].as_str().unwrap().to_owned();
    let pairs = query(&frames[1].url);
    let expected = [
        ("r", uuid.as_str()),
        ("o", &installed.workspace_uuid),
        ("p", "1"),
        ("b", "feature"),
        ("a", &grace.account_id),
    ];
    assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(frames[1].url.starts_with(&format!("{}/pr?r=%7B", app.base)), "{}", frames[1].url);
    let jwt = frames[1].url.split_once("&jwt=").unwrap().1;
    let claims = claims(jwt, &app.secret()).unwrap();
    let plain = |uuid: &str| uuid.replace('{', "%7B").replace('}', "%7D");
    let (account, owner, uuid) = (grace.account_id.replace(':', "%3A"), plain(&installed.workspace_uuid), plain(&uuid));
    assert_eq!(claims["qsh"], hash(&format!("GET&/pr&a={account}&b=feature&o={owner}&p=1&r={uuid}")));
    assert_eq!((&claims["iss"], claims.contains_key("sub")), (&json!(installed.client_key), false));
    assert_eq!(
        sandbox.frame("an-app", "acme", "pr", &scene).unwrap().split("&jwt=").next(),
        frames[1].url.split("&jwt=").next()
    );
}

#[test]
fn what_the_app_may_not_know_stays_as_it_is() {
    let (sandbox, app) = (shop(), AppDouble::start());
    app.describe("/scopes", json!(["account"]));
    app.install(&sandbox);
    let scene = Scene::new().in_repository(SHOP).in_pull_request(1);
    let pairs = query(&sandbox.frame("an-app", "acme", "pr", &scene).unwrap());
    let values: Vec<_> = pairs.iter().map(|(_, value)| value.as_str()).collect();
    let left = ["{repository.uuid}", "{repository.owner.uuid}", "{pullrequest.id}", "{pullrequest.source.branch.name}"];
    assert_eq!(values[..4], left);
    // Nobody is signed in: that is known, and empty.
    assert_eq!(values[4], "");
    // No page has a snippet.
    let pairs = query(&sandbox.frame("an-app", "acme", "page", &Scene::new()).unwrap());
    assert_eq!(
        pairs,
        [("w", "acme"), ("s", "{snippet.name}")].map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[test]
fn a_scene_shows_what_belongs_to_it() {
    let (sandbox, app) = (shop(), AppDouble::start());
    let scene = Scene::new();
    assert!(matches!(sandbox.frames("an-app", "acme", &scene), Err(ConnectError::NotInstalled { .. })));
    app.install(&sandbox);
    let keys = |scene: &Scene| {
        let frames = sandbox.frames("an-app", "acme", scene).unwrap();
        frames.into_iter().map(|frame| frame.key).collect::<Vec<_>>()
    };
    assert_eq!(keys(&scene), ["page"]);
    assert_eq!(keys(&scene.clone().in_repository(SHOP)), ["repo", "page"]);
    assert!(matches!(sandbox.frame("an-app", "acme", "repo", &scene), Err(ConnectError::NoModule(_))));
    sandbox.repository("umbrella/lab").unwrap();
    assert!(sandbox.frames("an-app", "acme", &scene.clone().in_repository("umbrella/lab")).is_err());
    assert!(sandbox.frames("an-app", "acme", &scene.clone().seen_by("{none}")).is_err());
    assert!(sandbox.frames("an-app", "acme", &scene.in_repository(SHOP).in_pull_request(9)).is_err());
}
