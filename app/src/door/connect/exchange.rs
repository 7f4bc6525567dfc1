//! From an installation's secret to an access token.
//!
//! Owns the one call that does it, after "OAuth 2.0 for Connect apps": a form, signed with the secret, to the fixed host. Everything else is asked with
//! the token, by rooms that do not know what it was made of. Tokens are kept there, not here.

use std::sync::Arc;
use std::time::Duration;

use penstock_common::Secret;
use penstock_common::bitbucket::client::{Client, Error, Grant, Granted, Granting, Method};

use super::ClientKey;
use super::app::AppKey;
use super::jwt::outbound::Signer;
use crate::bitbucket::{Credential, Revision};
use crate::clock::Clock;

/// Where tokens are given, below the site's address.
const PATH: [&str; 3] = ["site", "oauth2", "access_token"];
const FORM: &str = "application/x-www-form-urlencoded";
const GRANT: &[u8] = b"grant_type=urn%3Abitbucket%3Aoauth2%3Ajwt";
/// Most bytes of the answer.
const ANSWER_MAX: usize = 64 << 10;
/// How long one exchange may take, with everything that is tried again.
const TIME: Duration = Duration::from_secs(10);

/// Gets access tokens for installations.
pub struct Exchange {
    site: Client,
    app: AppKey,
    clock: Clock,
}

impl Exchange {
    /// `site` is a client of Bitbucket's site, without credentials: [`crate::bitbucket::Reach::site`].
    pub fn new(site: Client, app: AppKey, clock: Clock) -> Self {
        Self { site, app, clock }
    }

    /// `POST {site}/site/oauth2/access_token`: a token that acts for the account of `installation`.
    ///
    /// # Errors
    /// A status from 400 to 499 if Bitbucket does not know the installation, or not with this secret.
    pub async fn token(&self, installation: &ClientKey, secret: &Secret) -> Result<Granted, Error> {
        let path = format!("/{}", PATH.join("/"));
        let signer = Signer { app: &self.app, installation, secret };
        let signed = signer.authorization(Method::POST.as_str(), &path, "", (self.clock)());
        let signed = signed.map_err(|_| Error::NotMade("there is nothing to sign with"))?;
        let site = self.site.within(TIME);
        // A server may repeat what it was sent.
        site.hide_for_now(&Secret::new(signed.expose().trim_start_matches("JWT ")));
        let request = site.request(Method::POST, PATH)?.body_of_kind(GRANT.to_vec(), FORM);
        let answer = site.send(&request.authorization(&signed).limit(ANSWER_MAX).repeatable()).await?;
        Granted::read(&answer.body)
            .ok_or_else(|| Error::Unreadable { call: format!("POST {path}"), words: "it holds no token".to_owned() })
    }

    /// What an installation asks with, for [`crate::bitbucket::Tenants`].
    pub fn credential(self: &Arc<Self>, installation: ClientKey, secret: Secret) -> Credential {
        let revision = Revision::of(&[b"connect", installation.as_str().as_bytes(), secret.expose().as_bytes()]);
        Credential { revision, grant: Arc::new(OfInstallation { exchange: Arc::clone(self), installation, secret }) }
    }
}

/// One installation's way to tokens.
struct OfInstallation {
    exchange: Arc<Exchange>,
    installation: ClientKey,
    secret: Secret,
}

impl Grant for OfInstallation {
    fn grant(&self) -> Granting<'_> {
        Box::pin(self.exchange.token(&self.installation, &self.secret))
    }
}
