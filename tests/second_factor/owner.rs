//! The owner's commands: setting up, confirming, new recovery codes, taking away.

use super::{Ground, SHORT, enrol, patiently, sessions, user};
use crate::promises::{Door, basic};
use crate::support::{Trial, assert_one_sentence, totp::App, trial::PASSWORD};
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn what_was_begun_gives_nothing_before_it_is_confirmed() {
    let tool = crate::promises::tool::Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let begun = trial.json(&["user", "totp", "anna", "begin"]);
    let keys: BTreeSet<&str> = begun.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["uri", "seed", "expires"].into());
    assert_eq!(user(&trial, "anna")["factors"], json!(["password"]));
    assert_eq!(door.status("GET /", &[&basic("anna", PASSWORD)]), 200, "the password alone, as before");
    let app = App::typed(begun["seed"].as_str().expect("text"));
    for wrong in ["000000", "12345", "", "abcdef"] {
        assert_one_sentence(&trial.refused(1, &["user", "totp", "anna", "confirm", wrong]));
    }
    assert_one_sentence(&trial.refused(1, &["user", "totp", "anna", "recovery"]));
    assert_one_sentence(&trial.refused(1, &["user", "totp", "anna", "remove"]));
    assert_one_sentence(&trial.refused(1, &["user", "totp", "nobody", "begin"]));
    // Another begin voids the first; so does any change of the account.
    let second = trial.json(&["user", "totp", "anna", "begin"]);
    assert_ne!(second["seed"], begun["seed"]);
    assert_one_sentence(&trial.refused(1, &["user", "totp", "anna", "confirm", &app.code(0)]));
    super::set_password(&trial, "anna", PASSWORD);
    let app = App::typed(second["seed"].as_str().expect("text"));
    let said = trial.refused(1, &["user", "totp", "anna", "confirm", &app.code(0)]);
    assert!(said.contains("begin again"), "{said}");
    assert_eq!(user(&trial, "anna")["factors"], json!(["password"]));
}

#[test]
fn confirmed_it_is_needed_everywhere_and_removed_it_is_not() {
    let tool = crate::promises::tool::Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
    let browser = crate::promises::browser::Browser::signed_in(door, gate);
    assert_eq!(door.status("GET /", &[&browser.cookie()]), 200);
    let (app, recovery) = enrol(&trial, "anna");
    let forms: BTreeSet<&String> = recovery.iter().collect();
    assert_eq!(forms.len(), 10);
    assert!(recovery.iter().all(|code| code.len() == 15 && code.split('-').count() == 4), "{recovery:?}");
    let anna = user(&trial, "anna");
    assert_eq!((&anna["factors"], &anna["strong"]), (&json!(["password", "totp"]), &json!(true)));
    assert_eq!(anna["recovery_codes"], 10);
    assert_eq!(sessions(&trial), 0, "what the password alone had opened is over");
    assert_eq!(door.status("GET /", &[&browser.cookie()]), 401);
    assert_eq!(door.status("GET /", &[&basic("anna", PASSWORD)]), 401, "a remembered password, too");
    assert_one_sentence(&trial.refused(1, &["user", "totp", "anna", "begin"]));
    assert_one_sentence(&trial.refused(1, &["user", "totp", "anna", "confirm", &app.code(0)]));
    let listed = trial.ok(&["user", "list"]);
    assert!(listed.contains("second factor"), "{listed}");
    let removed = trial.json(&["user", "totp", "anna", "remove"]);
    assert_eq!(removed["factors"], json!(["password"]));
    assert!(removed.get("recovery_codes").is_none(), "{removed}");
    assert_eq!(door.status("GET /", &[&basic("anna", PASSWORD)]), 200);
}

#[test]
fn at_a_terminal_the_uri_comes_first_and_codes_alone_are_data() {
    let trial = Trial::running();
    trial.add_user("anna", SHORT);
    App::settle();
    let output = trial.run(&["user", "totp", "anna", "begin"]);
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let uri = printed.lines().next().expect("a line");
    let app = App::scan(uri);
    assert!(printed.lines().count() > 15 && printed.contains('█'), "a QR code: {printed}");
    let seed = uri.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).expect("a seed");
    assert!(said.contains(seed) && said.contains("drawbridge user totp anna confirm"), "{said}");
    // By standard input as well: no code stands among the arguments then.
    let output = trial.with_input(&["user", "totp", "anna", "confirm"], &app.code(0));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(printed.lines().count(), 10, "{printed}");
    let again = trial.ok(&["user", "totp", "anna", "recovery"]);
    assert!(again.lines().count() == 10 && again != printed);
    for command in [&["--json", "user", "list"][..], &["--json", "status"]] {
        assert!(!trial.ok(command).contains(seed), "shown once");
    }
}

#[test]
fn seeds_and_codes_lie_nowhere_in_the_home() {
    let mut ground = Ground::new();
    let visitor = ground.visitor("--http2");
    visitor.sign_in("anna", PASSWORD, &ground.recovery[1]);
    let wrong = ground.visitor("--http2");
    assert_eq!(wrong.password("anna", PASSWORD).status, 303);
    assert_eq!(wrong.code(&ground.recovery[1]).status, 403);
    let code = ground.app.code(1);
    assert_eq!(patiently(|| wrong.code(&code)).status, 303);
    ground.trial.stop();
    let plain: Vec<String> =
        ground.recovery.iter().flat_map(|code| [code.clone(), code.replace('-', "")]).collect();
    let mut files = 0;
    let mut waiting = vec![ground.trial.home()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).expect("a folder").flatten().map(|entry| entry.path()));
            continue;
        }
        let Ok(bytes) = std::fs::read(&path) else { continue };
        files += 1;
        let has = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        for code in &plain {
            assert!(!has(code.as_bytes()), "{} holds a recovery code", path.display());
        }
        assert!(!has(ground.app.seed()), "{} holds the seed", path.display());
        assert!(!has(b"otpauth") && !has(b"second-factor?code"), "{}", path.display());
    }
    assert!(files >= 4, "only {files} files were read");
}

#[test]
fn a_factor_that_does_not_open_or_lacks_a_part_lets_nobody_in() {
    for damage in [
        "UPDATE totp SET seed = randomblob(60)",
        "UPDATE recovery SET key = randomblob(60)",
        "INSERT INTO passkey VALUES ('feed', 1, 'phone', 'box.home.arpa', randomblob(60), 0, 0, NULL)",
        "DELETE FROM recovery",
        "DELETE FROM totp",
    ] {
        let mut ground = Ground::new();
        ground.trial.stop();
        let database = ground.trial.home().join("drawbridge.db");
        let script =
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()";
        let mut python = std::process::Command::new("python3");
        let done = python.args(["-c", script]).arg(&database).arg(damage).status().expect("python3 runs");
        assert!(done.success());
        ground.trial.serve();
        assert_eq!(ground.trial.json(&["user", "list"]), json!([]), "{damage}");
        let problems = ground.trial.json(&["status"])["problems"].to_string();
        assert!(problems.contains("anna cannot sign in"), "{problems}");
    }
}
