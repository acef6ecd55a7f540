//! `share`: everything in one go, alone or with a running engine, and what is left afterwards.

use crate::support::{Recorder, Trial, assert_one_sentence, eventually_within, kernel, trial::PASSWORD};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Stdio},
    time::Duration,
};

/// A `share` that stays.
struct Share {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Share {
    fn start(trial: &Trial, arguments: &[&str]) -> Self {
        let address = trial.address.to_string();
        let mut command = trial.command(&[&["share", "--lan", &address], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, stdout }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("text");
        line.trim_end().to_owned()
    }

    fn end(mut self, signal: Signal) -> String {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(pid, signal).expect("it lives");
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("text");
        let mut status = None;
        eventually_within(Duration::from_secs(10), "it ends", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        assert_eq!(status.and_then(|status| status.code()), Some(0), "{signal:?}");
        rest
    }
}

#[test]
fn alone_it_prints_address_and_credentials_works_and_closes_on_ctrl_c() {
    let tool = Recorder::start();
    let mut trial = Trial::new();
    let port = tool.port().to_string();
    let mut share = Share::start(&trial, &[&port]);
    let url = share.line();
    assert!(url.starts_with(&format!("https://{}:", trial.address)), "{url}");
    let user = share.line().strip_prefix("name").expect("a name").trim().to_owned();
    let password = share.line().strip_prefix("password").expect("a password").trim().to_owned();
    let password = password.split("  ").next().expect("before the remark").to_owned();
    assert!(password.len() >= 15, "good for the internet");
    assert_eq!(trial.curl(&["--user", &format!("{user}:{password}"), &url]), (200, "ok".to_owned()));
    assert_eq!(trial.curl(&["--http2", &url]).0, 401);
    let until = trial.json(&["tool", "list"])[0]["until"].as_u64().expect("it closes by itself");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs();
    assert!((7 * 3600..=8 * 3600).contains(&(until - now)), "eight hours");
    let rest = share.end(Signal::INT);
    assert!(!rest.contains(&password), "shown once");
    trial.serve();
    assert!(kernel::listeners(trial.pid()).is_empty(), "closed");
    let tools = trial.json(&["tool", "list"]);
    assert_eq!(
        (&tools[0]["level"], tools.as_array().map(Vec::len)),
        (&"local".into(), Some(1)),
        "still listed"
    );
    trial.stop();
    let mut again = Share::start(&trial, &[&port]);
    assert_eq!(again.line(), url, "the same address");
    let rest = again.end(Signal::TERM);
    assert!(!rest.contains("password "), "no second first user: {rest}");
    trial.serve();
    assert_eq!(trial.json(&["user", "list"]).as_array().map(Vec::len), Some(1));
    assert_eq!(trial.json(&["tool", "list"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn ctrl_c_at_the_moment_the_address_appears_closes_too() {
    let tool = Recorder::start();
    let mut trial = Trial::new();
    for round in 0..8 {
        let mut share = Share::start(&trial, &[&tool.port().to_string()]);
        let mut byte = [0];
        share.stdout.read_exact(&mut byte).expect("an address");
        share.end(Signal::INT);
        trial.serve();
        assert!(kernel::listeners(trial.pid()).is_empty(), "round {round}: closed");
        trial.stop();
    }
}

#[test]
fn with_a_running_engine_it_returns_and_that_one_keeps_the_door() {
    let tool = Recorder::start();
    let trial = Trial::running();
    let shared = trial.json(&["share", &tool.url(), "--name", "Mine", "--for", "1h"]);
    let (url, user) = (shared["url"].as_str().expect("a URL"), shared["user"].as_str().expect("a user"));
    let credential = format!("{user}:{}", shared["password"].as_str().expect("a password"));
    assert_eq!(trial.curl(&["--user", &credential, url]), (200, "ok".to_owned()));
    let again = trial.json(&["share", &tool.url()]);
    assert_eq!(
        (&again["url"], &again["user"], &again["password"]),
        (&shared["url"], &Value::Null, &Value::Null)
    );
    assert_eq!(again["tool"]["name"], "Mine", "the same tool");
    assert_eq!(trial.json(&["user", "list"]).as_array().map(Vec::len), Some(1));
    assert_one_sentence(&trial.refused(1, &["share", &tool.url(), "--name", "Another"]));
}

#[test]
fn an_owner_with_users_is_given_no_other() {
    let tool = Recorder::start();
    let trial = Trial::running();
    trial.add_user("anna", PASSWORD);
    let shared = trial.json(&["share", &tool.url(), "--level", "internet"]);
    assert_eq!((&shared["user"], &shared["password"]), (&Value::Null, &Value::Null));
    assert_eq!(shared["tool"]["level"], "internet");
    assert_eq!(trial.json(&["user", "list"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn a_refused_share_leaves_nothing_behind() {
    let mut trial = Trial::new();
    let address = trial.address.to_string();
    for target in ["http://192.0.2.1", "https://127.0.0.1:1", "0", "nonsense at all"] {
        assert_one_sentence(&trial.refused(1, &["share", "--lan", &address, target]));
    }
    // An address this computer does not have: there is no local network to share on.
    let said = trial.run(&["share", "--lan", "192.168.255.254", "8888"]);
    assert_eq!(said.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&said.stderr).contains("--lan 127.0.0.1"),
        "a try on this computer is offered"
    );
    trial.serve();
    assert_eq!(trial.json(&["tool", "list"]), Value::Array(Vec::new()));
    assert_eq!(
        trial.json(&["user", "list"]),
        Value::Array(Vec::new()),
        "no user whose passphrase nobody saw"
    );
}
