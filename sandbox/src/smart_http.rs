//! git over HTTP.
//!
//! Owns the smart protocol's two requests (`info/refs` and the service itself), versions 0 to 2, answered by the real `git`.
//! Who may fetch and push is decided by whoever calls this.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::door::inflated;
use crate::git::Git;

/// What a client wants of a repository.
#[derive(Debug)]
pub(crate) struct Wish {
    /// Workspace and slug, without `.git`.
    pub(crate) workspace: String,
    /// See there.
    pub(crate) slug: String,
    service: Service,
    /// The first request asks what there is, the second one gets or gives it.
    is_advertisement: bool,
}

/// The two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Fetch,
    Push,
}

impl Service {
    fn named(name: &str) -> Option<Self> {
        match name {
            "git-upload-pack" => Some(Self::Fetch),
            "git-receive-pack" => Some(Self::Push),
            _ => None,
        }
    }

    /// Without `git-`.
    fn command(self) -> &'static str {
        match self {
            Self::Fetch => "upload-pack",
            Self::Push => "receive-pack",
        }
    }
}

impl Wish {
    /// Reads a request. `None` if it is not git's.
    pub(crate) fn read(method: &Method, uri: &Uri) -> Option<Self> {
        let mut parts = uri.path().trim_start_matches('/').splitn(3, '/');
        let (workspace, slug, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let slug = slug.strip_suffix(".git").unwrap_or(slug);
        let (service, is_advertisement) = match (method, rest) {
            (&Method::GET, "info/refs") => {
                let query = url::form_urlencoded::parse(uri.query()?.as_bytes()).find(|(name, _)| name == "service")?.1;
                (Service::named(&query)?, true)
            }
            (&Method::POST, service) => (Service::named(service)?, false),
            _ => return None,
        };
        Some(Self { workspace: workspace.to_owned(), slug: slug.to_owned(), service, is_advertisement })
    }

    /// Does it change anything?
    pub(crate) fn writes(&self) -> bool {
        self.service == Service::Push
    }

    /// Answers it.
    pub(crate) fn answer(&self, git: &Git, headers: &HeaderMap, body: &Bytes) -> Response {
        let protocol = headers.get("git-protocol").and_then(|value| value.to_str().ok());
        let command = self.service.command();
        let folder = git.folder().as_os_str();
        let how = if self.is_advertisement { "--http-backend-info-refs" } else { "--stateless-rpc" };
        let mut words: Vec<&std::ffi::OsStr> = vec![command.as_ref(), "--stateless-rpc".as_ref()];
        if self.is_advertisement {
            words.push(how.as_ref());
        }
        words.push(folder);
        let input = inflated(headers, body);
        let Ok(written) = git.feed(words, &input, protocol) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let (kind, written) = if self.is_advertisement {
            ("advertisement", self.announced(written, protocol))
        } else {
            ("result", written)
        };
        let headers = [
            (header::CONTENT_TYPE, format!("application/x-git-{command}-{kind}")),
            (header::CACHE_CONTROL, "no-cache".to_owned()),
        ];
        (headers, written).into_response()
    }

    /// Before version 2, the service's name stands before what there is.
    fn announced(&self, written: Vec<u8>, protocol: Option<&str>) -> Vec<u8> {
        let is_new = protocol.is_some_and(|protocol| protocol.split(':').any(|word| word == "version=2"));
        if is_new && self.service == Service::Fetch {
            return written;
        }
        let line = format!("# service=git-{}\n", self.service.command());
        let mut announced = format!("{:04x}{line}0000", line.len() + 4).into_bytes();
        announced.extend(written);
        announced
    }
}
