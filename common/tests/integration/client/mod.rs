//! The REST client against the sandbox, and against servers that do what no sandbox would.

mod answers;
mod calls;
mod faults;
mod granted;
mod hosts;
mod oauth;
mod proxies;
mod raw;
mod world;
