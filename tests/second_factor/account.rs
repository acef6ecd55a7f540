//! The account page: a second factor set up, renewed and removed by whoever it belongs to, and their browsers.

use super::{Answer, Ground, PROTOCOLS, Visitor, patiently, session_cookie, sessions, user};
use crate::promises::{Door, basic, tool::Tool};
use crate::support::{Trial, totp::App, trial::PASSWORD};
use serde_json::json;

/// A visitor with a session, and no second factor yet.
fn signed_in(trial: &Trial, protocol: &'static str) -> Visitor {
    let visitor = Visitor::new(trial, protocol);
    let answer = visitor.password("anna", PASSWORD);
    assert_eq!((answer.status, answer.location()), (303, "/"), "{answer:?}");
    visitor
}

fn sharing() -> (Trial, Tool) {
    let tool = Tool::echoing();
    (Trial::sharing(&tool.url(), "lan"), tool)
}

/// The app that was shown on a page.
fn scanned(page: &Answer) -> App {
    assert_eq!(page.status, 200, "{page:?}");
    let uri = page.body.split("href=\"otpauth").nth(1).and_then(|rest| rest.split('"').next());
    let uri = format!("otpauth{}", uri.expect("a link to the app"));
    App::scan(&uri.replace("&#38;", "&").replace("&amp;", "&"))
}

/// The recovery codes on a page.
fn shown(page: &Answer) -> Vec<String> {
    assert_eq!(page.status, 200, "{page:?}");
    let rows = page.body.split("<li class=\"code\">").skip(1);
    let codes: Vec<String> = rows.filter_map(|row| row.split('<').next()).map(str::to_owned).collect();
    assert_eq!(codes.len(), 10, "{page:?}");
    codes
}

#[test]
fn people_set_it_up_themselves_and_get_another_session_for_it() {
    for protocol in PROTOCOLS {
        let (trial, _tool) = sharing();
        let (visitor, other) = (signed_in(&trial, protocol), signed_in(&trial, protocol));
        let before = visitor.session().expect("a session");
        let home = visitor.page("/");
        assert!(home.body.contains("href=\"/account\""), "{home:?}");
        let page = visitor.page("/account");
        assert!(page.body.contains("Signed in as") && page.body.contains("Off."), "{page:?}");
        let wrong = visitor.post("/account/second-factor/begin", &[("password", "not this one")]);
        assert_eq!((wrong.status, wrong.body.contains("<svg class=\"qr\"")), (403, false));
        let begun = patiently(|| visitor.post("/account/second-factor/begin", &[("password", PASSWORD)]));
        assert!(begun.body.contains("<svg class=\"qr\"") && !begun.body.contains("data:"), "{begun:?}");
        let app = scanned(&begun);
        assert_eq!(user(&trial, "anna")["factors"], json!(["password"]), "nothing yet");
        // What the owner begins beside it is another thing.
        trial.json(&["user", "totp", "anna", "begin"]);
        let wrong = visitor.post("/account/second-factor/confirm", &[("code", "000000")]);
        assert_eq!((wrong.status, wrong.body.contains("otpauth")), (403, false), "the seed is shown once");
        let stolen = other.post("/account/second-factor/confirm", &[("code", &app.code(0))]);
        assert_eq!((stolen.status, stolen.location()), (303, "/account/second-factor"), "another browser");
        App::settle();
        let done = visitor.post("/account/second-factor/confirm", &[("code", &app.code(-1))]);
        let codes = shown(&done);
        let after = visitor.session().expect("a session");
        assert_ne!(before, after, "a new one");
        assert_eq!(user(&trial, "anna")["factors"], json!(["password", "totp"]));
        assert_eq!((visitor.page("/account").status, other.page("/account").status), (200, 303));
        assert_eq!(sessions(&trial), 1, "the others are over, the old one too");
        let gate = Door::gate(&trial);
        let old = format!("cookie: {}={before}", session_cookie(&gate.origin()));
        assert_eq!(gate.status("GET /account", &[&old]), 303);
        let page = visitor.page("/account");
        assert!(page.body.contains("10 recovery codes are left"), "{page:?}");
        let next = Visitor::new(&trial, protocol);
        next.sign_in("anna", PASSWORD, &app.code(0));
        let last = Visitor::new(&trial, protocol);
        last.sign_in("anna", PASSWORD, &codes[9]);
        assert!(last.page("/account").body.contains("9 recovery codes are left"));
    }
}

#[test]
fn removing_it_and_new_codes_need_password_and_code() {
    let ground = Ground::new();
    let visitor = ground.visitor("--http2");
    visitor.sign_in("anna", PASSWORD, &ground.app.code(0));
    let [one, two, three, four, ..] = &ground.recovery[..] else { panic!("ten codes") };
    let send = |act: &str, password: &str, code: &str| {
        let path = format!("/account/second-factor/{act}");
        patiently(|| visitor.post(&path, &[("password", password), ("code", code)]))
    };
    for act in ["codes", "remove"] {
        for (password, code) in
            [("", one.as_str()), ("not this one", one), (PASSWORD, ""), (PASSWORD, "000000")]
        {
            let refused = send(act, password, code);
            assert_eq!(refused.status, 403, "{act} {password} {code}: {refused:?}");
            assert!(refused.body.contains("role=\"alert\""), "{refused:?}");
        }
        // A right one in between, so that the pauses stay short.
        let other = ground.visitor("--http1.1");
        assert_eq!(patiently(|| other.password("anna", PASSWORD)).status, 303);
        let code = if act == "codes" { two } else { three };
        assert_eq!(patiently(|| other.code(code)).status, 303, "{act}");
    }
    assert_eq!(
        user(&ground.trial, "anna")["recovery_codes"],
        8,
        "a code beside a wrong password is not spent"
    );
    let begin = visitor.post("/account/second-factor/begin", &[("password", PASSWORD)]);
    assert_eq!((begin.status, begin.location()), (303, "/account/second-factor"), "there is one already");
    let new = shown(&send("codes", PASSWORD, one));
    assert_eq!(user(&ground.trial, "anna")["recovery_codes"], 10);
    assert_eq!(send("remove", PASSWORD, four).status, 403, "an old one");
    let removed = send("remove", PASSWORD, &new[0]);
    assert_eq!((removed.status, removed.location()), (303, "/account?removed"));
    assert_eq!(user(&ground.trial, "anna")["factors"], json!(["password"]));
    assert!(visitor.page("/account?removed").body.contains("Off."));
    assert_eq!(ground.door().status("GET /", &[&basic("anna", PASSWORD)]), 200);
}

#[test]
fn people_see_their_browsers_and_end_them() {
    let (trial, _tool) = sharing();
    trial.add_user("bert", PASSWORD);
    let bert = Visitor::new(&trial, "--http2");
    assert_eq!(bert.password("bert", PASSWORD).status, 303);
    let all: Vec<Visitor> = (0..4).map(|_| signed_in(&trial, "--http2")).collect();
    let page = all[0].page("/account");
    assert_eq!(page.body.matches("class=\"small\">Signed in just now").count(), 4, "{page:?}");
    assert_eq!(page.body.matches("this browser").count(), 1);
    let ids: Vec<String> = page
        .body
        .split("name=\"session\" value=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(ids.len(), 3, "each but this one has its button");
    let listed = trial.json(&["session", "list"]);
    let listed = listed.as_array().expect("a list").iter();
    let of_bert = listed.clone().find(|session| session["user"] == "bert").expect("there")["id"].clone();
    let ended = all[0].post("/account/session/end", &[("session", of_bert.as_str().expect("text"))]);
    assert_eq!((ended.status, bert.page("/account").status), (303, 200), "another's stays");
    assert_eq!(all[0].post("/account/session/end", &[("session", &ids[0])]).location(), "/account?ended");
    assert_eq!(sessions(&trial), 4);
    assert_eq!(all[0].post("/account/session/end-others", &[]).location(), "/account?ended");
    let statuses: Vec<u16> = all.iter().map(|visitor| visitor.page("/account").status).collect();
    assert_eq!(statuses, [200, 303, 303, 303]);
    assert_eq!((sessions(&trial), bert.page("/").status), (2, 200));
}

#[test]
fn every_form_of_the_account_must_come_from_the_gate() {
    let (trial, _tool) = sharing();
    let visitor = signed_in(&trial, "--http2");
    let gate = Door::gate(&trial);
    let cookie =
        format!("cookie: {}={}", session_cookie(&gate.origin()), visitor.session().expect("a session"));
    let body = format!("password={}&session=x&code=000000", PASSWORD.replace(' ', "+"));
    let length = format!("content-length: {}", body.len());
    for path in [
        "/account/session/end",
        "/account/session/end-others",
        "/account/second-factor/begin",
        "/account/second-factor/confirm",
        "/account/second-factor/codes",
        "/account/second-factor/remove",
    ] {
        let line = format!("POST {path}");
        for more in [vec![], vec!["origin: https://evil.example"], vec!["sec-fetch-site: same-site"]] {
            let fields = [&[cookie.as_str(), length.as_str()], &more[..]].concat();
            let bytes = gate.request(&line, &fields) + &body;
            assert_eq!(
                gate.exchange(bytes.as_bytes()).map(|reply| reply.status),
                Some(403),
                "{path} {more:?}"
            );
        }
        assert_eq!(gate.status(&format!("GET {path}"), &[&cookie]), 404, "{path}");
        assert_eq!(gate.status(&format!("PUT {path}"), &[&cookie, "content-length: 0"]), 404, "{path}");
    }
    let page = visitor.page("/account");
    assert!(
        page.field("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'"))
    );
    assert!(!page.body.contains("<script") && !page.body.contains("style=\""), "{page:?}");
    assert_eq!(visitor.page("/").status, 200);
}
