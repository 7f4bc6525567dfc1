//! Numbers for objects that are nowhere.
//!
//! Owns the ids that commits and folders mention and no folder of objects holds. They are numbered behind all others, so that
//! the search for commits and paths treats them like blobs worth finding: a missing object matters only where it is reachable.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use gix::objs::Kind;
use gix::{ObjectId, oid};

use super::layout::NONE;
use super::objects::Objects;

/// All objects, present or only mentioned.
pub(super) struct Numbers<'a> {
    pub(super) objects: &'a Objects,
    partial: bool,
    left_out: Mutex<HashSet<ObjectId>>,
    missing: Mutex<Missing>,
}

#[derive(Default)]
struct Missing {
    numbers: HashMap<ObjectId, u32>,
    ids: Vec<(ObjectId, Kind)>,
}

impl<'a> Numbers<'a> {
    /// In a `partial` clone, files and folders may be left out: they get no number.
    pub(super) fn new(objects: &'a Objects, partial: bool) -> Self {
        Self { objects, partial, left_out: Mutex::default(), missing: Mutex::default() }
    }

    /// The object's own number; a new one if it is nowhere, where it was mentioned as being of `kind`. `NONE` for what has no
    /// content or was left out.
    pub(super) fn number(&self, id: &oid, kind: Kind) -> u32 {
        if let Some(number) = self.objects.find(id) {
            return number;
        }
        // Git has these without storing them.
        if id == ObjectId::empty_tree(id.kind()) || id == ObjectId::empty_blob(id.kind()) {
            return NONE;
        }
        if self.partial && kind != Kind::Commit {
            self.left_out.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
            return NONE;
        }
        let mut missing = self.missing();
        if let Some(number) = missing.numbers.get(id) {
            return *number;
        }
        // Beyond four thousand million objects the last ones are not told apart.
        let number = u32::try_from(self.objects.len() + missing.ids.len()).unwrap_or(NONE);
        missing.numbers.insert(id.to_owned(), number);
        missing.ids.push((id.to_owned(), kind));
        number
    }

    /// Number of objects missing from the clone.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    /// The numbers of all objects that are nowhere, so far.
    pub(super) fn all_missing(&self) -> std::ops::Range<u32> {
        let from = self.objects.len() as u32;
        from..from + self.missing().ids.len() as u32
    }

    /// One above the highest number given so far.
    pub(super) fn len(&self) -> usize {
        self.all_missing().end as usize
    }

    /// Whether a number is none of a stored object.
    pub(super) fn is_missing(&self, number: u32) -> bool {
        number as usize >= self.objects.len()
    }

    /// As what an object was mentioned that is nowhere.
    pub(super) fn missing_kind(&self, number: u32) -> Option<Kind> {
        let at = (number as usize).checked_sub(self.objects.len())?;
        self.missing().ids.get(at).map(|missing| missing.1)
    }

    /// The id of a number.
    pub(super) fn id(&self, number: u32) -> ObjectId {
        match (number as usize).checked_sub(self.objects.len()) {
            None => self.objects.id(number),
            Some(at) => {
                let id = self.missing().ids.get(at).map(|missing| missing.0);
                id.unwrap_or_else(|| ObjectId::null(self.objects.hash()))
            }
        }
    }

    fn missing(&self) -> MutexGuard<'_, Missing> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
