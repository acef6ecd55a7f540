//! Passwords: rules, hashing and verifying with argon2id behind a bounded queue.
//!
//! Hashing takes 64 MiB and a core for a while; two run at a time, a few wait, the rest are told to come back. Hashes made
//! elsewhere are verified in the same queue. A right password whose hash is not what we would make today is hashed anew.

use super::{foreign::Foreign, user::MAX_NAME};
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use drawbridge_protocol::Secret;
use drawbridge_texts::{Sentence, Tell};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Why a password may not be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum BadPassword {
    /// Below the least length.
    #[error("a password is too short")]
    TooShort,
    /// Beyond what is hashed.
    #[error("a password is too long")]
    TooLong,
    /// On the list of those guessed first.
    #[error("a password is a common one")]
    Common,
    /// Not enough for where it is changed from.
    #[error("a password is too short for the internet")]
    Weak,
}

impl Tell for BadPassword {
    fn sentence(&self) -> Sentence {
        match self {
            Self::TooShort => Sentence::new("password-short"),
            Self::TooLong => Sentence::new("password-long"),
            Self::Common => Sentence::new("password-common"),
            Self::Weak => Sentence::new("password-weak"),
        }
    }
}

/// Whether a password fits a hash.
#[derive(Debug)]
pub(crate) enum Fit {
    /// It does not.
    Wrong,
    /// It does.
    Right,
    /// It does, and here is a better hash of it: the old one was made elsewhere or with less work.
    Renewed(Secret),
}

/// Why hashing did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashError {
    /// Too many are waiting.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// The algorithm failed: no memory, most likely.
    #[error("a password was not hashed")]
    Failed,
}

impl Tell for HashError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Busy => Sentence::new("hash-busy"),
            Self::Failed => Sentence::new("hash-failed"),
        }
    }
}

/// The queue in front of argon2id.
#[derive(Clone)]
pub(crate) struct Hasher {
    running: Arc<Semaphore>,
    own: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    /// Verified against when the user is unknown, so that both cases take the same time.
    dummy: Arc<Secret>,
}

impl Hasher {
    /// A queue with its dummy hash.
    pub(crate) fn new() -> Result<Self, HashError> {
        let dummy = hash_now(&Secret::new(crate::random::token().map_err(|_| HashError::Failed)?))?;
        Ok(Self {
            running: Arc::new(Semaphore::new(RUNNING)),
            own: Arc::new(Semaphore::new(1)),
            waiting: Arc::new(AtomicUsize::new(0)),
            dummy: Arc::new(dummy),
        })
    }

    /// Hashes a new password. The owner's wish does not queue behind strangers' guesses.
    pub(crate) async fn hash(&self, password: Secret) -> Result<Secret, HashError> {
        let permit = Arc::clone(&self.own).acquire_owned().await.map_err(|_| HashError::Failed)?;
        blocking(permit, move || hash_now(&password)).await?
    }

    /// Whether the password fits the hash; without a hash, takes the same time and says no.
    pub(crate) async fn verify(&self, password: Secret, hash: Option<Secret>) -> Result<Fit, HashError> {
        let dummy = Arc::clone(&self.dummy);
        self.run(move || match hash {
            Some(hash) => fit(&password, &hash, &dummy, verify_now),
            None => {
                verify_now(&password, &dummy);
                Fit::Wrong
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let _place = Place::take(&self.waiting)?;
        let permit = Arc::clone(&self.running).acquire_owned().await.map_err(|_| HashError::Failed)?;
        blocking(permit, work).await
    }
}

/// Runs work off the async threads. The permit moves into it: a caller that goes away must not free the core it still uses.
async fn blocking<T: Send + 'static>(
    permit: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HashError> {
    let run = move || {
        let result = work();
        drop(permit);
        result
    };
    tokio::task::spawn_blocking(run).await.map_err(|_| HashError::Failed)
}

/// A place in the queue, given back on drop.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(waiting: &Arc<AtomicUsize>) -> Result<Self, HashError> {
        let place = Self(Arc::clone(waiting));
        if waiting.fetch_add(1, Ordering::AcqRel) >= WAITING { Err(HashError::Busy) } else { Ok(place) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Checks a new password against the rules.
pub(crate) fn check(password: &Secret, name: &str) -> Result<(), BadPassword> {
    let text = password.expose();
    if text.len() > MAX_BYTES {
        return Err(BadPassword::TooLong);
    }
    if text.chars().count() < LEAST {
        return Err(BadPassword::TooShort);
    }
    // Nothing keeps a token from being tried as a password; as a password it would never be.
    if text.starts_with(super::token::PREFIX) {
        return Err(BadPassword::Common);
    }
    // What is longer than zxcvbn looks at is not on any list.
    if strength(text, name).guesses_log10() < COMMON_BELOW {
        return Err(BadPassword::Common);
    }
    Ok(())
}

/// The same on a thread of its own: it takes a while, and what others' code does with strange passwords must not end the
/// caller. One that cannot be judged is refused.
pub(crate) async fn check_apart(password: Secret, name: String) -> Result<(), BadPassword> {
    let checked = tokio::task::spawn_blocking(move || check(&password, &name)).await;
    checked.unwrap_or(Err(BadPassword::Common))
}

/// How hard a password is to guess, from 0 to 4 (zxcvbn's score).
pub(crate) fn score(password: &Secret, name: &str) -> u8 {
    strength(password.expose(), name).score().into()
}

/// zxcvbn looks at the first 100 characters of a password only; of a name, no more than one may have.
fn strength(password: &str, name: &str) -> zxcvbn::Entropy {
    let name: String = name.chars().take(MAX_NAME).collect();
    zxcvbn::zxcvbn(password, &[&name, "drawbridge"])
}

/// Whether a password is a strong factor by its length.
pub(crate) fn is_strong(password: &Secret) -> bool {
    password.expose().chars().count() >= STRONG
}

fn argon2() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashError::Failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &Secret) -> Result<Secret, HashError> {
    let salt = crate::random::bytes::<16>().map_err(|_| HashError::Failed)?;
    let hash = argon2()?
        .hash_password_with_salt(password.expose().as_bytes(), &salt)
        .map_err(|_| HashError::Failed)?;
    Ok(Secret::new(hash.to_string()))
}

/// Verifies with whatever made the hash. One that is not ours as of today is followed by one of ours, right or wrong, so
/// that no account answers sooner than one that does not exist.
fn fit(
    password: &Secret,
    hash: &Secret,
    dummy: &Secret,
    verify_own: impl Fn(&Secret, &Secret) -> bool,
) -> Fit {
    let fits = if is_own(hash) {
        verify_own(password, hash)
    } else {
        password.expose().len() <= MAX_BYTES
            && Foreign::parse(hash.expose()).is_ok_and(|foreign| foreign.fits(password.expose()))
    };
    match (fits, is_current(hash)) {
        (true, true) => Fit::Right,
        (false, true) => Fit::Wrong,
        (true, false) => hash_now(password).map_or(Fit::Right, Fit::Renewed),
        (false, false) => {
            verify_own(password, dummy);
            Fit::Wrong
        }
    }
}

fn verify_now(password: &Secret, hash: &Secret) -> bool {
    if password.expose().len() > MAX_BYTES {
        return false;
    }
    let Ok(parsed) = PasswordHash::new(hash.expose()) else { return false };
    argon2().is_ok_and(|argon2| argon2.verify_password(password.expose().as_bytes(), &parsed).is_ok())
}

/// Whether a hash was made here, with whatever parameters.
pub(crate) fn is_own(hash: &Secret) -> bool {
    hash.expose().starts_with("$argon2id$")
}

/// Whether a hash was made here with no less work than we do today.
fn is_current(hash: &Secret) -> bool {
    let parsed = PasswordHash::new(hash.expose()).ok().filter(|_| is_own(hash));
    let params = parsed.and_then(|parsed| Params::try_from(&parsed).ok());
    params.is_some_and(|params| {
        params.m_cost() >= MEMORY_KIB && params.t_cost() >= PASSES && params.p_cost() >= LANES
    })
}

/// argon2id memory, KiB (64 MiB; RFC 9106 §4, second recommended option).
const MEMORY_KIB: u32 = 64 * 1024;
/// argon2id passes (same source).
const PASSES: u32 = 3;
/// argon2id lanes (chosen: one core per sign-in).
const LANES: u32 = 1;
/// Hashes computed at once (chosen: 128 MiB and two cores at most).
const RUNNING: usize = 2;
/// Hashes running and waiting (chosen: about six seconds of work; some times that where all are imported at their caps).
const WAITING: usize = 32;
/// Least characters of a password (NIST SP 800-63B-4 §3.1.1.2, with other controls).
const LEAST: usize = 8;
/// Characters that make a password a strong factor alone (same source).
const STRONG: usize = 15;
/// Longest password, bytes (chosen: hashing more only serves attackers).
pub(crate) const MAX_BYTES: usize = 1024;
/// Guesses, as a power of ten, below which a password counts as listed (zxcvbn's lists end at some 30,000 words;
/// four and a half also takes their simplest variations).
const COMMON_BELOW: f64 = 4.5;

#[cfg(test)]
mod tests;
