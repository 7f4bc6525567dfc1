//! How often may it call?
//!
//! Counts calls of `/2.0/repositories/…` by token. A sandbox does not live for an hour: nothing is forgotten.

use std::sync::PoisonError;

use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use super::auth::{By, Caller};
use super::refusal::Refusal;
use crate::app::App;
use crate::state::token::Kind;

/// Requests an hour that somebody without credentials may make (documented).
const ANONYMOUS: u32 = 60;

/// What is left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    limit: u32,
    made: u32,
    /// The headers come with access tokens only.
    is_told: bool,
}

/// Counts a call.
pub(crate) fn count(app: &App, caller: &Caller) -> Rate {
    let limit = *app.rate_limit.lock().unwrap_or_else(PoisonError::into_inner);
    let limit = if caller.by == By::Nothing { limit.min(ANONYMOUS) } else { limit };
    let key =
        caller.user.as_ref().map_or_else(|| format!("{:?} {:?}", caller.by, caller.reach), |user| user.uuid.clone());
    let mut rates = app.rates.lock().unwrap_or_else(PoisonError::into_inner);
    let made = rates.entry(key).or_default();
    *made += 1;
    Rate { limit, made: *made, is_told: caller.by == By::Token(Kind::Access) }
}

impl Rate {
    /// Is it too often?
    pub(crate) fn check(self) -> Result<(), Refusal> {
        let words = "Rate limit for this resource has been exceeded";
        if self.made > self.limit { Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, words)) } else { Ok(()) }
    }

    /// Tells the caller how it stands.
    pub(crate) fn tell(self, response: &mut Response) {
        if !self.is_told {
            return;
        }
        let near = (u64::from(self.limit) * 8).div_ceil(10) <= u64::from(self.made);
        let headers = response.headers_mut();
        headers.insert("x-ratelimit-limit", HeaderValue::from(self.limit));
        headers.insert("x-ratelimit-resource", HeaderValue::from_static("api"));
        headers.insert("x-ratelimit-nearlimit", HeaderValue::from_static(if near { "true" } else { "false" }));
    }
}
