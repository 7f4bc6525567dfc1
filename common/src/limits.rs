//! Numbers that bound what leaves the programs.
//!
//! Owns limits that more than one room must agree on; a limit with one user stands with that user.

/// Most characters of a vendor's public prefix that a mask shows.
pub const MASK_PREFIX_MAX: usize = 8;

/// Most characters of one excerpt line; longer lines are cut around the finding.
pub const EXCERPT_LINE_MAX: usize = 240;

/// Lines of context shown before and after a finding.
pub const EXCERPT_CONTEXT: u32 = 1;
