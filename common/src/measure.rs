//! Findings in numbers, as the gate's conditions ask for them.
//!
//! Owns which finding counts for which metric, and when a number is not known. Pure; what the numbers mean is decided in `gate`.

use crate::gate::{Count, Measure, Measures, Metric};
use crate::{BaseKind, Change, Comparison, Finding, SuppressionKind};

/// What is told where `new.*` is asked for and nothing was compared.
const NO_BASE: &str = "nothing to compare with; `--base REVISION` names a base";

/// Counts `findings`, and what a comparison says of them.
pub fn measure(findings: &[Finding], comparison: Option<&Comparison>) -> Measures {
    let mut measures = Measures::default();
    count(&mut measures, Metric::Any, findings.iter());
    let unmeasured = match comparison {
        None => Some(Measure::Unknown(NO_BASE.to_owned())),
        Some(Comparison { base, .. }) if base.kind == BaseKind::NotApplicable => {
            Some(Measure::NotApplicable(base.reason.clone()))
        }
        Some(Comparison { base, .. }) if !base.kind.is_known() => Some(Measure::Unknown(match base.hint.as_str() {
            "" => base.reason.clone(),
            hint => format!("{}; {hint}", base.reason),
        })),
        Some(_) => None,
    };
    if let Some(unmeasured) = unmeasured {
        let metrics = Metric::all().filter(|metric| metric.needs_base() && *metric != Metric::CoveragePatch);
        measures.values.extend(metrics.map(|metric| (metric, unmeasured.clone())));
        return measures;
    }
    count(&mut measures, Metric::New, findings.iter().filter(|finding| finding.change == Some(Change::New)));
    count(&mut measures, Metric::Leaked, comparison.iter().flat_map(|comparison| &comparison.leaked));
    let allowed = findings.iter().filter(|finding| is_allowed_by_change(finding)).count();
    measures.values.insert(Metric::NewAllowed, Measure::Known(allowed as f64));
    measures
}

/// Whether the change itself says that the finding does not count.
pub fn is_allowed_by_change(finding: &Finding) -> bool {
    finding.change == Some(Change::New)
        && finding.suppression.as_ref().is_some_and(|suppression| suppression.kind == SuppressionKind::Inline)
}

fn count<'f>(measures: &mut Measures, metric: fn(Count) -> Metric, findings: impl Iterator<Item = &'f Finding>) {
    let mut numbers = Count::ALL.map(|count| (count, 0_u64));
    for finding in findings.filter(|finding| finding.is_active()) {
        for (count, number) in &mut numbers {
            *number += u64::from(*count == Count::Total || *count == Count::Of(finding.severity));
        }
    }
    measures.values.extend(numbers.map(|(count, number)| (metric(count), Measure::Known(number as f64))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Base;

    fn comparison(kind: BaseKind) -> Comparison {
        let base = Base { kind, commit: None, reason: "because".to_owned(), hint: "do this".to_owned() };
        Comparison { base, fixed: Vec::new(), leaked: Vec::new(), policy_changes: Vec::new() }
    }

    #[test]
    fn without_a_base_nothing_is_known_of_what_is_new() {
        let new = Metric::New(Count::Total);
        let of = |comparison: Option<&Comparison>| measure(&[], comparison).values[&new].clone();
        assert_eq!(of(None), Measure::Unknown(NO_BASE.to_owned()));
        assert_eq!(of(Some(&comparison(BaseKind::Unknown))), Measure::Unknown("because; do this".to_owned()));
        assert_eq!(of(Some(&comparison(BaseKind::NotApplicable))), Measure::NotApplicable("because".to_owned()));
        assert_eq!(of(Some(&comparison(BaseKind::MergeBase))), Measure::Known(0.0));
        assert_eq!(measure(&[], None).values[&Metric::Any(Count::Total)], Measure::Known(0.0));
    }
}
