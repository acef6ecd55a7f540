//! Passphrases that can be read aloud and typed on a phone: syllables, the same in every language.
//!
//! Four groups of three syllables, each one of 19 consonants and 5 vowels: 12 × log2(95) ≈ 78.8 bits, beyond
//! guessing online and, behind argon2id, offline.

use crate::random::{self, NoRandomness};
use drawbridge_protocol::Secret;

/// A new passphrase, such as `bakodu-limeso-ravitu-penogi`.
pub(crate) fn passphrase() -> Result<Secret, NoRandomness> {
    let mut text = String::with_capacity(GROUPS * (SYLLABLES * 2 + 1));
    for group in 0..GROUPS {
        if group > 0 {
            text.push('-');
        }
        for _ in 0..SYLLABLES {
            text.push(pick(CONSONANTS)?);
            text.push(pick(VOWELS)?);
        }
    }
    Ok(Secret::new(text))
}

fn pick(letters: &str) -> Result<char, NoRandomness> {
    let count = u32::try_from(letters.len()).unwrap_or(1);
    Ok(letters.chars().nth(random::below(count)? as usize).unwrap_or('a'))
}

/// Groups in a passphrase.
const GROUPS: usize = 4;
/// Syllables in a group.
const SYLLABLES: usize = 3;
/// Without `q` and `x`, which are hard to hear.
const CONSONANTS: &str = "bcdfghjklmnprstvwyz";
/// All five.
const VOWELS: &str = "aeiou";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::password;

    #[test]
    fn generated_passphrase_passes_its_own_rules() {
        for _ in 0..20 {
            let passphrase = passphrase().unwrap();
            assert_eq!(passphrase.expose().len(), 27);
            assert_eq!(password::check(&passphrase, "anna"), Ok(()));
            assert!(password::is_strong(&passphrase));
        }
    }
}
