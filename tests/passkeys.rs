//! Passkeys in a real browser: added, used beside the password and alone, refused, removed.

use crate::{
    programs::{call, login},
    promises::Door,
    support::{Recorder, Trial, browser::Script, trial::PASSWORD},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::Path, process::Command, time::Duration};

/// At a name a local authority may sign.
const NAME: &str = "box.home.arpa";

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn passkeys(trial: &Trial, name: &str) -> Vec<Value> {
    trial.json(&["user", "passkeys", name]).as_array().expect("a list").clone()
}

fn user(trial: &Trial, name: &str) -> Value {
    let users = trial.json(&["user", "list"]);
    users.as_array().expect("a list").iter().find(|user| user["name"] == name).expect("there").clone()
}

/// A browser in which anna adds a passkey, and where more is asked for does everything with it.
pub(crate) fn start(trial: &Trial, pictures: &str, more: Value) -> Script {
    let address = trial.gate();
    trial.ok(&["settings", "set", "lan.names", NAME]);
    let gate = address.replace(&trial.address.to_string(), NAME);
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/node_modules/axe-core/axe.min.js");
    let mut input = json!({
        "gate": gate, "address": address, "names": {NAME: trial.address}, "axe": axe,
        "anna": {"username": "anna", "password": PASSWORD},
        "caPem": trial.authority(),
    });
    if let (Some(input), Value::Object(more)) = (input.as_object_mut(), more) {
        input.extend(more);
    }
    Script::start("passkeys.mjs", pictures, input)
}

#[test]
fn passkeys_stand_in_for_code_and_password_at_a_name() {
    let tool = Recorder::start();
    let mut trial = Trial::sharing(&tool.url(), "lan");
    trial.add_user("bert", PASSWORD);
    let file = |name: &str| trial.folder().join(name);
    let (restarted, removed) = (file("restarted"), file("removed"));
    let bert = json!({"username": "bert", "password": PASSWORD});
    let more = json!({"bert": bert, "restarted": restarted, "removed": removed});
    let mut script = start(&trial, "passkeys", more);
    script.until("beside the password");
    let [key] = &passkeys(&trial, "anna")[..] else { panic!("one passkey") };
    assert_eq!(keys(key), ["id", "name", "host", "alone", "created", "last_used"].into());
    assert_eq!((&key["host"], &key["alone"]), (&NAME.into(), &true.into()));
    assert_eq!(key["name"], "laptop <b>of</b> mine");
    let anna = user(&trial, "anna");
    assert_eq!((&anna["factors"], &anna["strong"]), (&json!(["password", "passkey"]), &true.into()));
    assert_eq!((&anna["passkeys"][0], &anna["recovery_codes"]), (key, &10.into()));
    let (status, said) = trial.curl_as_anna(&[&trial.url("Tool")]);
    assert!((status, said.contains("token-needed")) == (401, true), "{status} {said}");
    programs_take_recovery_codes(&trial);
    trial.kill();
    trial.serve();
    fs::write(&restarted, "").expect("a file");

    script.until("ready to be removed");
    let said = fs::read_to_string(trial.said()).expect("a log");
    assert!(said.contains("a passkey's counter went back"), "{said}");
    let unknown = trial.refused(1, &["user", "passkey-remove", "anna", "feedfeed"]);
    assert!(unknown.contains("feedfeed"), "{unknown}");
    let ids = passkeys(&trial, "anna");
    let phone = ids.iter().find(|key| key["name"] == "phone").expect("the second");
    let remove = ["user", "passkey-remove", "anna", phone["id"].as_str().expect("an id")];
    sql(&trial, "CREATE TRIGGER kept BEFORE DELETE ON passkey BEGIN SELECT RAISE(ABORT, 'kept'); END");
    trial.refused(1, &remove);
    assert_eq!(passkeys(&trial, "anna").len(), 1, "gone at once, also where that cannot be saved");
    let sessions = trial.json(&["session", "list"]);
    assert!(!sessions.as_array().expect("a list").iter().any(|session| session["user"] == "anna"));
    sql(&trial, "DROP TRIGGER kept");
    trial.kill();
    trial.serve();
    let left = trial.json(&remove);
    assert_eq!(left["passkeys"].as_array().map(Vec::len), Some(1));
    fs::write(&removed, "").expect("a file");
    assert_eq!(script.finish().len(), 10);

    assert_eq!(user(&trial, "anna").get("passkeys"), None);
    assert_eq!(passkeys(&trial, "bert").len(), 1);
    let (_, codes) = crate::second_factor::enrol(&trial, "bert");
    assert_eq!(codes, Vec::<String>::new(), "those of the passkey stay");
    let bert = user(&trial, "bert");
    assert_eq!(bert["factors"], json!(["password", "totp", "passkey"]));
    assert_eq!(bert["recovery_codes"], 10);
    let bert = trial.json(&["user", "totp", "bert", "remove"]);
    assert_eq!(bert["factors"], json!(["password"]), "the owner takes all of it");
}

/// There is no app whose code could be right.
fn programs_take_recovery_codes(trial: &Trial) {
    let gate = Door::gate(trial);
    let codes = trial.json(&["user", "totp", "anna", "recovery"])["codes"].clone();
    let mut body = login(PASSWORD);
    assert_eq!(call(gate, "auth/login", &body).status, 401, "the password alone");
    body["code"] = codes[0].clone();
    assert_eq!(call(gate, "auth/login", &body).status, 200);
    body["code"] = json!("000000");
    assert_eq!(call(gate, "auth/login", &body).status, 401);
    std::thread::sleep(Duration::from_secs(2));
}

fn sql(trial: &Trial, statement: &str) {
    let script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(sys.argv[2])";
    let mut python = Command::new("python3");
    let database = trial.home().join("drawbridge.db");
    assert!(python.args(["-c", script]).arg(database).arg(statement).status().expect("it runs").success());
}
