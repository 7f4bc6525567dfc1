//! Bitbucket, the directory and deliveries of callbacks, in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey, LineEnding};
use serde_json::{Value, json};

use super::super::super::jwt;
use super::super::*;
use crate::base_url::BaseUrl;
use crate::door::connect::app::AppKey;
use crate::door::connect::descriptor::{INSTALLED_PATH, UNINSTALLED_PATH};
use crate::door::connect::jwt::install::InstallKey;
use crate::door::connect::qsh::{self, Order};

/// Unix seconds at which the tests begin.
pub(super) const START: i64 = 1_790_000_000;

pub(super) fn workspace(byte: u8) -> Uuid {
    Uuid::from([byte; 16])
}

pub(super) fn secret(number: u8) -> Secret {
    Secret::new(format!("canary-secret-number-{number}"))
}

/// Bitbucket as the app may ask it: which secrets it knows, and whose they are.
#[derive(Default)]
pub(super) struct Bitbucket {
    accounts: Mutex<BTreeMap<(String, String), Principal>>,
    pub(super) down: Mutex<bool>,
    /// What was expected at each question.
    pub(super) expected: Mutex<Vec<Expected>>,
}

impl Bitbucket {
    pub(super) fn knows(&self, installation: &str, secret: &Secret, account: Uuid) {
        let principal = Principal { uuid: account, slug: None };
        self.accounts.lock().unwrap().insert((installation.to_owned(), secret.expose().to_owned()), principal);
    }
}

impl Prover for Bitbucket {
    async fn principal(
        &self,
        installation: &ClientKey,
        secret: &Secret,
        expected: Expected,
    ) -> Result<Principal, ProofFailure> {
        self.expected.lock().unwrap().push(expected);
        if *self.down.lock().unwrap() {
            return Err(ProofFailure::Unavailable);
        }
        let key = (installation.as_str().to_owned(), secret.expose().to_owned());
        self.accounts.lock().unwrap().get(&key).cloned().ok_or(ProofFailure::Rejected)
    }
}

/// Atlassian's host of keys, with one key.
pub(super) struct Keys {
    pub(super) down: bool,
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
pub(super) struct Delivery {
    pub(super) path: &'static str,
    pub(super) body: Value,
    pub(super) token: Option<String>,
}

pub(super) fn body(installation: &str, event: &str, secret: Option<&Secret>) -> Value {
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

pub(super) fn installed(installation: &str, offered: &Secret) -> Delivery {
    Delivery { path: INSTALLED_PATH, body: body(installation, "installed", Some(offered)), token: None }
}

pub(super) fn uninstalled(installation: &str) -> Delivery {
    Delivery { path: UNINSTALLED_PATH, body: body(installation, "uninstalled", None), token: None }
}

impl Delivery {
    /// Signed as Bitbucket does, `at` seconds after the start.
    pub(super) fn signed(self, issuer: &str, secret: &Secret, at: i64) -> Self {
        let key = EncodingKey::from_secret(secret.expose().as_bytes());
        let claims = claims(self.path, issuer, START + at);
        Self { token: Some(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()), ..self }
    }

    /// Signed with Atlassian's key.
    pub(super) fn signed_by_atlassian(self, issuer: &str, audience: &str, kid: &str) -> Self {
        let mut claims = claims(self.path, issuer, START);
        claims["aud"] = json!(audience);
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::RS256) };
        let key = EncodingKey::from_rsa_der(KEY.to_pkcs1_der().unwrap().as_bytes());
        Self { token: Some(jsonwebtoken::encode(&header, &claims, &key).unwrap()), ..self }
    }

    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.body[name] = value;
        self
    }
}

/// A directory in memory that carries out decisions to the letter.
pub(super) struct World {
    pub(super) app: App,
    pub(super) bitbucket: Bitbucket,
    pub(super) keys: Keys,
    pub(super) rows: RefCell<BTreeMap<ClientKey, Row>>,
    pub(super) waiting: RefCell<Vec<Candidate>>,
}

impl World {
    pub(super) fn new() -> Self {
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

    pub(super) fn registered(app_secret: &Secret) -> Self {
        let mut world = Self::new();
        world.app.secret = Some(app_secret.clone());
        world
    }

    pub(super) fn lifecycle(&self) -> Lifecycle<'_, Keys, Bitbucket> {
        Lifecycle { app: &self.app, keys: &self.keys, prover: &self.bitbucket }
    }

    pub(super) fn known(&self, installation: &ClientKey) -> Known {
        let waiting = self.waiting.borrow();
        Known {
            row: self.rows.borrow().get(installation).cloned(),
            waiting: waiting.iter().filter(|waiting| waiting.installation == *installation).cloned().collect(),
        }
    }

    /// Delivers, decides, carries out. `at` is in seconds after the start.
    pub(super) async fn deliver(&self, delivery: &Delivery, at: i64) -> Decision {
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
            INSTALLED_PATH => match lifecycle.consider(body.as_bytes(), &request, &known, now).await {
                Ok(candidate) => lifecycle.prove(candidate, &known, now).await,
                Err(decision) => *decision,
            },
            _ => lifecycle.uninstalled(body.as_bytes(), &request, &known, now).await,
        };
        self.carry_out(&decision);
        decision
    }

    /// Tries all that waits again.
    pub(super) async fn retry(&self, at: i64) -> Vec<Decision> {
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
    pub(super) fn state(&self) -> String {
        let rows = self.rows.borrow();
        let rows = rows
            .iter()
            .map(|(key, row)| format!("{key} {:?} {} {} {}", row.state, row.workspace, row.secret.expose(), row.as_of));
        format!("{:?} {}", rows.collect::<Vec<_>>(), self.waiting.borrow().len())
    }

    pub(super) fn secret_of(&self, installation: &str) -> Option<String> {
        let row = self.rows.borrow().get(&installation.parse::<ClientKey>().unwrap()).cloned()?;
        (row.state == State::Active).then(|| row.secret.expose().to_owned())
    }
}

pub(super) fn refused(decision: &Decision) -> Option<Refused> {
    match decision {
        Decision::Refuse(refused) => Some(*refused),
        _ => None,
    }
}

pub(super) const ONE: &str = "connection:1";
pub(super) const TWO: &str = "connection:2";

pub(super) fn ari(account: Uuid) -> String {
    format!("ari:cloud:bitbucket::app/{}/penstock", account.braced())
}

/// An installation of `ONE` with the first secret, at the start.
pub(super) async fn with_one_installed() -> World {
    let world = World::new();
    world.bitbucket.knows(ONE, &secret(1), workspace(1));
    let decision = world.deliver(&installed(ONE, &secret(1)), 0).await;
    assert!(matches!(decision, Decision::Activate { .. }), "{decision:?}");
    world
}
