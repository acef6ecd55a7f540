//! Invites: accounts that people make for themselves, each with a link the owner hands out once.
//!
//! A link holds 256 random bits; here and on disk lies only their SHA-256. Until it is accepted there is no account. Only
//! the writer of the control path adds and takes away; the gate looks here before it asks the writer, so that codes made up
//! cost nothing.

use super::{
    session::{self, CLOCK_SLACK, Digest, SessionError, digest},
    user::Reach,
};
use crate::{
    clock::{Clock, Timestamp},
    random,
    store::database::{Database, StoreError},
    tools::ToolId,
};
use drawbridge_protocol::Secret;
use rusqlite::{Row, Transaction, params};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

/// An invite, without its code.
#[derive(Clone, Debug)]
pub(crate) struct Invite {
    pub(crate) id: String,
    /// The name to sign in with.
    pub(crate) name: String,
    pub(crate) admin: bool,
    pub(crate) reach: Reach,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
}

/// What a new invite is made of.
pub(crate) struct Wish {
    pub(crate) name: String,
    pub(crate) admin: bool,
    pub(crate) reach: Reach,
    pub(crate) lifetime: Duration,
}

/// Every open invite.
pub(crate) struct Invites {
    table: RwLock<HashMap<Digest, Arc<Invite>>>,
    database: Database,
    clock: Clock,
}

impl Invites {
    /// Reads the invites that are still good; what cannot be read is none.
    pub(crate) async fn load(database: Database, clock: Clock) -> Result<Self, StoreError> {
        let now = clock.timestamp();
        let rows: Vec<Option<(Digest, Arc<Invite>)>> = database
            .call(move |transaction| {
                transaction.execute("DELETE FROM invite WHERE expires <= ?1", [signed(now.0)])?;
                transaction
                    .prepare("SELECT hash, id, name, admin, tools, created, expires FROM invite")?
                    .query_map([], read)?
                    .collect()
            })
            .await?;
        Ok(Self { table: RwLock::new(rows.into_iter().flatten().collect()), database, clock })
    }

    /// Makes an invite; it is saved before its code is given out. Nothing where there are too many.
    pub(crate) async fn create(&self, wish: Wish) -> Result<Option<(Arc<Invite>, Secret)>, SessionError> {
        // One whose time is over gives its name and its place free.
        self.tidy().await?;
        if self.read().len() >= MOST {
            return Ok(None);
        }
        let code = Secret::new(random::token()?);
        let now = self.clock.timestamp();
        let invite = Arc::new(Invite {
            id: session::name()?,
            name: wish.name,
            admin: wish.admin,
            reach: wish.reach,
            created: now,
            expires: now.plus(wish.lifetime),
        });
        let (hash, row) = (digest(code.expose()), Arc::clone(&invite));
        self.database.call(move |transaction| insert(transaction, &hash, &row)).await?;
        self.write().insert(hash, Arc::clone(&invite));
        Ok(Some((invite, code)))
    }

    /// The open invite with this code. Looking does not use it up.
    pub(crate) fn find(&self, code: &Secret) -> Option<Arc<Invite>> {
        if code.expose().len() != CODE_LETTERS {
            return None;
        }
        self.read().get(&digest(code.expose())).filter(|invite| self.is_good(invite)).cloned()
    }

    /// Every open invite, oldest first.
    pub(crate) fn list(&self) -> Vec<Arc<Invite>> {
        let mut list: Vec<Arc<Invite>> =
            self.read().values().filter(|invite| self.is_good(invite)).cloned().collect();
        list.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        list
    }

    /// Revokes invites at once, then saves it. They stay revoked here even where saving fails.
    pub(crate) async fn revoke(&self, which: impl Fn(&Invite) -> bool) -> Result<usize, StoreError> {
        let mut ids = Vec::new();
        self.write().retain(|_, invite| {
            let goes = which(invite);
            if goes {
                ids.push(invite.id.clone());
            }
            !goes
        });
        let count = ids.len();
        if count > 0 {
            self.database
                .call(move |transaction| {
                    ids.iter().try_for_each(|id| {
                        transaction.execute("DELETE FROM invite WHERE id = ?1", [id]).map(drop)
                    })
                })
                .await?;
        }
        Ok(count)
    }

    /// Takes a tool out of what invites promise: another one may take its id.
    pub(crate) async fn forget_tool(&self, tool: &ToolId) -> Result<(), StoreError> {
        let mut rows = Vec::new();
        for invite in self.write().values_mut() {
            let Reach::Only(tools) = &invite.reach else { continue };
            if tools.contains(tool) {
                let reach = Reach::Only(tools.iter().filter(|known| *known != tool).cloned().collect());
                rows.push((invite.id.clone(), reach.to_column()));
                *invite = Arc::new(Invite { reach, ..Invite::clone(invite) });
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        self.database
            .call(move |transaction| {
                rows.iter().try_for_each(|row| {
                    transaction
                        .execute("UPDATE invite SET tools = ?2 WHERE id = ?1", params![row.0, row.1])?;
                    Ok(())
                })
            })
            .await
    }

    /// Forgets those whose time is over.
    pub(crate) async fn tidy(&self) -> Result<(), StoreError> {
        let now = self.clock.timestamp();
        self.revoke(|invite| invite.expires <= now).await.map(drop)
    }

    fn is_good(&self, invite: &Invite) -> bool {
        let now = self.clock.timestamp();
        // A clock that ran backwards past its making is not to be believed (P4).
        now < invite.expires && now.plus(CLOCK_SLACK) >= invite.created
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Digest, Arc<Invite>>> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Digest, Arc<Invite>>> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Uses an invite up, in the transaction that makes its account. One that is not there, or whose time is over, is an error:
/// then there is no account either.
pub(crate) fn spend(transaction: &Transaction<'_>, id: &str, now: Timestamp) -> rusqlite::Result<()> {
    let spent = transaction
        .execute("DELETE FROM invite WHERE id = ?1 AND expires > ?2", params![id, signed(now.0)])?;
    if spent == 1 { Ok(()) } else { Err(rusqlite::Error::QueryReturnedNoRows) }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Option<(Digest, Arc<Invite>)>> {
    let Some(reach) = Reach::from_column(row.get::<_, Option<String>>("tools")?.as_deref()) else {
        return Ok(None);
    };
    let invite = Invite {
        id: row.get("id")?,
        name: row.get("name")?,
        admin: row.get("admin")?,
        reach,
        created: Timestamp(unsigned(row.get("created")?)),
        expires: Timestamp(unsigned(row.get("expires")?)),
    };
    Ok(Some((row.get("hash")?, Arc::new(invite))))
}

fn insert(transaction: &Transaction<'_>, hash: &Digest, invite: &Invite) -> rusqlite::Result<()> {
    transaction
        .execute(
            "INSERT INTO invite (hash, id, name, admin, tools, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                hash,
                invite.id,
                invite.name,
                invite.admin,
                invite.reach.to_column(),
                signed(invite.created.0),
                signed(invite.expires.0),
            ],
        )
        .map(drop)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// Letters of a code (256 bits in base 64).
const CODE_LETTERS: usize = 43;
/// Open invites at once (chosen: a whole club).
pub(crate) const MOST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::atomic::{AtomicU64, Ordering},
        time::UNIX_EPOCH,
    };

    async fn stored(database: &Database) -> i64 {
        let count = |transaction: &Transaction<'_>| {
            transaction.query_row("SELECT count(*) FROM invite", [], |row| row.get(0))
        };
        database.call(count).await.unwrap()
    }

    fn ben(lifetime: u64) -> Wish {
        let lifetime = Duration::from_secs(lifetime);
        Wish { name: "ben".into(), admin: false, reach: Reach::All, lifetime }
    }

    #[tokio::test]
    async fn what_is_over_is_found_no_more_and_deleted_by_tidying_and_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("drawbridge.db"), Timestamp(7)).unwrap().database;
        let now = Arc::new(AtomicU64::new(1_000_000));
        let read = Arc::clone(&now);
        let clock = Clock::from_fn(move || UNIX_EPOCH + Duration::from_secs(read.load(Ordering::Relaxed)));
        let invites = Invites::load(database.clone(), clock.clone()).await.unwrap();
        let (_, code) = invites.create(ben(60)).await.unwrap().unwrap();
        now.fetch_add(59, Ordering::Relaxed);
        assert!(invites.find(&code).is_some());
        assert_eq!(invites.list().len(), 1);
        now.fetch_add(1, Ordering::Relaxed);
        assert!(invites.find(&code).is_none() && invites.list().is_empty());
        assert_eq!(stored(&database).await, 1);
        let id = invites.read().values().next().unwrap().id.clone();
        let late = Timestamp(now.load(Ordering::Relaxed));
        assert!(database.call(move |transaction| spend(transaction, &id, late)).await.is_err());
        invites.tidy().await.unwrap();
        assert_eq!((stored(&database).await, invites.read().len()), (0, 0));

        let (_, code) = invites.create(ben(60)).await.unwrap().unwrap();
        assert!(Invites::load(database.clone(), clock.clone()).await.unwrap().find(&code).is_some());
        now.fetch_add(60, Ordering::Relaxed);
        assert!(Invites::load(database.clone(), clock.clone()).await.unwrap().read().is_empty());
        assert_eq!(stored(&database).await, 0);
        now.store(10, Ordering::Relaxed);
        assert!(invites.find(&code).is_none(), "a clock that ran backwards");
    }

    #[tokio::test]
    async fn there_is_a_most_of_open_ones_and_what_cannot_be_read_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("drawbridge.db"), Timestamp(7)).unwrap().database;
        let invites = Invites::load(database.clone(), Clock::system()).await.unwrap();
        for number in 0..MOST {
            let name = format!("ben{number}");
            assert!(invites.create(Wish { name, ..ben(60) }).await.unwrap().is_some());
        }
        assert!(invites.create(ben(60)).await.unwrap().is_none());
        database
            .call(|transaction| transaction.execute("UPDATE invite SET tools = 'x' WHERE name = 'ben0'", []))
            .await
            .unwrap();
        assert_eq!(Invites::load(database, Clock::system()).await.unwrap().list().len(), MOST - 1);
    }
}
