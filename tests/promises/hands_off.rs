//! P2: a tool never receives our cookies, the credential we consumed, or an identity or address a client made up, in
//! any spelling; what is the tool's own reaches it untouched.

use super::{Browser, Door, Tool, anna, h2, h2::H2, tool::Asked, wire::Wire};
use crate::support::{Trial, raw, trial::PASSWORD};

/// Names tools read as truth about who or where a visitor is.
const MADE_UP: [&str; 32] = [
    "X-Forwarded-For",
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Access-Token",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Prefix",
    "X-Forwarded-Client-Cert",
    "Forwarded",
    "X-Remote-User",
    "Remote-User",
    "Remote-Groups",
    "Remote-Addr",
    "X-Real-IP",
    "X-Client-IP",
    "Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "X-Cluster-Client-IP",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-HTTP-Method-Override",
    "X-WebAuth-User",
    "X-Auth-Request-User",
    "X-Authentik-Username",
    "X-Drawbridge-User",
    "Tailscale-User-Login",
    "X-Goog-Authenticated-User-Email",
    "X-MS-Client-Principal-Name",
    "Via",
    "X-SSL-Client-Verify",
];

const LIE: &str = "6.6.6.6";

/// Every spelling servers fold into one: `-`, `_`, `.`, upper case, CGI's prefix.
fn spellings(name: &str) -> [String; 6] {
    [
        name.to_owned(),
        name.to_uppercase(),
        name.replace('-', "_"),
        name.replace('-', "."),
        name.replacen('-', "_", 1),
        format!("HTTP_{}", name.replace('-', "_").to_uppercase()),
    ]
}

fn is_clean(asked: &Asked, trial: &Trial, what: &str) {
    let text = format!("{}{}", asked.head, asked.trailers);
    assert!(!text.contains(LIE), "{what}: {text}");
    assert!(!text.to_lowercase().contains("drawbridge"), "{what}: {text}");
    assert!(!text.contains(PASSWORD) && !text.to_lowercase().contains("basic "), "{what}: {text}");
    assert_eq!(asked.values("x-forwarded-for"), ["127.0.0.1"], "{what}");
    assert_eq!(asked.values("x-forwarded-proto"), ["https"], "{what}");
    let host = Door::of(trial, "Tool").authority();
    assert_eq!(asked.values("x-forwarded-host"), [host], "{what}");
}

#[test]
fn no_made_up_identity_or_address_reaches_a_tool_in_any_spelling() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let (mut wire, mut h2) = (Wire::open(door.address), H2::open(door));
    let (credential, authority) = (raw::basic("anna", PASSWORD), door.authority());
    for name in MADE_UP {
        let spellings = spellings(name);
        let lines: Vec<String> = spellings.iter().map(|name| format!("{name}: {LIE}")).collect();
        let mut fields: Vec<&str> = lines.iter().map(String::as_str).collect();
        let own = anna();
        fields.push(&own);
        assert!(wire.send(door.request("GET /", &fields)));
        assert_eq!(wire.reply().map(|reply| reply.status), Some(200), "{name}");
        let lower: Vec<String> = spellings.iter().map(|name| name.to_lowercase()).collect();
        let mut fields: Vec<(&str, &str)> = lower.iter().map(|name| (name.as_str(), LIE)).collect();
        fields.push(("authorization", &credential));
        let fields = h2::fields("GET", &authority, "/", &fields);
        assert_eq!(h2.ask(&fields, None, &[]).status(), 200, "{name} over HTTP/2");
        let asked = tool.take();
        assert_eq!(asked.len(), 2, "{name}");
        asked.iter().for_each(|asked| is_clean(asked, &trial, name));
    }
    assert_eq!(tool.broken(), [""; 0]);
}

#[test]
fn trailers_reach_no_tool() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let own = anna();
    let fields =
        [own.as_str(), "transfer-encoding: chunked", "trailer: x-remote-user, x-sum", "te: trailers"];
    let body = format!("3\r\nabc\r\n0\r\nX-Remote-User: {LIE}\r\nX-Sum: 1\r\nContent-Length: 3\r\n\r\n");
    let mut wire = Wire::open(door.address);
    for _ in 0..2 {
        wire.send(door.request("POST /", &fields) + &body);
        assert_eq!(wire.reply().map(|reply| reply.status), Some(200));
    }
    let (credential, authority) = (raw::basic("anna", PASSWORD), door.authority());
    let fields = h2::fields("POST", &authority, "/", &[("authorization", &credential), ("te", "trailers")]);
    let mut h2 = H2::open(door);
    for body in [Some("abc"), None] {
        let outcome = h2.ask(&fields, body, &[("x-remote-user", LIE), ("x-sum", "1")]);
        assert_eq!(outcome.status(), 200, "{outcome:?}");
    }
    let asked = tool.take();
    assert_eq!(asked.iter().map(|asked| asked.body.len()).collect::<Vec<_>>(), [3, 3, 3, 0]);
    for asked in &asked {
        is_clean(asked, &trial, "trailers");
        assert_eq!(asked.trailers, "");
        for name in ["trailer", "te"] {
            assert!(asked.values(name).is_empty(), "{name}");
        }
    }
    assert!(!tool.raw().to_lowercase().contains("x-sum"));
}

#[test]
fn what_connection_names_is_gone_and_our_own_fields_cannot_be_named_away() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let own = anna();
    let ours =
        "x-forwarded-for, X-Forwarded-Proto, x-forwarded-host, host, cookie, authorization, content-length";
    let connection = format!("connection: keep-alive, x-secret, {ours}");
    let reply = door.ask(
        "GET /",
        &[
            &own,
            &connection,
            "x-secret: 1",
            "keep-alive: timeout=5",
            "proxy-connection: keep-alive",
            "upgrade: h2c",
            "http2-settings: AAA",
            "proxy-authorization: Basic YTpi",
            "connection: x-other",
            "x-other: 1",
            "x-kept: 1",
        ],
    );
    assert_eq!(reply.map(|reply| reply.status), Some(200));
    let asked = tool.take().pop().expect("a request");
    is_clean(&asked, &trial, "Connection");
    assert_eq!(asked.values("host"), [tool.authority()]);
    assert_eq!(asked.values("x-kept"), ["1"]);
    for name in [
        "x-secret",
        "x-other",
        "keep-alive",
        "proxy-connection",
        "upgrade",
        "http2-settings",
        "proxy-authorization",
        "connection",
    ] {
        assert!(asked.values(name).is_empty(), "{name}: {}", asked.head);
    }
}

#[test]
fn a_tool_gets_its_own_cookies_and_authorization_and_never_ours() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
    let browser = Browser::signed_in(door, gate);
    let all = format!(
        "cookie: _xsrf=2|1f|e=; {}; {}; {}; session=\"a b\"; __host-http-DRAWBRIDGE-1=x; empty=",
        browser.door, browser.gate, browser.mark
    );
    let origin = format!("origin: {}", door.origin());
    let fields = [&all, "authorization: token 0123", "x-xsrftoken: 2|1f|e=", &origin, "content-length: 0"];
    assert_eq!(door.status("POST /api", &fields), 200);
    let authority = door.authority();
    let crumbs = [
        ("cookie", "_xsrf=2|1f|e="),
        ("cookie", &browser.gate),
        ("cookie", &browser.door),
        ("cookie", "session=\"a b\"; __host-http-DRAWBRIDGE-1=x; empty="),
        ("authorization", "token 0123"),
        ("x-xsrftoken", "2|1f|e="),
        ("origin", &door.origin()),
    ];
    let outcome = H2::open(door).ask(&h2::fields("POST", &authority, "/api", &crumbs), Some(""), &[]);
    assert_eq!(outcome.status(), 200);
    let asked = tool.take();
    assert_eq!(asked.len(), 2);
    for asked in asked {
        is_clean(&asked, &trial, "a browser");
        assert_eq!(asked.values("cookie"), ["_xsrf=2|1f|e=; session=\"a b\"; empty="]);
        assert_eq!(asked.values("authorization"), ["token 0123"]);
        assert_eq!(asked.values("x-xsrftoken"), ["2|1f|e="]);
        assert_eq!(asked.values("origin"), [tool.url()]);
    }
    assert_eq!(door.status("GET /", &[&browser.cookie()]), 200);
    assert!(tool.take().iter().all(|asked| asked.values("cookie").is_empty()), "no empty cookie field");
    assert_eq!(door.status("GET /", &[&anna(), "cookie: a=1"]), 200);
    let asked = tool.take().pop().expect("a request");
    assert!(asked.values("authorization").is_empty(), "the credential we consumed");
    assert_eq!(asked.values("cookie"), ["a=1"]);
    let password = raw::basic("anna", PASSWORD);
    assert!(!tool.raw().contains(password.rsplit(' ').next().expect("a credential")));
}

#[test]
fn the_entrance_and_its_code_are_never_forwarded() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
    let browser = Browser::with_code(door, gate);
    for path in ["/.drawbridge/enter?code=x", "/.drawbridge/", "/.drawbridge/api/ws-token/x", &browser.enter]
    {
        for method in ["GET", "POST", "PUT", "OPTIONS"] {
            let own = anna();
            let fields = [own.as_str(), "content-length: 0"];
            let status = door.status(&format!("{method} {path}"), &fields);
            assert!(matches!(status, 403 | 404), "{method} {path}: {status}");
        }
    }
    for path in [
        "/.Drawbridge/enter",
        "/%2edrawbridge/enter",
        "/.drawbridge%2Fenter",
        "/.drawbridge;/enter",
        "//.drawbridge/enter",
        "/./.drawbridge/enter",
        "/x/../.drawbridge/enter",
        "/.drawbridge",
    ] {
        assert_eq!(door.status(&format!("GET {path}"), &[&anna()]), 400, "{path}");
    }
    assert_eq!(tool.raw(), "");
    assert_eq!(door.status("GET /", &[&anna()]), 200);
}
