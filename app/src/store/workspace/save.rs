//! What an operation changed goes into the database.
//!
//! Owns the writing of changes and their log, at once or through the journal, and the reading of what was shown and told.

use std::collections::HashMap;

use penstock_common::Uuid;
use sqlx::AssertSqlSafe;

use super::codes::{self, json};
use super::rollup::judged;
use super::rows::{self, Form, Prepared};
use super::{Lane, State, Write, journal, logs};
use crate::store::db::{Tx, on};
use crate::store::error::{Error, Result};
use crate::store::key::Key;
use crate::track::chain::{Head, Link};
use crate::track::{Branch, Changes, Event, FindingId, Print, PullRequest, PullRequestState, Series};

/// Findings whose texts are asked for at once.
const TEXTS_MAX: usize = 200;

impl Write {
    /// Writes changes that `lane` has accepted, with what is shown of the findings in them, and gives the end of the log for
    /// [`Write::commit_in`]. Nothing is done twice: rows that are there already are replaced.
    ///
    /// # Errors
    /// When the database does not take them.
    pub async fn changes(
        &mut self,
        lane: &Lane,
        changes: &Changes,
        contents: &HashMap<Print, String>,
        now: i64,
    ) -> Result<Head> {
        let at = self.happened.unwrap_or(now);
        let state = lane.loaded().ok_or(Error::Conflict)?;
        let prepared = rows::prepare(lane.signer()?, state, changes, contents, at)?;
        self.prepared(lane, changes, prepared, now).await
    }

    /// As [`Write::changes`], with rows that were made already.
    ///
    /// # Errors
    /// As there.
    pub async fn prepared(&mut self, lane: &Lane, changes: &Changes, prepared: Prepared, now: i64) -> Result<Head> {
        // Of two copies the second one finds the numbers of its log, or of its journal, taken.
        self.rows(lane, changes, prepared, now).await.map_err(Error::taken_in_between)
    }

    async fn rows(&mut self, lane: &Lane, changes: &Changes, prepared: Prepared, now: i64) -> Result<Head> {
        let of = (self.key(), Key::from(lane.repository()));
        let State { version, ref tally, .. } = *lane.loaded().ok_or(Error::Conflict)?;
        self.prove_findings(of, changes).await?;
        if let Some(main) = changes.main {
            on!(&mut self.tx, connection => {
                sqlx::query("update repositories set main_branch = $3 where workspace = $1 and repository = $2")
                    .bind(of.0)
                    .bind(of.1)
                    .bind(Key::from(main))
                    .execute(connection)
                    .await
                    .map(drop)
            })?;
        }
        for branch in &changes.branches {
            self.branch(of, branch).await?;
        }
        for pull_request in &changes.pull_requests {
            self.pull_request(of, pull_request).await?;
        }
        // A judgement is written to rows that are there, and a branch that is not in memory is counted by its rows.
        let judged = judged(changes);
        let may_follow = judged.is_empty() && changes.occurrences.iter().all(|row| tally.of(row.branch).is_some());
        let entries = match prepared.form {
            Form::Entries(entries) => entries,
            Form::Rows(rows) if may_follow && journal::is_ahead(&mut self.tx, of).await? => journal::entries(rows)?,
            Form::Rows(rows) => {
                if !may_follow {
                    journal::write_out(&mut self.tx, of).await?;
                }
                for rows in rows {
                    rows.write(&mut self.tx, of).await?;
                }
                Vec::new()
            }
        };
        if !entries.is_empty() {
            journal::enter(&mut self.tx, of, version, entries).await?;
            self.is_ahead = may_follow;
            if !may_follow {
                journal::write_out(&mut self.tx, of).await?;
            }
        }
        self.count(lane, of, changes, &judged, now).await?;
        Ok(prepared.end)
    }

    async fn branch(&mut self, of: (Key, Key), branch: &Branch) -> Result<()> {
        let stale: Vec<(&Series, &i64)> = branch.stale.iter().collect();
        let (timeline, stale) = (json(&branch.timeline)?, json(&stale)?);
        let head = branch.head.map(codes::commit_bytes);
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into branches (workspace, repository, branch, name, deleted_at, head, timeline, stale) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8) \
                 on conflict (workspace, repository, branch) do update set name = excluded.name, deleted_at = excluded.deleted_at, \
                 head = excluded.head, timeline = excluded.timeline, stale = excluded.stale",
            )
            .bind(of.0)
            .bind(of.1)
            .bind(Key::from(branch.id))
            .bind(branch.name.as_str())
            .bind(branch.deleted)
            .bind(head)
            .bind(timeline)
            .bind(stale)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }

    async fn pull_request(&mut self, of: (Key, Key), row: &PullRequest) -> Result<()> {
        let (state, merged) = match row.state {
            PullRequestState::Open => (0_i64, None),
            PullRequestState::Merged(commit) => (1, Some(codes::commit_bytes(commit))),
            PullRequestState::Declined => (2, None),
        };
        let number = i64::try_from(row.number).map_err(|_| Error::Corrupt("pull_requests.number"))?;
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into pull_requests (workspace, repository, number, source, destination, head, author, state, merged) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                 on conflict (workspace, repository, number) do update set source = excluded.source, \
                 destination = excluded.destination, head = excluded.head, author = excluded.author, state = excluded.state, \
                 merged = excluded.merged",
            )
            .bind(of.0)
            .bind(of.1)
            .bind(number)
            .bind(row.source.map(Key::from))
            .bind(Key::from(row.destination))
            .bind(codes::commit_bytes(row.head))
            .bind(&row.author)
            .bind(state)
            .bind(merged)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }
}

impl super::Workspace {
    /// What is shown of findings, as JSON, by what stands for it. What is not known is left out.
    pub async fn contents(&self, repository: Uuid, shown: &[(FindingId, Print)]) -> Result<HashMap<Print, String>> {
        let mut contents = HashMap::with_capacity(shown.len());
        if shown.is_empty() {
            return Ok(contents);
        }
        // A text never changes: one that is in its table is right, whatever the journal still has.
        self.known_contents(self.read().await?, repository, shown, &mut contents).await?;
        let missing: Vec<_> = shown.iter().copied().filter(|(_, print)| !contents.contains_key(print)).collect();
        if !missing.is_empty() {
            self.known_contents(self.read_findings(repository).await?, repository, &missing, &mut contents).await?;
        }
        Ok(contents)
    }

    async fn known_contents(
        &self,
        mut tx: Tx,
        repository: Uuid,
        shown: &[(FindingId, Print)],
        contents: &mut HashMap<Print, String>,
    ) -> Result<()> {
        for part in shown.chunks(TEXTS_MAX) {
            let marks = (3..3 + part.len()).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
            let sql = format!(
                "select content, body from contents where workspace = $1 and repository = $2 and finding in ({marks})"
            );
            let rows: Vec<(Key, String)> = on!(&mut tx, connection => {
                let query = sqlx::query_as(AssertSqlSafe(sql)).bind(self.key()).bind(Key::from(repository));
                let bound = part.iter().fold(query, |query, (finding, _)| query.bind(Key::from(*finding)));
                bound.persistent(false).fetch_all(connection).await
            })?;
            let wanted: HashMap<Key, Print> = part.iter().map(|(_, print)| (Key::from(*print), *print)).collect();
            contents.extend(rows.into_iter().filter_map(|(key, body)| wanted.get(&key).map(|print| (*print, body))));
        }
        Ok(())
    }

    /// What happened to a finding, the newest first, at most `limit` events, each with its number in the log.
    pub async fn events_of(&self, repository: Uuid, finding: FindingId, limit: i64) -> Result<Vec<(u64, Event)>> {
        let mut tx = self.read_findings(repository).await?;
        let rows: Vec<(i64, String)> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select number, body from events where workspace = $1 and repository = $2 and finding = $3 order by number desc limit $4",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(Key::from(finding))
            .bind(limit)
            .fetch_all(connection)
            .await
        })?;
        let event =
            |(number, body): (i64, String)| Ok((number.unsigned_abs(), codes::from_json(&body, "events.body")?));
        rows.into_iter().map(event).collect()
    }

    /// The log of a repository from entry `from` on, at most `limit` entries.
    pub async fn log(&self, repository: Uuid, from: u64, limit: i64) -> Result<Vec<Link>> {
        let mut tx = self.read_findings(repository).await?;
        logs::events(&mut tx, (self.key(), Key::from(repository)), from.saturating_sub(1), limit).await
    }
}
