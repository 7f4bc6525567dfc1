//! Statements that exist twice, because the databases differ.
//!
//! Owns all of them; everything else is one text. Both forms stand under the same conformance tests.

pub(super) mod bulk;
pub(super) mod claim;
pub(super) mod export;
pub(super) mod logs;
pub(super) mod without_finding;
