//! Rows by their keys.
//!
//! Owns the choice of a map for a repository's hundred thousand rows. In a [`Table`] they lie one after the other in the order in which they came: all
//! of them are looked at quickly, and one that grows moves places, not rows. Keys are hashed with a seed of the program's own, in the cheapest way
//! in which nobody who sends fingerprints can foresee where they fall.

use foldhash::fast::RandomState;
use indexmap::IndexMap;

/// Rows, or whatever is found by a key of many.
pub(super) type Table<K, V> = IndexMap<K, V, RandomState>;
