//! Passkeys of accounts: added by whoever they belong to, removed by them or by the owner.
//!
//! As with an authenticator app, what is not saved did not happen, and what lies sealed and does not open lets nobody in.

use super::{ControlError, State, factors::Part, people::again};
use crate::{
    clock::Timestamp,
    identity::{
        UserId,
        second_factor::{
            BadFactor, SecondFactor,
            passkey::{self, Credential, MOST, NewPasskey, Passkey},
        },
        user::User,
    },
    secrets::DataKey,
};
use drawbridge_protocol::{self as model, Secret};
use rusqlite::{Transaction, params};
use secrecy::ExposeSecret;
use std::sync::Arc;

/// One as it lies in the database.
pub(super) struct StoredPasskey {
    open: passkey::Stored,
    sealed: Vec<u8>,
}

impl State {
    /// The passkeys of an account as shells see them.
    pub(super) fn passkey_models(&self, name: &str) -> Result<Vec<model::Passkey>, ControlError> {
        Ok(models(self.user(name)?))
    }

    /// One passkey less; what it alone signed in ends.
    pub(super) async fn remove_passkey(
        &mut self,
        name: &str,
        id: String,
    ) -> Result<model::User, ControlError> {
        let user = Arc::clone(self.user(name)?);
        self.take_away(&user, Part::Passkey(id), None).await?;
        Ok(self.user_model(self.user(name)?))
    }

    /// Adds one; the answer is the recovery codes, if it is the first factor of the account.
    pub(super) async fn add_passkey(
        &mut self,
        user: &Arc<User>,
        new: &NewPasskey,
    ) -> Result<Vec<Secret>, ControlError> {
        let known = self.users.iter().filter_map(|user| user.second.as_deref());
        let known = known.flat_map(|second| &second.passkeys);
        if known.into_iter().any(|key| key.credential.id == new.made.credential) {
            return Err(BadFactor::KnownPasskey.into());
        }
        let mut passkeys = user.second.as_ref().map(|second| second.passkeys.clone()).unwrap_or_default();
        if passkeys.len() >= MOST {
            return Err(BadFactor::TooManyPasskeys.into());
        }
        let created = self.shared.clock.timestamp();
        let (id, key) = (user.id, new.passkey(created)?);
        let sealed = self.key()?.seal(&place(id, &key.id, &key.rp), &key.credential.to_bytes())?;
        let codes = self.codes(user)?;
        let store = codes.storing(id);
        let (row, name, rp) = (key.id.clone(), key.name.clone(), key.rp.clone());
        let (counter, created) = (new.made.counter, i64::try_from(created.0).unwrap_or(i64::MAX));
        self.database
            .call(move |transaction| {
                transaction.execute(
                    "INSERT INTO passkey (id, user, name, rp, sealed, counter, created)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![row, id.0, name, rp, sealed, counter, created],
                )?;
                store(transaction)
            })
            .await?;
        passkeys.push(Arc::new(key));
        let totp = user.second.as_ref().and_then(|second| second.totp.clone());
        let second = SecondFactor { totp, passkeys, recovery: Arc::clone(&codes.recovery) };
        self.replace(user, Some(User { second: Some(Arc::new(second)), ..again(user) }));
        Ok(self.shown_of(codes, id).await)
    }
}

impl StoredPasskey {
    /// Hands on every one there is, oldest first.
    pub(super) fn read(
        transaction: &Transaction<'_>,
        mut found: impl FnMut(UserId, Self),
    ) -> rusqlite::Result<()> {
        let all = "SELECT user, id, name, rp, sealed, created, last_used FROM passkey ORDER BY created, id";
        let mut all = transaction.prepare(all)?;
        let mut rows = all.query([])?;
        let seconds = |value: i64| u64::try_from(value).unwrap_or(0);
        while let Some(row) = rows.next()? {
            let (id, name, rp) = (row.get("id")?, row.get("name")?, row.get("rp")?);
            let created = Timestamp(seconds(row.get("created")?));
            let last_used = row.get::<_, Option<i64>>("last_used")?.map(seconds);
            let open = passkey::Stored { id, name, rp, created, last_used };
            found(UserId(row.get("user")?), Self { open, sealed: row.get("sealed")? });
        }
        Ok(())
    }

    /// The passkey; nothing where it does not open.
    pub(super) fn open(self, key: &DataKey, user: UserId) -> Option<Passkey> {
        let opened = key.open(&place(user, &self.open.id, &self.open.rp), &self.sealed).ok()?;
        Some(Passkey::new(self.open, Credential::from_bytes(opened.expose_secret())?))
    }
}

/// The passkeys of an account as shells see them, oldest first.
pub(super) fn models(user: &User) -> Vec<model::Passkey> {
    let model = |key: &Arc<Passkey>| model::Passkey {
        id: key.id.clone(),
        name: key.name.clone(),
        host: key.rp.clone(),
        alone: key.credential.verified,
        created: key.created.0,
        last_used: key.last_used(),
    };
    user.second.iter().flat_map(|second| &second.passkeys).map(model).collect()
}

/// For this account and this name: moved elsewhere, a key opens nothing.
fn place(user: UserId, key: &str, rp: &str) -> String {
    format!("user/{user}/passkey/{key}/{rp}")
}
