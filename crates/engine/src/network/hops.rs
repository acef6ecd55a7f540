//! Trusted hops: the proxies of the owner's own that end TLS before a fronted door. What they say about a visitor is
//! believed, so a list that would believe strangers is refused.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// One of them: an address, or a small network.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Hop(IpNet);

/// Why an address is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum BadHop {
    /// Not an address, not a network.
    #[error("no address")]
    Unreadable,
    /// Believing all of it would be believing strangers.
    #[error("too many addresses, or ones nobody can have")]
    Dangerous,
}

impl Hop {
    /// Whether an address is this hop's.
    pub(crate) fn is(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// The network.
    pub(crate) const fn network(&self) -> IpNet {
        self.0
    }
}

impl FromStr for Hop {
    type Err = BadHop;

    fn from_str(text: &str) -> Result<Self, BadHop> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address.to_canonical()),
            Err(_) => text.parse::<IpNet>().map_err(|_| BadHop::Unreadable)?.trunc(),
        };
        if is_dangerous(&network) { Err(BadHop::Dangerous) } else { Ok(Self(network)) }
    }
}

/// Whether more than one's own proxies could have such an address.
fn is_dangerous(network: &IpNet) -> bool {
    let address = network.addr();
    let nobody = address.is_unspecified() || address.is_multicast() || address == Ipv4Addr::BROADCAST;
    let (is_private, widest) = match address {
        IpAddr::V4(v4) => (v4.is_private() || v4.is_loopback() || v4.is_link_local(), WIDEST_V4),
        // Mapped addresses have their IPv4 form, and a network of them would be all of IPv4.
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => return true,
        IpAddr::V6(v6) => {
            (v6.is_unique_local() || v6.is_unicast_link_local() || v6 == Ipv6Addr::LOCALHOST, WIDEST_V6)
        }
    };
    let is_one = network.prefix_len() == network.max_prefix_len();
    nobody || (!is_one && (!is_private || network.prefix_len() < widest))
}

/// `192.168.1.5`, or `172.17.0.0/16` for a network.
impl fmt::Display for Hop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            self.0.addr().fmt(formatter)
        } else {
            self.0.fmt(formatter)
        }
    }
}

impl TryFrom<String> for Hop {
    type Error = BadHop;

    fn try_from(text: String) -> Result<Self, BadHop> {
        text.parse()
    }
}

impl From<Hop> for String {
    fn from(hop: Hop) -> Self {
        hop.to_string()
    }
}

/// Bits of the widest network taken (chosen: the bridge of a container engine, 172.17.0.0/16).
const WIDEST_V4: u8 = 16;
/// The same for IPv6 (one link, RFC 4291 §2.5.4).
const WIDEST_V6: u8 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_small_private_networks_are_taken() {
        for (text, written) in [
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
            ("::ffff:10.0.0.7", "10.0.0.7"),
            ("172.17.3.4/16", "172.17.0.0/16"),
            ("10.1.2.3/32", "10.1.2.3"),
            ("fd00:1::/64", "fd00:1::/64"),
            ("203.0.113.9", "203.0.113.9"),
        ] {
            let hop: Hop = text.parse().unwrap();
            assert_eq!(hop.to_string(), written);
            assert_eq!(written.parse(), Ok(hop), "what is written is read");
        }
        assert!("172.17.0.0/16".parse::<Hop>().unwrap().is("::ffff:172.17.9.9".parse().unwrap()));
        assert!(!"172.17.0.0/16".parse::<Hop>().unwrap().is("172.18.0.1".parse().unwrap()));
    }

    #[test]
    fn lists_that_believe_strangers_are_refused() {
        for text in [
            "0.0.0.0/0",
            "::/0",
            "0.0.0.0",
            "::",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "203.0.113.0/24",
            "2001:db8::/64",
            "fc00::/7",
            "::ffff:0.0.0.0/96",
            "224.0.0.1",
            "255.255.255.255",
            "128.0.0.0/1",
        ] {
            assert_eq!(text.parse::<Hop>(), Err(BadHop::Dangerous), "{text}");
        }
        for text in ["", "localhost", "10.0.0", "10.0.0.0/33", "*"] {
            assert_eq!(text.parse::<Hop>(), Err(BadHop::Unreadable), "{text}");
        }
    }
}
