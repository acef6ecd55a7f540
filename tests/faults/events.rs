//! The event stream: the whole state first, then every change, for as long as the engine runs.

use crate::{
    promises::{Door, browser::Browser},
    support::{Recorder, Trial, trial::PASSWORD},
};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

struct Events {
    child: Child,
    lines: Receiver<Value>,
}

impl Events {
    fn of(trial: &Trial) -> Self {
        let mut child = trial.command(&["events"]).stdout(Stdio::piped()).spawn().expect("it runs");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(serde_json::from_str(&line).expect("one object per line")).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    fn next(&self) -> Value {
        self.lines.recv_timeout(Duration::from_secs(5)).expect("an event")
    }

    /// Reads on until an event of this kind that is as wanted.
    fn until(&self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.next();
            assert_ne!(event["event"], "state", "the whole state comes once: {event}");
            if event["event"] == kind && wanted(&event) {
                return event;
            }
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_whole_state_comes_first_then_every_change() {
    let tool = Recorder::start();
    let mut trial = Trial::running();
    trial.add_user("keeper", PASSWORD);
    let events = Events::of(&trial);
    let first = events.next();
    assert_eq!(first["event"], "state");
    assert_eq!(
        (&first["status"], &first["users"]),
        (&trial.json(&["status"]), &trial.json(&["user", "list"]))
    );
    assert_eq!(first["sessions"], Value::Array(Vec::new()));
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    let added = events.until("tool", |event| event["tool"]["level"] == "local")["tool"].clone();
    assert_eq!(added, trial.json(&["tool", "list"])[0]);
    trial.ok(&["level", "Tool", "lan"]);
    let raised = events.until("tool", |event| event["tool"]["level"] == "lan")["tool"].clone();
    assert_eq!(raised, trial.json(&["tool", "list"])[0]);
    assert_eq!(events.until("headline", |_| true)["headline"], "lan");
    trial.ok(&["user", "add", "bert"]);
    let users = events.until("users", |_| true)["users"].clone();
    assert_eq!(users, trial.json(&["user", "list"]));
    trial.curl(&["--user", &format!("keeper:{PASSWORD}"), &trial.url("Tool")]);
    assert_eq!(events.until("visitors", |_| true)["visitors"][0]["user"], "keeper");
    trial.ok(&["level", "Tool", "lan", "--for", "1s"]);
    events.until("tool", |event| event["tool"]["level"] == "local");
    assert_eq!(events.until("headline", |_| true)["headline"], "closed");
    trial.ok(&["tool", "remove", "Tool"]);
    assert_eq!(events.until("tool-removed", |_| true)["id"], added["id"]);
    let second = Events::of(&trial);
    assert_eq!(second.next()["status"], trial.json(&["status"]), "who comes later gets the state of then");
    trial.stop();
    assert!(
        events.lines.iter().all(|event| event["event"] != "state"),
        "and the stream ends with the engine"
    );
}

#[test]
fn every_change_of_a_pass_is_told() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "lan");
    let events = Events::of(&trial);
    assert_eq!(events.next()["passes"], Value::Array(Vec::new()));
    let link = crate::passes::create(&trial, &["Tool", "--label", "aunt"]);
    let made = events.until("passes", |_| true)["passes"].clone();
    assert_eq!((&made[0]["label"], &made[0]["device"]), (&Value::from("aunt"), &Value::Null));
    Browser::guest(Door::of(&trial, "Tool"), Door::gate(&trial), &link.code);
    let bound = events.until("passes", |event| !event["passes"][0]["device"].is_null())["passes"].clone();
    assert_eq!(bound, trial.json(&["pass", "list"]));
    trial.ok(&["pass", "revoke", &link.id]);
    events.until("passes", |event| event["passes"] == Value::Array(Vec::new()));
}

#[test]
fn listeners_that_leave_without_a_word_hinder_nobody() {
    let trial = Trial::running();
    for _ in 0..80 {
        let mut left = Events::of(&trial);
        assert_eq!(left.next()["event"], "state");
        left.child.kill().expect("it lives");
    }
    trial.ok(&["tool", "add", "Tool", "1"]);
    assert_eq!(Events::of(&trial).next()["status"]["tools"][0]["name"], "Tool");
}
