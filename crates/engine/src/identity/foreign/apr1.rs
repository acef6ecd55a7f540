//! `$apr1$SALT$HASH`: Apache's variant of MD5-crypt (`apr_md5_encode` in APR-util; FreeBSD's `md5crypt` with another
//! mark). A thousand rounds of MD5, without parameters. Ours, because no kept library has it.

use super::{BadHash, CRYPT_LETTERS, is_crypt_hash, is_crypt_text};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use md5::{Digest as _, Md5};

/// Salt and hash, both as written.
pub(crate) struct Apr1<'a> {
    salt: &'a str,
    hash: &'a str,
}

impl<'a> Apr1<'a> {
    /// Reads `SALT$HASH`.
    pub(super) fn parse(text: &'a str) -> Result<Self, BadHash> {
        let (salt, hash) = text.split_once('$').ok_or(BadHash::Damaged)?;
        let is_whole = (1..=SALT_LETTERS).contains(&salt.len()) && is_crypt_text(salt);
        if is_whole && is_crypt_hash(hash, HASH_BYTES) {
            Ok(Self { salt, hash })
        } else {
            Err(BadHash::Damaged)
        }
    }

    /// Whether this password made the hash.
    pub(super) fn fits(&self, password: &str) -> bool {
        let found = written(&digest(password.as_bytes(), self.salt.as_bytes()));
        verify_slices_are_equal(found.as_bytes(), self.hash.as_bytes()).is_ok()
    }
}

fn digest(password: &[u8], salt: &[u8]) -> [u8; HASH_BYTES] {
    let once = Md5::new().chain_update(password).chain_update(salt).chain_update(password).finalize();
    let mut first = Md5::new().chain_update(password).chain_update(MARK).chain_update(salt);
    for piece in password.chunks(once.len()) {
        first.update(once.get(..piece.len()).unwrap_or_default());
    }
    let mut bits = password.len();
    while bits > 0 {
        // The original adds a zero where the bit is set and the password's first letter where it is not.
        first.update(if bits & 1 == 1 { &[0][..] } else { password.get(..1).unwrap_or_default() });
        bits >>= 1;
    }
    let mut last = first.finalize();
    for round in 0..ROUNDS {
        let is_odd = round & 1 == 1;
        let mut next = Md5::new();
        next.update(if is_odd { password } else { last.as_slice() });
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if is_odd { last.as_slice() } else { password });
        last = next.finalize();
    }
    last.into()
}

/// Three bytes as four letters, the lowest bits first, in the order MD5-crypt has; the byte left over as two.
fn written(digest: &[u8; HASH_BYTES]) -> String {
    let mut text = String::with_capacity(22);
    let groups = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
    for group in groups {
        let bits = group.iter().fold(0, |bits, place| bits << 8 | u32::from(digest[*place]));
        push(&mut text, bits, 4);
    }
    push(&mut text, digest[11].into(), 2);
    text
}

fn push(text: &mut String, mut bits: u32, letters: usize) {
    for _ in 0..letters {
        text.extend(CRYPT_LETTERS.get((bits & 63) as usize).map(|letter| char::from(*letter)));
        bits >>= 6;
    }
}

/// What Apache mixes in instead of `$1$`.
const MARK: &[u8] = b"$apr1$";
/// Rounds; the format has no parameter for them.
const ROUNDS: u32 = 1000;
/// Most letters of a salt (the original uses no more).
const SALT_LETTERS: usize = 8;
/// Bytes of MD5.
const HASH_BYTES: usize = 16;
