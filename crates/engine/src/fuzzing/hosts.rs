//! Hosts, paths and tools' addresses: what is accepted has one reading, and its canonical text reads as itself.

use super::{assert_one_line, text};
use crate::{
    headers::{
        authority::{Authority, Host, https_origin},
        path::{self, Place},
    },
    tools::target::{Target, Way},
};
use drawbridge_protocol::NetworkTarget;
use hyper::{Uri, header::HeaderValue};

/// `Host`, `:authority`, the host of an `Origin`.
pub fn authority(bytes: &[u8]) {
    let Some(authority) = text(bytes).and_then(|text| text.parse::<Authority>().ok()) else { return };
    let canonical = written(&authority);
    assert_one_line(canonical.as_bytes());
    assert_eq!(canonical.parse(), Ok(authority.clone()), "the canonical text reads as itself");
    assert!(!canonical.contains(['@', '/', '\\', '%', ' ', ',', '?', '#']), "{canonical}");
    assert_eq!(canonical, canonical.to_ascii_lowercase());
    assert!(canonical.parse::<hyper::http::uri::Authority>().is_ok(), "hyper reads it too: {canonical}");
    let origin = https_origin(&authority.host, authority.port.unwrap_or(443));
    assert!(HeaderValue::try_from(&origin).is_ok());
    if let Host::Address(address) = authority.host {
        assert_eq!(address.to_canonical(), address, "IPv4 in IPv6 is IPv4");
    }
}

/// The path of a request target, and the paths browsers are sent back to.
pub fn path(bytes: &[u8]) {
    if let Ok(uri) = Uri::try_from(bytes)
        && let Ok(place) = path::read(&uri)
    {
        let path = uri.path();
        assert!(path.starts_with('/') && !path.starts_with("//"), "{path}");
        let once = decoded(path.as_bytes());
        assert!(!once.iter().any(|byte| matches!(byte, 0 | 0xc0 | 0xc1)), "{path}");
        for reading in [path.as_bytes(), &once, &decoded(&once)] {
            assert!(!climbs(reading), "a dot segment got through: {path}");
        }
        let reserved = segments(&once).nth(1).is_some_and(is_reserved);
        match place {
            Place::Ours(rest) => assert_eq!(path, format!("/.drawbridge/{rest}")),
            Place::Outside => assert!(!reserved, "ours in another spelling: {path}"),
        }
    }
    let Some(text) = text(bytes) else { return };
    if path::is_local_reference(text) {
        assert_one_line(bytes);
        let door = url::Url::parse("https://door.example:8444/a/b").unwrap();
        let there = door.join(text).unwrap();
        assert_eq!(there.origin(), door.origin(), "it leads away: {text}");
        assert!(HeaderValue::from_str(text).is_ok());
    }
}

/// A tool's address as the owner typed it, or as it stands in the settings.
pub fn tool_target(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let near = Target::parse(text, NetworkTarget::Refused);
    let far = Target::parse(text, NetworkTarget::Allowed);
    if let Ok(target) = &near {
        assert!(target.is_here());
        assert_eq!(far.as_ref(), Ok(target), "the owner's word only ever adds");
        let near = match target.way() {
            Way::Addresses(all) => !all.is_empty() && all.iter().all(|address| address.ip().is_loopback()),
            Way::Socket(path) => path.is_absolute(),
            Way::Name(..) => false,
        };
        assert!(near, "{text}");
    }
    let Ok(target) = far else { return };
    let canonical = target.to_string();
    assert_one_line(canonical.as_bytes());
    assert_eq!(Target::parse(&canonical, NetworkTarget::Allowed), Ok(target.clone()), "{canonical}");
    assert!(HeaderValue::try_from(target.authority()).is_ok());
    let authority: Authority = target.authority().parse().unwrap();
    let scheme = target.speaks().url_scheme();
    assert!(target.is_meant_by(scheme, &authority), "its own authority means it: {canonical}");
    assert!(HeaderValue::try_from(target.origin()).is_ok());
    assert!(target.port() != Some(0));
}

fn written(authority: &Authority) -> String {
    match authority.port {
        Some(port) => format!("{}:{port}", authority.host),
        None => authority.host.to_string(),
    }
}

/// As a lenient server decodes: what is no escape stays.
fn decoded(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [byte, after @ ..] = rest {
        let escape = match after {
            [high, low, ..] if *byte == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escape {
            Some((high, low)) => {
                out.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*byte);
                rest = after;
            }
        }
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| matches!(byte, b'/' | b'\\'))
}

fn climbs(path: &[u8]) -> bool {
    segments(path).any(|segment| matches!(segment.split(|byte| *byte == b';').next(), Some(b"." | b"..")))
}

fn is_reserved(segment: &[u8]) -> bool {
    segment.split(|byte| *byte == b';').next().is_some_and(|name| name.eq_ignore_ascii_case(b".drawbridge"))
}
