//! Verifying a code: in turn with everything else that is tried on the account, and spent before it opens anything.
//!
//! Spending is one statement in the database, saved before it returns: of any number of requests with one code one
//! finds it unspent, and a restart or a power cut makes none good again.

use super::{SecondFactor, patience::Patience, totp};
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
use std::{sync::Arc, time::Duration};

/// What came of a code.
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

/// Verifies codes.
pub(crate) struct Verifier {
    database: Database,
    clock: Clock,
    patience: Patience,
}

impl Verifier {
    /// With the database that knows which codes are spent.
    pub(crate) fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock, patience: Patience::default() }
    }

    /// Verifies a code for an account, if what it is for still is when its turn comes.
    pub(crate) async fn verify(
        &self,
        sign_in: &SignIn,
        user: &Arc<User>,
        code: &Secret,
        still: impl Fn() -> bool,
    ) -> Outcome {
        let Some(second) = &user.second else { return Outcome::Over };
        if let Some(left) = self.patience.left(user) {
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
        match self.spend(user.id, second, code).await {
            Ok(true) => {
                self.patience.right(user);
                ticket.finish(Verdict::Right);
                Outcome::Right
            }
            Ok(false) => {
                self.patience.wrong(user);
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
            let Some(step) = second.totp.step_of(&digits, self.clock.timestamp()) else { return Ok(false) };
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
}
