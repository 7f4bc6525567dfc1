//! What an app's tokens are good for.

use penstock_sandbox::{Bitbucket, Installed};
use serde_json::{Value, json};

use super::double::{AppDouble, now, outbound, token};
use crate::client::{Client, Reply, SHOP, send, shop};

const EXCHANGE: &str = "POST&/site/oauth2/access_token&";
const GRANT: (&str, &str) = ("grant_type", "urn:bitbucket:oauth2:jwt");

fn exchange(bitbucket: &Bitbucket, authorization: &str, form: &[(&str, &str)]) -> Reply {
    let client = Client::new(bitbucket).at(&bitbucket.site_url()).authorized(authorization);
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = client.request("POST", "/site/oauth2/access_token");
    send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).unwrap()
}

fn granted(bitbucket: &Bitbucket, app: &AppDouble, installed: &Installed, more: &[(&str, &str)]) -> (Client, Value) {
    let form: Vec<_> = [GRANT].into_iter().chain(more.iter().copied()).collect();
    let reply = exchange(bitbucket, &app.authorization(installed, EXCHANGE), &form);
    assert_eq!(reply.status, 200, "{}", reply.text);
    (Client::new(bitbucket).bearer(reply.json()["access_token"].as_str().unwrap()), reply.json())
}

#[test]
fn a_token_acts_as_the_workspace_and_reaches_nothing_else() {
    let (sandbox, app) = (shop(), AppDouble::start());
    sandbox.repository("umbrella/lab").unwrap();
    let installed = app.install(&sandbox);
    let (client, answer) = granted(&sandbox, &app, &installed, &[]);
    assert_eq!(answer["scopes"], "account repository:write pullrequest:write pipeline");
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("bearer"), &json!(7200)));
    let user = client.get("/user").json();
    assert_eq!((&user["type"], &user["username"]), (&json!("team"), &json!("acme")));
    assert_eq!(user["uuid"], installed.workspace_uuid);
    let uuid = client.get("/repositories/acme/shop").json()["uuid"].as_str().unwrap().to_owned();
    assert_eq!(client.get(&format!("/repositories/{}/{uuid}/pullrequests/1", installed.workspace_uuid)).status, 200);
    assert_eq!(client.get("/repositories/umbrella/lab").status, 404);
    assert_eq!(client.get("/workspaces/umbrella").status, 404);
    let status = json!({"key": "k", "state": "FAILED", "url": "https://example.com"});
    let commit = sandbox.tip(SHOP, "feature").unwrap();
    assert_eq!(client.post(&format!("/repositories/{SHOP}/commit/{commit}/statuses/build"), &status).status, 201);
    let authors = sandbox.statuses(SHOP, &commit).unwrap();
    assert_eq!(authors[0]["author"]["uuid"], installed.workspace_uuid);
    sandbox.uninstall("an-app", "acme").unwrap();
    assert_eq!(client.get("/user").status, 401);
}

#[test]
fn a_token_may_be_narrower() {
    let (sandbox, app) = (shop(), AppDouble::start());
    sandbox.repository("acme/other").unwrap();
    let installed = app.install(&sandbox);
    let (client, answer) = granted(&sandbox, &app, &installed, &[("scope", "repository account")]);
    assert_eq!(answer["scopes"], "repository account");
    assert_eq!(client.get("/repositories/acme/shop/pullrequests").status, 403);
    let uuid = client.get("/repositories/acme/shop").json()["uuid"].as_str().unwrap().to_owned();
    let (client, _) = granted(&sandbox, &app, &installed, &[("bitbucket_repository", &uuid)]);
    assert_eq!(client.get("/repositories/acme/shop").status, 200);
    assert_eq!(client.get("/repositories/acme/other").status, 404);
    assert_eq!(client.get("/workspaces/acme").status, 404);

    let authorization = app.authorization(&installed, EXCHANGE);
    assert_eq!(exchange(&sandbox, &authorization, &[GRANT, ("scope", "repository:admin")]).status, 400);
    let twice = [GRANT, ("bitbucket_repository", uuid.as_str()), ("bitbucket_repository", uuid.as_str())];
    assert_eq!(exchange(&sandbox, &authorization, &twice).status, 400);
    assert_eq!(sandbox.take_violations().len(), 2);
    let other = [GRANT, ("bitbucket_repository", "{none}")];
    assert_eq!(exchange(&sandbox, &authorization, &other).status, 400);
}

/// The REST API and the token endpoint refuse the same. What an app could only do by mistake fails its test.
#[test]
fn a_token_that_is_not_right_is_refused() {
    let (sandbox, app) = (shop(), AppDouble::start());
    let installed = app.install(&sandbox);
    let secret = app.secret();
    let now = now();
    let other = secret.chars().rev().collect::<String>();
    let change = |name: &'static str, value: Value| {
        move |claims: &mut Value| {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name)
            } else {
                claims.as_object_mut().unwrap().insert(name.to_owned(), value.clone())
            };
        }
    };
    type Change = Box<dyn Fn(&mut Value)>;
    let cases: Vec<(&str, Change, &str, bool)> = vec![
        ("another secret", Box::new(|_| {}), &other, false),
        ("no installation", Box::new(change("sub", json!("connection:7"))), &secret, false),
        (
            "expired",
            Box::new(move |claims| {
                claims["iat"] = json!(now - 200);
                claims["exp"] = json!(now - 20);
            }),
            &secret,
            false,
        ),
        ("no subject", Box::new(change("sub", Value::Null)), &secret, true),
        (
            "swapped",
            Box::new(|claims| {
                let issuer = claims["iss"].take();
                claims["iss"] = claims["sub"].take();
                claims["sub"] = issuer;
            }),
            &secret,
            false,
        ),
        ("another app", Box::new(change("iss", json!("another-app"))), &secret, true),
        ("no hash", Box::new(change("qsh", Value::Null)), &secret, true),
        ("the fixed hash of other products", Box::new(change("qsh", json!("context-qsh"))), &secret, true),
        ("no end", Box::new(change("exp", Value::Null)), &secret, true),
        ("too long", Box::new(change("exp", json!(now + 3600))), &secret, true),
        (
            "milliseconds",
            Box::new(move |claims| {
                claims["iat"] = json!(now * 1000);
                claims["exp"] = json!(now * 1000 + 180);
            }),
            &secret,
            true,
        ),
    ];
    for (what, change, secret, is_wrong) in cases {
        for (canonical, is_exchange) in [("GET&/2.0/user&", false), (EXCHANGE, true)] {
            let mut claims = outbound(&installed, canonical);
            change(&mut claims);
            let authorization = format!("JWT {}", token(&claims, secret));
            let reply = if is_exchange {
                exchange(&sandbox, &authorization, &[GRANT])
            } else {
                Client::new(&sandbox).authorized(&authorization).get("/user")
            };
            assert_eq!(
                (reply.status, sandbox.take_violations().len()),
                (401, usize::from(is_wrong)),
                "{what}: {}",
                reply.text
            );
        }
    }
    // Of another request.
    let authorization = app.authorization(&installed, "GET&/2.0/user&fields=uuid");
    let client = Client::new(&sandbox).authorized(&authorization);
    assert_eq!(client.get("/user?fields=uuid").status, 200);
    assert_eq!(client.get("/user?fields=type").status, 401);
    // The scheme is written in capitals, and there is no token in an address.
    let small = app.authorization(&installed, "GET&/2.0/user&").replace("JWT", "jwt");
    assert_eq!(Client::new(&sandbox).authorized(&small).get("/user").status, 401);
    sandbox.take_violations();
    let none = token(&json!({}), &secret).rsplit_once('.').unwrap().0.to_owned();
    assert_eq!(exchange(&sandbox, &format!("JWT {none}."), &[GRANT]).status, 401);
    assert_eq!(exchange(&sandbox, "Basic eDp5", &[GRANT]).status, 400);
    assert_eq!(sandbox.take_violations().len(), 2);
}

#[test]
fn git_takes_it_too() {
    let (sandbox, app) = (shop(), AppDouble::start());
    let installed = app.install(&sandbox);
    let reply = exchange(&sandbox, &app.authorization(&installed, EXCHANGE), &[GRANT]);
    let secret = reply.json()["access_token"].as_str().unwrap().to_owned();
    let client = Client::new(&sandbox).at(&sandbox.site_url()).basic("x-token-auth", &secret);
    assert_eq!(client.get("/acme/shop.git/info/refs?service=git-upload-pack").status, 200);
    assert_eq!(client.get("/acme/shop.git/info/refs?service=git-receive-pack").status, 200);
}
