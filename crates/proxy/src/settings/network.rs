//! Networks, and which addresses are in them.

use std::net::IpAddr;
use std::str::FromStr;

use super::Network;

impl Network {
    /// Whether `address` is in it. An IPv4 address that is written as IPv6 is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same_bits(own.to_bits().into(), other.to_bits().into(), 32 - self.bits),
            (IpAddr::V6(own), IpAddr::V6(other)) => same_bits(own.to_bits(), other.to_bits(), 128 - self.bits),
            _ => false,
        }
    }
}

/// Whether two addresses are the same but for their last bits.
fn same_bits(left: u128, right: u128, but_for: u8) -> bool {
    (left ^ right).checked_shr(but_for.into()).is_none_or(|rest| rest == 0)
}

impl FromStr for Network {
    type Err = String;

    /// An address, or an address and how many of its bits count: `10.0.0.0/8`, `::1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| format!("{text:?} is not an address or a network"))?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => bits_max,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= bits_max).ok_or_else(|| {
                let most = format!("at most {bits_max} bits of an address can count");
                format!("{text:?} is not a network: {most}")
            })?,
        };
        Ok(Self { address, bits })
    }
}
