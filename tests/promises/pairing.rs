//! P3, the way in: one request in, at most one out, and answer N belongs to request N, whatever a visitor writes.

use super::{Door, Tool, anna, h2, h2::H2, tool::Asked, tool::ok, wire::Wire};
use crate::support::{Trial, raw, trial::PASSWORD};
use std::{collections::HashSet, io::Write, time::Duration};

/// What a smuggler hides.
fn hidden(door: Door) -> String {
    door.request("GET /smuggled", &[&anna()])
}

/// Sends a request whose framing is in doubt, followed by an honest one, and checks that nothing else came of it.
fn attempt(door: Door, tool: &Tool, bytes: &str) -> (u16, Vec<Asked>) {
    let last = door.request("GET /last", &[&anna(), "connection: close"]);
    let mut wire = Wire::open(door.address);
    wire.send(format!("{bytes}{last}"));
    let mut replies = Vec::new();
    while let Some(reply) = wire.reply() {
        replies.push(reply);
    }
    let asked = tool.take();
    assert_eq!(tool.broken(), [""; 0], "{bytes}");
    let lines: Vec<&str> = asked.iter().map(|asked| asked.line.as_str()).collect();
    assert!(!lines.iter().any(|line| line.contains("smuggled")), "{bytes}\n{lines:?}");
    assert!(
        lines.len() <= 2 && lines.iter().collect::<HashSet<_>>().len() == lines.len(),
        "{bytes}\n{lines:?}"
    );
    let good: Vec<&str> =
        replies.iter().filter(|reply| reply.status == 200).map(|r| r.body.as_str()).collect();
    // Each answer is to the request at its place.
    assert!(lines.starts_with(&good) || good.is_empty(), "{bytes}\n{good:?} to {lines:?}");
    (replies.first().map_or(0, |reply| reply.status), asked)
}

fn refused(door: Door, tool: &Tool, bytes: &str) {
    let (status, asked) = attempt(door, tool, bytes);
    assert!(matches!(status, 0 | 400 | 405 | 411 | 417 | 421 | 501 | 505), "{bytes}: {status}");
    assert!(!asked.iter().any(|asked| asked.line.ends_with("/first")), "{bytes} reached the tool");
}

#[test]
fn what_two_programs_could_frame_differently_is_refused() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let hidden = hidden(door);
    let length = format!("content-length: {}", hidden.len());
    let own = anna();
    for coding in [
        "identity, chunked",
        "chunked, identity",
        "gzip, chunked",
        ",chunked",
        "chunked,",
        "xchunked",
        "chunked;q=1",
        "\"chunked\"",
        "chunked\x0b",
        "chunked chunked",
        "identity",
        "",
        "cow",
    ] {
        let field = format!("transfer-encoding: {coding}");
        refused(door, &tool, &(door.request("POST /first", &[&own, &field]) + "0\r\n\r\n" + &hidden));
        for fields in [[own.as_str(), &length, &field], [own.as_str(), &field, &length]] {
            refused(door, &tool, &(door.request("POST /first", &fields) + &hidden));
        }
    }
    let chunked = "transfer-encoding: chunked";
    for doubt in [
        vec![chunked, chunked],
        vec![chunked, "transfer-encoding: identity"],
        vec!["transfer-encoding : chunked", &length],
        vec!["transfer-encoding\t: chunked", &length],
        vec!["transfer-encoding:\r\n chunked", &length],
        vec!["x: a\rtransfer-encoding: chunked", &length],
        vec!["x: a\0b", &length],
        vec![" transfer-encoding: chunked", &length],
        vec![": chunked", &length],
        vec!["content-length: 5", "content-length: 6"],
        vec!["content-length : 0"],
    ] {
        let fields = [&[own.as_str()], &doubt[..]].concat();
        refused(door, &tool, &(door.request("POST /first", &fields) + "0\r\n\r\n" + &hidden));
    }
    for number in
        ["05", "+5", "-5", "5,5", "5, 5", "0x5", "5 5", "", "５", "18446744073709551616", "5.0", "5;"]
    {
        let field = format!("content-length: {number}");
        refused(door, &tool, &(door.request("POST /first", &[&own, &field]) + "12345"));
    }
    assert_eq!(attempt(door, &tool, "").0, 200, "an honest request passes");
}

#[test]
fn what_is_framed_in_one_way_passes_as_exactly_one_request() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let (hidden, own) = (hidden(door), anna());
    let length = format!("content-length: {}", hidden.len());
    let chunk = format!("{:X}\r\n{hidden}\r\n0\r\n\r\n", hidden.len());
    for (fields, body) in [
        (vec![length.as_str()], &hidden),
        (vec!["transfer-encoding: chunked"], &chunk),
        (vec!["Transfer-Encoding: Chunked"], &chunk),
        (vec!["transfer_encoding: chunked", &length], &hidden),
        (vec!["x-transfer-encoding: chunked", &length], &hidden),
        (vec!["content_length: 0", &length], &hidden),
        (vec![length.as_str(), length.as_str()], &hidden),
        // RFC 9112 §2.2: a line may end with LF alone; then this is a field like any other.
        (vec!["x: a\ntransfer-encoding: chunked"], &chunk),
        // RFC 9112 §6.3: the coding overrides the length, which must not reach the tool.
        (vec![length.as_str(), "transfer-encoding: chunked"], &chunk),
        (vec!["transfer-encoding: chunked", "content-length: 3"], &chunk),
    ] {
        for method in ["POST", "GET", "DELETE"] {
            let fields = [&[own.as_str()], &fields[..]].concat();
            let line = format!("{method} /first");
            let (status, asked) = attempt(door, &tool, &(door.request(&line, &fields) + body));
            assert_eq!((status, asked[0].line == line), (200, true), "{fields:?}");
            assert_eq!(String::from_utf8_lossy(&asked[0].body), hidden, "{fields:?}");
            let framing =
                asked[0].values("content-length").len() + asked[0].values("transfer-encoding").len();
            assert_eq!(framing, 1, "{fields:?}: {}", asked[0].head);
        }
    }
}

#[test]
fn malformed_chunks_end_the_request_and_its_connection() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let hidden = hidden(door);
    let head = door.request("POST /first", &[&anna(), "transfer-encoding: chunked"]);
    for body in [
        "0x5\r\n12345\r\n0\r\n\r\n",
        "+5\r\n12345\r\n0\r\n\r\n",
        "-1\r\n12345\r\n0\r\n\r\n",
        "5\r\n12345678\r\n0\r\n\r\n",
        "5\r\n12345XX0\r\n\r\n",
        "g\r\n12345\r\n0\r\n\r\n",
        "\r\n12345\r\n0\r\n\r\n",
        "5;a\nb\r\n12345\r\n0\r\n\r\n",
        "5\n12345\n0\n\n",
        "FFFFFFFFFFFFFFFFF\r\n12345\r\n0\r\n\r\n",
        "10000000000000005\r\n12345\r\n0\r\n\r\n",
        "0\r\nx: a\0b\r\n\r\n",
    ] {
        let (status, asked) = attempt(door, &tool, &format!("{head}{body}{hidden}"));
        assert!(matches!(status, 0 | 400), "{body}: {status}");
        assert_eq!(asked.len(), 0, "{body}: no whole request reached the tool");
    }
    assert_eq!(attempt(door, &tool, &format!("{head}5;x=y\r\n12345\r\n0\r\n\r\n")).0, 200);
}

#[test]
fn a_target_leads_to_this_tool_or_nowhere() {
    let tool = Tool::echoing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let (own, authority, port) = (anna(), door.authority(), door.address.port());
    for line in [
        "OPTIONS *".to_owned(),
        "GET *".to_owned(),
        format!("CONNECT {authority}"),
        "CONNECT example.org:443".to_owned(),
        format!("TRACE https://{authority}/first"),
        "TRACE /first".to_owned(),
        "TRACK /first".to_owned(),
        "get /first".to_owned(),
        "gEt /first".to_owned(),
        "G\u{e9}T /first".to_owned(),
        "GET https://evil.example/first".to_owned(),
        format!("GET https://evil.example:{port}/first"),
        format!("GET https://user@{authority}/first"),
        format!("GET http://{authority}/first"),
        format!("GET ftp://{authority}/first"),
        format!("GET //{authority}/first"),
        "GET first".to_owned(),
        "GET ?first".to_owned(),
        "GET  /first".to_owned(),
        "GET /a /first".to_owned(),
        "GET /\\first".to_owned(),
        "GET /..;/first".to_owned(),
        "GET /a/../first".to_owned(),
        "GET /a/%2e%2e/first".to_owned(),
        "GET /a%2f..%2ffirst".to_owned(),
        "GET /%00/first".to_owned(),
        "GET /%c0%ae%c0%ae/first".to_owned(),
        "GET //first".to_owned(),
        "GET /%zz/first".to_owned(),
    ] {
        refused(door, &tool, &door.request(&line, &[&own]));
    }
    for version in ["HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/11", "http/1.1", "HTTP/1.1x", ""] {
        refused(door, &tool, &format!("GET /first {version}\r\nhost: {authority}\r\n{own}\r\n\r\n"));
    }
    let (status, asked) =
        attempt(door, &tool, &door.request(&format!("GET https://{authority}/first?a"), &[&own]));
    assert_eq!(
        (status, asked[0].line.as_str()),
        (200, "GET /first?a"),
        "its own absolute form is forwarded as a path"
    );
    assert_eq!(asked[0].values("host"), [tool.authority()]);
}

#[test]
fn pipelined_answers_come_in_the_order_of_their_requests() {
    // Later requests are answered sooner, so order does not come by itself.
    let tool = Tool::answering(|asked| {
        let late: u64 = asked.line.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        std::thread::sleep(Duration::from_millis(40_u64.saturating_sub(late)));
        if asked.line.starts_with("HEAD") {
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n".to_vec()
        } else {
            ok(&asked.line)
        }
    });
    let trial = Trial::sharing(&tool.url(), "lan");
    let door = Door::of(&trial, "Tool");
    let (mut all, mut expected) = (Vec::new(), Vec::new());
    for number in 0..40 {
        let method = ["GET", "POST", "HEAD", "GET"][number % 4];
        let line = format!("{method} /{number}");
        let body = if method == "POST" { "GET /smuggled HTTP/1.1\r\n\r\n" } else { "" };
        let length = format!("content-length: {}", body.len());
        write!(all, "{}{body}", door.request(&line, &[&anna(), &length])).expect("memory");
        expected.push((method, line));
    }
    let mut wire = Wire::open(door.address);
    wire.send(&all);
    for (method, line) in &expected {
        let reply = wire.reply_to(method).expect("an answer");
        let body = if *method == "HEAD" { "" } else { line };
        assert_eq!((reply.status, reply.body.as_str()), (200, body), "{line}");
    }
    let asked: Vec<String> = tool.take().into_iter().map(|asked| asked.line).collect();
    assert_eq!(asked, expected.into_iter().map(|(_, line)| line).collect::<Vec<_>>());
    let (credential, authority) = (raw::basic("anna", PASSWORD), door.authority());
    let mut h2 = H2::open(door);
    let own = [("authorization", credential.as_str())];
    let streams: Vec<u32> = (0..40)
        .map(|number| h2.begin(&h2::fields("GET", &authority, &format!("/{number}"), &own), true))
        .collect();
    for (number, outcome) in h2.outcomes(&streams).into_iter().enumerate() {
        assert_eq!(outcome, h2::Outcome::Answer { status: 200, body: format!("GET /{number}") });
    }
    assert_eq!(tool.take().len(), 40);
}
