//! A value that must not be told.
//!
//! Owns the type for tokens that come from the environment. It cannot be printed, compared or serialised by accident.

use std::fmt;

use serde::Deserialize;

/// A token. `Debug` shows dots.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes a value in.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for whoever sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(penstock_common::redact::DOTS)
    }
}
