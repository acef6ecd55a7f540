//! What people change about their own accounts at the gate, and how they get one with an invite. Only the writer of the
//! control path changes accounts, so the gate asks it, and says by which sign-in.

use super::{
    password::BadPassword,
    second_factor::{Enrolment, passkey::NewPasskey},
    session::Session,
    user::User,
};
use drawbridge_protocol::{Level, Secret};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// The way to whoever changes accounts.
pub(crate) struct OwnAccount(mpsc::Sender<Asked>);

/// What the gate asks for.
pub(crate) enum Asked {
    /// Somebody who is signed in changes the own account.
    Change(Change),
    /// Somebody accepts an invite.
    Accept(Accept),
}

/// An invite with the password chosen for its account.
pub(crate) struct Accept {
    /// What the link holds.
    pub(crate) code: Secret,
    pub(crate) new: Secret,
    /// Where the person is: a password that does not sign in from there is refused.
    pub(crate) level: Level,
    /// The account.
    pub(crate) answer: Answer<Arc<User>>,
}

/// A wish of somebody who is signed in.
pub(crate) struct Change {
    /// The account as it signed in; of another self of it nothing is changed.
    pub(crate) user: Arc<User>,
    /// The sign-in; once it has ended nothing is changed.
    pub(crate) session: Arc<Session>,
    pub(crate) wish: Wish,
}

/// What is asked for, and where the answer goes.
pub(crate) enum Wish {
    /// A seed for an app; good for nothing before a code of it came.
    BeginTotp(Answer<Enrolment>),
    /// A code of that app; the answer is the recovery codes, if it is the first factor.
    ConfirmTotp(Secret, Answer<Vec<Secret>>),
    /// No app any more. Password and factor were verified.
    RemoveTotp(Answer<()>),
    /// One more passkey. Password, factor and challenge were verified; the answer is as for an app.
    AddPasskey(NewPasskey, Answer<Vec<Secret>>),
    /// Without the passkey with this id. Password and factor were verified.
    RemovePasskey(String, Answer<()>),
    /// Another password. The old one was verified.
    ChangePassword {
        /// Where the person is: one that does not sign in from there is refused.
        level: Level,
        new: Secret,
        answer: Answer<()>,
    },
    /// Other recovery codes. Password and code were verified.
    NewRecoveryCodes(Answer<Vec<Secret>>),
}

/// Where an answer goes.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, Declined>>;

/// Why a wish was not granted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Declined {
    /// What it rests on is over: the account changed, the invite is no good, or it took too long.
    Over,
    /// The code is not one of that app.
    WrongCode,
    /// The passkey stands for an account already, or is one too many.
    Passkey,
    /// The new password may not be used.
    Password(BadPassword),
    /// Too much at once.
    Busy,
    /// This computer failed.
    Failed,
}

impl OwnAccount {
    /// The way, and its other end.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Asked>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(sender), receiver)
    }

    /// Asks, and waits for the answer; none means that the account changed meanwhile.
    pub(crate) async fn ask<T>(
        &self,
        user: &Arc<User>,
        session: &Arc<Session>,
        wish: impl FnOnce(Answer<T>) -> Wish,
    ) -> Result<T, Declined> {
        let (answer, answered) = oneshot::channel();
        let change = Change { user: Arc::clone(user), session: Arc::clone(session), wish: wish(answer) };
        self.0.try_send(Asked::Change(change)).map_err(|_| Declined::Busy)?;
        answered.await.map_err(|_| Declined::Over)?
    }

    /// Accepts an invite, and waits for the account.
    pub(crate) async fn accept(
        &self,
        code: Secret,
        new: Secret,
        level: Level,
    ) -> Result<Arc<User>, Declined> {
        let (answer, answered) = oneshot::channel();
        let accept = Accept { code, new, level, answer };
        self.0.try_send(Asked::Accept(accept)).map_err(|_| Declined::Busy)?;
        answered.await.map_err(|_| Declined::Failed)?
    }
}

/// Wishes waiting at once; beyond that they are declined.
const QUEUE: usize = 32;
