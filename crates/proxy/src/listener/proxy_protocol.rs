//! The PROXY protocol, versions 1 and 2 (haproxy.org, doc/proxy-protocol.txt): what stands before the first byte of a
//! connection that somebody passes on, and says whose it is.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What version 1 begins with.
const TEXT: &[u8] = b"PROXY ";
/// Bytes of a line of version 1, by its specification.
const TEXT_BYTES_MAX: usize = 107;
/// What version 2 begins with.
const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes before the addresses of version 2.
const BINARY_HEAD_BYTES: usize = 16;
/// Bytes of addresses and what else version 2 tells; certificates of clients are not among it.
pub(super) const BINARY_BODY_BYTES_MAX: usize = 4 << 10;

/// What the first bytes of a connection are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Not the protocol; the connection begins here.
    Absent,
    /// Perhaps the protocol: more bytes are needed.
    More,
    /// The protocol: how many bytes it takes, and whose the connection is, if it says so.
    Header(usize, Option<IpAddr>),
    /// The protocol's beginning, and nonsense after it.
    Malformed,
}

/// Reads the first bytes of a connection.
pub(super) fn read(bytes: &[u8]) -> Read {
    let begins = |mark: &[u8]| bytes.iter().zip(mark).all(|(left, right)| left == right);
    match (begins(TEXT), begins(BINARY)) {
        (false, false) => Read::Absent,
        (true, _) if bytes.len() >= TEXT.len() => text(bytes),
        (_, true) if bytes.len() >= BINARY_HEAD_BYTES => binary(bytes),
        _ => Read::More,
    }
}

fn text(bytes: &[u8]) -> Read {
    let within = &bytes[..bytes.len().min(TEXT_BYTES_MAX)];
    match within.windows(2).position(|pair| pair == b"\r\n") {
        None if bytes.len() < TEXT_BYTES_MAX => Read::More,
        None => Read::Malformed,
        Some(end) => match line(&within[TEXT.len()..end]) {
            Ok(source) => Read::Header(end + 2, source),
            Err(()) => Read::Malformed,
        },
    }
}

/// `TCP4 SOURCE DESTINATION PORT PORT`, or `UNKNOWN` and anything.
fn line(bytes: &[u8]) -> Result<Option<IpAddr>, ()> {
    let text = str::from_utf8(bytes).map_err(drop)?;
    let words: Vec<&str> = text.split(' ').collect();
    let addresses = |family: fn(&IpAddr) -> bool, of: [&str; 2]| {
        let [source, destination] = of.map(|text| text.parse::<IpAddr>().ok().filter(family));
        source.zip(destination).map(|(source, _)| Some(source)).ok_or(())
    };
    match words.as_slice() {
        ["UNKNOWN", ..] => Ok(None),
        [_, _, _, from, to] if from.parse::<u16>().is_err() || to.parse::<u16>().is_err() => Err(()),
        ["TCP4", source, destination, _, _] => addresses(IpAddr::is_ipv4, [source, destination]),
        ["TCP6", source, destination, _, _] => addresses(IpAddr::is_ipv6, [source, destination]),
        _ => Err(()),
    }
}

fn binary(bytes: &[u8]) -> Read {
    let length = usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    if length > BINARY_BODY_BYTES_MAX {
        return Read::Malformed;
    }
    let Some(addresses) = bytes.get(BINARY_HEAD_BYTES..BINARY_HEAD_BYTES + length) else { return Read::More };
    let source = match (bytes[12], bytes[13] >> 4) {
        // The proxy's own connection, to see whether we live; or a family that has no addresses of ours.
        (0x20, _) | (0x21, 0 | 3) => Ok(None),
        (0x21, 1) => first::<4>(addresses, 12).map(|source| Some(Ipv4Addr::from(source).into())),
        (0x21, 2) => first::<16>(addresses, 36).map(|source| Some(Ipv6Addr::from(source).into())),
        _ => Err(()),
    };
    source.map_or(Read::Malformed, |source| Read::Header(BINARY_HEAD_BYTES + length, source))
}

/// The first of the addresses, which take `whole` bytes with their ports.
fn first<const N: usize>(addresses: &[u8], whole: usize) -> Result<[u8; N], ()> {
    if addresses.len() < whole {
        return Err(());
    }
    addresses.first_chunk().copied().ok_or(())
}
