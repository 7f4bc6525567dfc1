//! Where the app is reached: the one address that it gives out and that tokens are made for.
//!
//! Owns what `BASE_URL` may be. Host and path come from here and never from a request: headers like `X-Forwarded-Host` are whatever the
//! sender likes.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

/// The app's own address, without a slash at its end: Bitbucket joins paths to it without looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    /// Where its path begins in `text`.
    path_at: usize,
}

/// Why an address cannot be the app's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// It does not parse, or names no host.
    #[error("`BASE_URL` is no address: it must look like `https://penstock.example.com`")]
    NotAnAddress,
    /// Neither https nor loopback.
    #[error("`BASE_URL` must begin with `https://`: Bitbucket accepts nothing else, except for tests on this machine")]
    NotHttps,
    /// More than scheme, host, port and path.
    #[error("`BASE_URL` must have no user, no query and no fragment")]
    Superfluous,
    /// A path that clients and proxies read in different ways.
    #[error("the path of `BASE_URL` must be made of plain segments: letters, digits, `-`, `_`, `.`")]
    OddPath,
}

impl BaseUrl {
    /// Checks an address. One slash at its end is taken away.
    ///
    /// # Errors
    /// When Bitbucket could not use it, or when its path would make signatures ambiguous.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let url = Url::parse(text).map_err(|_| BaseUrlError::NotAnAddress)?;
        let loopback = match url.host().ok_or(BaseUrlError::NotAnAddress)? {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => IpAddr::from(address).is_loopback(),
            Host::Ipv6(address) => IpAddr::from(address).is_loopback(),
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
            return Err(BaseUrlError::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::Superfluous);
        }
        let path = url.path().strip_suffix('/').unwrap_or(url.path());
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !path.split('/').skip(1).all(|segment| !segment.is_empty() && segment.chars().all(plain)) {
            return Err(BaseUrlError::OddPath);
        }
        let mut text = url[..url::Position::BeforePath].to_owned();
        let path_at = text.len();
        text.push_str(path);
        Ok(Self { text, path_at })
    }

    /// The whole address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its path: empty, or `/…` without a slash at its end.
    pub fn path(&self) -> &str {
        &self.text[self.path_at..]
    }

    /// Scheme, host and port, as a browser names where a form came from.
    pub fn origin(&self) -> &str {
        &self.text[..self.path_at]
    }

    /// The part of a request's raw path that stands below the base path; `None` for a path outside of it.
    pub fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(self.path()).filter(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_bitbucket_can_use() {
        for (text, kept, path) in [
            ("https://app.example.com", "https://app.example.com", ""),
            ("https://APP.example.com:443/", "https://app.example.com", ""),
            ("https://app.example.com/bb/", "https://app.example.com/bb", "/bb"),
            ("https://app.example.com:8443/a/b", "https://app.example.com:8443/a/b", "/a/b"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", ""),
            ("http://[::1]:8080/bb", "http://[::1]:8080/bb", "/bb"),
            ("http://localhost:1", "http://localhost:1", ""),
        ] {
            let base = BaseUrl::parse(text).unwrap();
            assert_eq!((base.as_str(), base.path()), (kept, path));
        }
    }

    #[test]
    fn refuses_what_it_cannot() {
        for (text, why) in [
            ("penstock.example.com", BaseUrlError::NotAnAddress),
            ("http://app.example.com", BaseUrlError::NotHttps),
            ("http://localhost.example.com", BaseUrlError::NotHttps),
            ("ftp://localhost", BaseUrlError::NotHttps),
            ("https://me@app.example.com", BaseUrlError::Superfluous),
            ("https://app.example.com?x", BaseUrlError::Superfluous),
            ("https://app.example.com#x", BaseUrlError::Superfluous),
            ("https://app.example.com/a//b", BaseUrlError::OddPath),
            ("https://app.example.com/a%20b", BaseUrlError::OddPath),
            ("https://app.example.com/b&c", BaseUrlError::OddPath),
        ] {
            assert_eq!(BaseUrl::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn a_path_is_below_it_at_a_border_only() {
        let base = BaseUrl::parse("https://app.example.com/bb").unwrap();
        assert_eq!(base.strip("/bb"), Some(""));
        assert_eq!(base.strip("/bb/"), Some("/"));
        assert_eq!(base.strip("/bb/x"), Some("/x"));
        assert_eq!(base.strip("/bbx"), None);
        assert_eq!(base.strip("/x"), None);
        assert_eq!(BaseUrl::parse("https://app.example.com").unwrap().strip("/x"), Some("/x"));
    }
}
