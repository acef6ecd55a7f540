//! What a tool answers, through our client and the stage that cleans it: no field decides for our origin, names the
//! tool's own address or plants a cookie of ours.

use super::{fields, request::Ground, wire};
use crate::{
    headers::authority::{Host, Scheme},
    proxy::{
        door::Origin,
        respond,
        route::{Ask, Target},
    },
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{HeaderMap, Request, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Bytes of one HTTP/1.1 connection from a tool.
pub fn response(bytes: &[u8]) {
    wire::run(async {
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        let talking = async {
            let mut asked = [0; 1024];
            let _ = far.read(&mut asked).await;
            let _ = far.write_all(bytes).await;
            let _ = far.shutdown().await;
        };
        let asking = async {
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(near)).await.expect("no bytes yet");
            tokio::task::spawn_local(async move { drop(connection.with_upgrades().await) });
            let request = Request::get("/").header(header::HOST, "tool").body(Empty::<Bytes>::new());
            let Ok(response) = sender.send_request(request.expect("a request")).await else { return };
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                assert!(
                    !respond::accepts(response.headers()) || response.headers().contains_key(header::UPGRADE)
                );
                return;
            }
            if !respond::is_framed_once(response.headers()) {
                return;
            }
            let (mut parts, body) = response.into_parts();
            clean(&mut parts.headers);
            let _ = Limited::new(body, 64 * 1024).collect().await;
        };
        tokio::join!(talking, asking);
    });
}

fn clean(headers: &mut HeaderMap) {
    let ground = Ground::new();
    let permit = ground.permit();
    let host: Host = "192.168.1.5".parse().expect("a host");
    let target = Target { origin: Arc::new(Origin::new(Scheme::Https, host, 8444)), ask: Ask::Tool };
    let before: Vec<_> = headers.get_all(header::CONTENT_TYPE).iter().cloned().collect();
    respond::clean(headers, &permit, &target, ground.jar().as_ref());
    fields::assert_no_hop_by_hop(headers);
    for name in ["strict-transport-security", "alt-svc", "clear-site-data"] {
        assert!(!headers.contains_key(name), "{name} decides for the whole host");
    }
    for cookie in headers.get_all(header::SET_COOKIE) {
        let mut parts = cookie.as_bytes().split(|byte| *byte == b';');
        let pair = String::from_utf8_lossy(parts.next().unwrap_or_default()).to_ascii_lowercase();
        let name = pair.split('=').map(str::trim).find(|word| !word.is_empty()).unwrap_or_default();
        let name = name.strip_prefix("__http-drawbridge-tool-8444-").unwrap_or(name);
        assert!(!name.contains("-drawbridge-"), "a cookie of ours: {pair}");
        for attribute in parts {
            let name = attribute.split(|byte| *byte == b'=').next().unwrap_or_default();
            assert!(
                !name.trim_ascii().eq_ignore_ascii_case(b"domain"),
                "a cookie for the neighbours: {pair}"
            );
        }
    }
    for name in [header::LOCATION, header::CONTENT_LOCATION] {
        let uri = headers.get(&name).and_then(|value| value.to_str().ok()?.parse::<Uri>().ok());
        let own = uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "ws")));
        let authority = own.and_then(|uri| uri.authority().cloned());
        assert!(authority.is_none_or(|authority| authority != "127.0.0.1:8888"), "the tool's own address");
    }
    let kept: Vec<_> = headers.get_all(header::CONTENT_TYPE).iter().cloned().collect();
    assert!(kept == before || kept.is_empty(), "what is the tool's stays");
    // Marked cookies are no tool's to set.
    headers.remove(header::SET_COOKIE);
    let once = headers.clone();
    respond::clean(headers, &permit, &target, ground.jar().as_ref());
    assert_eq!(*headers, once, "cleaning twice changes nothing more");
}
