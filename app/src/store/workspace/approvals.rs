//! Judgements that wait for a second person, and what became of them.

use penstock_common::{Severity, Uuid};
use sqlx::FromRow;

use super::codes::{self, from_json, json};
use super::{Workspace, Write};
use crate::store::db::on;
use crate::store::error::{Error, Result};
use crate::store::key::Key;
use crate::track::{FindingId, Triage};

/// A judgement on its way to a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApproval {
    /// Its id.
    pub approval: u128,
    /// In which repository.
    pub repository: Uuid,
    /// Of which finding.
    pub finding: FindingId,
    /// Only in this pull request.
    pub pull_request: Option<u64>,
    /// What shall hold. Its author is who proposes it, as the finding will tell it.
    pub judgement: Triage,
    /// The account that proposes it.
    pub proposer: String,
}

/// A judgement that a second person was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// As it was proposed.
    pub new: NewApproval,
    /// When.
    pub proposed_at: i64,
    /// What became of it.
    pub state: ApprovalState,
    /// By whom it was ended, and when.
    pub ended: Option<(String, i64)>,
}

/// What became of a judgement that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalState {
    /// Nothing yet.
    Waiting,
    /// Somebody else agreed: it holds.
    Approved,
    /// Somebody else said no.
    Rejected,
    /// Who proposed it took it back.
    Withdrawn,
}

impl ApprovalState {
    const ALL: [Self; 4] = [Self::Waiting, Self::Approved, Self::Rejected, Self::Withdrawn];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }
}

#[derive(FromRow)]
struct Row {
    repository: Key,
    approval: Key,
    finding: Key,
    pull_request: i64,
    judgement: String,
    proposer: String,
    proposed_at: i64,
    state: String,
    ended_by: Option<String>,
    ended_at: Option<i64>,
}

impl TryFrom<Row> for Approval {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let state = ApprovalState::ALL.into_iter().find(|one| one.name() == row.state);
        Ok(Self {
            new: NewApproval {
                approval: row.approval.number(),
                repository: row.repository.uuid(),
                finding: FindingId(row.finding.number()),
                pull_request: Some(row.pull_request.unsigned_abs()).filter(|number| *number > 0),
                judgement: from_json(&row.judgement, "approvals.judgement")?,
                proposer: row.proposer,
            },
            proposed_at: row.proposed_at,
            state: state.ok_or(Error::Corrupt("approvals.state"))?,
            ended: row.ended_by.zip(row.ended_at),
        })
    }
}

/// A pull request as the column has it.
fn number(pull_request: Option<u64>) -> Result<i64> {
    i64::try_from(pull_request.unwrap_or(0)).map_err(|_| Error::Corrupt("approvals.pull_request"))
}

impl Workspace {
    /// One, whatever became of it.
    pub async fn approval(&self, repository: Uuid, approval: u128) -> Result<Option<Approval>> {
        let mut tx = self.read().await?;
        let row: Option<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select repository, approval, finding, pull_request, judgement, proposer, proposed_at, state, ended_by, ended_at \
                 from approvals where workspace = $1 and repository = $2 and approval = $3",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(Key::from(approval))
            .fetch_optional(connection)
            .await
        })?;
        row.map(Approval::try_from).transpose()
    }

    /// The one that waits for a finding, in a pull request or everywhere.
    pub async fn waiting_approval(
        &self,
        repository: Uuid,
        finding: FindingId,
        pull_request: Option<u64>,
    ) -> Result<Option<Approval>> {
        let pull_request = number(pull_request)?;
        let mut tx = self.read().await?;
        let row: Option<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select repository, approval, finding, pull_request, judgement, proposer, proposed_at, state, ended_by, ended_at \
                 from approvals where workspace = $1 and repository = $2 and finding = $3 and pull_request = $4 and state = 'waiting'",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(Key::from(finding))
            .bind(pull_request)
            .fetch_optional(connection)
            .await
        })?;
        row.map(Approval::try_from).transpose()
    }

    /// Those before `before` (an id; the greatest for the first page), the newest first, at most `limit`; of one repository, in one state, or all.
    pub async fn approvals(
        &self,
        repository: Option<Uuid>,
        state: Option<ApprovalState>,
        before: u128,
        limit: i64,
    ) -> Result<Vec<Approval>> {
        let mut tx = self.read().await?;
        let rows: Vec<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select repository, approval, finding, pull_request, judgement, proposer, proposed_at, state, ended_by, ended_at \
                 from approvals where workspace = $1 and ($2 is null or repository = $2) and ($3 is null or state = $3) and approval < $4 \
                 order by approval desc limit $5",
            )
            .bind(self.key())
            .bind(repository.map(Key::from))
            .bind(state.map(ApprovalState::name))
            .bind(Key::from(before))
            .bind(limit)
            .fetch_all(connection)
            .await
        })?;
        rows.into_iter().map(Approval::try_from).collect()
    }

    /// How severe a finding is where it is open now, on the branch where it is worst; nothing if it
    /// is open nowhere.
    pub async fn worst_open(&self, repository: Uuid, finding: FindingId) -> Result<Option<Severity>> {
        let mut tx = self.read_findings(repository).await?;
        let worst: Option<i64> = on!(&mut tx, connection => {
            sqlx::query_scalar(
                "select max(o.severity) from occurrences o join branches b on b.workspace = o.workspace and b.repository = o.repository \
                 and b.branch = o.branch where o.workspace = $1 and o.repository = $2 and o.finding = $3 and o.gone is null \
                 and b.deleted_at is null",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(Key::from(finding))
            .fetch_one(connection)
            .await
        })?;
        worst.map(codes::severity).transpose()
    }
}

impl Write {
    /// Keeps a judgement until a second person says something; `false` if one waits for this finding already.
    pub async fn propose(&mut self, new: &NewApproval, now: i64) -> Result<bool> {
        let key = self.key();
        let (pull_request, judgement) = (number(new.pull_request)?, json(&new.judgement)?);
        let rows = on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into approvals (workspace, repository, approval, finding, pull_request, judgement, proposer, proposed_at, state) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting') on conflict do nothing",
            )
            .bind(key)
            .bind(Key::from(new.repository))
            .bind(Key::from(new.approval))
            .bind(Key::from(new.finding))
            .bind(pull_request)
            .bind(judgement)
            .bind(&new.proposer)
            .bind(now)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
        })?;
        Ok(rows == 1)
    }

    /// What became of one; `false` if it does not wait any more.
    pub async fn end_approval(
        &mut self,
        repository: Uuid,
        approval: u128,
        state: ApprovalState,
        by: &str,
        now: i64,
    ) -> Result<bool> {
        let key = self.key();
        let rows = on!(&mut self.tx, connection => {
            sqlx::query(
                "update approvals set state = $4, ended_by = $5, ended_at = $6 \
                 where workspace = $1 and repository = $2 and approval = $3 and state = 'waiting'",
            )
            .bind(key)
            .bind(Key::from(repository))
            .bind(Key::from(approval))
            .bind(state.name())
            .bind(by)
            .bind(now)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
        })?;
        Ok(rows == 1)
    }
}
