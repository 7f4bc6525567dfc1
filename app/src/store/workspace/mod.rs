//! Everything of one tenant.
//!
//! Owns the methods that read and write content. Each names the tenant in its statement, and on PostgreSQL the transaction does so once more. What
//! belongs together is written in one [`Write`].

mod approvals;
mod audit;
mod codes;
mod deliveries;
mod end;
mod find;
mod hooks;
mod journal;
mod lane;
mod load;
mod logs;
mod metrics;
mod news;
mod orphans;
mod outbox;
mod people;
mod repositories;
mod rollup;
mod rows;
mod runs;
mod save;
mod settings;
mod tally;
mod tokens;
mod verdicts;
mod write;

pub use approvals::{Approval, ApprovalState, NewApproval};
pub use audit::AuditLine;
pub use codes::restored;
pub use deliveries::Delivered;
pub use find::{Cursor, Filter, Found, Order};
pub use hooks::HookRow;
pub(super) use journal::CatchingUp;
pub(super) use lane::StateCache;
pub use lane::{Lane, State};
pub use logs::{Log, Verified};
pub use metrics::{DayMetrics, NAMES_MAX};
pub use news::Told;
pub use orphans::Damage;
pub use outbox::{Place, Wish};
pub use people::Person;
pub use repositories::{RepositoryRow, WorkspaceRow};
pub use rollup::{Day, Open, Standing};
pub use rows::{Prepared, Preparing};
pub use runs::{NewRun, RunRow, RunState};
pub use settings::Setting;
pub use tokens::{NewToken, Token};
pub use verdicts::VerdictRow;
pub use write::Write;

use penstock_common::Uuid;

use super::Store;
use super::db::Tx;
use super::error::Result;
use super::key::Key;

/// The door to one tenant's rows.
#[derive(Clone, Debug)]
pub struct Workspace {
    store: Store,
    id: Uuid,
}

impl Workspace {
    pub(super) const fn new(store: Store, id: Uuid) -> Self {
        Self { store, id }
    }

    /// Whose rows these are.
    pub const fn id(&self) -> Uuid {
        self.id
    }

    async fn read(&self) -> Result<Tx> {
        self.store.shared.db.read(Some(self.id)).await
    }

    /// Begins to write. Nothing is written before [`Write::commit`].
    pub async fn write(&self) -> Result<Write> {
        Ok(Write::new(self.store.clone(), self.id, self.store.shared.db.write(Some(self.id)).await?))
    }

    const fn key(&self) -> Key {
        Key(*self.id.as_bytes())
    }
}
