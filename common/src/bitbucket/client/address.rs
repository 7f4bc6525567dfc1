//! Where the API is, and which addresses belong to it.
//!
//! Owns the one check that decides whether a request may go to an address: scheme, host and port must be those that were configured.
//! Links in answers, redirects and what users type all pass here, because credentials travel with every request.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Origin, Url};

use super::error::Error;

/// The API of Bitbucket Cloud.
const BITBUCKET: &str = "https://api.bitbucket.org/2.0";
/// The site of Bitbucket Cloud.
const SITE: &str = "https://bitbucket.org";
/// The site as the authentication proxy wants it named.
const PROXIED_SITE: &str = "http://bitbucket.org";
/// The API as the authentication proxy of Pipelines wants it named: in plain HTTP, so that it can add a header.
const PROXIED: &str = "http://api.bitbucket.org/2.0";

/// The address under which the API is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiUrl(Url);

/// The address of what people see of Bitbucket: pages, git, and where OAuth consumers get their tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteUrl(Url);

/// An address to which credentials cannot go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// It does not parse, or names no host.
    #[error("it is no URL")]
    Unreadable,
    /// Credentials would travel in clear.
    #[error("it must begin with `https://`; `http://` is possible on loopback only")]
    Unencrypted,
    /// It holds credentials, a query or a fragment.
    #[error("it must hold nothing but scheme, host, port and path")]
    TooMuch,
}

impl ApiUrl {
    /// Takes an https address, or a plain one on loopback.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        parse(text).map(Self)
    }

    /// The address of the site that belongs to it: of Bitbucket itself its web host, else what serves the API.
    pub fn site(&self) -> SiteUrl {
        if Self::default() == *self {
            return SiteUrl::default();
        }
        let mut url = self.0.clone();
        url.set_path("");
        SiteUrl(url)
    }

    /// Whether it leads to this very machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// For calls of the site itself, such as that for a token.
impl From<SiteUrl> for ApiUrl {
    fn from(site: SiteUrl) -> Self {
        Self(site.0)
    }
}

impl Default for ApiUrl {
    /// Bitbucket Cloud.
    fn default() -> Self {
        Self(fixed(BITBUCKET))
    }
}

/// An https address, or a plain one on loopback, without a slash at its end.
fn parse(text: &str) -> Result<Url, BadAddress> {
    let mut url = Url::parse(text.trim()).map_err(|_| BadAddress::Unreadable)?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(BadAddress::TooMuch);
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(BadAddress::Unencrypted),
        _ => return Err(BadAddress::Unreadable),
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

impl SiteUrl {
    /// Takes an https address, or a plain one on loopback.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        parse(text).map(Self)
    }

    /// Whether it leads to this very machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Where the git server of a repository is.
    pub(super) fn git(&self, workspace: &str, slug: &str) -> Option<ApiUrl> {
        self.below([workspace, &format!("{slug}.git")])
    }

    /// The same as the authentication proxy wants it named: `BITBUCKET_GIT_HTTP_ORIGIN`.
    pub(super) fn proxied_git(workspace: &str, slug: &str) -> Option<ApiUrl> {
        Self(fixed(PROXIED_SITE)).below([workspace, slug])
    }

    fn below<'s>(&self, path: impl IntoIterator<Item = &'s str>) -> Option<ApiUrl> {
        Some(ApiUrl(Home { base: self.0.clone(), alias: None }.resource(path).ok()?))
    }

    /// Where OAuth tokens are to be had.
    pub fn token_url(&self) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/site/oauth2/access_token", self.0.path().trim_end_matches('/')));
        url
    }
}

impl Default for SiteUrl {
    /// Bitbucket Cloud.
    fn default() -> Self {
        Self(fixed(SITE))
    }
}

impl fmt::Display for SiteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// Whether an address leads to this very machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

#[expect(clippy::expect_used, reason = "only called with the constants above, which a test reads")]
fn fixed(text: &str) -> Url {
    Url::parse(text).expect("a constant")
}

/// The addresses that one client may ask.
#[derive(Clone, Debug)]
pub(super) struct Home {
    base: Url,
    /// Another origin that means this one: the API names itself by https also to who comes through the authentication proxy.
    alias: Option<Origin>,
}

impl Home {
    pub(super) fn of(url: &ApiUrl) -> Self {
        Self { base: url.0.clone(), alias: None }
    }

    /// As seen through the authentication proxy.
    pub(super) fn proxied() -> Self {
        Self { base: fixed(PROXIED), alias: Some(fixed(BITBUCKET).origin()) }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.base.scheme() == "https"
    }

    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }

    pub(super) fn host(&self) -> String {
        host_of(&self.base)
    }

    /// The address of a resource by the parts of its path, each of which is encoded.
    pub(super) fn resource<'s>(&self, segments: impl IntoIterator<Item = &'s str>) -> Result<Url, Error> {
        let mut url = self.base.clone();
        let mut path = url.path_segments_mut().map_err(|()| Error::Segment(String::new()))?;
        path.pop_if_empty();
        for segment in segments {
            // The first would name another resource, the others would be left out of the path.
            if matches!(segment, "" | "." | "..") {
                return Err(Error::Segment(segment.to_owned()));
            }
            path.push(segment);
        }
        drop(path);
        Ok(url)
    }

    /// The address that a user means by `text`: a path below the API, or a whole URL that must lead there.
    pub(super) fn typed(&self, text: &str) -> Result<Url, Error> {
        if text.contains("://") {
            return self.link(&self.base, text);
        }
        let path = text.trim_start_matches('/');
        // People copy paths with the version from documents.
        let root = self.base.path().trim_matches('/');
        let path = path.strip_prefix(root).filter(|rest| rest.starts_with('/')).unwrap_or(path);
        let text = format!("{}/{}", self.base.as_str().trim_end_matches('/'), path.trim_start_matches('/'));
        let url = Url::parse(&text).map_err(|_| Error::Segment(path.to_owned()))?;
        self.admit(url)
    }

    /// The address that an answer from `at` leads to. It must be at home.
    pub(super) fn link(&self, at: &Url, text: &str) -> Result<Url, Error> {
        let url = at.join(text).map_err(|_| Error::Elsewhere { to: "no address".to_owned() })?;
        self.admit(url)
    }

    fn admit(&self, mut url: Url) -> Result<Url, Error> {
        let elsewhere = Error::Elsewhere { to: host_of(&url) };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(elsewhere);
        }
        if self.alias.as_ref() == Some(&url.origin()) {
            let whole = format!("{}{}", self.base.origin().ascii_serialization(), &url[url::Position::BeforePath..]);
            url = Url::parse(&whole).map_err(|_| Error::Elsewhere { to: host_of(&url) })?;
        }
        if url.origin() != self.base.origin() {
            return Err(elsewhere);
        }
        url.set_fragment(None);
        Ok(url)
    }

    /// An address as it is told: what comes after the API's own path, with the braces of ids as people write them. The query is left out, it may
    /// hold anything.
    pub(super) fn told(&self, url: &Url) -> String {
        let path = url.path().strip_prefix(self.base.path()).unwrap_or(url.path());
        path.replace("%7B", "{").replace("%7D", "}")
    }
}

/// Scheme, host and port as they are told.
pub(super) fn host_of(url: &Url) -> String {
    match url.origin() {
        origin @ Origin::Tuple(..) => origin.ascii_serialization(),
        Origin::Opaque(_) => format!("a `{}:` address", url.scheme()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> Home {
        Home::of(&ApiUrl::default())
    }

    #[test]
    fn constants_are_addresses() {
        let site = ApiUrl::default().site();
        assert_eq!(site.to_string(), "https://bitbucket.org");
        assert_eq!((site.origin(), site.is_loopback()), (site.to_string(), false));
        assert_eq!(ApiUrl::default().to_string(), BITBUCKET);
        assert_eq!(site.token_url().as_str(), "https://bitbucket.org/site/oauth2/access_token");
        assert_eq!(ApiUrl::parse("https://api.bitbucket.org/2.0/"), Ok(ApiUrl::default()));
        assert_eq!(Home::proxied().host(), "http://api.bitbucket.org");
    }

    #[test]
    fn credentials_travel_encrypted_or_not_at_all() {
        for good in ["https://bitbucket.example/2.0", "http://127.0.0.1:8080/2.0", "http://[::1]/", "http://localhost"]
        {
            assert!(ApiUrl::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["http://api.bitbucket.org/2.0", "http://localhost.example", "http://127.0.0.1.example", "ftp://localhost"]
        {
            assert!(ApiUrl::parse(bad).is_err(), "{bad}");
        }
        for bad in ["https://name@host/", "https://name:word@host/", "https://host/?a=b", "https://host/#f"] {
            assert_eq!(ApiUrl::parse(bad), Err(BadAddress::TooMuch), "{bad}");
        }
        assert_eq!(
            ApiUrl::parse("http://127.0.0.1:8080/2.0").map(|url| url.site().token_url().to_string()),
            Ok("http://127.0.0.1:8080/site/oauth2/access_token".to_owned())
        );
    }

    #[test]
    fn parts_of_a_path_stay_parts() {
        let url = home().resource(["repositories", "ws", "a/b ?#%2e{}"]).expect("an address");
        assert_eq!(url.as_str(), "https://api.bitbucket.org/2.0/repositories/ws/a%2Fb%20%3F%23%252e%7B%7D");
        assert_eq!(home().told(&url), "/repositories/ws/a%2Fb%20%3F%23%252e{}");
        for bad in ["", ".", ".."] {
            assert!(matches!(home().resource(["repositories", bad]), Err(Error::Segment(_))), "{bad}");
        }
    }

    #[test]
    fn what_users_type_stays_at_home() {
        for (typed, address) in [
            ("user", "https://api.bitbucket.org/2.0/user"),
            ("/user?fields=uuid", "https://api.bitbucket.org/2.0/user?fields=uuid"),
            ("/2.0/user", "https://api.bitbucket.org/2.0/user"),
            ("https://api.bitbucket.org:443/2.0/user#x", "https://api.bitbucket.org/2.0/user"),
            ("//evil.example/user", "https://api.bitbucket.org/2.0/evil.example/user"),
            ("@evil.example/", "https://api.bitbucket.org/2.0/@evil.example/"),
            ("\\\\evil.example/", "https://api.bitbucket.org/2.0///evil.example/"),
            ("/../../x", "https://api.bitbucket.org/x"),
        ] {
            assert_eq!(home().typed(typed).expect("an address").as_str(), address, "{typed}");
        }
        for bad in [
            "https://evil.example/2.0/user",
            "http://api.bitbucket.org/2.0/user",
            "https://api.bitbucket.org:8443/2.0/user",
            "https://name@api.bitbucket.org/2.0/user",
            "https://api.bitbucket.org.evil.example/",
            "file:///etc/passwd",
        ] {
            assert!(matches!(home().typed(bad), Err(Error::Elsewhere { .. })), "{bad}");
        }
    }

    #[test]
    fn links_are_followed_at_home_only() {
        let at = home().resource(["user"]).expect("an address");
        assert_eq!(
            home().link(&at, "/2.0/x?page=2").expect("a link").as_str(),
            "https://api.bitbucket.org/2.0/x?page=2"
        );
        for bad in
            ["//evil.example/x", "https://evil.example/", "http://api.bitbucket.org/", "javascript:x", "https://"]
        {
            assert!(matches!(home().link(&at, bad), Err(Error::Elsewhere { .. })), "{bad}");
        }
    }

    #[test]
    fn through_the_authentication_proxy_https_links_are_taken_as_plain_ones() {
        let home = Home::proxied();
        let at = home.resource(["x"]).expect("an address");
        let link = home.link(&at, "https://api.bitbucket.org/2.0/x?page=2").expect("a link");
        assert_eq!(link.as_str(), "http://api.bitbucket.org/2.0/x?page=2");
        assert!(home.link(&at, "https://bitbucket.org/2.0/x").is_err());
    }
}
