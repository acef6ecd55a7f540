//! From a request to what it asks for: one host, one method, one path, read once; everything ambiguous ends here.

use super::{
    door::{Door, Origin, Serves},
    refusal::Refusal,
};
use crate::headers::{
    authority::{Authority, Host, Scheme},
    path::{self, Place, RESERVED},
};
use crate::identity::presented;
use hyper::{HeaderMap, Method, Request, Version, header};
use std::sync::Arc;

/// What a request asks for.
#[derive(Debug)]
pub(crate) struct Target {
    /// The door as the visitor wrote it; one of its own hosts.
    pub(crate) origin: Arc<Origin>,
    pub(crate) ask: Ask,
}

/// What of it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Ask {
    /// A page of the gate; the text is its path.
    Gate(String),
    /// `/.drawbridge/…` on a tool's door.
    Door(String),
    /// Something of the tool's.
    Tool,
}

/// Reads a request once.
pub(crate) fn route<B>(
    request: &Request<B>,
    door: &Door,
    scheme: Scheme,
    server_name: Option<&Host>,
) -> Result<Target, Refusal> {
    check_method(request.method())?;
    check_head(request.headers())?;
    let origin = origin(request, door, scheme, server_name)?;
    let place = path::read(request.uri()).map_err(|_| Refusal::BadRequest)?;
    let ask = match (&door.plan.serves, place) {
        (Serves::Gate, Place::Outside) => Ask::Gate(request.uri().path().to_owned()),
        (Serves::Gate, Place::Ours(rest)) => Ask::Gate(format!("/{RESERVED}/{rest}")),
        (Serves::Tool(_), Place::Ours(rest)) => Ask::Door(rest),
        (Serves::Tool(_), Place::Outside) => Ask::Tool,
    };
    Ok(Target { origin, ask })
}

/// The door's origin a request names, on a connection that was made for it.
fn origin<B>(
    request: &Request<B>,
    door: &Door,
    scheme: Scheme,
    server_name: Option<&Host>,
) -> Result<Arc<Origin>, Refusal> {
    let made_for = |host: &Host| server_name.is_none_or(|name| name == host);
    if let Some(origin) = written(request).and_then(|host| door.origin_written(scheme, host))
        && made_for(&origin.host)
    {
        return Ok(Arc::clone(origin));
    }
    let authority = authority(request, scheme)?;
    if !made_for(&authority.host) {
        return Err(Refusal::Misdirected);
    }
    door.origin_of(scheme, &authority).cloned().ok_or(Refusal::Stranger)
}

/// The host of a request that names one and in one place only.
fn written<B>(request: &Request<B>) -> Option<&[u8]> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (request.uri().authority(), hosts.next(), hosts.next()) {
        (None, Some(host), None) => Some(host.as_bytes()),
        (Some(target), None, None)
            if request.version() == Version::HTTP_2 && request.uri().scheme_str() == Some("https") =>
        {
            Some(target.as_str().as_bytes())
        }
        _ => None,
    }
}

/// Whether a method is one that is forwarded.
pub(crate) fn check_method(method: &Method) -> Result<(), Refusal> {
    // CONNECT would make us a way to anywhere, TRACE shows cookies to scripts (RFC 9110 §9.3.6, §9.3.8).
    if *method == Method::CONNECT || *method == Method::TRACE || method.as_str() == "TRACK" {
        return Err(Refusal::Method);
    }
    let text = method.as_str();
    let canonical =
        text.len() <= LONGEST_METHOD && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    if canonical { Ok(()) } else { Err(Refusal::Method) }
}

/// What hyper passes on but two programs could read in two ways.
fn check_head(headers: &HeaderMap) -> Result<(), Refusal> {
    let single = [
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::AUTHORIZATION,
        header::ORIGIN,
        presented::FIELD,
    ];
    // Most heads have no field twice at all.
    let any_twice = headers.len() > headers.keys_len();
    if any_twice && single.into_iter().any(|name| headers.get_all(name).iter().count() > 1) {
        return Err(Refusal::BadRequest);
    }
    let length = headers.get(header::CONTENT_LENGTH);
    let coding = headers.get(header::TRANSFER_ENCODING);
    if length.is_some() && coding.is_some() {
        return Err(Refusal::BadRequest);
    }
    if coding.is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Err(Refusal::BadRequest);
    }
    let canonical =
        |text: &str| text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
    if length.is_some_and(|value| !value.to_str().is_ok_and(canonical)) {
        return Err(Refusal::BadRequest);
    }
    match headers.get(header::EXPECT) {
        Some(value) if !value.as_bytes().eq_ignore_ascii_case(b"100-continue") => Err(Refusal::Expectation),
        _ => Ok(()),
    }
}

/// The one authority of a request: `:authority` or an absolute target, and a `Host` that says the same.
fn authority<B>(request: &Request<B>, scheme: Scheme) -> Result<Authority, Refusal> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(Refusal::BadRequest);
    }
    let host: Option<Authority> = match host {
        Some(value) => {
            Some(value.to_str().ok().and_then(|text| text.parse().ok()).ok_or(Refusal::BadRequest)?)
        }
        None => None,
    };
    if request.uri().scheme_str().is_some_and(|written| written != scheme.name()) {
        return Err(Refusal::BadRequest);
    }
    let target: Option<Authority> = match request.uri().authority() {
        Some(value) => Some(value.as_str().parse().map_err(|_| Refusal::BadRequest)?),
        None => None,
    };
    match (target, host) {
        (Some(target), Some(host)) if same(&target, &host, scheme) => Ok(target),
        (Some(target), None) if request.version() == Version::HTTP_2 => Ok(target),
        (None, Some(host)) => Ok(host),
        _ => Err(Refusal::BadRequest),
    }
}

fn same(one: &Authority, other: &Authority, scheme: Scheme) -> bool {
    let port = |authority: &Authority| authority.port.unwrap_or(scheme.port());
    one.host == other.host && port(one) == port(other)
}

/// Longest method forwarded (the longest registered one, UPDATEREDIRECTREF, has 17 letters).
const LONGEST_METHOD: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::door::{DoorPlan, GateAddress};
    use drawbridge_protocol::Level;

    fn door() -> Door {
        Door::new(DoorPlan {
            serves: Serves::Tool(crate::tools::ToolId::stored("a".into())),
            level: Level::Lan,
            hosts: vec!["192.168.1.5".parse().unwrap()],
            gate: GateAddress::SameHost { port: 8443 },
            port: 8444,
            front: None,
        })
    }

    fn ask(method: &str, uri: &str, fields: &[(&str, &str)]) -> Result<Ask, Refusal> {
        ask_over(Scheme::Https, method, uri, fields)
    }

    fn ask_over(scheme: Scheme, method: &str, uri: &str, fields: &[(&str, &str)]) -> Result<Ask, Refusal> {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        route(&request.body(()).unwrap(), &door(), scheme, None).map(|target| target.ask)
    }

    const HOST: (&str, &str) = ("host", "192.168.1.5:8444");

    #[test]
    fn one_host_of_ours_is_needed() {
        assert_eq!(ask("GET", "/", &[HOST]), Ok(Ask::Tool));
        assert_eq!(ask("GET", "https://192.168.1.5:8444/", &[HOST]), Ok(Ask::Tool));
        assert_eq!(ask("GET", "/.drawbridge/enter", &[HOST]), Ok(Ask::Door("enter".into())));
        assert_eq!(ask("GET", "/", &[]), Err(Refusal::BadRequest));
        assert_eq!(ask("GET", "/", &[HOST, HOST]), Err(Refusal::BadRequest));
        assert_eq!(ask("GET", "/", &[("host", "192.168.1.5")]), Err(Refusal::Stranger));
        assert_eq!(ask("GET", "/", &[("host", "evil.org:8444")]), Err(Refusal::Stranger));
        assert_eq!(ask("GET", "/", &[("host", "x@192.168.1.5:8444")]), Err(Refusal::BadRequest));
        assert_eq!(ask("GET", "https://evil.org:8444/", &[HOST]), Err(Refusal::BadRequest));
        assert_eq!(ask("GET", "http://192.168.1.5:8444/", &[HOST]), Err(Refusal::BadRequest));
    }

    #[test]
    fn without_tls_the_other_scheme_and_its_port_are_meant() {
        let plain = |uri, fields: &[(&str, &str)]| ask_over(Scheme::Http, "GET", uri, fields);
        assert_eq!(plain("/", &[HOST]), Ok(Ask::Tool));
        assert_eq!(plain("http://192.168.1.5:8444/", &[HOST]), Ok(Ask::Tool));
        assert_eq!(plain("https://192.168.1.5:8444/", &[HOST]), Err(Refusal::BadRequest));
        assert_eq!(plain("/", &[("host", "192.168.1.5")]), Err(Refusal::Stranger));
        assert_eq!(plain("/", &[("host", "evil.org:8444")]), Err(Refusal::Stranger));
    }

    #[test]
    fn methods_that_lead_elsewhere_are_never_forwarded() {
        for method in ["CONNECT", "TRACE", "TRACK", "get", "gEt", "G1"] {
            let uri = if method == "CONNECT" { "192.168.1.5:8444" } else { "/" };
            assert_eq!(ask(method, uri, &[HOST]), Err(Refusal::Method), "{method}");
        }
        assert_eq!(ask("PROPFIND", "/", &[HOST]), Ok(Ask::Tool));
        assert_eq!(ask("OPTIONS", "*", &[HOST]), Err(Refusal::BadRequest));
    }

    #[test]
    fn ambiguous_framing_is_refused() {
        for fields in [
            vec![HOST, ("content-length", "05")],
            vec![HOST, ("content-length", "+5")],
            vec![HOST, ("content-length", "5"), ("content-length", "5")],
            vec![HOST, ("transfer-encoding", "gzip, chunked")],
            vec![HOST, ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
            vec![HOST, ("transfer-encoding", "chunked"), ("content-length", "5")],
            vec![HOST, ("authorization", "Basic a"), ("authorization", "Basic b")],
        ] {
            assert_eq!(ask("POST", "/", &fields), Err(Refusal::BadRequest), "{fields:?}");
        }
        assert_eq!(ask("POST", "/", &[HOST, ("expect", "tea")]), Err(Refusal::Expectation));
        assert_eq!(ask("POST", "/", &[HOST, ("transfer-encoding", "Chunked")]), Ok(Ask::Tool));
    }
}
