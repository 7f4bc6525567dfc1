//! Credentials go to the configured host, whatever an answer says.

use penstock_common::Secret;
use penstock_common::bitbucket::client::{Auth, Error, Method};
use serde_json::Value;

use super::raw::{Raw, json};
use super::world::{client_of, quick};

fn token() -> Auth {
    Auth::AccessToken(Secret::new(["canary", "token"].join("-")))
}

#[tokio::test]
async fn redirects_and_links_elsewhere_are_not_followed() {
    let elsewhere = Raw::new(|_| json("200 OK", "", "{}")).await;
    let other = elsewhere.address().to_owned();
    // The same address with another port, another name of the same machine, another scheme, credentials in the address.
    for target in [
        format!("http://{other}/2.0/user"),
        format!("http://{}/2.0/user", other.replace("127.0.0.1", "localhost")),
        format!("//{other}/2.0/user"),
        format!("https://{other}/2.0/user"),
        format!("http://name:word@{other}/"),
    ] {
        let link = target.clone();
        let server = Raw::new(move |request| {
            if request.starts_with("GET /2.0/user ") {
                json("302 Found", &format!("location: {link}\r\n"), "")
            } else {
                json("200 OK", "", &format!("{{\"values\": [1], \"next\": \"{link}\"}}"))
            }
        });
        let server = server.await;
        let client = client_of(&server.api(), token(), quick());
        let error = client.user().await.unwrap_err();
        assert!(matches!(error, Error::Elsewhere { .. }), "{target}: {error}");
        assert!(!error.to_string().contains("word"), "{error}");
        let list = client.request(Method::GET, ["list"]).unwrap();
        let error = client.list::<Value>(list, 10).await.unwrap_err();
        assert!(matches!(error, Error::Elsewhere { .. }), "{target}: {error}");
        assert!(
            matches!(client.request_to(Method::GET, &target), Err(Error::Elsewhere { .. })) || target.starts_with("//")
        );
        assert_eq!(server.requests().len(), 2);
    }
    assert_eq!(elsewhere.requests(), Vec::<String>::new(), "nothing arrives there, least of all a token");
}

#[tokio::test]
async fn redirects_at_home_are_followed_with_bounds() {
    let server = Raw::new(|request| {
        let location = |path: &str| format!("location: {path}\r\n");
        match request.split(' ').nth(1).unwrap_or_default() {
            "/2.0/a" => json("301 Moved Permanently", &location("b?x=1"), ""),
            "/2.0/b?x=1" => json("200 OK", "", "{}"),
            _ => json("302 Found", &location("/2.0/circle"), ""),
        }
    });
    let server = server.await;
    let client = client_of(&server.api(), token(), quick());
    let call = |method, path: &'static str| {
        let client = client.clone();
        async move { client.send(&client.request(method, [path]).unwrap()).await }
    };
    assert_eq!(call(Method::GET, "a").await.unwrap().body, b"{}");
    assert!(server.requests().iter().all(|request| request.contains("authorization: Bearer ")));
    assert!(matches!(call(Method::GET, "circle").await, Err(Error::Circle { .. })));
    assert_eq!(server.requests().len(), 2 + 6);
    let error = call(Method::PUT, "a").await.unwrap_err();
    assert_eq!(error.to_string(), "PUT /a: moved to /b");
    assert_eq!(server.requests().len(), 2 + 6 + 1, "what a redirect means for a change is not guessed");
}

#[tokio::test]
async fn a_list_without_end_is_ended() {
    let server = Raw::new(|_| json("200 OK", "", r#"{"values": [1, 2], "next": "/2.0/list"}"#)).await;
    let client = client_of(&server.api(), token(), quick());
    let request = || client.request(Method::GET, ["list"]).unwrap();
    assert!(matches!(client.list::<u8>(request(), 5).await, Err(Error::TooMany { limit: 5, .. })));
    assert_eq!(client.first::<u8>(request(), 5).await.unwrap(), [1, 2, 1, 2, 1]);
}
