//! Reading a certificate: its names, dates and who signed it.
//!
//! Only facts are taken from the bytes here; what they must be is judged by [`super::leaf`],
//! [`super::chain`], [`super::imported`] and [`super::authority`]. Trust is never decided here: that is the
//! client's business.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::crypto::aws_lc_rs;
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

use super::names::Names;

/// Reads one certificate that fills `der` to the last byte.
///
/// # Errors
///
/// The parser's own error; bytes behind the certificate count as [`X509Error::InvalidCertificate`], and two
/// different signature algorithms inside and outside of what is signed (RFC 5280 §4.1.1.2 forbids it, and
/// every client refuses it) as [`X509Error::InvalidAlgorithmIdentifier`].
pub(super) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, X509Error> {
    let (rest, certificate) = X509Certificate::from_der(der)?;
    if !rest.is_empty() {
        return Err(X509Error::InvalidCertificate);
    }
    if certificate.signature_algorithm != certificate.tbs_certificate.signature {
        return Err(X509Error::InvalidAlgorithmIdentifier);
    }
    Ok(certificate)
}

/// The DNS names and addresses of the subject alternative name; other kinds of names are no business of a web
/// server.
///
/// # Errors
///
/// When the extension is there twice or cannot be read.
pub(super) fn names(certificate: &X509Certificate<'_>) -> Result<Names, X509Error> {
    let Some(extension) = certificate.subject_alternative_name()? else {
        return Ok(Names::default());
    };
    let (mut addresses, mut hosts) = (Vec::new(), Vec::new());
    for name in &extension.value.general_names {
        if let GeneralName::DNSName(host) = name {
            hosts.push(*host);
        } else if let GeneralName::IPAddress(octets) = name {
            addresses.extend(address(octets));
        }
    }
    // A DNS name that reads as an address covers nothing for any client; taking it for an address would
    // promise more.
    hosts.retain(|host| host.parse::<IpAddr>().is_err());
    Ok(Names::new(addresses, hosts))
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).ok().map(|octets| IpAddr::from(Ipv4Addr::from(octets)));
    v4.or_else(|| <[u8; 16]>::try_from(octets).ok().map(|octets| IpAddr::from(Ipv6Addr::from(octets))))
}

/// First and last second of validity.
pub(super) fn validity(certificate: &X509Certificate<'_>) -> (SystemTime, SystemTime) {
    (moment(certificate.validity().not_before), moment(certificate.validity().not_after))
}

/// Dates before 1970 become 1970: such a certificate has long begun, or long ended.
fn moment(time: ASN1Time) -> SystemTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or(0);
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(UNIX_EPOCH)
}

/// Whether `issuer` is named as the issuer of `certificate` and its key made the signature.
///
/// The signature decides; the algorithm named in the certificate is not consulted, because only one can have
/// made it.
pub(super) fn is_signed_by(certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
    let key = &issuer.public_key().subject_public_key.data;
    let signature = &certificate.signature_value.data;
    let verifies =
        aws_lc_rs::default_provider().signature_verification_algorithms.all.iter().any(|algorithm| {
            algorithm.verify_signature(key, certificate.tbs_certificate.as_ref(), signature).is_ok()
        });
    verifies && certificate.issuer().as_raw() == issuer.subject().as_raw()
}

/// The subject as text for the owner: what a stranger wrote there, made harmless for a terminal and cut
/// short.
pub(super) fn subject(certificate: &X509Certificate<'_>) -> String {
    let text = certificate.subject().to_string();
    let harmless: String = text.chars().filter(|letter| !deceives(*letter)).take(SUBJECT_CHARS).collect();
    if harmless.is_empty() { "no name".to_owned() } else { harmless }
}

/// Letters that steer a terminal, are invisible, or turn the reading direction around (Unicode UAX #9).
fn deceives(letter: char) -> bool {
    let unseen =
        matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
    unseen || letter.is_control()
}

/// Characters of a subject shown in a message: one line of a terminal; chosen, a name longer than this helps
/// nobody.
const SUBJECT_CHARS: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::testing;

    #[test]
    fn bytes_behind_a_certificate_are_an_error() {
        let certificate = testing::certificate_named(&["nas.lan"]);
        assert!(parse(&certificate).is_ok());
        let mut longer = certificate.to_vec();
        longer.push(0);
        assert!(matches!(parse(&longer), Err(X509Error::InvalidCertificate)));
        let shorter = certificate.get(..certificate.len() - 1).unwrap();
        assert!(parse(shorter).is_err());
    }

    #[test]
    fn names_and_dates_come_from_the_certificate() {
        let der = testing::certificate_named(&["nas.lan", "fd00::1", "10.0.0.9"]);
        let certificate = parse(&der).unwrap();
        let expected = Names::new(["10.0.0.9".parse().unwrap(), "fd00::1".parse().unwrap()], ["nas.lan"]);
        assert_eq!(names(&certificate).unwrap(), expected);
        assert_eq!(validity(&certificate), (testing::now(), testing::now() + Duration::from_secs(86_400)));
    }

    #[test]
    fn a_certificate_is_signed_by_its_issuer_and_by_nobody_else() {
        let (root, other) = (testing::Signer::root("one"), testing::Signer::root("one"));
        let leaf = root.leaf(&["nas.lan"]).0;
        let leaf = parse(&leaf).unwrap();
        assert!(is_signed_by(&leaf, &parse(root.der()).unwrap()));
        assert!(!is_signed_by(&leaf, &parse(other.der()).unwrap()), "same name, other key");
        let renamed = root.renamed("two");
        assert!(!is_signed_by(&leaf, &parse(&renamed).unwrap()), "same key, other name");
    }

    #[test]
    fn two_different_signature_algorithms_in_one_certificate_are_an_error() {
        // ecdsa-with-SHA256, 1.2.840.10045.4.3.2 (RFC 5758 §3.2): once signed, once beside the signature.
        let algorithm = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
        let mut der = testing::certificate_named(&["nas.lan"]).to_vec();
        let outer = der.windows(algorithm.len()).rposition(|window| window == algorithm).unwrap();
        der[outer + algorithm.len() - 1] = 3;
        assert!(matches!(parse(&der), Err(X509Error::InvalidAlgorithmIdentifier)));
    }

    #[test]
    fn a_subject_cannot_steer_a_terminal_or_hide_itself() {
        let root = testing::Signer::root(&format!("evil\u{1b}[2J\u{202e}\u{7}{}", "x".repeat(500)));
        let shown = subject(&parse(root.der()).unwrap());
        assert!(shown.contains("evil"), "{shown}");
        assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{shown:?}");
        assert_eq!(shown.chars().count(), SUBJECT_CHARS);
    }
}
