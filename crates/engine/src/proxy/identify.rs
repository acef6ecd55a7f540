//! Who is calling: the peer of the connection and nothing else. No hop is trusted yet, so no header is asked.

use std::net::{IpAddr, SocketAddr};

/// The address everything counts and logs by; IPv4-mapped ones are IPv4.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Client(IpAddr);

/// The client behind a peer address.
pub(crate) fn identify(peer: SocketAddr) -> Client {
    Client(peer.ip().to_canonical())
}

impl Client {
    /// What is counted as one client: an IPv4 address, or the /64 an IPv6 address is in, all of which one computer has.
    pub(crate) fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::from([a, b, c, d, 0, 0, 0, 0])
            }
        }
    }

    /// The address.
    pub(crate) const fn address(self) -> IpAddr {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_addresses_are_the_same_client() {
        let mapped = identify("[::ffff:192.0.2.1]:1".parse().unwrap());
        assert_eq!(mapped, identify("192.0.2.1:2".parse().unwrap()));
    }
}
