//! Every way an import of the owner's own certificate can fail, in words for the owner.
//!
//! One variant for each thing the owner can do about it. The sentences say what is wrong and end with what to
//! do; windows and terminals may say them in other languages, going by the variant.

use drawbridge_texts::{Sentence, Tell};
use std::fmt;
use std::time::SystemTime;

use rustls::pki_types::pem;
use time::OffsetDateTime;
use x509_parser::error::X509Error;

/// Which of the two files is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File {
    /// The one with the certificates.
    Certificate,
    /// The one with the private key.
    Key,
}

impl fmt::Display for File {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Certificate => "certificate file",
            Self::Key => "key file",
        })
    }
}

/// Why the owner's files were not taken. Positions count certificates in the file from 1.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// Larger than any certificate or key.
    #[error("the {file} is larger than {limit_bytes} bytes")]
    TooLarge {
        /// Which file.
        file: File,
        /// The most that is read.
        limit_bytes: usize,
    },
    /// No PEM marker anywhere: DER, PKCS#12, or something else altogether.
    #[error("the {0} is no PEM")]
    NotPem(File),
    /// PEM, but no certificate.
    #[error("the certificate file holds no certificate")]
    NoCertificate,
    /// A marker without its end, or letters that are no base64.
    #[error("the {file} is damaged")]
    Damaged {
        /// Which file.
        file: File,
        /// What the PEM reader found; nothing when it passed over a marker that is not at the start of its
        /// line.
        #[source]
        cause: Option<pem::Error>,
    },
    /// Fine as PEM, but the content is no certificate.
    #[error("certificate {position} is damaged ({cause})")]
    DamagedCertificate {
        /// Which certificate.
        position: usize,
        /// What the parser found.
        #[source]
        cause: X509Error,
    },
    /// PEM, but no private key.
    #[error("the key file holds no private key")]
    NoKey,
    /// The key is protected by a passphrase.
    #[error("the private key has a passphrase")]
    KeyEncrypted,
    /// More than one key.
    #[error("the key file holds {count} private keys")]
    SeveralKeys {
        /// How many.
        count: usize,
    },
    /// A damaged key, or one that TLS servers do not use.
    #[error("the private key cannot be used ({0})")]
    KeyUnusable(#[source] rustls::Error),
    /// The key of another certificate.
    #[error("the private key is another certificate's")]
    KeyMismatch,
    /// A certificate authority where a server certificate belongs.
    #[error("the certificate is an authority's")]
    AuthorityAsLeaf,
    /// All needed is there, but not in order.
    #[error("certificate {position} ({subject}) is out of order")]
    OutOfOrder {
        /// The certificate that belongs further up.
        position: usize,
        /// Whose it is.
        subject: String,
    },
    /// A certificate that the next one did not issue.
    #[error("certificate {position} ({subject}) was not issued by the next")]
    NotIssuedByNext {
        /// The certificate whose issuer is missing.
        position: usize,
        /// Whose it is.
        subject: String,
    },
    /// An issuing certificate outside its time.
    #[error("certificate {position} ({subject}) is not valid now")]
    ChainNotValidNow {
        /// Which certificate.
        position: usize,
        /// Whose it is.
        subject: String,
    },
    /// Too late.
    #[error("the certificate expired on {}", day(*.on))]
    Expired {
        /// Its last second.
        on: SystemTime,
    },
    /// Too early.
    #[error("the certificate is not valid before {}", day(*.until))]
    NotYetValid {
        /// Its first second.
        until: SystemTime,
    },
    /// Nothing a browser would match.
    #[error("the certificate names no host and no address")]
    NoNames,
    /// Key usage or extended key usage forbid it.
    #[error("the certificate is not for servers")]
    NotForServers,
    /// RSA under 2048 bits.
    #[error("the certificate's RSA key has {bits} bits")]
    WeakKey {
        /// Length of the modulus.
        bits: usize,
    },
    /// Read by us, refused by the TLS library.
    #[error("the certificate cannot be used for TLS ({0})")]
    Unusable(#[source] rustls::Error),
}

impl Tell for ImportError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::TooLarge { file: File::Certificate, limit_bytes } => {
                Sentence::new("import-certificate-too-large").with("bytes", *limit_bytes)
            }
            Self::TooLarge { file: File::Key, limit_bytes } => {
                Sentence::new("import-key-too-large").with("bytes", *limit_bytes)
            }
            Self::NotPem(File::Certificate) => Sentence::new("import-certificate-no-pem"),
            Self::NotPem(File::Key) => Sentence::new("import-key-no-pem"),
            Self::NoCertificate => Sentence::new("import-no-certificate"),
            Self::Damaged { file: File::Certificate, .. } => Sentence::new("import-certificate-damaged"),
            Self::Damaged { file: File::Key, .. } => Sentence::new("import-key-damaged"),
            Self::DamagedCertificate { position, .. } => {
                Sentence::new("import-one-damaged").with("position", *position)
            }
            Self::NoKey => Sentence::new("import-no-key"),
            Self::KeyEncrypted => Sentence::new("import-key-encrypted"),
            Self::SeveralKeys { count } => Sentence::new("import-several-keys").with("count", *count),
            Self::KeyUnusable(_) => Sentence::new("import-key-unusable"),
            Self::KeyMismatch => Sentence::new("import-key-mismatch"),
            Self::AuthorityAsLeaf => Sentence::new("import-authority"),
            Self::OutOfOrder { position, subject } => {
                Sentence::new("import-out-of-order").with("position", *position).with("subject", subject)
            }
            Self::NotIssuedByNext { position, subject } => Sentence::new("import-not-issued-by-next")
                .with("position", *position)
                .with("subject", subject),
            Self::ChainNotValidNow { position, subject } => Sentence::new("import-chain-not-valid-now")
                .with("position", *position)
                .with("subject", subject),
            Self::Expired { on } => Sentence::new("import-expired").quoting("day", &day(*on)),
            Self::NotYetValid { until } => Sentence::new("import-not-yet-valid").quoting("day", &day(*until)),
            Self::NoNames => Sentence::new("import-no-names"),
            Self::NotForServers => Sentence::new("import-not-for-servers"),
            Self::WeakKey { bits } => Sentence::new("import-weak-key").with("bits", *bits),
            Self::Unusable(_) => Sentence::new("import-unusable"),
        }
    }
}

/// A day in UTC, as `2027-01-15`.
fn day(moment: SystemTime) -> time::Date {
    OffsetDateTime::from(moment).date()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{certificates::testing::now, testing::said};

    #[test]
    fn sentences_are_plain_and_end_with_what_to_do() {
        let errors = [
            ImportError::TooLarge { file: File::Key, limit_bytes: 9 },
            ImportError::NotPem(File::Certificate),
            ImportError::NoCertificate,
            ImportError::Damaged { file: File::Key, cause: None },
            ImportError::DamagedCertificate { position: 2, cause: X509Error::Generic },
            ImportError::NoKey,
            ImportError::KeyEncrypted,
            ImportError::SeveralKeys { count: 2 },
            ImportError::KeyUnusable(rustls::Error::DecryptError),
            ImportError::KeyMismatch,
            ImportError::AuthorityAsLeaf,
            ImportError::OutOfOrder { position: 2, subject: "CN=x".to_owned() },
            ImportError::NotIssuedByNext { position: 1, subject: "CN=x".to_owned() },
            ImportError::ChainNotValidNow { position: 2, subject: "CN=x".to_owned() },
            ImportError::Expired { on: now() },
            ImportError::NotYetValid { until: now() },
            ImportError::NoNames,
            ImportError::NotForServers,
            ImportError::WeakKey { bits: 1024 },
            ImportError::Unusable(rustls::Error::DecryptError),
        ];
        for error in errors {
            let text = said(&error.sentence());
            let (_, advice) = text.split_once("; ").unwrap_or_else(|| panic!("no advice: {text}"));
            assert!(
                !advice.is_empty() && !text.ends_with('.') && text.starts_with(char::is_lowercase),
                "{text}"
            );
        }
        assert!(said(&ImportError::Expired { on: now() }.sentence()).contains("2027-01-15"));
        assert!(said(&ImportError::NotPem(File::Key).sentence()).starts_with("the key file"));
    }
}
