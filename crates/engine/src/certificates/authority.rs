//! The local authority: one per installation, trusted by the owner's devices, able to sign for private
//! networks only.
//!
//! It makes the certificates of LAN doors. It does not decide which names they carry, does not keep its key
//! (the store seals the bytes that [`Authority::create`] gives out once) and does not put itself into any
//! trust store.

use drawbridge_texts::{Sentence, Tell};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use aws_lc_rs::error::KeyRejected;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, PublicKeyData,
};
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use secrecy::{ExposeSecret, SecretSlice};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::ExtendedKeyUsage;

use super::fingerprint::Fingerprint;
use super::key::P256Key;
use super::leaf::{Issuer, Leaf};
use super::names::Names;
use super::template::{MakeError, Window};
use super::{constraints, template, x509};
use crate::random;

/// Our own certificate authority, ready to sign. Debug output leaves the key out.
#[derive(Debug)]
pub(crate) struct Authority {
    certificate: CertificateDer<'static>,
    issuer: rcgen::Issuer<'static, P256Key>,
    not_before: SystemTime,
    not_after: SystemTime,
}

/// How making, reading or using the local authority fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthorityError {
    /// A certificate could not be made.
    #[error("a certificate was not made ({0})")]
    Make(#[from] MakeError),
    /// The kept certificate is damaged.
    #[error("the authority's certificate was not read ({0})")]
    CertificateUnreadable(#[source] X509Error),
    /// The kept certificate is damaged in a way that only TLS clients, who read more strictly, would notice.
    #[error("the authority's certificate would be refused ({0})")]
    CertificateRefused(#[source] rustls::Error),
    /// The kept key is damaged.
    #[error("the authority's key was not read ({0})")]
    KeyUnreadable(#[source] KeyRejected),
    /// Certificate and key are each fine, but not of one pair.
    #[error("the authority's key and certificate are no pair")]
    KeyMismatch,
    /// The certificate is not one that [`Authority::create`] makes.
    #[error("the kept authority is not ours: {0}")]
    NotOurs(#[source] Deviation),
    /// Its time has not come: the clock went back.
    #[error("the authority is not valid yet")]
    NotYetValid,
    /// Its time is over.
    #[error("the authority has expired")]
    Expired,
    /// Asked to sign for somebody else's name.
    #[error("the authority may not name {name}")]
    OutsideConstraints {
        /// The address or host as asked for.
        name: String,
    },
}

impl Tell for AuthorityError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Make(error) => error.sentence(),
            Self::CertificateUnreadable(_) => Sentence::new("authority-unreadable"),
            Self::CertificateRefused(_) => Sentence::new("authority-refused"),
            Self::KeyUnreadable(_) => Sentence::new("authority-key-unreadable"),
            Self::KeyMismatch => Sentence::new("authority-key-mismatch"),
            Self::NotOurs(_) => Sentence::new("authority-not-ours"),
            Self::NotYetValid => Sentence::new("authority-not-yet-valid"),
            Self::Expired => Sentence::new("authority-expired"),
            Self::OutsideConstraints { name } => Sentence::new("authority-outside").with("name", name),
        }
    }
}

/// In what a kept certificate differs from a local authority of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Deviation {
    /// No CA, or one that may make further CAs.
    #[error("it is not an authority that signs servers directly")]
    Role,
    /// Key usage or extended key usage.
    #[error("its key may be used for other things")]
    Usage,
    /// Name constraints missing, not critical, or other than ours.
    #[error("its limits on names are not ours")]
    Constraints,
    /// Its subject is not ours.
    #[error("its subject is not ours")]
    Subject,
    /// Not signed by its own key: altered after it was made.
    #[error("its signature is broken")]
    Signature,
}

impl Authority {
    /// Makes a new authority and gives out its key, PKCS#8 DER, to be sealed; this is the only time it
    /// leaves.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::Make`].
    pub(crate) fn create(now: SystemTime) -> Result<(Self, SecretSlice<u8>), AuthorityError> {
        let digits = random::bytes().map_err(MakeError::Randomness)?;
        let name = format!("{COMMON_NAME} {:08x}", u32::from_be_bytes(digits));
        let params = params(Window::starting(now, AUTHORITY_LIFE)?, &name)?;
        let (key, pkcs8) = P256Key::generate().map_err(MakeError::Key)?;
        let certificate = params.self_signed(&key).map_err(MakeError::Sign)?;
        let authority = Self {
            certificate: certificate.into(),
            not_before: params.not_before.into(),
            not_after: params.not_after.into(),
            issuer: rcgen::Issuer::new(params, key),
        };
        Ok((authority, pkcs8))
    }

    /// Takes up a kept authority again, after checking that it is one of ours, whole, and valid at `now`.
    ///
    /// # Errors
    ///
    /// Every variant but [`AuthorityError::OutsideConstraints`]; nothing is repaired and nothing replaced
    /// here.
    pub(crate) fn load(
        certificate: CertificateDer<'static>,
        key_pkcs8: &SecretSlice<u8>,
        now: SystemTime,
    ) -> Result<Self, AuthorityError> {
        let parsed = x509::parse(&certificate).map_err(AuthorityError::CertificateUnreadable)?;
        ParsedCertificate::try_from(&certificate).map_err(AuthorityError::CertificateRefused)?;
        let key = P256Key::from_pkcs8(key_pkcs8.expose_secret()).map_err(AuthorityError::KeyUnreadable)?;
        if parsed.public_key().raw != key.subject_public_key_info() {
            return Err(AuthorityError::KeyMismatch);
        }
        let name = common_name(&parsed).map_err(AuthorityError::NotOurs)?.to_owned();
        let (not_before, not_after) = x509::validity(&parsed);
        let params = params(Window { not_before: not_before.into(), not_after: not_after.into() }, &name)?;
        let issuer = rcgen::Issuer::new(params, key);
        let authority = Self { certificate, issuer, not_before, not_after };
        authority.check_time(now)?;
        Ok(authority)
    }

    /// Whether [`Authority::issue`] would name this address.
    pub(crate) fn permits_address(&self, address: IpAddr) -> bool {
        constraints::permit_address(address)
    }

    /// Whether [`Authority::issue`] would name this host; wildcards never.
    pub(crate) fn permits_host(&self, host: &str) -> bool {
        constraints::is_local_name(host)
    }

    /// Makes a certificate and a key of its own for a server with these names.
    ///
    /// The subject is empty: nothing about this computer, its tools or this program is said beyond the names.
    /// The chain is the one certificate, since whoever trusts the authority has it already.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::OutsideConstraints`] with the first name that is not permitted,
    /// [`AuthorityError::Expired`], [`AuthorityError::NotYetValid`], [`AuthorityError::Make`].
    pub(crate) fn issue(&self, names: &Names, now: SystemTime) -> Result<Leaf, AuthorityError> {
        self.check_time(now)?;
        let address = names
            .addresses()
            .iter()
            .find(|address| !self.permits_address(**address))
            .map(ToString::to_string);
        let host = || names.hosts().iter().find(|host| !self.permits_host(host)).cloned();
        if let Some(name) = address.or_else(host) {
            return Err(AuthorityError::OutsideConstraints { name });
        }
        let window = Window::starting(now, LEAF_LIFE)?.ending_by(self.not_after)?;
        let mut params = template::server(names, window, None)?;
        params.use_authority_key_identifier_extension = true;
        let (key, pkcs8) = P256Key::generate().map_err(MakeError::Key)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(MakeError::Sign)?;
        let leaf = Leaf::load(vec![certificate.into()], &pkcs8, Issuer::LocalAuthority);
        Ok(leaf.map_err(MakeError::ReadBack)?)
    }

    /// The certificate to keep, to hand out and to trust.
    pub(crate) fn certificate_der(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The certificate as a PEM file (RFC 7468): 64 letters a line, line feeds.
    pub(crate) fn certificate_pem(&self) -> String {
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        for (place, letter) in STANDARD.encode(&self.certificate).chars().enumerate() {
            if place > 0 && place % PEM_LINE_CHARS == 0 {
                pem.push('\n');
            }
            pem.push(letter);
        }
        pem + "\n-----END CERTIFICATE-----\n"
    }

    /// What the owner compares on the device that shall trust it.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.certificate)
    }

    /// Last second of validity.
    pub(crate) fn not_after(&self) -> SystemTime {
        self.not_after
    }

    fn check_time(&self, now: SystemTime) -> Result<(), AuthorityError> {
        if now < self.not_before {
            return Err(AuthorityError::NotYetValid);
        }
        if now > self.not_after {
            return Err(AuthorityError::Expired);
        }
        Ok(())
    }
}

/// The one form of an authority's certificate; [`common_name`] recognises it again.
fn params(window: Window, common_name: &str) -> Result<CertificateParams, MakeError> {
    let mut params = template::base(window, Some(common_name))?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // Name constraints say nothing about mail addresses or programs; this keeps a stolen key from signing
    // those.
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.name_constraints = Some(constraints::extension());
    Ok(params)
}

/// The common name of a certificate of the form that [`params`] makes.
fn common_name<'a>(certificate: &'a X509Certificate<'_>) -> Result<&'a str, Deviation> {
    let role = certificate.basic_constraints().ok().flatten().ok_or(Deviation::Role)?;
    if !(role.critical && role.value.ca && role.value.path_len_constraint == Some(0)) {
        return Err(Deviation::Role);
    }
    let usage = certificate.key_usage().ok().flatten().ok_or(Deviation::Usage)?;
    let servers = certificate.extended_key_usage().ok().flatten().ok_or(Deviation::Usage)?;
    if usage.value.flags != KEY_CERT_SIGN_AND_CRL_SIGN || *servers.value != SERVERS_ONLY {
        return Err(Deviation::Usage);
    }
    let limits = certificate.name_constraints().ok().flatten().ok_or(Deviation::Constraints)?;
    if !(limits.critical && constraints::are_ours(limits.value)) {
        return Err(Deviation::Constraints);
    }
    if !x509::is_signed_by(certificate, certificate) {
        return Err(Deviation::Signature);
    }
    let mut attributes = certificate.subject().iter_attributes();
    let name = attributes
        .next()
        .and_then(|attribute| attribute.as_str().ok())
        .filter(|_| attributes.next().is_none());
    let common =
        certificate.subject().iter_common_name().next().and_then(|attribute| attribute.as_str().ok());
    match (name, common) {
        (Some(name), Some(common)) if name == common && name.starts_with(COMMON_NAME) => Ok(name),
        _ => Err(Deviation::Subject),
    }
}

/// How an authority is called; eight random hexadecimal digits follow, so that two installations can be told
/// apart without either saying whose it is.
const COMMON_NAME: &str = "Drawbridge local authority";

/// How long an authority lives: 3650 days; chosen, as mkcert does, because renewing means trusting it anew on
/// every device by hand, and its name constraints keep a long life harmless.
const AUTHORITY_LIFE: Duration = Duration::from_secs(3_650 * 86_400);

/// How long a leaf lives: 90 days; chosen, the custom of Let's Encrypt, far under the 825 days that Apple
/// systems allow a certificate of a private authority. Renewed by itself at two thirds.
const LEAF_LIFE: Duration = Duration::from_secs(90 * 86_400);

/// Letters in a line of a PEM file (RFC 7468 §2).
const PEM_LINE_CHARS: usize = 64;

/// keyCertSign is bit 5 and cRLSign bit 6 of the key usage (RFC 5280 §4.2.1.3); the parser counts from the
/// lowest.
const KEY_CERT_SIGN_AND_CRL_SIGN: u16 = 1 << 5 | 1 << 6;

/// Server authentication and no other purpose (RFC 5280 §4.2.1.12).
const SERVERS_ONLY: ExtendedKeyUsage<'static> = ExtendedKeyUsage {
    any: false,
    server_auth: true,
    client_auth: false,
    code_signing: false,
    email_protection: false,
    time_stamping: false,
    ocsp_signing: false,
    other: Vec::new(),
};

#[cfg(test)]
mod tests;
