//! Our own signing keys: ECDSA P-256, made here, kept as a handle that cannot be printed.
//!
//! rcgen's own `KeyPair` keeps an unprotected copy of the private key for its whole life; this type keeps
//! only the provider's handle and gives the bytes out once, as a secret, at the moment of making.

use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm};
use secrecy::SecretSlice;

/// An ECDSA P-256 key that can sign certificates.
///
/// P-256 because every browser, phone and embedded client takes it (RFC 8446 §9.1 makes it mandatory) and
/// signing, done in every handshake, is many times cheaper than with RSA; Ed25519 is refused by browsers.
pub(super) struct P256Key(EcdsaKeyPair);

impl P256Key {
    /// Makes a new key, together with its PKCS#8 DER for sealing.
    ///
    /// # Errors
    ///
    /// When the provider cannot make one.
    pub(super) fn generate() -> Result<(Self, SecretSlice<u8>), Unspecified> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
        let pkcs8 = pair.to_pkcs8v1()?.as_ref().to_vec();
        Ok((Self(pair), SecretSlice::from(pkcs8)))
    }

    /// Reads a key back from PKCS#8 DER.
    ///
    /// # Errors
    ///
    /// When the bytes are no P-256 key.
    pub(super) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyRejected> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).map(Self)
    }
}

impl PublicKeyData for P256Key {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for P256Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature = self.0.sign(&SystemRandom::new(), message);
        signature.map(|bytes| bytes.as_ref().to_vec()).map_err(|_| rcgen::Error::RingUnspecified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_key_read_back_is_the_same_key() {
        let (key, pkcs8) = P256Key::generate().unwrap();
        let again = P256Key::from_pkcs8(pkcs8.expose_secret()).unwrap();
        assert_eq!(key.der_bytes(), again.der_bytes());
        let (other, _) = P256Key::generate().unwrap();
        assert_ne!(key.der_bytes(), other.der_bytes());
    }

    #[test]
    fn other_curves_and_damaged_bytes_are_refused() {
        let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        assert!(P256Key::from_pkcs8(p384.serialized_der()).is_err());
        assert!(P256Key::from_pkcs8(b"").is_err());
    }
}
