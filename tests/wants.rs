//! What the owner says about a tool besides its address: in which field it is told who signed in, and which other
//! websites may use it.

use crate::promises::{
    Door, anna,
    browser::Browser,
    tool::{Asked, Tool},
};
use crate::support::{Trial, assert_one_sentence};
use serde_json::json;

const LISTED: &str = "https://app.example";

/// A tool that answers as if everybody's pages might read it.
fn open_handed() -> Tool {
    Tool::answering(|_: &Asked| {
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\naccess-control-allow-origin: *\r\n\
        access-control-allow-credentials: true\r\nvary: accept\r\n\r\nok"
            .to_vec()
    })
}

#[test]
fn a_tool_is_told_who_signed_in_where_the_owner_wants_it() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let told = |fields: &[&str]| {
        let mut all =
            vec!["Remote_User: root", "REMOTE-USER: root", "X-Auth-Login: root", "x_auth_login: root"];
        all.extend(fields);
        assert_eq!(door.status("GET /", &all), 200);
        let asked = tool.take().pop().expect("a request");
        let named =
            |name: &str| asked.values(name).iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        (named("remote-user"), named("x-auth-login"), asked.head.contains("root"))
    };
    let me = anna();
    assert_eq!(
        told(&[&me]),
        (vec![], vec!["root".to_owned()], true),
        "nothing is told without being asked for"
    );
    let model = trial.json(&["tool", "set", "Tool", "--identity-header", "Remote-User"]);
    assert_eq!(model["identity_header"], "Remote-User");
    assert_eq!(told(&[&me]).0, ["anna"]);
    trial.ok(&["tool", "set", "Tool", "--identity-header", "X-Auth-Login"]);
    assert_eq!(told(&[&me]), (vec![], vec!["anna".to_owned()], false), "and nobody else can tell it");
    let browser = Browser::signed_in(door, Door::gate(&trial));
    assert_eq!(told(&[&browser.cookie()]).1, ["anna"]);
    for name in ["Host", "Cookie", "X-Forwarded-For", "Authorization", "a b"] {
        assert_one_sentence(&trial.refused(1, &["tool", "set", "Tool", "--identity-header", name]));
    }
    trial.ok(&["tool", "set", "Tool", "--identity-header", ""]);
    assert_eq!(told(&[&me]).1, ["root"]);
}

#[test]
fn a_listed_website_may_use_a_tool_with_a_password_and_no_other() {
    let tool = open_handed();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let model =
        trial.json(&["tool", "set", "Tool", "--origins", "HTTPS://App.Example:443, http://127.0.0.1:3000"]);
    assert_eq!(model["allowed_origins"], json!([LISTED, "http://127.0.0.1:3000"]));
    let from = |origin: &str| format!("origin: {origin}");
    let preflight = |origin: &str| {
        let fields = [
            &from(origin),
            "access-control-request-method: PUT",
            "access-control-request-headers: authorization",
        ];
        door.ask("OPTIONS /", &fields).expect("an answer")
    };
    let allowed = preflight(LISTED);
    assert_eq!((allowed.status, allowed.field("access-control-allow-origin")), (204, Some(LISTED)));
    assert_eq!(allowed.field("access-control-allow-methods"), Some("PUT"));
    assert_eq!(allowed.field("access-control-allow-credentials"), None);
    assert_eq!(preflight("https://evil.example").status, 401);
    assert_eq!(preflight("https://app.example.evil.example").status, 401);
    assert!(tool.take().is_empty(), "no preflight reaches the tool");

    let answer = door.ask("PUT /", &[&from(LISTED), &anna()]).expect("an answer");
    assert_eq!((answer.status, answer.field("access-control-allow-origin")), (200, Some(LISTED)));
    assert_eq!(answer.field("access-control-allow-credentials"), None);
    assert!(answer.head.to_lowercase().contains("vary: origin"), "{}", answer.head);
    assert_eq!(tool.take()[0].values("origin"), [tool.url()], "to the tool it is its own page");
    // Others: what the tool says to everybody is taken back.
    let other = door.ask("GET /", &[&from("https://evil.example"), &anna()]).expect("an answer");
    assert_eq!(other.field("access-control-allow-origin"), None);
    // A session is never lent to another website, listed or not.
    tool.take();
    let browser = Browser::signed_in(door, Door::gate(&trial));
    tool.take();
    assert_eq!(door.status("PUT /", &[&from(LISTED), &browser.cookie()]), 403);
    assert!(tool.take().is_empty());
    for bad in ["*", "null", "app.example", "https://app.example/", "https://*.example"] {
        assert_one_sentence(&trial.refused(1, &["tool", "set", "Tool", "--origins", bad]));
    }
    trial.ok(&["tool", "set", "Tool", "--origins", ""]);
    assert_eq!(preflight(LISTED).status, 401);
}
