//! JSON Web Tokens (RFC 7519) for programs that signed in at the gate's API: access tokens for some minutes, and refresh
//! tokens for one use each.
//!
//! One algorithm, HMAC with SHA-256; a token that names another, or a key we do not have, is nobody's. What a token says is
//! never enough: the sign-in it names must stand in the table, and rights are looked up with every request.

use crate::{
    clock::Timestamp,
    random::{self, NoRandomness},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use drawbridge_protocol::Secret;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use zeroize::Zeroizing;

/// What a token is for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Opens tools.
    Access,
    /// Is exchanged for the next pair, and opens nothing.
    Refresh,
}

/// What a token says.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claims {
    /// The user's name.
    pub(crate) sub: String,
    iat: u64,
    exp: u64,
    #[serde(rename = "type")]
    kind: Kind,
    aud: String,
    /// The sign-in it belongs to.
    pub(crate) sid: String,
    /// Of a refresh token: what is good once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jti: Option<String>,
}

/// A sign-in to make tokens for.
pub(crate) struct Bearer<'a> {
    pub(crate) name: &'a str,
    pub(crate) session: &'a str,
    pub(crate) expires: Timestamp,
}

/// An access token and the refresh token that comes with it.
pub(crate) struct Pair {
    pub(crate) access: Secret,
    pub(crate) refresh: Secret,
    /// How long the access token is good.
    pub(crate) lifetime: Duration,
}

/// The keys of one installation, the newest first.
pub(crate) struct Signer {
    keys: Vec<Key>,
    audience: String,
}

struct Key {
    id: String,
    created: Timestamp,
    bytes: Zeroizing<Vec<u8>>,
}

/// No tokens could be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignError {
    /// There is no key.
    #[error("no key to sign with")]
    NoKey,
    /// The library failed.
    #[error("a token was not signed")]
    Failed(#[source] jsonwebtoken::errors::Error),
}

impl Signer {
    /// With a first key and an audience that no other installation has.
    pub(crate) fn new(now: Timestamp) -> Result<Self, NoRandomness> {
        Ok(Self {
            keys: vec![Key::new(now)?],
            audience: format!("drawbridge:{}", hex(random::bytes::<16>()?)),
        })
    }

    /// The same with a new key, where the newest is old. The one before stays as long as anything it signed is good.
    pub(crate) fn rotated(&self, now: Timestamp) -> Result<Option<Self>, NoRandomness> {
        if self.keys.first().is_some_and(|key| now < key.created.plus(KEY_AGE)) {
            return Ok(None);
        }
        let last = self.keys.first().map(Key::again);
        let keys = std::iter::once(Key::new(now)?).chain(last).collect();
        Ok(Some(Self { keys, audience: self.audience.clone() }))
    }

    /// Signs both tokens of a sign-in.
    pub(crate) fn pair(&self, bearer: &Bearer<'_>, jti: &str, now: Timestamp) -> Result<Pair, SignError> {
        let ends = now.plus(ACCESS).min(bearer.expires);
        let claims = |kind, exp: Timestamp, jti| Claims {
            sub: bearer.name.to_owned(),
            iat: now.0,
            exp: exp.0,
            kind,
            aud: self.audience.clone(),
            sid: bearer.session.to_owned(),
            jti,
        };
        Ok(Pair {
            access: self.sign(&claims(Kind::Access, ends, None))?,
            refresh: self.sign(&claims(Kind::Refresh, bearer.expires, Some(jti.to_owned())))?,
            lifetime: Duration::from_secs(ends.0.saturating_sub(now.0)),
        })
    }

    fn sign(&self, claims: &Claims) -> Result<Secret, SignError> {
        let key = self.keys.first().ok_or(SignError::NoKey)?;
        let header = Header { kid: Some(key.id.clone()), ..Header::new(ALGORITHM) };
        let text = jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(&key.bytes));
        text.map(Secret::new).map_err(SignError::Failed)
    }

    /// What a token of this kind says, if it is ours and its time is not over.
    pub(crate) fn read(&self, text: &str, kind: Kind, now: Timestamp) -> Option<Claims> {
        if text.len() > MOST_BYTES {
            return None;
        }
        let header = jsonwebtoken::decode_header(text).ok()?;
        let key = self.keys.iter().find(|key| Some(&key.id) == header.kid.as_ref())?;
        let mut rules = Validation::new(ALGORITHM);
        rules.set_audience(&[&self.audience]);
        rules.set_required_spec_claims(&["exp", "aud", "sub"]);
        // By our own clock, below: the library reads the system's.
        rules.validate_exp = false;
        let verifying = DecodingKey::from_secret(&key.bytes);
        let claims = jsonwebtoken::decode::<Claims>(text, &verifying, &rules).ok()?.claims;
        // A clock that ran back behind its making is not to be believed (P4).
        let in_time = now.0 < claims.exp && claims.iat <= now.plus(CLOCK_SLACK).0;
        (in_time && claims.kind == kind).then_some(claims)
    }

    /// Whether a text claims to be a token of this installation, good or not: such a one is never handed to a tool.
    pub(crate) fn is_named_by(&self, text: &str) -> bool {
        #[derive(Deserialize)]
        struct Audience {
            aud: String,
        }
        text.len() <= MOST_BYTES
            && jsonwebtoken::dangerous::insecure_decode_claims::<Audience>(text)
                .is_ok_and(|claims| claims.aud == self.audience)
    }

    /// The form that is sealed.
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let keys = self.keys.iter().map(|key| StoredKey {
            id: key.id.clone(),
            created: key.created.0,
            key: STANDARD.encode(&*key.bytes),
        });
        let stored = Stored { audience: self.audience.clone(), keys: keys.collect() };
        Zeroizing::new(serde_json::to_vec(&stored).unwrap_or_default())
    }

    /// Reads the sealed form after opening; nothing when it is not one.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let stored: Stored = serde_json::from_slice(bytes).ok()?;
        let key = |stored: StoredKey| {
            let bytes = Zeroizing::new(STANDARD.decode(&stored.key).ok()?);
            let good = bytes.len() == KEY_BYTES;
            good.then_some(Key { id: stored.id, created: Timestamp(stored.created), bytes })
        };
        let keys: Vec<Key> = stored.keys.into_iter().map(key).collect::<Option<_>>()?;
        (!keys.is_empty()).then_some(Self { keys, audience: stored.audience })
    }
}

impl Key {
    fn new(now: Timestamp) -> Result<Self, NoRandomness> {
        let bytes = Zeroizing::new(random::bytes::<KEY_BYTES>()?.to_vec());
        Ok(Self { id: hex(random::bytes::<4>()?), created: now, bytes })
    }

    fn again(&self) -> Self {
        Self { id: self.id.clone(), created: self.created, bytes: self.bytes.clone() }
    }
}

fn hex<const N: usize>(bytes: [u8; N]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Deserialize, Serialize)]
struct Stored {
    audience: String,
    keys: Vec<StoredKey>,
}

#[derive(Deserialize, Serialize)]
struct StoredKey {
    id: String,
    created: u64,
    key: String,
}

/// The one algorithm.
const ALGORITHM: Algorithm = Algorithm::HS256;
/// Bytes of a key: as many as the hash gives (RFC 7518 §3.2).
const KEY_BYTES: usize = 32;
/// How long an access token is good (chosen: the usual quarter of an hour; a revoked one is refused at once anyway).
const ACCESS: Duration = Duration::from_secs(15 * 60);
/// How old the newest key may get: as long as a sign-in lasts, so that nothing good was signed by the last but one.
const KEY_AGE: Duration = super::session::LIFETIME;
/// How far a clock may be set back.
const CLOCK_SLACK: Duration = super::session::CLOCK_SLACK;
/// Longest token read (ours have some 350 bytes, with the longest name twice that).
const MOST_BYTES: usize = 2048;

#[cfg(test)]
mod tests;
