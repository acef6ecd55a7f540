//! Approval at the desk: who signs in from the internet with a password alone, on a device the owner does not know, waits
//! until the owner says yes. A stolen password then opens nothing while the owner sleeps.
//!
//! What waits lies in memory; a restart means to begin again. The devices that need not ask again are kept (`devices.rs`).

mod devices;

pub(crate) use devices::LIFETIME;

use devices::Devices;

use super::{
    session::{Digest, SessionError, digest},
    user::User,
};
use crate::{
    clock::{Clock, Timestamp},
    identity::{UserId, session},
    random::{self, NoRandomness},
    store::database::{Database, StoreError},
};
use drawbridge_protocol::{Level, Secret};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// When the owner is asked.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub(crate) enum Policy {
    /// While tray or window run, where somebody can be asked.
    #[default]
    Desk,
    Always,
    Never,
}

/// What shows that the owner knows a device.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shown<'a> {
    /// Somebody is signed in there with the very account.
    SignedIn,
    /// The token the device was given, where it has one.
    Token(Option<&'a str>),
    /// Nothing but where a program calls from.
    Network(IpAddr),
}

/// What came of asking.
#[derive(Debug)]
pub(crate) enum Asked {
    /// The owner said yes to this very device; that is used up now.
    Allowed(Answer),
    /// The device waits. It holds the token and shows the number.
    Waits { token: Secret, number: u8 },
    /// The program waits; it has nothing to show.
    ProgramWaits,
    /// Another device of the account waits, so long at most.
    Another(Duration),
    /// The owner said no; nobody is asked for so long.
    Refused(Duration),
    /// Too much at once.
    Busy,
}

/// The owner's yes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    Once,
    /// The device is known from here on.
    Always,
}

/// How a device stands that asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    Waits(u8),
    Allowed,
    Refused,
}

/// A sign-in that waits, as the owner sees it.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) id: String,
    pub(crate) user: Arc<User>,
    /// What the device shows; a program shows nothing.
    pub(crate) number: Option<u8>,
    pub(crate) address: IpAddr,
    pub(crate) agent: String,
    pub(crate) since: Timestamp,
    pub(crate) expires: Timestamp,
    by: By,
}

/// What is let in when the owner says yes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum By {
    Device(Digest),
    Network(IpAddr),
}

struct Entry {
    waiting: Waiting,
    said: Said,
    until: Instant,
}

/// What the owner said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Said {
    Nothing,
    Yes(Answer),
    No,
}

/// Who waits for the owner, and whom the owner let in.
pub(crate) struct Approvals {
    policy: AtomicU8,
    desks: Arc<AtomicUsize>,
    tables: Mutex<Tables>,
    pub(crate) devices: Devices,
    clock: Clock,
}

#[derive(Default)]
struct Tables {
    /// One of an account, so that nobody floods the owner until one is let in by mistake.
    waiting: HashMap<UserId, Entry>,
    /// Accounts the owner said no for, until when.
    refused: HashMap<UserId, Instant>,
    /// Programs that send name and password, and from where.
    networks: Vec<(Arc<User>, IpAddr, Instant)>,
}

/// A desk that can be asked, for as long as this lives.
pub(crate) struct Desk(Arc<AtomicUsize>);

impl Drop for Desk {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Approvals {
    /// With the devices that are known.
    pub(crate) async fn load(database: Database, clock: Clock) -> Result<Self, StoreError> {
        let devices = Devices::load(database, clock.clone()).await?;
        Ok(Self {
            policy: AtomicU8::default(),
            desks: Arc::default(),
            tables: Mutex::default(),
            devices,
            clock,
        })
    }

    /// When the owner is asked from here on.
    pub(crate) fn set_policy(&self, policy: Policy) {
        self.policy.store(policy as u8, Ordering::Release);
    }

    /// Another desk that can be asked.
    pub(crate) fn desk(&self) -> Desk {
        self.desks.fetch_add(1, Ordering::AcqRel);
        Desk(Arc::clone(&self.desks))
    }

    /// Whether a right password lets this account in from there without asking. A second factor is better than asking.
    pub(crate) fn lets_in(&self, user: &User, level: Level, shown: &Shown<'_>) -> bool {
        if level < Level::Internet || user.second.is_some() || !self.asks() {
            return true;
        }
        match shown {
            Shown::SignedIn => true,
            Shown::Token(token) => token.is_some_and(|token| self.devices.knows(user.id, token)),
            Shown::Network(network) => self.lock().is_allowed(user.id, *network),
        }
    }

    /// Asks the owner, or looks what the owner said. The password was right.
    pub(crate) fn ask(
        &self,
        user: &Arc<User>,
        (address, agent): (IpAddr, &str),
        shown: &Shown<'_>,
    ) -> Result<Asked, NoRandomness> {
        let mut tables = self.lock();
        tables.tidy();
        if let Some(left) = tables.refused_for(user.id) {
            return Ok(Asked::Refused(left));
        }
        let by = match *shown {
            Shown::Network(network) => Some(By::Network(network)),
            Shown::Token(token) => token.map(|token| By::Device(digest(token))),
            Shown::SignedIn => None,
        };
        if let Some(entry) = tables.waiting.get(&user.id) {
            if by != Some(entry.waiting.by) {
                return Ok(Asked::Another(entry.left()));
            }
            return Ok(match (entry.said, *shown, entry.waiting.number) {
                (Said::Yes(answer), ..) => {
                    tables.waiting.remove(&user.id);
                    Asked::Allowed(answer)
                }
                (_, Shown::Token(Some(token)), Some(number)) => {
                    Asked::Waits { token: Secret::new(token.to_owned()), number }
                }
                _ => Asked::ProgramWaits,
            });
        }
        if tables.waiting.len() >= MOST {
            return Ok(Asked::Busy);
        }
        let token = Secret::new(random::token()?);
        let (by, number) = match by {
            Some(by @ By::Network(_)) => (by, None),
            // Never a token that came from outside: somebody else may know it.
            _ => (By::Device(digest(token.expose())), Some(number()?)),
        };
        let since = self.clock.timestamp();
        let waiting = Waiting {
            id: session::name()?,
            user: Arc::clone(user),
            number,
            address,
            agent: session::told(agent),
            since,
            expires: since.plus(WAITING),
            by,
        };
        let entry = Entry { waiting, said: Said::Nothing, until: Instant::now() + WAITING };
        tables.waiting.insert(user.id, entry);
        Ok(number.map_or(Asked::ProgramWaits, |number| Asked::Waits { token, number }))
    }

    /// How the device with this token stands; nothing where nobody asked on it, or it is over.
    pub(crate) fn standing(&self, token: &str) -> Option<Standing> {
        let mut tables = self.lock();
        tables.tidy();
        let entry = tables.of_device(&digest(token))?;
        match entry.said {
            Said::Nothing => entry.waiting.number.map(Standing::Waits),
            Said::Yes(_) => Some(Standing::Allowed),
            Said::No => Some(Standing::Refused),
        }
    }

    /// The account the device with this token was let in with; that is used up now.
    pub(crate) fn take(&self, token: &str) -> Option<(Arc<User>, Answer)> {
        let mut tables = self.lock();
        tables.tidy();
        let entry = tables.of_device(&digest(token))?;
        let Said::Yes(answer) = entry.said else { return None };
        let user = Arc::clone(&entry.waiting.user);
        tables.waiting.remove(&user.id);
        Some((user, answer))
    }

    /// Everyone who waits, longest first.
    pub(crate) fn list(&self) -> Vec<Waiting> {
        let mut tables = self.lock();
        tables.tidy();
        let open = tables.waiting.values().filter(|entry| entry.is_open());
        let mut list: Vec<Waiting> = open.map(|entry| entry.waiting.clone()).collect();
        list.sort_by(|one, other| (one.since, &one.id).cmp(&(other.since, &other.id)));
        list
    }

    /// How soon somebody stops waiting if nobody answers.
    pub(crate) fn next_ends(&self) -> Option<Duration> {
        let tables = self.lock();
        let open = tables.waiting.values().filter(|entry| entry.is_open());
        open.map(|entry| entry.left() + MOMENT).min()
    }

    /// The owner says yes; a device that need not ask again is saved first. False where nobody waits with this id.
    pub(crate) async fn allow(&self, id: &str, answer: Answer) -> Result<bool, SessionError> {
        let Some(waiting) = self.list().into_iter().find(|waiting| waiting.id == id) else {
            return Ok(false);
        };
        if let (By::Device(hash), Answer::Always) = (waiting.by, answer) {
            self.devices.add(hash, waiting.user.id, waiting.agent.clone()).await?;
        }
        let mut tables = self.lock();
        tables.tidy();
        let entry = tables.waiting.get_mut(&waiting.user.id).filter(|entry| entry.waiting.id == id);
        let Some(entry) = entry else { return Ok(false) };
        if let By::Network(network) = waiting.by {
            tables.waiting.remove(&waiting.user.id);
            tables.networks.push((waiting.user, network, Instant::now() + PROGRAM));
        } else {
            entry.said = Said::Yes(answer);
            entry.until = Instant::now() + WAITING;
        }
        Ok(true)
    }

    /// The owner says no. False where nobody waits with this id.
    pub(crate) fn refuse(&self, id: &str) -> bool {
        let mut tables = self.lock();
        tables.tidy();
        let mut open = tables.waiting.values_mut().filter(|entry| entry.is_open());
        let Some(entry) = open.find(|entry| entry.waiting.id == id) else { return false };
        entry.said = Said::No;
        let user = entry.waiting.user.id;
        tables.refused.insert(user, Instant::now() + REFUSED);
        true
    }

    fn asks(&self) -> bool {
        let policy = self.policy.load(Ordering::Acquire);
        policy == Policy::Always as u8
            || (policy == Policy::Desk as u8 && self.desks.load(Ordering::Acquire) > 0)
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn is_open(&self) -> bool {
        self.said == Said::Nothing
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

impl Tables {
    fn tidy(&mut self) {
        let now = Instant::now();
        self.waiting.retain(|_, entry| entry.until > now && !entry.waiting.user.withdrawn.is_cancelled());
        self.refused.retain(|_, until| *until > now);
        self.networks.retain(|(user, _, until)| *until > now && !user.withdrawn.is_cancelled());
    }

    fn of_device(&self, hash: &Digest) -> Option<&Entry> {
        self.waiting.values().find(|entry| entry.waiting.by == By::Device(*hash))
    }

    fn is_allowed(&self, user: UserId, network: IpAddr) -> bool {
        let now = Instant::now();
        self.networks.iter().any(|(known, from, until)| {
            known.id == user && *from == network && *until > now && !known.withdrawn.is_cancelled()
        })
    }

    fn refused_for(&self, user: UserId) -> Option<Duration> {
        let left = self.refused.get(&user)?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }
}

/// Two digits, both of which are read out.
fn number() -> Result<u8, NoRandomness> {
    Ok(u8::try_from(random::below(90)? + 10).unwrap_or(10))
}

/// How long somebody waits for the owner, and after a yes for the device (chosen: a walk to the desk).
pub(crate) const WAITING: Duration = Duration::from_secs(300);
/// How long nobody is asked for an account after a no (chosen: nobody says yes just to have peace).
const REFUSED: Duration = Duration::from_secs(600);
/// How long a program that sends name and password is let in from one network (chosen: a day's work; a token is better).
const PROGRAM: Duration = Duration::from_secs(12 * 3600);
/// Accounts that wait at once.
const MOST: usize = 64;
/// So that whoever stops waiting has stopped when the list is looked at.
const MOMENT: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests;
