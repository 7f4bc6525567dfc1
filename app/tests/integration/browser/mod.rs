//! The pages in a real browser: Debian's Chromium, driven over WebDriver.
//!
//! The host's pages are at `localhost` and the app's frames at `127.0.0.1`, so that the browser takes them for two sites, as in production; cookies of
//! third parties are blocked. One browser serves all tests that run at a time.

mod driver;
mod every_page;
mod frames;
mod look;
mod settings;
mod stories;
mod tab;
mod world;
