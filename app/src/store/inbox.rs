//! Webhooks, kept before they are acknowledged.
//!
//! Owns the group commit: rows that arrive together share one sync of the disk. Whoever sent one is answered when the sync is done.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use penstock_common::Uuid;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::db::{Db, on};
use super::error::{Error, Result};
use super::key::Key;
use super::new_id;

/// Most rows of one commit.
const ROWS: usize = 64;
/// How long the first row waits for others.
const WAIT: Duration = Duration::from_millis(5);
/// How long a batch may take. Bitbucket waits ten seconds for an answer.
const TIME: Duration = Duration::from_secs(5);
/// Most rows that wait. Beyond that the sender is told to come again.
const WAITING: usize = 1024;

/// What a webhook tells, in the shape of its sender.
#[derive(Clone, Debug)]
pub struct News {
    /// Whose, by verified credentials.
    pub tenant: Uuid,
    /// Its name, such as `repo:push`.
    pub event: String,
    /// The stored part, as JSON.
    pub body: String,
    /// Identifies the whole event: the same digest is the same event.
    pub digest: [u8; 32],
    /// When it came, in unix milliseconds.
    pub at: i64,
}

struct Waiting {
    news: News,
    done: oneshot::Sender<Result<bool>>,
}

/// Who writes them.
#[derive(Debug)]
pub(super) struct Writer {
    /// Absent once it is closed.
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(db: Db) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        let task = tokio::spawn(work(db, waiting));
        Self { queue: Mutex::new(Some(queue)), task: tokio::sync::Mutex::new(Some(task)) }
    }

    /// Keeps it; `false` if it was known already. Durable when this returns.
    pub(super) async fn keep(&self, news: News) -> Result<bool> {
        let (done, answer) = oneshot::channel();
        let stopping = || Error::Unavailable("the program is stopping".to_owned());
        let full = |_| Error::Unavailable("too many webhooks wait to be written".to_owned());
        let queue = self.queue().clone().ok_or_else(stopping)?;
        queue.try_send(Waiting { news, done }).map_err(full)?;
        // Whoever waits does not keep the queue open.
        drop(queue);
        answer.await.map_err(|_| stopping())?
    }

    /// Takes no more, writes what waits, and returns when that is done.
    pub(super) async fn stop(&self) {
        // The last sender closes the queue, and the task ends when it has written the rest.
        drop(self.queue().take());
        if let Some(task) = self.task.lock().await.take() {
            let _ = task.await;
        }
    }

    fn queue(&self) -> MutexGuard<'_, Option<mpsc::Sender<Waiting>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn work(db: Db, mut queue: mpsc::Receiver<Waiting>) {
    while let Some(first) = queue.recv().await {
        let mut batch = vec![first];
        let until = Instant::now() + WAIT;
        while batch.len() < ROWS {
            match timeout_at(until, queue.recv()).await {
                Ok(Some(next)) => batch.push(next),
                Ok(None) | Err(_) => break,
            }
        }
        let (news, senders): (Vec<News>, Vec<_>) = batch.into_iter().map(|one| (one.news, one.done)).unzip();
        match write_in_time(&db, news).await {
            Ok(new) => senders.into_iter().zip(new).for_each(|(done, new)| drop(done.send(Ok(new)))),
            Err(error) => {
                let told = error.to_string();
                for done in senders {
                    drop(done.send(Err(Error::Unavailable(told.clone()))));
                }
            }
        }
    }
}

/// Writes a batch in a task of its own: whatever becomes of it, the next one has its turn.
async fn write_in_time(db: &Db, news: Vec<News>) -> Result<Vec<bool>> {
    let db = db.clone();
    let written = tokio::spawn(async move { timeout(TIME, write(&db, &news)).await });
    let away = |words: &str| Err(Error::Unavailable(words.to_owned()));
    match written.await {
        Ok(Ok(written)) => written,
        Ok(Err(_)) => away("webhooks were not written in time"),
        Err(_) => away("webhooks were not written because of a fault of this program"),
    }
}

async fn write(db: &Db, batch: &[News]) -> Result<Vec<bool>> {
    let mut tx = db.write(None).await?;
    let mut new = Vec::with_capacity(batch.len());
    for news in batch {
        let (id, tenant) = (Key::from(new_id()), Key::from(news.tenant));
        tx.serve(news.tenant).await?;
        let rows = on!(&mut tx, connection => {
            sqlx::query(
                "insert into inbox (id, workspace, digest, received_at) values ($1, $2, $3, $4) \
                 on conflict (workspace, digest) do nothing",
            )
            .bind(id)
            .bind(tenant)
            .bind(news.digest.as_slice())
            .bind(news.at)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
        })?;
        if rows == 1 {
            on!(&mut tx, connection => {
                sqlx::query("insert into inbox_bodies (workspace, id, event, body) values ($1, $2, $3, $4)")
                    .bind(tenant)
                    .bind(id)
                    .bind(&news.event)
                    .bind(news.body.as_bytes())
                    .execute(connection)
                    .await
                    .map(drop)
            })?;
        }
        new.push(rows == 1);
    }
    tx.commit().await?;
    Ok(new)
}

impl News {
    /// The digest of an event with this name and content.
    pub fn digest(event: &str, told: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update((event.len() as u64).to_le_bytes());
        hash.update(event);
        hash.update(told);
        hash.finalize().into()
    }
}
