//! Secrets a tool wants, put into a request after it has left the visitor's hands, so that no browser ever holds them.
//!
//! Pure: what goes where, and what of a visitor's own must not pass. It reads no settings and touches no network; the
//! data path calls [`query`] and [`aria2`] on the way in and [`redact`] on the way out.

pub(crate) mod aria2;
pub(crate) mod query;
pub(crate) mod redact;

use crate::headers::hop_by_hop;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use drawbridge_protocol::Secret;
use drawbridge_texts::{Sentence, Tell};
use hyper::{
    HeaderMap,
    header::{self, HeaderName, HeaderValue},
};
use zeroize::Zeroizing;

/// Where a tool looks for its secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum How {
    /// A header field whose whole value is the secret.
    Header(HeaderName),
    /// A parameter of the query with this name, not yet encoded.
    Query(String),
    /// The first parameter of each of aria2's methods, after `token:`.
    Aria2,
}

/// A secret and where it goes, checked: what is in here can always be sent.
#[derive(Clone, Debug)]
pub(crate) struct Injection {
    how: How,
    secret: Secret,
}

/// Why a secret cannot be injected like this.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum BadInjection {
    /// The field belongs to the connection, or Drawbridge sets it.
    #[error("this header field cannot carry a secret")]
    Header,
    /// Empty, too long, or with letters no query has.
    #[error("this is no name of a query parameter")]
    QueryName,
    /// A Basic name with a colon could be read in two ways (RFC 7617 §2).
    #[error("the user name has a colon or a control character")]
    UserName,
    /// Nothing to inject.
    #[error("the secret is empty")]
    Empty,
    /// Longer than [`SECRET_BYTES`].
    #[error("the secret is too long")]
    TooLong,
    /// A blank at either end is cut off on the way, or ended up there by accident.
    #[error("the secret begins or ends with a blank")]
    Blank,
    /// Line breaks, NUL and their kind; in header fields also letters that are not ASCII.
    #[error("the secret has a letter that cannot be sent there")]
    Letter,
}

impl Tell for BadInjection {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Header => Sentence::new("secret-header"),
            Self::QueryName => Sentence::new("secret-query"),
            Self::UserName => Sentence::new("secret-user"),
            Self::Empty => Sentence::new("secret-empty"),
            Self::TooLong => Sentence::new("secret-too-long"),
            Self::Blank => Sentence::new("secret-blank"),
            Self::Letter => Sentence::new("secret-letter"),
        }
    }
}

impl Injection {
    /// Checks that this secret can go there.
    ///
    /// # Errors
    /// With what is wrong about the place or the secret.
    pub(crate) fn new(how: How, secret: Secret) -> Result<Self, BadInjection> {
        check(secret.expose())?;
        match &how {
            How::Header(name) if is_refused(name) => return Err(BadInjection::Header),
            How::Header(_) => drop(field(secret.expose())?),
            How::Query(name) if !query::is_name(name) => return Err(BadInjection::QueryName),
            How::Query(_) | How::Aria2 => {}
        }
        Ok(Self { how, secret })
    }

    /// Where it goes.
    pub(crate) fn how(&self) -> &How {
        &self.how
    }

    /// The secret itself, for what puts it in.
    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The field to set instead of whatever the visitor sent under its name.
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match &self.how {
            How::Header(name) => field(self.secret.expose()).ok().map(|value| (name.clone(), value)),
            How::Query(_) | How::Aria2 => None,
        }
    }

    /// Everything that must not appear in an answer: the secret; of a Basic or Bearer field also what follows the
    /// scheme, and the password in it.
    pub(crate) fn to_redact(&self) -> Vec<Secret> {
        let mut secrets = vec![self.secret.clone()];
        if let How::Header(_) = self.how
            && let Some((scheme, credentials)) = self.secret.expose().split_once(' ')
            && (scheme.eq_ignore_ascii_case("basic") || scheme.eq_ignore_ascii_case("bearer"))
        {
            secrets.push(Secret::new(credentials.trim().to_owned()));
            let decoded = Zeroizing::new(STANDARD.decode(credentials.trim()).unwrap_or_default());
            if let Some((_, password)) =
                std::str::from_utf8(&decoded).ok().and_then(|text| text.split_once(':'))
            {
                secrets.push(Secret::new(password.to_owned()));
            }
        }
        secrets
    }
}

/// The value of `Authorization` for a name and a password (RFC 7617), marked sensitive.
///
/// # Errors
/// When the name or the password cannot be sent like this.
pub(crate) fn basic(user: &str, password: &Secret) -> Result<HeaderValue, BadInjection> {
    if user.contains(|letter: char| letter == ':' || letter.is_control()) {
        return Err(BadInjection::UserName);
    }
    check(password.expose())?;
    let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
    field(&Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes()))))
}

/// The value of `Authorization` for a token (RFC 6750 §2.1), marked sensitive.
///
/// # Errors
/// When the token cannot be sent like this.
pub(crate) fn bearer(token: &Secret) -> Result<HeaderValue, BadInjection> {
    check(token.expose())?;
    if !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(BadInjection::Letter);
    }
    field(&Zeroizing::new(format!("Bearer {}", token.expose())))
}

fn field(text: &str) -> Result<HeaderValue, BadInjection> {
    // Tools read other letters in different ways (RFC 9110 §5.5).
    if !text.is_ascii() {
        return Err(BadInjection::Letter);
    }
    let mut value = HeaderValue::from_str(text).map_err(|_| BadInjection::Letter)?;
    value.set_sensitive(true);
    Ok(value)
}

fn check(secret: &str) -> Result<(), BadInjection> {
    if secret.is_empty() {
        Err(BadInjection::Empty)
    } else if secret.len() > SECRET_BYTES {
        Err(BadInjection::TooLong)
    } else if secret.trim() != secret {
        Err(BadInjection::Blank)
    } else if secret.contains(char::is_control) {
        Err(BadInjection::Letter)
    } else {
        Ok(())
    }
}

/// Fields of the connection, of the body, of a browser's own guard, and those that Drawbridge sets or reads itself. A
/// tool may read any spelling, so names are compared folded, as in `headers/forwarding.rs`.
fn is_refused(name: &HeaderName) -> bool {
    let folded: String = name
        .as_str()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect();
    let mut folded = folded.as_str();
    while let Some(rest) = folded.strip_prefix("http-") {
        folded = rest;
    }
    REFUSED.contains(&folded)
        || REFUSED_BEGINNINGS.iter().any(|beginning| folded.starts_with(beginning))
        || belongs_to_connection(name)
        || HeaderName::from_bytes(folded.as_bytes()).is_ok_and(|name| belongs_to_connection(&name))
}

/// The field in which a tool is told who signed in, where it can be: any that can carry a secret, and the one of other
/// proxies.
pub(crate) fn identity_header(name: &str) -> Option<HeaderName> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let is_own = name == header::AUTHORIZATION || is_refused(&name);
    (!is_own || name == "x-forwarded-user").then_some(name)
}

fn belongs_to_connection(name: &HeaderName) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert(name, HeaderValue::from_static(""));
    hop_by_hop::strip(&mut headers);
    headers.is_empty() || *name == header::EXPECT
}

/// Longest secret, bytes (chosen: a signed token of 4 KiB fits, and a hundred of them do not fill a head).
pub(crate) const SECRET_BYTES: usize = 4096;
/// Names that carry no secret. `Accept-Encoding` and `Range` are here because an answer must stay readable and whole,
/// or the secret could not be found in it.
const REFUSED: [&str; 11] = [
    "accept-encoding",
    "cookie",
    "cookie2",
    "destination",
    "forwarded",
    "host",
    "origin",
    "range",
    "referer",
    "via",
    "if-range",
];
/// Beginnings of names that carry no secret.
const REFUSED_BEGINNINGS: [&str; 6] =
    ["access-control-", "content-", "sec-", "x-drawbridge", "x-forwarded", "x-http-method"];

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn header_named(name: &'static str) -> Result<Injection, BadInjection> {
        Injection::new(How::Header(HeaderName::from_static(name)), secret("s3cret-value"))
    }

    #[test]
    fn fields_of_the_connection_and_of_ours_carry_no_secret() {
        for name in [
            "connection",
            "transfer-encoding",
            "te",
            "upgrade",
            "keep-alive",
            "proxy-authorization",
            "proxy_authorization",
            "expect",
            "host",
            "http_host",
            "content-length",
            "content-type",
            "cookie",
            "origin",
            "referer",
            "sec-websocket-key",
            "sec-fetch-site",
            "x-drawbridge-user",
            "x_drawbridge_user",
            "x-forwarded-for",
            "x_forwarded_host",
            "accept-encoding",
        ] {
            assert_eq!(header_named(name).unwrap_err(), BadInjection::Header, "{name}");
        }
    }

    #[test]
    fn fields_in_which_tools_look_for_secrets_do() {
        for name in ["authorization", "x-api-key", "x-auth-token", "x-remote-user", "private-token", "token"]
        {
            let (sent, value) = header_named(name).unwrap().header().unwrap();
            assert_eq!((sent.as_str(), value.to_str().unwrap()), (name, "s3cret-value"));
            assert!(value.is_sensitive(), "{name}");
        }
    }

    #[test]
    fn secrets_that_cannot_be_sent_are_refused() {
        for (text, why) in [
            ("", BadInjection::Empty),
            (" a", BadInjection::Blank),
            ("a\n", BadInjection::Blank),
            ("a\r\nx: y", BadInjection::Letter),
            ("a\0b", BadInjection::Letter),
            ("a\u{85}b", BadInjection::Letter),
        ] {
            for how in [How::Aria2, How::Query("key".into()), How::Header(HeaderName::from_static("x-key"))] {
                assert_eq!(Injection::new(how, secret(text)).unwrap_err(), why, "{text:?}");
            }
            assert_eq!(basic("aria", &secret(text)).unwrap_err(), why);
            assert_eq!(bearer(&secret(text)).unwrap_err(), why);
        }
        let field = How::Header(HeaderName::from_static("x-key"));
        assert_eq!(Injection::new(field, secret("schlüssel")).unwrap_err(), BadInjection::Letter);
        assert!(Injection::new(How::Aria2, secret("schlüssel mit blank")).is_ok());
        assert_eq!(bearer(&secret("a b")).unwrap_err(), BadInjection::Letter);
    }

    #[test]
    fn the_longest_secret_passes_and_one_byte_more_does_not() {
        assert!(Injection::new(How::Aria2, secret(&"a".repeat(SECRET_BYTES))).is_ok());
        let longer = Injection::new(How::Aria2, secret(&"a".repeat(SECRET_BYTES + 1)));
        assert_eq!(longer.unwrap_err(), BadInjection::TooLong);
    }

    #[test]
    fn names_of_parameters_are_checked() {
        for name in ["", " ", "a\nb", "a[0]", "ä\u{0}"] {
            let refused = Injection::new(How::Query(name.to_owned()), secret("s3cret-value")).unwrap_err();
            assert_eq!(refused, BadInjection::QueryName, "{name:?}");
        }
        let kept = Injection::new(How::Query("api key".into()), secret("s3cret-value")).unwrap();
        assert_eq!(kept.how(), &How::Query("api key".into()));
        assert!(kept.header().is_none());
    }

    #[test]
    fn basic_and_bearer_are_sensitive_values() {
        let value = basic("aria", &secret("pass:wörd")).unwrap();
        assert_eq!(value.to_str().unwrap(), format!("Basic {}", STANDARD.encode("aria:pass:wörd")));
        assert!(value.is_sensitive());
        assert_eq!(basic("a:b", &secret("x")).unwrap_err(), BadInjection::UserName);
        let value = bearer(&secret("abc.def")).unwrap();
        assert_eq!(value, "Bearer abc.def");
        assert!(value.is_sensitive());
    }

    #[test]
    fn of_a_credential_every_part_is_redacted() {
        let value = basic("aria", &secret("hunter22")).unwrap();
        let how = How::Header(header::AUTHORIZATION);
        let injection = Injection::new(how, secret(value.to_str().unwrap())).unwrap();
        let parts: Vec<String> = injection.to_redact().iter().map(|part| part.expose().to_owned()).collect();
        let encoded = STANDARD.encode("aria:hunter22");
        assert_eq!(parts, [format!("Basic {encoded}"), encoded, "hunter22".to_owned()]);
        assert!(!format!("{injection:?}").contains("hunter22"));
    }

    #[test]
    fn who_signed_in_is_told_in_a_field_of_its_own() {
        for name in ["Remote-User", "x-webauth-user", "X-Forwarded-User", "X-Remote-User"] {
            assert!(identity_header(name).is_some(), "{name}");
        }
        for name in [
            "",
            "x y",
            "Host",
            "Authorization",
            "X-Forwarded-For",
            "Cookie",
            "Connection",
            "Origin",
            "x_forwarded_user",
        ] {
            assert!(identity_header(name).is_none(), "{name}");
        }
    }
}
