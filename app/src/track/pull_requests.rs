//! What becomes of pull requests.
//!
//! Owns what a merge means for the destination: what the source brought stands there from the merge commit on, until a run says
//! otherwise. What the destination had before is left to its own runs: a merge keeps a fix that the source has not got.

use super::timeline::Order;
use super::{
    Actor, Branch, Changes, Commit, Event, Finding, Kind, Occurrence, PullRequest, PullRequestState, Repository, Stamp,
    Standing, Triage,
};
use penstock::analyze::secrets::mask;
use penstock_common::Masked;

/// Takes over a pull request as Bitbucket tells it. One that is over stays so.
pub fn open_pull_request(repository: &Repository, pull_request: PullRequest) -> Changes {
    let known = repository.pull_request(pull_request.number);
    if known.is_some_and(|known| *known == pull_request || known.state != PullRequestState::Open) {
        return Changes::default();
    }
    Changes { pull_requests: vec![pull_request], ..Changes::default() }
}

/// A merge.
#[derive(Clone, Debug)]
pub struct Merge {
    /// The commit of the destination that it made.
    pub commit: Commit,
    /// Where that stands in the destination.
    pub standing: Standing,
    /// Who merged.
    pub actor: Actor,
    /// The moment, in unix milliseconds.
    pub now: i64,
}

/// The pull request was merged. It must have been taken over before; a second time changes nothing.
pub fn merge(repository: &Repository, number: u64, merge: &Merge) -> Changes {
    let state = PullRequestState::Merged(merge.commit);
    let Some(mut changes) = ended(repository, number, state, Kind::Merged, &merge.actor, merge.now) else {
        return Changes::default();
    };
    let destination = changes.pull_requests.first().and_then(|one| repository.branch(one.destination));
    let source = changes.pull_requests.first().and_then(|one| one.source);
    if let (Some(destination), Some(source)) = (destination, source)
        && let Some(timeline) = destination.timeline.with_commit(merge.commit, merge.standing)
    {
        // The source may have been deleted with the merge; what stood on it is still known.
        let mut brought: Vec<&Occurrence> = repository.occurrences(source).filter(|row| row.is_open()).collect();
        brought.sort_by_key(|row| row.finding);
        let destination = Branch { timeline, ..destination.clone() };
        let order = destination.timeline.order();
        let bring = Bring { repository, merge, number, destination: &destination, order };
        brought.into_iter().for_each(|row| bring.one(row, &mut changes));
        if repository.branch(destination.id).is_some_and(|known| *known != destination) {
            changes.branches.push(destination);
        }
    }
    end_proposals(repository, number, Some(&merge.actor), merge.now, &mut changes);
    changes
}

/// The pull request was declined or superseded. A second time changes nothing.
pub fn decline(repository: &Repository, number: u64, actor: &Actor, now: i64) -> Changes {
    let Some(mut changes) = ended(repository, number, PullRequestState::Declined, Kind::Declined, actor, now) else {
        return Changes::default();
    };
    end_proposals(repository, number, None, now, &mut changes);
    changes
}

fn ended(
    repository: &Repository,
    number: u64,
    state: PullRequestState,
    kind: Kind,
    actor: &Actor,
    now: i64,
) -> Option<Changes> {
    let open = repository.pull_request(number).filter(|one| one.state == PullRequestState::Open)?;
    let mut event = Event::new(now, kind, actor.clone());
    event.pull_request = Some(number);
    event.branch = Some(open.destination);
    if let PullRequestState::Merged(commit) = state {
        event.new = mask(&commit.to_string());
    }
    let row = PullRequest { state, ..open.clone() };
    Some(Changes { pull_requests: vec![row], events: vec![event], ..Changes::default() })
}

/// What is needed to bring one finding after another to the destination.
struct Bring<'a> {
    repository: &'a Repository,
    merge: &'a Merge,
    number: u64,
    destination: &'a Branch,
    order: Order,
}

impl Bring<'_> {
    fn one(&self, source: &Occurrence, changes: &mut Changes) {
        // Older than any run on the same commit: what that saw, or did not see, counts.
        let stamp = Stamp { commit: self.merge.commit, at: Stamp::MERGED, run: source.seen.run };
        if let Some(known) = self.repository.occurrence(self.destination.id, source.finding) {
            // A run on the merge commit, or after it, came before the news of the merge.
            if known.introduced_by.is_none() && self.order.place(&known.first) > self.order.place(&stamp) {
                let introduced_by = Some(self.number);
                // What a run of the source reported of this very commit came with the merge.
                let seen = if known.is_carried() && known.seen.commit == stamp.commit { stamp } else { known.seen };
                changes.occurrences.push(Occurrence { introduced_by, first: stamp, seen, ..known.clone() });
            }
            return;
        }
        let finding = self.repository.finding(source.finding);
        let timeline = &self.destination.timeline;
        let gone = timeline.gone(&self.order, self.order.place(&stamp), source.configuration, finding, &source.what());
        let mut event = Event::new(self.merge.now, Kind::Introduced, self.merge.actor.clone());
        event.finding = Some(source.finding);
        event.branch = Some(self.destination.id);
        event.pull_request = Some(self.number);
        changes.events.push(event.clone());
        if let Some(gone) = gone {
            changes.events.push(Event { kind: gone.how.kind(), actor: Actor::Run(gone.by.run), ..event });
        }
        changes.occurrences.push(Occurrence {
            branch: self.destination.id,
            seen: stamp,
            first: stamp,
            gone,
            reopened: 0,
            gap: None,
            introduced_by: Some(self.number),
            denied: None,
            in_base: None,
            ..source.clone()
        });
    }
}

/// What was judged in the pull request holds everywhere when it is merged by somebody, and nowhere otherwise.
fn end_proposals(repository: &Repository, number: u64, merged_by: Option<&Actor>, now: i64, changes: &mut Changes) {
    let mut rows: Vec<Finding> =
        repository.findings().filter(|row| row.proposed.contains_key(&number)).cloned().collect();
    rows.sort_by_key(|row| row.id);
    for mut row in rows {
        let Some(proposed) = row.proposed.remove(&number) else { continue };
        // What was said everywhere after that is the newer word.
        let holds = merged_by.is_some() && proposed.at >= row.triage.at;
        let kind = if holds { Kind::Triaged } else { Kind::Withdrawn };
        let actor =
            proposed.author.clone().filter(|_| holds).or_else(|| merged_by.cloned()).unwrap_or(Actor::Bitbucket);
        let mut event = Event::new(now, kind, actor);
        event.finding = Some(row.id);
        event.pull_request = Some(number);
        event.reason.clone_from(&proposed.reason);
        let name = |triage: &Triage| Masked::from(triage.status.name());
        if holds {
            (event.old, event.new) = (name(&row.triage), name(&proposed));
            let before = std::mem::replace(&mut row.triage, proposed);
            row.triage.join(before);
        } else {
            event.old = name(&proposed);
        }
        changes.events.push(event);
        changes.findings.push(row);
    }
}
