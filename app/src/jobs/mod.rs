//! What is done after the answer.
//!
//! Owns the workers and what each kind of job does. A job says what to look at; what is there is read from Bitbucket, so that doing it twice, late or
//! out of order comes to the same. One job at a time runs for each repository, and every tenant has his turn: that is the store's queue.

mod branches;
mod comment;
pub mod follow;
mod judge_anew;
mod judge_branch;
pub mod kind;
mod outcome;
mod pull_request;
mod repository;
mod retention;
mod rounds;
mod sweep;
pub(crate) mod verdict;
mod waiting;
mod worker;

pub use outcome::Failed;
pub use retention::forget;
pub use rounds::{end_judgements, proofs, rounds};
pub use worker::{do_one, perform, workers};
