//! Taking the next job.
//!
//! Owns the only difference between the two: on PostgreSQL several copies take jobs at the same time and step over what another one is
//! taking; SQLite has one writer.

use sqlx::Postgres;

use crate::store::db::Tx;
use crate::store::error::Result;
use crate::store::key::Key;
use crate::store::transaction::Engine as _;

/// Takes the job of one tenant that has waited longest, among those whose repository is free.
pub(crate) const SQLITE: &str = "\
    update jobs set state = 1, attempts = attempts + 1, lease_until = $3, lease_owner = $4 where id = (\
        select id from jobs j where state = 0 and workspace = $1 and run_at <= $2 and not exists (\
            select 1 from jobs t where t.state = 1 and t.workspace = j.workspace and t.repository = j.repository) \
        order by run_at, id limit 1) \
    returning id, workspace, repository, kind, subject, attempts, created_at";

/// The same.
pub(crate) const POSTGRES: &str = "\
    update jobs set state = 1, attempts = attempts + 1, lease_until = $3, lease_owner = $4 where id = (\
        select id from jobs j where state = 0 and workspace = $1 and run_at <= $2 and not exists (\
            select 1 from jobs t where t.state = 1 and t.workspace = j.workspace and t.repository = j.repository) \
        order by run_at, id limit 1 for update skip locked) \
    returning id, workspace, repository, kind, subject, attempts, created_at";

pub(crate) async fn claim<T>(tx: &mut Tx, tenant: Key, now: i64, lease_until: i64, owner: Key) -> Result<Option<T>>
where
    T: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow>
        + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>
        + Send
        + Unpin,
{
    let taken = match tx {
        Tx::Sqlite(tx) => {
            let query = sqlx::query_as(SQLITE).bind(tenant).bind(now).bind(lease_until).bind(owner);
            query.fetch_optional(&mut **tx).await
        }
        Tx::Postgres(tx) => {
            let query = sqlx::query_as(POSTGRES).bind(tenant).bind(now).bind(lease_until).bind(owner);
            let limit = tx.limit();
            Postgres::limited(limit, query.fetch_optional(&mut **tx)).await
        }
    };
    match taken {
        // Another copy took a job of the same repository in this moment.
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(None),
        taken => Ok(taken?),
    }
}
