//! The main job, end to end: share, sign in, work; and nobody else.

use crate::support::{Recorder, Trial, trial::PASSWORD};
use std::process::Command;

#[test]
fn a_program_reaches_the_tool_with_name_and_password_only() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "lan");
    let url = trial.url("Tool");
    assert_eq!(trial.curl(&[&url]).0, 401);
    assert_eq!(trial.curl(&["--user", "anna:wrong", &url]).0, 401);
    assert_eq!(tool.all(), "", "nothing reached the tool");
    crate::support::eventually("the pause after a failure is over", || {
        trial.curl_as_anna(&[&url]) == (200, "ok".to_owned())
    });
    assert!(tool.all().starts_with("GET / HTTP/1.1\r\n"));
    assert_eq!(trial.curl_as_anna(&["--http1.1", &url]), (200, "ok".to_owned()));
}

#[test]
fn a_browser_signs_in_at_the_gate_and_comes_back() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "lan");
    let (url, gate) = (trial.url("Tool"), trial.gate());
    let jar = trial.folder().join("jar").display().to_string();
    let page = ["--cookie", &jar, "--cookie-jar", &jar, "--header", "accept: text/html", "--location"];
    let deep = format!("{url}/lab?x=1");
    let visit = [&page[..], &[&deep]].concat();
    let (status, form) = trial.curl(&visit);
    assert_eq!(status, 200);
    assert!(form.contains("name=\"username\"") && !form.contains("Tool"), "{form}");
    let state = form
        .split("name=\"state\" value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a state");
    let fields = [
        "username=anna".to_owned(),
        format!("password={PASSWORD}"),
        format!("door={url}"),
        format!("state={state}"),
        "to=/lab?x=1".to_owned(),
    ];
    let origin = format!("origin: {gate}");
    let sign_in = format!("{gate}/sign-in");
    let mut post = vec!["--cookie", &jar, "--cookie-jar", &jar, "--header", &origin, &sign_in];
    for field in &fields {
        post.extend(["--data-urlencode", field]);
    }
    assert_eq!(trial.curl(&post).0, 303, "signed in");
    assert_eq!(trial.curl(&visit), (200, "ok".to_owned()));
    assert!(tool.all().starts_with("GET /lab?x=1 HTTP/1.1\r\n"), "{}", tool.all());
    assert!(!tool.all().to_lowercase().contains("drawbridge"), "the tool sees no cookie of ours");
    let sessions = trial.json(&["session", "list"]);
    assert_eq!(sessions[0]["user"], "anna");
    assert_eq!(sessions[0]["tools"][0], "Tool");
    trial.ok(&["session", "end", sessions[0]["id"].as_str().expect("an id")]);
    assert!(trial.curl(&visit).1.contains("name=\"username\""), "the session is over");
}

/// Whoever vanished without a word must not hold a place for ever; the kernel asks, because a silent WebSocket says nothing.
#[test]
fn a_silent_visitor_is_asked_whether_he_is_there() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = trial.socket(&trial.url("Tool"));
    let visitor = crate::support::raw::connect(door, &door.ip().to_string(), &["h2"]).expect("a handshake");
    // While bytes are under way the kernel shows the timer of those.
    crate::support::eventually("the kernel's timer for silence runs", || {
        let output = Command::new("ss").args(["-tnoH", "src", &door.to_string()]).output().expect("ss runs");
        String::from_utf8_lossy(&output.stdout).contains("keepalive")
    });
    drop(visitor);
}
