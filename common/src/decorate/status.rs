//! The build status of a commit.
//!
//! Owns its words and what it means that a run stands as it does.

use super::{Context, Standing, verdict};
use crate::Run;
use crate::bitbucket::statuses::{BuildStatus, NAME_MAX, StatusState, URL_MAX};
use crate::plain::{self, cut};

/// Most characters of the description. The server's limit is not documented; that of a name is 255.
const DESCRIPTION_MAX: usize = 255;

/// The final status of a run. A status has no "unknown": what was not decided has not passed.
pub fn status(run: &Run, context: &Context<'_>) -> BuildStatus {
    let state = match Standing::of(run, context.allow_incomplete) {
        Standing::Passed => StatusState::Successful,
        Standing::Failed | Standing::Unknown | Standing::Incomplete => StatusState::Failed,
    };
    with(context, state, &verdict::sentence(run, context.allow_incomplete))
}

/// The status while a run is under way.
pub fn in_progress(context: &Context<'_>) -> BuildStatus {
    with(context, StatusState::InProgress, "Running")
}

/// The status of a run that did not come to its end; `why` in one sentence.
pub fn stopped(context: &Context<'_>, why: &str) -> BuildStatus {
    with(context, StatusState::Stopped, why)
}

fn with(context: &Context<'_>, state: StatusState, description: &str) -> BuildStatus {
    let identity = context.identity();
    let url = context.links().build();
    BuildStatus {
        key: identity.status_key(),
        state,
        name: cut(&format!("{}: {}", identity.title(), identity.occasion()), NAME_MAX),
        description: cut(description, DESCRIPTION_MAX),
        url: if url.encode_utf16().count() <= URL_MAX { url } else { context.web.to_owned() },
        // Of a pull request, this is the source branch. A name that hides or turns text is not repeated, even though the status is not tied to a
        // branch then.
        refname: context.subject.branch.clone().filter(|branch| !branch.contains(plain::is_hazard)),
    }
}
