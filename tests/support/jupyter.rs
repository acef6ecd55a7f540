//! A real JupyterLab for the tests, with a record of every request it received.
//!
//! It runs as a person would run it on their own machine: on a free port of 127.0.0.1, without token or password, with
//! its own checks of Host, Origin and cross-site requests left on. Everything it reads or writes is in a private folder
//! that goes away with it. It does not open a browser and does not go through the proxy: that is what tests do with [`Jupyter::url`].

use std::fmt;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use tempfile::TempDir;

/// A running JupyterLab; it ends, with its kernels, when this is dropped or when the test dies.
pub(crate) struct Jupyter {
    child: Child,
    /// Jupyter ends itself when this closes; only `drop` takes it.
    lifeline: Option<ChildStdin>,
    port: u16,
    marks: AtomicU32,
    /// Last, so that it is removed after the child is gone.
    home: TempDir,
}

/// The head of one request as Jupyter's own server parsed it, before it looked for somebody to answer.
pub(crate) struct Received {
    pub(crate) method: String,
    /// Path and query, unlike in Jupyter's log with nothing blacked out.
    pub(crate) target: String,
    /// In order of first appearance; a repeated name is a line of its own beside the first.
    pub(crate) headers: Vec<(String, String)>,
}

impl Jupyter {
    /// Starts `JupyterLab` from `$DRAWBRIDGE_PARTS/venv` and returns when it answers.
    ///
    /// # Errors
    ///
    /// When the parts are missing, or it does not answer before [`START_DEADLINE`]; the text ends with its own log.
    pub(crate) fn start() -> Result<Self> {
        let program = program()?;
        let home = TempDir::with_prefix("jupyter-").context("make a private folder for Jupyter")?;
        for folder in FOLDERS {
            fs::create_dir_all(home.path().join(folder)).with_context(|| format!("make {folder}"))?;
        }
        for (file, text) in [CONFIG, NO_NEWS] {
            fs::write(home.path().join(file), text).with_context(|| format!("write {file}"))?;
        }
        let log = File::create(home.path().join(LOG)).context("make Jupyter's log")?;

        let mut child = command(&program, home.path())
            .stdin(Stdio::piped())
            .stdout(log.try_clone().context("share Jupyter's log")?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let lifeline = child.stdin.take();
        let mut jupyter = Self { child, lifeline, port: 0, marks: AtomicU32::new(0), home };
        jupyter.wait_until_ready().map_err(|error| anyhow!("{error:#}; its log:\n{}", jupyter.log()))?;
        Ok(jupyter)
    }

    /// What the owner would give to `drawbridge tool add`: `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The folder whose files it shows; notebooks made in the browser appear here.
    pub(crate) fn files(&self) -> PathBuf {
        self.home.path().join("files")
    }

    /// Every request whose head has arrived so far, WebSockets and unanswered ones included, our own probes left out.
    ///
    /// A request counts as soon as Jupyter has read its head, so after a visitor has an answer, an empty list means that
    /// Jupyter saw nothing of the question. Bytes that are not HTTP are in [`Jupyter::log`] only.
    ///
    /// # Errors
    ///
    /// When Jupyter no longer answers: then an empty list would prove nothing.
    pub(crate) fn received(&self) -> Result<Vec<Received>> {
        // One thread reads all connections, so what came before this mark is written down before it.
        let mark = self.mark();
        self.ask(&mark).context("ask Jupyter whether it still records")?;
        let text = fs::read_to_string(self.home.path().join(RECORD)).context("read what Jupyter received")?;
        let all: Vec<_> = text.split_terminator("\n\n").map(Received::parse).collect::<Result<_>>()?;
        if !all.iter().any(|request| request.target == mark) {
            bail!("Jupyter answered but did not record: its configuration was not read");
        }
        Ok(all.into_iter().filter(|request| !request.target.starts_with(MARK)).collect())
    }

    /// Jupyter's own log at level DEBUG: every answer with its status (`200 GET /lab (…@127.0.0.1) 1.23ms`).
    ///
    /// Values of query keys that contain token, auth, key, code, state or xsrf are `[secret]` in it.
    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(self.home.path().join(LOG)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().context("look after Jupyter")? {
                bail!("Jupyter ended before it was ready ({status})");
            }
            if self.port == 0 {
                self.port = self.announced_port().unwrap_or(0);
            }
            if self.port != 0 && self.ask(&self.mark()).is_ok() {
                return Ok(());
            }
            if start.elapsed() > START_DEADLINE {
                bail!("Jupyter was not ready after {} s", START_DEADLINE.as_secs());
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// The port from `jpserver-PID.json`, which Jupyter writes when it has chosen one.
    fn announced_port(&self) -> Option<u16> {
        let file = self.home.path().join(format!("runtime/jpserver-{}.json", self.child.id()));
        let text = fs::read_to_string(file).ok()?;
        let (_, after) = text.split_once("\"port\":")?;
        let digits: String = after.trim_start().chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    }

    fn mark(&self) -> String {
        format!("{MARK}{}", self.marks.fetch_add(1, Ordering::Relaxed))
    }

    /// A plain GET straight to Jupyter; fails unless the answer is 200.
    fn ask(&self, target: &str) -> Result<()> {
        let address = self.address();
        let mut stream = TcpStream::connect_timeout(&address, ASK_DEADLINE).context("connect")?;
        stream.set_read_timeout(Some(ASK_DEADLINE)).context("set a read deadline")?;
        write!(stream, "GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
            .context("ask")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).context("read the answer")?;
        if !answer.starts_with(b"HTTP/1.1 200 ") {
            bail!("answered {:?}", String::from_utf8_lossy(&answer).lines().next());
        }
        Ok(())
    }
}

impl Drop for Jupyter {
    fn drop(&mut self) {
        // The gentle way first: killed at once, Jupyter would leave its kernels behind.
        drop(self.lifeline.take());
        let start = Instant::now();
        while start.elapsed() < END_DEADLINE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(POLL_INTERVAL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Received {
    /// All values of a header, whatever the case of its name.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let same = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.headers.iter().filter(same).map(|(_, value)| value.as_str()).collect()
    }

    fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let first = lines.next().and_then(|line| line.split_once(' '));
        let (method, target) = first.with_context(|| format!("no request line in {text:?}"))?;
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").with_context(|| format!("no header in {line:?}"))?;
            Ok((name.to_owned(), value.to_owned()))
        };
        let headers = lines.map(header).collect::<Result<_>>()?;
        Ok(Self { method: method.to_owned(), target: target.to_owned(), headers })
    }
}

/// Like the head of the request, so that a failed assertion shows what got through.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.method, self.target)?;
        self.headers.iter().try_for_each(|(name, value)| writeln!(f, "  {name}: {value}"))
    }
}

fn program() -> Result<PathBuf> {
    let parts = std::env::var_os("DRAWBRIDGE_PARTS")
        .context("DRAWBRIDGE_PARTS is not set; `cargo xtask test` sets it")?;
    let program = Path::new(&parts).join("venv/bin/jupyter-lab");
    if !program.is_file() {
        bail!("{} is missing; `cargo xtask test` installs it", program.display());
    }
    Ok(program)
}

fn command(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir(home.join("files"));
    for name in ["PATH", "LANG", "TMPDIR"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.env("HOME", home).env("DRAWBRIDGE_RECORD", home.join(RECORD));
    for (name, folder) in [
        ("JUPYTER_CONFIG_DIR", "config"),
        ("JUPYTER_DATA_DIR", "data"),
        ("JUPYTER_RUNTIME_DIR", "runtime"),
        ("IPYTHONDIR", "ipython"),
        ("JUPYTERLAB_SETTINGS_DIR", "lab-settings"),
        ("JUPYTERLAB_WORKSPACES_DIR", "lab-workspaces"),
    ] {
        command.env(name, home.join(folder));
    }
    command
        .args(["--no-browser", "--allow-root", "--log-level=DEBUG"])
        .args(["--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"])
        .args(["--IdentityProvider.token=", "--ServerApp.password="])
        .arg(format!("--ServerApp.root_dir={}", home.join("files").display()));
    command
}

/// What the private folder holds from the start.
const FOLDERS: [&str; 7] = [
    "files",
    "config",
    "data",
    "runtime",
    "ipython",
    "lab-workspaces",
    "lab-settings/@jupyterlab/apputils-extension",
];
const LOG: &str = "jupyter.log";
const RECORD: &str = "received";
/// Where our own probes go; no visitor asks for this.
const MARK: &str = "/api?mark-of-the-test=";
/// Chosen: it takes 1 to 2 s alone on two cores, much longer beside a compiler.
const START_DEADLINE: Duration = Duration::from_secs(90);
/// Chosen: a loopback answer of a busy Jupyter, with room.
const ASK_DEADLINE: Duration = Duration::from_secs(10);
/// Chosen: it ends within 1 s with a kernel running.
const END_DEADLINE: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// Jupyter may read this more than once.
///
/// Its own log names a request when the answer is finished and blacks out parts of the address, so a WebSocket or a
/// stalled answer would be missing: this records heads as they arrive. The lifeline covers a test that was killed.
/// The two settings keep it from looking for updates and extensions outside.
const CONFIG: (&str, &str) = (
    "config/jupyter_server_config.py",
    r#"
import os, signal, sys, threading
from jupyter_server.serverapp import ServerApp
from tornado.web import Application

if not hasattr(Application, "unrecorded_find_handler"):
    Application.unrecorded_find_handler = Application.find_handler
    record = open(os.environ["DRAWBRIDGE_RECORD"], "a", encoding="utf-8", errors="backslashreplace", newline="\n")

    def find_handler(self, request, **kwargs):
        headers = "".join(f"{name}: {value}\n" for name, value in request.headers.get_all())
        record.write(f"{request.method} {request.uri}\n{headers}\n")
        record.flush()
        return self.unrecorded_find_handler(request, **kwargs)

    def end_with_the_test():
        sys.stdin.buffer.read()
        loop = getattr(ServerApp.instance(), "io_loop", None)
        if loop is None:
            os._exit(1)
        # Between two requests: in the middle of a line of its log Jupyter would lose the signal.
        loop.add_callback(os.kill, os.getpid(), signal.SIGTERM)

    Application.find_handler = find_handler
    threading.Thread(target=end_with_the_test, daemon=True).start()

c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
"#,
);

/// Without this a question about news covers a corner of the page; `LabApp.news_url` does not stop it in 4.6.
const NO_NEWS: (&str, &str) = (
    "lab-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings",
    r#"{"fetchNews": "false"}"#,
);
