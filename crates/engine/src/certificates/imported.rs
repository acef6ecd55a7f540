//! The owner's own certificate: a PEM file with the chain, a PEM file with the key, checked before anything
//! changes.
//!
//! Path of an import: [`super::pem`] reads the files, [`super::chain`] checks order and signatures, this file
//! judges the server certificate, and [`Leaf::load`] proves the key. Saving it, and telling which doors it
//! covers, comes after. Whether visitors' devices trust its issuer is not asked: a private authority is the
//! owner's good right.

use std::time::SystemTime;

use secrecy::SecretSlice;
use x509_parser::certificate::X509Certificate;
use x509_parser::public_key::PublicKey;

use super::import_error::ImportError;
use super::leaf::{Issuer, Leaf, LeafError};
use super::names::Names;
use super::{chain, pem, x509};

/// A certificate of the owner's that passed every check at the time of import.
#[derive(Debug)]
pub(crate) struct Imported {
    leaf: Leaf,
}

/// Checks the owner's two files.
///
/// `chain_pem` is the server's certificate, then its issuers, the root optional; a private key in it is
/// passed over. `key_pem` holds the private key, without passphrase; certificates in it are passed over, so
/// that one combined file may be given twice.
///
/// # Errors
///
/// [`ImportError`]: the first thing wrong, files before chain before certificate before key.
pub(crate) fn check(
    chain_pem: &[u8],
    key_pem: &SecretSlice<u8>,
    now: SystemTime,
) -> Result<Imported, ImportError> {
    let certificates = pem::read_chain(chain_pem)?;
    let key = pem::read_key(key_pem)?;
    let mut parsed = Vec::with_capacity(certificates.len());
    for (place, certificate) in certificates.iter().enumerate() {
        let damaged = |cause| ImportError::DamagedCertificate { position: place + 1, cause };
        parsed.push(x509::parse(certificate).map_err(damaged)?);
    }
    chain::check(&parsed, now)?;
    if let Some(server) = parsed.first() {
        check_server(server, now)?;
    }
    let leaf = Leaf::load(certificates, &key, Issuer::Imported).map_err(|fault| match fault {
        LeafError::NoCertificate => ImportError::NoCertificate,
        LeafError::Unreadable(cause) => ImportError::DamagedCertificate { position: 1, cause },
        LeafError::KeyUnusable(cause) => ImportError::KeyUnusable(cause),
        LeafError::KeyMismatch => ImportError::KeyMismatch,
        LeafError::Unusable(cause) => ImportError::Unusable(cause),
    })?;
    Ok(Imported { leaf })
}

impl Imported {
    /// Whether a visitor who asked for `host` would be shown a matching certificate; see [`Names::covers`].
    pub(crate) fn covers(&self, host: &str) -> bool {
        self.leaf.names().covers(host)
    }

    /// The names it speaks for.
    pub(crate) fn names(&self) -> &Names {
        self.leaf.names()
    }

    /// The certificate, to be kept and used.
    pub(crate) fn into_leaf(self) -> Leaf {
        self.leaf
    }
}

/// What browsers would refuse in a server's certificate, whoever issued it.
fn check_server(server: &X509Certificate<'_>, now: SystemTime) -> Result<(), ImportError> {
    let damaged = |cause| ImportError::DamagedCertificate { position: 1, cause };
    let (not_before, not_after) = x509::validity(server);
    if now > not_after {
        return Err(ImportError::Expired { on: not_after });
    }
    if now < not_before {
        return Err(ImportError::NotYetValid { until: not_before });
    }
    if x509::names(server).map_err(damaged)?.is_empty() {
        return Err(ImportError::NoNames);
    }
    let purposes = server.extended_key_usage().map_err(damaged)?;
    let usage = server.key_usage().map_err(damaged)?;
    // Absent means unrestricted (RFC 5280 §4.2.1.3 and §4.2.1.12). "Any" does not count: browsers want the
    // purpose named.
    if purposes.is_some_and(|found| !found.value.server_auth)
        || usage.is_some_and(|found| !found.value.digital_signature())
    {
        return Err(ImportError::NotForServers);
    }
    if let Ok(PublicKey::RSA(key)) = server.public_key().parsed() {
        let bits = key.key_size();
        if bits < RSA_LEAST_BITS {
            return Err(ImportError::WeakKey { bits });
        }
    }
    Ok(())
}

/// The shortest RSA key: 2048 bits; CA/Browser Forum Baseline Requirements §6.1.5, and what browsers enforce.
const RSA_LEAST_BITS: usize = 2048;

#[cfg(test)]
mod tests;
