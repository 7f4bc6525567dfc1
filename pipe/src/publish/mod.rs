//! Telling a run: each destination ends as published, as skipped with what to set, or as failed with the server's words.
//!
//! Owns who is told, in which order and with whose credentials. What is told is made by `penstock_common::decorate`; how it is sent is the client's
//! matter. Decides nothing about the run: that a destination cannot be reached never looks like a verdict.

mod build_status;
mod code_insights;
mod companion;
mod in_progress;
mod inline_comments;
mod interrupt;
mod moved;
mod pr_comment;

use std::time::Duration;

use penstock_common::bitbucket::client::{Access, Auth, Client, Error, InRepository, SetupError};
use penstock_common::decorate::{Context, Counted};
use penstock_common::delivery::Outcome;
use penstock_common::upload::answer::Answer;
use penstock_common::{Category, Delivery, Destination, Masked, Run, Secret, Subject};

pub use in_progress::OpenStatus;

use crate::analyze::secrets::mask;
use crate::bitbucket;
use crate::settings::Connection;

/// How long one destination may take, waits for a server that asks for patience included.
const TIME: Duration = Duration::from_secs(60);
/// Time limit for all destinations in Bitbucket together: each of them may wait for the same rate
/// limit.
const TIME_FOR_ALL: Duration = Duration::from_secs(120);
/// How long all destinations in Bitbucket together may take after the companion app could not be reached. Without a network all that is posted in a
/// step should cost at most ten seconds: this, five for connecting to the app, and half a second more than two to open the status.
const TIME_WITHOUT_NETWORK: Duration = Duration::from_secs(2);

/// What to do so that a call is allowed which the authentication proxy does not sign.
const TOKEN: &str =
    "set `BITBUCKET_ACCESS_TOKEN` to a repository access token with the scopes `repository` and `pullrequest`";

/// Everything that publishing is told beside the run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How Bitbucket is reached, and as who.
    pub connection: Connection,
    /// What the run is about.
    pub subject: Subject,
    /// `NAME`.
    pub name: Masked,
    /// Where people see Bitbucket: `decorate::links::BITBUCKET`.
    pub web: String,
    /// What was looked for.
    pub categories: Vec<Category>,
    /// Whether an incomplete run may pass.
    pub allow_incomplete: bool,
    /// How often the step was run again; 0 if that is not known.
    pub step_run_number: u64,
    /// Whether reports are wanted.
    pub code_insights: bool,
    /// Whether a build status is wanted.
    pub build_status: bool,
    /// Whether the comment on the pull request is wanted.
    pub pr_comment: bool,
    /// Whether comments at the lines of new findings are wanted beside it.
    pub inline_comments: bool,
    /// The companion app.
    pub companion: Companion,
    /// Secrets that the scan found: a server may repeat them.
    pub found: Vec<Secret>,
    /// Nobody answered before, so that Bitbucket is not waited for either.
    pub hurried: bool,
}

/// The companion app. Both tokens go to `url` and nowhere else.
#[derive(Clone, Debug, Default)]
pub struct Companion {
    /// Its address, as it is set.
    pub url: Option<String>,
    /// An API token of the app.
    pub token: Option<Secret>,
    /// The step's identity token.
    pub identity: Option<Secret>,
}

impl Plan {
    /// What `decorate` is told.
    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            subject: &self.subject,
            name: &self.name,
            web: &self.web,
            categories: &self.categories,
            allow_incomplete: self.allow_incomplete,
            counted: Counted::default(),
        }
    }

    fn client(&self, access: &Access) -> Result<Client, SetupError> {
        let client = bitbucket::client(access)?;
        client.hide(self.secrets().map(Secret::expose));
        Ok(client)
    }

    /// Everything that no server may repeat to us, also not one that it was never sent to.
    fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let own = match &self.connection.auth {
            Auth::Anonymous | Auth::Granted(_) => None,
            Auth::ApiToken { token, .. } | Auth::AccessToken(token) => Some(token),
            Auth::OAuth(consumer) => Some(&consumer.secret),
        };
        let companion = [&self.companion.token, &self.companion.identity];
        own.into_iter().chain(companion.into_iter().flatten()).chain(&self.found)
    }

    /// A client with our own credentials, if there are any.
    fn direct(&self) -> Option<Result<Client, SetupError>> {
        self.connection.has_credentials().then(|| self.client(&self.connection.direct()))
    }

    /// A client through Pipelines' authentication proxy, if there is one.
    fn proxied(&self) -> Option<Result<Client, SetupError>> {
        self.connection.through_auth_proxy().map(|access| self.client(&access))
    }

    fn repository(&self, client: &Client) -> InRepository {
        let time = if self.hurried { TIME_WITHOUT_NETWORK } else { TIME };
        client.within(time).in_repository(self.subject.workspace.as_str(), self.subject.repository.as_str())
    }
}

/// What came of sending a run to the companion app.
#[derive(Debug)]
pub struct Sent {
    outcome: Outcome,
    unreachable: bool,
    /// What the app says of the run, if it says anything.
    pub answer: Option<Answer>,
}

/// Sends `run` to the companion app, before anything is posted: its verdict is the one that counts, and it says what it posts itself.
pub fn send(plan: &Plan, run: &Run) -> Sent {
    bitbucket::block_on(companion::publish(plan, run, TIME)).unwrap_or_else(|error| {
        let outcome = Stop::failed(error.to_string(), "").outcome;
        Sent { outcome, unreachable: false, answer: None }
    })
}

/// Tells `run`, which was `sent`, to every other destination, and waits until all have ended. With `keeps_status` the status is posted whoever else
/// posts one: it replaces one of ours.
pub fn run(plan: &Plan, run: &Run, sent: Sent, keeps_status: bool) -> Vec<Delivery> {
    bitbucket::block_on(all(plan, run, sent, keeps_status)).unwrap_or_else(|error| {
        let failed = || Stop::failed(error.to_string(), "").outcome;
        Destination::ALL.into_iter().map(|destination| Delivery { destination, outcome: failed() }).collect()
    })
}

async fn all(plan: &Plan, run: &Run, sent: Sent, keeps_status: bool) -> Vec<Delivery> {
    let plan = &Plan { hurried: sent.unreachable, ..plan.clone() };
    let in_time = |client: Result<Client, SetupError>| client.map(|client| client.within(TIME_FOR_ALL));
    let (direct, proxied) = (plan.direct().map(in_time), plan.proxied().map(in_time));
    let by_app = |destination| sent.answer.as_ref().and_then(|answer| answer.by_app(destination));
    let mut deliveries = Vec::with_capacity(Destination::ALL.len());
    for destination in Destination::ALL {
        let ended = match destination {
            Destination::Companion => {
                deliveries.push(Delivery { destination, outcome: sent.outcome.clone() });
                continue;
            }
            _ if by_app(destination).is_some() && !(keeps_status && destination == Destination::BuildStatus) => {
                Err(Stop::skipped("the companion app posts it", ""))
            }
            Destination::CodeInsights if !plan.code_insights => Err(Stop::switched_off("CODE_INSIGHTS")),
            Destination::CodeInsights => code_insights::publish(plan, run, direct.as_ref(), proxied.as_ref()).await,
            Destination::BuildStatus if !plan.build_status => Err(Stop::switched_off("BUILD_STATUS")),
            Destination::BuildStatus => match own(direct.as_ref(), "a build status") {
                Ok(client) => build_status::publish(plan, run, client).await,
                Err(stop) => Err(stop),
            },
            Destination::PrComment if !plan.pr_comment => Err(Stop::switched_off("PR_COMMENT")),
            Destination::PrComment => pr_comment::publish(plan, run, direct.as_ref()).await,
        };
        let outcome = match ended {
            Ok(detail) => Outcome::Published { detail: mask(&detail) },
            Err(stop) => stop.outcome,
        };
        deliveries.push(Delivery { destination, outcome });
    }
    if let Some(answer) = &sent.answer {
        companion::tell(plan, &answer.run, &deliveries).await;
    }
    deliveries
}

/// Why a destination ends early.
#[derive(Debug)]
struct Stop {
    outcome: Outcome,
    /// Nobody answered.
    unreachable: bool,
    /// It may have been done all the same.
    uncertain: bool,
}

/// What stands there now, in one sentence.
type Ended = Result<String, Stop>;

impl Stop {
    fn because(outcome: Outcome) -> Self {
        Self { outcome, unreachable: false, uncertain: false }
    }

    fn skipped(reason: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::because(Outcome::Skipped { reason: mask(reason.as_ref()), remedy: mask(remedy.as_ref()) })
    }

    fn failed(reason: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::because(Outcome::Failed { reason: mask(reason.as_ref()), remedy: mask(remedy.as_ref()) })
    }

    /// The same with another remedy.
    fn remedied(mut self, remedy: impl AsRef<str>) -> Self {
        match &mut self.outcome {
            Outcome::Skipped { remedy: old, .. } | Outcome::Failed { remedy: old, .. } => *old = mask(remedy.as_ref()),
            Outcome::Published { .. } => {}
        }
        self
    }

    fn switched_off(variable: &str) -> Self {
        Self::skipped(format!("`{variable}` is false"), "")
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        let (unreachable, uncertain) = (matches!(error, Error::Unreachable { .. }), error.is_uncertain());
        let stop = Self::failed(error.to_string(), error.remedy().unwrap_or_default());
        Self { unreachable, uncertain, ..stop }
    }
}

impl From<&SetupError> for Stop {
    fn from(error: &SetupError) -> Self {
        Self::failed(error.to_string(), "")
    }
}

/// The client with our own credentials, which `what` needs.
fn own<'c>(direct: Option<&'c Result<Client, SetupError>>, what: &str) -> Result<&'c Client, Stop> {
    match direct {
        Some(Ok(client)) => Ok(client),
        Some(Err(error)) => Err(error.into()),
        None => Err(Stop::skipped(format!("{what} needs a token: the authentication proxy signs reports only"), TOKEN)),
    }
}
