//! What a run means: through the public interface of `track`, with a repository that exists in memory only.

mod chain;
mod commit;
mod dismissal;
mod history;
mod model;
mod order;
mod peers;
mod pull_requests;
mod scans;
mod secrets;
mod triage;
mod verdict;
pub(crate) mod world;
