//! Who is in: seen in the last minutes, or holding a tunnel. For the owner's eyes only; nothing decides by it.

use super::{Permit, identify::Client, limits, snapshot::Shared};
use crate::clock::Timestamp;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// Everyone seen lately.
#[derive(Default)]
pub(crate) struct Visitors(Mutex<HashMap<Row, Times>>);

/// User, tool, address.
type Row = (String, String, IpAddr);
/// First seen, last seen, tunnels open.
type Times = (Timestamp, Instant, usize);

/// One of them.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Seen {
    pub(crate) since: Timestamp,
    pub(crate) user: String,
    pub(crate) tool: String,
    pub(crate) address: IpAddr,
}

impl Visitors {
    /// Notes a request.
    pub(crate) fn seen(&self, permit: &Permit, client: Client, now: Timestamp) {
        let mut all = self.lock();
        let key = row(permit, client);
        if let Some((_, last, _)) = all.get_mut(&key) {
            *last = Instant::now();
        } else if all.len() < MOST {
            all.insert(key, (now, Instant::now(), 0));
        }
    }

    /// Keeps a visitor in the list while a tunnel is open.
    pub(crate) fn hold(shared: &Arc<Shared>, permit: &Permit, client: Client) -> Held {
        let key = row(permit, client);
        if let Some((_, _, tunnels)) = shared.visitors.lock().get_mut(&key) {
            *tunnels += 1;
        }
        Held { shared: Arc::clone(shared), key }
    }

    /// Forgets those who left and lists the rest, longest first.
    pub(crate) fn list(&self) -> Vec<Seen> {
        let mut all = self.lock();
        all.retain(|_, (_, last, tunnels)| *tunnels > 0 || last.elapsed() < limits::VISITOR_KEPT);
        let mut list: Vec<Seen> = all
            .iter()
            .map(|((user, tool, address), (since, _, _))| Seen {
                since: *since,
                user: user.clone(),
                tool: tool.clone(),
                address: *address,
            })
            .collect();
        list.sort();
        list
    }

    /// The list starts anew: someone's session or rights ended. Whoever is still in shows up with the next request, or has
    /// a tunnel open.
    pub(crate) fn forget(&self) {
        self.lock().retain(|_, (_, _, tunnels)| *tunnels > 0);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Row, Times>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open tunnel; its visitor counts as in until this is dropped.
pub(crate) struct Held {
    shared: Arc<Shared>,
    key: Row,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some((_, last, tunnels)) = self.shared.visitors.lock().get_mut(&self.key) {
            *tunnels = tunnels.saturating_sub(1);
            *last = Instant::now();
        }
    }
}

fn row(permit: &Permit, client: Client) -> Row {
    (permit.subject().user().name.clone(), permit.tool().name.clone(), client.address())
}

/// Most rows kept (chosen: more is no list any more).
const MOST: usize = 512;
