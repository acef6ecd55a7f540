//! Links and forms that make nobody: one answer for all, and the good ones stay good.

use super::{CHOSEN, Ground, Link, accept, look};
use crate::{
    promises::{
        Door,
        h2::{self, H2, Outcome},
    },
    second_factor::PROTOCOLS,
    support::{eventually, trial::PASSWORD},
};

/// Sends the form as another page would make a browser send it. On bare connections: curl takes it for a failure where the
/// answer is there before all of the form is.
fn from_elsewhere(gate: Door, protocol: &str, code: &str, (name, value): (&str, &str)) -> (u16, String) {
    let form = format!("code={code}&new={}", CHOSEN.replace(' ', "+"));
    let length = form.len().to_string();
    let more =
        [("content-type", "application/x-www-form-urlencoded"), ("content-length", &length), (name, value)];
    if protocol == "--http1.1" {
        let lines = more.map(|(name, value)| format!("{name}: {value}"));
        let head = gate.request("POST /invite", &[&lines[0], &lines[1], &lines[2]]);
        let reply = gate.exchange((head + &form).as_bytes()).expect("an answer");
        return (reply.status, reply.body);
    }
    match H2::open(gate).ask(&h2::fields("POST", &gate.authority(), "/invite", &more), Some(&form), &[]) {
        Outcome::Answer { status, body } => (status, body),
        Outcome::Refused => panic!("no answer"),
    }
}

#[test]
fn wrong_used_expired_revoked_and_taken_links_get_one_answer() {
    for protocol in PROTOCOLS {
        let ground = Ground::new("lan");
        let used = ground.invite(&["ben"]);
        assert_eq!(accept(&ground.visitor(protocol), &used.code, CHOSEN).status, 303);
        let revoked = ground.invite(&["cora"]);
        ground.trial.ok(&["user", "uninvite", &revoked.id]);
        let taken = ground.invite(&["dora"]);
        ground.trial.add_user("Dora", PASSWORD);
        let expired = ground.invite(&["emil", "--for", "2s"]);
        assert_eq!(look(&ground.visitor(protocol), &expired.code).status, 200, "good for two seconds");
        eventually("it is over", || ground.open().is_empty());
        let visitor = ground.visitor(protocol);
        let codes = [used, revoked, taken, expired].map(|link: Link| link.code);
        let made_up =
            ["x".repeat(43), "x".repeat(42), "x".repeat(44), String::new(), "%C3%A4%00%3Cb%3E".to_owned()];
        let (mut pages, mut documents) = (Vec::new(), Vec::new());
        for code in codes.iter().chain(&made_up) {
            let page = look(&visitor, code);
            assert_eq!(page.status, 403, "{code}: {page:?}");
            assert!(page.body.contains("no longer good") && page.body.contains("for a new one"), "{page:?}");
            let answer = accept(&visitor, code, CHOSEN);
            assert_eq!(answer.status, 403, "{code}: {answer:?}");
            pages.push(page.body);
            documents.push(answer.body);
        }
        for bodies in [&mut pages, &mut documents] {
            bodies.dedup();
            assert_eq!(bodies.len(), 1, "{bodies:?}");
        }
        assert_eq!(visitor.session(), None);
        assert_eq!(ground.names(), ["anna", "ben", "Dora"]);
        // The name of one that is over is free again.
        ground.invite(&["emil"]);
    }
}

#[test]
fn no_other_page_accepts_an_invite() {
    for protocol in PROTOCOLS {
        let ground = Ground::new("lan");
        let link = ground.invite(&["ben"]);
        let (gate, door) = (Door::gate(&ground.trial), Door::of(&ground.trial, "Tool").origin());
        let elsewhere = ["https://evil.example", &door, "null"].map(|origin| ("origin", origin));
        for field in elsewhere.into_iter().chain([("sec-fetch-site", "same-site")]) {
            let (status, body) = from_elsewhere(gate, protocol, &link.code, field);
            assert_eq!((status, body.contains("problem:cross-site")), (403, true), "{field:?}: {body}");
        }
        assert_eq!((ground.names().len(), ground.open().len()), (1, 1));
        let (status, _) = from_elsewhere(gate, protocol, &link.code, ("origin", &gate.origin()));
        assert_eq!(status, 303, "the same from the gate's own page");
    }
}

#[test]
fn a_password_that_is_too_weak_for_where_one_is_leaves_the_link_good() {
    for protocol in PROTOCOLS {
        let cases = [
            ("lan", vec![("vK3#q9z", "too short"), ("password", "guessed")], "vK3#q9zT"),
            ("internet", vec![("vK3#q9z", "15 characters"), ("kW8dmz2pQ", "15 characters")], CHOSEN),
        ];
        for (level, bad, good) in cases {
            let ground = Ground::new(level);
            let link = ground.invite(&["ben"]);
            let visitor = ground.visitor(protocol);
            let least = if level == "lan" { "minlength=\"8\"" } else { "minlength=\"15\"" };
            assert!(look(&visitor, &link.code).body.contains(least));
            for (password, why) in bad.into_iter().chain([(&*"x".repeat(2000), "too long")]) {
                let answer = accept(&visitor, &link.code, password);
                assert_eq!((answer.status, answer.body.contains(why)), (400, true), "{password}: {answer:?}");
                assert!(answer.body.contains(&link.code), "the form is ready for another");
            }
            assert_eq!((ground.names().len(), ground.open().len()), (1, 1));
            assert_eq!(accept(&visitor, &link.code, good).status, 303, "{level}");
            assert_eq!(ground.trial.json(&["user", "list"])[1]["strong"], level == "internet");
            assert!(visitor.page("/").body.contains("Tool"), "signed in");
        }
    }
}
