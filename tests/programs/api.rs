//! The gate's API: sign in, refresh, sign out.

use super::{Pair, Stage, call, call_with, login, status};
use crate::{
    promises::{Door, basic, browser::Browser, h2, h2::H2},
    support::{Trial, trial::PASSWORD},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// What a token says of itself.
fn claims(token: &str) -> Value {
    let body = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("three parts")).expect("base 64");
    serde_json::from_slice(&body).expect("JSON")
}

#[test]
fn a_pair_opens_tools_and_only_the_access_token_does() {
    for level in ["lan", "internet"] {
        let stage = Stage::at(level);
        let pair = stage.login();
        let (access, refresh) = (claims(&pair.access), claims(&pair.refresh));
        for claims in [&access, &refresh] {
            assert_eq!(claims["sub"], "anna");
            assert!(claims["aud"].as_str().is_some_and(|aud| aud.starts_with("drawbridge:")));
        }
        assert_eq!((&access["type"], &refresh["type"]), (&json!("access"), &json!("refresh")));
        assert_eq!(access["exp"].as_u64().unwrap() - access["iat"].as_u64().unwrap(), 900);
        assert_eq!(status(stage.door, &pair.bearer()), 200);
        assert_eq!(status(stage.door, &format!("X-Drawbridge-Token: {}", pair.access)), 200);
        for field in ["authorization: Bearer ", "x-drawbridge-token: "] {
            assert_eq!(status(stage.door, &format!("{field}{}", pair.refresh)), 401, "a refresh token");
        }
        assert_eq!(status(stage.door, &basic("anna", &pair.access)), 401, "no password either");
        assert!(!stage.heard(&pair.access) && !stage.heard(&pair.refresh));
        let sessions = stage.trial.json(&["session", "list"]);
        assert_eq!((&sessions[0]["kind"], &sessions[0]["user"]), (&json!("program"), &json!("anna")));
    }
}

#[test]
fn a_refresh_token_is_good_once_and_one_that_comes_again_ends_its_sign_in() {
    let stage = Stage::at("lan");
    let first = stage.login();
    let second = first.refreshed(stage.gate).expect("the next pair");
    assert_eq!(status(stage.door, &second.bearer()), 200);
    // Two threads of one program: nothing is granted, and nothing is lost.
    assert_eq!(first.refreshed(stage.gate).unwrap_err(), 409);
    let third = second.refreshed(stage.gate).expect("the sign-in goes on");
    // Older than the last one: somebody kept a copy.
    assert_eq!(first.refreshed(stage.gate).unwrap_err(), 401);
    assert_eq!(third.refreshed(stage.gate).unwrap_err(), 401, "the family has ended");
    for pair in [first, second, third] {
        assert_eq!(status(stage.door, &pair.bearer()), 401);
    }
    assert_eq!(stage.trial.json(&["session", "list"]).as_array().map(Vec::len), Some(0));
}

#[test]
fn many_refreshes_at_once_give_one_pair() {
    let stage = Stage::at("lan");
    let pair = stage.login();
    let outcomes: Vec<Result<Pair, u16>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..12).map(|_| scope.spawn(|| pair.refreshed(stage.gate))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (good, bad): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(good.len(), 1);
    assert!(bad.iter().all(|outcome| matches!(outcome, Err(409 | 503))), "{bad:?}");
    let next = good.into_iter().next().unwrap().unwrap();
    assert_eq!(status(stage.door, &next.bearer()), 200, "a race ends no sign-in");
}

#[test]
fn signing_out_counts_after_a_restart_and_so_does_staying() {
    let mut stage = Stage::at("lan");
    let (out, stays) = (stage.login(), stage.login());
    let reply = call_with(stage.gate, "auth/logout", "", &[&out.bearer()]);
    assert_eq!(reply.status, 204, "{}", reply.head);
    for _ in 0..2 {
        assert_eq!(status(stage.door, &out.bearer()), 401);
        assert_eq!(out.refreshed(stage.gate).unwrap_err(), 401);
        assert_eq!(call_with(stage.gate, "auth/logout", "", &[&out.bearer()]).status, 401);
        assert_eq!(status(stage.door, &stays.bearer()), 200);
        stage.trial.kill();
        stage.trial.serve();
        (stage.door, stage.gate) = (Door::of(&stage.trial, "Tool"), Door::gate(&stage.trial));
    }
    assert!(stays.refreshed(stage.gate).is_ok());
}

#[test]
fn tokens_of_the_local_network_do_not_open_the_internet_and_the_other_way_they_do() {
    let stage = Stage::at("internet");
    let urls = stage.trial.json(&["url", "Tool"]);
    let near = urls["others"][0].as_str().map(|url| Door { address: stage.trial.socket(url) });
    let near = near.expect("a LAN door");
    let gates = stage.trial.json(&["url"]);
    let near_gate = gates["others"][0].as_str().map(|url| Door { address: stage.trial.socket(url) });
    let far = stage.login();
    assert_eq!((status(stage.door, &far.bearer()), status(near, &far.bearer())), (200, 200));
    let reply = call(near_gate.expect("a LAN gate"), "auth/login", &login(PASSWORD));
    let near_pair = Pair::of(&reply);
    assert_eq!(status(near, &near_pair.bearer()), 200);
    assert_eq!(status(stage.door, &near_pair.bearer()), 401);
    assert_eq!(near_pair.refreshed(stage.gate).unwrap_err(), 401);
}

#[test]
fn another_installations_tokens_open_nothing_and_stay_the_tools_own() {
    let (one, other) = (Stage::at("lan"), Stage::at("lan"));
    let pair = other.login();
    assert_eq!(status(one.door, &pair.bearer()), 401);
    let browser = Browser::signed_in(one.door, one.gate);
    assert_eq!(one.door.status("GET /", &[&browser.cookie(), &pair.bearer()]), 200);
    assert!(one.heard(&pair.access), "a tool behind us may be a Drawbridge user itself");
    assert_eq!(
        other.door.status("GET /", &[&Browser::signed_in(other.door, other.gate).cookie(), &pair.bearer()]),
        200
    );
    assert!(!other.heard(&pair.access), "ours is never handed on");
}

#[test]
fn wrong_unknown_disabled_and_weak_look_the_same() {
    let stage = Stage::at("internet");
    stage.trial.add_user("weak", "vK3#q9zT");
    stage.trial.add_user("closed", PASSWORD);
    stage.trial.ok(&["user", "set", "closed", "--disabled", "true"]);
    let answer = |name: &str, password: &str| {
        let reply = call(stage.gate, "auth/login", &json!({ "username": name, "password": password }));
        let head: Vec<&str> = reply.head.lines().filter(|line| !line.starts_with("date:")).collect();
        (reply.status, head.join("\n"), reply.body)
    };
    let expected = answer("nobody", "wrong");
    assert_eq!(expected.0, 401, "{expected:?}");
    for (name, password) in [("anna", "wrong"), ("weak", "vK3#q9zT"), ("closed", PASSWORD), ("", "")] {
        assert_eq!(answer(name, password), expected, "{name}");
        // And the same wait, which says when to come back.
        let waits = answer(name, password);
        assert_eq!(waits.0, 429, "{name}");
        assert!(waits.1.contains("retry-after:"), "{}", waits.1);
    }
}

#[test]
fn calls_that_are_not_quite_calls_are_refused() {
    let stage = Stage::at("lan");
    let good = login(PASSWORD).to_string();
    let json_type = "content-type: application/json";
    let own = format!("origin: {}", stage.gate.origin());
    let strange = format!("origin: {}", stage.door.origin());
    for (path, body, fields, expected) in [
        ("auth/login", good.as_str(), vec![json_type], 200),
        ("auth/login", &good, vec!["content-type: Application/JSON; charset=utf-8", &own], 200),
        ("auth/login", &good, vec![], 400),
        ("auth/login", &good, vec!["content-type: text/plain"], 400),
        ("auth/login", &good, vec!["content-type: application/x-www-form-urlencoded"], 400),
        ("auth/login", &good, vec![json_type, "origin: https://evil.example"], 403),
        ("auth/login", &good, vec![json_type, &strange], 403),
        ("auth/login", &good, vec![json_type, "origin: null"], 403),
        ("auth/login", &good, vec![json_type, "sec-fetch-site: cross-site"], 403),
        ("auth/login", "", vec![json_type], 400),
        ("auth/login", "{", vec![json_type], 400),
        ("auth/login", "[]", vec![json_type], 400),
        ("auth/login", r#"{"username":"anna"}"#, vec![json_type], 400),
        ("auth/login", r#"{"username":"anna","password":null}"#, vec![json_type], 400),
        ("auth/login", r#"{"username":"anna","password":"a","password":"b"}"#, vec![json_type], 400),
        ("auth/login", r#"{"username":"anna","password":"a","admin":true}"#, vec![json_type], 400),
        ("auth/refresh", r#"{"refresh_token":"a.b.c"}"#, vec![json_type], 401),
        ("auth/refresh", r#"{"refresh_token":""}"#, vec![json_type], 401),
        ("auth/refresh", "{}", vec![json_type], 400),
        ("auth/logout", "", vec![], 401),
        ("auth/logout", "", vec!["authorization: Bearer nonsense"], 401),
        ("auth/other", "{}", vec![json_type], 404),
        ("auth/login/", &good, vec![json_type], 404),
        ("", "{}", vec![json_type], 404),
    ] {
        let reply = call_with(stage.gate, path, body, &fields);
        assert_eq!(reply.status, expected, "{path} {body} {fields:?}: {}", reply.head);
        assert!(reply.field("set-cookie").is_none() && reply.field("access-control-allow-origin").is_none());
        assert_eq!(reply.field("cache-control"), Some("no-store"), "{path}");
    }
    let long = json!({ "username": "anna", "password": "a".repeat(100_000) }).to_string();
    assert_eq!(call_with(stage.gate, "auth/login", &long, &[json_type]).status, 413);
    for line in ["GET /.drawbridge/api/auth/login", "DELETE /.drawbridge/api/auth/login"] {
        assert_eq!(stage.gate.status(line, &[]), 404);
    }
    assert_eq!(call(stage.door, "auth/login", &login(PASSWORD)).status, 404, "no tool's door has it");
    assert!(!stage.heard("auth"));
}

#[test]
fn the_api_speaks_http_2() {
    let stage = Stage::at("lan");
    let authority = stage.gate.authority();
    let body = login(PASSWORD).to_string();
    let more = [("content-type", "application/json")];
    let fields = h2::fields("POST", &authority, "/.drawbridge/api/auth/login", &more);
    let h2::Outcome::Answer { status: 200, body } = H2::open(stage.gate).ask(&fields, Some(&body), &[])
    else {
        panic!("no pair over HTTP/2")
    };
    let answer: Value = serde_json::from_str(&body).unwrap();
    let field = format!("authorization: Bearer {}", answer["access_token"].as_str().unwrap());
    assert_eq!(status(stage.door, &field), 200);
}

#[test]
fn no_secret_of_a_program_is_logged() {
    let stage = Stage::at("lan");
    let first = stage.login();
    let second = first.refreshed(stage.gate).unwrap();
    assert_eq!(status(stage.door, &second.bearer()), 200);
    assert_eq!(first.refreshed(stage.gate).unwrap_err(), 409);
    let mut trial = stage.trial;
    trial.stop();
    let said = logged(&trial);
    assert!(said.contains("/.drawbridge/api/auth/login"));
    for secret in [&first.access, &first.refresh, &second.access, &second.refresh] {
        assert!(!said.contains(secret.as_str()) && !said.contains(secret.split('.').nth(2).unwrap()));
    }
}

/// Everything the engine wrote that is no sealed data.
fn logged(trial: &Trial) -> String {
    let logs =
        ["logs/access.log", "logs/drawbridge.log", "settings.toml"].map(|file| trial.home().join(file));
    let files = logs.into_iter().chain([trial.said()]);
    files.map(|file| std::fs::read_to_string(file).unwrap_or_default()).collect()
}

#[test]
fn who_signs_in_too_often_loses_the_oldest_for_good_and_never_the_newest() {
    let mut stage = Stage::at("lan");
    let pairs: Vec<Pair> = (0..8)
        .flat_map(|_| {
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..10).map(|_| scope.spawn(|| stage.login())).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
            })
        })
        .collect();
    let good = |stage: &Stage| -> Vec<bool> {
        pairs.iter().map(|pair| stage.door.status("GET /", &[&pair.bearer()]) == 200).collect()
    };
    let before = good(&stage);
    assert_eq!(before.iter().filter(|is_good| **is_good).count(), 64, "{before:?}");
    assert!(before[pairs.len() - 10..].iter().all(|is_good| *is_good), "the newest are good: {before:?}");
    stage.trial.kill();
    stage.trial.serve();
    (stage.door, stage.gate) = (Door::of(&stage.trial, "Tool"), Door::gate(&stage.trial));
    assert_eq!(good(&stage), before, "a restart brings nobody back");
}

#[test]
fn an_exchange_whose_caller_went_away_still_ends_the_old_token() {
    let stage = Stage::at("lan");
    for round in 0..20_u64 {
        let pair = stage.login();
        let body = json!({ "refresh_token": pair.refresh }).to_string();
        let length = format!("content-length: {}", body.len());
        let fields = ["content-type: application/json", length.as_str()];
        let mut wire = crate::promises::wire::Wire::open(stage.gate.address);
        wire.send(stage.gate.request("POST /.drawbridge/api/auth/refresh", &fields) + &body);
        std::thread::sleep(std::time::Duration::from_micros(200 * round));
        drop(wire);
        // Either it was not carried out, or it was, here and on the disk alike.
        crate::support::eventually("one answer for good", || match pair.refreshed(stage.gate) {
            Ok(next) => next.refreshed(stage.gate).is_ok(),
            Err(status) => status == 409,
        });
    }
}
