//! Making an account, by the owner or by whoever accepts an invite: saved with its sealed proof, then in force.

use super::{ControlError, State, people::place};
use crate::identity::{
    UserId, invite,
    user::{Proof, Reach, User, check_name},
};
use drawbridge_protocol::{UserAdd, UserCreated};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What a new account is made of.
pub(super) struct NewUser {
    pub(super) name: String,
    pub(super) admin: bool,
    pub(super) reach: Reach,
    pub(super) proof: Proof,
    /// Id of the invite that is used up with it.
    pub(super) invite: Option<String>,
}

impl State {
    /// Makes an account, as the owner asked.
    pub(super) async fn add_user(&mut self, add: UserAdd) -> Result<UserCreated, ControlError> {
        check_name(&add.name)?;
        if self.user(&add.name).is_ok() {
            return Err(ControlError::UserExists(add.name));
        }
        let reach = self.reach(&add.reach)?;
        let (proof, shown) = self.prove_password(&add.name, add.password.map(|field| field.0)).await?;
        let new = NewUser { name: add.name, admin: add.admin, reach, proof, invite: None };
        let user = self.insert_user(new).await?;
        self.created(user.id, shown)
    }

    /// Saves an account and puts it in force.
    pub(super) async fn insert_user(&mut self, new: NewUser) -> Result<Arc<User>, ControlError> {
        let NewUser { name, admin, reach, proof, invite } = new;
        let created = self.shared.clock.timestamp();
        let (key, stored, tools, plain) = (self.key()?, name.clone(), reach.to_column(), proof.to_bytes());
        if self.is_stored(&name).await? {
            // One that does not open keeps its place until it is removed.
            return Err(ControlError::UserExists(name));
        }
        let id = self
            .database
            .call(move |transaction| {
                if let Some(invite) = invite {
                    invite::spend(transaction, &invite, created)?;
                }
                transaction.execute(
                    "INSERT INTO user (name, admin, tools, password, created) VALUES (?1, ?2, ?3, x'', ?4)",
                    (&stored, admin, &tools, i64::try_from(created.0).unwrap_or(i64::MAX)),
                )?;
                let id = UserId(transaction.last_insert_rowid());
                let sealed = key.seal(&place(id), &plain).map_err(|_| rusqlite::Error::InvalidQuery)?;
                transaction.execute("UPDATE user SET password = ?2 WHERE id = ?1", (id.0, sealed))?;
                Ok(id)
            })
            .await?;
        let (disabled, second, withdrawn) = (false, None, CancellationToken::new());
        let user = Arc::new(User { id, name, admin, disabled, reach, proof, second, created, withdrawn });
        self.users.push(Arc::clone(&user));
        self.publish();
        self.forget_first_user();
        self.let_programs_sign_in().await;
        self.void_invites().await;
        Ok(user)
    }
}
