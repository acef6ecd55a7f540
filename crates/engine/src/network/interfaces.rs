//! The local network: which of this computer's addresses are private, what network each is in, who the gateway is.

use drawbridge_texts::{Sentence, Tell};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses are the local network.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Lan {
    /// Those of the interface that leads to the gateway.
    Found,
    /// These, and every listener is bound to them alone.
    Given(Vec<IpAddr>),
}

/// An address cannot be part of a local network.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadLanAddress {
    /// A wildcard.
    #[error("{0} is a wildcard")]
    Wildcard(IpAddr),
    /// Anyone on the internet could reach it.
    #[error("{0} is not private")]
    Global(IpAddr),
}

impl Tell for BadLanAddress {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Wildcard(address) => Sentence::new("lan-wildcard").with("address", *address),
            Self::Global(address) => Sentence::new("lan-global").with("address", *address),
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Network {
    /// This computer's addresses there, each with its network.
    pub(crate) addresses: Vec<(IpAddr, IpNet)>,
    /// Addresses of the gateway.
    pub(crate) gateways: Vec<IpAddr>,
    /// Addresses asked for that this computer does not have now.
    pub(crate) missing: Vec<IpAddr>,
}

/// Checks an address given by the owner.
///
/// # Errors
/// When it is a wildcard or global.
pub fn check_lan_address(address: IpAddr) -> Result<(), BadLanAddress> {
    let address = address.to_canonical();
    if address.is_unspecified() {
        return Err(BadLanAddress::Wildcard(address));
    }
    if is_private(address) || address.is_loopback() || is_link_local(address) {
        Ok(())
    } else {
        Err(BadLanAddress::Global(address))
    }
}

/// Looks at the interfaces now.
pub(crate) fn find(lan: &Lan) -> Network {
    match lan {
        Lan::Found => from_default_interface(),
        // Loopback has no gateway and needs no look at the interfaces.
        Lan::Given(addresses) if addresses.iter().all(IpAddr::is_loopback) => given(addresses, &[]),
        Lan::Given(addresses) => Network { gateways: gateways(), ..given(addresses, &own_networks()) },
    }
}

fn from_default_interface() -> Network {
    let Ok(interface) = netdev::get_default_interface() else { return Network::default() };
    let addresses = networks_of(&interface).into_iter().filter(|(address, _)| is_private(*address)).collect();
    Network { addresses, gateways: gateways_of(&interface), missing: Vec::new() }
}

fn gateways() -> Vec<IpAddr> {
    netdev::get_default_interface().map_or_else(|_| Vec::new(), |interface| gateways_of(&interface))
}

fn gateways_of(interface: &netdev::Interface) -> Vec<IpAddr> {
    interface
        .gateway
        .iter()
        .flat_map(|gateway| {
            let v4 = gateway.ipv4.iter().copied().map(IpAddr::V4);
            v4.chain(gateway.ipv6.iter().copied().map(IpAddr::V6))
        })
        .collect()
}

fn own_networks() -> Vec<(IpAddr, IpNet)> {
    netdev::get_interfaces().iter().flat_map(networks_of).collect()
}

fn networks_of(interface: &netdev::Interface) -> Vec<(IpAddr, IpNet)> {
    let v4 = interface.ipv4.iter().map(|network| (IpAddr::V4(network.addr()), IpNet::V4(network.trunc())));
    let v6 = interface.ipv6.iter().map(|network| (IpAddr::V6(network.addr()), IpNet::V6(network.trunc())));
    v4.chain(v6).collect()
}

fn given(wanted: &[IpAddr], own: &[(IpAddr, IpNet)]) -> Network {
    let mut network = Network::default();
    for address in wanted.iter().map(IpAddr::to_canonical) {
        let inside = match address {
            // Every address of 127/8 is this computer's, listed or not (RFC 1122 §3.2.1.3).
            IpAddr::V4(v4) if v4.is_loopback() => {
                Ipv4Net::new(Ipv4Addr::new(127, 0, 0, 0), 8).ok().map(IpNet::V4)
            }
            IpAddr::V6(Ipv6Addr::LOCALHOST) => Some(IpNet::V6(Ipv6Net::from(Ipv6Addr::LOCALHOST))),
            _ => own.iter().find(|(candidate, _)| *candidate == address).map(|(_, network)| *network),
        };
        match inside {
            Some(inside) => network.addresses.push((address, inside)),
            None => network.missing.push(address),
        }
    }
    network
}

/// RFC 1918 and RFC 4193.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private(),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

/// RFC 3927; IPv6 link-local needs a zone, which no share URL can carry.
fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.is_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_private_addresses_can_be_a_lan() {
        for good in [
            "127.0.0.1",
            "127.7.7.7",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.1.1",
            "::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            assert_eq!(check_lan_address(good.parse().unwrap()), Ok(()), "{good}");
        }
        for bad in [
            "0.0.0.0",
            "::",
            "8.8.8.8",
            "172.32.0.1",
            "2001:db8::1",
            "fe80::1",
            "224.0.0.1",
            "::ffff:8.8.8.8",
        ] {
            assert!(check_lan_address(bad.parse().unwrap()).is_err(), "{bad}");
        }
    }

    #[test]
    fn given_addresses_bring_their_network_or_are_missing() {
        let own = [("192.168.1.5".parse().unwrap(), "192.168.1.0/24".parse().unwrap())];
        let wanted =
            ["127.3.2.1".parse().unwrap(), "192.168.1.5".parse().unwrap(), "10.9.9.9".parse().unwrap()];
        let network = given(&wanted, &own);
        let networks: Vec<String> = network.addresses.iter().map(|(_, inside)| inside.to_string()).collect();
        assert_eq!(networks, ["127.0.0.0/8", "192.168.1.0/24"]);
        assert_eq!(network.missing, ["10.9.9.9".parse::<IpAddr>().unwrap()]);
    }
}
