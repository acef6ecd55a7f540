//! Reading the owner's PEM files (RFC 7468): certificates from one, exactly one private key from the other.
//!
//! First step of an import; knows nothing of what a certificate says. The files come from many tools: text
//! between the sections, Windows line ends, a byte-order mark, and a key in the certificate file are all
//! fine. What must never happen is that a section is passed over in silence, because then the wrong
//! certificate would come first.

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretSlice};
use zeroize::Zeroizing;

use super::import_error::{File, ImportError};

/// All certificates of a file, in its order.
///
/// # Errors
///
/// [`ImportError::TooLarge`], [`ImportError::NotPem`], [`ImportError::NoCertificate`],
/// [`ImportError::Damaged`].
pub(super) fn read_chain(file: &[u8]) -> Result<Vec<CertificateDer<'static>>, ImportError> {
    let file = sections(file, File::Certificate)?;
    let (mut chain, mut fault) = (Vec::new(), None);
    for section in CertificateDer::pem_slice_iter(file) {
        match section {
            Ok(certificate) => chain.push(certificate),
            Err(cause) => fault = fault.or(Some(cause)),
        }
    }
    // A fault in a section of another kind, such as a key with a passphrase, is none of a certificate's; a
    // certificate that did not come out is, with or without a fault reported.
    match occurrences(file, CERTIFICATE_MARKER) {
        0 => Err(ImportError::NoCertificate),
        expected if expected == chain.len() => Ok(chain),
        _ => Err(ImportError::Damaged { file: File::Certificate, cause: fault }),
    }
}

/// The one private key of a file: PKCS#8, SEC1 or PKCS#1.
///
/// # Errors
///
/// [`ImportError::TooLarge`], [`ImportError::NotPem`], [`ImportError::NoKey`], [`ImportError::KeyEncrypted`],
/// [`ImportError::SeveralKeys`], [`ImportError::Damaged`].
pub(super) fn read_key(file: &SecretSlice<u8>) -> Result<SecretSlice<u8>, ImportError> {
    let file = sections(file.expose_secret(), File::Key)?;
    if ENCRYPTED_MARKERS.iter().any(|marker| occurrences(file, marker) > 0) {
        return Err(ImportError::KeyEncrypted);
    }
    let expected: usize = KEY_MARKERS.iter().map(|marker| occurrences(file, marker)).sum();
    match expected {
        0 => return Err(ImportError::NoKey),
        1 => {}
        count => return Err(ImportError::SeveralKeys { count }),
    }
    match PrivateKeyDer::from_pem_slice(file) {
        Ok(key) => Ok(SecretSlice::from(Zeroizing::new(key).secret_der().to_vec())),
        Err(pem::Error::NoItemsFound) => Err(ImportError::Damaged { file: File::Key, cause: None }),
        Err(cause) => Err(ImportError::Damaged { file: File::Key, cause: Some(cause) }),
    }
}

/// The file without a byte-order mark, if it is small enough and has PEM sections at all.
fn sections(bytes: &[u8], file: File) -> Result<&[u8], ImportError> {
    if bytes.len() > FILE_LIMIT_BYTES {
        return Err(ImportError::TooLarge { file, limit_bytes: FILE_LIMIT_BYTES });
    }
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if occurrences(bytes, b"-----BEGIN ") > 0 {
        return Ok(bytes);
    }
    let blank = bytes.iter().all(u8::is_ascii_whitespace);
    Err(match file {
        File::Certificate if blank => ImportError::NoCertificate,
        File::Key if blank => ImportError::NoKey,
        File::Certificate | File::Key => ImportError::NotPem(file),
    })
}

fn occurrences(bytes: &[u8], marker: &[u8]) -> usize {
    bytes.windows(marker.len()).filter(|window| *window == marker).count()
}

/// The most that is read of a file: 64 KiB; chosen, because TLS clients refuse a chain beyond 64 KiB anyway,
/// and ten RSA certificates with their text dumps stay beneath.
const FILE_LIMIT_BYTES: usize = 65_536;

/// UTF-8 byte-order mark, which Windows editors put first (RFC 3629 §6).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// RFC 7468 §5.
const CERTIFICATE_MARKER: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// RFC 7468 §10 and the two older forms of OpenSSL.
const KEY_MARKERS: [&[u8]; 3] =
    [b"-----BEGIN PRIVATE KEY-----", b"-----BEGIN EC PRIVATE KEY-----", b"-----BEGIN RSA PRIVATE KEY-----"];

/// RFC 7468 §11, and the header of OpenSSL's older form (RFC 1421 §4.6.1.1).
const ENCRYPTED_MARKERS: [&[u8]; 2] = [b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::testing;

    fn two() -> (String, Vec<CertificateDer<'static>>) {
        let chain: Vec<_> = ["a.lan", "b.lan"].map(|name| testing::certificate_named(&[name])).into();
        (testing::chain_pem(&chain.iter().collect::<Vec<_>>()), chain)
    }

    fn key() -> String {
        testing::pem("PRIVATE KEY", b"not judged here")
    }

    fn read(text: &str) -> Result<SecretSlice<u8>, ImportError> {
        read_key(&SecretSlice::from(text.as_bytes().to_vec()))
    }

    #[test]
    fn all_that_tools_put_around_the_certificates_is_tolerated() {
        let (text, chain) = two();
        let locked = testing::pem("RSA PRIVATE KEY", b"x").replacen('\n', "\nProc-Type: 4,ENCRYPTED\n\n", 1);
        let dump = format!("Bag Attributes\n  friendlyName: x\n{text}");
        for file in [
            text.clone(),
            text.replace('\n', "\r\n"),
            format!("\u{feff}{text}"),
            dump,
            format!("{}{text}", key()),
            format!("{text}{locked}"),
            text.trim_end().to_owned(),
        ] {
            assert_eq!(read_chain(file.as_bytes()).unwrap(), chain, "{file}");
        }
    }

    #[test]
    fn files_without_a_certificate_say_what_they_lack() {
        let (text, _) = two();
        for file in ["", " \r\n", &key(), &text.replace("CERTIFICATE", "PKCS7")] {
            assert!(matches!(read_chain(file.as_bytes()), Err(ImportError::NoCertificate)), "{file}");
        }
        for file in [&testing::certificate_named(&["a.lan"])[..], b"hello", b"\xff\xfe-\0-\0"] {
            assert!(matches!(read_chain(file), Err(ImportError::NotPem(File::Certificate))));
        }
    }

    #[test]
    fn a_damaged_certificate_is_never_passed_over_in_silence() {
        let (text, _) = two();
        let end = text.find("-----END").unwrap();
        let start = text.rfind("-----BEGIN").unwrap();
        for file in [
            format!("  {text}"),
            text[..text.len() - 30].to_owned(),
            format!("{}{}", &text[..end], &text[start..]),
            text.replacen("MII", "M!I", 1),
            text.replacen("-----END CERTIFICATE-----", "-----END KEY-----", 1),
        ] {
            let outcome = read_chain(file.as_bytes());
            assert!(
                matches!(outcome, Err(ImportError::Damaged { file: File::Certificate, .. })),
                "{outcome:?}\n{file}"
            );
        }
    }

    #[test]
    fn files_at_the_limit_are_read_and_beyond_it_not() {
        let (text, chain) = two();
        let filled = |bytes: usize| format!("{}\n{text}", "x".repeat(bytes - text.len() - 1)).into_bytes();
        assert_eq!(read_chain(&filled(FILE_LIMIT_BYTES)).unwrap(), chain);
        let beyond = read_chain(&filled(FILE_LIMIT_BYTES + 1));
        assert!(matches!(
            beyond,
            Err(ImportError::TooLarge { file: File::Certificate, limit_bytes: FILE_LIMIT_BYTES })
        ));
        let long_key = format!("{}{}", key(), "\n".repeat(FILE_LIMIT_BYTES));
        assert!(matches!(read(&long_key), Err(ImportError::TooLarge { file: File::Key, .. })));
    }

    #[test]
    fn every_common_form_of_key_is_read() {
        let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
        for label in ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"] {
            let section = testing::pem(label, b"content");
            for file in [section.clone(), format!("{parameters}{section}"), format!("{}{section}", two().0)] {
                assert_eq!(read(&file).unwrap().expose_secret(), b"content", "{file}");
            }
        }
    }

    #[test]
    fn files_without_exactly_one_plain_key_say_why() {
        for file in ["", &two().0, &testing::pem("OPENSSH PRIVATE KEY", b"x")] {
            assert!(matches!(read(file), Err(ImportError::NoKey)), "{file}");
        }
        assert!(matches!(read("secret"), Err(ImportError::NotPem(File::Key))));
        let two_keys = format!("{}{}", key(), testing::pem("EC PRIVATE KEY", b"x"));
        assert!(matches!(read(&two_keys), Err(ImportError::SeveralKeys { count: 2 })));
        let old = key().replacen('\n', "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n", 1);
        for file in [testing::pem("ENCRYPTED PRIVATE KEY", b"x"), old] {
            assert!(matches!(read(&file), Err(ImportError::KeyEncrypted)), "{file}");
        }
        let cut = key().replace("-----END", "-----EN");
        for file in [cut, format!(" {}", key()), key().replace('\n', "!\n")] {
            assert!(matches!(read(&file), Err(ImportError::Damaged { file: File::Key, .. })), "{file}");
        }
    }
}
