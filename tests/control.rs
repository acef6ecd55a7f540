//! The control path as shells use it: conflicts, events, and what it refuses.

use crate::support::{Recorder, Trial, eventually, trial::PASSWORD};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

/// A request on the control socket with extra fields; the status and the reply.
fn ask(trial: &Trial, fields: &[&str], request: &str) -> (u16, Value) {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--max-time", "10", "--unix-socket"]).arg(trial.home().join("run/control.sock"));
    for field in fields {
        curl.args(["--header", field]);
    }
    let output = curl
        .args(["--data", request, "--write-out", "\n%{http_code}", "http://drawbridge/v1/request"])
        .output()
        .expect("curl runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').expect("the status line");
    (status.parse().expect("a status"), serde_json::from_str(body).expect("JSON"))
}

#[test]
fn a_stale_writer_gets_a_conflict_and_changes_nothing() {
    let trial = Trial::running();
    let (_, status) = ask(&trial, &[], r#"{"request":"status"}"#);
    let seen = format!("if-match: \"{}\"", status["revision"]);
    let add = |name: &str| format!(r#"{{"request":"tool-add","name":"{name}","target":"9"}}"#);
    assert_eq!(ask(&trial, &[&seen], &add("one")).0, 200);
    let (code, problem) = ask(&trial, &[&seen], &add("two"));
    assert_eq!((code, problem["type"].as_str()), (409, Some("conflict")));
    assert_eq!(trial.json(&["tool", "list"]).as_array().map(Vec::len), Some(1));
    assert_eq!(ask(&trial, &["if-match: soon"], &add("three")).0, 400);
}

#[test]
fn what_is_no_request_is_refused_with_a_sentence() {
    let trial = Trial::running();
    for request in
        ["", "{}", "[]", r#"{"request":"format-disk"}"#, r#"{"request":"level","tool":"x","level":"moon"}"#]
    {
        let (code, problem) = ask(&trial, &[], request);
        assert_eq!((code, problem["type"].as_str()), (400, Some("invalid")), "{request}");
    }
    let (code, _) = ask(&trial, &["origin: https://evil.example"], r#"{"request":"status"}"#);
    assert_eq!(code, 400, "a web page is never a shell");
}

#[test]
fn a_refusal_speaks_to_terminals_and_to_windows() {
    let trial = Trial::running();
    let request = r#"{"request":"level","tool":"none","level":"lan"}"#;
    let (_, problem) = ask(&trial, &[], request);
    assert_eq!(problem["detail"], "there is no tool called `none`; `drawbridge tool list` shows all");
    assert_eq!(
        problem["message"],
        "There is no tool called `none`; it may have another name now, or be gone."
    );
    trial.ok(&["tool", "add", "Tool", "9"]);
    let (_, problem) = ask(&trial, &[], r#"{"request":"level","tool":"tool","level":"lan"}"#);
    assert_eq!(
        problem["detail"],
        "nobody could sign in yet: add a user first with `drawbridge user add NAME`"
    );
    assert_eq!(problem["message"], "Nobody could sign in yet: add a person first.");
}

#[test]
fn a_problem_says_what_to_do_twice_and_what_one_click_could_do() {
    let trial = Trial::sharing("http://127.0.0.1:1", "internet");
    let status = trial.json(&["status"]);
    let found = |what: &str| -> Value {
        let problems = status["problems"].as_array().expect("a list");
        problems.iter().find(|problem| problem["what"] == what).unwrap_or_else(|| panic!("{status}")).clone()
    };
    let recovery = found("There is no recovery code");
    assert_eq!(recovery["do"], "Make one and keep it safe: drawbridge recovery create");
    assert_eq!(recovery["advice"], "Make one and keep it safe.");
    assert_eq!(recovery["fix"], serde_json::json!({"fix": "create-recovery-code"}));
    let down = found("Tool is not running");
    assert_eq!((&down["do"], &down["advice"]), (&"Start the tool.".into(), &"Start the tool.".into()));
    assert_eq!(down["fix"], serde_json::json!({"fix": "show-tool", "tool": "tool"}));
    let certificate = found("The internet door has a self-signed certificate");
    assert_eq!(certificate["fix"], serde_json::json!({"fix": "import-certificate"}));
    for problem in status["problems"].as_array().expect("a list") {
        for part in ["reason", "advice"] {
            let text = problem[part].as_str().expect("text");
            assert!(text.starts_with(char::is_uppercase) && text.ends_with('.'), "{text}");
            assert!(!text.contains("drawbridge "), "{text}");
        }
    }
}

#[test]
fn listeners_get_the_whole_state_first_and_every_change_within_a_second() {
    let tool = Recorder::start();
    let trial = Trial::running();
    let mut listener = trial.command(&["events"]).stdout(Stdio::piped()).spawn().expect("the program runs");
    let (lines, events) = mpsc::channel::<Value>();
    let stdout = listener.stdout.take().expect("piped");
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = lines.send(serde_json::from_str(&line).expect("JSON"));
        }
    });
    let next = |kind: &str| loop {
        let event = events
            .recv_timeout(Duration::from_secs(1))
            .unwrap_or_else(|_| panic!("no {kind} within a second"));
        if event["event"] == kind {
            return event;
        }
    };
    assert_eq!(next("state")["status"]["headline"], "closed");
    trial.add_user("anna", PASSWORD);
    assert_eq!(next("users")["users"][0]["name"], "anna");
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    assert_eq!(next("tool")["tool"]["level"], "local");
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(next("tool")["tool"]["doors"][0]["state"], "open");
    assert_eq!(next("headline")["headline"], "lan");
    assert_eq!(trial.curl_as_anna(&[&trial.url("Tool")]).0, 200);
    assert_eq!(next("visitors")["visitors"][0]["user"], "anna");
    trial.ok(&["tool", "remove", "Tool"]);
    assert_eq!(next("tool-removed")["id"], "tool");
    let _ = listener.kill();
    let _ = listener.wait();
}

#[test]
fn a_tool_that_stopped_is_told_to_the_owner_and_forgotten_when_it_is_back() {
    let trial = Trial::sharing("http://127.0.0.1:1", "lan");
    let url = trial.url("Tool");
    assert_eq!(trial.curl_as_anna(&[&url]).0, 502);
    let says_so = || trial.ok(&["status"]).contains("Tool is not running");
    eventually("the status says it", says_so);
    let tool = Recorder::start();
    trial.ok(&["level", "Tool", "local"]);
    trial.ok(&["tool", "set", "Tool", "--url", &tool.url()]);
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(trial.url("Tool"), url, "the port stays");
    assert_eq!(trial.curl_as_anna(&[&url]).0, 200);
    eventually("the status is clean", || !says_so());
}

#[test]
fn an_open_tool_keeps_its_target() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "lan");
    assert!(trial.refused(1, &["tool", "set", "Tool", "--url", "9"]).contains("close it first"));
    trial.ok(&["tool", "set", "Tool", "--name", "Notes", "--lan-port", "8500"]);
    assert!(trial.url("Notes").ends_with(":8500"));
    assert_eq!(trial.curl_as_anna(&[&trial.url("Notes")]).0, 200);
    assert!(trial.listening().contains(&8500));
}
