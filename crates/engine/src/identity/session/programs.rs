//! Sign-ins of programs. Each refresh token is good once: what comes with the new pair takes its place, and one that comes
//! again was copied, so the whole sign-in ends (RFC 9700 §4.14.2).

use super::{Digest, Kind, Session, SessionError, Sessions, Tables, Visit, digest, lock, rows};
use crate::{identity::UserId, random};
use drawbridge_protocol::Level;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The refresh token of one sign-in that is good, and the one before it.
pub(super) struct Hold {
    hash: Digest,
    replaced: Option<(Digest, Instant)>,
}

impl Hold {
    /// With its first token.
    pub(super) const fn new(hash: Digest) -> Self {
        Self { hash, replaced: None }
    }
}

/// What came of a refresh token.
#[derive(Debug)]
pub(crate) enum Refreshed {
    /// The sign-in goes on with this token.
    Granted(Arc<Session>, String),
    /// It was replaced a moment ago: another thread of the same program was faster.
    JustReplaced,
    /// It is nobody's, or was used before; then its sign-in has ended.
    Refused,
}

impl Sessions {
    /// A program's new sign-in, with its first refresh token.
    pub(crate) async fn begin_program(
        &self,
        user: UserId,
        visit: Visit,
    ) -> Result<(Arc<Session>, String), SessionError> {
        self.open(user, visit, Kind::Program).await
    }

    /// The program's sign-in of this id, if it may be used at this level: where it began, or on a smaller one.
    pub(crate) fn program(&self, id: &str, level: Level) -> Option<Arc<Session>> {
        let session = {
            let tables = self.read();
            tables.gate.get(&tables.programs.get(id)?.hash).cloned()?
        };
        (session.level >= level && self.is_good(&session)).then(|| self.touched(session))
    }

    /// Turns a refresh token into the next one.
    pub(crate) async fn refresh(
        &self,
        id: &str,
        token: &str,
        level: Level,
    ) -> Result<Refreshed, SessionError> {
        let Some(session) = self.program(id, level) else { return Ok(Refreshed::Refused) };
        let from = digest(token);
        match self.standing(id, from) {
            Standing::Good => {}
            Standing::JustReplaced => return Ok(Refreshed::JustReplaced),
            Standing::Old => {
                tracing::warn!(session = id, "a refresh token came twice: its sign-in ended");
                self.end(|session| session.id == id).await?;
                return Ok(Refreshed::Refused);
            }
        }
        let next = random::token()?;
        let (to, row) = (digest(&next), id.to_owned());
        let (owner, tables) = (id.to_owned(), Arc::clone(&self.tables));
        let save = move |transaction: &rusqlite::Transaction<'_>| rows::rotate(transaction, &row, &from, &to);
        let then = move |saved: &bool| {
            if *saved {
                lock(&tables).rotate(&owner, from, to);
            }
        };
        if !self.database.call_then(save, then).await? {
            return Ok(Refreshed::JustReplaced);
        }
        if session.ended.is_cancelled() {
            return Ok(Refreshed::Refused);
        }
        Ok(Refreshed::Granted(session, next))
    }

    fn standing(&self, id: &str, hash: Digest) -> Standing {
        let tables = self.read();
        match tables.programs.get(id) {
            Some(hold) if hold.hash == hash => Standing::Good,
            Some(Hold { replaced: Some((last, since)), .. }) if *last == hash && since.elapsed() < RACE => {
                Standing::JustReplaced
            }
            Some(_) | None => Standing::Old,
        }
    }
}

impl Tables {
    /// The next token takes the place of the last.
    fn rotate(&mut self, id: &str, from: Digest, to: Digest) {
        if let Some(hold) = self.programs.get_mut(id) {
            *hold = Hold { hash: to, replaced: Some((from, Instant::now())) };
        }
        if let Some(session) = self.gate.remove(&from) {
            self.gate.insert(to, session);
        }
    }
}

enum Standing {
    Good,
    JustReplaced,
    Old,
}

/// How long a token that was just replaced is taken for a race, not for a copy (chosen: two requests of one program sent
/// together; nothing is granted to it either way).
const RACE: Duration = Duration::from_secs(10);
