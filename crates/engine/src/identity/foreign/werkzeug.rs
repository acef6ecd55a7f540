//! `METHOD$SALT$HEX` as Werkzeug writes it (`werkzeug.security.generate_password_hash`), and with it Flask's programs:
//! `pbkdf2:sha256:ITERATIONS` and `scrypt:N:R:P`. The salt is text and used as such.

use super::{BadHash, number};
use aws_lc_rs::{constant_time::verify_slices_are_equal, pbkdf2};
use std::num::NonZeroU32;

/// A method with its parameters, salt and hash.
pub(crate) struct Werkzeug<'a> {
    method: Method,
    salt: &'a str,
}

enum Method {
    Pbkdf2 { iterations: NonZeroU32, hash: [u8; 32] },
    Scrypt { params: scrypt::Params, hash: [u8; 64] },
}

impl<'a> Werkzeug<'a> {
    /// Reads the whole text; what does not begin like one of its methods is of an unknown kind.
    pub(super) fn parse(text: &'a str) -> Result<Self, BadHash> {
        let (method, rest) = text.split_once('$').ok_or(BadHash::Unknown)?;
        let mut words = method.split(':');
        let kind = words.next().unwrap_or_default();
        let parameters: Vec<&str> = words.collect();
        let made = match (kind, parameters.as_slice()) {
            ("pbkdf2", ["sha256", iterations]) => Made::Pbkdf2(self::iterations(iterations)?),
            // Without its number, how many iterations are meant depends on the version that wrote it.
            ("pbkdf2", ["sha256"]) => return Err(BadHash::Damaged),
            ("scrypt", [n, r, p]) => Made::Scrypt(params(number(n)?, number(r)?, number(p)?)?),
            ("scrypt", _) => return Err(BadHash::Damaged),
            _ => return Err(BadHash::Unknown),
        };
        let (salt, hex) = rest.split_once('$').ok_or(BadHash::Damaged)?;
        if !(1..=SALT_LETTERS).contains(&salt.len()) || !salt.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return Err(BadHash::Damaged);
        }
        let method = match made {
            Made::Pbkdf2(iterations) => Method::Pbkdf2 { iterations, hash: bytes(hex)? },
            Made::Scrypt(params) => Method::Scrypt { params, hash: bytes(hex)? },
        };
        Ok(Self { method, salt })
    }

    /// Whether this password made the hash.
    pub(super) fn fits(&self, password: &str) -> bool {
        let (password, salt) = (password.as_bytes(), self.salt.as_bytes());
        match &self.method {
            Method::Pbkdf2 { iterations, hash } => {
                pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, *iterations, salt, password, hash).is_ok()
            }
            Method::Scrypt { params, hash } => {
                let mut found = [0; 64];
                scrypt::scrypt(password, salt, params, &mut found).is_ok()
                    && verify_slices_are_equal(&found, hash).is_ok()
            }
        }
    }
}

/// A method whose hash was not read yet.
enum Made {
    Pbkdf2(NonZeroU32),
    Scrypt(scrypt::Params),
}

fn iterations(text: &str) -> Result<NonZeroU32, BadHash> {
    let iterations = number(text)?;
    if iterations > PBKDF2_ITERATIONS {
        return Err(BadHash::Expensive);
    }
    NonZeroU32::new(iterations).ok_or(BadHash::Damaged)
}

/// scrypt takes 128·N·r bytes, and time for p times that.
fn params(n: u32, r: u32, p: u32) -> Result<scrypt::Params, BadHash> {
    let log_n = n.checked_ilog2().filter(|_| n.is_power_of_two() && n > 1);
    let log_n = log_n.and_then(|log_n| u8::try_from(log_n).ok()).ok_or(BadHash::Damaged)?;
    let bytes = 128 * u64::from(n) * u64::from(r);
    if bytes > SCRYPT_BYTES || r > SCRYPT_R || p > SCRYPT_P {
        return Err(BadHash::Expensive);
    }
    scrypt::Params::new(log_n, r, p).map_err(|_| BadHash::Damaged)
}

/// Bytes written as small hexadecimal digits, exactly so many.
fn bytes<const LENGTH: usize>(hex: &str) -> Result<[u8; LENGTH], BadHash> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; LENGTH];
    if hex.len() != LENGTH * 2 {
        return Err(BadHash::Damaged);
    }
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let digits = pair.iter().try_fold(0, |number, letter| Some(number << 4 | digit(*letter)?));
        *byte = digits.ok_or(BadHash::Damaged)?;
    }
    Ok(bytes)
}

/// Most iterations of PBKDF2: twice what Werkzeug 3.1 writes (1,000,000), about a second without special instructions.
const PBKDF2_ITERATIONS: u32 = 2_000_000;
/// Most memory of scrypt, bytes: what one of our own hashes takes; Werkzeug writes `scrypt:32768:8:1`, half of it.
const SCRYPT_BYTES: u64 = 64 * 1024 * 1024;
/// Largest block of scrypt (chosen: four times what anyone writes; keeps 128·r·p small where N is).
const SCRYPT_R: u32 = 32;
/// Most passes of scrypt over its memory (chosen: with the cap above about as long as one hash of the others).
const SCRYPT_P: u32 = 4;
/// Most letters of a salt (Werkzeug writes 8 or 16; a longer one only makes the line long).
const SALT_LETTERS: usize = 64;
