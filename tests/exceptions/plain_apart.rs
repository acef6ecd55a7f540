//! What is made without TLS is good without it alone, and the other way round; and that what was refused under TLS is refused
//! in clear too.

use super::clear::{self, Browser, allow, ask};
use crate::{
    programs::{Pair, call, login},
    promises::{Door, anna, browser, h2, h2::H2, tool::Tool},
    support::{Trial, trial::PASSWORD},
};

struct Ground {
    trial: Trial,
    tool: Tool,
    door: Door,
    gate: Door,
}

fn ground() -> Ground {
    let tool = Tool::with_sockets();
    let trial = Trial::sharing(&tool.url(), "lan");
    trial.ok(&["tool", "add", "Other", &tool.url()]);
    trial.ok(&["level", "Other", "lan"]);
    allow(&trial);
    let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
    Ground { trial, tool, door, gate }
}

/// The value of a cookie under every name of ours, at the gate and at the door.
fn under_every_name(value: &str, door: Door, gate: Door) -> Vec<String> {
    let mut all = Vec::new();
    for port in [door.address.port(), gate.address.port()] {
        for name in [
            "__Host-Http-drawbridge-",
            "plain-drawbridge-",
            "__Host-Http-drawbridge-half-",
            "plain-drawbridge-half-",
        ] {
            all.push(format!("cookie: {name}{port}={value}"));
        }
    }
    all
}

fn value(pair: &str) -> &str {
    pair.split_once('=').expect("a pair").1
}

#[test]
fn a_session_made_without_tls_opens_nothing_under_it() {
    let Ground { trial, tool, door, gate } = ground();
    let session = Browser::signed_in(door, gate);
    tool.take();
    let other = Door::of(&trial, "Other");
    for field in under_every_name(value(&session.door), door, gate) {
        let (name, cookie) = field.split_once(": ").unwrap();
        for at in [door, other] {
            assert_eq!(at.status("GET /", &[&field]), 401, "{field}");
            let authority = at.authority();
            let asked = h2::fields("GET", &authority, "/", &[(name, cookie)]);
            assert_eq!(H2::open(at).ask(&asked, None, &[]).status(), 401, "{field}");
        }
        for path in ["/", "/account", "/second-factor"] {
            let reply = gate.ask(&format!("GET {path}"), &[&field]).expect("an answer");
            let to = reply.field("location").unwrap_or_default();
            assert!(reply.status == 303 && to.starts_with("/sign-in"), "{path}: {}", reply.head);
        }
        assert_eq!(door.status("GET /.drawbridge/api/ws-token", &[&field]), 401);
        let program = format!("authorization: Bearer {}", value(&session.door));
        assert_eq!(door.status("GET /", &[&program]), 401);
    }
    // The code and the mark of one are no use to the other.
    let code = Browser::with_code(door, gate);
    let strong =
        format!("cookie: __Host-Http-drawbridge-begin-{}={}", door.address.port(), value(&code.mark));
    assert_eq!(door.status(&format!("GET {}", code.enter), &[&strong]), 403);
    assert!(tool.take().is_empty(), "nothing of it reached the tool");
    assert_eq!(ask(door, "GET /", &[&session.cookie()]).status, 200, "it is good where it was made");
}

#[test]
fn a_session_made_under_tls_opens_nothing_without_it() {
    let Ground { trial: _trial, tool, door, gate } = ground();
    let strong = browser::Browser::signed_in(door, gate);
    tool.take();
    for pair in [&strong.door, &strong.gate] {
        for field in under_every_name(value(pair), door, gate) {
            assert_eq!(ask(door, "GET /", &[&field]).status, 401, "{field}");
            for path in ["/", "/account", "/account/token", "/second-factor", "/sign-in"] {
                let reply = ask(gate, &format!("GET {path}"), &[&field]);
                assert_eq!(reply.status, 308, "{path}: {}", reply.head);
            }
        }
    }
    let code = browser::Browser::with_code(door, gate);
    let weak = format!("cookie: plain-drawbridge-begin-{}={}", door.address.port(), value(&code.mark));
    assert_eq!(ask(door, &format!("GET {}", code.enter), &[&weak, "accept: text/html"]).status, 403);
    // Nor does what a program was given there.
    let pair = Pair::of(&call(gate, "auth/login", &login(PASSWORD)));
    assert_eq!(door.status("GET /", &[&pair.bearer()]), 200);
    assert_eq!(ask(door, "GET /", &[&pair.bearer()]).status, 401);
    tool.take();
    // A one-time token for a WebSocket is neither given out in clear nor taken, and one that was heard is used up.
    let token = door.ask("GET /.drawbridge/api/ws-token", &[&strong.cookie()]).expect("an answer").body;
    let token: serde_json::Value = serde_json::from_str(&token).expect("JSON");
    let line = format!("GET /?drawbridge_token={}", token["token"].as_str().expect("a token"));
    let socket = [
        "connection: Upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    let refused = clear::read(&clear::exchange(door, door.request(&line, &socket).as_bytes()));
    assert_eq!(refused.status, 401, "{}", refused.head);
    let origin = format!("origin: {}", door.origin());
    let fields = [&socket[..], &[&*origin]].concat();
    assert_eq!(door.ask(&line, &fields).expect("an answer").status, 401, "used up");
    assert_eq!(ask(door, "GET /.drawbridge/api/ws-token", &[&anna()]).status, 404);
    assert!(tool.take().is_empty(), "nothing of it reached the tool");
}

#[test]
fn the_gate_answers_in_clear_for_such_a_sign_in_and_nothing_else() {
    let Ground { trial, door, gate, .. } = ground();
    let begun = Browser::begun(door, gate);
    let other = Door::of(&trial, "Other");
    let way = |door: &str| {
        format!("door={}&state={}&to=/", door.replace(':', "%3A").replace('/', "%2F"), "x".repeat(43))
    };
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/account"),
        ("GET", "/account/password"),
        ("POST", "/account/password"),
        ("POST", "/sign-out"),
        ("GET", "/invite?code=x"),
        ("POST", "/invite"),
        ("GET", "/approval"),
        ("GET", "/pass?code=x"),
        ("POST", "/pass"),
        ("GET", "/account/pass"),
        ("POST", "/account/pass"),
        ("POST", "/sign-in/passkey"),
        ("POST", "/account/passkey"),
        ("GET", "/sign-in"),
        ("GET", "/nothing"),
        ("POST", "/.drawbridge/api/auth/login"),
    ] {
        let reply =
            clear::post(gate, &format!("{method} {path}"), &[], if method == "POST" { "{}" } else { "" });
        let to = format!("{}{path}", gate.origin());
        assert_eq!((reply.status, reply.field("location")), (308, Some(&*to)), "{method} {path}");
        assert_eq!((reply.field("set-cookie"), reply.field("cache-control")), (None, Some("no-store")));
    }
    // A way that leads to no such door: neither the form, nor is what was typed looked at.
    let origin = format!("origin: {}", clear::origin(gate));
    for leads in [clear::origin(other), door.origin(), "http://evil.example".to_owned(), String::new()] {
        let way = way(&leads);
        assert_eq!(ask(gate, &format!("GET /sign-in?{way}"), &[]).status, 308, "{leads}");
        let form = format!("username=anna&password={}&{way}", PASSWORD.replace(' ', "+"));
        let reply = clear::post(gate, "POST /sign-in", &[&origin], &form);
        let to = format!("{}/sign-in", gate.origin());
        assert_eq!((reply.status, reply.field("location")), (303, Some(&*to)), "{leads}");
    }
    assert_eq!(trial.json(&["session", "list"]), serde_json::json!([]));
    // Nor does the gate under TLS lead to a door in clear.
    let form = format!("username=anna&password={}&{}", PASSWORD.replace(' ', "+"), begun.way);
    let fields = [format!("origin: {}", gate.origin()), format!("content-length: {}", form.len())];
    let head = gate.request("POST /sign-in", &fields.each_ref().map(String::as_str));
    let reply = gate.exchange((head + &form).as_bytes()).expect("an answer");
    assert_eq!((reply.status, reply.field("location")), (303, Some("/")), "{}", reply.head);
    // Another site's form is refused.
    let form = format!("username=anna&password={}&{}", PASSWORD.replace(' ', "+"), begun.way);
    for origin in ["origin: http://evil.example", &format!("origin: {}", gate.origin()), "x-nothing: 1"] {
        assert_eq!(clear::post(gate, "POST /sign-in", &[origin], &form).status, 403, "{origin}");
    }
}

#[test]
fn hosts_and_framing_are_read_as_strictly_as_ever() {
    let Ground { trial: _trial, tool, door, gate } = ground();
    let (authority, credential) = (door.authority(), anna());
    let address = door.address.ip();
    tool.take();
    for host in ["evil.example", &format!("evil.example:{}", door.address.port()), &address.to_string(), ""] {
        let answer = clear::exchange(
            door,
            format!("GET / HTTP/1.1\r\nhost: {host}\r\n{credential}\r\nconnection: close\r\n\r\n").as_bytes(),
        );
        assert!(answer.starts_with("HTTP/1.1 400 ") && !answer.contains("Tool"), "{host}: {answer}");
    }
    let host = format!("host: {authority}");
    for lines in [
        vec!["GET / HTTP/1.1", &credential],
        vec!["GET / HTTP/1.1", &host, &host, &credential],
        vec![&format!("GET https://{authority}/ HTTP/1.1"), &host, &credential],
        vec!["GET http://evil.example/ HTTP/1.1", &host, &credential],
        vec!["POST / HTTP/1.1", &host, &credential, "content-length: 05"],
        vec!["POST / HTTP/1.1", &host, &credential, "content-length: 1", "content-length: 2"],
        vec!["POST / HTTP/1.1", &host, &credential, "transfer-encoding: gzip, chunked"],
        vec!["POST / HTTP/1.1", &host, &credential, "transfer-encoding : chunked"],
        vec!["GET /a/../b HTTP/1.1", &host, &credential],
        vec!["GET //evil/b HTTP/1.1", &host, &credential],
        vec!["GET / HTTP/1.1", &host, &credential, &credential],
    ] {
        let answer = clear::exchange(
            door,
            (lines.join("\r\n") + "\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n").as_bytes(),
        );
        assert!(answer.starts_with("HTTP/1.1 400 "), "{lines:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{lines:?}: one answer and the end");
    }
    assert_eq!(ask(door, "CONNECT evil.example:443", &[&credential]).status / 100, 4);
    let preface = clear::exchange(door, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(!preface.contains(" 200 "), "{preface}");
    let upgrade = ask(
        door,
        "GET /",
        &["connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABk"],
    );
    assert_eq!(upgrade.status, 401, "no HTTP/2 in clear");
    assert!(tool.take().is_empty(), "nothing of it reached the tool");
    assert_eq!(ask(gate, "GET /", &["host: evil.example"]).status, 400);
}

#[test]
fn one_request_in_is_one_out() {
    let Ground { trial: _trial, tool, door, .. } = ground();
    let (host, credential) = (format!("host: {}", door.authority()), anna());
    tool.take();
    // The one that has a reading (RFC 9112 §6.3) gets it, and the connection ends.
    let both = format!(
        "POST /both HTTP/1.1\r\n{host}\r\n{credential}\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n\
         GET /smuggled HTTP/1.1\r\n{host}\r\n{credential}\r\n\r\n"
    );
    let answer = clear::exchange(door, both.as_bytes());
    assert_eq!(
        (answer.matches("HTTP/1.1 ").count(), answer.contains("connection: close")),
        (1, true),
        "{answer}"
    );
    let asked: Vec<String> = tool.take().into_iter().map(|asked| asked.line).collect();
    assert_eq!(asked, ["POST /both"]);
    // Through a chunked body to its end, and the next on the same connection.
    let chunked = format!(
        "POST /one HTTP/1.1\r\n{host}\r\n{credential}\r\ntransfer-encoding: chunked\r\n\r\n5\r\nstill\r\n0\r\n\r\n"
    );
    let second = format!("GET /two HTTP/1.1\r\n{host}\r\n{credential}\r\nconnection: close\r\n\r\n");
    let answer = clear::exchange(door, (chunked + &second).as_bytes());
    assert!(answer.contains("POST /one") && answer.ends_with("GET /two"), "{answer}");
    assert_eq!(tool.take().len(), 2);
}

#[test]
fn cookies_of_the_tool_stay_as_they_are_and_those_of_others_stay_away() {
    let tool = Tool::answering(|_| {
        b"HTTP/1.1 200 OK\r\nset-cookie: sid=1; HttpOnly; Domain=lan\r\nset-cookie: a=b\r\n\
          set-cookie: plain-drawbridge-1=x\r\nstrict-transport-security: max-age=1\r\ncontent-length: 0\r\n\r\n"
            .to_vec()
    });
    let trial = Trial::sharing(&tool.url(), "lan");
    allow(&trial);
    let door = Door::of(&trial, "Tool");
    let reply = ask(door, "GET /", &[&anna()]);
    let set: Vec<&str> = reply.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).collect();
    assert_eq!(set, ["sid=1; HttpOnly", "a=b"], "{}", reply.head);
    assert_eq!(reply.field("strict-transport-security"), None);
    tool.take();
    let port = door.address.port();
    let sent = format!("cookie: sid=1; plain-drawbridge-{port}=x; __Host-Http-drawbridge-{port}=y; a=b");
    ask(door, "GET /", &[&anna(), &sent]);
    assert_eq!(tool.take().pop().expect("a request").values("cookie"), ["sid=1; a=b"]);
}
