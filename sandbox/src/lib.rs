//! A Bitbucket on loopback, to develop, test and demonstrate Penstock against; never shipped.
//!
//! Serves what Penstock calls, with Bitbucket's shapes, status codes, error bodies and limits, on four ports of the loopback interface:
//! the REST API, the site (git, OAuth, and what scripts do), the authentication proxy of a pipeline step, and a receiver of runs. Does with
//! a Connect app what Bitbucket does with one. Repositories are real ones. Every request is held against a contract, and a test that sent one
//! that does not fit fails when its [`Sandbox`] is dropped. It can misbehave on command, and keeps a journal.
//!
//! Whatever Bitbucket is believed to do is written down here once more, without a look at how Penstock does its part: so that the two
//! can disagree.
#![forbid(unsafe_code)]

mod acts;
mod app;
mod clock;
mod companion;
mod connect;
mod container;
mod contract;
mod control;
mod door;
mod environment;
mod fault;
mod git;
mod host;
mod inspect;
mod journal;
mod kept;
mod oidc;
mod people;
mod pipelines;
mod proxy;
mod random;
mod rest;
mod sandbox;
mod seed;
mod site;
mod smart_http;
mod state;
mod step;
mod trickle;
mod wire;

pub use connect::delivery::{Attempt, Delivery, Outcome};
pub use connect::frames::{Frame, Scene};
pub use connect::install::{ConnectError, Install, Installed};
pub use connect::mishap::Mishap;
pub use connect::outgoing::Unanswered;
pub use connect::signer::canonical as canonical_request;
pub use container::{PipeRun, shared_folder, variables_file};
pub use contract::Error as ContractError;
pub use fault::{Fault, Route};
pub use git::{Commit, Error as GitError};
pub use inspect::CommentSeen;
pub use journal::{Door, Entry, Violation};
pub use people::Person;
pub use pipelines::{Pipe, PipelineError};
pub use sandbox::{Bitbucket, Options, Sandbox, StartError};
pub use seed::Seed;
pub use state::Error;
pub use state::permission::Permission;
pub use step::Step;
