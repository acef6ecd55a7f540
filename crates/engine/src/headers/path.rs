//! One reading of the request target: a canonical path, or a refusal.
//!
//! The path is forwarded byte for byte as it was checked. What two programs could read in two ways (dot segments in
//! any spelling, backslashes, NUL, overlong UTF-8, a second slash in front) is refused instead of repaired.

use hyper::Uri;

/// Where a request points on its own origin.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// The tool's own paths (or, on the gate, the gate's).
    Outside,
    /// `/.drawbridge/…`: ours on every origin; the text is what follows.
    Ours(String),
}

/// The target is not one that can be read in one way only.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("ambiguous request target")]
pub(crate) struct Ambiguous;

/// Reads the path of a request target.
///
/// # Errors
/// When two programs might disagree about what it means.
pub(crate) fn read(uri: &Uri) -> Result<Place, Ambiguous> {
    let path = uri.path();
    if !path.starts_with('/') || path.starts_with("//") || path.len() > MAX_BYTES {
        return Err(Ambiguous);
    }
    if is_plain(path) {
        return Ok(Place::Outside);
    }
    let decoded = decode(path)?;
    if has_dot_segment(&decoded) {
        return Err(Ambiguous);
    }
    place(path, &decoded)
}

/// Whether a text may be used as a path to send a browser back to on the same origin.
pub(crate) fn is_local_reference(text: &str) -> bool {
    text.len() <= MAX_BYTES
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && text.parse::<Uri>().is_ok_and(|uri| {
            uri.scheme().is_none() && uri.authority().is_none() && matches!(read(&uri), Ok(Place::Outside))
        })
}

/// Nothing in it that anyone could read in two ways: the everyday path, without decoding.
fn is_plain(path: &str) -> bool {
    let mut segment_begins = false;
    path.bytes().all(|byte| {
        let plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'/' | b'-' | b'_' | b'~' | b'+' | b'=' | b',' | b'@' | b':' | b'!' | b'$')
            // A segment that begins with a dot may be `..`, or ours.
            || (byte == b'.' && !segment_begins);
        segment_begins = byte == b'/';
        plain
    })
}

fn place(path: &str, decoded: &[u8]) -> Result<Place, Ambiguous> {
    let first = decoded.get(1..).unwrap_or_default().split(|byte| matches!(byte, b'/' | b'\\' | b';')).next();
    if !first.is_some_and(|segment| segment.eq_ignore_ascii_case(RESERVED.as_bytes())) {
        return Ok(Place::Outside);
    }
    // Ours only in its one spelling; every other spelling is refused, lest a tool be shadowed or we be bypassed.
    let rest = path.strip_prefix('/').and_then(|path| path.strip_prefix(RESERVED)).ok_or(Ambiguous)?;
    match rest.strip_prefix('/') {
        Some(rest) => Ok(Place::Ours(rest.to_owned())),
        None => Err(Ambiguous),
    }
}

fn decode(path: &str) -> Result<Vec<u8>, Ambiguous> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let value = match byte {
            b'%' => {
                let high = hex(bytes.next().ok_or(Ambiguous)?)?;
                let low = hex(bytes.next().ok_or(Ambiguous)?)?;
                high << 4 | low
            }
            b'\\' | 0..=0x20 | 0x7f => return Err(Ambiguous),
            other => other,
        };
        // NUL ends a string in C; C0 and C1 only ever start overlong UTF-8 (RFC 3629 §1).
        if matches!(value, 0 | 0xc0 | 0xc1) {
            return Err(Ambiguous);
        }
        decoded.push(value);
    }
    Ok(decoded)
}

fn hex(digit: u8) -> Result<u8, Ambiguous> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).ok_or(Ambiguous)
}

fn has_dot_segment(decoded: &[u8]) -> bool {
    // Some servers decode twice (`%252e`, `%252f`), some cut path parameters before they resolve dots (`/..;/`).
    let mut text = String::from_utf8_lossy(decoded).to_ascii_lowercase();
    for (encoded, meant) in [("%25", "%"), ("%2e", "."), ("%2f", "/"), ("%5c", "/"), ("%3b", ";")] {
        text = text.replace(encoded, meant);
    }
    text.split(['/', '\\']).any(|segment| matches!(segment.split(';').next(), Some("." | "..")))
}

/// First segment that is ours on every origin.
pub(crate) const RESERVED: &str = ".drawbridge";
/// Longest path (chosen: twice what common servers take for the whole request line).
const MAX_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_text(path: &str) -> Option<Place> {
        path.parse::<Uri>().ok().and_then(|uri| read(&uri).ok())
    }

    #[test]
    fn ordinary_paths_pass() {
        for path in [
            "/",
            "/lab",
            "/a%2Fb/c",
            "/a//b",
            "/caf%C3%A9",
            "/caf%E9",
            "/.hidden",
            "/a..b/...",
            "/x;v=1/y",
            "/a%20b",
            "/..a/",
            "/a?b=../..",
            "/100%25",
        ] {
            assert_eq!(read_text(path), Some(Place::Outside), "{path}");
        }
    }

    #[test]
    fn ambiguous_paths_are_refused() {
        for path in [
            "//evil/x",
            "/a/../b",
            "/a/..",
            "/./a",
            "/%2e%2e/a",
            "/a%2f..%2fb",
            "/..;/a",
            "/a/..;x=1/b",
            "/a%5c..%5cb",
            "/a%00b",
            "/%c0%ae%c0%ae/a",
            "/%",
            "/%2",
            "/%zz",
            "/%252e%252e/a",
            "/..%253bx/a",
            "*",
        ] {
            assert_eq!(read_text(path), None, "{path}");
        }
    }

    #[test]
    fn our_prefix_has_one_spelling() {
        assert_eq!(read_text("/.drawbridge/enter?x=1"), Some(Place::Ours("enter".into())));
        for path in [
            "/.Drawbridge/enter",
            "/%2edrawbridge/enter",
            "/.drawbridge%2fenter",
            "/.drawbridge",
            "/.drawbridge;x/enter",
        ] {
            assert_eq!(read_text(path), None, "{path}");
        }
        assert_eq!(read_text("/.drawbridge2/x"), Some(Place::Outside));
        assert_eq!(read_text("/a/.drawbridge/x"), Some(Place::Outside));
    }

    #[test]
    fn only_local_references_lead_back() {
        for text in ["/", "/lab?x=1&y=/z", "/a%2fb"] {
            assert!(is_local_reference(text), "{text}");
        }
        for text in
            ["", "lab", "//evil", "/\\evil", "https://evil/", "/a\nb", "/.drawbridge/leave", "/a/../b"]
        {
            assert!(!is_local_reference(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn accepted_paths_have_no_dot_segment_however_often_decoded(path in "/[a-z./%25ceEfF;\\\\]{0,24}") {
            if let Some(place) = read_text(&path) {
                let twice = |text: &str| text.replace("%2e", ".").replace("%2E", ".").replace("%2f", "/").replace("%2F", "/");
                let text = twice(&twice(&path));
                if place == Place::Outside {
                    prop_assert!(!text.split('/').any(|segment| segment == ".."), "{}", path);
                }
            }
        }
    }
}
