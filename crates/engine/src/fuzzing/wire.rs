//! One HTTP/1.1 message read as RFC 9112 says and not a bit more kindly: what a strict program would see of our bytes.

use hyper::{
    HeaderMap,
    header::{self, HeaderName, HeaderValue},
};
use std::future::Future;

/// A head, and how many bytes follow it.
pub(super) struct Message {
    /// The first line.
    pub(super) line: String,
    pub(super) headers: HeaderMap,
    /// Bytes of head and body together; nothing while the body is not complete.
    pub(super) length: Option<usize>,
}

/// Reads one message from the beginning of what was sent; nothing while its head is not complete.
pub(super) fn read(bytes: &[u8]) -> Option<Message> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = bytes.get(..end - 4)?;
    assert!(!head.contains(&0), "NUL in a head");
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let line = String::from_utf8(lines.next()?.to_vec()).expect("a first line is text");
    let mut headers = HeaderMap::new();
    for line in lines {
        assert!(!line.contains(&b'\r'), "a lone carriage return in a head");
        let colon = line.iter().position(|byte| *byte == b':').expect("a field has a colon");
        let (name, value) = line.split_at(colon);
        let name = HeaderName::from_bytes(name).expect("a field has a name");
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        headers.append(name, HeaderValue::from_bytes(value).expect("a value without control characters"));
    }
    let body = bytes.get(end..).unwrap_or_default();
    let length = body_length(&headers, body).map(|length| end + length);
    Some(Message { line, headers, length })
}

fn body_length(headers: &HeaderMap, body: &[u8]) -> Option<usize> {
    let count = |name| headers.get_all(name).iter().count();
    assert!(count(header::CONTENT_LENGTH) + count(header::TRANSFER_ENCODING) <= 1, "two ends: {headers:?}");
    if let Some(coding) = headers.get(header::TRANSFER_ENCODING) {
        assert_eq!(coding, "chunked");
        return chunks(body);
    }
    let length = headers.get(header::CONTENT_LENGTH).map_or("0", |length| length.to_str().expect("text"));
    assert!(
        length.bytes().all(|byte| byte.is_ascii_digit()) && (length == "0" || !length.starts_with('0')),
        "{length}"
    );
    let length: usize = length.parse().ok()?;
    (body.len() >= length).then_some(length)
}

/// Bytes of a chunked body up to its last chunk, without trailers: none may be there.
fn chunks(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = body.get(at..)?;
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(rest.get(..line)?).expect("a size is text");
        let size = usize::from_str_radix(size, 16).expect("a size without extensions");
        at += line + 2 + size + 2;
        let end = body.get(at.checked_sub(2)?..at)?;
        assert_eq!(end, b"\r\n", "a chunk ends with its line, and no trailer follows the last");
        if size == 0 {
            return Some(at);
        }
    }
}

thread_local! {
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
}

/// Runs what a connection does on this thread, as a core would. A conversation whose input has ended ends by itself.
pub(super) fn run<F: Future>(conversation: F) -> F::Output {
    RUNTIME.with(|runtime| {
        let local = tokio::task::LocalSet::new();
        runtime.block_on(local.run_until(async {
            tokio::time::timeout(DEADLINE, conversation).await.expect("it does not hang")
        }))
    })
}

/// Far more than any conversation in memory takes, also on a slow and busy machine (chosen).
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(20);
