//! Which certificate a visitor is shown: by the name asked for (SNI), without one by the address they
//! reached.
//!
//! `ResolvesServerCert` is told the name and not the address, so each listening address gets a small
//! [`Resolver`] of its own, and with it a `ServerConfig` of its own; both are a handful of shared pointers.
//! What they look into is one [`Table`], replaced as a whole: the next handshake sees the new one,
//! connections already open go on.
//!
//! One table per level, not one for all: a stranger on the internet door must not be able to ask for a LAN
//! name and be shown a certificate full of private addresses. `acme-tls/1` is answered before this, by a
//! configuration of its own.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::names::{Names, parent, wildcard_parent};

/// Names and addresses, each with the certificate to show for it. Built anew for every change, then swapped
/// in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    hosts: HashMap<String, Arc<CertifiedKey>>,
    wildcards: HashMap<String, Arc<CertifiedKey>>,
    addresses: HashMap<IpAddr, Arc<CertifiedKey>>,
}

impl Table {
    /// Shows `key` to whoever asks for one of these hosts or anything under one of these wildcards. What is
    /// added later replaces what was there for the same name. Addresses among the names are not taken up; see
    /// [`Table::add_address`].
    pub(crate) fn add_hosts(&mut self, names: &Names, key: &Arc<CertifiedKey>) {
        for host in names.hosts() {
            if let Some(base) = wildcard_parent(host) {
                self.wildcards.insert(base.to_owned(), Arc::clone(key));
            } else if !host.contains('*') {
                self.hosts.insert(host.clone(), Arc::clone(key));
            }
        }
    }

    /// Shows `key` to whoever reaches the listening address `local` without naming a host. That address is
    /// the socket's own, which behind a router is not the one in the certificate; so the caller says which
    /// belongs to which.
    pub(crate) fn add_address(&mut self, local: IpAddr, key: &Arc<CertifiedKey>) {
        self.addresses.insert(local.to_canonical(), Arc::clone(key));
    }
}

/// The certificate for a handshake, or none, which ends it with an alert that tells nothing.
///
/// A name that is not in the table gets none, never the address's certificate: a scanner that guesses names
/// must not be shown the right one. An exact name goes before a wildcard.
pub(crate) fn choose(table: &Table, sni: Option<&str>, local: IpAddr) -> Option<Arc<CertifiedKey>> {
    let Some(name) = sni else {
        return table.addresses.get(&local.to_canonical()).cloned();
    };
    if name.bytes().any(|letter| letter.is_ascii_uppercase()) {
        return choose(table, Some(&name.to_ascii_lowercase()), local);
    }
    let exact = table.hosts.get(name);
    exact.or_else(|| parent(name).and_then(|base| table.wildcards.get(base))).cloned()
}

/// The resolver of one listening address.
#[derive(Debug)]
pub(crate) struct Resolver {
    table: Arc<ArcSwap<Table>>,
    local: IpAddr,
}

impl Resolver {
    /// A resolver for the listening address `local` that looks into whatever `table` holds at the time.
    pub(crate) fn new(table: Arc<ArcSwap<Table>>, local: IpAddr) -> Self {
        Self { table, local }
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        choose(&self.table.load(), hello.server_name(), self.local)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::certificates::testing::{client, exchange, handshake, now};
    use crate::certificates::{Authority, provider, self_signed, server_config, ticketer};

    fn key(names: &[&str]) -> Arc<CertifiedKey> {
        self_signed(&Names::new([], names), now()).unwrap().certified_key().unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Which of `keys` is chosen.
    fn chosen(table: &Table, sni: Option<&str>, local: &str, keys: &[&Arc<CertifiedKey>]) -> Option<usize> {
        let found = choose(table, sni, address(local))?;
        keys.iter().position(|key| Arc::ptr_eq(key, &found))
    }

    #[test]
    fn names_choose_exactly_then_by_wildcard_and_unknown_ones_get_nothing() {
        let (exact, wild) = (key(&["a.example.org"]), key(&["*.example.org"]));
        let mut table = Table::default();
        table.add_hosts(&Names::new([], ["a.example.org", "nas.lan"]), &exact);
        table.add_hosts(&Names::new([], ["*.example.org", "*.org", "w*.example.net"]), &wild);
        table.add_address(address("10.0.0.1"), &exact);
        let choice = |sni| chosen(&table, Some(sni), "10.0.0.1", &[&exact, &wild]);
        assert_eq!(choice("a.example.org"), Some(0));
        assert_eq!(choice("A.Example.ORG"), Some(0));
        assert_eq!(choice("nas.lan"), Some(0));
        assert_eq!(choice("b.example.org"), Some(1));
        assert_eq!(choice("B.example.org"), Some(1));
        for unknown in [
            "example.org",
            "b.a.example.org",
            "evil.com",
            "x.nas.lan",
            "www.example.net",
            "w*.example.net",
            "",
            ".",
            ".example.org",
            "10.0.0.1",
            "b.org",
        ] {
            assert!(choose(&table, Some(unknown), address("10.0.0.1")).is_none(), "{unknown}");
        }
    }

    #[test]
    fn without_a_name_the_local_address_chooses() {
        let (one, other) = (key(&["10.0.0.1"]), key(&["203.0.113.9"]));
        let mut table = Table::default();
        table.add_address(address("10.0.0.1"), &one);
        table.add_address(address("fd00::1"), &other);
        let choice = |local| chosen(&table, None, local, &[&one, &other]);
        assert_eq!(choice("10.0.0.1"), Some(0));
        assert_eq!(choice("::ffff:10.0.0.1"), Some(0));
        assert_eq!(choice("fd00::1"), Some(1));
        assert_eq!(choice("10.0.0.2"), None);
    }

    /// An authority, a table that the tests change, and a server that shows from it at 192.168.1.5.
    struct Scene {
        authority: Authority,
        table: Arc<ArcSwap<Table>>,
        server: Arc<rustls::ServerConfig>,
    }

    impl Scene {
        fn new() -> Self {
            let table = Arc::new(ArcSwap::default());
            let resolver = Resolver::new(Arc::clone(&table), address("192.168.1.5"));
            let server = server_config(&provider(), &ticketer().unwrap(), Arc::new(resolver)).unwrap();
            Self { authority: Authority::create(now()).unwrap().0, table, server }
        }

        /// Swaps in a fresh leaf and returns its certificate.
        fn show(&self, names: &[&str]) -> Vec<u8> {
            let leaf = self.authority.issue(&Names::new([address("192.168.1.5")], names), now()).unwrap();
            let key = leaf.certified_key().unwrap();
            let mut table = Table::default();
            table.add_hosts(leaf.names(), &key);
            table.add_address(address("192.168.1.5"), &key);
            self.table.store(Arc::new(table));
            leaf.chain()[0].to_vec()
        }

        fn shown(&self, name: &str) -> Result<Vec<u8>, rustls::Error> {
            let client = Arc::new(client(self.authority.certificate_der()));
            handshake(&client, &self.server, name)
                .map(|(client, _)| client.peer_certificates().unwrap()[0].to_vec())
        }
    }

    #[test]
    fn unknown_names_end_the_handshake_without_a_certificate() {
        let scene = Scene::new();
        let leaf = scene.show(&["nas.lan"]);
        assert_eq!(scene.shown("nas.lan").unwrap(), leaf);
        assert_eq!(scene.shown("192.168.1.5").unwrap(), leaf);
        let client = Arc::new(client(scene.authority.certificate_der()));
        let mut visitor = rustls::ClientConnection::new(client, "other.lan".try_into().unwrap()).unwrap();
        let mut server = rustls::ServerConnection::new(Arc::clone(&scene.server)).unwrap();
        let error = exchange(&mut visitor, &mut server).unwrap_err();
        assert!(matches!(error, rustls::Error::General(_)), "{error:?}");
        let mut answer = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut answer).unwrap();
        }
        // One record: alert (21), two bytes long, fatal (2).
        assert_eq!(answer.len(), 7);
        assert_eq!((answer[0], &answer[3..6]), (21, [0, 2, 2].as_slice()));
    }

    #[test]
    fn a_swap_is_seen_by_the_next_handshake_and_open_connections_go_on() {
        let scene = Scene::new();
        assert!(scene.shown("nas.lan").is_err());
        let first = scene.show(&["nas.lan"]);
        let trusting = Arc::new(client(scene.authority.certificate_der()));
        let (mut visitor, mut server) = handshake(&trusting, &scene.server, "nas.lan").unwrap();
        let second = scene.show(&["nas.lan"]);
        assert_ne!(first, second);
        assert_eq!(scene.shown("nas.lan").unwrap(), second);
        scene.table.store(Arc::default());
        assert!(scene.shown("nas.lan").is_err());
        visitor.writer().write_all(b"still here").unwrap();
        exchange(&mut visitor, &mut server).unwrap();
        let mut heard = [0; 10];
        server.reader().read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"still here");
    }

    #[test]
    fn a_ticket_does_not_open_a_name_that_is_no_longer_ours() {
        let scene = Scene::new();
        scene.show(&["nas.lan"]);
        let returning = Arc::new(client(scene.authority.certificate_der()));
        handshake(&returning, &scene.server, "nas.lan").unwrap();
        let (_, again) = handshake(&returning, &scene.server, "nas.lan").unwrap();
        assert_eq!(again.handshake_kind(), Some(rustls::HandshakeKind::Resumed));
        scene.show(&["other.lan"]);
        assert!(handshake(&returning, &scene.server, "nas.lan").is_err());
    }
}
