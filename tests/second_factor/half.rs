//! Half a sign-in reaches nothing, and ends with what it rests on.

use super::{Ground, Visitor, half_cookie, patiently, session_cookie, sessions, set_password};
use crate::promises::{
    Door,
    browser::Browser,
    h2::{self, H2},
};
use crate::support::trial::PASSWORD;

/// The value of a half sign-in's cookie.
fn half(ground: &Ground) -> (Visitor, String) {
    let visitor = ground.visitor("--http2");
    assert_eq!(patiently(|| visitor.password("anna", PASSWORD)).status, 303);
    let value = visitor.cookie(&half_cookie(&visitor.gate)).expect("a half sign-in");
    (visitor, value)
}

#[test]
fn half_a_sign_in_opens_no_page_no_door_and_no_socket() {
    let ground = Ground::new();
    let (gate, door) = (ground.gate(), ground.door());
    let (_, value) = half(&ground);
    let socket = [
        "connection: Upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    // Under its own name and under those of sessions, here and there.
    for name in [
        half_cookie(&gate.origin()),
        session_cookie(&gate.origin()),
        session_cookie(&door.origin()),
        half_cookie(&door.origin()),
    ] {
        let cookie = format!("cookie: {name}={value}");
        let at = |who: Door, line: &str, more: &[&str]| {
            let origin = format!("origin: {}", who.origin());
            let length = if line.starts_with("POST") { "content-length: 0" } else { "x-nothing: 0" };
            who.status(line, &[&[cookie.as_str(), origin.as_str(), length], more].concat())
        };
        for (line, status) in [
            ("GET /", 303),
            ("GET /account", 303),
            ("GET /account/second-factor", 303),
            ("POST /account/session/end", 303),
            ("POST /account/session/end-others", 303),
            ("POST /account/second-factor/begin", 303),
            ("POST /account/second-factor/confirm", 303),
            ("POST /account/second-factor/codes", 303),
            ("POST /account/second-factor/remove", 303),
        ] {
            assert_eq!(at(gate, line, &[]), status, "{name}: {line}");
            let reply =
                gate.ask(line, &[&cookie, &format!("origin: {}", gate.origin()), "content-length: 0"]);
            assert_eq!(reply.expect("an answer").field("location"), Some("/sign-in"), "{name}: {line}");
        }
        assert_eq!(at(door, "GET /tool", &[]), 401, "{name}");
        assert_eq!(at(door, "POST /tool", &[]), 401, "{name}");
        assert_eq!(at(door, "GET /socket", &socket), 401, "{name}");
        assert_eq!(at(door, &format!("GET /.drawbridge/enter?code={value}&to=/"), &[]), 403, "{name}");
        let (authority, origin) = (door.authority(), door.origin());
        let pair = format!("{name}={value}");
        let own = [("cookie", pair.as_str()), ("origin", origin.as_str())];
        let outcome = H2::open(door).ask(&h2::fields("GET", &authority, "/tool", &own), None, &[]);
        assert_eq!(outcome.status(), 401, "{name}: HTTP/2");
    }
    assert!(ground.tool.asked().is_empty(), "nothing reached the tool");
    assert_eq!(sessions(&ground.trial), 0);
    // A way to a tool gets no code either.
    let begun = Browser::begun(door);
    let cookie = format!("cookie: {}={value}", half_cookie(&gate.origin()));
    let reply = gate.ask(&format!("GET /sign-in?{}", begun.way), &[&cookie]).expect("an answer");
    assert_eq!(reply.status, 200, "the form, not the way on");
}

#[test]
fn what_an_account_loses_ends_its_half_sign_ins() {
    type Change = fn(&Ground);
    let changes: [(&str, Change); 5] = [
        ("password", |ground| set_password(&ground.trial, "anna", "another good password")),
        ("rights", |ground| {
            ground.trial.ok(&["user", "set", "anna", "--tools", ""]);
        }),
        ("recovery codes", |ground| {
            ground.trial.ok(&["user", "totp", "anna", "recovery"]);
        }),
        ("second factor", |ground| {
            ground.trial.ok(&["user", "totp", "anna", "remove"]);
            super::enrol(&ground.trial, "anna");
        }),
        ("account", |ground| {
            ground.trial.ok(&["user", "remove", "anna"]);
        }),
    ];
    let ground = Ground::new();
    for (place, (what, change)) in changes.into_iter().enumerate() {
        let (visitor, _) = half(&ground);
        assert_eq!(visitor.page("/second-factor").status, 200, "{what}");
        change(&ground);
        let page = visitor.page("/second-factor");
        assert!(page.status == 303 && page.location().starts_with("/sign-in?"), "{what}: {page:?}");
        let late = visitor.code(&ground.recovery[place]);
        assert!(late.status == 303 && late.location().starts_with("/sign-in?"), "{what}: {late:?}");
        assert_eq!((visitor.session(), sessions(&ground.trial)), (None, 0), "{what}");
        if what == "password" {
            set_password(&ground.trial, "anna", PASSWORD);
        }
    }
}

#[test]
fn half_a_sign_in_belongs_to_its_browser_and_ends_with_it() {
    let ground = Ground::new();
    let (visitor, _) = half(&ground);
    let stranger = ground.visitor("--http1.1");
    let refused = stranger.code(&ground.app.code(0));
    assert!(refused.status == 303 && refused.location().starts_with("/sign-in?"), "{refused:?}");
    assert_eq!((stranger.session(), sessions(&ground.trial)), (None, 0));
    // A code that came without a half sign-in is not spent.
    assert_eq!(visitor.post("/sign-out", &[]).status, 303);
    assert_eq!(visitor.page("/second-factor").status, 303, "signed out of half a sign-in");
    let (visitor, old) = half(&ground);
    assert_eq!(visitor.password("anna", PASSWORD).status, 303);
    let gate = ground.gate();
    let with = |value: &str| {
        let cookie = format!("cookie: {}={value}", half_cookie(&gate.origin()));
        gate.status("GET /second-factor", &[&cookie])
    };
    let new = visitor.cookie(&half_cookie(&visitor.gate)).expect("a half sign-in");
    assert_eq!((with(&old), with(&new)), (303, 200), "a second password ends the first half");
    assert_eq!(visitor.code(&ground.app.code(0)).status, 303);
    assert_eq!(with(&new), 303, "once");
    assert_eq!(sessions(&ground.trial), 1);
}

#[test]
fn forms_of_other_sites_are_not_taken() {
    let ground = Ground::new();
    let (gate, (_, value)) = (ground.gate(), half(&ground));
    let cookie = format!("cookie: {}={value}", half_cookie(&gate.origin()));
    let body = format!("code={}", ground.app.code(0));
    let length = format!("content-length: {}", body.len());
    for more in [
        vec![],
        vec!["origin: https://evil.example"],
        vec!["origin: null"],
        vec!["sec-fetch-site: cross-site"],
    ] {
        let fields = [&[cookie.as_str(), length.as_str()], &more[..]].concat();
        let bytes = gate.request("POST /second-factor", &fields) + &body;
        assert_eq!(gate.exchange(bytes.as_bytes()).map(|reply| reply.status), Some(403), "{more:?}");
    }
    let origin = format!("origin: {}", gate.origin());
    let bytes = gate.request("POST /second-factor", &[&cookie, &length, &origin]) + &body;
    assert_eq!(
        gate.exchange(bytes.as_bytes()).map(|reply| reply.status),
        Some(303),
        "the code was not spent"
    );
}
