//! Links, cookies and requests that open nothing.

use super::{Ground, Link, create, look, make_at_gate, open, press};
use crate::{
    promises::{
        Door,
        browser::Browser,
        h2::{self, H2},
    },
    second_factor::PROTOCOLS,
};

const UPGRADE: [&str; 4] = [
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
];

#[test]
fn wrong_used_expired_revoked_and_withdrawn_links_get_one_answer() {
    let mut ground = Ground::new("lan");
    let [used, revoked, expired] = [(); 3].map(|()| create(&ground.trial, &["Tool"]));
    let anna = Browser::signed_in(ground.door(), ground.gate());
    let withdrawn = make_at_gate(ground.gate(), &anna.gate, "tool");
    assert_eq!(open(&ground.visitor("--http2"), &used.code).status, 303);
    ground.trial.ok(&["pass", "revoke", &revoked.id]);
    ground.trial.ok(&["user", "set", "anna", "--tools", "Other"]);
    ground.trial.stop();
    let id = u64::from_str_radix(&expired.id, 16).expect("hexadecimal");
    ground.sql(&format!("UPDATE pass SET expires = created + 1 WHERE id = {id}"));
    ground.trial.serve();
    let removed = create(&ground.trial, &["Other"]);
    ground.trial.ok(&["tool", "remove", "Other"]);
    let codes = [used, revoked, expired, removed].map(|link: Link| link.code);
    let made_up =
        ["x".repeat(43), "x".repeat(42), "x".repeat(44), String::new(), "%C3%A4%00%3Cb%3E".to_owned()];
    for protocol in PROTOCOLS {
        let visitor = ground.visitor(protocol);
        let (mut pages, mut documents) = (Vec::new(), Vec::new());
        for code in codes.iter().chain([&withdrawn]).chain(&made_up) {
            let (page, answer) = (look(&visitor, code), press(&visitor, code));
            assert_eq!((page.status, answer.status), (403, 403), "{code}: {page:?}");
            assert!(page.body.contains("no longer good") && page.field("set-cookie").is_none(), "{page:?}");
            pages.push(page.body);
            documents.push(answer.body);
        }
        for bodies in [&mut pages, &mut documents] {
            bodies.dedup();
            assert_eq!(bodies.len(), 1, "{bodies:?}");
        }
    }
    assert!(ground.tool.asked().is_empty());
}

#[test]
fn only_the_button_of_its_own_page_binds_a_pass() {
    let ground = Ground::new("lan");
    let (gate, link) = (ground.gate(), create(&ground.trial, &["Tool"]));
    let other = create(&ground.trial, &["Tool"]);
    let form = format!("code={}", link.code);
    let mark = |link: &Link| {
        let page =
            gate.ask(&format!("GET /pass?code={}", link.code), &["accept: text/html"]).expect("an answer");
        page.cookie("-guest-").expect("a mark")
    };
    let (own, others) = (mark(&link), mark(&other));
    let (name, value) = own.split_once('=').expect("a pair");
    let foreign = others.split_once('=').expect("a pair").1;
    // Without a mark, with one somebody made up, of another pass, and with two.
    let planted = [
        "x: y".to_owned(),
        format!("cookie: {name}={}", "x".repeat(86)),
        format!("cookie: {name}={foreign}"),
        format!("cookie: {name}={value}; {name}={value}"),
    ];
    for field in &planted {
        let answer = gate.form("/pass", &[field], &form);
        assert_eq!((answer.status, answer.body.contains("keep a cookie")), (400, true), "{field}");
        assert!(answer.cookie("-guest-").is_some_and(|fresh| fresh != own), "a mark for the next time");
    }
    let elsewhere = ["origin: https://evil.example", "origin: null", "sec-fetch-site: same-site"];
    let (cookie, length) = (format!("cookie: {own}"), format!("content-length: {}", form.len()));
    let kind = "content-type: application/x-www-form-urlencoded";
    for field in
        elsewhere.map(str::to_owned).into_iter().chain([format!("origin: {}", ground.door().origin())])
    {
        let head = gate.request("POST /pass", &[&cookie, &field, kind, &length]);
        let reply = gate.exchange((head + &form).as_bytes()).expect("an answer");
        assert_eq!((reply.status, reply.body.contains("problem:cross-site")), (403, true), "{field}");
    }
    let passes = ground.trial.json(&["pass", "list"]);
    assert!(passes.as_array().unwrap().iter().all(|pass| pass["device"].is_null()), "{passes}");
    assert_eq!(gate.form("/pass", &[&cookie], &form).status, 303);
}

#[test]
fn who_may_only_look_changes_nothing_and_opens_no_socket() {
    let ground = Ground::new("lan");
    let (door, gate) = (ground.door(), ground.gate());
    let guest = Browser::guest(door, gate, &create(&ground.trial, &["Tool", "--read-only"]).code);
    let (cookie, origin) = (guest.cookie(), format!("origin: {}", door.origin()));
    ground.tool.take();
    for method in ["GET", "HEAD", "OPTIONS"] {
        assert_eq!(door.status(&format!("{method} /{method}"), &[&cookie]), 200, "{method}");
    }
    let length = "content-length: 0";
    for method in ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"] {
        let reply = door.ask(&format!("{method} /no"), &[&cookie, &origin, length]).expect("an answer");
        assert_eq!(reply.status, 403, "{method}");
        assert!(reply.body.contains("problem:read-only"), "{method}: {}", reply.body);
    }
    let socket = [&[&*cookie, &origin][..], &UPGRADE].concat();
    for (line, fields) in [("GET /no", &socket[..]), ("GET /.drawbridge/api/ws-token", &[&cookie])] {
        let reply = door.ask(line, fields).expect("an answer");
        assert_eq!((reply.status, reply.body.contains("problem:read-only")), (403, true), "{fields:?}");
    }
    // A field that names another method never reaches the tool.
    for field in ["x-http-method-override: DELETE", "X-Method-Override: post", "x_http_method: PUT"] {
        assert_eq!(door.status("GET /field", &[&cookie, field]), 200);
    }
    assert!(!ground.tool.raw().to_lowercase().contains("method"));
    let (authority, own) = (door.authority(), door.origin());
    let more = [("cookie", guest.door.as_str()), ("origin", &own)];
    let ask = |method| H2::open(door).ask(&h2::fields(method, &authority, "/h2", &more), None, &[]).status();
    assert_eq!((ask("GET"), ask("DELETE"), ask("POST")), (200, 403, 403));
    let page =
        door.ask("POST /no", &[&cookie, &origin, length, "sec-fetch-mode: navigate"]).expect("an answer");
    assert_eq!(page.status, 403);
    // With aria2's secret a call by address changes things, too.
    assert!(ground.trial.with_input(&["secret", "set", "Tool", "--aria2"], "the-secret").status.success());
    let call = "GET /jsonrpc?method=aria2.pauseAll&id=1&params=W10%3D";
    let reply = door.ask(call, &[&cookie, "sec-fetch-site: same-origin"]).expect("an answer");
    assert_eq!((reply.status, reply.body.contains("problem:read-only")), (403, true), "{}", reply.body);
    let lines: Vec<String> = ground.tool.asked().iter().map(|asked| asked.line.clone()).collect();
    assert_eq!(
        lines,
        ["GET /GET", "HEAD /HEAD", "OPTIONS /OPTIONS", "GET /field", "GET /field", "GET /field", "GET /h2"]
    );
    assert_eq!(ground.pass()["read_only"], true);
    // Without that limit all of it is the tool's to answer.
    let free = Browser::guest(door, gate, &create(&ground.trial, &["Tool"]).code);
    assert_eq!(door.status("POST /", &[&free.cookie(), &origin, length]), 200);
    assert_eq!(door.status(call, &[&free.cookie(), "sec-fetch-site: same-origin"]), 200);
    assert_eq!(door.status("GET /", &[&[&*free.cookie(), &origin][..], &UPGRADE].concat()), 101);
}

#[test]
fn what_a_guest_holds_opens_nothing_but_the_one_door() {
    let ground = Ground::new("lan");
    let (door, gate, other) = (ground.door(), ground.gate(), Door::of(&ground.trial, "Other"));
    let code = create(&ground.trial, &["Tool"]).code;
    let guest = Browser::guest(door, gate, &code);
    let name = |at: Door| format!("__Host-Http-drawbridge-{}", at.address.port());
    let [mark, visit] = [&guest.gate, &guest.door].map(|pair| pair.split_once('=').expect("a pair").1);
    ground.tool.take();
    for value in [mark, visit, &code] {
        for page in ["/", "/account", "/account/pass", "/account/token"] {
            let cookie = format!("cookie: {}={value}; {}", name(gate), guest.gate);
            let answer = gate.ask(&format!("GET {page}"), &[&cookie]).expect("an answer");
            assert_eq!(answer.field("location"), Some("/sign-in"), "{page}");
        }
        assert_eq!(other.status("GET /", &[&format!("cookie: {}={value}", name(other))]), 401);
        assert_eq!(
            other.status("GET /.drawbridge/api/ws-token", &[&format!("cookie: {}={value}", name(other))]),
            401
        );
        for field in ["authorization: Bearer", "x-drawbridge-token:"] {
            assert_eq!(door.status("GET /", &[&format!("{field} {value}")]), 401, "{field}");
        }
    }
    assert_eq!(door.status("GET /", &[&format!("cookie: {}={mark}", name(door))]), 401);
    // A page of another site makes the guest's browser do no more than a user's.
    for field in ["origin: https://evil.example", "sec-fetch-site: cross-site"] {
        assert_eq!(door.status("POST /", &[&guest.cookie(), field, "content-length: 0"]), 403);
        let cookie = guest.cookie();
        assert_eq!(door.status("GET /", &[&[&*cookie, field][..], &UPGRADE].concat()), 403);
    }
    assert!(ground.tool.take().is_empty());
    assert_eq!(door.status("GET /", &[&guest.cookie()]), 200);
}

#[test]
fn the_code_that_leads_a_guest_to_the_door_is_good_once_there_and_in_that_browser() {
    let ground = Ground::new("lan");
    let (door, gate, other) = (ground.door(), ground.gate(), Door::of(&ground.trial, "Other"));
    let guest = Browser::guest(door, gate, &create(&ground.trial, &["Tool"]).code);
    assert_eq!(guest.enter(door).map(|reply| reply.status), Some(403), "a second time");
    let cookie = format!("cookie: {}", guest.gate);
    let again = |browser: &Browser| {
        let on = gate.ask(&format!("GET /sign-in?{}", browser.way), &[&cookie]).expect("an answer");
        let enter = on.field("location").and_then(|to| to.strip_prefix(&door.origin())).map(str::to_owned);
        Browser { enter: enter.expect("this door"), ..browser.clone() }
    };
    let (one, two) = (again(&Browser::begun(door)), Browser::begun(door));
    assert_eq!(Browser { mark: two.mark, ..one }.enter(door).map(|reply| reply.status), Some(403));
    let elsewhere = Browser::begun(other);
    let one = again(&Browser::begun(door));
    assert_eq!(
        Browser { mark: elsewhere.mark.clone(), ..one }.enter(other).map(|reply| reply.status),
        Some(403)
    );
    // The way to a door that the pass is not for leads to the form.
    let on = gate.ask(&format!("GET /sign-in?{}", elsewhere.way), &[&cookie]).expect("an answer");
    assert_eq!((on.status, on.body.contains("type=\"password\"")), (200, true));
    let without = format!("GET /sign-in?door={}", door.origin());
    assert_eq!(gate.ask(&without, &[&cookie]).expect("an answer").status, 200, "nobody began");
}

#[test]
fn a_pass_opened_from_the_internet_is_no_good_on_the_local_network() {
    let ground = Ground::new("internet");
    let code = create(&ground.trial, &["Tool"]).code;
    let guest = Browser::guest(ground.door(), ground.gate(), &code);
    assert_eq!(ground.pass()["device"]["level"], "internet");
    let near =
        ground.trial.json(&["url", "Tool"])["others"][0].as_str().map(str::to_owned).expect("a LAN door");
    let near = Door { address: ground.trial.socket(&near) };
    let value = guest.door.split_once('=').expect("a pair").1;
    let cookie = format!("cookie: __Host-Http-drawbridge-{}={value}", near.address.port());
    assert_eq!(near.status("GET /", &[&cookie]), 401);
    assert_eq!(ground.door().status("GET /", &[&guest.cookie()]), 200);
}
