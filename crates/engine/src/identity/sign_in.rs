//! The one function every way of signing in goes through: it waits, verifies, and answers the same for a wrong
//! password, an unknown name and an account that is too weak for the level.

use super::{
    UserId,
    attempts::{AccountKey, Attempts, CredentialKey, Turn, Verdict},
    basic::{Credential, Remembered},
    password::{self, Fit, Hasher},
    renewals::{Renewal, Renewals},
    session,
    user::{Proof, User},
};
use crate::random::{self, NoRandomness};
use aws_lc_rs::hmac;
use drawbridge_protocol::{Level, Secret};
use std::{sync::Arc, time::Duration};

/// What came of an attempt.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// This is who it is.
    Welcome(Arc<User>),
    /// The password is right; alone it opens nothing, because the account has a second factor.
    Halfway(Arc<User>),
    /// The password is right; alone it opens nothing from a device the owner does not know.
    Unapproved(Arc<User>),
    /// The credential opens nothing here.
    Wrong,
    /// The account waits after a failure; nothing was verified.
    Wait(Duration),
    /// Too much at once, or this computer failed; nothing was verified.
    Busy,
}

/// Everything signing in needs besides the users.
pub(crate) struct SignIn {
    attempts: Attempts,
    hasher: Hasher,
    remembered: Remembered,
    renewals: Renewals,
    key: hmac::Key,
}

/// Finds an account by its name.
pub(crate) trait Users {
    /// The account with this name, in any case of letters.
    fn by_name(&self, name: &str) -> Option<Arc<User>>;
    /// The account with this number.
    fn by_id(&self, id: UserId) -> Option<Arc<User>>;
    /// Whether an account has this name, also one that may not sign in.
    fn is_name(&self, name: &str) -> bool;
}

impl SignIn {
    /// With a key of its own for the credentials it compares.
    pub(crate) fn new(hasher: Hasher) -> Result<Self, NoRandomness> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>()?);
        let (attempts, remembered) = (Attempts::default(), Remembered::default());
        Ok(Self { attempts, hasher, remembered, renewals: Renewals::default(), key })
    }

    /// Verifies a name and password for a level. Whether they are enough where they come from, `lets_in` says.
    pub(crate) async fn attempt(
        &self,
        users: &impl Users,
        level: Level,
        credential: Credential,
        lets_in: impl Fn(&User) -> bool,
    ) -> Outcome {
        match self.verify(users, level, credential).await {
            Outcome::Welcome(user) if user.second.is_some() => Outcome::Halfway(user),
            Outcome::Welcome(user) if !lets_in(&user) => Outcome::Unapproved(user),
            outcome => outcome,
        }
    }

    /// The turn of a code of an account's second factor: in one queue and with the pauses of its password. Never shared
    /// with another attempt, because a code counts once.
    pub(crate) async fn code_turn(&self, name: &str) -> Result<Turn, NoRandomness> {
        let account = AccountKey(self.keyed(&[b"account", name.to_lowercase().as_bytes()]));
        Ok(self.attempts.turn(account, CredentialKey(random::bytes()?)).await)
    }

    async fn verify(&self, users: &impl Users, level: Level, credential: Credential) -> Outcome {
        let name = credential.name.to_lowercase();
        let too_long =
            name.len() > password::MAX_BYTES || credential.password.expose().len() > password::MAX_BYTES;
        let user = users.by_name(&name).filter(|user| !too_long && session::may_try(user, level));
        let secret = credential.password.expose().as_bytes();
        let level_name = level.to_string();
        // Part of it, so that nobody is welcomed as an account that took the name or has a new password meanwhile.
        let proof = user.as_ref().map_or("", |user| user.proof.hash.expose()).as_bytes();
        let credential_key = CredentialKey(self.keyed(&[
            b"credential",
            name.as_bytes(),
            secret,
            level_name.as_bytes(),
            proof,
        ]));
        if let Some(user) = &user
            && self.remembered.knows(credential_key, user)
        {
            return Outcome::Welcome(Arc::clone(user));
        }
        let account = AccountKey(self.keyed(&[b"account", name.as_bytes()]));
        match self.attempts.turn(account, credential_key).await {
            Turn::Wait(left) => Outcome::Wait(left),
            Turn::Busy | Turn::Known(Verdict::Unverified) => Outcome::Busy,
            Turn::Known(Verdict::Wrong) => Outcome::Wrong,
            Turn::Known(Verdict::Right) => user.map_or(Outcome::Wrong, Outcome::Welcome),
            Turn::Verify(ticket) => {
                let hash = user.as_ref().map(|user| user.proof.hash.clone());
                let password = if too_long { Secret::new(String::new()) } else { credential.password };
                let is_strong = password::is_strong(&password);
                let (verdict, outcome) = match (self.hasher.verify(password, hash).await, user) {
                    (Err(_), _) => (Verdict::Unverified, Outcome::Busy),
                    (Ok(fit), Some(user)) if self.lets_in(&fit, &user, level, is_strong) => {
                        self.remembered.insert(credential_key, Arc::clone(&user));
                        (Verdict::Right, Outcome::Welcome(user))
                    }
                    (Ok(_), _) => (Verdict::Wrong, Outcome::Wrong),
                };
                ticket.finish(verdict);
                outcome
            }
        }
    }

    /// Whether what was found lets this account in, and what follows for its proof.
    fn lets_in(&self, fit: &Fit, user: &User, level: Level, is_strong: bool) -> bool {
        let renewed = match fit {
            Fit::Wrong => return false,
            Fit::Right => None,
            Fit::Renewed(hash) => Some(hash.clone()),
        };
        if user.withdrawn.is_cancelled() {
            return false;
        }
        let is_unproven = user.proof.is_unproven();
        if is_unproven && level == Level::Internet && !is_strong && user.second.is_none() {
            // Nothing may follow from it: what the account answers next would tell that the password was right.
            return false;
        }
        if is_unproven && is_strong {
            user.proof.saw_strong();
        }
        if let Some(hash) = renewed {
            let proof = Proof::new(hash, user.proof.is_strong());
            self.renewals.add(Renewal { user: user.id, instead_of: user.proof.hash.clone(), proof });
        }
        session::may_begin(user, level)
    }

    /// Proofs made anew, for the writer of the control path.
    pub(crate) fn renewals(&self) -> &Renewals {
        &self.renewals
    }

    /// Hashes a new password.
    pub(crate) fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    fn keyed(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let mut key = [0; 32];
        key.copy_from_slice(context.sign().as_ref());
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::UserId;
    use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};

    // Both from `foreign/vectors.rs`.
    const STRONG: (&str, &str) =
        ("correct horse battery", "$2y$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.");
    const WEAK: (&str, &str) = ("tidy-pw", "$2y$05$abcdefghijklmnopqrstuuFtVjdfRWLqCjWmyo0JU9LhjlhsK9bWK");

    struct One(Arc<User>);

    impl Users for One {
        fn by_name(&self, name: &str) -> Option<Arc<User>> {
            (name == self.0.name).then(|| Arc::clone(&self.0))
        }

        fn by_id(&self, id: UserId) -> Option<Arc<User>> {
            (id == self.0.id).then(|| Arc::clone(&self.0))
        }

        fn is_name(&self, name: &str) -> bool {
            self.by_name(name).is_some()
        }
    }

    fn anna(proof: Proof) -> One {
        One(Arc::new(User { proof, ..User::anna() }))
    }

    fn imported(hash: &str) -> One {
        anna(Proof::imported(Secret::new(hash.to_owned())))
    }

    async fn tried(users: &One, level: Level, password: &str) -> (Outcome, Vec<Renewal>) {
        let sign_in = SignIn::new(Hasher::new().unwrap()).unwrap();
        let credential = Credential { name: "Anna".into(), password: Secret::new(password.to_owned()) };
        let outcome = sign_in.attempt(users, level, credential, |_| true).await;
        (outcome, sign_in.renewals().take())
    }

    #[tokio::test]
    async fn strong_imported_password_gets_in_from_the_internet_at_once_and_is_hashed_anew() {
        let users = imported(STRONG.1);
        let (outcome, renewals) = tried(&users, Level::Internet, STRONG.0).await;
        assert!(matches!(outcome, Outcome::Welcome(user) if session::may_begin(&user, Level::Internet)));
        let [renewal] = renewals.as_slice() else { panic!("{renewals:?}") };
        assert_eq!(renewal.instead_of.expose(), STRONG.1);
        assert!(renewal.proof.is_strong() && !renewal.proof.is_unproven());
        assert!(password::is_own(&renewal.proof.hash));
    }

    #[tokio::test]
    async fn weak_imported_password_is_wrong_from_the_internet_and_leaves_no_trace() {
        let users = imported(WEAK.1);
        let (outcome, renewals) = tried(&users, Level::Internet, WEAK.0).await;
        assert!(matches!(outcome, Outcome::Wrong));
        assert!(renewals.is_empty() && users.0.proof.is_unproven());
        let (outcome, renewals) = tried(&users, Level::Lan, WEAK.0).await;
        assert!(matches!(outcome, Outcome::Welcome(_)));
        assert!(renewals.iter().all(|renewal| !renewal.proof.is_strong() && !renewal.proof.is_unproven()));
        assert_eq!(renewals.len(), 1);
    }

    #[tokio::test]
    async fn wrong_password_proves_nothing() {
        for level in [Level::Lan, Level::Internet] {
            let users = imported(STRONG.1);
            let (outcome, renewals) = tried(&users, level, "another long password").await;
            assert!(matches!(outcome, Outcome::Wrong));
            assert!(renewals.is_empty() && users.0.proof.is_unproven());
        }
    }

    #[tokio::test]
    async fn account_that_was_withdrawn_meanwhile_proves_nothing() {
        let users = imported(STRONG.1);
        users.0.withdrawn.cancel();
        let (outcome, renewals) = tried(&users, Level::Lan, STRONG.0).await;
        assert!(matches!(outcome, Outcome::Wrong) && renewals.is_empty() && users.0.proof.is_unproven());
    }

    #[tokio::test]
    async fn hash_of_less_work_is_handed_on_with_its_strength_and_one_of_today_is_not() {
        for (params, count) in [((8 * 1024, 1), 1), ((64 * 1024, 3), 0)] {
            let params = Params::new(params.0, params.1, 1, None).unwrap();
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let hash = argon2.hash_password_with_salt(b"tidy password", b"0123456789abcdef").unwrap();
            // Said to be strong when it was set, whatever length counts today.
            let users = anna(Proof::new(Secret::new(hash.to_string()), true));
            let (outcome, renewals) = tried(&users, Level::Internet, "tidy password").await;
            assert!(matches!(outcome, Outcome::Welcome(_)));
            assert_eq!(renewals.len(), count);
            assert!(renewals.iter().all(|renewal| renewal.proof.is_strong()));
        }
    }
}
