//! Misbehaviour on command.
//!
//! Owns what can go wrong, on which requests and how often. A fault is played around the real answer: those that happen *before*
//! have no effect on the state, those that happen *after* had theirs.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::journal::Door;

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Instead of an answer: this one. Nothing happens.
    Answer {
        /// Its status.
        status: u16,
        /// Its headers.
        headers: Vec<(String, String)>,
        /// Its body.
        body: String,
    },
    /// The answer comes, after a while.
    Delay(Duration),
    /// The connection is reset; nothing happens.
    Reset,
    /// It happens, and the connection is reset before the answer.
    LostAnswer,
    /// It happens, and the connection is reset in the middle of the answer.
    HalfBody,
    /// It happens, and the answer comes byte by byte with a pause after each.
    Drip(Duration),
}

impl Fault {
    /// An answer with a status and Bitbucket's usual error body.
    pub fn status(status: u16) -> Self {
        let message = match status {
            429 => "Rate limit for this resource has been exceeded",
            500.. => "Something went wrong",
            _ => "The sandbox was told to refuse",
        };
        let body = serde_json::json!({"type": "error", "error": {"message": message}}).to_string();
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self::Answer { status, headers, body }
    }

    /// 429 with `Retry-After` in seconds.
    pub fn too_many(retry_after: u32) -> Self {
        Self::status(429).with_header("retry-after", &retry_after.to_string())
    }

    /// Adds a header to an answer; without effect on the other faults.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Replaces the body of an answer; without effect on the other faults.
    #[must_use]
    pub fn with_body(mut self, text: &str) -> Self {
        if let Self::Answer { body, .. } = &mut self {
            text.clone_into(body);
        }
        self
    }

    /// Its name in the journal.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Answer { .. } => "fault: answer",
            Self::Delay(_) => "fault: delay",
            Self::Reset => "fault: reset",
            Self::LostAnswer => "fault: lost answer",
            Self::HalfBody => "fault: half a body",
            Self::Drip(_) => "fault: drip",
        }
    }
}

/// On which requests a fault is played.
#[derive(Clone, Debug)]
pub struct Route {
    door: Option<Door>,
    method: String,
    path: String,
}

impl Route {
    /// Requests with this method (`*`: any) and a path that matches this pattern, in which `*` stands for anything, also for
    /// nothing and for slashes. A path begins with `/2.0` at the API and at the proxy.
    pub fn new(method: &str, path: &str) -> Self {
        Self { door: None, method: method.to_owned(), path: path.to_owned() }
    }

    /// Only requests through this door.
    #[must_use]
    pub fn through(mut self, door: Door) -> Self {
        self.door = Some(door);
        self
    }

    fn fits(&self, door: Door, method: &str, path: &str) -> bool {
        self.door.is_none_or(|only| only == door)
            && (self.method == "*" || self.method == method)
            && matches(&self.path, path)
    }
}

/// All faults of one sandbox that are still to come.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Planned>>);

#[derive(Debug)]
struct Planned {
    route: Route,
    fault: Fault,
    times: usize,
}

impl Faults {
    /// Plays a fault on the next `times` requests that fit.
    pub(crate) fn plan(&self, route: Route, fault: Fault, times: usize) {
        self.planned(|planned| planned.push(Planned { route, fault, times }));
    }

    /// All is well again.
    pub(crate) fn clear(&self) {
        self.planned(Vec::clear);
    }

    /// The fault to be played on this request: the first that was planned.
    pub(crate) fn next(&self, door: Door, method: &str, path: &str) -> Option<Fault> {
        self.planned(|planned| {
            let place = planned.iter().position(|planned| planned.route.fits(door, method, path))?;
            let fault = planned[place].fault.clone();
            planned[place].times = planned[place].times.saturating_sub(1);
            if planned[place].times == 0 {
                planned.remove(place);
            }
            Some(fault)
        })
    }

    fn planned<T>(&self, look: impl FnOnce(&mut Vec<Planned>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Does a text match a pattern in which `*` stands for anything?
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    let mut rest = rest;
    for part in parts {
        let Some(place) = rest.find(part) else { return false };
        rest = &rest[place + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text) in [("*", ""), ("/a/*", "/a/b/c"), ("/a/*/c", "/a/b/c"), ("/a/*c*/d", "/a/bcb/d")] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("/a", "/a/b"), ("/a/*/d", "/a/b/c"), ("/b*", "/a"), ("/a*aa", "/aa")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn after_n_times_all_is_well() {
        let faults = Faults::default();
        faults.plan(Route::new("PUT", "/x/*").through(Door::Api), Fault::Reset, 2);
        assert!(faults.next(Door::Proxy, "PUT", "/x/1").is_none());
        assert!(faults.next(Door::Api, "GET", "/x/1").is_none());
        assert!(faults.next(Door::Api, "PUT", "/x/1").is_some());
        assert!(faults.next(Door::Api, "PUT", "/x/2").is_some());
        assert!(faults.next(Door::Api, "PUT", "/x/3").is_none());
    }
}
