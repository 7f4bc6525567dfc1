//! The end of whole logs.
//!
//! Owns the two ways to it. On PostgreSQL the role that the program works as may add to logs and
//! read them, nothing else: a function of the tables' owner deletes the logs of the tenant that the
//! transaction serves, as a whole, and nothing less.

use sqlx::Postgres;

use crate::store::db::Tx;
use crate::store::error::Result;
use crate::store::key::Key;
use crate::store::transaction::Engine as _;

/// Deletes the log of a repository's findings; without a repository all logs of the tenant.
pub(crate) async fn erase(tx: &mut Tx, tenant: Key, repository: Option<Key>) -> Result<()> {
    match (tx, repository) {
        (Tx::Postgres(tx), repository) => {
            let limit = tx.limit();
            let erase = sqlx::query("select penstock_erase_logs($1)").bind(repository);
            Postgres::limited(limit, erase.execute(&mut **tx)).await?;
        }
        (Tx::Sqlite(tx), Some(repository)) => {
            let sql = "delete from events where workspace = $1 and repository = $2";
            sqlx::query(sql).bind(tenant).bind(repository).execute(&mut **tx).await?;
        }
        (Tx::Sqlite(tx), None) => {
            for sql in [
                "delete from events where workspace = $1",
                "delete from audit where workspace = $1",
                "delete from audit_heads where workspace = $1",
            ] {
                sqlx::query(sql).bind(tenant).execute(&mut **tx).await?;
            }
        }
    }
    Ok(())
}
