//! One event on its way to one receiver, and the list of all that were.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It waits, or is on its way.
    Waiting,
    /// The receiver answered 2xx.
    Delivered,
    /// It was answered otherwise, or not at all, and Bitbucket gave up.
    Failed,
    /// It was too long, and never sent.
    TooLong,
    /// The sandbox was told to lose it.
    Lost,
    /// The app was uninstalled before it was sent.
    Void,
}

/// One try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The answer's status, if there was an answer.
    pub status: Option<u16>,
    /// The beginning of what was answered, or why nothing was.
    pub words: String,
}

/// One event for one receiver.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Delivery {
    /// Its event key.
    pub event: String,
    /// Key of the app, or UUID of the hook.
    pub receiver: String,
    /// Where it goes.
    pub url: String,
    /// `X-Request-UUID`, without braces: the same for all attempts, and for copies.
    pub request: String,
    /// What is sent.
    pub body: Value,
    /// Its length in bytes.
    pub bytes: usize,
    /// All tries, the first one first.
    pub attempts: Vec<Attempt>,
    /// How it stands.
    pub outcome: Outcome,
}

/// The place of a delivery in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number(usize);

/// All deliveries, in the order in which they were to be sent.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<Delivery>>);

impl Log {
    pub(crate) fn add(&self, delivery: Delivery) -> Number {
        self.look(|all| {
            all.push(delivery);
            Number(all.len() - 1)
        })
    }

    pub(crate) fn amend(&self, number: Number, change: impl FnOnce(&mut Delivery)) {
        self.look(|all| all.get_mut(number.0).map(change));
    }

    pub(crate) fn all(&self) -> Vec<Delivery> {
        self.look(|all| all.clone())
    }

    fn look<T>(&self, look: impl FnOnce(&mut Vec<Delivery>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
