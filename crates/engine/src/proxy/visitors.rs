//! Who is in: seen in the last minutes. For the owner's eyes only; nothing decides by it.

use super::{Permit, identify::Client, limits};
use crate::clock::Timestamp;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// Everyone seen lately.
#[derive(Default)]
pub(crate) struct Visitors(Mutex<HashMap<Row, Times>>);

/// User, tool, address.
type Row = (String, String, IpAddr);
/// First seen, last seen.
type Times = (Timestamp, Instant);

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
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (permit.subject().user().name.clone(), permit.tool().name.clone(), client.address());
        if let Some((_, last)) = all.get_mut(&key) {
            *last = Instant::now();
        } else if all.len() < MOST {
            all.insert(key, (now, Instant::now()));
        }
    }

    /// Forgets those who left and lists the rest, longest first.
    pub(crate) fn list(&self) -> Vec<Seen> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (_, last)| last.elapsed() < limits::VISITOR_KEPT);
        let mut list: Vec<Seen> = all
            .iter()
            .map(|((user, tool, address), (since, _))| Seen {
                since: *since,
                user: user.clone(),
                tool: tool.clone(),
                address: *address,
            })
            .collect();
        list.sort();
        list
    }

    /// Forgets everyone for whom this says so: their sessions or rights ended.
    pub(crate) fn forget(&self, gone: impl Fn(&str, &str) -> bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(user, tool, _), _| !gone(user, tool));
    }
}

/// Most rows kept (chosen: more is no list any more).
const MOST: usize = 512;
