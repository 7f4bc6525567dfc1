//! Which sighting is which finding.
//!
//! Owns the order of proof: the tool's own fingerprint, ours, ours without the path for what was renamed. Each sighting belongs to one
//! finding and each finding to one sighting; neither the order of sightings nor that of findings leaves a trace. Lines play no part.

use std::collections::HashSet;

use penstock_common::Category;

use super::base::Look;
use super::{Account, BranchId, Commit, Finding, FindingId, Occurrence, Print, Repository, Sighting, Stamp};

/// What is known beside the fingerprints.
pub(super) struct Matching<'a> {
    pub repository: &'a Repository,
    pub branch: Option<BranchId>,
    /// The run's commit.
    pub commit: Commit,
    /// What stood in the base that secrets were compared with.
    pub base: Option<Look<'a>>,
    /// What the run itself says of its completeness; nothing if it came late, and cannot tell what moved.
    pub accounts: &'a [Account],
}

/// One way to know a finding again. Earlier ones are tried for all sightings first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Both fingerprints, at its place.
    OwnAndOurs,
    /// The tool's own, at its place.
    Own,
    /// The tool's own, in another file.
    OwnMoved,
    /// Ours, at its place.
    Ours,
    /// One that it had in another file.
    OursMoved,
    /// Ours without the path, in another file.
    Renamed,
}

impl Stage {
    const ALL: [Self; 6] = [Self::OwnAndOurs, Self::Own, Self::OwnMoved, Self::Ours, Self::OursMoved, Self::Renamed];
}

/// Where a finding stands, as a sighting sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whereabouts {
    /// In the same file.
    Here,
    /// In another file, and this run would have seen it there.
    Left,
    /// In another file, and it may still be there.
    Elsewhere,
    /// It is gone, or never was on this branch.
    Unknown,
}

impl Matching<'_> {
    /// The finding of each sighting, and nothing for those that nobody saw before. Sightings come sorted.
    pub(super) fn findings(&self, sightings: &[&Sighting]) -> Vec<Option<FindingId>> {
        let mut found = vec![None; sightings.len()];
        let mut taken = HashSet::with_capacity(sightings.len());
        for stage in Stage::ALL {
            for (sighting, found) in sightings.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
                *found = self.best(stage, sighting, &taken);
                taken.extend(*found);
            }
        }
        found
    }

    fn best(&self, stage: Stage, sighting: &Sighting, taken: &HashSet<FindingId>) -> Option<FindingId> {
        let index = self.repository.index();
        let own = |print: &Print| index.own(*print).iter();
        let fits = |id: &FindingId| !taken.contains(id) && self.fits(stage, *id, sighting);
        let candidates: Vec<FindingId> = match stage {
            Stage::OwnAndOurs | Stage::Own | Stage::OwnMoved => {
                sighting.own.iter().flat_map(own).copied().filter(fits).collect()
            }
            Stage::Ours | Stage::OursMoved => match index.ours(sighting.ours) {
                // Nearly always; no list is made for it.
                [one] => return Some(*one).filter(fits),
                many => many.iter().copied().filter(fits).collect(),
            },
            Stage::Renamed => index.path_free(sighting.path_free).iter().copied().filter(fits).collect(),
        };
        candidates.into_iter().min_by_key(|id| self.rank(*id, sighting))
    }

    fn fits(&self, stage: Stage, id: FindingId, sighting: &Sighting) -> bool {
        let Some(finding) = self.repository.finding(id) else { return false };
        let whereabouts = self.whereabouts(id, sighting);
        let by_stage = match stage {
            Stage::OwnAndOurs => whereabouts == Whereabouts::Here && finding.prints.ours.contains(&sighting.ours),
            Stage::Own | Stage::Ours => whereabouts == Whereabouts::Here,
            // Many a tool's own fingerprint does not know the file either.
            Stage::OwnMoved | Stage::Renamed => whereabouts == Whereabouts::Left,
            Stage::OursMoved => matches!(whereabouts, Whereabouts::Left | Whereabouts::Unknown),
        };
        by_stage && finding.category == sighting.category && self.may_have_the_same_value(finding, sighting)
    }

    /// Only a run that would have seen it at its old place can tell that it moved: else it is a copy. What is long gone did not move either;
    /// what was said of it is not meant for something equal elsewhere.
    fn whereabouts(&self, id: FindingId, sighting: &Sighting) -> Whereabouts {
        let row = |branch| self.repository.occurrence(branch, id);
        let here = self.branch.and_then(row);
        match here.or_else(|| self.repository.main().and_then(row)) {
            None => Whereabouts::Unknown,
            Some(row) if row.path == sighting.path => Whereabouts::Here,
            Some(row) if !row.is_open() => Whereabouts::Unknown,
            // Nothing moves within a commit.
            Some(row) if here.is_some() && self.was_reported(row) => Whereabouts::Elsewhere,
            Some(row) if self.accounts.iter().any(|account| row.what().is_covered(account)) => Whereabouts::Left,
            Some(_) if here.is_some() => Whereabouts::Elsewhere,
            Some(_) => Whereabouts::Unknown,
        }
    }

    /// Whether another run reported an open finding of the branch in this very commit.
    fn was_reported(&self, row: &Occurrence) -> bool {
        let branch = self.repository.branch(row.branch);
        row.seen.commit == self.commit && row.seen.at != Stamp::MERGED
            || branch.is_some_and(|branch| branch.timeline.accounts_on(self.commit, &row.what()).next().is_some())
    }

    /// The fingerprint of a secret says nothing of its value. What the upload says of the base does; where that leaves open which of two
    /// values it is, one that was dismissed never speaks for one that somebody may have put in its place.
    fn may_have_the_same_value(&self, finding: &Finding, sighting: &Sighting) -> bool {
        if finding.category != Category::Secret {
            return true;
        }
        if finding.absent.contains(&self.commit) {
            return false;
        }
        let is_open = |branch| self.repository.is_open(branch, finding.id);
        let is_harmless = self.branch.is_some_and(is_open) || !finding.is_dismissed();
        match (sighting.value_in_base, &self.base) {
            (Some(true), Some(base)) => is_harmless || base.stands(finding.id),
            (Some(false), Some(base)) => is_harmless && !base.stands(finding.id),
            _ => is_harmless || self.repository.main().is_some_and(is_open),
        }
    }

    /// The smallest is the best of several.
    fn rank(&self, id: FindingId, sighting: &Sighting) -> impl Ord + use<> {
        let row = self.branch.and_then(|branch| self.repository.occurrence(branch, id));
        let in_base = self.base.as_ref().is_some_and(|base| base.stands(id));
        let is_open = |branch| self.repository.is_open(branch, id);
        (
            sighting.value_in_base == Some(true) && !in_base,
            row.is_none_or(|row| !row.is_open()),
            row.is_none_or(|row| row.path != sighting.path),
            row.is_none(),
            !self.repository.main().is_some_and(is_open),
            id,
        )
    }
}
