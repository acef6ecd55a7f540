//! Invites: made, listed and revoked by the owner; accepted by whoever holds the link.

use super::{ControlError, State, new_user::NewUser};
use crate::identity::{
    invite::{Invite, MOST, Wish},
    own_account::Accept,
    password::{self, BadPassword},
    user::{Reach, User, check_name},
};
use drawbridge_protocol as model;
use drawbridge_protocol::{InviteCreated, Level, ProblemKind, Secret, UserInvite};
use drawbridge_texts::{Sentence, Tell};
use std::{sync::Arc, time::Duration};

/// Why an invite was not made, revoked or accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadInvite {
    /// There is no open one with this id, or none with the code that came.
    #[error("no open invite `{0}`")]
    Unknown(String),
    /// There is one for this name.
    #[error("an invite for `{name}` is open")]
    Exists {
        /// Whom it is for.
        name: String,
        /// Its id.
        id: String,
    },
    /// Its time is too long, or none.
    #[error("an invite's time is out of range")]
    Time,
    /// There are too many.
    #[error("at most {0} invites are open at once")]
    TooMany(usize),
}

impl Tell for BadInvite {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Unknown(id) => Sentence::new("invite-unknown").with("id", id),
            Self::Exists { name, id } => Sentence::new("invite-exists").with("name", name).with("id", id),
            Self::Time => Sentence::new("invite-time"),
            Self::TooMany(most) => Sentence::new("invite-too-many").with("most", *most),
        }
    }
}

impl BadInvite {
    /// What shells make of it.
    pub(super) fn kind(&self) -> ProblemKind {
        match self {
            Self::Unknown(_) => ProblemKind::Unknown,
            Self::Exists { .. } => ProblemKind::Conflict,
            Self::Time => ProblemKind::Invalid,
            Self::TooMany(_) => ProblemKind::Refused,
        }
    }
}

impl State {
    /// Makes an invite, to be shown once.
    pub(super) async fn invite(&mut self, invite: UserInvite) -> Result<InviteCreated, ControlError> {
        let UserInvite { name, admin, reach, for_seconds } = invite;
        self.key()?;
        check_name(&name)?;
        if self.user(&name).is_ok() || self.is_stored(&name).await? {
            return Err(ControlError::UserExists(name));
        }
        let lower = name.to_lowercase();
        let known = self.shared.invites.list().into_iter().find(|known| known.name.to_lowercase() == lower);
        if let Some(known) = known {
            return Err(BadInvite::Exists { name: known.name.clone(), id: known.id.clone() }.into());
        }
        let reach = self.reach(&reach)?;
        let lifetime = for_seconds.map_or(USUAL, Duration::from_secs);
        if lifetime.is_zero() || lifetime > LONGEST {
            return Err(BadInvite::Time.into());
        }
        // A link nobody can open is not made.
        let gate = self.url(None)?.url;
        let made = self.shared.invites.create(Wish { name, admin, reach, lifetime }).await?;
        let (invite, code) = made.ok_or(BadInvite::TooMany(MOST))?;
        let url = Secret::new(format!("{gate}/invite?code={}", code.expose()));
        Ok(InviteCreated { invite: self.invite_model(&invite), url })
    }

    /// Revokes an invite.
    pub(super) async fn uninvite(&mut self, id: &str) -> Result<(), ControlError> {
        match self.shared.invites.revoke(|invite| invite.id == id).await {
            Ok(0) => Err(BadInvite::Unknown(id.to_owned()).into()),
            Ok(_) => Ok(()),
            Err(error) => Err(ControlError::InForceUnsaved(error)),
        }
    }

    /// Makes the account an invite promises, for whoever holds its link.
    pub(super) async fn accept_invite(&mut self, accept: Accept) {
        let Accept { code, new, level, answer } = accept;
        let done = self.accept(&code, new, level).await;
        if let Ok(user) = &done {
            tracing::info!(user = user.name, "an invite was accepted");
        }
        self.reply(answer, done);
    }

    async fn accept(&mut self, code: &Secret, new: Secret, level: Level) -> Result<Arc<User>, ControlError> {
        let invite = self.shared.invites.find(code);
        // Whatever came as a code is repeated nowhere.
        let invite = invite.ok_or_else(|| BadInvite::Unknown(String::new()))?;
        let name = invite.name.clone();
        if self.user(&name).is_ok() {
            return Err(ControlError::UserExists(name));
        }
        if level == Level::Internet && !password::is_strong(&new) {
            return Err(BadPassword::Weak.into());
        }
        let (proof, _) = self.prove_password(&name, Some(new)).await?;
        let (admin, reach, id) = (invite.admin, invite.reach.clone(), invite.id.clone());
        let made = self.insert_user(NewUser { name, admin, reach, proof, invite: Some(id) }).await;
        // Its time may have ended while the password was hashed.
        made.map_err(|error| match self.shared.invites.find(code) {
            Some(_) => error,
            None => BadInvite::Unknown(String::new()).into(),
        })
    }

    /// Takes away invites for names that have an account now: were it removed, the old link would make another.
    pub(super) async fn void_invites(&self) {
        let taken = |invite: &Invite| self.user(&invite.name).is_ok();
        if let Err(error) = self.shared.invites.revoke(taken).await {
            tracing::warn!(%error, "an invite for a name that is taken could not be removed");
        }
    }

    /// Every open invite as shells see it.
    pub(super) fn invite_models(&self) -> Vec<model::Invite> {
        self.shared.invites.list().iter().map(|invite| self.invite_model(invite)).collect()
    }

    fn invite_model(&self, invite: &Invite) -> model::Invite {
        let tools = self.settings.tools.iter();
        model::Invite {
            id: invite.id.clone(),
            name: invite.name.clone(),
            admin: invite.admin,
            tools: match &invite.reach {
                Reach::All => None,
                Reach::Only(ids) => {
                    Some(tools.filter(|tool| ids.contains(&tool.id)).map(|tool| tool.name.clone()).collect())
                }
            },
            created: invite.created.0,
            expires: invite.expires.0,
        }
    }
}

/// How long an invite is good unless told otherwise.
const USUAL: Duration = Duration::from_secs(24 * 3600);
/// Longest life of an invite (chosen: a link lies about in mail boxes).
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);
