//! The build status of the commit.
//!
//! Owns posting the final one, and the explanation if somebody else's stands in its place.

use penstock_common::Run;
use penstock_common::bitbucket::client::{Client, InRepository};
use penstock_common::bitbucket::statuses::{BuildStatus, StatusState};
use penstock_common::decorate::status;

use super::moved::following;
use super::{Ended, Plan, Stop};

pub(super) async fn publish(plan: &Plan, run: &Run, client: &Client) -> Ended {
    let status = status::status(run, &plan.context());
    let state = match status.state {
        StatusState::Successful => "SUCCESSFUL",
        StatusState::Failed => "FAILED",
        StatusState::InProgress => "INPROGRESS",
        StatusState::Stopped => "STOPPED",
    };
    let ((), moved) = post(plan, client, &status).await?;
    Ok(format!("{state}, as `{}`{moved}", status.key))
}

/// Posts `status`, in place of what stands there with the same key.
pub(super) async fn post(plan: &Plan, client: &Client, status: &BuildStatus) -> Result<((), String), Stop> {
    let commit = plan.subject.commit.as_str();
    let repository = plan.repository(client);
    let post = async |repository: &InRepository| repository.post_status(commit, status).await.map(|_| ());
    match following(plan, client, post).await {
        Err(error) if error.status() == Some(403) && !error.names_scopes() => {
            // The scope suffices to look, so what is missing is not the scope.
            let there = repository.statuses_with_key(commit, &status.key).await.unwrap_or_default();
            let is_foreign = there.iter().any(|one| one.refname == status.refname);
            let stop = Stop::from(error);
            if is_foreign { Err(foreign(stop)) } else { Err(stop) }
        }
        outcome => outcome.map_err(Stop::from),
    }
}

/// Only who posted a status may replace it.
fn foreign(stop: Stop) -> Stop {
    let penstock_common::delivery::Outcome::Failed { reason, .. } = stop.outcome else { return stop };
    Stop::failed(
        format!("another identity posted the status with this key before, and only that one may replace it: {reason}"),
        "use the token that posted it, or set another `NAME`",
    )
}
