//! Atlassian Connect: the app's descriptor, its installation, and signed requests in both directions.
//!
//! Owns everything that is peculiar to Connect. It keeps nothing: what is known of an installation is handed in, the clock is a
//! parameter, and what must be asked of Atlassian's hosts is asked through a trait.
//!
//! A request passes `request` (the token in it), `jwt` (is it genuine and for this request?) and, for a frame, `frame` (what it shows to whom).
//! A callback passes `lifecycle` (may this secret become the installation's?).

pub mod app;
pub mod client_key;
pub mod descriptor;
pub mod frame;
pub mod jwt;
pub mod lifecycle;
pub mod qsh;
pub mod request;

pub use app::App;
pub use client_key::ClientKey;
pub use request::Request;
