//! The answer as the visitor shall see it: hop-by-hop and dangerous fields dropped, the tool's own address replaced
//! by the door's, cookies kept apart from those of other tools and from ours, the tool's word on other origins removed.

use super::{
    Permit, body::Body, cors, exchange::Exchange, jar::Jar, messages, pipeline::Connection, refusal::Refusal,
    route::Target, snapshot::Shared, upgrade, upstream::Answer, visitors::Visitors,
};
use crate::{
    headers::{authority::Authority, hop_by_hop, remove_where, tool_cookie::SetCookie},
    proxy::upstream::ToolFault,
};
use hyper::{
    HeaderMap, Response, StatusCode, Uri,
    body::{Body as _, Incoming},
    header::{self, HeaderName, HeaderValue},
};
use std::{rc::Rc, sync::Arc};

/// Makes the visitor's answer from the tool's.
pub(crate) fn respond(
    answer: Answer,
    permit: &Permit,
    target: &Target,
    connection: &Connection,
    jar: Option<&Jar<'_>>,
    exchange: Rc<Exchange>,
) -> Result<Response<Body>, Refusal> {
    let shared = &connection.shared;
    let Answer { mut response, give_back, upgrade } = answer;
    let status = response.status();
    if status == StatusCode::SWITCHING_PROTOCOLS {
        let Some(visitor) = upgrade else { return Err(broken(permit, shared)) };
        if !accepts(response.headers()) {
            return Err(broken(permit, shared));
        }
        let place = Arc::clone(&connection.admitted);
        // The connection to the tool is handed over by its own task, which must live until then.
        let held = (Visitors::hold(shared, permit, connection.client), place, give_back);
        let (tool, lease) = (hyper::upgrade::on(&mut response), permit.lease().clone());
        match &permit.tool().injected {
            Some(injected) => {
                let place = Arc::clone(&shared.message_tunnels).try_acquire_owned();
                let held = (held, place.map_err(|_| Refusal::Busy)?);
                messages::join(visitor, tool, lease, Arc::clone(injected), held);
            }
            None => upgrade::join(visitor, tool, lease, held),
        }
        if let Some(injected) = &permit.tool().injected {
            injected.clean(response.headers_mut());
        }
        return switching(response);
    }
    if !(200..600).contains(&status.as_u16()) || !is_framed_once(response.headers()) {
        return Err(broken(permit, shared));
    }
    let (mut parts, body) = response.into_parts();
    clean(&mut parts.headers, permit, target, jar);
    let redactor = permit.tool().injected.as_ref().and_then(|injected| {
        injected.clean(&mut parts.headers);
        injected.redactor()
    });
    let redactor = redactor.filter(|_| !body.is_end_stream());
    let mut outward = Response::new(Body::tool(body, exchange, give_back, redactor));
    *outward.status_mut() = parts.status;
    *outward.headers_mut() = parts.headers;
    Ok(outward)
}

fn broken(permit: &Permit, shared: &Shared) -> Refusal {
    if shared.tool_faults.note(&permit.tool().id, Some(ToolFault::Broken)) {
        shared.changed.notify_one();
    }
    Refusal::ToolBroken
}

/// Two programs would find the same end of the body (RFC 9112 §6.3); we never said that we take other codings.
pub(crate) fn is_framed_once(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => {
            coding.as_bytes().eq_ignore_ascii_case(b"chunked")
                && !headers.contains_key(header::CONTENT_LENGTH)
        }
        (Some(_), Some(_)) => false,
    }
}

/// A WebSocket was agreed on (RFC 6455 §4.2.2); the accept key is between tool and browser, which checks it.
pub(crate) fn accepts(headers: &HeaderMap) -> bool {
    hop_by_hop::has_token(headers, header::UPGRADE, "websocket")
        && headers.contains_key(header::SEC_WEBSOCKET_ACCEPT)
}

fn switching(response: Response<Incoming>) -> Result<Response<Body>, Refusal> {
    let (parts, _) = response.into_parts();
    let mut outward = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .body(Body::empty())
        .map_err(|_| Refusal::Internal)?;
    for name in
        [header::SEC_WEBSOCKET_ACCEPT, header::SEC_WEBSOCKET_PROTOCOL, header::SEC_WEBSOCKET_EXTENSIONS]
    {
        if let Some(value) = parts.headers.get(&name) {
            outward.headers_mut().insert(name, value.clone());
        }
    }
    Ok(outward)
}

/// Makes the fields of a tool's answer those of the door's.
pub(crate) fn clean(headers: &mut HeaderMap, permit: &Permit, target: &Target, jar: Option<&Jar<'_>>) {
    hop_by_hop::strip(headers);
    remove_where(headers, |name| DROPPED.contains(name));
    for name in [header::LOCATION, header::CONTENT_LOCATION] {
        move_to_door(headers, &name, permit, target);
    }
    cors::clean(headers, permit.tool());
    clean_cookies(headers, jar);
}

/// Takes from a tool's trailers what must not come so late: what the head may not say either, and what frames, routes,
/// authenticates or steers an answer (RFC 9110 §6.5.1). Some recipients merge trailers into the head.
pub(crate) fn clean_trailers(trailers: &mut HeaderMap) {
    hop_by_hop::strip(trailers);
    for name in DROPPED.iter().chain(&NEVER_TRAILERS) {
        trailers.remove(name);
    }
}

/// A tool's absolute URL of itself becomes the door's.
fn move_to_door(headers: &mut HeaderMap, name: &HeaderName, permit: &Permit, target: &Target) {
    let Some(uri) = headers.get(name).and_then(|value| value.to_str().ok()?.parse::<Uri>().ok()) else {
        return;
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return };
    let Ok(authority) = authority.as_str().parse::<Authority>() else { return };
    if permit.tool().target.is_meant_by(scheme, &authority) {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        if let Ok(moved) = HeaderValue::try_from(format!("{}{path}", target.origin.text)) {
            headers.insert(name, moved);
        }
    }
}

/// Ours are ours, and a tool's stay with their door. Those a browser would have refused go.
fn clean_cookies(headers: &mut HeaderMap, jar: Option<&Jar<'_>>) {
    // Asked first, because an entry makes room for what may be added.
    if !headers.contains_key(header::SET_COOKIE) {
        return;
    }
    let header::Entry::Occupied(entry) = headers.entry(header::SET_COOKIE) else { return };
    let (name, values) = entry.remove_entry_mult();
    let mut kept = Vec::new();
    for value in values {
        let cookie = SetCookie::read(&value);
        match jar {
            _ if !cookie.is_lawful() => {}
            Some(jar) => jar.set(cookie, &mut kept),
            None => kept.extend(cookie.own_host()),
        }
    }
    for value in kept {
        headers.append(name.clone(), value);
    }
}

/// What a tool must not decide for our whole origin or host: HSTS locks people out of bare addresses, `Alt-Svc` leads
/// elsewhere, `Clear-Site-Data` ends our sessions on every port of the host, `X-Accel-*` speaks to proxies.
const DROPPED: [HeaderName; 6] = [
    header::STRICT_TRANSPORT_SECURITY,
    header::ALT_SVC,
    HeaderName::from_static("clear-site-data"),
    HeaderName::from_static("public-key-pins"),
    HeaderName::from_static("x-accel-redirect"),
    HeaderName::from_static("x-accel-buffering"),
];

/// Fields of a head only (RFC 9110 §6.5.1).
const NEVER_TRAILERS: [HeaderName; 20] = [
    header::AGE,
    header::CACHE_CONTROL,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_LOCATION,
    header::CONTENT_RANGE,
    header::CONTENT_SECURITY_POLICY,
    header::CONTENT_TYPE,
    header::DATE,
    header::EXPIRES,
    header::HOST,
    header::LOCATION,
    header::PRAGMA,
    header::REFRESH,
    header::RETRY_AFTER,
    header::SET_COOKIE,
    header::VARY,
    header::WARNING,
    header::WWW_AUTHENTICATE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailers_decide_nothing_and_the_rest_stays() {
        let mut trailers = HeaderMap::new();
        for name in DROPPED.iter().chain(&NEVER_TRAILERS) {
            trailers.append(name, HeaderValue::from_static("1"));
            trailers.append(name, HeaderValue::from_static("2"));
        }
        for (name, value) in [
            ("connection", "x-named"),
            ("x-named", "1"),
            ("transfer-encoding", "chunked"),
            ("trailer", "grpc-status"),
            ("keep-alive", "timeout=5"),
            ("grpc-status", "0"),
            ("server-timing", "all;dur=3"),
            ("content-digest", "sha-256=:x:"),
        ] {
            trailers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        clean_trailers(&mut trailers);
        let mut kept: Vec<&str> = trailers.keys().map(HeaderName::as_str).collect();
        kept.sort_unstable();
        assert_eq!(kept, ["content-digest", "grpc-status", "server-timing"]);
    }

    #[test]
    fn cookies_that_pretend_to_be_ours_go() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::SET_COOKIE,
            HeaderValue::from_static("__Host-Http-drawbridge-8443=x; Path=/; Secure"),
        );
        headers.append(header::SET_COOKIE, HeaderValue::from_static("own=1"));
        clean_cookies(&mut headers, None);
        assert_eq!(headers.get_all(header::SET_COOKIE).iter().collect::<Vec<_>>(), ["own=1"]);
    }
}
