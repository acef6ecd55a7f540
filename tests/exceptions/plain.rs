//! Plain HTTP for one tool: programs and browsers use it, and owner and visitors are told what that means.

use super::clear::{self, Browser, allow, ask};
use crate::{
    promises::{Door, anna, basic, tool::Tool},
    second_factor::enrol,
    support::{Trial, browser::Script, eventually, trial::PASSWORD},
};
use serde_json::{Value, json};

#[test]
fn it_is_off_until_the_owner_allows_it_and_said_everywhere() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    trial.ok(&["tool", "add", "Other", &tool.url()]);
    trial.ok(&["level", "Other", "lan"]);
    let (door, other, gate) = (Door::of(&trial, "Tool"), Door::of(&trial, "Other"), Door::gate(&trial));
    for at in [door, other, gate] {
        assert_eq!(ask(at, "GET /", &[&anna()]).status, 308);
    }
    let output = trial.run(&["tool", "set", "Tool", "--plain-http", "on"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("anyone there can read and change what is sent, passwords too"), "{said}");
    assert_eq!(ask(door, "GET /", &[&anna()]).body, "GET /");
    assert_eq!(ask(other, "GET /", &[&anna()]).status, 308, "one tool");
    let status = trial.json(&["status"]);
    assert_eq!(status["tools"][0]["plain_http"], "on");
    assert_eq!(status["tools"][1].get("plain_http"), None);
    let cause = status["tools"][0]["doors"][0]["cause"].as_str().expect("a cause");
    assert!(cause.contains("without encryption"), "{cause}");
    assert!(status["problems"].to_string().contains("Tool is open without encryption too"), "{status}");
    let others = trial.json(&["url", "Tool"])["others"].clone();
    assert_eq!(others, json!([clear::origin(door)]));
    assert!(trial.url("Tool").starts_with("https://"), "the one to hand out");

    trial.ok(&["tool", "set", "Tool", "--plain-http", "off"]);
    assert_eq!(ask(door, "GET /", &[&anna()]).status, 308);
    assert_eq!(trial.json(&["tool", "list"])[0].get("plain_http"), None);
    assert!(!trial.json(&["status"]).to_string().contains("encryption"));
    trial.refused(2, &["tool", "set", "Tool", "--plain-http", "maybe"]);
}

#[test]
fn programs_use_it_and_the_tool_knows_how_they_came() {
    let tool = Tool::with_sockets();
    let trial = Trial::sharing(&tool.url(), "lan");
    trial.ok(&["tool", "set", "Tool", "--identity-header", "Remote-User"]);
    allow(&trial);
    let door = Door::of(&trial, "Tool");
    let made = trial.json(&["token", "create", "anna"]);
    let token = format!("x-drawbridge-token: {}", made["secret"].as_str().expect("a token"));
    for credential in [anna(), token] {
        let reply = ask(door, "GET /a?b", &[&credential]);
        assert_eq!((reply.status, reply.body.as_str()), (200, "GET /a?b"), "{}", reply.head);
        assert_eq!(reply.field("strict-transport-security"), None);
        let asked = tool.take().pop().expect("a request");
        assert_eq!(
            (asked.values("x-forwarded-proto"), asked.values("remote-user")),
            (vec!["http"], vec!["anna"])
        );
        assert_eq!(asked.values("x-forwarded-host"), [door.authority()]);
    }
    let nobody = ask(door, "GET /", &[]);
    assert_eq!((nobody.status, nobody.field("www-authenticate").is_some()), (401, true));
    let browser = ask(door, "GET /script.js", &["user-agent: Mozilla/5.0 (X11; Linux x86_64)"]);
    assert_eq!(
        (browser.status, browser.field("www-authenticate")),
        (401, None),
        "no dialogue in front of a page"
    );
    assert_eq!(ask(door, "GET /", &[&basic("anna", "wrong")]).status, 401);
    eventually("the pause is over", || ask(door, "GET /", &[&anna()]).status == 200);
    // Its own address becomes the door's, in the scheme the visitor came by.
    let origin = format!("origin: {}", clear::origin(door));
    let socket = [
        "connection: Upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    tool.take();
    let credential = anna();
    let head = door.request("GET /socket", &[&socket[..], &[&origin, &credential]].concat());
    let mut stream = clear::connect(door);
    std::io::Write::write_all(&mut stream, head.as_bytes()).expect("sent");
    let mut answer = [0; 64];
    let count = std::io::Read::read(&mut stream, &mut answer).expect("an answer");
    assert!(String::from_utf8_lossy(&answer[..count]).starts_with("HTTP/1.1 101 "));
    assert_eq!(tool.take().pop().expect("a request").values("origin"), [tool.url()]);
}

#[test]
fn a_browser_signs_in_for_this_door_alone_with_its_second_factor() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    allow(&trial);
    let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
    let begun = Browser::begun(door, gate);
    let page = ask(gate, &format!("GET /sign-in?{}", begun.way), &["accept: text/html"]);
    assert_eq!(page.status, 200, "{}", page.head);
    assert!(page.body.contains("This page is not encrypted."), "{}", page.body);
    let elsewhere = format!("href=\"{}/a?b\"", door.origin());
    assert!(page.body.contains(&elsewhere), "the way to HTTPS: {}", page.body);
    assert_eq!(begun.post(gate, "anna", "wrong").status, 403);
    eventually("the pause is over", || begun.post(gate, "anna", PASSWORD).status == 303);
    let browser = Browser::signed_in(door, gate);
    assert_eq!(ask(door, "GET /", &[&browser.cookie()]).body, "GET /");
    assert!(!tool.raw().contains("drawbridge"), "no tool sees a cookie of ours");
    let sessions = trial.json(&["session", "list"]);
    let kinds: Vec<&Value> = sessions.as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert!(kinds.iter().all(|kind| **kind == "plain"), "{sessions}");
    let expires = |one: &Value| one["expires"].as_u64().unwrap() - one["since"].as_u64().unwrap();
    assert!(sessions.as_array().unwrap().iter().all(|one| expires(one) == 12 * 3600), "{sessions}");
    // Leaving ends it.
    let origin = format!("origin: {}", clear::origin(door));
    let left = ask(door, "POST /.drawbridge/leave", &[&browser.cookie(), &origin, "content-length: 0"]);
    assert_eq!(left.status, 303, "{}", left.head);
    assert_eq!(ask(door, "GET /", &[&browser.cookie()]).status, 401);

    let (app, _) = enrol(&trial, "anna");
    let begun = Browser::begun(door, gate);
    let half = begun.post(gate, "anna", PASSWORD);
    assert!(half.field("location").is_some_and(|to| to.starts_with("/second-factor?")), "{}", half.head);
    let set = half.field("set-cookie").expect("half a sign-in");
    assert!(set.starts_with("plain-drawbridge-half-") && !set.contains("Secure"), "{set}");
    let cookie = format!("cookie: {}", set.split(';').next().unwrap());
    let page = ask(gate, &format!("GET /second-factor?{}", begun.way), &[&cookie]);
    assert!(page.status == 200 && page.body.contains("This page is not encrypted."), "{}", page.body);
    let form = format!("code={}&{}", app.code(0), begun.way);
    let origin = format!("origin: {}", clear::origin(gate));
    let done = clear::post(gate, "POST /second-factor", &[&cookie, &origin], &form);
    let enter =
        done.field("location").and_then(|to| to.strip_prefix(&clear::origin(door))).expect("the door");
    let entered = ask(door, &format!("GET {enter}"), &[&format!("cookie: {}", begun.mark)]);
    let session = format!("cookie: {}", entered.cookie("drawbridge-").expect("a session"));
    assert_eq!(ask(door, "GET /", &[&session]).status, 200);
    assert_eq!(ask(door, "GET /", &[&anna()]).status, 401, "the password alone opens nothing here either");
}

#[test]
fn a_real_browser_is_warned_signs_in_and_is_nobody_over_https() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    allow(&trial);
    let door = Door::of(&trial, "Tool");
    let steps = Script::run(
        "plain.mjs",
        "plain",
        json!({"plain": clear::origin(door), "secure": door.origin(), "username": "anna",
               "password": PASSWORD, "caPem": trial.authority()}),
    );
    assert_eq!(steps.len(), 4, "{steps:?}");
}
