//! What was asked, in order: for tests to assert on and for people to read.
//!
//! Holds the names of headers and a digest of the credentials, never a value that could be one; bodies are kept, because what a
//! client sends is what tests are about.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, Method, Uri, header};
use sha2::{Digest, Sha256};

use crate::random::hex;

/// Through which door a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The REST API.
    Api,
    /// bitbucket.org: OAuth and git.
    Site,
    /// The authentication proxy of a pipeline step.
    Proxy,
    /// The receiver of runs.
    Companion,
}

/// One request and what became of it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Through which door it came.
    pub door: Door,
    /// Its method.
    pub method: String,
    /// As it stood in the request line: absolute at the proxy.
    pub target: String,
    /// The path, without the query.
    pub path: String,
    /// Names of its headers, sorted, lower case.
    pub headers: Vec<String>,
    /// SHA-256 of the whole Authorization header, in hexadecimal digits.
    pub authorization: Option<String>,
    /// What was sent, decompressed if it said that it was compressed.
    pub body: Vec<u8>,
    /// The operation of the contract that it called.
    pub operation: Option<String>,
    /// Which fault was played.
    pub fault: Option<&'static str>,
    /// The answer's status; none while it is being answered, or if the connection was cut.
    pub status: Option<u16>,
}

impl Entry {
    /// The body as JSON, if it is that.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map_or("---".to_owned(), |status| status.to_string());
        let known = if self.authorization.is_some() { "authorized" } else { "anonymous" };
        let door = format!("{:?}", self.door).to_lowercase();
        write!(f, "{door:<9} {known:<10} {status} {:<7} {} ({} bytes)", self.method, self.target, self.body.len())?;
        if let Some(fault) = self.fault {
            write!(f, " [{fault}]")?;
        }
        Ok(())
    }
}

/// A request that did not fit, or an answer of the sandbox's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Method and target.
    pub request: String,
    /// What does not fit, without quoting a value.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.request, self.what)
    }
}

/// The number of an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(usize);

/// All entries and violations of one sandbox.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    entries: Vec<Entry>,
    violations: Vec<Violation>,
}

impl Journal {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request as it arrives.
    pub(crate) fn open(&self, door: Door, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Place {
        let mut names: Vec<_> = headers.keys().map(|name| name.as_str().to_owned()).collect();
        names.sort();
        let authorization = headers.get(header::AUTHORIZATION).map(|value| hex(&Sha256::digest(value.as_bytes())));
        let entry = Entry {
            door,
            method: method.to_string(),
            target: without_token(&uri.to_string()),
            path: uri.path().to_owned(),
            headers: names,
            authorization,
            body: body.to_vec(),
            operation: None,
            fault: None,
            status: None,
        };
        let mut pages = self.pages();
        pages.entries.push(entry);
        Place(pages.entries.len() - 1)
    }

    /// Adds to an entry.
    pub(crate) fn amend(&self, place: Place, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.pages().entries.get_mut(place.0) {
            change(entry);
        }
    }

    /// Notes that the request of an entry does not fit.
    pub(crate) fn violation(&self, place: Place, what: String) {
        let mut pages = self.pages();
        let request = pages.entries.get(place.0).map(|entry| format!("{} {}", entry.method, entry.target));
        pages.violations.push(Violation { request: request.unwrap_or_default(), what });
    }

    /// All entries.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.pages().entries.clone()
    }

    /// All violations.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.pages().violations.clone()
    }

    /// All violations, which are forgotten.
    pub(crate) fn take_violations(&self) -> Vec<Violation> {
        std::mem::take(&mut self.pages().violations)
    }
}

/// A target whose `access_token` is blotted out: it must not be there, and if it is, it must not be shown either.
fn without_token(target: &str) -> String {
    let Some(start) = target.find("access_token=") else { return target.to_owned() };
    let value = start + "access_token=".len();
    let end = target[value..].find('&').map_or(target.len(), |length| value + length);
    format!("{}…{}", &target[..value], &target[end..])
}
