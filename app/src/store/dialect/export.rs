//! All rows of a table as JSON.
//!
//! Owns the two ways to it. Ids and digests come out as hexadecimal digits.

use sqlx::{AssertSqlSafe, Postgres};

use crate::store::db::Tx;
use crate::store::error::Result;
use crate::store::key::Key;
use crate::store::transaction::Engine as _;

/// The rows of one tenant in `table`, a name of ours.
pub(crate) async fn rows(tx: &mut Tx, table: &'static str, tenant: Key) -> Result<Vec<String>> {
    Ok(match tx {
        Tx::Postgres(tx) => {
            let sql = format!("select to_jsonb(t)::text from {table} t where workspace = $1");
            let limit = tx.limit();
            let rows = sqlx::query_scalar(AssertSqlSafe(sql)).bind(tenant);
            Postgres::limited(limit, rows.fetch_all(&mut **tx)).await?
        }
        Tx::Sqlite(tx) => {
            let columns: Vec<(String, String)> =
                sqlx::query_as("select name, type from pragma_table_info($1)").bind(table).fetch_all(&mut **tx).await?;
            let pairs: Vec<String> = columns
                .iter()
                .map(|(name, kind)| match kind.as_str() {
                    "BLOB" | "blob" => {
                        format!("'{name}', case when {name} is null then null else '\\x' || lower(hex({name})) end")
                    }
                    _ => format!("'{name}', {name}"),
                })
                .collect();
            let sql = format!("select json_object({}) from {table} where workspace = $1", pairs.join(", "));
            sqlx::query_scalar(AssertSqlSafe(sql)).bind(tenant).fetch_all(&mut **tx).await?
        }
    })
}
