//! Programs get in with tokens and access tokens as they do with a name and password: the same door, the same rules.

mod api;
mod clients;
mod sockets;
mod tokens;

use crate::{
    promises::{Door, h2, h2::H2, wire::Reply},
    support::{Recorder, Trial},
};
use serde_json::{Value, json};

/// A trial with a tool that records, and its door and gate.
pub(crate) struct Stage {
    pub(crate) trial: Trial,
    pub(crate) tool: Recorder,
    pub(crate) door: Door,
    pub(crate) gate: Door,
}

impl Stage {
    /// At a level.
    pub(crate) fn at(level: &str) -> Self {
        let tool = Recorder::start();
        let trial = Trial::sharing(&tool.url(), level);
        let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
        Self { trial, tool, door, gate }
    }

    /// A new token, as the shell got it.
    pub(crate) fn token(&self, more: &[&str]) -> Value {
        self.trial.json(&[&["token", "create", "anna"], more].concat())
    }

    /// What anna's program gets for her name and password.
    pub(crate) fn login(&self) -> Pair {
        let reply = call(self.gate, "auth/login", &login(crate::support::trial::PASSWORD));
        assert_eq!(reply.status, 200, "{}", reply.body);
        Pair::of(&reply)
    }

    /// Whether the tool heard anything that contains this.
    pub(crate) fn heard(&self, text: &str) -> bool {
        self.tool.heard().iter().any(|heard| heard.contains(text))
    }
}

/// An access token and the refresh token that came with it.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Pair {
    pub(crate) fn of(reply: &Reply) -> Self {
        let answer: Value = serde_json::from_str(&reply.body).expect("JSON");
        assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(900)));
        let text = |name: &str| answer[name].as_str().expect("a token").to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }

    /// The whole field.
    pub(crate) fn bearer(&self) -> String {
        format!("authorization: Bearer {}", self.access)
    }

    /// The next pair, where there is one.
    fn refreshed(&self, gate: Door) -> Result<Self, u16> {
        let reply = call(gate, "auth/refresh", &json!({ "refresh_token": self.refresh }));
        if reply.status == 200 { Ok(Self::of(&reply)) } else { Err(reply.status) }
    }
}

/// A call of anna's with this password.
pub(crate) fn login(password: &str) -> Value {
    json!({ "username": "anna", "password": password })
}

/// A call of the gate's API.
pub(crate) fn call(gate: Door, path: &str, body: &Value) -> Reply {
    call_with(gate, path, &body.to_string(), &["content-type: application/json"])
}

/// The same with fields of the caller's choice.
pub(crate) fn call_with(gate: Door, path: &str, body: &str, fields: &[&str]) -> Reply {
    let length = format!("content-length: {}", body.len());
    let fields = [fields, &[length.as_str()]].concat();
    let bytes = gate.request(&format!("POST /.drawbridge/api/{path}"), &fields) + body;
    gate.exchange(bytes.as_bytes()).expect("an answer")
}

/// The status of `GET /` with one more field, over HTTP/1.1 and HTTP/2, which must agree.
pub(crate) fn status(door: Door, field: &str) -> u16 {
    let (name, value) = field.split_once(": ").expect("a field");
    let name = name.to_lowercase();
    let first = door.status("GET /", &[field]);
    let authority = door.authority();
    let fields = h2::fields("GET", &authority, "/", &[(&name, value)]);
    let second = H2::open(door).ask(&fields, None, &[]).status();
    // A wrong password makes the account wait, whatever the protocol.
    let agree = first == second || (first, second) == (401, 429);
    assert!(agree, "HTTP/1.1 says {first}, HTTP/2 {second} about {name}");
    first
}
