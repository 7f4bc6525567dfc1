//! The directory of installations: what a platform calls them, whose they are, and their sealed secrets.
//!
//! Owns that a decision is only written to the state that it was made on. Which decision is right is not known here.

use penstock_common::{Secret, Uuid};
use sqlx::FromRow;

use super::System;
use crate::store::db::{Tx, on};
use crate::store::error::Result;
use crate::store::key::Key;
use crate::store::new_id;

/// Maximum number of candidates that wait: of one installation, and unsigned ones in total.
pub const OF_INSTALLATION_MAX: i64 = 4;
/// As above.
pub const UNSIGNED_MAX: i64 = 200;
/// How long an unsigned candidate stays, however many others of its installation come: Bitbucket
/// knows a real secret within seconds, and anyone who knows the installation's name can send
/// others.
const PROTECTED_MILLISECONDS: i64 = 30_000;
/// Candidates whose proof is tried in one go.
const DUE: i64 = 32;
const SECRET: &str = "installations.secret";
const CANDIDATE: &str = "candidates.secret";

/// An installation that was proven once.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Which door it belongs to, such as `connect`.
    pub door: String,
    /// What the platform calls it.
    pub name: String,
    /// Whose it is.
    pub workspace: Uuid,
    /// Whether it is installed now; otherwise it is a tombstone.
    pub active: bool,
    /// Since when it is in that state, in unix milliseconds of this server.
    pub state_since: i64,
    /// When the message that made it so was sent, by the sender's clock.
    pub as_of: i64,
    /// What it signs with.
    pub secret: Secret,
}

/// A secret that waits for its proof.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its id; 0 for one that is not kept yet.
    pub id: u128,
    /// Which door.
    pub door: String,
    /// Which installation.
    pub name: String,
    /// Whether its message was signed.
    pub signed: bool,
    /// When its message was sent.
    pub as_of: i64,
    /// When it came.
    pub since: i64,
    /// How often its proof failed.
    pub failures: u32,
    /// When it is tried again.
    pub retry_at: i64,
    /// When it is given up.
    pub expires_at: i64,
    /// The workspace that its message named, which proves nothing.
    pub claimed: Option<Uuid>,
    /// What it waits for, by the name that its door gives it.
    pub waits_for: Option<String>,
    /// The secret.
    pub secret: Secret,
}

/// Whether a decision was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was.
    Yes,
    /// The row is not the one that the decision was made on.
    Changed,
}

#[derive(FromRow)]
struct Row {
    door: String,
    name: String,
    workspace: Key,
    state: i64,
    state_since: i64,
    as_of: i64,
    secret: Vec<u8>,
}

/// The statement that reads candidates, with all columns of [`CandidateRow`].
macro_rules! candidates {
    ($which:literal) => {
        concat!(
            "select id, door, name, signed, as_of, since, failures, retry_at, expires_at, claimed_workspace, \
             waits_for, secret from candidates ",
            $which
        )
    };
}

#[derive(FromRow)]
struct CandidateRow {
    id: Key,
    door: String,
    name: String,
    signed: i64,
    as_of: i64,
    since: i64,
    failures: i64,
    retry_at: i64,
    expires_at: i64,
    claimed_workspace: Option<Key>,
    waits_for: Option<String>,
    secret: Vec<u8>,
}

/// What a secret of an installation is bound to.
fn place(door: &str, name: &str) -> Vec<u8> {
    [door.as_bytes(), &[0], name.as_bytes()].concat()
}

impl System {
    /// An installation by the name that the platform gave it.
    pub async fn installation(&self, door: &str, name: &str) -> Result<Option<Installation>> {
        let mut tx = self.store.shared.db.read(None).await?;
        let row: Option<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select door, name, workspace, state, state_since, as_of, secret from installations where door = $1 and name = $2",
            )
            .bind(door)
            .bind(name)
            .fetch_optional(connection)
            .await
        })?;
        // Opening it reads with a connection of its own: requests that each hold one and wait for
        // another would wait for each other.
        drop(tx);
        match row {
            Some(row) => Ok(Some(self.opened(row).await?)),
            None => Ok(None),
        }
    }

    /// The active installations of a workspace, the newest first.
    pub async fn active_installations(&self, workspace: Uuid) -> Result<Vec<Installation>> {
        let mut tx = self.store.shared.db.read(None).await?;
        let rows: Vec<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select door, name, workspace, state, state_since, as_of, secret from installations \
                 where workspace = $1 and state = 0 order by state_since desc, name",
            )
            .bind(Key::from(workspace))
            .fetch_all(connection)
            .await
        })?;
        drop(tx);
        let mut installations = Vec::with_capacity(rows.len());
        for row in rows {
            installations.push(self.opened(row).await?);
        }
        Ok(installations)
    }

    async fn opened(&self, row: Row) -> Result<Installation> {
        let workspace = row.workspace.uuid();
        let key = self.store.data_key(workspace).await?;
        let secret = key.open(SECRET, &place(&row.door, &row.name), &row.secret)?;
        let Row { door, name, state, state_since, as_of, .. } = row;
        Ok(Installation { door, name, workspace, active: state == 0, state_since, as_of, secret })
    }

    /// Writes what an installation is from now on, and ends its candidates. `expected` is the `as_of` that the decision was made on; absent
    /// if there was no row. `slug` and `title` are what the platform calls the workspace.
    pub async fn write_installation(
        &self,
        installation: &Installation,
        expected: Option<i64>,
        slug: Option<&str>,
        now: i64,
    ) -> Result<Written> {
        let mut tx = self.store.shared.db.write(None).await?;
        let Installation { door, name, workspace, active, as_of, secret, .. } = installation;
        let tenant = Key::from(*workspace);
        let found: Option<i64> = on!(&mut tx, connection => {
            sqlx::query_scalar("select as_of from installations where door = $1 and name = $2")
                .bind(door)
                .bind(name)
                .fetch_optional(connection)
                .await
        })?;
        if found != expected {
            return Ok(Written::Changed);
        }
        self.ensure_tenant(&mut tx, *workspace, slug, now).await?;
        let sealed_key: Vec<u8> = on!(&mut tx, connection => {
            sqlx::query_scalar("select data_key from tenants where workspace = $1").bind(tenant).fetch_one(connection).await
        })?;
        let sealed =
            self.store.shared.keys.data_key(*workspace, &sealed_key)?.seal(SECRET, &place(door, name), secret)?;
        let state = i64::from(!active);
        on!(&mut tx, connection => {
            sqlx::query(
                "insert into installations (door, name, workspace, state, state_since, as_of, secret) values ($1, $2, $3, $4, $5, $6, $7) \
                 on conflict (door, name) do update set state = excluded.state, as_of = excluded.as_of, secret = excluded.secret, \
                 state_since = case when installations.state = excluded.state then installations.state_since else excluded.state_since end",
            )
            .bind(door)
            .bind(name)
            .bind(tenant)
            .bind(state)
            .bind(now)
            .bind(as_of)
            .bind(sealed)
            .execute(connection)
            .await
            .map(drop)
        })?;
        // The tenant lives as long as one installation does.
        on!(&mut tx, connection => {
            sqlx::query(
                "update tenants set state = s.state, state_since = $2 from (\
                     select case when exists (select 1 from installations where workspace = $1 and state = 0) then 0 else 1 end as state\
                 ) as s where workspace = $1 and tenants.state <> s.state",
            )
            .bind(tenant)
            .bind(now)
            .execute(connection)
            .await
            .map(drop)
        })?;
        end_candidates(&mut tx, door, name).await?;
        tx.commit().await?;
        Ok(Written::Yes)
    }

    async fn ensure_tenant(&self, tx: &mut Tx, workspace: Uuid, slug: Option<&str>, now: i64) -> Result<()> {
        let (_, sealed) = self.store.shared.keys.new_data_key(workspace)?;
        let tenant = Key::from(workspace);
        on!(&mut *tx, connection => {
            sqlx::query(
                "insert into tenants (workspace, state, state_since, data_key) values ($1, 0, $2, $3) on conflict (workspace) do nothing",
            )
            .bind(tenant)
            .bind(now)
            .bind(sealed)
            .execute(connection)
            .await
            .map(drop)
        })?;
        tx.serve(workspace).await?;
        on!(&mut *tx, connection => {
            sqlx::query(
                "insert into workspaces (workspace, slug, name, refreshed_at) values ($1, $2, coalesce($2, ''), $3) \
                 on conflict (workspace) do update set slug = coalesce(excluded.slug, workspaces.slug), refreshed_at = excluded.refreshed_at",
            )
            .bind(tenant)
            .bind(slug)
            .bind(now)
            .execute(connection)
            .await
            .map(drop)
        })?;
        Ok(())
    }

    /// The candidates of an installation.
    pub async fn candidates(&self, door: &str, name: &str) -> Result<Vec<Candidate>> {
        let mut tx = self.store.shared.db.read(None).await?;
        let rows: Vec<CandidateRow> = on!(&mut tx, connection => {
            sqlx::query_as(candidates!("where door = $1 and name = $2 order by id"))
            .bind(door)
            .bind(name)
            .fetch_all(connection)
            .await
        })?;
        rows.into_iter().map(|row| self.opened_candidate(row)).collect()
    }

    /// Candidates whose proof is due. What failed least often comes first: a real one is among
    /// them, however many others there are.
    pub async fn due_candidates(&self, now: i64) -> Result<Vec<Candidate>> {
        let mut tx = self.store.shared.db.read(None).await?;
        let rows: Vec<CandidateRow> = on!(&mut tx, connection => {
            sqlx::query_as(candidates!("where retry_at <= $1 order by failures, retry_at limit $2"))
            .bind(now)
            .bind(DUE)
            .fetch_all(connection)
            .await
        })?;
        rows.into_iter().map(|row| self.opened_candidate(row)).collect()
    }

    /// All candidates, the oldest first, at most `limit`: for the operator to see what they wait
    /// for.
    pub async fn waiting_candidates(&self, limit: i64) -> Result<Vec<Candidate>> {
        let mut tx = self.store.shared.db.read(None).await?;
        let rows: Vec<CandidateRow> = on!(&mut tx, connection => {
            sqlx::query_as(candidates!("order by since, id limit $1"))
            .bind(limit)
            .fetch_all(connection)
            .await
        })?;
        rows.into_iter().map(|row| self.opened_candidate(row)).collect()
    }

    fn opened_candidate(&self, row: CandidateRow) -> Result<Candidate> {
        let secret = self.store.shared.keys.open_secret(CANDIDATE, &row.id.0, &row.secret)?;
        let CandidateRow { id, door, name, signed, as_of, since, failures, retry_at, expires_at, waits_for, .. } = row;
        let claimed = row.claimed_workspace.map(Key::uuid);
        let (id, signed, failures) = (id.number(), signed != 0, failures.try_into().unwrap_or(u32::MAX));
        Ok(Candidate {
            id,
            door,
            name,
            signed,
            as_of,
            since,
            failures,
            retry_at,
            expires_at,
            claimed,
            waits_for,
            secret,
        })
    }

    /// How many unsigned candidates of a door wait.
    pub async fn unsigned_candidates(&self, door: &str) -> Result<usize> {
        let mut tx = self.store.shared.db.read(None).await?;
        let count: i64 = on!(&mut tx, connection => {
            sqlx::query_scalar("select count(*) from candidates where door = $1 and signed = 0")
                .bind(door)
                .fetch_one(connection)
                .await
        })?;
        Ok(count.try_into().unwrap_or(usize::MAX))
    }

    /// Stores a candidate, new or as it is after a failed proof. A new one always has room:
    /// those whose proof failed most often leave for it, of its installation (if they are not
    /// protected any more) and of all that are unsigned, and among these the oldest.
    pub async fn keep_candidate(&self, candidate: &Candidate) -> Result<()> {
        let is_new = candidate.id == 0;
        let id = Key::from(if is_new { new_id() } else { candidate.id });
        let mut tx = self.store.shared.db.write(None).await?;
        if !is_new {
            // One that had to leave meanwhile stays away.
            on!(&mut tx, connection => {
                sqlx::query("update candidates set failures = $2, retry_at = $3, waits_for = $4 where id = $1")
                    .bind(id)
                    .bind(i64::from(candidate.failures))
                    .bind(candidate.retry_at)
                    .bind(&candidate.waits_for)
                    .execute(connection)
                    .await
                    .map(drop)
            })?;
            return tx.commit().await;
        }
        let sealed = self.store.shared.keys.seal_secret(CANDIDATE, &id.0, &candidate.secret)?;
        on!(&mut tx, connection => {
            sqlx::query(
                "insert into candidates (id, door, name, signed, as_of, since, failures, retry_at, expires_at, secret, claimed_workspace, waits_for) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            )
            .bind(id)
            .bind(&candidate.door)
            .bind(&candidate.name)
            .bind(i64::from(candidate.signed))
            .bind(candidate.as_of)
            .bind(candidate.since)
            .bind(i64::from(candidate.failures))
            .bind(candidate.retry_at)
            .bind(candidate.expires_at)
            .bind(sealed)
            .bind(candidate.claimed.map(Key::from))
            .bind(&candidate.waits_for)
            .execute(connection)
            .await
            .map(drop)
        })?;
        on!(&mut tx, connection => {
            sqlx::query(
                "delete from candidates where door = $1 and name = $2 and signed = $3 and (signed = 1 or since < $5) and id in (\
                     select id from candidates where door = $1 and name = $2 and signed = $3 \
                     order by failures, since desc, id desc limit 1000000 offset $4)",
            )
            .bind(&candidate.door)
            .bind(&candidate.name)
            .bind(i64::from(candidate.signed))
            .bind(OF_INSTALLATION_MAX)
            .bind(candidate.since.saturating_sub(PROTECTED_MILLISECONDS))
            .execute(connection)
            .await
            .map(drop)
        })?;
        on!(&mut tx, connection => {
            sqlx::query(
                "delete from candidates where door = $1 and signed = 0 and id in (\
                     select id from candidates where door = $1 and signed = 0 \
                     order by failures, since desc, id desc limit 1000000 offset $2)",
            )
            .bind(&candidate.door)
            .bind(UNSIGNED_MAX)
            .execute(connection)
            .await
            .map(drop)
        })?;
        tx.commit().await
    }

    /// Ends one candidate.
    pub async fn drop_candidate(&self, id: u128) -> Result<()> {
        let mut tx = self.store.shared.db.write(None).await?;
        on!(&mut tx, connection => {
            sqlx::query("delete from candidates where id = $1").bind(Key::from(id)).execute(connection).await.map(drop)
        })?;
        tx.commit().await
    }
}

async fn end_candidates(tx: &mut Tx, door: &str, name: &str) -> Result<()> {
    on!(tx, connection => {
        sqlx::query("delete from candidates where door = $1 and name = $2").bind(door).bind(name).execute(connection).await.map(drop)
    })?;
    Ok(())
}
