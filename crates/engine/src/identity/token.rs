//! Tokens: passwords for one device or program, made at random and shown once.
//!
//! They hold 256 random bits behind a word by which they can be told from everything else; here and on disk lies only their
//! SHA-256. A token opens tools, never the gate: it cannot administer, nor make another one.

use super::{
    UserId,
    session::{self, CLOCK_SLACK, Digest, SEEN_STEP, SessionError, digest},
};
use crate::{
    clock::{Clock, Timestamp},
    random,
    store::database::{Database, StoreError},
    tools::ToolId,
};
use drawbridge_protocol::Secret;
use rusqlite::{Row, params};
use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// A token, without its text.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) id: String,
    pub(crate) user: UserId,
    /// What its owner calls it.
    pub(crate) name: String,
    /// The one tool it opens; nothing is every tool of its user.
    pub(crate) tool: Option<ToolId>,
    pub(crate) created: Timestamp,
    pub(crate) expires: Option<Timestamp>,
    /// 0 is never.
    last_seen: AtomicU64,
    /// Cancelled when it is revoked or its time is over.
    pub(crate) ended: CancellationToken,
}

/// What a new token is made of.
pub(crate) struct Wish {
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) tool: Option<ToolId>,
    pub(crate) lifetime: Option<Duration>,
}

/// Every token there is.
pub(crate) struct Tokens {
    table: Arc<RwLock<HashMap<Digest, Arc<Token>>>>,
    database: Database,
    clock: Clock,
}

impl Token {
    /// When it last opened something.
    pub(crate) fn last_seen(&self) -> Option<u64> {
        Some(self.last_seen.load(Ordering::Relaxed)).filter(|seen| *seen > 0)
    }

    /// Whether it opens this tool.
    pub(crate) fn is_for(&self, tool: &ToolId) -> bool {
        self.tool.as_ref().is_none_or(|own| own == tool)
    }
}

impl Tokens {
    /// Reads the tokens that are still good.
    pub(crate) async fn load(database: Database, clock: Clock) -> Result<Self, StoreError> {
        let now = clock.timestamp();
        let rows: Vec<(Digest, Arc<Token>)> = database
            .call(move |transaction| {
                transaction.execute("DELETE FROM token WHERE expires <= ?1", [signed(now.0)])?;
                transaction
                    .prepare("SELECT hash, id, user, name, tool, created, expires, last_seen FROM token")?
                    .query_map([], |row| Ok((row.get("hash")?, Arc::new(read(row)?))))?
                    .collect()
            })
            .await?;
        Ok(Self { table: Arc::new(RwLock::new(rows.into_iter().collect())), database, clock })
    }

    /// Makes a token; it is saved before it is given out. Nothing where its user has too many.
    pub(crate) async fn create(&self, wish: Wish) -> Result<Option<(Arc<Token>, Secret)>, SessionError> {
        let text = Secret::new(format!("{PREFIX}{}", random::token()?));
        let now = self.clock.timestamp();
        let token = Arc::new(Token {
            id: session::name()?,
            user: wish.user,
            name: wish.name,
            tool: wish.tool,
            created: now,
            expires: wish.lifetime.map(|lifetime| now.plus(lifetime)),
            last_seen: AtomicU64::new(0),
            ended: CancellationToken::new(),
        });
        let (hash, row, known) = (digest(text.expose()), Arc::clone(&token), Arc::clone(&token));
        let table = Arc::clone(&self.table);
        let then = move |saved: &bool| {
            if *saved {
                table.write().unwrap_or_else(PoisonError::into_inner).insert(hash, known);
            }
        };
        let saved =
            self.database.call_then(move |transaction| insert(transaction, &hash, &row), then).await?;
        Ok(saved.then_some((token, text)))
    }

    /// The token with this text, used just now.
    pub(crate) fn find(&self, text: &str) -> Option<Arc<Token>> {
        if !is_shaped(text) {
            return None;
        }
        let token = self.read().get(&digest(text)).cloned().filter(|token| self.is_good(token))?;
        let now = self.clock.timestamp();
        if Timestamp(token.last_seen.load(Ordering::Relaxed)).plus(SEEN_STEP) <= now {
            token.last_seen.store(now.0, Ordering::Relaxed);
        }
        Some(token)
    }

    /// Every token, oldest first.
    pub(crate) fn list(&self) -> Vec<Arc<Token>> {
        let mut list: Vec<Arc<Token>> = self.read().values().cloned().collect();
        list.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        list
    }

    /// Revokes tokens at once, then saves it. They stay revoked here even where saving fails.
    pub(crate) async fn revoke(&self, which: impl Fn(&Token) -> bool) -> Result<usize, StoreError> {
        let ids = self.revoke_here(which);
        let count = ids.len();
        if count > 0 {
            self.database
                .call(move |transaction| {
                    ids.iter().try_for_each(|id| {
                        transaction.execute("DELETE FROM token WHERE id = ?1", [id]).map(drop)
                    })
                })
                .await?;
        }
        Ok(count)
    }

    /// Revokes tokens at once, for callers who save it with what they change; returns their ids.
    pub(crate) fn revoke_here(&self, which: impl Fn(&Token) -> bool) -> Vec<String> {
        let mut ids = Vec::new();
        self.write().retain(|_, token| {
            let goes = which(token);
            if goes {
                token.ended.cancel();
                ids.push(token.id.clone());
            }
            !goes
        });
        ids
    }

    /// Forgets expired tokens and saves when the others were last used.
    pub(crate) async fn tidy(&self) -> Result<(), StoreError> {
        self.revoke(|token| !self.is_good(token)).await?;
        let seen: Vec<(String, u64)> =
            self.list().iter().filter_map(|token| Some((token.id.clone(), token.last_seen()?))).collect();
        self.database
            .call(move |transaction| {
                let mut update = transaction
                    .prepare("UPDATE token SET last_seen = ?2 WHERE id = ?1 AND last_seen IS NOT ?2")?;
                seen.iter().try_for_each(|(id, seen)| update.execute(params![id, signed(*seen)]).map(drop))
            })
            .await
    }

    fn is_good(&self, token: &Token) -> bool {
        let now = self.clock.timestamp();
        // A clock that ran backwards past its making is not to be believed (P4).
        !token.ended.is_cancelled()
            && token.expires.is_none_or(|expires| now < expires)
            && now.plus(CLOCK_SLACK) >= token.created
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Digest, Arc<Token>>> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Digest, Arc<Token>>> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a token may be called this; it may be called nothing.
pub(crate) fn is_name(name: &str) -> bool {
    name.chars().count() <= NAME_LETTERS && !name.chars().any(char::is_control)
}

/// Whether a text looks like a token of ours; nothing else does, so that a tool's own credential is never taken for one.
pub(crate) fn is_shaped(text: &str) -> bool {
    text.strip_prefix(PREFIX).is_some_and(|rest| rest.len() == RANDOM_LETTERS)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Token> {
    Ok(Token {
        id: row.get("id")?,
        user: UserId(row.get("user")?),
        name: row.get("name")?,
        tool: row.get::<_, Option<String>>("tool")?.map(ToolId::stored),
        created: Timestamp(unsigned(row.get("created")?)),
        expires: row.get::<_, Option<i64>>("expires")?.map(|moment| Timestamp(unsigned(moment))),
        last_seen: AtomicU64::new(row.get::<_, Option<i64>>("last_seen")?.map_or(0, unsigned)),
        ended: CancellationToken::new(),
    })
}

/// Saves a token, unless its user has too many.
fn insert(transaction: &rusqlite::Transaction<'_>, hash: &Digest, token: &Token) -> rusqlite::Result<bool> {
    let count: i64 =
        transaction
            .query_row("SELECT count(*) FROM token WHERE user = ?1", [token.user.0], |row| row.get(0))?;
    if count >= i64::try_from(MOST_PER_USER).unwrap_or(0) {
        return Ok(false);
    }
    transaction.execute(
        "INSERT INTO token (hash, id, user, name, tool, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            hash,
            token.id,
            token.user.0,
            token.name,
            token.tool.as_ref().map(ToolId::as_str),
            signed(token.created.0),
            token.expires.map(|moment| signed(moment.0)),
        ],
    )?;
    Ok(true)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// How every token begins, so that scanners for leaked secrets and people know one when they see it.
pub(crate) const PREFIX: &str = "drawbridge_";
/// Letters after it (256 bits in base 64).
const RANDOM_LETTERS: usize = 43;
/// Letters of a token's name.
const NAME_LETTERS: usize = 64;
/// Tokens of one user (chosen: far more than anyone's devices).
pub(crate) const MOST_PER_USER: usize = 100;
