//! What counts as one place on the network.

use std::net::IpAddr;

/// Returns the network of an address: an IPv4 address itself, or the /64 that one IPv6 subscriber has at least (RFC 6177).
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        ip @ IpAddr::V4(_) => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::network_of;

    #[test]
    fn a_network_is_an_address_or_what_one_subscriber_has() {
        let network = |text: &str| network_of(text.parse().expect("an address"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.2"), network("192.0.2.1"));
        assert_eq!(network("2001:db8:0:1::5"), network("2001:db8:0:1:9::7"));
        assert_ne!(network("2001:db8:0:1::5"), network("2001:db8:0:2::5"));
    }
}
