//! `user import`: all of a list or none, every kind of hash, and what a first sign-in makes of it.

use super::{KINDS, STRONG, WEAK, WEAK_HASH, ask, import, imported, user};
use crate::{
    promises::{Door, basic},
    support::{Recorder, Trial, assert_one_sentence, eventually, trial::PASSWORD},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

fn list() -> String {
    KINDS.iter().map(|(name, hash)| format!("{name}:{hash}\n")).collect()
}

#[test]
fn every_kind_of_hash_signs_in_and_is_ours_after_the_first_success() {
    let tool = Recorder::start();
    let mut trial = Trial::sharing(&tool.url(), "lan");
    let file = trial.folder().join("users.htpasswd");
    fs::write(&file, format!("# from the old server\r\n\r\n{}", list().replace('\n', "\r\n")))
        .expect("a file");
    let told = trial.json(&["user", "import", &file.display().to_string()]);
    let names = |users: &Value| -> Vec<String> {
        let users = users.as_array().expect("a list").iter();
        users.map(|user| user["name"].as_str().expect("text").to_owned()).collect()
    };
    assert_eq!(names(&told), KINDS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for told in told.as_array().expect("a list") {
        assert_eq!((&told["strong"], &told["unproven"]), (&json!(false), &json!(true)));
        assert_eq!((&told["admin"], &told["tools"]), (&json!(false), &Value::Null));
    }
    assert!(trial.ok(&["user", "list"]).contains("password not seen yet"));
    let door = Door::of(&trial, "Tool");
    for (name, _) in KINDS {
        assert_eq!(door.status("GET /", &[&basic(name, STRONG)]), 200, "{name}");
        eventually("the account is proven", || user(&trial, name)["strong"] == true);
        assert_eq!(user(&trial, name).get("unproven"), None, "{name}");
    }
    // Stored, and by a hash of our own: the engine that starts now knows nothing else.
    trial.stop();
    trial.serve();
    for (name, _) in KINDS {
        let user = user(&trial, name);
        assert_eq!((&user["strong"], user.get("unproven")), (&json!(true), None), "{name}");
        assert_eq!(door.status("GET /", &[&basic(name, STRONG)]), 200, "{name}");
    }
    assert_eq!(door.status("GET /", &[&basic("apr1", "correct horse batterz")]), 401);
    let log = fs::read_to_string(trial.home().join("logs/drawbridge.log")).expect("a log");
    let count = log.matches("a password was hashed anew").count();
    assert_eq!(count, KINDS.len(), "once for each: {log}");
}

#[test]
fn one_bad_line_imports_nobody_and_every_bad_line_is_named() {
    let trial = Trial::running();
    trial.add_user("Anna", PASSWORD);
    let before = trial.json(&["user", "list"]);
    let (good, eighty_six) = (KINDS[3].1, ".".repeat(86));
    let bad = format!(
        "ben:{good}\ncora:hunter2-in-clear\ndora:abhfCpXqd4GrI\nemil:$1$salt$W7Y1vPGGtxGVIY6qatM5e0\n\
         fred:$2y$15${}\ngina:$6$rounds=1000001$s${eighty_six}\nhugo\nben:{good}\na/b:{good}\n",
        "a".repeat(53)
    );
    let output = import(&trial, &bad, &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert_one_sentence(&said);
    for line in 2..=9 {
        assert!(said.contains(&format!("line {line}: ")), "{line}: {said}");
    }
    assert!(!said.contains("line 1: ") && !said.contains("hunter2") && !said.contains("W7Y1"), "{said}");
    assert_eq!(trial.json(&["user", "list"]), before, "nobody came");
    // A list that is good but for who is there already is a conflict, in any case of letters.
    let known = format!("ben:{good}\nanna:{good}\n");
    let (status, problem) = ask(&trial, &json!({"request": "user-import", "lines": known}));
    assert_eq!((status, &problem["type"]), (409, &json!("conflict")));
    assert!(problem["detail"].as_str().is_some_and(|said| said.contains("line 2: ")), "{problem}");
    let (status, problem) = ask(&trial, &json!({"request": "user-import", "lines": bad}));
    assert_eq!((status, &problem["type"]), (400, &json!("invalid")));
    assert_eq!(trial.json(&["user", "list"]), before, "nobody came");
}

#[test]
fn hashes_that_cost_too_much_are_refused_by_their_line() {
    let trial = Trial::running();
    let (letters, digits) = (".".repeat(86), "0".repeat(128));
    for costly in [
        format!("$2b$31${}", &letters[..53]),
        format!("$2b$15${}", &letters[..53]),
        format!("$5$rounds=999999999$s${}", &letters[..43]),
        format!("$6$rounds=1000001$s${letters}"),
        format!("pbkdf2:sha256:4294967295$salt${}", &digits[..64]),
        format!("pbkdf2:sha256:2000001$salt${}", &digits[..64]),
        format!("scrypt:1048576:8:1$salt${digits}"),
        format!("scrypt:1024:8:5$salt${digits}"),
        format!("scrypt:1024:33:1$salt${digits}"),
    ] {
        let output = import(&trial, &format!("# one\nanna:{costly}\n"), &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{costly}");
        assert!(said.contains("line 2: ") && said.contains("too much"), "{costly}: {said}");
    }
    assert_eq!(trial.json(&["user", "list"]), json!([]));
}

#[test]
fn a_list_is_bounded_and_must_name_somebody() {
    let trial = Trial::running();
    let long = format!("{}# {}", list(), "x".repeat(128 * 1024));
    for (list, word) in [(long.as_str(), "128 KiB"), ("# nobody\n", "nobody"), ("", "nobody")] {
        let output = import(&trial, list, &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert_one_sentence(&said);
        assert!(said.contains(word), "{said}");
    }
    let said = trial.refused(1, &["user", "import", "/nonexistent/users"]);
    assert_one_sentence(&said);
    assert_eq!(trial.json(&["user", "list"]), json!([]));
}

#[test]
fn imported_users_reach_the_tools_they_are_given() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "lan");
    trial.ok(&["tool", "add", "Other", &tool.url()]);
    trial.ok(&["level", "Other", "lan"]);
    let output = import(&trial, &format!("ben:{}\n", KINDS[3].1), &["--tools", "Other"]);
    assert!(output.status.success());
    assert_eq!(user(&trial, "ben")["tools"], json!(["Other"]));
    assert_eq!(Door::of(&trial, "Other").status("GET /", &[&basic("ben", STRONG)]), 200);
    assert_eq!(Door::of(&trial, "Tool").status("GET /", &[&basic("ben", STRONG)]), 403);
    let output = import(&trial, &format!("cora:{}\n", KINDS[3].1), &["--tools", "None"]);
    assert_eq!(output.status.code(), Some(1), "a tool nobody has");
}

#[test]
fn what_the_first_success_let_in_goes_on_while_its_hash_is_saved() {
    let proven = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&proven);
    // Answers only when the account is proven, so the exchange is under way while the account is replaced.
    let tool = Recorder::serving(move |stream, _| {
        eventually("the account is proven", || seen.load(Ordering::SeqCst));
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").is_ok()
    });
    let trial = Trial::sharing(&tool.url(), "lan");
    imported(&trial, &list());
    let door = Door::of(&trial, "Tool");
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| door.status("GET /", &[&basic("apr1", STRONG)]));
        eventually("the account is proven", || user(&trial, "apr1")["strong"] == true);
        // Longer than the look that ends what was withdrawn.
        let after = std::time::Instant::now();
        eventually("the look went by", || after.elapsed() > std::time::Duration::from_secs(1));
        proven.store(true, Ordering::SeqCst);
        assert_eq!(answer.join().expect("no panic there"), 200);
    });
}

#[test]
fn a_password_set_by_the_owner_takes_the_imported_one_away() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "lan");
    imported(&trial, &format!("ben:{WEAK_HASH}\n"));
    let set = trial.with_input(&["user", "passwd", "ben", "--password-stdin"], PASSWORD);
    assert!(set.status.success());
    assert_eq!(user(&trial, "ben").get("unproven"), None);
    let door = Door::of(&trial, "Tool");
    assert_eq!(door.status("GET /", &[&basic("ben", PASSWORD)]), 200);
    assert_eq!(door.status("GET /", &[&basic("ben", WEAK)]), 401);
}

#[test]
fn no_imported_hash_lies_in_clear_in_the_home() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "lan");
    imported(&trial, &list());
    assert_eq!(Door::of(&trial, "Tool").status("GET /", &[&basic("apr1", STRONG)]), 200);
    for path in files(&trial.home()) {
        let bytes = fs::read(&path).expect("a file");
        for (name, hash) in KINDS {
            // Without what stands before the salt, which is no secret.
            let secret = &hash.as_bytes()[hash.len() - 16..];
            let found = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "{} holds the hash of {name}", path.display());
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let nested = entries.map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    nested.flatten().filter(|path| path.is_file()).collect()
}
