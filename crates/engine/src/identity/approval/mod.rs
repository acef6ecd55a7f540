//! Approval at the desk: who signs in from the internet with a password alone, on a device the owner does not know, waits
//! until the owner says yes. A stolen password then opens nothing while the owner sleeps.
//!
//! Who waits lies in memory (`questions.rs`); a restart means to begin again. The devices that need not ask again are kept
//! (`devices.rs`).

mod devices;
mod questions;

pub(crate) use devices::LIFETIME;
pub(crate) use questions::{BadAllow, WAITING};

use super::{
    session::{Digest, digest},
    user::User,
};
use crate::{
    clock::{Clock, Timestamp},
    random::NoRandomness,
    store::database::{Database, StoreError},
};
use devices::Devices;
use drawbridge_protocol::{Level, Secret};
use questions::Questions;
use serde::{Deserialize, Serialize};
use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
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

/// What shows that the owner knows a device, or was asked about it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shown<'a> {
    /// Somebody is signed in there with the very account.
    SignedIn,
    /// The cookies of a browser.
    Page(Tokens<'a>),
    /// The same in a call of a program.
    Call(Tokens<'a>),
    /// Nothing but where a program calls from that sends name and password each time.
    Network(IpAddr),
}

/// The tokens a device has, if any.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tokens<'a> {
    /// Of a device that is known.
    pub(crate) device: Option<&'a str>,
    /// Of a question that was asked.
    pub(crate) question: Option<&'a str>,
}

/// What came of asking.
#[derive(Debug)]
pub(crate) enum Asked {
    /// The owner said yes to this very device. It is claimed: say with [`Approvals::settle`] what came of it.
    Allowed(Answer),
    /// Another request has claimed the yes a moment ago.
    Claimed,
    /// The device waits. It holds the token and shows the number.
    Waits { token: Secret, number: u8, left: Duration },
    /// The program waits; it has nothing to show.
    ProgramWaits,
    /// The owner is not asked before so long: another device of the account waits, or he said no, or did not answer.
    Later(Duration),
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
    Claimed,
    Refused,
}

/// Somebody who waits, as the owner sees it.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) id: String,
    pub(crate) user: Arc<User>,
    /// What the device shows; a program over Basic shows nothing.
    pub(crate) number: Option<u8>,
    pub(crate) address: IpAddr,
    pub(crate) agent: String,
    pub(crate) since: Timestamp,
    pub(crate) expires: Timestamp,
    by: By,
}

/// What is let in when the owner says yes: each kind only in the way it asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum By {
    Page(Digest),
    Call(Digest),
    Network(IpAddr),
}

/// Who waits for the owner, and whom the owner let in.
pub(crate) struct Approvals {
    policy: AtomicU8,
    desks: Arc<Mutex<Desks>>,
    questions: Mutex<Questions>,
    pub(crate) devices: Devices,
    clock: Clock,
}

/// The desks that can be asked.
#[derive(Default)]
struct Desks {
    count: usize,
    /// When the last of them left.
    left: Option<Instant>,
}

/// A desk that can be asked, for as long as this lives.
pub(crate) struct Desk(Arc<Mutex<Desks>>);

impl Drop for Desk {
    fn drop(&mut self) {
        let mut desks = lock(&self.0);
        desks.count = desks.count.saturating_sub(1);
        desks.left = Some(Instant::now());
    }
}

impl Approvals {
    /// With the devices that are known.
    pub(crate) async fn load(database: Database, clock: Clock) -> Result<Self, StoreError> {
        let devices = Devices::load(database, clock.clone()).await?;
        let (policy, desks, questions) = (AtomicU8::default(), Arc::default(), Mutex::default());
        Ok(Self { policy, desks, questions, devices, clock })
    }

    /// When the owner is asked from here on.
    pub(crate) fn set_policy(&self, policy: Policy) {
        self.policy.store(policy as u8, Ordering::Release);
    }

    /// Another desk that can be asked.
    pub(crate) fn desk(&self) -> Desk {
        lock(&self.desks).count += 1;
        Desk(Arc::clone(&self.desks))
    }

    /// Whether a right password lets this account in from there without asking. A second factor is better than asking.
    pub(crate) fn lets_in(&self, user: &User, level: Level, shown: &Shown<'_>) -> bool {
        if level < Level::Internet || user.second.is_some() {
            return true;
        }
        let known = match shown {
            Shown::SignedIn => true,
            Shown::Page(tokens) | Shown::Call(tokens) => {
                tokens.device.is_some_and(|token| self.devices.knows(user.id, token))
            }
            Shown::Network(network) => {
                lock(&self.questions).is_allowed(user, *network, self.clock.timestamp())
            }
        };
        known || !self.asks(user)
    }

    /// Asks the owner, or looks what the owner said. The password was right.
    pub(crate) fn ask(
        &self,
        user: &Arc<User>,
        (address, agent): (IpAddr, &str),
        shown: &Shown<'_>,
    ) -> Result<Asked, NoRandomness> {
        let now = self.clock.timestamp();
        lock(&self.questions).ask(user, (address, agent), shown, now)
    }

    /// How the browser with this token stands; nothing where nobody asked in it, or it is over.
    pub(crate) fn standing(&self, token: &str) -> Option<Standing> {
        lock(&self.questions).standing(By::Page(digest(token)))
    }

    /// The account the browser with this token was let in with. Say with [`Self::settle`] what came of it.
    pub(crate) fn claim(&self, token: &str) -> Option<(Arc<User>, Answer)> {
        lock(&self.questions).claim(By::Page(digest(token)))
    }

    /// A claimed yes is used up where a session came of it, and good again where none did.
    pub(crate) fn settle(&self, shown: &Shown<'_>, is_in: bool) {
        if let Some(by) = By::of(shown) {
            lock(&self.questions).settle(by, is_in);
        }
    }

    /// Ends what was asked in the browser with this token, answered or not.
    pub(crate) fn end(&self, token: &str) {
        lock(&self.questions).end(By::Page(digest(token)));
    }

    /// Everyone who waits, longest first.
    pub(crate) fn list(&self) -> Vec<Question> {
        lock(&self.questions).list()
    }

    /// How soon somebody stops waiting if nobody answers.
    pub(crate) fn next_ends(&self) -> Option<Duration> {
        lock(&self.questions).next_ends()
    }

    /// The owner says yes.
    pub(crate) fn allow(&self, id: &str, answer: Answer) -> Result<(), BadAllow> {
        lock(&self.questions).allow(id, answer, self.clock.timestamp())
    }

    /// The owner says no, also to what he said yes to before it was used. False where nobody waits with this id.
    pub(crate) fn refuse(&self, id: &str) -> bool {
        lock(&self.questions).refuse(id)
    }

    /// Programs that were let in by where they call from.
    pub(crate) fn programs(&self) -> Vec<questions::Program> {
        lock(&self.questions).programs(self.clock.timestamp())
    }

    /// Forgets one of them. False where there is none with this id.
    pub(crate) fn forget_program(&self, id: &str) -> bool {
        lock(&self.questions).forget_program(id)
    }

    fn asks(&self, user: &User) -> bool {
        let policy = self.policy.load(Ordering::Acquire);
        let at_desk = || {
            let desks = lock(&self.desks);
            desks.count > 0 || desks.left.is_some_and(|left| left.elapsed() < LINGER)
        };
        // A question that was asked, or answered with no, stands: the tray's end must not turn it into a yes.
        policy == Policy::Always as u8
            || (policy == Policy::Desk as u8 && (at_desk() || lock(&self.questions).is_about(user.id)))
    }
}

impl By {
    /// What a request that was asked about shows of it.
    fn of(shown: &Shown<'_>) -> Option<Self> {
        match shown {
            Shown::SignedIn => None,
            Shown::Page(tokens) => tokens.question.map(|token| Self::Page(digest(token))),
            Shown::Call(tokens) => tokens.question.map(|token| Self::Call(digest(token))),
            Shown::Network(network) => Some(Self::Network(*network)),
        }
    }
}

fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long it asks after the last desk left (chosen: a tray that crashed is back by then, or its owner has noticed).
const LINGER: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests;
