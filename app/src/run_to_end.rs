//! Requests whose client hangs up.
//!
//! Owns that a request which may change something is answered by a task of its own. A client that
//! hangs up and the time limit of a request end the waiting, and the reading of a body that is not
//! complete, but nothing that was begun.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State as Shared};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use tokio::sync::oneshot;
use tracing::Instrument as _;

use crate::problem::Problem;
use crate::state::State;

/// Runs a request to its end, whether or not its client waits for the answer.
pub(crate) async fn run_to_end(Shared(state): Shared<State>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let (_waits, waiter) = oneshot::channel();
    let request = request.map(|body| Body::new(WhileWaiting { body, waiter }));
    let task = state.tasks.spawn(next.run(request).in_current_span());
    task.await.unwrap_or_else(|_| {
        let words = "the operator finds more in the log";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "A fault of this program", words).into_response()
    })
}

/// A body that breaks off when no client waits for the answer any more.
struct WhileWaiting {
    body: Body,
    waiter: oneshot::Receiver<()>,
}

impl HttpBody for WhileWaiting {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if Pin::new(&mut self.waiter).poll(context).is_ready() {
            return Poll::Ready(Some(Err(axum::Error::new("the request was given up"))));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
