//! What the app asks of Bitbucket, and what it posts there.
//!
//! Owns plain questions with typed answers, each for one tenant and with that tenant's tokens. It does not know how tokens are come by
//! ([`Credentials`]), and decides nothing: what follows from an answer is decided in `track`, `jobs` and `publish`. What servers say is hostile
//! text; ids are checked before they become ids.
//!
//! | part | place in the flow |
//! |---|---|
//! | `reach` | the hosts as they can be asked, without credentials |
//! | `tenants`, `budget` | one client for each tenant, and how much it may ask |
//! | `repositories`, `pipelines`, `commits`, `pull_requests`, `comments`, `permissions` | questions |
//! | `posts` | reports, statuses, comments |
//! | `facts` | answers in the form that `track` wants |
//! | `memory` | what can never be answered otherwise |

mod budget;
mod comments;
mod commits;
mod error;
pub mod facts;
mod memory;
mod permissions;
mod pipelines;
mod posts;
mod pull_requests;
mod reach;
mod repositories;
mod tenants;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use penstock::analyze::secrets::mask;
use penstock_common::bitbucket::accounts::Account;
use penstock_common::bitbucket::client::{self, Client};
use penstock_common::{Masked, Uuid};

pub use budget::{Budget, Purpose, REQUESTS_MAX, Submitter};
pub use comments::Comment;
pub use error::Error;
pub use penstock_common::bitbucket::workspaces::Permission;
pub use permissions::Right;
pub use pipelines::{Pipeline, Ref};
pub use pull_requests::{PullRequest, Source, State};
pub use reach::{Network, Reach, patience};
pub use repositories::{Branch, POLICY_MAX, Repository, Workspace};
pub use tenants::{Credential, Credentials, NoCredential, Revision, Tenants};

use budget::Spending;
use memory::Memory;

/// Bitbucket as one tenant may ask it. Clones share everything; they are for one job and not to be kept: [`Tenants::of`] knows whether the
/// installation is still the same.
#[derive(Clone)]
pub struct Bitbucket {
    workspace: Uuid,
    client: Client,
    budget: Arc<Budget>,
    purpose: Purpose,
    refused: Arc<dyn Fn(&'static str) + Send + Sync>,
    memory: Arc<Memory>,
}

/// One repository of the tenant, by its UUID: names may change under us.
#[derive(Clone)]
pub struct InRepository {
    bitbucket: Bitbucket,
    repository: Uuid,
    calls: client::InRepository,
}

impl Bitbucket {
    /// The tenant.
    pub fn workspace_id(&self) -> Uuid {
        self.workspace
    }

    /// The same with one deadline over all calls from now on.
    #[must_use]
    pub fn within(&self, time: Duration) -> Self {
        Self { client: self.client.within(time), ..self.clone() }
    }

    /// How many requests are left in this hour for this client's purpose. Work that can wait, such
    /// as a sweep, leaves enough for work that cannot.
    pub fn requests_left(&self) -> u32 {
        self.budget.left(self.purpose)
    }

    /// The same client for another purpose: its requests are counted there.
    #[must_use]
    pub fn on_behalf_of(&self, purpose: Purpose) -> Self {
        let (budget, refused) = (Arc::clone(&self.budget), Arc::clone(&self.refused));
        let client = self.client.counted_by(Arc::new(Spending { budget, purpose, refused }));
        Self { client, purpose, ..self.clone() }
    }

    /// Whether the bucket of this client's purpose has a request left. Sends nothing.
    ///
    /// # Errors
    /// If not: how long to wait for the next.
    pub fn check_bucket(&self) -> Result<(), Duration> {
        self.budget.check_bucket(self.purpose)
    }

    /// One of the tenant's repositories. Nothing is asked yet.
    pub fn in_repository(&self, repository: Uuid) -> InRepository {
        let calls = self.client.in_repository(self.workspace.braced(), repository.braced());
        InRepository { bitbucket: self.clone(), repository, calls }
    }
}

impl InRepository {
    /// Whose.
    pub fn workspace_id(&self) -> Uuid {
        self.bitbucket.workspace
    }

    /// Which.
    pub fn id(&self) -> Uuid {
        self.repository
    }

    /// The same with one deadline over all calls from now on.
    #[must_use]
    pub fn within(&self, time: Duration) -> Self {
        self.bitbucket.within(time).in_repository(self.repository)
    }

    fn memory(&self) -> &Memory {
        &self.bitbucket.memory
    }
}

impl fmt::Debug for Bitbucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bitbucket of {}", self.workspace)
    }
}

impl fmt::Debug for InRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "repository {} of {}", self.repository, self.bitbucket.workspace)
    }
}

/// Most characters of somebody's name.
const NAME_MAX: usize = 100;

/// Who did something, or is told about. Both ids are Bitbucket's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Author {
    /// Identifies the account.
    pub uuid: Option<Uuid>,
    /// The Atlassian account; bots and teams have none.
    pub account_id: Option<String>,
    /// As he calls himself: one short line in which nothing is hidden, and foreign text all the same.
    pub name: Option<Masked>,
}

impl From<Account> for Author {
    fn from(account: Account) -> Self {
        let name = account.display_name.map(|name| mask(name.trim()).cut(NAME_MAX));
        Self {
            uuid: account.uuid.as_deref().and_then(|uuid| uuid.parse().ok()),
            account_id: account.account_id,
            name: name.filter(|name| !name.is_empty()),
        }
    }
}
