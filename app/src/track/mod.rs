//! What a run means for a repository: which findings are open, fixed or back again, and on which branch.
//!
//! Owns the life of findings. Pure: state and run in, changes out; no store, no clock, no network.
