//! The control socket, spoken to directly, so that a test can stop anywhere between a question and its answer.

use serde_json::Value;
use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

/// A question that was written, and what has come of its answer so far.
pub(crate) struct Asked {
    stream: UnixStream,
    heard: Vec<u8>,
}

/// Writes a request; returns before it is answered.
pub(crate) fn ask(socket: &Path, request: &Value) -> std::io::Result<Asked> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let body = request.to_string();
    let head = format!(
        "POST /v1/request HTTP/1.1\r\nhost: drawbridge\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes())?;
    Ok(Asked { stream, heard: Vec::new() })
}

impl Asked {
    /// Whether an answer has begun, or the other side is gone.
    pub(crate) fn is_answered(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let _ = self.stream.set_nonblocking(true);
        let read = self.stream.read(&mut buffer);
        let _ = self.stream.set_nonblocking(false);
        match read {
            Ok(count) => self.heard.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return false,
            Err(_) => {}
        }
        true
    }

    /// The status and the document; nothing where the engine went away before the answer was whole.
    pub(crate) fn answer(mut self) -> Option<(u16, Value)> {
        let mut bytes = std::mem::take(&mut self.heard);
        let _ = self.stream.read_to_end(&mut bytes);
        let text = String::from_utf8(bytes).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            dechunked(body)?
        } else {
            body.to_owned()
        };
        // Half a document does not parse, so what does is whole.
        Some((status, serde_json::from_str(&body).ok()?))
    }
}

/// Asks and waits for the answer.
pub(crate) fn exchange(socket: &Path, request: &Value) -> Option<(u16, Value)> {
    ask(socket, request).ok()?.answer()
}

/// A chunked body up to its last chunk; nothing where that is missing.
fn dechunked(mut rest: &str) -> Option<String> {
    let mut whole = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.push_str(after.get(..size)?);
        rest = after.get(size..)?.strip_prefix("\r\n")?;
    }
}
