//! Who is in: seen in the last minutes, or holding a tunnel. For the owner's eyes only; nothing decides by it.

use super::{Permit, identify::Client, limits, snapshot::Shared};
use crate::clock::Timestamp;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Everyone seen lately.
#[derive(Default)]
pub(crate) struct Visitors(Mutex<HashMap<Row, Times>>);

/// User, tool, address.
type Row = (String, String, IpAddr);

/// What is known of a row.
struct Times {
    since: Timestamp,
    last: Instant,
    tunnels: usize,
    /// Nothing but its tunnels keeps it: a session or rights ended since it was last seen.
    ended: bool,
}

/// One of them.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Seen {
    pub(crate) since: Timestamp,
    pub(crate) user: String,
    pub(crate) tool: String,
    pub(crate) address: IpAddr,
}

impl Visitors {
    /// Notes a visit; says whether it is news.
    pub(crate) fn seen(&self, permit: &Permit, client: Client, now: Timestamp) -> bool {
        let mut all = self.lock();
        let key = row(permit, client);
        if let Some(times) = all.get_mut(&key) {
            times.last = Instant::now();
            times.ended = false;
            return false;
        }
        let room = all.len() < MOST;
        if room {
            all.insert(key, Times { since: now, last: Instant::now(), tunnels: 0, ended: false });
        }
        room
    }

    /// Keeps a visitor in the list while a tunnel is open.
    pub(crate) fn hold(shared: &Arc<Shared>, permit: &Permit, client: Client) -> Held {
        let key = row(permit, client);
        let mut all = shared.visitors.lock();
        let counts = all.len() < MOST || all.contains_key(&key);
        if counts {
            let fresh =
                || Times { since: shared.clock.timestamp(), last: Instant::now(), tunnels: 0, ended: false };
            all.entry(key.clone()).or_insert_with(fresh).tunnels += 1;
        }
        drop(all);
        Held { shared: Arc::clone(shared), key: counts.then_some(key) }
    }

    /// Forgets those who left and lists the rest, longest first.
    pub(crate) fn list(&self) -> Vec<Seen> {
        let mut all = self.lock();
        all.retain(|_, times| times.tunnels > 0 || times.last.elapsed() < limits::VISITOR_KEPT);
        let mut list: Vec<Seen> = all
            .iter()
            .map(|((user, tool, address), times)| Seen {
                since: times.since,
                user: user.clone(),
                tool: tool.clone(),
                address: *address,
            })
            .collect();
        list.sort();
        list
    }

    /// How soon somebody leaves the list if nothing more is heard of them.
    pub(crate) fn next_leaves(&self) -> Option<Duration> {
        let all = self.lock();
        let quiet = all.values().filter(|times| times.tunnels == 0);
        quiet.map(|times| limits::VISITOR_KEPT.saturating_sub(times.last.elapsed()) + MOMENT).min()
    }

    /// The list starts anew: someone's session or rights ended. Whoever is still in shows up with the next request, or has
    /// a tunnel open; a tunnel that closes now takes its row with it.
    pub(crate) fn forget(&self) {
        self.lock().retain(|_, times| {
            times.ended = true;
            times.tunnels > 0
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Row, Times>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open tunnel; its visitor counts as in until this is dropped.
pub(crate) struct Held {
    shared: Arc<Shared>,
    /// Nothing where the list was full.
    key: Option<Row>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(key) = &self.key else { return };
        let mut all = self.shared.visitors.lock();
        let Some(times) = all.get_mut(key) else { return };
        times.tunnels = times.tunnels.saturating_sub(1);
        times.last = Instant::now();
        if times.ended && times.tunnels == 0 {
            all.remove(key);
            self.shared.changed.notify_one();
        }
    }
}

fn row(permit: &Permit, client: Client) -> Row {
    (permit.subject().listed_name(), permit.tool().name.clone(), client.address())
}

/// So that whoever leaves has left when the list is looked at.
const MOMENT: Duration = Duration::from_millis(10);
/// Most rows kept (chosen: more is no list any more).
const MOST: usize = 512;
