//! P1: no request without a permit reaches a tool. Its own log of bytes stays empty.

use super::{Browser, Door, Tool, WEAK_PASSWORD, anna, basic, h2, h2::H2};
use crate::support::{Trial, raw, trial::PASSWORD};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
};

const SOCKET: [&str; 4] = [
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
];

/// The check has teeth: the same door lets anna in, and the tool's log shows it.
fn lets_anna_in(door: Door, tool: &Tool) {
    assert_eq!(tool.raw(), "", "something reached the tool without a permit");
    crate::support::eventually("anna gets in", || door.status("GET /", &[&anna()]) == 200);
    assert!(tool.raw().starts_with("GET / HTTP/1.1\r\n"));
}

fn nobody_gets_through(level: &str) {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), level);
    let door = Door::of(&trial, "Tool");
    for method in ["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "PROPFIND", "QUERY"] {
        let status = door.status(&format!("{method} /"), &["content-length: 0"]);
        assert_eq!(status, 401, "{method}");
    }
    assert_eq!(door.status("GET /", &SOCKET), 401, "WebSocket");
    assert_eq!(door.status("GET /", &["accept: text/html"]), 303, "a page visit goes to the gate");
    let host = door.authority();
    let old = door.exchange(format!("GET / HTTP/1.0\r\nhost: {host}\r\n\r\n").as_bytes());
    assert_eq!(old.map(|reply| reply.status), Some(401), "HTTP/1.0");
    let (credential, port) = (anna(), door.address.port());
    for wrong in
        ["evil.example", "127.0.0.1", "localhost", &door.address.ip().to_string(), &format!("{host}.")]
    {
        let text = format!("GET / HTTP/1.1\r\nhost: {wrong}\r\n{credential}\r\n\r\n");
        assert_eq!(door.exchange(text.as_bytes()).map(|reply| reply.status), Some(400), "Host {wrong}");
    }
    let without = door.exchange(format!("GET / HTTP/1.1\r\n{credential}\r\n\r\n").as_bytes());
    assert_eq!(without.map(|reply| reply.status), Some(400), "no Host");
    for name in ["evil.example", "localhost", "tool.internal", "xn--e1afmkfd.example"] {
        assert!(raw::connect(door.address, name, &["http/1.1"]).is_err(), "SNI {name}");
    }
    let mut h2 = H2::open(door);
    let authority = door.authority();
    for (method, body) in [("GET", None), ("POST", Some("x")), ("HEAD", None), ("OPTIONS", None)] {
        let outcome = h2.ask(&h2::fields(method, &authority, "/", &[]), body, &[]);
        assert_eq!(outcome.status(), 401, "{method} over HTTP/2");
    }
    let credential = raw::basic("anna", PASSWORD);
    for wrong in ["evil.example", &format!("127.0.0.1:{port}"), &format!("user@{authority}"), ""] {
        let fields = h2::fields("GET", wrong, "/", &[("authorization", &credential)]);
        let outcome = H2::open(door).ask(&fields, None, &[]);
        assert!(matches!(outcome.status(), 0 | 400 | 421), ":authority {wrong}: {outcome:?}");
    }
    plain_http_is_redirected(door);
    lets_anna_in(door, &tool);
}

fn plain_http_is_redirected(door: Door) {
    for host in [door.authority(), "evil.example".to_owned(), door.address.ip().to_string()] {
        let mut plain = TcpStream::connect(door.address).expect("a connection");
        let text = format!("POST /a?b HTTP/1.1\r\nhost: {host}\r\n{}\r\ncontent-length: 1\r\n\r\nx", anna());
        plain.write_all(text.as_bytes()).expect("it takes bytes");
        let mut answer = String::new();
        let _ = plain.read_to_string(&mut answer);
        if host == door.authority() {
            assert!(answer.starts_with("HTTP/1.1 308 "), "{answer}");
            assert!(answer.contains(&format!("location: {}/a?b\r\n", door.origin())), "{answer}");
        } else {
            assert_eq!(answer, "", "a stranger's host gets nothing");
        }
    }
}

#[test]
fn nobody_reaches_a_tool_on_the_local_network() {
    nobody_gets_through("lan");
}

#[test]
fn nobody_reaches_a_tool_on_the_internet() {
    nobody_gets_through("internet");
}

#[test]
fn forged_cookies_and_cookies_of_another_door_open_nothing() {
    let (tool, other) = (Tool::echoing(), Tool::echoing());
    let trial = Trial::sharing(&other.url(), "internet");
    trial.ok(&["tool", "add", "Second", &tool.url()]);
    trial.ok(&["level", "Second", "internet"]);
    let (first, second, gate) = (Door::of(&trial, "Tool"), Door::of(&trial, "Second"), Door::gate(&trial));
    let browser = Browser::signed_in(first, gate);
    assert_eq!(first.status("GET /", &[&browser.cookie()]), 200);
    let value = |cookie: &str| cookie.split_once('=').expect("a value").1.to_owned();
    let name = |door: Door| format!("__Host-Http-drawbridge-{}", door.address.port());
    let urls = trial.json(&["url", "Tool"]);
    let lan = urls["others"][0].as_str().map(|url| Door { address: trial.socket(url) }).expect("a LAN door");
    let (own, gates) = (value(&browser.door), value(&browser.gate));
    let mark = value(&browser.mark);
    let random = "A".repeat(43);
    for (door, pair) in [
        (second, browser.door.clone()),
        (second, format!("{}={own}", name(second))),
        (second, format!("{}={gates}", name(second))),
        (second, format!("{}={mark}", name(second))),
        (second, format!("{}={random}", name(second))),
        (second, format!("{}=", name(second))),
        (second, format!("{}={own}; {}={own}", name(first), name(second))),
        (second, browser.gate.clone()),
        (lan, format!("{}={own}", name(lan))),
        (lan, format!("{}={gates}", name(lan))),
    ] {
        assert_eq!(door.status("GET /", &[&format!("cookie: {pair}")]), 401, "{pair}");
        let authority = door.authority();
        let fields = h2::fields("GET", &authority, "/", &[("cookie", &pair)]);
        assert_eq!(H2::open(door).ask(&fields, None, &[]).status(), 401, "{pair} over HTTP/2");
    }
    let seen = other.asked().len();
    for pair in [
        format!("{0}; {0}", browser.door),
        format!("{}; {}={random}", browser.door, name(first)),
        browser.door.to_lowercase(),
        format!("{}x", browser.door),
        format!("{}=\"{own}\"", name(first)),
    ] {
        assert_eq!(first.status("GET /", &[&format!("cookie: {pair}")]), 401, "{pair}");
    }
    assert_eq!(other.asked().len(), seen, "a doubled or bent cookie opens nothing");
    lets_anna_in(second, &tool);
}

#[test]
fn a_code_is_good_once_in_the_browser_that_began_at_the_door_it_was_made_for() {
    let (tool, other) = (Tool::echoing(), Tool::echoing());
    let trial = Trial::sharing(&tool.url(), "lan");
    trial.ok(&["tool", "add", "Second", &other.url()]);
    trial.ok(&["level", "Second", "lan"]);
    let (first, second, gate) = (Door::of(&trial, "Tool"), Door::of(&trial, "Second"), Door::gate(&trial));
    let refused = |browser: &Browser, door: Door, why: &str| {
        let reply = browser.enter(door).expect("an answer");
        assert_eq!((reply.status, reply.cookie("drawbridge-")), (403, None), "{why}");
    };
    let browser = Browser::signed_in(first, gate);
    refused(&browser, first, "used before");
    let stolen = Browser::with_code(first, gate);
    let thief = Browser { enter: stolen.enter.clone(), ..Browser::begun(first) };
    refused(&thief, first, "another browser's");
    refused(&stolen, first, "spent by the thief's attempt");
    let unmarked = Browser { mark: "a=b".to_owned(), ..Browser::with_code(first, gate) };
    refused(&unmarked, first, "without a mark");
    let moved = Browser::with_code(first, gate);
    let mark = Browser::begun(second).mark;
    refused(&Browser { mark, enter: moved.enter.clone(), ..Browser::default() }, second, "another door's");
    let bent = Browser::with_code(first, gate);
    refused(&Browser { enter: bent.enter.replace("code=", "code=A"), ..bent }, first, "bent");
    let ended = Browser::with_code(first, gate);
    for session in trial.json(&["session", "list"]).as_array().expect("a list") {
        trial.ok(&["session", "end", session["id"].as_str().expect("an id")]);
    }
    refused(&ended, first, "of a session that ended");
    assert_eq!(first.status("GET /", &[&browser.cookie()]), 401, "its cookie is void too");
    assert_eq!(other.raw(), "");
    lets_anna_in(first, &tool);
}

#[test]
fn basic_that_is_wrong_malformed_or_doubled_opens_nothing() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let right = anna();
    let encoded = right.rsplit(' ').next().expect("the credential");
    for (fields, status) in [
        (vec!["authorization: Basic".to_owned()], 401),
        (vec!["authorization: Basic !!!!".to_owned()], 401),
        (vec![format!("authorization: Basic{encoded}")], 401),
        (vec![format!("authorization: Bearer {encoded}")], 401),
        (vec![format!("authorization: Digest {encoded}")], 401),
        (vec![format!("authorization: Basic {encoded}, Basic {encoded}")], 401),
        (vec![format!("authorization: {encoded}")], 401),
        (vec![format!("proxy-authorization: Basic {encoded}")], 401),
        (vec![format!("x-authorization: Basic {encoded}")], 401),
        (vec![right.clone(), right.clone()], 400),
        (vec![right.clone(), basic("anna", "another")], 400),
        (vec![basic("nobody", PASSWORD)], 401),
        (vec![basic("", PASSWORD)], 401),
        (vec![basic("anna\0", PASSWORD)], 401),
        (vec![basic("anna@example", "")], 401),
        (vec![basic("anna", &format!("{PASSWORD}\0"))], 401),
    ] {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        assert_eq!(door.status("GET /", &fields), status, "{fields:?}");
    }
    assert_eq!(door.status("GET /", &[&right]), 429, "after a wrong password even the right one waits");
    let path = format!("GET /?user=anna&password={}", PASSWORD.replace(' ', "+"));
    assert_eq!(door.status(&path, &[]), 401, "nothing in a URL signs in");
    lets_anna_in(door, &tool);
}

#[test]
fn a_user_without_the_tool_and_a_weak_one_from_afar_stay_out() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "internet");
    trial.ok(&["tool", "add", "Other", "http://127.0.0.1:9"]);
    let add = ["user", "add", "bert", "--tools", "Other", "--password-stdin"];
    assert!(trial.with_input(&add, PASSWORD).status.success());
    trial.add_user("carl", WEAK_PASSWORD);
    let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
    assert_eq!(door.status("GET /", &[&basic("bert", PASSWORD)]), 403);
    assert_eq!(door.status("GET /", &[&basic("carl", WEAK_PASSWORD)]), 401);
    let browser = Browser::begun(door);
    crate::support::eventually("the pause is over", || {
        browser.post(gate, "carl", WEAK_PASSWORD).status == 403
    });
    let reply = browser.post(gate, "bert", PASSWORD);
    // Signed in, but led back to the gate, which says so; never to the door, and with no code for it.
    let led = reply.field("location").unwrap_or_default();
    assert!(reply.status == 303 && led.starts_with("/sign-in?") && !led.contains("code="), "{}", reply.head);
    assert_eq!(tool.raw(), "", "something reached the tool without a permit");
    let urls = trial.json(&["url", "Tool"]);
    let lan = urls["others"][0].as_str().map(|url| Door { address: trial.socket(url) }).expect("a LAN door");
    crate::support::eventually("carl gets in from near", || {
        lan.status("GET /", &[&basic("carl", WEAK_PASSWORD)]) == 200
    });
}

/// Every TCP socket a process listens on, from the kernel's tables.
pub(super) fn listening(pid: u32) -> Vec<(String, u16)> {
    let sockets: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("our own child")
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    lines
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let (host, port) = fields[1].split_once(':')?;
            let own = fields[3] == "0A" && sockets.iter().any(|socket| socket == fields[9]);
            own.then(|| (host.to_owned(), u16::from_str_radix(port, 16).expect("a port")))
        })
        .collect()
}

#[test]
fn the_engine_listens_where_it_was_told_to_and_nowhere_at_local() {
    let tool = Tool::echoing();
    let trial = Trial::running();
    trial.add_user("anna", PASSWORD);
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    assert_eq!(listening(trial.pid()), [], "nothing at local");
    let own = format!("{:08X}", u32::from_ne_bytes(trial.address.octets()));
    for (level, count) in [("lan", 2), ("internet", 4), ("lan", 2)] {
        trial.ok(&["level", "Tool", level]);
        let sockets = listening(trial.pid());
        assert_eq!(sockets.len(), count, "{level}: {sockets:?}");
        assert!(sockets.iter().all(|(host, _)| *host == own), "{level}: {sockets:?}");
    }
    trial.ok(&["level", "Tool", "local"]);
    assert_eq!(listening(trial.pid()), [], "nothing at local again");
    assert_eq!(tool.raw(), "");
}
