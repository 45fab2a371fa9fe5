//! The first bytes of a connection: the PROXY protocol, where it is believed, and which version of HTTP is spoken.

use std::io;
use std::net::IpAddr;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::proxy_protocol::{self, BINARY_BODY_BYTES_MAX, Read};

/// What a client of HTTP/2 begins with (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What the first bytes of a connection told.
pub(super) struct Opening {
    /// What was read, the PROXY protocol's header taken off.
    pub(super) read: Bytes,
    /// Whose the connection is, where the PROXY protocol says so.
    pub(super) source: Option<IpAddr>,
    /// Whether HTTP/2 is spoken, in the clear.
    pub(super) http2: bool,
}

/// What is looked for.
#[derive(Clone, Copy)]
pub(super) struct Expected {
    /// The PROXY protocol may come first.
    pub(super) proxied: bool,
    /// Either version of HTTP may come, in the clear.
    pub(super) cleartext: bool,
}

/// Reads as much as is needed to know; none where nothing is looked for, or the client went away.
pub(super) async fn read(stream: &mut TcpStream, expected: Expected) -> io::Result<Option<Opening>> {
    let mut bytes = BytesMut::new();
    let mut source = None;
    let mut proxied = expected.proxied;
    loop {
        if proxied {
            match proxy_protocol::read(&bytes) {
                Read::More => {}
                Read::Absent => proxied = false,
                Read::Header(length, of) => {
                    bytes.advance(length);
                    (source, proxied) = (of, false);
                }
                Read::Malformed => return Err(io::Error::new(io::ErrorKind::InvalidData, "a malformed PROXY header")),
            }
        }
        if !proxied && let Some(http2) = http2(&bytes, expected.cleartext) {
            return Ok(Some(Opening { read: bytes.freeze(), source, http2 }));
        }
        bytes.reserve(BINARY_BODY_BYTES_MAX * 2);
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
}

/// Whether HTTP/2 is spoken; none: more bytes are needed to tell.
fn http2(bytes: &[u8], cleartext: bool) -> Option<bool> {
    let same = bytes.iter().zip(PREFACE).all(|(left, right)| left == right);
    match (cleartext && same, bytes.len() >= PREFACE.len()) {
        (false, _) => Some(false),
        (true, true) => Some(true),
        (true, false) => None,
    }
}
