//! Tokens that apps make, and what they are good for.
//!
//! Owns judging them, at the REST API and at the token endpoint: `iss` is the app's key and `sub` the installation's, they live five minutes at
//! most, and they hold for one request. What only a wrong app could send is kept apart from what anybody could.

use super::installation::{Directory, Installation, Terms};
use super::signer::{self, Unverified};

/// Seconds that a token may live.
const LIFE_MAX: i64 = 300;
/// Seconds by which clocks may differ.
const SKEW: i64 = 60;

/// A request, as it is hashed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    /// Raw, from the host on.
    pub(crate) path: &'a str,
    /// Raw, without `?`.
    pub(crate) query: &'a str,
}

/// Why a token does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The app makes its tokens wrongly.
    Wrong(&'static str),
    /// Nobody who is known made it.
    Unknown(&'static str),
}

impl Refused {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Wrong(words) | Self::Unknown(words) => words,
        }
    }
}

/// Whose token is it? `now` in seconds.
pub(crate) fn verify<'a>(
    apps: &'a Directory,
    token: &str,
    asked: Asked<'_>,
    now: i64,
) -> Result<(&'a Installation, &'a Terms), Refused> {
    let token = Unverified::read(token).ok_or(Refused::Wrong("the token is no JWT"))?;
    if token.algorithm != "HS256" {
        return Err(Refused::Wrong("`alg` is not HS256"));
    }
    let claim = |name, words| token.text(name).ok_or(Refused::Wrong(words));
    let (issuer, subject) = (claim("iss", "`iss` is missing")?, claim("sub", "`sub` is missing")?);
    let hash = claim("qsh", "`qsh` is missing")?;
    let (Some(issued), Some(expires)) = (token.number("iat"), token.number("exp")) else {
        return Err(Refused::Wrong("`iat` or `exp` is missing or no whole number of seconds"));
    };
    if expires - issued > LIFE_MAX || issued > now + SKEW {
        return Err(Refused::Wrong("the token lives longer than five minutes, or is from the future"));
    }
    let known = apps.by_client_key(subject).ok_or(Refused::Unknown("there is no installation `sub`"))?;
    if known.app != issuer {
        return Err(Refused::Wrong("`iss` is not the key of the app that `sub` is an installation of"));
    }
    let terms = known.terms().find(|terms| token.is_signed_by(&terms.secret));
    let terms = terms.ok_or(Refused::Unknown("the signature is not the installation's, or it was uninstalled"))?;
    if hash != signer::hash(asked.method, asked.path, asked.query) {
        return Err(Refused::Wrong("`qsh` is that of another request"));
    }
    if expires <= now {
        return Err(Refused::Unknown("the token has expired"));
    }
    Ok((known, terms))
}
