//! A request as far as its token carries or covers it, and the token in it.
//!
//! Owns both transports: the parameter `jwt` of frames and the header `Authorization: JWT …` of callbacks and webhooks. What a token is
//! worth is decided in `jwt`.

use std::fmt;

use penstock_common::Secret;

use super::jwt::Refusal;
use super::qsh::{self, Order};
use crate::base_url::BaseUrl;

/// Most bytes of a token. Those of Bitbucket have about 400.
const TOKEN_MAX: usize = 8 * 1024;

/// A request as it was received: nothing decoded, nothing rewritten, the base path still in place.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// The raw path.
    pub path: &'a str,
    /// The raw query, without `?`; empty if there is none.
    pub query: &'a str,
    /// The values of all headers `Authorization`.
    pub authorization: &'a [&'a str],
}

impl Request<'_> {
    /// The one token that the request carries, by whichever transport; `None` if it carries none.
    ///
    /// # Errors
    /// When it carries several that differ, or one that is too long.
    pub fn token(&self) -> Result<Option<Secret>, Refusal> {
        let queried = qsh::parameters(self.query)
            .filter(|(name, _)| name == qsh::TOKEN_PARAMETER)
            .map(|(_, value)| String::from_utf8(value).map_err(|_| Refusal::Malformed));
        let sent = self.authorization.iter().filter_map(|value| {
            let (scheme, token) = value.trim().split_once(' ')?;
            scheme.eq_ignore_ascii_case("jwt").then(|| Ok(token.trim().to_owned()))
        });
        let mut only: Option<String> = None;
        for token in queried.chain(sent) {
            let token = token?;
            match only {
                None if token.len() > TOKEN_MAX => return Err(Refusal::TooLong),
                None => only = Some(token),
                Some(ref first) if *first == token => {}
                Some(_) => return Err(Refusal::Ambiguous),
            }
        }
        Ok(only.map(Secret::new))
    }

    /// Whether `claim` is the hash of this request, sent to an app at `base`.
    pub(super) fn is_hashed_as(&self, claim: &str, base: &BaseUrl) -> bool {
        // A plain comparison: both sides are known to the sender, so the time it takes tells nothing.
        base.strip(self.path).is_some_and(|path| {
            Order::ALL.iter().any(|order| qsh::hash(self.method, path, self.query, *order) == claim)
        })
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Query and header hold the token.
        write!(f, "{} {}", self.method, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(query: &str, authorization: &[&str]) -> Result<Option<String>, Refusal> {
        let request = Request { method: "GET", path: "/", query, authorization };
        Ok(request.token()?.map(|token| token.expose().to_owned()))
    }

    #[test]
    fn both_transports() {
        assert_eq!(token("", &[]), Ok(None));
        assert_eq!(token("a=1&jwt=x.y.z", &[]), Ok(Some("x.y.z".to_owned())));
        assert_eq!(token("", &["JWT x.y.z"]), Ok(Some("x.y.z".to_owned())));
        // penstock: allow[generic-api-key] a query to be read, and no token
        assert_eq!(token("%6Awt=x%2Ey.z", &["Bearer other", "jwt  x.y.z "]), Ok(Some("x.y.z".to_owned())));
        assert_eq!(token("JWT=x.y.z", &["Bearer x.y.z", "x.y.z"]), Ok(None));
    }

    #[test]
    fn two_tokens_are_no_token() {
        assert_eq!(token("jwt=x.y.z", &["JWT x.y.other"]), Err(Refusal::Ambiguous));
        assert_eq!(token("jwt=x.y.z&jwt=x.y.other", &[]), Err(Refusal::Ambiguous));
        assert_eq!(token("", &["JWT x.y.z", "JWT x.y.other"]), Err(Refusal::Ambiguous));
    }

    #[test]
    fn bounded() {
        assert_eq!(token(&format!("jwt={}", "x".repeat(TOKEN_MAX + 1)), &[]), Err(Refusal::TooLong));
        assert_eq!(token("jwt=%FF", &[]), Err(Refusal::Malformed));
    }

    #[test]
    fn mistake_12_the_token_is_not_shown() {
        let request = Request { method: "GET", path: "/x", query: "jwt=canary", authorization: &["JWT canary"] };
        assert_eq!(format!("{request:?}"), "GET /x");
    }
}
