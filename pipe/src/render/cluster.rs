//! The same secret told once.
//!
//! Owns how findings that hold one secret become one entry for people. Formats for machines keep every finding.

use std::collections::HashMap;

use penstock_common::Finding;

/// Findings that hold the same secret.
pub(super) struct Cluster<'r> {
    /// The first in the run's order, shown in full.
    pub first: &'r Finding,
    /// The others, shown as places.
    pub others: Vec<&'r Finding>,
}

/// What counts, each secret once, in the order of first appearance.
pub(super) fn clusters<'r>(findings: impl IntoIterator<Item = &'r Finding>) -> Vec<Cluster<'r>> {
    let mut clusters: Vec<Cluster<'r>> = Vec::new();
    let mut numbers: HashMap<u32, usize> = HashMap::new();
    for finding in findings.into_iter().filter(|finding| finding.is_active()) {
        if let Some(group) = finding.group {
            if let Some(&at) = numbers.get(&group) {
                clusters[at].others.push(finding);
                continue;
            }
            numbers.insert(group, clusters.len());
        }
        clusters.push(Cluster { first: finding, others: Vec::new() });
    }
    clusters
}
