//! Is it getting better?
//!
//! Owns the charts of a branch over half a year, each with its table. All numbers are kept by day; nothing is counted for a look.

use askama::Template;
use axum::extract::State as Shared;
use axum::response::Response;
use penstock_common::Masked;
use serde::Deserialize;

use super::chart::{Areas, Pairs, carried};
use super::findings::branch;
use super::metrics::{CoverageTrend, TestsTrend, trends};
use super::moment::{day, span};
use super::refusal::Refusal;
use super::shell::{Shell, page, whole};
use super::visit::{InRepository, Query};
use super::words::{SEVERITIES, severity_word};
use crate::state::State;
use crate::store::workspace::{Day, Open};

const DAY: i64 = 86_400_000;
/// Weeks that are told.
const WEEKS: i64 = 13;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    branch: String,
}

/// A week in the table.
#[derive(Clone, Debug)]
struct Week {
    from: String,
    open: Vec<i64>,
    total: i64,
    introduced: i64,
    fixed: i64,
    /// How long what was fixed had been open, on average.
    fixed_after: String,
}

#[derive(Template)]
#[template(path = "trends.html", blocks = ["content"])]
struct Trends {
    shell: Shell,
    branch: String,
    branches: Vec<(String, bool)>,
    severities: Vec<(&'static str, &'static str)>,
    areas: Areas,
    pairs: Pairs,
    weeks: Vec<Week>,
    fixed_after: String,
    coverage: Option<CoverageTrend>,
    tests: Option<TestsTrend>,
    empty: bool,
}
page!(Trends);

pub(super) async fn show(Shared(state): Shared<State>, at: InRepository, Query(asked): Query<Asked>) -> Response {
    make(&at, &asked).await.map_or_else(|why| why.page(&state), |page| whole(&page))
}

async fn make(at: &InRepository, asked: &Asked) -> Result<Trends, Refusal> {
    let today = at.visit.now.div_euclid(DAY);
    let first = today - WEEKS * 7 + 1;
    let (name, branches, days, measured) = match branch(at, &asked.branch).await? {
        Some((branch, all)) => {
            let days = at.store().days(at.id(), branch.id, first).await?;
            let mut measured = at.store().day_metrics(at.id(), branch.id, first).await?;
            // What has not run for long says nothing of today.
            measured.retain(|row| !branch.stale.keys().any(|one| *one.name == *row.name));
            let all = all.into_iter().map(|one| (one.name.to_string(), one.name == branch.name)).collect();
            (branch.name, all, days, measured)
        }
        None => (Masked::EMPTY, Vec::new(), Vec::new(), Vec::new()),
    };
    let (coverage, tests) = trends(&measured, first, today);
    let open = carried(&days, first, today);
    let weeks: Vec<Week> = (0..WEEKS).map(|week| of_week(&days, &open, first, week)).collect();
    let recent: Vec<&Day> = days.iter().filter(|one| one.day >= first).collect();
    Ok(Trends {
        shell: Shell::tabbed(&at.visit, "Penstock: trends", "trends"),
        branch: name.into(),
        branches,
        severities: SEVERITIES.into_iter().map(|one| (one.name(), severity_word(one))).collect(),
        areas: Areas::new(&open, first),
        pairs: Pairs::new(&weeks.iter().map(|week| (week.introduced, week.fixed)).collect::<Vec<_>>()),
        weeks: weeks.into_iter().rev().collect(),
        fixed_after: average(recent.iter().map(|one| one.fixed_after).sum(), recent.iter().map(|one| one.fixed).sum()),
        empty: days.is_empty() && measured.is_empty(),
        coverage,
        tests,
    })
}

fn of_week(days: &[Day], open: &[Open], first: i64, week: i64) -> Week {
    let from = first + week * 7;
    let within: Vec<&Day> = days.iter().filter(|one| (from..from + 7).contains(&one.day)).collect();
    let sum = |number: fn(&Day) -> i64| within.iter().map(|one| number(one)).sum::<i64>();
    let end = open.get((week * 7 + 6) as usize).copied().unwrap_or_default();
    let fixed = sum(|one| one.fixed);
    Week {
        from: day(from),
        open: SEVERITIES.into_iter().map(|severity| end.of(severity)).collect(),
        total: end.total(),
        introduced: sum(|one| one.introduced + one.reopened),
        fixed,
        fixed_after: average(sum(|one| one.fixed_after), fixed),
    }
}

fn average(all: i64, number: i64) -> String {
    if number == 0 || all == 0 { "–".to_owned() } else { span(all / number) }
}
