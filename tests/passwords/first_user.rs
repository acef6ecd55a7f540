//! The first user of a machine nobody sits at, from the environment of `serve`.

use super::{STRONG, user};
use crate::{
    promises::{Door, basic},
    support::{Recorder, Trial, trial::PASSWORD},
};
use serde_json::json;
use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

const NAME: &str = "DRAWBRIDGE_BOOTSTRAP_USER";
const SECRET: &str = "DRAWBRIDGE_BOOTSTRAP_PASSWORD";

/// An engine with these variables; ends with the test.
struct Serving(Child);

impl Serving {
    fn with(trial: &Trial, variables: &[(&str, &str)]) -> Self {
        let mut child = trial
            .command(&["serve", "--lan", &trial.address.to_string()])
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(trial.said()).expect("a file"))
            .spawn()
            .expect("the program runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        assert!(line.starts_with("ready unix:"), "it serves all the same: {line}");
        Self(child)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Everything the engine told and logged.
fn told(trial: &Trial) -> String {
    let log = fs::read_to_string(trial.home().join("logs/drawbridge.log")).expect("a log");
    log + &fs::read_to_string(trial.said()).expect("a file") + &trial.ok(&["--json", "status"])
}

fn is_noted(trial: &Trial) -> bool {
    let status = trial.json(&["status"]);
    let problems = status["problems"].as_array().expect("a list");
    problems.iter().any(|problem| problem["what"] == "The first user was not made")
}

#[test]
fn the_first_user_is_an_admin_who_can_sign_in() {
    let tool = Recorder::start();
    let trial = Trial::new();
    let _engine = Serving::with(&trial, &[(NAME, "root"), (SECRET, STRONG)]);
    let made = user(&trial, "root");
    assert_eq!((&made["admin"], &made["strong"]), (&json!(true), &json!(true)));
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(Door::of(&trial, "Tool").status("GET /", &[&basic("root", STRONG)]), 200);
    let told = told(&trial);
    assert!(!is_noted(&trial) && told.contains("the first user was made"));
    assert!(!told.contains(STRONG), "{told}");
}

#[test]
fn nobody_is_made_where_there_is_a_user() {
    let trial = Trial::new();
    drop(Serving::with(&trial, &[(NAME, "root"), (SECRET, STRONG)]));
    let set = Serving::with(&trial, &[(NAME, "root"), (SECRET, "quite another passphrase")]);
    trial.ok(&["user", "remove", "root"]);
    trial.add_user("anna", PASSWORD);
    drop(set);
    let _engine = Serving::with(&trial, &[(NAME, "root"), (SECRET, STRONG)]);
    let users = trial.json(&["user", "list"]);
    assert_eq!(users.as_array().expect("a list").len(), 1, "{users}");
    assert_eq!(users[0]["name"], "anna");
    assert!(!is_noted(&trial));
}

#[test]
fn nobody_is_made_while_the_accounts_there_are_do_not_open() {
    let mut trial = Trial::running();
    trial.add_user("annabella", PASSWORD);
    trial.stop();
    let (file, aside) = (trial.folder().join("passphrase"), trial.folder().join("kept"));
    fs::rename(&file, &aside).expect("a file");
    {
        let _engine = Serving::with(&trial, &[(NAME, "root"), (SECRET, STRONG)]);
        trial.refused(1, &["user", "list"]);
    }
    fs::rename(&aside, &file).expect("a file");
    // The same where the key opens and the only account does not.
    let path = trial.home().join("drawbridge.db");
    let mut bytes = fs::read(&path).expect("a database");
    let at = bytes.windows(9).position(|window| window == b"annabella").expect("her row is in the file");
    bytes[at + 9 + 40] ^= 1;
    fs::write(&path, &bytes).expect("a file");
    {
        let _engine = Serving::with(&trial, &[(NAME, "root"), (SECRET, STRONG)]);
        assert_eq!(trial.json(&["user", "list"]), json!([]));
    }
    bytes[at + 9 + 40] ^= 1;
    fs::write(&path, &bytes).expect("a file");
    trial.serve();
    let users = trial.json(&["user", "list"]);
    assert_eq!(users.as_array().expect("a list").len(), 1, "{users}");
    // The same where the database is gone: what is lost opens no door.
    trial.stop();
    for name in ["drawbridge.db", "drawbridge.db-wal", "drawbridge.db-shm"] {
        let _ = fs::remove_file(trial.home().join(name));
    }
    let _engine = Serving::with(&trial, &[(NAME, "root"), (SECRET, STRONG)]);
    assert_eq!(trial.json(&["user", "list"]), json!([]));
}

#[test]
fn a_first_user_against_the_rules_is_not_made_and_that_is_said() {
    for variables in [
        &[(NAME, "root"), (SECRET, "Hk29.ab")][..],
        &[(NAME, "root"), (SECRET, "iloveyou")],
        &[(NAME, "a:b"), (SECRET, STRONG)],
        &[(NAME, "root")],
        &[(SECRET, STRONG)],
        &[(NAME, "root"), (SECRET, "")],
    ] {
        let trial = Trial::new();
        let engine = Serving::with(&trial, variables);
        assert_eq!(trial.json(&["user", "list"]), json!([]), "{variables:?}");
        assert!(is_noted(&trial), "{variables:?}");
        let told = told(&trial);
        assert!(told.contains("The first user was not made"), "{told}");
        for (_, secret) in variables.iter().filter(|(name, value)| *name == SECRET && !value.is_empty()) {
            assert!(!told.contains(secret), "{told}");
        }
        trial.add_user("anna", PASSWORD);
        assert!(!is_noted(&trial), "somebody can sign in now");
        drop(engine);
    }
}

#[test]
fn without_the_variables_nobody_is_made_or_missed() {
    let trial = Trial::new();
    let _engine = Serving::with(&trial, &[(NAME, ""), (SECRET, "")]);
    assert_eq!(trial.json(&["user", "list"]), json!([]));
    assert!(!is_noted(&trial));
}
