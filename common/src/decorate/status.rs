//! The build status of a commit.
//!
//! Owns its words and what it means that a run stands as it does.

use super::links::BITBUCKET;
use super::{Context, Standing, verdict};
use crate::bitbucket::statuses::{BuildStatus, NAME_MAX, StatusState, URL_MAX};
use crate::plain::{self, cut};
use crate::{Masked, Run};

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
pub fn stopped(context: &Context<'_>, why: &Masked) -> BuildStatus {
    with(context, StatusState::Stopped, why)
}

/// Makes a status link to `url`. If that is longer than Bitbucket accepts, the link stays as it is.
pub fn link_to(status: &mut BuildStatus, url: &str) {
    if url.encode_utf16().count() <= URL_MAX {
        status.url = with_dot(url.to_owned());
    }
}

/// The address, if Bitbucket accepts it for a status: it refuses a host without a dot. `localhost`
/// becomes its IP address; any other host without a dot is replaced by a link to Bitbucket.
fn with_dot(url: String) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url };
    let end = rest.find([':', '/', '?', '#']).unwrap_or(rest.len());
    match &rest[..end] {
        "localhost" => format!("{scheme}://127.0.0.1{}", &rest[end..]),
        host if host.contains('.') || host.starts_with('[') => url,
        _ => BITBUCKET.to_owned(),
    }
}

fn with(context: &Context<'_>, state: StatusState, description: &str) -> BuildStatus {
    let identity = context.identity();
    let url = context.links().build();
    BuildStatus {
        key: identity.status_key(),
        state,
        name: cut(&format!("{}: {}", identity.title(), identity.occasion()), NAME_MAX),
        description: cut(description, DESCRIPTION_MAX),
        url: with_dot(if url.encode_utf16().count() <= URL_MAX { url } else { context.web.to_owned() }),
        // Of a pull request, this is the source branch. A name that hides or turns text is not repeated, even though the status is not tied to a
        // branch then.
        refname: context
            .subject
            .branch
            .as_deref()
            .filter(|branch| !branch.contains(plain::is_hazard))
            .map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_with_a_dot() {
        for (address, expected) in [
            ("https://bitbucket.org/acme/shop", "https://bitbucket.org/acme/shop"),
            ("http://127.0.0.1:7990/a", "http://127.0.0.1:7990/a"),
            ("http://[::1]:7990/a", "http://[::1]:7990/a"),
            ("http://localhost:7990/a.b?c#d", "http://127.0.0.1:7990/a.b?c#d"),
            ("http://localhost", "http://127.0.0.1"),
            ("https://intranet/acme/shop.git", BITBUCKET),
            ("https://intranet:8443?a=b.c", BITBUCKET),
        ] {
            assert_eq!(with_dot(address.to_owned()), expected, "{address}");
        }
    }
}
