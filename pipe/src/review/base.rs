//! What a head is compared with.
//!
//! Owns the choice of the base and the words for it: the best that can be had, with the reason, and what to do where there is a better one.
//! Reads commits and folders, no files.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gix::ObjectId;
use penstock_common::{Base, BaseKind, Masked};

use super::changed_lines::ChangedLines;
use super::remote::Remote;
use crate::checkout::fetch::{Wanted, fetch};
use crate::checkout::{self, Differences, Places, Repository};
use crate::pipelines_env::PipelinesEnv;

/// What to do where the clone does not hold what is needed.
const DEPTH_HINT: &str = "set `clone: depth: full` in the pipeline";
/// Ancestors of which it is asked whether they passed, and the time for that.
const LOOK_UPS: usize = 20;
const LOOK_UP_TIME: Duration = Duration::from_secs(15);
/// Largest difference that is taken from Bitbucket.
const DIFF_BYTES: u64 = 32 << 20;

/// What is looked at.
#[derive(Clone, Debug)]
pub(super) enum Head {
    /// A commit.
    Commit(ObjectId),
    /// The work tree, in these places only.
    WorkTree(Places),
}

/// A description of a base, not masked yet: names of branches and tags are untrusted.
#[derive(Clone)]
pub(super) struct Reasoned {
    pub(super) kind: BaseKind,
    pub(super) commit: Option<ObjectId>,
    pub(super) reason: String,
    pub(super) hint: String,
}

impl Reasoned {
    /// The description to show.
    pub(super) fn masked(&self, mask: &dyn Fn(&str) -> Masked) -> Base {
        let commit = self.commit.map(|commit| commit.to_string());
        Base { kind: self.kind, commit, reason: mask(&self.reason), hint: mask(&self.hint) }
    }
}

/// A base, and what follows from it.
pub(super) struct Chosen {
    /// Which base it is.
    pub(super) base: Reasoned,
    /// How to compare.
    pub(super) against: Against,
    /// Holds base and head; may hold more than the clone.
    pub(super) repository: Arc<Repository>,
    /// Whose policy holds.
    pub(super) policy: Policy,
    /// The last commit of the head, if it has any.
    pub(super) tip: Option<ObjectId>,
    /// The head itself, if it is a commit and not a work tree.
    pub(super) head: Option<ObjectId>,
}

/// By whose rules a head is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// By its own.
    Own,
    /// By those of the branch it shall be merged into. None if that cannot be read.
    Destination(Option<ObjectId>),
}

/// How to compare.
pub(super) enum Against {
    /// With the files of a commit.
    Files {
        /// Which may differ.
        differences: Differences,
        /// What the base has, if it is known where the change begins.
        known: Option<Vec<ObjectId>>,
    },
    /// With nothing but the lines that the change wrote.
    Lines(ChangedLines),
    /// Not at all.
    Nothing,
}

/// All that the choice depends on.
pub(super) struct Choice<'a> {
    pub(super) repository: Arc<Repository>,
    pub(super) head: &'a Head,
    /// `--base`.
    pub(super) given: Option<&'a str>,
    pub(super) build: Option<&'a PipelinesEnv>,
    pub(super) main_branch: Option<&'a str>,
    pub(super) remote: Option<&'a dyn Remote>,
}

impl Choice<'_> {
    /// Chooses. Only a base that was given and does not exist is an error.
    pub(super) fn choose(&self) -> Result<Chosen, checkout::Error> {
        if let Some(given) = self.given {
            return self.given(given);
        }
        let Some(build) = self.build else {
            return Ok(self.nothing(BaseKind::NotApplicable, "nothing was asked for".to_owned(), String::new()));
        };
        Ok(match (build.pr_id, &build.branch, &build.tag) {
            (Some(id), ..) => self.pull_request(build, id),
            (None, None, Some(tag)) => {
                let reason = format!("the tag `{tag}` changes nothing, so nothing in it is new");
                self.nothing(BaseKind::NotApplicable, reason, "`--base REVISION` compares all the same".to_owned())
            }
            (None, branch, _) => self.branch(branch.as_deref()),
        })
    }

    fn commit(&self) -> Option<ObjectId> {
        match self.head {
            Head::Commit(commit) => Some(*commit),
            Head::WorkTree(_) => None,
        }
    }

    /// The commit at the head; for a work tree, the one it was made from.
    fn head_commit(&self) -> Option<ObjectId> {
        match self.head {
            Head::Commit(commit) => Some(*commit),
            Head::WorkTree(_) => self.repository.commit("HEAD").ok(),
        }
    }

    fn given(&self, given: &str) -> Result<Chosen, checkout::Error> {
        let commit = self.repository.commit(given)?;
        let pull_request = self.build.filter(|build| build.pr_id.is_some());
        let shown = if commit.to_string().starts_with(given) { String::new() } else { format!(" `{given}`") };
        let chosen = self.files(&self.repository, BaseKind::Given, commit, format!("given by `--base`{shown}"));
        let mut chosen = chosen.unwrap_or_else(|why| {
            self.nothing(BaseKind::Unknown, format!("the base cannot be read: {why}"), DEPTH_HINT.to_owned())
        });
        if let Some(build) = pull_request {
            chosen.policy = Policy::Destination(self.destination(build));
        }
        Ok(chosen)
    }

    fn pull_request(&self, build: &PipelinesEnv, id: u64) -> Chosen {
        let mut failures = Vec::new();
        let branch = build.pr_destination_branch.as_deref().unwrap_or("the destination");
        let local = Arc::clone(&self.repository);
        let tip = self.destination(build);
        let by_merge_base = |store: &Arc<Repository>, tip: ObjectId| self.merge_base(store, tip, branch);
        match tip {
            Some(tip) => match by_merge_base(&local, tip) {
                Ok(chosen) => return Chosen { policy: Policy::Destination(Some(tip)), ..chosen },
                Err(why) => failures.push(why),
            },
            None => failures.push(format!("the tip of `{branch}` is not in this clone")),
        }
        let mut store = local;
        let mut tip = tip;
        let (commit, name) = (build.pr_destination_commit.as_deref(), build.pr_destination_branch.as_deref());
        match self.fetch(commit, name, &self.meets()) {
            Ok((fetched, fetched_tip)) => {
                (store, tip) = (fetched, Some(fetched_tip));
                match by_merge_base(&store, fetched_tip) {
                    Ok(chosen) => return Chosen { policy: Policy::Destination(Some(fetched_tip)), ..chosen },
                    Err(why) => failures.push(why),
                }
            }
            Err(why) => failures.push(why),
        }
        let chosen = tip
            .ok_or_else(|| "the tip of the destination cannot be read".to_owned())
            .and_then(|tip| self.destination_tip(&store, tip, branch))
            .or_else(|why| {
                failures.push(why);
                self.lines(&store, id)
            });
        let mut chosen = chosen.unwrap_or_else(|why| {
            failures.push(why);
            self.nothing(BaseKind::Unknown, failures.join("; "), DEPTH_HINT.to_owned())
        });
        chosen.policy = Policy::Destination(tip);
        chosen
    }

    fn destination(&self, build: &PipelinesEnv) -> Option<ObjectId> {
        self.repository.commit_of_id(build.pr_destination_commit.as_deref()?)
    }

    fn merge_base(&self, store: &Arc<Repository>, tip: ObjectId, branch: &str) -> Result<Chosen, String> {
        let head = self.head_commit().ok_or("there is no commit to compare")?;
        let commit = store
            .merge_base(tip, head)
            .ok_or_else(|| format!("this clone does not reach back to where the change left `{branch}`"))?;
        let mut chosen = self.files(store, BaseKind::MergeBase, commit, format!("merge base with `{branch}`"))?;
        if let Against::Files { known: Some(known), .. } = &mut chosen.against {
            known.push(tip);
        }
        Ok(chosen)
    }

    /// With the tip of the destination, and only the files that the source changed: in what git merged, only these differ from it.
    fn destination_tip(&self, store: &Arc<Repository>, tip: ObjectId, branch: &str) -> Result<Chosen, String> {
        let mut reason = format!("tip of `{branch}`, because the merge base is not known");
        let mut chosen = self.files(store, BaseKind::DestinationTip, tip, String::new())?;
        let touched = self.touched(store, tip);
        if let Against::Files { differences, known } = &mut chosen.against {
            *known = None;
            match &touched {
                Some(paths) => differences.restrict(paths),
                None => reason.push_str("; what only the destination changed since may count as new"),
            }
        }
        chosen.base.reason = reason;
        chosen.base.hint = DEPTH_HINT.to_owned();
        Ok(chosen)
    }

    /// The files that the source changed, if `HEAD` is the merge of the source into the tip.
    fn touched(&self, store: &Arc<Repository>, tip: ObjectId) -> Option<HashSet<Vec<u8>>> {
        let merge = self.repository.commit("HEAD").ok()?;
        let parents = store.parents(merge);
        (parents.contains(&tip) && parents.contains(&self.head_commit()?)).then_some(())?;
        Differences::paths(store, tip, merge).ok()
    }

    /// With the lines that Bitbucket says the change wrote.
    fn lines(&self, store: &Arc<Repository>, pull_request: u64) -> Result<Chosen, String> {
        let remote = self.remote.ok_or("there is no connection to ask Bitbucket for the difference")?;
        let diff = remote.pull_request_diff(pull_request, DIFF_BYTES).map_err(|error| error.to_string())?;
        let lines = ChangedLines::read(&diff).map_err(|error| error.to_string())?;
        let reason = "the pull request's difference as Bitbucket tells it: what stands on changed lines is new";
        let base =
            Reasoned { kind: BaseKind::Diff, commit: None, reason: reason.to_owned(), hint: DEPTH_HINT.to_owned() };
        Ok(Chosen {
            base,
            against: Against::Lines(lines),
            repository: Arc::clone(store),
            policy: Policy::Own,
            tip: self.head_commit(),
            head: self.commit(),
        })
    }

    fn branch(&self, branch: Option<&str>) -> Chosen {
        let main = self.main_branch.map(str::to_owned).or_else(|| self.repository.origin_head());
        let main = main.map_or_else(
            || {
                let remote = self.remote.ok_or("there is no connection to ask Bitbucket")?;
                remote.main_branch().map_err(|error| error.to_string())
            },
            Ok,
        );
        let main = match main {
            Ok(main) => main,
            Err(why) => {
                let reason = format!("it is not known which branch is the main one: {why}");
                return self.nothing(BaseKind::Unknown, reason, "set `MAIN_BRANCH`".to_owned());
            }
        };
        if branch == Some(main.as_str()) { self.main(&main) } else { self.side(&main) }
    }

    /// Of a branch that shall be merged into the main one.
    fn side(&self, main: &str) -> Chosen {
        let mut failures = Vec::new();
        for reference in [format!("refs/remotes/origin/{main}"), format!("refs/heads/{main}")] {
            if let Ok(tip) = self.repository.commit(&reference) {
                match self.merge_base(&self.repository, tip, main) {
                    Ok(chosen) => return chosen,
                    Err(why) => failures.push(why),
                }
            }
        }
        if failures.is_empty() {
            failures.push(format!("the main branch `{main}` is not in this clone"));
        }
        let fetched = self.fetch(None, Some(main), &self.meets());
        let fetched = fetched.and_then(|(store, tip)| self.merge_base(&store, tip, main));
        fetched.unwrap_or_else(|why| {
            failures.push(why);
            self.nothing(BaseKind::Unknown, failures.join("; "), DEPTH_HINT.to_owned())
        })
    }

    /// Of the main branch.
    fn main(&self, main: &str) -> Chosen {
        let Some(head) = self.head_commit() else {
            let reason = "there is no commit to compare".to_owned();
            return self.nothing(BaseKind::Unknown, reason, String::new());
        };
        let mut hint = String::new();
        if let Some(remote) = self.remote {
            let mut ancestor = head;
            let started = Instant::now();
            for _ in 0..LOOK_UPS {
                if started.elapsed() > LOOK_UP_TIME {
                    break;
                }
                let Some(parent) = self.repository.parents(ancestor).first().copied() else { break };
                ancestor = parent;
                match remote.passed(&ancestor.to_string()) {
                    Ok(false) => {}
                    Ok(true) => {
                        let reason = format!("newest ancestor on `{main}` that penstock passed");
                        match self.files(&self.repository, BaseKind::LastPassed, ancestor, reason) {
                            Ok(chosen) => return chosen,
                            Err(why) => hint = format!("the last commit that passed cannot be read: {why}"),
                        }
                        break;
                    }
                    Err(error) => {
                        hint = format!("which commit passed last is not known: {error}");
                        break;
                    }
                }
            }
        }
        let Some(&parent) = self.repository.parents(head).first() else {
            let reason = "the first commit has nothing before it, so nothing in it is new".to_owned();
            return self.nothing(BaseKind::NotApplicable, reason, String::new());
        };
        let reason = "first parent: a weak base, because what came before it may have been let through".to_owned();
        let of = |store: &Arc<Repository>| self.files(store, BaseKind::FirstParent, parent, reason.clone());
        let chosen = of(&self.repository).or_else(|why| {
            let is_there = |store: &Repository, parent| store.commit_of_id(&format!("{parent}")).is_some();
            let fetched = self.fetch(Some(&parent.to_string()), None, &is_there).and_then(|(store, _)| of(&store));
            fetched.map_err(|and| format!("the parent commit cannot be read: {why}; {and}"))
        });
        match chosen {
            Ok(mut chosen) => {
                chosen.base.hint = hint;
                chosen
            }
            Err(why) => self.nothing(BaseKind::Unknown, why, DEPTH_HINT.to_owned()),
        }
    }

    /// Fetches until a base can be had: the commit (which may be shortened) or the tip of the branch, and enough of the histories.
    fn fetch(
        &self,
        commit: Option<&str>,
        branch: Option<&str>,
        enough: &dyn Fn(&Repository, ObjectId) -> bool,
    ) -> Result<(Arc<Repository>, ObjectId), String> {
        let remote = self.remote.ok_or("there is no connection to fetch what is missing")?;
        let full = |id: &str| ObjectId::from_hex(id.as_bytes()).ok();
        let commit = commit.and_then(|id| full(id).or_else(|| full(&remote.commit(id).ok()?)));
        let ask = |request: Option<Vec<u8>>| remote.git(request).map_err(|error| error.to_string());
        let wanted = Wanted { commit, branch, head: self.head_commit() };
        let fetched = fetch(&ask, &self.repository, wanted, enough);
        fetched.map(|(store, tip)| (Arc::new(store), tip)).map_err(|error| error.to_string())
    }

    /// Whether a repository knows where the head left the tip.
    fn meets(&self) -> impl Fn(&Repository, ObjectId) -> bool {
        let head = self.head_commit();
        move |store, tip| head.is_some_and(|head| store.merge_base(tip, head).is_some())
    }

    fn files(
        &self,
        store: &Arc<Repository>,
        kind: BaseKind,
        commit: ObjectId,
        reason: String,
    ) -> Result<Chosen, String> {
        let differences = match self.head {
            Head::Commit(head) => Differences::of_commits(store, commit, *head),
            Head::WorkTree(places) => Differences::of_work_tree(store, commit, places),
        };
        let differences = differences.map_err(|missing| format!("{}: {}", missing.subject, missing.reason))?;
        let base = Reasoned { kind, commit: Some(commit), reason, hint: String::new() };
        let against = Against::Files { differences, known: Some(vec![commit]) };
        Ok(Chosen {
            base,
            against,
            repository: Arc::clone(store),
            policy: Policy::Own,
            tip: self.head_commit(),
            head: self.commit(),
        })
    }

    fn nothing(&self, kind: BaseKind, reason: String, hint: String) -> Chosen {
        let base = Reasoned { kind, commit: None, reason, hint };
        Chosen {
            base,
            against: Against::Nothing,
            repository: Arc::clone(&self.repository),
            policy: Policy::Own,
            tip: None,
            head: self.commit(),
        }
    }
}
