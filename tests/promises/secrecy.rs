//! P8: after every way in was used and misused, no secret lies in a log, a stream, a page, an argument, an environment,
//! or in clear anywhere in the home.

use super::{Browser, Door, Tool, WEAK_PASSWORD, anna, basic, h2, h2::H2};
use crate::support::{Trial, eventually, raw, trial::PASSWORD};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

/// What somebody invited chooses.
const INVITED: &str = "private staple 8642 choice";
const WRONG: &str = "wrong-but-private-7531";

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An engine that says everything it can say.
fn talkative(trial: &Trial, filter: &str) -> Running {
    let mut child = trial
        .command(&["serve", "--lan", &trial.address.to_string()])
        .env("DRAWBRIDGE_LOG", filter)
        .stdout(Stdio::piped())
        .stderr(fs::File::create(trial.said()).expect("a file"))
        .spawn()
        .expect("the program runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    assert!(line.starts_with("ready "), "{line}");
    Running(child)
}

/// Things that open something, by name, as bytes that may stand in no place.
#[derive(Default)]
struct Secrets(Vec<(&'static str, Vec<u8>)>);

impl Secrets {
    fn add(&mut self, name: &'static str, text: &str) {
        assert!(text.trim().len() > 7, "{name} is too short to look for: {text}");
        let text = text.trim();
        let forms =
            [text.to_owned(), text.replace(' ', "+"), text.replace(' ', "%20"), text.replace('-', "")];
        for form in forms {
            if !self.0.iter().any(|(_, known)| known == form.as_bytes()) {
                self.0.push((name, form.into_bytes()));
            }
        }
    }

    fn are_not_in(&self, place: &str, bytes: &[u8]) {
        for (name, secret) in &self.0 {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_slice());
            assert!(!found, "{place} holds {name}");
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let nested = entries.map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    nested.flatten().filter(|path| path.is_file()).collect()
}

fn value(pair: &str) -> &str {
    pair.split_once('=').expect("a pair").1
}

/// Uses and misuses every way in; returns every page that was shown on the way.
fn use_everything(trial: &Trial, secrets: &mut Secrets) -> Vec<String> {
    let mut pages = Vec::new();
    let (door, gate) = (Door::of(trial, "Tool"), Door::gate(trial));
    let browser = Browser::signed_in(door, gate);
    secrets.add("a door's cookie", value(&browser.door));
    secrets.add("a gate's cookie", value(&browser.gate));
    secrets.add("a browser's mark", value(&browser.mark));
    let unused = Browser::with_code(door, gate);
    for enter in [&browser.enter, &unused.enter] {
        let code = enter.split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code");
        secrets.add("a one-time code", code);
    }
    let mut ask = |at: Door, line: &str, fields: &[&str]| {
        let reply = at.ask(line, fields).expect("an answer");
        pages.push(format!("{}{}", reply.head, reply.body));
        reply.status
    };
    for (name, password) in [("anna", PASSWORD), ("carl", WEAK_PASSWORD), ("nobody", WRONG)] {
        ask(door, "GET /", &[&basic(name, password)]);
        ask(door, "GET /", &[&basic(name, password), "accept: text/html", "sec-fetch-mode: navigate"]);
        let (name, password) = (name.replace(' ', "+"), password.replace(' ', "+"));
        for path in ["/", "/sign-in", "/.drawbridge/enter"] {
            ask(door, &format!("GET {path}?username={name}&password={password}"), &[]);
            ask(gate, &format!("GET {path}?username={name}&password={password}"), &["accept: text/html"]);
        }
    }
    ask(door, "GET /", &[&browser.cookie(), "accept: text/html"]);
    ask(door, &format!("GET {}", browser.enter), &[&format!("cookie: {}", browser.mark)]);
    ask(
        door,
        &format!("GET {}x", unused.enter),
        &[&format!("cookie: {}", browser.mark), "accept: text/html"],
    );
    ask(door, "POST /", &[&browser.cookie(), "origin: https://evil.example", "content-length: 0"]);
    ask(door, "GET /a/../b", &[&browser.cookie(), &anna(), "accept: text/html"]);
    ask(gate, "GET /", &[&format!("cookie: {}", browser.gate)]);
    for code in invite(trial, secrets) {
        ask(gate, &format!("GET /invite?code={code}"), &["accept: text/html"]);
        accept(gate, &code, INVITED);
    }
    for code in hand_out_passes(trial, secrets) {
        ask(gate, &format!("GET /pass?code={code}"), &["accept: text/html"]);
        gate.form("/pass", &[], &format!("code={code}"));
    }
    for (name, password) in [("anna", WRONG), ("bert", WRONG), ("carl", WEAK_PASSWORD)] {
        let reply = browser.post(gate, name, password);
        pages.push(format!("{}{}", reply.head.replace(value(&browser.gate), ""), reply.body));
    }
    // Handshakes and frames that break off are what debug lines are about.
    let _ = raw::connect(door.address, "evil.example", &["http/1.1"]);
    let (credential, authority) = (raw::basic("anna", PASSWORD), door.authority());
    let fields =
        h2::fields("GET", &authority, "/", &[("authorization", &credential), ("connection", "close")]);
    H2::open(door).ask(&fields, None, &[]);
    pages
}

/// Makes invites, looks at one, accepts one, misuses it; returns codes that are good no more.
fn invite(trial: &Trial, secrets: &mut Secrets) -> Vec<String> {
    let gate = Door::gate(trial);
    let make = |name: &str| {
        let made = trial.json(&["user", "invite", name]);
        let code = made["url"].as_str().and_then(|url| url.split("code=").nth(1)).expect("a code").to_owned();
        (made["id"].as_str().expect("an id").to_owned(), code)
    };
    let [(_, open), (_, used), (id, revoked)] = ["dora", "emil", "fred"].map(make);
    for code in [&open, &used, &revoked] {
        secrets.add("an invite's code", code);
        assert_eq!(gate.status(&format!("GET /invite?code={code}"), &["accept: text/html"]), 200);
    }
    assert_eq!(accept(gate, &open, "password"), 400, "it stays open");
    assert_eq!(accept(gate, &used, INVITED), 303);
    trial.ok(&["user", "uninvite", &id]);
    vec![used, revoked]
}

/// Makes passes, uses one, revokes one; returns codes that open nothing for who has no more than them.
fn hand_out_passes(trial: &Trial, secrets: &mut Secrets) -> Vec<String> {
    let (door, gate) = (Door::of(trial, "Tool"), Door::gate(trial));
    let [waiting, used, revoked] = [(); 3].map(|()| crate::passes::create(trial, &["Tool"]));
    let guest = Browser::guest(door, gate, &used.code);
    for (name, text) in [
        ("a pass's code", &*waiting.code),
        ("a pass's code", &used.code),
        ("a pass's code", &revoked.code),
        ("a guest's mark at the gate", value(&guest.gate)),
        ("a guest's cookie at the door", value(&guest.door)),
        ("a guest's one-time code", guest.enter.split(['=', '&']).nth(1).expect("a code")),
    ] {
        secrets.add(name, text);
    }
    assert_eq!(door.status("GET /", &[&guest.cookie()]), 200);
    trial.ok(&["pass", "revoke", &revoked.id]);
    vec![used.code, revoked.code]
}

/// Sends the form of an invite.
fn accept(gate: Door, code: &str, password: &str) -> u16 {
    let body = format!("code={code}&new={}", password.replace(' ', "+"));
    let origin = format!("origin: {}", gate.origin());
    let fields = ["content-type: application/x-www-form-urlencoded", &origin];
    let length = format!("content-length: {}", body.len());
    let head = gate.request("POST /invite", &[fields[0], fields[1], &length]);
    gate.exchange(format!("{head}{body}").as_bytes()).expect("an answer").status
}

#[expect(clippy::too_many_lines, reason = "one walk through everything that could leak")]
fn keeps_its_secrets(filter: &str) {
    let trial = Trial::new();
    let engine = talkative(&trial, filter);
    let tool = Tool::echoing();
    let mut secrets = Secrets::default();
    for (name, text) in [
        ("anna's password", PASSWORD),
        ("carl's password", WEAK_PASSWORD),
        ("a wrong one", WRONG),
        ("an invited one", INVITED),
    ] {
        secrets.add(name, text);
    }
    for (name, password) in [("anna", PASSWORD), ("carl", WEAK_PASSWORD), ("nobody", WRONG)] {
        let credential = raw::basic(name, password);
        secrets.add("a Basic credential", credential.trim_start_matches("Basic "));
    }
    let events = trial.folder().join("events");
    let file = fs::File::create(&events).expect("a file");
    let follower = Running(trial.command(&["--json", "events"]).stdout(file).spawn().expect("it runs"));
    trial.add_user("anna", PASSWORD);
    trial.add_user("carl", WEAK_PASSWORD);
    secrets.add(
        "a generated passphrase",
        trial.json(&["user", "add", "bert"])["password"].as_str().expect("one"),
    );
    secrets.add("the recovery code", trial.json(&["recovery", "create"]).as_str().expect("a code"));
    secrets.add("the passphrase", &fs::read_to_string(trial.folder().join("passphrase")).expect("a file"));
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    trial.ok(&["level", "Tool", "internet"]);
    let pages = use_everything(&trial, &mut secrets);
    for page in &pages {
        // A page may set a cookie of this very browser, and says nothing else that is secret.
        let shown: Vec<&str> =
            page.lines().filter(|line| !line.to_lowercase().starts_with("set-cookie:")).collect();
        secrets.are_not_in("a page", shown.join("\n").as_bytes());
    }
    let mut said = Vec::new();
    for command in [
        &["status"][..],
        &["user", "list"],
        &["user", "invites"],
        &["pass", "list"],
        &["session", "list"],
        &["tool", "list"],
        &["settings", "get"],
        &["certificate", "list"],
    ] {
        said.extend(trial.ok(&[&["--json"], command].concat()).into_bytes());
    }
    secrets.are_not_in("a reply to the owner", &said);
    let logs = trial.home().join("logs");
    eventually("the log is written", || {
        files(&logs).iter().any(|file| fs::read_to_string(file).is_ok_and(|text| text.lines().count() > 20))
    });
    for pid in [engine.0.id(), follower.0.id()] {
        for file in ["cmdline", "environ"] {
            let path = format!("/proc/{pid}/{file}");
            secrets.are_not_in(&path, &fs::read(&path).expect("our own child"));
        }
    }
    drop((follower, engine));
    assert!(fs::metadata(&events).is_ok_and(|file| file.len() > 500), "events were told");
    assert!(filter == "warn" || fs::metadata(trial.said()).is_ok_and(|file| file.len() > 200), "it talked");
    secrets.add("a private key", "PRIVATE KEY-----");
    secrets.add("a password's hash", "$argon2id$v=");
    let mut places = files(&trial.home());
    places.extend([events, trial.said()]);
    assert!(places.len() > 5, "{places:?}");
    for place in places {
        secrets.are_not_in(&place.display().to_string(), &fs::read(&place).expect("a file"));
    }
}

#[test]
fn no_secret_is_said_or_stored_in_clear() {
    keeps_its_secrets("warn");
}

#[test]
fn no_secret_is_said_at_the_loudest_log_level_either() {
    keeps_its_secrets("trace");
}
