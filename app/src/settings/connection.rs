//! What the app may do for a repository, asked at this moment.
//!
//! Owns the self-check: for each destination why something would not be posted there, as data for a page. It costs one exchange of tokens and two
//! requests. It posts nothing, so what only a post would show is told from the delivery log.

use std::fmt;
use std::time::Duration;

use penstock_common::{Destination, Uuid};

use super::{Key, Settings, Source};
use crate::bitbucket::{Bitbucket, Error, Permission, Purpose};
use crate::state::State;
use crate::store;
use crate::store::workspace::{Delivered, Workspace};

/// How long all questions together may take.
const TIME: Duration = Duration::from_secs(10);

/// How things stand.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Whether the installation gets tokens.
    pub access: Result<(), Obstacle>,
    /// Whether the repository can be read.
    pub repository: Result<(), Obstacle>,
    /// Whether the app may ask what people may do, and what it was told of whoever looks. Without, nobody can judge or set anything.
    pub rights: Result<Permission, Obstacle>,
    /// Where something is posted.
    pub destinations: Vec<Posting>,
    /// Requests that are left of this hour, by our count; nothing without an installation.
    pub requests_left: Option<u32>,
}

/// One destination.
#[derive(Clone, Debug)]
pub struct Posting {
    /// Which.
    pub destination: Destination,
    /// Why something would not be posted there now; nothing if nothing is known against it.
    pub obstacle: Option<Obstacle>,
    /// What last came of it, if the app posted there lately.
    pub last: Option<Delivered>,
}

/// Why something does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Nothing is installed.
    NotInstalled,
    /// Bitbucket does not take the installation's credentials. Its words, masked.
    Rejected(String),
    /// The repository is not there, or not for the app.
    NotFound,
    /// Bitbucket says no. Its words, masked.
    Denied(String),
    /// The installation lacks a scope.
    MissingScope(&'static str),
    /// The requests are used up, for so many seconds.
    TooMany(u64),
    /// Bitbucket does not answer as it should. Its words, masked.
    Unavailable(String),
    /// It is switched off, there.
    SwitchedOff(Source),
    /// The last try was refused. Why, and what to do.
    Refused {
        /// The server's words, masked.
        reason: String,
        /// Empty if nothing is known.
        remedy: String,
    },
    /// It was not asked, because something before it does not work.
    NotAsked,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInstalled => f.write_str("the app is not installed in this workspace"),
            Self::Rejected(words) => write!(f, "{words}: install the app again"),
            Self::NotFound => {
                f.write_str("the app does not see the repository: it was deleted, moved, or is closed to the app")
            }
            Self::Denied(words) => f.write_str(words),
            Self::MissingScope(scope) => write!(f, "the installation lacks the scope `{scope}`: install the app again"),
            Self::TooMany(seconds) => write!(f, "the requests of this hour are used up, again in {seconds} s"),
            Self::Unavailable(words) => f.write_str(words),
            Self::SwitchedOff(Source::Repository) => f.write_str("it is switched off in this repository's settings"),
            Self::SwitchedOff(_) => f.write_str("it is switched off in the workspace's settings"),
            Self::Refused { reason, remedy } if remedy.is_empty() => write!(f, "the last try was refused: {reason}"),
            Self::Refused { reason, remedy } => write!(f, "the last try was refused: {reason}; {remedy}"),
            Self::NotAsked => f.write_str("it was not asked, because something before it does not work"),
        }
    }
}

impl From<Error> for Obstacle {
    fn from(error: Error) -> Self {
        match &error {
            Error::NotInstalled => Self::NotInstalled,
            Error::Rejected(_) => Self::Rejected(error.to_string()),
            Error::Denied(_) => Self::Denied(error.to_string()),
            Error::TooMany { after, .. } => Self::TooMany(after.as_secs().max(1)),
            Error::Refused(_) if error.is_not_found() => Self::NotFound,
            Error::Directory(_) | Error::Unavailable(_) | Error::Refused(_) | Error::Unreadable(_) => {
                Self::Unavailable(error.to_string())
            }
        }
    }
}

/// Where the app posts: the setting that switches it, and scopes of which one is needed.
const DESTINATIONS: [(Destination, Key, &[&str]); 3] = [
    (Destination::BuildStatus, Key::PostStatus, &["repository:write", "pullrequest:write"]),
    (Destination::PrComment, Key::PostComment, &["pullrequest:write"]),
    (Destination::CodeInsights, Key::PostReport, &["repository:write", "pullrequest:write"]),
];

/// Asks how things stand for a repository, before `viewer`, whose right is asked for as it would be for a change.
///
/// # Errors
/// When the database does not answer. What Bitbucket says is no error but the answer.
pub async fn check(state: &State, workspace: &Workspace, repository: Uuid, viewer: Uuid) -> store::Result<Connection> {
    let settings = Settings::of(workspace, Some(repository)).await?;
    let scopes = state.bitbucket.scopes(workspace.id()).await;
    let bitbucket = state.bitbucket.of(workspace.id()).await.ok();
    let requests_left = bitbucket.as_ref().map(Bitbucket::requests_left);
    let bitbucket = bitbucket.map(|bitbucket| bitbucket.on_behalf_of(Purpose::Person(viewer)));
    let (mut readable, mut rights) = (Err(Obstacle::NotAsked), Err(Obstacle::NotAsked));
    if let (Some(bitbucket), Ok(_)) = (&bitbucket, &scopes) {
        let there = bitbucket.in_repository(repository).within(TIME);
        readable = match there.get().await {
            Ok(Some(told)) if told.workspace == workspace.id() => Ok(()),
            Ok(_) => Err(Obstacle::NotFound),
            Err(error) => Err(error.into()),
        };
        if readable.is_ok() {
            rights = there.right(viewer).await.map(|right| right.permission).map_err(Obstacle::from);
        }
    }
    let mut destinations = Vec::with_capacity(DESTINATIONS.len());
    let told = workspace.deliveries(repository, 50).await?;
    for (destination, key, needed) in DESTINATIONS {
        let last = told.iter().find(|row| row.sender == "app" && row.destination == destination.name()).cloned();
        let switched_off = settings.all().iter().find(|one| one.key == key && one.value == super::Value::Switch(false));
        let lacks = scopes.as_ref().is_ok_and(|scopes| {
            // A server that does not say has not said no.
            !scopes.is_empty() && !scopes.iter().any(|scope| needed.contains(&scope.as_str()))
        });
        let obstacle = match (switched_off, &readable) {
            (Some(one), _) => Some(Obstacle::SwitchedOff(one.source)),
            (None, Err(Obstacle::NotAsked)) => Some(Obstacle::NotAsked),
            (None, Err(obstacle)) => Some(obstacle.clone()),
            (None, Ok(())) if lacks => needed.first().map(|scope| Obstacle::MissingScope(scope)),
            (None, Ok(())) => last
                .as_ref()
                .filter(|last| last.outcome == "failed")
                .map(|last| Obstacle::Refused { reason: last.detail.clone(), remedy: last.remedy.clone() }),
        };
        destinations.push(Posting { destination, obstacle, last });
    }
    Ok(Connection {
        access: scopes.map(drop).map_err(Obstacle::from),
        repository: readable,
        rights,
        destinations,
        requests_left,
    })
}
