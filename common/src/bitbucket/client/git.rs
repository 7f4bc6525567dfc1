//! The way to the git server of a repository.
//!
//! Owns its addresses and the names that git knows our tokens by. What is said there is git's own protocol, and none of this crate's.

use super::auth::Auth;
use super::error::Error;
use super::request::Request;
use super::transport::{Access, AuthProxy};
use super::{Client, Method, SiteUrl};

/// What git calls whoever comes with an access token.
const ACCESS_TOKEN_USER: &str = "x-token-auth";
/// What git calls whoever comes with an API token of a user.
const API_TOKEN_USER: &str = "x-bitbucket-api-token-auth";

/// What a request to fetch is, as a media type.
const UPLOAD_PACK: &str = "application/x-git-upload-pack-request";

impl Access {
    /// The same way to the git server of a repository, which is part of `site`. None for credentials that git does not take.
    pub fn to_git(&self, site: &SiteUrl, workspace: &str, slug: &str) -> Option<Self> {
        match self {
            Self::Direct { auth, proxy, roots, .. } => {
                let (user, token) = match auth {
                    Auth::AccessToken(token) => (ACCESS_TOKEN_USER, token),
                    Auth::ApiToken { token, .. } => (API_TOKEN_USER, token),
                    Auth::Anonymous | Auth::OAuth(_) | Auth::Granted(_) => return None,
                };
                let auth = Auth::ApiToken { email: user.to_owned(), token: token.clone() };
                let api = site.git(workspace, slug)?;
                Some(Self::Direct { api, auth, proxy: proxy.clone(), roots: roots.clone() })
            }
            Self::AuthProxy(AuthProxy { url, .. }) => {
                let git = SiteUrl::proxied_git(workspace, slug)?;
                Some(Self::AuthProxy(AuthProxy { url: url.clone(), git: Some(git) }))
            }
        }
    }
}

impl Client {
    /// Asks a git server, in version 2 of its protocol: what it can do, or what `body` says. At most `limit` bytes are read of the answer.
    pub async fn ask_git(&self, body: Option<Vec<u8>>, limit: usize) -> Result<Vec<u8>, Error> {
        let request: Request = match body {
            None => self.request(Method::GET, ["info", "refs"])?.query("service", "git-upload-pack"),
            // It reads, although it is a POST.
            Some(body) => self.request(Method::POST, ["git-upload-pack"])?.body_of_kind(body, UPLOAD_PACK).repeatable(),
        };
        Ok(self.send(&request.header("git-protocol", "version=2").limit(limit)).await?.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use crate::bitbucket::client::{ApiUrl, CorporateProxy, ExtraRoots};

    fn direct(auth: Auth) -> Access {
        let (proxy, roots) = (CorporateProxy::default(), ExtraRoots::default());
        Access::Direct { api: ApiUrl::default(), auth, proxy, roots }
    }

    #[test]
    fn git_is_asked_with_the_name_that_it_knows_a_token_by() {
        let site = SiteUrl::default();
        let token = || Auth::AccessToken(Secret::new("x"));
        let git = direct(token()).to_git(&site, "ws", "shop").expect("a way");
        let Access::Direct { auth: Auth::ApiToken { email, .. }, .. } = &git else { panic!("{git:?}") };
        assert_eq!(email, ACCESS_TOKEN_USER);
        let address = git.home().resource(["info", "refs"]).expect("an address");
        assert_eq!(address.as_str(), "https://bitbucket.org/ws/shop.git/info/refs");
        assert!(direct(Auth::Anonymous).to_git(&site, "ws", "shop").is_none());
        assert!(direct(token()).to_git(&site, "..", "shop").is_none());
    }

    #[test]
    fn the_authentication_proxy_is_asked_for_the_same_repository_in_plain_http() {
        let access = Access::AuthProxy(AuthProxy::parse("localhost:29418").expect("an address"));
        let git = access.to_git(&SiteUrl::default(), "ws", "shop").expect("a way");
        let address = git.home().resource(["info", "refs"]).expect("an address");
        assert_eq!(address.as_str(), "http://bitbucket.org/ws/shop/info/refs");
    }
}
