//! What pages of other websites may do with a tool: nothing, unless the owner listed their origin for this tool.
//!
//! A tool's own word on it (`Access-Control-Allow-*`) never counts. A listed origin may send requests that carry a name and
//! password, and read the answers; a cookie never opens anything for it. The gate and `/.drawbridge/` share nothing.

use super::{body::Body, limits, route, snapshot::Tool};
use crate::headers::{hop_by_hop, remove_where};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
};

/// The origin of a request, if it is listed for this tool.
pub(crate) fn listed<'a>(headers: &'a HeaderMap, tool: &Tool) -> Option<&'a HeaderValue> {
    if tool.allowed_origins.is_empty() {
        return None;
    }
    let origin = headers.get(header::ORIGIN)?;
    tool.allowed_origins.iter().any(|listed| listed.as_bytes() == origin.as_bytes()).then_some(origin)
}

/// The answer to a browser that asks ahead for a page of a listed origin (Fetch §4.8). Such a question carries no
/// credential, so it never reaches the tool. Nothing where it is no such question.
pub(crate) fn preflight<B>(request: &Request<B>) -> Option<Response<Body>> {
    let headers = request.headers();
    let mut methods = headers.get_all(header::ACCESS_CONTROL_REQUEST_METHOD).iter();
    let (method, None) = (methods.next()?, methods.next()) else { return None };
    let is_question = *request.method() == Method::OPTIONS
        && !headers.contains_key(header::AUTHORIZATION)
        && !headers.contains_key(header::COOKIE);
    let known =
        Method::from_bytes(method.as_bytes()).is_ok_and(|method| route::check_method(&method).is_ok());
    if !is_question || !known {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let answer = response.headers_mut();
    answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, method.clone());
    let mut fields = headers.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS).iter();
    match (fields.next(), fields.next()) {
        (None, _) => {}
        (Some(fields), None) if is_list(fields) => {
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, fields.clone());
        }
        // The browser finds its fields missing and asks no further.
        (Some(_), _) => return None,
    }
    answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(limits::PREFLIGHT_SECONDS));
    answer.insert(
        header::VARY,
        HeaderValue::from_static("Access-Control-Request-Method, Access-Control-Request-Headers"),
    );
    Some(response)
}

/// Lets pages of a listed origin read an answer.
pub(crate) fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    vary(headers);
}

/// Takes away what a tool says about other origins.
pub(crate) fn clean(headers: &mut HeaderMap, tool: &Tool) {
    remove_where(headers, |name| DROPPED.contains(name));
    // Also where nobody asked: a cache must not give one origin what another was answered.
    if !tool.allowed_origins.is_empty() {
        vary(headers);
    }
}

fn vary(headers: &mut HeaderMap) {
    if !hop_by_hop::has_token(headers, header::VARY, "origin") {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
}

/// Names of fields as browsers list them: tokens (RFC 9110 §5.6.2), with commas.
fn is_list(value: &HeaderValue) -> bool {
    let names =
        |text: &str| text.split(',').all(|name| HeaderName::from_bytes(name.trim().as_bytes()).is_ok());
    value.len() <= limits::PREFLIGHT_FIELDS_BYTES && value.to_str().is_ok_and(names)
}

/// Credentials: cookies are never for other sites. The rest of `Allow` belongs to answers to preflights, which are ours.
/// `Timing-Allow-Origin` tells strangers how long things take. `Access-Control-Expose-Headers` stays: it says which of the
/// tool's own fields a page may read that may read the answer.
const DROPPED: [HeaderName; 7] = [
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
    HeaderName::from_static("access-control-allow-private-network"),
    HeaderName::from_static("timing-allow-origin"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        proxy::snapshot::Wants,
        tools::{ToolId, target::Target},
    };
    use drawbridge_protocol::NetworkTarget;

    fn tool(origins: &[&str]) -> Tool {
        let target = Target::parse("http://127.0.0.1:8888", NetworkTarget::Refused).unwrap();
        let origins: Vec<String> = origins.iter().map(|origin| (*origin).to_owned()).collect();
        let wants = Wants { allowed_origins: &origins, ..Wants::default() };
        Tool::new(ToolId::stored("tool".into()), "Tool".into(), target, &wants)
    }

    fn fields(all: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in all {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn asked(method: &str, all: &[(&'static str, &str)]) -> Option<Response<Body>> {
        let mut request = Request::builder().method(method).uri("/").body(()).unwrap();
        *request.headers_mut() = fields(all);
        preflight(&request)
    }

    #[test]
    fn only_exactly_this_origin_is_listed() {
        let tool = tool(&["https://app.example", "*", "null", "https://b.example/"]);
        assert_eq!(tool.allowed_origins, ["https://app.example"], "what is no origin allows nobody");
        let is_listed = |origin: &str| listed(&fields(&[("origin", origin)]), &tool).is_some();
        assert!(is_listed("https://app.example"));
        for origin in [
            "http://app.example",
            "https://app.example:8443",
            "https://APP.example",
            "https://app.example.evil",
            "null",
            "*",
            "",
        ] {
            assert!(!is_listed(origin), "{origin}");
        }
        assert!(listed(&HeaderMap::new(), &tool).is_none());
        assert!(listed(&fields(&[("origin", "https://app.example")]), &self::tool(&[])).is_none());
    }

    #[test]
    fn a_preflight_is_answered_with_what_it_asked_for() {
        let method = ("access-control-request-method", "PUT");
        let wanted = ("access-control-request-headers", "authorization,x-a");
        let answer = asked("OPTIONS", &[method, wanted]).unwrap();
        assert_eq!(answer.status(), 204);
        let field = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(field("access-control-allow-methods"), Some("PUT"));
        assert_eq!(field("access-control-allow-headers"), Some("authorization,x-a"));
        assert_eq!(field("access-control-max-age"), Some("600"));
        assert_eq!(field("access-control-allow-credentials"), None);
        assert!(asked("OPTIONS", &[method]).unwrap().headers().get("access-control-allow-headers").is_none());
    }

    #[test]
    fn what_is_no_proper_preflight_goes_the_way_of_any_request() {
        let method = ("access-control-request-method", "PUT");
        assert!(asked("OPTIONS", &[]).is_none());
        assert!(asked("GET", &[method]).is_none());
        assert!(asked("OPTIONS", &[method, method]).is_none());
        assert!(asked("OPTIONS", &[method, ("authorization", "Basic x")]).is_none());
        assert!(asked("OPTIONS", &[method, ("cookie", "a=b")]).is_none());
        for wrong in ["TRACE", "CONNECT", "put", "*", "PUT, POST", ""] {
            assert!(asked("OPTIONS", &[("access-control-request-method", wrong)]).is_none(), "{wrong}");
        }
        let wanting = |list: &str| asked("OPTIONS", &[method, ("access-control-request-headers", list)]);
        for wrong in ["a b", "a,,b", "a;b", "", "a\tb"] {
            assert!(wanting(wrong).is_none(), "{wrong}");
        }
        let longest = "x".repeat(limits::PREFLIGHT_FIELDS_BYTES);
        assert!(wanting(&longest).is_some());
        assert!(wanting(&format!("{longest}x")).is_none());
    }

    #[test]
    fn a_tool_has_no_say_and_vary_is_added_to() {
        let mut headers = fields(&[
            ("access-control-allow-origin", "*"),
            ("access-control-allow-credentials", "true"),
            ("timing-allow-origin", "*"),
            ("access-control-expose-headers", "x-total"),
            ("vary", "Accept-Encoding"),
        ]);
        clean(&mut headers, &tool(&[]));
        assert_eq!(
            headers,
            fields(&[("access-control-expose-headers", "x-total"), ("vary", "Accept-Encoding")])
        );
        clean(&mut headers, &tool(&["https://app.example"]));
        allow(&mut headers, HeaderValue::from_static("https://app.example"));
        let vary: Vec<_> = headers.get_all("vary").iter().collect();
        assert_eq!(vary, ["Accept-Encoding", "Origin"]);
        assert_eq!(headers.get("access-control-allow-origin").unwrap(), "https://app.example");
    }
}
