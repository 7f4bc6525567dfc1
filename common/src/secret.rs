//! A value that must not be told.
//!
//! Owns the type for tokens and passwords. It cannot be printed, compared or serialised by accident.

use std::fmt;

use serde::Deserialize;

use crate::redact::DOTS;

/// A token or password. `Debug` and `Display` show dots, whatever its value and length.
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
        f.write_str(DOTS)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(DOTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_nothing() {
        let canary = "canary-value";
        let secret = Secret::new(canary);
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), format!("{DOTS} {DOTS} Some({DOTS})"));
        assert_eq!(secret.expose(), canary);
    }
}
