//! Who someone is: users, passwords, the one way to sign in, and sessions.

pub(crate) mod approval;
pub(crate) mod attempts;
pub(crate) mod basic;
pub(crate) mod foreign;
pub(crate) mod generator;
pub(crate) mod import;
pub(crate) mod invite;
pub(crate) mod jwt;
pub(crate) mod own_account;
pub(crate) mod pass;
pub(crate) mod password;
pub(crate) mod presented;
pub(crate) mod program;
pub(crate) mod renewals;
pub(crate) mod second_factor;
pub(crate) mod session;
pub(crate) mod sign_in;
pub(crate) mod socket_token;
pub(crate) mod token;
pub(crate) mod user;

use std::fmt;

/// A user's number in the database; never reused.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct UserId(pub(crate) i64);

/// For whom something is counted, logged and listed; nothing is allowed by it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Who {
    /// An account.
    User(UserId),
    /// Whoever holds this pass.
    Pass(pass::PassId),
    /// Nobody in particular.
    Anybody,
}

impl fmt::Display for Who {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(formatter, "user={id}"),
            Self::Pass(id) => write!(formatter, "pass={id}"),
            Self::Anybody => formatter.write_str("user=-"),
        }
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
