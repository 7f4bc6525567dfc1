//! Code Insights reports on the commit.
//!
//! Owns by whom they are sent. With a token that is done directly; without one, or if the token may not, by the authentication proxy of Pipelines.

use penstock_common::Run;
use penstock_common::bitbucket::client::{Client, Error, InRepository, SetupError};
use penstock_common::decorate::report::{self, Insight};
use penstock_common::delivery::Outcome;

use super::moved::following;
use super::{Ended, Plan, Stop, TOKEN};

pub(super) async fn publish(
    plan: &Plan,
    run: &Run,
    direct: Option<&Result<Client, SetupError>>,
    proxied: Option<&Result<Client, SetupError>>,
) -> Ended {
    let insights = report::reports(run, &plan.context());
    if insights.is_empty() {
        return Err(Stop::skipped("nothing was looked for", ""));
    }
    let refused = match direct {
        Some(client) => match post(plan, client.as_ref().map_err(Stop::from)?, &insights).await {
            Ok(detail) => return Ok(detail),
            Err(error) if error.is_denied() && proxied.is_some() => Some(error),
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    let Some(client) = proxied else {
        return Err(Stop::skipped("there is neither a token nor the authentication proxy of Pipelines", TOKEN));
    };
    let client = client.as_ref().map_err(Stop::from)?;
    match (post(plan, client, &insights).await, refused) {
        (Ok(detail), None) => Ok(format!("{detail}, by the authentication proxy")),
        (Ok(detail), Some(refused)) => {
            Ok(format!("{detail}, by the authentication proxy, because the token may not: {refused}"))
        }
        // What our own credentials came to can be helped; the proxy is what it is.
        (Err(_), Some(refused)) => Err(refused.into()),
        (Err(error), None) => Err(by_proxy(plan, error)),
    }
}

/// Why the proxy could not help, and what can be done instead.
fn by_proxy(plan: &Plan, error: Error) -> Stop {
    let proxy = plan.connection.auth_proxy.as_ref().map(ToString::to_string).unwrap_or_default();
    let reason = format!("by the authentication proxy at {proxy}: {error}");
    let remedy = match error.status() {
        Some(401 | 403 | 404) => TOKEN.to_owned(),
        None => format!("{TOKEN}, or `AUTH_PROXY` to where the authentication proxy listens"),
        _ => error.remedy().unwrap_or_default(),
    };
    Stop { outcome: Outcome::Failed { reason, remedy }, ..error.into() }
}

async fn post(plan: &Plan, client: &Client, insights: &[Insight]) -> Result<String, Error> {
    let commit = plan.subject.commit.as_str();
    let post = async |repository: &InRepository| {
        for insight in insights {
            let Insight { report, annotations } = insight;
            repository.replace_report(commit, &insight.pending(), report, annotations).await?;
        }
        Ok(())
    };
    let ((), moved) = following(&plan.repository(client), post).await?;
    let annotations: usize = insights.iter().map(|insight| insight.annotations.len()).sum();
    let plural = |number: usize, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
    Ok(format!("{} with {}{moved}", plural(insights.len(), "report"), plural(annotations, "annotation")))
}
