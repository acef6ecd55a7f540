//! aria2's secret: the first parameter of each of its methods, after `token:`. Whatever a visitor put there is dropped.
//!
//! The tool receives what was understood here, written anew, in every way it can be asked: JSON in a body or a WebSocket
//! message, JSON in an address, XML. What aria2 1.36 does with each was asked of it (2026-11-21): it takes one `token:`
//! away and no more; of two members of one name it keeps neither in JSON and the last in an address; `system.multicall`
//! takes no secret itself and refuses itself inside; a binary message is read like a text. Its answers do not name the
//! secret, but they repeat a call's id.

pub(crate) mod get;
pub(crate) mod json;
mod write;
pub(crate) mod xml;

use drawbridge_protocol::Secret;
use hyper::Method;

/// How a request asks aria2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Call {
    /// In the query: [`get::inject`]. Not where the request becomes a WebSocket, which has no query.
    Query,
    /// As JSON in the body: [`json::inject`].
    Json,
    /// As XML in the body: [`xml::inject`].
    Xml,
}

impl Call {
    /// Reads where a request goes; aria2 answers `404` everywhere else.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        match (method, path) {
            (&Method::GET, JSON_PATH) => Some(Self::Query),
            (&Method::POST, JSON_PATH) => Some(Self::Json),
            (&Method::POST, XML_PATH) => Some(Self::Xml),
            _ => None,
        }
    }
}

/// Why a request is not passed on to aria2. Without a cause: parsers put pieces of what they read into theirs, and a
/// visitor may have typed the secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Refused {
    /// Neither JSON nor XML, or not what aria2 takes.
    #[error("the call cannot be read")]
    Malformed,
    /// Two members or parameters of one name: aria2 believes one, another program the other.
    #[error("the call can be read in two ways")]
    Ambiguous,
    /// A call without the name of a method.
    #[error("the call names no method")]
    Method,
    /// Parameters by name, or of another form than the method's.
    #[error("the call's parameters are no list")]
    Parameters,
    /// Beyond one of the limits below.
    #[error("the call is too large")]
    TooLarge,
}

/// Puts the secret into a whole message of a WebSocket, text or binary, which is the same as a body.
///
/// # Errors
/// When the message is not passed on.
pub(crate) fn message(message: &[u8], secret: &Secret) -> Result<Vec<u8>, Refused> {
    json::inject(message, secret)
}

/// What becomes of a method's parameters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// aria2's own: the secret comes first.
    Secret,
    /// Calls in a call.
    Multicall,
    /// `system.listMethods` and everything unknown: no secret, ours or the visitor's.
    Plain,
}

impl Kind {
    fn of(method: &str) -> Self {
        match method {
            MULTICALL => Self::Multicall,
            method if method.starts_with("aria2.") => Self::Secret,
            _ => Self::Plain,
        }
    }
}

const JSON_PATH: &str = "/jsonrpc";
const XML_PATH: &str = "/rpc";
const MULTICALL: &str = "system.multicall";
/// What a secret begins with.
const TOKEN: &str = "token:";
/// Bytes of a body or message, before and after (aria2 itself takes 2 MiB unless `--rpc-max-request-size` says more, for
/// torrents; chosen: the largest torrent files there are).
pub(crate) const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Calls in a batch or multicall, and parameters of one call (chosen: windows that list thousands of downloads ask for
/// each; more would only cost memory here).
const MOST_ITEMS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_places_where_aria2_answers_are_calls() {
        assert_eq!(Call::of(&Method::GET, "/jsonrpc"), Some(Call::Query));
        assert_eq!(Call::of(&Method::POST, "/jsonrpc"), Some(Call::Json));
        assert_eq!(Call::of(&Method::POST, "/rpc"), Some(Call::Xml));
        for (method, path) in [
            (Method::GET, "/rpc"),
            (Method::PUT, "/jsonrpc"),
            (Method::HEAD, "/jsonrpc"),
            (Method::POST, "/jsonrpc/"),
            (Method::POST, "/%6asonrpc"),
            (Method::POST, "/JSONRPC"),
        ] {
            assert_eq!(Call::of(&method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn a_message_is_read_like_a_body() {
        let secret = Secret::new("s".into());
        let call = br#"{"id":1,"method":"aria2.tellActive"}"#;
        assert_eq!(message(call, &secret), json::inject(call, &secret));
        assert_eq!(message(b"x", &secret), Err(Refused::Malformed));
    }
}
