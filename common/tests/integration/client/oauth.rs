//! Tokens of OAuth consumers.

use penstock_common::Secret;
use penstock_common::bitbucket::client::{Auth, Client, Consumer, Error, InRepository, SiteUrl};
use penstock_sandbox::{Door, Fault, Route};

use super::raw::{Raw, json};
use super::world::{World, client_of, quick};

impl World {
    fn consumer(&self, secret: Option<&str>) -> InRepository {
        let (id, own) = self.sandbox.oauth_consumer("acme", &["repository"]).unwrap();
        let token_url = SiteUrl::parse(&self.sandbox.site_url()).unwrap().token_url();
        self.repository(Auth::OAuth(Consumer { id, secret: Secret::new(secret.unwrap_or(&own)), token_url }))
    }

    fn grants(&self) -> usize {
        self.sandbox.journal().iter().filter(|entry| entry.door == Door::Site).count()
    }
}

#[tokio::test]
async fn a_token_is_fetched_once_and_when_it_is_needed() {
    let world = World::new();
    let repository = world.consumer(None);
    assert_eq!(world.grants(), 0);
    let (one, two, three) = tokio::join!(repository.get(), repository.branches(), repository.get());
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    repository.get().await.unwrap();
    assert_eq!(world.grants(), 1);
    // It ends before its time.
    world.sandbox.fault(Route::new("GET", "*"), Fault::status(401), 1);
    repository.get().await.unwrap();
    assert_eq!(world.grants(), 2);
    // And if the new one is not taken either, that is that.
    world.sandbox.fault(Route::new("GET", "*"), Fault::status(401), 2);
    assert_eq!(repository.get().await.unwrap_err().status(), Some(401));
    assert_eq!(world.grants(), 3);
}

#[tokio::test]
async fn a_token_that_is_not_given_is_told() {
    let world = World::new();
    let secret = ["canary", "secret"].join("-");
    let error = world.consumer(Some(&secret)).get().await.unwrap_err();
    assert_eq!(error.status(), Some(401));
    assert!(error.to_string().starts_with("POST /site/oauth2/access_token: the server says 401"), "{error}");
    assert!(!format!("{error} {error:?}").contains(&secret));
    // Asking twice does no harm.
    let repository = world.consumer(None);
    world.sandbox.fault(Route::new("POST", "/site/*"), Fault::LostAnswer, 1);
    world.sandbox.fault(Route::new("POST", "/site/*"), Fault::status(503), 1);
    repository.get().await.unwrap();
}

#[tokio::test]
async fn an_old_token_is_renewed_and_every_token_is_masked() {
    let token = ["canary", "token"].join("-");
    let body = format!(r#"{{"access_token": "{token}", "expires_in": 0}}"#);
    let site = Raw::new(move |_| json("200 OK", "", &body)).await;
    let api = Raw::new(|request| {
        let sent = request.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or_default();
        json("400 Bad Request", "", &format!(r#"{{"message": "I was sent {sent}"}}"#))
    });
    let api = api.await;
    let site_url = SiteUrl::parse(&format!("http://{}", site.address())).unwrap();
    let secret = Secret::new(["canary", "secret"].join("-"));
    let consumer = Consumer { id: "id".to_owned(), secret, token_url: site_url.token_url() };
    let client: Client = client_of(&api.api(), Auth::OAuth(consumer), quick());
    for fetched in 1..3 {
        let error = client.user().await.unwrap_err();
        assert_eq!(error.to_string(), "GET /user: the server says 400 Bad Request: I was sent Bearer ••••••••");
        assert_eq!(site.requests().len(), fetched);
    }
    assert!(api.requests().iter().all(|request| request.contains(&format!("authorization: Bearer {token}"))));
    assert!(site.requests().iter().all(|request| request.contains("authorization: Basic ")));

    let site = Raw::new(|_| json("200 OK", "", r#"{"access_token": 7}"#)).await;
    let site_url = SiteUrl::parse(&format!("http://{}", site.address())).unwrap();
    let consumer = Consumer { id: "id".to_owned(), secret: Secret::new("x"), token_url: site_url.token_url() };
    let error = client_of(&api.api(), Auth::OAuth(consumer), quick()).user().await.unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
}
