//! Sign-ins. Of a browser: one session at the gate, one more for each door entered with it, and the one-time codes that
//! lead from the first to the second. Of a program: one session, with a refresh token that changes at each use.
//!
//! Cookies and refresh tokens hold 256 random bits; here and on disk lies only their SHA-256. The data path reads the
//! tables in memory; a new session is saved before its cookie is sent.

mod codes;
mod programs;
mod rows;

pub(crate) use codes::Codes;
pub(crate) use programs::Refreshed;

use super::{UserId, user::User};
use crate::{
    clock::{Clock, Timestamp},
    random::{self, NoRandomness},
    store::database::{Database, StoreError},
    tools::ToolId,
};
use drawbridge_protocol::Level;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// SHA-256 of a token.
pub(crate) type Digest = [u8; 32];

/// A sign-in at a gate.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) user: UserId,
    pub(crate) kind: Kind,
    pub(crate) level: Level,
    pub(crate) address: String,
    pub(crate) agent: String,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) last_seen: AtomicU64,
    /// Cancelled when the session ends, for whatever reason.
    pub(crate) ended: CancellationToken,
}

/// What signed in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A browser at the gate; it holds a cookie.
    Browser,
    /// A browser without TLS, for one door; it holds a cookie there and nothing at the gate.
    Plain,
    /// A program at the gate's API; it holds a refresh token, and access tokens for some minutes each.
    Program,
}

/// A door entered with a sign-in.
#[derive(Clone, Debug)]
pub(crate) struct DoorSession {
    pub(crate) session: Arc<Session>,
    pub(crate) tool: ToolId,
}

/// Why no session could be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// Not saved, so not given out.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Every sign-in there is.
pub(crate) struct Sessions {
    tables: Arc<RwLock<Tables>>,
    codes: Codes<Arc<Session>>,
    database: Database,
    clock: Clock,
}

#[derive(Default)]
struct Tables {
    /// By what the browser's cookie or the program's refresh token hashes to.
    gate: HashMap<Digest, Arc<Session>>,
    doors: HashMap<Digest, DoorSession>,
    /// The programs' among them, by the id their tokens name.
    programs: HashMap<String, programs::Hold>,
}

/// What a new session is made of.
pub(crate) struct Visit {
    pub(crate) level: Level,
    pub(crate) address: IpAddr,
    pub(crate) agent: String,
}

impl Sessions {
    /// Reads the sessions that are still good.
    pub(crate) async fn load(database: Database, clock: Clock) -> Result<Self, StoreError> {
        let now = clock.timestamp();
        let (gate, doors) = database.call(move |transaction| rows::load(transaction, now)).await?;
        let programs = gate
            .iter()
            .filter(|(_, session)| session.kind == Kind::Program)
            .map(|(hash, session)| (session.id.clone(), programs::Hold::new(*hash)))
            .collect();
        let mut tables = Tables { gate: gate.into_iter().collect(), doors: HashMap::new(), programs };
        let by_id: HashMap<&str, &Arc<Session>> =
            tables.gate.values().map(|session| (session.id.as_str(), session)).collect();
        tables.doors = doors
            .into_iter()
            .filter_map(|(hash, id, tool)| {
                let session = Arc::clone(by_id.get(id.as_str())?);
                Some((hash, DoorSession { session, tool: ToolId::stored(tool) }))
            })
            .collect();
        Ok(Self { tables: Arc::new(RwLock::new(tables)), codes: Codes::default(), database, clock })
    }

    /// A browser's new sign-in; returns the cookie's value.
    pub(crate) async fn begin(&self, user: UserId, visit: Visit) -> Result<String, SessionError> {
        Ok(self.open(user, visit, Kind::Browser).await?.1)
    }

    /// A browser's sign-in without TLS. It is good for nothing but a code for one door.
    pub(crate) async fn begin_plain(&self, user: UserId, visit: Visit) -> Result<Arc<Session>, SessionError> {
        Ok(self.open(user, visit, Kind::Plain).await?.0)
    }

    async fn open(
        &self,
        user: UserId,
        visit: Visit,
        kind: Kind,
    ) -> Result<(Arc<Session>, String), SessionError> {
        let token = random::token()?;
        let now = self.clock.timestamp();
        let session = Arc::new(Session {
            id: name()?,
            user,
            kind,
            level: visit.level,
            address: visit.address.to_string(),
            agent: told(&visit.agent),
            created: now,
            expires: now.plus(kind.lifetime()),
            last_seen: AtomicU64::new(now.0),
            ended: CancellationToken::new(),
        });
        let hash = digest(&token);
        let (row, known, tables) = (Arc::clone(&session), Arc::clone(&session), Arc::clone(&self.tables));
        let save = move |transaction: &rusqlite::Transaction<'_>| rows::insert(transaction, &hash, &row);
        let then = move |surplus: &Vec<String>| lock(&tables).begin(hash, known, surplus);
        self.database.call_then(save, then).await?;
        Ok((session, token))
    }

    /// The sign-in a gate cookie stands for.
    pub(crate) fn at_gate(&self, cookie: &str, level: Level) -> Option<Arc<Session>> {
        let session = self.read().gate.get(&digest(cookie)).cloned()?;
        let good = session.kind == Kind::Browser && session.level == level && self.is_good(&session);
        good.then(|| self.touched(session))
    }

    /// The sign-in a door cookie stands for, if it is of this kind and for this tool at this level.
    pub(crate) fn at_door(
        &self,
        cookie: &str,
        tool: &ToolId,
        level: Level,
        kind: Kind,
    ) -> Option<Arc<Session>> {
        let door = self.read().doors.get(&digest(cookie)).cloned()?;
        let good = door.tool == *tool
            && door.session.level == level
            && door.session.kind == kind
            && self.is_good(&door.session);
        good.then(|| self.touched(door.session))
    }

    /// A one-time code that leads from the gate to a door, in the browser whose state it names.
    pub(crate) fn code(
        &self,
        session: Arc<Session>,
        tool: ToolId,
        state: String,
    ) -> Result<Option<String>, NoRandomness> {
        let id = session.id.clone();
        self.codes.issue(session, tool, state, |other| other.id == id)
    }

    /// Turns a code into a door session; returns the cookie's value, or nothing where the code is not good here.
    pub(crate) async fn enter(
        &self,
        code: &str,
        tool: &ToolId,
        (level, kind): (Level, Kind),
        state: &str,
    ) -> Result<Option<String>, SessionError> {
        let found = self.codes.take(code, tool, state);
        let found =
            found.filter(|session| session.level == level && session.kind == kind && self.is_good(session));
        let Some(session) = found else { return Ok(None) };
        let token = random::token()?;
        let hash = digest(&token);
        let (id, name) = (session.id.clone(), tool.to_string());
        let (door, tables) = (DoorSession { session, tool: tool.clone() }, Arc::clone(&self.tables));
        let save = move |transaction: &rusqlite::Transaction<'_>| rows::enter(transaction, &hash, &id, &name);
        let then = move |(): &()| lock(&tables).enter(hash, door);
        self.database.call_then(save, then).await?;
        Ok(Some(token))
    }

    /// Ends sessions at once, then saves it. They stay ended here even where saving fails.
    pub(crate) async fn end(&self, which: impl Fn(&Session) -> bool) -> Result<usize, StoreError> {
        let ended = self.end_here(which);
        let count = ended.len();
        if count > 0 {
            self.database.call(move |transaction| rows::delete(transaction, &ended)).await?;
        }
        Ok(count)
    }

    /// Ends sessions at once, for callers who save it with what they change; returns their ids.
    pub(crate) fn end_here(&self, which: impl Fn(&Session) -> bool) -> Vec<String> {
        let mut tables = self.write();
        let gone: Vec<Digest> =
            tables.gate.iter().filter(|(_, session)| which(session)).map(|(hash, _)| *hash).collect();
        tables.remove(&gone)
    }

    /// Ends every session at a tool's doors; the sign-ins stay.
    pub(crate) async fn leave_tool(&self, tool: &ToolId) -> Result<(), StoreError> {
        self.write().doors.retain(|_, door| door.tool != *tool);
        self.codes.forget_tool(tool);
        let tool = tool.to_string();
        self.database
            .call(move |transaction| {
                transaction.execute("DELETE FROM door_session WHERE tool = ?1", [tool]).map(drop)
            })
            .await
    }

    /// Forgets expired sessions and saves when the others were last seen.
    pub(crate) async fn tidy(&self) -> Result<(), StoreError> {
        let expired: Vec<String> = self
            .list()
            .iter()
            .filter(|(session, _)| !self.is_good(session))
            .map(|(s, _)| s.id.clone())
            .collect();
        self.end(|session| expired.contains(&session.id)).await?;
        let seen: Vec<(String, u64)> = self
            .list()
            .iter()
            .map(|(session, _)| (session.id.clone(), session.last_seen.load(Ordering::Relaxed)))
            .collect();
        self.database.call(move |transaction| rows::seen(transaction, &seen)).await
    }

    /// Every session with the tools entered, oldest first.
    pub(crate) fn list(&self) -> Vec<(Arc<Session>, Vec<ToolId>)> {
        let tables = self.read();
        let mut entered: HashMap<&str, Vec<ToolId>> = HashMap::new();
        for door in tables.doors.values() {
            entered.entry(&door.session.id).or_default().push(door.tool.clone());
        }
        let mut list: Vec<_> = tables
            .gate
            .values()
            .map(|session| {
                let mut tools = entered.remove(session.id.as_str()).unwrap_or_default();
                tools.sort();
                (Arc::clone(session), tools)
            })
            .collect();
        list.sort_by_key(|(session, _)| (session.created, session.id.clone()));
        list
    }

    fn is_good(&self, session: &Session) -> bool {
        let now = self.clock.timestamp();
        let last_seen = Timestamp(session.last_seen.load(Ordering::Relaxed));
        let idle_until = last_seen.plus(IDLE);
        // A clock that ran backwards past the sign-in is not to be believed (P4).
        !session.ended.is_cancelled()
            && now < session.expires
            && now < idle_until
            && now.plus(CLOCK_SLACK) >= session.created
    }

    /// The session, used just now.
    fn touched(&self, session: Arc<Session>) -> Arc<Session> {
        let now = self.clock.timestamp();
        if Timestamp(session.last_seen.load(Ordering::Relaxed)).plus(SEEN_STEP) <= now {
            session.last_seen.store(now.0, Ordering::Relaxed);
        }
        session
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        lock(&self.tables)
    }
}

fn lock(tables: &RwLock<Tables>) -> RwLockWriteGuard<'_, Tables> {
    tables.write().unwrap_or_else(PoisonError::into_inner)
}

impl Kind {
    /// How long such a sign-in lasts at most.
    pub(crate) const fn lifetime(self) -> Duration {
        match self {
            Self::Browser | Self::Program => LIFETIME,
            Self::Plain => PLAIN_LIFETIME,
        }
    }
}

impl Tables {
    fn remove(&mut self, gone: &[Digest]) -> Vec<String> {
        let mut ids = Vec::new();
        for hash in gone {
            if let Some(session) = self.gate.remove(hash) {
                session.ended.cancel();
                self.doors.retain(|_, door| door.session.id != session.id);
                self.programs.remove(&session.id);
                ids.push(session.id.clone());
            }
        }
        ids
    }

    /// A new session, in the place of those that made room for it.
    fn begin(&mut self, hash: Digest, session: Arc<Session>, surplus: &[String]) {
        let gone: Vec<Digest> = self
            .gate
            .iter()
            .filter(|(_, session)| surplus.contains(&session.id))
            .map(|(hash, _)| *hash)
            .collect();
        self.remove(&gone);
        if session.kind == Kind::Program {
            self.programs.insert(session.id.clone(), programs::Hold::new(hash));
        }
        self.gate.insert(hash, session);
    }

    /// A door entered; one session has one there.
    fn enter(&mut self, hash: Digest, entered: DoorSession) {
        self.doors.retain(|_, door| door.session.id != entered.session.id || door.tool != entered.tool);
        // It may have ended while this was saved.
        if !entered.session.ended.is_cancelled() {
            self.doors.insert(hash, entered);
        }
    }
}

/// An id to type: hexadecimal, so that no shell or option parser takes its first letter for something else.
pub(super) fn name() -> Result<String, NoRandomness> {
    Ok(random::bytes::<ID_BYTES>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// SHA-256 of a token: what is stored and looked up.
pub(crate) fn digest(token: &str) -> Digest {
    let mut hash = [0; 32];
    hash.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()).as_ref());
    hash
}

/// Whether a sign-in of this user may begin at this level.
pub(crate) fn may_begin(user: &User, level: Level) -> bool {
    match level {
        Level::Local => false,
        Level::Lan => true,
        Level::Internet => user.is_strong(),
    }
}

/// Whether a sign-in of this user may be tried at this level: also where only the password will tell whether it may begin.
pub(crate) fn may_try(user: &User, level: Level) -> bool {
    may_begin(user, level) || (level == Level::Internet && user.proof.is_unproven())
}

/// What a program or browser calls itself, as it may stand in a list.
pub(super) fn told(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(AGENT_LETTERS).collect()
}

/// How long a sign-in lasts at most (chosen: a month, as mail and photo services do).
pub(crate) const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// The same without TLS (chosen: a day at a desk; whoever overheard the cookie has it no longer either).
const PLAIN_LIFETIME: Duration = Duration::from_secs(12 * 3600);
/// How long it lasts unused (chosen: a week away).
const IDLE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Sign-ins of one kind of one user at once; the oldest makes room (chosen: far more than anyone's devices).
pub(super) const MOST_PER_USER: usize = 64;
/// How exactly it is remembered when a session was last seen (chosen: a person reads minutes).
pub(super) const SEEN_STEP: Duration = Duration::from_secs(15);
/// How far a clock may be set back without ending sessions (chosen: more than any correction by NTP).
pub(super) const CLOCK_SLACK: Duration = Duration::from_secs(300);
/// Bytes of a session's id (48 bits: only to name it, not to hold it).
const ID_BYTES: usize = 6;
/// Letters kept of what a browser calls itself.
const AGENT_LETTERS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_can_be_typed_as_arguments() {
        for _ in 0..200 {
            let id = name().unwrap();
            assert_eq!(id.len(), 2 * ID_BYTES);
            assert!(id.bytes().all(|letter| letter.is_ascii_hexdigit()));
        }
    }
}
