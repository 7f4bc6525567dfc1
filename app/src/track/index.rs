//! Findings by fingerprint.
//!
//! Owns the look-up. Most fingerprints belong to one finding; copies of a file and secrets with a changed value share theirs.

use std::collections::HashMap;

use super::{Finding, FindingId, Print};

/// Findings by each kind of fingerprint.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    own: HashMap<Print, Holders>,
    ours: HashMap<Print, Holders>,
    path_free: HashMap<Print, Holders>,
}

/// Who has a fingerprint.
#[derive(Clone, Debug)]
enum Holders {
    One(FindingId),
    Many(Vec<FindingId>),
}

impl Index {
    pub(super) fn with_capacity(findings: usize) -> Self {
        let map = || HashMap::with_capacity(findings);
        Self { own: HashMap::new(), ours: map(), path_free: map() }
    }

    pub(super) fn add(&mut self, finding: &Finding) {
        let prints = &finding.prints;
        for (map, prints) in
            [(&mut self.own, &prints.own), (&mut self.ours, &prints.ours), (&mut self.path_free, &prints.path_free)]
        {
            for print in prints {
                add(map, *print, finding.id);
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

fn add(map: &mut HashMap<Print, Holders>, print: Print, id: FindingId) {
    match map.get_mut(&print) {
        None => {
            map.insert(print, Holders::One(id));
        }
        Some(Holders::Many(ids)) if !ids.contains(&id) => ids.push(id),
        Some(holders @ Holders::One(_)) => {
            if let Holders::One(first) = *holders
                && first != id
            {
                *holders = Holders::Many(vec![first, id]);
            }
        }
        Some(Holders::Many(_)) => {}
    }
}

fn get(map: &HashMap<Print, Holders>, print: Print) -> &[FindingId] {
    match map.get(&print) {
        None => &[],
        Some(Holders::One(id)) => std::slice::from_ref(id),
        Some(Holders::Many(ids)) => ids,
    }
}
