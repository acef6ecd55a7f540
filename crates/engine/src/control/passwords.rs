//! What is done about passwords besides setting them: judging one, keeping what a sign-in proved, and the first user of a
//! machine nobody sits at.

use super::{
    ControlError, Finding, State,
    people::{again, place},
};
use crate::identity::{
    password::{self, BadPassword},
    renewals::Renewal,
    user::User,
};
use drawbridge_protocol::{Level, PasswordJudgement, Reach, Secret, UserAdd};
use drawbridge_texts::{Sentence, Tell as _};
use std::sync::Arc;

/// Who shall be made where there is no user yet.
#[derive(Clone, Debug)]
pub struct FirstUser {
    /// The name to sign in with.
    pub name: String,
    /// The password; the rules for passwords hold.
    pub password: Secret,
}

impl State {
    /// Another password for somebody who knows the old one. One that does not sign in from where they are would lock them
    /// out.
    pub(super) async fn change_password(
        &mut self,
        user: &Arc<User>,
        new: Secret,
        level: Level,
    ) -> Result<(), ControlError> {
        if level == Level::Internet && !password::is_strong(&new) && user.second.is_none() {
            return Err(BadPassword::Weak.into());
        }
        let (proof, _) = self.prove_password(&user.name, Some(new)).await?;
        self.renew_proof(user, proof).await
    }

    /// How good a password would be for a name.
    pub(super) async fn judge_password(&self, name: String, password: Secret) -> PasswordJudgement {
        let refused = password::check_apart(password.clone(), name.clone()).await.err();
        let lan = refused.is_none();
        let is_strong = password::is_strong(&password);
        let score = tokio::task::spawn_blocking(move || password::score(&password, &name)).await;
        PasswordJudgement {
            score: score.unwrap_or(0),
            lan,
            internet: lan && is_strong,
            refusal: refused.map(|why| ControlError::from(why).problem(&self.words)),
        }
    }

    /// Saves the proofs that sign-ins made anew, and puts them in force. One that cannot be saved is made again with the
    /// next sign-in.
    pub(super) async fn keep_renewals(&mut self) {
        for renewal in self.shared.sign_in.renewals().take() {
            if let Err(error) = self.keep_renewal(renewal).await {
                tracing::warn!(%error, "a password's new hash could not be saved");
            }
        }
    }

    async fn keep_renewal(&mut self, renewal: Renewal) -> Result<(), ControlError> {
        let Renewal { user, instead_of, proof } = renewal;
        let Some(old) = self.users.iter().find(|known| known.id == user).cloned() else { return Ok(()) };
        if old.proof.hash.expose() != instead_of.expose() {
            // The password was changed meanwhile.
            return Ok(());
        }
        let sealed = self.key()?.seal(&place(user), &proof.to_bytes())?;
        self.database
            .call(move |transaction| {
                let row = (user.0, sealed);
                transaction.execute("UPDATE user SET password = ?2 WHERE id = ?1", row).map(drop)
            })
            .await?;
        // The same account with the same rights: what it has begun goes on, and ends with the new one.
        let withdrawn = old.withdrawn.clone();
        let new = Arc::new(User { proof, withdrawn, ..again(&old) });
        for known in self.users.iter_mut().filter(|known| known.id == user) {
            *known = Arc::clone(&new);
        }
        self.publish();
        tracing::info!(user = old.name, "a password was hashed anew");
        Ok(())
    }

    /// Makes the first user, an admin, where none is stored. What keeps it from being made is noted for the owner.
    pub(crate) async fn make_first_user(&mut self, first: FirstUser) {
        match self.has_users().await {
            Ok(true) => return tracing::info!("there are users, so no first one is made"),
            Ok(false) => {}
            Err(error) => return self.note_first_user(error.sentence()),
        }
        let FirstUser { name, password } = first;
        let add = UserAdd { name, admin: true, reach: Reach::All, password: Some(password.into()) };
        match self.add_user(add).await {
            Ok(made) => tracing::info!(user = made.user.name, "the first user was made"),
            Err(error) => self.note_first_user(error.sentence()),
        }
    }

    /// Whether any account is stored, also one that does not open.
    async fn has_users(&self) -> Result<bool, ControlError> {
        let work = |transaction: &rusqlite::Transaction<'_>| {
            transaction.query_row("SELECT EXISTS (SELECT 1 FROM user)", [], |row| row.get(0))
        };
        Ok(self.database.call(work).await?)
    }

    fn note_first_user(&mut self, cause: Sentence) {
        self.note(Finding::new(
            Sentence::new("trouble-first-user-what"),
            Sentence::new("trouble-first-user-why").with("cause", cause),
            Sentence::new("trouble-first-user-do"),
        ));
    }

    /// Somebody can sign in: what kept the first user from being made is no matter any more.
    pub(super) fn forget_first_user(&mut self) {
        self.notes.retain(|note| note.what != Sentence::new("trouble-first-user-what"));
    }
}
