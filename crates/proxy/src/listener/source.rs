//! Who is at the other end, when proxies that are trusted say for whom they ask.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use cloudtrail::record::TlsDetails;
use http::{HeaderMap, HeaderName, header};

use crate::audit::Client;
use crate::settings::Network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whose word is believed.
#[derive(Clone, Default)]
pub(crate) struct Trusted(Arc<[Network]>);

impl Trusted {
    pub(crate) fn new(networks: &[Network]) -> Self {
        Self(networks.into())
    }

    /// Whether what `address` says of others is believed.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Who asks: the last address, from the nearest to the farthest, that somebody trusted names and that is not trusted
    /// itself.
    fn source(&self, nearest: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut source = nearest;
        if self.0.is_empty() || !self.contains(source) {
            return source;
        }
        let lines: Vec<_> = headers.get_all(X_FORWARDED_FOR).iter().collect();
        let hops = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        for hop in hops {
            // What cannot be read was not written by a proxy that can be believed any further.
            let Some(address) = address(hop) else { break };
            source = address;
            if !self.contains(source) {
                break;
            }
        }
        source
    }
}

/// An address, with or without a port.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(text).ok()?.trim();
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let alone = bracketed.unwrap_or(text).parse().ok();
    alone.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip())).map(|address: IpAddr| address.to_canonical())
}

/// A connection, and who is at its other end.
#[derive(Clone)]
pub(crate) struct Connection {
    /// The other side's address, or the one that the PROXY protocol told.
    pub(crate) nearest: IpAddr,
    /// How it is secured, if it is.
    pub(crate) tls: Option<TlsDetails>,
    /// Whose word is believed.
    pub(crate) trusted: Trusted,
}

impl Connection {
    /// Who sent a request with these headers.
    pub(crate) fn client(&self, headers: &HeaderMap) -> Client {
        let tls = self.tls.as_ref().map(|tls| TlsDetails {
            client_provided_host_header: headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned),
            ..tls.clone()
        });
        Client { source_ip: self.trusted.source(self.nearest, headers), tls }
    }
}
