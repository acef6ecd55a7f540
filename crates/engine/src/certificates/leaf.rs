//! A server's certificate with its chain and key, wherever it came from.
//!
//! The one type that doors, renewal and the store deal in. Names and dates are read from the certificate
//! itself, and a key that does not belong to it never becomes a `Leaf`. Where it is kept and when it is
//! renewed is decided elsewhere.

use drawbridge_texts::{Sentence, Tell};
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use secrecy::{ExposeSecret, SecretSlice};
use x509_parser::error::X509Error;
use zeroize::Zeroizing;

use super::fingerprint::Fingerprint;
use super::names::Names;
use super::x509;

/// Who stands behind a certificate; what the owner is told about it depends on this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Issuer {
    /// Our own authority: trusted where the owner installed it.
    LocalAuthority,
    /// The owner's own files.
    Imported,
    /// Nobody: browsers warn.
    SelfSigned,
}

/// How taking up a certificate fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LeafError {
    /// The chain is empty.
    #[error("there is no certificate")]
    NoCertificate,
    /// Its DER is damaged.
    #[error("the certificate cannot be read")]
    Unreadable(#[source] X509Error),
    /// The key is damaged or of a kind the TLS library does not sign with.
    #[error("the private key cannot be used")]
    KeyUnusable(#[source] Error),
    /// The key is fine, but another certificate's.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// The TLS library does not take the certificate.
    #[error("the certificate cannot be used for TLS")]
    Unusable(#[source] Error),
}

impl Tell for LeafError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::NoCertificate => Sentence::new("certificate-none"),
            Self::Unreadable(_) => Sentence::new("certificate-unreadable"),
            Self::KeyUnusable(_) => Sentence::new("certificate-key-unusable"),
            Self::KeyMismatch => Sentence::new("certificate-key-mismatch"),
            Self::Unusable(_) => Sentence::new("certificate-refused"),
        }
    }
}

/// A certificate with its chain and its private key. Debug output leaves the key out; dropping wipes it.
pub(crate) struct Leaf {
    chain: Vec<CertificateDer<'static>>,
    key: Zeroizing<PrivateKeyDer<'static>>,
    fingerprint: Fingerprint,
    names: Names,
    not_before: SystemTime,
    not_after: SystemTime,
    issuer_kind: Issuer,
}

impl Leaf {
    /// Takes up a chain (leaf first) and its key (PKCS#8, SEC1 or PKCS#1 DER, told apart by itself), made
    /// just now or unsealed from the store. Dates are not judged: an expired certificate may still be shown.
    ///
    /// # Errors
    ///
    /// [`LeafError`], among them when key and certificate do not belong together.
    pub(crate) fn load(
        chain: Vec<CertificateDer<'static>>,
        key: &SecretSlice<u8>,
        issuer_kind: Issuer,
    ) -> Result<Self, LeafError> {
        let first = chain.first().ok_or(LeafError::NoCertificate)?;
        let parsed = x509::parse(first).map_err(LeafError::Unreadable)?;
        let names = x509::names(&parsed).map_err(LeafError::Unreadable)?;
        let (not_before, not_after) = x509::validity(&parsed);
        let fingerprint = Fingerprint::of(first);
        let key = PrivateKeyDer::try_from(key.expose_secret())
            .map_err(|reason| LeafError::KeyUnusable(Error::General(reason.to_owned())))?;
        let leaf = Self {
            chain,
            key: Zeroizing::new(key.clone_key()),
            fingerprint,
            names,
            not_before,
            not_after,
            issuer_kind,
        };
        leaf.certified_key()?;
        Ok(leaf)
    }

    /// The certificates to present, leaf first.
    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The names it speaks for.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// First second of validity.
    #[cfg(test)]
    pub(crate) fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// Last second of validity.
    pub(crate) fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Who stands behind it.
    pub(crate) fn issuer_kind(&self) -> Issuer {
        self.issuer_kind
    }

    /// The fingerprint of the leaf itself, for the owner to compare.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whether it is time to renew: two thirds of its life are over.
    ///
    /// Two thirds is what Let's Encrypt advises for 90 days; it leaves a month of failures before anyone
    /// notices.
    pub(crate) fn is_due(&self, now: SystemTime) -> bool {
        let life = self.not_after.duration_since(self.not_before).unwrap_or_default();
        let age = now.duration_since(self.not_before).unwrap_or_default();
        age >= life / 3 * 2
    }

    /// Whether its last second is over.
    pub(crate) fn is_expired(&self, now: SystemTime) -> bool {
        now > self.not_after
    }

    /// The key's DER, for sealing only.
    pub(crate) fn key_for_sealing(&self) -> SecretSlice<u8> {
        SecretSlice::from(self.key.secret_der().to_vec())
    }

    /// What the TLS library presents and signs with.
    ///
    /// # Errors
    ///
    /// [`LeafError::KeyUnusable`], [`LeafError::KeyMismatch`], [`LeafError::Unusable`]; none after a
    /// successful [`Leaf::load`].
    pub(crate) fn certified_key(&self) -> Result<Arc<CertifiedKey>, LeafError> {
        let key = any_supported_type(&self.key).map_err(LeafError::KeyUnusable)?;
        let certified = CertifiedKey::new(self.chain.clone(), key);
        match certified.keys_match() {
            Ok(()) => Ok(Arc::new(certified)),
            // "Unknown" would mean a key that cannot tell its public half. All of ours can; a doubt is a no.
            Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch | InconsistentKeys::Unknown)) => {
                Err(LeafError::KeyMismatch)
            }
            Err(cause) => Err(LeafError::Unusable(cause)),
        }
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Leaf")
            .field("fingerprint", &self.fingerprint)
            .field("names", &self.names)
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .field("issuer_kind", &self.issuer_kind)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::certificates::testing::{self, now};

    fn leaf() -> Leaf {
        crate::certificates::self_signed(&Names::new([], ["nas.lan"]), now()).unwrap()
    }

    #[test]
    fn a_leaf_is_due_at_two_thirds_and_expired_after_its_last_second() {
        let (der, key) = testing::Signer::root("root").leaf(&["nas.lan"]);
        let leaf = Leaf::load(vec![der], &key, Issuer::Imported).unwrap();
        let second = Duration::from_secs(1);
        let due = now() + Duration::from_secs(57_600);
        assert!(!leaf.is_due(due - second) && leaf.is_due(due) && leaf.is_due(leaf.not_after() + second));
        assert!(!leaf.is_due(now() - second) && !leaf.is_expired(now() - second));
        assert!(!leaf.is_expired(leaf.not_after()) && leaf.is_expired(leaf.not_after() + second));
    }

    #[test]
    fn what_is_sealed_makes_the_same_leaf_again() {
        let leaf = leaf();
        let again = Leaf::load(leaf.chain().to_vec(), &leaf.key_for_sealing(), leaf.issuer_kind()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{leaf:?}"));
        assert_eq!(again.key_for_sealing().expose_secret(), leaf.key_for_sealing().expose_secret());
        assert_eq!(leaf.certified_key().unwrap().cert, leaf.chain());
    }

    #[test]
    fn a_foreign_or_damaged_key_or_certificate_makes_no_leaf() {
        let (one, other) = (leaf(), leaf());
        let load = |chain: &[CertificateDer<'static>], key: &SecretSlice<u8>| {
            Leaf::load(chain.to_vec(), key, Issuer::Imported).map(|_| ()).unwrap_err()
        };
        let key = one.key_for_sealing();
        assert!(matches!(load(one.chain(), &other.key_for_sealing()), LeafError::KeyMismatch));
        assert!(matches!(load(one.chain(), &SecretSlice::from(vec![7; 9])), LeafError::KeyUnusable(_)));
        assert!(matches!(load(&[], &key), LeafError::NoCertificate));
        assert!(matches!(load(&[CertificateDer::from(vec![0x30, 0])], &key), LeafError::Unreadable(_)));
    }

    #[test]
    fn debug_output_has_the_names_and_not_the_key() {
        let leaf = leaf();
        let shown = format!("{leaf:?} {leaf:#?} {:?}", leaf.certified_key().unwrap().key);
        assert!(shown.contains("nas.lan"));
        let key = leaf.key_for_sealing();
        let private: Vec<String> = key.expose_secret()[36..68].iter().map(u8::to_string).collect();
        assert!(!shown.contains(&private.join(", ")) && !shown.contains(&private[..4].join(", ")));
    }
}
