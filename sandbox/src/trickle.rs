//! Bodies that do not come as they should.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::Frame;
use tokio::time::Sleep;

type Piece = Poll<Option<Result<Frame<Bytes>, io::Error>>>;

/// The first half of something, then the end of the connection.
pub(crate) fn half(bytes: &Bytes) -> Body {
    Body::new(Half { left: Some(bytes.slice(..bytes.len() / 2)), has_waited: false })
}

struct Half {
    left: Option<Bytes>,
    has_waited: bool,
}

impl hyper::body::Body for Half {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Piece {
        if let Some(bytes) = self.left.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if !self.has_waited {
            // While a body has nothing to give, the server writes out what it has: the half must be on its way before the cut.
            self.has_waited = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}

/// All of something, byte by byte, with a pause before each.
pub(crate) fn drip(bytes: Bytes, pause: Duration) -> Body {
    Body::new(Drip { bytes, pause, sleep: Box::pin(tokio::time::sleep(pause)) })
}

struct Drip {
    bytes: Bytes,
    pause: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl hyper::body::Body for Drip {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Piece {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        ready!(self.sleep.as_mut().poll(context));
        let pause = self.pause;
        self.sleep.set(tokio::time::sleep(pause));
        let byte = self.bytes.split_to(1);
        Poll::Ready(Some(Ok(Frame::data(byte))))
    }
}
