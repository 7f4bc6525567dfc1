//! Faults without a disk that is really full: each is brought about on the connection itself, taken
//! away, and nothing may be left of it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use penstock_common::Secret;
use sqlx::{Connection, PgConnection, SqlitePool};

use super::*;
use crate::crypto::MasterKeys;
use crate::store::db::{Db, on};
use crate::store::{Error, Result, Store, migrate_postgres};

const NOW: i64 = 1_800_000_000_000;
/// Maximum number of pages of a database by default.
const PAGES_MAX: &str = "pragma max_page_count = 4294967294";

struct Folder {
    store: Store,
    _folder: tempfile::TempDir,
}

async fn sqlite() -> Folder {
    let folder = tempfile::tempdir().unwrap();
    let keys = MasterKeys::read_or_create(&folder.path().join("master.key")).unwrap();
    let store = Store::open_sqlite(folder.path(), keys, NOW).await.unwrap();
    Folder { store, _folder: folder }
}

/// A database of its own, if there is a PostgreSQL, and its address as its owner.
#[expect(clippy::disallowed_methods, reason = "tests have no settings")]
async fn postgres() -> Option<(Folder, String)> {
    let server = std::env::var("TEST_DATABASE_URL").ok()?;
    let name = format!("test_{}", uuid::Uuid::now_v7().simple());
    for attempt in 0.. {
        let mut connection = PgConnection::connect(&server).await.unwrap();
        match connection.execute(sqlx::AssertSqlSafe(format!("create database {name}"))).await {
            Ok(_) => break,
            Err(error) if attempt == 20 => panic!("{error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    let owner = server.replacen("/postgres?", &format!("/{name}?"), 1);
    let mut login = url::Url::parse(&owner).unwrap();
    login.set_username("penstock_run").unwrap();
    let login = Secret::new(login.as_str());
    migrate_postgres(&Secret::new(&owner), Some(&login)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let keys = MasterKeys::read_or_create(&folder.path().join("master.key")).unwrap();
    let store = Store::open_postgres(&login, keys, NOW).await.unwrap();
    Some((Folder { store, _folder: folder }, owner))
}

/// Writes a row of so many bytes.
async fn write(db: &Db, name: &str, bytes: usize) -> Result<()> {
    let mut tx = db.write(None).await?;
    let sql = "insert into leases (name, owner, until) values ($1, $2, 0) on conflict (name) do update set until = leases.until + 1";
    on!(&mut tx, connection => {
        sqlx::query(sql).bind(name).bind(vec![7_u8; bytes]).execute(connection).await.map(drop)
    })?;
    tx.commit().await
}

async fn read(db: &Db, name: &str) -> Result<Option<i64>> {
    let mut tx = db.read(None).await?;
    Ok(on!(&mut tx, connection => {
        sqlx::query_scalar("select until from leases where name = $1").bind(name).fetch_optional(connection).await
    })?)
}

fn pools(db: &Db) -> (&SqlitePool, &SqlitePool) {
    let Db::Sqlite { readers, writer, .. } = db else { panic!("it is SQLite") };
    (readers, writer)
}

/// Whether the only writer, as the next one gets it, is in no transaction.
async fn is_free(pool: &SqlitePool) -> bool {
    let mut connection = pool.acquire().await.unwrap();
    let begun = connection.execute("begin immediate").await;
    let ended = connection.execute("rollback").await;
    !connection.is_in_transaction() && begun.is_ok() && ended.is_ok()
}

/// Each statement of a transaction, and its commit, is interrupted or refused once; then the cause
/// is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_of_a_write_is_over_when_its_cause_is() {
    let Folder { store, _folder } = sqlite().await;
    let db = &store.shared.db;
    let (_, writer) = pools(db);
    write(db, "before", 8).await.unwrap();
    for round in 0..3 {
        // The disk is full.
        let mut connection = writer.acquire().await.unwrap();
        let pages: i64 = sqlx::query_scalar("pragma page_count").fetch_one(&mut *connection).await.unwrap();
        let full = sqlx::AssertSqlSafe(format!("pragma max_page_count = {pages}"));
        connection.execute(full).await.unwrap();
        drop(connection);
        let refused = write(db, &format!("large {round}"), 1 << 20).await.unwrap_err();
        assert!(matches!(&refused, Error::Unavailable(words) if words.contains("full")), "{refused:?}");
        writer.acquire().await.unwrap().execute(PAGES_MAX).await.unwrap();
        write(db, &format!("large {round}"), 1 << 20).await.unwrap();
        assert!(is_free(writer).await);

        // It is interrupted after a few steps, and after a few more.
        for steps in [1, 5, 20, 60] {
            let mut connection = writer.acquire().await.unwrap();
            connection.lock_handle().await.unwrap().set_progress_handler(steps, || false);
            drop(connection);
            let interrupted = write(db, "interrupted", 1 << 16).await;
            assert!(steps > 5 || interrupted.is_err());
            if let Err(error) = interrupted {
                assert!(error.is_temporary(), "{error:?}");
            }
            writer.acquire().await.unwrap().lock_handle().await.unwrap().remove_progress_handler();
            write(db, "interrupted", 8).await.unwrap();
            assert!(is_free(writer).await);
        }
    }
    assert_eq!(read(db, "large 2").await.unwrap(), Some(0));
}

/// A reader that kept its transaction would see the past for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_was_interrupted_sees_what_is_written_afterwards() {
    let Folder { store, _folder } = sqlite().await;
    let db = &store.shared.db;
    let (readers, _) = pools(db);
    write(db, "row", 8).await.unwrap();
    for round in 1..=20 {
        let mut all = Vec::new();
        for _ in 0..readers.options().get_max_connections() {
            let mut connection = readers.acquire().await.unwrap();
            connection.lock_handle().await.unwrap().set_progress_handler(1, || false);
            all.push(connection);
        }
        drop(all);
        assert!(read(db, "row").await.unwrap_err().is_temporary());
        let mut all = Vec::new();
        for _ in 0..readers.options().get_max_connections() {
            let mut connection = readers.acquire().await.unwrap();
            connection.lock_handle().await.unwrap().remove_progress_handler();
            all.push(connection);
        }
        drop(all);
        write(db, "row", 8).await.unwrap();
        assert_eq!(read(db, "row").await.unwrap(), Some(round));
    }
}

/// Polls a future to its end, unless it waits so many times before.
async fn drop_at<F: Future>(future: F, pending: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = pending;
    poll_fn(move |context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Begins, statements and commits are dropped at each point where they wait. Afterwards every
/// connection can write, and sees what was written.
async fn nothing_is_left_of_what_is_dropped(db: &Db) {
    for pending in 0..200 {
        let name = format!("dropped {pending}");
        let is_whole = drop_at(write(db, &name, 8), pending).await.is_some();
        drop_at(read(db, &name), pending).await;
        write(db, "kept", 8).await.unwrap();
        let pending = i64::try_from(pending).unwrap();
        assert_eq!(read(db, "kept").await.unwrap(), Some(pending));
        if is_whole {
            assert!(read(db, &name).await.unwrap().is_some());
        }
        if is_whole && pending > 20 {
            return;
        }
    }
    panic!("a write takes more than 200 waits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_transaction_leaves_nothing_on_sqlite() {
    let Folder { store, _folder } = sqlite().await;
    nothing_is_left_of_what_is_dropped(&store.shared.db).await;
    assert!(is_free(pools(&store.shared.db).1).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_transaction_leaves_nothing_on_postgres() {
    let Some((Folder { store, _folder }, owner)) = postgres().await else { return };
    nothing_is_left_of_what_is_dropped(&store.shared.db).await;
    let mut connection = PgConnection::connect(&owner).await.unwrap();
    let mut open = 1_i64;
    for _ in 0..100 {
        let sql = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'";
        open = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        if open == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(open, 0, "sessions that stay in a transaction");
}

/// Each session is killed while it is idle: the next transaction does not notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_the_server_ended_are_replaced_on_postgres() {
    let Some((Folder { store, _folder }, owner)) = postgres().await else { return };
    let db = &store.shared.db;
    let mut all = Vec::new();
    for _ in 0..8 {
        all.push(db.read(None).await.unwrap());
    }
    drop(all);
    let mut connection = PgConnection::connect(&owner).await.unwrap();
    let sql = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    connection.execute(sql).await.unwrap();
    for round in 0..8 {
        write(db, "row", 8).await.unwrap();
        assert_eq!(read(db, "row").await.unwrap(), Some(round));
    }
}

/// An error that is not caused by the request is temporary, whatever the database calls it.
#[tokio::test]
async fn faults_of_the_database_are_temporary() {
    let Folder { store, _folder } = sqlite().await;
    let db = &store.shared.db;
    // A statement that is wrong stays our fault.
    let mut tx = db.write(None).await.unwrap();
    let wrong =
        on!(&mut tx, connection => sqlx::query("insert into nowhere values (1)").execute(connection).await.map(drop));
    assert!(!Error::from(wrong.unwrap_err()).is_temporary());
    drop(tx);
    for error in [sqlx::Error::PoolTimedOut, sqlx::Error::WorkerCrashed, sqlx::Error::Protocol("cut".to_owned())] {
        assert!(Error::from(error).is_temporary());
    }
    assert!(Error::from(late(STATEMENT)).is_temporary());
}

/// Names this test's process as the one in which memory is short.
const CHILD: &str = "PENSTOCK_TEST_SHORT_OF_MEMORY";

/// Memory is limited for all connections of a process, so this test runs in one of its own.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test runs itself, and marks that by a variable")]
fn a_process_that_was_short_of_memory_writes_again() {
    if std::env::var(CHILD).is_ok() {
        return tokio::runtime::Runtime::new().unwrap().block_on(short_of_memory());
    }
    let test = "store::transaction::tests::a_process_that_was_short_of_memory_writes_again";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", test, "--nocapture"]).env(CHILD, "1").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}{}", String::from_utf8_lossy(&output.stderr));
}

/// Only the request that was too large is refused. A limit, once set, can only be lowered.
async fn short_of_memory() {
    let Folder { store, _folder } = sqlite().await;
    let db = &store.shared.db;
    let (_, writer) = pools(db);
    write(db, "row", 8).await.unwrap();
    let mut aside = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
    aside.execute("pragma hard_heap_limit = 8000000").await.unwrap();
    for round in 1..=10 {
        let refused = write(db, "large", 16 << 20).await.unwrap_err();
        assert!(refused.is_temporary(), "{refused:?}");
        write(db, "row", 8).await.unwrap();
        assert_eq!(read(db, "row").await.unwrap(), Some(round));
        assert!(is_free(writer).await);
    }
}
