use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use proptest::prelude::*;
use rsa::RsaPrivateKey;
use rsa::pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey, LineEnding};
use serde_json::{Value, json};

use super::super::jwt;
use super::admission::{UNSIGNED_MAX, UNSIGNED_TOTAL_MAX, WAITING_MAX};
use super::*;
use crate::base_url::BaseUrl;
use crate::door::connect::app::AppKey;
use crate::door::connect::descriptor::{INSTALLED_PATH, UNINSTALLED_PATH};
use crate::door::connect::jwt::install::InstallKey;
use crate::door::connect::qsh::{self, Order};

/// Unix seconds at which the tests begin.
const START: i64 = 1_790_000_000;

fn workspace(byte: u8) -> Uuid {
    Uuid::from([byte; 16])
}

fn secret(number: u8) -> Secret {
    Secret::new(format!("canary-secret-number-{number}"))
}

/// Bitbucket as the app may ask it: which secrets it knows, and whose they are.
#[derive(Default)]
struct Bitbucket {
    accounts: Mutex<BTreeMap<(String, String), Principal>>,
    down: Mutex<bool>,
}

impl Bitbucket {
    fn knows(&self, installation: &str, secret: &Secret, account: Uuid) {
        let principal = Principal { uuid: account, slug: None };
        self.accounts.lock().unwrap().insert((installation.to_owned(), secret.expose().to_owned()), principal);
    }
}

impl Prover for Bitbucket {
    async fn principal(&self, installation: &ClientKey, secret: &Secret) -> Result<Principal, ProofFailure> {
        if *self.down.lock().unwrap() {
            return Err(ProofFailure::Unavailable);
        }
        let key = (installation.as_str().to_owned(), secret.expose().to_owned());
        self.accounts.lock().unwrap().get(&key).cloned().ok_or(ProofFailure::Rejected)
    }
}

/// Atlassian's host of keys, with one key.
struct Keys {
    down: bool,
}

static KEY: LazyLock<RsaPrivateKey> = LazyLock::new(|| RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap());

impl InstallKeys for Keys {
    async fn key(&self, id: &jwt::install::KeyId) -> Result<Option<InstallKey>, KeysUnavailable> {
        if self.down {
            return Err(KeysUnavailable);
        }
        let pem = KEY.to_public_key().to_pkcs1_pem(LineEnding::LF).unwrap();
        Ok((id.as_str() == "known").then(|| InstallKey::from_pem(pem.as_bytes()).unwrap()))
    }
}

/// One delivery of a callback.
#[derive(Clone)]
struct Delivery {
    path: &'static str,
    body: Value,
    token: Option<String>,
}

fn body(installation: &str, event: &str, secret: Option<&Secret>) -> Value {
    json!({
        "key": "penstock",
        "clientKey": installation,
        "sharedSecret": secret.map(Secret::expose),
        "eventType": event,
        "productType": "bitbucket",
        "baseUrl": "https://bitbucket.org",
        "baseApiUrl": "https://api.bitbucket.org",
        "principal": {"type": "team", "username": "acme", "uuid": workspace(9).braced()},
        "actor": {"type": "user", "uuid": workspace(8).to_string(), "account_id": "557058:1"},
    })
}

fn claims(path: &str, issuer: &str, at: i64) -> Value {
    json!({"iss": issuer, "aud": issuer, "iat": at, "exp": at + 3600, "qsh": qsh::hash("POST", path, "", Order::Encoded)})
}

fn installed(installation: &str, offered: &Secret) -> Delivery {
    Delivery { path: INSTALLED_PATH, body: body(installation, "installed", Some(offered)), token: None }
}

fn uninstalled(installation: &str) -> Delivery {
    Delivery { path: UNINSTALLED_PATH, body: body(installation, "uninstalled", None), token: None }
}

impl Delivery {
    /// Signed as Bitbucket does, `at` seconds after the start.
    fn signed(self, issuer: &str, secret: &Secret, at: i64) -> Self {
        let key = EncodingKey::from_secret(secret.expose().as_bytes());
        let claims = claims(self.path, issuer, START + at);
        Self { token: Some(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()), ..self }
    }

    /// Signed with Atlassian's key.
    fn signed_by_atlassian(self, issuer: &str, audience: &str, kid: &str) -> Self {
        let mut claims = claims(self.path, issuer, START);
        claims["aud"] = json!(audience);
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::RS256) };
        let key = EncodingKey::from_rsa_der(KEY.to_pkcs1_der().unwrap().as_bytes());
        Self { token: Some(jsonwebtoken::encode(&header, &claims, &key).unwrap()), ..self }
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.body[name] = value;
        self
    }
}

/// A directory in memory that carries out decisions to the letter.
struct World {
    app: App,
    bitbucket: Bitbucket,
    keys: Keys,
    rows: RefCell<BTreeMap<ClientKey, Row>>,
    waiting: RefCell<Vec<Candidate>>,
}

impl World {
    fn new() -> Self {
        Self {
            app: App {
                key: AppKey::new("penstock").unwrap(),
                base: BaseUrl::parse("https://app.example.com/bb").unwrap(),
                secret: None,
                forge: None,
            },
            bitbucket: Bitbucket::default(),
            keys: Keys { down: false },
            rows: RefCell::default(),
            waiting: RefCell::default(),
        }
    }

    fn registered(app_secret: &Secret) -> Self {
        let mut world = Self::new();
        world.app.secret = Some(app_secret.clone());
        world
    }

    fn lifecycle(&self) -> Lifecycle<'_, Keys, Bitbucket> {
        Lifecycle { app: &self.app, keys: &self.keys, prover: &self.bitbucket }
    }

    fn known(&self, installation: &ClientKey) -> Known {
        let waiting = self.waiting.borrow();
        Known {
            row: self.rows.borrow().get(installation).cloned(),
            waiting: waiting.iter().filter(|waiting| waiting.installation == *installation).cloned().collect(),
            unsigned_total: waiting.iter().filter(|waiting| !waiting.signed).count(),
        }
    }

    /// Delivers, decides, carries out. `at` is in seconds after the start.
    async fn deliver(&self, delivery: &Delivery, at: i64) -> Decision {
        let now = (START + at) * 1000;
        let body = delivery.body.to_string();
        let header = delivery.token.as_ref().map(|token| format!("JWT {token}"));
        let authorization: Vec<_> = header.as_deref().into_iter().collect();
        let path = format!("/bb{}", delivery.path);
        let request = Request { method: "POST", path: &path, query: "", authorization: &authorization };
        let lifecycle = self.lifecycle();
        let subject = match lifecycle.subject(body.as_bytes()) {
            Ok(subject) => subject,
            Err(refused) => return Decision::Refuse(refused),
        };
        let known = self.known(&subject);
        let decision = match delivery.path {
            INSTALLED_PATH => lifecycle.installed(body.as_bytes(), &request, &known, now).await,
            _ => lifecycle.uninstalled(body.as_bytes(), &request, &known, now).await,
        };
        self.carry_out(&decision);
        decision
    }

    /// Tries all that waits again.
    async fn retry(&self, at: i64) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for candidate in self.waiting.take() {
            let known = self.known(&candidate.installation);
            let decision = self.lifecycle().prove(candidate, &known, (START + at) * 1000).await;
            self.carry_out(&decision);
            decisions.push(decision);
        }
        decisions
    }

    fn carry_out(&self, decision: &Decision) {
        match decision {
            Decision::Activate { installation, row, .. }
            | Decision::RotateSecret { installation, row }
            | Decision::Remove { installation, row } => {
                self.rows.borrow_mut().insert(installation.clone(), row.clone());
                self.waiting.borrow_mut().retain(|waiting| waiting.installation != *installation);
            }
            Decision::Pending { candidate, .. } => self.waiting.borrow_mut().push(candidate.clone()),
            Decision::Ignore(_) | Decision::Refuse(_) => {}
        }
    }

    /// All that is known, as text.
    fn state(&self) -> String {
        let rows = self.rows.borrow();
        let rows = rows
            .iter()
            .map(|(key, row)| format!("{key} {:?} {} {} {}", row.state, row.workspace, row.secret.expose(), row.as_of));
        format!("{:?} {}", rows.collect::<Vec<_>>(), self.waiting.borrow().len())
    }

    fn secret_of(&self, installation: &str) -> Option<String> {
        let row = self.rows.borrow().get(&installation.parse::<ClientKey>().unwrap()).cloned()?;
        (row.state == State::Active).then(|| row.secret.expose().to_owned())
    }
}

fn refused(decision: &Decision) -> Option<Refused> {
    match decision {
        Decision::Refuse(refused) => Some(*refused),
        _ => None,
    }
}

const ONE: &str = "connection:1";
const TWO: &str = "connection:2";

fn ari(account: Uuid) -> String {
    format!("ari:cloud:bitbucket::app/{}/penstock", account.braced())
}

/// An installation of `ONE` with the first secret, at the start.
async fn with_one_installed() -> World {
    let world = World::new();
    world.bitbucket.knows(ONE, &secret(1), workspace(1));
    let decision = world.deliver(&installed(ONE, &secret(1)), 0).await;
    assert!(matches!(decision, Decision::Activate { .. }), "{decision:?}");
    world
}

#[tokio::test]
async fn the_workspace_is_the_one_that_bitbucket_names() {
    let world = with_one_installed().await;
    // The body said workspace 9.
    assert!(world.state().contains(&workspace(1).to_string()), "{}", world.state());
}

/// Mistake 1: whoever knows an installation's key sends a secret of his own.
#[tokio::test]
async fn mistake_01_an_unsigned_callback_overwrites_nothing() {
    let world = with_one_installed().await;
    let before = world.state();
    world.bitbucket.knows(ONE, &secret(66), workspace(1));
    let forged = installed(ONE, &secret(66));
    assert_eq!(refused(&world.deliver(&forged, 60).await), Some(Refusal::Missing.into()));
    let forged = forged.signed(ONE, &secret(66), 60);
    assert_eq!(refused(&world.deliver(&forged, 60).await), Some(Refusal::Signature.into()));
    assert_eq!(refused(&world.deliver(&uninstalled(ONE), 60).await), Some(Refusal::Missing.into()));
    let forged = uninstalled(ONE).signed(ONE, &secret(66), 60);
    assert_eq!(refused(&world.deliver(&forged, 60).await), Some(Refusal::Signature.into()));
    assert_eq!(world.state(), before);
}

/// Mistake 1, of an installation that nobody knows yet: the attacker's secret waits and proves nothing, the real one is not held up.
#[tokio::test]
async fn mistake_01_a_first_installation_cannot_be_taken() {
    let world = World::new();
    world.bitbucket.knows(ONE, &secret(1), workspace(1));
    assert!(matches!(world.deliver(&installed(ONE, &secret(66)), 0).await, Decision::Pending { .. }));
    assert_eq!(world.secret_of(ONE), None);
    assert!(matches!(world.deliver(&installed(ONE, &secret(1)), 1).await, Decision::Activate { .. }));
    assert_eq!(world.secret_of(ONE).as_deref(), Some(secret(1).expose()));
    assert!(world.waiting.borrow().is_empty());
}

/// Mistake 2: after an uninstallation, the next installation is signed with the secret from before.
#[tokio::test]
async fn mistake_02_the_tombstone_keeps_the_secret() {
    let world = with_one_installed().await;
    let removed = world.deliver(&uninstalled(ONE).signed(ONE, &secret(1), 60), 60).await;
    assert!(matches!(removed, Decision::Remove { .. }), "{removed:?}");
    assert_eq!(world.secret_of(ONE), None);
    world.bitbucket.knows(ONE, &secret(2), workspace(1));
    let again = installed(ONE, &secret(2));
    assert_eq!(refused(&world.deliver(&again, 120).await), Some(Refusal::Missing.into()));
    let decision = world.deliver(&again.signed(ONE, &secret(1), 120), 120).await;
    assert!(matches!(decision, Decision::Activate { .. }), "{decision:?}");
    assert_eq!(world.secret_of(ONE).as_deref(), Some(secret(2).expose()));
}

/// Mistake 3: a token that holds, with the body of another installation.
#[tokio::test]
async fn mistake_03_body_and_token_must_agree() {
    let world = with_one_installed().await;
    world.bitbucket.knows(TWO, &secret(2), workspace(2));
    world.deliver(&installed(TWO, &secret(2)), 0).await;
    let before = world.state();
    // Signed by the one, with the secret of the other: it cannot be both.
    for (issuer, signer, refusal) in
        [(ONE, 1, Refusal::Signature), (TWO, 1, Refusal::Signature), (ONE, 2, Refusal::Installation)]
    {
        for delivery in [installed(TWO, &secret(66)), uninstalled(TWO)] {
            let decision = world.deliver(&delivery.signed(issuer, &secret(signer), 60), 60).await;
            assert_eq!(refused(&decision), Some(refusal.into()));
        }
    }
    assert_eq!(world.state(), before);
}

/// Mistake 5: a token for the one callback does not serve for the other.
#[tokio::test]
async fn mistake_05_a_token_serves_one_callback() {
    let world = with_one_installed().await;
    let frame = Delivery { token: installed(ONE, &secret(1)).signed(ONE, &secret(1), 60).token, ..uninstalled(ONE) };
    assert_eq!(refused(&world.deliver(&frame, 60).await), Some(Refusal::OtherRequest.into()));
}

/// Mistake 12: a secret in a log.
#[tokio::test]
async fn mistake_12_no_secret_is_shown() {
    let world = with_one_installed().await;
    world.bitbucket.knows(ONE, &secret(2), workspace(1));
    let deliveries = [
        installed(ONE, &secret(2)).signed(ONE, &secret(1), 60),
        installed(TWO, &secret(3)),
        installed(ONE, &secret(3)),
        uninstalled(ONE).signed(ONE, &secret(2), 61),
        installed(ONE, &Secret::new("canary-short")),
    ];
    let mut told = format!("{:?}", world.app);
    for delivery in deliveries {
        let decision = world.deliver(&delivery, 60).await;
        told.push_str(&format!("{decision:?} {:?}", refused(&decision).map(|refused| refused.to_string())));
    }
    assert!(told.contains("RotateSecret") && told.contains("Pending") && told.contains("Remove"), "{told}");
    assert!(!told.contains("canary"), "{told}");
}

/// Mistake 14: hosts that the body names.
#[tokio::test]
async fn mistake_14_hosts_of_the_body_count_for_nothing() {
    let hostile = installed(ONE, &secret(1))
        .with("baseUrl", json!("http://169.254.169.254"))
        .with("baseApiUrl", json!("https://evil.example.com"))
        .with(
            "principal",
            json!({"uuid": workspace(66).braced(), "links": {"self": {"href": "https://evil.example.com"}}}),
        );
    let (one, other) = (World::new(), World::new());
    for (world, delivery) in [(&one, installed(ONE, &secret(1))), (&other, hostile)] {
        world.bitbucket.knows(ONE, &secret(1), workspace(1));
        world.deliver(&delivery, 0).await;
    }
    assert_eq!(one.state(), other.state());
}

/// Mistake 17: no signature covers the body. A token that was caught is sent again with another secret.
#[tokio::test]
async fn mistake_17_a_caught_token_sets_no_secret() {
    let world = with_one_installed().await;
    world.bitbucket.knows(ONE, &secret(2), workspace(1));
    let rotation = installed(ONE, &secret(2)).signed(ONE, &secret(1), 60);
    let replay = Delivery { body: installed(ONE, &secret(66)).body, ..rotation.clone() };
    assert!(matches!(world.deliver(&replay, 60).await, Decision::Pending { .. }));
    assert_eq!(world.secret_of(ONE).as_deref(), Some(secret(1).expose()));
    assert!(matches!(world.deliver(&rotation, 61).await, Decision::RotateSecret { .. }));
    // From then on the token is not even signed with the right secret.
    assert_eq!(refused(&world.deliver(&replay, 62).await), Some(Refusal::Signature.into()));
    assert_eq!(world.secret_of(ONE).as_deref(), Some(secret(2).expose()));
}

/// Mistake 17: a secret of somebody's own workspace is proven, but of the wrong one.
#[tokio::test]
async fn mistake_17_an_installation_never_changes_its_workspace() {
    let world = with_one_installed().await;
    world.bitbucket.knows(ONE, &secret(66), workspace(66));
    let before = world.state();
    let decision = world.deliver(&installed(ONE, &secret(66)).signed(ONE, &secret(1), 60), 60).await;
    assert_eq!(refused(&decision), Some(Refused::OtherAccount));
    assert_eq!(world.state(), before);
}

/// The life of an installation, each callback as Bitbucket signs it, a minute apart.
fn life() -> [Delivery; 5] {
    [
        installed(ONE, &secret(1)),
        installed(ONE, &secret(2)).signed(ONE, &secret(1), 60),
        uninstalled(ONE).signed(ONE, &secret(2), 120),
        installed(ONE, &secret(3)).signed(ONE, &secret(2), 180),
        uninstalled(ONE).signed(ONE, &secret(3), 240),
    ]
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    /// Mistake 19: what came before comes again, at any time later and any number of times.
    #[test]
    fn mistake_19_what_comes_again_changes_nothing(again in prop::collection::vec((0usize..5, 0usize..5), 0..12)) {
        let world = World::new();
        for number in 1..=3 {
            world.bitbucket.knows(ONE, &secret(number), workspace(1));
        }
        for (place, delivery) in life().iter().enumerate() {
            let at = place as i64 * 60;
            let before = world.state();
            run(world.deliver(delivery, at));
            prop_assert_ne!(&world.state(), &before, "delivery {} must count", place);
            let after = world.state();
            for (earlier, _) in again.iter().filter(|(earlier, when)| *when == place && *earlier <= place) {
                run(world.deliver(&life()[*earlier], at + 1));
                prop_assert_eq!(&world.state(), &after, "{} after {}", earlier, place);
            }
        }
    }

    /// What is left out is as if it had never been: no order of deliveries makes an uninstalled installation live with a secret that
    /// Bitbucket replaced before the newest that was taken.
    #[test]
    fn mistake_19_time_never_runs_backwards(order in prop::collection::vec(0usize..5, 0..12)) {
        let world = World::new();
        for number in 1..=3 {
            world.bitbucket.knows(ONE, &secret(number), workspace(1));
        }
        let mut newest = i64::MIN;
        for place in order {
            run(world.deliver(&life()[place], 240));
            let as_of = world.rows.borrow().values().next().map_or(i64::MIN, |row| row.as_of);
            prop_assert!(as_of >= newest);
            newest = as_of;
        }
    }
}

/// Mistake 20: a person's account is told without its name; people may be missing altogether.
#[tokio::test]
async fn mistake_20_nothing_of_people_is_needed() {
    let bare = json!({"key": "penstock", "clientKey": ONE, "sharedSecret": secret(1).expose()});
    let person = installed(ONE, &secret(1))
        .with("principal", json!({"type": "user", "uuid": workspace(1).braced(), "username": null}))
        .with("actor", json!(null))
        .with("user", json!(null));
    for delivery in [Delivery { body: bare, ..installed(ONE, &secret(1)) }, person] {
        let world = World::new();
        world.bitbucket.knows(ONE, &secret(1), workspace(1));
        let decision = world.deliver(&delivery, 0).await;
        let Decision::Activate { principal, .. } = decision else { panic!("{decision:?}") };
        assert_eq!(principal, Principal { uuid: workspace(1), slug: None });
    }
}

/// Mistake 21: the account in a registered app's key, in another spelling than Bitbucket's answer.
#[tokio::test]
async fn mistake_21_accounts_are_compared_as_uuids() {
    let account = workspace(0xab);
    for key in [ari(account), ari(account).replace(&account.to_string(), &account.to_string().to_uppercase())] {
        let world = World::new();
        world.bitbucket.knows(&key, &secret(1), account);
        let decision = world.deliver(&installed(&key, &secret(1)), 0).await;
        assert!(matches!(decision, Decision::Activate { .. }), "{decision:?}");
    }
    let world = World::new();
    world.bitbucket.knows(&ari(account), &secret(1), workspace(2));
    let decision = world.deliver(&installed(&ari(account), &secret(1)), 0).await;
    assert_eq!(refused(&decision), Some(Refused::OtherAccount));
}

/// A second installation of a workspace waits for its own proof, and then stands beside the first one.
#[tokio::test]
async fn a_second_installation_never_replaces_the_first() {
    let world = with_one_installed().await;
    assert!(matches!(world.deliver(&installed(TWO, &secret(2)), 1).await, Decision::Pending { .. }));
    assert_eq!(world.secret_of(TWO), None);
    world.bitbucket.knows(TWO, &secret(2), workspace(1));
    assert!(matches!(world.retry(10).await[..], [Decision::Activate { .. }]));
    assert_eq!(world.secret_of(ONE).as_deref(), Some(secret(1).expose()));
    assert_eq!(world.secret_of(TWO).as_deref(), Some(secret(2).expose()));
}

#[tokio::test]
async fn what_is_not_proven_expires() {
    let world = World::new();
    world.bitbucket.knows(ONE, &secret(1), workspace(1));
    *world.bitbucket.down.lock().unwrap() = true;
    let Decision::Pending { candidate, retry_at } = world.deliver(&installed(ONE, &secret(1)), 0).await else {
        panic!("Bitbucket is down")
    };
    assert_eq!((retry_at, candidate.failures), (START * 1000 + 2_000, 1));
    assert!(matches!(world.deliver(&installed(ONE, &secret(1)), 1).await, Decision::Ignore(Why::Duplicate)));
    let [Decision::Pending { retry_at, .. }] = world.retry(2).await[..] else { panic!("Bitbucket is down") };
    assert_eq!(retry_at, START * 1000 + 7_000);
    let decisions = world.retry(600).await;
    assert_eq!(refused(&decisions[0]), Some(Refused::Unproven));
    assert!(world.waiting.borrow().is_empty());
    *world.bitbucket.down.lock().unwrap() = false;
    assert!(matches!(world.deliver(&installed(ONE, &secret(1)), 700).await, Decision::Activate { .. }));
}

#[tokio::test]
async fn a_rotation_survives_an_outage_of_bitbucket() {
    let world = with_one_installed().await;
    world.bitbucket.knows(ONE, &secret(2), workspace(1));
    *world.bitbucket.down.lock().unwrap() = true;
    let rotation = installed(ONE, &secret(2)).signed(ONE, &secret(1), 60);
    assert!(matches!(world.deliver(&rotation, 60).await, Decision::Pending { .. }));
    assert_eq!(world.secret_of(ONE).as_deref(), Some(secret(1).expose()));
    *world.bitbucket.down.lock().unwrap() = false;
    assert!(matches!(world.retry(1800).await[..], [Decision::RotateSecret { .. }]));
    assert_eq!(world.secret_of(ONE).as_deref(), Some(secret(2).expose()));
}

#[tokio::test]
async fn who_waits_is_limited() {
    let world = World::new();
    let limit = u8::try_from(UNSIGNED_MAX).unwrap();
    for number in 0..limit {
        assert!(matches!(world.deliver(&installed(ONE, &secret(number)), 0).await, Decision::Pending { .. }));
    }
    let full = refused(&world.deliver(&installed(ONE, &secret(limit)), 60).await);
    assert_eq!(full, Some(Refused::TooMany { seconds: 540 }));
    assert_eq!(full.map(Refused::status), Some(429));
    // Another installation is not held up by that, unless there are too many of all.
    assert!(matches!(world.deliver(&installed(TWO, &secret(1)), 60).await, Decision::Pending { .. }));
    let request = Request { method: "POST", path: "/bb/connect/installed", query: "", authorization: &[] };
    let known = Known { unsigned_total: UNSIGNED_TOTAL_MAX, ..Known::default() };
    let body = installed("connection:3", &secret(1)).body.to_string();
    let decision = world.lifecycle().installed(body.as_bytes(), &request, &known, START * 1000).await;
    assert_eq!(refused(&decision), Some(Refused::TooMany { seconds: 600 }));
}

/// Unsigned ones cannot keep out those that are signed, and a caught token cannot fill the place without end.
#[tokio::test]
async fn signed_ones_have_room_of_their_own() {
    let world = with_one_installed().await;
    let limit = u8::try_from(WAITING_MAX).unwrap();
    for number in 10..10 + limit {
        let rotation = installed(ONE, &secret(number)).signed(ONE, &secret(1), 60);
        assert!(matches!(world.deliver(&rotation, 60).await, Decision::Pending { .. }));
    }
    let rotation = installed(ONE, &secret(9)).signed(ONE, &secret(1), 60);
    assert_eq!(refused(&world.deliver(&rotation, 60).await), Some(Refused::TooMany { seconds: 3600 }));
}

/// A secret that waited unsigned while another one was proven counts for nothing.
#[tokio::test]
async fn an_unsigned_one_that_waited_does_not_rotate() {
    let world = with_one_installed().await;
    world.bitbucket.knows(ONE, &secret(2), workspace(1));
    let candidate = Candidate {
        installation: ONE.parse().unwrap(),
        secret: secret(2),
        signed: false,
        as_of: (START + 60) * 1000,
        since: (START + 60) * 1000,
        failures: 0,
    };
    let known = world.known(&candidate.installation);
    let decision = world.lifecycle().prove(candidate, &known, (START + 60) * 1000).await;
    assert_eq!(refused(&decision), Some(Refusal::Missing.into()));
}

/// A registered app with its console's secret: also the first installation must be signed, and it may come without a secret of its own.
#[tokio::test]
async fn a_registered_app_trusts_its_own_secret() {
    let account = workspace(1);
    let key = ari(account);
    let console = secret(50);
    let world = World::registered(&console);
    world.bitbucket.knows(&key, &console, account);
    world.bitbucket.knows(&key, &secret(1), account);
    let without = Delivery { body: body(&key, "installed", None), ..installed(&key, &console) };
    assert_eq!(refused(&world.deliver(&without, 0).await), Some(Refusal::Missing.into()));
    assert_eq!(
        refused(&world.deliver(&without.clone().signed(&key, &secret(1), 0), 0).await),
        Some(Refusal::Signature.into())
    );
    let decision = world.deliver(&without.signed(&key, &console, 0), 0).await;
    assert!(matches!(decision, Decision::Activate { .. }), "{decision:?}");
    assert_eq!(world.secret_of(&key).as_deref(), Some(console.expose()));
    let decision = world.deliver(&installed(&key, &secret(1)).signed(&key, &console, 60), 60).await;
    assert!(matches!(decision, Decision::RotateSecret { .. }), "{decision:?}");
    assert_eq!(world.secret_of(&key).as_deref(), Some(secret(1).expose()));
    let decision = world.deliver(&uninstalled(&key).signed(&key, &console, 120), 120).await;
    assert!(matches!(decision, Decision::Remove { .. }), "{decision:?}");
}

/// The console's secret says nothing about an app that was installed by its address.
#[tokio::test]
async fn the_console_s_secret_is_for_registered_installations() {
    let console = secret(50);
    let world = World::registered(&console);
    world.bitbucket.knows(ONE, &secret(1), workspace(1));
    let without = Delivery { body: body(ONE, "installed", None), ..installed(ONE, &console) };
    assert_eq!(refused(&world.deliver(&without, 0).await), Some(Refused::NoSecret));
    assert!(matches!(world.deliver(&installed(ONE, &secret(1)), 0).await, Decision::Activate { .. }));
    let rotation = installed(ONE, &secret(2)).signed(ONE, &console, 60);
    assert_eq!(refused(&world.deliver(&rotation, 60).await), Some(Refusal::Signature.into()));
}

#[tokio::test]
async fn atlassian_s_key_signs_installations() {
    let audience = "https://app.example.com/bb";
    let world = World::new();
    world.bitbucket.knows(ONE, &secret(1), workspace(1));
    let first = installed(ONE, &secret(1));
    for (delivery, refusal) in [
        (first.clone().signed_by_atlassian(TWO, audience, "known"), Refusal::Installation),
        (first.clone().signed_by_atlassian(ONE, "https://other.example.com", "known"), Refusal::Audience),
        (first.clone().signed_by_atlassian(ONE, audience, "other"), Refusal::UnknownKey),
        (first.clone().signed_by_atlassian(ONE, audience, "../x"), Refusal::UnknownKey),
    ] {
        assert_eq!(refused(&world.deliver(&delivery, 0).await), Some(refusal.into()));
    }
    let signed = first.signed_by_atlassian(ONE, audience, "known");
    assert!(matches!(world.deliver(&signed, 0).await, Decision::Activate { .. }));
    let removal = uninstalled(ONE).signed_by_atlassian(ONE, audience, "known");
    assert!(matches!(world.deliver(&removal, 1).await, Decision::Remove { .. }));
    let world = World { keys: Keys { down: true }, ..World::new() };
    let decision = refused(&world.deliver(&signed, 0).await);
    assert_eq!((decision, decision.map(Refused::status)), (Some(Refused::Keys(KeysUnavailable)), Some(503)));
}

#[tokio::test]
async fn other_bodies_are_refused() {
    let world = World::new();
    let one = || installed(ONE, &secret(1));
    let other_app = format!("ari:cloud:bitbucket::app/{}/other", workspace(1).braced());
    for (delivery, why) in [
        (one().with("key", json!("other")), BodyError::OtherApp),
        (one().with("clientKey", json!(other_app)), BodyError::OtherApp),
        (one().with("clientKey", json!("ari:cloud:bitbucket::app/x")), BodyError::Malformed),
        (one().with("clientKey", json!(null)), BodyError::Malformed),
        (one().with("eventType", json!("uninstalled")), BodyError::OtherEvent),
        (one().with("productType", json!("jira")), BodyError::OtherEvent),
        (one().with("sharedSecret", json!("x")), BodyError::Secret),
        (one().with("sharedSecret", json!("x".repeat(2000))), BodyError::Secret),
        (one().with("padding", json!("x".repeat(70_000))), BodyError::TooLarge),
    ] {
        let decision = refused(&world.deliver(&delivery, 0).await);
        assert_eq!(decision, Some(why.into()));
    }
    assert_eq!(refused(&world.deliver(&one().with("sharedSecret", json!("")), 0).await), Some(Refused::NoSecret));
}

/// From outside, an installation that nobody knows looks the same as a wrong signature.
#[tokio::test]
async fn an_uninstallation_of_nobody_tells_nothing() {
    let world = World::new();
    let decision = refused(&world.deliver(&uninstalled(ONE).signed(ONE, &secret(1), 0), 0).await);
    assert_eq!((decision, decision.map(Refused::status)), (Some(Refusal::Signature.into()), Some(401)));
}
