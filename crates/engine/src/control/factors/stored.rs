//! Second factors as they lie in the database, sealed and open, and what is written and deleted there.

use super::Part;
use crate::{
    control::{ControlError, State, passkeys::StoredPasskey},
    identity::{
        UserId,
        second_factor::{
            SecondFactor,
            recovery::{Hash, NewCodes, Recovery},
            totp::Seed,
        },
        user::User,
    },
    secrets::DataKey,
    store::database::StoreError,
};
use drawbridge_protocol::Secret;
use rusqlite::{Transaction, params};
use secrecy::ExposeSecret;
use std::{collections::HashMap, sync::Arc};

/// A factor as it lies in the database.
#[derive(Default)]
pub(in crate::control) struct Stored {
    seed: Option<Vec<u8>>,
    pub(in crate::control) passkeys: Vec<StoredPasskey>,
    key: Option<Vec<u8>>,
    left: u32,
}

/// The recovery codes an account has once it has one more factor.
pub(in crate::control) struct Codes {
    pub(in crate::control) recovery: Arc<Recovery>,
    /// Those made for it, because it is the first.
    made: Option<MadeCodes>,
}

/// New codes, and their key as it is sealed.
struct MadeCodes {
    new: NewCodes,
    key: Vec<u8>,
}

impl State {
    /// The recovery codes an account keeps, or its first ones.
    pub(in crate::control) fn codes(&self, user: &User) -> Result<Codes, ControlError> {
        if let Some(second) = &user.second {
            return Ok(Codes { recovery: Arc::clone(&second.recovery), made: None });
        }
        let new = NewCodes::generate()?;
        let key = self.key()?.seal(&codes_place(user.id), &*new.key)?;
        Ok(Codes { recovery: new.recovery(), made: Some(MadeCodes { new, key }) })
    }

    /// The factors of every account, still sealed.
    pub(in crate::control) async fn stored_factors(&self) -> Result<HashMap<UserId, Stored>, StoreError> {
        self.database
            .call(|transaction| {
                let mut factors: HashMap<UserId, Stored> = HashMap::new();
                let mut seeds = transaction.prepare("SELECT user, seed FROM totp")?;
                let mut rows = seeds.query([])?;
                while let Some(row) = rows.next()? {
                    factors.entry(UserId(row.get(0)?)).or_default().seed = Some(row.get(1)?);
                }
                let mut keys = transaction.prepare(
                    "SELECT user, key, (SELECT count(*) FROM recovery_code WHERE recovery_code.user = recovery.user)
                     FROM recovery",
                )?;
                let mut rows = keys.query([])?;
                while let Some(row) = rows.next()? {
                    let stored = factors.entry(UserId(row.get(0)?)).or_default();
                    (stored.key, stored.left) = (Some(row.get(1)?), row.get(2)?);
                }
                StoredPasskey::read(transaction, |user, key| {
                    factors.entry(user).or_default().passkeys.push(key);
                })?;
                Ok(factors)
            })
            .await
    }
}

impl Codes {
    /// Those to be shown, where they were made.
    pub(super) fn shown(self) -> Option<Vec<Secret>> {
        self.made.map(|made| made.new.codes)
    }

    /// What saves them, and what their being the first ends.
    pub(in crate::control) fn storing(
        &self,
        id: UserId,
    ) -> impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()> + Send + use<> {
        let made = self.made.as_ref().map(|made| (made.key.clone(), made.new.hashes.clone()));
        move |transaction| {
            let Some((key, hashes)) = made else { return Ok(()) };
            store_codes(transaction, id, &key, &hashes)?;
            // All were made with the password alone, by whoever had it.
            transaction.execute("DELETE FROM token WHERE user = ?1", [id.0])?;
            transaction.execute("DELETE FROM pass WHERE maker = ?1", [id.0])?;
            transaction.execute("DELETE FROM session WHERE user = ?1", [id.0]).map(drop)
        }
    }
}

impl Stored {
    /// The factor; nothing where a part of it is missing or does not open.
    pub(in crate::control) fn open(self, key: &DataKey, id: UserId) -> Option<SecondFactor> {
        let codes_key = key.open(&codes_place(id), self.key.as_ref()?).ok()?;
        let seed = |sealed: Vec<u8>| {
            let seed = key.open(&seed_place(id), &sealed).ok()?;
            Seed::from_bytes(seed.expose_secret()).map(Arc::new)
        };
        let totp = match self.seed {
            Some(sealed) => Some(seed(sealed)?),
            None => None,
        };
        let passkeys: Option<Vec<_>> =
            self.passkeys.into_iter().map(|stored| stored.open(key, id).map(Arc::new)).collect();
        let recovery = Arc::new(Recovery::new(codes_key.expose_secret(), self.left));
        let second = SecondFactor { totp, passkeys: passkeys?, recovery };
        (!second.is_empty()).then_some(second)
    }
}

pub(super) fn delete_part(transaction: &Transaction<'_>, id: UserId, part: &Part) -> rusqlite::Result<usize> {
    match part {
        Part::App => transaction.execute("DELETE FROM totp WHERE user = ?1", [id.0]),
        Part::Passkey(key) => {
            transaction.execute("DELETE FROM passkey WHERE user = ?1 AND id = ?2", (id.0, key))
        }
        Part::All => delete_all(transaction, id),
    }
}

pub(super) fn delete_all(transaction: &Transaction<'_>, id: UserId) -> rusqlite::Result<usize> {
    for table in ["passkey", "totp", "recovery", "recovery_code"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE user = ?1"), [id.0])?;
    }
    Ok(0)
}

pub(super) fn store_codes(
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

pub(super) fn seed_place(id: UserId) -> String {
    format!("user/{id}/totp")
}

pub(super) fn codes_place(id: UserId) -> String {
    format!("user/{id}/recovery")
}
