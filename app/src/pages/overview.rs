//! How a repository stands, in brief: the panel on its overview.
//!
//! Owns what fits into 300 pixels: the answer, the numbers, where they are going, and one next step.

use askama::Template;
use axum::extract::State as Shared;
use axum::response::Response;
use penstock_common::Severity;
use penstock_common::gate::Verdict;

use super::chart::{Sparkline, carried};
use super::gate::{GateView, kept, short};
use super::moment::Moment;
use super::refusal::Refusal;
use super::shell::{Shell, page, whole};
use super::visit::InRepository;
use super::words::{SEVERITIES, counted, severity_word, thousands};
use crate::state::State;

const DAY: i64 = 86_400_000;
/// Days of the small chart.
const DAYS: i64 = 30;

/// How many of a severity are open.
#[derive(Clone, Debug)]
pub(super) struct SeverityCount {
    /// Its word.
    pub(super) word: &'static str,
    /// Its name in addresses.
    pub(super) name: &'static str,
    /// How many.
    pub(super) number: String,
}

/// All severities with what is open of each.
pub(super) fn counts(open: &crate::store::workspace::Open) -> Vec<SeverityCount> {
    let one = |severity: Severity| SeverityCount {
        word: severity_word(severity),
        name: severity.name(),
        number: thousands(open.of(severity).unsigned_abs()),
    };
    SEVERITIES.into_iter().map(one).collect()
}

#[derive(Template)]
#[template(path = "overview.html", blocks = ["content"])]
struct Overview {
    shell: Shell,
    branch: String,
    gate: Option<GateView>,
    headline: &'static str,
    at: Option<Moment>,
    commit: Option<(String, String)>,
    counts: Vec<SeverityCount>,
    week: String,
    sparkline: Sparkline,
    stale: Vec<String>,
    next: String,
    /// The repository's lines to paste, as long as nothing was scanned.
    snippet: Option<String>,
}
page!(Overview);

pub(super) async fn show(Shared(state): Shared<State>, at: InRepository) -> Response {
    make(&at).await.map_or_else(|why| why.page(&state), |page| whole(&page))
}

async fn make(at: &InRepository) -> Result<Overview, Refusal> {
    let (store, repository) = (at.store(), at.id());
    let mut page = Overview {
        shell: Shell::panel(&at.visit, "Penstock"),
        branch: String::new(),
        gate: None,
        headline: "",
        at: None,
        commit: None,
        counts: Vec::new(),
        week: String::new(),
        sparkline: Sparkline::default(),
        stale: Vec::new(),
        next: String::new(),
        snippet: None,
    };
    let Some((main, name)) = store.branch(repository, None).await? else {
        page.snippet = Some(snippet(at));
        return Ok(page);
    };
    let verdict = store.branch_verdict(repository, main).await?;
    let open = store.open_on(repository, main).await?;
    let today = at.visit.now.div_euclid(DAY);
    let days = store.days(repository, main, today - DAYS + 1).await?;
    let week: i64 = days.iter().filter(|day| day.day > today - 7).map(|day| day.introduced + day.reopened).sum();
    page.branch = name;
    page.counts = counts(&open);
    page.week = match week {
        0 => "Nothing new in the last 7 days".to_owned(),
        number => format!("{} new in the last 7 days", thousands(number.unsigned_abs())),
    };
    page.sparkline = Sparkline::new(&carried(&days, today - DAYS + 1, today));
    let branches = store.branches(repository).await?;
    if let Some(branch) = branches.iter().find(|branch| branch.id == main) {
        page.stale = branch
            .stale
            .iter()
            .map(|(series, since)| format!("{} ({})", series.tool, at.moment(*since).words))
            .collect();
    }
    let Some(verdict) = verdict else {
        page.snippet = at.row.trusted_run_at.is_none().then(|| snippet(at));
        return Ok(page);
    };
    let commit = verdict.commit.to_string();
    page.at = Some(at.moment(verdict.at));
    page.commit = Some((short(&commit), at.commit(&commit)));
    let Some(kept) = kept(&verdict) else { return Ok(page) };
    page.headline = match kept.evaluation.verdict() {
        Verdict::Passed => "The gate holds",
        Verdict::Failed => "The gate does not hold",
        Verdict::Unknown => "Whether the gate holds is not known",
    };
    page.next = if !page.stale.is_empty() {
        "Run the tools that have not run for long, or take them out.".to_owned()
    } else if open.critical + open.high > 0 {
        let number = (open.critical + open.high).unsigned_abs();
        format!("Look at the {} first.", counted(number, "critical or high finding", "critical and high findings"))
    } else if open.total() > 0 {
        "Judge what is open: what is no problem should not be counted.".to_owned()
    } else {
        String::new()
    };
    page.gate = Some(GateView::new(at, &kept));
    Ok(page)
}

/// What to paste into `bitbucket-pipelines.yml`.
pub(super) fn snippet(at: &InRepository) -> String {
    let base = at.visit.state.config.base.as_str();
    format!(
        "pipelines:\n  default:\n    - step: &penstock\n        name: Penstock\n        clone:\n          depth: full\n        oidc:\n          audiences: [\"{base}\"]\n        script:\n          \
         - pipe: docker://NAMESPACE/penstock:0.1.0\n            variables:\n              COMPANION_URL: \"{base}\"\n  pull-requests:\n    '**':\n      - step: *penstock\n"
    )
}
