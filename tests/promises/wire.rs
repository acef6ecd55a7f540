//! One HTTP/1.1 connection whose requests are written byte by byte and whose answers are read strictly.

use crate::support::raw::{self, Tls};
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

/// A connection.
pub(crate) struct Wire {
    tls: Tls,
    held: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// As it came, with its status line.
    pub(crate) head: String,
    /// Without its framing.
    pub(crate) body: String,
}

impl Reply {
    /// The first value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        fields(&self.head).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// `NAME=VALUE` of the first cookie it sets whose name contains this.
    pub(crate) fn cookie(&self, part: &str) -> Option<String> {
        let set = fields(&self.head).filter(|(key, _)| key.eq_ignore_ascii_case("set-cookie"));
        let pairs = set.filter_map(|(_, value)| value.split(';').next());
        pairs
            .filter(|pair| pair.split('=').next().is_some_and(|name| name.contains(part)))
            .map(str::to_owned)
            .next()
    }
}

/// The fields of a head.
pub(crate) fn fields(head: &str) -> impl Iterator<Item = (&str, &str)> {
    head.lines().skip(1).filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim()))
}

impl Wire {
    /// A connection with a finished handshake.
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::try_open(address).expect("a handshake")
    }

    /// The same, where the door may be closed.
    pub(crate) fn try_open(address: SocketAddr) -> std::io::Result<Self> {
        let tls = raw::connect(address, &address.ip().to_string(), &["http/1.1"])?;
        Ok(Self { tls, held: Vec::new() })
    }

    /// The same from an address of the caller's choice in 127/8.
    pub(crate) fn open_from(source: Ipv4Addr, address: SocketAddr) -> Self {
        let tls = raw::connect_from(source, address, &["http/1.1"]).expect("a handshake");
        tls.sock.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
        Self { tls, held: Vec::new() }
    }

    /// Writes; the other side may have refused before everything is written.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.tls.write_all(bytes.as_ref()).and_then(|()| self.tls.flush()).is_ok()
    }

    /// The next answer; nothing where the connection ended or fell silent.
    pub(crate) fn reply(&mut self) -> Option<Reply> {
        self.reply_to("GET")
    }

    /// The next answer, to a request with this method.
    pub(crate) fn reply_to(&mut self, method: &str) -> Option<Reply> {
        let end = loop {
            match self.held.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(end) => break end,
                None => self.more()?,
            }
        };
        let head = String::from_utf8(self.held.drain(..end + 4).collect()).expect("text");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let mut reply = Reply { status, head, body: String::new() };
        let body = match (reply.field("transfer-encoding"), reply.field("content-length")) {
            _ if method == "HEAD" || matches!(status, 100..200 | 204 | 304) => Vec::new(),
            (Some(coding), None) => {
                assert_eq!(coding, "chunked");
                self.chunks()?
            }
            (None, Some(length)) => {
                let length = length.parse().expect("a number");
                self.exactly(length)?
            }
            (None, None) => {
                while self.more().is_some() {}
                std::mem::take(&mut self.held)
            }
            (Some(_), Some(_)) => panic!("an answer with two lengths: {}", reply.head),
        };
        reply.body = String::from_utf8_lossy(&body).into_owned();
        Some(reply)
    }

    /// Reads and drops everything until the connection ends; whether it did before the deadline.
    pub(crate) fn ends_by(&mut self, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let _ = self.tls.sock.set_read_timeout(Some(left.max(Duration::from_millis(1))));
            match self.tls.read(&mut [0; 16 * 1024]) {
                Ok(1..) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return false,
                Ok(0) | Err(_) => return true,
            }
        }
    }

    /// Reads until this text came; whether it did.
    pub(crate) fn reads(&mut self, text: &str) -> bool {
        while !String::from_utf8_lossy(&self.held).contains(text) {
            if self.more().is_none() {
                return false;
            }
        }
        true
    }

    fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                match self.held.windows(2).position(|window| window == b"\r\n") {
                    Some(end) => break end,
                    None => self.more()?,
                }
            };
            let line: Vec<u8> = self.held.drain(..end + 2).collect();
            let size = String::from_utf8_lossy(&line);
            let size = usize::from_str_radix(size.trim(), 16).expect("a chunk's size");
            let chunk = self.exactly(size + 2)?;
            if size == 0 {
                return Some(body);
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }

    /// So many bytes; nothing where the connection ends before.
    pub(crate) fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.held.len() < count {
            self.more()?;
        }
        Some(self.held.drain(..count).collect())
    }

    fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 16 * 1024];
        match self.tls.read(&mut buffer) {
            Ok(count @ 1..) => self.held.extend_from_slice(&buffer[..count]),
            Ok(0) | Err(_) => return None,
        }
        Some(())
    }
}
