//! Reading `Authorization: Basic` (RFC 7617), and remembering for a few minutes that a credential was right.

use super::{attempts::CredentialKey, user::User};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use drawbridge_protocol::Secret;
use hyper::{HeaderMap, header};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// A name and a password.
pub(crate) struct Credential {
    pub(crate) name: String,
    pub(crate) password: Secret,
}

/// The Basic credential of a request: nothing where there is none, more than one field, or not one of this form.
pub(crate) fn read(headers: &HeaderMap) -> Option<Credential> {
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let field = fields.next()?;
    if fields.next().is_some() {
        return None;
    }
    let (scheme, encoded) = field.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
    let (name, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Credential { name: name.to_owned(), password: Secret::new(password.to_owned()) })
}

/// Credentials found right not long ago, by keyed hash. What is remembered is the very account as it was verified:
/// any change to it makes another one, and the memory void.
#[derive(Default)]
pub(crate) struct Remembered(Mutex<HashMap<[u8; 32], Verified>>);

/// An account as it was verified, and when.
type Verified = (Arc<User>, Instant);

impl Remembered {
    /// Whether this credential of this account was verified in the last minutes.
    pub(crate) fn knows(&self, credential: CredentialKey, user: &Arc<User>) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(&credential.0)
            .is_some_and(|(verified, since)| Arc::ptr_eq(verified, user) && since.elapsed() < KEPT)
    }

    /// Remembers a verified credential.
    pub(crate) fn insert(&self, credential: CredentialKey, user: Arc<User>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (_, since)| since.elapsed() < KEPT);
        }
        if known.len() < MOST {
            known.insert(credential.0, (user, Instant::now()));
        }
    }
}

/// How long a right credential needs no hashing (chosen: minutes, as programs send it with every request).
const KEPT: Duration = Duration::from_secs(300);
/// Most credentials remembered (chosen: far more than users and their programs).
const MOST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn read_field(field: &str) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(field).unwrap());
        read(&headers).map(|credential| (credential.name, credential.password.expose().to_owned()))
    }

    #[test]
    fn passwords_may_hold_colons_and_be_utf8() {
        let encoded = STANDARD.encode("änna:pass:wörd");
        assert_eq!(read_field(&format!("bAsIc {encoded}")), Some(("änna".into(), "pass:wörd".into())));
    }

    #[test]
    fn everything_else_is_nobody() {
        for field in ["", "Basic", "Basic !!!", "Bearer abc", "Basic YQ==", "Basic /////w=="] {
            assert_eq!(read_field(field), None, "{field}");
        }
        let mut two = HeaderMap::new();
        two.append(header::AUTHORIZATION, HeaderValue::from_static("Basic YTpi"));
        two.append(header::AUTHORIZATION, HeaderValue::from_static("Basic YTpi"));
        assert!(read(&two).is_none());
    }
}
