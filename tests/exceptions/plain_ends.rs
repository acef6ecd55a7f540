//! How plain HTTP ends, and that no file brings it about.

use super::clear::{self, Browser, allow, ask};
use crate::{
    promises::{Door, anna, tool::Tool, wire::Wire},
    support::{Trial, eventually_within, trial::PASSWORD},
};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

/// What is promised, and the room a busy computer gets.
const SOON: Duration = Duration::from_millis(1500);

/// Open connections in clear: one that waits, and a WebSocket that works.
fn open(door: Door, credential: &str) -> [TcpStream; 2] {
    let mut idle = clear::connect(door);
    idle.write_all(door.request("GET /", &[credential]).as_bytes()).expect("sent");
    assert!(reads(&mut idle).starts_with("HTTP/1.1 200 "));
    let mut socket = clear::connect(door);
    let origin = format!("origin: {}", clear::origin(door));
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
    let fields =
        ["connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13", key, &origin, credential];
    socket.write_all(door.request("GET /", &fields).as_bytes()).expect("sent");
    assert!(reads(&mut socket).starts_with("HTTP/1.1 101 "));
    socket.write_all(b"hello").expect("sent");
    assert_eq!(reads(&mut socket), "hello");
    [idle, socket]
}

fn reads(stream: &mut TcpStream) -> String {
    let mut buffer = [0; 4096];
    let count = stream.read(&mut buffer).expect("an answer");
    String::from_utf8_lossy(&buffer[..count]).into_owned()
}

/// Whether nothing more is answered on a connection.
fn is_over(mut stream: TcpStream, deadline: Instant) -> bool {
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    stream.set_read_timeout(Some(left)).expect("a socket");
    match stream.read(&mut [0; 64]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

#[test]
fn what_runs_in_clear_ends_within_a_second_and_the_rest_goes_on() {
    let tool = Tool::with_sockets();
    let trial = Trial::sharing(&tool.url(), "lan");
    let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
    for act in [
        vec!["tool", "set", "Tool", "--plain-http", "off"],
        vec!["level", "Tool", "internet"],
        vec!["level", "Tool", "local"],
        vec!["user", "set", "anna", "--disabled", "true"],
    ] {
        trial.ok(&["user", "set", "anna", "--disabled", "false"]);
        trial.ok(&["level", "Tool", "lan"]);
        allow(&trial);
        let browser = Browser::signed_in(door, gate);
        let all = [open(door, &browser.cookie()), open(door, &anna())];
        let mut secured = Wire::open(door.address);
        secured.send(door.request("GET /", &[&anna()]));
        assert_eq!(secured.reply().map(|reply| reply.status), Some(200));
        trial.ok(&act);
        let deadline = Instant::now() + SOON;
        for [mut idle, socket] in all {
            assert!(is_over(socket, deadline), "{act:?}: a WebSocket goes on");
            if act[0] == "user" {
                idle.write_all(door.request("GET /", &[&browser.cookie()]).as_bytes()).expect("sent");
                assert!(!reads(&mut idle).starts_with("HTTP/1.1 2"), "{act:?}: the session goes on");
            } else {
                assert!(is_over(idle, deadline), "{act:?}: a connection goes on");
            }
        }
        if act[2] != "local" && act[0] != "user" {
            secured.send(door.request("GET /", &[&anna()]));
            assert_eq!(
                secured.reply().map(|reply| reply.status),
                Some(200),
                "{act:?}: what is under TLS stays"
            );
            assert_eq!(ask(door, "GET /", &[&anna()]).status, 308, "{act:?}");
        }
        if act[0] == "tool" {
            assert_eq!(trial.json(&["session", "list"]), serde_json::json!([]), "its sign-ins too");
            allow(&trial);
            assert_eq!(ask(door, "GET /", &[&browser.cookie()]).status, 401, "for good");
        }
    }
}

#[test]
fn the_internet_never_has_it_and_it_is_back_at_the_local_network() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let near = Door::of(&trial, "Tool");
    allow(&trial);
    trial.ok(&["level", "Tool", "internet"]);
    let (far, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
    for door in [near, far, gate] {
        assert_eq!(ask(door, "GET /", &[&anna()]).status, 308, "{door:?}");
    }
    let status = trial.json(&["status"]);
    assert_eq!(status["tools"][0]["plain_http"], "on", "wished");
    assert!(!status["problems"].to_string().contains("without encryption"), "{status}");
    assert!(!trial.json(&["url", "Tool"]).to_string().contains("http://"));
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(ask(near, "GET /", &[&anna()]).status, 200);
    let moved = format!("{}", near.address.port() + 100);
    trial.ok(&["tool", "set", "Tool", "--lan-port", &moved]);
    assert_eq!(ask(Door::of(&trial, "Tool"), "GET /", &[&anna()]).status, 200, "at another port");
}

#[test]
fn no_file_brings_it_about_and_a_restart_keeps_what_the_owner_allowed() {
    let tool = Tool::echoing();
    let mut trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let file = trial.home().join("settings.toml");
    let edit = |trial: &mut Trial, change: &dyn Fn(String) -> String| {
        trial.stop();
        let settings = fs::read_to_string(&file).expect("settings");
        fs::write(&file, change(settings)).expect("written");
        trial.serve();
    };
    let on = |text: String| text.replace("level = \"lan\"", "level = \"lan\"\nplain_http = true");
    edit(&mut trial, &on);
    let seen = |trial: &Trial| trial.json(&["tool", "list"])[0]["plain_http"].clone();
    assert_eq!((seen(&trial), ask(door, "GET /", &[&anna()]).status), ("waits".into(), 308));
    let problems = trial.json(&["status"])["problems"].to_string();
    assert!(problems.contains("not open without encryption, although the settings ask for it"), "{problems}");
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(ask(door, "GET /", &[&anna()]).status, 308, "another act is no word for this");

    allow(&trial);
    assert_eq!((seen(&trial), ask(door, "GET /", &[&anna()]).status), ("on".into(), 200));
    let browser = Browser::signed_in(door, Door::gate(&trial));
    trial.kill();
    trial.serve();
    assert_eq!(
        (seen(&trial), ask(door, "GET /", &[&anna()]).status),
        ("on".into(), 200),
        "after a power cut"
    );
    assert_eq!(ask(door, "GET /", &[&browser.cookie()]).status, 200);
    let mine = fs::read_to_string(&file).expect("settings");

    trial.ok(&["tool", "set", "Tool", "--plain-http", "off"]);
    edit(&mut trial, &|_| mine.clone());
    assert_eq!(
        (seen(&trial), ask(door, "GET /", &[&anna()]).status),
        ("waits".into(), 308),
        "a file restored"
    );
    allow(&trial);
    trial.ok(&["level", "Tool", "local"]);
    trial.ok(&["tool", "set", "Tool", "--url", "9"]);
    assert_eq!(trial.json(&["tool", "list"])[0].get("plain_http"), None, "it was meant for another program");

    // A word for one tool, put under another's name, opens nothing.
    allow(&trial);
    trial.ok(&["tool", "set", "Tool", "--url", &tool.url()]);
    allow(&trial);
    trial.ok(&["tool", "add", "Other", &tool.url()]);
    trial.ok(&["level", "Other", "lan"]);
    trial.stop();
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); \
                  c.execute(\"INSERT INTO plain_http SELECT 'other', sealed FROM plain_http\"); c.commit()";
    let database = trial.home().join("drawbridge.db");
    assert!(Command::new("python3").args(["-c", script]).arg(database).status().expect("python3").success());
    let settings = fs::read_to_string(&file).expect("settings");
    let (first, second) = settings.split_at(settings.find("name = \"Other\"").expect("the second tool"));
    fs::write(&file, first.to_owned() + &on(second.to_owned())).expect("written");
    trial.serve();
    assert_eq!(trial.json(&["tool", "list"])[1]["plain_http"], "waits");
    assert_eq!(ask(Door::of(&trial, "Other"), "GET /", &[&anna()]).status, 308);
}

#[test]
fn what_cannot_be_saved_is_not_allowed_and_what_ends_has_ended() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let sql = |statement: &str| {
        let script =
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()";
        let database = trial.home().join("drawbridge.db");
        let done = Command::new("python3").args(["-c", script]).arg(database).arg(statement).status();
        assert!(done.expect("python3 runs").success());
    };
    sql("CREATE TRIGGER no BEFORE INSERT ON plain_http BEGIN SELECT RAISE(ABORT, 'no'); END");
    trial.refused(1, &["tool", "set", "Tool", "--plain-http", "on"]);
    assert_eq!(ask(door, "GET /", &[&anna()]).status, 308);
    assert_eq!(trial.json(&["tool", "list"])[0].get("plain_http"), None);
    sql("DROP TRIGGER no");
    allow(&trial);
    sql("CREATE TRIGGER no BEFORE DELETE ON plain_http BEGIN SELECT RAISE(ABORT, 'no'); END");
    let said = trial.refused(1, &["tool", "set", "Tool", "--plain-http", "off"]);
    assert!(said.contains("a restart would undo it"), "{said}");
    assert_eq!(ask(door, "GET /", &[&anna()]).status, 308, "ended here all the same");
    sql("DROP TRIGGER no");
    // The two exceptions together: programs need nothing, a browser that does not say where a request comes from signs in.
    allow(&trial);
    trial.ok(&super::anybody::ALLOW);
    assert_eq!(ask(door, "GET /", &[]).status, 200);
    assert_eq!(ask(door, "GET /", &["user-agent: Mozilla/5.0 (X11)"]).status, 401);
    let begun = Browser::begun_as(door, Door::gate(&trial), "user-agent: Mozilla/5.0 (X11)");
    assert_eq!(begun.post(Door::gate(&trial), "anna", PASSWORD).status, 303);
    trial.ok(&["level", "Tool", "lan", "--password"]);
    eventually_within(SOON, "a password is asked for", || ask(door, "GET /", &[]).status == 401);
}
