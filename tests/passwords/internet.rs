//! Imported users at the internet's door: in with a strong password at once, and the same "wrong" for everybody else.

use super::{KINDS, STRONG, WEAK, WEAK_HASH, imported, user};
use crate::{
    promises::{Door, basic, browser::Browser},
    support::{Recorder, Trial, assert_one_sentence, eventually},
};

/// A tool on the internet with these imported users, all unproven.
fn sharing(tool: &Recorder, list: &str) -> (Trial, Door, Door) {
    let trial = Trial::sharing(&tool.url(), "internet");
    imported(&trial, list);
    let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
    (trial, door, gate)
}

#[test]
fn a_strong_imported_password_gets_in_at_the_first_try_in_both_ways() {
    let tool = Recorder::start();
    let (apr1, bcrypt) = (KINDS[3].1, KINDS[2].1);
    let (trial, door, gate) = sharing(&tool, &format!("ben:{apr1}\ncora:{bcrypt}\n"));
    assert_eq!(door.status("GET /", &[&basic("ben", STRONG)]), 200, "by Basic");
    let mut browser = Browser::begun(door);
    let reply = browser.post(gate, "cora", STRONG);
    assert_eq!(reply.status, 303, "by the form: {}", reply.head);
    let location = reply.field("location").expect("a way back");
    browser.enter = location.strip_prefix(&door.origin()).expect("this door").to_owned();
    let entered = browser.enter(door).expect("an answer");
    browser.door = entered.cookie("drawbridge-").expect("a session at the door");
    assert_eq!(door.status("GET /", &[&browser.cookie()]), 200);
    for name in ["ben", "cora"] {
        eventually("it is saved", || user(&trial, name)["strong"] == true);
    }
    assert_eq!(door.status("GET /", &[&browser.cookie()]), 200, "the session outlives the saving");
}

#[test]
fn a_weak_imported_password_is_answered_like_a_wrong_one_and_leaves_no_trace() {
    let tool = Recorder::start();
    let (trial, door, gate) = sharing(&tool, &format!("ben:{WEAK_HASH}\ncora:{WEAK_HASH}\n"));
    let page = |name: &str, password: &str| {
        let reply = Browser::begun(door).post(gate, name, password);
        (reply.status, reply.body.replace(&format!("value=\"{name}\""), "value=\"NAME\""))
    };
    let (weak, wrong, nobody) = (page("ben", WEAK), page("cora", "no such password"), page("emil", WEAK));
    assert_eq!(weak.0, 403);
    let mark = |page: &(u16, String)| {
        // The way back has a mark of its own in every browser.
        let lines = page.1.lines().filter(|line| !line.contains("state")).collect::<Vec<_>>();
        (page.0, lines.join("\n"))
    };
    assert_eq!(mark(&weak), mark(&wrong));
    assert_eq!(mark(&weak), mark(&nobody));
    assert_eq!(user(&trial, "ben")["unproven"], true, "a right guess from outside changes nothing");
    assert_eq!(tool.all(), "", "nothing reached the tool");
    // On the local network the same password is fine, and then known to be too short for the internet.
    trial.ok(&["level", "Tool", "lan"]);
    let door = Door::of(&trial, "Tool");
    eventually("the pause is over", || door.status("GET /", &[&basic("ben", WEAK)]) == 200);
    eventually("it is known", || user(&trial, "ben").get("unproven").is_none());
    assert_eq!(user(&trial, "ben")["strong"], false);
    trial.ok(&["level", "Tool", "internet"]);
    assert_eq!(Door::of(&trial, "Tool").status("GET /", &[&basic("ben", WEAK)]), 401);
}

#[test]
fn users_that_are_all_unproven_open_no_door_to_the_internet() {
    let trial = Trial::running();
    trial.ok(&["tool", "add", "Tool", "9"]);
    imported(&trial, &format!("ben:{}\n", KINDS[3].1));
    assert_one_sentence(&trial.refused(1, &["level", "Tool", "internet"]));
    trial.ok(&["level", "Tool", "lan"]);
}
