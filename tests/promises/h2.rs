//! HTTP/2 frames written by hand (RFC 9113, RFC 7541), so that no library repairs or refuses what a stranger may send.

use super::Door;
use crate::support::raw::{self, Tls};
use std::{
    collections::HashMap,
    io::{Read, Write},
};

/// One connection.
pub(crate) struct H2 {
    tls: Tls,
    next: u32,
}

/// What became of a stream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// An answer.
    Answer { status: u16, body: String },
    /// The stream or the whole connection was refused.
    Refused,
}

impl Outcome {
    /// The status; zero for a refusal without one.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Answer { status, .. } => *status,
            Self::Refused => 0,
        }
    }
}

impl H2 {
    /// A connection after its preface.
    pub(crate) fn open(door: Door) -> Self {
        let tls = raw::connect(door.address, &door.address.ip().to_string(), &["h2"]).expect("a handshake");
        Self::over(tls).expect("an open connection")
    }

    /// The same over a finished handshake; nothing where the other side is gone already.
    pub(crate) fn over(mut tls: Tls) -> Option<Self> {
        assert_eq!(tls.conn.alpn_protocol(), Some(&b"h2"[..]));
        tls.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").ok()?;
        let mut connection = Self { tls, next: 1 };
        // No dynamic table, so that statuses can be read without one.
        connection.frame(SETTINGS, 0, 0, &[0, 1, 0, 0, 0, 0]).then_some(connection)
    }

    /// Sends one request: fields, body, trailers. What follows the fields is sent only where it is there.
    pub(crate) fn ask(
        &mut self,
        fields: &[(&str, &str)],
        body: Option<&str>,
        trailers: &[(&str, &str)],
    ) -> Outcome {
        let stream = self.begin(fields, body.is_none() && trailers.is_empty());
        if let Some(body) = body {
            let last = if trailers.is_empty() { END_STREAM } else { 0 };
            self.frame(DATA, last, stream, body.as_bytes());
        }
        if !trailers.is_empty() {
            self.frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(trailers));
        }
        self.outcome(stream)
    }

    /// Sends a request whose fields need more than one frame (RFC 9113 §6.10).
    pub(crate) fn ask_in_parts(&mut self, fields: &[(&str, &str)]) -> Outcome {
        let (stream, block) = (self.next, block(fields));
        self.next += 2;
        let mut parts = block.chunks(16_000).peekable();
        let mut kind = HEADERS;
        while let Some(part) = parts.next() {
            let last = if parts.peek().is_none() { END_HEADERS } else { 0 };
            let end = if kind == HEADERS { END_STREAM } else { 0 };
            self.frame(kind, last | end, stream, part);
            kind = CONTINUATION;
        }
        self.outcome(stream)
    }

    /// Opens a stream with these fields.
    pub(crate) fn begin(&mut self, fields: &[(&str, &str)], last: bool) -> u32 {
        let stream = self.next;
        self.next += 2;
        let end = if last { END_STREAM } else { 0 };
        self.frame(HEADERS, END_HEADERS | end, stream, &block(fields));
        stream
    }

    /// Sends a part of a body; whether the connection still took it.
    pub(crate) fn data(&mut self, stream: u32, bytes: &[u8]) -> bool {
        self.frame(DATA, 0, stream, bytes)
    }

    /// Reads until this stream has ended, one way or the other.
    pub(crate) fn outcome(&mut self, stream: u32) -> Outcome {
        self.outcomes(&[stream]).pop().expect("one stream")
    }

    /// Reads until these streams have ended, in whatever order.
    pub(crate) fn outcomes(&mut self, streams: &[u32]) -> Vec<Outcome> {
        let mut parts: HashMap<u32, (u16, Vec<u8>)> = HashMap::new();
        let mut ended: HashMap<u32, Outcome> = HashMap::new();
        while !streams.iter().all(|stream| ended.contains_key(stream)) {
            let Some((kind, flags, of, payload)) = self.read() else { break };
            let part = parts.entry(of).or_default();
            match kind {
                SETTINGS if flags & ACK == 0 => {
                    self.frame(SETTINGS, ACK, 0, &[]);
                }
                GOAWAY => break,
                RST_STREAM => {
                    // After an answer it only says that the rest of the request is not wanted.
                    ended.entry(of).or_insert(Outcome::Refused);
                }
                HEADERS if part.0 == 0 => part.0 = read_status(&payload),
                DATA => part.1.extend_from_slice(&payload),
                _ => {}
            }
            if matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0 {
                let body = String::from_utf8_lossy(&part.1).into_owned();
                ended.insert(of, Outcome::Answer { status: part.0, body });
            }
        }
        streams.iter().map(|stream| ended.remove(stream).unwrap_or(Outcome::Refused)).collect()
    }

    /// Reads until this stream answered with a status or was refused.
    pub(crate) fn answers(&mut self, stream: u32) -> Option<u16> {
        loop {
            match self.read()? {
                (HEADERS, _, of, payload) if of == stream => return Some(read_status(&payload)),
                (RST_STREAM, _, of, _) if of == stream => return None,
                (GOAWAY, ..) => return None,
                _ => {}
            }
        }
    }

    /// How long a read may take.
    pub(crate) fn patience(&self, time: std::time::Duration) {
        let time = time.max(std::time::Duration::from_millis(1));
        self.tls.sock.set_read_timeout(Some(time)).expect("a socket");
    }

    /// Writes one frame; whether the connection still took it.
    pub(crate) fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
        let mut bytes = vec![length[1], length[2], length[3], kind, flags];
        bytes.extend_from_slice(&stream.to_be_bytes());
        bytes.extend_from_slice(payload);
        self.tls.write_all(&bytes).and_then(|()| self.tls.flush()).is_ok()
    }

    fn read(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.tls.read_exact(&mut head).ok()?;
        let [a, b, c, kind, flags, id @ ..] = head;
        let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, a, b, c])).expect("a length")];
        self.tls.read_exact(&mut payload).ok()?;
        Some((kind, flags, u32::from_be_bytes(id), payload))
    }
}

/// The four pseudo-fields of a request to a door, and more fields.
pub(crate) fn fields<'a>(
    method: &'a str,
    authority: &'a str,
    path: &'a str,
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![(":method", method), (":scheme", "https"), (":authority", authority), (":path", path)];
    all.extend_from_slice(more);
    all
}

/// Literal fields without indexing and without Huffman coding (RFC 7541 §6.2.2).
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            match u8::try_from(text.len()) {
                Ok(length @ ..127) => block.push(length),
                _ => {
                    // RFC 7541 §5.1: the rest after a full prefix, seven bits at a time.
                    block.push(127);
                    let mut rest = text.len() - 127;
                    while rest >= 128 {
                        block.push(u8::try_from(rest % 128).expect("seven bits") | 128);
                        rest /= 128;
                    }
                    block.push(u8::try_from(rest).expect("seven bits"));
                }
            }
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// The status at the head of a block: an entry of the static table, or a literal of three digits.
fn read_status(block: &[u8]) -> u16 {
    match block {
        // A change of the table's size comes first (RFC 7541 §6.3).
        [size, rest @ ..] if size & 0xe0 == 0x20 => read_status(rest),
        [index @ 0x88..=0x8e, ..] => [200, 204, 206, 304, 400, 404, 500][usize::from(index - 0x88)],
        [0x08 | 0x18 | 0x48, length, rest @ ..] => {
            let value = &rest[..usize::from(length & 0x7f)];
            if length & 0x80 == 0 { digits(value.iter().map(|byte| byte - b'0')) } else { huffman(value) }
        }
        other => panic!("no status: {other:?}"),
    }
}

/// Digits in the code of RFC 7541 Appendix B: 0 to 2 in five bits, 3 to 9 in six.
fn huffman(value: &[u8]) -> u16 {
    let bits: Vec<u8> = value.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)).collect();
    let (mut at, mut found) = (0, Vec::new());
    let take = |at: usize, count: usize| bits[at..at + count].iter().fold(0, |sum, bit| sum * 2 + bit);
    while found.len() < 3 {
        let short = take(at, 5);
        if short <= 2 {
            found.push(short);
            at += 5;
        } else {
            found.push(take(at, 6) - 0b01_1001 + 3);
            at += 6;
        }
    }
    digits(found.into_iter())
}

fn digits(digits: impl Iterator<Item = u8>) -> u16 {
    digits.fold(0, |sum, digit| sum * 10 + u16::from(digit))
}

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
