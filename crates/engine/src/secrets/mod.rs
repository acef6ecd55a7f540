//! Everything that opens something: the root key in the OS keyring, the data key it wraps, and sealing.
//!
//! The root key never touches the disk. The data key lies in `keys.json`, wrapped once by the root key and once by
//! the recovery code if the owner made one. Every credential on disk is sealed by the data key and bound to its place.

pub(crate) mod keyring;
pub(crate) mod passphrase;
pub(crate) mod recovery;
mod sealing;
mod vault;

pub(crate) use sealing::{DataKey, SealError};
pub use vault::KeyringChoice;
pub(crate) use vault::{SealedData, Vault, VaultError};
