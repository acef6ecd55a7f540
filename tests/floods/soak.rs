//! A soak: pages, uploads, WebSockets, sign-ins and -outs, levels and users, all at once and at random, for a while.
//!
//! No answer ever goes to another request, nothing secret stands in a log, and at the end everything is as before. A few
//! seconds always, ten minutes with `DRAWBRIDGE_LONG` (chosen: hundreds of level changes), or as many seconds as
//! `DRAWBRIDGE_SOAK_SECONDS` says. The seed is printed; `DRAWBRIDGE_TEST_SEED` repeats it.

use super::{
    field::{Field, alone},
    is_long,
};
use crate::{
    faults::world::Dice,
    promises::{
        basic,
        browser::Browser,
        h2::{self, H2, Outcome},
        wire::Wire,
    },
    support::{raw, trial::PASSWORD},
};
use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

#[test]
fn hours_in_a_nutshell_leave_no_trace() {
    let _alone = alone();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_nanos());
    let seed = number("DRAWBRIDGE_TEST_SEED").unwrap_or_else(|| u64::try_from(now % (1 << 60)).unwrap_or(0));
    eprintln!("again with DRAWBRIDGE_TEST_SEED={seed}");
    let length = number("DRAWBRIDGE_SOAK_SECONDS").unwrap_or(if is_long() { 600 } else { 4 });
    let soak = Soak::new();
    let before = soak.field.quiet();
    let goes_on = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let (soak, goes_on) = (&soak, &goes_on);
        let work = move |number: u64, act: fn(&Soak, &mut Dice)| {
            let mut dice = Dice(seed.wrapping_add(number << 48));
            // What panics ends the soak, not only its own lane.
            let lane = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                while goes_on.load(Ordering::SeqCst) {
                    act(soak, &mut dice);
                }
            }));
            goes_on.store(false, Ordering::SeqCst);
            lane.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        };
        for lane in 0..3 {
            scope.spawn(move || work(lane, Soak::visit));
        }
        scope.spawn(move || work(3, Soak::sign_in_and_out));
        scope.spawn(move || work(4, Soak::own));
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(length) && goes_on.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(50));
        }
        goes_on.store(false, Ordering::SeqCst);
    });
    let counts = soak.counts.lock().expect("no panic there").clone();
    eprintln!("the soak did {counts:?}");
    for what in ["page", "page over HTTP/2", "upload", "WebSocket", "sign-in", "level", "user"] {
        assert!(counts.contains_key(what), "no {what} at all: {counts:?}");
    }
    soak.field.is_as_before(before, "the soak");
    soak.logs_are_clean();
}

struct Soak {
    field: Field,
    next: AtomicU64,
    /// What the owner does next.
    turn: AtomicU64,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    /// Everything that must stand in no log.
    secrets: Mutex<Vec<String>>,
}

impl Soak {
    fn new() -> Self {
        let field = Field::new();
        let value = field.cookie.rsplit('=').next().expect("a value").to_owned();
        let secrets = Mutex::new(vec![PASSWORD.to_owned(), value]);
        Self { field, next: AtomicU64::new(0), turn: AtomicU64::new(0), counts: Mutex::default(), secrets }
    }

    /// A visitor with an account does something; while the door is closed that fails, and nothing else does.
    fn visit(&self, dice: &mut Dice) {
        std::thread::sleep(Duration::from_millis(dice.below(20)));
        match dice.below(4) {
            0 => self.pages(dice),
            1 => self.pages_over_h2(dice),
            2 => self.upload(dice),
            _ => self.socket(dice),
        }
    }

    fn pages(&self, dice: &mut Dice) {
        let Some(mut wire) = self.wire() else { return };
        for _ in 0..=dice.below(8) {
            let path = self.path();
            wire.send(self.field.door.request(&format!("GET {path}"), &[&crate::promises::anna()]));
            let Some(reply) = wire.reply() else { return };
            self.judge("page", reply.status, &reply.body, &format!("GET {path}"));
        }
    }

    fn pages_over_h2(&self, dice: &mut Dice) {
        let Ok(tls) = raw::connect(self.field.door.address, &self.host(), &["h2"]) else { return };
        let Some(mut h2) = H2::over(tls) else { return };
        let (authority, credential) = (self.field.door.authority(), raw::basic("anna", PASSWORD));
        let paths: Vec<String> = (0..=dice.below(8)).map(|_| self.path()).collect();
        let own = [("authorization", credential.as_str())];
        let streams: Vec<u32> =
            paths.iter().map(|path| h2.begin(&h2::fields("GET", &authority, path, &own), true)).collect();
        for (path, outcome) in paths.iter().zip(h2.outcomes(&streams)) {
            if let Outcome::Answer { status, body } = outcome {
                self.judge("page over HTTP/2", status, &body, &format!("GET {path}"));
            }
        }
    }

    fn upload(&self, dice: &mut Dice) {
        let Some(mut wire) = self.wire() else { return };
        let (path, size) = (self.path(), usize::try_from(dice.below(200_000)).expect("small"));
        let length = format!("content-length: {size}");
        wire.send(self.field.door.request(&format!("POST {path}"), &[&crate::promises::anna(), &length]));
        // One in eight is broken off.
        let sent = if dice.below(8) == 0 { size / 2 } else { size };
        wire.send(vec![b'u'; sent]);
        if sent == size
            && let Some(reply) = wire.reply()
        {
            self.judge("upload", reply.status, &reply.body, &format!("POST {path}"));
        }
    }

    fn socket(&self, dice: &mut Dice) {
        let Ok(mut tls) = raw::connect(self.field.door.address, &self.host(), &["http/1.1"]) else { return };
        let upgrade = ["connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13"];
        let (key, anna) = ("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", crate::promises::anna());
        let fields = [upgrade[0], upgrade[1], upgrade[2], key, anna.as_str()];
        let request = self.field.door.request(&format!("GET {}", self.path()), &fields);
        let mut heard = Vec::new();
        if tls.write_all(request.as_bytes()).is_err() {
            return;
        }
        while !heard.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match tls.read(&mut byte) {
                Ok(1) => heard.push(byte[0]),
                _ => return,
            }
        }
        if !heard.starts_with(b"HTTP/1.1 101") {
            return;
        }
        for _ in 0..=dice.below(8) {
            let said = self.path();
            let mut echo = vec![0; said.len()];
            if tls.write_all(said.as_bytes()).is_err() || tls.read_exact(&mut echo).is_err() {
                return;
            }
            assert_eq!(String::from_utf8_lossy(&echo), said, "a tunnel carries what is another's");
            self.count("WebSocket");
        }
    }

    /// Someone signs in at the gate, uses the door, and signs out or leaves the session to the owner.
    fn sign_in_and_out(&self, dice: &mut Dice) {
        std::thread::sleep(Duration::from_millis(dice.below(300)));
        let (door, gate) = (self.field.door, self.field.gate);
        // A step of it fails where the owner closes the door in between.
        let steps = || {
            let browser = Browser::signed_in(door, gate);
            let path = self.path();
            let status = door.ask(&format!("GET {path}"), &[&browser.cookie()]).map(|reply| {
                self.judge("page", reply.status, &reply.body, &format!("GET {path}"));
                reply.status
            });
            (browser, status)
        };
        let Some((browser, _)) = quietly(steps) else { return };
        let values = [&browser.gate, &browser.door, &browser.mark]
            .map(|cookie| cookie.rsplit('=').next().map(str::to_owned));
        self.secrets.lock().expect("no panic there").extend(values.into_iter().flatten());
        self.count("sign-in");
        if dice.below(2) == 0 {
            let origin = format!("origin: {}", gate.origin());
            let cookie = format!("cookie: {}", browser.gate);
            let _ = quietly(|| gate.status("POST /sign-out", &[&cookie, &origin, "content-length: 0"]));
        }
    }

    /// The owner changes levels, users and sessions.
    fn own(&self, dice: &mut Dice) {
        std::thread::sleep(Duration::from_millis(100 + dice.below(400)));
        let trial = &self.field.trial;
        // In turn, so that a short soak has each of them too.
        match self.turn.fetch_add(1, Ordering::SeqCst) % 4 {
            0 => {
                trial.ok(&["level", "Tool", "local"]);
                std::thread::sleep(Duration::from_millis(dice.below(200)));
                trial.ok(&["level", "Tool", "lan"]);
                self.count("level");
            }
            1 => {
                let password = format!("{:x} mule staple {:x}", dice.below(1 << 40), dice.below(1 << 40));
                trial.add_user("bert", &password);
                let status = quietly(|| self.field.door.status("GET /bert", &[&basic("bert", &password)]));
                assert!(matches!(status, None | Some(0 | 200 | 429 | 503)), "bert is told {status:?}");
                trial.ok(&["user", "remove", "bert"]);
                self.secrets.lock().expect("no panic there").push(password);
                self.count("user");
            }
            2 => {
                for session in trial.json(&["session", "list"]).as_array().into_iter().flatten() {
                    // It may have signed out by itself since.
                    let _ = trial.run(&["session", "end", session["id"].as_str().expect("an id")]);
                }
            }
            _ => drop(trial.ok(&["status"])),
        }
    }

    /// An answer of the tool belongs to this request; anything else is a refusal that says so.
    fn judge(&self, what: &'static str, status: u16, body: &str, expected: &str) {
        match status {
            200 => {
                assert_eq!(body, expected, "the answer to another request");
                self.count(what);
            }
            401 | 403 | 429 | 502 | 503 => {
                assert!(!body.contains("/soak/"), "a refusal with a tool's words: {body}")
            }
            other => panic!("{expected} was answered {other}: {body}"),
        }
    }

    fn logs_are_clean(&self) {
        let trial = &self.field.trial;
        let logs =
            fs::read_dir(trial.home().join("logs")).expect("a folder").flatten().map(|file| file.path());
        let secrets = self.secrets.lock().expect("no panic there");
        for path in logs.chain([trial.said()]) {
            let text = String::from_utf8_lossy(&fs::read(&path).expect("a log")).into_owned();
            assert!(!text.contains("panicked"), "{}: {text}", path.display());
            for secret in secrets.iter().filter(|secret| secret.len() > 8) {
                assert!(!text.contains(secret.as_str()), "{} has a secret", path.display());
            }
        }
    }

    fn wire(&self) -> Option<Wire> {
        Wire::try_open(self.field.door.address).ok()
    }

    fn host(&self) -> String {
        self.field.door.address.ip().to_string()
    }

    /// A path nobody else asks for.
    fn path(&self) -> String {
        format!("/soak/{}", self.next.fetch_add(1, Ordering::SeqCst))
    }

    fn count(&self, what: &'static str) {
        *self.counts.lock().expect("no panic there").entry(what).or_insert(0) += 1;
    }
}

/// What a step gives; nothing where a closed door ended it.
fn quietly<T>(step: impl FnOnce() -> T) -> Option<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(step)).ok()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
