//! What each level shows in a handshake, swapped live: one table per level, one configuration per local address.

use super::{Leaf, LeafError, Resolver, Table, TlsConfigError, provider, server_config, ticketer};
use arc_swap::ArcSwap;
use drawbridge_protocol::Level;
use rustls::{ServerConfig, crypto::CryptoProvider, server::ProducesTickets};
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// The identities of both levels.
pub(crate) struct Identities {
    provider: Arc<CryptoProvider>,
    tickets: Arc<dyn ProducesTickets>,
    lan: Identity,
    internet: Identity,
}

#[derive(Default)]
struct Identity {
    table: Arc<ArcSwap<Table>>,
    configs: RwLock<HashMap<IpAddr, Arc<ServerConfig>>>,
    ready: AtomicBool,
}

impl Identities {
    /// Nothing to show yet.
    ///
    /// # Errors
    /// When no ticket keys could be made.
    pub(crate) fn new() -> Result<Self, TlsConfigError> {
        Ok(Self {
            provider: provider(),
            tickets: ticketer()?,
            lan: Identity::default(),
            internet: Identity::default(),
        })
    }

    /// Shows a certificate at a level from the next handshake on; nothing closes the level.
    ///
    /// `bare` are the local addresses at which a visitor who names no host is shown it.
    ///
    /// # Errors
    /// When the TLS library does not take it; what was shown before stays.
    pub(crate) fn show(&self, level: Level, leaf: Option<&Leaf>, bare: &[IpAddr]) -> Result<(), LeafError> {
        let Some(identity) = self.identity(level) else { return Ok(()) };
        let mut table = Table::default();
        if let Some(leaf) = leaf {
            let key = leaf.certified_key()?;
            table.add_hosts(leaf.names(), &key);
            for address in bare {
                table.add_address(*address, &key);
            }
        }
        identity.table.store(Arc::new(table));
        identity.ready.store(leaf.is_some(), Ordering::Release);
        Ok(())
    }

    /// Whether a level has something to show.
    pub(crate) fn is_ready(&self, level: Level) -> bool {
        self.identity(level).is_some_and(|identity| identity.ready.load(Ordering::Acquire))
    }

    /// The configuration for a connection that reached this local address.
    pub(crate) fn config_for(&self, level: Level, local: SocketAddr) -> Option<Arc<ServerConfig>> {
        let identity = self.identity(level)?;
        let address = local.ip().to_canonical();
        let known = identity.configs.read().unwrap_or_else(PoisonError::into_inner).get(&address).cloned();
        if known.is_some() {
            return known;
        }
        let resolver = Arc::new(Resolver::new(Arc::clone(&identity.table), address));
        let config = server_config(&self.provider, &self.tickets, resolver).ok()?;
        let mut configs = identity.configs.write().unwrap_or_else(PoisonError::into_inner);
        if configs.len() >= MOST {
            configs.clear();
        }
        configs.insert(address, Arc::clone(&config));
        Some(config)
    }

    fn identity(&self, level: Level) -> Option<&Identity> {
        match level {
            Level::Local => None,
            Level::Lan => Some(&self.lan),
            Level::Internet => Some(&self.internet),
        }
    }
}

/// Local addresses remembered per level (chosen: more than any computer has; IPv6 privacy addresses come and go).
const MOST: usize = 64;
