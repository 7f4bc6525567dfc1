//! A repository to play with: commits, runs that are what the test says, and the state after all changes were written.

use crate::program::world::verbatim;
use penstock_common::Masked;
use std::collections::{BTreeMap, BTreeSet};

use penstock_app::track::{
    self, Actor, Applied, BaseCommit, BranchId, Changes, Commit, Event, Facts, Finding, FindingId, Kind, Occurrence,
    Print, PullRequest, PullRequestState, Repository, Run, RunId, Scope, Sighting, Standing, ToolRun,
};
use penstock_common::{Category, Severity};

/// A piece of code that is a finding of the tool `lint`, written `rule path context`.
pub(crate) fn code(words: &str) -> Sighting {
    let words: Vec<&str> = words.split(' ').collect();
    let [rule, path, context] = words[..] else { panic!("a finding has a rule, a path and a context: {words:?}") };
    let print = |parts: [&str; 4]| Print::of(&parts.map(str::as_bytes));
    Sighting {
        path: verbatim(path),
        ours: print(["lint", rule, path, context]),
        path_free: print(["lint", rule, "", context]),
        own: Vec::new(),
        rule: verbatim(rule),
        category: Category::CodeQuality,
        severity: Severity::High,
        content: print([rule, path, context, "line 1"]),
        value_in_base: None,
        in_base: None,
        allowed: None,
        owner: Masked::EMPTY,
    }
}

/// The same, further down.
pub(crate) fn moved(words: &str, line: u32) -> Sighting {
    let sighting = code(words);
    let content = Print::of(&[&sighting.content.0.to_le_bytes(), &line.to_le_bytes()]);
    Sighting { content, ..sighting }
}

pub(crate) fn secret(words: &str, value_in_base: Option<bool>) -> Sighting {
    Sighting { category: Category::Secret, value_in_base, ..code(words) }
}

pub(crate) fn commit(number: u32) -> Commit {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Commit::from(bytes)
}

/// What a tool did: a complete look at all files, unless the test says otherwise.
pub(crate) fn lint(sightings: &[Sighting]) -> ToolRun {
    ToolRun {
        tool: "lint".into(),
        configuration: Print(1),
        scope: Scope::tree(),
        complete: true,
        sightings: sightings.to_vec(),
    }
}

pub(crate) fn lint_codes(codes: &[&str]) -> ToolRun {
    lint(&codes.iter().map(|words| code(words)).collect::<Vec<_>>())
}

/// The state, and what git would know.
pub(crate) struct World {
    pub state: Repository,
    /// The commits of every branch, the oldest first.
    pub git: BTreeMap<String, Vec<Commit>>,
    /// Everything that happened.
    pub events: Vec<Event>,
    pub now: i64,
    next: u128,
}

impl World {
    /// With a main branch `main` of commits 1, 2 and 3.
    pub(crate) fn new() -> Self {
        let (git, events) = (BTreeMap::new(), Vec::new());
        let mut world = Self { state: Repository::default(), git, events, now: 0, next: 1 };
        world.git.insert("main".to_owned(), (1..=3).map(commit).collect());
        let main = world.branch("main");
        world.accept(track::set_main_branch(&world.state, main, Actor::Bitbucket, 0));
        world.events.clear();
        world
    }

    pub(crate) fn accept(&mut self, changes: Changes) -> Changes {
        self.state.accept(changes.clone());
        self.events.extend(changes.events.iter().cloned());
        changes
    }

    /// The branch of this name, made if there is none.
    pub(crate) fn branch(&mut self, name: &str) -> BranchId {
        let Self { state, next, .. } = self;
        let (id, changes) = track::find_or_create_branch(state, &verbatim(name), &mut counter(next));
        self.accept(changes);
        id
    }

    /// A branch with the commits of another up to `from`, and one of its own.
    pub(crate) fn fork(&mut self, name: &str, of: &str, from: u32, own: u32) {
        let mut commits = self.git[of].clone();
        let at = commits.iter().position(|one| *one == commit(from)).unwrap();
        commits.truncate(at + 1);
        commits.push(commit(own));
        self.git.insert(name.to_owned(), commits);
    }

    /// A further commit.
    pub(crate) fn push(&mut self, branch: &str, number: u32) {
        self.git.get_mut(branch).unwrap().push(commit(number));
    }

    pub(crate) fn run_of(&mut self, branch: &str, number: u32, tools: Vec<ToolRun>) -> Run {
        self.now += 1;
        self.next += 1;
        Run {
            id: RunId(self.next),
            commit: commit(number),
            at: self.now,
            name: "penstock".into(),
            branch: Some(verbatim(branch)),
            pull_request: None,
            tools,
        }
    }

    /// Where a commit stands in a branch, as REST would tell it now.
    pub(crate) fn standing(&self, branch: &str, commit: Commit) -> Standing {
        let commits = self.git.get(branch).map(Vec::as_slice).unwrap_or_default();
        match commits.iter().position(|one| *one == commit) {
            None => Standing::Elsewhere,
            Some(at) if at + 1 == commits.len() => Standing::Head,
            Some(_) => Standing::On { after: self.newest_scanned(branch, commit) },
        }
    }

    fn newest_scanned(&self, branch: &str, commit: Commit) -> Option<Commit> {
        let commits = &self.git[branch];
        let at = commits.iter().position(|one| *one == commit)?;
        let timeline = self.state.branch_named(branch)?.timeline.commits();
        commits[..=at].iter().rev().find(|one| timeline.contains(one)).copied()
    }

    /// A base for secrets.
    pub(crate) fn base(&mut self, branch: &str, number: u32) -> BaseCommit {
        let id = self.branch(branch);
        BaseCommit { branch: id, commit: commit(number), after: self.newest_scanned(branch, commit(number)) }
    }

    pub(crate) fn facts(&self, run: &Run) -> Facts {
        let branch = run.branch.as_deref().unwrap_or_default();
        Facts { standing: self.standing(branch, run.commit), base: None, now: self.now, by_tree: false }
    }

    pub(crate) fn apply_with(&mut self, run: &Run, facts: &Facts) -> Applied {
        let Self { state, next, .. } = self;
        let applied = track::apply_run(state, run, facts, &mut counter(next));
        self.accept(applied.changes.clone());
        applied
    }

    pub(crate) fn apply(&mut self, run: &Run) -> Applied {
        let facts = self.facts(run);
        self.apply_with(run, &facts)
    }

    /// A run of these tools on a commit of a branch.
    pub(crate) fn scan_with(&mut self, branch: &str, number: u32, tools: Vec<ToolRun>) -> Applied {
        let run = self.run_of(branch, number, tools);
        self.apply(&run)
    }

    /// A complete run of `lint` that found these.
    pub(crate) fn scan(&mut self, branch: &str, number: u32, codes: &[&str]) -> Applied {
        self.scan_with(branch, number, vec![lint_codes(codes)])
    }

    /// The same with a base for secrets.
    pub(crate) fn scan_secrets(
        &mut self,
        branch: &str,
        number: u32,
        base: (&str, u32),
        secrets: &[Sighting],
    ) -> Applied {
        let run = self.run_of(branch, number, vec![lint(secrets)]);
        let base = Some(self.base(base.0, base.1));
        let facts = Facts { base, ..self.facts(&run) };
        self.apply_with(&run, &facts)
    }

    pub(crate) fn open_pull_request(&mut self, number: u64, source: &str, destination: &str) {
        let head = *self.git[source].last().unwrap();
        let (source, destination) = (self.branch(source), self.branch(destination));
        let (author, state) = ("557058:author".to_owned(), PullRequestState::Open);
        let row = PullRequest { number, source: Some(source), destination, head, author, state };
        self.accept(track::open_pull_request(&self.state, row));
    }

    /// The merge commit is the new head of the destination.
    pub(crate) fn merge(&mut self, number: u64, merge_commit: u32) -> Changes {
        let destination = self.state.pull_request(number).unwrap().destination;
        let name = self.state.branch(destination).unwrap().name.clone();
        if !self.git[name.as_str()].contains(&commit(merge_commit)) {
            self.push(&name, merge_commit);
        }
        let standing = self.standing(&name, commit(merge_commit));
        let merge = track::Merge { commit: commit(merge_commit), standing, actor: person("merger"), now: self.now };
        self.accept(track::merge(&self.state, number, &merge))
    }

    /// The finding that was last known by this code.
    pub(crate) fn finding(&self, words: &str) -> &Finding {
        let all = self.findings(words);
        assert_eq!(all.len(), 1, "`{words}` is {} findings", all.len());
        all[0]
    }

    /// All findings that were ever known by this code, the oldest first.
    pub(crate) fn findings(&self, words: &str) -> Vec<&Finding> {
        let ours = code(words).ours;
        let mut all: Vec<&Finding> = self.state.findings().filter(|one| one.prints.ours.contains(&ours)).collect();
        all.sort_by_key(|one| one.id);
        all
    }

    pub(crate) fn id(&self, words: &str) -> FindingId {
        self.finding(words).id
    }

    pub(crate) fn row(&self, branch: &str, words: &str) -> &Occurrence {
        let branch = self.state.branch_named(branch).unwrap().id;
        self.state.occurrence(branch, self.id(words)).unwrap()
    }

    pub(crate) fn detection(&self, branch: &str, words: &str) -> Option<track::Detection> {
        self.state.detection(self.state.branch_named(branch)?.id, self.id(words))
    }

    /// Places of what is open.
    pub(crate) fn open(&self, branch: &str) -> Vec<String> {
        let Some(branch) = self.state.branch_named(branch) else { return Vec::new() };
        let mut paths: Vec<String> = self.state.open(branch.id).map(|row| row.path.to_string()).collect();
        paths.sort();
        paths
    }

    /// What happened since this was last asked.
    pub(crate) fn news(&mut self) -> Vec<Kind> {
        std::mem::take(&mut self.events).into_iter().map(|event| event.kind).collect()
    }

    pub(crate) fn triage(&mut self, words: &str, pull_request: Option<u64>, status: track::Status) {
        let id = self.id(words);
        self.triage_finding(id, pull_request, status);
    }

    pub(crate) fn triage_finding(&mut self, id: FindingId, pull_request: Option<u64>, status: track::Status) {
        self.now += 1;
        let decision = decision(status, self.now);
        let changes = track::triage(&self.state, id, pull_request, &decision).unwrap();
        self.accept(changes);
    }
}

pub(crate) fn decision(status: track::Status, now: i64) -> track::Decision {
    let (author, account) = (person("reviewer"), "557058:reviewer".to_owned());
    track::Decision { status, reason: "looked at it".into(), author, account, expires: None, now }
}

pub(crate) fn person(name: &str) -> Actor {
    Actor::Account(format!("557058:{name}"))
}

/// Numbers that were not given before.
pub(crate) fn counter(next: &mut u128) -> impl FnMut() -> u128 + '_ {
    || {
        *next += 1;
        *next
    }
}

/// Rows that a run wrote, without the branch's own.
pub(crate) fn rows_written(applied: &Applied) -> usize {
    applied.changes.findings.len() + applied.changes.occurrences.len() + applied.changes.events.len()
}

pub(crate) fn distinct(matched: &[Vec<Option<FindingId>>]) -> BTreeSet<FindingId> {
    matched.iter().flatten().filter_map(|one| *one).collect()
}
