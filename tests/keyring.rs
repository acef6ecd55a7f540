//! Where the root key lies: a real gnome-keyring in every state it can be in, and the day the key is lost. Whatever
//! happens, nothing opens without its key, and no other key is made over sealed data.

mod passphrase;

use crate::support::{
    Recorder, Trial, eventually_within,
    session_bus::{Keyring, SessionBus},
    trial::PASSWORD,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

#[test]
fn unlocked_keyring_carries_a_whole_life() {
    let bus = bus(Keyring::Unlocked);
    let (mut trial, tool, url) = open_tool(bus.environment());
    assert!(trial.home().join("keys.json").is_file());
    for end in [Trial::stop, Trial::kill] {
        end(&mut trial);
        trial.serve();
        assert_eq!(trial.curl_as_anna(&[&url]), (200, "ok".to_owned()));
        assert_eq!(problem(&trial), None);
    }
    trial.ok(&["close"]);
    assert_ne!(trial.curl_as_anna(&[&url]).0, 200);
    assert!(tool.all().starts_with("GET / HTTP/1.1\r\n"));
}

#[test]
fn locked_or_absent_keyring_keeps_everything_closed_until_it_is_unlocked() {
    let mut bus = bus(Keyring::Unlocked);
    let (mut trial, tool, url) = open_tool(bus.environment());
    tool.forget();
    let keys = keys(&trial);
    for (state, sentence) in [
        (Keyring::Absent, "no keyring program answers in this session"),
        (Keyring::WrongPassword, "the keyring is locked; unlock all of its keyrings"),
        (Keyring::Locked, "the keyring is locked; unlock all of its keyrings"),
    ] {
        trial.stop();
        bus.restart_keyring(state).expect("a keyring");
        trial.serve();
        assert_closed(&trial, sentence, &keys);
    }
    assert_eq!(trial.json(&["tool", "list"])[0]["level"], "local");
    assert_eq!(trial.json(&["tool", "list"])[0]["wanted"], "lan", "what the owner wants is kept");

    bus.unlock_collection().expect("an unlocked keyring");
    assert_eq!(tool.all(), "", "nothing reached the tool");
    trial.ok(&["unlock"]);
    assert_eq!(trial.curl_as_anna(&[&url]), (200, "ok".to_owned()));
    assert_eq!(problem(&trial), None);
    trial.ok(&["unlock"]);
    trial.add_user("bert", PASSWORD);
}

#[test]
fn tool_closed_while_the_keyring_is_locked_stays_closed() {
    let mut bus = bus(Keyring::Unlocked);
    let (mut trial, _tool, _) = open_tool(bus.environment());
    trial.stop();
    bus.restart_keyring(Keyring::Locked).expect("a locked keyring");
    trial.serve();
    trial.ok(&["level", "Tool", "local"]);
    bus.unlock_collection().expect("an unlocked keyring");
    trial.ok(&["unlock"]);
    assert_eq!(trial.listening(), Vec::<u16>::new());
    assert_eq!(trial.json(&["tool", "list"])[0]["wanted"], "local");
    trial.stop();
    trial.serve();
    assert_eq!(trial.listening(), Vec::<u16>::new());
}

#[test]
fn keyring_locked_while_running_changes_nothing() {
    let mut bus = bus(Keyring::Unlocked);
    let (mut trial, _tool, url) = open_tool(bus.environment());
    bus.lock_collection().expect("a locked keyring");
    assert_eq!(trial.curl_as_anna(&[&url]), (200, "ok".to_owned()));
    trial.add_user("bert", PASSWORD);
    trial.ok(&["level", "Tool", "internet"]);
    trial.ok(&["certificate", "renew"]);
    trial.ok(&["level", "Tool", "lan"]);
    let bert = format!("bert:{PASSWORD}");
    assert_eq!(trial.curl(&["--user", &bert, &url]), (200, "ok".to_owned()));
    assert_eq!(problem(&trial), None);
    trial.ok(&["recovery", "create"]);
    // And not even the keyring's end does.
    bus.stop_bus();
    assert_eq!(trial.curl_as_anna(&[&url]), (200, "ok".to_owned()));
    assert_eq!(problem(&trial), None);
    let keys = keys(&trial);
    trial.stop();
    trial.serve();
    assert_closed(&trial, "there is no session bus, so no keyring can be reached", &keys);
}

#[test]
fn every_reason_without_a_keyring_has_its_own_sentence_and_stores_nothing() {
    let mut said = BTreeSet::new();
    for (state, sentence) in [
        (Some(Keyring::Absent), "no keyring program answers in this session; install and start"),
        (Some(Keyring::Empty), "the keyring program has no keyring yet; sign in to the desktop"),
        (Some(Keyring::Activated), "the keyring program has no keyring yet; sign in to the desktop"),
        (Some(Keyring::Locked), "the keyring is locked; unlock"),
        (Some(Keyring::WrongPassword), "the keyring is locked; unlock"),
        (None, "there is no session bus, so no keyring can be reached; start Drawbridge from"),
    ] {
        let bus = state.map(bus);
        let environment = bus.as_ref().map_or_else(no_bus, SessionBus::environment);
        let mut trial = Trial::with_system_keyring(environment);
        trial.serve();
        assert_eq!(trial.json(&["status"])["headline"], "closed");
        let why = problem(&trial).unwrap_or_else(|| panic!("{state:?}: status says nothing"));
        assert!(why.starts_with(sentence), "{state:?}: {why}");
        let refused = trial.refused(1, &["user", "add", "anna"]);
        assert!(refused.contains(&why), "{state:?}: {refused}");
        assert!(trial.refused(1, &["unlock"]).contains(&why));
        assert!(!trial.home().join("keys.json").exists(), "{state:?}: a key without a place was made");
        said.insert(why);
    }
    assert_eq!(said.len(), 4, "{said:?}");
}

#[test]
fn dialog_that_nobody_answers_delays_the_start_and_does_not_stop_it() {
    let mut bus = bus(Keyring::LockedAsking);
    let mut trial = Trial::with_system_keyring(bus.environment());
    let start = Instant::now();
    trial.serve();
    assert!(start.elapsed() < Duration::from_secs(45), "{:?}", start.elapsed());
    let why = problem(&trial).expect("a reason");
    assert!(
        why.starts_with("the keyring did not answer within 30 seconds, probably because a dialog"),
        "{why}"
    );
    assert!(why.ends_with("answer that dialog on this computer's screen and try again"), "{why}");
    assert!(trial.refused(1, &["user", "add", "anna"]).contains(&why));
    assert!(!trial.home().join("keys.json").exists());
    bus.dismiss_dialog().expect("a dialog");

    let asked = trial.command(&["unlock"]).stderr(Stdio::piped()).spawn().expect("the program runs");
    eventually_within(Duration::from_secs(20), "the next dialog", || bus.dismiss_dialog().is_ok());
    let refused = asked.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(1) && said.contains("the keyring is locked; unlock"), "{said}");
    assert!(problem(&trial).is_some_and(|why| said.contains(&why)), "the status knows the newest reason");
    bus.unlock_collection().expect("an unlocked keyring");
    trial.ok(&["unlock"]);
    trial.add_user("anna", PASSWORD);
}

#[test]
fn keyring_that_comes_late_is_found_without_a_restart() {
    let mut bus = bus(Keyring::Absent);
    let mut trial = Trial::with_system_keyring(bus.environment());
    trial.serve();
    trial.refused(1, &["user", "add", "anna"]);
    bus.restart_keyring(Keyring::Unlocked).expect("a keyring");
    trial.ok(&["unlock"]);
    trial.add_user("anna", PASSWORD);
    let tool = Recorder::start();
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(trial.curl_as_anna(&[&trial.url("Tool")]), (200, "ok".to_owned()));
}

#[test]
fn lost_key_refuses_everything_until_the_recovery_code_brings_it_back() {
    let mut bus = bus(Keyring::Unlocked);
    let (mut trial, tool, url) = open_tool(bus.environment());
    let old = trial.ok(&["recovery", "create"]).trim().to_owned();
    let code = trial.ok(&["recovery", "create"]).trim().to_owned();
    assert_ne!(old, code);
    trial.stop();
    let keys = keys(&trial);
    assert!(!String::from_utf8_lossy(&keys).contains(&code));
    tool.forget();
    bus.forget_keyring().expect("a new keyring");
    trial.serve();
    assert_closed(&trial, "the keyring has no key for this installation", &keys);

    let wrong = use_code(&trial, "0000-0000-0000-0000-0000-0000-0000-0000");
    assert!(
        wrong.as_ref().is_err_and(|why| why.contains("does not open this installation; check it")),
        "{wrong:?}"
    );
    assert_eq!(use_code(&trial, &old), wrong, "an older code opens nothing");
    assert_closed(&trial, "the keyring has no key for this installation", &keys);
    bus.lock_collection().expect("a locked keyring");
    let locked = use_code(&trial, &code);
    assert!(locked.is_err_and(|why| why.contains("the keyring is locked; unlock")));
    assert_eq!(self::keys(&trial), keys);
    assert_eq!(tool.all(), "", "nothing reached the tool");

    bus.unlock_collection().expect("an unlocked keyring");
    assert_eq!(use_code(&trial, &code.to_lowercase().replace('-', " ")), Ok(()), "as people type it");
    assert_eq!(trial.curl_as_anna(&[&url]), (200, "ok".to_owned()));
    assert_eq!(problem(&trial), None);
    trial.stop();
    trial.serve();
    assert_eq!(trial.curl_as_anna(&[&url]), (200, "ok".to_owned()), "from now on without the code");
    // The code is for every such day.
    trial.stop();
    bus.forget_keyring().expect("a new keyring");
    trial.serve();
    assert_eq!(use_code(&trial, &code), Ok(()));
    assert_eq!(trial.curl_as_anna(&[&url]), (200, "ok".to_owned()));
}

#[test]
fn lost_key_without_a_recovery_code_stays_lost_and_is_not_replaced() {
    let mut bus = bus(Keyring::Unlocked);
    let (mut trial, _tool, url) = open_tool(bus.environment());
    let warned = trial.json(&["status"])["problems"].to_string();
    assert!(warned.contains("drawbridge recovery create"), "{warned}");
    trial.stop();
    let (keys, saved) = (keys(&trial), bus.keyring_file());
    let good = fs::read(&saved).expect("the keyring");
    bus.forget_keyring().expect("a new keyring");
    for _ in 0..2 {
        trial.serve();
        assert_closed(&trial, "the keyring has no key for this installation", &keys);
        let none = use_code(&trial, "0000-0000-0000-0000-0000-0000-0000-0000");
        assert!(none.is_err_and(|why| why.contains("no recovery code was made")));
        trial.stop();
    }
    bus.stop_keyring().expect("it ends");
    fs::write(saved, good).expect("the old keyring");
    bus.restart_keyring(Keyring::Unlocked).expect("the old keyring");
    trial.serve();
    assert_eq!(trial.curl_as_anna(&[&url]), (200, "ok".to_owned()), "the old keyring brings it back");
}

/// Everything is closed and says why, nothing can be changed that needs the key, and the keys are what they were.
fn assert_closed(trial: &Trial, sentence: &str, keys: &[u8]) {
    assert_eq!(trial.listening(), Vec::<u16>::new(), "nothing listens");
    assert_eq!(trial.json(&["status"])["headline"], "trouble");
    assert_refuses(trial, sentence, "");
    let why = problem(trial).expect("a reason");
    for refused in [&["level", "Tool", "lan"][..], &["user", "passwd", "anna"], &["recovery", "create"]] {
        let said = trial.refused(1, refused);
        assert!(said.contains(&why), "{refused:?}: {said}");
    }
    assert_eq!(self::keys(trial), keys, "another key was made");
}

/// The status gives a reason with these two parts, and whoever needs the key gets the same sentence.
fn assert_refuses(trial: &Trial, sentence: &str, end: &str) {
    let why = problem(trial).expect("a reason");
    assert!(why.contains(sentence) && why.contains(end), "{why}");
    assert!(why.contains("; "), "what it is; what to do: {why}");
    for refused in [&["user", "add", "carl"][..], &["unlock"]] {
        let said = trial.refused(1, refused);
        assert!(said.contains(&why), "{refused:?}: {said}");
        assert_eq!(said.trim_end().lines().count(), 1, "one sentence: {said}");
    }
}

/// Why nothing sealed can be opened, as the owner sees it.
fn problem(trial: &Trial) -> Option<String> {
    let status = trial.json(&["status"]);
    let closed = |one: &&Value| one["what"].as_str().is_some_and(|what| what.starts_with("Nothing sealed"));
    let found = status["problems"].as_array().expect("a list").iter().find(closed)?;
    assert_eq!(found["do"], "When that is mended, run: drawbridge unlock");
    Some(found["why"].as_str().expect("a sentence").to_owned())
}

/// Types the recovery code; the sentence where it is refused.
fn use_code(trial: &Trial, code: &str) -> Result<(), String> {
    let output = trial.with_input(&["recovery", "use"], code);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(0) => Ok(()),
        Some(1) => Err(said),
        code => panic!("{code:?}: {said}"),
    }
}

/// A tool on the local network that anna may use, on this keyring.
fn open_tool(environment: Vec<(String, String)>) -> (Trial, Recorder, String) {
    open(Trial::with_system_keyring(environment))
}

fn open(mut trial: Trial) -> (Trial, Recorder, String) {
    let tool = Recorder::start();
    trial.serve();
    trial.add_user("anna", PASSWORD);
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    trial.ok(&["level", "Tool", "lan"]);
    let url = trial.url("Tool");
    // The authority's file is made once, while it can be.
    assert_eq!(trial.curl_as_anna(&[&url]), (200, "ok".to_owned()));
    (trial, tool, url)
}

fn bus(keyring: Keyring) -> SessionBus {
    SessionBus::start(keyring).unwrap_or_else(|error| {
        panic!("no private session bus: {error:#}; `cargo xtask test` installs D-Bus and gnome-keyring")
    })
}

/// What a bare server has.
fn no_bus() -> Vec<(String, String)> {
    vec![("XDG_RUNTIME_DIR".to_owned(), "/nonexistent".to_owned())]
}

fn keys(trial: &Trial) -> Vec<u8> {
    fs::read(trial.home().join("keys.json")).expect("keys.json")
}
