//! Analyzers: what is wrong with what was looked at. One module per analyzer.

pub mod secrets;
