//! Devices the owner let in for good. Each holds a token of 256 random bits, a browser one for all its accounts; here and on
//! disk lies only its SHA-256. It opens nothing by itself: whoever shows it still needs the password, and is only not asked
//! for.

use crate::{
    clock::{Clock, Timestamp},
    identity::{
        UserId,
        session::{CLOCK_SLACK, Digest, SEEN_STEP, SessionError, digest, name, told},
    },
    random,
    store::database::{Database, StoreError},
};
use drawbridge_protocol::Secret;
use rusqlite::{Row, Transaction, params};
use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// A device that need not ask.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) user: UserId,
    pub(crate) agent: String,
    pub(crate) created: Timestamp,
    pub(crate) last_seen: AtomicU64,
}

/// A device may be known for several accounts.
type Table = HashMap<(Digest, UserId), Arc<Device>>;

/// Every device that need not ask.
pub(crate) struct Devices {
    table: Arc<RwLock<Table>>,
    database: Database,
    clock: Clock,
}

impl Devices {
    /// Reads the devices.
    pub(super) async fn load(database: Database, clock: Clock) -> Result<Self, StoreError> {
        let rows: Vec<((Digest, UserId), Arc<Device>)> = database
            .call(|transaction| {
                transaction
                    .prepare("SELECT hash, id, user, agent, created, last_seen FROM device")?
                    .query_map([], |row| {
                        let device = read(row)?;
                        Ok(((row.get("hash")?, device.user), Arc::new(device)))
                    })?
                    .collect()
            })
            .await?;
        Ok(Self { table: Arc::new(RwLock::new(rows.into_iter().collect())), database, clock })
    }

    /// Whether this account was let in for good on the device with this token; it was seen just now.
    pub(crate) fn knows(&self, user: UserId, token: &str) -> bool {
        let device = self.read().get(&(digest(token), user)).cloned();
        let now = self.clock.timestamp();
        let Some(device) = device.filter(|device| device.is_good(now)) else { return false };
        if Timestamp(device.last_seen.load(Ordering::Relaxed)).plus(SEEN_STEP) <= now {
            device.last_seen.store(now.0, Ordering::Relaxed);
        }
        true
    }

    /// Makes a device known for an account, once that is saved; returns the token it shall hold: the one it shows where that
    /// is ours. The device of the account not seen for longest makes room.
    pub(crate) async fn add(
        &self,
        user: UserId,
        shown: Option<&str>,
        agent: &str,
    ) -> Result<Secret, SessionError> {
        let ours = |token: &&str| self.read().keys().any(|(hash, _)| *hash == digest(token));
        let token = match shown.filter(ours) {
            Some(token) => Secret::new(token.to_owned()),
            None => Secret::new(random::token()?),
        };
        let (hash, agent) = (digest(token.expose()), told(agent));
        let now = self.clock.timestamp();
        let device =
            Arc::new(Device { id: name()?, user, agent, created: now, last_seen: AtomicU64::new(now.0) });
        let known = self.read().get(&(hash, user)).map(|known| known.id.clone());
        let others = |other: &Arc<Device>| other.user == user && Some(&other.id) != known.as_ref();
        let mut own: Vec<Arc<Device>> = self.list().into_iter().filter(others).collect();
        own.sort_by_key(|known| std::cmp::Reverse(known.last_seen.load(Ordering::Relaxed)));
        let surplus = own.iter().skip(MOST_PER_USER - 1).map(|known| known.id.clone());
        let surplus: Vec<String> = surplus.chain(known).collect();
        let (row, table, gone) = (Arc::clone(&device), Arc::clone(&self.table), surplus.clone());
        let save = move |transaction: &Transaction<'_>| {
            delete(transaction, &surplus)?;
            insert(transaction, &hash, &row)
        };
        let then = move |(): &()| {
            let mut table = table.write().unwrap_or_else(PoisonError::into_inner);
            table.retain(|_, known| !gone.contains(&known.id));
            table.insert((hash, user), device);
        };
        self.database.call_then(save, then).await?;
        Ok(token)
    }

    /// Every device, oldest first.
    pub(crate) fn list(&self) -> Vec<Arc<Device>> {
        let mut list: Vec<Arc<Device>> = self.read().values().cloned().collect();
        list.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        list
    }

    /// Forgets devices at once, then saves it. They stay forgotten here even where saving fails.
    pub(crate) async fn forget(&self, which: impl Fn(&Device) -> bool) -> Result<usize, StoreError> {
        let mut ids = Vec::new();
        self.table.write().unwrap_or_else(PoisonError::into_inner).retain(|_, device| {
            let goes = which(device);
            if goes {
                ids.push(device.id.clone());
            }
            !goes
        });
        let count = ids.len();
        if count > 0 {
            self.database.call(move |transaction| delete(transaction, &ids)).await?;
        }
        Ok(count)
    }

    /// Forgets those that were not seen for long, and saves when the others were.
    pub(crate) async fn tidy(&self) -> Result<(), StoreError> {
        let now = self.clock.timestamp();
        self.forget(|device| !device.is_good(now)).await?;
        let seen: Vec<(String, u64)> = self
            .list()
            .iter()
            .map(|device| (device.id.clone(), device.last_seen.load(Ordering::Relaxed)))
            .collect();
        self.database
            .call(move |transaction| {
                let mut update = transaction
                    .prepare("UPDATE device SET last_seen = ?2 WHERE id = ?1 AND last_seen IS NOT ?2")?;
                seen.iter().try_for_each(|(id, seen)| update.execute(params![id, signed(*seen)]).map(drop))
            })
            .await
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Device {
    fn is_good(&self, now: Timestamp) -> bool {
        // A clock that ran backwards past its making is not to be believed (P4).
        now < Timestamp(self.last_seen.load(Ordering::Relaxed)).plus(LIFETIME)
            && now.plus(CLOCK_SLACK) >= self.created
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Device> {
    Ok(Device {
        id: row.get("id")?,
        user: UserId(row.get("user")?),
        agent: row.get("agent")?,
        created: Timestamp(unsigned(row.get("created")?)),
        last_seen: AtomicU64::new(unsigned(row.get("last_seen")?)),
    })
}

fn insert(transaction: &Transaction<'_>, hash: &Digest, device: &Device) -> rusqlite::Result<()> {
    let created = signed(device.created.0);
    transaction
        .execute(
            "INSERT INTO device (hash, id, user, agent, created, last_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
            params![hash, device.id, device.user.0, device.agent, created],
        )
        .map(drop)
}

fn delete(transaction: &Transaction<'_>, ids: &[String]) -> rusqlite::Result<()> {
    ids.iter().try_for_each(|id| transaction.execute("DELETE FROM device WHERE id = ?1", [id]).map(drop))
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// How long a device is known unused, and its cookie lasts (chosen: half a year).
pub(crate) const LIFETIME: Duration = Duration::from_secs(180 * 24 * 3600);
/// Devices of one user (chosen: far more than anyone's).
const MOST_PER_USER: usize = 32;
