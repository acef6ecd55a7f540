//! Second factors: what an account with one needs to get in, and what of it opens nothing.
//!
//! Codes come from an app of the tests' own. Where a test needs several codes at once it takes those of the steps beside
//! this one, or recovery codes; nothing waits for thirty seconds to pass but what has to.

mod account;
mod half;
mod own;
mod owner;
mod pages;
mod signing_in;
mod spent;

use crate::promises::{Door, tool::Tool};
use crate::support::{Trial, totp::App};
use std::{
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

/// Good on the local network alone, without a second factor.
const SHORT: &str = "vK3#q9zT";

/// A running engine with anna, who has a second factor, and a tool open on the local network.
struct Ground {
    trial: Trial,
    tool: Tool,
    app: App,
    recovery: Vec<String>,
}

impl Ground {
    /// The code of the step before was used to confirm.
    fn new() -> Self {
        let tool = Tool::with_sockets();
        let trial = Trial::sharing(&tool.url(), "lan");
        let (app, recovery) = enrol(&trial, "anna");
        Self { trial, tool, app, recovery }
    }

    fn gate(&self) -> Door {
        Door::gate(&self.trial)
    }

    fn door(&self) -> Door {
        Door::of(&self.trial, "Tool")
    }

    fn visitor(&self, protocol: &'static str) -> Visitor {
        Visitor::new(&self.trial, protocol)
    }
}

/// Gives an account a second factor, with the code of the step before this one.
pub(crate) fn enrol(trial: &Trial, name: &str) -> (App, Vec<String>) {
    App::settle();
    let begun = trial.json(&["user", "totp", name, "begin"]);
    let app = App::scan(begun["uri"].as_str().expect("a URI"));
    let done = trial.json(&["user", "totp", name, "confirm", &app.code(-1)]);
    let codes = done["codes"].as_array().expect("a list").iter();
    (app, codes.map(|code| code.as_str().expect("text").to_owned()).collect())
}

/// A browser made of curl: it keeps cookies and follows nothing by itself.
pub(crate) struct Visitor {
    pub(crate) gate: String,
    authority: PathBuf,
    jar: PathBuf,
    protocol: &'static str,
    /// Whether the gate shows a certificate that only its fingerprint tells from a stranger's.
    self_signed: bool,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        crate::promises::wire::fields(&self.head)
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub(crate) fn location(&self) -> &str {
        self.field("location").unwrap_or_default()
    }
}

/// Both protocols, as curl names them.
pub(crate) const PROTOCOLS: [&str; 2] = ["--http1.1", "--http2"];

impl Visitor {
    pub(crate) fn new(trial: &Trial, protocol: &'static str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let jar = trial.folder().join(format!("jar-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let gate = trial.gate();
        let doors = trial.json(&["certificate", "list"]);
        let is_self_signed = |certificate: &serde_json::Value| certificate["kind"] == "self-signed";
        // Farther than the local network, where nothing was imported.
        let self_signed =
            port(&gate).starts_with('9') && doors.as_array().expect("a list").iter().any(is_self_signed);
        Self { gate, authority: trial.authority(), jar, protocol, self_signed }
    }

    /// Asks for a page, with whatever cookies it has.
    pub(crate) fn get(&self, url: &str) -> Answer {
        self.send(&["--header", "accept: text/html", url])
    }

    /// The same at the gate.
    pub(crate) fn page(&self, path: &str) -> Answer {
        self.get(&format!("{}{path}", self.gate))
    }

    /// Sends a form of the gate.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = format!("origin: {}", self.gate);
        let url = format!("{}{path}", self.gate);
        let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut arguments = vec!["--header", origin.as_str(), "--request", "POST"];
        for pair in &pairs {
            arguments.extend(["--data-urlencode", pair]);
        }
        arguments.push(&url);
        self.send(&arguments)
    }

    /// Types name and password.
    pub(crate) fn password(&self, name: &str, password: &str) -> Answer {
        self.post("/sign-in", &[("username", name), ("password", password)])
    }

    /// Types a code.
    fn code(&self, code: &str) -> Answer {
        self.post("/second-factor", &[("code", code)])
    }

    /// Signs in with password and code, to the start page.
    fn sign_in(&self, name: &str, password: &str, code: &str) {
        let half = patiently(|| self.password(name, password));
        assert_eq!((half.status, half.location().starts_with("/second-factor?")), (303, true), "{half:?}");
        let whole = self.code(code);
        assert_eq!((whole.status, whole.location()), (303, "/"), "{whole:?}");
    }

    /// The value of a cookie in its jar.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let text = std::fs::read_to_string(&self.jar).unwrap_or_default();
        let mut rows = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        rows.find(|row| row.len() == 7 && row[5] == name).map(|row| row[6].to_owned())
    }

    /// The value of the session's cookie at the gate.
    pub(crate) fn session(&self) -> Option<String> {
        self.cookie(&session_cookie(&self.gate))
    }

    pub(crate) fn send(&self, arguments: &[&str]) -> Answer {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--max-time", "30", "--noproxy", "*", "--include"])
            .args([self.protocol, "--write-out", "\n%{http_code}", "--cacert"])
            .arg(&self.authority)
            .arg("--cookie-jar")
            .arg(&self.jar)
            .arg("--cookie")
            .arg(&self.jar)
            .args(self.self_signed.then_some("--insecure"))
            .args(arguments)
            .output()
            .expect("curl runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (text, status) = text.rsplit_once('\n').expect("the status line");
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("{arguments:?}: {text} {}", String::from_utf8_lossy(&output.stderr)));
        let agreed = if self.protocol == "--http2" { "HTTP/2 " } else { "HTTP/1.1 " };
        assert!(head.starts_with(agreed), "{head}");
        Answer { status: status.parse().expect("a status"), head: head.to_owned(), body: body.to_owned() }
    }
}

/// Name of the session's cookie of an origin.
fn session_cookie(origin: &str) -> String {
    format!("__Host-Http-drawbridge-{}", port(origin))
}

/// Name of the cookie of a half sign-in.
fn half_cookie(gate: &str) -> String {
    format!("__Host-Http-drawbridge-half-{}", port(gate))
}

pub(crate) fn port(origin: &str) -> &str {
    origin.rsplit(':').next().expect("a port")
}

/// How many sign-ins there are.
fn sessions(trial: &Trial) -> usize {
    trial.json(&["session", "list"]).as_array().expect("a list").len()
}

/// Account `name` as the owner sees it.
fn user(trial: &Trial, name: &str) -> serde_json::Value {
    let users = trial.json(&["user", "list"]);
    users.as_array().expect("a list").iter().find(|user| user["name"] == name).expect("there").clone()
}

/// Sets a password.
fn set_password(trial: &Trial, name: &str, password: &str) {
    let output = trial.with_input(&["user", "passwd", name, "--password-stdin"], password);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Waits out the pause an answer names.
fn wait(answer: &Answer) {
    assert_eq!(answer.status, 429, "{answer:?}");
    let seconds: u64 = answer.field("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
    assert!((1..=3).contains(&seconds), "{seconds}");
    std::thread::sleep(std::time::Duration::from_secs(seconds));
}

/// Does something again as long as it is told to wait.
pub(crate) fn patiently(mut again: impl FnMut() -> Answer) -> Answer {
    loop {
        let answer = again();
        if answer.status != 429 {
            return answer;
        }
        wait(&answer);
    }
}

/// The pairs of a query, decoded.
pub(crate) fn url_pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let (mut bytes, mut rest) = (Vec::new(), text.bytes());
        while let Some(byte) = rest.next() {
            let hex = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            bytes.push(match byte {
                b'%' => {
                    let digits = (rest.next().and_then(hex), rest.next().and_then(hex));
                    digits.0.expect("hex") * 16 + digits.1.expect("hex")
                }
                b'+' => b' ',
                other => other,
            });
        }
        String::from_utf8(bytes).expect("text")
    };
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}
