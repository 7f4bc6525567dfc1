//! Random sequences of scans, branches, merges and judgements against a model that keeps everything and computes from the definition.

use std::collections::{BTreeMap, BTreeSet};

use penstock_app::track::{self, Actor, PullRequestState, Scope, Seen, Stamp, Status};
use proptest::prelude::*;

use super::scans::{CODES, Part, Scan, scan, words};
use super::world::{World, commit, decision, person};

#[derive(Clone, Debug)]
enum Action {
    /// A branch grows by a commit.
    Push(usize),
    /// A branch begins at the head of main; if there is one of that name, it is deleted first.
    Fork(usize),
    /// A run on a commit so far behind the head.
    Scan(usize, Scan),
    /// A pull request of a branch.
    Open(usize),
    Merge(usize),
    Decline(usize),
    /// Of a code, everywhere or in a pull request.
    Triage(&'static str, u8, Option<usize>, Status),
}

const BRANCHES: [&str; 3] = ["main", "one", "two"];

fn action() -> impl Strategy<Value = Action> {
    let branch = 0..BRANCHES.len();
    let status = prop::sample::select(vec![Status::Confirmed, Status::FalsePositive, Status::NeedsTriage]);
    let tool = prop::sample::select(vec!["lint", "audit"]);
    prop_oneof![
        2 => branch.clone().prop_map(Action::Push),
        1 => (1..BRANCHES.len()).prop_map(Action::Fork),
        6 => (branch, scan(0..3)).prop_map(|(branch, scan)| Action::Scan(branch, scan)),
        1 => (1..BRANCHES.len()).prop_map(Action::Open),
        1 => (0_usize..4).prop_map(Action::Merge),
        1 => (0_usize..4).prop_map(Action::Decline),
        2 => (tool, 0..CODES, prop::option::of(0_usize..4), status)
            .prop_map(|(tool, code, number, status)| Action::Triage(tool, code, number, status)),
    ]
}

/// A place in the history of a branch.
type Key = (usize, i64, u128);
type Code = (&'static str, u8);

/// A sighting, from a run or from a merge.
#[derive(Clone, Copy)]
struct Sight {
    key: Key,
    name: &'static str,
    past: bool,
}

impl Sight {
    /// Whether a run at `key` comes late enough to refute it: a run refutes what was reported of an
    /// earlier commit, and what a merge brought.
    fn is_before(&self, key: Key) -> bool {
        if self.key.1 == Stamp::MERGED { key > self.key } else { key.0 > self.key.0 }
    }
}

#[derive(Default)]
struct ModelBranch {
    scans: Vec<(Key, Scan)>,
    brought: BTreeMap<Code, Sight>,
    deleted: bool,
}

impl ModelBranch {
    fn newest(&self, code: Code) -> Option<Sight> {
        let saw = |part: &&Part| part.tool == code.0 && part.codes.contains(&code.1);
        let seen = self.scans.iter().filter_map(|(key, scan)| {
            let parts: Vec<&Part> = scan.parts.iter().filter(saw).collect();
            let past = parts.iter().any(|part| *Scope::of_words(part.scope).seen() == Seen::Past);
            (!parts.is_empty()).then_some(Sight { key: *key, name: scan.name(), past })
        });
        seen.chain(self.brought.get(&code).copied()).max_by_key(|sight| sight.key)
    }

    fn is_open(&self, code: Code) -> bool {
        let Some(newest) = self.newest(code) else { return false };
        let in_lib = code.1.is_multiple_of(2);
        let would_see = |part: &Part| match part.scope {
            "tree ." => !newest.past,
            "tree lib" => !newest.past && in_lib,
            "tree src" => !newest.past && !in_lib,
            "history" => newest.past,
            _ => false,
        };
        let refutes = |part: &Part| part.tool == code.0 && part.complete && would_see(part);
        !self
            .scans
            .iter()
            .any(|(key, scan)| newest.is_before(*key) && scan.name() == newest.name && scan.parts.iter().any(refutes))
    }
}

#[derive(Default)]
struct Model {
    branches: Vec<ModelBranch>,
    /// Which of the branches has the name now.
    names: BTreeMap<&'static str, usize>,
    pull_requests: Vec<(usize, bool)>,
    triage: BTreeMap<Code, (i64, Status)>,
    proposed: BTreeMap<(usize, Code), (i64, Status)>,
    seen: BTreeSet<Code>,
}

fn codes() -> impl Iterator<Item = Code> {
    ["lint", "audit"].into_iter().flat_map(|tool| (0..CODES).map(move |code| (tool, code)))
}

/// Both side by side.
struct Both {
    world: World,
    model: Model,
    commits: u32,
    runs: u128,
}

impl Both {
    fn new() -> Self {
        let mut model = Model::default();
        model.branches.push(ModelBranch::default());
        model.names.insert("main", 0);
        Self { world: World::new(), model, commits: 100, runs: 1_000_000 }
    }

    fn act(&mut self, action: &Action) {
        self.world.now += 1;
        self.commits += 1;
        let own = self.commits;
        match action {
            Action::Push(branch) if self.model.names.contains_key(BRANCHES[*branch]) => {
                self.world.push(BRANCHES[*branch], own);
            }
            Action::Fork(branch) => self.fork(BRANCHES[*branch], own),
            Action::Scan(branch, scan) if self.model.names.contains_key(BRANCHES[*branch]) => {
                self.scan(BRANCHES[*branch], scan);
            }
            Action::Open(branch) => {
                let name = BRANCHES[*branch];
                if let Some(&source) = self.model.names.get(name) {
                    self.model.pull_requests.push((source, true));
                    self.world.open_pull_request(self.model.pull_requests.len() as u64 - 1, name, "main");
                }
            }
            Action::Merge(number) => self.merge(*number, own),
            Action::Decline(number) => {
                if self.end(*number) {
                    let changes = track::decline(&self.world.state, *number as u64, &person("author"), self.world.now);
                    self.world.accept(changes);
                    self.model.proposed.retain(|(of, _), _| of != number);
                }
            }
            Action::Triage(tool, code, number, status) => self.triage((tool, *code), *number, *status),
            Action::Push(_) | Action::Scan(..) => {}
        }
    }

    fn fork(&mut self, name: &'static str, own: u32) {
        if let Some(old) = self.model.names.remove(name) {
            self.model.branches[old].deleted = true;
            let id = self.world.branch(name);
            let changes = track::delete_branch(&self.world.state, id, Actor::Bitbucket, self.world.now);
            self.world.accept(changes);
        }
        let mut commits = self.world.git["main"].clone();
        commits.push(commit(own));
        self.world.git.insert(name.to_owned(), commits);
        self.world.branch(name);
        self.model.names.insert(name, self.model.branches.len());
        self.model.branches.push(ModelBranch::default());
    }

    fn scan(&mut self, name: &'static str, scan: &Scan) {
        let commits = &self.world.git[name];
        let at = commits.len().saturating_sub(1 + scan.commit as usize);
        self.runs += 1;
        let mut run = scan.run(self.runs, name);
        run.commit = commits[at];
        self.world.apply(&run);
        let of = |part: &Part| part.codes.iter().map(|code| (part.tool, *code)).collect::<Vec<_>>();
        self.model.seen.extend(scan.parts.iter().flat_map(of));
        let branch = self.model.names[name];
        self.model.branches[branch].scans.push(((at, scan.at, self.runs), scan.clone()));
    }

    fn merge(&mut self, number: usize, own: u32) {
        if !self.end(number) {
            return;
        }
        self.world.merge(number as u64, own);
        let at = self.world.git["main"].len() - 1;
        let source = &self.model.branches[self.model.pull_requests[number].0];
        let open = codes().filter(|code| source.is_open(*code));
        let brought: Vec<_> = open.filter_map(|code| Some((code, source.newest(code)?))).collect();
        let main = &mut self.model.branches[0];
        for (code, sight) in brought {
            if main.newest(code).is_none() {
                main.brought.insert(code, Sight { key: (at, i64::MIN, sight.key.2), ..sight });
            }
        }
        for code in codes() {
            if let Some(proposed) = self.model.proposed.remove(&(number, code)) {
                let known = self.model.triage.entry(code).or_default();
                *known = proposed.max(*known);
            }
        }
    }

    /// Whether the pull request was open until now.
    fn end(&mut self, number: usize) -> bool {
        self.model.pull_requests.get_mut(number).is_some_and(|(_, open)| std::mem::take(open))
    }

    fn triage(&mut self, code: Code, number: Option<usize>, status: Status) {
        let words = words(code.0, code.1);
        let Some(id) = self.world.findings(&words).first().map(|finding| finding.id) else { return };
        let (now, of) = (self.world.now, number.map(|number| number as u64));
        let answer = track::triage(&self.world.state, id, of, &decision(status, now));
        match number {
            Some(number) if !self.model.pull_requests.get(number).is_some_and(|(_, open)| *open) => {
                assert!(answer.is_err());
                return;
            }
            // The same word again changes nothing, its time neither.
            Some(number) if self.model.proposed.get(&(number, code)).is_some_and(|(_, said)| *said == status) => {}
            None if self.model.triage.get(&code).is_some_and(|(_, said)| *said == status) => {}
            Some(number) => {
                self.model.proposed.insert((number, code), (now, status));
            }
            None => {
                self.model.triage.insert(code, (now, status));
            }
        }
        self.world.accept(answer.unwrap());
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        let state = &self.world.state;
        for (name, branch) in &self.model.names {
            let Some(id) = state.branch_named(name).map(|branch| branch.id) else { continue };
            for code in codes() {
                let finding = self.world.findings(&words(code.0, code.1)).first().map(|finding| finding.id);
                let is_open = finding.is_some_and(|finding| state.is_open(id, finding));
                prop_assert_eq!(is_open, self.model.branches[*branch].is_open(code), "{:?} on {}", code, name);
            }
        }
        prop_assert_eq!(state.findings().count(), self.model.seen.len(), "each is one finding");
        for code in codes() {
            let findings = self.world.findings(&words(code.0, code.1));
            prop_assert!(findings.len() <= 1);
            let Some(finding) = findings.first() else { continue };
            let said = |triage: Option<&(i64, Status)>| triage.map(|(_, status)| *status).unwrap_or_default();
            prop_assert_eq!(finding.triage.status, said(self.model.triage.get(&code)));
            for number in 0..self.model.pull_requests.len() {
                let here = self.model.proposed.get(&(number, code)).or_else(|| self.model.triage.get(&code));
                prop_assert_eq!(finding.triage_in(Some(number as u64)).status, said(here));
            }
        }
        for (number, (_, open)) in self.model.pull_requests.iter().enumerate() {
            let row = state.pull_request(number as u64).unwrap();
            prop_assert_eq!(row.state == PullRequestState::Open, *open);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_state_is_what_the_definition_says(actions in prop::collection::vec(action(), 1..40)) {
        let mut both = Both::new();
        for action in &actions {
            both.act(action);
            both.compare()?;
        }
    }
}
