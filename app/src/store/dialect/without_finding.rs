//! Which of many findings have no row.
//!
//! Owns the two ways to ask that at once.

use sqlx::AssertSqlSafe;

use crate::store::db::Tx;
use crate::store::error::Result;
use crate::store::interruption::point;
use crate::store::key::Key;

/// Findings in one statement of SQLite.
const CHUNK: usize = 128;

/// Those of `findings` that have no row in the repository.
pub(crate) async fn without_finding(tx: &mut Tx, of: (Key, Key), findings: &[Key]) -> Result<Vec<Key>> {
    if findings.is_empty() {
        return Ok(Vec::new());
    }
    point().await;
    match tx {
        Tx::Postgres(tx) => {
            let asked: Vec<[u8; 16]> = findings.iter().map(|key| key.0).collect();
            let sql = "select a.finding from unnest($3::bytea[]) a (finding) where not exists (select 1 from findings f \
                       where f.workspace = $1 and f.repository = $2 and f.finding = a.finding)";
            Ok(sqlx::query_scalar(sql).bind(of.0).bind(of.1).bind(asked).fetch_all(&mut **tx).await?)
        }
        Tx::Sqlite(tx) => {
            let mut missing = Vec::new();
            for part in findings.chunks(CHUNK) {
                let marks = vec!["(?)"; part.len()].join(", ");
                let sql = format!(
                    "with a (finding) as (values {marks}) select a.finding from a where not exists (select 1 from findings f \
                     where f.workspace = ? and f.repository = ? and f.finding = a.finding)"
                );
                let query = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(part.len() == CHUNK);
                let query = part.iter().fold(query, |query, key| query.bind(*key));
                let rows: Vec<Key> = query.bind(of.0).bind(of.1).fetch_all(&mut **tx).await?;
                missing.extend(rows);
            }
            Ok(missing)
        }
    }
}
