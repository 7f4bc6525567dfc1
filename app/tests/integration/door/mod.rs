//! Proofs of identity that need another machine to be asked.

mod connect;
mod pipelines;
