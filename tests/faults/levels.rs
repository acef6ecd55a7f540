//! What levels mean, as the kernel sees it.

use super::world::{Level, look};
use crate::support::{Recorder, Trial, assert_one_sentence, eventually_within, kernel, trial::PASSWORD};
use serde_json::json;
use std::time::Duration;

fn ports(trial: &Trial) -> Vec<u16> {
    kernel::listeners(trial.pid()).into_iter().map(|address| address.port()).collect()
}

/// What a timer promises, with room for its tick.
const TIMER: Duration = Duration::from_secs(5);

#[test]
fn internet_keeps_the_lan_door_and_stepping_down_closes_only_the_internet() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "lan");
    let (lan, before) = (trial.url("Tool"), ports(&trial));
    let mut held =
        crate::support::raw::connect(trial.socket(&lan), &trial.address.to_string(), &["http/1.1"])
            .expect("TLS");
    trial.ok(&["level", "Tool", "internet"]);
    let open = ports(&trial);
    assert_eq!(open.len(), before.len() * 2, "gate and tool, twice: {open:?}");
    assert!(before.iter().all(|port| open.contains(port)), "{open:?}");
    assert_eq!(trial.curl_as_anna(&[&lan]).0, 200, "the lan door works as before");
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(look(&trial).tools["Tool"], Level::Lan);
    assert_eq!((ports(&trial), trial.url("Tool")), (before, lan.clone()));
    let address = trial.socket(&lan);
    let head = format!("GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    std::io::Write::write_all(&mut held, head.as_bytes()).expect("still connected");
    assert!(
        crate::support::raw::read_to_end(&mut held).starts_with("HTTP/1.1 401"),
        "a lan connection goes on"
    );
}

#[test]
fn a_timed_level_closes_by_itself_and_stays_closed() {
    for level in ["lan", "internet"] {
        let tool = Recorder::start();
        let mut trial = Trial::sharing(&tool.url(), "lan");
        let shown = trial.json(&["level", "Tool", level, "--for", "2s"]);
        assert!(shown["until"].is_u64(), "{shown}");
        eventually_within(TIMER, "it closes by itself", || ports(&trial).is_empty());
        assert_eq!(look(&trial).tools["Tool"], Level::Local);
        trial.kill();
        trial.serve();
        assert_eq!(look(&trial).tools["Tool"], Level::Local, "after a restart too");
    }
}

#[test]
fn a_timer_that_ran_out_while_the_engine_was_away_counts() {
    let tool = Recorder::start();
    let mut trial = Trial::sharing(&tool.url(), "lan");
    let until = trial.json(&["level", "Tool", "lan", "--for", "2s"])["until"].as_u64().expect("a time");
    trial.kill();
    eventually_within(TIMER, "the time is over", || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
        now.as_secs() > until
    });
    trial.serve();
    assert!(ports(&trial).is_empty(), "nothing is open at the start");
    assert_eq!(look(&trial).tools["Tool"], Level::Local);
}

#[test]
fn a_time_limit_holds_when_stepping_down_too() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "internet");
    trial.ok(&["level", "Tool", "lan", "--for", "2s"]);
    assert_eq!(trial.json(&["tool", "list"])[0]["level"], "lan");
    eventually_within(TIMER, "it closes by itself", || ports(&trial).is_empty());
    assert_eq!(look(&trial).tools["Tool"], Level::Local);
}

#[test]
fn a_restart_keeps_ports_and_levels() {
    let tool = Recorder::start();
    let mut trial = Trial::sharing(&tool.url(), "internet");
    trial.ok(&["tool", "add", "Other", &tool.url()]);
    trial.ok(&["level", "Other", "lan"]);
    let before = (trial.json(&["tool", "list"]), trial.gate(), ports(&trial));
    trial.stop();
    trial.serve();
    assert_eq!((trial.json(&["tool", "list"]), trial.gate(), ports(&trial)), before);
    trial.kill();
    trial.serve();
    assert_eq!((trial.json(&["tool", "list"]), trial.gate(), ports(&trial)), before);
    assert_eq!(trial.curl_as_anna(&[&trial.url("Other")]).0, 200);
}

#[test]
fn nothing_opens_without_a_user_who_may_enter() {
    let trial = Trial::running();
    trial.ok(&["tool", "add", "Tool", "1"]);
    trial.ok(&["tool", "add", "Other", "1"]);
    assert_one_sentence(&trial.refused(1, &["level", "Tool", "lan"]));
    let output =
        trial.with_input(&["user", "add", "weak", "--tools", "Tool", "--password-stdin"], "gr8 pass x");
    assert!(output.status.success());
    trial.ok(&["level", "Tool", "lan"]);
    let said = trial.refused(1, &["level", "Tool", "internet"]);
    assert_one_sentence(&said);
    assert!(said.contains("15 characters"), "{said}");
    assert_one_sentence(&trial.refused(1, &["level", "Other", "lan"]));
    assert_eq!(look(&trial).tools["Tool"], Level::Lan, "refused without a trace");
}

#[test]
fn quick_changes_of_mind_never_meet_their_own_ports() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "lan");
    for round in 0..60 {
        for level in ["local", "lan", "internet", "lan"] {
            let change = json!({"request": "level", "tool": "Tool", "level": level});
            let shown = super::world::granted(&trial, &change);
            for door in shown["doors"].as_array().expect("a list") {
                assert_eq!(door["state"], "open", "round {round}: {shown}");
            }
        }
    }
    assert_eq!(look(&trial).tools["Tool"], Level::Lan);
}

#[test]
fn two_commands_at_once_end_in_the_state_of_one() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "lan");
    for _ in 0..6 {
        let start = |level| {
            let mut command = trial.command(&["level", "Tool", level]);
            command.stdout(std::process::Stdio::null()).spawn().expect("it runs")
        };
        let mut both = [start("internet"), start("local")];
        both.iter_mut().for_each(|child| assert!(child.wait().expect("it ends").success()));
        let found = look(&trial).tools["Tool"];
        assert!([Level::Local, Level::Internet].contains(&found), "{found:?}");
    }
    trial.ok(&["close"]);
    assert!(ports(&trial).is_empty(), "nothing listens after close");
}

#[test]
fn a_removed_tool_is_closed_and_its_ports_are_free() {
    let tool = Recorder::start();
    let mut trial = Trial::sharing(&tool.url(), "internet");
    trial.ok(&["tool", "remove", "Tool"]);
    assert!(ports(&trial).is_empty());
    trial.stop();
    trial.serve();
    assert!(look(&trial).tools.is_empty());
    let markers = std::fs::read_dir(trial.home().join("open")).expect("a folder").count();
    assert_eq!(markers, 0, "nothing is left that could open something");
}

#[test]
fn a_gate_port_given_back_closes_nothing() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "internet");
    let before = (trial.json(&["tool", "list"]), ports(&trial));
    for key in ["lan.gate_port", "internet.port"] {
        let output = trial.run(&["settings", "set", key, ""]);
        let after = trial.json(&["tool", "list"]);
        if output.status.success() {
            assert_eq!(
                after[0]["doors"].as_array().map(Vec::len),
                before.0[0]["doors"].as_array().map(Vec::len),
                "{key}"
            );
            assert_eq!(trial.curl_as_anna(&[&trial.url("Tool"), "--insecure"]).0, 200, "{key}");
        } else {
            assert_one_sentence(&String::from_utf8_lossy(&output.stderr));
            assert_eq!((after, ports(&trial)), before, "{key}");
        }
        look(&trial);
    }
}

#[test]
fn a_user_who_is_left_alone_with_nothing_opens_nothing_new() {
    let tool = Recorder::start();
    let trial = Trial::running();
    trial.add_user("anna", PASSWORD);
    trial.ok(&["tool", "add", "A", &tool.url()]);
    trial.ok(&["user", "set", "anna", "--tools", "A"]);
    trial.ok(&["tool", "remove", "A"]);
    assert_eq!(trial.json(&["user", "list"])[0]["tools"], json!([]));
    trial.ok(&["tool", "add", "A", &tool.url()]);
    assert_eq!(
        trial.json(&["user", "list"])[0]["tools"],
        json!([]),
        "another tool of that name is another tool"
    );
    assert_one_sentence(&trial.refused(1, &["level", "A", "lan"]));
}
