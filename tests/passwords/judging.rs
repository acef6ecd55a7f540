//! How good a password would be: asked before it is set, and the same rules when it is.

use super::{WEAK, ask};
use crate::support::{Trial, trial::PASSWORD};
use serde_json::{Value, json};

fn judged(trial: &Trial, name: &str, password: &str) -> Value {
    let (status, judgement) =
        ask(trial, &json!({"request": "password-check", "name": name, "password": password}));
    assert_eq!(status, 200, "{judgement}");
    judgement
}

#[test]
fn a_password_is_judged_as_setting_it_would_be() {
    let trial = Trial::running();
    for (password, lan, internet) in [
        ("", false, false),
        (WEAK, false, false),
        ("password", false, false),
        ("annabella", false, false),
        ("vK3#q9zT", true, false),
        ("14-characters!", true, false),
        ("15-characters!!", true, true),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", false, false),
        (PASSWORD, true, true),
    ] {
        let judgement = judged(&trial, "annabella", password);
        let found = (&judgement["lan"], &judgement["internet"]);
        assert_eq!(found, (&json!(lan), &json!(internet)), "{password}: {judgement}");
        assert!(judgement["score"].as_u64().is_some_and(|score| score <= 4), "{judgement}");
        let add = json!({"request": "user-add", "name": "annabella", "password": password});
        let (status, reply) = ask(&trial, &add);
        if lan {
            assert_eq!((status, &judgement["refusal"]), (200, &Value::Null), "{password}");
            assert_eq!(reply["user"]["strong"], internet, "{password}");
            trial.ok(&["user", "remove", "annabella"]);
        } else {
            assert_eq!((status, &judgement["refusal"]), (400, &reply), "{password}: said as it is refused");
        }
    }
    let score = |password: &str| judged(&trial, "anna", password)["score"].as_u64().expect("a number");
    assert_eq!((score("password"), score(PASSWORD)), (0, 4));
}

#[test]
fn judging_changes_nothing_and_is_bounded() {
    let trial = Trial::running();
    let before = trial.json(&["status"])["revision"].clone();
    judged(&trial, "anna", PASSWORD);
    let long = "kf93Lq.".repeat(7_000);
    assert_eq!(judged(&trial, &long, &long)["lan"], false, "too long");
    assert_eq!(trial.json(&["status"])["revision"], before);
    assert_eq!(trial.json(&["user", "list"]), json!([]));
}

#[test]
fn whoever_sets_a_short_password_is_told_what_it_is_not_enough_for() {
    let trial = Trial::running();
    let said = |arguments: &[&str], password: &str| {
        let output = trial.with_input(arguments, password);
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(said(&["user", "add", "anna", "--password-stdin"], "vK3#q9zT").contains("local network only"));
    assert!(said(&["user", "passwd", "anna", "--password-stdin"], "vK3#q9zU").contains("local network only"));
    assert!(!said(&["user", "passwd", "anna", "--password-stdin"], PASSWORD).contains("local network only"));
    assert!(!said(&["user", "add", "ben"], "").contains("local network only"), "a made one is long");
}
