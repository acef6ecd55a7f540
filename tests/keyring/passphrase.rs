//! The passphrase file in the keyring's place, the key file in the home, and values that somebody moved: what was
//! changed by hand, lost or put back opens nothing, and nothing is made anew over it.

use super::{assert_closed, assert_refuses, keys, open, problem, use_code};
use crate::support::{Recorder, Trial, eventually, trial::PASSWORD};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

#[test]
fn key_file_that_is_missing_or_damaged_is_never_replaced() {
    let (mut trial, _tool, url) = open_tool_with_passphrase();
    trial.stop();
    let (path, good) = (trial.home().join("keys.json"), keys(&trial));
    let other = {
        let (mut other, _tool, _) = open_tool_with_passphrase();
        other.stop();
        keys(&other)
    };
    let mut cut = good.clone();
    cut.truncate(good.len() / 2);
    let newer = String::from_utf8_lossy(&good).replace("\"version\": 1", "\"version\": 2").into_bytes();
    for (content, sentence) in [
        (None, "keys.json is missing while sealed data is there; put keys.json back from a backup"),
        (Some(Vec::new()), "keys.json is damaged; put it back from a backup"),
        (Some(cut), "keys.json is damaged; put it back from a backup"),
        (Some(newer), "keys.json is damaged; put it back from a backup"),
        (
            Some(other),
            "the passphrase file does not open this installation's sealed data; bring the right file",
        ),
    ] {
        match &content {
            Some(bytes) => fs::write(&path, bytes).expect("a file"),
            None => fs::remove_file(&path).expect("a file"),
        }
        trial.serve();
        assert_eq!(trial.listening(), Vec::<u16>::new());
        assert!(problem(&trial).is_some_and(|why| why.starts_with(sentence)), "{:?}", problem(&trial));
        assert!(trial.refused(1, &["user", "add", "bert"]).contains(sentence));
        assert!(trial.refused(1, &["level", "Tool", "lan"]).contains(sentence));
        assert!(trial.refused(1, &["recovery", "create"]).contains(sentence));
        assert!(use_code(&trial, "0000").is_err());
        assert_eq!(fs::read(&path).ok(), content);
        trial.stop();
    }
    fs::write(&path, good).expect("a file");
    trial.serve();
    assert_eq!(trial.curl_as_anna(&[&url]), (200, "ok".to_owned()));
}

#[test]
fn passphrase_file_that_others_can_read_or_a_copy_of_the_home_contains_is_refused() {
    let mut trial = Trial::new();
    let file = trial.folder().join("passphrase");
    fs::create_dir(trial.home()).expect("a folder");
    fs::set_permissions(trial.home(), fs::Permissions::from_mode(0o700)).expect("it is ours");
    let inside = trial.home().join("passphrase");
    put(&inside, 0o600);
    symlink(&inside, &file).expect("a link");
    trial.serve();
    assert_refuses(
        &trial,
        "lies inside Drawbridge's home",
        "move it to another folder and give its new path",
    );
    trial.stop();
    fs::remove_file(&file).expect("a link");

    for mode in [0o644, 0o640, 0o620] {
        put(&file, mode);
        trial.serve();
        assert_refuses(&trial, &format!("(mode {mode:04o}); run chmod 600 on it"), "others may have read it");
        trial.stop();
        fs::remove_file(&file).expect("a file");
    }
    put(&file, 0o600);
    trial.serve();
    trial.add_user("anna", PASSWORD);
    assert_eq!(problem(&trial), None);
}

#[test]
fn passphrase_file_that_is_missing_or_another_opens_nothing() {
    let (mut trial, _tool, url) = open_tool_with_passphrase();
    let code = trial.ok(&["recovery", "create"]).trim().to_owned();
    trial.stop();
    let (file, keys) = (trial.folder().join("passphrase"), keys(&trial));
    assert_eq!(fs::metadata(&file).expect("made by the engine").permissions().mode() & 0o777, 0o600);
    let good = fs::read(&file).expect("a file");
    fs::remove_file(&file).expect("a file");
    trial.serve();
    assert_closed(&trial, "there is no passphrase file at", &keys);
    assert!(!file.exists(), "it is not made anew over sealed data");
    trial.stop();

    put(&file, 0o600);
    trial.serve();
    assert_closed(&trial, "the passphrase file does not open", &keys);
    fs::write(&file, b"").expect("a file");
    assert!(trial.refused(1, &["unlock"]).contains("is empty; bring its content back"));
    fs::write(&file, &good).expect("a file");
    trial.ok(&["unlock"]);
    assert_eq!(trial.curl_as_anna(&[&url]), (200, "ok".to_owned()));
    trial.stop();

    // A passphrase of another installation, and the code: from then on this one is the right one.
    fs::write(&file, b"another passphrase").expect("a file");
    trial.serve();
    assert_closed(&trial, "the passphrase file does not open", &keys);
    assert_eq!(use_code(&trial, &code), Ok(()));
    trial.stop();
    trial.serve();
    assert_eq!(trial.curl_as_anna(&[&url]), (200, "ok".to_owned()));
}

#[test]
fn sealed_values_open_in_their_own_place_only() {
    let (mut trial, tool, url) = open_tool_with_passphrase();
    trial.add_user("bert", "a password of bert's own");
    let stranger = Recorder::start();
    trial.ok(&["tool", "add", "Other", &stranger.url()]);
    trial.stop();
    tool.forget();
    sql(
        &trial,
        "UPDATE user SET password = (SELECT password FROM user WHERE name = 'anna') WHERE name = 'bert';
         INSERT INTO acknowledged SELECT 'other', sealed FROM acknowledged;",
    );
    let settings = trial.home().join("settings.toml");
    let text = fs::read_to_string(&settings).expect("settings");
    fs::write(&settings, text.replace("level = \"local\"", "level = \"lan\"")).expect("settings");
    trial.serve();
    let problems = trial.json(&["status"])["problems"].to_string();
    assert!(problems.contains("bert cannot sign in"), "{problems}");
    assert!(problems.contains("Remove and add the account again."), "{problems}");
    for password in [PASSWORD, "a password of bert's own"] {
        let mut status = 429;
        eventually("the pause after a failure is over", || {
            status = trial.curl(&["--user", &format!("bert:{password}"), &url]).0;
            status != 429
        });
        assert_eq!(status, 401, "{password}");
    }
    assert_eq!(tool.all(), "", "nothing reached the tool");
    assert_eq!(trial.curl_as_anna(&[&url]), (200, "ok".to_owned()));
    let tools = trial.json(&["tool", "list"]);
    assert_eq!((&tools[1]["name"], &tools[1]["level"]), (&"Other".into(), &"local".into()), "{tools}");

    // What the status tells to do works.
    assert!(trial.refused(1, &["user", "add", "Bert"]).contains("already a user called `Bert`"));
    trial.ok(&["user", "remove", "bert"]);
    trial.add_user("bert", "a password of bert's own");
    assert!(!trial.json(&["status"])["problems"].to_string().contains("bert"));
    eventually("the pause after a failure is over", || {
        trial.curl(&["--user", "bert:a password of bert's own", &url]).0 == 200
    });
}

fn open_tool_with_passphrase() -> (Trial, Recorder, String) {
    open(Trial::new())
}

fn put(path: &Path, mode: u32) {
    fs::write(path, b"a passphrase for tests").expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

/// Changes the database as somebody who got hold of the disk could.
fn sql(trial: &Trial, statements: &str) {
    let script =
        "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).executescript(sys.argv[2])";
    let output = Command::new("python3")
        .args(["-c", script])
        .arg(trial.home().join("drawbridge.db"))
        .arg(statements)
        .output()
        .expect("python3 runs; `cargo xtask test` installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
