//! The names one certificate speaks for, and the one rule that says which hosts they cover.
//!
//! Imports, doors and the TLS handshake all ask here, so that a certificate shown as fitting is also the one
//! presented. Which names a certificate *should* carry is decided elsewhere; which of them our own authority
//! may sign is [`super::constraints`].

use std::net::IpAddr;

/// The subject alternative names of a certificate: sorted, without doubles, lower case.
///
/// A host may be a wildcard (`*.example.org`); see [`Names::covers`] for what that means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    addresses: Vec<IpAddr>,
    hosts: Vec<String>,
}

impl Names {
    /// Puts names in order: lower case, no trailing dot, no doubles. An address written as a host
    /// (`"192.168.1.5"`) becomes an address, because a DNS name that looks like one is refused by browsers;
    /// an IPv4 address written as IPv6 (`::ffff:192.168.1.5`) becomes IPv4. Empty hosts are dropped; nothing
    /// else is judged.
    pub(crate) fn new<H: AsRef<str>>(
        addresses: impl IntoIterator<Item = IpAddr>,
        hosts: impl IntoIterator<Item = H>,
    ) -> Self {
        let mut names = Self {
            addresses: addresses.into_iter().map(|address| address.to_canonical()).collect(),
            hosts: Vec::new(),
        };
        for host in hosts {
            let host = normal(host.as_ref());
            match literal(&host) {
                Some(address) => names.addresses.push(address),
                None if host.is_empty() => {}
                None => names.hosts.push(host),
            }
        }
        names.addresses.sort_unstable();
        names.addresses.dedup();
        names.hosts.sort_unstable();
        names.hosts.dedup();
        names
    }

    /// The IP addresses, IPv4 before IPv6.
    pub(crate) fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// The host names and wildcards.
    pub(crate) fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// Whether there is no name at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.hosts.is_empty()
    }

    /// Whether a client that asked for `host` (a name, or an address as in a URL, brackets allowed) accepts
    /// these names.
    ///
    /// RFC 9525 §6.3 (before it RFC 6125 §6.4.3), as browsers and webpki read it: case does not matter, a
    /// wildcard is a whole left-most label, stands for exactly one label, and needs two labels behind it
    /// (`*.org` covers nothing). Addresses match only as addresses.
    pub(crate) fn covers(&self, host: &str) -> bool {
        let host = normal(host);
        if let Some(address) = literal(&host) {
            return self.covers_address(address);
        }
        if host.is_empty() || host.contains('*') {
            return false;
        }
        let wildcard = |name: &String| wildcard_parent(name).is_some_and(|base| parent(&host) == Some(base));
        self.hosts.binary_search(&host).is_ok() || self.hosts.iter().any(wildcard)
    }

    /// Whether `address` is one of the addresses; IPv4 written as IPv6 is the same address.
    pub(crate) fn covers_address(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address.to_canonical())
    }
}

/// What a wildcard stands on: `example.org` for `*.example.org`; nothing for a name that is no usable
/// wildcard.
pub(super) fn wildcard_parent(name: &str) -> Option<&str> {
    name.strip_prefix("*.")
        .filter(|base| base.contains('.') && !base.contains('*') && !base.split('.').any(str::is_empty))
}

/// A host without its left-most label: what a wildcard that covers it would have to stand on.
pub(super) fn parent(host: &str) -> Option<&str> {
    host.split_once('.').filter(|(label, _)| !label.is_empty()).map(|(_, base)| base)
}

fn normal(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn literal(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::testing;
    use rustls::pki_types::ServerName;

    #[test]
    fn names_are_sorted_deduplicated_and_lower_case() {
        let names = Names::new(
            ["::1", "192.168.1.5", "::ffff:192.168.1.5"].map(|text| text.parse().unwrap()),
            ["NAS.home.arpa.", "nas.home.arpa", "10.0.0.1", "", "a.lan"],
        );
        assert_eq!(names.hosts(), ["a.lan", "nas.home.arpa"]);
        assert_eq!(
            names.addresses(),
            ["10.0.0.1", "192.168.1.5", "::1"].map(|text| text.parse::<IpAddr>().unwrap())
        );
        assert!(!names.is_empty());
        assert!(Names::default().is_empty());
    }

    /// The names in a certificate, the host asked for, and whether the one covers the other.
    const RULES: [(&str, &str, bool); 20] = [
        ("example.org", "example.org", true),
        ("example.org", "EXAMPLE.org", true),
        ("example.org", "www.example.org", false),
        ("*.example.org", "www.example.org", true),
        ("*.EXAMPLE.org", "WWW.example.ORG", true),
        ("*.example.org", "example.org", false),
        ("*.example.org", "a.b.example.org", false),
        ("*.example.org", "wwwexample.org", false),
        ("*.example.org", "www.example.org.evil.net", false),
        ("*.org", "example.org", false),
        ("*", "localhost", false),
        ("w*.example.org", "www.example.org", false),
        ("*w.example.org", "www.example.org", false),
        ("www.*.org", "www.example.org", false),
        ("*.*.org", "www.example.org", false),
        ("*.a.example.org", "b.a.example.org", true),
        ("192.168.1.5", "192.168.1.5", true),
        ("192.168.1.5", "192.168.1.50", false),
        ("fd00::1", "fd00:0::1", true),
        ("*.168.1.5", "192.168.1.5", false),
    ];

    #[test]
    fn a_wildcard_covers_one_label_and_only_the_left_most() {
        for (name, host, expected) in RULES {
            assert_eq!(Names::new([], [name]).covers(host), expected, "{name} for {host}");
        }
    }

    #[test]
    fn our_rule_agrees_with_what_webpki_accepts() {
        for (name, host, expected) in RULES {
            let certificate = testing::certificate_named(&[name]);
            let parsed = webpki::EndEntityCert::try_from(&certificate).unwrap();
            let accepted =
                parsed.verify_is_valid_for_subject_name(&ServerName::try_from(host).unwrap()).is_ok();
            assert_eq!(accepted, expected, "webpki: {name} for {host}");
        }
    }

    #[test]
    fn bracketed_mapped_and_dotted_forms_are_the_same_host() {
        let names = Names::new(["fd00::1".parse().unwrap(), "10.0.0.1".parse().unwrap()], ["nas.lan"]);
        for host in ["[fd00::1]", "::ffff:10.0.0.1", "nas.lan."] {
            assert!(names.covers(host), "{host}");
        }
        for host in ["", ".", "*.lan", "fd00::2", "[10.0.0.1", "nas.lan.."] {
            assert!(!names.covers(host), "{host}");
        }
        assert!(!Names::new([], ["*.example.org"]).covers("*.example.org"));
    }
}
