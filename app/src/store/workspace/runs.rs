//! Runs as they came in, and what was answered.

use penstock_common::{Masked, Metrics, Uuid};
use sqlx::FromRow;

use super::codes;
use super::{Workspace, Write};
use crate::store::db::on;
use crate::store::error::{Error, Result};
use crate::store::key::Key;
use crate::track::{Commit, RunId};

/// A run that came in.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Its id.
    pub run: RunId,
    /// Of which repository.
    pub repository: Uuid,
    /// The sender's key, which tells a repeated request from a new one.
    pub idempotency_key: String,
    /// When it came.
    pub received_at: i64,
    /// When it started; never later than it came.
    pub started_at: i64,
    /// When it ended, if that was told: not before it started, and never later than it came.
    pub finished_at: Option<i64>,
    /// What it looked at.
    pub commit: Commit,
    /// For which branch.
    pub branch: Option<Masked>,
    /// For which pull request.
    pub pull_request: Option<u64>,
    /// `NAME` of the upload.
    pub name: Masked,
    /// The step that sent it.
    pub step: Option<Uuid>,
    /// The pipeline of that step.
    pub pipeline: Option<Uuid>,
    /// Who sent it: `step`, or the name of a token.
    pub actor: String,
    /// Whether every tool came to its end.
    pub complete: bool,
    /// How many findings it has.
    pub findings: usize,
    /// The tools that ran, as JSON.
    pub tools: String,
    /// What reports on tests and coverage say.
    pub metrics: Option<Metrics>,
    /// Secrets that a commit added and a later one removed, by severity, `info` first.
    pub leaked: [u64; 5],
    /// The upload, masked and compressed.
    pub document: Vec<u8>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It is kept, and nobody confirmed yet what it is about. It moves nothing.
    Waiting,
    /// It was applied.
    Applied,
    /// What it says of itself is not so.
    Refused,
}

impl RunState {
    const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Applied => "applied",
            Self::Refused => "refused",
        }
    }
}

/// A run as it is known.
#[derive(Clone, Debug)]
pub struct RunRow {
    /// Its id.
    pub run: RunId,
    /// When it came.
    pub received_at: i64,
    /// When it started.
    pub started_at: i64,
    /// When it ended, if that was told.
    pub finished_at: Option<i64>,
    /// What it looked at.
    pub commit: Commit,
    /// For which branch.
    pub branch: Option<String>,
    /// For which pull request.
    pub pull_request: Option<u64>,
    /// `NAME` of the upload.
    pub name: String,
    /// The pipeline that sent it.
    pub pipeline: Option<Uuid>,
    /// Who sent it.
    pub actor: String,
    /// How far it has come.
    pub state: RunState,
    /// Whether every tool came to its end.
    pub complete: bool,
    /// How many findings it has.
    pub findings: u64,
    /// The tools that ran, as JSON.
    pub tools: String,
    /// What reports on tests and coverage say.
    pub metrics: Option<Metrics>,
    /// Secrets that a commit added and a later one removed, by severity, `info` first.
    pub leaked: [u64; 5],
    /// What the sender was told, as JSON.
    pub answer: Option<String>,
}

#[derive(FromRow)]
struct Row {
    run: Key,
    received_at: i64,
    started_at: i64,
    commit_id: Vec<u8>,
    branch: Option<String>,
    pull_request: Option<i64>,
    name: String,
    pipeline: Option<Key>,
    actor: String,
    state: String,
    complete: i64,
    findings: i64,
    tools: String,
    answer: Option<String>,
    finished_at: Option<i64>,
    metrics: Option<String>,
    leaked: Option<String>,
}

impl TryFrom<Row> for RunRow {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let state = match row.state.as_str() {
            "waiting" => RunState::Waiting,
            "applied" => RunState::Applied,
            "refused" => RunState::Refused,
            _ => return Err(Error::Corrupt("runs.state")),
        };
        Ok(Self {
            run: RunId(row.run.number()),
            received_at: row.received_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            commit: codes::commit(&row.commit_id)?,
            branch: row.branch,
            pull_request: row.pull_request.map(i64::unsigned_abs),
            name: row.name,
            pipeline: row.pipeline.map(Key::uuid),
            actor: row.actor,
            state,
            complete: row.complete != 0,
            findings: row.findings.unsigned_abs(),
            tools: row.tools,
            metrics: row.metrics.as_deref().map(|text| codes::from_json(text, "runs.metrics")).transpose()?,
            leaked: row.leaked.as_deref().map_or(Ok([0; 5]), |text| codes::from_json(text, "runs.leaked"))?,
            answer: row.answer,
        })
    }
}

impl Workspace {
    /// The run that was sent with this key.
    pub async fn run_by_key(&self, repository: Uuid, idempotency_key: &str) -> Result<Option<RunRow>> {
        let mut tx = self.read().await?;
        let row: Option<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select run, received_at, started_at, commit_id, branch, pull_request, name, pipeline, actor, state, complete, findings, tools, answer, \
                 finished_at, metrics, leaked \
                 from runs where workspace = $1 and repository = $2 and idempotency_key = $3",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(idempotency_key)
            .fetch_optional(connection)
            .await
        })?;
        row.map(RunRow::try_from).transpose()
    }

    /// A run.
    pub async fn run(&self, repository: Uuid, run: RunId) -> Result<Option<RunRow>> {
        let mut tx = self.read().await?;
        let row: Option<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select run, received_at, started_at, commit_id, branch, pull_request, name, pipeline, actor, state, complete, findings, tools, answer, \
                 finished_at, metrics, leaked \
                 from runs where workspace = $1 and repository = $2 and run = $3",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(Key::from(run))
            .fetch_optional(connection)
            .await
        })?;
        row.map(RunRow::try_from).transpose()
    }

    /// A run of whichever repository, and which that is.
    pub async fn run_anywhere(&self, run: RunId) -> Result<Option<(Uuid, RunRow)>> {
        let mut tx = self.read().await?;
        let repository: Option<Key> = on!(&mut tx, connection => {
            sqlx::query_scalar("select repository from runs where workspace = $1 and run = $2")
                .bind(self.key())
                .bind(Key::from(run))
                .fetch_optional(connection)
                .await
        })?;
        drop(tx);
        let Some(repository) = repository.map(Key::uuid) else { return Ok(None) };
        Ok(self.run(repository, run).await?.map(|row| (repository, row)))
    }

    /// The newest runs before `before` (a run's id; the greatest for the first page), at most `limit`.
    pub async fn runs(&self, repository: Uuid, before: RunId, limit: i64) -> Result<Vec<RunRow>> {
        let mut tx = self.read().await?;
        let rows: Vec<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select run, received_at, started_at, commit_id, branch, pull_request, name, pipeline, actor, state, complete, findings, tools, answer, \
                 finished_at, metrics, leaked \
                 from runs where workspace = $1 and repository = $2 and run < $3 order by run desc limit $4",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(Key::from(before))
            .bind(limit)
            .fetch_all(connection)
            .await
        })?;
        rows.into_iter().map(RunRow::try_from).collect()
    }

    /// The newest runs on a commit, the newest first.
    pub async fn runs_on(&self, repository: Uuid, commit: Commit) -> Result<Vec<RunRow>> {
        let mut tx = self.read().await?;
        let rows: Vec<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select run, received_at, started_at, commit_id, branch, pull_request, name, pipeline, actor, state, complete, findings, tools, answer, \
                 finished_at, metrics, leaked \
                 from runs where workspace = $1 and repository = $2 and commit_id = $3 order by run desc limit 64",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(codes::commit_bytes(commit))
            .fetch_all(connection)
            .await
        })?;
        rows.into_iter().map(RunRow::try_from).collect()
    }

    /// A stored run, masked and compressed; `None` once it was deleted. Older versions stored it as
    /// it was sent.
    pub async fn run_document(&self, repository: Uuid, run: RunId) -> Result<Option<Vec<u8>>> {
        let mut tx = self.read().await?;
        let document: Option<Option<Vec<u8>>> = on!(&mut tx, connection => {
            sqlx::query_scalar("select document from runs where workspace = $1 and repository = $2 and run = $3")
                .bind(self.key())
                .bind(Key::from(repository))
                .bind(Key::from(run))
                .fetch_optional(connection)
                .await
        })?;
        Ok(document.flatten())
    }
}

impl Write {
    /// Keeps a run that came in; `false` if one with its key is there.
    pub async fn new_run(&mut self, run: &NewRun) -> Result<bool> {
        let key = self.key();
        let metrics = run.metrics.as_ref().map(codes::json).transpose()?;
        let leaked = run.leaked.iter().any(|number| *number > 0).then(|| codes::json(&run.leaked)).transpose()?;
        let rows = on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into runs (workspace, repository, run, idempotency_key, received_at, started_at, commit_id, branch, pull_request, \
                 name, step, pipeline, actor, state, complete, findings, document, tools, finished_at, metrics, leaked) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'waiting', $14, $15, $16, $17, $18, $19, $20) \
                 on conflict (workspace, repository, idempotency_key) do nothing",
            )
            .bind(key)
            .bind(Key::from(run.repository))
            .bind(Key::from(run.run))
            .bind(&run.idempotency_key)
            .bind(run.received_at)
            .bind(run.started_at)
            .bind(codes::commit_bytes(run.commit))
            .bind(run.branch.as_deref())
            .bind(run.pull_request.map(|number| number as i64))
            .bind(run.name.as_str())
            .bind(run.step.map(Key::from))
            .bind(run.pipeline.map(Key::from))
            .bind(&run.actor)
            .bind(i64::from(run.complete))
            .bind(run.findings as i64)
            .bind(&run.document)
            .bind(&run.tools)
            .bind(run.finished_at)
            .bind(&metrics)
            .bind(&leaked)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
        })?;
        Ok(rows == 1)
    }

    /// What became of a run, and what its sender is told. `branch` and `pull_request` are what was confirmed.
    pub async fn run_ended(
        &mut self,
        repository: Uuid,
        run: RunId,
        state: RunState,
        branch: Option<&str>,
        pull_request: Option<u64>,
        answer: &str,
    ) -> Result<()> {
        let key = self.key();
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "update runs set state = $4, branch = $5, pull_request = $6, answer = $7 where workspace = $1 and repository = $2 and run = $3",
            )
            .bind(key)
            .bind(Key::from(repository))
            .bind(Key::from(run))
            .bind(state.name())
            .bind(branch)
            .bind(pull_request.map(|number| number as i64))
            .bind(answer)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }
}
