//! Ever longer pauses for an account whose password somebody has and whose codes they guess.
//!
//! The two seconds after any failure allow 43,200 guesses a day, of which each meets one of three codes out of a million:
//! one chance in eight, every day. With these pauses it is one in three thousand. Only who knows the password can cause
//! them; a new password ends them, because the account is another one then.

use crate::identity::{UserId, user::User};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The accounts with wrong codes since the last right one.
#[derive(Default)]
pub(super) struct Patience(Mutex<HashMap<UserId, Wrong>>);

struct Wrong {
    user: Arc<User>,
    count: u32,
    last: Instant,
}

impl Patience {
    /// How long the account has to wait still.
    pub(super) fn left(&self, user: &Arc<User>) -> Option<Duration> {
        let accounts = self.lock();
        let wrong = accounts.get(&user.id).filter(|wrong| Arc::ptr_eq(&wrong.user, user))?;
        let left = pause(wrong.count).saturating_sub(wrong.last.elapsed());
        (!left.is_zero()).then_some(left)
    }

    /// Counts a wrong code.
    pub(super) fn wrong(&self, user: &Arc<User>) {
        let mut accounts = self.lock();
        let known = accounts.get(&user.id).filter(|wrong| Arc::ptr_eq(&wrong.user, user));
        let count = known.map_or(0, |wrong| wrong.count).saturating_add(1);
        accounts.retain(|_, wrong| !wrong.user.withdrawn.is_cancelled());
        accounts.insert(user.id, Wrong { user: Arc::clone(user), count, last: Instant::now() });
    }

    /// A right one ends it.
    pub(super) fn right(&self, user: &User) {
        self.lock().remove(&user.id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Wrong>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pause(wrong: u32) -> Duration {
    match wrong.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(beyond) => FIRST.saturating_mul(1_u32.checked_shl(beyond).unwrap_or(u32::MAX)).min(LONGEST),
    }
}

/// The wrong code with which it begins (chosen: the one that ends a half sign-in).
const FREE: u32 = 5;
/// The first pause, doubled with each further wrong code.
const FIRST: Duration = Duration::from_secs(30);
/// The longest (chosen: an honest person comes back after a walk).
const LONGEST: Duration = Duration::from_secs(900);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_begin_late_and_grow_up_to_their_end() {
        let seconds = |wrong| pause(wrong).as_secs();
        assert_eq!(
            [0, 1, 4, 5, 6, 7, 9, 10, 11, 36, 37, u32::MAX].map(seconds),
            [0, 0, 0, 30, 60, 120, 480, 900, 900, 900, 900, 900]
        );
    }
}
