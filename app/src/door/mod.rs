//! Who is calling?
//!
//! Owns the proof of identity of every request. Nothing outside of it knows by which door a caller came.

pub mod allowed;
pub mod caller;
pub mod connect;
pub mod entrance;
pub mod hook;
pub mod hooks;
mod maker;
pub mod pipelines;
pub mod rights;
pub mod token;
pub mod viewer;

pub use connect::directory::waiting_line;
pub use connect::handlers::prove_waiting;
