//! Where a tool listens and what it speaks there. Only this computer unless the owner says that another machine is
//! meant: a name or address outside it would turn the door into a way to somewhere else.

use crate::headers::authority::{Authority, Host};
use drawbridge_protocol::NetworkTarget;
use drawbridge_texts::{Sentence, Tell};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};
use url::Url;

/// A tool's address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Target {
    speaks: Speaks,
    place: Place,
}

/// What a tool speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Speaks {
    /// HTTP/1.1.
    Http,
    /// HTTP/1.1 under TLS.
    Https,
    /// HTTP/2 without TLS, known beforehand (RFC 9113 §3.3), as gRPC servers do.
    H2c,
}

/// Where it listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// On a port.
    Port {
        /// Of this host.
        host: Host,
        /// This one.
        port: u16,
    },
    /// On a Unix socket.
    Socket(PathBuf),
}

/// How to get there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    /// By one of these addresses, tried in order. `localhost` is among them, it is never looked up.
    Addresses(Vec<SocketAddr>),
    /// By a name to be looked up, and a port.
    Name(String, u16),
    /// By a file of this computer.
    Socket(PathBuf),
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
    /// Not a socket's path.
    #[error("`{0}` is no socket")]
    Socket(String),
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
            Self::Socket(path) => Sentence::new("target-socket").with("path", path),
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
            let host = Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
            return Ok(Self { speaks: Speaks::Http, place: Place::Port { host, port } });
        }
        if let Some(path) = text.strip_prefix(SOCKET_SCHEME) {
            let path = socket(path).ok_or_else(|| BadTarget::Socket(path.to_owned()))?;
            return Ok(Self { speaks: Speaks::Http, place: Place::Socket(path) });
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            // Browsers would read a bare number as an IPv4 address; a person means a port.
            return Err(BadTarget::Unreadable(text.to_owned()));
        }
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let (scheme, rest) =
            with_scheme.split_once("://").ok_or_else(|| BadTarget::Unreadable(text.to_owned()))?;
        let speaks = Speaks::from_scheme(scheme).ok_or_else(|| BadTarget::Scheme(scheme.to_owned()))?;
        // Read as one of the schemes whose rules every browser knows.
        let url =
            Url::parse(&format!("http://{rest}")).map_err(|_| BadTarget::Unreadable(text.to_owned()))?;
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
        let port = url.port().or_else(|| written_port(rest)).unwrap_or(speaks.default_port());
        if port == 0 || rest.chars().any(char::is_control) {
            return Err(BadTarget::Unreadable(text.to_owned()));
        }
        let target = Self { speaks, place: Place::Port { host, port } };
        target.check(network)?;
        Ok(target)
    }

    fn check(&self, network: NetworkTarget) -> Result<(), BadTarget> {
        let unusable = match &self.place {
            Place::Port { host: Host::Address(address), .. } => {
                address.is_unspecified()
                    || address.is_multicast()
                    || matches!(address, IpAddr::V4(v4) if v4.is_broadcast())
            }
            Place::Port { .. } | Place::Socket(_) => false,
        };
        if unusable {
            return Err(BadTarget::Unusable(self.to_string()));
        }
        if !self.is_here() && network == NetworkTarget::Refused {
            return Err(BadTarget::NotLoopback(self.to_string()));
        }
        Ok(())
    }

    /// Whether it is on this computer by its very text.
    pub(crate) fn is_here(&self) -> bool {
        match &self.place {
            Place::Port { host, .. } => is_own(host),
            Place::Socket(_) => true,
        }
    }

    /// Whether what goes there stays on this computer, or is encrypted for the one that was meant.
    pub(crate) fn keeps_secrets(&self) -> bool {
        self.is_here() || self.speaks == Speaks::Https
    }

    /// What is spoken there.
    pub(crate) const fn speaks(&self) -> Speaks {
        self.speaks
    }

    /// The port, where it has one.
    pub(crate) const fn port(&self) -> Option<u16> {
        match self.place {
            Place::Port { port, .. } => Some(port),
            Place::Socket(_) => None,
        }
    }

    /// The host, where it has one.
    pub(crate) const fn host(&self) -> Option<&Host> {
        match &self.place {
            Place::Port { host, .. } => Some(host),
            Place::Socket(_) => None,
        }
    }

    /// The value of `Host` the tool expects.
    pub(crate) fn authority(&self) -> String {
        match &self.place {
            Place::Port { host, port } if *port == self.speaks.default_port() => host.to_string(),
            Place::Port { host, port } => format!("{host}:{port}"),
            // What programs send to a socket (curl, Docker's clients); its owner is proven otherwise.
            Place::Socket(_) => "localhost".to_owned(),
        }
    }

    /// Where the tool believes it is, as browsers write an origin.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.speaks.url_scheme(), self.authority())
    }

    /// Whether an origin in a tool's own URL means this target.
    pub(crate) fn is_meant_by(&self, scheme: &str, authority: &Authority) -> bool {
        let Place::Port { host, port } = &self.place else {
            return self.speaks.answers_to(scheme)
                && is_own_name(&authority.host)
                && authority.port.is_none();
        };
        let same_host = authority.host == *host || (is_own_name(&authority.host) && is_own(host));
        same_host
            && self.speaks.answers_to(scheme)
            && authority.port.unwrap_or(self.speaks.default_port()) == *port
    }

    /// How to get there.
    pub(crate) fn way(&self) -> Way {
        match &self.place {
            Place::Port { host: Host::Address(address), port } => {
                Way::Addresses(vec![SocketAddr::new(*address, *port)])
            }
            Place::Port { host: Host::Name(name), port } if name == "localhost" => Way::Addresses(vec![
                SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), *port),
                SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), *port),
            ]),
            Place::Port { host: Host::Name(name), port } => Way::Name(name.clone(), *port),
            Place::Socket(path) => Way::Socket(path.clone()),
        }
    }
}

impl Speaks {
    /// What the scheme of a tool's address says.
    fn from_scheme(scheme: &str) -> Option<Self> {
        match scheme.to_ascii_lowercase().as_str() {
            "http" => Some(Self::Http),
            "https" => Some(Self::Https),
            "h2c" => Some(Self::H2c),
            _ => None,
        }
    }

    /// The scheme of a tool's address.
    const fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::H2c => "h2c",
        }
    }

    /// The scheme in URLs, which do not tell how HTTP is spoken.
    pub(crate) const fn url_scheme(self) -> &'static str {
        match self {
            Self::Http | Self::H2c => "http",
            Self::Https => "https",
        }
    }

    /// Whether a URL of this scheme is meant for such a tool.
    fn answers_to(self, scheme: &str) -> bool {
        match self {
            Self::Http | Self::H2c => matches!(scheme, "http" | "ws"),
            Self::Https => matches!(scheme, "https" | "wss"),
        }
    }

    /// Default ports (RFC 9110 §4.2.1 and §4.2.2).
    const fn default_port(self) -> u16 {
        match self {
            Self::Http | Self::H2c => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Port { .. } => write!(formatter, "{}://{}", self.speaks.scheme(), self.authority()),
            Place::Socket(path) => write!(formatter, "{SOCKET_SCHEME}{}", path.display()),
        }
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

/// Whether a host is this computer by its very text.
fn is_own(host: &Host) -> bool {
    match host {
        Host::Address(address) => address.is_loopback(),
        Host::Name(name) => name == "localhost",
    }
}

/// Whether a tool that listens here may mean itself by this host.
fn is_own_name(host: &Host) -> bool {
    is_own(host) || matches!(host, Host::Address(address) if address.is_unspecified())
}

/// A socket's path: absolute, one line, short enough for every system.
fn socket(path: &str) -> Option<PathBuf> {
    // Both `unix:/run/x` and `unix:///run/x` are in use.
    let path = path.strip_prefix("//").unwrap_or(path);
    let plain = !path.chars().any(char::is_control) && path.len() <= LONGEST_SOCKET;
    let whole = Path::new(path)
        .components()
        .all(|part| matches!(part, std::path::Component::RootDir | std::path::Component::Normal(_)));
    (cfg!(unix) && plain && whole && path.starts_with('/') && !path.ends_with('/'))
        .then(|| PathBuf::from(path))
}

/// The port someone wrote; a URL forgets one that is its scheme's default.
fn written_port(rest: &str) -> Option<u16> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (_, port) = rest.get(..end)?.rsplit_once(':')?;
    port.parse().ok()
}

/// Before the path of a socket.
const SOCKET_SCHEME: &str = "unix:";
/// Bytes of a socket's path (macOS: 104 with the final zero, Linux: 108).
const LONGEST_SOCKET: usize = 103;

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
            ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
            ("https://localhost:443/", "https://localhost"),
            ("https://localhost:80/", "https://localhost:80"),
            ("H2C://127.0.0.1:50051", "h2c://127.0.0.1:50051"),
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
            "ftp://127.0.0.1",
            "https://127.0.0.1:0",
            "https://127.0.0.1:99999",
            "https://",
            "h2c://u@127.0.0.1:1",
            "unix:relative",
            "unix:",
            "unix:/",
            "unix:/a/../b",
            "unix:/a\nb",
            "http://u:p@127.0.0.1:1",
            "http://127.0.0.1:1/x",
            "http://127.0.0.1:1?q",
            "http://0.0.0.0:1",
            "http://[::]:1",
            "http://224.0.0.1:1",
            "http://127.0.0.1:0",
            "http://",
            "http://255.255.255.255:1",
        ] {
            assert!(Target::parse(text, NetworkTarget::Allowed).is_err(), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn sockets_are_on_this_computer() {
        for (text, expected) in [("unix:/run/a.sock", "unix:/run/a.sock"), ("unix:///run/a", "unix:/run/a")] {
            assert_eq!(parse(text).as_deref(), Ok(expected));
        }
        let socket = Target::parse("unix:/run/a.sock", NetworkTarget::Refused).unwrap();
        assert_eq!((socket.port(), socket.origin().as_str()), (None, "http://localhost"));
        assert_eq!(socket.way(), Way::Socket("/run/a.sock".into()));
        let too_long = format!("unix:/{}", "x".repeat(LONGEST_SOCKET));
        assert!(Target::parse(&too_long, NetworkTarget::Refused).is_err());
    }

    #[test]
    fn a_tool_means_itself_by_its_own_scheme_only() {
        let meant = |target: &str, scheme: &str, authority: &str| {
            let target = Target::parse(target, NetworkTarget::Refused).unwrap();
            target.is_meant_by(scheme, &authority.parse().unwrap())
        };
        assert!(meant("8888", "http", "localhost:8888") && meant("8888", "ws", "0.0.0.0:8888"));
        assert!(!meant("8888", "https", "localhost:8888") && !meant("8888", "http", "localhost:8889"));
        assert!(
            meant("https://127.0.0.1", "https", "127.0.0.1")
                && !meant("https://127.0.0.1", "http", "127.0.0.1")
        );
    }
}
