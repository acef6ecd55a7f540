//! P10: the owner at this computer can always close everything, and always reach the tool: under a flood, with a busy
//! writer, with the keyring closed, with a full disk's worth of trouble.

use super::{Door, Tool, anna, basic, strangers::listening, wire::Wire};
use crate::support::{Trial, eventually, raw};
use drawbridge_protocol::{EVENTS_PATH, REQUEST_PATH};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    process::{Child, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

const PROMISED: Duration = Duration::from_secs(1);
const ROOM: Duration = Duration::from_millis(500);

/// Starts `close`, and waits only for what the kernel says.
fn closes_in_time(trial: &Trial, what: &str) {
    let (start, before) = (Instant::now(), listening(trial.pid()).len());
    assert!(before > 0, "{what}: nothing was open");
    let mut close =
        trial.command(&["close"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
    while !listening(trial.pid()).is_empty() {
        assert!(start.elapsed() < PROMISED + ROOM, "{what}: {:?} still open", listening(trial.pid()));
        std::thread::sleep(Duration::from_millis(5));
    }
    // Its own end may have to wait for its turn, but it does come, with success.
    let mut ended = None;
    crate::support::eventually_within(Duration::from_secs(60), "`close` ends", || {
        assert_eq!(listening(trial.pid()), [], "{what}: something was opened again");
        ended = close.try_wait().expect("it is a child");
        ended.is_some()
    });
    let mut said = String::new();
    let _ = close.stderr.take().expect("piped").read_to_string(&mut said);
    assert!(ended.is_some_and(|ended| ended.success()), "{what}: {said}");
    assert_eq!(listening(trial.pid()), [], "{what}");
    for tool in trial.json(&["tool", "list"]).as_array().expect("a list") {
        assert_eq!((&tool["level"], &tool["wanted"]), (&"local".into(), &"local".into()), "{what}");
    }
}

/// The tool's own port, which is the owner's way in.
fn reaches_directly(tool: &Tool) {
    let address: SocketAddr = tool.authority().parse().expect("an address");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(b"GET /mine HTTP/1.1\r\nhost: x\r\n\r\n").expect("it takes bytes");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
    let mut answer = [0; 256];
    let count = stream.read(&mut answer).expect("an answer");
    assert!(answer[..count].ends_with(b"GET /mine"));
}

#[test]
fn everything_closes_in_time_while_hundreds_hold_and_hammer_the_doors() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "internet");
    let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
    assert_eq!(door.status("GET /", &[&anna()]), 200);
    let (going, done) = (AtomicBool::new(true), AtomicUsize::new(0));
    // Some say nothing, some stop in the middle of a handshake, some hold a connection that works.
    let mut held: Vec<TcpStream> = Vec::new();
    for number in 0..80 {
        let address = if number % 2 == 0 { door.address } else { gate.address };
        let mut stream = TcpStream::connect(address).expect("a connection");
        if number % 4 == 0 {
            stream.write_all(&[22, 3, 1, 2, 0, 1]).expect("it takes bytes");
        }
        held.push(stream);
    }
    let mut open: Vec<Wire> = (0..24).map(|_| Wire::open(door.address)).collect();
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while going.load(Ordering::SeqCst) {
                    // A connection a request, a wrong credential each time: what scanners do.
                    let address = door.address;
                    let Ok(mut tls) = raw::connect(address, &address.ip().to_string(), &["http/1.1"]) else {
                        std::thread::sleep(Duration::from_millis(2));
                        continue;
                    };
                    let wrong = basic(&format!("user{}", done.load(Ordering::SeqCst)), "wrong");
                    let _ = tls.write_all(door.request("GET /", &[&wrong]).as_bytes());
                    done.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        eventually("the flood runs", || done.load(Ordering::SeqCst) > 120);
        reaches_directly(&tool);
        closes_in_time(&trial, "under a flood");
        going.store(false, Ordering::SeqCst);
    });
    let deadline = Instant::now() + PROMISED + ROOM;
    for wire in &mut open {
        assert!(wire.ends_by(deadline), "a held connection goes on");
    }
    for stream in &mut held {
        stream.set_read_timeout(Some(PROMISED)).expect("a socket");
        let silent =
            stream.read(&mut [0; 16]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!silent, "a connection that said nothing goes on");
    }
    reaches_directly(&tool);
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(Door::of(&trial, "Tool").status("GET /", &[&anna()]), 200, "and it opens again");
}

/// Users to be added at once: each takes the writer a while, as every password is hashed.
fn keep_the_writer_busy(trial: &Trial, count: usize) -> Vec<Child> {
    let waiting: Vec<Child> = (0..count)
        .map(|number| {
            trial
                .command(&["user", "add", &format!("user{number}")])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("it runs")
        })
        .collect();
    eventually("the writer is at work", || {
        trial.json(&["user", "list"]).as_array().is_some_and(|all| all.len() > 2)
    });
    waiting
}

#[test]
fn everything_closes_in_time_while_the_writer_hashes_passwords() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "internet");
    let mut waiting = keep_the_writer_busy(&trial, 20);
    // A raise that waits in front of `close` must not open anything after it.
    trial.ok(&["tool", "add", "Second", "http://127.0.0.1:9"]);
    closes_in_time(&trial, "with a busy writer");
    waiting.iter_mut().for_each(|child| drop(child.wait()));
    assert_eq!(listening(trial.pid()), []);
}

/// Asks over the control socket and leaves the answer unread.
fn asks(trial: &Trial, request: &str) -> UnixStream {
    let mut stream = UnixStream::connect(trial.home().join("run/control.sock")).expect("the control socket");
    let head =
        format!("POST {REQUEST_PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", request.len());
    stream.write_all((head + request).as_bytes()).expect("it takes bytes");
    stream
}

#[test]
fn a_change_that_waits_before_close_opens_nothing_after_it() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    trial.ok(&["tool", "add", "Second", "http://127.0.0.1:9"]);
    let add = |number: usize| {
        asks(
            &trial,
            &format!(r#"{{"request":"user-add","name":"user{number}","admin":false,"reach":"all"}}"#),
        )
    };
    let mut waiting: Vec<UnixStream> = (0..4).map(add).collect();
    waiting.push(asks(&trial, r#"{"request":"level","tool":"Second","level":"lan","for_seconds":null}"#));
    waiting.push(asks(&trial, r#"{"request":"settings-set","key":"lan.names","value":"tool.internal"}"#));
    waiting.extend((4..16).map(add));
    closes_in_time(&trial, "behind other changes");
    assert_eq!(
        trial.json(&["user", "list"]).as_array().map(Vec::len),
        Some(17),
        "all of them were carried out"
    );
    assert_eq!(listening(trial.pid()), []);
}

#[test]
fn everything_closes_in_time_when_every_callers_place_is_taken() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let mut followers = Vec::new();
    for _ in 0..64 {
        let path = trial.home().join("run/control.sock");
        let mut stream = UnixStream::connect(path).expect("the control socket");
        stream.write_all(format!("GET {EVENTS_PATH} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).expect("sent");
        assert!(stream.read(&mut [0; 64]).is_ok_and(|count| count > 0), "it follows");
        followers.push(stream);
    }
    let pid = trial.pid();
    let before = listening(pid).len();
    trial.ok(&["close"]);
    assert_eq!((before, listening(pid).len()), (2, 0));
}

#[test]
fn everything_closes_with_the_keyring_gone() {
    let tool = Tool::echoing();
    let mut trial = Trial::sharing(&tool.url(), "internet");
    let passphrase = trial.folder().join("passphrase");
    let kept = std::fs::read(&passphrase).expect("a file");
    std::fs::remove_file(&passphrase).expect("our own");
    closes_in_time(&trial, "with the passphrase file gone");
    trial.stop();
    trial.serve();
    assert_eq!(listening(trial.pid()), [], "nothing opens without the key");
    trial.ok(&["close"]);
    reaches_directly(&tool);
    std::fs::write(&passphrase, kept).expect("written");
    trial.stop();
    trial.serve();
    assert_eq!(listening(trial.pid()), [], "and what was closed stays closed");
}

#[test]
fn everything_closes_in_time_with_a_home_that_cannot_be_written() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    // A folder where the new settings should go stops even root from saving them.
    let settings = trial.home().join("settings.toml");
    std::fs::remove_file(&settings).expect("our own");
    std::fs::create_dir_all(settings.join("in the way")).expect("a folder");
    let output = trial.run(&["close"]);
    assert_eq!(listening(trial.pid()), [], "closed all the same");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
}
