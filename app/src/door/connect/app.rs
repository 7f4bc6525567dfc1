//! Who the app is, as it tells Atlassian.
//!
//! Owns the identity that the operator configures and its limits. Where it is read from is not known here.

use penstock_common::Secret;

use crate::base_url::BaseUrl;

/// Most characters of an app's key. No limit is documented; registered keys are far shorter.
const KEY_MAX: usize = 64;

/// The app's identity.
#[derive(Clone, Debug)]
pub struct App {
    /// Names the app: `iss` of the tokens that it makes.
    pub key: AppKey,
    /// Where it is reached.
    pub base: BaseUrl,
    /// The secret that Atlassian's console shows for a registered app. With it, a registered app's first installation must be signed too.
    pub secret: Option<Secret>,
    /// The same app on Forge, if there is one.
    pub forge: Option<ForgeApp>,
}

/// Names an app: letters, digits, `-`, `_`, `.`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppKey(String);

/// A text that is no app key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an app key has 1 to {KEY_MAX} letters, digits, `-`, `_` or `.`")]
pub struct NotAnAppKey;

impl AppKey {
    /// Checks a key.
    ///
    /// # Errors
    /// When it is empty, too long, or holds other characters.
    pub fn new(key: &str) -> Result<Self, NotAnAppKey> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        ((1..=KEY_MAX).contains(&key.len()) && key.bytes().all(plain)).then(|| Self(key.to_owned())).ok_or(NotAnAppKey)
    }

    /// As it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The same app on Forge: admins are led there, and it may learn its Connect installation's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeApp {
    /// `ari:cloud:ecosystem::app/UUID`.
    pub id: String,
    /// The link to install it, from Atlassian's console; https.
    pub link: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        assert_eq!(AppKey::new("penstock-app.test_1").unwrap().as_str(), "penstock-app.test_1");
        for key in ["", "a b", "a/b", "é", &"x".repeat(KEY_MAX + 1)] {
            assert_eq!(AppKey::new(key), Err(NotAnAppKey), "{key}");
        }
    }
}
