//! Atlassian Connect: the app's descriptor, its installation, and signed requests in both directions.
//!
//! Owns everything that is peculiar to Connect. It keeps nothing but keys of Atlassian's: what is known of an installation is handed in, the clock is a
//! parameter, and what must be asked of Atlassian's hosts is asked through a trait.
//!
//! A request passes `request` (the token in it), `jwt` (is it genuine and for this request?) and, for a frame, `frame` (what it shows to whom).
//! A callback passes `lifecycle` (may this secret become the installation's?).
//!
//! In the other direction, `exchange` makes an access token of an installation's secret; `prover` and `install_keys` ask what `lifecycle` wants to
//! know.

pub mod app;
pub mod client_key;
pub mod descriptor;
pub mod directory;
pub mod exchange;
pub mod frame;
pub mod handlers;
pub mod install_keys;
pub mod jwt;
pub mod lifecycle;
pub mod prover;
pub mod qsh;
pub mod request;

pub use app::App;
pub use client_key::ClientKey;
pub use exchange::Exchange;
pub use install_keys::HttpInstallKeys;
pub use prover::HttpProver;
pub use request::Request;
