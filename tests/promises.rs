//! The promises of `ARCHITECTURE.md`, each checked against a tool that records every byte it receives.
//!
//! What the checks share lies here: a client that writes raw HTTP/1.1, one that writes raw HTTP/2 frames, a browser
//! that signs in step by step, and a tool that reads requests strictly.

pub(crate) mod browser;
mod framing;
pub(crate) mod h2;
mod hands_off;
mod hostile_tool;
mod jar;
mod level_up;
mod owner;
mod pairing;
mod reuse;
pub(crate) mod revocation;
mod secrecy;
mod strangers;
pub(crate) mod tool;
pub(crate) mod wire;

use crate::support::Trial;
use browser::Browser;
use std::net::SocketAddr;
use tool::Tool;
use wire::{Reply, Wire};

/// A password that is good on the local network only.
const WEAK_PASSWORD: &str = "vK3#q9zT";

/// A door or the gate, as a visitor knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
}

impl Door {
    /// The door of a tool; the farthest one.
    pub(crate) fn of(trial: &Trial, tool: &str) -> Self {
        Self { address: trial.socket(&trial.url(tool)) }
    }

    /// The gate of that door.
    pub(crate) fn gate(trial: &Trial) -> Self {
        Self { address: trial.socket(&trial.gate()) }
    }

    pub(crate) fn authority(self) -> String {
        self.address.to_string()
    }

    pub(crate) fn origin(self) -> String {
        format!("https://{}", self.address)
    }

    /// A request head for this door; every field is a line of its own.
    pub(crate) fn request(self, line: &str, fields: &[&str]) -> String {
        let mut head = format!("{line} HTTP/1.1\r\nhost: {}\r\n", self.authority());
        for field in fields {
            head.push_str(field);
            head.push_str("\r\n");
        }
        head + "\r\n"
    }

    /// Sends one request over a fresh connection.
    pub(crate) fn ask(self, line: &str, fields: &[&str]) -> Option<Reply> {
        self.exchange(self.request(line, fields).as_bytes())
    }

    /// Sends a form of the gate, as its own page does.
    pub(crate) fn form(self, path: &str, fields: &[&str], form: &str) -> Reply {
        let own = [
            format!("origin: {}", self.origin()),
            "content-type: application/x-www-form-urlencoded".to_owned(),
            format!("content-length: {}", form.len()),
        ];
        let fields: Vec<&str> = own.iter().map(String::as_str).chain(fields.iter().copied()).collect();
        let bytes = self.request(&format!("POST {path}"), &fields) + form;
        self.exchange(bytes.as_bytes()).expect("an answer")
    }

    /// The status of one request over a fresh connection; zero where the connection ended without an answer.
    pub(crate) fn status(self, line: &str, fields: &[&str]) -> u16 {
        self.ask(line, fields).map_or(0, |reply| reply.status)
    }

    /// Sends bytes over a fresh connection and reads one answer.
    pub(crate) fn exchange(self, bytes: &[u8]) -> Option<Reply> {
        let mut wire = Wire::open(self.address);
        wire.send(bytes);
        let method = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
        wire.reply_to(&String::from_utf8_lossy(method))
    }
}

/// The whole `Authorization` field of a name and password.
pub(crate) fn basic(name: &str, password: &str) -> String {
    format!("authorization: {}", crate::support::raw::basic(name, password))
}

/// Anna's.
pub(crate) fn anna() -> String {
    basic("anna", crate::support::trial::PASSWORD)
}
