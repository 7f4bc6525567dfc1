//! The language that Penstock's programs share: what a finding is, where it is, how it keeps its identity, and how a
//! secret is shown without being told.
//!
//! This crate holds data and pure functions. It does no I/O, starts no thread, and never reads the environment or the clock; only the
//! REST client of Bitbucket, behind the feature `client`, talks to a network.
#![forbid(unsafe_code)]

pub mod bitbucket;
pub mod compare;
pub mod decorate;
pub mod delivery;
pub mod finding;
pub mod fingerprint;
pub mod gate;
pub mod ids;
pub mod limits;
pub mod location;
pub mod masked;
pub mod measure;
pub mod metrics;
pub mod plain;
pub mod redact;
pub mod run;
pub mod secret;
pub mod severity;
pub mod time;
pub mod upload;

pub use compare::{Base, BaseKind, Change, Comparison};
pub use delivery::{Delivery, Destination};
pub use finding::{Finding, Reference, Suppression, SuppressionKind, Validity};
pub use fingerprint::{Fingerprint, FingerprintInput, Fingerprints};
pub use ids::{NotAUuid, Uuid};
pub use location::{CommitInfo, Excerpt, ExcerptLine, Location};
pub use masked::{Masked, Redact};
pub use metrics::Metrics;
pub use redact::Mask;
pub use run::{Notice, PullRequest, Run, Skipped, Subject, ToolRun};
pub use secret::Secret;
pub use severity::{Category, Confidence, Severity};
