//! Whether a connection may go on before a byte of it is read: inside the door's networks, and not too many.

use super::{identify::Client, limits};
use ipnet::IpNet;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// From whom a listener takes connections.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum From {
    /// Peers inside these networks, except these addresses (the gateway).
    Networks {
        /// The networks' own prefixes.
        inside: Vec<IpNet>,
        /// Dropped although inside.
        except: Vec<IpAddr>,
    },
    /// Anyone.
    Anyone,
}

impl From {
    /// Whether this client is one of them.
    pub(crate) fn takes(&self, client: Client) -> bool {
        let address = client.address();
        match self {
            Self::Anyone => true,
            Self::Networks { inside, except } => {
                inside.iter().any(|network| network.contains(&address)) && !except.contains(&address)
            }
        }
    }
}

/// Open connections and tunnels, in all and by client.
#[derive(Clone)]
pub(crate) struct Connections {
    counts: Arc<Mutex<Counts>>,
    most: usize,
}

#[derive(Default)]
struct Counts {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// Proof that a connection was counted in; counts it out on drop.
pub(crate) struct Admitted {
    connections: Connections,
    client: Client,
}

impl Connections {
    /// So many at once.
    pub(crate) fn new(most: usize) -> Self {
        Self { counts: Arc::default(), most }
    }

    /// Counts a connection in, or says no.
    pub(crate) fn admit(&self, client: Client) -> Option<Admitted> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = if client.address().is_loopback() { 0 } else { limits::CONNECTIONS_KEPT_FOR_LOOPBACK };
        if counts.all + kept >= self.most {
            return None;
        }
        let own = counts.by_client.entry(client.network()).or_default();
        if *own >= limits::CONNECTIONS_PER_CLIENT {
            return None;
        }
        *own += 1;
        counts.all += 1;
        Some(Admitted { connections: self.clone(), client })
    }
}

impl Admitted {
    /// Who was admitted.
    pub(crate) const fn client(&self) -> Client {
        self.client
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut counts = self.connections.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        let network = self.client.network();
        if let Some(own) = counts.by_client.get_mut(&network) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                counts.by_client.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::identify::identify;

    fn client(text: &str) -> Client {
        identify(format!("{text}:1").parse().unwrap())
    }

    #[test]
    fn only_the_own_network_without_its_gateway() {
        let from = From::Networks {
            inside: vec!["192.168.1.0/24".parse().unwrap()],
            except: vec!["192.168.1.1".parse().unwrap()],
        };
        assert!(from.takes(client("192.168.1.77")));
        assert!(from.takes(client("[::ffff:192.168.1.77]")));
        assert!(!from.takes(client("192.168.1.1")));
        assert!(!from.takes(client("192.168.2.77")));
        assert!(!from.takes(client("[fe80::1]")));
    }

    #[test]
    fn one_client_cannot_take_every_place_and_places_come_back() {
        let connections = Connections::new(limits::CONNECTIONS);
        let held: Vec<_> = (0..limits::CONNECTIONS_PER_CLIENT)
            .map(|_| connections.admit(client("192.0.2.1")).unwrap())
            .collect();
        assert!(connections.admit(client("192.0.2.1")).is_none());
        assert!(connections.admit(client("192.0.2.2")).is_some());
        drop(held);
        assert!(connections.admit(client("192.0.2.1")).is_some());
        assert_eq!(connections.counts.lock().unwrap().all, 0);
    }

    #[test]
    fn one_ipv6_network_is_one_client() {
        let connections = Connections::new(limits::CONNECTIONS);
        let held: Vec<_> =
            (0..500).map_while(|host| connections.admit(client(&format!("[fd00::{host:x}]")))).collect();
        assert_eq!(held.len(), limits::CONNECTIONS_PER_CLIENT);
        assert!(connections.admit(client("[fd00:0:0:1::1]")).is_some());
    }

    #[test]
    fn loopback_finds_a_place_when_strangers_took_the_rest() {
        let connections = Connections::new(limits::CONNECTIONS);
        let held: Vec<_> = (0..=255_u8)
            .flat_map(|host| std::iter::repeat_n(host, 4))
            .map_while(|host| connections.admit(client(&format!("192.0.2.{host}"))))
            .collect();
        assert_eq!(held.len(), limits::CONNECTIONS - limits::CONNECTIONS_KEPT_FOR_LOOPBACK);
        assert!(connections.admit(client("127.0.0.1")).is_some());
    }
}
