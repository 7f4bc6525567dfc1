//! A commit that was scanned, judged as things stand now.
//!
//! Owns the one way to what shall be posted of it, for whoever has it judged anew: the pull request's job, or the main branch's. It writes nothing.

use penstock_common::{Destination, Uuid};

use super::pull_request::json;
use super::{Failed, follow, kind};
use crate::bitbucket::InRepository;
use crate::review::{self, Verdict};
use crate::settings::Settings;
use crate::state::State;
use crate::store::system::Subject;
use crate::store::workspace::{Delivered, Place, RunRow, RunState, VerdictRow, Workspace, Write};
use crate::store::{self, workspace};
use crate::track::Doubt;

/// What is to be written of a verdict.
#[derive(Default)]
pub(super) struct Judged {
    /// It, as pages tell it; absent if there is none.
    kept: Option<VerdictRow>,
    /// What shall stand where, as JSON.
    pub(super) wished: Vec<(Place, String)>,
}

impl Judged {
    /// Writes it, with a job for everything that is new and shall be posted.
    pub(super) async fn write(
        &self,
        write: &mut Write,
        repository: Uuid,
        about: &review::About,
        now: i64,
    ) -> store::Result<()> {
        if let Some(kept) = &self.kept {
            write.verdict(repository, about.pull_request, kept).await?;
        }
        for (place, body) in &self.wished {
            if write.wish(place, body, now).await? {
                let subject = format!("{}/{}", place.kind, place.subject);
                write.job(&Subject { repository: Some(repository), kind: kind::PUBLISH, subject }, now, now).await?;
            }
        }
        Ok(())
    }
}

/// Judges the commit of `about` by the runs that are there. What is open on its branch must be loaded.
pub(super) async fn judge_anew(
    state: &State,
    workspace: &Workspace,
    there: &InRepository,
    tracked: &workspace::State,
    about: &review::About,
    now: i64,
) -> Result<Judged, Failed> {
    let settings = Settings::of(workspace, Some(there.id())).await?;
    let names = follow::names(workspace, there.id()).await?;
    let web = state.config.hosts.script_and_frame_origin();
    let runs: Vec<RunRow> = workspace.runs_on(there.id(), about.commit).await?;
    let runs: Vec<RunRow> = runs.into_iter().filter(|run| run.state == RunState::Applied).collect();
    let upload = match runs.first() {
        Some(run) => crate::upload::upload_of(workspace, there.id(), run).await,
        None => None,
    };
    let told = review::Told {
        web: &web,
        workspace: &names.workspace,
        repository: &names.repository,
        tools: upload.as_ref().map(|upload| upload.run.tools.clone()).unwrap_or_default(),
        started_at: upload.as_ref().map_or("", |upload| &upload.run.started_at),
        comparison: upload.as_ref().and_then(|upload| upload.run.comparison.as_ref()),
    };
    let asked = review::ask(there, tracked, about, settings.policy_changes_count()).await?;
    let mut measured = penstock_common::measure::measure(&[], told.comparison);
    measured.values.retain(|metric, _| matches!(metric, penstock_common::gate::Metric::Leaked(_)));
    let doubt = (!runs.iter().all(|run| run.complete)).then_some(Doubt::Incomplete);
    let verdict = review::judge(tracked, about, &asked, settings.floor(), measured, doubt, now);
    let shown = review::shown(tracked, about.branch, &verdict);
    let prints: Vec<_> =
        shown.iter().filter_map(|id| tracked.repository.occurrence(about.branch, *id)).map(|row| row.content).collect();
    let contents = workspace.contents(there.id(), &prints).await?;
    let wishes = review::wishes(tracked, about, &verdict, &contents, &told);
    let policy_changes = told.comparison.map(|one| one.policy_changes.as_slice()).unwrap_or_default();
    // A verdict is of when its newest run ran, whatever changed it since.
    let ran = runs.iter().map(|run| run.started_at).max().unwrap_or(now);
    let kept = review::Kept::of(tracked, about, &verdict, &told.tools, policy_changes).row(about, ran);
    let posts = follow::destinations(workspace, there.id(), &settings).await?;
    let place = |kind: &str, subject: String| Place { repository: there.id(), kind: kind.to_owned(), subject };
    let mut wished = Vec::new();
    if posts.status {
        wished.push((place("status", about.commit.to_string()), json(&wishes.status)?));
    }
    if let (true, Some(comment), Some(number)) = (posts.comment, &wishes.comment, about.pull_request) {
        wished.push((place("comment", number.to_string()), json(comment)?));
    }
    if posts.report {
        wished.extend(reports(workspace, there.id(), tracked, about, &verdict, &runs, &web).await?);
    }
    Ok(Judged { kept, wished })
}

/// The reports of the pipe that say something else by now, or that it could not post: one wish for each `NAME` under which a run came.
async fn reports(
    workspace: &Workspace,
    repository: Uuid,
    tracked: &workspace::State,
    about: &review::About,
    verdict: &Verdict,
    runs: &[RunRow],
    web: &str,
) -> Result<Vec<(Place, String)>, Failed> {
    let commit = about.commit.to_string();
    let told = workspace.last_delivery(repository, "pipe", Destination::CodeInsights, &commit).await?;
    let Some(told) = told else { return Ok(Vec::new()) };
    let mut wished: Vec<(Place, String)> = Vec::new();
    // The newest of each name comes first.
    for run in runs.iter().filter(|run| run.pull_request == about.pull_request) {
        let Some(upload) = crate::upload::upload_of(workspace, repository, run).await else { continue };
        let subject = format!("{commit}/{}", review::report_key(&upload));
        let place = Place { repository, kind: "report".to_owned(), subject };
        if wished.iter().any(|(known, _)| *known == place) {
            continue;
        }
        let is_due = match standing(&told) {
            Standing::Posted => review::is_judged(tracked, about, &upload) || workspace.wish(&place).await?.is_some(),
            Standing::Missing => true,
            Standing::Unwanted => false,
        };
        if is_due {
            wished.push((place, json(&review::report(tracked, about, verdict, &upload, web))?));
        }
    }
    Ok(wished)
}

/// What there is of the pipe's reports on a commit.
pub(crate) enum Standing {
    /// They stand there.
    Posted,
    /// They should, and the pipe could not.
    Missing,
    /// Nobody wants them: nothing is to be set against that they are not there.
    Unwanted,
}

/// As the pipe told it.
pub(crate) fn standing(told: &Delivered) -> Standing {
    match (told.outcome.as_str(), told.remedy.is_empty()) {
        ("published", _) => Standing::Posted,
        ("failed", _) | ("skipped", false) => Standing::Missing,
        _ => Standing::Unwanted,
    }
}
