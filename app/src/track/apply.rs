//! A run is applied.
//!
//! Owns the way from a run to changes: it is put in its place in the branch's history, its sightings are matched, and every finding that
//! it saw, or would have seen, is judged anew. A run that came late fills in the history and moves nothing; one that nobody confirmed
//! changes nothing at all.

use std::collections::{BTreeMap, HashMap, HashSet};

use penstock_common::Category;

use super::base::Look;
use super::matching::Matching;
use super::timeline::{Order, Place};
use super::{
    Account, Actor, Branch, BranchId, Changes, Event, Facts, Finding, FindingId, Kind, NewIds, Occurrence, Point,
    Prints, Repository, Run, Series, Sighting, Stamp, Standing, ToolRun, Triage,
};

/// Most commits that are remembered of a secret's absence.
const ABSENT_MAX: usize = 8;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Applied {
    /// What to write.
    pub changes: Changes,
    /// What the run did to its branch.
    pub effect: Effect,
    /// The branch, if it is known.
    pub branch: Option<BranchId>,
    /// The finding of each sighting, by tool and place in the run. Without a place in a branch no findings are made, and what nobody knew
    /// before has none.
    pub matched: Vec<Vec<Option<FindingId>>>,
}

/// What a run does to its branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The branch is now as this run saw it.
    Moved,
    /// The branch was scanned further already; the run tells of its past.
    History,
    /// The run was applied before.
    Repeated,
    /// Its place is not known: it is not confirmed, too old, or of no branch.
    Nothing,
}

/// Applies a run. New findings and branches get their ids from `ids`.
pub fn apply_run(repository: &Repository, run: &Run, facts: &Facts, ids: &mut impl NewIds) -> Applied {
    let known = run.branch.as_deref().and_then(|name| repository.branch_named(name));
    let placed = place(known, run, facts, ids);
    let (effect, branch) = match &placed {
        Placed::Nowhere => (Effect::Nothing, known),
        Placed::Already => (Effect::Repeated, known),
        Placed::In(branch) if branch.timeline.last() == Some(run.commit) => (Effect::Moved, Some(branch)),
        Placed::In(branch) => (Effect::History, Some(branch)),
    };
    let accounts = accounts(run);
    let late = matches!(&placed, Placed::In(branch) if is_late(branch, run));
    let matching = Matching {
        repository,
        branch: known.map(|branch| branch.id),
        commit: run.commit,
        base: facts
            .base
            .map(|base| Look::new(repository, base.branch, base.after.map_or(Point::Nothing, Point::After))),
        accounts: if late { &[] } else { &accounts },
    };
    let mut groups = group(run);
    for series in groups.values_mut() {
        let sightings: Vec<&Sighting> = series.iter().map(|one| one.sighting).collect();
        for (one, found) in series.iter_mut().zip(matching.findings(&sightings)) {
            one.finding = found;
        }
    }
    let changes = match &placed {
        Placed::In(branch) => Pass::new(repository, run, facts, known, branch, &accounts).changes(&mut groups, ids),
        Placed::Nowhere | Placed::Already => Changes::default(),
    };
    let mut matched: Vec<Vec<Option<FindingId>>> =
        run.tools.iter().map(|tool| vec![None; tool.sightings.len()]).collect();
    for one in groups.values().flatten() {
        one.slots.iter().for_each(|&(tool, at)| matched[tool][at] = one.finding);
    }
    Applied { changes, effect, branch: branch.map(|branch| branch.id), matched }
}

/// Where a run belongs.
enum Placed {
    Nowhere,
    Already,
    /// In this branch, which has the run in its timeline.
    In(Branch),
}

fn place(known: Option<&Branch>, run: &Run, facts: &Facts, ids: &mut impl NewIds) -> Placed {
    let Some(name) = &run.branch else { return Placed::Nowhere };
    if known.is_some_and(|branch| branch.timeline.has_run(run.id)) {
        return Placed::Already;
    }
    if matches!(facts.standing, Standing::Unconfirmed | Standing::Elsewhere) {
        return Placed::Nowhere;
    }
    let mut branch = known.cloned().unwrap_or_else(|| Branch::new(BranchId(ids.next()), name));
    let Some(timeline) = branch.timeline.with_commit(run.commit, facts.standing) else { return Placed::Nowhere };
    branch.timeline = timeline.with_run(run);
    if facts.standing == Standing::Head {
        branch.head = Some(run.commit);
    }
    Placed::In(branch)
}

/// Whether another run has a later place. A merge that is not scanned yet has brought findings after this run, too.
fn is_late(branch: &Branch, run: &Run) -> bool {
    branch.timeline.last() != Some(run.commit)
        || branch.timeline.accounts().last().is_some_and(|last| last.stamp.run != run.id)
}

/// What the run itself speaks for.
fn accounts(run: &Run) -> Vec<Account> {
    super::Timeline::default()
        .with_commit(run.commit, Standing::Head)
        .map(|timeline| timeline.with_run(run).accounts().to_vec())
        .unwrap_or_default()
}

/// A finding as the run saw it, repetitions put together.
struct Once<'r> {
    series: Series,
    sighting: &'r Sighting,
    tool: &'r ToolRun,
    /// Where it and its repetitions stand in the run.
    slots: Vec<(usize, usize)>,
    finding: Option<FindingId>,
}

/// Sightings by tool, each fingerprint once, in an order that is their own.
fn group(run: &Run) -> BTreeMap<&str, Vec<Once<'_>>> {
    let mut groups: BTreeMap<&str, Vec<Once<'_>>> = BTreeMap::new();
    for (number, tool) in run.tools.iter().enumerate() {
        let group = groups.entry(&tool.tool).or_default();
        let series = Series::from((tool.tool.clone(), run.name.clone()));
        let of =
            |(at, sighting)| Once { series: series.clone(), sighting, tool, slots: vec![(number, at)], finding: None };
        group.extend(tool.sightings.iter().enumerate().map(of));
    }
    for group in groups.values_mut() {
        // Of repetitions the first counts: what also stands in the past needs more than a change of files, and a value that is new once is
        // new.
        group.sort_by(|a, b| {
            (&a.sighting.path, a.sighting.ours)
                .cmp(&(&b.sighting.path, b.sighting.ours))
                .then_with(|| b.tool.scope.seen().cmp(a.tool.scope.seen()))
                .then_with(|| a.sighting.cmp(b.sighting))
                .then_with(|| a.tool.configuration.cmp(&b.tool.configuration))
        });
        group.dedup_by(|again, first| {
            let same = again.sighting.path == first.sighting.path && again.sighting.ours == first.sighting.ours;
            if same {
                first.slots.append(&mut again.slots);
            }
            same
        });
    }
    groups
}

/// One run on its way through a branch.
struct Pass<'a> {
    repository: &'a Repository,
    run: &'a Run,
    facts: &'a Facts,
    known: Option<&'a Branch>,
    branch: &'a Branch,
    accounts: &'a [Account],
    rows: Option<&'a HashMap<FindingId, Occurrence>>,
    order: Order,
    stamp: Stamp,
    place: Place,
    late: bool,
    changes: Changes,
}

impl<'a> Pass<'a> {
    fn new(
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

    fn changes(mut self, groups: &mut BTreeMap<&str, Vec<Once<'_>>>, ids: &mut impl NewIds) -> Changes {
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
    fn absence(&self, sighting: &Sighting) -> Option<super::Commit> {
        let is_absent = sighting.category == Category::Secret && sighting.value_in_base == Some(false);
        self.facts.base.filter(|_| is_absent).map(|base| base.commit)
    }

    fn sight(&mut self, finding: FindingId, one: &Once<'_>) {
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
            row = Occurrence { first, reopened, introduced_by, ..fresh };
            row.gone = self.gone(&row, &one.sighting.rule);
            match (known.gone, row.gone) {
                (Some(_), None) => {
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
            // That it was seen again is told by the run's account, and need not be written.
            let is_told = known.is_open() && self.accounts.iter().any(|account| row.what().is_covered(account));
            if is_told && row == (Occurrence { seen: row.seen, configuration: row.configuration, ..known.clone() }) {
                row = known.clone();
            }
        }
        if self.place < self.order.place(&known.first) {
            row.first = self.stamp;
        }
        if row != *known {
            self.changes.occurrences.push(row);
        }
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
            seen: self.stamp,
            configuration: tool.configuration,
            first: self.stamp,
            gone: None,
            reopened: 0,
            introduced_by: None,
        }
    }

    /// Everything on the branch that the run would have seen, and did not.
    fn judge_the_unseen(&mut self, seen: &HashSet<FindingId>) {
        let mut judged = Vec::new();
        for known in self.rows.into_iter().flat_map(HashMap::values) {
            // Nothing changes for what was gone before the newest run.
            if (!known.is_open() && !self.late)
                || seen.contains(&known.finding)
                || !self.accounts.iter().any(|account| known.what().is_covered(account))
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
    fn last_seen(&self, row: &Occurrence) -> (Stamp, super::Print) {
        let written = (row.seen, row.configuration);
        if !row.is_open() {
            return written;
        }
        let account = self.branch.timeline.newest_account(&row.what(), Some(self.run.id));
        let newer = account.filter(|one| self.order.place(&one.stamp) > self.order.place(&row.seen));
        newer.map_or(written, |one| (one.stamp, one.configuration))
    }

    fn gone(&self, row: &Occurrence, rule: &str) -> Option<super::Gone> {
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
