//! Every way an import of the owner's own certificate can fail, in words for the owner.
//!
//! One variant for each thing the owner can do about it. The sentences say what is wrong and end with what to
//! do; windows and terminals may say them in other languages, going by the variant.

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
    #[error(
        "the {file} is larger than {limit_bytes} bytes; choose the file with this server's certificate alone"
    )]
    TooLarge {
        /// Which file.
        file: File,
        /// The most that is read.
        limit_bytes: usize,
    },
    /// No PEM marker anywhere: DER, PKCS#12, or something else altogether.
    #[error(
        "the {0} is not in PEM format; convert it to PEM, the text format with lines like -----BEGIN …-----"
    )]
    NotPem(File),
    /// PEM, but no certificate.
    #[error(
        "the certificate file holds no certificate; choose the file with a -----BEGIN CERTIFICATE----- line"
    )]
    NoCertificate,
    /// A marker without its end, or letters that are no base64.
    #[error("the {file} is damaged; copy it again, whole and unchanged, from where it was made")]
    Damaged {
        /// Which file.
        file: File,
        /// What the PEM reader found; nothing when it passed over a marker that is not at the start of its
        /// line.
        #[source]
        cause: Option<pem::Error>,
    },
    /// Fine as PEM, but the content is no certificate.
    #[error("certificate {position} in the file is damaged; copy the file again from where it was made")]
    DamagedCertificate {
        /// Which certificate.
        position: usize,
        /// What the parser found.
        #[source]
        cause: X509Error,
    },
    /// PEM, but no private key.
    #[error("the key file holds no private key; choose the file with a -----BEGIN PRIVATE KEY----- line")]
    NoKey,
    /// The key is protected by a passphrase.
    #[error(
        "the private key is protected by a passphrase; remove it first with: openssl pkey -in KEY -out NEWKEY"
    )]
    KeyEncrypted,
    /// More than one key.
    #[error("the key file holds {count} private keys; choose a file with the certificate's own key alone")]
    SeveralKeys {
        /// How many.
        count: usize,
    },
    /// A damaged key, or one that TLS servers do not use.
    #[error(
        "the private key cannot be used; use an ECDSA key (P-256, P-384) or an RSA key of 2048 to 8192 bits"
    )]
    KeyUnusable(#[source] rustls::Error),
    /// The key of another certificate.
    #[error(
        "the private key does not belong to the certificate; \
         choose the key the certificate was requested with"
    )]
    KeyMismatch,
    /// A certificate authority where a server certificate belongs.
    #[error(
        "the certificate is an authority's, not a server's; \
         choose the server's own, or make one with basicConstraints=CA:FALSE"
    )]
    AuthorityAsLeaf,
    /// All needed is there, but not in order.
    #[error(
        "certificate {position} ({subject}) is out of order; \
         put the server's certificate first, then each one's issuer"
    )]
    OutOfOrder {
        /// The certificate that belongs further up.
        position: usize,
        /// Whose it is.
        subject: String,
    },
    /// A certificate that the next one did not issue.
    #[error(
        "certificate {position} ({subject}) was not issued by the one after it; \
         use the full chain file of the issuer"
    )]
    NotIssuedByNext {
        /// The certificate whose issuer is missing.
        position: usize,
        /// Whose it is.
        subject: String,
    },
    /// An issuing certificate outside its time.
    #[error(
        "certificate {position} ({subject}) is not valid now; get the current chain file from the issuer"
    )]
    ChainNotValidNow {
        /// Which certificate.
        position: usize,
        /// Whose it is.
        subject: String,
    },
    /// Too late.
    #[error("the certificate expired on {}; renew it and import the new one", day(*.on))]
    Expired {
        /// Its last second.
        on: SystemTime,
    },
    /// Too early.
    #[error(
        "the certificate is not valid before {}; check the clock of this computer, or wait",
        day(*.until)
    )]
    NotYetValid {
        /// Its first second.
        until: SystemTime,
    },
    /// Nothing a browser would match.
    #[error("the certificate names no host and no address; request one with a subject alternative name")]
    NoNames,
    /// Key usage or extended key usage forbid it.
    #[error("the certificate is not meant for servers; request one for server authentication")]
    NotForServers,
    /// RSA under 2048 bits.
    #[error(
        "the certificate's RSA key has {bits} bits, which browsers refuse; \
         request a new one with 2048 or more"
    )]
    WeakKey {
        /// Length of the modulus.
        bits: usize,
    },
    /// Read by us, refused by the TLS library.
    #[error("the certificate cannot be used for TLS; request a new one from the issuer")]
    Unusable(#[source] rustls::Error),
}

/// A day in UTC, as `2027-01-15`.
fn day(moment: SystemTime) -> time::Date {
    OffsetDateTime::from(moment).date()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::testing::now;

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
            let text = error.to_string();
            let (_, advice) = text.split_once("; ").unwrap_or_else(|| panic!("no advice: {text}"));
            assert!(
                !advice.is_empty() && !text.ends_with('.') && text.starts_with(char::is_lowercase),
                "{text}"
            );
        }
        assert!(ImportError::Expired { on: now() }.to_string().contains("2027-01-15"));
        assert!(ImportError::NotPem(File::Key).to_string().starts_with("the key file"));
    }
}
