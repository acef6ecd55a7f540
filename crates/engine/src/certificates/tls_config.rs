//! The only place that builds a `rustls::ServerConfig`.
//!
//! Everything TLS offers to a stranger is decided here: versions, groups, suites, protocols, resumption.
//! Which certificate is shown is the resolver's business, deadlines and alerts are the data path's.

use drawbridge_texts::{Sentence, Tell};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::server::{NoServerSessionStorage, ProducesTickets, ResolvesServerCert};
use rustls::version::{TLS12, TLS13};
use rustls::{Error, ServerConfig};

/// How preparing TLS fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsConfigError {
    /// The ticket keys could not be made.
    #[error("no keys for session tickets ({0})")]
    Ticketer(#[source] Error),
    /// The provider cannot do what is asked of it.
    #[error("TLS was not prepared ({0})")]
    Versions(#[source] Error),
}

impl Tell for TlsConfigError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Ticketer(_) => Sentence::new("tls-no-tickets"),
            Self::Versions(_) => Sentence::new("tls-unprepared"),
        }
    }
}

/// The cryptography of this program: aws-lc-rs, named wherever it is used and never installed as a
/// process-wide default, so that no library can bring another.
///
/// The groups are rustls' own with X25519MLKEM768 first (draft-ietf-tls-ecdhe-mlkem), so that traffic
/// recorded today stays closed to a quantum computer later. By hand, because the feature
/// `prefer-post-quantum` would change every default in the process. The suites are the default ones:
/// forward-secret, authenticated, and nothing else.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        kx_groups: vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
        ..aws_lc_rs::default_provider()
    })
}

/// The keys for session tickets: one for the process, given to every configuration, so that a reload or a new
/// certificate does not cost every visitor a full handshake. New keys every six hours, in memory only.
///
/// # Errors
///
/// [`TlsConfigError::Ticketer`].
pub(crate) fn ticketer() -> Result<Arc<dyn ProducesTickets>, TlsConfigError> {
    aws_lc_rs::Ticketer::new().map_err(TlsConfigError::Ticketer)
}

/// A configuration for one resolver, which is to say for one listening address.
///
/// TLS 1.3 and 1.2, `h2` before `http/1.1`, no client certificates. No early data, because it can be
/// replayed. Resumption by ticket alone, because a session cache would grow with the visitors; the resolver
/// is asked on resumption too, so a name that is no longer ours is refused there as well. Sharing tickets is
/// safe as long as no configuration asks for client certificates and nobody is let in by virtue of a TLS
/// session.
///
/// # Errors
///
/// [`TlsConfigError::Versions`].
pub(crate) fn server_config(
    provider: &Arc<CryptoProvider>,
    ticketer: &Arc<dyn ProducesTickets>,
    resolver: Arc<dyn ResolvesServerCert>,
) -> Result<Arc<ServerConfig>, TlsConfigError> {
    let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsConfigError::Versions)?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = ALPN.iter().map(|protocol| protocol.to_vec()).collect();
    config.ticketer = Arc::clone(ticketer);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// Protocols in order of preference (RFC 7301; RFC 9113 §3.2).
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use arc_swap::ArcSwap;
    use rustls::client::Resumption;
    use rustls::pki_types::CertificateDer;
    use rustls::version::{TLS12, TLS13};
    use rustls::{ClientConfig, HandshakeKind, NamedGroup, ProtocolVersion, SupportedProtocolVersion};

    use super::*;
    use crate::certificates::testing::{self, handshake, now};
    use crate::certificates::{Authority, Names, Resolver, Table};

    const LOCAL: &str = "192.168.1.5";

    /// A configuration that shows a leaf of `authority` for `nas.lan`.
    fn server(authority: &Authority, ticketer: &Arc<dyn ProducesTickets>) -> Arc<ServerConfig> {
        let local: IpAddr = LOCAL.parse().unwrap();
        let leaf = authority.issue(&Names::new([local], ["nas.lan"]), now()).unwrap();
        let mut table = Table::default();
        table.add_hosts(leaf.names(), &leaf.certified_key().unwrap());
        table.add_address(local, &leaf.certified_key().unwrap());
        let resolver = Resolver::new(Arc::new(ArcSwap::from_pointee(table)), local);
        server_config(&provider(), ticketer, Arc::new(resolver)).unwrap()
    }

    fn client(root: &CertificateDer<'_>, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let full = testing::client(root);
        let mut roots = rustls::RootCertStore::empty();
        roots.add(root.clone().into_owned()).unwrap();
        let mut config = ClientConfig::builder_with_details(provider(), Arc::clone(&full.time_provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = full.alpn_protocols;
        config
    }

    #[test]
    fn both_versions_are_spoken_and_the_hybrid_group_is_used() {
        let authority = Authority::create(now()).unwrap().0;
        let server = server(&authority, &ticketer().unwrap());
        let newest = Arc::new(testing::client(authority.certificate_der()));
        let (_, connection) = handshake(&newest, &server, "nas.lan").unwrap();
        assert_eq!(connection.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        let group = connection.negotiated_key_exchange_group().unwrap().name();
        assert_eq!(group, NamedGroup::X25519MLKEM768);
        let older = Arc::new(client(authority.certificate_der(), &[&TLS12]));
        let (_, connection) = handshake(&older, &server, "nas.lan").unwrap();
        assert_eq!(connection.protocol_version(), Some(ProtocolVersion::TLSv1_2));
    }

    #[test]
    fn h2_is_preferred_and_unknown_protocols_are_refused() {
        let authority = Authority::create(now()).unwrap().0;
        let server = server(&authority, &ticketer().unwrap());
        let offer = |protocols: &[&[u8]]| {
            let mut config = testing::client(authority.certificate_der());
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
            handshake(&Arc::new(config), &server, "nas.lan")
                .map(|(_, server)| server.alpn_protocol().map(<[u8]>::to_vec))
        };
        assert_eq!(offer(&[b"http/1.1", b"h2"]).unwrap().as_deref(), Some(b"h2".as_slice()));
        assert_eq!(offer(&[b"http/1.1"]).unwrap().as_deref(), Some(b"http/1.1".as_slice()));
        assert_eq!(offer(&[]).unwrap(), None);
        assert!(matches!(offer(&[b"acme-tls/1"]), Err(Error::NoApplicationProtocol)));
    }

    #[test]
    fn a_session_outlives_a_reload_only_with_the_shared_ticketer() {
        let authority = Authority::create(now()).unwrap().0;
        let shared = ticketer().unwrap();
        for versions in [[&TLS13], [&TLS12]] {
            let client = || Arc::new(client(authority.certificate_der(), &versions));
            let kept = client();
            handshake(&kept, &server(&authority, &shared), "nas.lan").unwrap();
            let (_, again) = handshake(&kept, &server(&authority, &shared), "nas.lan").unwrap();
            assert_eq!(again.handshake_kind(), Some(HandshakeKind::Resumed));
            let other = client();
            handshake(&other, &server(&authority, &shared), "nas.lan").unwrap();
            let (_, again) = handshake(&other, &server(&authority, &ticketer().unwrap()), "nas.lan").unwrap();
            assert_eq!(again.handshake_kind(), Some(HandshakeKind::Full));
        }
    }

    #[test]
    fn without_tickets_nothing_is_remembered() {
        let authority = Authority::create(now()).unwrap().0;
        let server = server(&authority, &ticketer().unwrap());
        let mut config = client(authority.certificate_der(), &[&TLS12]);
        config.resumption = Resumption::in_memory_sessions(8)
            .tls12_resumption(rustls::client::Tls12Resumption::SessionIdOnly);
        let config = Arc::new(config);
        handshake(&config, &server, "nas.lan").unwrap();
        let (_, again) = handshake(&config, &server, "nas.lan").unwrap();
        assert_eq!(again.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(server.max_early_data_size, 0);
    }
}
