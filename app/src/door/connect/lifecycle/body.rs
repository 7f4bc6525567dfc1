//! The body of a callback.
//!
//! Owns its form and its limits. Only used fields are read: hosts and people in the body are
//! ignored, and the workspace only selects the question to Bitbucket.

use penstock_common::{Secret, Uuid};
use serde::Deserialize;
use serde_json::Value;

use crate::door::connect::client_key::Kind;
use crate::door::connect::{App, ClientKey};

/// Most bytes of a body. Those that were seen have about 3 KB.
const BODY_MAX: usize = 64 * 1024;
/// Fewest and most bytes of a secret: less can be guessed, more was never seen.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 16..=1024;

/// What a callback tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Installed,
    Uninstalled,
}

/// A callback.
#[derive(Debug)]
pub(super) struct Callback {
    pub(super) installation: ClientKey,
    pub(super) secret: Option<Secret>,
    /// The workspace that it names as its own. Anyone may have written it, so it only decides what
    /// to ask Bitbucket about.
    pub(super) claimed: Option<Uuid>,
}

/// Why a body is not what Bitbucket sends to this app. Nothing of the body is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Larger than any that Bitbucket sends.
    #[error("the callback's body is larger than {BODY_MAX} bytes")]
    TooLarge,
    /// Not the JSON of a callback.
    #[error("the callback's body is not what Bitbucket sends")]
    Malformed,
    /// For another app.
    #[error("the callback is for another app: `key` is not this app's")]
    OtherApp,
    /// Of another product, or of another event than its address is for.
    #[error("the callback is for another event or product")]
    OtherEvent,
    /// A secret that is none.
    #[error("the callback's shared secret is too short or too long")]
    Secret,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    key: String,
    client_key: ClientKey,
    shared_secret: Option<Secret>,
    event_type: Option<String>,
    product_type: Option<String>,
    #[serde(default)]
    principal: Value,
}

impl Callback {
    /// Reads a body. Without `event`, any event will do.
    pub(super) fn parse(body: &[u8], event: Option<Event>, app: &App) -> Result<Self, BodyError> {
        if body.len() > BODY_MAX {
            return Err(BodyError::TooLarge);
        }
        let body: Body = serde_json::from_slice(body).map_err(|_| BodyError::Malformed)?;
        let other_app = |key: &str| key != app.key.as_str();
        if other_app(&body.key) || matches!(body.client_key.kind(), Kind::Registered { app, .. } if other_app(app)) {
            return Err(BodyError::OtherApp);
        }
        let event = event.map(|event| match event {
            Event::Installed => "installed",
            Event::Uninstalled => "uninstalled",
        });
        let differs = |told: &Option<String>, expected: &str| told.as_ref().is_some_and(|told| told != expected);
        if differs(&body.product_type, "bitbucket") || event.is_some_and(|event| differs(&body.event_type, event)) {
            return Err(BodyError::OtherEvent);
        }
        let secret = body.shared_secret.filter(|secret| !secret.expose().is_empty());
        if secret.as_ref().is_some_and(|secret| !SECRET_BYTES.contains(&secret.expose().len())) {
            return Err(BodyError::Secret);
        }
        let claimed = body.principal.get("uuid").and_then(Value::as_str).and_then(|uuid| uuid.parse().ok());
        Ok(Self { installation: body.client_key, secret, claimed })
    }
}
