//! A secret as a parameter of the query. A visitor's own parameter of that name never passes, in whatever spelling a
//! tool may read; everything else stays byte for byte, in order.

use drawbridge_protocol::Secret;
use hyper::http::uri::PathAndQuery;

/// The address with the secret in it is longer than any tool reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the request target is too long")]
pub(crate) struct TooLong;

/// Replaces every parameter of this name by ours, at the end of the query.
///
/// # Errors
/// When the result is longer than [`MOST_BYTES`].
pub(crate) fn put(target: &PathAndQuery, name: &str, secret: &Secret) -> Result<PathAndQuery, TooLong> {
    let mut text = String::with_capacity(target.as_str().len() + name.len() + secret.expose().len() + 2);
    text.push_str(target.path());
    text.push('?');
    let theirs = target.query().unwrap_or_default();
    for pair in theirs.split('&').filter(|pair| !theirs.is_empty() && !names(pair, name)) {
        text.push_str(pair);
        text.push('&');
    }
    encode(name, &mut text);
    text.push('=');
    encode(secret.expose(), &mut text);
    if text.len() > MOST_BYTES {
        return Err(TooLong);
    }
    PathAndQuery::try_from(text).map_err(|_| TooLong)
}

/// The target without any parameter of this name; nothing where it has none.
pub(crate) fn without(target: &PathAndQuery, name: &str) -> Option<PathAndQuery> {
    let query = target.query().filter(|query| may_name(query, name))?;
    let kept: Vec<&str> = query.split('&').filter(|pair| !names(pair, name)).collect();
    if kept.len() == query.split('&').count() {
        return None;
    }
    let text = match kept.is_empty() {
        true => target.path().to_owned(),
        false => format!("{}?{}", target.path(), kept.join("&")),
    };
    PathAndQuery::try_from(text).ok()
}

/// Whether a query may hold a parameter of this name, in plain letters or behind escapes: the everyday query does not.
pub(crate) fn may_name(query: &str, name: &str) -> bool {
    query.contains('%')
        || query.as_bytes().windows(name.len()).any(|letters| letters.eq_ignore_ascii_case(name.as_bytes()))
}

/// Whether a text can be the name of a parameter: nothing in it that some tool cuts off.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES).contains(&name.len())
        && name.trim() == name
        && !name.contains(|letter: char| letter.is_control() || letter == '[')
}

/// The bytes that an encoded text stands for. What is no valid escape stays.
pub(super) fn decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%'
            && let [high, low, after @ ..] = after
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            decoded.push(high << 4 | low);
            rest = after;
        } else {
            decoded.push(byte);
        }
    }
    decoded
}

/// Whether a pair, or after a semicolon another one in it (RFC 1866 §8.2.1; some tools still split there), has the name.
pub(super) fn names(pair: &str, name: &str) -> bool {
    pair.split(';').any(|pair| {
        let decoded = decode(&pair.split('=').next().unwrap_or_default().replace('+', " "));
        // `name[]` and `name[0]` become an array of that name, and C ends a text at NUL.
        let base = decoded.split(|byte| matches!(byte, b'[' | 0)).next().unwrap_or_default();
        let base = String::from_utf8_lossy(base);
        base.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control())
            .eq_ignore_ascii_case(name)
    })
}

fn encode(text: &str, to: &mut String) {
    for byte in text.bytes() {
        // RFC 3986 §2.3: what never needs an escape.
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            to.push(char::from(byte));
        } else {
            to.push('%');
            for half in [byte >> 4, byte & 0x0f] {
                to.extend(char::from_digit(u32::from(half), 16).map(|digit| digit.to_ascii_uppercase()));
            }
        }
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Longest path and query that is made, bytes (half of a request head, which must hold it; hyper's types end at 64 KiB).
pub(crate) const MOST_BYTES: usize = 32 * 1024;
/// Longest name of a parameter, bytes (chosen: those of tools have a dozen).
const NAME_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn put_text(target: &str, name: &str, secret: &str) -> Result<String, TooLong> {
        let target = PathAndQuery::try_from(target).unwrap();
        put(&target, name, &Secret::new(secret.to_owned())).map(|target| target.as_str().to_owned())
    }

    #[test]
    fn ours_is_appended_and_the_rest_stays_byte_for_byte() {
        for (theirs, whole) in [
            ("/", "/?key=s"),
            ("/a?", "/a?key=s"),
            ("/a?b=1", "/a?b=1&key=s"),
            ("/a?b&&c=%7e+%zz&", "/a?b&&c=%7e+%zz&&key=s"),
            ("/a%3fkey=x?monkey=1&keys=2&a=key", "/a%3fkey=x?monkey=1&keys=2&a=key&key=s"),
            ("/a?b={x}|^`\\", "/a?b={x}|^`\\&key=s"),
        ] {
            assert_eq!(put_text(theirs, "key", "s").unwrap(), whole);
        }
        assert_eq!(put_text("/", "api key", "a b&c=ü/%").unwrap(), "/?api%20key=a%20b%26c%3D%C3%BC%2F%25");
    }

    #[test]
    fn no_spelling_of_a_visitors_own_passes() {
        for pair in [
            "key=x",
            "key",
            "key=",
            "KEY=x",
            "%6bey=x",
            "%6Bey=x",
            "k%65y=x",
            "+key=x",
            "key+=x",
            "%20key=x",
            "key%0b=x",
            "%C2%A0key%7f=x",
            "key%00=x",
            "key%00z=x",
            "key[]=x",
            "key%5b0%5D=x",
            "a=1;key=x",
            ";key=x",
            "a=1;b;%6bey",
            "key=1;a=x",
        ] {
            assert_eq!(
                put_text(&format!("/p?a=1&{pair}&b=2"), "key", "s").unwrap(),
                "/p?a=1&b=2&key=s",
                "{pair}"
            );
            assert_eq!(put_text(&format!("/p?{pair}"), "key", "s").unwrap(), "/p?key=s", "{pair}");
        }
        assert_eq!(put_text("/p?key=1&key=2&key=3", "key", "s").unwrap(), "/p?key=s");
    }

    #[test]
    fn a_parameter_is_taken_out_and_the_rest_stays_byte_for_byte() {
        let text = |target: &str| {
            without(&PathAndQuery::try_from(target).unwrap(), "key").map(|target| target.as_str().to_owned())
        };
        for (target, left) in [
            ("/a?key=1", "/a"),
            ("/a?b=%7e&KEY=1&&c", "/a?b=%7e&&c"),
            ("/a?%6bey=1&b", "/a?b"),
            ("/a?b=1;key=2", "/a"),
        ] {
            assert_eq!(text(target).as_deref(), Some(left), "{target}");
            assert_eq!(text(left), None, "twice changes nothing");
        }
        for target in ["/a", "/a?", "/a?b=key", "/a?monkey=1", "/key?b=%6bey"] {
            assert_eq!(text(target), None, "{target}");
        }
    }

    #[test]
    fn the_longest_target_passes_and_one_byte_more_does_not() {
        let longest = format!("/{}", "a".repeat(MOST_BYTES - "/?key=s".len()));
        assert_eq!(put_text(&longest, "key", "s").unwrap().len(), MOST_BYTES);
        assert_eq!(put_text(&format!("{longest}a"), "key", "s"), Err(TooLong));
    }

    proptest! {
        #[test]
        fn twice_is_once(query in "[a-c=&;%+5b0Kkey\\[\\]]{0,40}", secret in "\\PC{1,12}") {
            let once = put_text(&format!("/?{query}"), "key", &secret).unwrap();
            prop_assert_eq!(put_text(&once, "key", &secret).unwrap(), once);
        }

        #[test]
        fn ours_is_the_only_one_however_it_is_split(query in "[ab=&;%+65kKeEyY]{0,40}") {
            let whole = put_text(&format!("/?{query}"), "key", "s").unwrap();
            let found = whole[2..].split(['&', ';']).filter(|pair| {
                let name = String::from_utf8_lossy(&decode(pair.split('=').next().unwrap())).replace('+', " ");
                name.trim().eq_ignore_ascii_case("key")
            });
            prop_assert_eq!(found.collect::<Vec<_>>(), ["key=s"]);
        }
    }
}
