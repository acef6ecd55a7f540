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
fn the_api_says_what_is_pending_and_goes_on_with_what_it_named() {
    let ground = Ground::asking();
    let gate = Door::gate(&ground.trial);
    let with = |member: &str, value: &str| {
        let mut body = login(PASSWORD);
        body[member] = json!(value);
        call(gate, "auth/login", &body)
    };
    let first = problem(&call(gate, "auth/login", &login(PASSWORD)));
    let waiting = ground.waiting();
    assert_eq!(first["number"], waiting[0]["number"]);
    let approval = first["approval"].as_str().expect("a token").to_owned();
    let again = problem(&with("approval", &approval));
    assert_eq!((&again["approval"], &again["number"]), (&first["approval"], &first["number"]));
    assert!((1..=300).contains(&again["expires_in"].as_u64().expect("seconds")));
    let other = call(gate, "auth/login", &login(PASSWORD));
    assert_eq!((other.status, other.body.contains("approval-later")), (403, true), "{other:?}");
    assert!(other.field("retry-after").is_some(), "another device of the account waits");

    ground.trial.ok(&["approval", "allow", &ground.id()]);
    // A cookie of the same name is no browser that asked.
    let cookie = format!(
        "cookie: __Host-Http-drawbridge-question-{}={approval}",
        gate.origin().rsplit(':').next().expect("a port")
    );
    assert_eq!(gate.status("GET /approval", &[&cookie]), 303);
    let once = with("approval", &approval);
    Pair::of(&once);
    assert!(!once.body.contains("device"), "{}", once.body);
    let second = problem(&with("approval", &approval));
    assert!(second.get("number").is_none(), "used up a moment ago: {second}");

    let another = problem(&call(gate, "auth/login", &login(PASSWORD)));
    let approval = another["approval"].as_str().expect("a token").to_owned();
    ground.trial.ok(&["approval", "allow", &ground.id(), "--always"]);
    let known = with("approval", &approval);
    Pair::of(&known);
    let known: Value = serde_json::from_str(&known.body).expect("JSON");
    let device = known["device"].as_str().expect("a token").to_owned();
    for _ in 0..2 {
        Pair::of(&with("device", &device));
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
    ground.trial.refused(1, &["approval", "allow", &ground.id(), "--always"]);
    ground.trial.ok(&["approval", "allow", &ground.id()]);
    assert_eq!(door.status("GET /", &[&field]), 200);
    assert!(ground.waiting().is_empty());
    let devices = ground.devices();
    assert_eq!((devices.len(), &devices[0]["network"]), (1, &waiting[0]["address"]));
    assert_eq!(from_elsewhere(), 403);
    let waiting = ground.waiting();
    assert_eq!(waiting[0]["address"], "127.0.0.77");
    assert_eq!(door.status("GET /", &[&field]), 200, "who was let in stays in");
    ground.trial.ok(&["approval", "forget", devices[0]["id"].as_str().expect("an id")]);
    assert_eq!(door.status("GET /", &[&field]), 403, "until the owner says otherwise");
    let set = ground.trial.with_input(&["user", "passwd", "anna", "--password-stdin"], PASSWORD);
    assert!(set.status.success());
    problem(&door.ask("GET /", &[&field]).expect("an answer"));
}
