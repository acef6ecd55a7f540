//! Changes under load: everything else the owner changes leaves a tool's requests, WebSockets, downloads and uploads
//! alone, and a change of the tool itself ends exactly what it is about.

use super::stored::Ports;
use crate::{
    promises::{
        Door,
        browser::Browser,
        h2::{self, H2, Outcome},
        tool::{Tool, ok},
        wire::Wire,
    },
    support::{
        Trial, eventually,
        raw::{self, Tls},
        trial::PASSWORD,
    },
};
use rcgen::{CertificateParams, KeyPair};
use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// A tool with a download that goes on until it is told, a WebSocket, uploads, and answers that name their question.
fn tool(over: Arc<AtomicBool>) -> Tool {
    Tool::serving(true, move |stream, asked| match asked.line.as_str() {
        "GET /download" => {
            let mut goes = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_ok();
            for number in 0.. {
                if !goes || over.load(Ordering::SeqCst) {
                    break;
                }
                goes = stream.write_all(format!("8\r\n{number:07} \r\n").as_bytes()).is_ok();
                std::thread::sleep(Duration::from_millis(5));
            }
            stream.write_all(b"0\r\n\r\n").is_ok()
        }
        "GET /socket" => {
            let agreed = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
            let _ = stream.write_all(agreed.as_bytes());
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                if stream.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
            false
        }
        line if line.starts_with("POST") => {
            stream.write_all(&ok(&format!("{line} {}", asked.body.len()))).is_ok()
        }
        line => stream.write_all(&ok(line)).is_ok(),
    })
}

/// Visitors who work through one door without a pause, each on one connection that must not end.
struct Load {
    door: Door,
    /// The cookie field of whoever is signed in there.
    cookie: String,
    /// Nothing more is begun; what runs comes to its end.
    over: AtomicBool,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    next: AtomicU64,
}

impl Load {
    fn new(door: Door, gate: Door) -> Self {
        let cookie = Browser::signed_in(door, gate).cookie();
        Self { door, cookie, over: AtomicBool::new(false), counts: Mutex::default(), next: AtomicU64::new(0) }
    }

    /// What its visitors do, each in a thread of its own.
    const LANES: [fn(&Self); 7] = [
        Self::pages,
        Self::pages,
        Self::pages_over_h2,
        Self::pages_over_h2,
        Self::download,
        Self::upload,
        Self::socket,
    ];

    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::SeqCst)
    }

    fn pages(&self) {
        let mut wire = Wire::open(self.door.address);
        while self.goes_on() {
            let line = format!("GET {}", self.path());
            assert!(wire.send(self.door.request(&line, &[&self.cookie])), "{line}: the connection ended");
            let reply = wire.reply().unwrap_or_else(|| panic!("{line} was lost"));
            assert_eq!((reply.status, reply.body), (200, line));
            self.count("page");
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    fn pages_over_h2(&self) {
        let (authority, cookie) = (self.door.authority(), self.cookie.trim_start_matches("cookie: "));
        let mut h2 = H2::open(self.door);
        // A window for all answers to come.
        assert!(h2.frame(h2::WINDOW_UPDATE, 0, 0, &1_000_000_000_u32.to_be_bytes()));
        while self.goes_on() {
            let paths: Vec<String> = (0..4).map(|_| self.path()).collect();
            let begin =
                |path: &String| h2.begin(&h2::fields("GET", &authority, path, &[("cookie", cookie)]), true);
            let streams: Vec<u32> = paths.iter().map(begin).collect();
            for (path, outcome) in paths.into_iter().zip(h2.outcomes(&streams)) {
                let answer = Outcome::Answer { status: 200, body: format!("GET {path}") };
                assert_eq!(outcome, answer, "{path} was lost");
                self.count("page over HTTP/2");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn download(&self) {
        let mut wire = Wire::open(self.door.address);
        assert!(wire.send(self.door.request("GET /download", &[&self.cookie])));
        let reply = wire.reply().expect("a whole download");
        let pieces: Vec<&str> = reply.body.split_terminator(' ').collect();
        assert!(pieces.iter().enumerate().all(|(number, piece)| piece.parse() == Ok(number)), "a gap");
        assert!(!self.goes_on(), "the download ended too early");
        self.counts.lock().expect("no panic there").insert("piece", pieces.len() as u64);
    }

    fn upload(&self) {
        let mut wire = Wire::open(self.door.address);
        let path = self.path();
        let origin = format!("origin: {}", self.door.origin());
        let fields = [self.cookie.as_str(), &origin, "transfer-encoding: chunked"];
        assert!(wire.send(self.door.request(&format!("POST {path}"), &fields)));
        let mut sent = 0;
        while self.goes_on() {
            assert!(
                wire.send(b"3e8\r\n") && wire.send([b'u'; 1000]) && wire.send(b"\r\n"),
                "the upload broke"
            );
            sent += 1000;
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(wire.send(b"0\r\n\r\n"));
        let reply = wire.reply().expect("an answer to the upload");
        assert_eq!((reply.status, reply.body), (200, format!("POST {path} {sent}")));
        self.count("upload");
    }

    fn socket(&self) {
        let mut tls = self.tunnel();
        while self.goes_on() {
            let said = self.path();
            let mut echo = vec![0; said.len()];
            tls.write_all(said.as_bytes())
                .and_then(|()| tls.read_exact(&mut echo))
                .expect("the WebSocket lives");
            assert_eq!(String::from_utf8_lossy(&echo), said);
            self.count("echo");
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    fn tunnel(&self) -> Tls {
        let host = self.door.address.ip().to_string();
        let mut tls = raw::connect(self.door.address, &host, &["http/1.1"]).expect("a handshake");
        let origin = format!("origin: {}", self.door.origin());
        let fields = [
            "connection: Upgrade",
            "upgrade: websocket",
            "sec-websocket-version: 13",
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
            self.cookie.as_str(),
            &origin,
        ];
        tls.write_all(self.door.request("GET /socket", &fields).as_bytes()).expect("it takes bytes");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            tls.read_exact(&mut byte).expect("an answer");
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        tls
    }

    /// A path nobody else asks for.
    fn path(&self) -> String {
        format!("/{}/{}", self.door.address.port(), self.next.fetch_add(1, Ordering::SeqCst))
    }

    fn count(&self, what: &'static str) {
        *self.counts.lock().expect("no panic there").entry(what).or_insert(0) += 1;
    }

    /// Whether every kind of work was done so often since; then the next change.
    fn has_gone_on(&self, before: &BTreeMap<&'static str, u64>) -> bool {
        let counts = self.counts.lock().expect("no panic there");
        ["page", "page over HTTP/2", "echo"].iter().all(|what| {
            let of = |counts: &BTreeMap<&'static str, u64>| counts.get(what).copied().unwrap_or(0);
            of(&counts) >= of(before) + 5
        })
    }
}

/// Ends the load when the owner is done, however.
struct Over<'a>(&'a Load, &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
        self.1.store(true, Ordering::SeqCst);
    }
}

/// Every numbered request the tool received came once.
fn nothing_twice(tool: &Tool) {
    let lines = tool.asked().into_iter().map(|asked| asked.line);
    let mut lines: Vec<String> =
        lines.filter(|line| line.ends_with(|last: char| last.is_ascii_digit())).collect();
    let count = lines.len();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!((lines.len(), tool.broken()), (count, vec![]), "a request came twice");
}

#[test]
fn changes_elsewhere_leave_a_busy_tool_alone() {
    let over = Arc::new(AtomicBool::new(false));
    let (tool, other) = (tool(Arc::clone(&over)), Tool::echoing());
    let trial = Trial::sharing(&tool.url(), "internet");
    let ports = Ports::of(&trial.home());
    let at = |[gate, door]: [u16; 2]| {
        let [gate, door] = [gate, door].map(|port| Door { address: (trial.address, port).into() });
        Load::new(door, gate)
    };
    let (load, far) = (at(ports.near), at(ports.far));
    std::thread::scope(|scope| {
        let _over = Over(&load, &over);
        let busy = &load;
        let lanes = Load::LANES.map(|lane| scope.spawn(move || lane(busy)));
        let changed = |what: &str, act: &dyn Fn()| {
            act();
            let before = load.counts.lock().expect("no panic there").clone();
            eventually(&format!("everyone goes on after: {what}"), || {
                assert!(!lanes.iter().any(|lane| lane.is_finished()), "a casualty of: {what}");
                load.has_gone_on(&before)
            });
        };
        for (what, act) in changes(&trial, &other) {
            changed(what, &*act);
        }
        let mut idle = Wire::open(far.door.address);
        idle.send(far.door.request("GET /far", &[&far.cookie]));
        assert_eq!(idle.reply().map(|reply| reply.status), Some(200));
        let mut tunnel = far.tunnel();
        changed("the tool's own internet door closes", &|| drop(trial.ok(&["level", "Tool", "lan"])));
        let deadline = Instant::now() + Duration::from_millis(1500);
        assert!(idle.ends_by(deadline), "the far door's connection goes on");
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        tunnel.sock.set_read_timeout(Some(left)).expect("a socket");
        let ended = match tunnel.read(&mut [0; 16]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        };
        assert!(ended, "the far door's tunnel goes on");
    });
    eprintln!("without a casualty: {:?}", load.counts.lock().expect("no panic there"));
    nothing_twice(&tool);
}

/// What happens, and how it is done.
type Change<'a> = (&'static str, Box<dyn Fn() + 'a>);

/// What the owner does elsewhere, one after the other.
fn changes<'a>(trial: &'a Trial, other: &'a Tool) -> Vec<Change<'a>> {
    let run = |arguments: &'static [&'static str]| -> Box<dyn Fn() + 'a> {
        Box::new(move || drop(trial.ok(arguments)))
    };
    let with_password = |arguments: &'static [&'static str]| -> Box<dyn Fn() + 'a> {
        Box::new(move || {
            let said = trial.with_input(arguments, PASSWORD);
            assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        })
    };
    vec![
        ("a tool is added", Box::new(move || drop(trial.ok(&["tool", "add", "Other", &other.url()])))),
        ("it is opened on the local network", run(&["level", "Other", "lan"])),
        ("it is raised", run(&["level", "Other", "internet"])),
        ("it gets a name", run(&["tool", "set", "Other", "--name", "Another"])),
        ("it is lowered", run(&["level", "Another", "lan"])),
        ("it gets a time limit", run(&["level", "Another", "lan", "--for", "1h"])),
        ("it is closed", run(&["level", "Another", "local"])),
        ("it is opened again", run(&["level", "Another", "internet"])),
        ("a user is added", with_password(&["user", "add", "bert", "--password-stdin"])),
        ("a user's password is changed", with_password(&["user", "passwd", "bert", "--password-stdin"])),
        ("a user's rights are changed", run(&["user", "set", "bert", "--tools", "Another"])),
        ("a user is removed", run(&["user", "remove", "bert"])),
        ("a certificate is imported", Box::new(move || import(trial))),
        ("another certificate is imported", Box::new(move || import(trial))),
        ("the certificate is removed, which closes every internet door", run(&["certificate", "remove"])),
        ("the certificate for the local network is renewed", run(&["certificate", "renew"])),
        ("the internet gets a host name", run(&["settings", "set", "internet.host", "home.example"])),
        ("and loses it", run(&["settings", "set", "internet.host", ""])),
        ("the other tool is removed", run(&["tool", "remove", "Another"])),
        ("the busy tool is raised again", run(&["level", "Tool", "internet"])),
    ]
}

/// A new certificate of the owner's own for where the internet doors are.
fn import(trial: &Trial) {
    let params = CertificateParams::new(vec![trial.address.to_string()]).expect("a name");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate").pem();
    let file = |name: &str, text: &str| {
        let path = trial.folder().join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let (certificate, key) = (file("own.pem", &certificate), file("own.key", &key.serialize_pem()));
    trial.ok(&["certificate", "import", "--cert", &certificate, "--key", &key]);
}
