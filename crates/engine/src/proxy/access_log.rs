//! One line per request. It is made of an allowlist: time, client, door, method, path without query, status, duration,
//! user, refusal. Queries, headers, cookies and bodies never reach it, so no secret can.

use super::{
    Permit,
    door::{Door, Serves},
    identify::Client,
    refusal::{Fault, Refusal},
};
use crate::store::rotation::RotatingFile;
use hyper::{Request, StatusCode};
use std::{
    fmt::Write as _,
    io::Write as _,
    sync::mpsc,
    thread,
    time::{Duration, SystemTime},
};

/// The writer: a bounded queue in front of a thread. A full queue drops lines rather than hold visitors up.
pub(crate) struct AccessLog {
    lines: mpsc::SyncSender<String>,
}

/// A line in the making.
pub(crate) struct Line(String);

impl AccessLog {
    /// Writes to a file that is rotated by size.
    pub(crate) fn start(mut file: RotatingFile) -> std::io::Result<Self> {
        let (lines, queue) = mpsc::sync_channel::<String>(QUEUE);
        thread::Builder::new().name("access-log".into()).spawn(move || {
            for line in queue {
                // A full disk must not stop the work; the main log and the status say that it is full.
                let _ = file.write_all(line.as_bytes());
            }
        })?;
        Ok(Self { lines })
    }

    /// Hands a line over.
    pub(crate) fn write(&self, line: String) {
        let _ = self.lines.try_send(line);
    }
}

impl Line {
    /// What is known before the stages.
    pub(crate) fn begin<B>(client: Client, door: &Door, request: &Request<B>) -> Self {
        let seconds = crate::clock::seconds(SystemTime::now());
        let tool = match &door.plan.serves {
            Serves::Gate => "gate",
            Serves::Tool(id) => id.as_str(),
        };
        let method: String = request.method().as_str().chars().take(20).collect();
        let path: String = request.uri().path().chars().filter(char::is_ascii_graphic).take(PATH).collect();
        Self(format!(
            "time={seconds} client={} door={}/{tool} method={method} path={path}",
            client.address(),
            door.plan.level
        ))
    }

    /// Who it was.
    pub(crate) fn signed_in(&mut self, permit: &Permit) {
        let _ = write!(self.0, " user={}", permit.subject().user().id);
    }

    /// Why not, and whose fault it is.
    pub(crate) fn refused(&mut self, refusal: Refusal) {
        let row = refusal.row();
        let fault = match row.fault {
            Fault::Visitor => "visitor",
            Fault::Tool => "tool",
            Fault::Us => "us",
        };
        let _ = write!(self.0, " refusal={} fault={fault}", row.text);
    }

    /// The finished line.
    pub(crate) fn end(mut self, status: StatusCode, took: Duration) -> String {
        let _ = writeln!(self.0, " status={} ms={}", status.as_u16(), took.as_millis());
        self.0
    }
}

/// Lines waiting for the disk.
const QUEUE: usize = 4096;
/// Letters of a path.
const PATH: usize = 200;
