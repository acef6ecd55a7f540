//! Where a tool listens. Only loopback unless the owner says that another machine is meant: a name or address outside
//! this computer would turn the door into a way to somewhere else.

use crate::headers::authority::{Authority, Host};
use drawbridge_protocol::NetworkTarget;
use drawbridge_texts::{Sentence, Tell};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};
use url::Url;

/// A tool's address: scheme `http`, host and port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Target {
    host: Host,
    port: u16,
}

/// Why a URL cannot be a tool's address.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum BadTarget {
    /// Not a URL at all.
    #[error("`{0}` is no address")]
    Unreadable(String),
    /// Another scheme.
    #[error("scheme `{0}`")]
    Scheme(String),
    /// Something a tool's address does not have.
    #[error("an address has {0:?}")]
    Surplus(Surplus),
    /// Not on this computer.
    #[error("`{0}` is not on this computer")]
    NotLoopback(String),
    /// Never a target.
    #[error("nothing can listen on `{0}`")]
    Unusable(String),
}

/// What a URL may have and a tool's address does not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Surplus {
    /// User name or password.
    Credentials,
    /// Path, query or fragment.
    Path,
}

impl Tell for BadTarget {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Unreadable(text) => Sentence::new("target-unreadable").with("text", text),
            Self::Scheme(scheme) => Sentence::new("target-scheme").with("scheme", scheme),
            Self::Surplus(Surplus::Credentials) => Sentence::new("target-with-credentials"),
            Self::Surplus(Surplus::Path) => Sentence::new("target-with-path"),
            Self::NotLoopback(target) => Sentence::new("target-elsewhere").with("target", target),
            Self::Unusable(target) => Sentence::new("target-unusable").with("target", target),
        }
    }
}

impl Target {
    /// Reads a port or URL as the owner typed it.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub(crate) fn parse(text: &str, network: NetworkTarget) -> Result<Self, BadTarget> {
        let text = text.trim();
        if let Ok(port @ 1..) = text.parse::<u16>() {
            return Ok(Self { host: Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST)), port });
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            // Browsers would read a bare number as an IPv4 address; a person means a port.
            return Err(BadTarget::Unreadable(text.to_owned()));
        }
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&with_scheme).map_err(|_| BadTarget::Unreadable(text.to_owned()))?;
        if url.scheme() != "http" {
            return Err(BadTarget::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadTarget::Surplus(Surplus::Credentials));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(BadTarget::Surplus(Surplus::Path));
        }
        let host: Host = url
            .host_str()
            .and_then(|host| host.parse().ok())
            .ok_or_else(|| BadTarget::Unreadable(text.to_owned()))?;
        let port = url.port_or_known_default().filter(|port| *port != 0);
        let port = port.ok_or_else(|| BadTarget::Unreadable(text.to_owned()))?;
        let target = Self { host, port };
        target.check(network)?;
        Ok(target)
    }

    fn check(&self, network: NetworkTarget) -> Result<(), BadTarget> {
        let unusable = match &self.host {
            Host::Address(address) => {
                address.is_unspecified()
                    || address.is_multicast()
                    || matches!(address, IpAddr::V4(v4) if v4.is_broadcast())
            }
            Host::Name(_) => false,
        };
        if unusable {
            return Err(BadTarget::Unusable(self.to_string()));
        }
        if !self.is_loopback() && network == NetworkTarget::Refused {
            return Err(BadTarget::NotLoopback(self.to_string()));
        }
        Ok(())
    }

    /// Whether it is on this computer by its very text.
    pub(crate) fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Address(address) => address.is_loopback(),
            Host::Name(name) => name == "localhost",
        }
    }

    /// The port.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// The value of `Host` the tool expects.
    pub(crate) fn authority(&self) -> String {
        if self.port == HTTP_PORT { self.host.to_string() } else { format!("{}:{}", self.host, self.port) }
    }

    /// Whether an authority in a tool's own URL means this target.
    pub(crate) fn is_meant_by(&self, authority: &Authority) -> bool {
        let same_host = authority.host == self.host || (is_own_name(&authority.host) && self.is_loopback());
        same_host && authority.port.unwrap_or(HTTP_PORT) == self.port
    }

    /// Addresses to try, in order; `localhost` is never looked up. Nothing means: a name to resolve.
    pub(crate) fn addresses(&self) -> Result<Vec<SocketAddr>, &str> {
        match &self.host {
            Host::Address(address) => Ok(vec![SocketAddr::new(*address, self.port)]),
            Host::Name(name) if name == "localhost" => Ok(vec![
                SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.port),
                SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), self.port),
            ]),
            Host::Name(name) => Err(name),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "http://{}", self.authority())
    }
}

/// In the settings file a target is its URL. Whether it may be outside this computer stands beside it.
impl Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text, NetworkTarget::Allowed).map_err(serde::de::Error::custom)
    }
}

fn is_own_name(host: &Host) -> bool {
    match host {
        Host::Address(address) => address.is_loopback() || address.is_unspecified(),
        Host::Name(name) => name == "localhost",
    }
}

/// Default port of HTTP (RFC 9110 §4.2.1).
const HTTP_PORT: u16 = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, BadTarget> {
        Target::parse(text, NetworkTarget::Refused).map(|target| target.to_string())
    }

    #[test]
    fn ports_and_loopback_urls_are_taken() {
        for (text, expected) in [
            ("8888", "http://127.0.0.1:8888"),
            ("http://127.0.0.1:8888/", "http://127.0.0.1:8888"),
            ("localhost:3000", "http://localhost:3000"),
            ("http://[::1]:80", "http://[::1]"),
            ("http://127.1:9", "http://127.0.0.1:9"),
            (" http://LOCALHOST:1 ", "http://localhost:1"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn other_machines_need_the_owners_word() {
        for text in [
            "http://192.168.1.9:80",
            "http://example.org",
            "http://[::ffff:10.0.0.1]:1",
            "http://localhost.evil.org:1",
        ] {
            assert!(matches!(parse(text), Err(BadTarget::NotLoopback(_))), "{text}");
            assert!(Target::parse(text, NetworkTarget::Allowed).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_tool_is_refused_even_then() {
        for text in [
            "",
            "0",
            "65536",
            "https://127.0.0.1:1",
            "ftp://127.0.0.1",
            "http://u:p@127.0.0.1:1",
            "http://127.0.0.1:1/x",
            "http://127.0.0.1:1?q",
            "http://0.0.0.0:1",
            "http://[::]:1",
            "http://224.0.0.1:1",
            "http://127.0.0.1:0",
            "http://",
            "unix:/x",
            "http://255.255.255.255:1",
        ] {
            assert!(Target::parse(text, NetworkTarget::Allowed).is_err(), "{text}");
        }
    }
}
