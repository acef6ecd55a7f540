//! A tool that records every byte, reads each request strictly, and answers as it is told.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// The tool; its threads end with the test process.
pub(crate) struct Tool {
    address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    raw: Mutex<Vec<u8>>,
    asked: Mutex<Vec<Asked>>,
    broken: Mutex<Vec<String>>,
    open: AtomicUsize,
    connections: AtomicUsize,
}

/// One request, read as RFC 9112 says and not a bit more kindly.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// Method and target.
    pub(crate) line: String,
    /// With its request line.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// What followed the last chunk.
    pub(crate) trailers: String,
    /// Which connection it came on, counted from one.
    pub(crate) connection: usize,
}

impl Asked {
    /// Every value of a field.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        let all = super::wire::fields(&self.head);
        all.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }
}

/// An answer of this length and text.
pub(crate) fn ok(text: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()).into_bytes()
}

impl Tool {
    /// Answers every request with its own line: `GET /path`.
    pub(crate) fn echoing() -> Self {
        Self::answering(|asked| ok(&asked.line))
    }

    /// The same, and a WebSocket echoes.
    pub(crate) fn with_sockets() -> Self {
        Self::serving(true, |stream, asked| {
            if asked.values("upgrade").is_empty() {
                return stream.write_all(&ok(&asked.line)).is_ok();
            }
            let accepted = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                            sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
            let _ = stream.write_all(accepted.as_bytes());
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                if stream.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
            false
        })
    }

    /// Answers with these bytes after the whole request was read.
    pub(crate) fn answering(answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::serving(true, move |stream, asked| stream.write_all(&answer(asked)).is_ok())
    }

    /// Hands each request to a function that says whether the connection goes on; with `whole`, after its body.
    pub(crate) fn serving(
        whole: bool,
        serve: impl Fn(&mut TcpStream, &Asked) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (seen, serve) = (Arc::<Seen>::default(), Arc::new(serve));
        let shared = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, serve) = (Arc::clone(&shared), Arc::clone(&serve));
                thread::spawn(move || {
                    seen.open.fetch_add(1, Ordering::SeqCst);
                    let number = seen.connections.fetch_add(1, Ordering::SeqCst) + 1;
                    let mut line = Line { stream, held: Vec::new(), seen: &seen };
                    while let Some(mut asked) = line.asked(whole) {
                        asked.connection = number;
                        seen.asked.lock().expect("no panic there").push(asked.clone());
                        if !serve(&mut line.stream, &asked) {
                            break;
                        }
                    }
                    let _ = line.stream.shutdown(std::net::Shutdown::Both);
                    seen.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, seen }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `HOST:PORT`.
    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Every byte it received.
    pub(crate) fn raw(&self) -> String {
        String::from_utf8_lossy(&self.seen.raw.lock().expect("no panic there")).into_owned()
    }

    /// Every request it received.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.seen.asked.lock().expect("no panic there").clone()
    }

    /// The requests since the last look.
    pub(crate) fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut self.seen.asked.lock().expect("no panic there"))
    }

    /// What it received and could not read.
    pub(crate) fn broken(&self) -> Vec<String> {
        self.seen.broken.lock().expect("no panic there").clone()
    }

    /// Connections open now.
    pub(crate) fn open(&self) -> usize {
        self.seen.open.load(Ordering::SeqCst)
    }
}

struct Line<'a> {
    stream: TcpStream,
    held: Vec<u8>,
    seen: &'a Seen,
}

impl Line<'_> {
    fn asked(&mut self, whole: bool) -> Option<Asked> {
        let head = self.until(b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&head).into_owned();
        let request_line = head.lines().next().unwrap_or_default();
        let line = request_line.strip_suffix(" HTTP/1.1").map(str::to_owned);
        let mut asked = Asked { line: line.unwrap_or_default(), head, ..Asked::default() };
        let (lengths, codings) = (asked.values("content-length"), asked.values("transfer-encoding"));
        let chunked = codings.len() == 1 && codings.iter().all(|coding| *coding == "chunked");
        let length: Option<usize> = lengths.first().and_then(|length| length.parse().ok());
        let good = !asked.line.is_empty() && lengths.len() + codings.len() <= 1;
        if !good || (!lengths.is_empty() && length.is_none()) || (!codings.is_empty() && !chunked) {
            self.seen.broken.lock().expect("no panic there").push(asked.head);
            return None;
        }
        if !whole {
            return Some(asked);
        }
        if chunked {
            loop {
                let line = self.until(b"\r\n")?;
                let size = usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16).ok()?;
                if size == 0 {
                    break;
                }
                let chunk = self.exactly(size + 2)?;
                asked.body.extend_from_slice(&chunk[..size]);
            }
            loop {
                let line = self.until(b"\r\n")?;
                if line == b"\r\n" {
                    break;
                }
                asked.trailers.push_str(&String::from_utf8_lossy(&line));
            }
        } else if let Some(length) = length {
            asked.body = self.exactly(length)?;
        }
        Some(asked)
    }

    fn until(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.held.windows(mark.len()).position(|window| window == mark) {
                return Some(self.held.drain(..at + mark.len()).collect());
            }
            self.more()?;
        }
    }

    fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.held.len() < count {
            self.more()?;
        }
        Some(self.held.drain(..count).collect())
    }

    fn more(&mut self) -> Option<()> {
        let _ = self.stream.set_read_timeout(Some(Duration::from_secs(60)));
        let mut buffer = [0; 16 * 1024];
        let count = self.stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        self.seen.raw.lock().expect("no panic there").extend_from_slice(&buffer[..count]);
        self.held.extend_from_slice(&buffer[..count]);
        Some(())
    }
}
