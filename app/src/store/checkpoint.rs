//! The write-ahead logs of the embedded database, brought into its files.
//!
//! Owns when that is done, and by whom: by a connection of its own, so that nobody who commits waits for it. SQLite's own way is that whoever
//! commits when the log is long copies all of it first. Without load a log is used from its beginning again after each round; under
//! load it grows, and beyond a limit everybody waits for once.

use std::time::Duration;

use sqlx::SqlitePool;
use tokio::task::JoinHandle;

/// How often it is done.
const EVERY: Duration = Duration::from_millis(500);
/// Pages of 4 KiB that a log may have before everybody waits once: 128 MiB.
const PAGES_MAX: i64 = 32 * 1024;

/// The rounds; they end with this.
#[derive(Debug)]
pub(super) struct Checkpoints {
    files: Vec<SqlitePool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Checkpoints {
    /// Of the files that these pools of one writing connection each lead to.
    pub(super) fn start(files: Vec<SqlitePool>) -> Self {
        Self { tasks: files.iter().cloned().map(|file| tokio::spawn(rounds(file))).collect(), files }
    }

    /// Ends them. Whoever closes a file last brings its log into it.
    pub(super) async fn close(&self) {
        for file in &self.files {
            file.close().await;
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn rounds(file: SqlitePool) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(pages) = checkpoint(&file, "pragma wal_checkpoint(passive)").await else { return };
        if pages > PAGES_MAX {
            checkpoint(&file, "pragma wal_checkpoint(restart)").await;
        }
    }
}

/// How long the log is, in pages; nothing once the file is closed.
async fn checkpoint(file: &SqlitePool, statement: &'static str) -> Option<i64> {
    match sqlx::query_as::<_, (i64, i64, i64)>(statement).fetch_one(file).await {
        Ok((_, pages, _)) => Some(pages),
        Err(sqlx::Error::PoolClosed) => None,
        Err(error) => {
            // The next round tries again; what was acknowledged is safe in the log.
            tracing::debug!(%error, "the log was not brought into the file");
            Some(0)
        }
    }
}
