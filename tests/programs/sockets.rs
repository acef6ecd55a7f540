//! One-time tokens for WebSocket clients that can set no header.

use super::{Stage, status};
use crate::{
    promises::{Door, anna, basic, browser::Browser, wire::Reply},
    support::{Recorder, Trial, trial::PASSWORD},
};
use serde_json::Value;
use std::io::Write as _;

const PATH: &str = "GET /.drawbridge/api/ws-token";

fn issue(door: Door, field: &str) -> String {
    let reply = door.ask(PATH, &[field]).expect("an answer");
    assert_eq!(reply.status, 200, "{}", reply.body);
    let answer: Value = serde_json::from_str(&reply.body).expect("JSON");
    assert_eq!(answer["expires_in"], 120);
    let token = answer["token"].as_str().expect("a token").to_owned();
    assert!(
        token.len() == 43 && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
    token
}

fn shake(door: Door, target: &str) -> Reply {
    let fields = [
        "connection: Upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    door.ask(&format!("GET {target}"), &fields).expect("an answer")
}

/// A tool that agrees to every WebSocket.
fn agreeing() -> Recorder {
    Recorder::serving(|stream, head| {
        let answer = if head.to_lowercase().contains("upgrade: websocket") {
            "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        } else {
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
        };
        stream.write_all(answer.as_bytes()).is_ok()
    })
}

fn stage() -> Stage {
    let tool = agreeing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
    Stage { trial, tool, door, gate }
}

#[test]
fn a_socket_token_is_good_for_one_handshake_and_no_tool_sees_it() {
    let stage = stage();
    let own = stage.token(&[]);
    let own = format!("x-drawbridge-token: {}", own["secret"].as_str().unwrap());
    for field in [anna(), stage.login().bearer(), own, Browser::signed_in(stage.door, stage.gate).cookie()] {
        let token = issue(stage.door, &field);
        assert_eq!(
            shake(stage.door, &format!("/ws?a=1&drawbridge_token={token}&b=2")).status,
            101,
            "{field}"
        );
        assert_eq!(
            shake(stage.door, &format!("/ws?drawbridge_token={token}")).status,
            401,
            "the second time"
        );
        assert!(stage.heard("GET /ws?a=1&b=2 HTTP/1.1") && !stage.heard(&token));
    }
    // The name in another spelling is the same name, for us and for the tool.
    let token = issue(stage.door, &anna());
    assert_eq!(shake(stage.door, &format!("/odd?drawbridge%5ftoken={token}")).status, 101);
    assert!(stage.heard("GET /odd HTTP/1.1") && !stage.heard(&token));
}

#[test]
fn a_socket_token_of_another_tool_or_of_nobody_is_refused() {
    let stage = stage();
    stage.trial.ok(&["tool", "add", "Other", &stage.tool.url()]);
    stage.trial.ok(&["level", "Other", "lan"]);
    let other = Door::of(&stage.trial, "Other");
    let token = issue(other, &anna());
    assert_eq!(shake(stage.door, &format!("/ws?drawbridge_token={token}")).status, 401);
    assert_eq!(shake(other, &format!("/ws?drawbridge_token={token}")).status, 401, "used up there");
    for query in ["drawbridge_token=", "drawbridge_token", &format!("drawbridge_token={}", "x".repeat(43))] {
        assert_eq!(shake(stage.door, &format!("/ws?{query}")).status, 401, "{query}");
    }
    let token = issue(stage.door, &anna());
    let twice = format!("/ws?drawbridge_token={token}&drawbridge_token={token}");
    assert_eq!(shake(stage.door, &twice).status, 401, "two are none");
    assert!(!stage.heard("GET /ws"));
}

#[test]
fn a_socket_token_opens_nothing_but_a_socket_and_is_asked_for_like_the_tool() {
    let stage = stage();
    let token = issue(stage.door, &anna());
    assert_eq!(
        stage.door.status(&format!("GET /?drawbridge_token={token}"), &["accept: application/json"]),
        401
    );
    assert_eq!(status(stage.door, &format!("x-drawbridge-token: {token}")), 401);
    assert!(!stage.heard("GET"));
    // Beside a credential that opens the page it is dropped.
    assert_eq!(stage.door.status(&format!("GET /page?x&drawbridge_token={token}"), &[&anna()]), 200);
    assert!(stage.heard("GET /page?x HTTP/1.1") && !stage.heard(&token));

    assert_eq!(stage.door.status(PATH, &[]), 401);
    assert_eq!(stage.door.status(PATH, &[&basic("nobody", PASSWORD)]), 401);
    let (cookie, evil) =
        (Browser::signed_in(stage.door, stage.gate).cookie(), "origin: https://evil.example");
    assert_eq!(stage.door.status(PATH, &[&cookie, evil]), 403, "no page of another site gets one");
    assert_eq!(stage.door.status(PATH, &[&cookie, "sec-fetch-site: same-site", "sec-fetch-mode: cors"]), 403);
    assert_eq!(stage.door.status("POST /.drawbridge/api/ws-token", &[&anna(), "content-length: 0"]), 404);
    assert_eq!(stage.gate.status(PATH, &[&anna()]), 404, "the gate has no tool");
    stage.trial.ok(&["tool", "add", "Other", &stage.tool.url()]);
    stage.trial.ok(&["user", "set", "anna", "--tools", "Other"]);
    assert_eq!(stage.door.status(PATH, &[&anna()]), 403);
}

#[test]
fn a_socket_token_dies_with_what_it_was_made_from() {
    let stage = stage();
    let made = stage.token(&[]);
    let token = issue(stage.door, &format!("authorization: Bearer {}", made["secret"].as_str().unwrap()));
    stage.trial.ok(&["token", "revoke", made["id"].as_str().unwrap()]);
    assert_eq!(shake(stage.door, &format!("/ws?drawbridge_token={token}")).status, 403);
    let token = issue(stage.door, &anna());
    stage.trial.ok(&["user", "set", "anna", "--disabled", "true"]);
    assert_eq!(shake(stage.door, &format!("/ws?drawbridge_token={token}")).status, 403);
    assert!(!stage.heard("GET /ws"));
}

#[test]
fn many_handshakes_with_one_token_open_one_socket() {
    let stage = stage();
    let target = format!("/ws?drawbridge_token={}", issue(stage.door, &anna()));
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| shake(stage.door, &target).status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 101).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 101 | 401)));
    let mut trial = stage.trial;
    trial.stop();
    let log = std::fs::read_to_string(trial.home().join("logs/access.log")).unwrap();
    assert!(log.contains("path=/ws ") && !log.contains("drawbridge_token"), "{log}");
}
