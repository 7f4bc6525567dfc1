//! Occurrences without their finding.
//!
//! Owns the proof that a change writes none, made in the transaction that writes it, and the search
//! for those that an older version wrote. How they are repaired is decided elsewhere.

use std::collections::HashSet;

use penstock_common::Uuid;

use super::{Workspace, Write, journal, load};
use crate::store::db::on;
use crate::store::dialect::without_finding::without_finding;
use crate::store::error::{Error, Result};
use crate::store::key::Key;
use crate::track::{BranchId, Changes, Finding, FindingId, Occurrence};

/// What is wrong with the findings of a repository.
#[derive(Debug, Default)]
pub struct Damage {
    /// Occurrences without their finding.
    pub orphans: Vec<Occurrence>,
    /// Occurrences that cannot be read.
    pub unreadable: Vec<(BranchId, FindingId)>,
    /// Findings that cannot be read, each as far as it can be.
    pub findings: Vec<(FindingId, Option<Finding>)>,
    /// The occurrences of those.
    pub hidden: Vec<Occurrence>,
    /// Numbers of entries of the journal that could not be written, and why.
    pub set_aside: Vec<(i64, String)>,
}

impl Damage {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.orphans.is_empty() && self.unreadable.is_empty() && self.findings.is_empty() && self.set_aside.is_empty()
    }
}

impl Write {
    /// Proves that every occurrence of a change has its finding: in the same change, in its table
    /// or in the journal.
    ///
    /// # Errors
    /// [`Error::Conflict`] if one has none: then what was in memory was not true, and the operation
    /// begins again.
    pub(super) async fn prove_findings(&mut self, of: (Key, Key), changes: &Changes) -> Result<()> {
        let changed: HashSet<FindingId> = changes.findings.iter().map(|row| row.id).collect();
        let others = changes.occurrences.iter().map(|row| row.finding).filter(|id| !changed.contains(id));
        let mut missing: Vec<Key> = others.map(Key::from).collect();
        missing.sort_unstable();
        missing.dedup();
        missing = without_finding(&mut self.tx, of, &missing).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let waiting = journal::findings(&mut self.tx, of).await?;
        missing.retain(|finding| !waiting.contains(finding));
        // An entry may have come into its table between the two questions.
        missing = without_finding(&mut self.tx, of, &missing).await?;
        let Some(first) = missing.first() else { return Ok(()) };
        let (repository, finding) = (of.1.uuid(), FindingId(first.number()));
        tracing::error!(%repository, count = missing.len(), %finding, "a change has occurrences without their finding, and is made again");
        Err(Error::Conflict)
    }

    /// Deletes occurrences. What is open on their branches must be counted again afterwards.
    pub async fn drop_occurrences(&mut self, repository: Uuid, rows: &[(BranchId, FindingId)]) -> Result<()> {
        let of = (self.key(), Key::from(repository));
        for (branch, finding) in rows {
            on!(&mut self.tx, connection => {
                sqlx::query("delete from occurrences where workspace = $1 and repository = $2 and branch = $3 and finding = $4")
                    .bind(of.0)
                    .bind(of.1)
                    .bind(Key::from(*branch))
                    .bind(Key::from(*finding))
                    .execute(connection)
                    .await
                    .map(drop)
            })?;
        }
        Ok(())
    }

    /// Deletes findings. Their occurrences stay, and have none then.
    pub async fn drop_findings(&mut self, repository: Uuid, findings: &[FindingId]) -> Result<()> {
        let of = (self.key(), Key::from(repository));
        for finding in findings {
            on!(&mut self.tx, connection => {
                sqlx::query("delete from findings where workspace = $1 and repository = $2 and finding = $3")
                    .bind(of.0)
                    .bind(of.1)
                    .bind(Key::from(*finding))
                    .execute(connection)
                    .await
                    .map(drop)
            })?;
        }
        Ok(())
    }

    /// Counts what is open on a branch again, by its rows.
    pub async fn recount(&mut self, repository: Uuid, branch: BranchId) -> Result<()> {
        let of = (self.key(), Key::from(repository));
        let open = self.open(of, branch).await?;
        self.branch_count(of, branch, &open).await
    }
}

impl Workspace {
    /// Looks for damage in a repository.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn damage(&self, repository: Uuid) -> Result<Damage> {
        let of = (self.key(), Key::from(repository));
        let mut tx = self.read_findings(repository).await?;
        let findings = load::unreadable_findings(&mut tx, of).await?;
        let load::Unsound { orphans, hidden, unreadable } = load::unsound(&mut tx, of).await?;
        let set_aside = on!(&mut tx, connection => {
            sqlx::query_as("select number, why from journal_set_aside where workspace = $1 and repository = $2 order by number")
                .bind(of.0)
                .bind(of.1)
                .fetch_all(connection)
                .await
        })?;
        Ok(Damage { orphans, unreadable, findings, hidden, set_aside })
    }
}
