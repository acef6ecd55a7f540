//! Second factors of accounts: begun, confirmed, removed, by the owner or by whoever they belong to.
//!
//! What asks for more is saved before it is in force, and so is what asks for less: a change that is not saved did not
//! happen. A passkey that is removed is gone at once all the same. What lies sealed and does not open lets nobody in.

mod stored;

pub(super) use stored::Codes;

use super::{ControlError, State, invites::BadInvite, people::again, refused::Refused};
use crate::identity::{
    UserId,
    own_account::{Answer, Change, Declined, Wish},
    pass::{Maker, Pass},
    second_factor::{
        BadFactor, Enrolment, SecondFactor,
        recovery::NewCodes,
        totp::{self, Seed},
    },
    session,
    user::User,
};
use drawbridge_protocol::{self as model, RecoveryCodes, Secret, TotpBegun};
use rusqlite::{Transaction, params};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use stored::{codes_place, delete_all, delete_part, seed_place, store_codes};

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

/// What is taken away of a second factor.
pub(super) enum Part {
    /// The authenticator app.
    App,
    /// The passkey with this id.
    Passkey(String),
    /// All of it.
    All,
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
        self.take_away(&user, Part::All, None).await?;
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
                let done = self.take_away(&user, Part::App, Some(&session)).await;
                self.reply(answer, done);
            }
            Wish::AddPasskey(new, answer) => {
                let done = self.add_passkey(&user, &new).await;
                self.reply(answer, done);
            }
            Wish::RemovePasskey(id, answer) => {
                let done = self.take_away(&user, Part::Passkey(id), Some(&session)).await;
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
        if user.second.as_ref().is_some_and(|second| second.totp.is_some()) {
            return Err(BadFactor::Present(user.name.clone()).into());
        }
        let seed = Arc::new(Seed::generate()?);
        let enrolment = Enrolment::new(&seed, &user.name);
        self.enrolments.retain(|_, pending| pending.is_good());
        self.enrolments.insert(by, Pending { user: Arc::clone(user), seed, begun: Instant::now() });
        Ok(enrolment)
    }

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
        let (totp, id) = (Arc::clone(&pending.seed), user.id);
        let seed = self.key()?.seal(&seed_place(id), totp.expose())?;
        let codes = self.codes(user)?;
        let store = codes.storing(id);
        self.database
            .call(move |transaction| {
                // The code that confirmed is spent.
                let row = params![id.0, seed, step];
                transaction.execute("INSERT OR REPLACE INTO totp VALUES (?1, ?2, ?3)", row)?;
                store(transaction)
            })
            .await?;
        self.enrolments.remove(by);
        let passkeys = user.second.as_ref().map(|second| second.passkeys.clone()).unwrap_or_default();
        let recovery = Arc::clone(&codes.recovery);
        let second = SecondFactor { totp: Some(totp), passkeys, recovery };
        self.replace(user, Some(User { second: Some(Arc::new(second)), ..again(user) }));
        Ok(self.shown_of(codes, id).await)
    }

    /// With the first factor every sign-in, token and pass of the account ends: they were made with the password alone. Here, and
    /// on the disk again what was saved in between. The factor is on: whatever fails now, its codes are shown.
    pub(super) async fn shown_of(&mut self, codes: Codes, id: UserId) -> Vec<Secret> {
        let Some(made) = codes.shown() else { return Vec::new() };
        let ended = self.shared.sessions.end(|session| session.user == id).await;
        let revoked = self.shared.tokens.revoke(|token| token.user == id).await;
        let passes = self.shared.passes.end(|pass| pass.maker == Maker::User(id)).await;
        if let Err(error) = ended.and(revoked).and(passes) {
            tracing::warn!(%error, "what a second factor ended could not be deleted once more");
        }
        made
    }

    /// Takes a part of a factor away; with the last one its recovery codes go. A passkey may have been stolen, so it is gone
    /// at once, even where that cannot be saved, and with it every pass and every sign-in it may have made but the one that asks.
    pub(super) async fn take_away(
        &mut self,
        user: &Arc<User>,
        part: Part,
        by: Option<&session::Session>,
    ) -> Result<(), ControlError> {
        let absent = || BadFactor::Absent(user.name.clone());
        let second = user.second.as_deref().ok_or_else(absent)?;
        let left = without(second, &part, &user.name)?;
        let (id, is_last) = (user.id, left.is_none());
        let revokes = !matches!(part, Part::App) && !second.passkeys.is_empty();
        let new = User { second: left.map(Arc::new), ..again(user) };
        let weak = !new.is_strong();
        let is_far = move |session: &session::Session| weak && session.level == model::Level::Internet;
        let own = by.filter(|session| !is_far(session)).map(|session| session.id.clone());
        let kept = own.clone();
        let over = move |session: &session::Session| {
            session.user == id && (is_far(session) || revokes && kept.as_ref() != Some(&session.id))
        };
        let delete = move |transaction: &Transaction<'_>| {
            if revokes {
                transaction.execute("DELETE FROM pass WHERE maker = ?1", [id.0])?;
                transaction.execute("DELETE FROM session WHERE user = ?1 AND id IS NOT ?2", (id.0, own))?;
            }
            if is_last { delete_all(transaction, id) } else { delete_part(transaction, id, &part) }
        };
        let guests = |pass: &Pass| {
            pass.maker == Maker::User(id) && (revokes || weak && pass.is_at(model::Level::Internet))
        };
        if revokes {
            self.replace(user, Some(new));
            self.shared.sessions.end_here(&over);
            self.shared.passes.end_here(guests);
            return self.save(delete).await;
        }
        self.database.call(delete).await?;
        self.replace(user, Some(new));
        let ended = self.shared.sessions.end(over).await;
        ended.and(self.shared.passes.end(guests).await)?;
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
        let second = SecondFactor { recovery: new.recovery(), ..SecondFactor::clone(second) };
        self.replace(user, Some(User { second: Some(Arc::new(second)), ..again(user) }));
        Ok(new.codes)
    }

    fn shown(&self, name: &str, codes: Vec<Secret>) -> Result<RecoveryCodes, ControlError> {
        let user = self.user_model(self.user(name)?);
        Ok(RecoveryCodes { user, codes: codes.into_iter().map(Into::into).collect() })
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

/// What is left of a factor; nothing where that was all.
fn without(second: &SecondFactor, part: &Part, name: &str) -> Result<Option<SecondFactor>, BadFactor> {
    let mut left = second.clone();
    match part {
        Part::App if left.totp.take().is_none() => return Err(BadFactor::Absent(name.to_owned())),
        Part::App => {}
        Part::Passkey(id) => {
            left.passkeys.retain(|key| key.id != *id);
            if left.passkeys.len() == second.passkeys.len() {
                return Err(BadFactor::NoPasskey(name.to_owned(), id.clone()));
            }
        }
        Part::All => return Ok(None),
    }
    Ok((!left.is_empty()).then_some(left))
}

fn declined(error: ControlError) -> Declined {
    match error {
        ControlError::Factor(BadFactor::WrongCode) => Declined::WrongCode,
        ControlError::Password(bad) => Declined::Password(bad),
        // The name or the code of an invite is no good any more.
        ControlError::UserExists(_) | ControlError::Refused(Refused::Invite(BadInvite::Unknown(_))) => {
            Declined::Over
        }
        ControlError::Factor(BadFactor::TooManyPasskeys | BadFactor::KnownPasskey) => Declined::Passkey,
        // The account is another one by now.
        ControlError::Factor(_) => Declined::Over,
        error => {
            tracing::error!(%error, "an account was not changed as its visitor asked");
            Declined::Failed
        }
    }
}

/// How long a seed that was shown waits for its first code (chosen: installing an app).
const PENDING: Duration = Duration::from_secs(600);
