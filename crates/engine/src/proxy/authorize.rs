//! May this identity reach this tool now? The only maker of permits: nothing is forwarded without one.

use super::{
    door::{Door, Serves},
    refusal::Refusal,
    snapshot::{Snapshot, Tool},
};
use crate::identity::{
    Who,
    session::{self, Session},
    token::Token,
    user::User,
};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Proof that this identity may reach this tool through this door now.
///
/// It can be named from outside this module, but made only here:
/// ```
/// fn takes(_: &drawbridge_engine::proxy::Permit) {}
/// ```
/// ```compile_fail,E0451
/// let forged = drawbridge_engine::proxy::Permit { tool: todo!(), subject: todo!(), lease: todo!() };
/// ```
/// ```compile_fail,E0599
/// let forged = drawbridge_engine::proxy::Permit::default();
/// ```
#[derive(Debug)]
pub struct Permit {
    tool: Arc<Tool>,
    subject: Subject,
    lease: Lease,
}

/// Who was authenticated, and by what.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// A browser with a session at this door.
    Session {
        /// The account.
        user: Arc<User>,
        /// The sign-in behind it.
        session: Arc<Session>,
    },
    /// A program with a name and password.
    Basic {
        /// The account.
        user: Arc<User>,
    },
    /// A device or program with a token of its own.
    Token {
        /// The account.
        user: Arc<User>,
        /// What it showed.
        token: Arc<Token>,
    },
    /// A program with an access token.
    Access {
        /// The account.
        user: Arc<User>,
        /// The sign-in behind it.
        session: Arc<Session>,
    },
}

/// How long a permit holds: until its door closes, its session or token ends or its account changes.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    door: CancellationToken,
    account: Option<CancellationToken>,
    credential: Option<CancellationToken>,
}

/// Makes a permit, or says why not.
pub(crate) fn authorize(subject: Subject, door: &Door, snapshot: &Snapshot) -> Result<Permit, Refusal> {
    let Serves::Tool(id) = &door.plan.serves else { return Err(Refusal::NoSuchPage) };
    let tool = snapshot.tools.get(id).ok_or(Refusal::Withdrawn)?;
    let user = subject.user();
    if user.is_some_and(|user| !session::may_begin(user, door.plan.level) || !user.may_use(id)) {
        return Err(Refusal::NotForYou);
    }
    let account = user.map(|user| user.withdrawn.clone());
    let credential = match &subject {
        Subject::Session { session, .. } | Subject::Access { session, .. } => Some(session.ended.clone()),
        Subject::Token { token, .. } if !token.is_for(id) => return Err(Refusal::NotForYou),
        Subject::Token { token, .. } => Some(token.ended.clone()),
        Subject::Basic { .. } => None,
    };
    let lease = Lease { door: door.closing.clone(), account, credential };
    if lease.is_withdrawn() {
        return Err(Refusal::Withdrawn);
    }
    Ok(Permit { tool: Arc::clone(tool), subject, lease })
}

impl Permit {
    /// The tool it opens.
    pub(crate) fn tool(&self) -> &Arc<Tool> {
        &self.tool
    }

    /// Who holds it.
    pub(crate) const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// How long it holds.
    pub(crate) const fn lease(&self) -> &Lease {
        &self.lease
    }
}

impl Subject {
    /// The account, where there is one.
    pub(crate) fn user(&self) -> Option<&Arc<User>> {
        match self {
            Self::Session { user, .. }
            | Self::Basic { user }
            | Self::Token { user, .. }
            | Self::Access { user, .. } => Some(user),
        }
    }

    /// For whom what it does is counted and logged.
    pub(crate) fn who(&self) -> Who {
        match self {
            Self::Session { user, .. }
            | Self::Basic { user }
            | Self::Token { user, .. }
            | Self::Access { user, .. } => Who::User(user.id),
        }
    }

    /// What the owner and the tool call whoever it is.
    pub(crate) fn name(&self) -> &str {
        self.user().map_or("", |user| &user.name)
    }
}

#[cfg(test)]
impl Lease {
    /// One that ends with this token.
    pub(crate) fn until(door: CancellationToken) -> Self {
        Self { door, account: None, credential: None }
    }
}

impl Lease {
    /// Whether it ended.
    pub(crate) fn is_withdrawn(&self) -> bool {
        let Self { door, account, credential } = self;
        let ended =
            |token: &Option<CancellationToken>| token.as_ref().is_some_and(CancellationToken::is_cancelled);
        door.is_cancelled() || ended(account) || ended(credential)
    }

    /// Waits for its end.
    pub(crate) async fn withdrawn(&self) {
        tokio::select! {
            () = self.door.cancelled() => {}
            () = ended(self.account.as_ref()) => {}
            () = ended(self.credential.as_ref()) => {}
        }
    }
}

/// Waits for the end of what this stands for; for nothing, without end.
async fn ended(token: Option<&CancellationToken>) {
    match token {
        Some(token) => token.cancelled().await,
        None => std::future::pending().await,
    }
}
