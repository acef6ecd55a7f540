//! The mark of a device: random, and proof that it was given out here to who holds the code of the pass.
//!
//! It lies in a cookie before anything is bound, so that a form sent twice, or an answer that is lost, costs nobody the
//! pass. A hostile tool on the same host may plant cookies in older browsers, but none that fits a code it does not know.

use crate::random::{self, NoRandomness};
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use drawbridge_protocol::Secret;

/// A fresh mark for who holds this code.
pub(crate) fn mark(code: &Secret) -> Result<String, NoRandomness> {
    let random = random::token()?;
    let proof = URL_SAFE_NO_PAD.encode(hmac::sign(&key(code), random.as_bytes()));
    Ok(random + &proof)
}

/// Whether a text is a mark given out for this code.
pub(crate) fn is_mark(text: &str, code: &Secret) -> bool {
    let Some((random, proof)) = text.split_at_checked(RANDOM_LETTERS) else { return false };
    let proof = URL_SAFE_NO_PAD.decode(proof);
    proof.is_ok_and(|proof| hmac::verify(&key(code), random.as_bytes(), &proof).is_ok())
}

fn key(code: &Secret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, code.expose().as_bytes())
}

/// Letters of the random part (256 bits in base 64).
const RANDOM_LETTERS: usize = 43;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_of_its_code_alone() {
        let (code, other) = (Secret::new("a".repeat(43)), Secret::new("b".repeat(43)));
        let given = mark(&code).unwrap();
        assert_eq!(given.len(), 86);
        assert!(is_mark(&given, &code));
        assert!(!is_mark(&given, &other));
        let changed = format!("{}{}", random::token().unwrap(), &given[43..]);
        for planted in ["", &given[..43], &given[..85], &changed, &format!("{given}A"), &"ä".repeat(43)] {
            assert!(!is_mark(planted, &code), "{planted}");
        }
    }
}
