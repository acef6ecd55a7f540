//! One installation for one test: a home, a passphrase file outside it, a loopback address of its own, and the shipped
//! program run against them.

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};
use tempfile::TempDir;

/// A password that is good for the internet too.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// An installation; its engine, if one runs, is killed on drop.
pub(crate) struct Trial {
    folder: TempDir,
    pub(crate) address: Ipv4Addr,
    keyring: Option<String>,
    environment: Vec<(String, String)>,
    engine: Option<Child>,
}

impl Trial {
    /// A new home with the passphrase store.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("drawbridge-").tempdir().expect("a temporary folder");
        let keyring = Some(format!("passphrase-file={}", folder.path().join("passphrase").display()));
        Self { folder, address: own_address(), keyring, environment: Vec::new(), engine: None }
    }

    /// A new home that uses the keyring of this environment.
    pub(crate) fn with_system_keyring(environment: Vec<(String, String)>) -> Self {
        let mut trial = Self::new();
        (trial.keyring, trial.environment) = (None, environment);
        trial
    }

    /// A new home with a running engine.
    pub(crate) fn running() -> Self {
        let mut trial = Self::new();
        trial.serve();
        trial
    }

    /// A running engine with user `anna` and the tool `Tool` at this target, raised to a level.
    pub(crate) fn sharing(target: &str, level: &str) -> Self {
        let trial = Self::running();
        trial.add_user("anna", PASSWORD);
        trial.ok(&["tool", "add", "Tool", target]);
        trial.ok(&["level", "Tool", level]);
        trial
    }

    /// The home.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A folder beside the home.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program with this trial's home and keyring, not yet run.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drawbridge"));
        command.env_remove("DRAWBRIDGE_HOME").env_remove("DRAWBRIDGE_KEYRING");
        for name in ["DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"] {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().cloned());
        command.arg("--home").arg(self.home());
        if let Some(keyring) = &self.keyring {
            command.args(["--keyring", keyring]);
        }
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program runs")
    }

    /// Runs a command that must succeed; returns what it printed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?} failed: {said}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs a command that must be refused with this exit code; returns its one sentence.
    pub(crate) fn refused(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "a refusal prints no data: {arguments:?}");
        said
    }

    /// Runs a command with `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["--json"];
        all.extend(arguments);
        serde_json::from_str(&self.ok(&all)).expect("JSON")
    }

    /// Runs a command with one line on standard input.
    pub(crate) fn with_input(&self, arguments: &[&str], line: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        writeln!(child.stdin.take().expect("piped"), "{line}").expect("it reads");
        child.wait_with_output().expect("it ends")
    }

    /// Adds a user.
    pub(crate) fn add_user(&self, name: &str, password: &str) {
        let output = self.with_input(&["user", "add", name, "--password-stdin"], password);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts the engine and waits until it is ready.
    pub(crate) fn serve(&mut self) {
        let said = self.try_serve();
        assert!(self.engine.is_some(), "the engine did not start: {said}");
    }

    /// Starts the engine; returns what it said where it did not get ready.
    pub(crate) fn try_serve(&mut self) -> String {
        let address = self.address.to_string();
        let mut child = self
            .command(&["serve", "--lan", &address])
            .stdout(Stdio::piped())
            .stderr(fs::File::create(self.said()).expect("a file"))
            .spawn()
            .expect("the program runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line or the end");
        if line.starts_with("ready unix:") {
            self.engine = Some(child);
        } else {
            let _ = child.kill();
            let _ = child.wait();
        }
        fs::read_to_string(self.said()).unwrap_or_default()
    }

    /// What the engine said on standard error since it was started.
    pub(crate) fn said(&self) -> PathBuf {
        self.folder.path().join("engine.err")
    }

    /// The engine's process number.
    pub(crate) fn pid(&self) -> u32 {
        self.engine.as_ref().expect("an engine runs").id()
    }

    /// Kills the engine as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            let _ = engine.kill();
            let _ = engine.wait();
        }
    }

    /// Stops the engine as a service manager would; it must end by itself, with success.
    pub(crate) fn stop(&mut self) {
        let mut engine = self.engine.take().expect("an engine runs");
        let pid =
            i32::try_from(engine.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a process");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it lives");
        let mut status = None;
        super::eventually_within(Duration::from_secs(10), "the engine ends on SIGTERM", || {
            status = engine.try_wait().expect("it is a child");
            status.is_some()
        });
        assert!(status.is_some_and(|status| status.success()));
    }

    /// The tool's share URL.
    pub(crate) fn url(&self, tool: &str) -> String {
        self.ok(&["url", tool]).lines().next().expect("a line").to_owned()
    }

    /// The gate's URL.
    pub(crate) fn gate(&self) -> String {
        self.ok(&["url"]).lines().next().expect("a line").to_owned()
    }

    /// Where a URL of ours is reached.
    pub(crate) fn socket(&self, url: &str) -> SocketAddr {
        let port =
            url.rsplit(':').next().and_then(|port| port.trim_end_matches('/').parse().ok()).expect("a port");
        SocketAddr::new(self.address.into(), port)
    }

    /// The local authority's certificate in a file.
    pub(crate) fn authority(&self) -> PathBuf {
        let path = self.folder.path().join("authority.pem");
        fs::write(&path, self.ok(&["certificate", "export-ca"])).expect("a file");
        path
    }

    /// curl that trusts the local authority; prints the body, then the status on a line of its own.
    pub(crate) fn curl(&self, arguments: &[&str]) -> (u16, String) {
        curl(&self.authority(), arguments)
    }

    /// The same with anna's name and password.
    pub(crate) fn curl_as_anna(&self, arguments: &[&str]) -> (u16, String) {
        let credential = format!("anna:{PASSWORD}");
        let mut all = vec!["--user", credential.as_str()];
        all.extend(arguments);
        self.curl(&all)
    }

    /// Ports the kernel says are listened on at this trial's address.
    pub(crate) fn listening(&self) -> Vec<u16> {
        super::kernel::listeners_at(self.address.into()).into_iter().collect()
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("the engine said:\n{}", fs::read_to_string(self.said()).unwrap_or_default());
        }
    }
}

/// curl that trusts this authority; the status and the body.
pub(crate) fn curl(authority: &Path, arguments: &[&str]) -> (u16, String) {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "20", "--noproxy", "*", "--cacert"])
        .arg(authority)
        .args(["--write-out", "\n%{http_code}"])
        .args(arguments)
        .output()
        .expect("curl runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').expect("the status line");
    (status.parse().unwrap_or(0), body.to_owned())
}

/// An address of 127/8 no other test of this run uses.
fn own_address() -> Ipv4Addr {
    static NEXT: AtomicU16 = AtomicU16::new(1);
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let run = u8::try_from(std::process::id() % 200).unwrap_or(0) + 20;
    Ipv4Addr::new(127, run, high, low)
}
