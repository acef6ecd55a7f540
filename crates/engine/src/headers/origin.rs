//! Origins of other websites as the owner lists them and browsers write them in `Origin` (RFC 6454 §6.2).

use super::authority::{Authority, Host};
use std::net::IpAddr;

/// The text is not an origin of the web.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an origin such as https://app.example or http://192.168.1.5:3000")]
pub(crate) struct BadOrigin;

/// An origin as browsers write it: scheme and host in lower case, the port only where it is not the scheme's own.
/// `null` and `*` are no origins; neither is anything with a path, not even `/`.
pub(crate) fn parse(text: &str) -> Result<String, BadOrigin> {
    let (scheme, rest) = text.split_once("://").ok_or(BadOrigin)?;
    let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
        "https" => ("https", 443),
        "http" => ("http", 80),
        _ => return Err(BadOrigin),
    };
    let Authority { host, port } = rest.parse().map_err(|_| BadOrigin)?;
    // Browsers keep an IPv4 address in IPv6's clothes as it is; it is another origin than the plain one.
    if rest.starts_with('[') && matches!(host, Host::Address(IpAddr::V4(_))) {
        return Err(BadOrigin);
    }
    Ok(match port.filter(|port| *port != default_port) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_become_what_browsers_write() {
        for (text, origin) in [
            ("https://app.example", "https://app.example"),
            ("HTTPS://App.Example:443", "https://app.example"),
            ("http://localhost:80", "http://localhost"),
            ("http://app.example:443", "http://app.example:443"),
            ("http://192.168.1.5:3000", "http://192.168.1.5:3000"),
            ("https://[FD00::1]:8443", "https://[fd00::1]:8443"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(origin), "{text}");
            assert_eq!(parse(origin).as_deref(), Ok(origin), "what browsers write reads as itself");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "null",
            "*",
            "https://*",
            "https://*.example",
            "app.example",
            "https:app.example",
            "https://",
            "https://app.example/",
            "https://app.example/path",
            "https://app.example?x",
            "https://app.example#x",
            "https://anna@app.example",
            "https://app.example:0443",
            "https://app.example:",
            "https://app.example, https://b.example",
            "https://app.example https://b.example",
            " https://app.example",
            "file://",
            "ftp://app.example",
            "chrome-extension://abc",
            "https://[::ffff:10.0.0.1]",
            "https://exämple.org",
        ] {
            assert_eq!(parse(text), Err(BadOrigin), "{text}");
        }
    }
}
