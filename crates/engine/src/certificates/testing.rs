//! What the tests of this folder share: a fixed clock, certificates made to order, a verifier, a handshake in
//! memory.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use secrecy::{ExposeSecret, SecretSlice};

use super::tls_config::provider;

/// The moment at which these tests take place: 2027-01-15.
pub(super) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// A server certificate for these names and addresses, valid for a day from [`now`].
pub(super) fn leaf_params(names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = now().into();
    params.not_after = (now() + Duration::from_secs(86_400)).into();
    params.distinguished_name = DistinguishedName::new();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.is_ca = IsCa::ExplicitNoCa;
    for name in names {
        params.subject_alt_names.push(match name.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName((*name).try_into().unwrap()),
        });
    }
    params
}

/// A certificate with these names, signed by itself.
pub(super) fn certificate_named(names: &[&str]) -> CertificateDer<'static> {
    leaf_params(names).self_signed(&KeyPair::generate().unwrap()).unwrap().into()
}

/// A certificate authority without limits, as a public one or the owner's company would be.
pub(super) struct Signer {
    issuer: rcgen::Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
}

impl Signer {
    pub(super) fn root(name: &str) -> Self {
        let (params, key) = (authority_params(name), KeyPair::generate().unwrap());
        let der = params.self_signed(&key).unwrap().into();
        Self { issuer: rcgen::Issuer::new(params, key), der }
    }

    /// Another root certificate with the same key.
    pub(super) fn renamed(&self, name: &str) -> CertificateDer<'static> {
        authority_params(name).self_signed(self.issuer.key()).unwrap().into()
    }

    pub(super) fn intermediate(&self, name: &str) -> Self {
        self.intermediate_with(name, |_| ())
    }

    pub(super) fn intermediate_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let (mut params, key) = (authority_params(name), KeyPair::generate().unwrap());
        change(&mut params);
        let der = params.signed_by(&key, &self.issuer).unwrap().into();
        Self { issuer: rcgen::Issuer::new(params, key), der }
    }

    pub(super) fn leaf(&self, names: &[&str]) -> (CertificateDer<'static>, SecretSlice<u8>) {
        self.leaf_with(names, |_| ())
    }

    pub(super) fn leaf_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (CertificateDer<'static>, SecretSlice<u8>) {
        let (mut params, key) = (leaf_params(names), KeyPair::generate().unwrap());
        change(&mut params);
        (self.sign(&params, &key), SecretSlice::from(key.serialize_der()))
    }

    pub(super) fn sign(
        &self,
        params: &CertificateParams,
        key: &impl rcgen::PublicKeyData,
    ) -> CertificateDer<'static> {
        params.signed_by(key, &self.issuer).unwrap().into()
    }

    pub(super) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = leaf_params(&[]);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.extended_key_usages.clear();
    params
}

/// One PEM section.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<String> =
        body.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A PEM file of certificates.
pub(super) fn chain_pem(chain: &[&CertificateDer<'_>]) -> String {
    chain.iter().map(|der| pem("CERTIFICATE", der)).collect()
}

/// A PEM file with a PKCS#8 key.
pub(super) fn key_pem(key: &SecretSlice<u8>) -> SecretSlice<u8> {
    SecretSlice::from(pem("PRIVATE KEY", key.expose_secret()).into_bytes())
}

/// Asks the verifier that rustls clients use whether they would accept `chain` for `name`.
pub(super) fn verify(
    root: &CertificateDer<'_>,
    chain: &[CertificateDer<'_>],
    name: &str,
    at: SystemTime,
) -> Result<(), rustls::Error> {
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots(root)), provider()).build().unwrap();
    let (leaf, rest) = chain.split_first().unwrap();
    let at = UnixTime::since_unix_epoch(at.duration_since(UNIX_EPOCH).unwrap());
    verifier.verify_server_cert(leaf, rest, &ServerName::try_from(name).unwrap(), &[], at).map(|_| ())
}

fn roots(root: &CertificateDer<'_>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone().into_owned()).unwrap();
    roots
}

#[derive(Debug)]
struct FixedClock;

impl TimeProvider for FixedClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(now().duration_since(UNIX_EPOCH).unwrap()))
    }
}

/// A client that trusts `root`, lives at [`now`] and remembers nothing yet.
pub(super) fn client(root: &CertificateDer<'_>) -> ClientConfig {
    ClientConfig::builder_with_details(provider(), Arc::new(FixedClock))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots(root))
        .with_no_client_auth()
}

/// A whole handshake in memory, tickets delivered.
pub(super) fn handshake(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
    name: &str,
) -> Result<(ClientConnection, ServerConnection), rustls::Error> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::clone(client), name)?;
    let mut server = ServerConnection::new(Arc::clone(server))?;
    while client.wants_write() || server.wants_write() {
        exchange(&mut client, &mut server)?;
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok((client, server))
}

/// Hands over what both sides have to say.
pub(super) fn exchange(
    client: &mut ClientConnection,
    server: &mut ServerConnection,
) -> Result<(), rustls::Error> {
    let mut wire = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut wire).unwrap();
    }
    let mut rest = wire.as_slice();
    while !rest.is_empty() {
        server.read_tls(&mut rest).unwrap();
        server.process_new_packets()?;
    }
    let mut wire = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut wire).unwrap();
    }
    let mut rest = wire.as_slice();
    while !rest.is_empty() {
        client.read_tls(&mut rest).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}
