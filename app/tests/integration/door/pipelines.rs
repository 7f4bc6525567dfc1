//! Identity tokens of steps: of the sandbox's issuer, and of a key server that a test plays.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use penstock_app::base_url::BaseUrl;
use penstock_app::door::pipelines::{Refusal, StepTokens, Tenant, claimed_workspace};
use penstock_common::Secret;
use penstock_common::bitbucket::client::ApiUrl;
use penstock_sandbox::{Commit, Sandbox};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey, LineEnding};
use rsa::traits::PublicKeyParts;
use serde_json::{Map, Value, json};

use crate::bitbucket::world::{reach, uuid};
use crate::double::Double;

/// Unix seconds.
const NOW: i64 = 1_790_000_000;
const OWN: &str = "https://app.example.com/penstock";

/// Two key pairs: of the issuer, and of somebody else.
static KEYS: LazyLock<[RsaPrivateKey; 2]> =
    LazyLock::new(|| [(), ()].map(|()| RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap()));

fn jwk(id: &str, key: &RsaPrivateKey) -> Value {
    json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "n": base64(&key.n().to_bytes_be()), "e": "AQAB"})
}

/// Without padding, for addresses.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = three.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            text.push(char::from(DIGITS[(number >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

/// A key server, and the app's way to it.
struct World {
    server: Double,
    tokens: StepTokens,
    takes_default_audience: bool,
    /// What the server answers.
    set: Arc<Mutex<(u16, Value)>>,
}

const SLUG: &str = "acme";

impl World {
    async fn new(takes_default_audience: bool) -> Self {
        let set = Arc::new(Mutex::new((200, json!({"keys": [jwk("one", &KEYS[0])]}))));
        let shared = Arc::clone(&set);
        let server = Double::new(move |_| {
            let (status, body) = &*shared.lock().unwrap();
            (*status, body.to_string())
        })
        .await;
        let api = ApiUrl::parse(&server.api()).unwrap();
        let audience = BaseUrl::parse(OWN).unwrap();
        let tokens = StepTokens::new(api, reach(&server.api()).api, audience);
        Self { server, tokens, takes_default_audience, set }
    }

    fn claims(&self) -> Map<String, Value> {
        let (repository, step) = (uuid(2).braced(), uuid(3).braced());
        let Value::Object(claims) = json!({
            "iss": format!("{}/workspaces/{SLUG}/pipelines-config/identity/oidc", self.server.api()),
            "aud": OWN,
            "sub": format!("{repository}:{step}"),
            "iat": NOW,
            "exp": NOW + 3600,
            "accountUuid": uuid(5).braced(),
            "workspaceUuid": uuid(1).braced(),
            "repositoryUuid": repository,
            "pipelineUuid": uuid(4).braced(),
            "stepUuid": step,
            "branchName": "main",
        }) else {
            unreachable!()
        };
        claims
    }

    /// With some claims changed; `null` takes one away.
    fn with(&self, changes: Value) -> Secret {
        let mut claims = self.claims();
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => claims.remove(name),
                value => claims.insert(name.clone(), value.clone()),
            };
        }
        sign(&claims, "one", &KEYS[0])
    }

    async fn verify(&self, token: &Secret) -> Result<penstock_app::door::pipelines::StepCaller, Refusal> {
        self.at(token, NOW).await
    }

    async fn at(&self, token: &Secret, seconds: i64) -> Result<penstock_app::door::pipelines::StepCaller, Refusal> {
        let takes_default_audience = self.takes_default_audience;
        let tenant = Tenant { workspace: uuid(1), slug: SLUG, takes_default_audience };
        self.tokens.verify(token, tenant, seconds * 1000).await
    }
}

fn sign(claims: &Map<String, Value>, id: &str, key: &RsaPrivateKey) -> Secret {
    let header = Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::RS256) };
    let key = EncodingKey::from_rsa_der(key.to_pkcs1_der().unwrap().as_bytes());
    Secret::new(jsonwebtoken::encode(&header, claims, &key).unwrap())
}

/// A token with any header, and a signature that is `signature`.
fn raw(header: &Value, claims: &Map<String, Value>, signature: &[u8]) -> Secret {
    let part = |value: &str| base64(value.as_bytes());
    let claims = Value::Object(claims.clone()).to_string();
    Secret::new(format!("{}.{}.{}", part(&header.to_string()), part(&claims), base64(signature)))
}

#[tokio::test]
async fn a_good_token_names_repository_and_step() {
    let world = World::new(false).await;
    let token = world.with(json!({}));
    assert_eq!(claimed_workspace(&token), Ok(uuid(1)));
    let caller = world.verify(&token).await.unwrap();
    assert_eq!((caller.workspace, caller.repository, caller.step), (uuid(1), uuid(2), uuid(3)));
    assert_eq!((caller.pipeline, caller.environment), (Some(uuid(4)), None));
    assert_eq!(caller.expires_at, (NOW + 3600) * 1000);
    let asked: Vec<String> =
        world.server.seen().iter().map(|seen| format!("{} {}", seen.method, seen.target)).collect();
    assert_eq!(asked, ["GET /2.0/workspaces/acme/pipelines-config/identity/oidc/keys.json"]);
    assert!(!world.server.seen()[0].headers.contains_key("authorization"));

    let (environment, deployed) =
        (uuid(6).braced(), format!("{}:{}:{}", uuid(2).braced(), uuid(6).braced(), uuid(3).braced()));
    let token = world.with(json!({"sub": deployed, "deploymentEnvironmentUuid": environment}));
    assert_eq!(world.verify(&token).await.unwrap().environment, Some(uuid(6)));
    // On tag builds there is no branch, and one project says that there is never one.
    assert!(world.verify(&world.with(json!({"branchName": null, "pipelineUuid": null}))).await.is_ok());
    assert_eq!(world.server.seen().len(), 1);
}

#[tokio::test]
async fn audiences() {
    let world = World::new(false).await;
    let lenient = World::new(true).await;
    let default = format!("ari:cloud:bitbucket::workspace/{}", uuid(1));
    for (audience, strict, loose) in [
        (json!(OWN), true, true),
        (json!([OWN]), true, true),
        (json!(["https://other.example.com", OWN]), true, true),
        (json!(default), false, true),
        (json!(["x", default]), false, true),
        (json!(format!("ari:cloud:bitbucket::workspace/{}", uuid(1).braced())), false, true),
        (json!(format!("ari:cloud:bitbucket::workspace/{}", uuid(9))), false, false),
        (json!(format!("{OWN}/")), false, false),
        (json!("https://app.example.com"), false, false),
        (json!([]), false, false),
        (json!([[OWN]]), false, false),
        (json!(7), false, false),
        (json!(null), false, false),
    ] {
        assert_eq!(world.verify(&world.with(json!({"aud": audience}))).await.is_ok(), strict, "{audience}");
        assert_eq!(lenient.verify(&lenient.with(json!({"aud": audience}))).await.is_ok(), loose, "{audience}");
    }
    assert_eq!(world.verify(&world.with(json!({"aud": default}))).await, Err(Refusal::Audience));
}

#[tokio::test]
async fn mistake_8_the_algorithm_is_not_the_tokens_choice() {
    let world = World::new(false).await;
    let claims = world.claims();
    let public = KEYS[0].to_public_key();
    for algorithm in ["none", "None", "NONE", "HS256", "HS512", "RS384", "RS512", "PS256", "ES256", "EdDSA"] {
        let header = json!({"alg": algorithm, "kid": "one", "typ": "JWT"});
        for signature in [&b""[..], b"x"] {
            assert_eq!(world.verify(&raw(&header, &claims, signature)).await, Err(Refusal::Algorithm), "{algorithm}");
        }
    }
    // The public key as a shared secret, in every form in which somebody may hold it.
    let forms = [
        public.to_pkcs1_pem(LineEnding::LF).unwrap().into_bytes(),
        public.to_pkcs1_der().unwrap().as_bytes().to_vec(),
        public.n().to_bytes_be(),
        base64(&public.n().to_bytes_be()).into_bytes(),
    ];
    for form in forms {
        let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
        let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&form)).unwrap();
        assert_eq!(world.verify(&Secret::new(token)).await, Err(Refusal::Algorithm));
    }
    let header = json!({"alg": "RS256", "kid": "one", "crit": ["exp"]});
    assert_eq!(world.verify(&raw(&header, &claims, b"x")).await, Err(Refusal::Algorithm));
    let header = json!({"alg": "RS256", "kid": "one"});
    assert_eq!(world.verify(&raw(&header, &claims, b"")).await, Err(Refusal::Signature));
}

#[tokio::test]
async fn a_key_is_one_of_the_workspaces_set_and_never_the_tokens() {
    let world = World::new(false).await;
    let claims = world.claims();
    // Signed by somebody else, under the name of the issuer's key, under another, under none.
    assert_eq!(world.verify(&sign(&claims, "one", &KEYS[1])).await, Err(Refusal::Signature));
    assert_eq!(world.verify(&sign(&claims, "two", &KEYS[1])).await, Err(Refusal::UnknownKey));
    let mut header = Header::new(Algorithm::RS256);
    let signing = |key: &RsaPrivateKey| EncodingKey::from_rsa_der(key.to_pkcs1_der().unwrap().as_bytes());
    let token = jsonwebtoken::encode(&header, &claims, &signing(&KEYS[0])).unwrap();
    assert_eq!(world.verify(&Secret::new(token)).await, Err(Refusal::UnknownKey));
    // With an address of its own for the keys: nobody goes there.
    let elsewhere = Double::new(|_| (200, json!({"keys": [jwk("two", &KEYS[1])]}).to_string())).await;
    header.kid = Some("two".to_owned());
    header.jku = Some(format!("{}/keys.json", elsewhere.url()));
    let mut claims = world.claims();
    claims.insert(
        "iss".to_owned(),
        json!(format!("{}/workspaces/{SLUG}/pipelines-config/identity/oidc", elsewhere.api())),
    );
    let token = jsonwebtoken::encode(&header, &claims, &signing(&KEYS[1])).unwrap();
    assert_eq!(world.verify(&Secret::new(token)).await, Err(Refusal::UnknownKey));
    assert!(elsewhere.seen().is_empty());
    // With a key in the header.
    let header = json!({"alg": "RS256", "kid": "two", "jwk": jwk("two", &KEYS[1])});
    assert_eq!(world.verify(&raw(&header, &claims, b"x")).await, Err(Refusal::UnknownKey));
}

#[tokio::test]
async fn keys_that_may_not_sign_are_none() {
    let world = World::new(false).await;
    let token = world.with(json!({}));
    let good = jwk("one", &KEYS[0]);
    for (name, value) in [
        ("use", json!("enc")),
        ("alg", json!("RS512")),
        ("kty", json!("oct")),
        ("n", json!("AQAB")),
        ("n", json!("!".repeat(342))),
        ("e", json!("!")),
        ("kid", json!("two")),
    ] {
        let world = World::new(false).await;
        let mut bad = good.clone();
        bad[name] = value.clone();
        *world.set.lock().unwrap() = (200, json!({"keys": [bad]}));
        assert_eq!(world.verify(&world.with(json!({}))).await, Err(Refusal::UnknownKey), "{name} {value}");
    }
    assert!(world.verify(&token).await.is_ok());
}

#[tokio::test]
async fn times_are_told_with_their_skew() {
    let world = World::new(false).await;
    let token = world.with(json!({}));
    for (at, outcome) in [
        (-31, Some(Refusal::Early { seconds: 31 })),
        (-30, None),
        (0, None),
        (3630, None),
        (3631, Some(Refusal::Expired { seconds: 31 })),
        (3600 + 600, Some(Refusal::Expired { seconds: 600 })),
    ] {
        assert_eq!(world.at(&token, NOW + at).await.err(), outcome, "{at}");
    }
    assert!(Refusal::Early { seconds: 600 }.to_string().contains("600 s ahead of this server's clock"));
    for (changes, outcome) in [
        (json!({"exp": null}), Refusal::Claim("exp")),
        (json!({"iat": null}), Refusal::Claim("iat")),
        (json!({"exp": NOW * 1000}), Refusal::Claim("exp")),
        (json!({"iat": NOW * 1000}), Refusal::Claim("iat")),
        (json!({"exp": NOW}), Refusal::Claim("exp")),
        (json!({"iat": -1}), Refusal::Claim("iat")),
        (json!({"nbf": NOW + 100}), Refusal::Early { seconds: 100 }),
        (json!({"iat": NOW - 10 * 86_400, "exp": NOW + 10 * 86_400}), Refusal::Expired { seconds: 9 * 86_400 }),
    ] {
        assert_eq!(world.verify(&world.with(changes.clone())).await, Err(outcome), "{changes}");
    }
    assert_eq!(world.verify(&world.with(json!({"exp": "soon"}))).await, Err(Refusal::Malformed));
}

#[tokio::test]
async fn claims_agree_or_the_token_is_refused() {
    let world = World::new(false).await;
    let [repository, step, other] = [2, 3, 9].map(|byte| uuid(byte).braced());
    let elsewhere =
        |slug: &str| json!({"iss": format!("{}/workspaces/{slug}/pipelines-config/identity/oidc", world.server.api())});
    for (changes, outcome) in [
        (elsewhere("other"), Refusal::Issuer),
        (elsewhere("acme/"), Refusal::Issuer),
        (elsewhere("ACME"), Refusal::Issuer),
        (json!({"iss": null}), Refusal::Claim("iss")),
        (json!({"workspaceUuid": other}), Refusal::Workspace),
        (json!({"workspaceUuid": null}), Refusal::Claim("workspaceUuid")),
        (json!({"workspaceUuid": "acme"}), Refusal::Claim("workspaceUuid")),
        (json!({"repositoryUuid": null}), Refusal::Claim("repositoryUuid")),
        (json!({"stepUuid": null}), Refusal::Claim("stepUuid")),
        (json!({"sub": null}), Refusal::Claim("sub")),
        // The token of a fork says so in all places, or in one only.
        (json!({"repositoryUuid": other}), Refusal::Disagreement),
        (json!({"sub": format!("{other}:{step}")}), Refusal::Disagreement),
        (json!({"stepUuid": other}), Refusal::Disagreement),
        (json!({"sub": format!("{repository}:{other}")}), Refusal::Disagreement),
        (json!({"sub": format!("{step}:{repository}")}), Refusal::Disagreement),
        (json!({"sub": format!("{repository}:{other}:{step}")}), Refusal::Disagreement),
        (json!({"deploymentEnvironmentUuid": other}), Refusal::Disagreement),
        (json!({"sub": format!("{repository}:{other}:{other}:{step}")}), Refusal::Claim("sub")),
        (json!({"sub": repository}), Refusal::Claim("sub")),
        (json!({"sub": format!("{repository}:{step}:")}), Refusal::Claim("sub")),
        (json!({"sub": ""}), Refusal::Claim("sub")),
    ] {
        assert_eq!(world.verify(&world.with(changes.clone())).await, Err(outcome), "{changes}");
    }
    // A fork's own token is good, for the fork.
    let fork = world.with(json!({"repositoryUuid": other, "sub": format!("{other}:{step}")}));
    let caller = world.verify(&fork).await.unwrap();
    assert_eq!(caller.repository, uuid(9));
    assert_eq!(caller.check(Some(uuid(2)), None, None), Err(Refusal::NotItsOwn("repository")));
    // Spelled otherwise, it is the same.
    let upper =
        world.with(json!({"repositoryUuid": uuid(2).to_string().to_uppercase(), "workspaceUuid": uuid(1).to_string()}));
    assert_eq!(world.verify(&upper).await.unwrap().repository, uuid(2));
}

#[tokio::test]
async fn a_token_of_another_workspace_leads_to_its_own_tenant_only() {
    let world = World::new(false).await;
    // It claims the workspace that is looked up, and is signed by its own.
    let stranger = world.with(json!({"workspaceUuid": uuid(1).braced(), "iss": format!("{}/workspaces/evil/pipelines-config/identity/oidc", world.server.api())}));
    assert_eq!(claimed_workspace(&stranger), Ok(uuid(1)));
    assert_eq!(world.verify(&stranger).await, Err(Refusal::Issuer));
    assert!(world.server.seen().iter().all(|seen| seen.path().contains("/workspaces/acme/")));
}

#[tokio::test]
async fn mistake_22_a_flood_of_unknown_keys_asks_once_a_minute() {
    let world = World::new(false).await;
    let good = world.with(json!({}));
    let claims = world.claims();
    assert!(world.verify(&good).await.is_ok());
    for number in 0..200 {
        let unknown = raw(&json!({"alg": "RS256", "kid": format!("unknown-{number}")}), &claims, b"x");
        assert_eq!(world.at(&unknown, NOW + 10).await, Err(Refusal::UnknownKey));
    }
    assert_eq!(world.server.seen().len(), 1);
    for number in 0..200 {
        let unknown = raw(&json!({"alg": "RS256", "kid": format!("unknown-{number}")}), &claims, b"x");
        assert_eq!(world.at(&unknown, NOW + 60).await, Err(Refusal::UnknownKey));
        assert!(world.at(&good, NOW + 60).await.is_ok());
    }
    assert_eq!(world.server.seen().len(), 2);
    // Many at once wait for the same answer.
    let fresh = World::new(false).await;
    let token = fresh.with(json!({}));
    let all = (0..20).map(|_| fresh.verify(&token));
    for outcome in futures(all).await {
        assert!(outcome.is_ok());
    }
    assert_eq!(fresh.server.seen().len(), 1);
}

/// All of them, on one thread, in turns.
async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        let mut is_done = true;
        for (one, outcome) in &mut running {
            if outcome.is_none() {
                match one.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *outcome = Some(value),
                    std::task::Poll::Pending => is_done = false,
                }
            }
        }
        if is_done { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, outcome)| outcome).collect()
}

#[tokio::test]
async fn keys_come_and_go() {
    let world = World::new(false).await;
    let claims = world.claims();
    let (old, new) = (sign(&claims, "one", &KEYS[0]), sign(&claims, "two", &KEYS[1]));
    assert!(world.verify(&old).await.is_ok());
    *world.set.lock().unwrap() = (200, json!({"keys": [jwk("two", &KEYS[1])]}));
    // Not asked again so soon.
    assert_eq!(world.at(&new, NOW + 30).await, Err(Refusal::UnknownKey));
    assert!(world.at(&new, NOW + 60).await.is_ok());
    // The old one was withdrawn.
    assert_eq!(world.at(&old, NOW + 60).await, Err(Refusal::UnknownKey));
}

#[tokio::test]
async fn a_key_set_that_is_not_there_and_one_that_cannot_be_had() {
    let world = World::new(false).await;
    let token = world.with(json!({}));
    *world.set.lock().unwrap() = (404, json!({}));
    assert_eq!(world.verify(&token).await, Err(Refusal::NoKeySet));
    assert!(Refusal::NoKeySet.may_be_renamed());
    assert_eq!(world.at(&token, NOW + 1).await, Err(Refusal::NoKeySet));
    assert_eq!(world.server.seen().len(), 1);
    for (status, body) in [(200, json!({"keys": "none"})), (200, json!("x".repeat(100_000))), (403, json!({}))] {
        let world = World::new(false).await;
        *world.set.lock().unwrap() = (status, body);
        assert_eq!(world.verify(&world.with(json!({}))).await, Err(Refusal::KeysUnavailable), "{status}");
    }
    // One that was had before goes on for a while.
    let world = World::new(false).await;
    let token = world.with(json!({"exp": NOW + 80_000}));
    assert!(world.verify(&token).await.is_ok());
    *world.set.lock().unwrap() = (403, json!({}));
    assert!(world.at(&token, NOW + 2 * 3600).await.is_ok());
    assert_eq!(world.at(&token, NOW + 7 * 3600).await, Err(Refusal::KeysUnavailable));
}

#[tokio::test]
async fn what_is_no_token_asks_nobody() {
    let world = World::new(false).await;
    for text in ["", "x", "a.b", "a.b.c.d", &"x".repeat(9000)] {
        let token = Secret::new(text);
        assert!(world.verify(&token).await.is_err(), "{text}");
        assert!(claimed_workspace(&token).is_err());
    }
    assert!(world.server.seen().is_empty());
    let canary = ["canary", "token"].join("-");
    let refusal = world.verify(&Secret::new(format!("{canary}.{canary}.{canary}"))).await.unwrap_err();
    assert!(!format!("{refusal} {refusal:?}").contains(&canary));
}

#[tokio::test]
async fn tokens_of_the_sandboxs_issuer() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.repository("acme/shop").unwrap();
    sandbox.push("acme/shop", "main", &Commit::new("x").write("x", "x")).unwrap();
    let step = sandbox.branch_step("acme/shop", "main").unwrap();
    let told: HashMap<String, String> = sandbox.step_environment(&step).into_iter().collect();
    let workspace = told["BITBUCKET_WORKSPACE_UUID"].parse().unwrap();
    // The clock of whoever signs.
    let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(sandbox.oidc_token(&step, &[])).unwrap();
    let now = claims["iat"].as_i64().unwrap() * 1000;
    let api = ApiUrl::parse(&sandbox.api_url()).unwrap();
    let tokens = StepTokens::new(api, reach(&sandbox.api_url()).api, BaseUrl::parse(OWN).unwrap());
    let tenant = Tenant { workspace, slug: "acme", takes_default_audience: false };
    let is_deployed = AtomicBool::new(false);
    for step in [step.clone(), step.clone().with_deployment()] {
        for audiences in [&[OWN][..], &["https://other.example.com", OWN]] {
            let token = Secret::new(sandbox.oidc_token(&step, audiences));
            assert_eq!(claimed_workspace(&token), Ok(workspace));
            let caller = tokens.verify(&token, tenant, now).await.unwrap();
            assert_eq!(caller.repository, step.repository().parse().unwrap());
            assert_eq!(caller.pipeline, Some(step.pipeline().parse().unwrap()));
            assert_eq!(caller.step, step.uuid().parse().unwrap());
            assert_eq!(caller.environment.is_some(), is_deployed.load(Ordering::SeqCst));
        }
        is_deployed.store(true, Ordering::SeqCst);
    }
    let default = Secret::new(sandbox.oidc_token(&step, &[]));
    assert_eq!(tokens.verify(&default, tenant, now).await, Err(Refusal::Audience));
    // Under another name, there is no such workspace; under another's, no such token.
    let renamed = Tenant { workspace, slug: "former", takes_default_audience: false };
    assert_eq!(tokens.verify(&default, renamed, now).await, Err(Refusal::NoKeySet));
    sandbox.repository("else/shop").unwrap();
    let other = Tenant { workspace, slug: "else", takes_default_audience: false };
    assert_eq!(tokens.verify(&Secret::new(sandbox.oidc_token(&step, &[OWN])), other, now).await, Err(Refusal::Issuer));
}
