//! What can never be answered otherwise.
//!
//! Owns answers about commits, which cannot change because a commit's id is made of its history. Kept in memory, for one tenant, and bounded; what
//! is not known is asked.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use penstock_common::Uuid;

use crate::track::Commit;

/// Most answers of one kind.
const ANSWERS_MAX: usize = 512;

/// What was answered.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The full id that a shortened one stands for. A longer history could make it stand for two; that of twelve digits will not.
    pub(super) full: Answers<(Uuid, String), Commit>,
    /// Whether the first commit is an ancestor of the second, or it.
    pub(super) ancestors: Answers<(Uuid, Commit, Commit), bool>,
    /// The merge base of two commits, the lesser first.
    pub(super) merge_bases: Answers<(Uuid, Commit, Commit), Commit>,
}

/// Some answers.
#[derive(Debug)]
pub(super) struct Answers<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for Answers<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Copy> Answers<K, V> {
    pub(super) fn get(&self, question: &K) -> Option<V> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(question).copied()
    }

    pub(super) fn keep(&self, question: K, answer: V) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= ANSWERS_MAX {
            // Which ones would be asked again is not known; they cost a request each.
            answers.clear();
        }
        answers.insert(question, answer);
    }
}
