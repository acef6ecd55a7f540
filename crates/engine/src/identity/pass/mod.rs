//! Passes: links with which a guest without an account uses one tool for some hours, on the first device that opens them.
//!
//! A link holds 256 random bits, and so does the mark of the device and the cookie at the tool's door; here and on disk lie
//! only their SHA-256. A pass is a row of its own and never a sign-in: what looks for one of a user finds none, and at the
//! gate it opens nothing but the way to its tool.

mod mark;
mod rows;

pub(crate) use mark::{is_mark, mark};
pub(crate) use rows::delete;

use super::{
    UserId,
    session::{self, CLOCK_SLACK, Codes, Digest, SEEN_STEP, SessionError, Visit, digest},
    sign_in::Users,
    user::User,
};
use crate::{
    clock::{Clock, Timestamp},
    random::{self, NoRandomness},
    store::database::{Database, StoreError},
    tools::ToolId,
};
use drawbridge_protocol::{Level, Secret};
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Names a pass in lists and logs; it opens nothing.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct PassId(u64);

/// A pass, without the code of its link.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) id: PassId,
    /// The one tool it opens.
    pub(crate) tool: ToolId,
    pub(crate) maker: Maker,
    /// Whom it is for, in its maker's words; may be empty.
    pub(crate) label: String,
    pub(crate) rights: Rights,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
    device: OnceLock<Device>,
    last_seen: AtomicU64,
    /// Cancelled when it is revoked or its time is over.
    pub(crate) ended: CancellationToken,
}

/// Where a pass was opened first, which is the only place it is good.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    mark: Digest,
    pub(crate) level: Level,
    pub(crate) address: String,
    pub(crate) agent: String,
    pub(crate) since: Timestamp,
}

/// A door entered with a pass.
#[derive(Clone, Debug)]
pub(crate) struct Entered {
    pub(crate) pass: Arc<Pass>,
    /// Cancelled when its guest leaves, or the pass ends.
    pub(crate) ended: CancellationToken,
}

/// Who made a pass. It opens what its maker may use, as long as they may.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Maker {
    /// The owner of this computer.
    Owner,
    /// An account.
    User(UserId),
}

/// Who stands behind a pass now.
#[derive(Clone, Debug)]
pub(crate) enum Backer {
    /// The owner, who may always.
    Owner,
    /// An account that may sign in.
    User(Arc<User>),
}

/// What a guest may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rights {
    /// Whatever the tool does.
    All,
    /// Nothing but look.
    ReadOnly,
}

/// What a new pass is made of.
pub(crate) struct Wish {
    pub(crate) tool: ToolId,
    pub(crate) maker: Maker,
    pub(crate) label: String,
    pub(crate) rights: Rights,
    pub(crate) lifetime: Duration,
}

/// Every open pass.
pub(crate) struct Passes {
    tables: Arc<RwLock<Tables>>,
    codes: Codes<Arc<Pass>>,
    database: Database,
    clock: Clock,
}

#[derive(Default)]
struct Tables {
    /// By what the code of the link hashes to.
    all: HashMap<Digest, Arc<Pass>>,
    /// By what the cookie at the tool's door hashes to.
    doors: HashMap<Digest, Entered>,
}

impl Pass {
    /// The device that opened it.
    pub(crate) fn device(&self) -> Option<&Device> {
        self.device.get()
    }

    /// When it last opened something.
    pub(crate) fn last_seen(&self) -> u64 {
        self.last_seen.load(Ordering::Relaxed)
    }

    /// Whether it was opened at a gate of this level; doors of others know nothing of it.
    pub(crate) fn is_at(&self, level: Level) -> bool {
        self.device.get().is_some_and(|device| device.level == level)
    }

    /// Whether the device with this mark has it.
    pub(crate) fn is_held_by(&self, mark: &str) -> bool {
        self.device.get().is_some_and(|device| device.mark == digest(mark))
    }

    /// How long it is good.
    pub(crate) fn left(&self, now: Timestamp) -> Duration {
        Duration::from_secs(self.expires.0.saturating_sub(now.0))
    }

    /// Whether neither its time is over nor anybody ended it.
    pub(crate) fn is_good(&self, now: Timestamp) -> bool {
        // A clock that ran backwards past its making is not to be believed (P4).
        !self.ended.is_cancelled() && now < self.expires && now.plus(CLOCK_SLACK) >= self.created
    }

    /// Who stands behind it at this level; nobody where its maker may not use the tool there themselves.
    pub(crate) fn backer(&self, level: Level, users: &impl Users) -> Option<Backer> {
        let backer = match self.maker {
            Maker::Owner => Backer::Owner,
            Maker::User(id) => Backer::User(users.by_id(id)?),
        };
        backer.may_give(&self.tool, level).then_some(backer)
    }
}

impl Backer {
    /// Whether they may let somebody use this tool at this level: whoever may use it there.
    pub(crate) fn may_give(&self, tool: &ToolId, level: Level) -> bool {
        match self {
            Self::Owner => true,
            Self::User(user) => session::may_begin(user, level) && user.may_use(tool),
        }
    }

    /// The account, where it is one.
    pub(crate) fn user(&self) -> Option<&Arc<User>> {
        match self {
            Self::Owner => None,
            Self::User(user) => Some(user),
        }
    }
}

impl Passes {
    /// Reads the passes that are still good.
    pub(crate) async fn load(database: Database, clock: Clock) -> Result<Self, StoreError> {
        let now = clock.timestamp();
        let rows = database.call(move |transaction| rows::load(transaction, now)).await?;
        let mut tables = Tables::default();
        for rows::Stored { hash, door, pass } in rows {
            let pass = Arc::new(pass);
            tables.doors.extend(door.map(|door| (door, Entered::with(Arc::clone(&pass)))));
            tables.all.insert(hash, pass);
        }
        Ok(Self { tables: Arc::new(RwLock::new(tables)), codes: Codes::default(), database, clock })
    }

    /// Makes a pass; it is saved before its code is given out. Nothing where there are too many.
    pub(crate) async fn create(&self, wish: Wish) -> Result<Option<(Arc<Pass>, Secret)>, SessionError> {
        // One whose time is over gives its place free.
        self.end_over().await?;
        let code = Secret::new(random::token()?);
        let now = self.clock.timestamp();
        let pass = Arc::new(Pass {
            id: PassId::new()?,
            tool: wish.tool,
            maker: wish.maker,
            label: wish.label,
            rights: wish.rights,
            created: now,
            expires: now.plus(wish.lifetime),
            device: OnceLock::new(),
            last_seen: AtomicU64::new(0),
            ended: CancellationToken::new(),
        });
        let (hash, row, known) = (digest(code.expose()), Arc::clone(&pass), Arc::clone(&pass));
        let tables = Arc::clone(&self.tables);
        let then = move |saved: &bool| {
            if *saved {
                lock(&tables).all.insert(hash, known);
            }
        };
        let saved =
            self.database.call_then(move |transaction| rows::insert(transaction, &hash, &row), then).await?;
        Ok(saved.then_some((pass, code)))
    }

    /// The pass with this code, if it is good. Looking binds it to nothing.
    pub(crate) fn find(&self, code: &Secret) -> Option<Arc<Pass>> {
        if code.expose().len() != CODE_LETTERS {
            return None;
        }
        let pass = self.read().all.get(&digest(code.expose())).cloned()?;
        pass.is_good(self.clock.timestamp()).then_some(pass)
    }

    /// Binds a pass to the device with this mark, in one statement that hits a row nobody has; saved before this returns.
    /// False where another was first, or it ended meanwhile.
    pub(crate) async fn bind(&self, pass: &Arc<Pass>, mark: &str, visit: Visit) -> Result<bool, StoreError> {
        let now = self.clock.timestamp();
        if pass.device().is_none() {
            let device = Device {
                mark: digest(mark),
                level: visit.level,
                address: visit.address.to_string(),
                agent: session::told(&visit.agent),
                since: now,
            };
            let (id, row, known) = (pass.id, device.clone(), Arc::clone(pass));
            let save = move |transaction: &rusqlite::Transaction<'_>| rows::bind(transaction, id, &row);
            let then = move |bound: &bool| {
                if *bound {
                    known.last_seen.store(now.0, Ordering::Relaxed);
                    // The row had no device, so neither has this.
                    let _ = known.device.set(device);
                }
            };
            self.database.call_then(save, then).await?;
        }
        Ok(pass.is_held_by(mark) && pass.is_at(visit.level) && pass.is_good(self.clock.timestamp()))
    }

    /// The pass for a tool that a device has at this level, going by its marks; the one that allows most, longest.
    pub(crate) fn held<'a>(
        &self,
        tool: &ToolId,
        level: Level,
        mark_of: impl Fn(PassId) -> Option<&'a str>,
    ) -> Option<Arc<Pass>> {
        let now = self.clock.timestamp();
        let tables = self.read();
        let held = tables.all.values().filter(|pass| {
            pass.tool == *tool
                && pass.is_at(level)
                && pass.is_good(now)
                && mark_of(pass.id).is_some_and(|mark| pass.is_held_by(mark))
        });
        held.max_by_key(|pass| (pass.rights == Rights::All, pass.expires)).cloned()
    }

    /// A one-time code that leads from the gate to the tool's door, in the browser whose state it names.
    pub(crate) fn code(&self, pass: Arc<Pass>, state: String) -> Result<Option<String>, NoRandomness> {
        let (id, tool) = (pass.id, pass.tool.clone());
        self.codes.issue(pass, tool, state, |other| other.id == id)
    }

    /// Turns a code into a cookie for the door; nothing where the code is not good here.
    pub(crate) async fn enter(
        &self,
        code: &str,
        tool: &ToolId,
        level: Level,
        state: &str,
    ) -> Result<Option<(String, Arc<Pass>)>, SessionError> {
        let found = self.codes.take(code, tool, state);
        let Some(pass) = found.filter(|pass| self.opens(pass, tool, level)) else { return Ok(None) };
        let token = random::token()?;
        let (id, hash) = (pass.id, digest(&token));
        let (entered, tables) = (Arc::clone(&pass), Arc::clone(&self.tables));
        let save = move |transaction: &rusqlite::Transaction<'_>| rows::enter(transaction, id, &hash);
        let then = move |saved: &bool| {
            if *saved {
                lock(&tables).enter(hash, entered);
            }
        };
        let saved = self.database.call_then(save, then).await?;
        Ok(saved.then_some((token, pass)))
    }

    /// The pass a cookie at a door stands for, if it is for this tool at this level; used just now.
    pub(crate) fn at_door(&self, cookie: &str, tool: &ToolId, level: Level) -> Option<Entered> {
        let entered = self.read().doors.get(&digest(cookie)).cloned()?;
        let pass = &entered.pass;
        if !self.opens(pass, tool, level) {
            return None;
        }
        let now = self.clock.timestamp();
        if Timestamp(pass.last_seen()).plus(SEEN_STEP) <= now {
            pass.last_seen.store(now.0, Ordering::Relaxed);
        }
        Some(entered)
    }

    /// Ends the visit a cookie at a door stands for; the pass stays with its device.
    pub(crate) async fn leave(&self, cookie: &str) -> Result<(), StoreError> {
        let hash = digest(cookie);
        let Some(left) = lock(&self.tables).doors.remove(&hash) else { return Ok(()) };
        left.ended.cancel();
        self.database.call(move |transaction| rows::leave(transaction, &hash)).await
    }

    /// Every open pass, oldest first.
    pub(crate) fn list(&self) -> Vec<Arc<Pass>> {
        let now = self.clock.timestamp();
        let mut list: Vec<Arc<Pass>> =
            self.read().all.values().filter(|pass| pass.is_good(now)).cloned().collect();
        list.sort_by_key(|pass| (pass.created, pass.id.0));
        list
    }

    /// How soon the next is over.
    pub(crate) fn next_end(&self) -> Option<Duration> {
        let now = self.clock.timestamp();
        self.read().all.values().map(|pass| pass.left(now)).min()
    }

    /// Ends passes at once, then saves it. They stay ended here even where saving fails.
    pub(crate) async fn end(&self, which: impl Fn(&Pass) -> bool) -> Result<usize, StoreError> {
        let ids = self.end_here(which);
        let count = ids.len();
        if count > 0 {
            self.database.call(move |transaction| rows::delete(transaction, &ids)).await?;
        }
        Ok(count)
    }

    /// Ends passes at once, for callers who save it with what they change; returns their ids.
    pub(crate) fn end_here(&self, which: impl Fn(&Pass) -> bool) -> Vec<PassId> {
        let mut ids = Vec::new();
        let Tables { all, doors } = &mut *lock(&self.tables);
        all.retain(|_, pass| {
            let goes = which(pass);
            if goes {
                pass.ended.cancel();
                ids.push(pass.id);
            }
            !goes
        });
        doors.retain(|_, entered| !entered.ended.is_cancelled());
        ids
    }

    /// Ends those whose time is over; says how many.
    pub(crate) async fn end_over(&self) -> Result<usize, StoreError> {
        let now = self.clock.timestamp();
        let ended = self.end(|pass| now >= pass.expires).await;
        // While the clock is not to be believed a pass opens nothing; it may be right again.
        let Tables { doors, .. } = &mut *lock(&self.tables);
        doors
            .values()
            .filter(|entered| !entered.pass.is_good(now))
            .for_each(|entered| entered.ended.cancel());
        doors.retain(|_, entered| !entered.ended.is_cancelled());
        ended
    }

    /// Saves when passes were last used, and once more that those are gone whose end was not saved.
    pub(crate) async fn tidy(&self) -> Result<(), StoreError> {
        let tables = Arc::clone(&self.tables);
        self.database
            .call(move |transaction| {
                // Here, where new ones are added too: what is not in the table is no new one.
                let known: HashMap<PassId, u64> =
                    lock(&tables).all.values().map(|pass| (pass.id, pass.last_seen())).collect();
                rows::keep(transaction, |id| known.contains_key(&id))?;
                rows::seen(transaction, &known.into_iter().collect::<Vec<_>>())
            })
            .await
    }

    fn opens(&self, pass: &Pass, tool: &ToolId, level: Level) -> bool {
        pass.tool == *tool && pass.is_at(level) && pass.is_good(self.clock.timestamp())
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    /// A door entered; a pass has one.
    fn enter(&mut self, hash: Digest, pass: Arc<Pass>) {
        self.doors.retain(|_, entered| {
            let stays = entered.pass.id != pass.id;
            if !stays {
                entered.ended.cancel();
            }
            stays
        });
        // It may have ended while this was saved.
        if !pass.ended.is_cancelled() {
            self.doors.insert(hash, Entered::with(pass));
        }
    }
}

impl Entered {
    fn with(pass: Arc<Pass>) -> Self {
        let ended = pass.ended.child_token();
        Self { pass, ended }
    }
}

impl PassId {
    fn new() -> Result<Self, NoRandomness> {
        let bytes = random::bytes::<6>()?;
        Ok(Self(bytes.iter().fold(0, |id, byte| id << 8 | u64::from(*byte))))
    }
}

/// To be typed: hexadecimal.
impl fmt::Display for PassId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:012x}", self.0)
    }
}

fn lock(tables: &RwLock<Tables>) -> RwLockWriteGuard<'_, Tables> {
    tables.write().unwrap_or_else(PoisonError::into_inner)
}

/// Letters of a code (256 bits in base 64).
const CODE_LETTERS: usize = 43;
/// Open passes at once (chosen: a whole party).
pub(crate) const MOST: usize = 100;
/// Those of one account among them, so that nobody takes the places of others.
pub(crate) const MOST_PER_USER: usize = 20;
/// How long a pass is good unless told otherwise.
pub(crate) const USUAL: Duration = Duration::from_secs(4 * 3600);
/// The shortest life of a pass.
pub(crate) const SHORTEST: Duration = Duration::from_secs(60);
/// The longest (chosen: whoever stays longer gets an account).
pub(crate) const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

#[cfg(test)]
mod tests;
