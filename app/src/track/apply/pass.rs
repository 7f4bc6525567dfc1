//! What a run changes on its branch, finding by finding.
//!
//! Owns the judgement of what was seen and of what was not. Where the run stands in the branch's history, and which finding each sighting
//! is, was decided before.

use std::collections::{BTreeMap, HashSet};

use penstock_common::Category;

use super::is_late;
use super::once::Once;
use crate::track::table::Table;
use crate::track::timeline::{Order, Place};
use crate::track::{
    Account, Actor, Branch, Changes, Commit, Event, Facts, Finding, FindingId, Gap, Gone, Kind, NewIds, Occurrence,
    Print, Prints, Repository, Run, Sighting, Stamp, Triage,
};

/// Most commits that are remembered of a secret's absence.
const ABSENT_MAX: usize = 8;

/// One run on its way through a branch.
pub(super) struct Pass<'a> {
    repository: &'a Repository,
    run: &'a Run,
    facts: &'a Facts,
    known: Option<&'a Branch>,
    branch: &'a Branch,
    accounts: &'a [Account],
    rows: Option<&'a Table<FindingId, Occurrence>>,
    order: Order,
    stamp: Stamp,
    place: Place,
    late: bool,
    changes: Changes,
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        repository: &'a Repository,
        run: &'a Run,
        facts: &'a Facts,
        known: Option<&'a Branch>,
        branch: &'a Branch,
        accounts: &'a [Account],
    ) -> Self {
        let order = branch.timeline.order();
        let stamp = Stamp { commit: run.commit, at: run.at, run: run.id };
        let (place, rows) = (order.place(&stamp), repository.rows(branch.id));
        let (late, changes) = (is_late(branch, run), Changes::default());
        Self { repository, run, facts, known, branch, accounts, rows, order, stamp, place, late, changes }
    }

    pub(super) fn changes(mut self, groups: &mut BTreeMap<&str, Vec<Once<'_>>>, ids: &mut impl NewIds) -> Changes {
        let mut seen = HashSet::new();
        for one in groups.values_mut().flatten() {
            let finding = match one.finding {
                Some(id) => self.recognise(id, one.sighting),
                None => self.discover(FindingId(ids.next()), one.sighting),
            };
            one.finding = Some(finding);
            seen.insert(finding);
            self.sight(finding, one);
        }
        self.judge_the_unseen(&seen);
        self.note_the_branch();
        self.changes
    }

    /// A finding that nobody saw before.
    fn discover(&mut self, id: FindingId, sighting: &Sighting) -> FindingId {
        let mut prints = Prints::default();
        prints.add(&sighting.own, sighting.ours, sighting.path_free);
        let (category, rule) = (sighting.category, sighting.rule.clone());
        let absent = self.absence(sighting).into_iter().collect();
        let triage = Triage::default();
        self.changes.findings.push(Finding { id, category, rule, prints, triage, proposed: BTreeMap::new(), absent });
        id
    }

    /// A known finding may be told by something new.
    fn recognise(&mut self, id: FindingId, sighting: &Sighting) -> FindingId {
        let Some(known) = self.repository.finding(id) else { return id };
        let absence = self.absence(sighting).filter(|commit| !known.absent.contains(commit));
        let prints = &known.prints;
        let is_told = prints.ours.contains(&sighting.ours)
            && prints.path_free.contains(&sighting.path_free)
            && sighting.own.iter().all(|print| prints.own.contains(print));
        if is_told && absence.is_none() {
            return id;
        }
        let mut row = known.clone();
        row.prints.add(&sighting.own, sighting.ours, sighting.path_free);
        row.absent.extend(absence);
        let over = row.absent.len().saturating_sub(ABSENT_MAX);
        row.absent.drain(..over);
        self.changes.findings.push(row);
        id
    }

    /// The commit in which the value of a secret does not stand.
    fn absence(&self, sighting: &Sighting) -> Option<Commit> {
        let is_absent = sighting.category == Category::Secret && sighting.value_in_base == Some(false);
        self.facts.base.filter(|_| is_absent).map(|base| base.commit)
    }

    fn sight(&mut self, finding: FindingId, one: &Once<'_>) {
        if self.is_unchanged(finding, one) {
            return;
        }
        let fresh = self.fresh(finding, one);
        let Some(known) = self.rows.and_then(|rows| rows.get(&finding)) else {
            let gone = self.gone(&fresh, &one.sighting.rule);
            let main = self.repository.main().filter(|main| *main != self.branch.id);
            // That a branch has what the main branch has is no news.
            if !main.is_some_and(|main| self.repository.is_open(main, finding)) {
                self.tell(Kind::Introduced, finding);
                if let Some(gone) = gone {
                    self.tell(gone.how.kind(), finding);
                }
            }
            self.changes.occurrences.push(Occurrence { gone, ..fresh });
            return;
        };
        let mut row = known.clone();
        if self.place > self.order.place(&self.last_seen(known).0) {
            let (first, reopened, introduced_by) = (known.first, known.reopened, known.introduced_by);
            row = Occurrence { first, reopened, introduced_by, gap: known.gap, ..fresh };
            row.gone = self.gone(&row, &one.sighting.rule);
            match (known.gone, row.gone) {
                (Some(gone), None) => {
                    row.gap = Some(Gap { gone: gone.by, back: self.stamp });
                    row.reopened += 1;
                    self.tell(Kind::Reopened, finding);
                }
                (Some(old), Some(new)) if old.how == new.how => {}
                // A sighting in other places, which a later run looked through.
                (_, Some(new)) => self.tell(new.how.kind(), finding),
                (None, None) => {}
            }
            if row.path != known.path {
                let event = self.event(Kind::Moved, finding);
                self.changes.events.push(Event { old: known.path.clone(), new: row.path.clone(), ..event });
            }
        }
        if self.place < self.order.place(&known.first) {
            row.first = self.stamp;
        }
        if row != *known {
            self.changes.occurrences.push(row);
        }
    }

    /// Whether there is nothing to write, as for nearly everything in nearly every run. That it was seen again is told by the run's own
    /// account.
    fn is_unchanged(&self, finding: FindingId, one: &Once<'_>) -> bool {
        let Once { series, sighting, tool, .. } = one;
        self.rows.and_then(|rows| rows.get(&finding)).is_some_and(|known| {
            known.is_open()
                && known.content == sighting.content
                && known.severity == sighting.severity
                && known.allowed == sighting.allowed
                && known.owner == sighting.owner
                && known.path == sighting.path
                && known.seen_in == *tool.scope.seen()
                && known.series == *series
                && self.accounts.iter().any(|account| known.what().is_covered(account))
                && self.place > self.order.place(&known.first)
        })
    }

    fn fresh(&self, finding: FindingId, one: &Once<'_>) -> Occurrence {
        let Once { sighting, tool, .. } = one;
        Occurrence {
            finding,
            branch: self.branch.id,
            series: one.series.clone(),
            seen_in: tool.scope.seen().clone(),
            path: sighting.path.clone(),
            severity: sighting.severity,
            content: sighting.content,
            allowed: sighting.allowed,
            owner: sighting.owner.clone(),
            seen: self.stamp,
            configuration: tool.configuration,
            first: self.stamp,
            gone: None,
            reopened: 0,
            gap: None,
            introduced_by: None,
        }
    }

    /// Everything on the branch that the run would have seen, and did not.
    fn judge_the_unseen(&mut self, seen: &HashSet<FindingId>) {
        let mut judged = Vec::new();
        for known in self.rows.into_iter().flat_map(Table::values) {
            // Nothing changes for what was gone before the newest run.
            if (!known.is_open() && !self.late)
                || !self.accounts.iter().any(|account| known.what().is_covered(account))
                || seen.contains(&known.finding)
            {
                continue;
            }
            let (seen, configuration) = self.last_seen(known);
            let row = Occurrence { seen, configuration, ..known.clone() };
            let rule = self.repository.finding(known.finding).map_or("", |finding| &finding.rule);
            let gone = self.gone(&row, rule);
            if gone.is_some() && gone != known.gone {
                judged.push((known.gone, Occurrence { gone, ..row }));
            }
        }
        judged.sort_by_key(|(_, row)| row.finding);
        for (old, row) in judged {
            if let Some(gone) = row.gone.filter(|gone| old.is_none_or(|old| old.how != gone.how)) {
                self.tell(gone.how.kind(), row.finding);
            }
            self.changes.occurrences.push(row);
        }
    }

    /// The newest sighting that is known: what is open was also seen by the newest complete run over its place.
    fn last_seen(&self, row: &Occurrence) -> (Stamp, Print) {
        let written = (row.seen, row.configuration);
        if !row.is_open() {
            return written;
        }
        let account = self.branch.timeline.newest_account(&row.what(), Some(self.run.id));
        let newer = account.filter(|one| self.order.place(&one.stamp) > self.order.place(&row.seen));
        newer.map_or(written, |one| (one.stamp, one.configuration))
    }

    fn gone(&self, row: &Occurrence, rule: &str) -> Option<Gone> {
        let place = self.order.place(&row.seen);
        self.branch.timeline.gone(&self.order, place, row.configuration, rule, &row.what())
    }

    /// The branch's row with the run in it; what had gone stale is back.
    fn note_the_branch(&mut self) {
        let mut row = self.branch.clone();
        for account in self.accounts {
            if row.stale.remove(&account.series).is_some() {
                let mut event = self.event(Kind::CameBack, FindingId(0));
                event.finding = None;
                event.reason = format!("`{}` of `{}` ran again", account.series.tool, account.series.name);
                self.changes.events.push(event);
            }
        }
        if self.known != Some(&row) {
            self.changes.branches.push(row);
        }
    }

    fn event(&self, kind: Kind, finding: FindingId) -> Event {
        let mut event = Event::new(self.facts.now, kind, Actor::Run(self.run.id));
        event.finding = Some(finding);
        event.branch = Some(self.branch.id);
        event.pull_request = self.run.pull_request;
        event
    }

    fn tell(&mut self, kind: Kind, finding: FindingId) {
        let event = self.event(kind, finding);
        self.changes.events.push(event);
    }
}
