use std::sync::LazyLock;

use jsonwebtoken::{EncodingKey, Header};
use proptest::prelude::*;
use rsa::RsaPrivateKey;
use rsa::pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey, LineEnding};
use serde_json::{Value, json};

use super::install::{InstallKey, KeyId};
use super::outbound::Signer;
use super::*;
use crate::base_url::BaseUrl;
use crate::door::connect::app::AppKey;
use crate::door::connect::qsh::{self, Order};
use crate::door::connect::{ClientKey, Request};

/// Unix seconds at which the tests play.
const NOW: i64 = 1_790_000_000;
const PATH: &str = "/bb/connect/frames/repository-panel";
const QUERY: &str = "repository=%7Bx%7D&user=a+b";

fn base() -> BaseUrl {
    BaseUrl::parse("https://app.example.com/bb").unwrap()
}

fn installation() -> ClientKey {
    "connection:1".parse().unwrap()
}

fn secret() -> Secret {
    Secret::new("s3".repeat(20))
}

fn request() -> Request<'static> {
    Request { method: "GET", path: PATH, query: QUERY, authorization: &[] }
}

/// What Bitbucket says in a token for [`request`].
fn claims() -> Value {
    let qsh = qsh::hash("GET", PATH.strip_prefix("/bb").unwrap(), QUERY, Order::Encoded);
    json!({"iss": "connection:1", "aud": "connection:1", "iat": NOW, "exp": NOW + 3600, "qsh": qsh})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn signed(header: &Header, claims: &Value, key: &EncodingKey) -> Secret {
    Secret::new(jsonwebtoken::encode(header, claims, key).unwrap())
}

fn token(claims: &Value) -> Secret {
    signed(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret().expose().as_bytes()))
}

fn verify_at(token: &Secret, request: &Request<'_>, seconds: i64) -> Result<Verified, Refusal> {
    inbound::verify(token, &installation(), &secret(), request, &base(), seconds * 1000)
}

fn verify(claims: &Value) -> Result<Verified, Refusal> {
    verify_at(&token(claims), &request(), NOW)
}

/// `{"alg":…}` and the claims with a signature that is up to the caller.
fn crafted(header: &Value, claims: &Value, signature: &str) -> Secret {
    use jsonwebtoken::crypto::sign;
    // The library's way to base64url: a signature of nothing is not needed, only its alphabet.
    let part = |value: &Value| {
        let key = EncodingKey::from_secret(b"unused");
        let whole = jsonwebtoken::encode(&Header::new(Algorithm::HS256), value, &key).unwrap();
        whole.split('.').nth(1).unwrap().to_owned()
    };
    let message = format!("{}.{}", part(header), part(claims));
    let signature = match signature {
        "hs256" => {
            sign(message.as_bytes(), &EncodingKey::from_secret(secret().expose().as_bytes()), Algorithm::HS256).unwrap()
        }
        other => other.to_owned(),
    };
    Secret::new(format!("{message}.{signature}"))
}

#[test]
fn a_token_of_bitbucket_holds() {
    assert_eq!(verify(&claims()), Ok(Verified { installation: installation(), issued_at: NOW * 1000 }));
    assert_eq!(inbound::claimed_installation(&token(&claims())), Ok(installation()));
}

/// Mistake 3, and 26 the other way round: the token must be this installation's, not another one's or the app's own.
#[test]
fn mistake_03_another_issuer() {
    for other in ["connection:2", "penstock", "CONNECTION:1", ""] {
        assert_eq!(verify(&with("iss", json!(other))), Err(Refusal::Installation));
        assert_eq!(verify(&with("aud", json!(other))), Err(Refusal::Audience));
    }
    assert_eq!(verify(&without("iss")), Err(Refusal::Claim("iss")));
    assert_eq!(verify(&without("aud")), Err(Refusal::Claim("aud")));
    assert_eq!(verify(&with("aud", json!(["connection:1", "connection:2"]))), Err(Refusal::Audience));
    let other_secret =
        signed(&Header::new(Algorithm::HS256), &claims(), &EncodingKey::from_secret(b"another secret of some length"));
    assert_eq!(verify_at(&other_secret, &request(), NOW), Err(Refusal::Signature));
}

/// Mistake 4: the installation comes from the token, whatever else the request says.
#[test]
fn mistake_04_the_address_does_not_choose_the_installation() {
    let query = "installation=connection:2&clientKey=connection:2&iss=connection:2";
    let qsh = qsh::hash("GET", "/x", query, Order::Encoded);
    let request = Request { method: "GET", path: "/bb/x", query, authorization: &[] };
    let verified = verify_at(&token(&with("qsh", json!(qsh))), &request, NOW).unwrap();
    assert_eq!(verified.installation, installation());
}

/// Mistake 5: a token for one request opens no other one.
#[test]
fn mistake_05_another_request() {
    let token = token(&claims());
    for other in [
        Request { method: "POST", ..request() },
        Request { path: "/bb/connect/frames/repository-panel2", ..request() },
        Request { path: "/bb/connect/frames/Repository-panel", ..request() },
        Request { path: "/bb/bb/connect/frames/repository-panel", ..request() },
        Request { path: "/connect/frames/repository-panel", ..request() },
        Request { path: "/bb/connect/frames%2frepository-panel", ..request() },
        Request { query: "repository=%7By%7D&user=a+b", ..request() },
        Request { query: "repository=%7Bx%7D&user=a+b&user=c", ..request() },
        Request { query: "repository=%7Bx%7D", ..request() },
        Request { query: "", ..request() },
    ] {
        assert_eq!(verify_at(&token, &other, NOW), Err(Refusal::OtherRequest), "{other:?} {}", other.query);
    }
}

/// Mistake 6: no hash, or a fixed text in its place.
#[test]
fn mistake_06_no_hash() {
    assert_eq!(verify(&without("qsh")), Err(Refusal::Claim("qsh")));
    for text in ["context-qsh", "", "c88caad15a1c1a900b8ac08aa9686f4e8184539bea1deda36e2f649430df3239"] {
        assert_eq!(verify(&with("qsh", json!(text))), Err(Refusal::OtherRequest));
    }
    assert_eq!(verify(&with("qsh", json!(null))), Err(Refusal::Claim("qsh")));
}

/// Mistake 7: what does not change a request does not break its token either.
#[test]
fn mistake_07_the_same_request_written_otherwise() {
    let token = token(&claims());
    for same in [
        Request { method: "get", ..request() },
        Request { path: "/bb/connect/frames/repository-panel/", ..request() },
        Request { query: "user=a%20b&repository=%7bx%7d&jwt=a.b.c", ..request() },
        Request { query: "jwt=&repository={x}&user=a+b", ..request() },
    ] {
        assert!(verify_at(&token, &same, NOW).is_ok(), "{same:?} {}", same.query);
    }
}

/// Every order of values that Atlassian's libraries use is taken.
#[test]
fn mistake_07_each_order_of_values() {
    let query = "a=~&a=%C3%A9&a=!&a=-";
    let request = Request { method: "GET", path: "/bb/x", query, authorization: &[] };
    for order in Order::ALL {
        let qsh = qsh::hash("GET", "/x", query, order);
        assert!(verify_at(&token(&with("qsh", json!(qsh))), &request, NOW).is_ok(), "{order:?}");
    }
}

static KEY: LazyLock<RsaPrivateKey> = LazyLock::new(|| RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap());

fn public_pem() -> String {
    KEY.to_public_key().to_pkcs1_pem(LineEnding::LF).unwrap()
}

fn private_key() -> EncodingKey {
    EncodingKey::from_rsa_der(KEY.to_pkcs1_der().unwrap().as_bytes())
}

fn rs256(claims: &Value) -> Secret {
    signed(&Header { kid: Some("key-1".to_owned()), ..Header::new(Algorithm::RS256) }, claims, &private_key())
}

fn install_claims() -> Value {
    with("aud", json!("https://app.example.com/bb"))
}

fn verify_install(token: &Secret) -> Result<Verified, Refusal> {
    let key = InstallKey::from_pem(public_pem().as_bytes()).unwrap();
    install::verify(token, &installation(), &key, &request(), &base(), NOW * 1000)
}

/// Mistake 8: the token chooses its algorithm.
#[test]
fn mistake_08_another_algorithm() {
    let secret = secret();
    let hmac = EncodingKey::from_secret(secret.expose().as_bytes());
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        assert_eq!(
            verify_at(&signed(&Header::new(algorithm), &claims(), &hmac), &request(), NOW),
            Err(Refusal::Algorithm)
        );
    }
    assert_eq!(
        verify_at(&signed(&Header::new(Algorithm::RS256), &claims(), &private_key()), &request(), NOW),
        Err(Refusal::Algorithm)
    );
    for none in ["none", "None", "NONE", "", "HS256 ", "hs256"] {
        for signature in ["", "hs256", "AAAA"] {
            let token = crafted(&json!({"typ": "JWT", "alg": none}), &claims(), signature);
            assert_eq!(verify_at(&token, &request(), NOW), Err(Refusal::Malformed), "{none}");
            assert_eq!(verify_install(&token), Err(Refusal::Malformed), "{none}");
        }
    }
    assert!(verify_at(&crafted(&json!({"alg": "HS256"}), &claims(), "hs256"), &request(), NOW).is_ok());
    for signature in ["", "AAAA"] {
        let token = crafted(&json!({"alg": "HS256"}), &claims(), signature);
        assert_eq!(verify_at(&token, &request(), NOW), Err(Refusal::Signature));
    }
}

/// Mistake 8: the public key as an HMAC secret.
#[test]
fn mistake_08_a_public_key_is_no_secret() {
    let header = Header { kid: Some("key-1".to_owned()), ..Header::new(Algorithm::HS256) };
    let token = signed(&header, &install_claims(), &EncodingKey::from_secret(public_pem().as_bytes()));
    assert_eq!(verify_install(&token), Err(Refusal::Algorithm));
}

/// A token that names a key is for another door, and one with demands that are not understood is for none.
#[test]
fn mistake_08_a_key_id_where_none_belongs() {
    for header in [json!({"alg": "HS256", "kid": "x"}), json!({"alg": "HS256", "crit": ["b64"], "b64": false})] {
        assert_eq!(verify_at(&crafted(&header, &claims(), "hs256"), &request(), NOW), Err(Refusal::Algorithm));
    }
}

/// Mistake 9: the library's own checks, which ask the system's clock, are off; ours are on. These tokens are long expired by any clock
/// that is right.
#[test]
fn mistake_09_the_clock_is_ours() {
    let mut old = claims();
    old["iat"] = json!(1000);
    old["exp"] = json!(1000 + 3600);
    assert!(verify_at(&token(&old), &request(), 1500).is_ok());
    assert_eq!(verify_at(&token(&old), &request(), NOW), Err(Refusal::Expired { seconds: NOW - 4600 }));
}

/// Mistake 10: milliseconds.
#[test]
fn mistake_10_milliseconds() {
    assert_eq!(verify(&with("iat", json!(NOW * 1000))), Err(Refusal::Claim("iat")));
    assert_eq!(verify(&with("exp", json!(NOW * 1000))), Err(Refusal::Claim("exp")));
}

/// Mistake 11: no end, no beginning, or a long life.
#[test]
fn mistake_11_times_are_bounded() {
    assert_eq!(verify(&without("exp")), Err(Refusal::Claim("exp")));
    assert_eq!(verify(&without("iat")), Err(Refusal::Claim("iat")));
    assert_eq!(verify(&with("exp", json!(NOW))), Err(Refusal::Claim("exp")));
    assert_eq!(verify(&with("iat", json!(-1))), Err(Refusal::Claim("iat")));
    assert_eq!(verify(&with("exp", json!("never"))), Err(Refusal::Malformed));
    let eternal = token(&with("exp", json!(NOW + 1_000_000)));
    assert!(verify_at(&eternal, &request(), NOW + AGE_MAX_SECONDS + LEEWAY_SECONDS).is_ok());
    let late = AGE_MAX_SECONDS + LEEWAY_SECONDS + 1;
    assert_eq!(verify_at(&eternal, &request(), NOW + late), Err(Refusal::Expired { seconds: LEEWAY_SECONDS + 1 }));
}

#[test]
fn a_wrong_clock_is_named() {
    let token = token(&claims());
    assert!(verify_at(&token, &request(), NOW - LEEWAY_SECONDS).is_ok());
    let refusal = verify_at(&token, &request(), NOW - 600).unwrap_err();
    assert_eq!(refusal, Refusal::Early { seconds: 600 });
    assert!(refusal.to_string().contains("600 s"), "{refusal}");
    assert_eq!(verify(&with("nbf", json!(NOW + 31))), Err(Refusal::Early { seconds: 31 }));
}

/// Mistake 12: nothing of a token or secret is told.
#[test]
fn mistake_12_nothing_is_shown() {
    let canary = "canary-".repeat(4);
    let secret = Secret::new(canary.clone());
    let app = AppKey::new("penstock").unwrap();
    let signer = Signer { app: &app, installation: &installation(), secret: &secret };
    let made = signer.authorization("GET", "/", "", 0).unwrap();
    let mut told = format!("{signer:?} {made:?} {made}");
    for text in [canary.clone(), format!("{canary}.{canary}.{canary}"), format!("e30.{canary}.x")] {
        let refusal = verify_at(&Secret::new(text), &request(), NOW).unwrap_err();
        told.push_str(&format!("{refusal} {refusal:?}"));
    }
    told.push_str(&verify(&with("iss", json!(canary))).unwrap_err().to_string());
    assert!(!told.contains("canary") && !told.contains(made.expose()), "{told}");
}

#[test]
fn an_empty_secret_is_none() {
    let empty = Secret::new("");
    let token = signed(&Header::new(Algorithm::HS256), &claims(), &EncodingKey::from_secret(b""));
    assert_eq!(
        inbound::verify(&token, &installation(), &empty, &request(), &base(), NOW * 1000),
        Err(Refusal::Signature)
    );
    let app = AppKey::new("penstock").unwrap();
    let signer = Signer { app: &app, installation: &installation(), secret: &empty };
    assert!(signer.authorization("GET", "/", "", 0).is_err());
}

#[test]
fn atlassians_own_key() {
    let token = rs256(&install_claims());
    assert_eq!(KeyId::of(&token).unwrap().unwrap().as_str(), "key-1");
    assert_eq!(verify_install(&token), Ok(Verified { installation: installation(), issued_at: NOW * 1000 }));
    assert!(verify_install(&rs256(&with("aud", json!(["https://app.example.com/bb"])))).is_ok());
    for (claims, refusal) in [
        (claims(), Refusal::Audience),
        (with("aud", json!("https://app.example.com")), Refusal::Audience),
        (with("aud", json!([])), Refusal::Audience),
        (without("aud"), Refusal::Claim("aud")),
    ] {
        assert_eq!(verify_install(&rs256(&claims)), Err(refusal));
    }
    let mut other = install_claims();
    other["iss"] = json!("connection:2");
    assert_eq!(verify_install(&rs256(&other)), Err(Refusal::Installation));
    other = install_claims();
    other["qsh"] = json!("context-qsh");
    assert_eq!(verify_install(&rs256(&other)), Err(Refusal::OtherRequest));
}

/// Mistake 14: a key's name becomes a path.
#[test]
fn mistake_14_a_key_id_is_one_plain_segment() {
    for id in ["", "..", "a/b", "a%2fb", "a?b", "a#b", "https:x", "a\nb", "é", &"x".repeat(65)] {
        let token = signed(
            &Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::RS256) },
            &install_claims(),
            &private_key(),
        );
        assert_eq!(KeyId::of(&token), Err(Refusal::UnknownKey), "{id}");
    }
    assert_eq!(KeyId::of(&token(&claims())), Ok(None));
}

#[test]
fn what_is_no_key_is_refused() {
    for pem in ["", "x", &"x".repeat(20_000)] {
        assert!(InstallKey::from_pem(pem.as_bytes()).is_none());
    }
}

/// Mistake 26: who signs and for whom, the right way round.
#[test]
fn mistake_26_outbound_tokens_name_app_and_installation() {
    let (app, installation, secret) = (AppKey::new("penstock").unwrap(), installation(), secret());
    let signer = Signer { app: &app, installation: &installation, secret: &secret };
    let header = signer.authorization("post", "/site/oauth2/access_token", "", NOW * 1000 + 999).unwrap();
    let token = Secret::new(header.expose().strip_prefix("JWT ").unwrap());
    let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(token.expose()).unwrap();
    let qsh = qsh::hash("POST", "/site/oauth2/access_token", "", Order::Encoded);
    assert_eq!(claims, json!({"iss": "penstock", "sub": "connection:1", "iat": NOW, "exp": NOW + 180, "qsh": qsh}));
    assert!(signed_claims(&token, Algorithm::HS256, &DecodingKey::from_secret(secret.expose().as_bytes())).is_ok());
    // What we sign for Bitbucket is never taken for something that Bitbucket signed.
    assert_eq!(verify_at(&token, &request(), NOW), Err(Refusal::Installation));
}

proptest! {
    #[test]
    fn any_text_is_refused_in_good_order(text in "\\PC{0,60}") {
        let token = Secret::new(text);
        prop_assert!(verify_at(&token, &request(), NOW).is_err());
        prop_assert!(inbound::claimed_installation(&token).is_err());
    }

    #[test]
    fn no_changed_token_holds(at in 0usize..1000, to in "[-A-Za-z0-9_.]") {
        let whole = token(&claims()).expose().to_owned();
        let at = at % whole.len();
        let changed = format!("{}{to}{}", &whole[..at], &whole[at + 1..]);
        prop_assume!(changed != whole);
        prop_assert!(verify_at(&Secret::new(changed), &request(), NOW).is_err());
    }
}
