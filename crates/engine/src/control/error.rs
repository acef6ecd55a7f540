//! Every way a change can be refused, each with its sentence for the owner.

use crate::{
    certificates,
    identity::{
        password::{BadPassword, HashError},
        user::BadName,
    },
    proxy::listen::BindError,
    random::NoRandomness,
    secrets::{SealError, VaultError},
    settings::BadSettings,
    store::database::StoreError,
    tools::target::BadTarget,
};
use drawbridge_protocol::{Level, Problem, ProblemKind};
use std::io;

/// Why a request on the control path was refused or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    #[error("there is no tool called `{0}`; `drawbridge tool list` shows all")]
    UnknownTool(String),
    #[error("there is no user called `{0}`; `drawbridge user list` shows all")]
    UnknownUser(String),
    #[error("there is no session `{0}`; `drawbridge session list` shows all")]
    UnknownSession(String),
    #[error("there is no setting called `{0}`; `drawbridge settings get` shows all")]
    UnknownSetting(String),
    #[error("something changed since you looked; look again and decide anew")]
    Stale,
    #[error("there is already a tool called `{0}`; choose another name")]
    ToolExists(String),
    #[error("there is already a user called `{0}`; choose another name")]
    UserExists(String),
    #[error("{0} is one of Drawbridge's own ports; give the tool's port")]
    OwnPort(u16),
    #[error("`{0}` is open; close it first with `drawbridge level {0} local`, then give it another target")]
    OpenTarget(String),
    #[error(transparent)]
    Target(#[from] BadTarget),
    #[error(transparent)]
    Settings(#[from] BadSettings),
    #[error(transparent)]
    Name(#[from] BadName),
    #[error(transparent)]
    Password(#[from] BadPassword),
    #[error("nobody could sign in yet: add a user first with `drawbridge user add NAME`")]
    NoUser,
    #[error(
        "no account may use this tool yet: allow one with `drawbridge user set NAME --tools ...`, or add one"
    )]
    NoUserOfTool,
    #[error("{0} is not an address of this computer now; name one that is")]
    NotHere(std::net::IpAddr),
    #[error(
        "from the internet only accounts with a strong password get in, and none of those for this tool has one: give one a \
         password of 15 characters or more with `drawbridge user passwd NAME`"
    )]
    NoStrongUser,
    #[error(
        "no local network was found; connect to one, or name this computer's address with `drawbridge serve --lan ADDRESS`"
    )]
    NoNetwork,
    #[error("{0}; free it, or choose another with `drawbridge tool set` or `drawbridge settings set`")]
    Bind(#[source] BindError),
    #[error(
        "no free port was found near {0}; free one, or choose another with `drawbridge tool set` or `drawbridge settings set`"
    )]
    NoPort(u16),
    #[error(
        "`{tool}` is {level} now, so it has no address for others; raise it with `drawbridge level {tool} lan`"
    )]
    NoAddress {
        /// The tool's name.
        tool: String,
        /// Its level.
        level: Level,
    },
    #[error("no tool is open, so the gate is closed too; raise one with `drawbridge level NAME lan`")]
    NoGate,
    #[error("a time limit only fits raising a level; leave --for out")]
    TimeForLocal,
    #[error("a time limit has at least one second and at most a year; give another")]
    Time,
    #[error(
        "closed, but that could not be saved ({0}); it stays closed after a restart too; free some disk space"
    )]
    ClosedUnsaved(#[source] io::Error),
    #[error(
        "it could not be saved ({0}), so nothing was changed; check that the disk is neither full nor read-only"
    )]
    Save(#[source] io::Error),
    #[error(
        "closed, but an open-marker could not be removed ({0}); remove the folder `open` in the home by hand"
    )]
    Marker(#[source] io::Error),
    #[error(
        "it is in force now, but it could not be saved ({0}), so a restart would undo it; free some disk space and do it again"
    )]
    InForceUnsaved(#[source] StoreError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    VaultClosed(String),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error(transparent)]
    Random(#[from] NoRandomness),
    #[error(transparent)]
    Import(#[from] certificates::ImportError),
    #[error(
        "this certificate is for {covers}, not for {host}; import one for {host}, or take this one away first with `drawbridge certificate remove`"
    )]
    ImportNames {
        /// What it covers.
        covers: String,
        /// What is needed.
        host: String,
    },
    #[error(
        "the local authority of this installation cannot be used ({0}); put a backup of drawbridge.db back, or start anew with another home"
    )]
    AuthorityUnusable(String),
    #[error(transparent)]
    Authority(#[from] certificates::AuthorityError),
    #[error("the certificate could not be put to use ({0}); make or import another")]
    Leaf(#[source] certificates::LeafError),
    #[error(
        "the certificate for the internet expired or cannot be used; import a new one with `drawbridge certificate import`"
    )]
    Expired,
    #[error("`{value}` is not good for {key}; {hint}")]
    BadSetting {
        /// The key.
        key: String,
        /// What was given.
        value: String,
        /// What would be good.
        hint: &'static str,
    },
    #[error("the reply could not be written")]
    Reply(#[source] serde_json::Error),
}

impl ControlError {
    /// What crosses the socket.
    pub(crate) fn problem(&self) -> Problem {
        Problem { kind: self.kind(), detail: self.to_string() }
    }

    fn kind(&self) -> ProblemKind {
        match self {
            Self::NoNetwork | Self::NotHere(_) => ProblemKind::NoNetwork,
            Self::UnknownTool(_)
            | Self::UnknownUser(_)
            | Self::UnknownSession(_)
            | Self::UnknownSetting(_) => ProblemKind::Unknown,
            Self::Stale | Self::ToolExists(_) | Self::UserExists(_) => ProblemKind::Conflict,
            Self::OwnPort(_)
            | Self::Target(_)
            | Self::Settings(_)
            | Self::Name(_)
            | Self::Password(_)
            | Self::TimeForLocal
            | Self::Time
            | Self::Import(_)
            | Self::ImportNames { .. }
            | Self::BadSetting { .. } => ProblemKind::Invalid,
            Self::OpenTarget(_)
            | Self::NoUser
            | Self::NoStrongUser
            | Self::NoUserOfTool
            | Self::NoAddress { .. }
            | Self::NoGate
            | Self::Expired
            | Self::Vault(VaultError::WrongRecoveryCode | VaultError::NoRecoveryCode)
            | Self::AuthorityUnusable(_)
            | Self::VaultClosed(_) => ProblemKind::Refused,
            Self::Hash(HashError::Busy) | Self::Store(StoreError::Busy) => ProblemKind::Busy,
            Self::Bind(_)
            | Self::NoPort(_)
            | Self::ClosedUnsaved(_)
            | Self::InForceUnsaved(_)
            | Self::Save(_)
            | Self::Marker(_)
            | Self::Store(StoreError::Sqlite(_))
            | Self::Vault(_)
            | Self::Seal(_)
            | Self::Hash(HashError::Failed)
            | Self::Random(_)
            | Self::Authority(_)
            | Self::Leaf(_)
            | Self::Reply(_) => ProblemKind::Failed,
        }
    }
}
