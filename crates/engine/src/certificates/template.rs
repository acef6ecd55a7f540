//! What every certificate of ours has in common: dates, serial number, and the form of a server's
//! certificate.
//!
//! Beneath [`super::authority`] and `self_signed`, which add who signs. rcgen's own defaults (valid
//! 1975 to 4096, a serial derived from the key, a subject naming rcgen) are never used.

use drawbridge_texts::{Sentence, Tell};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::error::Unspecified;
use rcgen::string::Ia5String;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType,
    SerialNumber,
};
use time::OffsetDateTime;

use super::leaf::LeafError;
use super::names::Names;
use crate::random::{self, NoRandomness};

/// How making a certificate fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MakeError {
    /// The clock shows a time before 1970 or after 9999.
    #[error("the clock shows a date no certificate can carry")]
    Clock,
    /// The system gave no random bytes.
    #[error("no random numbers")]
    Randomness(#[source] NoRandomness),
    /// The provider made no key.
    #[error("no private key was made")]
    Key(#[source] Unspecified),
    /// Nothing to put into the certificate.
    #[error("a certificate for no name")]
    NoNames,
    /// A host name that no certificate can carry.
    #[error("no certificate can carry the name {name:?}")]
    Name {
        /// The name as asked for.
        name: String,
        /// Why it cannot.
        #[source]
        cause: rcgen::Error,
    },
    /// The certificate could not be put together and signed.
    #[error("a certificate was not signed ({0})")]
    Sign(#[source] rcgen::Error),
    /// What was made could not be read back.
    #[error("a certificate just made was not read back ({0})")]
    ReadBack(#[source] LeafError),
}

impl Tell for MakeError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Clock => Sentence::new("make-clock"),
            Self::Randomness(_) => Sentence::new("make-randomness"),
            Self::Key(_) => Sentence::new("make-key"),
            Self::NoNames => Sentence::new("make-no-names"),
            Self::Name { name, .. } => Sentence::new("make-name").with("name", name),
            Self::Sign(_) => Sentence::new("make-unsigned"),
            Self::ReadBack(_) => Sentence::new("make-unread"),
        }
    }
}

/// First and last second of a certificate to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// First second.
    pub(super) not_before: OffsetDateTime,
    /// Last second.
    pub(super) not_after: OffsetDateTime,
}

impl Window {
    /// From a little before `now` until `life` after it.
    ///
    /// # Errors
    ///
    /// [`MakeError::Clock`].
    pub(super) fn starting(now: SystemTime, life: Duration) -> Result<Self, MakeError> {
        let begin = now.checked_sub(BACK_DATE).ok_or(MakeError::Clock)?;
        let end = now.checked_add(life).ok_or(MakeError::Clock)?;
        Ok(Self { not_before: whole_second(begin)?, not_after: whole_second(end)? })
    }

    /// The same, but ending no later than `end`.
    ///
    /// # Errors
    ///
    /// [`MakeError::Clock`].
    pub(super) fn ending_by(self, end: SystemTime) -> Result<Self, MakeError> {
        Ok(Self { not_after: self.not_after.min(whole_second(end)?), ..self })
    }
}

fn whole_second(moment: SystemTime) -> Result<OffsetDateTime, MakeError> {
    let seconds = moment.duration_since(UNIX_EPOCH).map_err(|_| MakeError::Clock)?.as_secs();
    let seconds = i64::try_from(seconds).map_err(|_| MakeError::Clock)?;
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| MakeError::Clock)
}

/// A certificate for a web server with these names, ready to be signed by an issuer or by its own key.
///
/// `common_name` is what the subject says; without one the subject is empty and the names become critical, as
/// RFC 5280 §4.1.2.6 wants it. Names stand in the subject alternative name only.
///
/// # Errors
///
/// [`MakeError::NoNames`], [`MakeError::Name`], [`MakeError::Randomness`].
pub(super) fn server(
    names: &Names,
    window: Window,
    common_name: Option<&str>,
) -> Result<CertificateParams, MakeError> {
    if names.is_empty() {
        return Err(MakeError::NoNames);
    }
    let mut params = base(window, common_name)?;
    for host in names.hosts() {
        let text = Ia5String::try_from(host.as_str())
            .map_err(|cause| MakeError::Name { name: host.clone(), cause })?;
        params.subject_alt_names.push(SanType::DnsName(text));
    }
    params.subject_alt_names.extend(names.addresses().iter().copied().map(SanType::IpAddress));
    // Said out loud, because a certificate that may sign others is refused as a server's by Firefox.
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// Dates, a random serial number and a subject; nothing else.
///
/// # Errors
///
/// [`MakeError::Randomness`].
pub(super) fn base(window: Window, common_name: Option<&str>) -> Result<CertificateParams, MakeError> {
    let mut params = CertificateParams::default();
    params.not_before = window.not_before;
    params.not_after = window.not_after;
    params.serial_number = Some(serial()?);
    params.distinguished_name = DistinguishedName::new();
    if let Some(name) = common_name {
        params.distinguished_name.push(DnType::CommonName, name);
    }
    Ok(params)
}

fn serial() -> Result<SerialNumber, MakeError> {
    let mut bytes: [u8; SERIAL_BYTES] = random::bytes().map_err(MakeError::Randomness)?;
    if let Some(first) = bytes.first_mut() {
        // Positive (RFC 5280 §4.1.2.2) and of one length: the top bit off, the next on.
        *first = (*first & 0x7f) | 0x40;
    }
    Ok(SerialNumber::from_slice(&bytes))
}

/// How far before `now` a certificate begins: 1 h; chosen, because phones and boards without a battery clock
/// run behind by minutes, and an hour is also what a wrong daylight-saving setting costs. Let's Encrypt
/// back-dates by the same.
const BACK_DATE: Duration = Duration::from_secs(3_600);

/// Bytes of a serial number: 16; RFC 5280 §4.1.2.2 allows 20, the CA/Browser Forum asks for 64 random bits,
/// these have 126.
const SERIAL_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::testing::now;

    #[test]
    fn a_window_begins_an_hour_early_and_ends_on_time() {
        let window = Window::starting(now(), Duration::from_secs(600)).unwrap();
        assert_eq!(SystemTime::from(window.not_before), now() - Duration::from_secs(3_600));
        assert_eq!(SystemTime::from(window.not_after), now() + Duration::from_secs(600));
        let short = window.ending_by(now() + Duration::from_secs(9)).unwrap();
        assert_eq!(SystemTime::from(short.not_after), now() + Duration::from_secs(9));
        let unchanged = window.ending_by(now() + Duration::from_secs(900)).unwrap();
        assert_eq!(unchanged.not_after, window.not_after);
    }

    #[test]
    fn an_impossible_clock_is_an_error_and_no_panic() {
        let day = Duration::from_secs(86_400);
        assert!(matches!(Window::starting(UNIX_EPOCH, day), Err(MakeError::Clock)));
        let far = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        assert!(matches!(Window::starting(far, day), Err(MakeError::Clock)));
    }

    #[test]
    fn serial_numbers_are_positive_full_length_and_differ() {
        let (one, other) = (serial().unwrap().to_bytes(), serial().unwrap().to_bytes());
        assert_eq!(one.len(), SERIAL_BYTES);
        assert_eq!(one.first().unwrap() & 0xc0, 0x40);
        assert_ne!(one, other);
    }

    #[test]
    fn names_a_certificate_cannot_carry_are_named() {
        let window = Window::starting(now(), Duration::from_secs(600)).unwrap();
        assert!(matches!(server(&Names::default(), window, None), Err(MakeError::NoNames)));
        let error = server(&Names::new([], ["näs.lan"]), window, None).unwrap_err();
        assert!(matches!(error, MakeError::Name { ref name, .. } if name == "näs.lan"), "{error}");
    }
}
