//! A client without TLS, raw, and a browser of such a kind, step by step.

use crate::{
    promises::{Door, wire::Reply},
    support::{Trial, trial::PASSWORD},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// A connection in clear.
pub(super) fn connect(door: Door) -> TcpStream {
    let stream = TcpStream::connect(door.address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
    stream
}

/// Sends bytes over a connection of their own; everything that came back.
pub(super) fn exchange(door: Door, bytes: &[u8]) -> String {
    let mut stream = connect(door);
    // The other side may have refused before everything is written.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// One request in clear; its body is as it was framed.
pub(super) fn ask(door: Door, line: &str, fields: &[&str]) -> Reply {
    post(door, line, fields, "")
}

/// The same with a body.
pub(super) fn post(door: Door, line: &str, fields: &[&str], body: &str) -> Reply {
    let length = format!("content-length: {}", body.len());
    let framing =
        if body.is_empty() { vec!["connection: close"] } else { vec!["connection: close", &length] };
    read(&exchange(door, (door.request(line, &[fields, &framing].concat()) + body).as_bytes()))
}

/// The first answer in what came; status zero where there is none.
pub(super) fn read(text: &str) -> Reply {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Reply { status, head: format!("{head}\r\n\r\n"), body: body.to_owned() }
}

/// `http://HOST:PORT`.
pub(super) fn origin(door: Door) -> String {
    format!("http://{}", door.address)
}

/// A browser that signs in without TLS.
#[derive(Clone, Debug, Default)]
pub(super) struct Browser {
    pub(super) mark: String,
    pub(super) way: String,
    pub(super) enter: String,
    pub(super) door: String,
}

impl Browser {
    /// Sent from the door to the gate.
    pub(super) fn begun(door: Door, gate: Door) -> Self {
        Self::begun_as(door, gate, "x-nothing: 1")
    }

    /// The same with one more field.
    pub(super) fn begun_as(door: Door, gate: Door, field: &str) -> Self {
        let reply = ask(door, "GET /a?b", &["accept: text/html", field]);
        assert_eq!(reply.status, 303, "{}", reply.head);
        let to = reply.field("location").expect("a way to the gate");
        let way =
            to.strip_prefix(&format!("{}/sign-in?", origin(gate))).expect("this gate, in clear").to_owned();
        let set = reply.field("set-cookie").expect("a mark");
        assert!(!set.contains("Secure") && set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
        Self { mark: reply.cookie("-begin-").expect("a mark"), way, ..Self::default() }
    }

    /// Types a name and a password at the gate.
    pub(super) fn post(&self, gate: Door, name: &str, password: &str) -> Reply {
        let form = format!("username={name}&password={}&{}", password.replace(' ', "+"), self.way);
        let origin = format!("origin: {}", origin(gate));
        post(gate, "POST /sign-in", &[&origin, "content-type: application/x-www-form-urlencoded"], &form)
    }

    /// Signed in at the gate, the code not used yet.
    pub(super) fn with_code(door: Door, gate: Door) -> Self {
        let mut browser = Self::begun(door, gate);
        let reply = browser.post(gate, "anna", PASSWORD);
        assert_eq!(reply.status, 303, "{}", reply.head);
        assert_eq!(reply.field("set-cookie"), None, "no session at the gate");
        let location = reply.field("location").expect("a way back");
        browser.enter = location.strip_prefix(&origin(door)).expect("this door, in clear").to_owned();
        browser
    }

    /// With a session at the door.
    pub(super) fn signed_in(door: Door, gate: Door) -> Self {
        let mut browser = Self::with_code(door, gate);
        let reply = ask(door, &format!("GET {}", browser.enter), &[&format!("cookie: {}", browser.mark)]);
        assert_eq!((reply.status, reply.field("location")), (303, Some(&*format!("{}/a?b", origin(door)))));
        let set = reply.field("set-cookie").expect("a session");
        let name = format!("plain-drawbridge-{}=", door.address.port());
        assert!(set.starts_with(&name) && set.contains("Max-Age=43200"), "{set}");
        assert!(!set.contains("Secure") && set.contains("HttpOnly"), "{set}");
        browser.door = set.split(';').next().expect("a pair").to_owned();
        browser
    }

    /// The cookie field for the door.
    pub(super) fn cookie(&self) -> String {
        format!("cookie: {}", self.door)
    }
}

/// Allows it for the tool.
pub(super) fn allow(trial: &Trial) {
    assert_eq!(trial.json(&["tool", "set", "Tool", "--plain-http", "on"])["plain_http"], "on");
}
