//! What sign-ins proved, kept: hashes of their passwords that are better than those stored.

use super::{
    ControlError, State,
    people::{again, place},
};
use crate::identity::{renewals::Renewal, user::User};
use std::sync::Arc;

impl State {
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
}
