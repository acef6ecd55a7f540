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
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

/// The writer: lines gather in memory for a moment and go to the disk together, because a thread woken for each would
/// cost more than all the rest of a request (measured 2026-11-21: a third of its CPU time). Too many, and lines are
/// dropped rather than visitors held up.
pub(crate) struct AccessLog {
    gathered: Arc<Gathered>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What waits for the disk.
#[derive(Default)]
struct Gathered {
    lines: Mutex<Lines>,
    wake: Condvar,
}

#[derive(Default)]
struct Lines {
    text: String,
    /// Lines that found no room since the last were written.
    dropped: usize,
    /// No more will come.
    ended: bool,
}

/// A line in the making.
pub(crate) struct Line(String);

/// What is the same in the lines of one client at one door.
pub(crate) struct Caller(String);

impl AccessLog {
    /// Writes to a file that is rotated by size.
    pub(crate) fn start(mut file: RotatingFile) -> std::io::Result<Self> {
        let gathered = Arc::new(Gathered::default());
        let waiting = Arc::clone(&gathered);
        let writer = thread::Builder::new().name("access-log".into()).spawn(move || {
            let mut text = String::new();
            while waiting.take(&mut text) {
                // A full disk must not stop the work; the main log and the status say that it is full.
                let torn = file.write_all(text.as_bytes()).is_err();
                text.clear();
                if torn {
                    text.push('\n');
                }
            }
        })?;
        Ok(Self { gathered, writer: Mutex::new(Some(writer)) })
    }

    /// Hands a line over.
    pub(crate) fn write(&self, line: &str) {
        let mut lines = self.gathered.lock();
        let before = lines.text.len();
        if before + line.len() > MOST_BYTES {
            lines.dropped += 1;
            return;
        }
        lines.text.push_str(line);
        let wakes = before == 0 || (before < ENOUGH && lines.text.len() >= ENOUGH);
        drop(lines);
        if wakes {
            self.gathered.wake.notify_one();
        }
    }

    /// Waits until the last line is written.
    pub(crate) fn end(&self) {
        self.gathered.lock().ended = true;
        self.gathered.wake.notify_one();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            let _ = writer.join();
        }
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.gathered.lock().ended = true;
        self.gathered.wake.notify_one();
    }
}

impl Gathered {
    /// Waits for lines and a moment longer, for more of them, and adds them to the text; false when there will be none any
    /// more.
    fn take(&self, text: &mut String) -> bool {
        let waiting = |lines: &mut Lines| lines.text.is_empty() && !lines.ended;
        let lines = self.wake.wait_while(self.lock(), waiting).unwrap_or_else(PoisonError::into_inner);
        let more = |lines: &mut Lines| !lines.ended && lines.text.len() < ENOUGH;
        let gathered = self.wake.wait_timeout_while(lines, GATHER, more);
        let mut lines = gathered.unwrap_or_else(PoisonError::into_inner).0;
        let dropped = std::mem::take(&mut lines.dropped);
        let any = !lines.text.is_empty();
        if text.is_empty() {
            std::mem::swap(text, &mut lines.text);
        } else {
            text.push_str(&lines.text);
            lines.text.clear();
        }
        if dropped > 0 {
            let _ = writeln!(text, "dropped={dropped}");
        }
        any
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Caller {
    /// A client at a door.
    pub(crate) fn new(client: Client, door: &Door) -> Self {
        let tool = match &door.plan.serves {
            Serves::Gate => "gate",
            Serves::Tool(id) => id.as_str(),
        };
        Self(format!(" client={} door={}/{tool} method=", client.address(), door.plan.level))
    }
}

impl Line {
    /// What is known before the stages.
    pub(crate) fn begin<B>(caller: &Caller, request: &Request<B>) -> Self {
        let mut line = String::with_capacity(USUAL);
        let _ = write!(line, "time={}", crate::clock::seconds(SystemTime::now()));
        line.push_str(&caller.0);
        let method = request.method().as_str();
        line.push_str(method.get(..METHOD).unwrap_or(method));
        line.push_str(" path=");
        let path = request.uri().path();
        if path.len() <= PATH && path.bytes().all(|byte| byte.is_ascii_graphic()) {
            line.push_str(path);
        } else {
            line.extend(path.chars().filter(char::is_ascii_graphic).take(PATH));
        }
        Self(line)
    }

    /// Who it was.
    pub(crate) fn signed_in(&mut self, permit: &Permit) {
        let _ = write!(self.0, " {}", permit.subject().who());
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

/// How long lines gather (chosen: nobody reads faster; five writes a second at most).
const GATHER: Duration = Duration::from_millis(200);
/// Bytes that wait for the disk at most (chosen: some 4,000 lines; a disk that is slower has a trouble of its own).
const MOST_BYTES: usize = 1024 * 1024;
/// Bytes that need not wait for more.
const ENOUGH: usize = MOST_BYTES / 4;
/// Bytes of a usual line.
const USUAL: usize = 192;
/// Letters of a method.
const METHOD: usize = 20;
/// Letters of a path.
const PATH: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn log() -> (tempfile::TempDir, std::path::PathBuf, AccessLog) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let log = AccessLog::start(RotatingFile::open(&path, 1024 * 1024 * 1024).unwrap()).unwrap();
        (folder, path, log)
    }

    #[test]
    fn the_last_line_is_on_the_disk_when_the_log_has_ended() {
        let (_folder, path, log) = log();
        for number in 0..1000 {
            log.write(&format!("line {number}\n"));
        }
        log.end();
        let expected: String = (0..1000).map(|number| format!("line {number}\n")).collect();
        assert_eq!(fs::read_to_string(path).unwrap(), expected);
    }

    #[test]
    fn what_waits_for_the_disk_is_bounded_and_whole_lines() {
        let (_folder, path, log) = log();
        let line = format!("{}\n", "x".repeat(999));
        // Faster than they gather, whatever the disk does.
        for _ in 0..5000 {
            log.write(&line);
            assert!(log.gathered.lock().text.len() <= MOST_BYTES);
        }
        log.end();
        let written = fs::read_to_string(path).unwrap();
        let whole = |line: &str| line.len() == 999 || line.starts_with("dropped=");
        assert!(!written.is_empty() && written.lines().all(whole));
        let counted = written.lines().filter(|line| line.len() == 999).count()
            + written
                .lines()
                .filter_map(|line| line.strip_prefix("dropped=")?.parse::<usize>().ok())
                .sum::<usize>();
        assert_eq!(counted, 5000, "every line is there or counted");
    }
}
