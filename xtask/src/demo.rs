//! The demo tool: a small page behind which the three hard things of a proxy can be tried by hand.
//!
//! A WebSocket that says everything back, an upload of any size that is counted and thrown away, and a stream of events, one
//! each second. It listens on 127.0.0.1 only, knows no passwords and keeps nothing: exactly the kind of tool Drawbridge is for.

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use clap::Args;
use futures_util::{SinkExt as _, StreamExt as _, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// How to serve the demo tool.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// Serves until the process ends.
///
/// # Errors
/// When the port is taken.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let demo = Demo::bind(options.port).await?;
    println!("The demo tool is at {} until Ctrl-C.", demo.url());
    demo.serve().await
}

/// The tool with its listening socket.
#[derive(Debug)]
pub(crate) struct Demo {
    listener: TcpListener,
    port: u16,
}

impl Demo {
    /// Takes the port.
    ///
    /// # Errors
    /// When it is taken already.
    pub(crate) async fn bind(port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .with_context(|| format!("cannot listen on 127.0.0.1:{port} for the demo tool"))?;
        let port = listener.local_addr().context("cannot ask for the demo tool's port")?.port();
        Ok(Self { listener, port })
    }

    /// Its address on this computer.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Serves everyone who comes, until it is dropped.
    ///
    /// # Errors
    /// Never by itself; the type fits its callers.
    pub(crate) async fn serve(self) -> Result<()> {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(connection(stream))),
                // Out of descriptors, say: the next moment may be better.
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

async fn connection(stream: TcpStream) {
    let service = service_fn(async |request| Ok::<_, Infallible>(answer(request).await));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // A visitor who goes away in the middle of something is nobody's fault.
    let _ended = connection.await;
}

async fn answer(mut request: Request<Incoming>) -> Answer {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => content("text/html; charset=utf-8", PAGE),
        (&Method::GET, "/demo.css") => content("text/css; charset=utf-8", STYLE),
        (&Method::GET, "/demo.js") => content("text/javascript; charset=utf-8", SCRIPT),
        (&Method::GET, "/ticks") => ticks(),
        (&Method::GET, "/echo") => echo(&mut request),
        (&Method::POST, "/upload") => upload(request.into_body()).await,
        _ => text(StatusCode::NOT_FOUND, "Nothing is here."),
    }
}

/// One event at once and one each second, for as long as somebody listens.
fn ticks() -> Answer {
    let clock = tokio::time::interval(TICK);
    let events = stream::unfold((clock, 0_u64), async |(mut clock, count)| {
        clock.tick().await;
        let event = Bytes::from(format!("id: {count}\ndata: {count}\n\n"));
        Some((Ok::<_, Infallible>(Frame::data(event)), (clock, count + 1)))
    });
    let mut response = Response::new(StreamBody::new(events).boxed_unsync());
    fixed(response.headers_mut(), "text/event-stream");
    response
}

/// Counts the bytes as they come; nothing is kept.
async fn upload(mut body: Incoming) -> Answer {
    let mut bytes = 0_u64;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes += frame.data_ref().map_or(0, |data| data.len() as u64),
            Err(_) => return text(StatusCode::BAD_REQUEST, "The upload broke off."),
        }
    }
    let mut response = Response::new(Full::new(Bytes::from(format!("{{\"bytes\":{bytes}}}"))).boxed_unsync());
    fixed(response.headers_mut(), "application/json");
    response
}

/// Answers the WebSocket handshake (RFC 6455 §4.2) and says everything back afterwards.
fn echo(request: &mut Request<Incoming>) -> Answer {
    let headers = request.headers();
    let asks = |name: header::HeaderName, value: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|field| field.to_str().ok())
            .any(|field| field.split(',').any(|word| word.trim().eq_ignore_ascii_case(value)))
    };
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| {
        asks(header::CONNECTION, "upgrade")
            && asks(header::UPGRADE, "websocket")
            && asks(header::SEC_WEBSOCKET_VERSION, "13")
    });
    let accept = key.and_then(|key| HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok());
    let Some(accept) = accept else {
        return text(StatusCode::UPGRADE_REQUIRED, "Only a WebSocket is here.");
    };
    tokio::spawn(talk(hyper::upgrade::on(request)));
    let mut response = Response::new(Full::default().boxed_unsync());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

async fn talk(upgrade: OnUpgrade) {
    let Ok(upgraded) = upgrade.await else { return };
    let limits =
        WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES)).max_frame_size(Some(MESSAGE_BYTES));
    let mut socket =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(limits)).await;
    // Pings and the closing handshake are answered by the library while we read.
    while let Some(Ok(message)) = socket.next().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            return;
        }
    }
}

fn content(kind: &'static str, body: &'static str) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())).boxed_unsync());
    fixed(response.headers_mut(), kind);
    response
}

fn text(status: StatusCode, sentence: &'static str) -> Answer {
    let mut response = content("text/plain; charset=utf-8", sentence);
    *response.status_mut() = status;
    response
}

/// What every answer says: its kind, that nothing is kept, and that the page runs nothing from elsewhere.
fn fixed(headers: &mut HeaderMap, kind: &'static str) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
}

const PAGE: &str = include_str!("../demo/demo.html");
const STYLE: &str = include_str!("../demo/demo.css");
const SCRIPT: &str = include_str!("../demo/demo.js");

/// Everything the page uses comes from the page's own origin.
const POLICY: &str =
    "default-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// How long a request head may take (chosen: as long as the doors in front allow).
const HEAD: Duration = Duration::from_secs(15);

/// The beat of the event stream (chosen: slow enough to watch, quick enough to see a stall).
const TICK: Duration = Duration::from_secs(1);

/// How long to wait when no connection can be taken (chosen: no busy loop).
const PAUSE: Duration = Duration::from_millis(100);

/// The longest WebSocket message that is said back (chosen: 1 MiB is plenty for typing).
const MESSAGE_BYTES: usize = 1 << 20;
