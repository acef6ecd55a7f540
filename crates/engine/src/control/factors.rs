//! Second factors of accounts: begun, confirmed, removed, by the owner or by whoever they belong to.
//!
//! What asks for more is saved before it is in force, and so is what asks for less: a change that is not saved did not
//! happen. What lies sealed and does not open lets nobody in.

use super::{ControlError, State, invites::BadInvite, people::again, refused::Refused};
use crate::{
    identity::{
        UserId,
        own_account::{Answer, Change, Declined, Wish},
        second_factor::{
            BadFactor, Enrolment, SecondFactor,
            recovery::{Hash, NewCodes, Recovery},
            totp::{self, Seed},
        },
        session,
        user::User,
    },
    secrets::DataKey,
    store::database::StoreError,
};
use drawbridge_protocol::{self as model, RecoveryCodes, Secret, TotpBegun};
use rusqlite::{Transaction, params};
use secrecy::ExposeSecret;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// Whoever began to set up a factor; only they confirm it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum By {
    /// The owner, for this account.
    Owner(UserId),
    /// A visitor, by this sign-in.
    Session(String),
}

/// A seed that was shown and not confirmed. It gives nothing.
pub(super) struct Pending {
    user: Arc<User>,
    seed: Arc<Seed>,
    begun: Instant,
}

/// Seeds that wait to be confirmed; gone with a restart.
pub(super) type Enrolments = HashMap<By, Pending>;

/// A factor as it lies in the database.
pub(super) struct Stored {
    seed: Vec<u8>,
    key: Option<Vec<u8>>,
    left: u32,
}

impl State {
    /// A seed for somebody's app.
    pub(super) fn begin_totp(&mut self, name: &str) -> Result<TotpBegun, ControlError> {
        let user = Arc::clone(self.user(name)?);
        let enrolment = self.enrol(By::Owner(user.id), &user)?;
        let expires = self.shared.clock.timestamp().plus(PENDING).0;
        Ok(TotpBegun { uri: enrolment.uri.into(), seed: enrolment.seed.into(), expires })
    }

    /// The first code of the app: from here on it is needed.
    pub(super) async fn confirm_totp(
        &mut self,
        name: &str,
        code: &Secret,
    ) -> Result<RecoveryCodes, ControlError> {
        let user = Arc::clone(self.user(name)?);
        let codes = self.confirm(&By::Owner(user.id), &user, code).await?;
        self.shown(name, codes)
    }

    /// The password alone signs in again.
    pub(super) async fn remove_totp(&mut self, name: &str) -> Result<model::User, ControlError> {
        let user = Arc::clone(self.user(name)?);
        self.remove(&user).await?;
        Ok(self.user_model(self.user(name)?))
    }

    /// Other recovery codes; the old ones are void.
    pub(super) async fn new_recovery_codes(&mut self, name: &str) -> Result<RecoveryCodes, ControlError> {
        let user = Arc::clone(self.user(name)?);
        let codes = self.renew_codes(&user).await?;
        self.shown(name, codes)
    }

    /// Does what somebody asks for the own account. One that changed since they signed in gets no answer, which means that
    /// it is over.
    pub(super) async fn change_own(&mut self, change: Change) {
        let Change { user, session, wish } = change;
        // A password that was only hashed anew is still the same account; every other change withdraws the old one.
        let known = self.users.iter().find(|known| known.id == user.id).cloned();
        let Some(user) = known.filter(|_| !user.withdrawn.is_cancelled()) else { return };
        if session.ended.is_cancelled() {
            return;
        }
        let by = By::Session(session.id.clone());
        match wish {
            Wish::BeginTotp(answer) => {
                let done = self.enrol(by, &user);
                self.reply(answer, done);
            }
            Wish::ConfirmTotp(code, answer) => {
                let done = self.confirm(&by, &user, &code).await;
                self.reply(answer, done);
            }
            Wish::RemoveTotp(answer) => {
                let done = self.remove(&user).await;
                self.reply(answer, done);
            }
            Wish::ChangePassword { level, new, answer } => {
                let done = self.change_password(&user, new, level).await;
                self.reply(answer, done);
            }
            Wish::NewRecoveryCodes(answer) => {
                let done = self.renew_codes(&user).await;
                self.reply(answer, done);
            }
        }
    }

    /// Whoever asked may be gone; what was done is done.
    pub(super) fn reply<T>(&mut self, answer: Answer<T>, done: Result<T, ControlError>) {
        self.revision += u64::from(done.is_ok());
        let _ = answer.send(done.map_err(declined));
    }

    fn enrol(&mut self, by: By, user: &Arc<User>) -> Result<Enrolment, ControlError> {
        self.key()?;
        if user.second.is_some() {
            return Err(BadFactor::Present(user.name.clone()).into());
        }
        let seed = Arc::new(Seed::generate()?);
        let enrolment = Enrolment::new(&seed, &user.name);
        self.enrolments.retain(|_, pending| pending.is_good());
        self.enrolments.insert(by, Pending { user: Arc::clone(user), seed, begun: Instant::now() });
        Ok(enrolment)
    }

    /// Every sign-in and token of the account ends: they were made with the password alone.
    async fn confirm(
        &mut self,
        by: &By,
        user: &Arc<User>,
        code: &Secret,
    ) -> Result<Vec<Secret>, ControlError> {
        let pending = self.enrolments.get(by).filter(|pending| pending.is_of(user));
        let pending = pending.ok_or_else(|| BadFactor::NotBegun(user.name.clone()))?;
        let now = self.shared.clock.timestamp();
        let step = totp::digits(code.expose()).and_then(|digits| pending.seed.step_of(&digits, now));
        let step = i64::try_from(step.ok_or(BadFactor::WrongCode)?.0).unwrap_or(i64::MAX);
        let (totp, id, new) = (Arc::clone(&pending.seed), user.id, NewCodes::generate()?);
        let key = self.key()?;
        let seed = key.seal(&seed_place(id), totp.expose())?;
        let codes_key = key.seal(&codes_place(id), &*new.key)?;
        let hashes = new.hashes.clone();
        self.database
            .call(move |transaction| {
                // The code that confirmed is spent.
                let row = params![id.0, seed, step];
                transaction.execute("INSERT OR REPLACE INTO totp VALUES (?1, ?2, ?3)", row)?;
                store_codes(transaction, id, &codes_key, &hashes)?;
                // All were made with the password alone, by whoever had it.
                transaction.execute("DELETE FROM token WHERE user = ?1", [id.0])?;
                transaction.execute("DELETE FROM session WHERE user = ?1", [id.0]).map(drop)
            })
            .await?;
        self.enrolments.remove(by);
        let second = Some(Arc::new(SecondFactor { totp, recovery: new.recovery() }));
        self.replace(user, Some(User { second, ..again(user) }));
        // Here, and on the disk again what was saved in between. The factor is on: whatever fails now, its codes are shown.
        let ended = self.shared.sessions.end(|session| session.user == id).await;
        let revoked = self.shared.tokens.revoke(|token| token.user == id).await;
        if let Err(error) = ended.and(revoked) {
            tracing::warn!(%error, "what a second factor ended could not be deleted once more");
        }
        Ok(new.codes)
    }

    async fn remove(&mut self, user: &Arc<User>) -> Result<(), ControlError> {
        if user.second.is_none() {
            return Err(BadFactor::Absent(user.name.clone()).into());
        }
        let id = user.id;
        self.database
            .call(move |transaction| {
                transaction.execute("DELETE FROM totp WHERE user = ?1", [id.0])?;
                transaction.execute("DELETE FROM recovery WHERE user = ?1", [id.0])?;
                transaction.execute("DELETE FROM recovery_code WHERE user = ?1", [id.0]).map(drop)
            })
            .await?;
        let new = User { second: None, ..again(user) };
        let weak = !new.is_strong();
        self.replace(user, Some(new));
        if weak {
            let far =
                |session: &session::Session| session.user == id && session.level == model::Level::Internet;
            self.shared.sessions.end(far).await?;
        }
        Ok(())
    }

    async fn renew_codes(&mut self, user: &Arc<User>) -> Result<Vec<Secret>, ControlError> {
        let Some(second) = &user.second else {
            return Err(BadFactor::Absent(user.name.clone()).into());
        };
        let (id, new) = (user.id, NewCodes::generate()?);
        let codes_key = self.key()?.seal(&codes_place(id), &*new.key)?;
        let hashes = new.hashes.clone();
        self.database.call(move |transaction| store_codes(transaction, id, &codes_key, &hashes)).await?;
        let second = SecondFactor { totp: Arc::clone(&second.totp), recovery: new.recovery() };
        self.replace(user, Some(User { second: Some(Arc::new(second)), ..again(user) }));
        Ok(new.codes)
    }

    fn shown(&self, name: &str, codes: Vec<Secret>) -> Result<RecoveryCodes, ControlError> {
        let user = self.user_model(self.user(name)?);
        Ok(RecoveryCodes { user, codes: codes.into_iter().map(Into::into).collect() })
    }

    /// The factors of every account, still sealed.
    pub(super) async fn stored_factors(&self) -> Result<HashMap<UserId, Stored>, StoreError> {
        self.database
            .call(|transaction| {
                transaction
                    .prepare(
                        "SELECT totp.user, seed, key,
                             (SELECT count(*) FROM recovery_code WHERE recovery_code.user = totp.user)
                         FROM totp LEFT JOIN recovery ON recovery.user = totp.user",
                    )?
                    .query_map([], |row| {
                        let stored = Stored { seed: row.get(1)?, key: row.get(2)?, left: row.get(3)? };
                        Ok((UserId(row.get(0)?), stored))
                    })?
                    .collect()
            })
            .await
    }
}

impl Pending {
    fn is_good(&self) -> bool {
        self.begun.elapsed() < PENDING && !self.user.withdrawn.is_cancelled()
    }

    fn is_of(&self, user: &Arc<User>) -> bool {
        Arc::ptr_eq(&self.user, user) && self.is_good()
    }
}

impl Stored {
    /// The factor; nothing where it does not open.
    pub(super) fn open(&self, key: &DataKey, id: UserId) -> Option<SecondFactor> {
        let seed = key.open(&seed_place(id), &self.seed).ok()?;
        let codes_key = key.open(&codes_place(id), self.key.as_ref()?).ok()?;
        let totp = Arc::new(Seed::from_bytes(seed.expose_secret())?);
        Some(SecondFactor { totp, recovery: Recovery::new(codes_key.expose_secret(), self.left) })
    }
}

fn store_codes(
    transaction: &Transaction<'_>,
    id: UserId,
    key: &[u8],
    hashes: &[Hash],
) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM recovery_code WHERE user = ?1", [id.0])?;
    transaction.execute("INSERT OR REPLACE INTO recovery VALUES (?1, ?2)", params![id.0, key])?;
    for hash in hashes {
        transaction.execute("INSERT INTO recovery_code VALUES (?1, ?2)", params![id.0, hash])?;
    }
    Ok(())
}

fn declined(error: ControlError) -> Declined {
    match error {
        ControlError::Factor(BadFactor::WrongCode) => Declined::WrongCode,
        ControlError::Password(bad) => Declined::Password(bad),
        // The name or the code of an invite is no good any more.
        ControlError::UserExists(_) | ControlError::Refused(Refused::Invite(BadInvite::Unknown(_))) => {
            Declined::Over
        }
        ControlError::Factor(BadFactor::Present(_) | BadFactor::Absent(_) | BadFactor::NotBegun(_)) => {
            Declined::Over
        }
        error => {
            tracing::error!(%error, "an account was not changed as its visitor asked");
            Declined::Failed
        }
    }
}

fn seed_place(id: UserId) -> String {
    format!("user/{id}/totp")
}

fn codes_place(id: UserId) -> String {
    format!("user/{id}/recovery")
}

/// How long a seed that was shown waits for its first code (chosen: installing an app).
const PENDING: Duration = Duration::from_secs(600);
