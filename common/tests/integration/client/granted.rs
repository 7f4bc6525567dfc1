//! Tokens that somebody else gets, requests that somebody counts, and clients that share nothing but connections.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use penstock_common::Secret;
use penstock_common::bitbucket::client::{Allowance, Auth, Client, Error, Grant, Granted, Granting, Method, Options};
use penstock_sandbox::{Fault, Route};

use super::raw::{Raw, json};
use super::world::{World, client_of, quick};

/// Hands out what `make` makes, and counts.
struct Grants<F> {
    made: AtomicUsize,
    make: F,
}

impl<F: Fn(usize) -> Result<Granted, Error> + Send + Sync> Grant for Grants<F> {
    fn grant(&self) -> Granting<'_> {
        let number = self.made.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            // Long enough for others to come.
            tokio::task::yield_now().await;
            (self.make)(number)
        })
    }
}

fn grants<F: Fn(usize) -> Result<Granted, Error> + Send + Sync>(make: F) -> Arc<Grants<F>> {
    Arc::new(Grants { made: AtomicUsize::new(0), make })
}

fn good(token: &str) -> Result<Granted, Error> {
    Ok(Granted { token: Secret::new(token), expires_in: Duration::from_secs(3600), scopes: Vec::new() })
}

#[tokio::test]
async fn a_token_is_granted_once_and_anew_when_it_is_not_taken() {
    let world = World::new();
    let token = world.sandbox.repository_token(super::world::REPOSITORY, &["repository"]).unwrap();
    let grants = grants(move |number| good(if number == 0 { "not-taken" } else { &token }));
    let repository = world.repository(Auth::Granted(grants.clone()));
    let (one, two) = tokio::join!(repository.get(), repository.branches());
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(grants.made.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn that_there_is_no_token_is_told_apart_from_everything_else() {
    let server = Raw::new(|_| json("200 OK", "", "{}")).await;
    let nowhere = Raw::new(|_| json("404 Not Found", "", "{}")).await;
    let other = client_of(&nowhere.api(), Auth::Anonymous, quick());
    let refused = other.user().await.unwrap_err();
    assert!(refused.is_not_found());
    let refused = Mutex::new(Some(refused));
    let grants = grants(move |_| Err(refused.lock().unwrap().take().unwrap_or(Error::NotMade("nothing"))));
    let client = client_of(&server.api(), Auth::Granted(grants.clone()), quick());
    let error = client.user().await.unwrap_err();
    assert!(matches!(error, Error::NotGranted(_)), "{error}");
    assert!(!error.is_not_found() && !error.is_denied() && error.is_unknown_to_server());
    assert!(!client.user().await.unwrap_err().is_unknown_to_server());
    assert_eq!((grants.made.load(Ordering::SeqCst), server.requests().len()), (2, 0));
}

/// Allows some requests.
#[derive(Default)]
struct Allowed {
    left: AtomicU32,
    exceeded: Mutex<Vec<Option<Duration>>>,
}

impl Allowance for Allowed {
    fn take(&self) -> Result<(), Duration> {
        let taken = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        taken.map(|_| ()).map_err(|_| Duration::from_secs(9))
    }

    fn exceeded(&self, retry_after: Option<Duration>) {
        self.exceeded.lock().unwrap().push(retry_after);
    }
}

#[tokio::test]
async fn every_attempt_is_counted_and_none_is_sent_beyond() {
    let world = World::new();
    let some = Arc::new(Allowed { left: AtomicU32::new(3), ..Allowed::default() });
    let token = world.sandbox.repository_token(super::world::REPOSITORY, &["repository"]).unwrap();
    let options = Options { allowance: Some(some.clone()), ..quick() };
    let client = world.client(Auth::AccessToken(Secret::new(token)), options);
    let repository = client.in_repository("acme", "shop");
    world.sandbox.fault(Route::new("GET", "*"), Fault::status(503), 1);
    repository.get().await.unwrap();
    world.sandbox.fault(Route::new("GET", "*"), Fault::too_many(100), 1);
    let error = repository.get().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(100)));
    assert_eq!(*some.exceeded.lock().unwrap(), [Some(Duration::from_secs(100))]);
    let before = world.requests().len();
    let error = repository.get().await.unwrap_err();
    assert!(matches!(error, Error::NotAllowed { .. }), "{error}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(9)));
    assert_eq!(world.requests().len(), before);
}

#[tokio::test]
async fn another_client_shares_neither_tokens_nor_what_was_learned() {
    let server = Raw::new(|request| {
        let sent = request.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or("nothing");
        json("400 Bad Request", "", &format!(r#"{{"message": "I was sent {sent}, and know canary-one"}}"#))
    });
    let server = server.await;
    let one: Client = client_of(&server.api(), Auth::AccessToken(Secret::new("canary-one")), quick());
    let other = one.for_another(Auth::AccessToken(Secret::new("canary-other")), None).unwrap();
    let nobody = other.for_another(Auth::Anonymous, None).unwrap();
    let told = |error: Error| error.to_string();
    assert!(told(one.user().await.unwrap_err()).ends_with("I was sent Bearer ••••••••, and know ••••••••"));
    assert!(told(other.user().await.unwrap_err()).ends_with("I was sent Bearer ••••••••, and know canary-one"));
    assert!(told(nobody.user().await.unwrap_err()).ends_with("I was sent nothing, and know canary-one"));
    assert!(server.requests()[1].contains("authorization: Bearer canary-other"));
    // Credentials of one call, which are hidden for now.
    let secret = Secret::new("JWT canary-call");
    nobody.hide_for_now(&Secret::new("canary-call"));
    let request = nobody.request(Method::GET, ["user"]).unwrap().authorization(&secret);
    assert!(told(nobody.send(&request).await.unwrap_err()).contains("I was sent JWT ••••••••,"));
    assert!(!format!("{request:?}").contains("canary"));
}
