//! Who is calling?
//!
//! Owns the proof of identity of every request. Nothing outside of it knows by which door a caller came.

pub mod caller;
pub mod connect;
pub mod entrance;
pub mod hook;
pub mod hooks;
pub mod pipelines;
pub mod token;
pub mod viewer;

pub use connect::handlers::prove_waiting;
