//! The two databases behind one text of SQL.
//!
//! Owns pools and transactions. Every statement runs in a transaction, and every transaction says for whom: on PostgreSQL, rows of other
//! tenants do not exist in it. SQLite has one writer; readers do not wait for it.

use penstock_common::Uuid;
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool};

use super::error::Result;
use super::interruption::point;
use super::transaction::{Engine as _, Occupancy, Transaction};
use crate::hex;

/// A database.
#[derive(Clone, Debug)]
pub(crate) enum Db {
    Sqlite { readers: SqlitePool, writer: SqlitePool, occupancy: Occupancy },
    Postgres(PgPool),
}

/// A transaction in it. Dropped, it changes nothing.
pub(crate) enum Tx {
    Sqlite(Transaction<Sqlite>),
    Postgres(Transaction<Postgres>),
}

/// Runs one body against whichever database it is: `on!(tx, connection => query("…").execute(connection).await)`.
macro_rules! on {
    ($tx:expr, $connection:ident => $body:expr) => {{
        $crate::store::interruption::point().await;
        match $tx {
            $crate::store::db::Tx::Sqlite(tx) => {
                let $connection = &mut **tx;
                $body
            }
            $crate::store::db::Tx::Postgres(tx) => {
                let limit = tx.limit();
                let $connection = &mut **tx;
                <sqlx::Postgres as $crate::store::transaction::Engine>::limited(limit, async { $body }).await
            }
        }
    }};
}
pub(crate) use on;

impl Db {
    /// For reading only.
    pub(crate) async fn read(&self, tenant: Option<Uuid>) -> Result<Tx> {
        point().await;
        match self {
            Self::Sqlite { readers, .. } => Ok(Tx::Sqlite(Transaction::begin(readers, "begin").await?)),
            Self::Postgres(pool) => begin(pool, "begin isolation level repeatable read read only", tenant).await,
        }
    }

    /// For writing.
    pub(crate) async fn write(&self, tenant: Option<Uuid>) -> Result<Tx> {
        point().await;
        match self {
            Self::Sqlite { writer, occupancy, .. } => {
                Ok(Tx::Sqlite(Transaction::begin(writer, "begin immediate").await?.occupying(occupancy)))
            }
            Self::Postgres(pool) => begin(pool, "begin", tenant).await,
        }
    }

    /// Waits until nothing runs, and closes.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer, .. } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

async fn begin(pool: &PgPool, how: &'static str, tenant: Option<Uuid>) -> Result<Tx> {
    let mut tx = Tx::Postgres(Transaction::begin(pool, how).await?);
    if let Some(tenant) = tenant {
        tx.serve(tenant).await?;
    }
    Ok(tx)
}

impl Tx {
    /// Says whose rows exist from here on. Over with the transaction.
    pub(crate) async fn serve(&mut self, tenant: Uuid) -> Result<()> {
        if let Self::Postgres(tx) = self {
            let limit = tx.limit();
            let serve =
                sqlx::query("select set_config('penstock.workspace', $1, true)").bind(hex::encode(tenant.as_bytes()));
            Postgres::limited(limit, serve.execute(&mut **tx)).await?;
        }
        Ok(())
    }

    /// Gives statements the time to delete everything of a tenant.
    pub(crate) const fn take_time(&mut self) {
        match self {
            Self::Sqlite(tx) => tx.take_time(),
            Self::Postgres(tx) => tx.take_time(),
        }
    }

    /// Whether nobody else can write before it is over.
    pub(crate) const fn is_alone(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    pub(crate) async fn commit(self) -> Result<()> {
        point().await;
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}
