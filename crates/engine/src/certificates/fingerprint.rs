//! The fingerprint of a certificate: what a person compares before trusting it.
//!
//! It names a certificate on screens, in the trust-store install and in tests. It is not a secret and proves
//! nothing by itself.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;

/// SHA-256 over the DER of a whole certificate, as browsers and `openssl x509 -fingerprint -sha256` show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; FINGERPRINT_BYTES]);

impl Fingerprint {
    /// The fingerprint of this certificate.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Self {
        let mut bytes = [0; FINGERPRINT_BYTES];
        for (target, source) in bytes.iter_mut().zip(digest(&SHA256, certificate).as_ref()) {
            *target = *source;
        }
        Self(bytes)
    }

    /// The 32 bytes, for comparing with what a system's trust store reports.
    #[cfg(test)]
    pub(crate) fn as_bytes(&self) -> &[u8; FINGERPRINT_BYTES] {
        &self.0
    }
}

/// `AA:BB:…`, upper case, 32 pairs.
impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { ":" };
            write!(formatter, "{separator}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fingerprint({self})")
    }
}

/// Bytes in a SHA-256 digest (FIPS 180-4, table 1).
const FINGERPRINT_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_is_shown_as_thirty_two_upper_case_pairs() {
        // SHA-256 of "abc", FIPS 180-4 example.
        let shown = Fingerprint::of(&CertificateDer::from_slice(b"abc")).to_string();
        assert_eq!(
            shown,
            "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD"
        );
    }

    #[test]
    fn one_changed_byte_changes_the_fingerprint() {
        let one = Fingerprint::of(&CertificateDer::from_slice(b"abc"));
        let other = Fingerprint::of(&CertificateDer::from_slice(b"abd"));
        assert_ne!(one, other);
        assert_ne!(one.as_bytes(), other.as_bytes());
    }
}
