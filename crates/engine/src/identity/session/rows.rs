//! The rows behind the tables of sessions.

use super::{
    Arc, AtomicU64, CancellationToken, Digest, Kind, Level, MOST_PER_USER, Ordering, Session, Timestamp,
    UserId,
};
use rusqlite::{Result, Row, Transaction, params};

type Loaded = (Vec<(Digest, Arc<Session>)>, Vec<(Digest, String, String)>);

pub(super) fn load(transaction: &Transaction<'_>, now: Timestamp) -> Result<Loaded> {
    transaction.execute("DELETE FROM session WHERE expires <= ?1", [signed(now.0)])?;
    let gate = transaction
        .prepare(
            "SELECT hash, id, user, kind, level, address, agent, created, last_seen, expires FROM session",
        )?
        .query_map([], |row| Ok((row.get("hash")?, Arc::new(read(row)?))))?
        .collect::<Result<_>>()?;
    let doors = transaction
        .prepare("SELECT hash, session, tool FROM door_session")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_>>()?;
    Ok((gate, doors))
}

fn read(row: &Row<'_>) -> Result<Session> {
    let (kind, level): (String, String) = (row.get("kind")?, row.get("level")?);
    Ok(Session {
        id: row.get("id")?,
        user: UserId(row.get("user")?),
        // A word nobody knows is no cookie's.
        kind: match kind.as_str() {
            BROWSER => Kind::Browser,
            PLAIN => Kind::Plain,
            _ => Kind::Program,
        },
        // Anything else than the one word means the lower level.
        level: if level == "internet" { Level::Internet } else { Level::Lan },
        address: row.get("address")?,
        agent: row.get("agent")?,
        created: Timestamp(unsigned(row.get("created")?)),
        expires: Timestamp(unsigned(row.get("expires")?)),
        last_seen: AtomicU64::new(unsigned(row.get("last_seen")?)),
        ended: CancellationToken::new(),
    })
}

/// Saves a new session; the oldest of its user and kind make room, and their ids come back.
pub(super) fn insert(transaction: &Transaction<'_>, hash: &Digest, session: &Session) -> Result<Vec<String>> {
    let kind = match session.kind {
        Kind::Browser => BROWSER,
        Kind::Plain => PLAIN,
        Kind::Program => "program",
    };
    // By the order in which they were saved: many begin in one second.
    let surplus: Vec<String> = transaction
        .prepare(
            "SELECT id FROM session WHERE user = ?1 AND kind = ?2 ORDER BY rowid DESC LIMIT -1 OFFSET ?3",
        )?
        .query_map(params![session.user.0, kind, i64::try_from(MOST_PER_USER).unwrap_or(1) - 1], |row| {
            row.get(0)
        })?
        .collect::<Result<_>>()?;
    delete(transaction, &surplus)?;
    transaction.execute(
        "INSERT INTO session (hash, id, user, kind, level, address, agent, created, last_seen, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            hash,
            session.id,
            session.user.0,
            kind,
            session.level.to_string(),
            session.address,
            session.agent,
            signed(session.created.0),
            signed(session.last_seen.load(Ordering::Relaxed)),
            signed(session.expires.0),
        ],
    )?;
    transaction.execute(
        "UPDATE user SET last_seen = ?2 WHERE id = ?1",
        params![session.user.0, signed(session.created.0)],
    )?;
    Ok(surplus)
}

pub(super) fn enter(transaction: &Transaction<'_>, hash: &Digest, session: &str, tool: &str) -> Result<()> {
    transaction.execute("DELETE FROM door_session WHERE session = ?1 AND tool = ?2", [session, tool])?;
    transaction.execute(
        "INSERT INTO door_session (hash, session, tool) VALUES (?1, ?2, ?3)",
        params![hash, session, tool],
    )?;
    Ok(())
}

/// A program's next refresh token takes the place of the last; nothing where somebody else was faster.
pub(super) fn rotate(transaction: &Transaction<'_>, id: &str, from: &Digest, to: &Digest) -> Result<bool> {
    let changed = transaction
        .execute("UPDATE session SET hash = ?3 WHERE id = ?1 AND hash = ?2", params![id, from, to])?;
    Ok(changed == 1)
}

pub(super) fn delete(transaction: &Transaction<'_>, ids: &[String]) -> Result<()> {
    for id in ids {
        transaction.execute("DELETE FROM session WHERE id = ?1", [id])?;
    }
    Ok(())
}

pub(super) fn seen(transaction: &Transaction<'_>, seen: &[(String, u64)]) -> Result<()> {
    for (id, moment) in seen {
        transaction
            .execute("UPDATE session SET last_seen = ?2 WHERE id = ?1", params![id, signed(*moment)])?;
    }
    Ok(())
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// How a browser's sign-in stands in the column.
const BROWSER: &str = "browser";
/// The same of one without TLS.
const PLAIN: &str = "plain";
