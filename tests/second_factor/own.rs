//! What people change about their own accounts besides the second factor: the password, and passwords for single devices;
//! and how programs sign in to an account with a second factor.

use super::{Answer, Ground, PROTOCOLS, SHORT, Visitor, patiently, session_cookie, sessions};
use crate::{
    programs::{Pair, call},
    promises::{Door, basic, browser::Browser, tool::Tool, wire::Reply},
    support::{Trial, totp::App, trial::PASSWORD},
};
use serde_json::{Value, json};

const NEW: &str = "another horse battery";

fn signed_in(trial: &Trial, protocol: &'static str) -> Visitor {
    let visitor = Visitor::new(trial, protocol);
    let answer = visitor.password("anna", PASSWORD);
    assert_eq!((answer.status, answer.location()), (303, "/"), "{answer:?}");
    visitor
}

fn change(visitor: &Visitor, old: &str, new: &str) -> Answer {
    patiently(|| visitor.post("/account/password", &[("password", old), ("new", new)]))
}

fn login(gate: Door, body: &Value) -> Reply {
    loop {
        let reply = call(gate, "auth/login", body);
        if reply.status != 429 {
            return reply;
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
}

#[test]
fn a_new_password_ends_everything_but_the_browser_that_set_it() {
    for protocol in PROTOCOLS {
        let tool = Tool::echoing();
        let trial = Trial::sharing(&tool.url(), "lan");
        let (visitor, other) = (signed_in(&trial, protocol), signed_in(&trial, protocol));
        let (gate, door) = (Door::gate(&trial), Door::of(&trial, "Tool"));
        let token = trial.json(&["token", "create", "anna"])["secret"].as_str().unwrap().to_owned();
        let pair = Pair::of(&login(gate, &json!({"username": "anna", "password": PASSWORD})));
        let before = visitor.session().expect("a session");
        assert_eq!(change(&visitor, "not this one", NEW).status, 403);
        for (bad, said) in
            [(SHORT.get(..7).unwrap(), "too short"), ("password", "guessed"), (&*"x".repeat(2000), "long")]
        {
            let answer = change(&visitor, PASSWORD, bad);
            assert_eq!((answer.status, answer.body.contains(said)), (400, true), "{bad}: {answer:?}");
        }
        assert_eq!(other.page("/account").status, 200, "nothing has changed yet");

        let done = change(&visitor, PASSWORD, NEW);
        assert_eq!((done.status, done.location()), (303, "/account?changed"), "{done:?}");
        let after = visitor.session().expect("a session");
        assert_ne!(before, after, "a new one");
        assert!(visitor.page("/account?changed").body.contains("The password is changed"));
        assert_eq!((visitor.page("/account").status, other.page("/account").status), (200, 303));
        let old = format!("cookie: {}={before}", session_cookie(&gate.origin()));
        assert_eq!(gate.status("GET /account", &[&old]), 303);
        assert_eq!(sessions(&trial), 1);
        for gone in [format!("authorization: Bearer {token}"), pair.bearer(), basic("anna", PASSWORD)] {
            // The wrong password above may make the account wait still.
            assert!(matches!(door.status("GET /", &[&gone]), 401 | 429), "{gone}");
        }
        std::thread::sleep(std::time::Duration::from_millis(2100));
        assert_eq!(door.status("GET /", &[&basic("anna", NEW)]), 200);
    }
}

#[test]
fn from_the_internet_nobody_locks_themselves_out_with_a_short_password() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "internet");
    let (gate, door) = (Door::gate(&trial), Door::of(&trial, "Tool"));
    let browser = Browser::signed_in(door, gate);
    let change = |new: &str| {
        let form = format!("password={}&new={}", PASSWORD.replace(' ', "+"), new.replace(' ', "+"));
        let length = format!("content-length: {}", form.len());
        let (cookie, origin) = (format!("cookie: {}", browser.gate), format!("origin: {}", gate.origin()));
        let head = gate.request("POST /account/password", &[&cookie, &origin, &length]);
        gate.exchange((head + &form).as_bytes()).expect("an answer")
    };
    let answer = change("kW8dmz2pQ");
    assert_eq!((answer.status, answer.body.contains("15 characters")), (400, true), "{}", answer.body);
    assert_eq!(door.status("GET /", &[&browser.cookie()]), 200, "nothing has changed");
    assert_eq!(change(NEW).status, 303);
    assert_eq!(door.status("GET /", &[&browser.cookie()]), 401);
}

#[test]
fn no_other_page_changes_a_password_or_makes_a_token() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let visitor = signed_in(&trial, "--http1.1");
    let gate = Door::gate(&trial);
    let cookie =
        format!("cookie: {}={}", session_cookie(&gate.origin()), visitor.session().expect("a session"));
    let door = format!("origin: {}", Door::of(&trial, "Tool").origin());
    for path in ["/account/password", "/account/token", "/account/token/revoke"] {
        for origin in ["origin: https://evil.example", &door, "origin: null", "sec-fetch-site: same-site"] {
            let line = format!("POST {path}");
            assert_eq!(gate.status(&line, &[&cookie, origin, "content-length: 0"]), 403, "{path} {origin}");
        }
        let nobody = Visitor::new(&trial, "--http1.1");
        let answer = nobody.post(path, &[("password", PASSWORD), ("new", NEW)]);
        assert_eq!((answer.status, answer.location()), (303, "/sign-in"), "{path}");
    }
}

#[test]
fn people_make_and_revoke_passwords_for_their_own_devices() {
    for protocol in PROTOCOLS {
        let tool = Tool::echoing();
        let trial = Trial::sharing(&tool.url(), "lan");
        trial.add_user("bert", PASSWORD);
        let visitor = signed_in(&trial, protocol);
        let door = Door::of(&trial, "Tool");
        assert!(visitor.page("/account/token").body.contains("<option value=\"tool\">Tool</option>"));
        let make = |fields: &[(&str, &str)]| patiently(|| visitor.post("/account/token", fields));
        assert_eq!(
            make(&[("name", "phone"), ("password", "wrong")]).status,
            403,
            "an unlocked browser is not enough"
        );
        assert_eq!(make(&[("name", "phone"), ("tool", "nothing"), ("password", PASSWORD)]).status, 400);
        assert_eq!(make(&[("name", &"n".repeat(65)), ("password", PASSWORD)]).status, 400);
        let made =
            make(&[("name", "<b>phone</b>"), ("tool", "tool"), ("days", "30"), ("password", PASSWORD)]);
        let secret = made.body.split("<p class=\"code\">").nth(1).and_then(|rest| rest.split('<').next());
        let secret = secret.unwrap_or_else(|| panic!("{made:?}"));
        assert_eq!(door.status("GET /", &[&format!("x-drawbridge-token: {secret}")]), 200);
        let known = trial.json(&["token", "list"])[0].clone();
        assert_eq!(
            (&known["user"], &known["tool"], &known["name"]),
            (&json!("anna"), &json!("Tool"), &json!("<b>phone</b>"))
        );
        assert_eq!(known["expires"].as_u64().unwrap() - known["created"].as_u64().unwrap(), 30 * 24 * 3600);
        let page = visitor.page("/account");
        assert!(
            !page.body.contains("<b>phone") && page.body.contains("phone") && !page.body.contains(secret)
        );
        // Nobody revokes another's.
        let id = known["id"].as_str().unwrap();
        let bert = Visitor::new(&trial, protocol);
        assert_eq!(bert.password("bert", PASSWORD).status, 303);
        bert.post("/account/token/revoke", &[("token", id)]);
        assert_eq!(trial.json(&["token", "list"]).as_array().map(Vec::len), Some(1));
        assert_eq!(visitor.post("/account/token/revoke", &[("token", id)]).status, 303);
        assert_eq!(door.status("GET /", &[&format!("x-drawbridge-token: {secret}")]), 401);
    }
}

#[test]
fn programs_change_a_password_and_go_on_with_a_new_sign_in() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let (gate, door) = (Door::gate(&trial), Door::of(&trial, "Tool"));
    let pair = Pair::of(&login(gate, &json!({"username": "anna", "password": PASSWORD})));
    let other = Pair::of(&login(gate, &json!({"username": "anna", "password": PASSWORD})));
    let change = |bearer: &str, old: &str, new: &str| {
        let body = json!({"current_password": old, "new_password": new}).to_string();
        let fields = ["content-type: application/json", bearer];
        crate::programs::call_with(gate, "change-password", &body, &fields)
    };
    let token = trial.json(&["token", "create", "anna"])["secret"].as_str().unwrap().to_owned();
    assert_eq!(change("x-nothing: 1", PASSWORD, NEW).status, 401);
    assert_eq!(
        change(&format!("authorization: Bearer {token}"), PASSWORD, NEW).status,
        401,
        "no token for one device"
    );
    assert_eq!(change(&basic("anna", PASSWORD), PASSWORD, NEW).status, 401);
    assert_eq!(change(&format!("authorization: Bearer {}", pair.refresh), PASSWORD, NEW).status, 401);
    assert_eq!(change(&pair.bearer(), PASSWORD, "short").status, 400);
    assert_eq!(change(&pair.bearer(), "wrong", NEW).status, 401);
    let next = Pair::of(&change(&pair.bearer(), PASSWORD, NEW));
    assert_eq!(door.status("GET /", &[&next.bearer()]), 200);
    for gone in [pair.bearer(), other.bearer(), format!("authorization: Bearer {token}")] {
        assert_eq!(door.status("GET /", &[&gone]), 401, "{gone}");
    }
    assert_eq!(sessions(&trial), 1);
}

#[test]
fn programs_of_an_account_with_a_second_factor_need_a_code_or_a_token() {
    let ground = Ground::new();
    let (gate, door) = (ground.gate(), ground.door());
    let ask = |more: &[(&str, &str)]| {
        let mut body = json!({"username": "anna", "password": PASSWORD});
        for (name, value) in more {
            body[*name] = json!(value);
        }
        login(gate, &body)
    };
    let missing = ask(&[]);
    assert_eq!(
        (missing.status, missing.body.contains("problem:code-needed")),
        (401, true),
        "{}",
        missing.body
    );
    let wrong = ask(&[("password", "wrong"), ("code", "000000")]);
    assert_eq!(
        (wrong.status, wrong.body.contains("problem:wrong-credential")),
        (401, true),
        "{}",
        wrong.body
    );
    let wrong = ask(&[("code", "000000")]);
    assert_eq!(
        (wrong.status, wrong.body.contains("problem:wrong-credential")),
        (401, true),
        "{}",
        wrong.body
    );
    App::settle();
    let code = ground.app.code(0);
    let pair = Pair::of(&ask(&[("code", &code)]));
    assert_eq!(door.status("GET /", &[&pair.bearer()]), 200);
    assert_eq!(ask(&[("code", &code)]).status, 401, "a code counts once");
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let recovered = Pair::of(&ask(&[("code", &ground.recovery[0])]));
    assert_eq!(door.status("GET /", &[&recovered.bearer()]), 200);
    assert_eq!(ask(&[("code", &ground.recovery[0])]).status, 401, "so does a recovery code");
    let token = ground.trial.json(&["token", "create", "anna"])["secret"].as_str().unwrap().to_owned();
    assert_eq!(door.status("GET /", &[&basic("anna", &token)]), 200, "over Basic a token is enough");
}
