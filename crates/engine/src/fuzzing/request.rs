//! What a signed-in visitor sends, through our server, the stages that read and rewrite it, and our client: the bytes
//! the tool receives are one request, the one that was checked, and nothing in it is made up.

use super::{fields, wire};
use crate::{
    clock::Clock,
    headers::authority::Scheme,
    identity::{socket_token, user::User},
    injection::query,
    proxy::{
        self, Permit, Purpose, Subject, cors,
        door::{Door, DoorPlan, GateAddress, Serves},
        exchange::Exchange,
        identify::{self, Client},
        jar::{Jar, Names},
        limits, rewrite,
        route::{self, Ask},
        snapshot::{Snapshot, Tool, Wants},
    },
    tools::{ToolId, target::Target},
};
use bytes::Bytes;
use drawbridge_protocol::{Level, NetworkTarget};
use http_body_util::Empty;
use hyper::{Request, Response, StatusCode, body::Incoming, header, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    rc::Rc,
    sync::Arc,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

/// Bytes of one HTTP/1.1 connection to a tool's door.
pub fn request(bytes: &[u8]) {
    let ground = Rc::new(Ground::new());
    wire::run(async {
        let (mut visitor, ours) = tokio::io::duplex(PIPE_BYTES);
        let service = service_fn(move |request| {
            let ground = Rc::clone(&ground);
            async move {
                let mut response = Response::new(Empty::<Bytes>::new());
                *response.status_mut() = ground.answer(request).await;
                Ok::<_, Infallible>(response)
            }
        });
        let serving = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits::HEAD)
            .max_buf_size(limits::HEAD_BYTES)
            .max_headers(limits::HEAD_FIELDS)
            .serve_connection(TokioIo::new(ours), service);
        let talking = async {
            let _ = visitor.write_all(bytes).await;
            let _ = visitor.shutdown().await;
            let mut answers = Vec::new();
            let _ = visitor.read_to_end(&mut answers).await;
        };
        // What hyper says of a broken request is not of interest here.
        let (_, ()) = tokio::join!(serving, talking);
    });
}

/// A door, a tool and an account.
pub(super) struct Ground {
    pub(super) door: Door,
    snapshot: Snapshot,
    user: Arc<User>,
    client: Client,
    names: Names,
}

impl Ground {
    pub(super) fn new() -> Self {
        let id = ToolId::stored("tool".into());
        let target = Target::parse(TOOL, NetworkTarget::Refused).expect("an address");
        let origins = vec![LISTED.to_owned()];
        let wants = Wants { allowed_origins: &origins, ..Wants::default() };
        let tool = Arc::new(Tool::new(id.clone(), "Tool".into(), target, &wants));
        let user = Arc::new(User::anna());
        let plan = DoorPlan {
            serves: Serves::Tool(id.clone()),
            level: Level::Lan,
            hosts: vec!["192.168.1.5".parse().expect("a host"), "nas.lan".parse().expect("a host")],
            gate: GateAddress::SameHost { port: 8443 },
            port: 8444,
            front: None,
        };
        let snapshot = Snapshot {
            tools: HashMap::from([(id, tool)]),
            users: HashMap::from([(user.id, Arc::clone(&user))]),
            names: HashMap::from([("anna".to_owned(), Arc::clone(&user))]),
            disabled: HashSet::new(),
            doors: Vec::new(),
        };
        let client = identify::identify("192.0.2.7:1".parse().expect("an address"));
        Self { door: Door::new(plan), snapshot, user, client, names: Names::default() }
    }

    pub(super) fn permit(&self) -> Permit {
        let subject = Subject::Basic { user: Arc::clone(&self.user) };
        proxy::authorize(subject, Purpose::Act, &self.door, Scheme::Https, &self.snapshot, &Clock::system())
            .expect("anna may use it")
    }

    /// The cookie jar this door shares with its neighbours.
    pub(super) fn jar(&self) -> Option<Jar<'_>> {
        let Serves::Tool(id) = &self.door.plan.serves else { return None };
        Jar::of(&self.door, Scheme::Https, id, &self.names)
    }

    /// The stages of the data path, for someone who is signed in.
    async fn answer(&self, request: Request<Incoming>) -> StatusCode {
        let target = match route::route(&request, &self.door, Scheme::Https, None) {
            Ok(target) => target,
            Err(refusal) => return refusal.row().status,
        };
        assert!(self.door.plan.hosts.contains(&target.origin.host));
        assert_eq!(target.origin.text, format!("https://{}:8444", target.origin.host));
        if target.ask != Ask::Tool {
            return StatusCode::NOT_FOUND;
        }
        let path = request.uri().path_and_query().expect("a path").clone();
        let path = query::without(&path, socket_token::PARAMETER).unwrap_or(path);
        let line = format!("{} {path} HTTP/1.1", request.method());
        let permit = self.permit();
        let is_listed = cors::listed(request.headers(), permit.tool()).is_some();
        let exchange = Exchange::new(permit.lease().clone());
        let jar = self.jar();
        let asked = (request, None);
        let ours = (&self.snapshot, None);
        let forwarded_for = self.client.forwarded_for();
        let rewritten =
            rewrite::rewrite(&permit, asked, &target, &forwarded_for, ours, jar.as_ref(), &exchange);
        let outbound = match rewritten {
            Ok(outbound) => outbound,
            Err(refusal) => return refusal.row().status,
        };
        let (request, upgrade) = outbound.into_parts();
        let (near, far) = tokio::io::duplex(PIPE_BYTES);
        let sending = async {
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(near)).await.expect("no bytes yet");
            // Its own task, as in the data path: it goes on while the visitor's side is asked for more.
            tokio::task::spawn_local(async move { drop(connection.await) });
            sender.send_request(request).await.is_ok()
        };
        let (is_answered, received) = tokio::join!(sending, tool(far));
        judge(&received, &line, &target.origin.text, upgrade.is_some());
        if is_listed {
            judge_listed(&received);
        }
        if is_answered { StatusCode::OK } else { StatusCode::BAD_GATEWAY }
    }
}

/// Reads until the request is whole or broken off, answers a whole one, and returns every byte.
async fn tool(mut stream: DuplexStream) -> Vec<u8> {
    let (mut received, mut buffer) = (Vec::new(), [0; 4096]);
    let mut answered = false;
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        received.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if !answered && wire::read(&received).is_some_and(|message| message.length.is_some()) {
            answered = true;
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        }
    }
    received
}

/// What may never reach a tool, and what must.
fn judge(received: &[u8], line: &str, origin: &str, is_upgrade: bool) {
    let Some(message) = wire::read(received) else { return };
    assert_eq!(message.line, line, "the request that was checked is the one that is sent");
    assert!(message.length.is_none_or(|length| length == received.len()), "more than one request was sent");
    let mut headers = message.headers;
    fields::assert_no_cookie_of_ours(&headers);
    let only = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let first = values.next().and_then(|value| value.to_str().ok().map(str::to_owned));
        assert!(values.next().is_none(), "{name} twice");
        first
    };
    assert_eq!(only("host").as_deref(), TOOL.strip_prefix("http://"));
    assert_eq!(only("x-forwarded-for").as_deref(), Some("192.0.2.7"));
    assert_eq!(only("x-forwarded-proto").as_deref(), Some("https"));
    assert_eq!(only("x-forwarded-host").as_deref(), origin.strip_prefix("https://"));
    assert_eq!(only("authorization"), None, "a credential we consumed");
    assert_eq!(only("expect"), None);
    assert!(
        only("origin").is_none_or(|named| named != origin && named != LISTED),
        "the tool's own origin is meant"
    );
    for name in ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"] {
        headers.remove(name);
    }
    fields::assert_nothing_made_up(&headers);
    if is_upgrade {
        assert_eq!(headers.remove(header::UPGRADE).expect("an upgrade"), "websocket");
        assert_eq!(headers.remove(header::CONNECTION).expect("an upgrade"), "Upgrade");
    }
    headers.remove(header::TRANSFER_ENCODING);
    fields::assert_no_hop_by_hop(&headers);
}

/// A page of a listed origin looks like the tool's own in every field that tells.
fn judge_listed(received: &[u8]) {
    let Some(message) = wire::read(received) else { return };
    let field = |name: &str| message.headers.get(name).map(|value| value.as_bytes().to_owned());
    assert_eq!(field("origin").as_deref(), Some(TOOL.as_bytes()));
    assert!(field("sec-fetch-site").is_none_or(|site| site == b"same-origin"));
    let referer = field("referer").unwrap_or_default();
    assert!(referer != LISTED.as_bytes() && !referer.starts_with(format!("{LISTED}/").as_bytes()));
}

/// Another website whose pages may use the tool.
const LISTED: &str = "https://app.example";
/// Where the tool listens.
const TOOL: &str = "http://127.0.0.1:8888";
/// Bytes held by a connection in memory: more than any input.
const PIPE_BYTES: usize = 64 * 1024;
