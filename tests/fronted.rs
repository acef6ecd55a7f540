//! Doors behind someone else's TLS: a real nginx and a real Caddy in front, each with its own certificate, and what a
//! front or a visitor could say that is not true.

use crate::promises::tool::Tool;
use crate::support::{
    Trial, eventually,
    nginx::{Nginx, free_port},
    raw,
    trial::{self, PASSWORD},
};
use std::{
    fs,
    io::{Read, Write},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

/// An engine whose internet doors stand behind a front on 127.0.0.1, and a tool that shows what it was sent.
struct Fronted {
    trial: Trial,
    tool: Tool,
    /// Where visitors reach the front.
    port: u16,
    /// Where the doors listen.
    door: SocketAddr,
}

fn fronted() -> Fronted {
    let tool = Tool::with_sockets();
    let trial = Trial::running();
    let port = free_port();
    trial.add_user("anna", PASSWORD);
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    let inner = free_port();
    trial.ok(&["settings", "set", "internet.port", &inner.to_string()]);
    trial.ok(&["settings", "set", "internet.domain", "front.test"]);
    trial.ok(&["settings", "set", "internet.front", "127.0.0.1"]);
    trial.ok(&["settings", "set", "internet.front_port", &port.to_string()]);
    trial.ok(&["level", "Tool", "internet"]);
    assert_eq!(trial.url("Tool"), format!("https://tool.front.test:{port}"));
    let door = SocketAddr::new(trial.address.into(), inner);
    Fronted { trial, tool, port, door }
}

impl Fronted {
    /// curl through the front, as a visitor at a loopback address of its own.
    fn curl(&self, authority: &std::path::Path, from: &str, arguments: &[&str]) -> (u16, String) {
        let resolve: Vec<String> =
            ["tool", "gate"].map(|name| format!("{name}.front.test:{}:127.0.0.1", self.port)).into();
        let mut all = vec!["--interface", from];
        all.extend(resolve.iter().flat_map(|one| ["--resolve", one]));
        all.extend(arguments);
        trial::curl(authority, &all)
    }

    /// Signs in at the gate as a browser would, and works in the tool: a page, an upload, a WebSocket, who it came from.
    fn works(&self, authority: &std::path::Path) {
        let url = format!("https://tool.front.test:{}", self.port);
        let me = format!("anna:{PASSWORD}");
        let visitor = "127.9.8.7";
        let (status, _) = self.curl(authority, visitor, &[&url]);
        assert_eq!(status, 401, "a program without a password");
        let arguments = ["--user", &me, "-H", "X-Forwarded-For: 203.0.113.1", "-d", "upload", &url];
        assert_eq!(self.curl(authority, visitor, &arguments).0, 200);
        let heard = self.tool.take();
        let request = heard.last().expect("the tool was reached");
        assert_eq!(request.values("x-forwarded-for"), [visitor], "what a visitor made up is not believed");
        assert_eq!(request.values("x-forwarded-proto"), ["https"]);
        assert_eq!(request.values("x-forwarded-host"), [format!("tool.front.test:{}", self.port)]);
        let seen = self.trial.json(&["status"])["visitors"].to_string();
        assert!(seen.contains(visitor), "{seen}");

        let jar = self.trial.folder().join("jar");
        let jar = jar.to_str().expect("text");
        let browser = |arguments: &[&str]| {
            let mut all =
                vec!["--location", "--cookie", jar, "--cookie-jar", jar, "-H", "Sec-Fetch-Mode: navigate"];
            all.extend(arguments);
            self.curl(authority, visitor, &all)
        };
        let (status, page) = browser(&[&url]);
        assert_eq!(status, 200);
        assert!(page.contains("<form"), "{page}");
        let gate = format!("https://gate.front.test:{}", self.port);
        let (_, head) =
            self.curl(authority, visitor, &["-H", "accept: text/html", "--cookie-jar", jar, "-D", "-", &url]);
        let (_, way) = location(&head).and_then(|to| to.split_once('?')).expect("a way to the gate");
        let form = format!("username=anna&password={}&{way}", PASSWORD.replace(' ', "+"));
        let origin = format!("origin: {gate}");
        let jars = ["--cookie", jar, "--cookie-jar", jar, "-D", "-"];
        let at = format!("{gate}/sign-in");
        let sign_in = [&jars[..], &["-H", &origin, "-d", &form, &at]].concat();
        let (_, head) = self.curl(authority, visitor, &sign_in);
        let back = location(&head).expect("a way back");
        assert_eq!(browser(&[back]), (200, "GET /".to_owned()), "signed in and back at the tool");
        self.tunnels();
        let _ = fs::remove_file(jar);
    }

    /// A WebSocket through front and door.
    fn tunnels(&self) {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let mut tls = raw::connect(address, "tool.front.test", &["http/1.1"]).expect("a handshake");
        let host = format!("tool.front.test:{}", self.port);
        let request = format!(
            "GET /socket HTTP/1.1\r\nhost: {host}\r\norigin: https://{host}\r\nauthorization: {}\r\nconnection: Upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            raw::basic("anna", PASSWORD)
        );
        tls.write_all(request.as_bytes()).expect("sent");
        let mut until = |end: &str| {
            let (mut read, mut piece) = (String::new(), [0; 1024]);
            while !read.ends_with(end) {
                let count = tls.read(&mut piece).expect("an open connection");
                assert!(count > 0, "it ended: {read}");
                read += &String::from_utf8_lossy(&piece[..count]);
            }
            (read, tls.write_all(b"hello"))
        };
        let (head, _) = until("\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        until("hello").1.expect("still open");
    }
}

/// Where an answer leads.
fn location(head: &str) -> Option<&str> {
    head.lines()
        .find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("location")))
        .map(|(_, to)| to)
}

/// A front that is started for a test; ends with the value.
struct Caddy(Child);

impl Drop for Caddy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn behind_nginx_a_tool_works_and_the_visitor_is_known() {
    let fronted = fronted();
    let mut nginx = Nginx::new();
    let headers =
        "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;";
    let server = |more: &str| {
        format!(
            "server {{ listen 127.0.0.1:{} ssl http2; server_name *.front.test; location / {{
                proxy_pass http://{}; proxy_http_version 1.1; {headers} {more} }} }}",
            fronted.port, fronted.door
        )
    };
    nginx.start(&server("proxy_set_header X-Forwarded-Proto $scheme;"));
    fronted.works(&nginx.folder().join("cert.pem"));

    // A front that does not say that the way to it was safe lets nobody in, and the owner is told.
    nginx.start(&server(""));
    let (url, me) = (format!("https://tool.front.test:{}", fronted.port), format!("anna:{PASSWORD}"));
    let authority = nginx.folder().join("cert.pem");
    let (status, body) = fronted.curl(&authority, "127.0.0.1", &["--user", &me, &url]);
    assert_eq!(status, 502, "{body}");
    let told = || fronted.trial.json(&["status"])["problems"].to_string().contains("X-Forwarded-Proto");
    eventually("the owner is told", told);
    nginx.start(&server("proxy_set_header X-Forwarded-Proto $scheme;"));
    assert_eq!(fronted.curl(&authority, "127.0.0.1", &["--user", &me, &url]).0, 200);
    eventually("it is good again", || !told());
}

#[test]
fn behind_caddy_a_tool_works_and_the_visitor_is_known() {
    let fronted = fronted();
    let certificate = Nginx::new();
    let at = certificate.folder();
    let file = at.join("Caddyfile");
    let config = format!(
        "{{\n admin off\n auto_https off\n storage file_system {at}/store\n}}\nhttps://*.front.test:{} {{\n bind 127.0.0.1\n tls {at}/cert.pem {at}/key.pem\n reverse_proxy {}\n}}\n",
        fronted.port,
        fronted.door,
        at = at.display()
    );
    fs::write(&file, config).expect("a file");
    let child = Command::new("caddy")
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(&file)
        .env("HOME", at)
        .env("XDG_DATA_HOME", at)
        .env("XDG_CONFIG_HOME", at)
        .stdout(Stdio::null())
        .stderr(fs::File::create(at.join("said")).expect("a file"))
        .spawn()
        .expect("Caddy runs");
    let _caddy = Caddy(child);
    eventually("Caddy listens", || std::net::TcpStream::connect(("127.0.0.1", fronted.port)).is_ok());
    fronted.works(&at.join("cert.pem"));
}

#[test]
fn a_fronted_door_believes_its_hops_and_nobody_else() {
    let fronted = fronted();
    let me = raw::basic("anna", PASSWORD);
    let host = format!("tool.front.test:{}", fronted.port);
    let ask = |from: &str, fields: &[String]| -> (u16, String) {
        let mut all = vec!["--silent", "--max-time", "5", "--noproxy", "*", "--interface", from];
        all.extend(["--write-out", "\n%{http_code}"]);
        all.extend(fields.iter().flat_map(|field| ["-H", field.as_str()]));
        let url = format!("http://{}/", fronted.door);
        let output = Command::new("curl").args(&all).arg(&url).output().expect("curl runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, status) = text.rsplit_once('\n').expect("the status line");
        (status.parse().unwrap_or(0), body.to_owned())
    };
    let good = [
        format!("host: {host}"),
        format!("authorization: {me}"),
        "x-forwarded-proto: https".to_owned(),
        "x-forwarded-for: 198.51.100.7".to_owned(),
    ];
    assert_eq!(ask("127.0.0.1", &good).0, 200);
    // Another address of this computer is no hop: not even a byte is read.
    assert_eq!(ask("127.4.4.4", &good).0, 0);
    fronted.tool.take();
    for (what, fields, status) in [
        ("no scheme", [&good[..2], &good[3..]].concat(), 502),
        ("plain", [&good[..2], &["x-forwarded-proto: http".to_owned()], &good[3..]].concat(), 502),
        ("no client", good[..3].to_vec(), 502),
        ("a client that is none", [&good[..3], &["x-forwarded-for: me".to_owned()]].concat(), 502),
        ("a stranger's host", [&["host: evil.example".to_owned()], &good[1..]].concat(), 400),
        ("another port", [&["host: tool.front.test:1".to_owned()], &good[1..]].concat(), 400),
        ("nobody", [&good[..1], &good[2..]].concat(), 401),
    ] {
        let (answered, body) = ask("127.0.0.1", &fields);
        assert_eq!(answered, status, "{what}: {body}");
        if status == 400 {
            assert_eq!(body, "", "{what}");
        }
    }
    assert!(fronted.tool.take().is_empty());
    // TLS is not spoken here, and nothing of a tool is said to who tries.
    assert!(raw::connect(fronted.door, "tool.front.test", &["h2"]).is_err());
}

#[test]
fn attempts_are_counted_by_visitor_and_not_by_hop() {
    let fronted = fronted();
    let host = format!("host: tool.front.test:{}", fronted.port);
    let ask = |client: &str, password: &str| {
        let credential = format!("authorization: {}", raw::basic("anna", password));
        let output = Command::new("curl")
            .args(["--silent", "--noproxy", "*", "--interface", "127.0.0.1", "--output", "/dev/null"])
            .args([
                "--write-out",
                "%{http_code}",
                "-H",
                &host,
                "-H",
                &credential,
                "-H",
                "x-forwarded-proto: https",
            ])
            .args(["-H", &format!("x-forwarded-for: {client}"), &format!("http://{}/", fronted.door)])
            .output()
            .expect("curl runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(ask("198.51.100.7", PASSWORD), "200");
    assert_eq!(ask("198.51.100.8", "wrong password of somebody"), "401");
    eventually("both are in the log by their own addresses", || {
        let log = fs::read_to_string(fronted.trial.home().join("logs/access.log")).unwrap_or_default();
        log.contains("198.51.100.7") && log.contains("198.51.100.8") && !log.contains("127.0.0.1 ")
    });
}

#[test]
fn a_front_is_set_up_in_order_and_never_with_a_dangerous_list() {
    let trial = Trial::running();
    let refused = |value: &str| trial.refused(1, &["settings", "set", "internet.front", value]);
    assert!(refused("127.0.0.1").contains("internet.domain first"));
    trial.ok(&["settings", "set", "internet.domain", "front.test"]);
    for dangerous in ["0.0.0.0/0", "::/0", "10.0.0.0/8", "203.0.113.0/24", "everyone", "127.0.0.1,0.0.0.0/0"]
    {
        assert!(refused(dangerous).contains("would let strangers say who they are"), "{dangerous}");
    }
    trial.ok(&["settings", "set", "internet.front", "127.0.0.1, 172.17.0.0/16"]);
    assert_eq!(trial.ok(&["settings", "get", "internet.front"]).trim(), "127.0.0.1,172.17.0.0/16");
    // And never under a door that is open.
    let tool = Tool::echoing();
    trial.add_user("anna", PASSWORD);
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    trial.ok(&["level", "Tool", "internet"]);
    let said = trial.refused(1, &["settings", "set", "internet.front", ""]);
    assert!(said.contains("lower it first"), "{said}");
    trial.ok(&["close"]);
    trial.ok(&["settings", "set", "internet.front", ""]);
}
