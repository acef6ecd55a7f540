//! *No password on this network*: asked for in words, seen everywhere, and no right beyond the one tool.

use crate::{
    promises::{Door, anna, basic, browser::Browser, h2, h2::H2, tool::Tool},
    support::{Trial, assert_one_sentence, eventually, trial::PASSWORD},
};
use serde_json::{Value, json};
use std::{fs, io::Write, process::Stdio};

/// How it is asked for.
pub(super) const ALLOW: [&str; 6] = ["level", "Tool", "lan", "--no-password", "--network", "home"];

/// The tool as the owner sees it.
pub(super) fn seen(trial: &Trial) -> Value {
    trial.json(&["tool", "list"])[0].clone()
}

/// What a program without anything gets, over HTTP/1.1 and HTTP/2.
pub(super) fn knock(door: Door) -> [u16; 2] {
    let authority = door.authority();
    let second = H2::open(door).ask(&h2::fields("GET", &authority, "/", &[]), None, &[]).status();
    [door.status("GET /", &[]), second]
}

#[test]
fn anybody_uses_the_tool_and_it_is_said_everywhere() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    trial.ok(&["tool", "set", "Tool", "--identity-header", "Remote-User"]);
    let door = Door::of(&trial, "Tool");
    assert_eq!(knock(door), [401, 401]);
    let opened = trial.json(&[&ALLOW[..], &["--for", "1h"]].concat());
    let until = opened["anybody_until"].as_u64().expect("a time");
    assert_eq!((&opened["level"], &opened["until"]), (&json!("lan"), &Value::Null), "as it was");
    assert_eq!(knock(door), [200, 200]);
    let head = tool.take().pop().expect("a request").head.to_lowercase();
    assert!(head.contains("x-forwarded-for: 127.") && !head.contains("remote-user"), "{head}");
    door.ask("GET /", &["remote-user: anna"]);
    let head = tool.take().pop().expect("a request").head.to_lowercase();
    assert!(!head.contains("anna"), "nobody is told as somebody: {head}");

    let status = trial.json(&["status"]);
    assert_eq!(status["tools"][0]["anybody_until"], until);
    let cause = status["tools"][0]["doors"][0]["cause"].as_str().expect("a cause");
    assert!(cause.contains("without a password"), "{cause}");
    let problems = status["problems"].as_array().expect("a list");
    let fix = json!({"fix": "ask-password", "tool": "tool"});
    assert!(problems.iter().any(|problem| problem["fix"] == fix), "{status}");
    assert_eq!(status["visitors"][0]["user"], "anybody");
    let said = trial.ok(&["status"]);
    assert!(said.starts_with("Open on the local network, for anybody there without a password."), "{said}");
    assert!(said.contains("lan (anybody, without a password, for "), "{said}");
    assert_eq!(trial.json(&["url", "Tool"])["anybody_until"], until);
    let url = trial.run(&["url", "Tool"]);
    assert!(String::from_utf8_lossy(&url.stderr).contains("without a password"));
    let log = || fs::read_to_string(trial.home().join("logs/access.log")).unwrap_or_default();
    eventually("the log has it", || log().contains(" path=/ user=- status=200"));

    let ended = trial.json(&["level", "Tool", "lan", "--password"]);
    assert_eq!((&ended["level"], ended.get("anybody_until")), (&json!("lan"), None));
    assert_eq!(knock(door), [401, 401]);
    let status = trial.json(&["status"]);
    assert!(!status.to_string().contains("without a password"), "{status}");
    assert_eq!(status["visitors"], json!([]));
    assert_eq!(trial.json(&["url", "Tool"]).get("anybody_until"), None);
}

#[test]
fn no_other_right_follows_and_who_shows_something_is_judged_by_it() {
    let tool = Tool::with_sockets();
    let trial = Trial::sharing(&tool.url(), "lan");
    trial.ok(&["tool", "set", "Tool", "--identity-header", "Remote-User"]);
    trial.ok(&["tool", "add", "Other", &tool.url()]);
    trial.ok(&["level", "Other", "lan"]);
    let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
    let browser = Browser::signed_in(door, gate);
    trial.ok(&ALLOW);
    assert_eq!(Door::of(&trial, "Other").status("GET /", &[]), 401, "one tool");
    for path in ["/", "/account", "/account/token"] {
        let reply = gate.ask(&format!("GET {path}"), &[]).expect("an answer");
        assert!(reply.field("location").is_some_and(|to| to.starts_with("/sign-in")), "{}", reply.head);
    }
    assert_eq!(door.status("GET /.drawbridge/api/ws-token", &[]), 401);
    let socket = ["connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13"];
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
    let line = "GET /?drawbridge_token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(door.status(line, &[&socket[..], &[key]].concat()), 401, "a made-up one-time token");
    tool.take();
    for wrong in [basic("anna", "wrong"), basic("nobody", PASSWORD), "x-drawbridge-token: x".to_owned()] {
        assert!(matches!(door.status("GET /", &[&wrong]), 401 | 429), "{wrong}");
    }
    assert!(tool.take().is_empty(), "what is wrong stays wrong");
    for right in [anna(), browser.cookie()] {
        eventually("the pause is over", || door.status("GET /", &[&right]) != 429);
        let asked = tool.take().pop().expect("a request");
        assert_eq!(asked.values("remote-user"), ["anna"]);
    }
}

#[test]
fn another_website_cannot_make_a_browser_of_the_house_use_it() {
    let tool = Tool::with_sockets();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    trial.ok(&ALLOW);
    let (evil, own) = ("origin: https://evil.example", format!("origin: {}", door.origin()));
    let (cross, chrome) = ("sec-fetch-site: cross-site", "user-agent: Mozilla/5.0 (X11; Linux x86_64)");
    let socket = [
        "connection: Upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    for (line, fields, status) in [
        ("POST /", vec![evil, "content-length: 0"], 403),
        ("POST /", vec![cross, chrome, "content-length: 0"], 403),
        ("GET /", vec![cross, chrome, "sec-fetch-mode: no-cors", "sec-fetch-dest: image"], 403),
        ("GET /", vec![cross, chrome, "sec-fetch-mode: navigate", "sec-fetch-dest: iframe"], 403),
        ("GET /", vec!["sec-fetch-site: same-site", chrome], 403),
        ("GET /", vec![evil], 403),
        ("GET /", [&socket[..], &[evil, chrome]].concat(), 403),
        ("GET /", vec![chrome], 401),
        ("POST /", vec![chrome, "content-length: 0"], 401),
    ] {
        assert_eq!(door.status(line, &fields), status, "{line} {fields:?}");
    }
    let rebound = format!("GET / HTTP/1.1\r\nhost: evil.example:{}\r\n\r\n", door.address.port());
    assert_eq!(door.exchange(rebound.as_bytes()).map(|reply| reply.status), Some(400));
    assert!(tool.take().is_empty(), "nothing of it reached the tool");
    let document = ["sec-fetch-mode: navigate", "sec-fetch-dest: document"];
    assert_eq!(door.status("GET /", &[cross, chrome, document[0], document[1]]), 200, "a link");
    assert_eq!(door.status("POST /", &[&own, chrome, "content-length: 0"]), 200, "its own page");
    assert_eq!(door.status("GET /", &[&socket[..], &[&own, chrome]].concat()), 101);
}

#[test]
fn it_is_refused_where_strangers_are_and_never_taken_for_granted() {
    let tool = Tool::echoing();
    let trial = Trial::running();
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    let said = trial.refused(1, &["level", "Tool", "lan", "--no-password", "--network", "shared"]);
    assert_one_sentence(&said);
    assert!(said.contains("strangers") && said.contains("drawbridge user invite"), "{said}");
    for (code, arguments) in [
        (2, vec!["level", "Tool", "lan", "--no-password"]),
        (2, vec!["level", "Tool", "lan", "--no-password", "--network", "work"]),
        (2, vec!["level", "Tool", "lan", "--network", "home"]),
        (2, vec!["level", "Tool", "internet", "--no-password", "--network", "home"]),
        (2, vec!["level", "Tool", "local", "--password"]),
        (2, vec!["level", "Tool", "lan", "--password", "--no-password", "--network", "home"]),
        (1, [&ALLOW[..], &["--for", "43201s"]].concat()),
        (1, vec!["level", "None", "lan", "--no-password", "--network", "home"]),
        (1, vec!["level", "Tool", "lan"]),
    ] {
        trial.refused(code, &arguments);
    }
    assert_eq!(seen(&trial)["level"], "local");
    assert!(trial.listening().is_empty());
    assert_eq!(trial.json(&[&ALLOW[..], &["--for", "12h"]].concat())["level"], "lan", "the most there is");
    let said = trial.refused(1, &["level", "Tool", "lan", "--no-password", "--network", "shared"]);
    assert_one_sentence(&said);
    assert!(seen(&trial)["anybody_until"].is_u64(), "a refusal changes nothing");
}

#[test]
fn a_person_at_a_terminal_is_asked() {
    let tool = Tool::echoing();
    let trial = Trial::running();
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    let at_terminal = |answer: &str| {
        let command = trial.command(&["level", "Tool", "lan", "--no-password"]);
        let words: Vec<String> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| format!("'{}'", word.to_string_lossy()))
            .collect();
        let mut terminal = std::process::Command::new("script");
        terminal.args(["--quiet", "--return", "--command", &words.join(" "), "/dev/null"]);
        terminal.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = terminal.spawn().expect("script runs");
        writeln!(child.stdin.take().expect("piped"), "{answer}").expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = at_terminal("");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("Is this network your home, or shared with strangers?"), "{said}");
    assert_eq!(at_terminal("shared").0, Some(1));
    assert_eq!(seen(&trial)["level"], "local");
    let (code, said) = at_terminal("home");
    assert_eq!(code, Some(0), "{said}");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs();
    let until = seen(&trial)["anybody_until"].as_u64().expect("a time");
    assert!((now + 7_190..=now + 7_200).contains(&until), "two hours: {now} {until}");
}
