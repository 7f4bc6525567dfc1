//! Findings by fingerprint.
//!
//! Owns the look-up. Most fingerprints belong to one finding; copies of a file and secrets with a changed value share theirs. One that many
//! findings share tells nothing, as when a tool gives the same to all its results: it leads to none.

use super::table::Table;
use super::{Finding, FindingId, Print};

/// Most findings that a fingerprint of a tool, or one without a path, may lead to.
const CROWD: usize = 32;

/// Findings by each kind of fingerprint.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    own: Table<Print, Holders>,
    ours: Table<Print, Holders>,
    path_free: Table<Print, Holders>,
}

/// Who has a fingerprint.
#[derive(Clone, Debug)]
enum Holders {
    One(FindingId),
    Many(Vec<FindingId>),
    /// More than are told apart.
    Crowd,
}

impl Index {
    pub(super) fn with_capacity(findings: usize) -> Self {
        let map = || Table::with_capacity_and_hasher(findings, Default::default());
        Self { own: Table::default(), ours: map(), path_free: map() }
    }

    pub(super) fn add(&mut self, finding: &Finding) {
        let prints = &finding.prints;
        for (map, prints, most) in [
            (&mut self.own, &prints.own, CROWD),
            // A run tells each of ours once, so their holders grow one by one at most.
            (&mut self.ours, &prints.ours, usize::MAX),
            (&mut self.path_free, &prints.path_free, CROWD),
        ] {
            for print in prints {
                add(map, *print, finding.id, most);
            }
        }
    }

    pub(super) fn own(&self, print: Print) -> &[FindingId] {
        get(&self.own, print)
    }

    pub(super) fn ours(&self, print: Print) -> &[FindingId] {
        get(&self.ours, print)
    }

    pub(super) fn path_free(&self, print: Print) -> &[FindingId] {
        get(&self.path_free, print)
    }
}

fn add(map: &mut Table<Print, Holders>, print: Print, id: FindingId, most: usize) {
    let Some(holders) = map.get_mut(&print) else {
        map.insert(print, Holders::One(id));
        return;
    };
    match holders {
        Holders::One(first) if *first != id => *holders = Holders::Many(vec![*first, id]),
        Holders::Many(ids) if !ids.contains(&id) && ids.len() >= most => *holders = Holders::Crowd,
        Holders::Many(ids) if !ids.contains(&id) => ids.push(id),
        Holders::One(_) | Holders::Many(_) | Holders::Crowd => {}
    }
}

fn get(map: &Table<Print, Holders>, print: Print) -> &[FindingId] {
    match map.get(&print) {
        None | Some(Holders::Crowd) => &[],
        Some(Holders::One(id)) => std::slice::from_ref(id),
        Some(Holders::Many(ids)) => ids,
    }
}
