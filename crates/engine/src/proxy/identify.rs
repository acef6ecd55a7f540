//! Who is calling: the peer of the connection, or behind a fronted door what its trusted hop says, and nothing else.

use crate::network::hops::Hop;
use hyper::{
    HeaderMap,
    header::{HeaderName, HeaderValue},
};
use std::net::{IpAddr, SocketAddr};

/// The address everything counts and logs by; IPv4-mapped ones are IPv4.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Client(IpAddr);

/// The client behind a peer address.
pub(crate) fn identify(peer: SocketAddr) -> Client {
    Client(peer.ip().to_canonical())
}

/// Why what a hop says cannot be used: it is set up wrongly, and the owner should know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BadFront {
    /// It does not say that the visitor came over HTTPS.
    NotSecure,
    /// It does not say where the visitor is, or not readably.
    NoClient,
}

/// The client behind a trusted hop: in `X-Forwarded-For`, read from the right, the first address that is no hop. What
/// stands left of it a visitor may have made up.
///
/// # Errors
/// When the hop did not say enough.
pub(crate) fn behind(hops: &[Hop], peer: Client, headers: &HeaderMap) -> Result<Client, BadFront> {
    let mut schemes = headers.get_all(FORWARDED_PROTO).iter();
    let (Some(scheme), None) = (schemes.next(), schemes.next()) else { return Err(BadFront::NotSecure) };
    if scheme != "https" {
        return Err(BadFront::NotSecure);
    }
    let mut client = None;
    for line in headers.get_all(FORWARDED_FOR).iter().rev() {
        let line = line.to_str().map_err(|_| BadFront::NoClient)?;
        for item in line.rsplit(',') {
            let address: IpAddr = item.trim().parse().map_err(|_| BadFront::NoClient)?;
            client = Some(Client(address.to_canonical()));
            if !hops.iter().any(|hop| hop.is(address)) {
                return client.ok_or(BadFront::NoClient);
            }
        }
    }
    // Every address is a hop's: the farthest of them is where it began.
    client.filter(|_| hops.iter().any(|hop| hop.is(peer.0))).ok_or(BadFront::NoClient)
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

    /// What a tool is told in `X-Forwarded-For`.
    pub(crate) fn forwarded_for(self) -> HeaderValue {
        // An address has no letter that a field could not.
        HeaderValue::try_from(self.0.to_string()).unwrap_or(HeaderValue::from_static("unknown"))
    }

    /// The address.
    pub(crate) const fn address(self) -> IpAddr {
        self.0
    }
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str], scheme: &[&str]) -> Result<String, BadFront> {
        let hops = ["127.0.0.1", "172.17.0.0/16"].map(|hop| hop.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        for scheme in scheme {
            headers.append(FORWARDED_PROTO, scheme.parse().unwrap());
        }
        let peer = identify("127.0.0.1:1".parse().unwrap());
        behind(&hops, peer, &headers).map(|client| client.address().to_string())
    }

    #[test]
    fn the_right_most_address_that_is_no_hop_counts() {
        for (lines, client) in [
            (&["198.51.100.7"][..], "198.51.100.7"),
            (&["10.9.9.9, 198.51.100.7"], "198.51.100.7"),
            (&["nonsense, 198.51.100.7, 172.17.0.2"], "198.51.100.7"),
            (&["1.2.3.4", "198.51.100.7,127.0.0.1"], "198.51.100.7"),
            (&["198.51.100.7", "172.17.0.2"], "198.51.100.7"),
            (&["::ffff:198.51.100.7"], "198.51.100.7"),
            (&["2001:db8::7"], "2001:db8::7"),
            (&["127.0.0.1"], "127.0.0.1"),
            (&["172.17.0.9, 127.0.0.1"], "172.17.0.9"),
        ] {
            assert_eq!(told(lines, &["https"]).as_deref(), Ok(client), "{lines:?}");
        }
    }

    #[test]
    fn a_front_that_says_too_little_is_not_believed() {
        for lines in [
            &[][..],
            &[""],
            &["unknown"],
            &["198.51.100.7:80"],
            &["[::1]"],
            &["198.51.100.7, "],
            &["x, 127.0.0.1"],
        ] {
            assert_eq!(told(lines, &["https"]), Err(BadFront::NoClient), "{lines:?}");
        }
        for scheme in [&[][..], &["http"], &["https", "https"], &["HTTPS"], &["https, http"]] {
            assert_eq!(told(&["198.51.100.7"], scheme), Err(BadFront::NotSecure), "{scheme:?}");
        }
    }

    #[test]
    fn mapped_addresses_are_the_same_client() {
        let mapped = identify("[::ffff:192.0.2.1]:1".parse().unwrap());
        assert_eq!(mapped, identify("192.0.2.1:2".parse().unwrap()));
    }
}
