//! The passkeys of an account: what is sealed of each, and what is said about it.

use super::webauthn::Made;
use crate::{
    clock::Timestamp,
    identity::session,
    random::{self, NoRandomness},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};

/// One of them. Its counter is known to the database, where it is spent.
#[derive(Debug)]
pub(crate) struct Passkey {
    pub(crate) id: String,
    /// What its owner calls it.
    pub(crate) name: String,
    /// The host name of the gate it works at.
    pub(crate) rp: String,
    pub(crate) credential: Credential,
    pub(crate) created: Timestamp,
    /// Seconds since 1970; 0 is never.
    last_used: AtomicU64,
}

/// What of it lies sealed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Credential {
    /// What the browser calls it.
    #[serde(with = "text")]
    pub(crate) id: Vec<u8>,
    /// The public key, in COSE's form.
    #[serde(with = "text")]
    pub(crate) key: Vec<u8>,
    /// Whether it made sure who holds it when it was added: without that it signs nobody in alone, because a PIN that is
    /// set later may be a thief's.
    pub(crate) verified: bool,
    /// What keys call the account. The same for all of its keys, so that a newer one on one device replaces the older.
    #[serde(with = "text")]
    pub(crate) handle: Vec<u8>,
}

/// A key somebody adds. Password, factor and challenge were verified.
#[derive(Debug)]
pub(crate) struct NewPasskey {
    pub(crate) name: String,
    pub(crate) rp: String,
    pub(crate) handle: Vec<u8>,
    pub(crate) made: Made,
}

impl NewPasskey {
    /// What it will be, with an id of its own.
    pub(crate) fn passkey(&self, created: Timestamp) -> Result<Passkey, NoRandomness> {
        let Self { name, rp, handle, made } = self;
        let (id, key, handle) = (made.credential.clone(), made.key.clone(), handle.clone());
        let credential = Credential { id, key, verified: made.verified, handle };
        let stored =
            Stored { id: session::name()?, name: name.clone(), rp: rp.clone(), created, last_used: None };
        Ok(Passkey::new(stored, credential))
    }
}

/// What of it lies open.
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) rp: String,
    pub(crate) created: Timestamp,
    pub(crate) last_used: Option<u64>,
}

impl Passkey {
    /// One that was opened.
    pub(crate) fn new(stored: Stored, credential: Credential) -> Self {
        let Stored { id, name, rp, created, last_used } = stored;
        Self { id, name, rp, credential, created, last_used: AtomicU64::new(last_used.unwrap_or(0)) }
    }

    /// When it was last used, in seconds since 1970.
    pub(crate) fn last_used(&self) -> Option<u64> {
        Some(self.last_used.load(Ordering::Relaxed)).filter(|used| *used > 0)
    }

    /// Notes that it was used.
    pub(super) fn used(&self, now: u64) {
        self.last_used.store(now, Ordering::Relaxed);
    }

    /// Its id as browsers are told it.
    pub(crate) fn credential_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.credential.id)
    }
}

impl Credential {
    /// The form that is sealed.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads it after opening.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// What keys will call an account that has none yet: says nothing, and no page of a tool can guess it.
pub(crate) fn handle() -> Result<Vec<u8>, NoRandomness> {
    random::bytes::<HANDLE_BYTES>().map(Vec::from)
}

/// Whether a key may be called this.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

/// Bytes as URL-safe base 64.
mod text {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        URL_SAFE_NO_PAD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Passkeys of one account (chosen: every device of a person, and a spare).
pub(crate) const MOST: usize = 10;
/// Bytes of what keys call an account (chosen: beyond guessing; §5.4.3 allows 64).
pub(crate) const HANDLE_BYTES: usize = 32;
/// Letters in a name (chosen: as of a token).
const MAX_NAME: usize = 64;
