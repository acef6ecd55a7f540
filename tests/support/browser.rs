//! Scripts of `tests/browser` in a real Chromium, followed step by step from a test.
//!
//! A script gets its input in the environment, never as an argument, because there are passwords in it. It prints one
//! JSON line per step; what it says on standard error goes through to whoever runs the tests. Pictures stay in
//! `target/tmp/pictures`, to be looked at.

use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

/// A script that runs; killed with its browser's pipe when dropped.
pub(crate) struct Script {
    name: String,
    child: Child,
    lines: Receiver<String>,
    steps: Vec<Value>,
}

impl Script {
    /// Starts `tests/browser/FILE` with this input; its pictures go to a folder of this name.
    pub(crate) fn start(file: &str, name: &str, mut input: Value) -> Self {
        let parts = parts();
        let pictures = pictures(name);
        input["screenshotDir"] = json!(pictures);
        let mut child = Command::new("node")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(file))
            .env("DRAWBRIDGE_PARTS", parts)
            .env("DRAWBRIDGE_BROWSER_INPUT", input.to_string())
            .env_remove("NODE_OPTIONS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("node does not run ({error}); `cargo xtask test` installs it"));
        let (sender, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { name: name.to_owned(), child, lines, steps: Vec::new() }
    }

    /// Runs a script to its end, which must be a good one; returns its steps.
    pub(crate) fn run(file: &str, name: &str, input: Value) -> Vec<Value> {
        Self::start(file, name, input).finish()
    }

    /// Waits until this step is done and returns what it printed.
    pub(crate) fn until(&mut self, step: &str) -> Value {
        loop {
            let Some(next) = self.next() else {
                panic!("{}: ended before {step}: {}", self.name, self.last())
            };
            if next["step"] == step {
                return next;
            }
        }
    }

    /// Waits for the end and returns every step.
    pub(crate) fn finish(mut self) -> Vec<Value> {
        while self.next().is_some() {}
        let status = self.child.wait().expect("it is a child");
        assert!(status.success(), "{}: {status}: {}", self.name, self.last());
        std::mem::take(&mut self.steps)
    }

    /// The next step; none at the end. A step that failed fails the test, in the script's own words.
    fn next(&mut self) -> Option<Value> {
        let line = match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("{}: nothing for {DEADLINE:?} after {}", self.name, self.last())
            }
        };
        eprintln!("{}: {line}", self.name);
        let step: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{}: {error} in {line}", self.name));
        self.steps.push(step.clone());
        assert_eq!(step["ok"], true, "{}: {line}", self.name);
        Some(step)
    }

    fn last(&self) -> String {
        self.steps.last().map_or_else(|| "no step at all".to_owned(), Value::to_string)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // Asked to end, it closes its browser, which would outlive it otherwise.
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let (Some(pid), Ok(None)) = (pid, self.child.try_wait()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let _ = self.child.wait();
        }
    }
}

/// Where the real parts lie.
fn parts() -> PathBuf {
    let parts = std::env::var_os("DRAWBRIDGE_PARTS").map(PathBuf::from);
    let parts =
        parts.expect("DRAWBRIDGE_PARTS is not set; `cargo xtask test` installs the parts and sets it");
    for (part, path) in [
        ("Playwright", parts.join("node/node_modules/playwright-core/index.mjs")),
        ("Chromium", std::env::var_os("CHROMIUM").map_or_else(|| "/usr/bin/chromium".into(), PathBuf::from)),
    ] {
        assert!(path.is_file(), "{part} is not at {}; `cargo xtask test` installs it", path.display());
    }
    parts
}

pub(crate) fn pictures(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder for pictures");
    folder
}

/// How long one step may take. The scripts have shorter deadlines of their own, with better words.
const DEADLINE: Duration = Duration::from_secs(240);
