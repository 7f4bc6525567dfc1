//! Sending one call until there is an answer.
//!
//! Owns the order of the steps: pause, authenticate, count, send, read within bounds, follow a
//! redirect to the same host, retry or give up. A call is retried if the server certainly did not
//! execute it (no connection, 429, a commit that is not known yet), or if it may be executed twice.
//! An overloaded server is retried as long as there is time for all calls.

use std::error::Error as StdError;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, LOCATION};
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use super::address::host_of;
use super::auth::TokenRequest;
use super::error::Error;
use super::refusal::Refusal;
use super::request::{Answer, Request};
use super::{Client, retry};

/// Most bytes of an error's body that are read.
const REFUSAL_MAX: usize = 64 << 10;
/// Most redirects of one call.
const REDIRECTS_MAX: u32 = 5;
/// How long a host that could not be reached is not asked again.
const UNREACHABLE: Duration = Duration::from_secs(30);
/// Says that less than a fifth of the hour's requests is left.
const NEAR_LIMIT: &str = "x-ratelimit-nearlimit";

/// What was learned of the server.
#[derive(Default)]
pub(super) struct Pace {
    near_limit: AtomicBool,
    /// Until when the host is taken as not reachable, and what the system said.
    unreachable: Mutex<Option<(Instant, String)>>,
    /// `WORKSPACE/SLUG` that a repository was found under after a redirect.
    moved: Mutex<Option<String>>,
    /// The commit that was not known last, and until when it is waited for.
    late: Mutex<Option<(String, Instant)>>,
}

impl Pace {
    fn unreachable(&self) -> Option<String> {
        let known = self.unreachable.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(until, _)| Instant::now() < *until).map(|(_, words)| words.clone())
    }

    /// Until when `commit` is waited for, which was not found: `time` from the first such answer
    /// on, however many calls get it.
    fn awaited_until(&self, commit: &str, time: Duration) -> Instant {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        match late.as_ref().filter(|(known, _)| known == commit) {
            Some((_, until)) => *until,
            None => late.insert((commit.to_owned(), Instant::now() + time)).1,
        }
    }

    /// `commit` was found: if another part of the server does not know it yet, the waiting time
    /// starts again.
    fn found(&self, commit: &str) {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        if late.as_ref().is_some_and(|(known, _)| known == commit) {
            *late = None;
        }
    }

    fn set_unreachable(&self, known: Option<String>) {
        let known = known.map(|words| (Instant::now() + UNREACHABLE, words));
        *self.unreachable.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

/// What came back, whatever it says.
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    /// What was sent as authorization.
    authorization: Option<HeaderValue>,
}

/// Why an attempt came to nothing, and whether another may be made.
struct Failure {
    error: Error,
    again: Again,
    /// How long the server asks to wait.
    asked: Option<Duration>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    /// It would come to the same.
    Never,
    /// If the call may be made twice.
    IfHarmless,
    /// Nothing was done.
    Always,
    /// Nothing was done, and waiting helps: as often as there is time for all calls.
    Calmly,
    /// Nothing was done yet, and it will be possible before this moment or never.
    Until(Instant),
}

impl Failure {
    fn of(error: Error, again: Again) -> Self {
        Self { error, again, asked: None }
    }
}

impl Client {
    /// Makes a call: the answer if it says yes, else an error. Redirects at home are followed.
    pub async fn send(&self, request: &Request) -> Result<Answer, Error> {
        let call = self.call(request);
        let patience = self.shared.patience;
        if let Some(words) = self.shared.pace.unreachable() {
            return Err(Error::Unreachable { host: self.host(), words });
        }
        let started = Instant::now();
        let (mut url, mut redirects, mut renewed, mut tried) = (request.url.clone(), 0, false, 0);
        let mut before = None;
        loop {
            self.slow_down().await;
            let failure = match self.attempt(&call, request, &url).await {
                Ok(reply) if (200..300).contains(&reply.status) => {
                    if let Some(commit) = &request.commit {
                        self.shared.pace.found(commit);
                    }
                    let kind = reply.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
                    return Ok(Answer { status: reply.status, kind, body: reply.body, call, url });
                }
                Ok(reply) if (300..400).contains(&reply.status) && reply.headers.contains_key(LOCATION) => {
                    redirects += 1;
                    if redirects > REDIRECTS_MAX {
                        return Err(Error::Circle { call });
                    }
                    url = self.follow(&call, request, &url, &reply)?;
                    continue;
                }
                // A token may end before its time.
                Ok(reply)
                    if reply.status == 401
                        && !renewed
                        && self.shared.authorization.renew(reply.authorization.as_ref()).await =>
                {
                    renewed = true;
                    continue;
                }
                Ok(reply) => {
                    let mut failure = self.refused(&call, &reply);
                    if let (404, Some(commit)) = (reply.status, &request.commit) {
                        failure.again = Again::Until(self.shared.pace.awaited_until(commit, patience.late));
                    }
                    if let (429, Some(allowance)) = (reply.status, &self.allowance) {
                        allowance.exceeded(failure.asked);
                    }
                    failure
                }
                Err(failure) => failure,
            };
            // If the time was over before anything was sent, what happened before tells more.
            if let (Error::Deadline { last: None, .. }, Some(before)) = (&failure.error, before.take()) {
                return Err(before);
            }
            tried += 1;
            let (again, jitter) = (tried < patience.attempts, (self.shared.jitter)());
            let calm = || Some(patience.calm_wait(tried, jitter));
            let wait = match failure.again {
                Again::Never => None,
                Again::IfHarmless => patience.wait(tried, failure.asked, jitter).filter(|_| again && request.repeat),
                Again::Always => patience.wait(tried, failure.asked, jitter).filter(|_| again),
                Again::Calmly => failure
                    .asked
                    .map_or_else(calm, |_| patience.wait(tried, failure.asked, jitter))
                    .filter(|_| again || self.deadline.is_some()),
                Again::Until(moment) => calm().filter(|wait| Instant::now() + *wait < moment),
            };
            let wait = wait.filter(|wait| self.left().is_none_or(|left| *wait < left));
            let is_unreachable = matches!(failure.error, Error::Unreachable { .. });
            match wait {
                Some(wait) if !is_unreachable || started.elapsed() + wait < patience.connecting => {
                    before = Some(failure.error);
                    sleep(wait).await;
                }
                _ => {
                    if let Error::Unreachable { words, .. } = &failure.error {
                        self.shared.pace.set_unreachable(Some(words.clone()));
                    }
                    return Err(failure.error);
                }
            }
        }
    }

    /// The server's time, from the header `Date` (RFC 9110) of its answer, whatever its status;
    /// `None` if the header is missing. One request.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn server_date(&self) -> Result<Option<String>, Error> {
        let request = self.request(Method::GET, ["user"])?;
        let reply =
            self.attempt(&self.call(&request), &request, &request.url).await.map_err(|failure| failure.error)?;
        Ok(reply.headers.get(DATE).and_then(|value| value.to_str().ok()).map(str::to_owned))
    }

    /// `WORKSPACE/SLUG` of the repository that redirects led to, if the one that was asked for is called otherwise by now.
    pub fn moved(&self) -> Option<String> {
        self.shared.pace.moved.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How much time is left for all calls.
    fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    async fn slow_down(&self) {
        if self.shared.pace.near_limit.load(Ordering::Relaxed) {
            let pause = self.shared.patience.near_limit.mul_f64(0.5 + (self.shared.jitter)().clamp(0.0, 1.0));
            if self.left().is_none_or(|left| pause < left / 2) {
                sleep(pause).await;
            }
        }
    }

    /// Sends a call once and reads the whole answer, within the time of an attempt and of all calls.
    async fn attempt(&self, call: &str, request: &Request, url: &Url) -> Result<Reply, Failure> {
        let time = self.shared.patience.attempt;
        let time = self.left().map_or(time, |left| left.min(time));
        let over = |last| Failure::of(Error::Deadline { call: call.to_owned(), last }, Again::Never);
        if time.is_zero() {
            return Err(over(None));
        }
        let timed_out = || Error::TimedOut { call: call.to_owned(), after: time };
        match timeout(time, self.once(call, request, url)).await {
            Ok(outcome) => outcome,
            Err(_) if self.left().is_some_and(|left| left.is_zero()) => Err(over(Some(Box::new(timed_out())))),
            Err(_) => Err(Failure::of(timed_out(), Again::IfHarmless)),
        }
    }

    async fn once(&self, call: &str, request: &Request, url: &Url) -> Result<Reply, Failure> {
        let fetch = |token: TokenRequest| self.fetch_token(token);
        let authorization = self.shared.authorization.header(&self.shared.words, fetch).await.map_err(|error| {
            // Asking for a token twice does no harm. What is granted otherwise has patience of its own.
            let again = match &error {
                Error::Unreachable { .. } | Error::Lost { .. } => Again::Always,
                Error::Refused(refusal) if retry::is_passing(refusal.status) => Again::Always,
                _ => Again::Never,
            };
            Failure::of(error, again)
        })?;
        if let Some(allowance) = &self.allowance
            && let Err(after) = allowance.take()
        {
            return Err(Failure::of(Error::NotAllowed { call: call.to_owned(), after }, Again::Never));
        }
        let mut sent = self.shared.http.request(request.method.clone(), url.clone());
        if let Some(authorization) = &authorization {
            sent = sent.header(AUTHORIZATION, authorization.clone());
        }
        for (name, value) in &request.headers {
            sent = sent.header(name, value);
        }
        if let Some(body) = &request.body {
            sent = sent.header(CONTENT_TYPE, body.kind.clone()).body(body.bytes.clone());
        }
        self.exchange(call, url, sent, request.limit, authorization).await
    }

    async fn fetch_token(&self, token: TokenRequest) -> Result<Vec<u8>, Error> {
        let call = token.call();
        let sent = self
            .shared
            .http
            .post(token.url.clone())
            .header(AUTHORIZATION, token.basic)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(TokenRequest::BODY);
        let reply = self.exchange(&call, &token.url, sent, REFUSAL_MAX, None).await.map_err(|failure| failure.error)?;
        if (200..300).contains(&reply.status) { Ok(reply.body) } else { Err(self.refused(&call, &reply).error) }
    }

    /// Sends and reads.
    async fn exchange(
        &self,
        call: &str,
        url: &Url,
        sent: reqwest::RequestBuilder,
        limit: usize,
        authorization: Option<HeaderValue>,
    ) -> Result<Reply, Failure> {
        let mut response = sent.send().await.map_err(|error| self.broken(call, url, &error))?;
        self.shared.pace.set_unreachable(None);
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        if let Some(near) = headers.get(NEAR_LIMIT) {
            self.shared.pace.near_limit.store(near.as_bytes().eq_ignore_ascii_case(b"true"), Ordering::Relaxed);
        }
        let is_good = (200..300).contains(&status);
        let limit = if is_good { limit } else { REFUSAL_MAX };
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if chunk.len() > limit - body.len() => {
                    if is_good {
                        return Err(Failure::of(Error::TooLarge { call: call.to_owned(), limit }, Again::Never));
                    }
                    // The beginning of an error is enough.
                    body.extend_from_slice(&chunk[..limit - body.len()]);
                    break;
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                // The status says no, whatever else was to come.
                Err(_) if !is_good => break,
                Err(error) => return Err(self.broken(call, url, &error)),
            }
        }
        Ok(Reply { status, headers, body, authorization })
    }

    /// Where a redirect leads.
    fn follow(&self, call: &str, request: &Request, at: &Url, reply: &Reply) -> Result<Url, Error> {
        let location = reply.headers.get(LOCATION).and_then(|location| location.to_str().ok()).unwrap_or_default();
        let to = self.shared.home.link(at, location)?;
        let (before, after) = (self.shared.home.told(at), self.shared.home.told(&to));
        if let (Some(before), Some(after)) = (repository_in(&before), repository_in(&after))
            && before != after
        {
            let name = self.shared.words.line(&after);
            *self.shared.pace.moved.lock().unwrap_or_else(PoisonError::into_inner) = Some(name);
        }
        let is_reading = matches!(request.method, Method::GET | Method::HEAD);
        if is_reading || matches!(reply.status, 307 | 308) {
            return Ok(to);
        }
        // What such a redirect means for a change is understood differently.
        Err(Error::Moved { call: call.to_owned(), to: self.shared.words.line(&self.shared.home.told(&to)) })
    }

    fn refused(&self, call: &str, reply: &Reply) -> Failure {
        let mut refusal = Refusal::read(call.to_owned(), reply.status, &reply.body, &self.shared.words);
        refusal.retry_after = retry::asked(&reply.headers);
        Failure {
            again: match reply.status {
                429 => Again::Calmly,
                status if retry::is_passing(status) => Again::IfHarmless,
                _ => Again::Never,
            },
            asked: refusal.retry_after,
            error: Error::Refused(Box::new(refusal)),
        }
    }

    /// What an error of the HTTP library means. Its own text holds the whole address.
    fn broken(&self, call: &str, url: &Url, error: &reqwest::Error) -> Failure {
        let words = self.shared.words.line(&innermost(error));
        let host = host_of(url);
        if is_about_trust(error) {
            Failure::of(Error::Untrusted { host, words }, Again::Never)
        } else if error.is_connect() {
            Failure::of(Error::Unreachable { host, words }, Again::Always)
        } else {
            Failure::of(Error::Lost { call: call.to_owned(), words }, Again::IfHarmless)
        }
    }
}

/// `WORKSPACE/SLUG` in the path of a call.
fn repository_in(path: &str) -> Option<String> {
    let mut parts = path.strip_prefix("/repositories/")?.split('/');
    Some(format!("{}/{}", parts.next()?, parts.next()?))
}

fn causes<'e>(error: &'e reqwest::Error) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    let mut next: Option<&'e (dyn StdError + 'static)> = Some(error);
    std::iter::from_fn(move || {
        let this = next?;
        next = this.source();
        Some(this)
    })
}

/// The first cause tells most.
fn innermost(error: &reqwest::Error) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

/// An error of TLS may lie within several of I/O, which do not name it as their cause.
fn is_about_trust(error: &(dyn StdError + 'static)) -> bool {
    let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>()
        || within.is_some_and(|within| is_about_trust(within))
        || error.source().is_some_and(is_about_trust)
}
