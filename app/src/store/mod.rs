//! What the app remembers.
//!
//! Owns all SQL. There are two doors: [`Store::for_workspace`] to everything with content, always of one tenant; and [`Store::system`] to what
//! must be read before it is known who asks: tables that hold only ids, hashes, times and sealed secrets, by a closed list of methods. It
//! knows the model and nothing of HTTP or Bitbucket.
//!
//! One text of SQL serves SQLite and PostgreSQL (`db`); what cannot be one text stands in `dialect`.

mod checkpoint;
mod connect;
mod db;
mod dialect;
mod error;
mod inbox;
pub mod interruption;
mod key;
mod log_keys;
mod migrate;
mod open;
mod probe;
pub mod system;
mod transaction;
pub mod workspace;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use penstock_common::Uuid;
use tokio::sync::Notify;

use crate::crypto::{DataKey, MasterKeys};
use crate::tasks::Tasks;
use db::{Db, on};
pub use error::{Error, Result};
pub use inbox::News;
use key::Key;
pub use open::migrate_postgres;
pub(crate) use open::{FILES, MAIN_FILE};
pub use system::System;
pub use workspace::Workspace;

/// The database. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    db: Db,
    /// The same on PostgreSQL; a file of its own on SQLite.
    inbox: Db,
    inbox_writer: inbox::Writer,
    checkpoints: checkpoint::Checkpoints,
    probe: probe::Probe,
    keys: MasterKeys,
    data_keys: RwLock<HashMap<Uuid, DataKey>>,
    states: workspace::StateCache,
    catching_up: workspace::CatchingUp,
    /// Those that write out the journal.
    tasks: Tasks,
    /// Told when there may be a job; a hint only.
    jobs: Notify,
}

impl Store {
    /// `logs` leads to the files whose logs are to be looked after.
    fn new(db: Db, inbox: Db, probe: probe::Probe, keys: MasterKeys, logs: Vec<sqlx::SqlitePool>) -> Self {
        let shared = Shared {
            probe,
            checkpoints: checkpoint::Checkpoints::start(logs),
            inbox_writer: inbox::Writer::start(inbox.clone()),
            db,
            inbox,
            keys,
            data_keys: RwLock::default(),
            states: workspace::StateCache::default(),
            catching_up: workspace::CatchingUp::default(),
            tasks: Tasks::default(),
            jobs: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Everything of one tenant, and nothing of any other.
    pub fn for_workspace(&self, tenant: Uuid) -> Workspace {
        Workspace::new(self.clone(), tenant)
    }

    /// What belongs to no tenant, or is needed to find him.
    pub fn system(&self) -> System {
        System::new(self.clone())
    }

    /// Waits until somebody adds a job to this copy's queue.
    pub async fn job_added(&self) {
        self.shared.jobs.notified().await;
    }

    /// Waits until no task writes out the journal.
    pub async fn caught_up(&self) {
        self.shared.tasks.ended().await;
    }

    /// Reads and writes, to see whether the database works. A writer that is busy does.
    ///
    /// # Errors
    /// What does not work, within a few seconds.
    pub async fn probe(&self, now: i64) -> Result<()> {
        self.shared.probe.run(now).await
    }

    /// Waits until nothing runs, and closes the database.
    pub async fn close(&self) {
        self.shared.inbox_writer.stop().await;
        self.shared.checkpoints.close().await;
        self.shared.probe.close().await;
        self.shared.db.close().await;
        self.shared.inbox.close().await;
    }

    async fn data_key(&self, tenant: Uuid) -> Result<DataKey> {
        let known = |keys: &RwLock<HashMap<Uuid, DataKey>>| {
            keys.read().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned()
        };
        if let Some(key) = known(&self.shared.data_keys) {
            return Ok(key);
        }
        let mut tx = self.shared.db.read(None).await?;
        let sealed: Option<Vec<u8>> = on!(&mut tx, connection => {
            sqlx::query_scalar("select data_key from tenants where workspace = $1")
                .bind(Key::from(tenant))
                .fetch_optional(connection)
                .await
        })?;
        let key = self.shared.keys.data_key(tenant, &sealed.ok_or(Error::NotFound("workspace"))?)?;
        self.shared.data_keys.write().unwrap_or_else(PoisonError::into_inner).insert(tenant, key.clone());
        Ok(key)
    }

    fn forget_data_key(&self, tenant: Uuid) {
        self.shared.data_keys.write().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
    }
}

/// A new id: time first, so that later ones sort after earlier ones (UUID version 7, RFC 9562).
pub fn new_id() -> u128 {
    uuid::Uuid::now_v7().as_u128()
}
