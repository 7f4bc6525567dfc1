//! The kinds of jobs.

/// The branches of a repository: heads, new ones, deleted ones.
pub const BRANCHES: &str = "branches";
/// The repository itself: its name, whose it is, whether it is there.
pub const REPOSITORY: &str = "repository";
/// A pull request, by its number.
pub const PULL_REQUEST: &str = "pull_request";
/// The main branch, judged again, whichever that is by then.
pub const MAIN_BRANCH: &str = "main_branch";
/// Another branch, judged again, by its id.
pub const BRANCH: &str = "branch";
/// Every verdict of a repository, or of the whole workspace, judged again because a setting changed.
pub const JUDGE_ANEW: &str = "judge_anew";
/// A comment that may be a command: `PULL REQUEST/COMMENT`.
pub const COMMENT: &str = "comment";
/// A run that waits for being confirmed, by its id.
pub const RUN: &str = "run";
/// Something that shall stand in Bitbucket: `KIND/SUBJECT` of the outbox.
pub const PUBLISH: &str = "publish";
/// Whether a pull request still waits for its scan, by its number.
pub const WAITING: &str = "waiting";
/// Everything of a repository, compared with Bitbucket.
pub const SWEEP: &str = "sweep";
