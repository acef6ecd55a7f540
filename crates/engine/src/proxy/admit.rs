//! Whether a connection may go on before a byte of it is read: inside the door's networks, and not too many.

use super::{identify::Client, limits};
use crate::network::hops::Hop;
use ipnet::IpNet;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
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
    /// Trusted hops.
    Hops(Vec<Hop>),
    /// Anyone.
    Anyone,
}

impl From {
    /// Whether this client is one of them.
    pub(crate) fn takes(&self, client: Client) -> bool {
        let address = client.address();
        match self {
            Self::Anyone => true,
            Self::Hops(hops) => hops.iter().any(|hop| hop.is(address)),
            Self::Networks { inside, except } => {
                inside.iter().any(|network| network.contains(&address)) && !except.contains(&address)
            }
        }
    }
}

/// Open connections and tunnels, in all and by client. Those that nobody signed in on have places of their own, so that
/// no flood of strangers takes the places of visitors, and what strangers can make us hold stays small.
#[derive(Clone)]
pub(crate) struct Connections {
    counts: Arc<Mutex<Counts>>,
    most: Places,
}

/// How many at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Places {
    /// That nobody signed in on.
    pub(crate) strangers: usize,
    /// That somebody did.
    pub(crate) signed_in: usize,
    /// To tools, for requests under way; a tunnel's is counted with its visitor's.
    pub(crate) to_tools: usize,
}

#[derive(Default)]
struct Counts {
    strangers: usize,
    signed_in: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// Proof that a connection was counted in; counts it out on drop.
pub(crate) struct Admitted {
    connections: Connections,
    client: Client,
    signed_in: AtomicBool,
}

impl Places {
    /// As many as the limits say, and fewer where the system allows fewer open files: each has one, and a tunnel one more
    /// to its tool. Half of what there is stays for who signed in, but never so much that strangers find no place: that is
    /// what everybody is first.
    pub(crate) fn within(files: usize) -> Self {
        let to_tools = limits::CONNECTIONS_TO_TOOLS.min(files / 4);
        let all = (files - to_tools) / 2;
        let least = all.min(2 * limits::CONNECTIONS_KEPT_FOR_LOOPBACK);
        let strangers = limits::CONNECTIONS.min(all / 2).max(least);
        Self { strangers, signed_in: limits::CONNECTIONS_SIGNED_IN.min(all - strangers), to_tools }
    }
}

impl Connections {
    /// So many at once.
    pub(crate) fn new(most: Places) -> Self {
        Self { counts: Arc::default(), most }
    }

    /// Counts a connection in, or says no.
    pub(crate) fn admit(&self, client: Client) -> Option<Admitted> {
        self.admit_up_to(limits::CONNECTIONS_PER_CLIENT, client)
    }

    /// The same for a trusted hop, which carries everybody.
    pub(crate) fn admit_hop(&self, hop: Client) -> Option<Admitted> {
        self.admit_up_to(usize::MAX, hop)
    }

    fn admit_up_to(&self, most: usize, client: Client) -> Option<Admitted> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = if client.address().is_loopback() { 0 } else { limits::CONNECTIONS_KEPT_FOR_LOOPBACK };
        if counts.strangers + kept >= self.most.strangers {
            return None;
        }
        let own = counts.by_client.entry(client.network()).or_default();
        if *own >= most {
            return None;
        }
        *own += 1;
        counts.strangers += 1;
        Some(Admitted { connections: self.clone(), client, signed_in: AtomicBool::new(false) })
    }
}

impl Admitted {
    /// Who was admitted.
    pub(crate) const fn client(&self) -> Client {
        self.client
    }

    /// Somebody signed in on it: from now on it has a place among those, if one is free, and else keeps its own.
    pub(crate) fn sign_in(&self) {
        if self.signed_in.load(Ordering::Relaxed) {
            return;
        }
        let mut counts = self.connections.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.signed_in < self.connections.most.signed_in {
            counts.strangers = counts.strangers.saturating_sub(1);
            counts.signed_in += 1;
            self.signed_in.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut counts = self.connections.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = if *self.signed_in.get_mut() { &mut counts.signed_in } else { &mut counts.strangers };
        *kind = kind.saturating_sub(1);
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
        let connections = Connections::new(Places::within(usize::MAX));
        let held: Vec<_> = (0..limits::CONNECTIONS_PER_CLIENT)
            .map(|_| connections.admit(client("192.0.2.1")).unwrap())
            .collect();
        assert!(connections.admit(client("192.0.2.1")).is_none());
        assert!(connections.admit(client("192.0.2.2")).is_some());
        drop(held);
        assert!(connections.admit(client("192.0.2.1")).is_some());
        assert_eq!(connections.counts.lock().unwrap().strangers, 0);
    }

    #[test]
    fn one_ipv6_network_is_one_client() {
        let connections = Connections::new(Places::within(usize::MAX));
        let held: Vec<_> =
            (0..500).map_while(|host| connections.admit(client(&format!("[fd00::{host:x}]")))).collect();
        assert_eq!(held.len(), limits::CONNECTIONS_PER_CLIENT);
        assert!(connections.admit(client("[fd00:0:0:1::1]")).is_some());
    }

    #[test]
    fn who_signed_in_takes_no_place_of_a_stranger_and_none_twice() {
        let connections = Connections::new(Places { strangers: 20, signed_in: 2, to_tools: 1 });
        let held: Vec<_> =
            (0..4_u8).map(|host| connections.admit(client(&format!("192.0.2.{host}"))).unwrap()).collect();
        let counted = || {
            let counts = connections.counts.lock().unwrap();
            (counts.strangers, counts.signed_in)
        };
        for admitted in &held[..3] {
            admitted.sign_in();
            admitted.sign_in();
        }
        assert_eq!(counted(), (2, 2), "the third found no place");
        drop(held);
        assert_eq!(counted(), (0, 0));
    }

    #[test]
    fn few_open_files_mean_few_places() {
        for files in [0, 10, 64, 100, 832, 4_000, 10_000, 36_672, 1_000_000] {
            let Places { strangers, signed_in, to_tools } = Places::within(files);
            assert!(2 * (strangers + signed_in) + to_tools <= files, "{files}");
            assert!(files < 64 || strangers > limits::CONNECTIONS_KEPT_FOR_LOOPBACK, "{files}");
        }
        assert_eq!(Places::within(36_672).signed_in, limits::CONNECTIONS_SIGNED_IN);
        assert_eq!(Places::within(36_672).strangers, limits::CONNECTIONS);
    }

    #[test]
    fn loopback_finds_a_place_when_strangers_took_the_rest() {
        let connections = Connections::new(Places::within(usize::MAX));
        let held: Vec<_> = (0..=255_u8)
            .flat_map(|host| std::iter::repeat_n(host, 4))
            .map_while(|host| connections.admit(client(&format!("192.0.2.{host}"))))
            .collect();
        assert_eq!(held.len(), limits::CONNECTIONS - limits::CONNECTIONS_KEPT_FOR_LOOPBACK);
        assert!(connections.admit(client("127.0.0.1")).is_some());
    }
}
