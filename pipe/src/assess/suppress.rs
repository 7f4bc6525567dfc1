//! `[[suppress]]`: findings that somebody decided to live with.
//!
//! Owns what an entry is, which findings it means, and what is told of entries that are over or mean nothing. Suppressed findings stay
//! in the report.

use globset::{GlobBuilder, GlobMatcher};
use jiff::civil::Date;
use penstock_common::{Category, Change, Finding, Masked, Notice, Suppression, SuppressionKind};

/// One entry. All that it names must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suppress {
    /// Id of the rule.
    pub rule: Option<String>,
    /// Glob of the path, from the root of the repository.
    pub path: Option<String>,
    /// The primary fingerprint.
    pub fingerprint: Option<String>,
    /// Why.
    pub reason: String,
    /// The last day on which it holds, in UTC.
    pub until: Option<Date>,
    /// Where it stands, as `penstock.toml:12`.
    pub place: String,
}

/// Whether the value of a secret is known to stand in the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Findings tell by their [`Change`].
    Compared,
    /// Nothing was compared, and that is right.
    NotNeeded,
    /// There should have been a base, and there was none.
    Missing,
}

/// Marks the findings that entries match. `today` is the day of the run in UTC; `named` returns
/// whether an id names a rule; `mask` masks texts of the configuration.
pub fn suppress(
    entries: &[Suppress],
    findings: &mut [Finding],
    proof: Proof,
    today: Date,
    named: &dyn Fn(&str, &str) -> bool,
    mask: &dyn Fn(&str) -> Masked,
) -> Vec<Notice> {
    let mut notices = Vec::new();
    for entry in entries {
        let mut notice = |text: &str| notices.push(Notice { subject: mask(&entry.place), text: mask(text) });
        let meaning = Meaning::of(entry);
        let meant: Vec<usize> = (0..findings.len()).filter(|at| meaning.holds(&findings[*at], named)).collect();
        if let Some(until) = entry.until.filter(|until| *until < today) {
            let counted =
                if meant.is_empty() { "it can be removed" } else { "the findings that it matched count again" };
            notice(&format!("this suppression expired on {until}; {counted}"));
            continue;
        }
        if meant.is_empty() {
            notice("this suppression matches no finding; it can be removed");
        }
        let (held, unproven): (Vec<usize>, Vec<usize>) =
            meant.into_iter().partition(|at| entry.fingerprint.is_none() || is_proven(&findings[*at], proof));
        if !unproven.is_empty() {
            notice("this suppression names a secret by its fingerprint, and this value is not in the base: it counts");
        }
        let reason = mask(&entry.reason);
        for at in held {
            findings[at]
                .suppression
                .get_or_insert_with(|| Suppression { kind: SuppressionKind::Configuration, reason: reason.clone() });
        }
    }
    notices
}

/// Takes back what only a place speaks for: an entry of `.gitleaksignore` names a line, and somebody may have put another secret there.
pub fn lift(findings: &mut [Finding], proof: Proof) {
    for finding in findings {
        let by_place = finding.suppression.as_ref().is_some_and(|one| one.kind == SuppressionKind::GitleaksIgnore);
        if by_place && !is_proven(finding, proof) {
            finding.suppression = None;
        }
    }
}

/// Whether a fingerprint or a place is enough: not for a secret whose value may be another.
fn is_proven(finding: &Finding, proof: Proof) -> bool {
    finding.category != Category::Secret
        || match proof {
            Proof::Compared => finding.change == Some(Change::Existing),
            Proof::NotNeeded => true,
            Proof::Missing => false,
        }
}

/// An entry, ready to be asked.
struct Meaning<'e> {
    entry: &'e Suppress,
    glob: Option<GlobMatcher>,
}

impl<'e> Meaning<'e> {
    fn of(entry: &'e Suppress) -> Self {
        // A glob that cannot be used is a mistake of the configuration and was told as one.
        let glob = entry.path.as_ref().and_then(|glob| GlobBuilder::new(glob).literal_separator(true).build().ok());
        Self { entry, glob: glob.map(|glob| glob.compile_matcher()) }
    }

    fn holds(&self, finding: &Finding, named: &dyn Fn(&str, &str) -> bool) -> bool {
        let Suppress { rule, path, fingerprint, .. } = self.entry;
        rule.as_ref().is_none_or(|id| named(id, &finding.rule))
            && (path.is_none() || self.glob.as_ref().is_some_and(|glob| glob.is_match(finding.location.path.as_str())))
            && fingerprint.as_ref().is_none_or(|given| *given == finding.fingerprints.primary.as_str())
    }
}

#[cfg(test)]
mod tests;
