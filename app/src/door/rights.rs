//! Cached rights to read.
//!
//! Owns how long Bitbucket's answer about a person is valid: minutes, so that not every page needs
//! a request.
//! It is for reading only: the right to change something is never cached. Bounded, in the memory of
//! one copy of the program.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use penstock_common::Uuid;

/// How long the right to read is cached, in milliseconds, and so how long revoking it takes at
/// most.
pub const ALLOWED: i64 = 5 * 60_000;
/// How long a refusal is cached, in milliseconds.
pub const REFUSED: i64 = 30_000;
/// Maximum number of answers.
const ANSWERS_MAX: usize = 20_000;
/// Maximum repositories in an answer about a whole workspace; a longer one is not cached.
const REPOSITORIES_MAX: usize = 2000;

/// An installation: a workspace, and since when the app is installed in it. Installing the app
/// again makes another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Installation {
    /// The workspace.
    pub workspace: Uuid,
    /// Since when, in unix milliseconds.
    pub since: i64,
}

/// Bitbucket's answers.
#[derive(Debug, Default)]
pub struct ReadRights {
    one: Mutex<Answers<(Installation, Uuid, Uuid), bool>>,
    all: Mutex<Answers<(Installation, Uuid), Vec<Uuid>>>,
}

type Answers<K, T> = HashMap<K, Known<T>>;

#[derive(Clone, Debug)]
struct Known<T> {
    answer: T,
    until: i64,
}

fn lock<T>(known: &Mutex<T>) -> MutexGuard<'_, T> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

fn find<K: Eq + Hash, T: Clone>(known: &Mutex<Answers<K, T>>, key: &K, now: i64) -> Option<T> {
    // An answer that seems valid for longer than any can be is from before the clock was set back.
    lock(known).get(key).filter(|known| (1..=ALLOWED).contains(&(known.until - now))).map(|known| known.answer.clone())
}

fn keep<K: Eq + Hash, T>(known: &Mutex<Answers<K, T>>, key: K, answer: Known<T>, now: i64) {
    let mut known = lock(known);
    if known.len() >= ANSWERS_MAX && !known.contains_key(&key) {
        known.retain(|_, one| one.until > now);
        if known.len() >= ANSWERS_MAX {
            // They are requested again when needed.
            known.clear();
        }
    }
    known.insert(key, answer);
}

impl ReadRights {
    /// Whether a person may read a repository, if the answer is cached.
    pub fn of(&self, installation: Installation, repository: Uuid, person: Uuid, now: i64) -> Option<bool> {
        find(&self.one, &(installation, repository, person), now)
    }

    /// Caches whether a person may read a repository.
    pub fn keep(&self, installation: Installation, repository: Uuid, person: Uuid, may: bool, now: i64) {
        let until = now + if may { ALLOWED } else { REFUSED };
        keep(&self.one, (installation, repository, person), Known { answer: may, until }, now);
    }

    /// The repositories of a workspace that a person may read, if the answer is cached.
    pub fn readable(&self, installation: Installation, person: Uuid, now: i64) -> Option<Vec<Uuid>> {
        find(&self.all, &(installation, person), now)
    }

    /// Caches which repositories a person may read.
    pub fn keep_readable(&self, installation: Installation, person: Uuid, readable: &[Uuid], now: i64) {
        if readable.len() <= REPOSITORIES_MAX {
            let until = now + if readable.is_empty() { REFUSED } else { ALLOWED };
            keep(&self.all, (installation, person), Known { answer: readable.to_vec(), until }, now);
        }
    }

    /// Forgets everything about a workspace: the app was uninstalled there.
    pub fn forget(&self, workspace: Uuid) {
        lock(&self.one).retain(|(installation, ..), _| installation.workspace != workspace);
        lock(&self.all).retain(|(installation, _), _| installation.workspace != workspace);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> Uuid {
        Uuid::from((number as u128).to_be_bytes())
    }

    #[test]
    fn an_answer_is_believed_for_a_while_and_of_one_installation() {
        let rights = ReadRights::default();
        let installation = Installation { workspace: id(1), since: 7 };
        rights.keep(installation, id(2), id(3), true, 0);
        rights.keep(installation, id(2), id(4), false, 0);
        rights.keep_readable(installation, id(3), &[id(2)], 0);
        let of = |person, now| rights.of(installation, id(2), id(person), now);
        assert_eq!((of(3, ALLOWED - 1), of(3, ALLOWED)), (Some(true), None));
        assert_eq!((of(4, REFUSED - 1), of(4, REFUSED)), (Some(false), None));
        assert_eq!((of(5, 0), rights.of(installation, id(9), id(3), 0)), (None, None));
        assert_eq!(rights.readable(installation, id(3), ALLOWED - 1), Some(vec![id(2)]));
        let again = Installation { since: 8, ..installation };
        assert_eq!((rights.of(again, id(2), id(3), 0), rights.readable(again, id(3), 0)), (None, None));
        assert_eq!(of(3, -1), None, "the clock was set back");
        rights.forget(id(1));
        assert_eq!((of(3, 0), rights.readable(installation, id(3), 0)), (None, None));
    }

    #[test]
    fn bounded() {
        let rights = ReadRights::default();
        let installation = Installation { workspace: id(1), since: 7 };
        for number in 0..3 * ANSWERS_MAX {
            rights.keep(installation, id(2), id(number), true, 0);
        }
        assert!(lock(&rights.one).len() <= ANSWERS_MAX);
        assert_eq!(rights.of(installation, id(2), id(3 * ANSWERS_MAX - 1), 0), Some(true));
        let many: Vec<Uuid> = (0..REPOSITORIES_MAX + 1).map(id).collect();
        rights.keep_readable(installation, id(3), &many, 0);
        assert_eq!(rights.readable(installation, id(3), 0), None);
    }
}
