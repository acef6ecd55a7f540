//! Programs: at the gate's API with a device of their own, and over Basic from a network the owner let in.

use super::Ground;
use crate::{
    programs::{Pair, call, login},
    promises::{Door, basic, wire::Reply},
    support::trial::PASSWORD,
};
use serde_json::{Value, json};

fn problem(reply: &Reply) -> Value {
    let problem: Value = serde_json::from_str(&reply.body).unwrap_or_else(|_| panic!("{reply:?}"));
    assert_eq!((reply.status, &problem["type"]), (403, &json!("urn:drawbridge:problem:approval-pending")));
    assert_eq!(reply.field("content-type"), Some("application/problem+json"));
    problem
}

#[test]
fn the_api_says_what_is_pending_and_goes_on_with_the_device_it_named() {
    let ground = Ground::asking();
    let gate = Door::gate(&ground.trial);
    let first = problem(&call(gate, "auth/login", &login(PASSWORD)));
    let waiting = ground.waiting();
    assert_eq!(first["number"], waiting[0]["number"]);
    let device = first["device"].as_str().expect("a token").to_owned();
    let with = |device: &str| {
        let mut body = login(PASSWORD);
        body["device"] = json!(device);
        call(gate, "auth/login", &body)
    };
    let again = problem(&with(&device));
    assert_eq!((&again["device"], &again["number"]), (&first["device"], &first["number"]));
    let other = problem(&call(gate, "auth/login", &login(PASSWORD)));
    assert!(other.get("device").is_none(), "another device of the account waits: {other}");

    ground.trial.ok(&["approval", "allow", &ground.id()]);
    Pair::of(&with(&device));
    let once = problem(&with(&device));
    assert_ne!(once["device"], first["device"], "it was for once, and the next is another");
    let device = once["device"].as_str().expect("a token").to_owned();
    ground.trial.ok(&["approval", "allow", &ground.id(), "--always"]);
    for _ in 0..2 {
        Pair::of(&with(&device));
    }
    assert_eq!(ground.devices().len(), 1);
    let mut wrong = login("not the password");
    wrong["device"] = json!(device);
    assert_eq!(call(gate, "auth/login", &wrong).status, 401, "it opens nothing by itself");
}

#[test]
fn over_basic_one_network_is_let_in_for_a_while_and_tokens_need_no_asking() {
    let ground = Ground::asking();
    let door = Door::of(&ground.trial, "Tool");
    let field = basic("anna", PASSWORD);
    for _ in 0..3 {
        problem(&door.ask("GET /", &[&field]).expect("an answer"));
    }
    let waiting = ground.waiting();
    let [one] = waiting.as_slice() else { panic!("{waiting:?}") };
    assert_eq!((&one["number"], &one["user"]), (&Value::Null, &json!("anna")));
    let token = ground.trial.json(&["token", "create", "anna"])["secret"].as_str().unwrap().to_owned();
    assert_eq!(door.status("GET /", &[&basic("anna", &token)]), 200);
    let from_elsewhere = || {
        let url = ground.trial.url("Tool");
        let user = format!("anna:{PASSWORD}");
        ground.trial.curl(&["--insecure", "--interface", "127.0.0.77", "--user", &user, &url]).0
    };
    ground.trial.ok(&["approval", "allow", &ground.id()]);
    assert_eq!(door.status("GET /", &[&field]), 200);
    assert!(ground.waiting().is_empty() && ground.devices().is_empty());
    assert_eq!(from_elsewhere(), 403);
    let waiting = ground.waiting();
    assert_eq!(waiting[0]["address"], "127.0.0.77");
    assert_eq!(door.status("GET /", &[&field]), 200, "who was let in stays in");
    let set = ground.trial.with_input(&["user", "passwd", "anna", "--password-stdin"], PASSWORD);
    assert!(set.status.success());
    problem(&door.ask("GET /", &[&field]).expect("an answer"));
}
