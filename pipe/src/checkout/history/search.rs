//! The first commit of every object that is looked for.
//!
//! Owns going through the commits in their order and down into every folder not seen before, along leading entries only. What
//! is never reached belongs to no reference.

use super::bits::Bits;
use super::descent::Descent;
use super::layout::NONE;

/// Where an object was first reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The object.
    pub(super) number: u32,
    /// The commit, unless a tag names the object or a folder above it directly.
    pub(super) commit: Option<u32>,
    /// The folder that holds it, as a place in the list of visits; `NONE` if a tag names the object itself.
    pub(super) visit: u32,
}

/// A folder that was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Visit {
    /// The folder.
    pub(super) number: u32,
    /// The place of the folder above it; `NONE` at the top.
    pub(super) above: u32,
}

/// What was reached, and how.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) found: Vec<Found>,
    pub(super) visits: Vec<Visit>,
}

/// Git refuses deeper folders too.
const DEEPEST: usize = 4096;

/// Searches from `starts`, in order: commits with their folders, and what tags name directly.
pub(super) fn search(
    descent: &Descent,
    leading: &Bits,
    targets: &Bits,
    bound: usize,
    starts: impl IntoIterator<Item = (Option<u32>, u32)>,
) -> Trace {
    let mut trace = Trace::default();
    let mut seen = Bits::new(bound);
    let mut path: Vec<(u32, &[u32])> = Vec::new();
    for (commit, top) in starts {
        let mut at = NONE;
        let mut next = Some(top);
        loop {
            if let Some(number) = next.filter(|number| leading.contains(*number) && seen.insert(*number)) {
                if targets.contains(number) {
                    trace.found.push(Found { number, commit, visit: at });
                } else if path.len() < DEEPEST {
                    path.push((at, descent.entries(number)));
                    trace.visits.push(Visit { number, above: at });
                    at = trace.visits.len() as u32 - 1;
                }
            }
            let Some((above, rest)) = path.last_mut() else { break };
            match rest.split_first() {
                Some((first, others)) => {
                    next = Some(*first);
                    *rest = others;
                }
                None => {
                    (at, next) = (*above, None);
                    path.pop();
                }
            }
        }
    }
    trace
}
