//! Damaged, lost and edited state: kept aside where it cannot be read, everything local, and said so. What the owner
//! closed stays closed, whatever file comes back.

use super::world::{Level, granted, look};
use crate::support::{Recorder, Trial, assert_one_sentence, kernel, trial::PASSWORD};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// Files of the home whose name begins like this.
fn files(trial: &Trial, begin: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(trial.home()).expect("a home").flatten().map(|file| file.path());
    all.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begin)))
        .collect()
}

fn problems(trial: &Trial) -> String {
    trial.json(&["status"])["problems"].to_string()
}

fn level(trial: &Trial, name: &str) -> String {
    let tools = trial.json(&["tool", "list"]);
    let tool = tools.as_array().into_iter().flatten().find(|tool| tool["name"] == name).cloned();
    tool.unwrap_or(Value::Null)["level"].as_str().unwrap_or("no such tool").to_owned()
}

fn edit(trial: &Trial, change: impl Fn(&str) -> String) {
    let path = trial.home().join("settings.toml");
    let text = fs::read_to_string(&path).expect("settings");
    let changed = change(&text);
    assert_ne!(text, changed, "the edit changes something");
    fs::write(path, changed).expect("a file");
}

#[test]
fn settings_that_cannot_be_read_are_kept_aside_and_everything_is_local() {
    let tool = Recorder::start();
    let mut trial = Trial::sharing(&tool.url(), "internet");
    trial.stop();
    let good = fs::read(trial.home().join("settings.toml")).expect("settings");
    let text = String::from_utf8(good.clone()).expect("text");
    let twice = text.find("[[tool]]").map(|start| format!("{text}\n{}", &text[start..])).expect("a tool");
    let damages: [Vec<u8>; 7] = [
        b"\x00\x01\x02 no settings".to_vec(),
        vec![0xff; 300],
        good[..good.len() / 2].to_vec(),
        twice.into_bytes(),
        text.replace("level = \"internet\"", "level = \"everyone\"").into_bytes(),
        text.replace("level = \"internet\"", "level = \"internet\"\npassword = \"none\"").into_bytes(),
        text.replace("http://127.0.0.1", "http://192.0.2.1").into_bytes(),
    ];
    for damage in damages {
        let shown = String::from_utf8_lossy(&damage).into_owned();
        files(&trial, "settings.toml.").into_iter().for_each(|old| fs::remove_file(old).expect("removed"));
        fs::write(trial.home().join("settings.toml"), &damage).expect("a file");
        trial.serve();
        assert!(kernel::listeners(trial.pid()).is_empty(), "nothing listens after {shown}");
        let said = problems(&trial);
        assert!(said.contains("settings.toml") && said.contains("kept as"), "{said}");
        let aside = files(&trial, "settings.toml.damaged-");
        assert_eq!(aside.len(), 1, "kept aside: {shown}");
        assert_eq!(fs::read(&aside[0]).expect("a file"), damage, "kept as it was");
        trial.kill();
    }
}

#[test]
fn a_database_that_cannot_be_read_is_kept_aside_and_everything_is_local() {
    let tool = Recorder::start();
    let mut trial = Trial::sharing(&tool.url(), "lan");
    trial.stop();
    let path = trial.home().join("drawbridge.db");
    let good = fs::read(&path).expect("a database");
    let mut holed = good.clone();
    holed[4096..].fill(0x5a);
    for damage in [vec![0x5a; good.len()], good[..good.len() / 2 + 7].to_vec(), holed] {
        files(&trial, "drawbridge.db").into_iter().for_each(|old| fs::remove_file(old).expect("removed"));
        fs::write(&path, &damage).expect("a file");
        trial.serve();
        assert!(kernel::listeners(trial.pid()).is_empty(), "nothing listens");
        let said = problems(&trial);
        assert!(said.contains("drawbridge.db") && said.contains("kept as"), "{said}");
        let aside = files(&trial, "drawbridge.db.damaged-");
        assert_eq!(fs::read(&aside[0]).expect("a file"), damage, "kept as it was");
        assert_eq!((level(&trial, "Tool").as_str(), trial.json(&["user", "list"])), ("local", json!([])));
        assert_one_sentence(&trial.refused(1, &["level", "Tool", "lan"]));
        trial.add_user("bert", PASSWORD);
        trial.ok(&["level", "Tool", "lan"]);
        trial.kill();
    }
}

#[test]
fn an_emptied_or_missing_database_is_said_and_everything_is_local() {
    for empty in [true, false] {
        let tool = Recorder::start();
        let mut trial = Trial::sharing(&tool.url(), "lan");
        trial.stop();
        files(&trial, "drawbridge.db").into_iter().for_each(|old| fs::remove_file(old).expect("removed"));
        if empty {
            fs::write(trial.home().join("drawbridge.db"), b"").expect("a file");
        }
        trial.serve();
        assert!(kernel::listeners(trial.pid()).is_empty(), "nothing listens");
        assert_eq!(level(&trial, "Tool"), "local");
        let said = problems(&trial);
        assert!(said.contains("drawbridge.db"), "the accounts are gone, and that is said: {said}");
    }
}

#[test]
fn settings_that_come_back_after_everything_was_closed_open_nothing() {
    let tool = Recorder::start();
    let mut trial = Trial::sharing(&tool.url(), "lan");
    trial.stop();
    let path = trial.home().join("settings.toml");
    let good = fs::read(&path).expect("settings");
    fs::write(&path, b"= damaged").expect("a file");
    trial.serve();
    trial.ok(&["close"]);
    trial.stop();
    fs::write(&path, good).expect("a file");
    trial.serve();
    assert_eq!(level(&trial, "Tool"), "local", "the owner closed everything since");
    assert!(kernel::listeners(trial.pid()).is_empty(), "nothing listens");
}

#[test]
fn a_tool_added_anew_does_not_inherit_what_its_forerunner_was_allowed() {
    let tool = Recorder::start();
    let mut trial = Trial::sharing(&tool.url(), "lan");
    trial.stop();
    fs::write(trial.home().join("settings.toml"), b"= damaged").expect("a file");
    trial.serve();
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    trial.stop();
    edit(&trial, |text| {
        text.replace("level = \"local\"", "level = \"lan\"\nnetworks = [\"127.0.0.0/8\"]\nlan_port = 8444")
    });
    trial.serve();
    assert_eq!(level(&trial, "Tool"), "local", "nobody raised this one");
    assert!(kernel::listeners(trial.pid()).is_empty(), "nothing listens");
}

#[test]
fn a_level_or_target_found_in_an_edited_file_waits_for_the_owner() {
    let (tool, other) = (Recorder::start(), Recorder::start());
    let mut trial = Trial::sharing(&tool.url(), "lan");
    trial.stop();
    edit(&trial, |text| text.replace("level = \"lan\"", "level = \"internet\""));
    trial.serve();
    let found = trial.json(&["tool", "list"]);
    assert_eq!((&found[0]["level"], &found[0]["wanted"]), (&json!("lan"), &json!("internet")), "{found}");
    assert!(problems(&trial).contains("drawbridge level"), "what to do is said");
    trial.stop();
    edit(&trial, |text| text.replace(&tool.url(), &other.url()));
    trial.serve();
    assert_eq!(level(&trial, "Tool"), "local", "another target is another decision");
    assert!(kernel::listeners(trial.pid()).is_empty(), "nothing listens");
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(look(&trial).tools["Tool"], Level::Lan, "the owner said so");
}

#[test]
fn a_lost_marker_means_local() {
    let tool = Recorder::start();
    let mut trial = Trial::sharing(&tool.url(), "lan");
    trial.kill();
    let open = trial.home().join("open");
    fs::read_dir(open)
        .expect("a folder")
        .flatten()
        .for_each(|file| fs::remove_file(file.path()).expect("gone"));
    trial.serve();
    assert_eq!(look(&trial).tools["Tool"], Level::Local);
}

#[test]
fn an_account_that_does_not_open_is_left_out_and_can_be_made_again() {
    let mut trial = Trial::running();
    trial.add_user("keeper", PASSWORD);
    trial.add_user("annabella", PASSWORD);
    trial.stop();
    let path = trial.home().join("drawbridge.db");
    let mut bytes = fs::read(&path).expect("a database");
    let name = b"annabella";
    let at = bytes.windows(name.len()).position(|window| window == name).expect("her row is in the file");
    bytes[at + name.len() + 40] ^= 1;
    fs::write(&path, bytes).expect("a file");
    trial.serve();
    let users = trial.json(&["user", "list"]);
    assert_eq!(users.as_array().map(Vec::len), Some(1), "she is left out: {users}");
    assert!(problems(&trial).contains("annabella cannot sign in"), "and it is said");
    trial.ok(&["user", "remove", "annabella"]);
    trial.add_user("annabella", PASSWORD);
    assert!(!problems(&trial).contains("annabella"), "mended");
}

#[test]
fn without_its_keys_nothing_opens_nothing_is_minted_and_they_can_come_back() {
    let tool = Recorder::start();
    let mut trial = Trial::sharing(&tool.url(), "lan");
    trial.stop();
    let keys = trial.home().join("keys.json");
    let good = fs::read(&keys).expect("keys");
    for damage in [None, Some(&b"{}"[..])] {
        match damage {
            None => fs::remove_file(&keys).expect("gone"),
            Some(bytes) => fs::write(&keys, bytes).expect("a file"),
        }
        trial.serve();
        assert!(kernel::listeners(trial.pid()).is_empty(), "nothing listens");
        assert!(problems(&trial).contains("keys.json"), "it is said");
        assert_one_sentence(&trial.refused(1, &["level", "Tool", "lan"]));
        assert_one_sentence(&trial.refused(1, &["user", "add", "bert"]));
        assert_eq!(fs::read(&keys).ok().as_deref(), damage, "no new keys over sealed data");
        fs::write(&keys, &good).expect("a file");
        trial.ok(&["unlock"]);
        assert_eq!(look(&trial).tools["Tool"], Level::Lan, "what the owner opened is open again");
        trial.kill();
    }
    trial.serve();
    granted(&trial, &json!({"request": "close"}));
}
