//! Password hashes made elsewhere, as web servers and frameworks keep them: read strictly, verified as they are.
//!
//! What a hash costs to verify stands in the hash itself, so whoever writes one could keep this computer busy for hours.
//! Each parameter has a cap, asked when a hash is imported and again whenever it is verified.

mod apr1;
#[cfg(test)]
mod vectors;
mod werkzeug;

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use drawbridge_texts::{Sentence, Tell};
use sha_crypt::{PasswordVerifier as _, ShaCrypt};
use std::ops::RangeInclusive;

/// A hash of a kind we know, with parameters we are willing to pay for.
pub(crate) enum Foreign<'a> {
    /// `$2a$`, `$2b$`, `$2y$`.
    Bcrypt(&'a str),
    /// `$5$` and `$6$`.
    ShaCrypt(&'a str),
    /// `$apr1$`: MD5 a thousand times, as Apache does.
    Apr1(apr1::Apr1<'a>),
    /// `{SHA}`: SHA-1 once, without salt.
    Sha([u8; digest::SHA1_OUTPUT_LEN]),
    /// `pbkdf2:sha256:…` and `scrypt:…`, as Werkzeug writes them.
    Werkzeug(werkzeug::Werkzeug<'a>),
}

/// Why a hash is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum BadHash {
    /// Of no kind we verify: plain text, traditional crypt, anything else.
    #[error("a password hash is of an unknown kind")]
    Unknown,
    /// Of a kind we know, in a form it does not have.
    #[error("a password hash is damaged")]
    Damaged,
    /// Beyond a cap.
    #[error("a password hash costs too much to verify")]
    Expensive,
}

impl Tell for BadHash {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Unknown => Sentence::new("import-hash-unknown"),
            Self::Damaged => Sentence::new("import-hash-damaged"),
            Self::Expensive => Sentence::new("import-hash-expensive"),
        }
    }
}

impl<'a> Foreign<'a> {
    /// Reads a hash.
    ///
    /// # Errors
    /// When it is none we take.
    pub(crate) fn parse(text: &'a str) -> Result<Self, BadHash> {
        if let Some(rest) = ["$2a$", "$2b$", "$2y$"].iter().find_map(|prefix| text.strip_prefix(prefix)) {
            bcrypt(rest)?;
            return Ok(Self::Bcrypt(text));
        }
        for (prefix, bytes) in [("$5$", 32), ("$6$", 64)] {
            if let Some(rest) = text.strip_prefix(prefix) {
                sha_crypt(rest, bytes)?;
                return Ok(Self::ShaCrypt(text));
            }
        }
        if let Some(rest) = text.strip_prefix("$apr1$") {
            return apr1::Apr1::parse(rest).map(Self::Apr1);
        }
        if let Some(encoded) = text.strip_prefix("{SHA}") {
            let decoded = STANDARD.decode(encoded).map_err(|_| BadHash::Damaged)?;
            return decoded.try_into().map(Self::Sha).map_err(|_| BadHash::Damaged);
        }
        werkzeug::Werkzeug::parse(text).map(Self::Werkzeug)
    }

    /// Whether this password made the hash. Takes as long as the parameters say, whatever comes of it.
    ///
    /// No password has a NUL: HMAC and bcrypt would take a short one filled up with them for the same, and so for a long one.
    pub(crate) fn fits(&self, password: &str) -> bool {
        if password.contains('\0') {
            return false;
        }
        match self {
            // What lies beyond 72 bytes is not looked at, as everywhere: that is how it was hashed.
            Self::Bcrypt(text) => bcrypt::verify(password, text).unwrap_or(false),
            Self::ShaCrypt(text) => {
                password.len() <= SHA_CRYPT_PASSWORD_BYTES
                    && ShaCrypt::SHA512.verify_password(password.as_bytes(), *text).is_ok()
            }
            Self::Apr1(hash) => hash.fits(password),
            Self::Sha(hash) => {
                let found = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
                verify_slices_are_equal(found.as_ref(), hash).is_ok()
            }
            Self::Werkzeug(hash) => hash.fits(password),
        }
    }
}

/// `COST$SALTHASH`: two digits, then 22 letters and 31.
fn bcrypt(rest: &str) -> Result<(), BadHash> {
    let (cost, letters) = rest.split_once('$').ok_or(BadHash::Damaged)?;
    let is_two_digits = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
    let cost: u32 = cost.parse().ok().filter(|_| is_two_digits).ok_or(BadHash::Damaged)?;
    if letters.len() != 53 || !is_crypt_text(letters) || cost < *BCRYPT_COST.start() {
        return Err(BadHash::Damaged);
    }
    if cost > *BCRYPT_COST.end() {
        return Err(BadHash::Expensive);
    }
    // Bits that the last letter of salt and hash have to spare are zero in every hash bcrypt makes; the library insists.
    let whole = format!("$2b${rest}");
    whole.parse::<bcrypt::HashParts>().map(drop).map_err(|_| BadHash::Damaged)
}

/// `[rounds=N$]SALT$HASH`.
fn sha_crypt(rest: &str, bytes: usize) -> Result<(), BadHash> {
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        Some(rest) => {
            let (rounds, rest) = rest.split_once('$').ok_or(BadHash::Damaged)?;
            (number(rounds)?, rest)
        }
        None => (*SHA_CRYPT_ROUNDS.start(), rest),
    };
    let (salt, hash) = rest.split_once('$').ok_or(BadHash::Damaged)?;
    let is_whole = (1..=16).contains(&salt.len()) && is_crypt_text(salt);
    if !is_whole || !is_crypt_hash(hash, bytes) || rounds < *SHA_CRYPT_ROUNDS.start() {
        return Err(BadHash::Damaged);
    }
    if rounds > *SHA_CRYPT_ROUNDS.end() { Err(BadHash::Expensive) } else { Ok(()) }
}

/// The letters of crypt's own base 64.
fn is_crypt_text(text: &str) -> bool {
    text.bytes().all(|byte| CRYPT_LETTERS.contains(&byte))
}

/// So many bytes in crypt's base 64, lowest bits first. What the last letter has to spare is zero in what crypt writes:
/// another one fits no password.
fn is_crypt_hash(text: &str, bytes: usize) -> bool {
    let letters = (bytes * 8).div_ceil(6);
    let meant = 1 << (6 - (letters * 6 - bytes * 8));
    let is_canonical = |last: u8| CRYPT_LETTERS.iter().take(meant).any(|letter| *letter == last);
    text.len() == letters && is_crypt_text(text) && text.bytes().last().is_some_and(is_canonical)
}

/// A number as programs write it: digits without sign or leading zero. One too long to be held costs too much.
fn number(text: &str) -> Result<u32, BadHash> {
    let is_written = !text.is_empty() && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    if !is_written {
        return Err(BadHash::Damaged);
    }
    text.parse().map_err(|_| BadHash::Expensive)
}

/// crypt's own base 64.
const CRYPT_LETTERS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Costs of bcrypt: 2^cost rounds. From the least the algorithm has; at the cap one verification takes about a second of
/// one core (each more doubles it), and programs write 5 to 12.
const BCRYPT_COST: RangeInclusive<u32> = 4..=14;
/// Rounds of SHA-crypt: from the least the algorithm has (5,000 where none are named). Passlib's default of 656,000 is
/// the most that is written by default; the cap takes about a second.
const SHA_CRYPT_ROUNDS: RangeInclusive<u32> = 1_000..=1_000_000;
/// Bytes of a password tried against SHA-crypt, whose work is rounds times length (chosen: at the cap some seconds; the
/// longest that `passwd` takes is of the same size).
const SHA_CRYPT_PASSWORD_BYTES: usize = 256;
