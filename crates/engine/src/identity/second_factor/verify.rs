//! Verifying a code or a passkey: in turn with everything else that is tried on the account, and spent before it opens
//! anything.
//!
//! Spending is one statement in the database, saved before it returns: of any number of requests with one code one
//! finds it unspent, and a restart or a power cut makes none good again. A passkey's answer is spent with its challenge;
//! then its counter is saved, where it counts.

use super::{
    SecondFactor,
    challenge::{Act, Challenges, Good, Purpose},
    passkey::Passkey,
    patience::Patience,
    totp,
    webauthn::{Assertion, Holder, Site},
};
use crate::random::NoRandomness;
use crate::{
    clock::Clock,
    identity::{
        UserId,
        attempts::{Turn, Verdict},
        sign_in::SignIn,
        user::User,
    },
    store::database::{Database, StoreError},
};
use drawbridge_protocol::Secret;
use rusqlite::OptionalExtension as _;
use std::{sync::Arc, time::Duration};

/// What somebody shows besides the password, or instead of it.
pub(crate) enum Evidence<'a> {
    /// Of an app, or a recovery code.
    Code(&'a Secret),
    /// A passkey's answer to a challenge.
    Key(Answer<'a>),
}

/// A passkey's answer, and where it was asked for.
#[derive(Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub(crate) assertion: &'a Assertion,
    pub(crate) site: Site<'a>,
    pub(crate) purpose: Purpose<'a>,
}

/// What came of a code or a passkey.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It was right, and is spent now.
    Right,
    /// It is wrong, or was used before.
    Wrong,
    /// The account waits after a failure; nothing was verified.
    Wait(Duration),
    /// Too much at once, or this computer failed; nothing was verified.
    Busy,
    /// What it was typed for is over.
    Over,
}

/// Verifies codes and passkeys.
pub(crate) struct Verifier {
    database: Database,
    clock: Clock,
    patience: Patience,
    pub(crate) challenges: Challenges,
}

impl Verifier {
    /// With the database that knows which codes are spent.
    pub(crate) fn new(database: Database, clock: Clock) -> Result<Self, NoRandomness> {
        Ok(Self { database, clock, patience: Patience::default(), challenges: Challenges::new()? })
    }

    /// Verifies what is shown for an account, if what it is for still is when its turn comes.
    pub(crate) async fn verify(
        &self,
        sign_in: &SignIn,
        user: &Arc<User>,
        evidence: Evidence<'_>,
        still: impl Fn() -> bool,
    ) -> Outcome {
        let Some(second) = &user.second else { return Outcome::Over };
        // An old answer is no guess: it says nothing about the account, and makes nobody wait.
        if let Evidence::Key(answer) = &evidence
            && self.challenge(answer).is_none()
        {
            return Outcome::Wrong;
        }
        // Codes can be guessed; signatures cannot, and whoever shows a wrong one need not even know the password.
        let is_code = matches!(evidence, Evidence::Code(_));
        if let Some(left) = self.patience.left(user).filter(|_| is_code) {
            return Outcome::Wait(left);
        }
        let ticket = match sign_in.code_turn(&user.name).await {
            Ok(Turn::Verify(ticket)) => ticket,
            Ok(Turn::Wait(left)) => return Outcome::Wait(left),
            Ok(Turn::Busy | Turn::Known(_)) | Err(_) => return Outcome::Busy,
        };
        if user.withdrawn.is_cancelled() || !still() {
            return Outcome::Over;
        }
        let spent = match evidence {
            Evidence::Code(code) => self.spend(user.id, second, code).await,
            Evidence::Key(answer) => self.spend_answer(user.id, second, &answer).await,
        };
        match spent {
            Ok(true) => {
                self.patience.right(user);
                ticket.finish(Verdict::Right);
                Outcome::Right
            }
            Ok(false) => {
                if is_code {
                    self.patience.wrong(user);
                }
                ticket.finish(Verdict::Wrong);
                Outcome::Wrong
            }
            Err(error) => {
                tracing::error!(%error, "a code could not be spent, so it opened nothing");
                Outcome::Busy
            }
        }
    }

    /// Whether the code was right and not spent yet; it is from here on.
    async fn spend(&self, user: UserId, second: &SecondFactor, code: &Secret) -> Result<bool, StoreError> {
        if let Some(digits) = totp::digits(code.expose()) {
            let step = second.totp.as_ref().and_then(|totp| totp.step_of(&digits, self.clock.timestamp()));
            let Some(step) = step else { return Ok(false) };
            let step = i64::try_from(step.0).unwrap_or(i64::MAX);
            return self
                .database
                .call(move |transaction| {
                    // Only ever forward: a clock that was set back makes no step good again.
                    let spend = "UPDATE totp SET last_step = ?2 WHERE user = ?1 AND last_step < ?2";
                    Ok(transaction.execute(spend, (user.0, step))? == 1)
                })
                .await;
        }
        let Some(hash) = second.recovery.hash(code.expose()) else { return Ok(false) };
        let (spent, left) = self
            .database
            .call(move |transaction| {
                let spend = "DELETE FROM recovery_code WHERE user = ?1 AND hash = ?2";
                let spent = transaction.execute(spend, (user.0, hash))? == 1;
                let count = "SELECT count(*) FROM recovery_code WHERE user = ?1";
                Ok((spent, transaction.query_row(count, [user.0], |row| row.get(0))?))
            })
            .await?;
        second.recovery.set_left(left);
        Ok(spent)
    }

    fn challenge(&self, answer: &Answer<'_>) -> Option<Good> {
        self.challenges.find(answer.assertion.challenge(answer.site)?, &answer.purpose)
    }

    /// Whether a passkey of the account signed a challenge that is good; it is not from here on.
    async fn spend_answer(
        &self,
        user: UserId,
        second: &SecondFactor,
        answer: &Answer<'_>,
    ) -> Result<bool, StoreError> {
        let Answer { assertion, site, purpose } = *answer;
        let alone = purpose.act == Act::SignIn;
        let key = second.passkey(&assertion.credential, site.rp);
        let Some(key) = key.filter(|key| key.credential.verified || !alone) else { return Ok(false) };
        let by = if alone { Holder::Verified } else { Holder::Present };
        let Some(counter) = assertion.verify(site, &key.credential.key, by) else { return Ok(false) };
        let Some(good) = self.challenge(answer) else { return Ok(false) };
        if !self.challenges.spend(good, user) {
            return Ok(false);
        }
        self.count(user, key, counter).await
    }

    /// Saves a passkey's counter and when it was used. A counter only ever goes up, but for keys that do not count.
    async fn count(&self, user: UserId, key: &Passkey, counter: u32) -> Result<bool, StoreError> {
        let (id, now) = (key.id.clone(), self.clock.timestamp().0);
        let used = i64::try_from(now).unwrap_or(i64::MAX);
        let (counted, known) = self
            .database
            .call(move |transaction| {
                let count = "UPDATE passkey SET counter = ?3, last_used = ?4 WHERE id = ?1 AND user = ?2
                             AND (counter < ?3 OR (counter = 0 AND ?3 = 0))";
                let counted = transaction.execute(count, (&id, user.0, counter, used))? == 1;
                let known = "SELECT counter FROM passkey WHERE id = ?1 AND user = ?2";
                let known = transaction.query_row(known, (&id, user.0), |row| row.get::<_, i64>(0));
                Ok((counted, known.optional()?))
            })
            .await?;
        if counted {
            key.used(now);
        } else if let Some(known) = known {
            tracing::warn!(
                user = %user, passkey = key.id, counter, known,
                "a passkey's counter went back, so there may be a copy of it; it was refused"
            );
        }
        Ok(counted)
    }
}

#[cfg(test)]
mod passkey_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Timestamp,
        identity::{
            password::Hasher,
            second_factor::{recovery::NewCodes, totp::Seed},
        },
    };
    use std::{
        path::Path,
        sync::atomic::{AtomicU64, Ordering},
        time::UNIX_EPOCH,
    };

    /// The code of RFC 6238 at second 59, and the step it belongs to.
    const CODE: &str = "287082";

    struct Ground {
        verifier: Verifier,
        sign_in: SignIn,
        user: Arc<User>,
        time: Arc<AtomicU64>,
    }

    impl Ground {
        async fn new(folder: &Path) -> Self {
            let database = Database::open(&folder.join("drawbridge.db"), Timestamp(0)).unwrap().database;
            let rows =
                "INSERT INTO user (id, name, admin, password, created) VALUES (1, 'anna', 0, x'00', 0);
                        INSERT INTO totp VALUES (1, x'00', 0)";
            database.call(move |transaction| transaction.execute_batch(rows)).await.unwrap();
            let time = Arc::new(AtomicU64::new(59));
            let read = Arc::clone(&time);
            let clock =
                Clock::from_fn(move || UNIX_EPOCH + Duration::from_secs(read.load(Ordering::Relaxed)));
            let totp = Arc::new(Seed::from_bytes(b"12345678901234567890").unwrap());
            let recovery = NewCodes::generate().unwrap().recovery();
            let second = SecondFactor { totp: Some(totp), passkeys: Vec::new(), recovery };
            let user = Arc::new(User { second: Some(Arc::new(second)), ..User::anna() });
            let sign_in = SignIn::new(Hasher::new().unwrap()).unwrap();
            Self { verifier: Verifier::new(database, clock).unwrap(), sign_in, user, time }
        }

        async fn verify(&self, code: &str) -> Outcome {
            let code = Secret::new(code.to_owned());
            self.verifier.verify(&self.sign_in, &self.user, Evidence::Code(&code), || true).await
        }
    }

    #[tokio::test]
    async fn a_clock_set_back_makes_no_spent_step_good_again() {
        let folder = tempfile::tempdir().unwrap();
        let ground = Ground::new(folder.path()).await;
        ground.time.store(1_111_111_109, Ordering::Relaxed);
        assert!(matches!(ground.verify("081804").await, Outcome::Right));
        ground.time.store(59, Ordering::Relaxed);
        assert!(matches!(ground.verify(CODE).await, Outcome::Wrong));
    }

    #[tokio::test]
    async fn what_is_over_when_its_turn_comes_spends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let ground = Ground::new(folder.path()).await;
        let code = Secret::new(CODE.to_owned());
        let over =
            ground.verifier.verify(&ground.sign_in, &ground.user, Evidence::Code(&code), || false).await;
        assert!(matches!(over, Outcome::Over));
        assert!(matches!(ground.verify(CODE).await, Outcome::Right));
        assert!(matches!(ground.verify(CODE).await, Outcome::Wrong));
        assert!(matches!(ground.verify(CODE).await, Outcome::Wait(_)));
    }

    #[tokio::test]
    async fn what_cannot_be_saved_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let ground = Ground::new(folder.path()).await;
        let drop_it = |transaction: &rusqlite::Transaction<'_>| transaction.execute_batch("DROP TABLE totp");
        ground.verifier.database.call(drop_it).await.unwrap();
        assert!(matches!(ground.verify(CODE).await, Outcome::Busy));
    }
}
