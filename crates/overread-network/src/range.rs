//! An address, or all addresses of a network.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// All addresses that begin with the same bits; one alone when all of them count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressRange {
    /// Never an IPv4 address written as an IPv6 one.
    first: IpAddr,
    /// How many bits count.
    prefix_bits: u8,
}

/// Says that a text names no address and no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotARange {
    /// It is neither.
    #[error(
        "neither an IP address, as 192.0.2.10 or 2001:db8::10, nor a network, as 10.1.0.0/16 or 2001:db8::/32"
    )]
    Form,
    /// It has bits behind its prefix, so that one machine or a network may be meant.
    #[error("a network with bits behind its prefix; 10.1.0.0/16 is one, 10.1.0.7/16 may be a slip")]
    HostBits,
}

impl AddressRange {
    /// Says whether an address is in it, however it is written.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && bits(address) & self.mask() == bits(self.first)
    }

    /// Returns how many bits count: of two ranges with an address in common, the one with more is the narrower.
    pub const fn prefix_bits(&self) -> u8 {
        self.prefix_bits
    }

    /// Says whether every address of its sort is in it.
    pub const fn is_everything(&self) -> bool {
        self.prefix_bits == 0
    }

    fn mask(&self) -> u128 {
        let shift = u32::from(width(self.first) - self.prefix_bits);
        u128::MAX.checked_shl(shift).unwrap_or(0)
    }
}

impl From<IpAddr> for AddressRange {
    fn from(address: IpAddr) -> Self {
        let first = address.to_canonical();
        Self {
            first,
            prefix_bits: width(first),
        }
    }
}

impl FromStr for AddressRange {
    type Err = NotARange;

    fn from_str(text: &str) -> Result<Self, NotARange> {
        let text = text.trim();
        let Some((address, prefix)) = text.split_once('/') else {
            let address: IpAddr = text.parse().map_err(|_| NotARange::Form)?;
            return Ok(address.into());
        };
        let written: IpAddr = address.parse().map_err(|_| NotARange::Form)?;
        let is_number = prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = prefix.parse::<u8>().ok().filter(|_| is_number);
        let first = written.to_canonical();
        // The bits that make an IPv6 address of an IPv4 one count in what was written.
        let before = width(written) - width(first);
        let prefix_bits = prefix
            .filter(|prefix| *prefix <= width(written))
            .and_then(|prefix| prefix.checked_sub(before))
            .ok_or(NotARange::Form)?;
        let range = Self { first, prefix_bits };
        if bits(first) & range.mask() != bits(first) {
            return Err(NotARange::HostBits);
        }
        Ok(range)
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix_bits == width(self.first) {
            return self.first.fmt(formatter);
        }
        write!(formatter, "{}/{}", self.first, self.prefix_bits)
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::{AddressRange, NotARange};

    fn check(range: &str, inside: &[&str], outside: &[&str]) {
        let range: AddressRange = range.parse().unwrap();
        for (addresses, expect) in [(inside, true), (outside, false)] {
            for address in addresses {
                let address = address.parse().unwrap();
                assert_eq!(range.contains(address), expect, "{address} in {range}");
            }
        }
    }

    #[test]
    fn addresses_are_in_their_networks() {
        check(
            "10.1.0.0/16",
            &["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3"],
            &["10.2.0.0", "::"],
        );
        check(
            "192.0.2.10",
            &["192.0.2.10", "::ffff:192.0.2.10"],
            &["192.0.2.11"],
        );
        check("::ffff:10.1.0.0/112", &["10.1.9.9"], &["10.2.0.0"]);
        check(
            "2001:db8::/32",
            &["2001:db8:1::7"],
            &["2001:db9::", "10.0.0.1"],
        );
        check("2001:db8::7", &["2001:db8::7"], &["2001:db8::8"]);
        check("0.0.0.0/0", &["203.0.113.9"], &["2001:db8::7"]);
        check("::/0", &["2001:db8::7"], &["203.0.113.9"]);
        check("10.0.0.0/31", &["10.0.0.1"], &["10.0.0.2"]);
    }

    #[test]
    fn what_is_neither_is_told() {
        for text in [
            "",
            "10.1",
            "10.1.0.0/",
            "10.1.0.0/33",
            "10.1.0.0/+8",
            "2001:db8::/129",
            "x",
            "10.0.0.0/8/8",
            "::ffff:10.0.0.0/8",
            "10.0.0.0/255.0.0.0",
        ] {
            assert_eq!(text.parse::<AddressRange>(), Err(NotARange::Form), "{text}");
        }
        for text in ["10.1.0.7/16", "2001:db8::7/32", "10.0.0.1/0"] {
            assert_eq!(
                text.parse::<AddressRange>(),
                Err(NotARange::HostBits),
                "{text}"
            );
        }
    }

    #[test]
    fn a_range_is_written_as_it_is_read() {
        for text in ["10.1.0.0/16", "192.0.2.10", "2001:db8::/32", "::/0"] {
            assert_eq!(text.parse::<AddressRange>().unwrap().to_string(), text);
        }
    }
}
