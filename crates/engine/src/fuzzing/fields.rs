//! Header fields: what is ours or made up never survives, and what is a tool's business stays as it was.

use super::assert_one_line;
use crate::{
    headers::{
        cookie, forwarding, hop_by_hop,
        tool_cookie::{self, SetCookie},
    },
    identity::basic,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::{
    HeaderMap,
    header::{self, HeaderName, HeaderValue},
};

/// Cookie lines of a visitor, and one `Set-Cookie` of a tool.
pub fn cookie(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for value in lines(bytes).filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        assert_set_cookie(&value);
        headers.append(header::COOKIE, value);
    }
    let name = "__Host-Http-drawbridge-8444";
    if let Some(value) = cookie::value(&headers, name) {
        assert!(!value.contains(';'));
        // A pair without a sign is a value without a name (RFC 6265bis §5.7).
        let same = headers.get_all(header::COOKIE).iter().flat_map(|line| pairs(line.as_bytes()));
        assert_eq!(
            same.filter(|pair| pair.contains(&b'=') && name_of(pair) == name.as_bytes()).count(),
            1,
            "one of two was believed"
        );
    }
    let mut unmarked = headers.clone();
    tool_cookie::inward(&mut unmarked, Some(&tool_cookie::mark(8444)), |_| true);
    assert_no_cookie_of_ours(&unmarked);
    let mut stripped = headers.clone();
    tool_cookie::inward(&mut stripped, None, |_| true);
    assert_no_cookie_of_ours(&stripped);
    let all = |headers: &HeaderMap| -> Vec<Vec<u8>> {
        let lines = headers.get_all(header::COOKIE);
        lines.iter().flat_map(|line| pairs(line.as_bytes())).map(<[u8]>::to_vec).collect()
    };
    let foreign: Vec<_> = all(&headers).into_iter().filter(|pair| !is_marked(pair)).collect();
    let kept: Vec<_> = all(&stripped).into_iter().filter(|pair| !is_marked(pair)).collect();
    assert_eq!(kept, foreign, "a tool's own cookies stay as they were, in order");
    let mut twice = stripped.clone();
    tool_cookie::inward(&mut twice, None, |_| true);
    assert_eq!(twice, stripped);
}

/// Fields of a visitor that tell who or where someone is.
pub fn forwarding(bytes: &[u8]) {
    let headers = headers(bytes);
    let mut stripped = headers.clone();
    forwarding::strip(&mut stripped);
    assert_nothing_made_up(&stripped);
    for (name, _) in &headers {
        assert!(stripped.contains_key(name) || !INNOCENT.contains(&name.as_str()), "{name} was dropped");
    }
    let mut twice = stripped.clone();
    forwarding::strip(&mut twice);
    assert_eq!(twice, stripped);
}

/// Fields of one connection, in either direction.
pub fn hop_by_hop(bytes: &[u8]) {
    let headers = headers(bytes);
    let named: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|option| String::from_utf8_lossy(option.trim_ascii()).to_ascii_lowercase())
        .collect();
    let mut stripped = headers.clone();
    hop_by_hop::strip(&mut stripped);
    for name in stripped.keys() {
        assert!(
            !HOP_BY_HOP.contains(&name.as_str()) && !named.iter().any(|own| own == name.as_str()),
            "{name}"
        );
    }
    for (name, _) in &headers {
        let is_theirs = HOP_BY_HOP.contains(&name.as_str()) || named.iter().any(|own| own == name.as_str());
        assert_eq!(
            stripped.get_all(name).iter().count(),
            if is_theirs { 0 } else { headers.get_all(name).iter().count() }
        );
    }
    let mut twice = stripped.clone();
    hop_by_hop::strip(&mut twice);
    assert_eq!(twice, stripped);
}

/// `Authorization` lines.
pub fn basic(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for value in lines(bytes).filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        headers.append(header::AUTHORIZATION, value);
    }
    let Some(credential) = basic::read(&headers) else { return };
    assert_eq!(headers.len(), 1, "one of two was believed");
    assert!(!credential.name.contains(':'));
    let encoded = STANDARD.encode(format!("{}:{}", credential.name, credential.password.expose()));
    let field = headers.get(header::AUTHORIZATION).unwrap().to_str().unwrap();
    assert_eq!(field.split_once(' ').unwrap().1.trim(), encoded, "there is one spelling of a credential");
    assert!(
        !format!("{:?}", credential.password).contains(credential.password.expose())
            || credential.password.expose().len() < 12
    );
}

/// Fields as lines of `name: value`.
pub(super) fn headers(bytes: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines(bytes).take(MOST_FIELDS) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
        let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value.trim_ascii()))
        else {
            continue;
        };
        headers.append(name, value);
    }
    headers
}

/// No cookie a tool could take for one of ours, however it splits the line.
pub(super) fn assert_no_cookie_of_ours(headers: &HeaderMap) {
    assert!(headers.get_all(header::COOKIE).iter().count() <= 1, "crumbs are joined");
    for line in headers.get_all(header::COOKIE) {
        assert_one_line(line.as_bytes());
        for pair in pairs(line.as_bytes()) {
            assert!(!is_marked(pair), "{:?} got through", String::from_utf8_lossy(pair));
        }
    }
}

/// No field in which a tool could read an identity or an address, in any spelling (CGI's `HTTP_X_REMOTE_USER`).
pub(super) fn assert_nothing_made_up(headers: &HeaderMap) {
    for name in headers.keys() {
        let folded: String = name
            .as_str()
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
            .collect();
        let folded = folded.trim_start_matches("http-");
        assert!(!MADE_UP.contains(&folded), "{name} got through");
        assert!(!MADE_UP_BEGINNINGS.iter().any(|begin| folded.starts_with(begin)), "{name} got through");
    }
}

/// No hop-by-hop field at all.
pub(super) fn assert_no_hop_by_hop(headers: &HeaderMap) {
    assert!(!headers.keys().any(|name| HOP_BY_HOP.contains(&name.as_str())), "{headers:?}");
}

/// What browsers would store of a `Set-Cookie` (RFC 6265bis §5.7) is never one of ours, and a marked one comes back to
/// the tool as the browser would have sent it unmarked.
fn assert_set_cookie(field: &HeaderValue) {
    let pair = field.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let cookie = SetCookie::read(field);
    if !cookie.is_lawful() {
        return;
    }
    assert!(!is_marked(pair), "a tool could set {field:?}");
    let mark = tool_cookie::mark(8444);
    let marked = cookie.marked(&mark).expect("bytes of a field");
    assert!(SetCookie::read(&marked).name.starts_with(mark.as_bytes()), "{marked:?}");
    let sent = marked.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let mut headers = HeaderMap::new();
    headers.append(header::COOKIE, HeaderValue::from_bytes(sent).expect("bytes of a field"));
    tool_cookie::inward(&mut headers, Some(&mark), |_| true);
    let back = headers.get(header::COOKIE).map(HeaderValue::as_bytes).unwrap_or_default();
    let (name, value) = split(pair);
    let unmarked = if name.is_empty() { value.to_vec() } else { [name, b"=", value].concat() };
    assert_eq!(back, unmarked, "{field:?}");
}

/// Name and value as browsers split them.
fn split(pair: &[u8]) -> (&[u8], &[u8]) {
    let at = pair.iter().position(|byte| *byte == b'=');
    let (name, value) = at.map_or((&[][..], pair), |at| (&pair[..at], &pair[at + 1..]));
    (name.trim_ascii(), value.trim_ascii())
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n')
}

fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b';').map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty())
}

fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default()
}

/// Whether the name, or the first word of a pair without one, is ours.
fn is_marked(pair: &[u8]) -> bool {
    let word =
        pair.split(|byte| *byte == b'=').find(|word| !word.trim_ascii().is_empty()).unwrap_or_default();
    String::from_utf8_lossy(word).to_ascii_lowercase().contains("-drawbridge-")
}

/// Fields of one connection (RFC 9110 §7.6.1 and old proxies).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// What tools are known to believe.
const MADE_UP: [&str; 8] =
    ["forwarded", "remote-user", "x-real-ip", "client-ip", "true-client-ip", "via", "x-rewrite-url", "proxy"];
/// Beginnings of what tools are known to believe.
const MADE_UP_BEGINNINGS: [&str; 7] = [
    "x-forwarded",
    "x-remote-user",
    "x-auth-request-",
    "x-authentik-",
    "x-drawbridge",
    "remote-user",
    "tailscale-user",
];
/// What browsers and programs send for the tool.
const INNOCENT: [&str; 8] =
    ["accept", "cookie", "host", "origin", "referer", "authorization", "content-type", "x-xsrftoken"];
/// More fields than any head may have.
const MOST_FIELDS: usize = 200;
