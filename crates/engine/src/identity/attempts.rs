//! The pause after a failure, per account, and one verification per account at a time.
//!
//! Unknown accounts are treated alike. While an account waits, attempts are neither verified nor counted. Several
//! requests with the same credential share one verification; a different credential waits for its end, so that
//! guesses sent side by side gain nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// A keyed hash of a user name.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct AccountKey(pub(crate) [u8; 32]);

/// A keyed hash of a user name and its password.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct CredentialKey(pub(crate) [u8; 32]);

/// What a verification found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// The credential fits.
    Right,
    /// It does not; the account waits now.
    Wrong,
    /// It could not be verified; nothing is counted.
    Unverified,
}

/// What to do with an attempt.
pub(crate) enum Turn {
    /// Verify it, and tell the others.
    Verify(Ticket),
    /// Another attempt with the same credential was just verified.
    Known(Verdict),
    /// The account waits; come back after this.
    Wait(Duration),
    /// Too many accounts are being tried at once.
    Busy,
}

/// The accounts with a pause or a verification going on.
#[derive(Clone, Default)]
pub(crate) struct Attempts(Arc<Mutex<HashMap<AccountKey, Entry>>>);

struct Entry {
    wait_until: Option<Instant>,
    running: Option<Running>,
}

struct Running {
    credential: CredentialKey,
    verdict: watch::Receiver<Option<Verdict>>,
}

/// The right to verify one credential of one account; dropping it without a verdict counts nothing.
pub(crate) struct Ticket {
    attempts: Attempts,
    account: AccountKey,
    verdict: watch::Sender<Option<Verdict>>,
}

impl Attempts {
    /// Waits for this attempt's turn.
    pub(crate) async fn turn(&self, account: AccountKey, credential: CredentialKey) -> Turn {
        let deadline = Instant::now() + TURN;
        loop {
            let (mut verdict, same) = match self.enter(account, credential) {
                Enter::Turn(turn) => return turn,
                Enter::Behind { verdict, same } => (verdict, same),
            };
            let left = deadline.saturating_duration_since(Instant::now());
            let waited = tokio::time::timeout(left, verdict.wait_for(Option::is_some)).await;
            match waited {
                Ok(Ok(found)) if same => return Turn::Known((*found).unwrap_or(Verdict::Unverified)),
                Ok(_) => {}
                Err(_) => return Turn::Wait(PAUSE),
            }
        }
    }

    fn enter(&self, account: AccountKey, credential: CredentialKey) -> Enter {
        let now = Instant::now();
        let mut accounts = self.lock();
        if accounts.len() >= MAX_ACCOUNTS {
            accounts.retain(|_, entry| entry.is_needed(now));
            if accounts.len() >= MAX_ACCOUNTS && !accounts.contains_key(&account) {
                return Enter::Turn(Turn::Busy);
            }
        }
        let entry = accounts.entry(account).or_insert(Entry { wait_until: None, running: None });
        if let Some(running) = &entry.running {
            return Enter::Behind {
                verdict: running.verdict.clone(),
                same: running.credential == credential,
            };
        }
        if let Some(left) = entry.wait_until.map(|until| until.saturating_duration_since(now))
            && !left.is_zero()
        {
            return Enter::Turn(Turn::Wait(left));
        }
        let (sender, receiver) = watch::channel(None);
        entry.running = Some(Running { credential, verdict: receiver });
        Enter::Turn(Turn::Verify(Ticket { attempts: self.clone(), account, verdict: sender }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountKey, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Enter {
    Turn(Turn),
    Behind { verdict: watch::Receiver<Option<Verdict>>, same: bool },
}

impl Entry {
    fn is_needed(&self, now: Instant) -> bool {
        self.running.is_some() || self.wait_until.is_some_and(|until| until > now)
    }
}

impl Ticket {
    /// Ends the verification: a wrong credential makes the account wait.
    pub(crate) fn finish(self, verdict: Verdict) {
        self.settle(verdict);
        let _ = self.verdict.send(Some(verdict));
    }

    fn settle(&self, verdict: Verdict) {
        let mut accounts = self.attempts.lock();
        match verdict {
            Verdict::Right => {
                accounts.remove(&self.account);
            }
            Verdict::Wrong => {
                let wait_until = Some(Instant::now() + PAUSE);
                accounts.insert(self.account, Entry { wait_until, running: None });
            }
            Verdict::Unverified => {
                if let Some(entry) = accounts.get_mut(&self.account) {
                    entry.running = None;
                }
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.verdict.borrow().is_none() {
            self.settle(Verdict::Unverified);
            let _ = self.verdict.send(Some(Verdict::Unverified));
        }
    }
}

/// Forced pause of an account after a failure (RPort's default; the Squid manager uses the same).
pub(crate) const PAUSE: Duration = Duration::from_secs(2);
/// How long an attempt waits for another of the same account (chosen: twice a hash on a slow machine).
const TURN: Duration = Duration::from_secs(10);
/// Accounts followed at once (chosen: 16 MiB at most).
const MAX_ACCOUNTS: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: AccountKey = AccountKey([1; 32]);
    const RIGHT: CredentialKey = CredentialKey([1; 32]);
    const WRONG: CredentialKey = CredentialKey([2; 32]);

    async fn ticket(attempts: &Attempts, credential: CredentialKey) -> Ticket {
        match attempts.turn(ANNA, credential).await {
            Turn::Verify(ticket) => ticket,
            _ => panic!("expected a turn"),
        }
    }

    #[tokio::test]
    async fn failure_makes_the_account_wait_and_success_does_not() {
        let attempts = Attempts::default();
        ticket(&attempts, RIGHT).await.finish(Verdict::Right);
        ticket(&attempts, WRONG).await.finish(Verdict::Wrong);
        assert!(matches!(attempts.turn(ANNA, RIGHT).await, Turn::Wait(left) if left <= PAUSE));
        assert!(matches!(attempts.turn(AccountKey([9; 32]), RIGHT).await, Turn::Verify(_)));
    }

    #[tokio::test]
    async fn same_credential_shares_one_verification() {
        let attempts = Attempts::default();
        let first = ticket(&attempts, RIGHT).await;
        let second = tokio::spawn({
            let attempts = attempts.clone();
            async move { matches!(attempts.turn(ANNA, RIGHT).await, Turn::Known(Verdict::Right)) }
        });
        tokio::task::yield_now().await;
        first.finish(Verdict::Right);
        assert!(second.await.unwrap());
    }

    #[tokio::test]
    async fn guesses_side_by_side_gain_nothing() {
        let attempts = Attempts::default();
        let first = ticket(&attempts, WRONG).await;
        let second = tokio::spawn({
            let attempts = attempts.clone();
            async move { matches!(attempts.turn(ANNA, CredentialKey([3; 32])).await, Turn::Wait(_)) }
        });
        tokio::task::yield_now().await;
        first.finish(Verdict::Wrong);
        assert!(second.await.unwrap());
    }

    #[tokio::test]
    async fn abandoned_attempt_counts_nothing_and_blocks_nobody() {
        let attempts = Attempts::default();
        drop(ticket(&attempts, WRONG).await);
        assert!(matches!(attempts.turn(ANNA, RIGHT).await, Turn::Verify(_)));
    }
}
