//! Host names, addresses and ports as they stand in `Host`, `:authority`, `Origin` and share URLs (RFC 3986 §3.2).
//!
//! Only what a browser would send: no user information, no percent-encoding, no trailing dot, lower case.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

/// A host name or an address, canonical.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Host {
    /// A DNS name in lower case.
    Name(String),
    /// An address; IPv4-mapped ones are IPv4.
    Address(IpAddr),
}

/// A host and, where it was written, a port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Authority {
    pub(crate) host: Host,
    pub(crate) port: Option<u16>,
}

/// The text is not a host or authority as a browser would send it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a host name or address")]
pub(crate) struct BadAuthority;

impl FromStr for Host {
    type Err = BadAuthority;

    fn from_str(text: &str) -> Result<Self, BadAuthority> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(BadAuthority)?;
            let address: Ipv6Addr = inner.parse().map_err(|_| BadAuthority)?;
            return Ok(Self::Address(IpAddr::V6(address).to_canonical()));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return text.parse().map(|address| Self::Address(IpAddr::V4(address))).map_err(|_| BadAuthority);
        }
        let name = text.to_ascii_lowercase();
        let valid = name.len() <= MAX_NAME_BYTES && name.split('.').all(is_label);
        if valid { Ok(Self::Name(name)) } else { Err(BadAuthority) }
    }
}

impl FromStr for Authority {
    type Err = BadAuthority;

    fn from_str(text: &str) -> Result<Self, BadAuthority> {
        let colon = match text.rfind(']') {
            Some(bracket) => {
                text.get(bracket + 1..).and_then(|rest| rest.find(':')).map(|at| bracket + 1 + at)
            }
            None => text.find(':'),
        };
        let (host, port) = match colon.and_then(|at| text.split_at_checked(at)) {
            Some((host, port)) => (host, Some(parse_port(port.get(1..).unwrap_or_default())?)),
            None => (text, None),
        };
        Ok(Self { host: host.parse()?, port })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(formatter),
            Self::Address(IpAddr::V6(address)) => write!(formatter, "[{address}]"),
        }
    }
}

/// How an origin of ours is spoken to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scheme {
    /// Under TLS.
    Https,
    /// In clear, where the owner allows it.
    Http,
}

impl Scheme {
    /// As it stands in URLs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    /// The port that URLs leave out.
    pub(crate) const fn port(self) -> u16 {
        match self {
            Self::Https => HTTPS_PORT,
            Self::Http => HTTP_PORT,
        }
    }
}

/// Text of an origin; the default port is left out, as browsers do.
pub(crate) fn origin(scheme: Scheme, host: &Host, port: u16) -> String {
    let name = scheme.name();
    if port == scheme.port() { format!("{name}://{host}") } else { format!("{name}://{host}:{port}") }
}

/// Text of an HTTPS origin.
pub(crate) fn https_origin(host: &Host, port: u16) -> String {
    origin(Scheme::Https, host, port)
}

fn parse_port(text: &str) -> Result<u16, BadAuthority> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && !text.starts_with('0');
    if canonical { text.parse().map_err(|_| BadAuthority) } else { Err(BadAuthority) }
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= MAX_LABEL_BYTES
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Default port of HTTPS (RFC 9110 §4.2.2).
pub(crate) const HTTPS_PORT: u16 = 443;
/// Default port of HTTP (RFC 9110 §4.2.1).
const HTTP_PORT: u16 = 80;
/// Longest DNS name as text (RFC 1035 §2.3.4).
const MAX_NAME_BYTES: usize = 253;
/// Longest DNS label (RFC 1035 §2.3.4).
const MAX_LABEL_BYTES: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(text: &str) -> Option<String> {
        let authority: Authority = text.parse().ok()?;
        Some(match authority.port {
            Some(port) => format!("{}:{port}", authority.host),
            None => authority.host.to_string(),
        })
    }

    #[test]
    fn browsers_spellings_are_read() {
        for (text, expected) in [
            ("Example.ORG", "example.org"),
            ("example.org:8443", "example.org:8443"),
            ("192.168.1.5:8444", "192.168.1.5:8444"),
            ("[::1]:8444", "[::1]:8444"),
            ("[::ffff:10.0.0.1]", "10.0.0.1"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            ":80",
            "a b",
            "good@evil",
            "good, evil",
            "a/b",
            "example.org.",
            "example..org",
            "-a.org",
            "a:08443",
            "a:",
            "a:80:80",
            "a:65536",
            "a:+80",
            "[::1",
            "::1",
            "[::1]x",
            "[::1]:",
            "1.2.3",
            "0x7f.0.0.1:1",
            "1.2.3.4.5",
            "a%2eb",
            "exämple.org",
            "a\0b",
            "[fe80::1%25eth0]",
            "a\tb",
        ] {
            if text == "0x7f.0.0.1:1" {
                // A name by its letters; it equals none of ours and is never resolved.
                assert!(matches!(text.parse::<Authority>().unwrap().host, Host::Name(_)));
                continue;
            }
            assert_eq!(canonical(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn canonical_text_reads_as_itself(text in "\\PC{0,40}") {
            if let Some(once) = canonical(&text) {
                prop_assert_eq!(canonical(&once), Some(once.clone()));
            }
        }
    }
}
