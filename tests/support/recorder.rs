//! A tool that records every byte it receives and answers as it is told.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// A tool that records; its thread ends with the test process.
pub(crate) struct Recorder {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Recorder {
    /// Answers every request with `ok`, keeping connections.
    pub(crate) fn start() -> Self {
        Self::answering(|_| {
            b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok".to_vec()
        })
    }

    /// Answers each request head with these bytes.
    pub(crate) fn answering(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::serving(move |stream, head| stream.write_all(&answer(head)).is_ok())
    }

    /// Hands each request head to a function that writes to the connection and says whether it goes on.
    pub(crate) fn serving(serve: impl Fn(&mut TcpStream, &str) -> bool + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let heard: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let (records, serve) = (Arc::clone(&heard), Arc::new(serve));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (records, serve) = (Arc::clone(&records), Arc::clone(&serve));
                thread::spawn(move || converse(stream, &records, &*serve));
            }
        });
        Self { address, heard }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Everything it received, one text per connection.
    pub(crate) fn heard(&self) -> Vec<String> {
        let heard = self.heard.lock().expect("no panic there");
        heard.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    /// Everything it received, as one text.
    pub(crate) fn all(&self) -> String {
        self.heard().concat()
    }

    /// Forgets what it received.
    pub(crate) fn forget(&self) {
        self.heard.lock().expect("no panic there").iter_mut().for_each(Vec::clear);
    }
}

fn converse(
    mut stream: TcpStream,
    records: &Mutex<Vec<Vec<u8>>>,
    serve: &dyn Fn(&mut TcpStream, &str) -> bool,
) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
    let index = {
        let mut records = records.lock().expect("no panic there");
        records.push(Vec::new());
        records.len() - 1
    };
    let mut pending = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        records.lock().expect("no panic there")[index].extend_from_slice(&buffer[..count]);
        pending.extend_from_slice(&buffer[..count]);
        while let Some(end) = pending.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&pending[..end]).into_owned();
            pending.drain(..end + 4);
            if !serve(&mut stream, &head) {
                return;
            }
        }
    }
}
