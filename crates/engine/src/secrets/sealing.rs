//! Sealing: AES-256-GCM with a random nonce, bound to the installation and to the place the value lies in, so that
//! a sealed value moved elsewhere does not open.
//!
//! Form: one version byte, 12 bytes nonce, ciphertext, 16 bytes tag.

use crate::random::{self, NoRandomness};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf,
};
use drawbridge_texts::{Sentence, Tell};
use secrecy::{ExposeSecret, SecretBox, SecretSlice};
use zeroize::Zeroize;

/// Bytes of every symmetric key here (AES-256).
pub(crate) const KEY_BYTES: usize = 32;

/// Why something could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    /// The value is damaged, was moved, or belongs to another key.
    #[error("a sealed value does not open")]
    DoesNotOpen,
    /// No random nonce.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

impl Tell for SealError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::DoesNotOpen => Sentence::new("seal-broken"),
            Self::Random(error) => error.sentence(),
        }
    }
}

/// The key that seals every credential of one installation.
pub(crate) struct DataKey {
    key: SecretBox<[u8; KEY_BYTES]>,
    installation: String,
}

impl DataKey {
    /// A new key.
    pub(crate) fn generate(installation: &str) -> Result<Self, NoRandomness> {
        let mut bytes = random::bytes::<KEY_BYTES>()?;
        let key = SecretBox::new(Box::new(bytes));
        bytes.zeroize();
        Ok(Self { key, installation: installation.to_owned() })
    }

    /// The key inside a wrap made by [`DataKey::wrap`].
    pub(crate) fn unwrap_with(
        wrapping: &[u8; KEY_BYTES],
        installation: &str,
        place: &str,
        wrapped: &[u8],
    ) -> Result<Self, SealError> {
        let opened = open(wrapping, &associated(installation, place), wrapped)?;
        let mut bytes: [u8; KEY_BYTES] =
            opened.expose_secret().try_into().map_err(|_| SealError::DoesNotOpen)?;
        let key = SecretBox::new(Box::new(bytes));
        bytes.zeroize();
        Ok(Self { key, installation: installation.to_owned() })
    }

    /// This key, wrapped by another.
    pub(crate) fn wrap(&self, wrapping: &[u8; KEY_BYTES], place: &str) -> Result<Vec<u8>, SealError> {
        seal(wrapping, &associated(&self.installation, place), self.key.expose_secret())
    }

    /// Seals a value for one place.
    pub(crate) fn seal(&self, place: &str, value: &[u8]) -> Result<Vec<u8>, SealError> {
        seal(self.key.expose_secret(), &associated(&self.installation, place), value)
    }

    /// Opens what [`DataKey::seal`] made for the same place.
    pub(crate) fn open(&self, place: &str, sealed: &[u8]) -> Result<SecretSlice<u8>, SealError> {
        open(self.key.expose_secret(), &associated(&self.installation, place), sealed)
    }
}

/// Derives a wrapping key from high-entropy material (HKDF-SHA-256, RFC 5869).
pub(crate) fn derive(material: &[u8], salt: &[u8], purpose: &[u8]) -> Result<[u8; KEY_BYTES], SealError> {
    let mut key = [0; KEY_BYTES];
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(material)
        .expand(&[purpose], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut key))
        .map_err(|_| SealError::DoesNotOpen)?;
    Ok(key)
}

fn associated(installation: &str, place: &str) -> String {
    format!("drawbridge/{VERSION}/{installation}/{place}")
}

fn seal(key: &[u8; KEY_BYTES], associated: &str, value: &[u8]) -> Result<Vec<u8>, SealError> {
    let nonce = random::bytes::<NONCE_LEN>()?;
    let mut sealed = Vec::with_capacity(1 + NONCE_LEN + value.len() + AES_256_GCM.tag_len());
    sealed.push(VERSION);
    sealed.extend_from_slice(&nonce);
    let mut text = value.to_vec();
    let tag = cipher(key)?
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated.as_bytes()),
            &mut text,
        )
        .map_err(|_| SealError::DoesNotOpen)?;
    sealed.extend_from_slice(&text);
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

fn open(key: &[u8; KEY_BYTES], associated: &str, sealed: &[u8]) -> Result<SecretSlice<u8>, SealError> {
    let rest = sealed.strip_prefix(&[VERSION]).ok_or(SealError::DoesNotOpen)?;
    let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::DoesNotOpen)?;
    let mut text = text.to_vec();
    let length = cipher(key)?
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(associated.as_bytes()), &mut text)
        .map_err(|_| SealError::DoesNotOpen)?
        .len();
    text.truncate(length);
    Ok(SecretSlice::from(text))
}

fn cipher(key: &[u8; KEY_BYTES]) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| SealError::DoesNotOpen)
}

/// Version of the sealed form.
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_value_opens_in_its_place_only() {
        let key = DataKey::generate("home-a").unwrap();
        let sealed = key.seal("user/1", b"secret").unwrap();
        assert_eq!(key.open("user/1", &sealed).unwrap().expose_secret(), b"secret");
        assert!(key.open("user/2", &sealed).is_err());
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let key = DataKey::generate("home-a").unwrap();
        let sealed = key.seal("p", b"x").unwrap();
        for position in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[position] ^= 1;
            assert!(key.open("p", &damaged).is_err(), "byte {position}");
        }
    }

    #[test]
    fn short_input_is_refused() {
        let key = DataKey::generate("home-a").unwrap();
        for length in 0..29 {
            assert!(key.open("p", &vec![VERSION; length]).is_err());
        }
    }

    #[test]
    fn wrapped_key_opens_with_its_wrapping_and_installation_only() {
        let key = DataKey::generate("home-a").unwrap();
        let wrapped = key.wrap(&[7; 32], "root").unwrap();
        assert!(DataKey::unwrap_with(&[7; 32], "home-a", "root", &wrapped).is_ok());
        assert!(DataKey::unwrap_with(&[8; 32], "home-a", "root", &wrapped).is_err());
        assert!(DataKey::unwrap_with(&[7; 32], "home-b", "root", &wrapped).is_err());
    }
}
