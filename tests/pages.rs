//! The pages visitors see: readable by everybody, in light and dark, on a desk and on a phone, without JavaScript.

use crate::{
    promises::tool::Tool,
    support::{Recorder, Trial, browser::Script, trial::PASSWORD},
};
use serde_json::{Value, json};
use std::{io::Write as _, net::TcpListener, time::Duration};

#[test]
fn sign_in_pages_can_be_used_by_everybody_and_need_no_javascript() {
    let (trial, _tool) = open();
    let (url, gate) = (trial.url("Notebooks"), trial.gate());
    let look = |name: &str, url: &str, status: u16| json!({"name": name, "url": url, "status": status});
    let attempt = |name: &str, status: u16, times: u32| {
        json!({"name": name, "url": url, "status": status,
               "attempt": {"username": name, "password": "not the password", "times": times}})
    };
    pictures(
        &trial,
        "pages-sign-in",
        &[
            look("sign-in", &format!("{url}/lab/tree/some%20folder?a=b"), 200),
            look("signed-out", &format!("{gate}/sign-in?left"), 200),
            attempt("wrong-password", 403, 1),
            attempt("wait", 429, 2),
        ],
        json!({"url": url, "username": "anna", "password": PASSWORD}),
    );
}

#[test]
fn home_and_refusal_pages_can_be_used_by_everybody() {
    let (trial, _tool) = open();
    let gate = trial.gate();
    let anna = json!({"username": "anna", "password": PASSWORD});
    let bert = json!({"username": "bert", "password": PASSWORD});
    let look = |name: &str, url: &str, status: u16, who: &Value| {
        let mut page = json!({"name": name, "url": url, "status": status});
        if !who.is_null() {
            page["as"] = who.clone();
        }
        page
    };
    let used = format!("{}/.drawbridge/enter?code=used&to=/", trial.url("Notebooks"));
    pictures(
        &trial,
        "pages-inside",
        &[
            look("home", &gate, 200, &anna),
            look("home-empty", &gate, 200, &bert),
            look("tool-down", &trial.url("Asleep"), 502, &anna),
            look("not-for-you", &trial.url("Notebooks"), 403, &bert),
            look("no-such-page", &format!("{gate}/nothing/here"), 404, &Value::Null),
            look("link-used", &used, 403, &Value::Null),
        ],
        Value::Null,
    );
}

#[test]
fn internet_pages_say_which_passwords_count_and_who_is_asked() {
    let (trial, _tool) = open();
    trial.ok(&["level", "Notebooks", "internet"]);
    let url = trial.url("Notebooks");
    let steps = Script::run(
        "sign-in-pages.mjs",
        "pages-internet",
        json!({"pages": [{"name": "internet", "url": url, "status": 200}], "ignoreHTTPSErrors": true}),
    );
    assert_eq!(steps.len(), 4, "two schemes and two widths: {steps:?}");
    trial.ok(&["settings", "set", "internet.approval", "always"]);
    for look in ["light-wide", "dark-wide", "light-narrow", "dark-narrow"] {
        trial.add_user(&format!("anna-{look}"), PASSWORD);
    }
    let each = json!({"username": "anna", "password": PASSWORD, "each": true});
    let waits =
        json!({"name": "waits", "url": format!("{}/approval", trial.gate()), "status": 200, "as": each});
    let steps = Script::run(
        "sign-in-pages.mjs",
        "pages-approval",
        json!({"pages": [waits], "ignoreHTTPSErrors": true}),
    );
    assert_eq!(steps.len(), 4, "two schemes and two widths: {steps:?}");
    assert_eq!(trial.json(&["approval", "list"]).as_array().map(Vec::len), Some(4));
    let (_, page) = trial.curl(&["--insecure", "--location", "--header", "accept: text/html", &url]);
    assert!(page.contains("only accounts with a password of 15 characters or more"), "{page}");
}

#[test]
fn pages_load_nothing_run_nothing_and_name_no_tool() {
    let (trial, _tool) = open();
    let (url, gate) = (trial.url("Notebooks"), trial.gate());
    let used = format!("{url}/.drawbridge/enter?code=used");
    for (address, status) in [(&url, 200), (&format!("{gate}/nothing"), 404), (&used, 403)] {
        let (found, page) =
            trial.curl(&["--include", "--location", "--header", "accept: text/html", address]);
        assert_eq!(found, status, "{address}");
        let (_, last) = page.rsplit_once("HTTP/2 ").expect("a head");
        let (head, body) = last.split_once("\r\n\r\n").expect("a body");
        assert!(head.contains("content-security-policy: default-src 'none'; style-src 'sha256-"), "{head}");
        assert!(
            head.contains("frame-ancestors 'none'") && head.contains("cache-control: no-store"),
            "{head}"
        );
        for never in
            ["<script", "javascript:", "onclick", "src=", "@import", "url(", "Notebooks", "Asleep", "anna"]
        {
            assert!(!body.contains(never), "{address}: {never} in {body}");
        }
        assert!(body.starts_with("<!doctype html>") && body.contains("<html lang=\"en\">"), "{body}");
    }
}

#[test]
fn a_guest_comes_in_by_a_pass_and_is_out_when_it_is_revoked() {
    let tool = Tool::serving(false, |stream, asked| {
        if asked.line != "GET /stream" {
            let page = "<!doctype html><title>A tool</title><h1>A plan</h1>";
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\n";
            let answer = format!("{head}content-length: {}\r\n\r\n{page}", page.len());
            return stream.write_all(answer.as_bytes()).is_ok();
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        while stream.write_all(b"5\r\nstill\r\n").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    });
    let trial = Trial::sharing(&tool.url(), "lan");
    let made = trial.json(&["pass", "create", "Tool"]);
    let input = json!({"pass": made["url"], "tool": trial.url("Tool"), "caPem": trial.authority()});
    let mut script = Script::start("guest.mjs", "pages-guest", input);
    script.until("streaming");
    let device = trial.json(&["pass", "list"])[0]["device"].clone();
    assert!(device["agent"].as_str().is_some_and(|agent| agent.contains("Chrome")), "{device}");
    trial.ok(&["pass", "revoke", made["id"].as_str().expect("an id")]);
    script.until("revoked");
    script.finish();
}

/// Looks at every page in every light and width.
fn pictures(trial: &Trial, name: &str, pages: &[Value], sign_in: Value) {
    let mut input = json!({"pages": pages, "caPem": trial.authority()});
    let mut expected = pages.len() * 4;
    if !sign_in.is_null() {
        input["signIn"] = sign_in;
        expected += 1;
    }
    let steps = Script::run("sign-in-pages.mjs", name, input);
    assert_eq!(steps.len(), expected, "{steps:?}");
}

/// Three open tools, one of them not running; anna may use all, bert only one that is closed.
fn open() -> (Trial, Recorder) {
    let tool = Recorder::answering(|_| {
        let page = "<!doctype html><title>A tool</title><h1>Notebooks</h1>";
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\n";
        format!("{head}content-length: {}\r\n\r\n{page}", page.len()).into_bytes()
    });
    let trial = Trial::running();
    for (name, target) in [
        ("Notebooks", tool.url()),
        ("Asleep", nobody()),
        ("Downloads of the whole family and of everybody else", tool.url()),
        ("Closed", tool.url()),
    ] {
        trial.ok(&["tool", "add", name, &target]);
    }
    trial.add_user("anna", PASSWORD);
    let output =
        trial.with_input(&["user", "add", "bert", "--tools", "Closed", "--password-stdin"], PASSWORD);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    trial.ok(&["level", "Notebooks", "lan"]);
    trial.ok(&["level", "Asleep", "lan"]);
    trial.ok(&["level", "Downloads of the whole family and of everybody else", "lan"]);
    (trial, tool)
}

/// An address nobody listens at.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("bound"))
}
