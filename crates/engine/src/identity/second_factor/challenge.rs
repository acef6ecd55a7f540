//! Challenges: what a passkey signs, so that its answer is of now, of this browser, and of the page it was asked on.
//!
//! None is kept when it is given out, so no crowd of strangers can push another's away: each proves itself, by a hash under
//! a key that a restart forgets. Remembered are those that opened something, and only who holds a registered key adds one.

use crate::{
    identity::UserId,
    random::{self, NoRandomness},
};
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use drawbridge_protocol::Level;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Gives challenges out and knows them again.
pub(crate) struct Challenges {
    key: hmac::Key,
    start: Instant,
    spent: Mutex<HashMap<Nonce, Spent>>,
}

type Nonce = [u8; NONCE];

struct Spent {
    user: UserId,
    until: u64,
}

/// What a challenge is good for; anywhere else it is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose<'a> {
    pub(crate) act: Act,
    pub(crate) level: Level,
    /// Of the gate.
    pub(crate) origin: &'a str,
    /// The value of the cookie of this browser that belongs to the act.
    pub(crate) browser: &'a str,
}

/// What somebody does with a passkey.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Act {
    /// Signs in with it alone.
    SignIn = 1,
    /// Goes on after the password.
    After,
    /// Changes the own account.
    Change,
    /// Adds a new one; password and factor were verified when it was given out.
    Add,
}

/// A challenge of ours that is good still.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Good {
    nonce: Nonce,
    until: u64,
}

impl Challenges {
    /// With a key of their own.
    pub(crate) fn new() -> Result<Self, NoRandomness> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>()?);
        Ok(Self { key, start: Instant::now(), spent: Mutex::default() })
    }

    /// A new one, in URL-safe base 64 as browsers send it back.
    pub(crate) fn begin(&self, purpose: &Purpose<'_>) -> Result<String, NoRandomness> {
        let good = Good { nonce: random::bytes()?, until: self.now() + LIFETIME.as_secs() };
        let bytes =
            [&good.nonce[..], &good.until.to_be_bytes(), self.proof(&good, purpose).as_ref()].concat();
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Knows one again.
    pub(crate) fn find(&self, text: &str, purpose: &Purpose<'_>) -> Option<Good> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, rest) = bytes.split_first_chunk::<NONCE>()?;
        let (until, proof) = rest.split_first_chunk::<8>()?;
        let good = Good { nonce: *nonce, until: u64::from_be_bytes(*until) };
        hmac::verify(&self.key, &signed(&good, purpose), proof).ok()?;
        (self.now() < good.until && !self.lock().contains_key(nonce)).then_some(good)
    }

    /// Spends one: of any number of answers to it one finds it unspent.
    pub(crate) fn spend(&self, good: Good, user: UserId) -> bool {
        let now = self.now();
        let mut spent = self.lock();
        spent.retain(|_, spent| now < spent.until);
        let own = spent.values().filter(|spent| spent.user == user).count();
        if now >= good.until || own >= MOST_PER_USER || spent.len() >= MOST {
            return false;
        }
        spent.insert(good.nonce, Spent { user, until: good.until }).is_none()
    }

    fn proof(&self, good: &Good, purpose: &Purpose<'_>) -> hmac::Tag {
        hmac::sign(&self.key, &signed(good, purpose))
    }

    /// Seconds since the start: no clock that is set makes one good again.
    fn now(&self) -> u64 {
        self.start.elapsed().as_secs()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Nonce, Spent>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As if so much time had passed.
    #[cfg(test)]
    pub(crate) fn pass(&mut self, time: Duration) {
        self.start = self.start.checked_sub(time).unwrap();
    }
}

fn signed(good: &Good, purpose: &Purpose<'_>) -> Vec<u8> {
    let level = purpose.level.to_string();
    let mut bytes = [&good.nonce[..], &good.until.to_be_bytes(), &[purpose.act as u8]].concat();
    for part in [&level, purpose.origin, purpose.browser] {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part.as_bytes());
    }
    bytes
}

/// How long one lasts (chosen: finding the key, or the phone).
pub(crate) const LIFETIME: Duration = Duration::from_secs(300);
const NONCE: usize = 16;
/// What one account may do with passkeys in that time (chosen: far beyond a person).
const MOST_PER_USER: usize = 64;
/// What all may (chosen: 256 KiB).
const MOST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Purpose<'_> =
        Purpose { act: Act::SignIn, level: Level::Lan, origin: "https://home.test:8443", browser: "b" };

    #[test]
    fn one_is_good_once_for_its_purpose_alone() {
        let challenges = Challenges::new().unwrap();
        let text = challenges.begin(&HERE).unwrap();
        for other in [
            Purpose { act: Act::After, ..HERE },
            Purpose { act: Act::Change, ..HERE },
            Purpose { act: Act::Add, ..HERE },
            Purpose { level: Level::Internet, ..HERE },
            Purpose { origin: "https://home.test:8444", ..HERE },
            Purpose { browser: "c", ..HERE },
        ] {
            assert!(challenges.find(&text, &other).is_none(), "{other:?}");
        }
        let (one, two) = (challenges.find(&text, &HERE).unwrap(), challenges.find(&text, &HERE).unwrap());
        assert!(challenges.spend(one, UserId(1)) && !challenges.spend(two, UserId(1)));
        assert!(challenges.find(&text, &HERE).is_none());
        assert!(Challenges::new().unwrap().find(&challenges.begin(&HERE).unwrap(), &HERE).is_none());
    }

    #[test]
    fn one_ends_after_five_minutes_and_cannot_be_made_longer() {
        let mut challenges = Challenges::new().unwrap();
        let text = challenges.begin(&HERE).unwrap();
        challenges.pass(LIFETIME.checked_sub(Duration::from_secs(1)).unwrap());
        let good = challenges.find(&text, &HERE).unwrap();
        challenges.pass(Duration::from_secs(1));
        assert!(challenges.find(&text, &HERE).is_none() && !challenges.spend(good, UserId(1)));
        let mut bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        bytes[NONCE + 6] = 0xff;
        assert!(challenges.find(&URL_SAFE_NO_PAD.encode(bytes), &HERE).is_none());
    }

    #[test]
    fn what_is_remembered_is_bounded_and_nobody_takes_anothers_place() {
        let mut challenges = Challenges::new().unwrap();
        let spend = |challenges: &Challenges, user| {
            let good = challenges.find(&challenges.begin(&HERE).unwrap(), &HERE).unwrap();
            challenges.spend(good, UserId(user))
        };
        assert!((0..MOST_PER_USER).all(|_| spend(&challenges, 1)));
        assert!(!spend(&challenges, 1) && spend(&challenges, 2));
        let all = (3..100).filter(|user| (0..MOST_PER_USER).all(|_| spend(&challenges, *user))).count();
        assert_eq!(all, MOST / MOST_PER_USER - 2);
        assert_eq!(challenges.lock().len(), MOST);
        challenges.pass(LIFETIME);
        assert!(spend(&challenges, 1));
        assert_eq!(challenges.lock().len(), 1);
    }
}
