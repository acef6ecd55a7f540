//! May this identity reach this tool now? The only maker of permits: nothing is forwarded without one.

use super::{
    anybody::Anybody,
    authenticate,
    door::{Door, Serves},
    refusal::Refusal,
    snapshot::{Snapshot, Tool},
};
use crate::{
    clock::Clock,
    headers::authority::Scheme,
    identity::{
        Who,
        pass::{Backer, Entered, Pass, Rights},
        session::{self, Session},
        token::Token,
        user::User,
    },
    tools::ToolId,
};
use drawbridge_protocol::Level;
use hyper::{Method, Request};
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
    /// A browser of a guest, with a session at this door.
    Pass {
        /// What lets them in.
        entered: Entered,
        /// Who stands behind it.
        backer: Backer,
    },
    /// Anybody on the local network, while the owner allows that at this door.
    Anybody(Arc<Anybody>),
}

/// What is asked of a tool.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// To look.
    Read,
    /// Anything else.
    Act,
}

/// How long a permit holds: until its door closes, its session or token ends or its account changes.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    door: CancellationToken,
    account: Option<CancellationToken>,
    credential: Option<CancellationToken>,
}

/// Makes a permit, or says why not.
pub(crate) fn authorize(
    subject: Subject,
    purpose: Purpose,
    door: &Door,
    scheme: Scheme,
    snapshot: &Snapshot,
    clock: &Clock,
) -> Result<Permit, Refusal> {
    let Serves::Tool(id) = &door.plan.serves else { return Err(Refusal::NoSuchPage) };
    let tool = snapshot.tools.get(id).ok_or(Refusal::Withdrawn)?;
    let user = subject.user();
    if let Subject::Pass { entered, backer } = &subject {
        check_pass(&entered.pass, backer, purpose, (id, door.plan.level), clock)?;
    }
    if user.is_some_and(|user| !session::may_begin(user, door.plan.level) || !user.may_use(id)) {
        return Err(Refusal::NotForYou);
    }
    let account = subject.backed_by().map(|user| user.withdrawn.clone());
    let credential = match &subject {
        Subject::Session { session, .. } | Subject::Access { session, .. } => Some(session.ended.clone()),
        Subject::Token { token, .. } if !token.is_for(id) => return Err(Refusal::NotForYou),
        Subject::Token { token, .. } => Some(token.ended.clone()),
        Subject::Pass { entered, .. } => Some(entered.ended.clone()),
        Subject::Basic { .. } => None,
        Subject::Anybody(anybody) if !door.allows(anybody) => return Err(Refusal::Withdrawn),
        Subject::Anybody(anybody) => Some(anybody.ended.clone()),
    };
    let closing = match scheme {
        Scheme::Https => door.closing.clone(),
        Scheme::Http => door.plain().ok_or(Refusal::Withdrawn)?,
    };
    let lease = Lease { door: closing, account, credential };
    if lease.is_withdrawn() {
        return Err(Refusal::Withdrawn);
    }
    Ok(Permit { tool: Arc::clone(tool), subject, lease })
}

/// A pass opens its one tool where its device opened it, while it is good, and while whoever made it may use the tool there.
fn check_pass(
    pass: &Pass,
    backer: &Backer,
    purpose: Purpose,
    (tool, level): (&ToolId, Level),
    clock: &Clock,
) -> Result<(), Refusal> {
    if pass.tool != *tool || !pass.is_at(level) || !backer.may_give(tool, level) {
        return Err(Refusal::NotForYou);
    }
    if !pass.is_good(clock.timestamp()) {
        return Err(Refusal::Withdrawn);
    }
    match (pass.rights, purpose) {
        (Rights::All, _) | (Rights::ReadOnly, Purpose::Read) => Ok(()),
        (Rights::ReadOnly, Purpose::Act) => Err(Refusal::ReadOnly),
    }
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
            Self::Pass { .. } | Self::Anybody(_) => None,
        }
    }

    /// The account that answers for it: its own, or that of whoever let a guest in.
    fn backed_by(&self) -> Option<&Arc<User>> {
        match self {
            Self::Pass { backer, .. } => backer.user(),
            Self::Session { .. }
            | Self::Basic { .. }
            | Self::Token { .. }
            | Self::Access { .. }
            | Self::Anybody(_) => self.user(),
        }
    }

    /// Whether a browser does what it takes by itself, also for pages of others: it sends a cookie, or nothing is needed.
    pub(crate) const fn is_by_cookie(&self) -> bool {
        matches!(self, Self::Session { .. } | Self::Pass { .. } | Self::Anybody(_))
    }

    /// Whether it may change nothing.
    pub(crate) fn only_looks(&self) -> bool {
        matches!(self, Self::Pass { entered, .. } if entered.pass.rights == Rights::ReadOnly)
    }

    /// For whom what it does is counted and logged.
    pub(crate) fn who(&self) -> Who {
        match self {
            Self::Session { user, .. }
            | Self::Basic { user }
            | Self::Token { user, .. }
            | Self::Access { user, .. } => Who::User(user.id),
            Self::Pass { entered, .. } => Who::Pass(entered.pass.id),
            Self::Anybody(_) => Who::Anybody,
        }
    }

    /// What the tool calls whoever it is.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Pass { .. } => GUEST,
            Self::Anybody(_) => ANYBODY,
            Self::Session { user, .. }
            | Self::Basic { user }
            | Self::Token { user, .. }
            | Self::Access { user, .. } => &user.name,
        }
    }

    /// What the owner calls whoever it is. No account has a colon in its name, so nobody's label passes for one.
    pub(crate) fn listed_name(&self) -> String {
        match self {
            Self::Pass { entered, .. } if !entered.pass.label.is_empty() => {
                format!("{GUEST}: {}", entered.pass.label)
            }
            Self::Pass { .. }
            | Self::Anybody(_)
            | Self::Session { .. }
            | Self::Basic { .. }
            | Self::Token { .. }
            | Self::Access { .. } => self.name().to_owned(),
        }
    }
}

impl Purpose {
    /// Of a request. Fields by which tools may take another method for the one that was sent never reach them.
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let looks = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        if looks && !authenticate::is_websocket(request.headers()) { Self::Read } else { Self::Act }
    }
}

/// What a guest is called.
const GUEST: &str = "guest";
/// What whoever needs no password is called.
const ANYBODY: &str = "anybody";

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
