//! Half sign-ins: the password was right, the second factor is still to come. Not a session: nothing looks here but the
//! page that asks for the code.
//!
//! In memory alone, by the digest of a cookie of its own. A restart means to begin again.

use crate::{
    identity::{
        session::{Digest, digest},
        user::User,
    },
    random::{self, NoRandomness},
};
use drawbridge_protocol::Level;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Everyone who is half signed in.
#[derive(Default)]
pub(crate) struct Halves(Mutex<HashMap<Digest, Half>>);

struct Half {
    /// The very account whose password was right; another self of it is another account.
    user: Arc<User>,
    level: Level,
    wrong: u32,
    begun: Instant,
}

/// What a wrong code did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum After {
    /// Another may be typed.
    Again,
    /// It was the last one; the password has to be typed anew.
    Over,
}

impl Halves {
    /// A new one; returns the cookie's value.
    pub(crate) fn begin(&self, user: Arc<User>, level: Level) -> Result<String, NoRandomness> {
        let token = random::token()?;
        let mut halves = self.lock();
        halves.retain(|_, half| half.is_good());
        // The oldest make room: of this account first, so that nobody's haste ends another's.
        let own = halves.iter().filter(|(_, half)| half.user.id == user.id);
        let crowd: Vec<(Digest, Instant)> = if own.clone().count() >= MOST_PER_USER {
            own.map(|(digest, half)| (*digest, half.begun)).collect()
        } else if halves.len() >= MOST {
            halves.iter().map(|(digest, half)| (*digest, half.begun)).collect()
        } else {
            Vec::new()
        };
        if let Some((oldest, _)) = crowd.into_iter().min_by_key(|(_, begun)| *begun) {
            halves.remove(&oldest);
        }
        halves.insert(digest(&token), Half { user, level, wrong: 0, begun: Instant::now() });
        Ok(token)
    }

    /// Whose half sign-in a cookie stands for, while it is good.
    pub(crate) fn find(&self, cookie: &str, level: Level) -> Option<Arc<User>> {
        let halves = self.lock();
        let half = halves.get(&digest(cookie))?;
        (half.level == level && half.is_good()).then(|| Arc::clone(&half.user))
    }

    /// The same, and it is over: a right code was typed.
    pub(crate) fn take(&self, cookie: &str, level: Level) -> Option<Arc<User>> {
        let half = self.lock().remove(&digest(cookie))?;
        (half.level == level && half.is_good()).then_some(half.user)
    }

    /// Counts a wrong code.
    pub(crate) fn wrong(&self, cookie: &str) -> After {
        let (mut halves, digest) = (self.lock(), digest(cookie));
        let Some(half) = halves.get_mut(&digest) else { return After::Over };
        half.wrong += 1;
        if half.wrong < MOST_WRONG {
            return After::Again;
        }
        halves.remove(&digest);
        After::Over
    }

    /// Ends one.
    pub(crate) fn end(&self, cookie: &str) {
        self.lock().remove(&digest(cookie));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Half>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Half {
    fn is_good(&self) -> bool {
        self.begun.elapsed() < LIFETIME && !self.user.withdrawn.is_cancelled()
    }
}

/// How long one lasts (chosen: finding the phone).
pub(crate) const LIFETIME: Duration = Duration::from_secs(300);
/// Wrong codes that end one (chosen: two mistakes, an old code, room).
const MOST_WRONG: u32 = 5;
/// Half sign-ins of one account at once (chosen: a person has a few browsers).
const MOST_PER_USER: usize = 16;
/// Half sign-ins at once (chosen: 1 MiB).
const MOST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::UserId;

    fn user(id: i64) -> Arc<User> {
        Arc::new(User { id: UserId(id), ..User::anna() })
    }

    #[test]
    fn one_is_good_once_at_its_level_for_its_account() {
        let (halves, anna) = (Halves::default(), user(1));
        let cookie = halves.begin(Arc::clone(&anna), Level::Lan).unwrap();
        assert!(halves.find(&cookie, Level::Lan).is_some());
        assert!(halves.find(&cookie, Level::Internet).is_none());
        assert!(halves.find("other", Level::Lan).is_none());
        assert!(halves.take(&cookie, Level::Lan).is_some());
        assert!(halves.take(&cookie, Level::Lan).is_none() && halves.find(&cookie, Level::Lan).is_none());
        let cookie = halves.begin(Arc::clone(&anna), Level::Lan).unwrap();
        anna.withdrawn.cancel();
        assert!(halves.find(&cookie, Level::Lan).is_none() && halves.take(&cookie, Level::Lan).is_none());
    }

    #[test]
    fn one_ends_with_the_fifth_wrong_code_and_after_five_minutes() {
        let halves = Halves::default();
        let cookie = halves.begin(user(1), Level::Lan).unwrap();
        for _ in 1..MOST_WRONG {
            assert_eq!(halves.wrong(&cookie), After::Again);
            assert!(halves.find(&cookie, Level::Lan).is_some());
        }
        assert_eq!(halves.wrong(&cookie), After::Over);
        assert!(halves.find(&cookie, Level::Lan).is_none());
        let cookie = halves.begin(user(1), Level::Lan).unwrap();
        let before = |time| Instant::now().checked_sub(time).unwrap();
        halves.lock().values_mut().for_each(|half| half.begun = before(LIFETIME - Duration::from_secs(1)));
        assert!(halves.find(&cookie, Level::Lan).is_some());
        halves.lock().values_mut().for_each(|half| half.begun = before(LIFETIME));
        assert!(halves.find(&cookie, Level::Lan).is_none() && halves.take(&cookie, Level::Lan).is_none());
    }

    #[test]
    fn many_of_one_account_end_its_own_oldest_alone() {
        let halves = Halves::default();
        let bert = halves.begin(user(2), Level::Lan).unwrap();
        let cookies: Vec<String> =
            (0..=MOST_PER_USER).map(|_| halves.begin(user(1), Level::Lan).unwrap()).collect();
        assert!(halves.find(&cookies[0], Level::Lan).is_none());
        assert!(cookies[1..].iter().all(|cookie| halves.find(cookie, Level::Lan).is_some()));
        assert!(halves.find(&bert, Level::Lan).is_some());
        for id in 0..i64::try_from(MOST).unwrap() + 10 {
            halves.begin(user(1000 + id), Level::Lan).unwrap();
        }
        assert!(halves.lock().len() <= MOST);
    }
}
