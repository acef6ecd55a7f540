//! An account: its name, what it may do, and the sealed proof of its password.

use super::{UserId, password, second_factor::SecondFactor};
use crate::{clock::Timestamp, tools::ToolId};
use drawbridge_protocol::Secret;
use drawbridge_texts::{Sentence, Tell};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio_util::sync::CancellationToken;

/// An account as the data path sees it. A change replaces it; `withdrawn` then ends what the old one allowed.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) name: String,
    pub(crate) admin: bool,
    /// Nobody gets in with it until the owner says otherwise.
    pub(crate) disabled: bool,
    pub(crate) reach: Reach,
    pub(crate) proof: Proof,
    /// What is needed besides the password; nothing means that the password alone signs in.
    pub(crate) second: Option<Arc<SecondFactor>>,
    pub(crate) created: Timestamp,
    /// Cancelled when this account's rights shrink, its password changes or it is removed.
    pub(crate) withdrawn: CancellationToken,
}

/// Which tools an account may reach.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    /// Every tool, also later ones.
    All,
    /// Only these.
    Only(BTreeSet<ToolId>),
}

impl Reach {
    /// Whether it takes in this tool.
    pub(crate) fn includes(&self, tool: &ToolId) -> bool {
        match self {
            Self::All => true,
            Self::Only(tools) => tools.contains(tool),
        }
    }

    /// What the database's column says: a JSON list, or nothing for every tool.
    pub(crate) fn to_column(&self) -> Option<String> {
        match self {
            Self::All => None,
            Self::Only(tools) => serde_json::to_string(tools).ok().or_else(|| Some("[]".to_owned())),
        }
    }

    /// Reads the column; nothing where it cannot be read, so that what it belongs to is left out.
    pub(crate) fn from_column(column: Option<&str>) -> Option<Self> {
        match column {
            None => Some(Self::All),
            Some(text) => serde_json::from_str(text).ok().map(Self::Only),
        }
    }
}

/// What proves an account; on disk only sealed.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Proof {
    /// argon2id in PHC form, or a hash made elsewhere as it was imported.
    pub(crate) hash: Secret,
    /// Strong enough for the internet by itself (15 characters or more when it was set). Of one made elsewhere nothing is
    /// known.
    strong: bool,
    /// Whether a sign-in saw a strong password fit a hash made elsewhere; true before that is saved.
    #[serde(skip)]
    seen_strong: Arc<AtomicBool>,
}

impl User {
    /// Whether this account may use a tool, wherever it is reachable.
    pub(crate) fn may_use(&self, tool: &ToolId) -> bool {
        self.reach.includes(tool)
    }

    /// What it proves, in the words of the control protocol.
    pub(crate) fn factors(&self) -> impl Iterator<Item = &'static str> {
        let second = self.second.as_deref();
        let totp = second.is_some_and(|second| second.totp.is_some()).then_some("totp");
        let passkey = second.is_some_and(|second| !second.passkeys.is_empty()).then_some("passkey");
        ["password"].into_iter().chain(totp).chain(passkey)
    }

    /// Whether it proves enough for the internet: by a long password, or by a second factor beside any.
    pub(crate) fn is_strong(&self) -> bool {
        self.proof.is_strong() || self.second.is_some()
    }
}

#[cfg(any(test, feature = "fuzzing"))]
impl User {
    /// Anna, who may use every tool and has nothing but a strong password.
    pub(crate) fn anna() -> Self {
        Self {
            id: UserId(1),
            name: "anna".into(),
            admin: false,
            disabled: false,
            reach: Reach::All,
            proof: Proof::new(Secret::new(String::new()), true),
            second: None,
            created: Timestamp(0),
            withdrawn: CancellationToken::new(),
        }
    }
}

impl Proof {
    /// Of a password that was seen and judged.
    pub(crate) fn new(hash: Secret, strong: bool) -> Self {
        Self { hash, strong, seen_strong: Arc::default() }
    }

    /// By a hash made elsewhere.
    pub(crate) fn imported(hash: Secret) -> Self {
        Self::new(hash, false)
    }

    /// Whether it is enough for the internet.
    pub(crate) fn is_strong(&self) -> bool {
        self.strong || self.seen_strong.load(Ordering::Relaxed)
    }

    /// Whether its password was never seen here, so that nobody knows how strong it is.
    pub(crate) fn is_unproven(&self) -> bool {
        !password::is_own(&self.hash) && !self.is_strong()
    }

    /// A strong password fits it: known at once, to everyone who holds this account.
    pub(crate) fn saw_strong(&self) {
        self.seen_strong.store(true, Ordering::Relaxed);
    }

    /// The form that is sealed.
    pub(crate) fn to_bytes(&self) -> zeroize::Zeroizing<Vec<u8>> {
        #[derive(Serialize)]
        struct Plain<'a> {
            hash: &'a str,
            strong: bool,
        }
        let plain = Plain { hash: self.hash.expose(), strong: self.strong };
        zeroize::Zeroizing::new(serde_json::to_vec(&plain).unwrap_or_default())
    }

    /// Reads the sealed form after opening; nothing when it is not one.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// A user name that may be made.
///
/// # Errors
/// A sentence saying what is wrong with it.
pub(crate) fn check_name(name: &str) -> Result<(), BadName> {
    let length = name.chars().count();
    if length == 0 || length > MAX_NAME {
        return Err(BadName::Length);
    }
    // A colon would end the name in HTTP Basic (RFC 7617 §2).
    if name.chars().any(|letter| letter.is_control() || letter == ':' || letter == '/') || name.trim() != name
    {
        return Err(BadName::Letters);
    }
    // What tools and lists call those without an account.
    if ["guest", "anybody"].contains(&name.to_lowercase().as_str()) {
        return Err(BadName::Kept);
    }
    Ok(())
}

/// Why a name may not be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum BadName {
    /// Too short or too long.
    #[error("a name is too short or too long")]
    Length,
    /// Letters that mean something else elsewhere.
    #[error("a name has letters it may not have")]
    Letters,
    /// What those without an account are called.
    #[error("a name is kept for those without an account")]
    Kept,
}

impl Tell for BadName {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Length => Sentence::new("user-name-length"),
            Self::Letters => Sentence::new("user-name-letters"),
            Self::Kept => Sentence::new("user-name-kept"),
        }
    }
}

/// Letters in a user name (chosen: fits every form and line of a log).
pub(crate) const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_break_other_things_are_refused() {
        assert_eq!(check_name("Anna Müller"), Ok(()));
        assert_eq!(check_name(""), Err(BadName::Length));
        assert_eq!([check_name("Guest"), check_name("anybody")], [Err(BadName::Kept); 2]);
        assert_eq!(check_name(&"a".repeat(64)), Ok(()));
        assert_eq!(check_name(&"a".repeat(65)), Err(BadName::Length));
        for name in ["a:b", "a/b", " a", "a ", "a\nb", "a\0"] {
            assert_eq!(check_name(name), Err(BadName::Letters), "{name:?}");
        }
    }

    #[test]
    fn proof_survives_sealing_form() {
        let proof = Proof::new(Secret::new("$argon2id$…".into()), true);
        let back = Proof::from_bytes(&proof.to_bytes()).unwrap();
        assert_eq!(back.hash.expose(), "$argon2id$…");
        assert!(back.is_strong());
        assert!(Proof::from_bytes(b"{}").is_none());
    }

    #[test]
    fn proofs_sealed_before_there_were_imports_open() {
        let old =
            Proof::from_bytes(br#"{"hash":"$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA","strong":true}"#);
        assert!(old.is_some_and(|proof| proof.is_strong() && !proof.is_unproven()));
    }

    #[test]
    fn what_was_imported_is_unproven_until_a_strong_password_was_seen() {
        let proof = Proof::imported(Secret::new("$apr1$a$tVJH7vY0FgNXTMAHlPqkx0".into()));
        let held = proof.clone();
        assert!(proof.is_unproven() && !proof.is_strong());
        proof.saw_strong();
        assert!(held.is_strong() && !held.is_unproven(), "whoever holds the account knows");
        let stored = Proof::from_bytes(&proof.to_bytes()).unwrap();
        assert!(stored.is_unproven(), "only what is proven by a new hash is stored");
    }
}
