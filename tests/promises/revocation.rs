//! P6: what is taken away is gone from open connections within a second: idle ones, a download, an upload, a tunnel,
//! on HTTP/1 and HTTP/2.

use super::{Browser, Door, Tool, anna, h2, h2::H2, wire::Wire};
use crate::{
    passes,
    programs::{Pair, call, login},
    support::{Trial, eventually, eventually_within, raw, trial::PASSWORD},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// What is promised, and the room a busy computer gets.
const PROMISED: Duration = Duration::from_secs(1);
const ROOM: Duration = Duration::from_millis(500);

/// A tool with an endless download, an endless upload, a WebSocket, and short answers for the rest.
fn endless() -> Tool {
    Tool::serving(false, |stream, asked| match asked.line.as_str() {
        "GET /download" => {
            let head = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            let mut open = head.is_ok();
            while open {
                open = stream.write_all(b"5\r\nstill\r\n").is_ok();
                std::thread::sleep(Duration::from_millis(5));
            }
            false
        }
        "POST /upload" => {
            while let Ok(1..) = stream.read(&mut [0; 4096]) {}
            false
        }
        "GET /socket" => {
            let agreed = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
            let _ = stream.write_all(agreed);
            echo(stream);
            false
        }
        line => {
            let length = line.len();
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
            let _ = stream.write_all((head + line).as_bytes());
            false
        }
    })
}

fn echo(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}

/// One visitor's open connections, all of them at work.
struct Open {
    door: Door,
    credential: (&'static str, String),
    idle: Wire,
    download: Wire,
    upload: Wire,
    socket: Wire,
    h2_idle: H2,
    h2_download: (H2, u32),
    h2_upload: (H2, u32),
}

impl Open {
    fn begin(door: Door, tool: &Tool, credential: (&'static str, String)) -> Self {
        let uploads = || tool.asked().iter().filter(|asked| asked.line == "POST /upload").count();
        let (before, (name, value)) = (uploads(), &credential);
        let (field, origin) = (format!("{name}: {value}"), format!("origin: {}", door.origin()));
        let start = |line: &str, more: &[&str]| {
            let mut wire = Wire::open(door.address);
            let fields = [&[field.as_str(), origin.as_str()], more].concat();
            assert!(wire.send(door.request(line, &fields)));
            wire
        };
        let mut idle = start("GET /", &[]);
        assert_eq!(idle.reply().map(|reply| reply.body), Some("GET /".to_owned()));
        let mut download = start("GET /download", &[]);
        assert!(download.reads("still"));
        let mut upload = start("POST /upload", &["transfer-encoding: chunked"]);
        assert!(upload.send("5\r\nstill\r\n"));
        let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
        let upgrade = ["connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13", key];
        let mut socket = start("GET /socket", &upgrade);
        assert_eq!(socket.reply().map(|reply| reply.status), Some(101));
        assert!(socket.send("hello") && socket.reads("hello"));
        let (authority, origin) = (door.authority(), door.origin());
        let own = [(*name, value.as_str()), ("origin", origin.as_str())];
        let mut h2_idle = H2::open(door);
        assert_eq!(h2_idle.ask(&h2::fields("GET", &authority, "/", &own), None, &[]).status(), 200);
        let mut h2_download = H2::open(door);
        let stream = h2_download.begin(&h2::fields("GET", &authority, "/download", &own), true);
        assert_eq!(h2_download.answers(stream), Some(200));
        let mut h2_upload = H2::open(door);
        let second = h2_upload.begin(&h2::fields("POST", &authority, "/upload", &own), false);
        assert!(h2_upload.data(second, b"still"));
        eventually("the tool has both uploads", || uploads() == before + 2);
        let (h2_download, h2_upload) = ((h2_download, stream), (h2_upload, second));
        Self { door, credential, idle, download, upload, socket, h2_idle, h2_download, h2_upload }
    }

    /// Nothing of it may go on after the deadline.
    fn ends_by(mut self, deadline: Instant, tool: &Tool, what: &str) {
        let (name, value) = &self.credential;
        let (authority, origin) = (self.door.authority(), self.door.origin());
        // What was on its way before may arrive a moment later; what is sent now must not.
        let again = || tool.asked().iter().filter(|asked| asked.line.contains("/again")).count();
        let before = again();
        self.idle.send(self.door.request("GET /again", &[&format!("{name}: {value}")]));
        let status = self.idle.reply().map_or(0, |reply| reply.status);
        assert!(matches!(status, 0 | 401 | 403 | 429), "{what}: an idle connection was answered {status}");
        let own = [(*name, value.as_str()), ("origin", origin.as_str())];
        let outcome = self.h2_idle.ask(&h2::fields("GET", &authority, "/again", &own), None, &[]);
        assert!(matches!(outcome.status(), 0 | 401 | 403 | 429), "{what}: HTTP/2, {outcome:?}");
        assert_eq!(again(), before, "{what}: an idle connection reached the tool");
        assert!(self.download.ends_by(deadline), "{what}: the download goes on");
        assert!(self.socket.ends_by(deadline), "{what}: the tunnel goes on");
        for (name, (mut h2, stream)) in [("download", self.h2_download), ("upload", self.h2_upload)] {
            h2.patience(deadline.saturating_duration_since(Instant::now()));
            let outcome = h2.outcome(stream);
            let good = matches!(outcome.status(), 0 | 403) && Instant::now() < deadline;
            assert!(good, "{what}: the HTTP/2 {name} goes on: {outcome:?}");
        }
        // The visitor never stops sending; the tool's side tells whether it still arrives.
        let pushing = AtomicBool::new(true);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while pushing.load(Ordering::SeqCst) && self.upload.send("5\r\nstill\r\n") {
                    std::thread::yield_now();
                }
            });
            let is_over = loop {
                if tool.open() == 0 || Instant::now() > deadline {
                    break tool.open() == 0;
                }
                std::thread::sleep(Duration::from_millis(5));
            };
            pushing.store(false, Ordering::SeqCst);
            assert!(is_over, "{what}: {} connections to the tool are still open", tool.open());
        });
    }
}

/// Opens everything as a browser and as a program, takes something away, and looks.
fn ends_everything(level: &str, what: &str, programs_too: bool, act: impl FnOnce(&Trial)) {
    let tool = endless();
    let trial = Trial::sharing(&tool.url(), level);
    let door = Door::of(&trial, "Tool");
    let browser = Browser::signed_in(door, Door::gate(&trial));
    let mut open = vec![Open::begin(door, &tool, ("cookie", browser.door))];
    if programs_too {
        let password = anna().trim_start_matches("authorization: ").to_owned();
        open.push(Open::begin(door, &tool, ("authorization", password)));
    }
    act(&trial);
    let deadline = Instant::now() + PROMISED + ROOM;
    // One visitor after the other would give the second one more time; the tool's connections count for all.
    std::thread::scope(|scope| {
        for open in open {
            let tool = &tool;
            scope.spawn(move || open.ends_by(deadline, tool, what));
        }
    });
}

#[test]
fn the_end_of_a_session_ends_what_runs_through_it() {
    ends_everything("lan", "session end", false, |trial| {
        let id = trial.json(&["session", "list"])[0]["id"].as_str().expect("an id").to_owned();
        trial.ok(&["session", "end", &id]);
    });
}

#[test]
fn a_new_role_and_a_disabled_account_end_what_runs_through_the_account() {
    for change in [["--admin", "true"], ["--disabled", "true"]] {
        let programs_too = change[0] == "--disabled";
        ends_everything("lan", change[0], programs_too, |trial| {
            trial.ok(&[&["user", "set", "anna"][..], &change].concat());
        });
    }
}

/// Opens everything with one credential, takes that away, and looks.
pub(crate) fn ends_alone(what: &str, get: fn(&Trial) -> (&'static str, String), act: impl FnOnce(&Trial)) {
    let tool = endless();
    let trial = Trial::sharing(&tool.url(), "lan");
    let open = Open::begin(Door::of(&trial, "Tool"), &tool, get(&trial));
    act(&trial);
    open.ends_by(Instant::now() + PROMISED + ROOM, &tool, what);
}

fn token(trial: &Trial) -> (&'static str, String) {
    let made = trial.json(&["token", "create", "anna"]);
    ("x-drawbridge-token", made["secret"].as_str().expect("a token").to_owned())
}

fn access(trial: &Trial) -> (&'static str, String) {
    let pair = Pair::of(&call(Door::gate(trial), "auth/login", &login(PASSWORD)));
    ("authorization", format!("Bearer {}", pair.access))
}

/// A guest with a pass of the owner's.
fn guest(trial: &Trial) -> (&'static str, String) {
    let code = passes::create(trial, &["Tool"]).code;
    ("cookie", Browser::guest(Door::of(trial, "Tool"), Door::gate(trial), &code).door)
}

/// A guest with a pass of anna's.
fn guest_of_anna(trial: &Trial) -> (&'static str, String) {
    let (door, gate) = (Door::of(trial, "Tool"), Door::gate(trial));
    let code = passes::make_at_gate(gate, &Browser::signed_in(door, gate).gate, "tool");
    ("cookie", Browser::guest(door, gate, &code).door)
}

#[test]
fn a_revoked_pass_is_gone_from_open_connections() {
    ends_alone("pass revoke", guest, |trial| {
        let id = trial.json(&["pass", "list"])[0]["id"].as_str().expect("an id").to_owned();
        trial.ok(&["pass", "revoke", &id]);
    });
    ends_alone("tool remove", guest, |trial| drop(trial.ok(&["tool", "remove", "Tool"])));
    ends_alone("level local", guest, |trial| drop(trial.ok(&["level", "Tool", "local"])));
}

#[test]
fn a_pass_ends_with_the_right_of_whoever_made_it() {
    ends_alone("user remove", guest_of_anna, |trial| drop(trial.ok(&["user", "remove", "anna"])));
    ends_alone("--disabled", guest_of_anna, |trial| {
        trial.ok(&["user", "set", "anna", "--disabled", "true"]);
    });
    ends_alone("--tools", guest_of_anna, |trial| {
        trial.ok(&["tool", "add", "Other", "http://127.0.0.1:9"]);
        trial.ok(&["user", "set", "anna", "--tools", "Other"]);
    });
    ends_alone("user passwd", guest_of_anna, |trial| {
        let said = trial.with_input(&["user", "passwd", "anna", "--password-stdin"], "another horse battery");
        assert!(said.status.success());
    });
}

#[test]
fn a_guest_who_leaves_has_left_with_everything_that_runs() {
    let tool = endless();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let (_, cookie) = guest(&trial);
    let open = Open::begin(door, &tool, ("cookie", cookie.clone()));
    let (cookie, origin) = (format!("cookie: {cookie}"), format!("origin: {}", door.origin()));
    assert_eq!(door.status("POST /.drawbridge/leave", &[&cookie, &origin, "content-length: 0"]), 303);
    open.ends_by(Instant::now() + PROMISED + ROOM, &tool, "leave");
}

#[test]
fn what_programs_hold_ends_with_the_account_it_is_of() {
    for get in [token, access] {
        ends_alone("user remove", get, |trial| drop(trial.ok(&["user", "remove", "anna"])));
        ends_alone("--disabled", get, |trial| {
            trial.ok(&["user", "set", "anna", "--disabled", "true"]);
        });
        ends_alone("user passwd", get, |trial| {
            let said =
                trial.with_input(&["user", "passwd", "anna", "--password-stdin"], "another horse battery");
            assert!(said.status.success());
        });
    }
}

#[test]
fn a_revoked_token_and_an_ended_sign_in_of_a_program_end_what_runs_through_them() {
    ends_alone("token revoke", token, |trial| {
        let id = trial.json(&["token", "list"])[0]["id"].as_str().expect("an id").to_owned();
        trial.ok(&["token", "revoke", &id]);
    });
    ends_alone("session end", access, |trial| {
        let id = trial.json(&["session", "list"])[0]["id"].as_str().expect("an id").to_owned();
        trial.ok(&["session", "end", &id]);
    });
}

#[test]
fn the_removal_of_a_user_ends_what_runs_through_the_account() {
    ends_everything("lan", "user remove", true, |trial| drop(trial.ok(&["user", "remove", "anna"])));
}

#[test]
fn a_new_password_ends_what_runs_through_the_old_one() {
    ends_everything("internet", "user passwd", true, |trial| {
        let said = trial.with_input(&["user", "passwd", "anna", "--password-stdin"], "another horse battery");
        assert!(said.status.success());
    });
}

#[test]
fn a_tool_taken_from_a_user_is_gone_from_open_connections() {
    ends_everything("lan", "user set --tools", true, |trial| {
        trial.ok(&["tool", "add", "Other", "http://127.0.0.1:9"]);
        trial.ok(&["user", "set", "anna", "--tools", "Other"]);
    });
}

#[test]
fn level_local_ends_every_connection() {
    ends_everything("internet", "level local", true, |trial| drop(trial.ok(&["level", "Tool", "local"])));
}

#[test]
fn the_removal_of_a_tool_ends_every_connection() {
    ends_everything("lan", "tool remove", true, |trial| drop(trial.ok(&["tool", "remove", "Tool"])));
}

#[test]
fn close_ends_every_connection() {
    ends_everything("internet", "close", true, |trial| drop(trial.ok(&["close"])));
}

#[test]
fn signing_out_and_leaving_end_what_runs_through_the_session() {
    for leaving in [false, true] {
        let tool = endless();
        let trial = Trial::sharing(&tool.url(), "lan");
        let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
        let browser = Browser::signed_in(door, gate);
        let open = Open::begin(door, &tool, ("cookie", browser.door.clone()));
        let (at, line, cookie) = if leaving {
            (door, "POST /.drawbridge/leave", &browser.door)
        } else {
            (gate, "POST /sign-out", &browser.gate)
        };
        let (cookie, origin) = (format!("cookie: {cookie}"), format!("origin: {}", at.origin()));
        assert_eq!(at.status(line, &[&cookie, &origin, "content-length: 0"]), 303);
        open.ends_by(Instant::now() + PROMISED + ROOM, &tool, line);
    }
}

#[test]
fn going_down_a_level_keeps_the_nearer_door_and_its_connections() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "internet");
    let far = Door::of(&trial, "Tool");
    let urls = trial.json(&["url", "Tool"]);
    let near = urls["others"][0].as_str().map(|url| Door { address: trial.socket(url) }).expect("a LAN door");
    let (mut kept, mut cut) = (Wire::open(near.address), Wire::open(far.address));
    for (wire, door) in [(&mut kept, near), (&mut cut, far)] {
        wire.send(door.request("GET /", &[&anna()]));
        assert_eq!(wire.reply().map(|reply| reply.status), Some(200));
    }
    trial.ok(&["level", "Tool", "lan"]);
    assert!(cut.ends_by(Instant::now() + PROMISED + ROOM), "the far door's connection goes on");
    kept.send(near.request("GET /", &[&anna()]));
    assert_eq!(kept.reply().map(|reply| reply.status), Some(200), "the near door's connection is kept");
    assert!(raw::connect(far.address, &far.address.ip().to_string(), &[]).is_err());
}

#[test]
fn a_plain_connection_that_dawdles_ends_with_its_door() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let mut plain = TcpStream::connect(door.address).expect("a connection");
    plain.write_all(format!("GET / HTTP/1.1\r\nhost: {}\r\n", door.authority()).as_bytes()).expect("sent");
    // The door has read the first line when a later connection was served by both of its cores.
    for _ in 0..4 {
        assert_eq!(door.status("GET /", &[]), 401);
    }
    trial.ok(&["close"]);
    plain.set_read_timeout(Some(PROMISED + ROOM)).expect("a socket");
    let ended = match plain.read(&mut [0; 1024]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    };
    assert!(ended, "the connection outlives its door");
}

#[test]
fn a_download_nobody_reads_ends_with_its_session() {
    for over_h2 in [false, true] {
        let written = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = std::sync::Arc::clone(&written);
        let tool = Tool::serving(false, move |stream, _| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(&[b'x'; 16 * 1024]).is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
            false
        });
        let trial = Trial::sharing(&tool.url(), "lan");
        let door = Door::of(&trial, "Tool");
        let browser = Browser::signed_in(door, Door::gate(&trial));
        let (mut wire, mut h2) = (Wire::open(door.address), H2::open(door));
        if over_h2 {
            let authority = door.authority();
            h2.begin(&h2::fields("GET", &authority, "/", &[("cookie", &browser.door)]), true);
        } else {
            wire.send(door.request("GET /", &[&browser.cookie()]));
        }
        // Every buffer on the way is full when nothing moves any more.
        let (mut last, mut since) = (0, Instant::now());
        eventually("everything stands still", || {
            let now = written.load(Ordering::SeqCst);
            if now != last {
                (last, since) = (now, Instant::now());
            }
            now > 0 && since.elapsed() > Duration::from_millis(300)
        });
        let id = trial.json(&["session", "list"])[0]["id"].as_str().expect("an id").to_owned();
        trial.ok(&["session", "end", &id]);
        let what = "the tool's connection is closed";
        eventually_within(PROMISED + ROOM, what, || tool.open() == 0);
    }
}
