//! The request as the tool shall see it. It takes a permit, so nothing is rewritten for nobody.
//!
//! Dropped: hop-by-hop fields, whatever tells who or where the visitor is, our cookies and credentials, also in the query.
//! Set: `Host`, and `Origin`, `Referer` and `Destination` where they name the door (or a listed origin), all to the tool's
//! own address (our own Origin check came first); the tool's cookies without their door's mark; the forwarding chain.
//! Kept: everything else, byte for byte.

use super::{
    Permit, Subject,
    authenticate::is_websocket,
    body::VisitorBody,
    cors,
    exchange::Exchange,
    inject::{Sends, Written},
    jar::Jar,
    refusal::Refusal,
    route::Target,
    snapshot::Tool,
};
use crate::{
    headers::{forwarding, hop_by_hop, tool_cookie},
    identity::{jwt::Signer, presented, sign_in::Users, socket_token},
    injection::query,
    tools::target::Speaks,
};
use hyper::{
    HeaderMap, Method, Request, Uri, Version,
    body::{Body as _, Incoming},
    header::{self, HeaderName, HeaderValue},
    http::uri::{PathAndQuery, Scheme},
    upgrade::OnUpgrade,
};
use std::rc::Rc;

/// A request for a tool, made only here.
pub(crate) struct Outbound {
    request: Request<VisitorBody>,
    /// Set where the visitor asked to become a WebSocket.
    upgrade: Option<OnUpgrade>,
}

impl Outbound {
    /// The parts to send.
    pub(crate) fn into_parts(self) -> (Request<VisitorBody>, Option<OnUpgrade>) {
        (self.request, self.upgrade)
    }
}

/// Makes the tool's request from the visitor's.
pub(crate) fn rewrite(
    permit: &Permit,
    (mut request, call): (Request<Incoming>, Option<Written>),
    target: &Target,
    forwarded_for: &HeaderValue,
    (users, signer): (&impl Users, Option<&Signer>),
    jar: Option<&Jar<'_>>,
    exchange: &Rc<Exchange>,
) -> Result<Outbound, Refusal> {
    let tool = permit.tool();
    let over_h2 = tool.target.speaks() == Speaks::H2c;
    let upgrade = upgrade(&mut request, over_h2)?;
    let (parts, body) = request.into_parts();
    let mut headers = parts.headers;
    // gRPC servers refuse who does not take trailers (gRPC over HTTP/2, "Requests").
    let takes_trailers = over_h2 && hop_by_hop::has_token(&headers, header::TE, "trailers");
    hop_by_hop::strip(&mut headers);
    forwarding::strip(&mut headers);
    tool_cookie::inward(&mut headers, jar.map(Jar::mark), |name| jar.is_none_or(|jar| jar.passes(name)));
    headers.remove(header::EXPECT);
    // A browser that once sent our credential sends it again beside a session; no tool may ever see it.
    if presented::is_ours(&headers, users, signer) || matches!(permit.subject(), Subject::Basic { .. }) {
        headers.remove(header::AUTHORIZATION);
    }
    tell(&mut headers, permit, target, forwarded_for)?;
    if upgrade.is_some() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    }
    let sends = match (&upgrade, body.is_end_stream()) {
        (Some(_), _) => Sends::Messages,
        (None, true) => Sends::Nothing,
        (None, false) => Sends::Body,
    };
    let uri = uri(tool, &parts.method, &parts.uri, sends)?;
    let body = match call {
        Some(call) => {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(call.body.len()));
            VisitorBody::written(call, Rc::clone(exchange))
        }
        None => VisitorBody::new(body, Rc::clone(exchange)),
    };
    // Said aloud, because hyper drops the body of a GET whose length it does not know.
    if !over_h2 && !body.is_end_stream() && !headers.contains_key(header::CONTENT_LENGTH) {
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    let mut outbound = Request::new(body);
    *outbound.method_mut() = parts.method;
    if over_h2 {
        // Here the host stands in the pseudo-header alone (RFC 9113 §8.3.1).
        headers.remove(header::HOST);
        if takes_trailers {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
        }
        *outbound.version_mut() = Version::HTTP_2;
    }
    *outbound.uri_mut() = uri;
    *outbound.headers_mut() = headers;
    Ok(Outbound { request: outbound, upgrade })
}

/// Tells the tool where it is, who asks, and what it is given: its own address wherever the door's stood, the forwarding
/// chain, the user, its secrets.
fn tell(
    headers: &mut HeaderMap,
    permit: &Permit,
    target: &Target,
    forwarded_for: &HeaderValue,
) -> Result<(), Refusal> {
    let tool = permit.tool();
    headers.insert(header::HOST, value(tool.authority())?);
    // What a session opens for a listed origin is a page visit at most, and that is from elsewhere.
    if !permit.subject().is_by_cookie()
        && let Some(other) = cors::listed(headers, tool).and_then(|origin| origin.to_str().ok())
    {
        let other = other.to_owned();
        move_listed(headers, &other, &tool.origin)?;
    }
    clean_referer(headers)?;
    for name in [header::ORIGIN, header::REFERER, DESTINATION] {
        move_to_tool(headers, &name, &target.origin.text, &tool.origin)?;
    }
    set_forwarding(headers, target, forwarded_for)?;
    if let Some(name) = &tool.identity_header {
        forwarding::strip_alike(headers, name);
        // Of nobody in particular it is told nothing.
        if !matches!(permit.subject(), Subject::Anybody(_)) {
            let user = HeaderValue::from_bytes(permit.subject().name().as_bytes());
            headers.insert(name, user.map_err(|_| Refusal::Internal)?);
        }
    }
    if let Some(injected) = &tool.injected {
        injected.set_fields(headers);
    }
    Ok(())
}

/// Where the tool is asked: the one path that was checked, with what it is given in its query, and never an authority of
/// the visitor's.
fn uri(tool: &Tool, method: &Method, asked: &Uri, sends: Sends) -> Result<Uri, Refusal> {
    // Ours, used or not; no tool learns it.
    let without = asked.path_and_query().and_then(|path| query::without(path, socket_token::PARAMETER));
    let asked = without.map_or_else(|| asked.clone(), Uri::from);
    let path = match &tool.injected {
        Some(injected) => injected.set_query(method, &asked, sends)?,
        None => asked.path_and_query().ok_or(Refusal::BadRequest)?.clone(),
    };
    if tool.target.speaks() != Speaks::H2c {
        return Ok(Uri::from(path));
    }
    let uri = Uri::builder().scheme(Scheme::HTTP).authority(tool.authority()).path_and_query(path);
    uri.build().map_err(|_| Refusal::BadRequest)
}

/// The visitor's side of a tunnel, if a WebSocket was asked for properly; other upgrades are ignored.
fn upgrade(request: &mut Request<Incoming>, over_h2: bool) -> Result<Option<OnUpgrade>, Refusal> {
    if !is_websocket(request.headers()) {
        return Ok(None);
    }
    let headers = request.headers();
    // A tool that is spoken to in HTTP/2 has no `Upgrade`.
    let good = !over_h2
        && *request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13")
        && headers.get_all(header::SEC_WEBSOCKET_KEY).iter().count() == 1
        && !headers.contains_key(header::CONTENT_LENGTH)
        && !headers.contains_key(header::TRANSFER_ENCODING);
    if good { Ok(Some(hyper::upgrade::on(request))) } else { Err(Refusal::BadRequest) }
}

/// Where a field names the door, makes it name the tool.
fn move_to_tool(
    headers: &mut HeaderMap,
    name: &HeaderName,
    origin: &str,
    tool_origin: &str,
) -> Result<(), Refusal> {
    let Some(old) = headers.get(name) else { return Ok(()) };
    let Some(rest) = old.to_str().ok().and_then(|text| text.strip_prefix(origin)) else { return Ok(()) };
    if rest.is_empty() || rest.starts_with('/') {
        let new = value(&format!("{tool_origin}{rest}"))?;
        headers.insert(name, new);
    }
    Ok(())
}

/// A page that was opened with a token of ours in its address names it again with all it loads.
fn clean_referer(headers: &mut HeaderMap) -> Result<(), Refusal> {
    let Some((page, query)) = headers
        .get(header::REFERER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split_once('?'))
    else {
        return Ok(());
    };
    let target = PathAndQuery::try_from(format!("/?{query}"));
    if let Some(without) = target.ok().and_then(|target| query::without(&target, socket_token::PARAMETER)) {
        let cleaned = value(&format!("{page}{}", without.as_str().trim_start_matches('/')))?;
        headers.insert(header::REFERER, cleaned);
    }
    Ok(())
}

/// A page of a listed origin looks like one of the tool's own, which would refuse it otherwise.
fn move_listed(headers: &mut HeaderMap, origin: &str, tool_origin: &str) -> Result<(), Refusal> {
    move_to_tool(headers, &header::REFERER, origin, tool_origin)?;
    move_to_tool(headers, &header::ORIGIN, origin, tool_origin)?;
    if let Some(site) = headers.get_mut(SEC_FETCH_SITE) {
        *site = HeaderValue::from_static("same-origin");
    }
    Ok(())
}

fn set_forwarding(
    headers: &mut HeaderMap,
    target: &Target,
    forwarded_for: &HeaderValue,
) -> Result<(), Refusal> {
    headers.insert(FORWARDED_FOR, forwarded_for.clone());
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(target.origin.scheme.name()));
    headers.insert(FORWARDED_HOST, value(target.origin.authority())?);
    Ok(())
}

const DESTINATION: HeaderName = HeaderName::from_static("destination");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

fn value(text: &str) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_str(text).map_err(|_| Refusal::BadRequest)
}
