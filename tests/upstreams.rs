//! Tools that are not spoken to in plain HTTP/1.1 over TCP: HTTPS with the certificate they were added with, Unix
//! sockets, and HTTP/2 without TLS as gRPC servers speak it. nginx plays all of them.

use crate::support::{
    Trial, assert_one_sentence, eventually,
    nginx::{Nginx, free_port},
};
use std::process::Command;

fn add(trial: &Trial, target: &str) -> serde_json::Value {
    trial.add_user("anna", crate::support::trial::PASSWORD);
    trial.json(&["tool", "add", "Tool", target])
}

#[test]
fn a_tool_under_tls_is_known_again_by_its_certificate_and_no_other_gets_a_byte() {
    let (mut nginx, port) = (Nginx::new(), free_port());
    let server = format!(
        "server {{ listen 127.0.0.1:{port} ssl; location / {{ return 200 'tls $scheme $http_host'; }}
            location /away {{ return 302 https://localhost:{port}/there; }} }}"
    );
    let target = format!("https://127.0.0.1:{port}");
    let trial = Trial::running();
    let said = trial.refused(1, &["tool", "add", "Tool", &target]);
    assert!(said.contains("start the tool first"), "{said}");
    assert_one_sentence(&said);
    let fingerprint = nginx.renew();
    nginx.start(&server);
    let tool = add(&trial, &target);
    assert_eq!(tool["certificate"], fingerprint.as_str());
    trial.ok(&["level", "Tool", "lan"]);
    let url = trial.url("Tool");
    assert_eq!(trial.curl_as_anna(&[&url]), (200, format!("tls https 127.0.0.1:{port}")));
    let (_, head) = trial.curl_as_anna(&["--head", &format!("{url}/away")]);
    assert!(
        head.contains(&format!("location: {url}/there")) || head.contains(&format!("Location: {url}/there")),
        "{head}"
    );

    // Another certificate: what listens there now gets no byte of a request, and the owner is told.
    let asked = nginx.log().len();
    let renewed = nginx.renew();
    nginx.start(&server);
    assert_eq!(trial.curl_as_anna(&[&url]).0, 502);
    assert_eq!(nginx.log().len(), asked, "{:?}", nginx.log());
    eventually("the owner is told", || {
        trial.json(&["status"])["problems"].to_string().contains("shows another certificate")
    });
    // Taken again by the owner's act alone.
    let said = trial.refused(1, &["tool", "set", "Tool", "--url", &target]);
    assert!(said.contains("close it first"), "{said}");
    trial.ok(&["level", "Tool", "local"]);
    let tool = trial.json(&["tool", "set", "Tool", "--url", &target]);
    assert_eq!(tool["certificate"], renewed.as_str());
    trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(trial.curl_as_anna(&[&url]).0, 200);
}

#[test]
fn an_edited_fingerprint_waits_for_the_owner() {
    let (mut nginx, port) = (Nginx::new(), free_port());
    nginx.start(&format!("server {{ listen 127.0.0.1:{port} ssl; location / {{ return 200 secret; }} }}"));
    let mut trial = Trial::running();
    let tool = add(&trial, &format!("https://127.0.0.1:{port}"));
    trial.ok(&["level", "Tool", "lan"]);
    trial.stop();
    let settings = trial.home().join("settings.toml");
    let text = std::fs::read_to_string(&settings).expect("settings");
    let pinned = tool["certificate"].as_str().expect("a fingerprint");
    let edited = text.replace(pinned, &nginx.renew());
    assert_ne!(edited, text);
    std::fs::write(&settings, edited).expect("saved");
    trial.serve();
    let tool = &trial.json(&["tool", "list"])[0];
    assert_eq!((tool["level"].as_str(), tool["wanted"].as_str()), (Some("local"), Some("lan")));
}

#[test]
fn a_tool_behind_a_socket_works_and_another_users_does_not() {
    let mut nginx = Nginx::new();
    let server = format!(
        "server {{ listen unix:{}; location / {{ return 200 'socket $http_host $request_uri'; }} }}",
        nginx.socket().display()
    );
    nginx.start(&server);
    let trial = Trial::running();
    let target = format!("unix:{}", nginx.socket().display());
    assert_eq!(add(&trial, &target)["target"], target.as_str());
    trial.ok(&["level", "Tool", "lan"]);
    let url = trial.url("Tool");
    let expected = (200, "socket localhost /a?b=c".to_owned());
    assert_eq!(trial.curl_as_anna(&[&format!("{url}/a?b=c")]), expected);
    nginx.stop();
    assert_eq!(trial.curl_as_anna(&[&url]).0, 502);
    let told = |what: &str| trial.json(&["status"])["problems"].to_string().contains(what);
    eventually("the owner is told that it is down", || told("is not running"));

    // The same path, but another user's program behind it.
    let _ = std::fs::remove_file(nginx.socket());
    let script = "import socket,os,sys\ns=socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\nos.setuid(65534)\n\
        s.listen(5)\nprint('ready',flush=True)\nwhile True:\n c,_=s.accept()\n sys.stdout.write(repr(c.recv(100)))\n \
        sys.stdout.flush()\n c.close()";
    let mut foreign = Command::new("python3")
        .args(["-c", script])
        .arg(nginx.socket())
        .stdout(std::fs::File::create(nginx.folder().join("foreign")).expect("a file"))
        .spawn()
        .expect("python runs");
    let heard = || std::fs::read_to_string(nginx.folder().join("foreign")).unwrap_or_default();
    eventually("it listens", || heard().contains("ready"));
    let status = trial.curl_as_anna(&[&url]).0;
    let _ = foreign.kill();
    let _ = foreign.wait();
    assert_eq!(status, 502);
    assert!(!heard().contains("GET"), "{}", heard());
    eventually("the owner is told whose it is", || told("is not yours"));
}

#[test]
fn http2_without_tls_gets_te_where_the_visitor_takes_trailers() {
    let (mut nginx, port) = (Nginx::new(), free_port());
    nginx.start(&format!(
        "server {{ listen 127.0.0.1:{port} http2; location / {{ return 200 'h2c $server_protocol $http_host'; }} }}"
    ));
    let trial = Trial::running();
    add(&trial, &format!("h2c://127.0.0.1:{port}"));
    trial.ok(&["level", "Tool", "lan"]);
    let url = trial.url("Tool");
    let answer = (200, format!("h2c HTTP/2.0 127.0.0.1:{port}"));
    assert_eq!(trial.curl_as_anna(&["--http2", "-H", "TE: trailers", &url]), answer);
    let line = format!("GET / HTTP/2.0|127.0.0.1:{port}|trailers|HTTP/2.0|200");
    assert_eq!(nginx.log().last(), Some(&line));
    // Who did not say so is not said to take them, and HTTP/1.1 works towards the same tool.
    assert_eq!(trial.curl_as_anna(&["--http1.1", &url]), answer);
    assert_eq!(nginx.log().last(), Some(&line.replace("trailers", "-")));
    // A WebSocket has no way there.
    let fields = [
        "connection: Upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        &format!("origin: {url}"),
    ];
    let mut arguments = vec!["--http1.1"];
    arguments.extend(fields.iter().flat_map(|field| ["-H", *field]));
    arguments.push(&url);
    assert_eq!(trial.curl_as_anna(&arguments).0, 400);
}

/// A real gRPC server, and a real client that comes through the door: all four kinds of calls, and an error whose status
/// stands in the trailers.
#[test]
fn grpc_works_through_a_door() {
    let port = free_port();
    let mut server = python(&["-c", GRPC_SERVER, &port.to_string()]).spawn().expect("python runs");
    crate::support::eventually("the server listens", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    let trial = Trial::running();
    add(&trial, &format!("h2c://127.0.0.1:{port}"));
    trial.ok(&["level", "Tool", "lan"]);
    let door = trial.url("Tool");
    let authority = trial.authority();
    let credential = crate::support::raw::basic("anna", crate::support::trial::PASSWORD);
    let target = door.strip_prefix("https://").expect("a door");
    let authority = authority.display().to_string();
    let ask = || {
        let output =
            python(&["-c", GRPC_CLIENT, target, &authority, &credential]).output().expect("python runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (String::from_utf8_lossy(&output.stdout).into_owned(), said)
    };
    let (said, error) = ask();
    // With a secret every answer is searched, and its trailers still arrive.
    trial.with_input(&["secret", "set", "Tool", "--bearer"], "a-secret-of-the-tool");
    let (with_secret, error_with_secret) = ask();
    let _ = server.kill();
    let _ = server.wait();
    let expected = "HELLO\n[b'a', b'b', b'c']\nabc\n[b'X', b'Y']\nNOT_FOUND nothing here\nUNAUTHENTICATED\n";
    assert_eq!(said, expected, "{error}");
    assert_eq!(with_secret, expected, "{error_with_secret}");
}

fn python(arguments: &[&str]) -> Command {
    // The system's own, which Debian's gRPC belongs to.
    let mut python = Command::new("/usr/bin/python3");
    python.args(arguments).env("no_proxy", "*");
    python
}

const GRPC_SERVER: &str = r#"
import grpc, sys
from concurrent import futures
def unary(request, context): return request.upper()
def download(request, context): yield from (bytes([byte]) for byte in request)
def upload(requests, context): return b"".join(requests)
def both(requests, context):
    for request in requests: yield request.upper()
def missing(request, context): context.abort(grpc.StatusCode.NOT_FOUND, "nothing here")
handlers = {
    "unary": grpc.unary_unary_rpc_method_handler(unary),
    "download": grpc.unary_stream_rpc_method_handler(download),
    "upload": grpc.stream_unary_rpc_method_handler(upload),
    "both": grpc.stream_stream_rpc_method_handler(both),
    "missing": grpc.unary_unary_rpc_method_handler(missing),
}
server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("echo", handlers),))
server.add_insecure_port("127.0.0.1:" + sys.argv[1])
server.start()
server.wait_for_termination()
"#;

const GRPC_CLIENT: &str = r#"
import grpc, sys
target, authority, credential = sys.argv[1:]
channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(open(authority, "rb").read()))
me = [("authorization", credential)]
print(channel.unary_unary("/echo/unary")(b"hello", metadata=me, timeout=10).decode())
print(list(channel.unary_stream("/echo/download")(b"abc", metadata=me, timeout=10)))
print(channel.stream_unary("/echo/upload")(iter([b"a", b"b", b"c"]), metadata=me, timeout=10).decode())
# Both ways at once: the second message is sent after the first was answered.
answers = []
def questions():
    yield b"x"
    while not answers: pass
    yield b"y"
for answer in channel.stream_stream("/echo/both")(questions(), metadata=me, timeout=10): answers.append(answer)
print(answers)
try: channel.unary_unary("/echo/missing")(b"", metadata=me, timeout=10)
except grpc.RpcError as error: print(error.code().name, error.details())
try: channel.unary_unary("/echo/unary")(b"hello", timeout=10)
except grpc.RpcError as error: print(error.code().name)
"#;

#[test]
fn more_requests_at_once_than_a_connection_takes_all_arrive() {
    let (mut nginx, port) = (Nginx::new(), free_port());
    nginx.start(&format!(
        "http2_max_concurrent_streams 128; limit_rate 1k;
        server {{ listen 127.0.0.1:{port} http2; location / {{ root {}; }} }}",
        Nginx::folder(&nginx).display()
    ));
    std::fs::write(nginx.folder().join("slow"), vec![b'x'; 1500]).expect("a file");
    let trial = Trial::running();
    add(&trial, &format!("h2c://127.0.0.1:{port}"));
    trial.ok(&["level", "Tool", "lan"]);
    let url = format!("{}/slow?[1-120]", trial.url("Tool"));
    let arguments = ["--http2", "--parallel", "--parallel-max", "120", "--output", "/dev/null", &url];
    let (last, others) = trial.curl_as_anna(&arguments);
    assert_eq!((last, others.matches("200").count()), (200, 119), "{others}");
}
