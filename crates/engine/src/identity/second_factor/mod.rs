//! What an account proves besides its password: a code of an authenticator app, or one of the recovery codes that
//! stand in for a lost one.
//!
//! Between the password and the code somebody is half signed in (`half.rs`): known, and let in nowhere. A code is
//! spent in the database before it opens anything (`verify.rs`).

pub(crate) mod half;
mod patience;
pub(crate) mod recovery;
pub(crate) mod totp;
pub(crate) mod verify;

use drawbridge_protocol::Secret;
use drawbridge_texts::{Sentence, Tell};
use recovery::Recovery;
use std::sync::Arc;
use totp::Seed;

/// The second factor of an account. Seeds and keys lie sealed on disk; which codes are spent, the database knows.
#[derive(Debug)]
pub(crate) struct SecondFactor {
    pub(crate) totp: Arc<Seed>,
    pub(crate) recovery: Recovery,
}

/// What an authenticator app has to be told, this once.
#[derive(Clone, Debug)]
pub(crate) struct Enrolment {
    /// `otpauth://totp/…`, as apps read it from a QR code.
    pub(crate) uri: Secret,
    /// The same seed in base 32, to be typed.
    pub(crate) seed: Secret,
}

/// Why a second factor is not changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum BadFactor {
    /// The account has one.
    #[error("`{0}` has a second factor")]
    Present(String),
    /// The account has none.
    #[error("`{0}` has no second factor")]
    Absent(String),
    /// No seed waits to be confirmed.
    #[error("no second factor is being set up for `{0}`")]
    NotBegun(String),
    /// Not of this app, or not of now.
    #[error("a code is not of this app")]
    WrongCode,
}

impl Tell for BadFactor {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Present(name) => Sentence::new("second-factor-present").with("name", name),
            Self::Absent(name) => Sentence::new("second-factor-none").with("name", name),
            Self::NotBegun(name) => Sentence::new("second-factor-not-begun").with("name", name),
            Self::WrongCode => Sentence::new("second-factor-wrong-code"),
        }
    }
}

impl Enrolment {
    /// Of a new seed for the account with this name.
    pub(crate) fn new(seed: &Seed, account: &str) -> Self {
        Self { uri: seed.uri(account), seed: seed.base32() }
    }
}
