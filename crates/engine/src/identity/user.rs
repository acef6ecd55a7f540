//! An account: its name, what it may do, and the sealed proof of its password.

use super::UserId;
use crate::{clock::Timestamp, tools::ToolId};
use drawbridge_protocol::Secret;
use drawbridge_texts::{Sentence, Tell};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
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

/// What proves an account; on disk only sealed.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Proof {
    /// argon2id in PHC form.
    pub(crate) hash: Secret,
    /// Strong enough for the internet (15 characters or more when it was set).
    pub(crate) strong: bool,
}

impl User {
    /// Whether this account may use a tool, wherever it is reachable.
    pub(crate) fn may_use(&self, tool: &ToolId) -> bool {
        match &self.reach {
            Reach::All => true,
            Reach::Only(tools) => tools.contains(tool),
        }
    }
}

impl Proof {
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
}

impl Tell for BadName {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Length => Sentence::new("user-name-length"),
            Self::Letters => Sentence::new("user-name-letters"),
        }
    }
}

/// Letters in a user name (chosen: fits every form and line of a log).
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_break_other_things_are_refused() {
        assert_eq!(check_name("Anna Müller"), Ok(()));
        assert_eq!(check_name(""), Err(BadName::Length));
        assert_eq!(check_name(&"a".repeat(64)), Ok(()));
        assert_eq!(check_name(&"a".repeat(65)), Err(BadName::Length));
        for name in ["a:b", "a/b", " a", "a ", "a\nb", "a\0"] {
            assert_eq!(check_name(name), Err(BadName::Letters), "{name:?}");
        }
    }

    #[test]
    fn proof_survives_sealing_form() {
        let proof = Proof { hash: Secret::new("$argon2id$…".into()), strong: true };
        let back = Proof::from_bytes(&proof.to_bytes()).unwrap();
        assert_eq!(back.hash.expose(), "$argon2id$…");
        assert!(back.strong);
        assert!(Proof::from_bytes(b"{}").is_none());
    }
}
