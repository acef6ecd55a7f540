//! The command line's contract: exit codes, the one line of `serve`, signals, and the shapes of `--json`.

use crate::{
    promises::{Door, browser::Browser},
    support::{Recorder, Trial, assert_one_sentence, eventually_within, totp::App, trial::PASSWORD},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read},
    process::{Child, Stdio},
    time::Duration,
};

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(pid, signal).expect("it lives");
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn without_an_engine_commands_end_with_3_and_say_how_to_start_one() {
    let trial = Trial::new();
    for command in [
        &["status"][..],
        &["close"],
        &["events"],
        &["url"],
        &["url", "X"],
        &["unlock"],
        &["tool", "list"],
        &["tool", "add", "X", "1"],
        &["tool", "remove", "X"],
        &["level", "X", "lan"],
        &["user", "list"],
        &["user", "add", "x"],
        &["user", "remove", "x"],
        &["user", "passwd", "x"],
        &["user", "invite", "x"],
        &["user", "invites"],
        &["user", "uninvite", "x"],
        &["pass", "create", "x"],
        &["pass", "list"],
        &["pass", "revoke", "x"],
        &["user", "totp", "x", "begin"],
        &["user", "totp", "x", "confirm", "000000"],
        &["user", "totp", "x", "recovery"],
        &["user", "totp", "x", "remove"],
        &["user", "passkeys", "x"],
        &["user", "passkey-remove", "x", "y"],
        &["session", "list"],
        &["session", "end", "x"],
        &["certificate", "list"],
        &["certificate", "renew"],
        &["certificate", "export-ca"],
        &["certificate", "remove"],
        &["settings", "get"],
        &["recovery", "create"],
    ] {
        let said = trial.refused(3, command);
        assert_one_sentence(&said);
        assert!(said.contains("drawbridge serve"), "{command:?}: {said}");
    }
    assert!(!trial.home().exists(), "asking makes no home");
}

#[test]
fn an_engine_that_was_killed_is_not_running() {
    let mut trial = Trial::running();
    trial.kill();
    assert!(trial.home().join("run/control.sock").exists(), "its socket is left");
    assert_one_sentence(&trial.refused(3, &["status"]));
    trial.serve();
    trial.ok(&["status"]);
}

#[test]
fn wrong_usage_ends_with_2() {
    let trial = Trial::running();
    for command in [
        &["nothing"][..],
        &["level"],
        &["level", "X"],
        &["level", "X", "everyone"],
        &["level", "X", "LAN"],
        &["level", "X", "lan", "--for", "0s"],
        &["level", "X", "lan", "--for", "soon"],
        &["tool"],
        &["tool", "add", "X"],
        &["user", "add"],
        &["user", "invite"],
        &["user", "uninvite"],
        &["pass", "create"],
        &["pass", "revoke"],
        &["pass", "create", "x", "--for", "4"],
        &["user", "totp", "x"],
        &["user", "totp", "begin"],
        &["share"],
        &["share", "1", "--level", "local"],
        &["certificate", "import"],
        &["certificate", "import", "--cert", "x"],
        &["--keyring", "none", "status"],
        &["status", "surplus"],
    ] {
        trial.refused(2, command);
    }
    assert_one_sentence(&trial.refused(1, &["level", "X", "local", "--for", "1h"]));
}

#[test]
fn serve_prints_one_line_and_ends_with_0_on_either_signal() {
    for wish in [Signal::TERM, Signal::INT] {
        let trial = Trial::new();
        let mut command = trial.command(&["serve", "--lan", &trial.address.to_string()]);
        let mut engine = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
        let mut stdout = BufReader::new(engine.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let socket =
            line.trim_end().strip_prefix("ready unix:").expect("the line of the contract").to_owned();
        assert_eq!(socket, trial.home().join("run/control.sock").display().to_string());
        trial.ok(&["status"]);
        signal(&engine, wish);
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).expect("text");
        assert_eq!(rest, "", "one line");
        assert_eq!(engine.wait().expect("it ends").code(), Some(0), "{wish:?}");
    }
}

#[test]
fn a_signal_at_the_moment_of_ready_ends_serve_with_0_too() {
    for round in 0..12 {
        let trial = Trial::new();
        let mut command = trial.command(&["serve", "--lan", &trial.address.to_string()]);
        let mut engine = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
        let mut byte = [0];
        engine.stdout.as_mut().expect("piped").read_exact(&mut byte).expect("ready");
        signal(&engine, Signal::TERM);
        assert_eq!(engine.wait().expect("it ends").code(), Some(0), "round {round}");
    }
}

#[test]
fn a_connection_that_hangs_does_not_keep_serve_from_ending() {
    let tool = Recorder::serving(|_, _| {
        // Never answers; the connection stays.
        true
    });
    let mut trial = Trial::sharing(&tool.url(), "lan");
    let address = trial.socket(&trial.url("Tool"));
    let _idle = std::net::TcpStream::connect(address).expect("it listens");
    let mut tls =
        crate::support::raw::connect(address, &trial.address.to_string(), &["http/1.1"]).expect("TLS");
    let head = format!(
        "GET / HTTP/1.1\r\nhost: {address}\r\nauthorization: {}\r\n\r\n",
        crate::support::raw::basic("anna", PASSWORD)
    );
    std::io::Write::write_all(&mut tls, head.as_bytes()).expect("written");
    crate::support::eventually("the tool has the request", || !tool.all().is_empty());
    let mut events =
        trial.command(&["events"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    trial.stop();
    eventually_within(Duration::from_secs(5), "events end with the engine", || {
        events.try_wait().expect("a child").is_some()
    });
}

#[test]
fn json_has_the_documented_shapes() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "lan");
    trial.ok(&["user", "add", "bert", "--tools", "Tool", "--admin"]);
    let tool_keys = ["id", "name", "target", "level", "wanted", "doors", "until", "secrets"].into();
    let tools = trial.json(&["tool", "list"]);
    assert_eq!(keys(&tools[0]), tool_keys);
    assert_eq!(keys(&tools[0]["doors"][0]), ["level", "url", "state", "cause"].into());
    let status = trial.json(&["status"]);
    assert!(keys(&status).is_superset(&["headline", "gate", "tools", "visitors", "problems"].into()));
    assert_eq!(status["tools"], tools);
    assert_eq!(status["headline"], "lan");
    let problem_keys = ["what", "why", "do", "reason", "advice", "fix"].into();
    assert_eq!(keys(&status["problems"][0]), problem_keys);
    assert_eq!(status["gate"][0], trial.gate());
    trial.curl_as_anna(&[&trial.url("Tool")]);
    let visitors = trial.json(&["status"])["visitors"].clone();
    assert_eq!(keys(&visitors[0]), ["user", "tool", "address", "since"].into());
    let users = trial.json(&["user", "list"]);
    let user_keys: BTreeSet<&str> = ["name", "admin", "tools", "factors", "strong", "last_seen"].into();
    for user in users.as_array().expect("a list") {
        assert_eq!(keys(user), user_keys);
    }
    assert_eq!((&users[0]["tools"], &users[1]["tools"][0]), (&Value::Null, &"Tool".into()));
    assert_eq!((&users[0]["admin"], &users[1]["admin"]), (&false.into(), &true.into()));
    let begun = trial.json(&["user", "totp", "bert", "begin"]);
    assert_eq!(keys(&begun), ["uri", "seed", "expires"].into());
    let app = App::scan(begun["uri"].as_str().expect("a URI"));
    let done = trial.json(&["user", "totp", "bert", "confirm", &app.code(0)]);
    assert_eq!(keys(&done), ["user", "codes"].into());
    let with_factor = user_keys.iter().copied().chain(["recovery_codes"]).collect();
    assert_eq!(keys(&done["user"]), with_factor);
    let invite_keys = ["id", "name", "admin", "tools", "created", "expires"];
    let made = trial.json(&["user", "invite", "dora"]);
    assert_eq!(keys(&made), invite_keys.into_iter().chain(["url"]).collect());
    assert_eq!(keys(&trial.json(&["user", "invites"])[0]), invite_keys.into());
    let pass_keys = ["id", "tool", "label", "maker", "read_only", "created", "expires", "device"];
    let made = trial.json(&["pass", "create", "Tool"]);
    assert_eq!(keys(&made), pass_keys.into_iter().chain(["url"]).collect());
    let code = made["url"].as_str().and_then(|url| url.split_once("code=")).expect("a code").1;
    Browser::guest(Door::of(&trial, "Tool"), Door::gate(&trial), code);
    let passes = trial.json(&["pass", "list"]);
    assert_eq!(keys(&passes[0]), pass_keys.into());
    assert_eq!(keys(&passes[0]["device"]), ["level", "address", "agent", "since", "last_seen"].into());
    let url = trial.json(&["url", "Tool"]);
    assert_eq!(url["url"], tools[0]["doors"][0]["url"]);
    assert_eq!(
        trial.ok(&["url", "Tool", "--qr"]).lines().next(),
        url["url"].as_str(),
        "the URL alone comes first"
    );
    assert_eq!(keys(&trial.json(&["tool", "add", "Other", "1"])), tool_keys);
    assert_eq!(keys(&trial.json(&["level", "Other", "lan"])), tool_keys);
    assert_eq!(keys(&trial.json(&["user", "add", "cora"])), ["user", "password"].into());
    assert_eq!(trial.json(&["close"]).as_array().map(Vec::len), Some(2));
    assert_one_sentence(&trial.refused(1, &["url", "Tool"]));
    assert_one_sentence(&trial.refused(1, &["url"]));
}

#[test]
fn a_made_passphrase_is_printed_once_and_is_strong() {
    let trial = Trial::running();
    let output = trial.run(&["user", "add", "bert"]);
    let printed = String::from_utf8(output.stdout).expect("text");
    assert_eq!(printed.lines().count(), 1, "data is the passphrase alone");
    assert!(printed.trim().len() >= 15, "good for the internet");
    assert!(!String::from_utf8_lossy(&output.stderr).contains(printed.trim()), "not in the talk");
    assert_eq!(trial.json(&["user", "list"])[0]["strong"], true);
    for command in [&["user", "list"][..], &["--json", "user", "list"], &["--json", "status"]] {
        assert!(!trial.ok(command).contains(printed.trim()), "shown once");
    }
}
