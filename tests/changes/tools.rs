//! Tools that answer without end, too much, or things that are not theirs to say. What other bad answers do to the next
//! visitor is in `promises/reuse.rs`.

use crate::{
    promises::{
        Door, anna,
        tool::{Tool, ok},
        wire::Wire,
    },
    support::{Trial, eventually, eventually_within, kernel},
};
use std::{
    fs,
    io::Write,
    time::{Duration, Instant},
};

/// What a tool says at which path; anything else is answered honestly.
fn tool() -> Tool {
    Tool::serving(true, |stream, asked| match asked.line.as_str() {
        "GET /endless-head" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
            while stream.write_all(format!("x-more: {}\r\n", "v".repeat(4000)).as_bytes()).is_ok() {}
            false
        }
        "GET /endless-hints" => {
            while stream.write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n").is_ok() {}
            false
        }
        "GET /hints" => {
            let hints = b"HTTP/1.1 103 Early Hints\r\nset-cookie: early=1\r\n\r\n".repeat(2000);
            stream.write_all(&hints).is_ok() && stream.write_all(&ok("hints")).is_ok()
        }
        "GET /bomb" => stream.write_all(&bomb()).is_ok(),
        line => {
            let answer = match line.strip_prefix("GET /head/").and_then(|bytes| bytes.parse().ok()) {
                Some(bytes) => padded(bytes),
                None => ok(line),
            };
            stream.write_all(&answer).is_ok()
        }
    })
}

/// An answer whose head has exactly so many bytes.
fn padded(bytes: usize) -> Vec<u8> {
    let (begin, end) = ("HTTP/1.1 200 OK\r\nx-long: ", "\r\ncontent-length: 2\r\n\r\n");
    let value = "v".repeat(bytes - begin.len() - end.len());
    format!("{begin}{value}{end}ok").into_bytes()
}

/// Bytes that say that they are packed; what they would be unpacked is nobody's business on the way.
fn bomb() -> Vec<u8> {
    let body = vec![0x1f_u8; 300_000];
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), &body].concat()
}

#[test]
fn heads_without_end_and_beyond_the_limit_are_the_tools_fault() {
    let tool = tool();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    assert_eq!(door.status("GET /", &[&anna()]), 200);
    let before = kernel::memory(trial.pid()).1;
    // 128 KiB; the library looks at the limit after a read that may double what it holds.
    for (bytes, status) in [(1_000, 200), (128 * 1024 - 1, 200), (128 * 1024, 200), (300_000, 502)] {
        assert_eq!(door.status(&format!("GET /head/{bytes}"), &[&anna()]), status, "{bytes}");
    }
    for _ in 0..20 {
        assert_eq!(door.status("GET /endless-head", &[&anna()]), 502);
    }
    let grown = kernel::memory(trial.pid()).1 - before;
    assert!(grown < 32 * 1024, "memory grew by {grown} KiB");
    assert_eq!(door.status("GET /after", &[&anna()]), 200);
    eventually("the tool's connections have ended", || tool.open() <= 1);
}

#[test]
fn hints_without_end_hold_up_nobody_else_and_end_with_their_visitor() {
    let tool = tool();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let reply = door.ask("GET /hints", &[&anna()]).expect("an answer");
    assert_eq!((reply.status, reply.body.as_str()), (200, "hints"));
    assert!(!reply.head.contains("early"), "{}", reply.head);
    // One kept connection on each core, and one that tells the tool never to stop.
    let mut kept: Vec<Wire> = (0..4).map(|_| Wire::open(door.address)).collect();
    let ask = |wire: &mut Wire, line: &str| {
        let begin = Instant::now();
        assert!(wire.send(door.request(line, &[&anna()])));
        assert_eq!(wire.reply().map(|reply| reply.body).as_deref(), Some(line));
        begin.elapsed()
    };
    for wire in &mut kept {
        ask(wire, "GET /before");
    }
    let mut waiting = Wire::open(door.address);
    assert!(waiting.send(door.request("GET /endless-hints", &[&anna()])));
    eventually("the tool has begun", || tool.asked().iter().any(|asked| asked.line.contains("endless")));
    for number in 0..2 {
        for wire in &mut kept {
            let took = ask(wire, &format!("GET /{number}"));
            // Without a turn for the others it is 8 s and more; with it 50 ms, where the build is not optimised.
            assert!(took < Duration::from_secs(2), "a core is busy with hints for {took:?}");
        }
    }
    drop(waiting);
    // What is kept for later ends after four seconds.
    eventually_within(Duration::from_secs(15), "the tool is left alone", || tool.open() == 0);
}

#[test]
fn packed_bytes_pass_as_they_are() {
    let tool = tool();
    let trial = Trial::sharing(&tool.url(), "lan");
    let reply =
        Door::of(&trial, "Tool").ask("GET /bomb", &[&anna(), "accept-encoding: gzip"]).expect("an answer");
    assert_eq!((reply.field("content-encoding"), reply.body.len()), (Some("gzip"), 300_000));
}

#[test]
fn trailers_carry_what_belongs_there_and_no_cookie_or_framing() {
    let tool = Tool::answering(|asked| {
        let unfit = "set-cookie: __Host-Http-drawbridge-8444=a; Secure; Path=/\r\nset-cookie: own=1; Domain=x.example\r\n\
            connection: x-named\r\nx-named: 1\r\nkeep-alive: timeout=5\r\ncontent-length: 7\r\n\
            transfer-encoding: chunked\r\nlocation: http://x.example\r\nclear-site-data: \"*\"\r\n";
        let fit =
            if asked.line.contains("fit") { "grpc-status: 0\r\nserver-timing: all;dur=3\r\n" } else { "" };
        let head =
            "HTTP/1.1 200 OK\r\ntrailer: grpc-status, set-cookie\r\ntransfer-encoding: chunked\r\n\r\n";
        format!("{head}2\r\nok\r\n0\r\n{unfit}{fit}\r\n").into_bytes()
    });
    let trial = Trial::sharing(&tool.url(), "lan");
    let (door, url) = (Door::of(&trial, "Tool"), trial.url("Tool"));
    let heads = trial.folder().join("heads");
    for (path, expected) in [("fit", 2), ("none", 0), ("fit", 2)] {
        let dump = heads.display().to_string();
        let address = format!("{url}/{path}");
        let fields = ["--http2", "--header", "TE: trailers", "--dump-header", &dump, &address];
        assert_eq!(trial.curl_as_anna(&fields), (200, "ok".to_owned()));
        let said = fs::read_to_string(&heads).expect("heads and trailers");
        assert!(said.starts_with("HTTP/2 200"), "{said}");
        for unfit in ["cookie", "named", "keep-alive", "content-length", "transfer", "location", "clear-site"]
        {
            assert!(!said.contains(unfit), "{unfit}: {said}");
        }
        let kept = ["grpc-status: 0", "server-timing: all;dur=3"].iter().filter(|fit| said.contains(**fit));
        assert_eq!(kept.count(), expected, "{said}");
    }
    // Over HTTP/1.1 nobody was told that any would come, so none does, and the next answer begins where it should.
    let mut wire = Wire::open(door.address);
    for _ in 0..3 {
        assert!(wire.send(door.request("GET /fit", &[&anna(), "te: trailers"])));
        let reply = wire.reply().expect("an answer without trailers");
        assert_eq!((reply.status, reply.body.as_str()), (200, "ok"), "{}", reply.head);
        assert!(!reply.head.contains("trailer") && !reply.head.contains("cookie"), "{}", reply.head);
    }
}
