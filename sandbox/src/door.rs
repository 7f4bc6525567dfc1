//! What every door does with every request: reads it, writes it into the journal, and plays the faults that were planned.

use std::io::Read;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;

use crate::app::App;
use crate::fault::Fault;
use crate::journal::Door;
use crate::rest::guard::BODY_MAX;
use crate::trickle;
use crate::wire::Cut;

/// Most bytes that a compressed body may become.
const INFLATED_MAX: u64 = 64 << 20;

/// Puts the journal and the faults around the routes of a door.
pub(crate) fn around(app: &App, door: Door, routes: Router) -> Router {
    routes.layer(from_fn_with_state((app.clone(), door), watch))
}

async fn watch(State((app, door)): State<(App, Door)>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    // What follows a CONNECT is not HTTP: it is left to the proxy.
    let is_tunnel = parts.method == Method::CONNECT;
    let (bytes, body) = if is_tunnel { (Bytes::new(), body) } else { read(body).await };
    let place = app.journal.open(door, &parts.method, &parts.uri, &parts.headers, &inflated(&parts.headers, &bytes));
    parts.extensions.insert(place);
    let cut = parts.extensions.get::<ConnectInfo<Cut>>().map(|info| info.0.clone()).unwrap_or_default();
    let fault = app.faults.next(door, parts.method.as_str(), parts.uri.path());
    if let Some(fault) = &fault {
        app.journal.amend(place, |entry| entry.fault = Some(fault.name()));
    }
    let request = Request::from_parts(parts, body);
    let answer = |response: Response| {
        let status = response.status().as_u16();
        app.journal.amend(place, |entry| entry.status = Some(status));
        response
    };
    match fault {
        None => answer(next.run(request).await),
        Some(Fault::Answer { status, headers, body }) => answer(told(status, &headers, body)),
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            answer(next.run(request).await)
        }
        Some(Fault::Reset) => severed(&cut),
        Some(Fault::LostAnswer) => {
            next.run(request).await;
            severed(&cut)
        }
        Some(Fault::HalfBody) => answer(promising(next.run(request).await, |bytes| trickle::half(&bytes)).await),
        Some(Fault::Drip(pause)) => {
            answer(promising(next.run(request).await, |bytes| trickle::drip(bytes, pause)).await)
        }
    }
}

async fn read(body: Body) -> (Bytes, Body) {
    let bytes = to_bytes(body, BODY_MAX).await.unwrap_or_default();
    (bytes.clone(), Body::from(bytes))
}

/// The body without the compression that its header names; as it is if that is not true.
pub(crate) fn inflated(headers: &HeaderMap, bytes: &Bytes) -> Bytes {
    if headers.get(header::CONTENT_ENCODING).is_none_or(|coding| coding != "gzip") {
        return bytes.clone();
    }
    let mut plain = Vec::new();
    let read = GzDecoder::new(bytes.as_ref()).take(INFLATED_MAX).read_to_end(&mut plain);
    if read.is_ok() { plain.into() } else { bytes.clone() }
}

fn told(status: u16, headers: &[(String, String)], body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, body).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (header::HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// An answer that is never sent: the connection is gone before its first byte.
fn severed(cut: &Cut) -> Response {
    cut.now();
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// An answer that promises all and has another body.
async fn promising(response: Response, body: impl FnOnce(Bytes) -> Body) -> Response {
    let (mut parts, whole) = response.into_parts();
    let bytes = to_bytes(whole, usize::MAX).await.unwrap_or_default();
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    Response::from_parts(parts, body(bytes))
}
