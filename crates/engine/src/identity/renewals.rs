//! Proofs that were made anew when their password was seen: the way from a sign-in to the writer of the control path.
//!
//! A sign-in never waits for them to be saved. What finds no room is lost, and happens again with the next sign-in.

use super::{UserId, user::Proof};
use drawbridge_protocol::Secret;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// A better proof of the same password.
#[derive(Debug)]
pub(crate) struct Renewal {
    /// Whose.
    pub(crate) user: UserId,
    /// The hash it takes the place of; another one means that the password was changed meanwhile.
    pub(crate) instead_of: Secret,
    /// What shall be stored.
    pub(crate) proof: Proof,
}

/// Those not saved yet.
#[derive(Default)]
pub(crate) struct Renewals {
    waiting: Mutex<Vec<Renewal>>,
    told: Notify,
}

impl Renewals {
    /// Hands one over, if there is room.
    pub(crate) fn add(&self, renewal: Renewal) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|other| other.user != renewal.user);
        if waiting.len() < MOST {
            waiting.push(renewal);
        }
        drop(waiting);
        self.told.notify_one();
    }

    /// Takes them all.
    pub(crate) fn take(&self) -> Vec<Renewal> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for the next one.
    pub(crate) async fn told(&self) {
        self.told.notified().await;
    }
}

/// Proofs that wait to be saved (chosen: two hashes at a time make them, and saving takes milliseconds).
const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn renewal(user: i64, hash: &str) -> Renewal {
        let proof = Proof::new(Secret::new(hash.to_owned()), false);
        Renewal { user: UserId(user), instead_of: Secret::new("old".to_owned()), proof }
    }

    #[test]
    fn the_queue_is_bounded_and_holds_one_for_each() {
        let renewals = Renewals::default();
        for user in 0..1000 {
            renewals.add(renewal(user, "first"));
        }
        renewals.add(renewal(3, "second"));
        let taken = renewals.take();
        assert_eq!(taken.len(), MOST);
        let third: Vec<_> = taken.iter().filter(|waiting| waiting.user == UserId(3)).collect();
        assert_eq!(third.iter().map(|waiting| waiting.proof.hash.expose()).collect::<Vec<_>>(), ["second"]);
        assert!(renewals.take().is_empty());
    }

    #[tokio::test]
    async fn whoever_waits_is_told_also_of_what_came_before() {
        let renewals = Renewals::default();
        renewals.add(renewal(1, "first"));
        renewals.told().await;
        assert_eq!(renewals.take().len(), 1);
    }
}
