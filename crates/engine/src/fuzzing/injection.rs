//! Injected secrets: what the tool receives has ours wherever it looks for one, and nowhere a visitor's.

use super::{assert_one_line, text};
use crate::injection::{
    How, Injection,
    aria2::{self, Call, get, xml},
    basic, bearer, query, redact,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use drawbridge_protocol::Secret;
use hyper::{Method, header::HeaderName, http::uri::PathAndQuery};
use serde_json::{Value, json};
use std::sync::Arc;

/// A body or message of JSON-RPC for aria2.
pub fn aria2_json(bytes: &[u8]) {
    assert_eq!(Call::of(&Method::POST, "/jsonrpc"), Some(Call::Json));
    let Ok(once) = aria2::message(bytes, &secret()) else { return };
    assert_eq!(aria2::json::inject(&once, &secret()).unwrap(), once, "twice is once");
    assert!(once.len() <= aria2::MOST_BYTES);
    // A number that is too large for a double passes as it was written, but not through this reader.
    if let Ok(value) = serde_json::from_slice(&once) {
        assert_calls(&value, "method");
    }
}

/// The query of JSON-RPC for aria2.
pub fn aria2_get(bytes: &[u8]) {
    let Some(query) = text(bytes) else { return };
    let Ok(once) = get::inject(query, &secret()) else { return };
    assert_eq!(get::inject(&once, &secret()).unwrap(), once, "twice is once");
    let others = |query: &str| -> Vec<String> {
        query.split('&').filter(|pair| !pair.starts_with("params=")).map(str::to_owned).collect()
    };
    let theirs = others(query);
    let ours = others(&once);
    assert!(ours == theirs || theirs == [""], "{once}");
    let value = |name: &str| once.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap_or_default();
    let decoded = percent_decoded(value("params="));
    let json: Value = match STANDARD.decode(decoded).unwrap() {
        empty if empty.is_empty() => Value::Array(Vec::new()),
        json => match serde_json::from_slice(&json) {
            Ok(value) => value,
            // As in `aria2_json`.
            Err(_) => return,
        },
    };
    if value("method=").is_empty() {
        assert_calls(&json, "method");
    } else {
        assert_calls(&json!({"method": value("method="), "params": json}), "method");
    }
}

/// A body of XML-RPC for aria2.
pub fn aria2_xml(bytes: &[u8]) {
    let Ok(once) = xml::inject(bytes, &secret()) else { return };
    assert_eq!(xml::inject(&once, &secret()).unwrap(), once, "twice is once");
    assert!(once.len() <= aria2::MOST_BYTES);
    let once = text(&once).unwrap();
    assert!(!once.contains("<!") && once.matches("<?").count() == 1, "one spelling: {once}");
    let (method, parameters) = once.split_once("</methodName><params>").unwrap();
    let mut rest = parameters;
    if method.contains("<methodName>aria2.") {
        rest = rest.strip_prefix("<param><value><string>token:OUR-secret</string></value></param>").unwrap();
    }
    while let Some((forgotten, after)) = rest.split_once("</param>")
        && (forgotten == "<param><value></value>"
            || forgotten.starts_with("<param><value><boolean>")
            || forgotten.starts_with("<param><value><dateTime"))
    {
        rest = after;
    }
    assert!(!rest.starts_with("<param><value><string>token:"), "{once}");
    assert!(!rest.starts_with("<param><value><base64>dG9rZW46"), "{once}");
}

/// A request target, for a tool that wants its secret in the query.
pub fn injected_query(bytes: &[u8]) {
    let Ok(target) = PathAndQuery::try_from(bytes) else { return };
    let injection = Injection::new(How::Query("key".to_owned()), secret()).unwrap();
    let How::Query(name) = injection.how() else { panic!("{injection:?}") };
    let Ok(once) = query::put(&target, name, injection.secret()) else { return };
    assert_eq!(query::put(&once, name, injection.secret()).unwrap(), once, "twice is once");
    assert_eq!(once.path(), target.path());
    let pairs = once.query().unwrap().split(['&', ';']);
    let found: Vec<&str> = pairs
        .filter(|pair| {
            // Another reader than ours: the form parser of browsers.
            let mut read = url::form_urlencoded::parse(pair.as_bytes());
            read.next().is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case("key"))
        })
        .collect();
    assert_eq!(found, ["key=OUR-secret"]);
}

/// On the first line the name of a field, on the second a secret for it, then an answer in pieces, one a line.
pub fn injected_header(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let Ok(name) = HeaderName::from_bytes(lines.next().unwrap_or_default()) else { return };
    let Some(own) = text(lines.next().unwrap_or_default()) else { return };
    let own = Secret::new(own.to_owned());
    for value in [basic("user", &own), bearer(&own)].into_iter().flatten() {
        assert!(value.is_sensitive());
        assert_one_line(value.as_bytes());
    }
    let Ok(injection) = Injection::new(How::Header(name.clone()), own.clone()) else { return };
    assert!(Injection::new(How::Aria2, own).is_ok_and(|injection| injection.header().is_none()));
    assert!(matches!(injection.how(), How::Header(same) if *same == name));
    let (_, value) = injection.header().unwrap();
    assert!(value.is_sensitive() && value.as_bytes() == injection.secret().expose().as_bytes());
    let needles = Arc::new(redact::Needles::new(&injection.to_redact()));
    let own = injection.secret().expose();
    let is_found =
        |text: &[u8]| text.windows(own.len()).any(|part| part == own.as_bytes()) && !own.contains('*');
    if needles.is_empty() {
        assert!(own.len() < redact::LEAST_BYTES);
        return;
    }
    assert!(!is_found(needles.value(&value).unwrap().as_bytes()));
    let mut redactor = needles.redactor();
    let mut whole = Vec::new();
    let mut length = 0;
    for piece in lines {
        length += piece.len();
        whole.extend_from_slice(&redactor.push(Bytes::copy_from_slice(piece)));
    }
    whole.extend_from_slice(&redactor.finish());
    assert_eq!(whole.len(), length, "the length of an answer stays true");
    assert!(!is_found(&whole), "the secret got through");
}

/// Every call of aria2's methods has our secret first, and no call has another one there.
fn assert_calls(value: &Value, name: &str) {
    for call in value.as_array().unwrap_or(&vec![value.clone()]) {
        let method = call[name].as_str().unwrap();
        let parameters = call["params"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut rest = parameters.iter();
        if method.starts_with("aria2.") {
            assert_eq!(rest.next().unwrap(), "token:OUR-secret");
        }
        if method == "system.multicall" && name == "method" {
            assert_calls(rest.next().unwrap(), "methodName");
        }
        let next = rest.next().and_then(Value::as_str).unwrap_or_default();
        assert!(!next.starts_with("token:"), "{next} got through");
    }
}

fn percent_decoded(text: &str) -> String {
    // Of base64 only these three need an escape.
    text.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
}

fn secret() -> Secret {
    Secret::new("OUR-secret".to_owned())
}
