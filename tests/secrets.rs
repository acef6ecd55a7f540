//! Secrets that tools are given and browsers never hold: a real aria2 in every way it can be asked, and a tool that
//! shows everything it was sent.

use crate::promises::{
    Door, anna,
    browser::Browser,
    tool::{Asked, Tool},
    wire::Wire,
};
use crate::support::{Trial, assert_one_sentence, eventually, nginx::free_port, raw, trial::PASSWORD};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const SECRET: &str = "Zk7-quite-secret-Zk7";

/// aria2 with a secret of its own.
struct Aria2 {
    process: Child,
    port: u16,
}

impl Aria2 {
    fn start() -> Self {
        let port = free_port();
        let process = Command::new("aria2c")
            .args(["--no-conf", "--enable-rpc", "--dir=/nonexistent", "--enable-dht=false", "--quiet"])
            .args([
                "--bt-enable-lpd=false",
                &format!("--rpc-secret={SECRET}"),
                &format!("--rpc-listen-port={port}"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("aria2 runs");
        eventually("aria2 listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { process, port }
    }
}

impl Drop for Aria2 {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn sharing(target: &str, secrets: &[(&[&str], &str)]) -> Trial {
    let trial = Trial::running();
    trial.add_user("anna", PASSWORD);
    trial.ok(&["tool", "add", "Tool", target]);
    for (place, value) in secrets {
        let output = trial.with_input(&[&["secret", "set", "Tool"], *place].concat(), value);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(!String::from_utf8_lossy(&output.stdout).contains(value));
    }
    trial.ok(&["level", "Tool", "lan"]);
    trial
}

#[test]
fn aria2_is_asked_in_every_way_without_its_secret() {
    let aria2 = Aria2::start();
    let trial = sharing(&aria2.port.to_string(), &[(&["--aria2"], SECRET)]);
    assert_eq!(trial.json(&["tool", "list"])[0]["secrets"], json!(["aria2"]));
    let url = trial.url("Tool");
    let post = |path: &str, body: &str| trial.curl_as_anna(&["-d", body, &format!("{url}{path}")]);
    let call = |body: Value| -> Value {
        let (_, text) = post("/jsonrpc", &body.to_string());
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{body}: {text}"))
    };
    let version = |answer: &Value| assert!(answer["result"]["version"].is_string(), "{answer}");
    let one = |method: &str, params: Value| json!({"jsonrpc": "2.0", "id": "q", "method": method, "params": params});
    version(&call(one("aria2.getVersion", json!([]))));
    version(&call(one("aria2.getVersion", json!(["token:a visitor's guess"]))));
    version(&call(json!({"jsonrpc": "2.0", "id": 7, "method": "aria2.getVersion"})));
    for answer in
        call(json!([one("aria2.getVersion", json!([])), one("aria2.getVersion", json!(["token:x"]))]))
            .as_array()
            .expect("a batch")
    {
        version(answer);
    }
    let multicall = one(
        "system.multicall",
        json!([[{"methodName": "aria2.getVersion", "params": []}, {"methodName": "aria2.getVersion", "params": ["token:x"]}]]),
    );
    let answer = call(multicall.clone());
    assert!(
        answer["result"][0][0]["version"].is_string() && answer["result"][1][0]["version"].is_string(),
        "{answer}"
    );
    assert!(call(one("system.listMethods", json!([])))["result"].is_array());

    // By address, with a function around it, as a page of another time would.
    let params =
        STANDARD.encode("[\"token:guess\"]").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let (status, text) = trial.curl_as_anna(&[&format!(
        "{url}/jsonrpc?method=aria2.getVersion&id=1&params={params}&jsoncallback=show"
    )]);
    assert_eq!(status, 200);
    assert!(text.starts_with("show(") && text.contains("\"version\""), "{text}");

    let xml = "<?xml version=\"1.0\"?><methodCall><methodName>aria2.getVersion</methodName><params></params></methodCall>";
    let (status, text) =
        trial.curl_as_anna(&["-H", "content-type: text/xml", "-d", xml, &format!("{url}/rpc")]);
    assert_eq!(status, 200);
    assert!(text.contains("version") && !text.contains("fault"), "{text}");

    // Its own download list is changed through the door too, and nothing anywhere shows the secret.
    let gid = call(one("aria2.addUri", json!([["http://127.0.0.1:9/x"], {"pause": "true"}])));
    assert!(gid["result"].is_string(), "{gid}");
    let everything = call(one("aria2.getGlobalOption", json!([])));
    assert!(!everything.to_string().contains(SECRET));
    // Without the door's help the same calls are refused, so it was the door that helped.
    let direct = Command::new("curl")
        .args(["--silent", "--noproxy", "*", "-d", &one("aria2.getVersion", json!([])).to_string()])
        .arg(format!("http://127.0.0.1:{}/jsonrpc", aria2.port))
        .output()
        .expect("curl runs");
    assert!(String::from_utf8_lossy(&direct.stdout).contains("Unauthorized"));
}

#[test]
fn aria2_is_asked_over_a_websocket_and_tells_what_happens() {
    let aria2 = Aria2::start();
    let trial = sharing(&aria2.port.to_string(), &[(&["--aria2"], SECRET)]);
    let door = Door::of(&trial, "Tool");
    let mut socket = Socket::open(door);
    socket.send(
        &json!({"jsonrpc": "2.0", "id": "a", "method": "aria2.getVersion", "params": ["token:guess"]})
            .to_string(),
    );
    let answer = socket.receive();
    assert!(answer["result"]["version"].is_string(), "{answer}");
    // In pieces, as the protocol allows.
    let text =
        json!({"jsonrpc": "2.0", "id": "b", "method": "aria2.addUri", "params": [["http://127.0.0.1:9/x"]]})
            .to_string();
    socket.send_in_pieces(&text);
    let (mut gid, mut told) = (false, false);
    while !gid || !told {
        let answer = socket.receive();
        gid |= answer["id"] == "b" && answer["result"].is_string();
        told |= answer["method"].as_str().is_some_and(|method| method.starts_with("aria2.onDownload"));
    }
    socket.send("no call at all");
    assert_eq!(socket.answer_to(&Value::Null)["error"]["code"], -32700);
    socket.send(&json!({"jsonrpc": "2.0", "id": "c", "method": "aria2.getVersion"}).to_string());
    assert!(socket.answer_to(&json!("c"))["result"]["version"].is_string(), "the tunnel goes on");
    // And it ends with its permit like every other.
    trial.ok(&["close"]);
    let deadline = Instant::now() + Duration::from_millis(1500);
    assert!(socket.0.ends_by(deadline), "the tunnel outlives its door");
}

/// A WebSocket by hand (RFC 6455), so that nothing is repaired on the way.
struct Socket(Wire);

impl Socket {
    fn open(door: Door) -> Self {
        let mut wire = Wire::open(door.address);
        let fields = [
            anna(),
            format!("origin: {}", door.origin()),
            "connection: Upgrade".into(),
            "upgrade: websocket".into(),
            "sec-websocket-version: 13".into(),
            "sec-websocket-extensions: permessage-deflate".into(),
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==".into(),
        ];
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        assert!(wire.send(door.request("GET /jsonrpc", &fields)));
        let reply = wire.reply().expect("an answer");
        assert_eq!(reply.status, 101);
        assert!(!reply.head.to_lowercase().contains("permessage-deflate"), "{}", reply.head);
        Self(wire)
    }

    fn frame(&mut self, first: u8, payload: &[u8]) {
        let mask = [1, 2, 3, 4];
        let length = u16::try_from(payload.len()).expect("a short message");
        let mut frame = vec![first, 0x80 | 126];
        frame.extend(length.to_be_bytes());
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        assert!(self.0.send(frame));
    }

    fn send(&mut self, text: &str) {
        self.frame(0x81, text.as_bytes());
    }

    fn send_in_pieces(&mut self, text: &str) {
        let (one, two) = text.as_bytes().split_at(text.len() / 2);
        self.frame(0x01, one);
        self.frame(0x89, b"are you there");
        self.frame(0x80, two);
    }

    /// The next text; pongs are passed over.
    fn receive(&mut self) -> Value {
        loop {
            let head = self.0.exactly(2).expect("a frame");
            let length = match head[1] {
                126 => {
                    u16::from_be_bytes(self.0.exactly(2).expect("a length").try_into().expect("two")).into()
                }
                length => usize::from(length),
            };
            let payload = self.0.exactly(length).expect("a payload");
            match head[0] {
                0x81 => {
                    let text = String::from_utf8(payload).expect("text");
                    assert!(!text.contains(SECRET), "{text}");
                    return serde_json::from_str(&text).expect("JSON");
                }
                0x8A => assert_eq!(payload, b"are you there"),
                other => panic!("a frame of kind {other:#x}"),
            }
        }
    }

    /// The answer with this id; what aria2 tells by itself is passed over.
    fn answer_to(&mut self, id: &Value) -> Value {
        loop {
            let answer = self.receive();
            if answer["method"].is_null() && answer["id"] == *id {
                return answer;
            }
        }
    }
}

#[test]
fn no_link_calls_aria2_through_a_browsers_session() {
    let tool = Tool::echoing();
    let trial = sharing(&tool.url(), &[(&["--aria2"], SECRET)]);
    let door = Door::of(&trial, "Tool");
    let browser = Browser::signed_in(door, Door::gate(&trial));
    let call = "GET /jsonrpc?method=aria2.shutdown&id=1";
    let own = ["sec-fetch-site: same-origin", "sec-fetch-mode: cors"];
    let cookie = browser.cookie();
    for fields in [
        &[][..],
        &["sec-fetch-site: cross-site", "sec-fetch-mode: navigate"],
        &["sec-fetch-site: none", "sec-fetch-mode: navigate"],
        &["sec-fetch-site: same-site", "sec-fetch-mode: no-cors"],
        &["sec-fetch-site: same-origin", "sec-fetch-mode: navigate"],
    ] {
        let all = [&[cookie.as_str()], fields].concat();
        assert_eq!(door.status(call, &all), 403, "{fields:?}");
    }
    assert!(tool.take().iter().all(|asked| !asked.line.contains("aria2.")));
    assert_eq!(door.status(call, &[&[cookie.as_str()][..], &own].concat()), 200);
    assert_eq!(door.status(call, &[&anna()]), 200, "a program with a password is no browser");
}

#[test]
fn what_is_no_call_is_not_passed_on() {
    let tool = Tool::echoing();
    let trial = sharing(&tool.url(), &[(&["--aria2"], SECRET)]);
    let url = format!("{}/jsonrpc", trial.url("Tool"));
    for (body, status) in [
        ("{", 400),
        (r#"{"method":"aria2.x","method":"aria2.y"}"#, 400),
        (r#"{"method":"aria2.x","params":{"token":"x"}}"#, 400),
        ("null", 400),
        ("", 400),
    ] {
        assert_eq!(trial.curl_as_anna(&["-d", body, &url]).0, status, "{body}");
    }
    let deflated = ["-H", "content-encoding: gzip", "-d", r#"{"method":"aria2.x"}"#, &url];
    assert_eq!(trial.curl_as_anna(&deflated).0, 400);
    assert!(tool.take().is_empty());
    let big = trial.folder().join("big");
    std::fs::write(&big, vec![b'['; 17 << 20]).expect("a file");
    let big = format!("@{}", big.display());
    assert_eq!(trial.curl_as_anna(&["--http1.1", "--data-binary", &big, &url]).0, 413);
    assert!(tool.take().is_empty());
    // Elsewhere on the tool nothing is touched.
    let page = format!("{}/page", trial.url("Tool"));
    assert_eq!(trial.curl_as_anna(&["-d", "{", &page]).0, 200);
    assert_eq!(tool.take()[0].body, b"{");
}

/// A tool that answers with everything it was sent, head and body.
fn showing() -> Tool {
    Tool::answering(|asked: &Asked| {
        let body = format!("{}{}", asked.head, String::from_utf8_lossy(&asked.body));
        let mut head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", body.len());
        for line in asked.head.lines().skip(1).filter(|line| !line.is_empty()) {
            head += &format!("x-shown: {line}\r\n");
        }
        format!("{head}\r\n{body}").into_bytes()
    })
}

#[test]
fn fields_and_parameters_reach_the_tool_alone() {
    let tool = showing();
    let basic = raw::basic("me", "hunter2-hunter2");
    let trial = sharing(
        &tool.url(),
        &[
            (&["--header", "X-Api-Key"], "key-0123456789"),
            (&["--basic", "me"], "hunter2-hunter2"),
            (&["--query", "access token"], "par/am=9876543210"),
        ],
    );
    let listed = trial.json(&["secret", "list", "Tool"]);
    assert_eq!(
        listed[0]["secrets"],
        json!(["header:authorization", "header:x-api-key", "query:access token"])
    );
    let url = format!("{}/a%20b?x=1&access%20token=mine&access+token=too&y=2", trial.url("Tool"));
    let (status, answer) = trial.curl_as_anna(&[
        "-D",
        "-",
        "-H",
        "x-api-key: visitor",
        "-H",
        "X_Api_Key: visitor",
        "-H",
        "HTTP-X-API-KEY: visitor",
        "-H",
        "accept-encoding: gzip",
        &url,
    ]);
    assert_eq!(status, 200);
    let asked = tool.take().pop().expect("a request");
    assert_eq!(asked.values("x-api-key"), ["key-0123456789"]);
    assert_eq!(asked.values("authorization"), [basic.as_str()]);
    assert_eq!(asked.line, "GET /a%20b?x=1&y=2&access%20token=par%2Fam%3D9876543210");
    assert_eq!(asked.values("accept-encoding"), ["identity"]);
    let lower = asked.head.to_lowercase();
    assert!(
        !lower.contains("visitor") && !lower.contains("mine") && !lower.contains("too"),
        "{}",
        asked.head
    );
    // The tool showed all of it; of the secrets only stars arrive, and the length is still right.
    for secret in ["key-0123456789", "hunter2", "9876543210", basic.split(' ').nth(1).expect("a credential")]
    {
        assert!(!answer.contains(secret), "{secret}: {answer}");
    }
    assert!(answer.contains("**************"), "{answer}");

    // Taken away, they are gone from the next request on.
    trial.ok(&["secret", "remove", "Tool", "header:x-api-key"]);
    let url = trial.url("Tool");
    trial.curl_as_anna(&["-H", "x-api-key: visitor", &url]);
    assert_eq!(tool.take().pop().expect("a request").values("x-api-key"), ["visitor"]);
    let said = trial.refused(1, &["secret", "remove", "Tool", "header:x-api-key"]);
    assert_one_sentence(&said);
}

#[test]
fn secrets_outlive_a_restart_follow_the_owner_and_not_an_edited_file() {
    let (tool, other) = (Tool::echoing(), Tool::echoing());
    let mut trial = sharing(&tool.url(), &[(&["--bearer"], "bearer-0123456789")]);
    let given = |trial: &Trial, tool: &Tool| -> Vec<String> {
        let _ = trial.curl_as_anna(&[&trial.url("Tool")]);
        let asked = tool.take().pop().expect("a request");
        asked.values("authorization").into_iter().map(str::to_owned).collect()
    };
    assert_eq!(given(&trial, &tool), ["Bearer bearer-0123456789"]);
    trial.kill();
    let mut everything = Vec::new();
    for entry in std::fs::read_dir(trial.home()).expect("the home").flatten() {
        let _ = std::fs::File::open(entry.path()).and_then(|mut file| file.read_to_end(&mut everything));
    }
    assert!(!String::from_utf8_lossy(&everything).contains("0123456789"), "it lies in clear");
    trial.serve();
    assert_eq!(given(&trial, &tool), ["Bearer bearer-0123456789"]);
    // The owner moves the tool, and the secret goes along.
    trial.ok(&["level", "Tool", "local"]);
    trial.ok(&["tool", "set", "Tool", "--url", &other.url()]);
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(given(&trial, &other), ["Bearer bearer-0123456789"]);
    // A hand in the file moves it, the owner opens it, and still it gets none: it was given for another address.
    trial.stop();
    let settings = trial.home().join("settings.toml");
    let text = std::fs::read_to_string(&settings).expect("settings");
    let mut file = std::fs::File::create(&settings).expect("settings");
    file.write_all(text.replace(&other.url(), &tool.url()).as_bytes()).expect("saved");
    trial.serve();
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(given(&trial, &tool), [""; 0]);
    assert!(trial.json(&["status"])["problems"].to_string().contains("gets no secret"));
    // A tool of the same name added anew has none either.
    trial.ok(&["tool", "remove", "Tool"]);
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    assert_eq!(trial.json(&["tool", "list"])[0]["secrets"], json!([]));
}

#[test]
fn a_secret_that_cannot_be_sent_is_refused_with_a_sentence() {
    let trial = Trial::running();
    trial.ok(&["tool", "add", "Tool", "1"]);
    for (place, value) in [
        (&["--header", "Host"][..], "0123456789"),
        (&["--header", "Cookie"], "0123456789"),
        (&["--header", "x y"], "0123456789"),
        (&["--basic", "a:b"], "0123456789"),
        (&["--bearer"], "not one word"),
        (&["--query", ""], "0123456789"),
        (&["--header", "x-key"], " blank"),
    ] {
        let output = trial.with_input(&[&["secret", "set", "Tool"], place].concat(), value);
        assert_eq!(output.status.code(), Some(1), "{place:?} {value}");
        assert_one_sentence(&String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(trial.run(&["secret", "set", "Tool"]).status.code(), Some(2), "a place is needed");
    let output = trial.with_input(&["secret", "set", "Nobody", "--aria2"], "x");
    assert_eq!(output.status.code(), Some(1));
}
