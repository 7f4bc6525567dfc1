//! The sightings of a run, each once.
//!
//! Owns what is done about repetitions, which reports are full of, and an order that does not depend on that of the report.

use std::collections::BTreeMap;

use penstock_common::{Severity, SuppressionKind};

use crate::track::{FindingId, Run, Series, Sighting, ToolRun};

/// A finding as the run saw it, repetitions put together.
pub(super) struct Once<'r> {
    pub(super) series: Series,
    pub(super) sighting: &'r Sighting,
    pub(super) tool: &'r ToolRun,
    /// Where it stands in the run, by tool and place.
    pub(super) slot: (usize, usize),
    /// Where its repetitions stand.
    pub(super) again: Vec<(usize, usize)>,
    pub(super) finding: Option<FindingId>,
    /// The worst that the sighting and its repetitions say: no repetition makes it milder.
    pub(super) severity: Severity,
    /// By which means the code allows it, if it allows all of them.
    pub(super) allowed: Option<SuppressionKind>,
}

/// Sightings by tool, each fingerprint once, in an order that is their own.
pub(super) fn group<'r>(run: &'r Run) -> BTreeMap<&'r str, Vec<Once<'r>>> {
    let mut groups: BTreeMap<&str, Vec<Once<'_>>> = BTreeMap::new();
    for (number, tool) in run.tools.iter().enumerate() {
        let group = groups.entry(&tool.tool).or_default();
        let series = Series::from((&tool.tool, &run.name));
        let of = |(at, sighting): (usize, &'r Sighting)| {
            let (series, slot) = (series.clone(), (number, at));
            let (severity, allowed) = (sighting.severity, sighting.allowed);
            Once { series, sighting, tool, slot, again: Vec::new(), finding: None, severity, allowed }
        };
        group.extend(tool.sightings.iter().enumerate().map(of));
    }
    for group in groups.values_mut() {
        // Of repetitions the first counts: what also stands in the past needs more than a change of files, and a value that is new once is
        // new.
        group.sort_by(|a, b| {
            (a.sighting.ours.cmp(&b.sighting.ours))
                .then_with(|| b.tool.scope.seen().cmp(a.tool.scope.seen()))
                .then_with(|| a.sighting.cmp(b.sighting))
                .then_with(|| a.tool.configuration.cmp(&b.tool.configuration))
        });
        group.dedup_by(|again, first| {
            let same = again.sighting.ours == first.sighting.ours;
            if same {
                first.again.push(again.slot);
                first.severity = first.severity.max(again.severity);
                first.allowed = first.allowed.and(again.allowed);
            }
            same
        });
    }
    groups
}
