//! The real window, driven by the distribution's WebKitWebDriver (W3C WebDriver: JSON over HTTP).
//!
//! The driver starts the desktop program inside the session of a [`Desktop`] and ends it when dropped. Places are told
//! as XPath where they begin with `/` or `(`, else as CSS selectors; whatever acts on a place waits for it. Pictures
//! stay in `target/tmp/pictures`, to be looked at.

use super::{desktop::Desktop, eventually};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A window under the driver's hand.
pub(crate) struct WebDriver {
    program: Child,
    address: SocketAddr,
    session: String,
    pictures: PathBuf,
}

impl WebDriver {
    /// Starts the desktop program and waits for its window; pictures go to a folder of this name.
    pub(crate) fn open(desktop: &Desktop, pictures: &str) -> Self {
        Self::open_with(desktop, pictures, &[])
    }

    /// The same with more in its environment.
    pub(crate) fn open_with(desktop: &Desktop, pictures: &str, environment: &[(&str, &str)]) -> Self {
        let (program, address) = driver(desktop, environment);
        let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures").join(pictures);
        let _ = fs::remove_dir_all(&pictures);
        fs::create_dir_all(&pictures).expect("a folder for pictures");
        let mut this = Self { program, address, session: String::new(), pictures };
        let browser =
            json!({"binary": env!("CARGO_BIN_EXE_drawbridge-desktop"), "args": desktop.arguments()});
        let wanted = json!({"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": browser}}});
        let begun = exchange(address, "POST", "/session", Some(&wanted))
            .unwrap_or_else(|error| panic!("no session with the window: {error}"));
        this.session = begun["sessionId"].as_str().expect("a session").to_owned();
        this
    }

    /// Clicks as a mouse would.
    pub(crate) fn click(&self, at: &str) {
        self.act(at, "click", &json!({}));
    }

    /// Empties a field and types into it.
    pub(crate) fn fill(&self, at: &str, text: &str) {
        self.act(at, "clear", &json!({}));
        self.act(at, "value", &json!({"text": text}));
    }

    /// What is read at a place.
    pub(crate) fn text(&self, at: &str) -> String {
        self.read(at, "text")
    }

    /// Whether something is seen at a place now.
    pub(crate) fn shows(&self, at: &str) -> bool {
        self.elements(at).iter().any(|id| self.is_displayed(id))
    }

    /// Waits until something is seen at a place.
    pub(crate) fn until(&self, at: &str) {
        eventually(&format!("the window shows {at}; it shows {}", self.page()), || self.shows(at));
    }

    /// Waits until nothing is seen at a place any more.
    pub(crate) fn until_gone(&self, at: &str) {
        eventually(&format!("the window no longer shows {at}"), || !self.shows(at));
    }

    /// All that is read in the window.
    pub(crate) fn page(&self) -> String {
        self.script("return document.body.innerText", &[]).as_str().unwrap_or_default().to_owned()
    }

    /// Runs the body of a function in the page.
    pub(crate) fn script(&self, body: &str, arguments: &[Value]) -> Value {
        self.post("execute/sync", &json!({"script": body, "args": arguments})).expect("the script runs")
    }

    /// The same for one that calls its last argument when done.
    pub(crate) fn script_async(&self, body: &str, arguments: &[Value]) -> Value {
        self.post("execute/async", &json!({"script": body, "args": arguments})).expect("the script ends")
    }

    /// Presses keys one after the other, wherever the focus is; names are those of [`key`].
    pub(crate) fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key})))
            .collect();
        let source = json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]});
        self.post("actions", &source).unwrap_or_else(|error| panic!("pressing keys: {error}"));
    }

    /// Gives the window this size.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        self.post("window/rect", &json!({"width": width, "height": height})).expect("windows have sizes");
        let is_so = || self.script("return [innerWidth, innerHeight]", &[]) == json!([width, height]);
        eventually("the page has the window's size", is_so);
    }

    /// Where the page is.
    pub(crate) fn address(&self) -> String {
        self.get("url").expect("pages have addresses").as_str().unwrap_or_default().to_owned()
    }

    /// Windows there are.
    pub(crate) fn windows(&self) -> usize {
        self.get("window/handles").expect("a list").as_array().map_or(0, Vec::len)
    }

    /// Takes hold of the window that is there now, after the one before was closed.
    pub(crate) fn hold_the_window(&self) {
        let handle = self.get("window/handles").expect("a list")[0].take();
        self.post("window", &json!({"handle": handle})).expect("it can be held");
    }

    /// Keeps a picture of the window.
    pub(crate) fn picture(&self, name: &str) {
        // A picture is of the frame that was drawn last, so what changed just now must be drawn first.
        let frames =
            "const [done] = arguments; requestAnimationFrame(() => requestAnimationFrame(() => done()))";
        self.script_async(frames, &[]);
        let picture = self.get("screenshot").expect("windows can be pictured");
        let bytes = STANDARD.decode(picture.as_str().unwrap_or_default()).expect("base64");
        fs::write(self.pictures.join(format!("{name}.png")), bytes).expect("a file");
    }

    /// Does something at a place, which may be drawn anew or still covered meanwhile.
    fn act(&self, at: &str, what: &str, with: &Value) {
        let start = Instant::now();
        loop {
            let failed = match self.elements(at).iter().find(|id| self.is_displayed(id)) {
                Some(id) => match self.post(&format!("element/{id}/{what}"), with) {
                    Ok(_) => return,
                    Err(error) => error,
                },
                None => "it is not there".to_owned(),
            };
            if start.elapsed() > DEADLINE {
                panic!("{what} at {at}: {failed}; the window shows:\n{}", self.page());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn read(&self, at: &str, what: &str) -> String {
        let mut text = None;
        eventually(&format!("{what} can be read at {at}"), || {
            let found = self.elements(at).into_iter().next();
            text = found.and_then(|id| self.get(&format!("element/{id}/{what}")).ok());
            text.is_some()
        });
        text.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn elements(&self, at: &str) -> Vec<String> {
        let using = if at.starts_with(['/', '(']) { "xpath" } else { "css selector" };
        let question = json!({"using": using, "value": at});
        let mut found = self.post("elements", &question);
        // What is drawn anew while the driver looks makes it stumble; it looks again.
        while found.as_ref().is_err_and(|error| error.contains("stale element reference")) {
            found = self.post("elements", &question);
        }
        let found = found.expect("a list");
        let elements = found.as_array().expect("a list");
        elements.iter().filter_map(|element| element[ELEMENT].as_str().map(ToOwned::to_owned)).collect()
    }

    fn is_displayed(&self, id: &str) -> bool {
        self.get(&format!("element/{id}/displayed")).is_ok_and(|displayed| displayed == true)
    }

    fn get(&self, path: &str) -> Result<Value, String> {
        exchange(self.address, "GET", &format!("/session/{}/{path}", self.session), None)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        exchange(self.address, "POST", &format!("/session/{}/{path}", self.session), Some(body))
    }
}

impl Drop for WebDriver {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Ok(Value::String(picture)) = self.get("screenshot")
        {
            let path = self.pictures.join("failure.png");
            let _ = STANDARD.decode(picture).map(|bytes| fs::write(&path, bytes));
            eprintln!("the window as it was: {}", path.display());
        }
        // Ends the desktop program gently; the group is for what is left.
        let _ = exchange(self.address, "DELETE", &format!("/session/{}", self.session), None);
        let group = i32::try_from(self.program.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.program.wait();
    }
}

/// Keys without a letter, as WebDriver spells them.
pub(crate) mod key {
    pub(crate) const TAB: &str = "\u{e004}";
    pub(crate) const ENTER: &str = "\u{e007}";
    pub(crate) const ESCAPE: &str = "\u{e00c}";
    pub(crate) const SPACE: &str = "\u{e00d}";
    pub(crate) const RIGHT: &str = "\u{e014}";
    pub(crate) const DOWN: &str = "\u{e015}";
}

/// A running driver and where it listens. A port that somebody else took meanwhile ends it, so another one is tried.
fn driver(desktop: &Desktop, environment: &[(&str, &str)]) -> (Child, SocketAddr) {
    for _ in 0..10 {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
        let mut program = Command::new("WebKitWebDriver")
            .arg(format!("--port={}", free.port()))
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(desktop.environment())
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .envs(environment.iter().copied())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::options().append(true).create(true).open(desktop.said()).expect("a file"))
            .spawn()
            .unwrap_or_else(|error| panic!("WebKitWebDriver is missing ({error}): webkit2gtk-driver has it"));
        let start = Instant::now();
        while start.elapsed() < DEADLINE && matches!(program.try_wait(), Ok(None)) {
            if exchange(free, "GET", "/status", None).is_ok_and(|status| status["ready"] == true) {
                return (program, free);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = program.kill();
        let _ = program.wait();
    }
    panic!("WebKitWebDriver does not answer");
}

/// One command; an error is told in the driver's own words.
fn exchange(address: SocketAddr, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
    let told = |error: std::io::Error| error.to_string();
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut stream = TcpStream::connect(address).map_err(told)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(told)?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).map_err(told)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(told)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    let mut answer: Value = serde_json::from_str(body).map_err(|error| format!("{error} in {body}"))?;
    let value = answer["value"].take();
    if head.starts_with("HTTP/1.1 200") { Ok(value) } else { Err(value.to_string()) }
}

/// The name of the one member of an element (W3C WebDriver, 12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long a place may take to come; chosen, with room for a busy machine.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long the driver may take for one command; a start of the program is one.
const PATIENCE: Duration = Duration::from_secs(60);
