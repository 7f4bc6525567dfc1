//! Telling apps and hooks what happened.
//!
//! Owns who is told, the two shapes (in an envelope with a token, plain with an HMAC), the headers, the limits and the attempts. What happens is
//! written down at once and sent later, one after the other: whoever caused it does not wait. As far as is known (reference: Atlassian's
//! "Troubleshoot webhooks", and recordings): an answer of 5xx is tried two more times at once, everything else is final, and what is longer than
//! 256 KB is never sent and never told. That a receiver which does not answer is not asked again is the stricter guess.

use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use url::Url;

use super::delivery::{Attempt, Delivery, Log, Number, Outcome};
use super::events::Event;
use super::install;
use super::mishap::{Fate, Mishap, Mishaps};
use super::outgoing::{Answered, Call};
use super::signer;
use crate::app::App;
use crate::clock;
use crate::random::{self, hex};
use crate::state::World;

/// Longest body, in bytes.
const BODY_MAX: usize = 256 << 10;
/// How often something is tried.
const ATTEMPTS: u8 = 3;
/// Most characters of an answer that the log keeps.
const WORDS_MAX: usize = 200;

/// A webhook that somebody set up by hand.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Hook {
    pub(crate) uuid: String,
    /// UUID of the repository or of the workspace.
    pub(crate) subject: String,
    #[serde(with = "address")]
    pub(crate) url: Url,
    pub(crate) secret: Option<String>,
    pub(crate) events: Vec<String>,
}

/// How an address is kept.
mod address {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use url::Url;

    pub(super) fn serialize<S: Serializer>(url: &Url, to: S) -> Result<S::Ok, S::Error> {
        url.as_str().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
        Url::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// By what a receiver knows that it is Bitbucket.
#[derive(Clone, Debug)]
enum Proof {
    /// A token of this installation: app and workspace.
    Token(String, String),
    /// An HMAC with this secret.
    Hmac(Option<String>),
}

/// What is to be sent.
#[derive(Clone, Debug)]
struct Job {
    number: Number,
    event: &'static str,
    hook: String,
    request: String,
    url: Url,
    body: Vec<u8>,
    proof: Proof,
}

/// All that is on its way.
#[derive(Debug)]
pub(crate) struct Webhooks {
    pub(crate) log: Log,
    mishaps: Mutex<Mishaps<Job>>,
    queue: mpsc::UnboundedSender<Job>,
    /// How many are in the queue, or are being sent.
    waiting: watch::Sender<usize>,
}

/// The other end of the queue.
pub(crate) struct Queue(mpsc::UnboundedReceiver<Job>);

impl Webhooks {
    pub(crate) fn new() -> (Self, Queue) {
        let (queue, receiver) = mpsc::unbounded_channel();
        let webhooks = Self { log: Log::default(), mishaps: Mutex::default(), queue, waiting: watch::Sender::new(0) };
        (webhooks, Queue(receiver))
    }

    fn mishaps(&self) -> MutexGuard<'_, Mishaps<Job>> {
        self.mishaps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the next deliveries go wrong.
    pub(crate) fn plan(&self, mishap: Mishap, times: usize) {
        self.mishaps().plan(mishap, times);
    }

    /// All goes well again.
    pub(crate) fn clear(&self) {
        let held = self.mishaps().clear();
        held.into_iter().for_each(|job| self.enqueue(job));
    }

    /// Sends what waits for others, and waits until everything has been sent.
    pub(crate) async fn settle(&self) {
        let held = self.mishaps().release();
        held.into_iter().for_each(|job| self.enqueue(job));
        // The sender lives as long as `self`.
        let _ = self.waiting.subscribe().wait_for(|waiting| *waiting == 0).await;
    }

    /// Tells whoever wants to know. Called where the event happens: the order of calls is the order of sending.
    pub(crate) fn emit(&self, world: &World, event: &Event) {
        for (known, terms) in world.apps.active().filter(|(known, _)| event.workspaces.contains(&known.workspace)) {
            let scope = if event.key.starts_with("pullrequest:") { "pullrequest" } else { "repository" };
            let wanted = terms.descriptor.webhooks.iter().filter(|hook| hook.event == "*" || hook.event == event.key);
            for webhook in wanted.filter(|_| terms.descriptor.may(scope)) {
                let body = json!({"event": event.key, "data": event.data});
                let proof = Proof::Token(known.app.clone(), known.workspace.clone());
                self.send(event.key, &known.app, &random::uuid(), &webhook.url, body, proof);
            }
        }
        let about = |hook: &&Hook| event.workspaces.contains(&hook.subject) || hook.subject == event.repository;
        for hook in world.hooks.iter().filter(about) {
            if hook.events.iter().any(|wanted| wanted == "*" || wanted == event.key) {
                let proof = Proof::Hmac(hook.secret.clone());
                self.send(event.key, &hook.uuid, &hook.uuid, &hook.url, event.data.clone(), proof);
            }
        }
    }

    fn send(&self, event: &'static str, receiver: &str, hook: &str, url: &Url, body: Value, proof: Proof) {
        let bytes = body.to_string().into_bytes();
        let bare = |uuid: &str| uuid.trim_matches(['{', '}']).to_owned();
        let request = bare(&random::uuid());
        let is_too_long = bytes.len() > BODY_MAX;
        let delivery = Delivery {
            event: event.to_owned(),
            receiver: receiver.to_owned(),
            url: url.to_string(),
            request: request.clone(),
            body,
            bytes: bytes.len(),
            attempts: Vec::new(),
            outcome: if is_too_long { Outcome::TooLong } else { Outcome::Waiting },
        };
        let number = self.log.add(delivery.clone());
        if is_too_long {
            return;
        }
        let job = Job { number, event, hook: bare(hook), request, url: url.clone(), body: bytes, proof };
        let fate = self.mishaps().next(job);
        match fate {
            Fate::Send(jobs) => jobs.into_iter().for_each(|job| self.enqueue(job)),
            Fate::Lose(job) => self.log.amend(job.number, |lost| lost.outcome = Outcome::Lost),
            Fate::Repeat(job, times) => {
                for _ in 1..times {
                    let number = self.log.add(delivery.clone());
                    self.enqueue(Job { number, ..job.clone() });
                }
                self.enqueue(job);
            }
        }
    }

    fn enqueue(&self, job: Job) {
        self.waiting.send_modify(|waiting| *waiting += 1);
        // The queue is read as long as the sandbox runs.
        let _ = self.queue.send(job);
    }
}

impl Queue {
    /// Sends what comes, until the sandbox ends.
    pub(crate) async fn serve(mut self, app: App) {
        while let Some(job) = self.0.recv().await {
            deliver(&app, &job).await;
            app.webhooks.waiting.send_modify(|waiting| *waiting -= 1);
        }
    }
}

async fn deliver(app: &App, job: &Job) {
    for number in 1..=ATTEMPTS {
        let Some(headers) = headers(app, job, number) else {
            return app.webhooks.log.amend(job.number, |delivery| delivery.outcome = Outcome::Void);
        };
        let call = Call { method: Method::POST, url: job.url.clone(), headers, body: job.body.clone() };
        let answered = app.outgoing.make(call).await;
        let (status, words) = match answered {
            Ok(Answered { status, text, .. }) => (Some(status), text.chars().take(WORDS_MAX).collect()),
            Err(why) => (None, why.to_string()),
        };
        let is_taken = status.is_some_and(|status| (200..300).contains(&status));
        let is_last = number == ATTEMPTS || status.is_none_or(|status| status < 500);
        app.webhooks.log.amend(job.number, |delivery| {
            delivery.attempts.push(Attempt { status, words });
            match (is_taken, is_last) {
                (true, _) => delivery.outcome = Outcome::Delivered,
                (false, true) => delivery.outcome = Outcome::Failed,
                (false, false) => {}
            }
        });
        if is_last {
            return;
        }
    }
}

/// The headers of one attempt. None: there is nothing to sign with any more.
fn headers(app: &App, job: &Job, attempt: u8) -> Option<Vec<(&'static str, String)>> {
    let trace = random::token("").split_off(32);
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("user-agent", "Bitbucket-Webhooks/2.0".to_owned()),
        ("x-event-key", job.event.to_owned()),
        ("x-hook-uuid", job.hook.clone()),
        ("x-request-uuid", job.request.clone()),
        ("x-attempt-number", attempt.to_string()),
        ("x-event-time", clock::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
        ("x-b3-traceid", trace.clone()),
        ("x-b3-spanid", trace),
        ("x-b3-sampled", "1".to_owned()),
    ];
    match &job.proof {
        Proof::Token(key, workspace) => {
            let world = app.world();
            let known = world.apps.get(key, workspace)?;
            let terms = known.active.as_ref()?;
            let (path, query) = (terms.descriptor.path_of(&job.url), job.url.query().unwrap_or_default());
            let token = install::token(&known.client_key, &terms.secret, "POST", path, query);
            headers.push(("authorization", format!("JWT {token}")));
        }
        Proof::Hmac(Some(secret)) => {
            let signature = hex(&signer::signature(secret, &job.body));
            headers.push(("x-hub-signature", format!("sha256={signature}")));
        }
        Proof::Hmac(None) => {}
    }
    Some(headers)
}
