//! What our local authority may sign: the names of private networks, and nothing else.
//!
//! The limits are written into the authority's certificate as a critical name-constraints extension (RFC 5280
//! §4.2.1.10), so that a stolen authority key cannot impersonate a bank on the devices that trust it. The
//! same lists answer our own questions before signing, so that we never make a certificate that browsers
//! would refuse.
//!
//! Changing a list changes what [`are_ours`] accepts: authorities made before must then be made and trusted
//! anew.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use rcgen::{CidrSubnet, GeneralSubtree};
use rustls::pki_types::DnsName;
use x509_parser::extensions::{GeneralName, NameConstraints};

/// Domains that never belong to anyone on the internet: RFC 8375 (`home.arpa`), RFC 6762 (`local`), ICANN
/// resolution 2024.07.29.06 (`internal`), RFC 6761 (`localhost`); `lan` is reserved by nobody, refused by the
/// root, and what most home routers hand out.
const DOMAINS: [&str; 5] = ["home.arpa", "local", "lan", "internal", "localhost"];

/// RFC 1918, RFC 3927 (link local), RFC 6598 (shared, used by overlay networks), RFC 1122 (loopback).
const V4: [Ipv4Net; 6] = [
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
    Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8),
];

/// RFC 4193 (unique local), RFC 4291 (link local, loopback).
///
/// Both families must be listed: with IPv4 alone, some verifiers take IPv6 addresses for unconstrained.
const V6: [Ipv6Net; 3] = [
    Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128),
];

/// Whether the authority may name this address; IPv4 written as IPv6 counts as IPv4.
pub(super) fn permit_address(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => V6.iter().any(|net| net.contains(&address)),
    }
}

/// Whether the authority may name this host: a well-formed name at or beneath one of the domains.
///
/// Wildcards are not: we know every door by name, and verifiers differ in how a wildcard meets a constraint.
pub(crate) fn is_local_name(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let within =
        |domain: &&str| host.strip_suffix(*domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    DnsName::try_from(host.as_str()).is_ok() && DOMAINS.iter().any(within)
}

/// The constraints as they go into a certificate; only permitted trees, which exclude everything else of
/// their kinds.
pub(super) fn extension() -> rcgen::NameConstraints {
    let domains = DOMAINS.iter().map(|domain| GeneralSubtree::DnsName((*domain).to_owned()));
    let v4 = V4.iter().map(|net| CidrSubnet::from_v4_prefix(net.network().octets(), net.prefix_len()));
    let v6 = V6.iter().map(|net| CidrSubnet::from_v6_prefix(net.network().octets(), net.prefix_len()));
    rcgen::NameConstraints {
        permitted_subtrees: domains.chain(v4.chain(v6).map(GeneralSubtree::IpAddress)).collect(),
        excluded_subtrees: Vec::new(),
    }
}

/// Whether a certificate's constraints are exactly ours, in any order.
pub(super) fn are_ours(constraints: &NameConstraints<'_>) -> bool {
    let v4 = V4.iter().map(|net| [net.network().octets(), net.netmask().octets()].concat());
    let v6 = V6.iter().map(|net| [net.network().octets(), net.netmask().octets()].concat());
    let networks: Vec<Vec<u8>> = v4.chain(v6).collect();
    let expected: Vec<GeneralName<'_>> = DOMAINS
        .iter()
        .map(|domain| GeneralName::DNSName(domain))
        .chain(networks.iter().map(|octets| GeneralName::IPAddress(octets)))
        .collect();
    let found: Vec<&GeneralName<'_>> =
        constraints.permitted_subtrees.iter().flatten().map(|subtree| &subtree.base).collect();
    constraints.excluded_subtrees.is_none()
        && found.len() == expected.len()
        && expected.iter().all(|name| found.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_permitted_at_the_edges_of_private_ranges_and_not_beyond() {
        let inside = [
            "10.0.0.0",
            "10.255.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.1.1",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "::ffff:10.0.0.1",
            "fc00::",
            "fdff:ffff::1",
            "fe80::1",
            "febf::1",
            "::1",
        ];
        let outside = [
            "9.255.255.255",
            "11.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "169.253.255.255",
            "100.63.255.255",
            "100.128.0.0",
            "128.0.0.1",
            "0.0.0.0",
            "::ffff:8.8.8.8",
            "fbff::1",
            "fe00::1",
            "fec0::1",
            "::",
            "::2",
            "2001:db8::1",
        ];
        for address in inside {
            assert!(permit_address(address.parse().unwrap()), "{address}");
        }
        for address in outside {
            assert!(!permit_address(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn hosts_are_permitted_at_and_beneath_private_domains_only() {
        for host in
            ["home.arpa", "nas.home.arpa", "a.b.local", "NAS.LAN", "x.internal", "localhost", "app.localhost"]
        {
            assert!(is_local_name(host), "{host}");
        }
        for host in [
            "",
            ".",
            "arpa",
            "evil.com",
            "nasxlan",
            "xlocal",
            "local.evil.com",
            "nas.lan.",
            "*.lan",
            "*.nas.lan",
            ".lan",
            "a..lan",
            "192.168.1.5",
            "nas lan",
            "näs.lan",
            "nas.lan\0",
            "home.arpa.com",
        ] {
            assert!(!is_local_name(host), "{host}");
        }
    }
}
