//! What only one copy of the program does at a time: sweeps, clean-ups.

use super::System;
use crate::store::db::on;
use crate::store::error::Result;
use crate::store::key::Key;

impl System {
    /// Takes or keeps a lease until `until`; `false` while another one has it.
    pub async fn take_lease(&self, name: &str, owner: u128, now: i64, until: i64) -> Result<bool> {
        let mut tx = self.store.shared.db.write(None).await?;
        let rows = on!(&mut tx, connection => {
            sqlx::query(
                "insert into leases (name, owner, until) values ($1, $2, $4) on conflict (name) do update \
                 set owner = excluded.owner, until = excluded.until where leases.owner = excluded.owner or leases.until < $3",
            )
            .bind(name)
            .bind(Key::from(owner))
            .bind(now)
            .bind(until)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
        })?;
        tx.commit().await?;
        Ok(rows == 1)
    }
}
