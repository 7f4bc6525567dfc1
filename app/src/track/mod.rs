//! What a run means for a repository: which findings are open, fixed or back again, and on which branch.
//!
//! Owns the life of findings. Pure: state and what happened in, [`Changes`] out; no store, no clock, no network. The caller loads a
//! [`Repository`], asks one operation, and writes the changes it gets in one transaction. Operations on one repository are asked one
//! after the other, and what REST said ([`Facts`]) is asked within that order too.
//!
//! # What decides whether a finding is open
//!
//! A branch keeps a [`Timeline`]: the scanned commits in the order of their history, and which tool looked at what, and whether it came
//! to its end. A finding is open on a branch unless a complete account of the same series that covers its place is newer than its newest
//! sighting. Both sides of that sentence are the newest of a set, so it does not matter in which order runs arrive. What does depend on
//! it is the story: events, and how often a finding was seen to come back.
//!
//! | part | place in the flow |
//! |---|---|
//! | `identity`, `scope`, `run` | what comes in: names of things, what a tool looked at, a run and its sightings |
//! | `facts` | what REST said of a commit |
//! | `timeline` | the order of a branch's scanned commits |
//! | `finding`, `triage`, `branch`, `repository` | the state |
//! | `matching` | which sighting is which finding |
//! | `apply` | a run |
//! | `recall` | what other branches know of the same commit |
//! | `pull_requests`, `branches`, `triage` | what people do: merge, decline, delete, rename, judge |
//! | `dismissal` | does a dismissal count? |
//! | `base`, `policy`, `verdict` | may a change pass? |
//! | `changes`, `event`, `chain` | what goes out, and its log |

mod apply;
mod base;
mod branch;
mod branches;
pub mod chain;
mod changes;
mod dismissal;
mod event;
pub mod exported_head;
mod facts;
mod finding;
mod identity;
mod index;
mod matching;
mod policy;
mod pull_requests;
mod recall;
mod repository;
mod rules;
mod run;
mod scope;
mod table;
mod timeline;
mod triage;
mod verdict;

pub use apply::{Applied, Effect, apply_run};
pub use base::{Chosen, Point, base_of_branch, base_of_pull_request, base_of_tree};
pub use branch::{Branch, PullRequest, PullRequestState};
pub use branches::{
    delete_branch, find_or_create_branch, mark_stale, move_branch, rename_branch, rename_repository, set_main_branch,
};
pub use changes::Changes;
pub use dismissal::{DismissalPolicy, Objection, Said};
pub use event::{Actor, Event, Kind};
pub use facts::{BaseCommit, Facts, Standing};
pub use finding::{Detection, Finding, Gap, Gone, How, Occurrence, Prints};
pub use identity::{BranchId, Commit, FindingId, NewIds, Print, RunId};
pub use policy::{Policy, Suppress};
pub use pull_requests::{Merge, decline, merge, open_pull_request};
pub use recall::{others_on, recall};
pub use repository::Repository;
pub use rules::Rules;
pub use run::{Run, Sighting, ToolRun};
pub use scope::{Scope, Seen};
pub use timeline::{Account, Series, Stamp, Timeline};
pub use triage::{Approval, Decision, Status, Triage, TriageError, expire, lower_worst, reconsider, retract, triage};
pub use verdict::{Doubt, Judgement, Question, verdict};
