//! May a change pass?
//!
//! Owns the one verdict: what counts, what of it is new, and the conditions in force. It is evaluated with [`penstock_common::gate`] and
//! nothing else.

use penstock_common::gate::{self, Bound, Condition, Count, Evaluation, Measure, Measures, Metric};
use penstock_common::{Base, BaseKind, Category, Severity, SuppressionKind, masked};

use super::base::Look;
use super::dismissal::authors;
use super::policy::{Suppressions, conditions};
use super::{BranchId, Chosen, DismissalPolicy, FindingId, How, Objection, Occurrence, Policy, Repository};

/// About what a verdict is asked.
#[derive(Clone, Debug)]
pub struct Question<'q> {
    /// The branch that is judged: of a pull request its source. Every tool counts with its newest run there.
    pub branch: BranchId,
    /// The pull request, if it is about one.
    pub pull_request: Option<u64>,
    /// With what it is compared.
    pub base: &'q Chosen,
    /// What the run measured beside findings: tests, coverage, leaked secrets, the number of new lines.
    pub measured: Measures,
    /// Why the run's findings may not be all there are; nothing if it was confirmed and complete.
    pub doubt: Option<Doubt>,
    /// The rules for dismissals.
    pub dismissals: &'q DismissalPolicy,
    /// The moment, in unix milliseconds.
    pub now: i64,
}

/// Why findings may not be all there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Nobody confirmed that the run is about this commit: it proves nothing.
    Unconfirmed,
    /// A tool did not come to its end: what it found counts, and there may be more.
    Incomplete,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The conditions, with their values and outcomes.
    pub evaluation: Evaluation,
    /// With what it was compared.
    pub base: Base,
    /// Findings that count and that the base has not.
    pub new: Vec<FindingId>,
    /// Findings that count and that the base has too, or of which that is not known.
    pub existing: Vec<FindingId>,
    /// Findings that do not count, because somebody said so.
    pub dismissed: Vec<FindingId>,
    /// Findings of the base that a complete run did not see any more.
    pub fixed: Vec<FindingId>,
    /// Findings that a run of the branch's last commit reports, and another one does not, or as
    /// less severe.
    pub contradicted: Vec<FindingId>,
    /// Findings that count although they were dismissed, and why.
    pub pending: Vec<(FindingId, Objection)>,
}

/// Judges what is open on a branch now.
pub fn verdict(repository: &Repository, question: &Question<'_>, policy: &Policy, floor: &[Condition]) -> Judgement {
    let Question { branch, pull_request, base, measured, doubt, dismissals, now } = question;
    let look = base.at.map(|(branch, point)| Look::new(repository, branch, point));
    let suppressions = Suppressions::new(&policy.suppress, *now);
    let conditions = conditions(policy, floor);
    let mut judgement = Judgement {
        evaluation: Evaluation::default(),
        base: base.base.clone(),
        new: Vec::new(),
        existing: Vec::new(),
        dismissed: Vec::new(),
        fixed: look.as_ref().map(|look| fixed(repository, *branch, look)).unwrap_or_default(),
        contradicted: Vec::new(),
        pending: Vec::new(),
    };
    let last = repository.branch(*branch).and_then(|row| row.timeline.last());
    let (mut any, mut new, mut allowed) = (Numbers::default(), Numbers::default(), 0_u64);
    for row in repository.open(*branch) {
        let Some(finding) = repository.finding(row.finding) else { continue };
        let in_base = match base.by_tree {
            true => Some(row.in_base == Some(true)),
            false => look.as_ref().map(|look| look.stands(row.finding)),
        };
        if row.denied.is_some() && last == Some(row.seen.commit) {
            judgement.contradicted.push(row.finding);
        }
        let is_new = in_base == Some(false);
        let no_base_is_right = base.base.kind == BaseKind::NotApplicable;
        let proven = finding.category != Category::Secret || in_base.unwrap_or(no_base_is_right);
        let by_code = row.allowed.filter(|kind| *kind != SuppressionKind::Configuration);
        allowed += u64::from(is_new && by_code == Some(SuppressionKind::Inline));
        let said = finding.said_in(*pull_request);
        let is_dismissed = said.triage.status.dismisses();
        let objection = is_dismissed.then(|| {
            let authors = authors(repository, row, said);
            dismissals.objection(said, finding.worst.max(row.severity), &authors, *now)
        });
        let by_people = objection == Some(None);
        if by_code.is_some() || by_people || suppressions.mean(finding, row, proven) {
            judgement.dismissed.push(row.finding);
            continue;
        }
        judgement.pending.extend(objection.flatten().map(|objection| (row.finding, objection)));
        any.count(row.severity);
        if is_new {
            new.count(row.severity);
            judgement.new.push(row.finding);
        } else {
            judgement.existing.push(row.finding);
        }
    }
    let Judgement { new: new_ids, existing, dismissed, fixed, contradicted, .. } = &mut judgement;
    [new_ids, existing, dismissed, fixed, contradicted].into_iter().for_each(|list| list.sort_unstable());

    judgement.pending.sort_unstable_by_key(|(id, _)| *id);
    let mut measures = measured.clone();
    let unknown = unknown_base(base);
    for (count, number) in any.each() {
        measures.values.insert(Metric::Any(count), Measure::Known(number));
    }
    for (count, number) in new.each() {
        let measure = unknown.clone().unwrap_or(Measure::Known(number));
        measures.values.insert(Metric::New(count), measure);
    }
    measures.values.insert(Metric::NewAllowed, unknown.unwrap_or(Measure::Known(allowed as f64)));
    if let Some(doubt) = doubt {
        cast(&mut measures, *doubt, &conditions);
    }
    judgement.evaluation = gate::evaluate(&conditions, &measures);
    judgement
}

/// What the base had and the branch has no more. Only where a complete run would have seen it is its absence known.
fn fixed(repository: &Repository, branch: BranchId, look: &Look<'_>) -> Vec<FindingId> {
    let Some(row) = repository.branch(branch) else { return Vec::new() };
    let is_fixed = |stood: &&Occurrence| match repository.occurrence(branch, stood.finding) {
        Some(here) => here.gone.is_some_and(|gone| gone.how == How::Fixed),
        None => row.timeline.newest_account(&stood.what(), None).is_some(),
    };
    look.all().filter(is_fixed).map(|row| row.finding).collect()
}

fn unknown_base(chosen: &Chosen) -> Option<Measure> {
    let Base { kind, reason, hint, .. } = &chosen.base;
    match (kind.is_known() && (chosen.at.is_some() || chosen.by_tree), kind) {
        (true, _) => None,
        (false, BaseKind::NotApplicable) => Some(Measure::NotApplicable(reason.clone())),
        (false, _) if hint.is_empty() => Some(Measure::Unknown(reason.clone())),
        (false, _) => Some(Measure::Unknown(masked![reason, "; ", hint])),
    }
}

/// A doubtful number still fails what it fails already; it passes nothing.
fn cast(measures: &mut Measures, doubt: Doubt, conditions: &[Condition]) {
    for (metric, measure) in &mut measures.values {
        let fails = |value: f64| {
            conditions.iter().any(|one| match one.bound {
                Bound::AtMost(limit) => one.metric == *metric && value > limit,
                Bound::AtLeast(_) => false,
            })
        };
        *measure = match (doubt, &*measure) {
            (Doubt::Unconfirmed, Measure::Known(_)) => {
                Measure::Unknown("nobody confirmed that the run is about this commit".into())
            }
            (Doubt::Incomplete, Measure::Known(value)) if is_on_findings(*metric) && !fails(*value) => {
                Measure::Unknown("a tool did not come to its end, so there may be more".into())
            }
            (_, kept) => kept.clone(),
        };
    }
}

const fn is_on_findings(metric: Metric) -> bool {
    matches!(metric, Metric::New(_) | Metric::Any(_) | Metric::Leaked(_) | Metric::NewAllowed | Metric::NewUnread)
}

/// Findings by severity.
#[derive(Clone, Copy, Debug, Default)]
struct Numbers {
    by_severity: [u64; 5],
}

impl Numbers {
    fn count(&mut self, severity: Severity) {
        self.by_severity[severity as usize] += 1;
    }

    fn each(self) -> impl Iterator<Item = (Count, f64)> {
        Count::ALL.into_iter().map(move |count| {
            let number = match count {
                Count::Total => self.by_severity.iter().sum(),
                Count::Of(severity) => self.by_severity[severity as usize],
            };
            (count, number as f64)
        })
    }
}
