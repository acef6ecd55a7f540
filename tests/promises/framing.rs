//! What the HTTP library leaves to us, row by row, in raw bytes: on HTTP/1 and HTTP/2, towards a tool and back.

use super::{Door, Tool, anna, h2, h2::H2, tool::ok, wire::Wire};
use crate::support::{Trial, raw, trial::PASSWORD};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// One request over HTTP/2 with exactly these fields and anna's credential, on a connection of its own.
fn asks(door: Door, fields: &[(&str, &str)], body: Option<&str>) -> u16 {
    let credential = raw::basic("anna", PASSWORD);
    let mut all = fields.to_vec();
    all.push(("authorization", &credential));
    H2::open(door).ask(&all, body, &[]).status()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of spellings")]
fn http2_requests_that_could_be_read_in_two_ways_are_refused() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let authority = door.authority();
    let full = |more: &[(&'static str, &'static str)]| -> Vec<(&str, &str)> {
        h2::fields("POST", &authority, "/first", more)
    };
    let pseudo = |name: &'static str, value: &'static str| -> Vec<(&str, &str)> {
        let fields = full(&[]);
        fields.into_iter().map(|(key, old)| (key, if key == name { value } else { old })).collect()
    };
    let without = |name: &'static str| -> Vec<(&str, &str)> {
        full(&[]).into_iter().filter(|(key, _)| *key != name).collect()
    };
    let mut cases = vec![without(":method"), without(":path"), without(":authority")];
    for (name, value) in [
        (":path", "*"),
        (":path", ""),
        (":path", "first"),
        (":path", "//evil/first"),
        (":path", "/a/../first"),
        (":path", "/..;/first"),
        (":path", "/%2e%2e/first"),
        (":path", "/a\\first"),
        (":path", "/%00first"),
        (":path", "/a first"),
        (":path", "/%c0%aefirst"),
        (":path", "https://evil.example/first"),
        (":path", "/.Drawbridge/first"),
        (":scheme", "http"),
        (":scheme", "ftp"),
        (":authority", ""),
        (":authority", "evil.example"),
        (":authority", "a b@c/d"),
        (":authority", "evil, good"),
        (":method", "get"),
        (":method", "TRACE"),
        (":method", "TRACK"),
        (":method", ""),
        (":method", "GE T"),
        (":method", "CONNECT"),
        (":method", "GET\r\n"),
    ] {
        cases.push(pseudo(name, value));
    }
    for more in [
        &[("host", "evil.example")][..],
        &[("host", "127.0.0.1:1"), ("x", "1")],
        &[("host", "")],
        &[(":path", "/second")],
        &[(":status", "200")],
        &[(":unknown", "1")],
        &[(":protocol", "websocket")],
        &[("X-Upper", "1")],
        &[("x y", "1")],
        &[("x:y", "1")],
        &[("", "1")],
        &[("x", "a\r\nx-remote-user: b")],
        &[("x", "a\nb")],
        &[("x", "a\rb")],
        &[("x", "a\0b")],
        &[("connection", "close")],
        &[("transfer-encoding", "chunked")],
        &[("upgrade", "websocket")],
        &[("keep-alive", "1")],
        &[("proxy-connection", "close")],
        &[("te", "gzip")],
        &[("content-length", "05")],
        &[("content-length", "+5")],
        &[("content-length", "")],
        &[("content-length", "4")],
        &[("content-length", "6")],
        &[("content-length", "5, 5")],
        &[("content-length", "5"), ("content-length", "5")],
        &[("content-length", "5"), ("content-length", "6")],
        &[("content-length", "18446744073709551621")],
        &[("authorization", "Basic YTpi")],
        &[("origin", "https://a"), ("origin", "https://b")],
        &[("expect", "200-ok")],
    ] {
        cases.push(full(more));
    }
    for fields in cases {
        let status = asks(door, &fields, Some("12345"));
        assert!(matches!(status, 0 | 400 | 404 | 405 | 417 | 421), "{fields:?}: {status}");
        assert_eq!(tool.take().len(), 0, "{fields:?} reached the tool");
    }
    for (more, body) in [(&[("content-length", "5")][..], "12345"), (&[], "12345"), (&[], "")] {
        for method in ["POST", "GET", "DELETE"] {
            let fields = h2::fields(method, &authority, "/first", more);
            assert_eq!(asks(door, &fields, Some(body)), 200, "{method} {more:?}");
            let asked = tool.take().pop().expect("a request");
            assert_eq!(
                (asked.line.as_str(), asked.body.as_slice()),
                (&*format!("{method} /first"), body.as_bytes())
            );
        }
    }
    assert_eq!(tool.broken(), [""; 0]);
}

#[test]
fn exactly_one_valid_host_names_the_door() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let (good, own) = (door.authority(), anna());
    for host in [
        format!("host: {good}\r\nhost: {good}"),
        format!("host: {good}\r\nhost: evil.example"),
        format!("host: evil.example\r\nhost: {good}"),
        "host:".to_owned(),
        "host: a b@c/d".to_owned(),
        format!("host: {good}@evil.example"),
        format!("host: evil.example@{good}"),
        format!("host: {good}, evil.example"),
        format!("host: {good}/x"),
        format!("host: https://{good}"),
        format!("host: {good}#"),
        format!("host: {good}0"),
        format!("host: {}:0{}", door.address.ip(), door.address.port()),
        format!("host: {}:+{}", door.address.ip(), door.address.port()),
        format!("host: [::ffff:{}]:{}x", door.address.ip(), door.address.port()),
        format!("x-host: {good}"),
    ] {
        let text = format!("GET /first HTTP/1.1\r\n{host}\r\n{own}\r\n\r\n");
        let status = door.exchange(text.as_bytes()).map_or(0, |reply| reply.status);
        assert!(matches!(status, 0 | 400), "{host}: {status}");
    }
    assert_eq!(tool.raw(), "");
    assert_eq!(asks(door, &h2::fields("GET", &good, "/first", &[("host", &good)]), None), 200);
    assert_eq!(tool.take()[0].values("host"), [tool.authority()], "a tool gets its own address as Host");
}

#[test]
fn expectations_are_answered_here_and_never_forwarded() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let own = anna();
    let mut wire = Wire::open(door.address);
    wire.send(door.request("POST /first", &[&own, "expect: 100-continue", "content-length: 3"]));
    assert_eq!(wire.reply().map(|reply| reply.status), Some(100));
    wire.send("abc");
    assert_eq!(wire.reply().map(|reply| reply.status), Some(200));
    let asked = tool.take().pop().expect("a request");
    assert!(asked.values("expect").is_empty() && asked.body == b"abc");
    for expect in ["200-ok", "100-continue, x", "x=y"] {
        let field = format!("expect: {expect}");
        assert_eq!(door.status("POST /first", &[&own, &field, "content-length: 0"]), 417, "{expect}");
    }
    // Nobody signed in: the body is not even asked for.
    let mut wire = Wire::open(door.address);
    wire.send(door.request("POST /first", &["expect: 100-continue", "content-length: 3"]));
    assert_eq!(wire.reply().map(|reply| reply.status), Some(401));
    assert_eq!(tool.take().len(), 0);
}

#[test]
fn heads_have_a_limit_in_both_directions() {
    let tool = Tool::answering(|asked| {
        let long = if asked.line.contains("huge") { 200_000 } else { 20_000 };
        format!("HTTP/1.1 200 OK\r\nx-long: {}\r\ncontent-length: 2\r\n\r\nok", "a".repeat(long)).into_bytes()
    });
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let own = anna();
    // The library looks at the limit of 64 KiB after a read that may double what it holds.
    for (bytes, passes) in [(30_000, true), (60_000, true), (140_000, false), (400_000, false)] {
        let field = format!("x-long: {}", "a".repeat(bytes));
        let status = door.status("GET /", &[&own, &field]);
        assert!(if passes { status == 200 } else { matches!(status, 0 | 400 | 431) }, "{bytes}: {status}");
    }
    for (count, passes) in [(90, true), (110, false), (5_000, false)] {
        let fields: Vec<String> = (0..count).map(|number| format!("x-{number}: 1")).collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).chain([own.as_str()]).collect();
        let status = door.status("GET /", &fields);
        assert!(if passes { status == 200 } else { matches!(status, 0 | 400 | 431) }, "{count}: {status}");
    }
    assert_eq!(tool.take().len(), 3);
    let authority = door.authority();
    let long = "a".repeat(15_000);
    for (count, passes) in [(1, true), (6, false)] {
        let more = vec![("x-long", long.as_str()); count];
        let fields = h2::fields("GET", &authority, "/", &more);
        let mut h2 = H2::open(door);
        let credential = raw::basic("anna", PASSWORD);
        let all = [&fields[..], &[("authorization", credential.as_str())]].concat();
        let outcome = h2.ask_in_parts(&all);
        assert!(
            if passes { outcome.status() == 200 } else { matches!(outcome.status(), 0 | 431) },
            "{outcome:?}"
        );
    }
    assert_eq!(tool.take().len(), 1);
    assert_eq!(door.status("GET /huge", &[&own]), 502);
}

#[test]
fn a_tools_answer_cannot_decide_for_the_connection_or_the_whole_origin() {
    let tool = Tool::answering(|asked| {
        let own = "connection: keep-alive, x-named\r\nx-named: 1\r\nkeep-alive: timeout=5\r\nproxy-authenticate: Basic\r\n\
            proxy-connection: keep-alive\r\ntrailer: x\r\nupgrade: h2c\r\n\
            strict-transport-security: max-age=1\r\nalt-svc: h3=\":1\"\r\nclear-site-data: \"*\"\r\n\
            set-cookie: __Host-Http-drawbridge-8444=a; Secure; Path=/\r\nset-cookie: =__Host-Http-drawbridge-8444=b\r\n\
            set-cookie: __HOST-http-Drawbridge-begin-8444=c\r\nset-cookie: __Host-Http-drawbridge-8444\r\n\
            set-cookie: own=d; Domain=example.org; Path=/x; HttpOnly\r\nset-cookie: _xsrf=e\r\nx-kept: 1\r\n";
        let text = String::from_utf8(ok(&asked.line)).expect("text");
        text.replacen("\r\n", &format!("\r\n{own}"), 1).into_bytes()
    });
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let reply = door.ask("GET /", &[&anna()]).expect("an answer");
    assert_eq!((reply.status, reply.body.as_str()), (200, "GET /"));
    for gone in [
        "x-named",
        "keep-alive",
        "proxy-",
        "trailer",
        "upgrade",
        "strict-transport",
        "alt-svc",
        "clear-site",
        "http-drawbridge-8",
        "drawbridge-begin",
        "domain=",
    ] {
        assert!(!reply.head.to_lowercase().contains(gone), "{gone}: {}", reply.head);
    }
    let mark = format!("__Http-drawbridge-tool-{}-", door.address.port());
    let own = format!("set-cookie: {mark}own=d; Path=/x; HttpOnly; Secure\r\n");
    let other_spelling = format!("set-cookie: {mark}_xsrf=; Max-Age=0; Secure; HttpOnly\r\n");
    for kept in ["x-kept: 1\r\n", &own, "set-cookie: _xsrf=e\r\n", &other_spelling] {
        assert!(reply.head.contains(kept), "{kept}: {}", reply.head);
    }
    assert_eq!(reply.head.matches("set-cookie").count(), 3, "{}", reply.head);
}

#[test]
fn old_clients_get_an_answer_they_can_read() {
    let tool = Tool::answering(|_| {
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n".to_vec()
    });
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    for field in ["", "connection: keep-alive\r\n"] {
        let text = format!("GET / HTTP/1.0\r\nhost: {}\r\n{}\r\n{field}\r\n", door.authority(), anna());
        let reply = door.exchange(text.as_bytes()).expect("an answer");
        assert_eq!((reply.status, reply.body.as_str()), (200, "ok"), "{}", reply.head);
        assert!(reply.field("transfer-encoding").is_none(), "{}", reply.head);
    }
    assert!(tool.asked().iter().all(|asked| asked.head.starts_with("GET / HTTP/1.1\r\n")));
}

#[test]
fn a_visitor_who_says_nothing_is_let_go() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let start = Instant::now();
    let plain = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(door.address).expect("a connection");
        stream.write_all(bytes).expect("it takes bytes");
        stream
    };
    let mut held =
        [plain(b""), plain(&[22]), plain(&[22, 3, 1, 2, 0]), plain(b"G"), plain(b"GET / HTTP/1.1\r\nhost:")];
    let secured = |bytes: &str| {
        let mut wire = Wire::open(door.address);
        wire.send(bytes);
        wire
    };
    let once = door.request("GET /", &[&anna()]);
    let mut wires = [secured(""), secured("G"), secured("GET / HTTP/1.1\r\n"), secured(&once)];
    // The deadlines are 10 and 15 s; the room is for a busy computer.
    let deadline = start + Duration::from_secs(20);
    for (number, stream) in held.iter_mut().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1)))).expect("a socket");
        let waits =
            matches!(stream.read(&mut [0; 16]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!waits, "plain connection {number} is still open");
    }
    for (number, wire) in wires.iter_mut().enumerate() {
        assert!(wire.ends_by(deadline), "connection {number} is still open");
    }
}
