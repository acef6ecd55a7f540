//! A code counts once: again, side by side, after a restart, after a power cut.

use super::{Ground, PROTOCOLS, Visitor, half_cookie, patiently, sessions, user};
use crate::promises::{
    Door,
    h2::{self, H2},
    wire::Wire,
};
use crate::support::trial::PASSWORD;
use std::sync::Barrier;

/// Requests at once with one code.
const MANY: usize = 50;

/// A visitor whose password was right.
fn half(ground: &Ground, protocol: &'static str) -> Visitor {
    let visitor = ground.visitor(protocol);
    let answer = patiently(|| visitor.password("anna", PASSWORD));
    assert_eq!(answer.status, 303, "{answer:?}");
    visitor
}

#[test]
fn a_used_code_opens_nothing_again() {
    for protocol in PROTOCOLS {
        let ground = Ground::new();
        let code = ground.app.code(1);
        let (first, second) = (half(&ground, protocol), half(&ground, protocol));
        assert_eq!(first.code(&code).status, 303);
        let replay = second.code(&code);
        assert_eq!(replay.status, 403, "{replay:?}");
        assert!(replay.body.contains("was used already"), "{replay:?}");
        // Nor does one of a step before it, which was never used.
        assert_eq!(patiently(|| second.code(&ground.app.code(0))).status, 403);
        assert_eq!(sessions(&ground.trial), 1);
    }
}

#[test]
fn the_code_that_confirmed_is_spent() {
    let ground = Ground::new();
    let visitor = half(&ground, "--http2");
    assert_eq!(visitor.code(&ground.app.code(-1)).status, 403);
    assert_eq!(patiently(|| visitor.code(&ground.app.code(0))).status, 303);
}

#[test]
fn many_requests_at_once_with_one_code_open_one_session_over_http1() {
    let ground = Ground::new();
    let gate = ground.gate();
    let cookies: Vec<String> = (0..10).map(|_| half_of(&ground)).collect();
    for code in [ground.app.code(0), ground.recovery[0].clone()] {
        let before = sessions(&ground.trial);
        let start = Barrier::new(MANY);
        let admitted: usize = std::thread::scope(|scope| {
            let asked: Vec<_> = (0..MANY)
                .map(|place| {
                    let (cookie, code, start) = (&cookies[place % cookies.len()], &code, &start);
                    scope.spawn(move || {
                        let mut wire = Wire::open(gate.address);
                        start.wait();
                        wire.send(form(gate, cookie, code));
                        let reply = wire.reply().expect("an answer");
                        assert!(matches!(reply.status, 303 | 403 | 429), "{reply:?}");
                        usize::from(reply.status == 303 && reply.field("location") == Some("/"))
                    })
                })
                .collect();
            asked.into_iter().map(|thread| thread.join().expect("an end")).sum()
        });
        assert_eq!((admitted, sessions(&ground.trial) - before), (1, 1));
        // The others' failures make the account wait.
        std::thread::sleep(std::time::Duration::from_secs(3));
    }
    assert_eq!(user(&ground.trial, "anna")["recovery_codes"], 9);
}

#[test]
fn many_requests_at_once_with_one_code_open_one_session_over_http2() {
    let ground = Ground::new();
    let gate = ground.gate();
    for (cookies, code) in [
        // One browser in a hurry, then several that share a code.
        (vec![half_of(&ground)], ground.app.code(0)),
        ((0..5).map(|_| half_of(&ground)).collect(), ground.app.code(1)),
    ] {
        let before = sessions(&ground.trial);
        let start = Barrier::new(5);
        std::thread::scope(|scope| {
            for connection in 0..5 {
                let (cookie, code, start) = (&cookies[connection % cookies.len()], &code, &start);
                scope.spawn(move || {
                    let mut wire = H2::open(gate);
                    let (authority, origin) = (gate.authority(), gate.origin());
                    let body = format!("code={code}");
                    let own = [("origin", origin.as_str()), ("cookie", cookie.as_str())];
                    let fields = h2::fields("POST", &authority, "/second-factor", &own);
                    start.wait();
                    let streams: Vec<u32> = (0..MANY / 5)
                        .map(|_| {
                            let stream = wire.begin(&fields, false);
                            wire.frame(h2::DATA, 1, stream, body.as_bytes());
                            stream
                        })
                        .collect();
                    for outcome in wire.outcomes(&streams) {
                        assert!(matches!(outcome.status(), 303 | 403 | 429 | 503), "{outcome:?}");
                    }
                });
            }
        });
        assert_eq!(sessions(&ground.trial) - before, 1);
        std::thread::sleep(std::time::Duration::from_secs(3));
    }
}

#[test]
fn a_recovery_code_is_good_once_and_never_after_new_ones_were_made() {
    let ground = Ground::new();
    let [one, two, ..] = &ground.recovery[..] else { panic!("ten codes") };
    let visitor = half(&ground, "--http1.1");
    let typed = one.replace('-', " ").to_lowercase();
    assert_eq!(visitor.code(&typed).status, 303, "as people type it");
    assert_eq!(user(&ground.trial, "anna")["recovery_codes"], 9);
    let other = half(&ground, "--http2");
    assert_eq!(other.code(one).status, 403);
    let new = ground.trial.json(&["user", "totp", "anna", "recovery"]);
    assert_eq!(new["codes"].as_array().map(Vec::len), Some(10));
    assert_eq!(user(&ground.trial, "anna")["recovery_codes"], 10);
    let other = half(&ground, "--http2");
    assert_eq!(other.code(two).status, 403, "an old one");
    let fresh = new["codes"][3].as_str().expect("text");
    assert_eq!(patiently(|| other.code(fresh)).status, 303);
    assert_eq!(user(&ground.trial, "anna")["recovery_codes"], 9);
}

#[test]
fn restarts_and_power_cuts_make_no_code_good_again() {
    let mut ground = Ground::new();
    let (code, recovery) = (ground.app.code(1), ground.recovery[0].clone());
    assert_eq!(half(&ground, "--http2").code(&code).status, 303);
    ground.trial.stop();
    ground.trial.serve();
    assert_eq!(half(&ground, "--http2").code(&code).status, 403, "after a restart");
    let visitor = half(&ground, "--http1.1");
    assert_eq!(patiently(|| visitor.code(&recovery)).status, 303);
    // The moment the answer is here.
    ground.trial.kill();
    ground.trial.serve();
    assert_eq!(user(&ground.trial, "anna")["recovery_codes"], 9);
    assert_eq!(half(&ground, "--http1.1").code(&recovery).status, 403, "after a power cut");
    assert_eq!(patiently(|| half(&ground, "--http1.1").code(&code)).status, 403);
    assert_eq!(sessions(&ground.trial), 2, "the sessions were saved, too");
}

/// The cookie of a half sign-in.
fn half_of(ground: &Ground) -> String {
    let visitor = half(ground, "--http2");
    let name = half_cookie(&visitor.gate);
    format!("{name}={}", visitor.cookie(&name).expect("a half sign-in"))
}

fn form(gate: Door, cookie: &str, code: &str) -> String {
    let form = format!("code={code}");
    let fields = [
        format!("origin: {}", gate.origin()),
        format!("cookie: {cookie}"),
        format!("content-length: {}", form.len()),
    ];
    gate.request("POST /second-factor", &fields.each_ref().map(String::as_str)) + &form
}
