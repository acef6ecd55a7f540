//! Every way a change can be refused, each with its sentence for the owner.

use super::{injections::BadSecret, refused::Refused};
use crate::{
    certificates,
    identity::{
        import::BadImport,
        password::{BadPassword, HashError},
        second_factor::BadFactor,
        session::SessionError,
        user::BadName,
    },
    injection::BadInjection,
    proxy::listen::BindError,
    random::NoRandomness,
    secrets::{SealError, VaultError},
    settings::BadSettings,
    store::database::StoreError,
    tools::target::BadTarget,
};
use drawbridge_protocol::{Level, Problem, ProblemKind};
use drawbridge_texts::{Sentence, Tell, Words};
use std::io;

/// Why a request on the control path was refused or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    #[error("no tool `{0}`")]
    UnknownTool(String),
    #[error("no user `{0}`")]
    UnknownUser(String),
    #[error("no session `{0}`")]
    UnknownSession(String),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no setting `{0}`")]
    UnknownSetting(String),
    #[error("the request rests on an older revision")]
    Stale,
    #[error("a tool `{0}` exists")]
    ToolExists(String),
    #[error("a user `{0}` exists")]
    UserExists(String),
    #[error(transparent)]
    Factor(#[from] BadFactor),
    #[error("port {0} is one of our own")]
    OwnPort(u16),
    #[error("tool `{0}` is open")]
    OpenTarget(String),
    #[error("`{target}` shows no certificate ({why})")]
    NoCertificate {
        /// The tool's address.
        target: String,
        /// What happened.
        #[source]
        why: io::Error,
    },
    #[error("a tool is open on the internet")]
    FrontOfOpen,
    #[error("`{0}` is no origin")]
    Origin(String),
    #[error(transparent)]
    Secret(#[from] BadSecret),
    #[error(transparent)]
    Injection(#[from] BadInjection),
    #[error(transparent)]
    Target(#[from] BadTarget),
    #[error(transparent)]
    Settings(#[from] BadSettings),
    #[error(transparent)]
    Name(#[from] BadName),
    #[error(transparent)]
    Password(#[from] BadPassword),
    #[error(transparent)]
    Users(#[from] BadImport),
    #[error("no user")]
    NoUser,
    #[error("no user may use this tool")]
    NoUserOfTool,
    #[error("{0} is not an address of this computer")]
    NotHere(std::net::IpAddr),
    #[error("no user of this tool is strong")]
    NoStrongUser,
    #[error("no local network")]
    NoNetwork,
    #[error(transparent)]
    Bind(BindError),
    #[error("no free port near {0}")]
    NoPort(u16),
    #[error("tool `{tool}` is {level} and has no address")]
    NoAddress {
        /// The tool's name.
        tool: String,
        /// Its level.
        level: Level,
    },
    #[error("the gate is closed")]
    NoGate,
    #[error("a time limit for local")]
    TimeForLocal,
    #[error("a time limit out of range")]
    Time,
    #[error("closed, but not saved ({0})")]
    ClosedUnsaved(#[source] io::Error),
    #[error("not saved ({0})")]
    Save(#[source] io::Error),
    #[error("closed, but an open-marker stays ({0})")]
    Marker(#[source] io::Error),
    #[error("in force, but not saved ({0})")]
    InForceUnsaved(#[source] StoreError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no data key")]
    VaultClosed(Sentence),
    #[error("no local authority was made yet")]
    NoAuthority,
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
    #[error("the certificate covers {covers}, not {host}")]
    ImportNames {
        /// What it covers.
        covers: String,
        /// What is needed.
        host: String,
    },
    #[error("the local authority cannot be used")]
    AuthorityUnusable(Sentence),
    #[error(transparent)]
    Authority(#[from] certificates::AuthorityError),
    #[error("the certificate was not put to use ({0})")]
    Leaf(#[source] certificates::LeafError),
    #[error("the certificate for the internet expired or cannot be used")]
    Expired,
    #[error("`{value}` is not good for {key}")]
    BadSetting {
        /// The key.
        key: String,
        /// What was given.
        value: String,
        /// What would be good.
        hint: Sentence,
    },
    #[error("the reply could not be written")]
    Reply(#[source] serde_json::Error),
}

impl Tell for ControlError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::UnknownTool(name) => Sentence::new("tool-unknown").with("name", name),
            Self::UnknownUser(name) => Sentence::new("user-unknown").with("name", name),
            Self::UnknownSession(id) => Sentence::new("session-unknown").with("id", id),
            Self::Refused(error) => error.sentence(),
            Self::UnknownSetting(name) => Sentence::new("setting-unknown").with("name", name),
            Self::Stale => Sentence::new("stale"),
            Self::ToolExists(name) => Sentence::new("tool-exists").with("name", name),
            Self::UserExists(name) => Sentence::new("user-exists").with("name", name),
            Self::OwnPort(port) => Sentence::new("tool-port-own").with("port", *port),
            Self::NoCertificate { target, why } => {
                Sentence::new("target-no-certificate").with("target", target).with("why", why.to_string())
            }
            Self::FrontOfOpen => Sentence::new("front-of-open"),
            Self::Origin(text) => Sentence::new("tool-origin").with("text", text),
            Self::Secret(error) => error.sentence(),
            Self::Injection(why) => why.sentence(),
            Self::OpenTarget(name) => Sentence::new("tool-open").with("name", name),
            Self::Target(error) => error.sentence(),
            Self::Settings(error) => error.sentence(),
            Self::Name(error) => error.sentence(),
            Self::Password(error) => error.sentence(),
            Self::Users(error) => error.sentence(),
            Self::Factor(error) => error.sentence(),
            Self::NoUser => Sentence::new("no-user"),
            Self::NoUserOfTool => Sentence::new("no-user-of-tool"),
            Self::NotHere(address) => Sentence::new("address-not-here").with("address", *address),
            Self::NoStrongUser => Sentence::new("no-strong-user"),
            Self::NoNetwork => Sentence::new("no-network"),
            Self::Bind(error) => Sentence::new("port-unusable").with("cause", error.sentence()),
            Self::NoPort(port) => Sentence::new("no-port").with("port", *port),
            Self::NoAddress { tool, level } => {
                Sentence::new("no-address").with("tool", tool).quoting("level", level)
            }
            Self::NoGate => Sentence::new("no-gate"),
            Self::TimeForLocal => Sentence::new("time-for-local"),
            Self::Time => Sentence::new("time-out-of-range"),
            Self::ClosedUnsaved(error) => Sentence::new("closed-unsaved").quoting("cause", error),
            Self::Save(error) => Sentence::new("unsaved").quoting("cause", error),
            Self::Marker(error) => Sentence::new("marker-left").quoting("cause", error),
            Self::InForceUnsaved(error) => Sentence::new("in-force-unsaved").quoting("cause", error),
            Self::Store(error) => error.sentence(),
            Self::VaultClosed(why) => why.clone(),
            Self::NoAuthority => Sentence::new("authority-none"),
            Self::Vault(error) => error.sentence(),
            Self::Seal(error) => error.sentence(),
            Self::Hash(error) => error.sentence(),
            Self::Random(error) => error.sentence(),
            Self::Import(error) => error.sentence(),
            Self::ImportNames { covers, host } => {
                Sentence::new("import-other-names").with("covers", covers).with("host", host)
            }
            Self::AuthorityUnusable(why) => Sentence::new("authority-unusable").with("cause", why.clone()),
            Self::Authority(error) => error.sentence(),
            Self::Leaf(error) => Sentence::new("certificate-unusable").with("cause", error.sentence()),
            Self::Expired => Sentence::new("certificate-expired"),
            Self::BadSetting { key, value, hint } => bad_setting(key, value, hint),
            Self::Reply(_) => Sentence::new("reply-unwritten"),
        }
    }
}

impl ControlError {
    /// What crosses the socket.
    pub(crate) fn problem(&self, words: &Words) -> Problem {
        problem(words, self.kind(), &self.sentence())
    }

    fn kind(&self) -> ProblemKind {
        match self {
            Self::NoNetwork | Self::NotHere(_) => ProblemKind::NoNetwork,
            Self::UnknownTool(_)
            | Self::UnknownUser(_)
            | Self::UnknownSession(_)
            | Self::Secret(BadSecret::Unknown(_))
            | Self::UnknownSetting(_) => ProblemKind::Unknown,
            Self::Stale | Self::ToolExists(_) | Self::UserExists(_) => ProblemKind::Conflict,
            Self::Factor(error) => error.kind(),
            Self::Refused(error) => error.kind(),
            Self::Users(error) if error.is_conflict() => ProblemKind::Conflict,
            Self::OwnPort(_)
            | Self::Target(_)
            | Self::Injection(_)
            | Self::Origin(_)
            | Self::Settings(_)
            | Self::Name(_)
            | Self::Password(_)
            | Self::Users(_)
            | Self::TimeForLocal
            | Self::Time
            | Self::Import(_)
            | Self::ImportNames { .. }
            | Self::BadSetting { .. } => ProblemKind::Invalid,
            Self::OpenTarget(_)
            | Self::Secret(BadSecret::TooMany(_) | BadSecret::InClear(_))
            | Self::FrontOfOpen
            | Self::NoUser
            | Self::NoStrongUser
            | Self::NoUserOfTool
            | Self::NoAddress { .. }
            | Self::NoGate
            | Self::Expired
            | Self::Vault(VaultError::WrongRecoveryCode | VaultError::NoRecoveryCode)
            | Self::AuthorityUnusable(_)
            | Self::NoAuthority
            | Self::VaultClosed(_) => ProblemKind::Refused,
            Self::Hash(HashError::Busy) | Self::Store(StoreError::Busy) => ProblemKind::Busy,
            Self::Bind(_)
            | Self::NoPort(_)
            | Self::NoCertificate { .. }
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

fn bad_setting(key: &str, value: &str, hint: &Sentence) -> Sentence {
    Sentence::new("setting-bad").with("key", key).with("value", value).with("hint", hint.clone())
}

/// A problem in the words of both its readers.
pub(crate) fn problem(words: &Words, kind: ProblemKind, sentence: &Sentence) -> Problem {
    Problem { kind, detail: words.terminal(sentence), message: words.whole(sentence) }
}

impl From<SessionError> for ControlError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Random(error) => Self::Random(error),
            SessionError::Store(error) => Self::Store(error),
        }
    }
}
