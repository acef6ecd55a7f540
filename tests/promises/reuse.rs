//! P3, the way back: whatever a tool answers, the next visitor gets an answer of his own, never a leftover.

use super::{Door, Tool, anna, tool::ok};
use crate::support::{Trial, eventually};
use std::io::Write;

const POISON: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison";

/// A tool that answers badly where the path says how, and honestly elsewhere.
fn unruly() -> Tool {
    Tool::serving(false, |stream, asked| {
        let path = asked.line.split(' ').nth(1).unwrap_or_default();
        let Some((_, answer, goes_on)) =
            ANSWERS.iter().find(|(name, ..)| path.strip_prefix('/') == Some(name))
        else {
            return stream.write_all(&ok(&asked.line)).is_ok();
        };
        let _ = stream.write_all(answer.replace("POISON", POISON).as_bytes());
        *goes_on
    })
}

/// A path, what is answered there, and whether the tool keeps its connection.
const ANSWERS: [(&str, &str, bool); 29] = [
    ("until-close", "HTTP/1.1 200 OK\r\n\r\nok", false),
    ("close", "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nokPOISON", false),
    ("gone", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", false),
    ("nothing", "", false),
    ("half-head", "HTTP/1.1 200 OK\r\ncontent-len", false),
    ("old", "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nokPOISON", true),
    ("extra", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokPOISON", true),
    ("extra-line", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok\r\n", true),
    (
        "extra-chunked",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nPOISON",
        true,
    ),
    ("no-content", "HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\nokPOISON", true),
    ("not-modified", "HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\nokPOISON", true),
    (
        "both",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nPOISON",
        true,
    ),
    (
        "both-reversed",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 64\r\n\r\n2\r\nok\r\n0\r\n\r\nPOISON",
        true,
    ),
    ("two-lengths", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 6\r\n\r\nokPOISON", true),
    ("bad-length", "HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nokPOISON", true),
    ("coding", "HTTP/1.1 200 OK\r\ntransfer-encoding: cow\r\n\r\n2\r\nok\r\n0\r\n\r\nPOISON", true),
    (
        "coding-last",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip\r\n\r\n2\r\nok\r\n0\r\n\r\nPOISON",
        true,
    ),
    ("bad-chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\nPOISON", true),
    ("folded", "HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 2\r\n\r\nokPOISON", true),
    ("bare-cr", "HTTP/1.1 200 OK\r\nx: a\rset-cookie: b=c\r\ncontent-length: 2\r\n\r\nok", true),
    ("nul", "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 2\r\n\r\nok", true),
    (
        "unasked",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\nPOISON",
        true,
    ),
    (
        "other-upgrade",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\nPOISON",
        true,
    ),
    (
        "hints",
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        true,
    ),
    ("strange-status", "HTTP/1.1 999 No\r\ncontent-length: 2\r\n\r\nok", true),
    ("no-status", "HTTP/1.1 OK\r\ncontent-length: 2\r\n\r\nok", true),
    ("ancient", "<html>poison</html>\r\n\r\n", true),
    ("other-protocol", "ICY 200 OK\r\n\r\npoison", true),
    ("twice", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 101 Switching Protocols\r\n\r\n", true),
];

#[test]
fn a_tools_bad_answer_spoils_nobody_elses() {
    let tool = unruly();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    for (name, ..) in ANSWERS {
        for method in ["GET", "HEAD", "POST"] {
            let reply = door.ask(&format!("{method} /{name}"), &[&anna(), "content-length: 0"]);
            let said = reply.as_ref().map(|reply| (reply.status, reply.body.as_str()));
            let (status, body) = said.unwrap_or((0, ""));
            assert!(matches!(status, 0 | 200 | 204 | 304 | 502), "{method} /{name}: {status}");
            assert!(status == 502 || !body.contains("poison"), "{method} /{name}: {body}");
            if status == 200 && method != "HEAD" {
                assert_eq!(body, "ok", "{method} /{name}");
            }
            let head = reply.map(|reply| reply.head).unwrap_or_default();
            assert!(!head.contains("set-cookie"), "{method} /{name}: {head}");
            for number in 0..3 {
                let line = format!("GET /after/{name}/{number}");
                let reply = door.ask(&line, &[&anna()]).expect("an answer");
                assert_eq!((reply.status, reply.body), (200, line), "after {method} /{name}");
            }
        }
    }
    assert_eq!(tool.broken(), [""; 0]);
}

#[test]
fn answers_that_make_no_sense_are_the_tools_fault() {
    let tool = unruly();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    for name in [
        "nothing",
        "half-head",
        "two-lengths",
        "bad-length",
        "unasked",
        "other-upgrade",
        "strange-status",
        "no-status",
        "ancient",
        "other-protocol",
        "bare-cr",
        "nul",
        "both",
        "both-reversed",
    ] {
        assert_eq!(door.status(&format!("GET /{name}"), &[&anna()]), 502, "{name}");
    }
    for name in ["until-close", "close", "gone", "old", "extra", "extra-chunked", "hints"] {
        let reply = door.ask(&format!("GET /{name}"), &[&anna()]).expect("an answer");
        assert_eq!((reply.status, reply.body.as_str()), (200, "ok"), "{name}");
        if matches!(name, "until-close" | "close" | "gone" | "old") {
            // A request that is sent while the tool hangs up is lost, and never sent twice (P3).
            eventually("the tool has hung up", || tool.open() == 0);
        }
    }
}

#[test]
fn an_answer_cut_short_is_not_passed_off_as_whole() {
    let tool = Tool::serving(true, |stream, asked| {
        let answer: &[u8] = match asked.line.as_str() {
            "GET /length" => b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
            "GET /chunks" => b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n",
            _ => b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n0\r\n",
        };
        let _ = stream.write_all(answer);
        false
    });
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    for path in ["/length", "/chunks", "/end"] {
        assert!(door.ask(&format!("GET {path}"), &[&anna()]).is_none(), "{path} looked whole");
    }
}

#[test]
fn an_early_answer_to_an_upload_does_not_mix_it_into_the_next_request() {
    let tool = Tool::serving(false, |stream, asked| {
        // The body is never read: its first bytes would be the next request line.
        let _ = stream.write_all(&ok(&asked.line));
        !asked.line.contains("early")
    });
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let hidden = door.request("GET /smuggled", &[]).repeat(4000);
    for round in 0..4 {
        let length = format!("content-length: {}", hidden.len());
        let line = format!("POST /early/{round}");
        let reply = door.exchange((door.request(&line, &[&anna(), &length]) + &hidden).as_bytes());
        // Some of the upload may be refused before the answer is read; a wrong answer is what must not be.
        assert!(reply.is_none_or(|reply| reply.body == line || reply.status == 502), "{line}");
        for number in 0..4 {
            let line = format!("GET /after/{round}/{number}");
            assert_eq!(door.ask(&line, &[&anna()]).map(|reply| reply.body), Some(line));
        }
    }
    assert!(!tool.asked().iter().any(|asked| asked.line.contains("smuggled")));
}

#[test]
fn a_write_is_never_sent_twice_when_the_tool_hangs_up() {
    let tool = Tool::serving(true, |stream, asked| {
        // Keep-alive is promised and broken at once, and a request is taken without an answer.
        if !asked.line.contains("lost") {
            let _ = stream.write_all(&ok(&asked.line));
        }
        false
    });
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    for round in 0..20 {
        let line = format!("POST /write/{round}");
        let body = door.request(&line, &[&anna(), "content-length: 3"]) + "abc";
        let status = door.exchange(body.as_bytes()).map_or(0, |reply| reply.status);
        assert!(matches!(status, 200 | 502), "{line}: {status}");
        let sent = tool.asked().iter().filter(|asked| asked.line == line).count();
        assert!(sent <= 1 && (status == 502 || sent == 1), "{line} was sent {sent} times");
    }
    for method in ["GET", "POST"] {
        let line = format!("{method} /lost");
        assert_eq!(door.status(&line, &[&anna(), "content-length: 0"]), 502, "{line}");
        let sent = tool.asked().iter().filter(|asked| asked.line == line).count();
        assert_eq!(sent, 1, "{line}");
    }
}
