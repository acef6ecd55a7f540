//! Tokens: one door, one device, shown once.

use super::{Stage, call, login, status};
use crate::{
    promises::{Door, basic, browser::Browser},
    support::{Recorder, eventually, trial::PASSWORD},
};
use serde_json::Value;

/// The three places a token is taken in.
fn fields(secret: &str) -> [String; 4] {
    [
        basic("anna", secret),
        basic("ANNA", secret),
        format!("authorization: Bearer {secret}"),
        format!("X-Drawbridge-Token: {secret}"),
    ]
}

#[test]
fn a_token_works_in_every_place_on_both_protocols_and_never_reaches_the_tool() {
    for level in ["lan", "internet"] {
        let stage = Stage::at(level);
        let token = stage.token(&["--name", "phone"]);
        let secret = token["secret"].as_str().expect("shown once");
        assert!(secret.starts_with("drawbridge_") && secret.len() == 54, "{secret}");
        for field in fields(secret) {
            assert_eq!(status(stage.door, &field), 200, "{field}");
        }
        assert!(stage.heard("GET /"));
        assert!(!stage.heard(secret) && !stage.heard("uthorization") && !stage.heard("x-drawbridge"));
        assert_eq!(status(stage.door, &basic("bert", secret)), 401, "it is anna's");
    }
}

#[test]
fn what_is_not_quite_a_token_opens_nothing() {
    let stage = Stage::at("lan");
    let token = stage.token(&[]);
    let secret = token["secret"].as_str().expect("shown once").to_owned();
    let (other, short) = (secret.replace(&secret[20..24], "AAAA"), &secret[..53]);
    for wrong in [&other, short, &secret.to_uppercase(), &format!("{secret}x"), "drawbridge_", ""] {
        for field in [format!("authorization: Bearer {wrong}"), format!("x-drawbridge-token: {wrong}")] {
            assert_eq!(status(stage.door, &field), 401, "{field}");
        }
    }
    let twice = format!("x-drawbridge-token: {secret}");
    assert_eq!(stage.door.status("GET /", &[&twice, &twice]), 400);
    assert!(!stage.heard("GET"), "{:?}", stage.tool.heard());
}

#[test]
fn a_token_for_one_tool_opens_that_one_only_and_none_opens_the_gate() {
    let stage = Stage::at("lan");
    let other = Recorder::start();
    stage.trial.ok(&["tool", "add", "Other", &other.url()]);
    stage.trial.ok(&["level", "Other", "lan"]);
    let there = Door::of(&stage.trial, "Other");
    let token = stage.token(&["--tool", "Tool"]);
    let secret = token["secret"].as_str().expect("shown once");
    for field in fields(secret) {
        assert_eq!(status(stage.door, &field), 200);
        assert_eq!(status(there, &field), 403, "{field}");
        assert_eq!(status(stage.gate, &field), 303, "the gate's home page sends it to sign in");
    }
    assert!(!other.heard().iter().any(|heard| heard.contains("GET")));
    // As a password it makes no session, at the form or the API: it must not become more than it is.
    assert_eq!(Browser::begun(stage.door).post(stage.gate, "anna", secret).status, 403);
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(call(stage.gate, "auth/login", &login(secret)).status, 401);
    let logout = ["content-length: 0", &format!("authorization: Bearer {secret}")].map(str::to_owned);
    let logout: Vec<&str> = logout.iter().map(String::as_str).collect();
    assert_eq!(stage.gate.status("POST /.drawbridge/api/auth/logout", &logout), 401);
    // The tool goes, and one that takes its name gets nothing of it.
    stage.trial.ok(&["tool", "remove", "Tool"]);
    stage.trial.ok(&["tool", "add", "Tool", &other.url()]);
    stage.trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(stage.trial.json(&["token", "list"]).as_array().map(Vec::len), Some(0));
    assert_eq!(status(Door::of(&stage.trial, "Tool"), &fields(secret)[2]), 401);
}

#[test]
fn a_tools_own_credential_passes_beside_ours() {
    let stage = Stage::at("lan");
    let token = stage.token(&[]);
    let ours = format!("x-drawbridge-token: {}", token["secret"].as_str().expect("shown once"));
    let browser = Browser::signed_in(stage.door, stage.gate);
    for (ours, name) in [(ours, "token"), (browser.cookie(), "session")] {
        for theirs in [
            format!("authorization: Bearer the-tools-own-{name}"),
            basic("toolmaster", name),
            format!("authorization: Digest {name}"),
        ] {
            assert_eq!(stage.door.status("GET /", &[&ours, &theirs]), 200);
            let value = theirs.split_once(": ").expect("a field").1;
            assert!(stage.heard(value), "{theirs} beside a {name}");
        }
        for mine in [
            basic("anna", PASSWORD),
            basic("anna", "wrong"),
            "authorization: Bearer drawbridge_".to_owned() + &"x".repeat(43),
        ] {
            assert_eq!(stage.door.status("GET /", &[&ours, &mine]), 200);
            let value = mine.split_once(": ").expect("a field").1;
            assert!(!stage.heard(value), "{mine} is ours, right or wrong");
        }
    }
}

#[test]
fn a_token_is_listed_without_its_text_and_survives_restarts_as_what_it_is() {
    let mut stage = Stage::at("lan");
    let kept = stage.token(&["--name", "phone", "--tool", "Tool", "--expires", "1h"]);
    let gone = stage.token(&[]);
    let [kept_secret, gone_secret] = [&kept, &gone].map(|it| it["secret"].as_str().unwrap().to_owned());
    let list = stage.trial.json(&["token", "list"]);
    assert!(!list.to_string().contains("drawbridge_"));
    let list: Vec<Value> =
        list.as_array().unwrap().iter().filter(|it| it["name"] == "phone").cloned().collect();
    assert_eq!(
        (&list[0]["name"], &list[0]["tool"], &list[0]["user"]),
        (&"phone".into(), &"Tool".into(), &"anna".into())
    );
    assert_eq!(list[0]["expires"].as_u64().unwrap() - list[0]["created"].as_u64().unwrap(), 3600);
    assert!(list[0]["last_seen"].is_null());
    assert_eq!(status(stage.door, &fields(&kept_secret)[2]), 200);
    let list = stage.trial.json(&["token", "list"]);
    assert!(list.as_array().unwrap().iter().any(|it| it["name"] == "phone" && it["last_seen"].is_u64()));
    stage.trial.ok(&["token", "revoke", gone["id"].as_str().unwrap()]);
    stage.trial.refused(1, &["token", "revoke", gone["id"].as_str().unwrap()]);
    stage.trial.kill();
    stage.trial.serve();
    stage.door = Door::of(&stage.trial, "Tool");
    assert_eq!(status(stage.door, &fields(&kept_secret)[0]), 200);
    assert_eq!(status(stage.door, &fields(&gone_secret)[2]), 401);
    // Nothing on the disk opens anything.
    for file in
        ["drawbridge.db", "drawbridge.db-wal", "settings.toml", "logs/drawbridge.log", "logs/access.log"]
    {
        let bytes = std::fs::read(stage.trial.home().join(file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&kept_secret) && !text.contains(&gone_secret), "{file}");
    }
}

#[test]
fn a_token_ends_by_itself() {
    let stage = Stage::at("lan");
    let token = stage.token(&["--expires", "2s"]);
    let field = &fields(token["secret"].as_str().expect("shown once"))[2];
    assert_eq!(status(stage.door, field), 200);
    eventually("the token is over", || stage.door.status("GET /", &[field]) == 401);
}

#[test]
fn a_disabled_account_is_nobody_until_it_is_not() {
    let stage = Stage::at("lan");
    let token = stage.token(&[]);
    let token = &fields(token["secret"].as_str().expect("shown once"))[2];
    let pair = stage.login();
    let browser = Browser::signed_in(stage.door, stage.gate);
    stage.trial.ok(&["user", "set", "anna", "--disabled", "true"]);
    assert_eq!(stage.trial.json(&["user", "list"])[0]["disabled"], true);
    for field in [token, &pair.bearer(), &basic("anna", PASSWORD), &browser.cookie()] {
        assert_eq!(stage.door.status("GET /", &[field]), 401, "{field}");
    }
    assert_eq!(stage.trial.json(&["session", "list"]).as_array().map(Vec::len), Some(0));
    stage.trial.ok(&["user", "set", "anna", "--disabled", "false"]);
    assert_eq!(status(stage.door, token), 200, "tokens work again");
    assert_eq!(status(stage.door, &pair.bearer()), 401, "sign-ins have ended");
}

#[test]
fn wishes_for_tokens_that_make_no_sense_are_refused() {
    let stage = Stage::at("lan");
    for arguments in [
        ["token", "create", "nobody"].as_slice(),
        &["token", "create", "anna", "--tool", "nothing"],
        &["token", "create", "anna", "--expires", "9999d"],
        &["token", "create", "anna", "--name", &"n".repeat(65)],
        &["token", "create", "anna", "--name", "a\u{7}b"],
        &["token", "revoke", "nothing"],
    ] {
        crate::support::assert_one_sentence(&stage.trial.refused(1, arguments));
    }
    assert_eq!(stage.trial.json(&["token", "list"]).as_array().map(Vec::len), Some(0));
}

#[test]
fn an_old_token_over_basic_makes_nobody_wait() {
    let stage = Stage::at("lan");
    let token = stage.token(&[]);
    stage.trial.ok(&["token", "revoke", token["id"].as_str().expect("an id")]);
    for _ in 0..3 {
        assert_eq!(status(stage.door, &basic("anna", token["secret"].as_str().expect("shown once"))), 401);
    }
    assert_eq!(status(stage.door, &basic("anna", PASSWORD)), 200, "its owner signs in at once");
}

#[test]
fn what_looks_like_ours_reaches_no_tool_in_whatever_letters() {
    let stage = Stage::at("lan");
    let made = stage.token(&[]);
    let secret = made["secret"].as_str().expect("shown once");
    let ours = format!("x-drawbridge-token: {secret}");
    for field in [
        format!("authorization: Bearer\t{secret}"),
        format!("authorization: token {secret}"),
        format!("authorization: {secret}"),
        basic(secret, "x-oauth-basic"),
        basic(" anna ", "a wrong one"),
        format!("referer: {}/page?a=1&drawbridge_token=leaked&b", stage.door.origin()),
    ] {
        assert_eq!(stage.door.status("GET /", &[&ours, &field]), 200, "{field}");
        let value = field.split_once(": ").expect("a field").1;
        assert!(!stage.heard(value) && !stage.heard(secret) && !stage.heard("leaked"), "{field}");
    }
    assert!(stage.heard("/page?a=1&b"), "the rest of a referer stays");
}
