//! A tool's own cookies on a host it shares with other tools: marked with its door towards the browser, without the
//! mark towards the tool. Which cookies those are is decided here by their bytes; what other tools set is not known here.
//!
//! Browsers ignore ports, so all doors of a host share one jar. What the mark cannot keep apart, the caller decides.

use super::cookie;
use hyper::{
    HeaderMap,
    header::{self, HeaderValue},
};

/// What stands before the name of a door's `HttpOnly` cookies. Browsers that know `__Http-` (Chromium since 140) take such
/// a name only from `Set-Cookie` with `Secure` and `HttpOnly`, so no page can plant one.
pub(crate) fn mark(port: u16) -> String {
    format!("__Http-drawbridge-tool-{port}-")
}

/// Makes a visitor's cookies those of one tool: ours and those marked for other doors go, the mark of this door is taken
/// off, and of the rest `passes` decides by name. A marked cookie wins over one of the same name without a mark. What is
/// left stands in one line (HTTP/2 sends crumbs, RFC 9113 §8.2.3).
pub(crate) fn inward(headers: &mut HeaderMap, mark: Option<&str>, passes: impl Fn(&[u8]) -> bool) {
    let mut changes = headers.get_all(header::COOKIE).iter().nth(1).is_some();
    let mut marked = Vec::new();
    for pair in pairs(headers) {
        if cookie::is_ours(pair) {
            changes = true;
            marked.extend(unmarked(pair, mark).map(name));
        } else {
            changes = changes || !passes(name(pair));
        }
    }
    // The everyday case of programs: nothing to take away, nothing to write anew.
    if !changes {
        return;
    }
    marked.sort_unstable();
    let mut kept = Vec::new();
    for pair in pairs(headers) {
        let pair = match unmarked(pair, mark) {
            Some(pair) => pair,
            None if cookie::is_ours(pair) || marked.binary_search(&name(pair)).is_ok() => continue,
            None if passes(name(pair)) => pair,
            None => continue,
        };
        if !kept.is_empty() {
            kept.extend_from_slice(b"; ");
        }
        kept.extend_from_slice(pair);
    }
    headers.remove(header::COOKIE);
    if let Ok(joined) = HeaderValue::from_bytes(&kept)
        && !joined.is_empty()
    {
        headers.insert(header::COOKIE, joined);
    }
}

/// A tool's `Set-Cookie`, read as browsers do (RFC 6265bis §5.6).
#[derive(Clone, Copy, Debug)]
pub(crate) struct SetCookie<'a> {
    /// As it was written.
    pair: &'a [u8],
    /// Empty where there is none.
    pub(crate) name: &'a [u8],
    value: &'a [u8],
    whole: &'a [u8],
}

impl<'a> SetCookie<'a> {
    /// Reads a field.
    pub(crate) fn read(field: &'a HeaderValue) -> Self {
        let whole = field.as_bytes();
        let pair = whole.split(|byte| *byte == b';').next().unwrap_or_default();
        let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (pair.get(..at).unwrap_or_default(), pair.get(at + 1..).unwrap_or_default()),
            None => (&[][..], pair),
        };
        Self { pair, name: name.trim_ascii(), value: value.trim_ascii(), whole }
    }

    /// Whether scripts cannot read it.
    pub(crate) fn is_http_only(&self) -> bool {
        self.last("httponly").is_some()
    }

    /// Whether it takes a cookie away (RFC 6265bis §5.6). A date is read by its year, as programs delete by one long past.
    pub(crate) fn is_removal(&self) -> bool {
        if let Some(age) = self.last("max-age") {
            return age == b"0" || age.starts_with(b"-");
        }
        self.last("expires").is_some_and(|date| {
            let years = date.split(|byte| !byte.is_ascii_digit()).filter(|digits| digits.len() == 4);
            years
                .filter_map(|digits| std::str::from_utf8(digits).ok()?.parse::<u16>().ok())
                .any(|year| year < 2000)
        })
    }

    /// Whether a browser would take it: not one of ours, and as its name's beginning demands (RFC 6265bis §5.7; `__Http-`
    /// as in Chromium). Once renamed or without its `Domain`, browsers no longer see to that.
    pub(crate) fn is_lawful(&self) -> bool {
        if cookie::is_ours(self.pair) {
            return false;
        }
        let begins = |prefix: &str| begins(self.name, prefix);
        if self.name.is_empty() {
            return !PREFIXES.into_iter().any(|prefix| self::begins(self.value, prefix));
        }
        let secure = self.last("secure").is_some();
        let domain = self.last("domain").is_some_and(|domain| !domain.is_empty());
        let whole_host = secure && !domain && self.last("path") == Some(b"/");
        (!begins("__Host-") || whole_host)
            && (!begins("__Secure-") || secure)
            && (!(begins("__Http-") || begins("__Host-Http-")) || (secure && self.is_http_only()))
    }

    /// As it was, without `Domain`, which would spread it over the neighbours.
    pub(crate) fn own_host(&self) -> Option<HeaderValue> {
        self.write(self.pair, &["domain"], b"")
    }

    /// With the mark before its name, and `Secure`, which the mark demands.
    pub(crate) fn marked(&self, mark: &str) -> Option<HeaderValue> {
        let pair = [mark.as_bytes(), self.name, b"=", self.value].concat();
        self.write(&pair, &["domain", "secure"], b"; Secure")
    }

    /// Removes the cookie of this name and path whose name begins with `mark`.
    pub(crate) fn removed(&self, mark: &str) -> Option<HeaderValue> {
        let pair = [mark.as_bytes(), self.name, b"="].concat();
        let dropped = ["domain", "secure", "httponly", "max-age", "expires"];
        self.write(&pair, &dropped, b"; Max-Age=0; Secure; HttpOnly")
    }

    /// The last attribute of this name counts (RFC 6265bis §5.7).
    fn last(&self, wanted: &str) -> Option<&'a [u8]> {
        let found = self.attributes().filter(|attribute| is_attribute(attribute, wanted)).last()?;
        let sign = found.iter().position(|byte| *byte == b'=');
        Some(sign.and_then(|at| found.get(at + 1..)).unwrap_or_default().trim_ascii())
    }

    fn attributes(&self) -> impl Iterator<Item = &'a [u8]> {
        self.whole.split(|byte| *byte == b';').skip(1)
    }

    fn write(&self, pair: &[u8], dropped: &[&str], added: &[u8]) -> Option<HeaderValue> {
        let mut text = Vec::with_capacity(pair.len() + self.whole.len() + added.len());
        text.extend_from_slice(pair);
        for attribute in self.attributes() {
            if !dropped.iter().any(|name| is_attribute(attribute, name)) {
                text.push(b';');
                text.extend_from_slice(attribute);
            }
        }
        text.extend_from_slice(added);
        HeaderValue::from_bytes(&text).ok()
    }
}

fn is_attribute(attribute: &[u8], name: &str) -> bool {
    let own = attribute.split(|byte| *byte == b'=').next().unwrap_or_default();
    own.trim_ascii().eq_ignore_ascii_case(name.as_bytes())
}

fn begins(text: &[u8], prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix.as_bytes()))
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty())
}

/// Empty where there is none.
fn name(pair: &[u8]) -> &[u8] {
    let at = pair.iter().position(|byte| *byte == b'=').unwrap_or_default();
    pair.get(..at).unwrap_or_default().trim_ascii()
}

/// The pair as the tool set it, if it bears this mark. What would be ours or another door's without it was planted.
fn unmarked<'a>(pair: &'a [u8], mark: Option<&str>) -> Option<&'a [u8]> {
    let rest = pair.strip_prefix(mark?.as_bytes())?;
    let rest = rest.strip_prefix(b"=").unwrap_or(rest).trim_ascii();
    (!rest.is_empty() && !cookie::is_ours(rest)).then_some(rest)
}

/// Beginnings that promise something (RFC 6265bis §4.1.3). A cookie without a name must not have them in its value.
const PREFIXES: [&str; 3] = ["__Secure-", "__Host-", "__Http-"];

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "__Http-drawbridge-tool-8444-";

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    /// What the tool gets, as one text; it knows of neighbours' cookies called `theirs`.
    fn seen(lines: &[&str], mark: Option<&str>) -> String {
        let mut headers = headers(lines);
        inward(&mut headers, mark, |name| name != b"theirs");
        assert!(headers.get_all(header::COOKIE).iter().count() <= 1);
        headers.get(header::COOKIE).map_or(String::new(), |line| line.to_str().unwrap().to_owned())
    }

    fn read(text: &'static str) -> HeaderValue {
        HeaderValue::from_static(text)
    }

    #[test]
    fn tools_see_their_cookies_only() {
        assert_eq!(mark(8444), MARK);
        for (lines, own) in [
            (
                vec!["a=1; __Host-Http-drawbridge-8444=x; b=2", "__host-http-DRAWBRIDGE-9=1", "c=3;;d"],
                "a=1; b=2; c=3; d",
            ),
            (vec!["a=1; =__Host-Http-drawbridge-8444=x; = =__host-http-drawbridge-1=y"], "a=1"),
            (vec!["__Host-Http-drawbridge-8444=x"], ""),
            (vec!["__Http-drawbridge-tool-8444-sid=1; a=1"], "sid=1; a=1"),
            (vec!["__Http-drawbridge-tool-8445-sid=1; __Http-drawbridge-tool-844-sid=1; a=1"], "a=1"),
            (vec!["__HTTP-drawbridge-tool-8444-sid=1; a=1"], "a=1"),
            (vec!["__Http-drawbridge-tool-8444-__Host-sid=1"], "__Host-sid=1"),
            (vec!["__Http-drawbridge-tool-8444-=value"], "value"),
            (vec!["__Http-drawbridge-tool-8444-; __Http-drawbridge-tool-8444-= "], ""),
            (vec!["theirs=1; mine=1"], "mine=1"),
        ] {
            assert_eq!(seen(&lines, Some(MARK)), own, "{lines:?}");
        }
        assert_eq!(seen(&["__Http-drawbridge-tool-8444-sid=1; a=1"], None), "a=1", "a door of another host");
    }

    #[test]
    fn nothing_of_ours_hides_behind_a_mark() {
        for planted in [
            "__Http-drawbridge-tool-8444-__Host-Http-drawbridge-8444=x",
            "__Http-drawbridge-tool-8444-=__Host-Http-drawbridge-8444=x",
            "__Http-drawbridge-tool-8444-__Http-drawbridge-tool-8445-sid=x",
        ] {
            assert_eq!(seen(&[planted], Some(MARK)), "", "{planted}");
        }
    }

    #[test]
    fn the_marked_one_wins() {
        let line = "sid=planted; __Http-drawbridge-tool-8444-sid=1; sidx=2; __Http-drawbridge-tool-8444-theirs=3; theirs=4";
        assert_eq!(seen(&[line], Some(MARK)), "sid=1; sidx=2; theirs=3");
    }

    #[test]
    fn what_needs_no_change_stays_as_it_was() {
        assert_eq!(seen(&["a=1;;  b = 2 ;c"], Some(MARK)), "a=1;;  b = 2 ;c");
        assert_eq!(seen(&["a=1", "b=2"], Some(MARK)), "a=1; b=2", "crumbs are joined");
    }

    #[test]
    fn cookies_lose_their_domain_only() {
        for (before, after) in [
            ("a=1; Domain=example.org; Path=/", "a=1; Path=/"),
            ("a=1;domain = .x", "a=1"),
            ("domain=1; Path=/", "domain=1; Path=/"),
            ("a=1; HttpOnly", "a=1; HttpOnly"),
        ] {
            assert_eq!(SetCookie::read(&read(before)).own_host().unwrap(), after);
        }
    }

    #[test]
    fn a_marked_cookie_is_secure_and_keeps_its_other_attributes() {
        for (before, after) in [
            (
                "sid=1; HttpOnly; Path=/x; Max-Age=9",
                "__Http-drawbridge-tool-8444-sid=1; HttpOnly; Path=/x; Max-Age=9; Secure",
            ),
            (
                " sid = a=b ;secure;httponly=1;Domain=x",
                "__Http-drawbridge-tool-8444-sid=a=b;httponly=1; Secure",
            ),
            ("plain;HttpOnly", "__Http-drawbridge-tool-8444-=plain;HttpOnly; Secure"),
        ] {
            let value = read(before);
            let cookie = SetCookie::read(&value);
            assert!(cookie.is_http_only());
            assert_eq!(cookie.marked(MARK).unwrap(), after);
        }
        assert!(!SetCookie::read(&read("httponly=1; Path=/; X-HttpOnly")).is_http_only());
    }

    #[test]
    fn the_other_spelling_is_removed_at_the_same_path() {
        let value = read(
            "sid=1; Path=/x; Max-Age=9; Expires=Thu, 01 Jan 2099 00:00:00 GMT; SameSite=Lax; Partitioned",
        );
        assert_eq!(
            SetCookie::read(&value).removed(MARK).unwrap(),
            "__Http-drawbridge-tool-8444-sid=; Path=/x; SameSite=Lax; Partitioned; Max-Age=0; Secure; HttpOnly"
        );
    }

    #[test]
    fn what_a_browser_would_refuse_is_refused() {
        for (text, lawful) in [
            ("__Host-Http-drawbridge-8444=x; Path=/", false),
            ("__host-http-Drawbridge-8444=x", false),
            ("=__Host-Http-drawbridge-8444=x; Path=/; Secure", false),
            ("__Host-Http-drawbridge-8444", false),
            ("__Http-drawbridge-tool-8445-sid=x; HttpOnly; Secure", false),
            ("_xsrf=x; Path=/", true),
            ("file=a-drawbridge-b; Path=/", true),
            ("__Host-a=1; Secure; Path=/; HttpOnly", true),
            ("__Host-a=1; Secure; Path=/; Domain=", true),
            ("__Host-a=1; Secure; Path=/; Domain=example.org", false),
            ("__Host-a=1; Secure; Path=/; Path=/x", false),
            ("__Host-a=1; Secure; HttpOnly", false),
            ("__host-a=1; Path=/; HttpOnly", false),
            ("__Secure-a=1; HttpOnly", false),
            ("__Secure-a=1; Secure; Path=/x", true),
            ("__Http-a=1; Secure", false),
            ("__Http-a=1; HttpOnly", false),
            ("__Http-a=1; Secure; HttpOnly", true),
            ("__Host-Http-a=1; Secure; Path=/", false),
            ("__Host-Http-a=1; Secure; Path=/; HttpOnly", true),
            ("=__Host-a=1; HttpOnly", false),
            ("__secure-a; HttpOnly", false),
        ] {
            assert_eq!(SetCookie::read(&read(text)).is_lawful(), lawful, "{text}");
        }
    }

    #[test]
    fn removals_are_told_from_settings() {
        let is_removal = |text: &'static str| SetCookie::read(&HeaderValue::from_static(text)).is_removal();
        for text in [
            "a=; Max-Age=0",
            "a=; max-age=-1",
            "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "a=b; Expires=Thu, 01-Jan-1970 00:00:01 GMT",
        ] {
            assert!(is_removal(text), "{text}");
        }
        for text in [
            "a=b",
            "a=; Max-Age=10",
            "a=b; Expires=Thu, 01 Jan 2099 00:00:00 GMT",
            "a=b; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        ] {
            assert!(!is_removal(text), "{text}");
        }
    }
}
