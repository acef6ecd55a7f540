//! Tools that speak HTTPS themselves: the certificate that was seen when the owner added one is the only one taken
//! later. Such certificates are self-signed more often than not, so who signed it and until when says nothing; that it
//! is the same one says everything.

use super::{Fingerprint, provider};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    version::{TLS12, TLS13},
};
use std::{io, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A configuration that takes one certificate.
pub(crate) fn client_config(pin: Fingerprint) -> Option<Arc<ClientConfig>> {
    config(Some(pin))
}

/// The certificate shown at the other end of a connection, whatever it is.
///
/// # Errors
/// When there is no TLS, or it fails.
pub(crate) async fn look(name: ServerName<'static>, stream: TcpStream) -> io::Result<Fingerprint> {
    let config = config(None).ok_or(io::ErrorKind::Unsupported)?;
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    let (_, session) = stream.get_ref();
    let shown = session.peer_certificates().and_then(<[_]>::first);
    shown.map(Fingerprint::of).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Whether a handshake failed for the certificate alone.
pub(crate) fn is_another_certificate(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    inner == Some(&OTHER)
}

fn config(pin: Option<Fingerprint>) -> Option<Arc<ClientConfig>> {
    let provider = provider();
    let verifier = Arc::new(Pinned { pin, provider: Arc::clone(&provider) });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(Arc::new(config))
}

#[derive(Debug)]
struct Pinned {
    /// Nothing takes any certificate, to look at it.
    pin: Option<Fingerprint>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.pin.is_none_or(|pin| pin == Fingerprint::of(shown)) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(OTHER)
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// What is said of any certificate but the one.
const OTHER: Error = Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
