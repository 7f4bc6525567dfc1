//! Code Insights reports on the commit.
//!
//! Owns by whom they are sent. With a token that is done directly; without one, or if the token may not, by the authentication proxy of Pipelines.

use penstock_common::bitbucket::client::{Client, Error, InRepository, SetupError};
use penstock_common::decorate::report::{self, Insight};
use penstock_common::{Run, plain};

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
            Ok(posted) => return posted.ended(""),
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
        (Ok(posted), None) => posted.ended(", by the authentication proxy"),
        (Ok(posted), Some(refused)) => {
            posted.ended(&format!(", by the authentication proxy, because the token may not: {refused}"))
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
    Stop { outcome: Stop::failed(reason, remedy).outcome, ..error.into() }
}

/// The result of posting the reports.
struct Posted {
    /// What was posted.
    detail: String,
    /// What was not posted, and why.
    missing: Option<(String, Error)>,
}

impl Posted {
    /// The outcome of the destination; `way` describes how the reports were posted. Missing ones
    /// are counted.
    fn ended(self, way: &str) -> Ended {
        match self.missing {
            None => Ok(format!("{}{way}", self.detail)),
            Some((missing, why)) => {
                let reason = format!("{missing} could not be posted: {why}; there is {}{way}", self.detail);
                Err(Stop::failed(reason, why.remedy().unwrap_or_default()))
            }
        }
    }
}

/// The parts of the reports that are missing.
#[derive(Default)]
struct Missing {
    reports: usize,
    annotations: usize,
    why: Option<Error>,
}

/// Posts all reports. If one is refused, the next one is still posted; if the next one would fail
/// in the same way, or none is left, it is an error.
async fn post(plan: &Plan, client: &Client, insights: &[Insight]) -> Result<Posted, Error> {
    let commit = plan.subject.commit.as_str();
    let post = async |repository: &InRepository| {
        let mut missing = Missing::default();
        for insight in insights {
            let Insight { report, annotations } = insight;
            match repository.replace_report(commit, &insight.pending(), report, annotations).await {
                Ok(refused) => {
                    missing.annotations += refused.annotations;
                    missing.why = missing.why.or(refused.why);
                }
                Err(error) if error.stays() || missing.reports + 1 == insights.len() => return Err(error),
                Err(error) => {
                    missing.reports += 1;
                    missing.annotations += annotations.len();
                    missing.why = missing.why.or(Some(error));
                }
            }
        }
        Ok(missing)
    };
    let (missing, moved) = following(plan, client, post).await?;
    let annotations: usize = insights.iter().map(|insight| insight.annotations.len()).sum();
    let words = |reports: usize, annotations: usize| {
        let parts = [(reports, "report"), (annotations, "annotation")];
        parts.map(|(number, noun)| (number > 0).then(|| plain::count(number as u64, noun)))
    };
    let [reports, noted] = words(insights.len() - missing.reports, annotations.saturating_sub(missing.annotations));
    let lacks: Vec<String> = words(missing.reports, missing.annotations).into_iter().flatten().collect();
    let detail = format!("{} with {}{moved}", reports.unwrap_or_default(), noted.unwrap_or("0 annotations".to_owned()));
    Ok(Posted { detail, missing: missing.why.map(|why| (lacks.join(" and "), why)) })
}
