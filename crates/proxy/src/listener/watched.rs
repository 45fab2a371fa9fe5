//! A connection's bytes, watched: a client that takes nothing is given up, and a head that gives the length of its body
//! twice is seen for what it is.
//!
//! Hyper goes by Transfer-Encoding where a request has Content-Length, too, drops the latter and closes the connection
//! after the answer: nothing can be smuggled so. But such a request is nobody's in good faith, and is to be refused; so
//! heads are looked at as they come. On a connection that has had a chunked body they are not any more, because where
//! that body ends is not known here; hyper's way is what holds then.

#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, header};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::HEAD_BYTES_MAX;

/// How long a client may take nothing of an answer.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes that are kept to look at: a head, and what came with it.
const WINDOW_BYTES_MAX: usize = 4 * HEAD_BYTES_MAX;

/// A stream that is watched.
pub(super) struct Watched<S> {
    stream: S,
    heads: Option<Heads>,
    stall: Option<Pin<Box<Sleep>>>,
    stalled: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Watched<S> {
    /// Watches a stream; `heads` are those of HTTP/1.
    pub(super) fn new(stream: S, heads: Option<Heads>) -> Self {
        Self { stream, heads, stall: None, stalled: false }
    }

    /// Gives the client up when it has taken nothing for too long.
    fn taken<T>(&mut self, context: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.stalled = false;
            return poll;
        }
        let stall = self.stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(STALL_TIMEOUT)));
        if !self.stalled {
            self.stalled = true;
            stall.as_mut().reset(Instant::now() + STALL_TIMEOUT);
        }
        stall.as_mut().poll(context).map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Some(heads) = &self.heads
            && buffer.filled().len() > before
        {
            heads.came(&buffer.filled()[before..]);
        }
        poll
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.taken(context, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(context);
        self.taken(context, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(context);
        self.taken(context, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.taken(context, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// The heads of a connection's requests, as they came.
#[derive(Clone, Default)]
pub(super) struct Heads(Arc<Mutex<Window>>);

impl Heads {
    fn came(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).came(bytes);
    }

    /// The next head was read, and this is what was understood of it. Whether it gave the length of its body twice.
    pub(super) fn next_is_ambiguous(&self, understood: &HeaderMap, has_body: bool) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next(understood, has_body)
    }
}

/// What came and belongs to no request yet.
#[derive(Default)]
struct Window {
    bytes: Vec<u8>,
    /// Bytes of a body that are still to come.
    skipped: u64,
    /// Where heads begin is not known any more.
    blind: bool,
}

impl Window {
    fn came(&mut self, bytes: &[u8]) {
        let skipped = self.skipped.min(bytes.len() as u64);
        self.skipped -= skipped;
        let bytes = &bytes[skipped as usize..];
        if self.blind || bytes.is_empty() {
            return;
        }
        if self.bytes.len() + bytes.len() > WINDOW_BYTES_MAX {
            return self.lose();
        }
        self.bytes.extend_from_slice(bytes);
    }

    fn next(&mut self, understood: &HeaderMap, has_body: bool) -> bool {
        if !has_body && self.bytes.ends_with(b"\r\n\r\n") {
            self.bytes.clear();
            return false;
        }
        let Some(length) = head_length(&self.bytes) else {
            self.lose();
            return false;
        };
        if understood.contains_key(header::TRANSFER_ENCODING) {
            let ambiguous = has_line(&self.bytes[..length], header::CONTENT_LENGTH.as_str());
            self.lose();
            return ambiguous;
        }
        let announced = understood.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = announced.unwrap_or(0_u64);
        let came = body.min((self.bytes.len() - length) as u64);
        self.skipped = body - came;
        self.bytes.drain(..length + came as usize);
        false
    }

    fn lose(&mut self) {
        self.blind = true;
        self.bytes = Vec::new();
    }
}

/// Bytes of the head that stands first, the empty lines before it and the one after it included.
fn head_length(bytes: &[u8]) -> Option<usize> {
    let begin = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let ends = |at: usize| match &bytes[at..] {
        [b'\n', b'\n', ..] => Some(at + 2),
        [b'\n', b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    };
    (begin..bytes.len()).filter(|at| bytes[*at] == b'\n').find_map(ends)
}

fn has_line(head: &[u8], name: &str) -> bool {
    let names = head.split(|byte| *byte == b'\n').map(|line| line.split(|byte| *byte == b':').next().unwrap_or_default());
    names.into_iter().any(|own| own.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
}
