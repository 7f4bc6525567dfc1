//! What a run changes on its branch, finding by finding.
//!
//! Owns the judgement of what was seen and of what was not. Where the run stands in the branch's history, and which finding each sighting
//! is, was decided before.

use penstock::analyze::secrets::mask;
use std::collections::{BTreeMap, HashSet};

use penstock_common::{Category, Severity};

use super::is_late;
use super::once::Once;
use crate::track::base::Look;
use crate::track::table::Table;
use crate::track::timeline::{Order, Place};
use crate::track::{
    Account, Actor, Branch, Changes, Commit, Event, Facts, Finding, FindingId, Gap, Gone, Kind, NewIds, Occurrence,
    Point, Print, Prints, Repository, Run, RunId, Seen, Sighting, Stamp, Triage,
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
                Some(id) => self.recognise(id, one),
                None => self.discover(FindingId(ids.next()), one),
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
    fn discover(&mut self, id: FindingId, one: &Once<'_>) -> FindingId {
        let sighting = one.sighting;
        let mut prints = Prints::default();
        prints.add(&sighting.own, sighting.ours, sighting.path_free);
        let (category, rule) = (sighting.category, sighting.rule.clone());
        let absent = self.absence(sighting).into_iter().collect();
        let (triage, proposed, worst) = (Triage::default(), BTreeMap::new(), one.severity);
        let critical_in = (worst == Severity::Critical).then_some(self.run.id);
        let row = Finding { id, category, rule, prints, triage, proposed, absent, worst, critical_in };
        self.changes.findings.push(row);
        id
    }

    /// A known finding may be told by something new.
    fn recognise(&mut self, id: FindingId, one: &Once<'_>) -> FindingId {
        let sighting = one.sighting;
        let Some(known) = self.repository.finding(id) else { return id };
        let worst = self.worst(known, one);
        let absence = self.absence(sighting).filter(|commit| !known.absent.contains(commit));
        let prints = &known.prints;
        let is_told = prints.ours.contains(&sighting.ours)
            && prints.path_free.contains(&sighting.path_free)
            && sighting.own.iter().all(|print| prints.own.contains(print));
        if is_told && absence.is_none() && worst == known.worst {
            return id;
        }
        let mut row = known.clone();
        if worst != row.worst {
            row.worst = worst;
            row.critical_in = (worst == Severity::Critical).then_some(self.run.id);
        }
        row.prints.add(&sighting.own, sighting.ours, sighting.path_free);
        row.absent.extend(absence);
        let over = row.absent.len().saturating_sub(ABSENT_MAX);
        row.absent.drain(..over);
        self.changes.findings.push(row);
        id
    }

    /// The worst severity that was ever reported. A complete run that moves the main branch lowers
    /// it, unless another run of the same commit says worse.
    fn worst(&self, known: &Finding, one: &Once<'_>) -> Severity {
        if one.severity >= known.worst {
            return one.severity;
        }
        let lowers = self.repository.main() == Some(self.branch.id) && one.tool.complete && !self.late;
        let here = self.rows.and_then(|rows| rows.get(&known.id));
        let says_worse =
            |row: &Occurrence| row.severity > one.severity && self.last_seen(row).0.commit == self.run.commit;
        match lowers && !here.is_some_and(says_worse) {
            true => one.severity,
            false => known.worst,
        }
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
        let lasts = one.sighting.category != Category::TestFailure;
        let Some(known) = self.rows.and_then(|rows| rows.get(&finding)) else {
            let gone = self.gone(&fresh);
            let main = self.repository.main().filter(|main| *main != self.branch.id);
            // That a branch has what the main branch has is no news.
            if !main.is_some_and(|main| self.repository.is_open(main, finding)) {
                self.tell(Kind::Introduced, finding);
                if let Some(gone) = gone {
                    self.tell(gone.how.kind(), finding);
                }
            }
            let denied = self.denier(&fresh, None).filter(|_| lasts);
            self.changes.occurrences.push(Occurrence { gone, denied, ..fresh });
            return;
        };
        let mut row = known.clone();
        let seen = self.last_seen(known).0;
        if self.place > self.order.place(&seen) {
            let (first, reopened, introduced_by) = (known.first, known.reopened, known.introduced_by);
            row = Occurrence { first, reopened, introduced_by, gap: known.gap, ..fresh.clone() };
            row.gone = self.gone(&row);
            let denied = known.denied.filter(|_| seen.commit == self.run.commit);
            row.denied = denied.or_else(|| self.denier(&row, Some(known))).filter(|_| lasts);
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
        if lasts && seen.commit == self.run.commit && seen.at != Stamp::MERGED {
            row.at_least(known, &fresh, self.run.id);
        }
        if row != *known {
            self.changes.occurrences.push(row);
        }
    }

    /// The newest other run of the commit that would have reported what is reported now, and did
    /// not. One that saw the finding as it was `known` before has written nothing.
    fn denier(&self, row: &Occurrence, known: Option<&Occurrence>) -> Option<RunId> {
        let what = row.what();
        let saw = |account: &&Account| {
            known.is_some_and(|known| {
                let is_here = known.is_open() || known.seen.commit == self.run.commit;
                account.stamp.run == known.seen.run || (is_here && known.what().is_covered(account))
            })
        };
        let others = self.branch.timeline.accounts_on(self.run.commit, &what).filter(|account| !saw(account));
        others.map(|account| account.stamp.run).filter(|run| *run != self.run.id).max()
    }

    /// Whether there is nothing to write, as for nearly everything in nearly every run. That it was seen again is told by the run's own
    /// account.
    fn is_unchanged(&self, finding: FindingId, one: &Once<'_>) -> bool {
        let Once { series, sighting, tool, .. } = one;
        self.rows.and_then(|rows| rows.get(&finding)).is_some_and(|known| {
            known.is_open()
                && known.content == sighting.content
                && known.severity == one.severity
                && known.allowed == one.allowed
                // Where runs of a commit contradict each other, each sighting is written.
                && (known.denied.is_none() || known.seen.commit != self.run.commit)
                && (!self.facts.by_tree || known.in_base == sighting.in_base)
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
            severity: one.severity,
            content: sighting.content,
            allowed: one.allowed,
            owner: sighting.owner.clone(),
            seen: self.stamp,
            configuration: tool.configuration,
            first: self.stamp,
            gone: None,
            reopened: 0,
            gap: None,
            introduced_by: None,
            denied: None,
            in_base: sighting.in_base.filter(|_| self.facts.by_tree),
        }
    }

    /// Everything on the branch that the run would have seen, and did not.
    fn judge_the_unseen(&mut self, seen: &HashSet<FindingId>) {
        let mut judged = Vec::new();
        let forced_back = self.forced_back();
        for known in self.rows.into_iter().flat_map(Table::values) {
            if seen.contains(&known.finding) {
                continue;
            }
            if let Some(row) = forced_back.as_ref().and_then(|look| self.recalled(look, known)) {
                judged.push((known.gone, row));
                continue;
            }
            // Nothing changes for what was gone before the newest run.
            if (!known.is_open() && !self.late) || !self.speaks_for(known) {
                continue;
            }
            let (seen, configuration) = self.last_seen(known);
            let row = Occurrence { seen, configuration, ..known.clone() };
            let lasts = self.repository.finding(known.finding).is_none_or(Finding::lasts);
            if lasts && known.is_open() && seen.commit == self.run.commit && seen.at != Stamp::MERGED {
                // What another run reported of this commit stays. The first run that contradicts it
                // is kept.
                if known.denied.is_none() || known.seen.commit != self.run.commit {
                    judged.push((known.gone, Occurrence { denied: Some(self.run.id), ..row }));
                }
                continue;
            }
            let gone = self.gone(&row);
            if gone.is_some() && gone != known.gone {
                judged.push((known.gone, Occurrence { gone, ..row }));
            }
        }
        judged.sort_by_key(|(_, row)| row.finding);
        for (old, row) in judged {
            match (old, row.gone) {
                (old, Some(gone)) if old.is_none_or(|old| old.how != gone.how) => {
                    self.tell(gone.how.kind(), row.finding);
                }
                (Some(_), None) => self.tell(Kind::Reopened, row.finding),
                _ => {}
            }
            self.changes.occurrences.push(row);
        }
    }

    /// Whether the silence of this run says anything of a finding: it would have seen it, or it ran
    /// under the same `NAME` on the same files without the tool that found it.
    fn speaks_for(&self, row: &Occurrence) -> bool {
        let without_tool = || {
            *row.series.name == *self.run.name
                && row.seen_in == Seen::Files
                && row.is_open()
                && self.run.tools.iter().all(|tool| *tool.tool != *row.series.tool)
                && self.last_seen(row).0.commit == self.run.commit
        };
        self.accounts.iter().any(|account| row.what().is_covered(account)) || without_tool()
    }

    /// What was on the branch when this commit was its head before, if it was forced back to it.
    fn forced_back(&self) -> Option<Look<'a>> {
        let (known, commit) = (self.known?, self.run.commit);
        let is_back = known.timeline.last() != Some(commit)
            && self.branch.timeline.last() == Some(commit)
            && known.timeline.is_scanned(commit);
        is_back.then(|| Look::new(self.repository, known.id, Point::After(commit)))
    }

    /// A finding that a run reported of this commit before the branch was forced back to it.
    fn recalled(&self, look: &Look<'_>, known: &Occurrence) -> Option<Occurrence> {
        let lasts = self.repository.finding(known.finding).is_none_or(Finding::lasts);
        if !lasts || !look.stands(known.finding) {
            return None;
        }
        let what = known.what();
        let of_account = |account: &Account| (account.stamp, account.configuration);
        let before = self.known?.timeline.accounts_on(self.run.commit, &what).last().map(of_account);
        let own = (known.seen.commit == self.run.commit).then_some((known.seen, known.configuration));
        let (seen, configuration) = own.or(before)?;
        let mut row = Occurrence { seen, configuration, gone: None, denied: Some(self.run.id), ..known.clone() };
        if let Some(gone) = known.gone {
            row.gap = Some(Gap { gone: gone.by, back: self.stamp });
            row.reopened += 1;
        }
        Some(row)
    }

    /// The newest sighting that is known: what is open was also seen by the newest complete run over its place.
    fn last_seen(&self, row: &Occurrence) -> (Stamp, Print) {
        let written = (row.seen, row.configuration);
        if !row.is_open() {
            return written;
        }
        let account = self.branch.timeline.newest_account(&row.what(), Some(self.run.id));
        // Runs of a commit that contradict each other are no sightings.
        let is_sighting = |one: &&Account| row.denied.is_none() || one.stamp.commit != row.seen.commit;
        let newer =
            account.filter(is_sighting).filter(|one| self.order.place(&one.stamp) > self.order.place(&row.seen));
        newer.map_or(written, |one| (one.stamp, one.configuration))
    }

    fn gone(&self, row: &Occurrence) -> Option<Gone> {
        let place = self.order.place(&row.seen);
        let fresh = || self.changes.findings.iter().rev().find(|one| one.id == row.finding);
        let finding = self.repository.finding(row.finding).or_else(fresh);
        self.branch.timeline.gone(&self.order, place, row.configuration, finding, &row.what())
    }

    /// The branch's row with the run in it; what had gone stale is back.
    fn note_the_branch(&mut self) {
        let mut row = self.branch.clone();
        for account in self.accounts {
            if row.stale.remove(&account.series).is_some() {
                let mut event = self.event(Kind::CameBack, FindingId(0));
                event.finding = None;
                event.reason = mask(&format!("`{}` of `{}` ran again", account.series.tool, account.series.name));
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
