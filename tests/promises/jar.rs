//! The cookie jar that tools on one host share: what one tool sets is its own, as far as browsers allow.

use super::{Door, Tool, anna};
use crate::support::{Trial, browser::Script, trial::PASSWORD};
use serde_json::json;

/// A tool that sets what the query says (`+` for a space) and shows its page.
fn setting() -> Tool {
    Tool::answering(|asked| {
        let path = asked.line.split(' ').nth(1).unwrap_or_default();
        let query = path.split_once('?').map_or("", |(_, query)| query);
        let set = query.split('&').filter(|cookie| !cookie.is_empty());
        let set: String = set.map(|cookie| format!("set-cookie: {}\r\n", cookie.replace('+', " "))).collect();
        format!("HTTP/1.1 200 OK\r\n{set}content-type: text/html\r\ncontent-length: 2\r\n\r\nok").into_bytes()
    })
}

/// Two tools on the local network, with their doors.
fn neighbours() -> ([Tool; 2], Trial, [Door; 2]) {
    let tools = [setting(), setting()];
    let trial = Trial::sharing(&tools[0].url(), "lan");
    trial.ok(&["tool", "add", "Second", &tools[1].url()]);
    trial.ok(&["level", "Second", "lan"]);
    let doors = [Door::of(&trial, "Tool"), Door::of(&trial, "Second")];
    (tools, trial, doors)
}

/// Every `Set-Cookie` of the answer to a visit.
fn set(door: Door, query: &str) -> Vec<String> {
    let reply = door.ask(&format!("GET /?{query}"), &[&anna()]).expect("an answer");
    assert_eq!(reply.status, 200, "{}", reply.head);
    let all = super::wire::fields(&reply.head).filter(|(name, _)| *name == "set-cookie");
    all.map(|(_, value)| value.to_owned()).collect()
}

/// What the tool is sent of these cookies.
fn sent(tool: &Tool, door: Door, cookies: &str) -> String {
    tool.take();
    assert_eq!(door.status("GET /", &[&anna(), &format!("cookie: {cookies}")]), 200);
    let asked = tool.take();
    let lines = asked.first().expect("a request").values("cookie");
    assert!(lines.len() <= 1, "{lines:?}");
    assert!(!lines.concat().to_lowercase().contains("drawbridge"), "{lines:?}");
    lines.concat()
}

#[test]
fn an_http_only_cookie_is_marked_with_its_door_and_goes_to_no_other() {
    let (tools, _trial, doors) = neighbours();
    let [first, second] = doors.map(|door| format!("__Http-drawbridge-tool-{}-", door.address.port()));
    assert_eq!(set(doors[0], "sid=1;+Path=/;+HttpOnly"), [format!("{first}sid=1; Path=/; HttpOnly; Secure")]);
    let jar = format!("{first}sid=1; {second}sid=2; a=3");
    assert_eq!(sent(&tools[0], doors[0], &jar), "sid=1; a=3");
    assert_eq!(sent(&tools[1], doors[1], &jar), "sid=2; a=3");
    let planted = format!("sid=evil; {first}sid=1");
    assert_eq!(sent(&tools[0], doors[0], &planted), "sid=1", "the marked one wins");
    assert_eq!(sent(&tools[0], doors[0], "sid=evil"), "", "this name comes marked");
    for cookie in
        ["__Http-Drawbridge-tool-1-x=1;+HttpOnly", "__Host-a=1;+HttpOnly", "__Secure-a=1;+Path=/;+HttpOnly"]
    {
        assert_eq!(set(doors[0], cookie), [""; 0], "{cookie}");
    }
}

#[test]
fn a_cookie_for_scripts_goes_to_the_tools_that_set_it() {
    let (tools, trial, doors) = neighbours();
    let jar = "_xsrf=1; theme=dark";
    assert_eq!(sent(&tools[1], doors[1], jar), jar, "nobody is known to have set it");
    let removed = format!(
        "__Http-drawbridge-tool-{}-_xsrf=; Path=/; Max-Age=0; Secure; HttpOnly",
        doors[0].address.port()
    );
    assert_eq!(set(doors[0], "_xsrf=1;+Path=/"), ["_xsrf=1; Path=/".to_owned(), removed]);
    assert_eq!(sent(&tools[1], doors[1], jar), "theme=dark");
    assert_eq!(sent(&tools[0], doors[0], jar), jar);
    set(doors[1], "_xsrf=2");
    assert_eq!(sent(&tools[1], doors[1], jar), jar, "both have set it");
    set(doors[0], "theme=1");
    trial.ok(&["tool", "remove", "Tool"]);
    assert_eq!(sent(&tools[1], doors[1], jar), jar, "a tool that is gone has set nothing");
}

#[test]
fn neighbours_in_a_real_browser_see_their_own_cookies_only() {
    let (tools, trial, _) = neighbours();
    let steps = Script::run(
        "neighbours.mjs",
        "neighbours",
        json!({"first": trial.url("Tool"), "second": trial.url("Second"), "username": "anna",
               "password": PASSWORD, "caPem": trial.authority()}),
    );
    assert_eq!(steps.len(), 5, "{steps:?}");
    let cookies = |tool: &Tool, path: &str| -> String {
        let asked = tool.asked();
        let found = asked.iter().find(|asked| asked.line == format!("GET {path}"));
        found.unwrap_or_else(|| panic!("nobody asked for {path}")).values("cookie").concat()
    };
    assert_eq!(cookies(&tools[0], "/own"), "sid=first; open=first");
    assert_eq!(cookies(&tools[1], "/other"), "", "the neighbour's stay away");
    assert_eq!(cookies(&tools[1], "/both"), "sid=second");
    assert_eq!(cookies(&tools[0], "/still"), "sid=first; open=first");
    assert_eq!(cookies(&tools[0], "/gone"), "open=first");
    assert!(!tools[1].raw().contains("first"), "{}", tools[1].raw());
}

#[test]
fn a_tool_opens_itself_to_no_other_website() {
    let tool = Tool::answering(|_| {
        b"HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\naccess-control-allow-credentials: true\r\n\
          access-control-allow-methods: *\r\naccess-control-allow-headers: *\r\naccess-control-max-age: 86400\r\n\
          access-control-allow-private-network: true\r\ntiming-allow-origin: *\r\n\
          service-worker-allowed: /\r\ncontent-length: 2\r\n\r\nok"
            .to_vec()
    });
    let trial = Trial::sharing(&tool.url(), "lan");
    let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
    for origin in ["https://evil.example", "null", &gate.origin(), &door.origin()] {
        let origin = format!("origin: {origin}");
        let question = [&origin, "access-control-request-method: PUT"];
        for asked in [door, gate] {
            let reply = asked.ask("OPTIONS /", &question).expect("an answer");
            assert!(matches!(reply.status, 401 | 404), "{}", reply.head);
            assert!(!reply.head.contains("access-control-"), "{}", reply.head);
        }
    }
    assert_eq!(tool.raw(), "", "nobody signed in");
    let reply = door.ask("GET /", &["origin: https://evil.example", &anna()]).expect("an answer");
    assert!(reply.status == 200 && reply.head.contains("service-worker-allowed: /"), "{}", reply.head);
    for field in ["access-control-", "timing-allow-origin", "vary"] {
        assert!(!reply.head.contains(field), "{field} in {}", reply.head);
    }
}
