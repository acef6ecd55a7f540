//! How it ends: at its time, with its door, its network, its level and this process; and that nothing brings it back.

use super::anybody::{ALLOW, knock, seen};
use crate::{
    promises::{Door, revocation::ends_alone, tool::Tool, wire::Wire},
    support::{Enclosure, Recorder, Trial, eventually_within, trial::PASSWORD},
};
use serde_json::Value;
use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

/// What a timer promises, with room for its tick.
const TIMER: Duration = Duration::from_secs(5);

#[test]
fn whoever_came_in_is_out_within_a_second_after_the_end() {
    ends_alone(
        "level --password",
        |trial| {
            trial.ok(&ALLOW);
            ("x-nothing", "1".to_owned())
        },
        |trial| drop(trial.ok(&["level", "Tool", "lan", "--password"])),
    );
}

#[test]
fn without_any_account_it_opens_and_closes_at_its_time() {
    let tool = Tool::with_sockets();
    let trial = Trial::running();
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    let opened = trial.json(&[&ALLOW[..], &["--for", "4s"]].concat());
    assert_eq!((&opened["level"], &opened["until"]), (&"lan".into(), &opened["anybody_until"]));
    let door = Door::of(&trial, "Tool");
    assert_eq!(knock(door), [200, 200]);
    let mut socket = Wire::open(door.address);
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
    socket.send(
        door.request(
            "GET /",
            &["connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13", key],
        ),
    );
    assert_eq!(socket.reply().map(|reply| reply.status), Some(101));
    assert!(socket.ends_by(Instant::now() + Duration::from_secs(4) + TIMER), "the tunnel ends with its time");
    eventually_within(TIMER, "it closes by itself", || trial.listening().is_empty());
    assert_eq!(seen(&trial)["level"], "local");
    trial.refused(1, &["level", "Tool", "lan"]);
}

#[test]
fn a_tool_that_was_open_asks_for_a_password_at_its_time() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    trial.ok(&[&ALLOW[..], &["--for", "2s"]].concat());
    assert_eq!(knock(door), [200, 200]);
    eventually_within(TIMER, "a password is asked for", || knock(door) == [401, 401]);
    assert_eq!((&seen(&trial)["level"], seen(&trial).get("anybody_until")), (&"lan".into(), None));
    // No longer than the tool itself is open.
    let until = trial.json(&["level", "Tool", "lan", "--for", "1h"])["until"].clone();
    assert_eq!(trial.json(&[&ALLOW[..], &["--for", "3h"]].concat())["anybody_until"], until);
}

#[test]
fn neither_a_restart_nor_a_power_cut_brings_it_back() {
    let tool = Tool::echoing();
    let mut trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    for cut in [false, true] {
        trial.ok(&ALLOW);
        assert_eq!(knock(door), [200, 200]);
        if cut {
            trial.kill()
        } else {
            trial.stop()
        }
        let settings = fs::read_to_string(trial.home().join("settings.toml")).expect("settings");
        assert!(!settings.contains("anybody") && !settings.contains("password"), "{settings}");
        trial.serve();
        assert_eq!((knock(door), seen(&trial).get("anybody_until")), ([401, 401], None));
        assert_eq!(seen(&trial)["level"], "lan");
    }
    // Nor does the file: it knows no such word.
    trial.stop();
    let file = trial.home().join("settings.toml");
    let settings = fs::read_to_string(&file).expect("settings");
    fs::write(&file, settings.replace("level = \"lan\"", "level = \"lan\"\nanybody_until = 4000000000"))
        .expect("written");
    trial.serve();
    assert_eq!(trial.listening(), Vec::<u16>::new(), "what is not understood closes everything");
}

#[test]
fn every_other_level_ends_it_and_the_internet_never_has_it() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let near = Door::of(&trial, "Tool");
    let allow = || assert!(trial.json(&ALLOW)["anybody_until"].is_u64());
    allow();
    trial.ok(&["level", "Tool", "internet"]);
    let far = Door::of(&trial, "Tool");
    assert_ne!(near.address, far.address);
    assert_eq!((knock(near), knock(far)), ([401, 401], [401, 401]), "neither door has it");
    assert_eq!(seen(&trial).get("anybody_until"), None);
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(knock(near), [401, 401], "it does not come back");
    allow();
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(knock(near), [401, 401], "chosen anew, with password");
    trial.ok(&["level", "Tool", "internet"]);
    allow();
    assert_eq!((seen(&trial)["level"].clone(), knock(near)), (Value::from("lan"), [200, 200]));
    assert!(Wire::try_open(far.address).is_err(), "it went down to the local network");
    trial.ok(&["level", "Tool", "local"]);
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(knock(near), [401, 401]);
    allow();
    trial.ok(&["close"]);
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(knock(near), [401, 401]);
    allow();
    let moved = format!("{}", near.address.port() + 100);
    trial.ok(&["tool", "set", "Tool", "--lan-port", &moved]);
    assert_eq!(knock(Door::of(&trial, "Tool")), [401, 401], "another door");
}

/// The engine's address in this network.
const OURS: &str = "10.78.1.5";

#[test]
fn another_network_ends_it_although_the_door_stays() {
    let tool = Recorder::start();
    let mut home = Enclosure::new();
    home.sh("ip link add h0 type veth peer name g0 && ip link set g0 up");
    home.sh(&format!("ip addr add {OURS}/24 dev h0 && ip link set h0 up"));
    home.sh("ip route add default via 10.78.1.1");
    home.serve(OURS);
    home.add_user("anna", PASSWORD);
    home.ok(&["tool", "add", "Tool", &tool.url()]);
    home.ok(&ALLOW);
    let url = home.ok(&["url", "Tool"]).lines().next().expect("a URL").to_owned();
    let knock = |home: &Enclosure| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--insecure", "--noproxy", "*", "--max-time", "5"]);
        curl.args(["--output", "/dev/null", "--write-out", "%{http_code}", &url]);
        let output = home.inside(&curl).output().expect("curl runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    // Whoever is let in learns that the tool is not in this network.
    assert_eq!(knock(&home), "502");
    home.sh("ip route replace default via 10.78.1.2");
    eventually_within(Duration::from_secs(6), "a password is asked for", || knock(&home) == "401");
    let tools = home.json(&["tool", "list"]);
    assert_eq!((&tools[0]["level"], tools[0].get("anybody_until")), (&"lan".into(), None));
    home.sh("ip route replace default via 10.78.1.1");
    home.ok(&["tool", "add", "Other", "9"]);
    home.ok(&["level", "Other", "lan"]);
    assert_eq!(knock(&home), "401", "back in the first one, too");

    home.ok(&ALLOW);
    home.sh(&format!("ip addr del {OURS}/24 dev h0"));
    eventually_within(Duration::from_secs(6), "the door closes", || home.listeners() == 0);
    home.sh(&format!("ip addr add {OURS}/24 dev h0; ip route replace default via 10.78.1.1"));
    eventually_within(Duration::from_secs(6), "it can be opened", || {
        home.run(&["level", "Tool", "lan"]).status.success()
    });
    assert_eq!(knock(&home), "401");
}
