//! What ends a pass, what only closes its door, and that everything running through it ends with it.

use super::{Ground, asks_for_a_password, create, look, make_at_gate, open};
use crate::{
    promises::{Door, browser::Browser, wire::Wire},
    support::{eventually, eventually_within, trial::PASSWORD},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A WebSocket of this browser that echoes.
fn socket(door: Door, guest: &Browser) -> Wire {
    let mut wire = Wire::open(door.address);
    let fields = [
        &*guest.cookie(),
        &format!("origin: {}", door.origin()),
        "connection: Upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    assert!(wire.send(door.request("GET /socket", &fields)));
    assert_eq!(wire.reply().map(|reply| reply.status), Some(101));
    assert!(wire.send("hello") && wire.reads("hello"));
    wire
}

#[test]
fn a_pass_that_is_over_ends_what_runs_through_it_to_the_second() {
    let mut ground = Ground::new("lan");
    let link = create(&ground.trial, &["Tool"]);
    let (door, gate) = (ground.door(), ground.gate());
    let guest = Browser::guest(door, gate, &link.code);
    ground.trial.stop();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let end = now.as_secs() + 6;
    ground.sql(&format!("UPDATE pass SET expires = {end}"));
    ground.trial.serve();
    let mut wire = socket(door, &guest);
    let left = (UNIX_EPOCH + Duration::from_secs(end)).duration_since(SystemTime::now()).expect("still good");
    let over = Instant::now() + left;
    assert!(!wire.ends_by(over - Duration::from_millis(300)), "not before its time");
    assert!(wire.ends_by(over + Duration::from_millis(1500)), "the tunnel goes on");
    assert_eq!(door.status("GET /", &[&guest.cookie()]), 401);
    assert_eq!(look(&ground.visitor("--http2"), &link.code).status, 403);
    assert_eq!(ground.trial.json(&["pass", "list"]), json!([]));
    eventually("it is no visitor any more", || ground.trial.json(&["status"])["visitors"] == json!([]));
    ground.trial.kill();
    ground.trial.serve();
    assert_eq!(door.status("GET /", &[&guest.cookie()]), 401);
}

#[test]
fn a_pass_was_for_the_program_that_was_meant() {
    let ground = Ground::new("lan");
    let link = create(&ground.trial, &["Tool"]);
    let (door, gate) = (ground.door(), ground.gate());
    let guest = Browser::guest(door, gate, &link.code);
    ground.trial.ok(&["level", "Tool", "local"]);
    ground.trial.ok(&["tool", "set", "Tool", "--name", "Tools"]);
    assert_eq!(ground.trial.json(&["pass", "list"]).as_array().map(Vec::len), Some(1));
    ground.trial.ok(&["tool", "set", "Tools", "--url", "http://127.0.0.1:9"]);
    assert_eq!(ground.trial.json(&["pass", "list"]), json!([]));
    ground.trial.ok(&["tool", "set", "Tools", "--url", &ground.tool.url()]);
    ground.trial.ok(&["level", "Tools", "lan"]);
    assert_eq!(door.status("GET /", &[&guest.cookie()]), 401);
}

#[test]
fn a_revoked_pass_ends_its_socket_and_its_socket_tokens() {
    let ground = Ground::new("lan");
    let link = create(&ground.trial, &["Tool"]);
    let (door, gate) = (ground.door(), ground.gate());
    let guest = Browser::guest(door, gate, &link.code);
    let mut wire = socket(door, &guest);
    let token = || {
        let reply = door.ask("GET /.drawbridge/api/ws-token", &[&guest.cookie()]).expect("an answer");
        let answer: Value = serde_json::from_str(&reply.body).expect("JSON");
        answer["token"].as_str().expect("a token").to_owned()
    };
    let shake = |token: &str| {
        let upgrade = ["connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13"];
        let fields = [&upgrade[..], &["sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="]].concat();
        door.status(&format!("GET /socket?drawbridge_token={token}"), &fields)
    };
    let (good, late) = (token(), token());
    assert_eq!(shake(&good), 101);
    ground.trial.ok(&["pass", "revoke", &link.id]);
    assert!(wire.ends_by(Instant::now() + Duration::from_millis(1500)), "the tunnel goes on");
    assert_eq!(shake(&late), 403);
    eventually_within(Duration::from_secs(2), "nobody is in", || ground.tool.open() == 0);
}

#[test]
fn a_pass_outlives_the_closing_of_its_tool_and_opens_nothing_meanwhile() {
    let ground = Ground::new("lan");
    let (bound, waiting) = (create(&ground.trial, &["Tool"]), create(&ground.trial, &["Tool"]));
    let guest = ground.visitor("--http2");
    assert_eq!(open(&guest, &bound.code).status, 303);
    let door = ground.door();
    ground.trial.ok(&["level", "Tool", "local"]);
    for code in [&bound.code, &waiting.code] {
        let page = look(&guest, code);
        assert_eq!((page.status, page.body.contains("closed right now")), (200, true), "{page:?}");
        assert!(!page.body.contains("<form"), "{page:?}");
        let pressed = super::press(&guest, code);
        assert!(pressed.status == 200 && pressed.body.contains("closed right now"), "{pressed:?}");
    }
    let passes = ground.trial.json(&["pass", "list"]);
    let is_bound = |pass: &&Value| pass["id"] == waiting.id.as_str() && !pass["device"].is_null();
    assert!(passes.as_array().unwrap().iter().find(is_bound).is_none(), "{passes}");
    ground.trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(ground.door().address, door.address, "doors keep their ports");
    assert_eq!(ground.go(&guest, "Tool").body, "GET /");
    assert_eq!(open(&guest, &waiting.code).status, 303);
}

#[test]
fn a_removed_tool_takes_its_passes_along_and_the_next_of_its_name_gets_none() {
    let ground = Ground::new("lan");
    let (bound, waiting) = (create(&ground.trial, &["Tool"]), create(&ground.trial, &["Tool"]));
    let guest = ground.visitor("--http2");
    assert_eq!(open(&guest, &bound.code).status, 303);
    assert_eq!(ground.go(&guest, "Tool").body, "GET /");
    ground.tool.take();
    ground.trial.ok(&["tool", "remove", "Tool"]);
    assert_eq!(ground.trial.json(&["pass", "list"]), json!([]));
    ground.trial.ok(&["tool", "add", "Tool", &ground.tool.url()]);
    ground.trial.ok(&["level", "Tool", "lan"]);
    for link in [&bound, &waiting] {
        assert_eq!(look(&guest, &link.code).status, 403);
    }
    assert!(asks_for_a_password(&ground.go(&guest, "Tool")));
    assert!(ground.tool.take().is_empty());
}

#[test]
fn what_ended_with_its_makers_right_does_not_come_back_with_it() {
    let ground = Ground::new("lan");
    let (door, gate) = (ground.door(), ground.gate());
    let back_again: [(&[&str], &[&str]); 2] = [
        (&["--disabled", "true"], &["--disabled", "false"]),
        (&["--tools", "Other"], &["--tools", "Tool,Other"]),
    ];
    for (name, (away, back)) in ["ben", "cora"].into_iter().zip(back_again) {
        ground.trial.add_user(name, PASSWORD);
        let cookie = Browser::signed_in_as(name, door, gate).gate;
        let (waiting, bound) = (make_at_gate(gate, &cookie, "tool"), make_at_gate(gate, &cookie, "tool"));
        let other = make_at_gate(gate, &cookie, "other");
        let guest = Browser::guest(door, gate, &bound);
        assert_eq!(door.status("GET /", &[&guest.cookie()]), 200);
        ground.trial.ok(&[&["user", "set", name], away].concat());
        assert_eq!(door.status("GET /", &[&guest.cookie()]), 401, "{name}");
        ground.trial.ok(&[&["user", "set", name], back].concat());
        assert_eq!(door.status("GET /", &[&guest.cookie()]), 401, "{name}, for good");
        let visitor = ground.visitor("--http2");
        assert_eq!(look(&visitor, &waiting).status, 403, "{name}");
        let stays = if away[0] == "--tools" { 200 } else { 403 };
        assert_eq!(look(&visitor, &other).status, stays, "{name}, a tool that was not taken away");
    }
    // The owner's stay, whoever comes and goes.
    let link = create(&ground.trial, &["Tool"]);
    let guest = Browser::guest(door, gate, &link.code);
    for name in ["anna", "ben", "cora"] {
        ground.trial.ok(&["user", "remove", name]);
    }
    assert_eq!(door.status("GET /", &[&guest.cookie()]), 200);
}

#[test]
fn a_second_factor_ends_the_passes_that_the_password_alone_made() {
    let ground = Ground::new("lan");
    let (door, gate) = (ground.door(), ground.gate());
    let code = make_at_gate(gate, &Browser::signed_in(door, gate).gate, "tool");
    let guest = Browser::guest(door, gate, &code);
    crate::second_factor::enrol(&ground.trial, "anna");
    assert_eq!(door.status("GET /", &[&guest.cookie()]), 401);
    assert_eq!(ground.trial.json(&["pass", "list"]), json!([]));
}
