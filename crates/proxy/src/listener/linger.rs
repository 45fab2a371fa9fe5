//! The socket of a connection, and closing it so that the last answer arrives.
//!
//! A socket that is closed while the client still sends is reset, and the reset takes from the client what it has not
//! read yet: the very answer that says why its body is refused. So, after the last answer, what still comes is read and
//! dropped, within bounds.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// How long nothing may come before the connection is closed for good.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long it is read from at most.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes that are read and dropped at most.
const BYTES_MAX: u64 = 128 << 20;
/// Bytes that are read at once.
const PIECE_BYTES: usize = 16 << 10;

/// A connection's stream, lent to the protocol on it; comes back when the protocol lets go of it. What was read of it
/// before is read again first.
pub struct Lent {
    stream: Option<TcpStream>,
    before: Bytes,
    back: Option<oneshot::Sender<TcpStream>>,
}

impl Lent {
    /// The stream to lend, and where it comes back.
    pub fn new(stream: TcpStream, before: Bytes) -> (Self, oneshot::Receiver<TcpStream>) {
        let (back, returned) = oneshot::channel();
        (Self { stream: Some(stream), before, back: Some(back) }, returned)
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut TcpStream> {
        Pin::new(self.get_mut().stream.as_mut().expect("it goes back only when this is dropped"))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(stream), Some(back)) = (self.stream.take(), self.back.take()) {
            // Nobody waits for it any more: then it is closed here.
            drop(back.send(stream));
        }
    }
}

impl AsyncRead for Lent {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.before.is_empty() {
            return self.stream().poll_read(context, buffer);
        }
        let fitting = self.before.len().min(buffer.remaining());
        buffer.put_slice(&self.before[..fitting]);
        self.before.advance(fitting);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Lent {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }
}

/// Says that nothing more will be sent, and drops what still comes.
pub async fn close(mut stream: TcpStream) {
    let dropping = async {
        stream.shutdown().await?;
        let mut left = BYTES_MAX;
        let mut piece = vec![0; PIECE_BYTES];
        while let Ok(read) = tokio::time::timeout(IDLE_TIMEOUT, stream.read(&mut piece)).await {
            let read = read? as u64;
            if read == 0 || read > left {
                break;
            }
            left -= read;
        }
        io::Result::Ok(())
    };
    // An error means that the client is gone, which is the end, too.
    drop(tokio::time::timeout(TIMEOUT, dropping).await);
}
