//! Recovery codes: ten, each good once, for the day the app is lost. Shown once, kept as keyed hashes alone.
//!
//! The key belongs to one set of codes and lies sealed: hashes that somebody puts into the database are of no code, and
//! a new set makes the old one void even where its hashes stay.

use crate::random::{self, NoRandomness};
use aws_lc_rs::hmac;
use drawbridge_protocol::Secret;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use zeroize::Zeroizing;

/// The codes of one account: what makes their hashes, and how many are left.
pub(crate) struct Recovery {
    key: hmac::Key,
    left: AtomicU32,
}

/// A new set: the codes to be shown, and what is kept of them.
pub(crate) struct NewCodes {
    pub(crate) codes: Vec<Secret>,
    pub(crate) hashes: Vec<Hash>,
    /// What is sealed.
    pub(crate) key: Zeroizing<[u8; KEY_BYTES]>,
}

/// HMAC-SHA-256 of a code.
pub(crate) type Hash = [u8; 32];

impl NewCodes {
    /// Ten codes under a key of their own.
    pub(crate) fn generate() -> Result<Self, NoRandomness> {
        let key = Zeroizing::new(random::bytes()?);
        let codes: Vec<Secret> = (0..CODES).map(|_| code()).collect::<Result<_, _>>()?;
        let recovery = Recovery::new(&*key, 0);
        let hashes = codes.iter().filter_map(|code| recovery.hash(code.expose())).collect();
        Ok(Self { codes, hashes, key })
    }

    /// The set as the account holds it.
    pub(crate) fn recovery(&self) -> Arc<Recovery> {
        Arc::new(Recovery::new(&*self.key, u32::try_from(self.hashes.len()).unwrap_or(0)))
    }
}

impl Recovery {
    /// A set whose key was opened, with so many codes left.
    pub(crate) fn new(key: &[u8], left: u32) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key), left: AtomicU32::new(left) }
    }

    /// How many codes are left.
    pub(crate) fn left(&self) -> u32 {
        self.left.load(Ordering::Relaxed)
    }

    /// Notes how many are left.
    pub(super) fn set_left(&self, left: u32) {
        self.left.store(left, Ordering::Relaxed);
    }

    /// What a typed code is looked up by; nothing where it has not the form of one. Look-alikes, case, blanks and dashes
    /// are forgiven.
    pub(crate) fn hash(&self, typed: &str) -> Option<Hash> {
        let mut canonical = Zeroizing::new(String::new());
        for letter in typed.chars() {
            match letter.to_ascii_uppercase() {
                '-' => {}
                blank if blank.is_whitespace() => {}
                'O' => canonical.push('0'),
                'I' | 'L' => canonical.push('1'),
                other if other.is_ascii() && ALPHABET.contains(&(other as u8)) => canonical.push(other),
                _ => return None,
            }
        }
        (canonical.len() == GROUPS * GROUP).then(|| {
            let mut hash = [0; 32];
            hash.copy_from_slice(hmac::sign(&self.key, canonical.as_bytes()).as_ref());
            hash
        })
    }
}

impl fmt::Debug for Recovery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Recovery({} left)", self.left())
    }
}

fn code() -> Result<Secret, NoRandomness> {
    let mut code = String::with_capacity(GROUPS * (GROUP + 1));
    for place in 0..GROUPS * GROUP {
        if place > 0 && place % GROUP == 0 {
            code.push('-');
        }
        let index = random::below(32)? as usize;
        code.push(ALPHABET.get(index).copied().map_or('0', char::from));
    }
    Ok(Secret::new(code))
}

/// Codes in a set (chosen: what large services give).
pub(crate) const CODES: usize = 10;
/// Groups in a code; with [`GROUP`] signs of 5 bits each this makes 60 bits. A guess needs the password first and a pause
/// after, and the hashes are keyed.
const GROUPS: usize = 4;
/// Signs in a group (chosen: read aloud and typed in one breath).
const GROUP: usize = 3;
/// Bytes of the key of a set.
const KEY_BYTES: usize = 32;
/// Crockford's base 32: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_set_has_ten_codes_that_differ_and_are_known_again() {
        let new = NewCodes::generate().unwrap();
        let recovery = new.recovery();
        assert_eq!((new.codes.len(), new.hashes.len(), recovery.left()), (CODES, CODES, 10));
        assert_eq!(new.hashes.iter().collect::<BTreeSet<_>>().len(), CODES);
        for (code, hash) in new.codes.iter().zip(&new.hashes) {
            assert_eq!(code.expose().len(), 15);
            assert_eq!(recovery.hash(code.expose()), Some(*hash));
        }
        let other = NewCodes::generate().unwrap().recovery();
        assert_ne!(other.hash(new.codes[0].expose()), Some(new.hashes[0]), "each set has a key of its own");
        assert_eq!(format!("{recovery:?}"), "Recovery(10 left)");
    }

    #[test]
    fn look_alikes_and_blanks_are_forgiven_and_nothing_else() {
        let recovery = Recovery::new(&[1; 32], 0);
        let shown = recovery.hash("01A-BCD-EFG-HJK");
        assert!(shown.is_some());
        assert_eq!(recovery.hash(" oia bcd\tefg-hjk\n"), shown);
        assert_eq!(recovery.hash("0lAB-CDEF-GHJK"), shown);
        for typed in
            ["", "01A-BCD-EFG-HJ", "01A-BCD-EFG-HJKM", "01A-BCD-EFG-HJU", "01A-BCD-EFG-HJ\u{c1}", "123456"]
        {
            assert_eq!(recovery.hash(typed), None, "{typed:?}");
        }
    }
}
