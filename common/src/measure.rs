//! Findings in numbers, as the gate's conditions ask for them.
//!
//! Owns which finding counts for which metric, and when a number is not known. Pure; what the numbers mean is decided in `gate`.

use crate::gate::{Count, Evaluation, Measure, Measures, Metric, Outcome};
use crate::{BaseKind, Category, Change, Comparison, Finding, SuppressionKind, masked};

/// What is told where `new.*` is asked for and nothing was compared.
const NO_BASE: &str = "nothing to compare with; `--base REVISION` names a base";

/// Counts `findings`, and what a comparison says of them.
pub fn measure(findings: &[Finding], comparison: Option<&Comparison>) -> Measures {
    let mut measures = Measures::default();
    let any = Count::ALL.map(Metric::Any).map(|metric| (metric, number(metric, findings, &[])));
    measures.values.extend(any);
    let unmeasured = match comparison {
        None => Some(Measure::Unknown(NO_BASE.into())),
        Some(Comparison { base, .. }) if base.kind == BaseKind::NotApplicable => {
            Some(Measure::NotApplicable(base.reason.clone()))
        }
        Some(Comparison { base, .. }) if !base.kind.is_known() => Some(Measure::Unknown(match base.hint.as_str() {
            "" => base.reason.clone(),
            _ => masked![base.reason, "; ", base.hint],
        })),
        Some(_) => None,
    };
    if let Some(unmeasured) = unmeasured {
        let metrics = Metric::all().filter(|metric| metric.needs_base() && *metric != Metric::CoveragePatch);
        measures.values.extend(metrics.map(|metric| (metric, unmeasured.clone())));
        return measures;
    }
    let leaked = comparison.map_or(&[][..], |comparison| &comparison.leaked);
    let of_base =
        Metric::all().filter(|metric| matches!(metric, Metric::New(_) | Metric::NewAllowed | Metric::Leaked(_)));
    measures.values.extend(of_base.map(|metric| (metric, number(metric, findings, leaked))));
    let unread = comparison.and_then(|comparison| comparison.unread);
    let unread = unread.map_or_else(
        || Measure::NotApplicable("what a limit left out was not counted".into()),
        |number| Measure::Known(number as f64),
    );
    measures.values.insert(Metric::NewUnread, unread);
    measures
}

/// Where a finding stands: conditions count the one or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In what was looked at.
    Head,
    /// In a commit before; it was removed again.
    Left,
}

/// Whether `metric` counts `finding`.
pub fn counts(metric: Metric, finding: &Finding, place: Place) -> bool {
    let of = |count| match count {
        Count::Total => true,
        Count::Of(severity) => severity == finding.severity,
    };
    let is_new = finding.change == Some(Change::New);
    match (metric, place) {
        (Metric::New(count), Place::Head) => finding.is_active() && is_new && of(count),
        (Metric::Any(count), Place::Head) => finding.is_active() && of(count),
        (Metric::NewAllowed, Place::Head) => is_allowed_by_change(finding),
        (Metric::TestsFailed, Place::Head) => finding.is_active() && finding.category == Category::TestFailure,
        (Metric::Leaked(count), Place::Left) => finding.is_active() && of(count),
        _ => false,
    }
}

/// Whether the change itself brings both the finding and the comment that allows it.
pub fn is_allowed_by_change(finding: &Finding) -> bool {
    finding.change == Some(Change::New)
        && finding.suppression.as_ref().is_some_and(|suppression| suppression.kind == SuppressionKind::Inline)
}

/// The metrics whose conditions failed and block: what they count keeps a change from passing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocking(Vec<Metric>);

impl Blocking {
    /// Of an evaluated gate.
    pub fn of(gate: Option<&Evaluation>) -> Self {
        let conditions = gate.map_or(&[][..], |gate| &gate.conditions);
        let failed = conditions.iter().filter(|one| one.outcome == Outcome::Failed && one.blocks());
        Self(failed.filter_map(|one| one.name.parse().ok()).collect())
    }

    /// Whether `finding` is one of those that keep the change from passing.
    pub fn counts(&self, finding: &Finding, place: Place) -> bool {
        self.0.iter().any(|metric| counts(*metric, finding, place))
    }
}

fn number(metric: Metric, head: &[Finding], left: &[Finding]) -> Measure {
    let of = |findings: &[Finding], place| findings.iter().filter(|finding| counts(metric, finding, place)).count();
    Measure::Known((of(head, Place::Head) + of(left, Place::Left)) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Base;

    fn comparison(kind: BaseKind) -> Comparison {
        let base = Base { kind, commit: None, reason: "because".into(), hint: "do this".into() };
        Comparison { base, fixed: Vec::new(), leaked: Vec::new(), policy_changes: Vec::new(), unread: None }
    }

    #[test]
    fn without_a_base_nothing_is_known_of_what_is_new() {
        let new = Metric::New(Count::Total);
        let of = |comparison: Option<&Comparison>| measure(&[], comparison).values[&new].clone();
        assert_eq!(of(None), Measure::Unknown(NO_BASE.into()));
        assert_eq!(of(Some(&comparison(BaseKind::Unknown))), Measure::Unknown("because; do this".into()));
        assert_eq!(of(Some(&comparison(BaseKind::NotApplicable))), Measure::NotApplicable("because".into()));
        assert_eq!(of(Some(&comparison(BaseKind::MergeBase))), Measure::Known(0.0));
        assert_eq!(measure(&[], None).values[&Metric::Any(Count::Total)], Measure::Known(0.0));
    }
}
