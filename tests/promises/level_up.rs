//! P9: a level goes up only by the owner's explicit act. Neither an edited, moved or copied file, nor a web page, nor
//! another user of this computer, nor a visitor raises it.

use super::{Browser, Door, Tool, anna, basic, h2, h2::H2, strangers::listening};
use crate::support::{Trial, raw, trial::PASSWORD};
use drawbridge_protocol::{EVENTS_PATH, REQUEST_PATH};
use serde_json::Value;
use std::{
    fs,
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A home with a user and a tool at this level, its engine stopped.
fn stopped(tool: &Tool, level: &str) -> Trial {
    let mut trial = Trial::sharing(&tool.url(), level);
    trial.stop();
    trial
}

fn settings(trial: &Trial) -> PathBuf {
    trial.home().join("settings.toml")
}

fn edit(trial: &Trial, from: &str, to: &str) {
    let text = fs::read_to_string(settings(trial)).expect("a file");
    assert!(text.contains(from), "{text}");
    fs::write(settings(trial), text.replace(from, to)).expect("written");
}

/// The tool stays as low as this after a start, what is wanted is shown, and the status says so.
fn waits(trial: &Trial, tool: &Tool, level: &str, wanted: &str) {
    let list = trial.json(&["tool", "list"]);
    assert_eq!((&list[0]["level"], &list[0]["wanted"]), (&level.into(), &wanted.into()), "{list}");
    let status = trial.json(&["status"]);
    assert_eq!(status["headline"], "trouble", "{status}");
    let problems = status["problems"].as_array().expect("a list");
    let says = |problem: &Value| problem["what"].as_str().is_some_and(|what| what.contains("Tool"));
    assert!(problems.iter().any(says), "{status}");
    let count = if level == "lan" { 2 } else { 0 };
    assert_eq!(listening(trial.pid()).len(), count, "what listens at {level}");
    assert_eq!(tool.raw(), "");
}

#[test]
fn a_level_written_into_the_settings_waits_for_the_owner() {
    let tool = Tool::echoing();
    for (before, after) in [("local", "internet"), ("lan", "internet"), ("local", "lan")] {
        let mut trial = stopped(&tool, "lan");
        if before == "local" {
            trial.serve();
            trial.ok(&["level", "Tool", "local"]);
            trial.stop();
        }
        edit(&trial, &format!("level = \"{before}\""), &format!("level = \"{after}\""));
        for _ in 0..2 {
            trial.serve();
            waits(&trial, &tool, before, after);
            // Nothing else the owner does confirms it by the way.
            trial.ok(&["tool", "add", &format!("Other {}", trial.pid()), "http://127.0.0.1:9"]);
            assert!(
                trial.with_input(&["user", "passwd", "anna", "--password-stdin"], PASSWORD).status.success()
            );
            trial.ok(&["settings", "set", "lan.names", ""]);
            waits(&trial, &tool, before, after);
            trial.stop();
        }
        trial.serve();
        trial.ok(&["level", "Tool", after]);
        assert_eq!(trial.json(&["tool", "list"])[0]["level"], after, "the owner's own act opens it");
    }
}

#[test]
fn another_target_or_name_under_an_open_level_waits_for_the_owner() {
    let (tool, other) = (Tool::echoing(), Tool::echoing());
    for level in ["lan", "internet"] {
        let mut trial = stopped(&tool, level);
        edit(&trial, &tool.authority(), &other.authority());
        trial.serve();
        waits(&trial, &other, "local", level);
    }
}

#[test]
fn markers_made_by_hand_open_nothing() {
    let tool = Tool::echoing();
    let mut trial = stopped(&tool, "lan");
    let text = fs::read_to_string(settings(&trial)).expect("a file");
    trial.serve();
    trial.ok(&["close"]);
    trial.stop();
    // The settings as they were, and every marker that could be meant.
    fs::write(settings(&trial), text).expect("written");
    let markers = folder_with_markers(&trial);
    for level in ["lan", "internet"] {
        fs::write(markers.join(format!("tool.{level}")), "").expect("written");
    }
    trial.serve();
    waits(&trial, &tool, "local", "lan");
}

/// The folder the engine keeps its markers in, found by letting it make one.
fn folder_with_markers(trial: &Trial) -> PathBuf {
    let probe = Tool::echoing();
    let example = Trial::sharing(&probe.url(), "lan");
    let found = find(&example.home(), "tool.lan").expect("a marker");
    trial
        .home()
        .join(found.strip_prefix(example.home()).expect("inside"))
        .parent()
        .expect("a folder")
        .to_owned()
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        if path.is_dir() { find(&path, name) } else { (entry.file_name() == name).then_some(path) }
    })
}

#[test]
fn settings_copied_from_another_home_open_nothing() {
    let tool = Tool::echoing();
    let open = stopped(&tool, "internet");
    let mut fresh = stopped(&tool, "lan");
    fresh.serve();
    fresh.ok(&["tool", "remove", "Tool"]);
    fresh.stop();
    fs::copy(settings(&open), settings(&fresh)).expect("copied");
    let markers = folder_with_markers(&fresh);
    for level in ["lan", "internet"] {
        fs::write(markers.join(format!("tool.{level}")), "").expect("written");
    }
    fresh.serve();
    waits(&fresh, &tool, "local", "internet");
    let mut without = Trial::new();
    fs::create_dir_all(without.home()).expect("a home");
    fs::copy(settings(&open), settings(&without)).expect("copied");
    without.serve();
    waits(&without, &tool, "local", "internet");
}

const RAISE: &str = r#"{"request":"level","tool":"Tool","level":"internet","for_seconds":null}"#;

/// Speaks to the control socket as these bytes say.
fn control(trial: &Trial, request: &str) -> String {
    let mut stream = UnixStream::connect(socket(trial)).expect("the control socket");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
    stream.write_all(request.as_bytes()).expect("it takes bytes");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

fn socket(trial: &Trial) -> PathBuf {
    find_socket(&trial.home()).expect("a control socket")
}

fn find_socket(home: &Path) -> Option<PathBuf> {
    let path = home.join("run/control.sock");
    path.exists().then_some(path)
}

#[test]
fn a_web_page_cannot_reach_the_control_requests() {
    let tool = Tool::echoing();
    let trial = Trial::running();
    trial.add_user("anna", PASSWORD);
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    assert_eq!(listening(trial.pid()), [], "no TCP port at all");
    for origin in ["https://evil.example", "null", "http://localhost", "http://drawbridge", ""] {
        for (method, path) in
            [("GET", EVENTS_PATH), ("POST", REQUEST_PATH), ("GET", "/"), ("OPTIONS", REQUEST_PATH)]
        {
            let text = format!(
                "{method} {path} HTTP/1.1\r\nhost: drawbridge\r\norigin: {origin}\r\nconnection: close\r\n\
                content-length: {}\r\n\r\n{RAISE}",
                RAISE.len()
            );
            let answer = control(&trial, &text);
            assert!(answer.starts_with("HTTP/1.1 4"), "{origin} {path}: {answer}");
            assert!(answer.contains("web page"), "{origin} {path}: {answer}");
            assert!(!answer.to_lowercase().contains("access-control"), "{answer}");
        }
    }
    assert_eq!(trial.json(&["tool", "list"])[0]["level"], "local");
    assert_eq!(listening(trial.pid()), []);
}

#[test]
fn another_user_of_this_computer_is_turned_away_at_the_control_socket() {
    assert!(rustix::process::geteuid().is_root(), "run as root: only root can act as another user");
    let tool = Tool::echoing();
    let trial = Trial::running();
    trial.add_user("anna", PASSWORD);
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    let path = socket(&trial);
    let text = format!(
        "POST {REQUEST_PATH} HTTP/1.1\r\nhost: drawbridge\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{RAISE}",
        RAISE.len()
    );
    let program = "import socket, sys\n\
        s = socket.socket(socket.AF_UNIX)\n\
        s.settimeout(5)\n\
        try:\n\
        \x20   s.connect(sys.argv[1])\n\
        except OSError as error:\n\
        \x20   print('no way in'); sys.exit()\n\
        try:\n\
        \x20   s.sendall(sys.argv[2].encode())\n\
        \x20   print('heard', s.recv(4096))\n\
        except OSError as error:\n\
        \x20   print('cut off')\n";
    let as_nobody = || {
        let output = Command::new("setpriv")
            .args([
                "--reuid",
                "65534",
                "--regid",
                "65534",
                "--clear-groups",
                "/usr/bin/python3",
                "-I",
                "-c",
                program,
            ])
            .arg(&path)
            .arg(&text)
            .output()
            .expect("setpriv runs");
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        said
    };
    assert_eq!(as_nobody(), "no way in", "the folder's mode keeps others out");
    // And where a careless hand opened every mode on the way, the caller's uid does.
    let mut on_the_way: Vec<PathBuf> = vec![path.clone()];
    on_the_way.extend(
        path.ancestors().skip(1).take_while(|folder| folder.starts_with(trial.folder())).map(Path::to_owned),
    );
    for place in &on_the_way {
        fs::set_permissions(place, fs::Permissions::from_mode(0o777)).expect("our own");
    }
    let said = as_nobody();
    assert!(matches!(said.as_str(), "heard b''" | "cut off"), "{said}");
    assert_eq!(trial.json(&["tool", "list"])[0]["level"], "local");
}

#[test]
fn a_visitor_who_may_administer_raises_nothing() {
    let tool = Tool::echoing();
    let trial = Trial::running();
    assert!(
        trial.with_input(&["user", "add", "anna", "--admin", "--password-stdin"], PASSWORD).status.success()
    );
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    trial.ok(&["tool", "add", "Shut", "http://127.0.0.1:9"]);
    trial.ok(&["level", "Tool", "lan"]);
    let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
    let browser = Browser::signed_in(door, gate);
    let before = listening(trial.pid());
    let raise = RAISE.replace("Tool", "Shut");
    let length = format!("content-length: {}", raise.len());
    for (at, cookie) in [(gate, &browser.gate), (door, &browser.door)] {
        let (cookie, origin) = (format!("cookie: {cookie}"), format!("origin: {}", at.origin()));
        for path in [
            REQUEST_PATH,
            EVENTS_PATH,
            "/request",
            "/events",
            "/.drawbridge/api/request",
            "/.drawbridge/api/v1/request",
            "/.drawbridge/control",
            "/.drawbridge/run/control.sock",
        ] {
            for method in ["GET", "POST", "PUT"] {
                let fields = [
                    cookie.as_str(),
                    &origin,
                    &length,
                    "content-type: application/json",
                    &basic("anna", PASSWORD),
                ];
                let bytes = at.request(&format!("{method} {path}"), &fields) + &raise;
                let status = at.exchange(bytes.as_bytes()).map_or(0, |reply| reply.status);
                let echoed = at.address == door.address && !path.starts_with("/.drawbridge");
                assert!(status == if echoed { 200 } else { 404 }, "{method} {path}: {status}");
            }
        }
    }
    let (credential, authority) = (raw::basic("anna", PASSWORD), gate.authority());
    let fields = h2::fields("POST", &authority, REQUEST_PATH, &[("authorization", &credential)]);
    assert_eq!(H2::open(gate).ask(&fields, Some(&raise), &[]).status(), 404);
    assert_eq!(trial.json(&["tool", "list"])[1]["level"], "local");
    assert_eq!(listening(trial.pid()), before);
    assert_eq!(door.status("GET /", &[&anna()]), 200);
}
