//! Fields that belong to one connection only and are never forwarded (RFC 9110 §7.6.1), in both directions.

use hyper::{
    HeaderMap,
    header::{self, HeaderName},
};

/// Removes every connection-specific field and everything `Connection` names.
pub(crate) fn strip(headers: &mut HeaderMap) {
    let mut named = Vec::new();
    for value in headers.get_all(header::CONNECTION) {
        // In bytes: one option that is no name must not hide the others.
        let options = value.as_bytes().split(|byte| *byte == b',');
        named.extend(options.filter_map(|option| HeaderName::from_bytes(option.trim_ascii()).ok()));
    }
    for name in named {
        headers.remove(name);
    }
    super::remove_where(headers, |name| ALWAYS.contains(name));
}

/// Whether a comma-separated field contains a token, in any case.
pub(crate) fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    headers.get_all(name).iter().any(|value| {
        value.to_str().is_ok_and(|text| text.split(',').any(|item| item.trim().eq_ignore_ascii_case(token)))
    })
}

/// Fields that are hop-by-hop whether named or not (RFC 9110 §7.6.1, RFC 7540 §3.2.1, and those of old proxies).
const ALWAYS: [HeaderName; 11] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-status"),
    HeaderName::from_static("http2-settings"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_and_known_fields_go_and_the_rest_stays() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Secret"),
            ("connection", "ü, x-other"),
            ("x-secret", "1"),
            ("x-other", "1"),
            ("keep-alive", "timeout=5"),
            ("upgrade", "h2c"),
            ("http2-settings", "AAA"),
            ("te", "trailers"),
            ("accept", "*/*"),
        ] {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        strip(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["accept"]);
    }
}
