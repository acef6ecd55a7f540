//! The fingerprint of a certificate: what a person compares before trusting it.
//!
//! It names a certificate on screens, in the trust-store install and in tests. It is not a secret and proves
//! nothing by itself.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

/// SHA-256 over the DER of a whole certificate, as browsers and `openssl x509 -fingerprint -sha256` show it.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, Hash, Serialize)]
#[serde(try_from = "String", into = "String")]
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

/// Reads what [`fmt::Display`] writes, in any case.
impl TryFrom<String> for Fingerprint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes: Option<Vec<u8>> = text
            .split(':')
            .map(|pair| {
                let digits = pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
                digits.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
            })
            .collect();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("a fingerprint has 32 pairs of hexadecimal digits between colons")
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
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

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let known = Fingerprint::of(&CertificateDer::from(vec![1, 2, 3]));
        assert_eq!(Fingerprint::try_from(known.to_string()), Ok(known));
        assert_eq!(Fingerprint::try_from(known.to_string().to_lowercase()), Ok(known));
        let text = known.to_string();
        for wrong in [
            "",
            "AA",
            &text[3..],
            &format!("{text}:00"),
            &text.replace(':', ""),
            &text.replacen(':', ":+", 1),
        ] {
            assert!(Fingerprint::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
