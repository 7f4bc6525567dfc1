//! A commit, judged as things stand now.
//!
//! Owns the one way from what runs say of a commit to what is kept and told of it, for whoever has it judged: a run that came, or a job that judges it
//! anew. It posts nothing.

use penstock_common::bitbucket::statuses::StatusState;
use penstock_common::gate::{Measure, Metric};
use penstock_common::{Comparison, Destination, Masked, ToolRun, Uuid, measure};
use serde::Serialize;

use super::{
    About, Contents, Destinations, Kept, Names, Together, Told, Verdict, ask, judge, number, shown,
    status_without_verdict, wishes,
};
use crate::bitbucket::{self, InRepository};
use crate::jobs::kind;
use crate::settings::Settings;
use crate::store::system::Subject;
use crate::store::workspace::{NewApproval, Place, State as Tracked, VerdictRow, Workspace, Write};
use crate::store::{self, new_id};
use crate::track::{Doubt, FindingId, Objection};

/// Maximum number of dismissals that a verdict adds to the list of approvals.
const WAITING_MAX: usize = 100;

/// Why there is no conclusion.
#[derive(Debug, thiserror::Error)]
pub enum Inconclusive {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Bitbucket.
    #[error(transparent)]
    Bitbucket(#[from] bitbucket::Error),
    /// What shall be posted has no JSON form, which it always has.
    #[error("what shall be posted has no JSON form")]
    Form,
}

/// What runs say of a commit beside their findings.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'e> {
    /// The tools that ran.
    pub tools: &'e [ToolRun],
    /// When the run started, RFC 3339.
    pub started_at: &'e str,
    /// What the pipe said of the comparison.
    pub comparison: Option<&'e Comparison>,
    /// What all runs of the commit say together.
    pub together: Together,
    /// When the newest run ran, whatever changed the verdict since, in unix milliseconds.
    pub ran: i64,
    /// What is shown of findings that are not written yet.
    pub contents: &'e Contents,
}

/// What is to be written of a verdict.
pub struct Conclusion {
    /// It.
    pub verdict: Verdict,
    /// Bitbucket's own page that tells it.
    pub page: String,
    /// What shall stand where, as JSON.
    pub wished: Vec<(Destination, Place, String)>,
    /// Where the app may post.
    pub may: Destinations,
    kept: VerdictRow,
    /// Dismissals that wait for another person.
    waiting: Vec<NewApproval>,
}

/// Judges the commit of `about`. What is open on its branch and on its destination must be loaded.
///
/// # Errors
/// When the database or Bitbucket does not answer.
pub async fn conclude(
    workspace: &Workspace,
    there: &InRepository,
    tracked: &Tracked,
    about: &About,
    evidence: &Evidence<'_>,
    web: &str,
    now: i64,
) -> Result<Conclusion, Inconclusive> {
    let repository = there.id();
    let (settings, names) =
        tokio::try_join!(Settings::of(workspace, Some(repository)), Names::of(workspace, repository))?;
    let asked = ask(there, tracked, about, settings.policy_changes_count()).await?;
    let mut measured = measure::measure(&[], evidence.comparison);
    // Findings are counted here; what is in commits, and what was not read, only the pipe can say.
    measured.values.retain(|metric, _| matches!(metric, Metric::Leaked(_) | Metric::NewUnread));
    for (metric, measure) in &mut measured.values {
        let Metric::Leaked(count) = metric else { continue };
        let number = number(&evidence.together.leaked, *count);
        if number > 0 || matches!(measure, Measure::Known(_)) {
            *measure = Measure::Known(number as f64);
        }
    }
    let doubt = (!evidence.together.complete).then_some(Doubt::Incomplete);
    let compared = evidence.comparison.map(|comparison| &comparison.base);
    let policy = settings.policy();
    let verdict = judge(tracked, about, &asked, compared, &policy, settings.floor(), measured, doubt, now);

    let contents = contents(workspace, there, tracked, about, &verdict, evidence.contents);
    let (contents, may) = tokio::try_join!(contents, Destinations::of(workspace, repository, &settings))?;
    let told = Told {
        web,
        workspace: &names.workspace,
        repository: &names.repository,
        tools: evidence.tools.to_vec(),
        started_at: evidence.started_at,
        comparison: evidence.comparison,
    };
    let wishes = wishes(tracked, about, &verdict, &contents, &told);
    let place = |kind: &str, subject: String| Place { repository, kind: kind.to_owned(), subject };
    let mut wished = Vec::new();
    if may.status {
        let place = status_place(repository, about);
        wished.push((Destination::BuildStatus, place, json(&wishes.status)?));
    }
    if let (true, Some(comment), Some(number)) = (may.comment, &wishes.comment, about.pull_request) {
        wished.push((Destination::PrComment, place("comment", number.to_string()), json(comment)?));
    }
    let policy_changes = evidence.comparison.map(|one| one.policy_changes.as_slice()).unwrap_or_default();
    let kept = Kept::of(tracked, about, &verdict, evidence.tools, policy_changes);
    let kept = kept.row(about, evidence.ran).ok_or(Inconclusive::Form)?;
    let waiting = waiting(tracked, repository, about, &verdict);
    Ok(Conclusion { verdict, page: wishes.page, wished, may, kept, waiting })
}

/// The dismissals that wait for another person, as the list of approvals has them.
fn waiting(tracked: &Tracked, repository: Uuid, about: &About, verdict: &Verdict) -> Vec<NewApproval> {
    let people = verdict.judgement.pending.iter().filter(|(_, objection)| objection.is_about_people());
    let approval = |(id, _): &(FindingId, Objection)| {
        let said = tracked.repository.finding(*id)?.said_in(about.pull_request);
        let proposer = said.triage.person()?.to_owned();
        let judgement = said.triage.clone();
        Some(NewApproval {
            approval: new_id(),
            repository,
            finding: *id,
            pull_request: said.within,
            judgement,
            proposer,
        })
    };
    people.take(WAITING_MAX).filter_map(approval).collect()
}

impl Conclusion {
    /// Writes it, with a job for everything that is to be posted.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn write(&self, write: &mut Write, there: &InRepository, about: &About, now: i64) -> store::Result<()> {
        write.verdict(there.id(), about.pull_request, &self.kept).await?;
        for (_, place, body) in &self.wished {
            wish(write, place, body, now).await?;
        }
        for approval in &self.waiting {
            // One that waits already stays as it is.
            write.propose(approval, now).await?;
        }
        Ok(())
    }
}

/// The status of a commit that has no verdict, and where it stands.
///
/// # Errors
/// When the database does not answer.
pub async fn without_verdict(
    workspace: &Workspace,
    repository: Uuid,
    tracked: &Tracked,
    about: &About,
    web: &str,
    (state, words): (StatusState, &Masked),
) -> Result<(Place, String), Inconclusive> {
    let names = Names::of(workspace, repository).await?;
    let told = Told {
        web,
        workspace: &names.workspace,
        repository: &names.repository,
        tools: Vec::new(),
        started_at: "",
        comparison: None,
    };
    let status = status_without_verdict(tracked, about, &told, state, words);
    let place = status_place(repository, about);
    Ok((place, json(&status)?))
}

/// Where the status of a verdict is posted: each pull request and each branch has its own on a
/// commit, so none overwrites another.
pub fn status_place(repository: Uuid, about: &About) -> Place {
    let whose = match about.pull_request {
        Some(number) => format!("pr-{number}"),
        None => about.branch.to_string(),
    };
    Place { repository, kind: "status".to_owned(), subject: format!("{}/{whose}", about.commit) }
}

/// Writes what shall stand in a place, with the job that posts it if it does not stand there yet.
///
/// # Errors
/// When the database does not take it.
pub async fn wish(write: &mut Write, place: &Place, body: &str, now: i64) -> store::Result<()> {
    if write.wish(place, body, now).await? {
        let subject = format!("{}/{}", place.kind, place.subject);
        write.job(&Subject { repository: Some(place.repository), kind: kind::PUBLISH, subject }, now, now).await?;
    }
    Ok(())
}

/// What shall be posted, as the outbox keeps it.
///
/// # Errors
/// When it has no JSON form, which it always has.
pub fn json<T: Serialize>(value: &T) -> Result<String, Inconclusive> {
    serde_json::to_string(value).map_err(|_| Inconclusive::Form)
}

/// The texts of the findings that are told, as far as they are known.
async fn contents(
    workspace: &Workspace,
    there: &InRepository,
    tracked: &Tracked,
    about: &About,
    verdict: &Verdict,
    fresh: &Contents,
) -> store::Result<Contents> {
    let (mut contents, mut missing) = (Contents::new(), Vec::new());
    for id in shown(tracked, about.branch, verdict) {
        let Some(row) = tracked.repository.occurrence(about.branch, id) else { continue };
        match fresh.get(&row.content) {
            Some(body) => drop(contents.insert(row.content, body.clone())),
            None => missing.push((id, row.content)),
        }
    }
    contents.extend(workspace.contents(there.id(), &missing).await?);
    Ok(contents)
}
