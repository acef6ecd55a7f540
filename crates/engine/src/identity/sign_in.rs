//! The one function every way of signing in goes through: it waits, verifies, and answers the same for a wrong
//! password, an unknown name and an account that is too weak for the level.

use super::{
    UserId,
    attempts::{AccountKey, Attempts, CredentialKey, Turn, Verdict},
    basic::{Credential, Remembered},
    password::{self, Hasher},
    session,
    user::User,
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
        Ok(Self { attempts: Attempts::default(), hasher, remembered: Remembered::default(), key })
    }

    /// Verifies a name and password for a level.
    pub(crate) async fn attempt(&self, users: &impl Users, level: Level, credential: Credential) -> Outcome {
        let name = credential.name.to_lowercase();
        let too_long =
            name.len() > password::MAX_BYTES || credential.password.expose().len() > password::MAX_BYTES;
        let user = users.by_name(&name).filter(|user| !too_long && session::may_begin(user, level));
        let secret = credential.password.expose().as_bytes();
        let level_name = level.to_string();
        let credential_key =
            CredentialKey(self.keyed(&[b"credential", name.as_bytes(), secret, level_name.as_bytes()]));
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
                let (verdict, outcome) = match (self.hasher.verify(password, hash).await, user) {
                    (Err(_), _) => (Verdict::Unverified, Outcome::Busy),
                    (Ok(true), Some(user)) if !user.withdrawn.is_cancelled() => {
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
