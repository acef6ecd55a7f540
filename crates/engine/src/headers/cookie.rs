//! Our own cookies: read, set, and told from a tool's. What becomes of a tool's cookies is in `tool_cookie.rs`.

use super::authority::Scheme;
use hyper::{
    HeaderMap,
    header::{self, HeaderValue},
};
use std::time::Duration;

/// Every cookie of ours begins so. `__Host-Http-` is `__Host-` (Secure, no Domain, Path=/) and, in browsers that know
/// the longer prefix, also never set by script.
pub(crate) const PREFIX: &str = "__Host-Http-drawbridge-";

/// Those of the plain HTTP that the owner allows for a tool begin so: without `Secure`, and never taken over HTTPS. Like the
/// others they bear our mark, so no tool sees or sets one.
pub(crate) const PLAIN_PREFIX: &str = "plain-drawbridge-";

/// What the cookies of ours at an origin begin with.
pub(crate) const fn prefix(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Https => PREFIX,
        Scheme::Http => PLAIN_PREFIX,
    }
}

/// The value of a cookie of ours; nothing where it is missing or there are two (someone planted one).
pub(crate) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values =
        pairs(headers).filter(|(candidate, _)| *candidate == name.as_bytes()).map(|(_, value)| value);
    let first = values.next()?;
    if values.next().is_some() || !first.is_ascii() {
        return None;
    }
    std::str::from_utf8(first).ok()
}

/// Whether a pair, of a visitor or in a tool's `Set-Cookie`, is one of ours or bears a mark of ours.
pub(crate) fn is_ours(pair: &[u8]) -> bool {
    has_mark(name_of(pair))
}

/// The name of a cookie. One without a name (`=__Host-…=x`) is sent back as if its value were a pair (RFC 6265bis §5.7),
/// and some programs skip the first sign, so there the first word that is not empty counts, in both directions.
fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').find(|word| !word.trim_ascii().is_empty()).unwrap_or_default()
}

fn has_mark(name: &[u8]) -> bool {
    name.windows(MARK.len()).any(|part| part.first() == MARK.first() && part.eq_ignore_ascii_case(MARK))
}

/// A `Set-Cookie` of ours for the whole origin; a lifetime of zero removes it.
pub(crate) fn set(name: &str, value: &str, lifetime: Duration) -> Option<HeaderValue> {
    let secure = if name.starts_with(PLAIN_PREFIX) { "" } else { " Secure;" };
    let age = lifetime.as_secs();
    let text = format!("{name}={value}; Path=/;{secure} HttpOnly; SameSite=Lax; Max-Age={age}");
    HeaderValue::try_from(text).ok()
}

/// In bytes, because a tool may set cookies with letters that are not ASCII, and browsers send all of them in one line.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| {
            let pair = pair.trim_ascii();
            let (name, rest) = pair.split_at_checked(pair.iter().position(|byte| *byte == b'=')?)?;
            Some((name, rest.get(1..)?))
        })
}

/// In every name of ours and in every mark. No tool sees or sets a cookie whose name contains this, in any case.
const MARK: &[u8] = b"-drawbridge-";

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    #[test]
    fn ours_are_read_and_doubles_are_not() {
        let one = headers(&["a=1; __Host-Http-drawbridge-8444=x", "b=2"]);
        assert_eq!(value(&one, "__Host-Http-drawbridge-8444"), Some("x"));
        let two = headers(&["__Host-Http-drawbridge-8444=x", "__Host-Http-drawbridge-8444=y"]);
        assert_eq!(value(&two, "__Host-Http-drawbridge-8444"), None);
    }

    #[test]
    fn ours_are_read_beside_letters_that_are_not_ascii() {
        let mut line = headers(&[]);
        line.append(
            header::COOKIE,
            HeaderValue::from_bytes(b"name=J\xfcrgen; __Host-Http-drawbridge-8444=x").unwrap(),
        );
        assert_eq!(value(&line, "__Host-Http-drawbridge-8444"), Some("x"));
        line.append(header::COOKIE, HeaderValue::from_bytes(b"__Host-Http-drawbridge-8444=y\xfc").unwrap());
        assert_eq!(value(&line, "__Host-Http-drawbridge-8444"), None, "two, whatever is in them");
    }

    #[test]
    fn only_those_of_plain_http_are_sent_in_clear() {
        for (scheme, secure) in [(Scheme::Https, true), (Scheme::Http, false)] {
            let cookie = set(&format!("{}8444", prefix(scheme)), "x", Duration::from_secs(1)).unwrap();
            assert_eq!(cookie.to_str().unwrap().contains("; Secure"), secure);
        }
    }

    #[test]
    fn ours_are_known_in_every_spelling() {
        assert!(is_ours(b"__Host-Http-drawbridge-8444=x"));
        assert!(is_ours(b"__host-http-Drawbridge-8444=x"));
        assert!(is_ours(b"=__Host-Http-drawbridge-8444=x"));
        assert!(is_ours(b"__Host-Http-drawbridge-8444"));
        assert!(is_ours(b"plain-drawbridge-8444=x"));
        assert!(is_ours(b"__Http-drawbridge-tool-8444-sid=x"));
        assert!(!is_ours(b"_xsrf=x"));
        assert!(!is_ours(b"file=a-drawbridge-b"));
    }
}
