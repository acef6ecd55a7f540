//! Bad input: one clear sentence, and nothing changes.

use crate::support::{Recorder, Trial, assert_one_sentence, kernel, trial::PASSWORD};
use std::{
    fs,
    net::TcpListener,
    process::{Command, Stdio},
};

#[test]
fn unknown_names_are_refused_with_where_to_look() {
    let trial = Trial::running();
    for (command, look) in [
        (&["level", "Nothing", "lan"][..], "tool list"),
        (&["level", "Nothing", "local"], "tool list"),
        (&["url", "Nothing"], "tool list"),
        (&["tool", "remove", "Nothing"], "tool list"),
        (&["user", "remove", "nobody"], "user list"),
        (&["user", "passwd", "nobody"], "user list"),
        (&["user", "add", "bert", "--tools", "Nothing"], "tool list"),
        (&["session", "end", "none"], "session list"),
        (&["settings", "get", "none"], "settings get"),
        (&["settings", "set", "none", "1"], "settings get"),
    ] {
        let said = trial.refused(1, command);
        assert_one_sentence(&said);
        assert!(said.contains(look), "{command:?}: {said}");
    }
    assert_eq!(trial.json(&["user", "list"]), serde_json::json!([]));
}

#[test]
fn an_address_that_is_not_this_computer_is_refused_unless_the_owner_says_so() {
    let trial = Trial::running();
    for url in ["http://192.168.1.1", "http://10.0.0.5:8080", "http://example.org", "http://[2001:db8::1]:80"]
    {
        let said = trial.refused(1, &["tool", "add", "Far", url]);
        assert_one_sentence(&said);
        assert!(said.contains("another machine") && said.contains("--allow-network-target"), "{url}: {said}");
    }
    assert_eq!(trial.json(&["tool", "list"]), serde_json::json!([]));
    trial.ok(&["tool", "add", "Far", "http://192.168.1.1", "--allow-network-target"]);
    assert_eq!(trial.json(&["tool", "list"])[0]["target"], "http://192.168.1.1");
}

#[test]
fn what_is_no_address_of_a_tool_is_refused() {
    let trial = Trial::running();
    for url in [
        "",
        " ",
        "0",
        "65536",
        "99999",
        "-1",
        "http://",
        "https://127.0.0.1:1",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "http://0.0.0.0:8888",
        "http://[::]:8888",
        "http://127.0.0.1:0",
        "http://127.0.0.1:1/path",
        "http://127.0.0.1:1?x",
        "http://user:pw@127.0.0.1:1",
        "http://127.0.0.1:1\r\nHost: x",
        "http://127.0.0.1:1#x",
        "http://127.0.0.1:99999",
        "http://224.0.0.1:1",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org:1",
        "http://2130706433.x:1",
    ] {
        let output = trial.run(&["tool", "add", "Bad", "--", url]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(1 | 2)), "{url:?}: {said}");
        assert!(!said.contains("panicked"), "{url:?}: {said}");
    }
    assert_eq!(trial.json(&["tool", "list"]), serde_json::json!([]));
}

#[test]
fn our_own_port_is_no_tool() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "lan");
    for url in [trial.url("Tool"), trial.gate()] {
        let port = trial.socket(&url).port().to_string();
        for target in
            [port.clone(), format!("http://{}:{port}", trial.address), format!("http://localhost:{port}")]
        {
            let said = trial.refused(1, &["tool", "add", "Mirror", &target]);
            assert_one_sentence(&said);
            assert!(said.contains("own port"), "{target}: {said}");
        }
    }
}

#[test]
fn a_port_in_use_is_passed_over_at_first_and_named_later() {
    let tool = Recorder::start();
    let mut trial = Trial::new();
    let taken: Vec<TcpListener> =
        [8443, 8444].iter().map(|port| TcpListener::bind((trial.address, *port)).expect("free")).collect();
    trial.serve();
    trial.add_user("anna", PASSWORD);
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    trial.ok(&["level", "Tool", "lan"]);
    let (gate, url) = (trial.socket(&trial.gate()).port(), trial.socket(&trial.url("Tool")).port());
    assert!(![8443, 8444].contains(&gate) && ![8443, 8444].contains(&url), "the next free: {gate}, {url}");
    trial.ok(&["level", "Tool", "local"]);
    // Its ports are chosen now and stay, so that addresses handed out stay true.
    let late = TcpListener::bind((trial.address, url)).expect("closed");
    let said = trial.refused(1, &["level", "Tool", "lan"]);
    assert_one_sentence(&said);
    assert!(said.contains(&url.to_string()) && said.contains("in use"), "{said}");
    assert!(kernel::listeners(trial.pid()).is_empty(), "refused as a whole");
    drop((late, taken));
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(trial.socket(&trial.url("Tool")).port(), url);
}

#[test]
fn a_port_taken_while_the_engine_was_away_is_said_and_tried_again() {
    let tool = Recorder::start();
    let mut trial = Trial::sharing(&tool.url(), "lan");
    let url = trial.url("Tool");
    trial.stop();
    let taken = TcpListener::bind(trial.socket(&url)).expect("free");
    trial.serve();
    let status = trial.json(&["status"]);
    assert_eq!(status["headline"], "trouble");
    assert_eq!(status["tools"][0]["doors"][0]["state"], "failed");
    assert!(status["problems"].to_string().contains("in use by another program"), "{status}");
    drop(taken);
    crate::support::eventually("the door opens by itself", || {
        trial.json(&["tool", "list"])[0]["doors"][0]["state"] == "open"
    });
    assert_eq!(trial.url("Tool"), url);
}

#[test]
fn a_second_engine_is_refused_and_the_first_goes_on() {
    let trial = Trial::running();
    let before = kernel::listeners(trial.pid());
    let address = trial.address.to_string();
    let said = trial.refused(1, &["serve", "--lan", &address]);
    assert_one_sentence(&said);
    assert!(said.contains("already running"), "{said}");
    assert_eq!(kernel::listeners(trial.pid()), before);
    trial.ok(&["status"]);
}

#[test]
fn of_many_engines_started_at_once_one_runs() {
    let mut trial = Trial::new();
    let address = trial.address.to_string();
    let start = || {
        let mut command = trial.command(&["serve", "--lan", &address]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs")
    };
    let mut children: Vec<_> = (0..6).map(|_| start()).collect();
    crate::support::eventually("five of six ended", || {
        children.iter_mut().filter_map(|child| child.try_wait().expect("a child")).count() == 5
    });
    for child in &mut children {
        match child.try_wait().expect("a child") {
            Some(status) => assert_eq!(status.code(), Some(1)),
            None => {
                child.kill().expect("it lives");
                child.wait().expect("it ends");
            }
        }
    }
    trial.serve();
}

#[test]
fn names_that_clash_are_refused() {
    let trial = Trial::running();
    trial.add_user("Anna", PASSWORD);
    trial.ok(&["tool", "add", "My Tool", "1"]);
    for command in [
        &["user", "add", "Anna"][..],
        &["user", "add", "anna"],
        &["user", "add", "ANNA"],
        &["tool", "add", "My Tool", "2"],
        &["tool", "add", "my tool", "2"],
        &["tool", "add", " My Tool ", "2"],
    ] {
        let said = trial.refused(1, command);
        assert_one_sentence(&said);
        assert!(said.contains("already"), "{command:?}: {said}");
    }
    for name in ["", "a:b", "a/b", "a\nb", "a\u{7}", " a", &"x".repeat(65)] {
        assert_one_sentence(&trial.refused(1, &["user", "add", "--", name]));
    }
    for name in ["", "a\nb", &"x".repeat(61)] {
        assert_one_sentence(&trial.refused(1, &["tool", "add", name, "3"]));
    }
    assert_eq!(trial.json(&["user", "list"]).as_array().map(Vec::len), Some(1));
    assert_eq!(trial.json(&["tool", "list"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn two_tools_whose_names_share_their_letters_stay_two() {
    let trial = Trial::running();
    let mut ids: Vec<String> = ["Tool 1", "tool-1", "TOOL_1", "tööl 1", "日本", "日本語", "gate", "."]
        .iter()
        .map(|name| trial.json(&["tool", "add", name, "1"])["id"].as_str().expect("an id").to_owned())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 8, "{ids:?}");
    assert!(!ids.contains(&"gate".to_owned()), "the gate's own name is never a tool's: {ids:?}");
}

#[test]
fn passwords_that_are_short_known_or_the_name_are_refused() {
    let trial = Trial::running();
    for password in ["1234567", "password", "12345678", "qwertyuiop", "bert-bert", &"x".repeat(1025)] {
        let output = trial.with_input(&["user", "add", "bert-bert", "--password-stdin"], password);
        assert_eq!(output.status.code(), Some(1), "{password}");
        assert_one_sentence(&String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(trial.with_input(&["user", "add", "bert", "--password-stdin"], "").status.code(), Some(2));
    assert_eq!(trial.json(&["user", "list"]), serde_json::json!([]));
}

#[test]
fn a_wildcard_or_global_address_is_no_local_network() {
    for address in
        ["0.0.0.0", "::", "8.8.8.8", "2001:db8::1", "172.32.0.1", "::ffff:8.8.8.8", "fe80::1", "224.0.0.1"]
    {
        let trial = Trial::new();
        assert_one_sentence(&trial.refused(1, &["serve", "--lan", address]));
        assert!(!trial.home().join("settings.toml").exists());
    }
    for address in ["localhost", "127.0.0.1/8", "127.0.0.1:80", ""] {
        Trial::new().refused(2, &["serve", "--lan", address]);
    }
}

#[test]
fn a_home_that_cannot_be_one_is_refused() {
    let trial = Trial::new();
    fs::write(trial.home(), b"a file").expect("a file");
    let said = trial.refused(1, &["serve", "--lan", "127.0.0.1"]);
    assert_one_sentence(&said);
    assert!(said.contains("home folder"), "{said}");
    fs::remove_file(trial.home()).expect("gone");
    fs::create_dir(trial.home()).expect("a folder");
    fs::write(trial.home().join("open"), b"a file").expect("a file");
    assert_one_sentence(&trial.refused(1, &["serve", "--lan", "127.0.0.1"]));
}

#[test]
fn a_home_deeper_than_a_socket_name_reaches_works_like_any_other() {
    let trial = Trial::new();
    let deep = trial.folder().join("d".repeat(120)).join("home").display().to_string();
    let runtime = trial.folder().join("runtime");
    fs::create_dir(&runtime).expect("a folder");
    let keyring = format!("passphrase-file={}", trial.folder().join("passphrase").display());
    let program = |arguments: &[&str]| {
        let mut plain = Command::new(env!("CARGO_BIN_EXE_drawbridge"));
        plain.args(["--home", &deep, "--keyring", &keyring]).args(arguments).env("XDG_RUNTIME_DIR", &runtime);
        plain
    };
    assert_eq!(program(&["status"]).output().expect("it runs").status.code(), Some(3));
    let mut serve = program(&["serve", "--lan", &trial.address.to_string()]);
    let mut engine = serve.stdout(Stdio::piped()).spawn().expect("it runs");
    crate::support::eventually("it answers", || {
        program(&["status"]).output().expect("it runs").status.success()
    });
    let _ = engine.kill();
    let _ = engine.wait();
}
