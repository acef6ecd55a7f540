//! The one way a program gets in at a door, whatever it presents.

use super::{
    approval::{Approvals, Shown},
    jwt::{self, Signer},
    presented::Presented,
    session::{Session, Sessions},
    sign_in::{Outcome, SignIn, Users},
    token::{Token, Tokens},
    user::User,
};
use crate::clock::Timestamp;
use drawbridge_protocol::Level;
use std::{net::IpAddr, sync::Arc, time::Duration};

/// Who a program is for, and what proved it.
#[derive(Debug)]
pub(crate) enum Known {
    /// A name and password.
    Password(Arc<User>),
    /// A token.
    Token(Arc<User>, Arc<Token>),
    /// An access token of this sign-in.
    Access(Arc<User>, Arc<Session>),
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Admission {
    /// This is who it is.
    Welcome(Known),
    /// The password is right; alone it opens nothing, because the account has a second factor.
    Halfway,
    /// The password is right; alone it opens nothing from where the owner did not let it in.
    Unapproved(Arc<User>),
    /// The credential opens nothing here.
    Wrong,
    /// The account waits after a failure; nothing was verified.
    Wait(Duration),
    /// Too much at once, or this computer failed; nothing was verified.
    Busy,
}

/// What is asked: where, when, and with which tables.
pub(crate) struct Desk<'a> {
    pub(crate) sign_in: &'a SignIn,
    pub(crate) approvals: &'a Approvals,
    pub(crate) tokens: &'a Tokens,
    pub(crate) sessions: &'a Sessions,
    pub(crate) signer: Option<&'a Signer>,
    pub(crate) now: Timestamp,
    pub(crate) level: Level,
    /// Where the program calls from.
    pub(crate) network: IpAddr,
}

impl Desk<'_> {
    /// Verifies what a program presents.
    pub(crate) async fn admit(&self, users: &impl Users, presented: Presented) -> Admission {
        let credential = match presented {
            Presented::Token(text) => return or_wrong(self.token(users, text.expose(), None)),
            Presented::Access(text) => return or_wrong(self.access(users, text.expose())),
            Presented::TokenOf(credential) => {
                let text = credential.password.expose();
                // No password looks like one, so a program with an old token makes nobody wait.
                return or_wrong(self.token(users, text, Some(&credential.name)));
            }
            Presented::Password(credential) => credential,
        };
        let lets_in = |user: &User| self.approvals.lets_in(user, self.level, &Shown::Network(self.network));
        match self.sign_in.attempt(users, self.level, credential, lets_in).await {
            Outcome::Welcome(user) => Admission::Welcome(Known::Password(user)),
            Outcome::Halfway(_) => Admission::Halfway,
            Outcome::Unapproved(user) => Admission::Unapproved(user),
            Outcome::Wrong => Admission::Wrong,
            Outcome::Wait(left) => Admission::Wait(left),
            Outcome::Busy => Admission::Busy,
        }
    }

    fn token(&self, users: &impl Users, text: &str, name: Option<&str>) -> Option<Known> {
        let token = self.tokens.find(text)?;
        let user = users.by_id(token.user)?;
        let named = name.is_none_or(|name| name.to_lowercase() == user.name.to_lowercase());
        named.then(|| Known::Token(user, token))
    }

    fn access(&self, users: &impl Users, text: &str) -> Option<Known> {
        let claims = self.signer?.read(text, jwt::Kind::Access, self.now)?;
        let session = self.sessions.program(&claims.sid, self.level)?;
        let user = users.by_id(session.user)?;
        (user.name == claims.sub).then(|| Known::Access(user, session))
    }
}

fn or_wrong(known: Option<Known>) -> Admission {
    known.map_or(Admission::Wrong, Admission::Welcome)
}
