//! The authentication proxy of a pipeline step.
//!
//! A forward proxy for plain HTTP. It vouches for requests about reports of the step's own repository and for git on it, and passes
//! on everything else as it came: unauthenticated. It cannot see into a tunnel, so that nothing in there is vouched for. A request
//! that brings credentials does not belong here.

use std::net::TcpListener;
use std::sync::PoisonError;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::ServiceExt;

use crate::app::App;
use crate::door;
use crate::journal::{Door, Place};
use crate::rest::auth::Vouched;
use crate::rest::{self, Base};
use crate::sandbox::Bitbucket;
use crate::smart_http::Wish;

/// Where the API is, as steps know it.
const BITBUCKET: &str = "api.bitbucket.org";

/// What the proxy knows.
#[derive(Clone)]
struct Proxy {
    app: App,
    /// The API behind it.
    api: Router,
    /// UUID of the only repository that it works for, if there is one.
    own: Option<String>,
}

/// The proxy in front of an API.
pub(crate) fn router(app: &App, api: Router) -> Router {
    Router::new().fallback(pass).with_state(Proxy { app: app.clone(), api, own: None })
}

impl Bitbucket {
    /// Host and port of a proxy that works for the steps of one repository (UUID) and no other, so that those of several can run at a time.
    pub(crate) fn proxy_of(&self, repository: &str) -> std::io::Result<String> {
        let mut known = self.app.proxies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(address) = known.get(repository) {
            return Ok(address.clone());
        }
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?.to_string();
        let proxy = Proxy { app: self.app.clone(), api: rest::router(&self.app), own: Some(repository.to_owned()) };
        let routes = Router::new().fallback(pass).with_state(proxy);
        self.app.serve(listener, door::around(&self.app, Door::Proxy, routes))?;
        known.insert(repository.to_owned(), address.clone());
        Ok(address)
    }
}

async fn pass(State(proxy): State<Proxy>, request: Request) -> Response {
    let place = request.extensions().get::<Place>().copied();
    let refuse = |status: StatusCode, words: &'static str, is_wrong: bool| {
        if let Some(place) = place.filter(|_| is_wrong) {
            proxy.app.journal.violation(place, format!("proxy: {words}"));
        }
        (status, words).into_response()
    };
    if request.method() == Method::CONNECT {
        return match proxy.reachable(request.uri()) {
            Some(address) => tunnel(request, address),
            None => refuse(StatusCode::BAD_GATEWAY, "the sandbox connects to nothing but itself", false),
        };
    }
    if request.headers().contains_key(header::AUTHORIZATION) {
        return refuse(StatusCode::BAD_REQUEST, "a request to the proxy must not carry credentials", true);
    }
    if request.uri().scheme_str() != Some("http") {
        return refuse(StatusCode::BAD_REQUEST, "a request to the proxy names an absolute `http://` target", true);
    }
    match request.uri().host() {
        Some(BITBUCKET) => proxy.api(request).await,
        Some("bitbucket.org") => proxy.git(request).await,
        _ if proxy.is(request.uri(), &proxy.app.world().urls.api) => proxy.api(request).await,
        _ if proxy.is(request.uri(), &proxy.app.world().urls.site) => proxy.git(request).await,
        _ => refuse(StatusCode::BAD_GATEWAY, "the sandbox connects to nothing but itself", false),
    }
}

impl Proxy {
    /// The repository whose step this is, by UUID: the one that was named, else the only one there is.
    fn step(&self) -> Option<String> {
        let named = self.app.step.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.own.clone().or(named).or_else(|| self.app.world().only_repository())
    }

    /// Is this one of the sandbox's own addresses?
    fn is(&self, uri: &Uri, own: &str) -> bool {
        let own = own.parse::<Uri>().ok();
        own.is_some_and(|own| own.authority() == uri.authority())
    }

    /// Passes a call on to the API.
    async fn api(&self, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        // `/2.0/repositories/{workspace}/{repo_slug}/commit/{commit}/reports…`
        let is_report = parts.uri.path().split('/').nth(7) == Some("reports");
        let vouched = self.step().filter(|_| is_report).map_or(Vouched::Nobody, Vouched::Step);
        if parts.uri.host() == Some(BITBUCKET) {
            // Bitbucket does not know how a step reached it: its links are what they always are.
            parts.extensions.insert(Base("https://api.bitbucket.org"));
        }
        parts.uri = Uri::from(target);
        parts.headers.remove("proxy-connection");
        parts.extensions.insert(vouched);
        match self.api.clone().oneshot(Request::from_parts(parts, body)).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// git on the step's repository, and on nothing else.
    async fn git(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        let Some(wish) = Wish::read(&parts.method, &parts.uri) else { return StatusCode::NOT_FOUND.into_response() };
        let step = self.step();
        let git = {
            let world = self.app.world();
            let repository = step.and_then(|step| world.repository(&step));
            let named = repository.filter(|known| known.workspace == wish.workspace && known.slug == wish.slug);
            named.map(|repository| repository.git.clone())
        };
        match git {
            Some(git) => wish.answer(&git, &parts.headers, &body),
            None => (StatusCode::UNAUTHORIZED, "Authentication required").into_response(),
        }
    }

    /// Where a tunnel may lead: to the sandbox's own ports.
    fn reachable(&self, uri: &Uri) -> Option<String> {
        let asked = uri.authority()?.as_str();
        let urls = self.app.world().urls.clone();
        let own = [urls.api, urls.site, urls.companion];
        let mut own =
            own.iter().filter_map(|own| own.parse::<Uri>().ok()?.authority().map(|own| own.as_str().to_owned()));
        own.find(|own| own == asked)
    }
}

/// Opens a tunnel; what goes through it is not looked at.
fn tunnel(request: Request, address: String) -> Response {
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
        let Ok(mut there) = TcpStream::connect(address).await else { return };
        // Either side may end it when it likes.
        let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(upgraded), &mut there).await;
    });
    StatusCode::OK.into_response()
}
