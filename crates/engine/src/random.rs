//! Randomness from the system, for everything a stranger must not guess.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use drawbridge_texts::{Sentence, Tell};

/// The system's random source failed; whatever needed it must refuse.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no random numbers")]
pub struct NoRandomness;

impl Tell for NoRandomness {
    fn sentence(&self) -> Sentence {
        Sentence::new("no-randomness")
    }
}

/// `N` unpredictable bytes.
///
/// # Errors
/// When the operating system has none to give.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// 256 unpredictable bits as URL-safe text (43 characters).
///
/// # Errors
/// When the operating system has none to give.
pub(crate) fn token() -> Result<String, NoRandomness> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

/// A number below `bound` without bias, by rejection; `bound` must not be 0.
///
/// # Errors
/// When the operating system has none to give.
pub(crate) fn below(bound: u32) -> Result<u32, NoRandomness> {
    let zone = u32::MAX - u32::MAX % bound;
    loop {
        let candidate = u32::from_le_bytes(bytes()?);
        if candidate < zone {
            return Ok(candidate % bound);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_have_full_length() {
        let (one, two) = (token().unwrap(), token().unwrap());
        assert_eq!(one.len(), 43);
        assert_ne!(one, two);
    }

    #[test]
    fn below_stays_below() {
        assert!((0..500).all(|_| below(7).unwrap() < 7));
    }
}
