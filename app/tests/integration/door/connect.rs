//! Connect's outbound calls: exchange, proof, Atlassian's keys.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use penstock_app::bitbucket::{Credential, Credentials, Error, Network, NoCredential, Reach, Tenants};
use penstock_app::clock::Clock;
use penstock_app::door::connect::app::AppKey;
use penstock_app::door::connect::install_keys::QUESTIONS_MAX;
use penstock_app::door::connect::jwt::install::{InstallKeys, KeyId};
use penstock_app::door::connect::lifecycle::{Expected, Principal, ProofFailure, Prover};
use penstock_app::door::connect::{ClientKey, Exchange, HttpInstallKeys, HttpProver};
use penstock_app::hosts::Hosts;
use penstock_common::{Secret, Uuid};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{EncodeRsaPublicKey, LineEnding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::bitbucket::world::{quick, uuid};
use crate::double::{Double, Seen};

/// Unix seconds.
const NOW: i64 = 1_790_000_000;

fn secret() -> Secret {
    Secret::new(["canary", "of", "the", "installation"].join("-"))
}

fn installation() -> ClientKey {
    format!("ari:cloud:bitbucket::app/{}/penstock", uuid(1).braced()).parse().unwrap()
}

fn clock() -> (Clock, Arc<AtomicI64>) {
    let time = Arc::new(AtomicI64::new(NOW * 1000));
    let shared = Arc::clone(&time);
    (Arc::new(move || shared.load(Ordering::SeqCst)), time)
}

fn reach(double: &Double) -> Reach {
    let hosts = Hosts::development(&double.api(), &double.url(), &format!("{}/keys", double.url())).unwrap();
    Reach::new(&hosts, &Network::default(), quick()).unwrap()
}

fn exchange(double: &Double) -> Arc<Exchange> {
    Arc::new(Exchange::new(reach(double).site, AppKey::new("penstock").unwrap(), clock().0))
}

/// The claims of the token that a request for a token was signed with, checked as Bitbucket would.
fn signed(seen: &Seen) -> Option<Value> {
    let token = seen.header("authorization").strip_prefix("JWT ")?.to_owned();
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_secret(secret().expose().as_bytes());
    Some(jsonwebtoken::decode::<Value>(token, &key, &validation).ok()?.claims)
}

/// Bitbucket: gives a token to who signs with [`secret`], and tells who it is.
async fn bitbucket() -> Double {
    Double::new(|seen| match seen.path() {
        "/site/oauth2/access_token" if signed(seen).is_some() => {
            let answer = json!({"access_token": "granted-token", "expires_in": 7200, "scopes": "account", "token_type": "bearer",
                "refresh_token": "another"});
            (200, answer.to_string())
        }
        "/site/oauth2/access_token" => {
            let sent = seen.header("authorization");
            (401, json!({"error": "invalid_grant", "error_description": format!("no: {sent}")}).to_string())
        }
        "/2.0/user" if seen.header("authorization") == "Bearer granted-token" => {
            (200, json!({"type": "team", "uuid": uuid(1).braced(), "username": "acme"}).to_string())
        }
        path if path.starts_with("/2.0/workspaces/") && seen.header("authorization") == "Bearer granted-token" => {
            (200, json!({"type": "workspace", "uuid": uuid(1).braced(), "slug": "acme"}).to_string())
        }
        _ => (404, "{}".to_owned()),
    })
    .await
}

#[tokio::test]
async fn a_secret_becomes_a_token() {
    let double = bitbucket().await;
    let granted = exchange(&double).token(&installation(), &secret()).await.unwrap();
    assert_eq!((granted.token.expose(), granted.expires_in.as_secs()), ("granted-token", 7200));
    let seen = &double.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/site/oauth2/access_token"));
    assert_eq!(seen.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(seen.body, "grant_type=urn%3Abitbucket%3Aoauth2%3Ajwt");
    let claims = signed(seen).unwrap();
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("penstock"), &json!(installation().as_str())));
    assert_eq!(claims["iat"], NOW);
    assert!(claims["exp"].as_i64().unwrap() - NOW <= 300);
    let digest = Sha256::digest("POST&/site/oauth2/access_token&");
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(claims["qsh"], hash);
}

#[tokio::test]
async fn a_secret_that_is_not_known_is_told_and_not_shown() {
    let double = bitbucket().await;
    let wrong = Secret::new(["canary", "wrong"].join("-"));
    let error = exchange(&double).token(&installation(), &wrong).await.unwrap_err();
    assert_eq!(error.status(), Some(401));
    let sent = double.seen()[0].header("authorization").trim_start_matches("JWT ").to_owned();
    let told = format!("{error} {error:?}");
    assert!(told.contains("no: JWT ••••") && !told.contains(&sent) && !told.contains(wrong.expose()), "{told}");
    assert!(exchange(&double).token(&installation(), &Secret::new("")).await.is_err());
}

const PERMISSIONS: &str = "/permissions/repositories";

#[tokio::test]
async fn whose_a_secret_is() {
    let double = bitbucket().await;
    let prover = HttpProver::new(exchange(&double), reach(&double).api);
    let ask = async |secret: &Secret, expected| prover.principal(&installation(), secret, expected).await;
    // Where the installation's name says the workspace, the secret is all that is to be proven.
    let known = Principal { uuid: uuid(1), slug: Some("acme".to_owned()) };
    assert_eq!(ask(&secret(), Expected::Known(uuid(1))).await, Ok(known.clone()));
    assert!(double.seen().iter().all(|seen| seen.path() != "/2.0/user"));
    // The callback does not say it: the account does.
    assert_eq!(ask(&secret(), Expected::Nothing).await, Ok(known.clone()));
    let wrong = Secret::new(["canary", "wrong"].join("-"));
    for expected in [Expected::Known(uuid(1)), Expected::Claimed(uuid(1)), Expected::Nothing] {
        assert_eq!(ask(&wrong, expected).await, Err(ProofFailure::Rejected));
    }
}

/// An installation can be proven even if Bitbucket refuses `/user`; what a callback claims proves
/// nothing.
#[tokio::test]
async fn a_claim_is_confirmed_where_strangers_are_kept_out() {
    use ProofFailure::{Unavailable, Unconfirmed};
    let ours = || Ok(Principal { uuid: uuid(7), slug: None });
    let other = || Ok(Principal { uuid: uuid(1), slug: Some("acme".to_owned()) });
    for (permissions, user, expected) in [
        // An admin's list of anything, without a request to `/user`.
        ((200, r#"{"values": []}"#), 401, ours()),
        ((200, r#"{"values": [{"permission": "admin"}], "next": "https://elsewhere.example"}"#), 403, ours()),
        ((200, r#"{"values": []}"#), 500, ours()),
        // A token of another workspace: what the callback claims does not count.
        ((403, "{}"), 200, other()),
        ((404, "{}"), 200, other()),
        ((401, "{}"), 401, Err(Unconfirmed)),
        ((403, "{}"), 403, Err(Unconfirmed)),
        ((404, "<html>"), 404, Err(Unconfirmed)),
        ((403, "{}"), 429, Err(Unavailable)),
        ((500, "{}"), 401, Err(Unavailable)),
        ((429, "Rate limit for this resource has been exceeded"), 403, Err(Unavailable)),
        // Anything but a list is not an answer of Bitbucket.
        ((200, "<html>maintenance</html>"), 401, Err(Unavailable)),
        ((200, "{}"), 403, Err(Unavailable)),
    ] {
        let double = Double::new(move |seen| match seen.path() {
            "/site/oauth2/access_token" => (200, json!({"access_token": "granted-token"}).to_string()),
            "/2.0/user" if user == 200 => (200, json!({"uuid": uuid(1).braced(), "username": "acme"}).to_string()),
            "/2.0/user" => (user, "{}".to_owned()),
            path if path.ends_with(PERMISSIONS) => (permissions.0, permissions.1.to_owned()),
            _ => (404, "{}".to_owned()),
        })
        .await;
        let prover = HttpProver::new(exchange(&double), reach(&double).api);
        let told = prover.principal(&installation(), &secret(), Expected::Claimed(uuid(7))).await;
        assert_eq!(told, expected, "{permissions:?} {user}");
        let asked = double.seen().into_iter().find(|seen| seen.path().ends_with(PERMISSIONS)).unwrap();
        assert!(asked.path().contains(&uuid(7).to_string()), "{}", asked.target);
    }
}

#[tokio::test]
async fn only_a_clear_no_is_one() {
    let token = || json!({"access_token": "granted-token", "expires_in": 7200});
    for (exchange_says, user_says, failure) in [
        ((400, json!({})), (200, json!({})), ProofFailure::Rejected),
        ((429, json!({})), (200, json!({})), ProofFailure::Unavailable),
        ((407, json!({})), (200, json!({})), ProofFailure::Unavailable),
        ((503, json!({})), (200, json!({})), ProofFailure::Unavailable),
        ((200, json!({})), (200, json!({})), ProofFailure::Unavailable),
        // A missing account proves nothing against the secret.
        ((200, token()), (401, json!({})), ProofFailure::Unconfirmed),
        ((200, token()), (403, json!({})), ProofFailure::Unconfirmed),
        ((200, token()), (500, json!({})), ProofFailure::Unavailable),
        ((200, token()), (200, json!({"username": "acme"})), ProofFailure::Unavailable),
        ((200, token()), (200, json!({"uuid": "acme"})), ProofFailure::Unavailable),
    ] {
        let told = format!("{exchange_says:?} {user_says:?}");
        let double = Double::new(move |seen| {
            let (status, body) = if seen.path() == "/2.0/user" { &user_says } else { &exchange_says };
            (*status, body.to_string())
        })
        .await;
        let prover = HttpProver::new(exchange(&double), reach(&double).api);
        let asked = prover.principal(&installation(), &secret(), Expected::Nothing).await;
        assert_eq!(asked, Err(failure), "{told}");
    }
    let double = bitbucket().await;
    let nobody = Hosts::development(&double.api(), "http://127.0.0.1:9", "http://127.0.0.1:9").unwrap();
    let site = Reach::new(&nobody, &Network::default(), quick()).unwrap().site;
    let exchange = Arc::new(Exchange::new(site, AppKey::new("penstock").unwrap(), clock().0));
    let prover = HttpProver::new(exchange, reach(&double).api);
    let asked = prover.principal(&installation(), &secret(), Expected::Known(uuid(1))).await;
    assert_eq!(asked, Err(ProofFailure::Unavailable));
}

/// A directory with one installation of Connect.
struct Directory(Arc<Exchange>);

impl Credentials for Directory {
    async fn credentials(&self, _: Uuid) -> Result<Credential, NoCredential> {
        Ok(self.0.credential(installation(), secret()))
    }
}

#[tokio::test]
async fn a_tenant_asks_with_the_token_of_its_installation() {
    let double = bitbucket().await;
    let tenants = Tenants::new(reach(&double).api, Directory(exchange(&double)));
    for _ in 0..3 {
        let bitbucket = tenants.of(uuid(1)).await.unwrap();
        assert!(matches!(bitbucket.in_repository(uuid(2)).get().await, Ok(None)));
    }
    let paths: Vec<String> = double.seen().iter().map(|seen| seen.path().to_owned()).collect();
    assert_eq!(paths.iter().filter(|path| path.starts_with("/site/")).count(), 1);
    assert_eq!(paths.len(), 4);
    assert!(double.seen()[1..].iter().all(|seen| seen.header("authorization") == "Bearer granted-token"));
}

#[tokio::test]
async fn that_no_token_is_given_does_not_mean_that_nothing_is_there() {
    for (status, is_rejected) in [(404, true), (400, true), (503, false), (429, false)] {
        let double = Double::new(move |_| (status, "{}".to_owned())).await;
        let tenants = Tenants::new(reach(&double).api, Directory(exchange(&double)));
        let shop = tenants.of(uuid(1)).await.unwrap().in_repository(uuid(2));
        let error = shop.branch("main").await.unwrap_err();
        assert_eq!(matches!(error, Error::Rejected(_)), is_rejected, "{status}: {error}");
        assert_eq!(error.is_passing(), !is_rejected, "{status}: {error}");
        assert!(double.seen().iter().all(|seen| seen.path().starts_with("/site/")));
    }
}

fn key(id: &str) -> KeyId {
    let header = Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::HS256) };
    let token = jsonwebtoken::encode(&header, &json!({}), &EncodingKey::from_secret(b"x")).unwrap();
    KeyId::of(&Secret::new(token)).unwrap().unwrap()
}

fn pem() -> String {
    static PEM: LazyLock<String> = LazyLock::new(|| {
        let private = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
        private.to_public_key().to_pkcs1_pem(LineEnding::LF).unwrap()
    });
    PEM.clone()
}

/// Atlassian's host: has keys whose name begins with `good`.
async fn keys() -> Double {
    Double::new(|seen| match seen.path() {
        path if path.starts_with("/keys/good") => (200, pem()),
        "/keys/broken" => (200, "not a key".to_owned()),
        "/keys/down" => (503, String::new()),
        "/keys/large" => (200, "x".repeat(1 << 20)),
        _ => (404, String::new()),
    })
    .await
}

#[tokio::test]
async fn a_key_is_asked_for_once_a_day() {
    let double = keys().await;
    let (clock, time) = clock();
    let keys = HttpInstallKeys::new(reach(&double).install_keys, clock);
    let good = key("good-1");
    let (one, other) = tokio::join!(keys.key(&good), keys.key(&good));
    assert!(one.unwrap().is_some() && other.unwrap().is_some());
    assert_eq!(double.seen().iter().map(|seen| seen.target.as_str()).collect::<Vec<_>>(), ["/keys/good-1"]);
    time.fetch_add(25 * 3600 * 1000, Ordering::SeqCst);
    assert!(keys.key(&good).await.unwrap().is_some());
    assert_eq!(double.seen().len(), 2);
    // Not there, and what is no key: both are known for a while.
    for id in ["none", "broken"] {
        assert!(keys.key(&key(id)).await.unwrap().is_none());
        assert!(keys.key(&key(id)).await.unwrap().is_none());
    }
    assert_eq!(double.seen().len(), 4);
    assert!(keys.key(&key("large")).await.is_err());
    assert!(keys.key(&key("down")).await.is_err());
}

#[tokio::test]
async fn a_flood_of_unknown_keys_does_not_reach_the_host() {
    let double = keys().await;
    let (clock, time) = clock();
    let keys = HttpInstallKeys::new(reach(&double).install_keys, clock);
    assert!(keys.key(&key("good-1")).await.unwrap().is_some());
    let mut unavailable = 0;
    for number in 0..500 {
        unavailable += usize::from(keys.key(&key(&format!("flood-{number}"))).await.is_err());
    }
    assert_eq!(double.seen().len(), QUESTIONS_MAX);
    assert_eq!(unavailable, 500 - (QUESTIONS_MAX - 1));
    // What is known goes on.
    assert!(keys.key(&key("good-1")).await.unwrap().is_some());
    time.fetch_add(60 * 1000, Ordering::SeqCst);
    assert!(keys.key(&key("good-2")).await.unwrap().is_some());
}
