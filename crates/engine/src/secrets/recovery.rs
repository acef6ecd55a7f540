//! The recovery code: the second way to the data key, for the day the keyring is lost.
//!
//! 160 random bits as eight groups of four letters and digits without look-alikes (Crockford's base 32). Shown once, never stored;
//! only the data key wrapped by it is.

use super::sealing::{self, KEY_BYTES, SealError};
use crate::random::{self, NoRandomness};
use drawbridge_protocol::Secret;

/// A new code, ready to be shown.
pub(crate) fn generate() -> Result<Secret, NoRandomness> {
    let mut code = String::with_capacity(GROUPS * (GROUP + 1));
    for group in 0..GROUPS {
        if group > 0 {
            code.push('-');
        }
        for _ in 0..GROUP {
            let index = random::below(32)? as usize;
            code.push(ALPHABET.get(index).copied().map_or('0', char::from));
        }
    }
    Ok(Secret::new(code))
}

/// The wrapping key a code stands for; look-alikes, case, blanks and dashes are forgiven.
pub(crate) fn wrapping_key(code: &Secret, installation: &str) -> Result<[u8; KEY_BYTES], SealError> {
    let mut canonical = zeroize::Zeroizing::new(String::new());
    for letter in code.expose().chars() {
        match letter.to_ascii_uppercase() {
            '-' | ' ' | '\t' | '\n' | '\r' => {}
            'O' => canonical.push('0'),
            'I' | 'L' => canonical.push('1'),
            other => canonical.push(other),
        }
    }
    sealing::derive(canonical.as_bytes(), installation.as_bytes(), b"drawbridge recovery code")
}

/// Groups in a code; with [`GROUP`] letters of 5 bits each this makes 160 bits, beyond any search.
const GROUPS: usize = 8;
/// Letters in a group.
const GROUP: usize = 4;
/// Crockford's base 32: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_and_blanks_are_forgiven() {
        let shown = Secret::new("01AB-CDEF".into());
        let typed = Secret::new(" oiab cdef\n".into());
        assert_eq!(wrapping_key(&shown, "x").unwrap(), wrapping_key(&typed, "x").unwrap());
    }

    #[test]
    fn codes_have_their_form_and_differ() {
        let (one, two) = (generate().unwrap(), generate().unwrap());
        assert_eq!(one.expose().len(), 39);
        assert_ne!(one.expose(), two.expose());
    }
}
