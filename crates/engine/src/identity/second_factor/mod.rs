//! What an account proves besides its password: a code of an authenticator app, a passkey, or one of the recovery codes
//! that stand in for lost ones.
//!
//! Between the password and the code somebody is half signed in (`half.rs`): known, and let in nowhere. A code is
//! spent in the database before it opens anything (`verify.rs`), and so is a passkey's answer to a challenge
//! (`challenge.rs`).

pub(crate) mod challenge;
pub(crate) mod half;
pub(crate) mod passkey;
mod patience;
pub(crate) mod recovery;
pub(crate) mod totp;
pub(crate) mod verify;
pub(crate) mod webauthn;

use drawbridge_protocol::{ProblemKind, Secret};
use drawbridge_texts::{Sentence, Tell};
use passkey::Passkey;
use recovery::Recovery;
use std::sync::Arc;
use totp::Seed;

/// The second factor of an account: an app, passkeys, or both, never neither. Seeds and keys lie sealed on disk; what is
/// spent, the database knows.
#[derive(Clone, Debug)]
pub(crate) struct SecondFactor {
    pub(crate) totp: Option<Arc<Seed>>,
    pub(crate) passkeys: Vec<Arc<Passkey>>,
    pub(crate) recovery: Arc<Recovery>,
}

impl SecondFactor {
    /// Whether nothing is left of it but recovery codes.
    pub(crate) fn is_empty(&self) -> bool {
        self.totp.is_none() && self.passkeys.is_empty()
    }

    /// The passkeys that work at a gate of this name.
    pub(crate) fn passkeys_at(&self, rp: &str) -> impl Iterator<Item = &Arc<Passkey>> {
        self.passkeys.iter().filter(move |key| key.rp == rp)
    }

    /// The passkey a browser calls so.
    pub(crate) fn passkey(&self, credential: &[u8], rp: &str) -> Option<&Arc<Passkey>> {
        self.passkeys_at(rp).find(|key| key.credential.id == credential)
    }
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
    /// The account has an authenticator app.
    #[error("`{0}` has an authenticator app")]
    Present(String),
    /// The account has none.
    #[error("`{0}` has no second factor")]
    Absent(String),
    /// The account has no passkey with this id.
    #[error("`{0}` has no passkey {1}")]
    NoPasskey(String, String),
    /// More passkeys than one account may have.
    #[error("an account has {} passkeys", passkey::MOST)]
    TooManyPasskeys,
    /// The key stands for an account already.
    #[error("a passkey is known already")]
    KnownPasskey,
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
            Self::NoPasskey(name, id) => Sentence::new("passkey-unknown").with("name", name).with("id", id),
            Self::TooManyPasskeys => Sentence::new("passkeys-too-many").with("most", passkey::MOST),
            Self::KnownPasskey => Sentence::new("passkey-known"),
            Self::NotBegun(name) => Sentence::new("second-factor-not-begun").with("name", name),
            Self::WrongCode => Sentence::new("second-factor-wrong-code"),
        }
    }
}

impl BadFactor {
    /// For who has to tell cases apart.
    pub(crate) fn kind(&self) -> ProblemKind {
        match self {
            Self::Present(_) | Self::KnownPasskey => ProblemKind::Conflict,
            Self::NoPasskey(..) => ProblemKind::Unknown,
            Self::WrongCode => ProblemKind::Invalid,
            Self::Absent(_) | Self::NotBegun(_) | Self::TooManyPasskeys => ProblemKind::Refused,
        }
    }
}

impl Enrolment {
    /// Of a new seed for the account with this name.
    pub(crate) fn new(seed: &Seed, account: &str) -> Self {
        Self { uri: seed.uri(account), seed: seed.base32() }
    }
}
