//! Keeps a secret out of what a tool answers: every occurrence becomes as many stars, so that lengths stay true.
//!
//! Found are the secret and its usual spellings in addresses, JSON and XML, across the borders of pieces. Not found is
//! what the tool compressed or encrypted; whoever uses this asks the tool for answers that are neither.

use bytes::Bytes;
use drawbridge_protocol::Secret;
use hyper::header::HeaderValue;
use memchr::memmem;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What is searched for. Made once and shared by every answer.
pub(crate) struct Needles {
    spellings: Vec<Zeroizing<Vec<u8>>>,
    longest: usize,
}

/// The needles in one stream of bytes.
pub(crate) struct Redactor {
    needles: Arc<Needles>,
    /// The end of what came: as it came, and with the stars it has already.
    held: Zeroizing<Vec<u8>>,
    starred: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Needles {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[needles]")
    }
}

impl Needles {
    /// Each of these in each spelling. Those shorter than [`LEAST_BYTES`] are left out: they occur by chance, and a page
    /// full of stars tells more than it hides.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut spellings: Vec<Zeroizing<Vec<u8>>> = Vec::new();
        for secret in secrets {
            for spelling in spellings_of(secret.expose()) {
                let spelling = Zeroizing::new(spelling.into_bytes());
                if secret.expose().len() >= LEAST_BYTES && !spellings.contains(&spelling) {
                    spellings.push(spelling);
                }
            }
        }
        let longest = spellings.iter().map(|spelling| spelling.len()).max().unwrap_or_default();
        Self { spellings, longest }
    }

    /// Nothing to search for.
    pub(crate) fn is_empty(&self) -> bool {
        self.spellings.is_empty()
    }

    /// A search through one answer, or one direction of a tunnel.
    pub(crate) fn redactor(self: &Arc<Self>) -> Redactor {
        Redactor { needles: Arc::clone(self), held: Zeroizing::default(), starred: Zeroizing::default() }
    }

    /// A field with stars in it; nothing where there was nothing to hide.
    pub(crate) fn value(&self, value: &HeaderValue) -> Option<HeaderValue> {
        let mut starred = value.as_bytes().to_vec();
        if !self.star(value.as_bytes(), &mut starred) {
            return None;
        }
        // Only stars came in, so it is a value as before; failing that, nothing of it is kept.
        let mut clean = HeaderValue::from_bytes(&starred).unwrap_or_else(|_| HeaderValue::from_static(""));
        clean.set_sensitive(value.is_sensitive());
        Some(clean)
    }

    /// Puts stars where a needle is, overlapping ones too, so that it does not matter how the bytes were cut.
    fn star(&self, bytes: &[u8], starred: &mut [u8]) -> bool {
        let mut is_found = false;
        for needle in &self.spellings {
            let finder = memmem::Finder::new(needle.as_slice());
            let mut from = 0;
            while let Some(at) = bytes.get(from..).and_then(|rest| finder.find(rest)).map(|at| from + at) {
                if let Some(found) = starred.get_mut(at..at + needle.len()) {
                    found.fill(b'*');
                }
                is_found = true;
                from = at + 1;
            }
        }
        is_found
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        self.spellings.iter().any(|needle| memmem::find(bytes, needle).is_some())
    }

    /// How many bytes at the end are held back: as many as could be the beginning of a needle, whether they are or not. Who
    /// can make a tool repeat a text would else see from what is held back how a secret begins.
    fn pending(&self, bytes: &[u8]) -> usize {
        bytes.len().min(self.longest.saturating_sub(1))
    }
}

impl Redactor {
    /// Takes a piece and gives what is certain by now: never more than it was given so far, and all but less than the
    /// longest needle of it.
    pub(crate) fn push(&mut self, mut chunk: Bytes) -> Bytes {
        if self.held.is_empty() && !self.needles.is_in(&chunk) {
            let kept = self.needles.pending(&chunk);
            let end = chunk.split_off(chunk.len() - kept);
            self.held.extend_from_slice(&end);
            self.starred.extend_from_slice(&end);
            return chunk;
        }
        self.held.extend_from_slice(&chunk);
        self.starred.extend_from_slice(&chunk);
        self.needles.star(&self.held, &mut self.starred);
        let certain = self.held.len() - self.needles.pending(&self.held);
        self.held.drain(..certain);
        self.starred.drain(..certain).collect()
    }

    /// Whether something is held back.
    pub(crate) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// The same for what follows a body.
    pub(crate) fn value(&self, value: &HeaderValue) -> Option<HeaderValue> {
        self.needles.value(value)
    }

    /// What is held back, after the last piece or a silence. More may follow.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.held.clear();
        Bytes::from(std::mem::take(&mut *self.starred))
    }
}

/// A secret as tools write it: as it is, in addresses, in JSON and in XML.
fn spellings_of(secret: &str) -> Vec<String> {
    let xml = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    vec![
        secret.to_owned(),
        percent(secret, "-._~", *b"0123456789ABCDEF"),
        percent(secret, "-._~", *b"0123456789abcdef"),
        // As JavaScript's encodeURIComponent writes it, and a form.
        percent(secret, "-._~!'()*", *b"0123456789ABCDEF"),
        percent(secret, "-._*", *b"0123456789ABCDEF").replace("%20", "+"),
        json(secret, |_| false),
        // As aria2 and PHP write it, then Go, then Python.
        json(secret, |_| false).replace('/', "\\/"),
        json(secret, |letter| matches!(letter, '<' | '>' | '&')),
        json(secret, |letter| !letter.is_ascii()),
        // As aria2 writes it, and by the book.
        xml.replace('\'', "&#39;"),
        xml.replace('\'', "&apos;"),
    ]
}

fn percent(text: &str, kept: &str, digits: [u8; 16]) -> String {
    let digit = |value: u8| digits.get(usize::from(value)).copied().map(char::from);
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.extend(digit(byte >> 4));
            encoded.extend(digit(byte & 0x0f));
        }
    }
    encoded
}

/// A text of JSON without its quotes, with these letters by number too.
fn json(text: &str, by_number: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' | '\\' => escaped.extend(['\\', letter]),
            letter if by_number(letter) => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Shortest secret that is searched for, bytes (chosen: of six random letters one turns up in 30 GiB of text).
pub(crate) const LEAST_BYTES: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn needles(secrets: &[&str]) -> Arc<Needles> {
        let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new((*text).to_owned())).collect();
        Arc::new(Needles::new(&secrets))
    }

    fn in_pieces<'a>(needles: &Arc<Needles>, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut redactor = needles.redactor();
        let mut whole = Vec::new();
        let mut given = 0;
        for piece in pieces {
            given += piece.len();
            whole.extend_from_slice(&redactor.push(Bytes::copy_from_slice(piece)));
            let held = given - whole.len();
            assert!(held == 0 || held < needles.longest, "{held} bytes are held back");
        }
        whole.extend_from_slice(&redactor.finish());
        assert!(redactor.finish().is_empty());
        whole
    }

    #[test]
    fn every_spelling_becomes_stars_of_its_length() {
        let secret = "a/b c\"d<é>'&";
        let needles = needles(&[secret]);
        for spelling in [
            "a/b c\"d<é>'&",
            "a%2Fb%20c%22d%3C%C3%A9%3E%27%26",
            "a%2fb%20c%22d%3c%c3%a9%3e%27%26",
            "a%2Fb%20c%22d%3C%C3%A9%3E'%26",
            "a%2Fb+c%22d%3C%C3%A9%3E%27%26",
            "a/b c\\\"d<é>'&",
            "a\\/b c\\\"d<é>'&",
            "a/b c\\\"d\\u003cé\\u003e'\\u0026",
            "a/b c\\\"d<\\u00e9>'&",
            "a/b c&quot;d&lt;é&gt;&#39;&amp;",
            "a/b c&quot;d&lt;é&gt;&apos;&amp;",
        ] {
            let text = format!("({spelling})");
            let stars = format!("({})", "*".repeat(spelling.len()));
            assert_eq!(in_pieces(&needles, [text.as_bytes()]), stars.as_bytes(), "{spelling}");
            assert_eq!(in_pieces(&needles, text.as_bytes().chunks(1)), stars.as_bytes(), "{spelling}");
        }
    }

    #[test]
    fn what_aria2_echoes_is_found() {
        let answer = br#"{"id":"token:s3cret\/value","jsonrpc":"2.0","result":[]}"#;
        let clean = in_pieces(&needles(&["s3cret/value"]), [&answer[..]]);
        assert_eq!(clean, br#"{"id":"token:*************","jsonrpc":"2.0","result":[]}"#);
    }

    #[test]
    fn short_secrets_are_left_alone() {
        assert!(needles(&["12345", "%%%%%"]).is_empty());
        assert_eq!(in_pieces(&needles(&["12345"]), [&b"12345"[..]]), b"12345");
        assert_eq!(in_pieces(&needles(&["123456"]), [&b"123456"[..]]), b"******");
    }

    #[test]
    fn what_is_held_back_tells_nothing_of_the_secret() {
        let needles = needles(&["s3cret-value"]);
        let held = |text: &'static str| {
            let mut redactor = needles.redactor();
            let given = redactor.push(Bytes::from_static(text.as_bytes())).len();
            assert_eq!(given + redactor.finish().len(), text.len());
            given
        };
        for (like, unlike) in [("nothing here, s3cre", "nothing here, 12345"), ("s3cre", "12345")] {
            assert_eq!(held(like), held(unlike), "{like}");
        }
        let mut redactor = needles.redactor();
        assert!(redactor.push(Bytes::from_static(b"s3cre")).is_empty() && redactor.is_holding());
        assert_eq!(redactor.finish(), "s3cre");
        assert!(!redactor.is_holding());
        let chunk = Bytes::from_static(b"nothing to see in a long piece");
        assert_eq!(redactor.push(chunk.clone()).as_ptr(), chunk.as_ptr(), "without a copy");
    }

    #[test]
    fn fields_are_redacted_and_others_left_alone() {
        let needles = needles(&["s3cret-value"]);
        assert_eq!(needles.value(&HeaderValue::from_static("/?key=s3cret")), None);
        let mut value = HeaderValue::from_bytes(b"/\xff?key=s3cret-value&a").unwrap();
        value.set_sensitive(true);
        let clean = needles.value(&value).unwrap();
        assert_eq!(clean.as_bytes(), b"/\xff?key=************&a");
        assert!(clean.is_sensitive());
    }

    #[test]
    fn a_tool_that_repeats_itself_costs_no_more_than_its_bytes() {
        let needles = needles(&["aaaaaaaaaaaaaaaa"]);
        let text = "a".repeat(200_000);
        assert_eq!(in_pieces(&needles, text.as_bytes().chunks(1_000)), "*".repeat(200_000).into_bytes());
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_are_cut(
            text in "[ab%2F/]{0,80}|(ab/ab/ab|b/ab/aa|aaaaaa|a){0,12}",
            cuts in proptest::collection::vec(1..9_usize, 1..40),
        ) {
            let needles = needles(&["ab/ab/ab", "b/ab/aa", "aaaaaa"]);
            let mut expected = text.clone().into_bytes();
            for needle in &needles.spellings {
                for at in 0..text.len() {
                    if text.as_bytes()[at..].starts_with(needle) {
                        expected[at..at + needle.len()].fill(b'*');
                    }
                }
            }
            let mut rest = text.as_bytes();
            let mut pieces = Vec::new();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            let clean = in_pieces(&needles, pieces);
            prop_assert_eq!(String::from_utf8(clean).unwrap(), String::from_utf8(expected).unwrap());
        }
    }
}
