//! All repositories of a workspace that the viewer may read: where the risk is.
//!
//! Owns the table. Which repositories he may read is asked of Bitbucket once for each look; where that is not told, none is shown.

use askama::Template;
use axum::extract::State as Shared;
use axum::response::Response;
use penstock_common::masked;
use serde::Deserialize;

use super::gate::answer;
use super::moment::Moment;
use super::refusal::Refusal;
use super::shell::{Shell, page, whole};
use super::visit::{Query, Visit};
use super::words::{self, Lozenge, thousands};
use crate::state::State;
use crate::store::workspace::{Open, Standing};

const DAY: i64 = 86_400_000;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    sort: String,
}

/// A repository.
#[derive(Clone, Debug)]
struct RepositoryView {
    name: String,
    link: String,
    verdict: Lozenge,
    open: Vec<String>,
    week: String,
    last: Option<Moment>,
    weight: (i64, i64, i64, i64),
    at: i64,
}

#[derive(Template)]
#[template(path = "workspace.html", blocks = ["content"])]
struct WorkspacePage {
    shell: Shell,
    repositories: Vec<RepositoryView>,
    sorts: [(&'static str, &'static str, bool); 3],
    critical: String,
    high: String,
    without: usize,
}
page!(WorkspacePage);

pub(super) async fn show(Shared(state): Shared<State>, visit: Visit, Query(asked): Query<Asked>) -> Response {
    make(&visit, &asked).await.map_or_else(|why| why.page(&state), |page| whole(&page))
}

async fn make(visit: &Visit, asked: &Asked) -> Result<WorkspacePage, Refusal> {
    if visit.viewer.repository.is_some() {
        return Err(Refusal::NotFound("page for a single repository"));
    }
    let readable = visit.viewer.readable(&visit.state).await?;
    let week = visit.now.div_euclid(DAY) - 6;
    let mut standings = visit.store().standings(week).await?;
    standings.retain(|one| readable.contains(&one.repository));
    let slug =
        visit.store().row().await?.and_then(|row| row.slug).unwrap_or_else(|| masked!["{", visit.store().id(), "}"]);
    let site = visit.state.config.hosts.script_and_frame_origin();
    let mut repositories: Vec<_> = standings.iter().map(|one| view(visit, &site, &slug, one)).collect();
    match asked.sort.as_str() {
        "name" => repositories.sort_by(|a, b| a.name.cmp(&b.name)),
        "newest" => repositories.sort_by_key(|one| std::cmp::Reverse(one.at)),
        _ => repositories.sort_by_key(|one| std::cmp::Reverse(one.weight)),
    }
    let sum =
        |number: fn(&Open) -> i64| thousands(standings.iter().map(|one| number(&one.open)).sum::<i64>().unsigned_abs());
    let is = |sort: &str| asked.sort == sort;
    Ok(WorkspacePage {
        shell: Shell::untabbed(visit, "Penstock: repositories"),
        critical: sum(|open| open.critical),
        high: sum(|open| open.high),
        without: standings.iter().filter(|one| one.verdict.is_none()).count(),
        sorts: [
            ("", "Risk", !is("name") && !is("newest")),
            ("name", "Name", is("name")),
            ("newest", "Last run", is("newest")),
        ],
        repositories,
    })
}

fn view(visit: &Visit, site: &str, workspace: &str, one: &Standing) -> RepositoryView {
    use penstock_common::decorate::links::segment;
    let verdict = match one.verdict.as_ref().map(answer) {
        Some(Some(verdict)) => words::verdict(verdict),
        Some(None) => Lozenge { word: "Not known", look: "warning" },
        None => Lozenge { word: "No run yet", look: "" },
    };
    let open = &one.open;
    RepositoryView {
        name: one.name.clone(),
        link: format!("{site}/{}/{}", segment(workspace), segment(&one.slug)),
        verdict,
        open: super::overview::counts(open).into_iter().map(|count| count.number).collect(),
        week: thousands(one.introduced.unsigned_abs()),
        last: one.verdict.as_ref().map(|row| visit.moment(row.at)),
        weight: (open.critical, open.high, open.medium, open.low),
        at: one.verdict.as_ref().map_or(0, |row| row.at),
    }
}
