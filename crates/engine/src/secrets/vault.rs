//! The vault: finds the data key of this home, or says exactly why it cannot.
//!
//! `keys.json` in the home holds the data key wrapped by the root key (from the OS keyring or the passphrase file)
//! and, once the owner made a recovery code, wrapped by that too. A home with sealed data whose key is missing stays
//! closed: another key is never minted over it.

use super::{
    keyring::{KeyringError, RootKey, SystemKeyring},
    passphrase::{Create, PassphraseFile, PassphraseFileError},
    recovery,
    sealing::{DataKey, SealError},
};
use crate::{random, store::files};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use drawbridge_protocol::Secret;
use drawbridge_texts::{Sentence, Tell};
use serde::{Deserialize, Serialize};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};
use zeroize::Zeroizing;

/// Where the root key of this installation lies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyringChoice {
    /// The keyring of the operating system.
    System,
    /// A passphrase in a file of the owner's, outside the home; only by explicit choice.
    PassphraseFile(PathBuf),
}

/// Why the vault is closed: a sentence for the owner each.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VaultError {
    /// The keyring of the system.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The passphrase file.
    #[error(transparent)]
    Passphrase(#[from] PassphraseFileError),
    /// The keyring works but does not know this installation.
    #[error("the keyring has no key of this installation")]
    KeyMissing,
    /// The key there is belongs to something else.
    #[error("the key in the keyring is another installation's")]
    WrongKey,
    /// The passphrase file is not the one this home was sealed with.
    #[error("the passphrase is another installation's")]
    WrongPassphrase,
    /// Sealed data but no `keys.json`.
    #[error("sealed data without keys.json")]
    KeyFileMissing,
    /// `keys.json` is not what we wrote.
    #[error("keys.json is damaged")]
    KeyFileDamaged,
    /// Reading or writing it failed.
    #[error("keys.json was not read or written ({0})")]
    Disk(#[source] io::Error),
    /// No recovery code was ever made.
    #[error("no recovery code was made")]
    NoRecoveryCode,
    /// The code does not fit.
    #[error("the recovery code is wrong")]
    WrongRecoveryCode,
    /// Sealing failed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Tell for VaultError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Keyring(error) => error.sentence(),
            Self::Passphrase(error) => error.sentence(),
            Self::KeyMissing => Sentence::new("key-missing"),
            Self::WrongKey => Sentence::new("key-wrong"),
            Self::WrongPassphrase => Sentence::new("key-wrong-passphrase"),
            Self::KeyFileMissing => Sentence::new("key-file-missing"),
            Self::KeyFileDamaged => Sentence::new("key-file-damaged"),
            Self::Disk(error) => Sentence::new("key-file-disk").quoting("cause", error),
            Self::NoRecoveryCode => Sentence::new("recovery-none"),
            Self::WrongRecoveryCode => Sentence::new("recovery-wrong"),
            Self::Seal(error) => error.sentence(),
        }
    }
}

/// The key file of a home and the way to its root key.
pub(crate) struct Vault {
    path: PathBuf,
    home: PathBuf,
    choice: KeyringChoice,
}

#[derive(Deserialize, Serialize)]
struct KeyFile {
    version: u32,
    installation: String,
    salt: String,
    by_root_key: String,
    by_recovery_code: Option<String>,
}

impl Vault {
    /// The vault of one home.
    pub(crate) fn new(home: &Path, choice: KeyringChoice) -> Self {
        Self { path: home.join(KEY_FILE), home: home.to_owned(), choice }
    }

    /// Opens the data key. Where this home is new (`sealed_data_exists` is false and there is no key file), makes one.
    pub(crate) async fn open(&self, sealed_data: SealedData) -> Result<Arc<DataKey>, VaultError> {
        match (self.read()?, sealed_data) {
            (Some(file), _) => self.open_existing(&file).await.map(Arc::new),
            (None, SealedData::Present) => Err(VaultError::KeyFileMissing),
            (None, SealedData::Absent) => self.create().await.map(Arc::new),
        }
    }

    /// Makes a new recovery code; the old one opens nothing any more.
    pub(crate) fn create_recovery_code(&self, key: &DataKey) -> Result<Secret, VaultError> {
        let mut file = self.read()?.ok_or(VaultError::KeyFileMissing)?;
        let code = recovery::generate().map_err(SealError::from)?;
        let wrapping = Zeroizing::new(recovery::wrapping_key(&code, &file.installation)?);
        file.by_recovery_code = Some(STANDARD.encode(key.wrap(&wrapping, BY_RECOVERY_CODE)?));
        self.write(&file)?;
        Ok(code)
    }

    /// Whether this home ever had a data key: its key file is there, readable or not.
    pub(crate) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Whether a recovery code was ever made; unreadable counts as no.
    pub(crate) fn has_recovery_code(&self) -> bool {
        matches!(self.read(), Ok(Some(KeyFile { by_recovery_code: Some(_), .. })))
    }

    /// Opens the data key with the recovery code and gives the keyring a new root key for it.
    pub(crate) async fn recover(&self, code: &Secret) -> Result<Arc<DataKey>, VaultError> {
        let mut file = self.read()?.ok_or(VaultError::KeyFileMissing)?;
        let wrapped = file.by_recovery_code.as_deref().ok_or(VaultError::NoRecoveryCode)?;
        let wrapped = STANDARD.decode(wrapped).map_err(|_| VaultError::KeyFileDamaged)?;
        let wrapping = Zeroizing::new(recovery::wrapping_key(code, &file.installation)?);
        let key = DataKey::unwrap_with(&wrapping, &file.installation, BY_RECOVERY_CODE, &wrapped)
            .map_err(|_| VaultError::WrongRecoveryCode)?;
        let root = self.store_root_key(&file.installation, &salt_of(&file)?).await?;
        file.by_root_key = STANDARD.encode(key.wrap(root.expose(), BY_ROOT_KEY)?);
        self.write(&file)?;
        Ok(Arc::new(key))
    }

    async fn open_existing(&self, file: &KeyFile) -> Result<DataKey, VaultError> {
        let wrapped = STANDARD.decode(&file.by_root_key).map_err(|_| VaultError::KeyFileDamaged)?;
        let root = match &self.choice {
            KeyringChoice::System => {
                SystemKeyring::new(&file.installation).load().await?.ok_or(VaultError::KeyMissing)?
            }
            KeyringChoice::PassphraseFile(path) => {
                PassphraseFile::open(path, &self.home, Create::No)?.root_key(&salt_of(file)?)?
            }
        };
        DataKey::unwrap_with(root.expose(), &file.installation, BY_ROOT_KEY, &wrapped).map_err(
            |_| match &self.choice {
                KeyringChoice::System => VaultError::WrongKey,
                KeyringChoice::PassphraseFile(_) => VaultError::WrongPassphrase,
            },
        )
    }

    async fn create(&self) -> Result<DataKey, VaultError> {
        let installation = random::token().map_err(SealError::from)?;
        let salt = random::bytes::<SALT_BYTES>().map_err(SealError::from)?;
        let root = self.store_root_key(&installation, &salt).await?;
        let key = DataKey::generate(&installation).map_err(SealError::from)?;
        self.write(&KeyFile {
            version: KEY_FILE_VERSION,
            by_root_key: STANDARD.encode(key.wrap(root.expose(), BY_ROOT_KEY)?),
            installation,
            salt: STANDARD.encode(salt),
            by_recovery_code: None,
        })?;
        Ok(key)
    }

    /// A root key that is certainly kept: for the keyring a new one, stored and read back.
    async fn store_root_key(
        &self,
        installation: &str,
        salt: &[u8; SALT_BYTES],
    ) -> Result<RootKey, VaultError> {
        match &self.choice {
            KeyringChoice::System => {
                let keyring = SystemKeyring::new(installation);
                keyring.probe().await?;
                keyring.store(&RootKey::generate().map_err(SealError::from)?).await?;
                keyring.load().await?.ok_or(VaultError::KeyMissing)
            }
            KeyringChoice::PassphraseFile(path) => {
                Ok(PassphraseFile::open(path, &self.home, Create::IfAbsent)?.root_key(salt)?)
            }
        }
    }

    fn read(&self) -> Result<Option<KeyFile>, VaultError> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(VaultError::Disk(error)),
        };
        let file: KeyFile = serde_json::from_slice(&text).map_err(|_| VaultError::KeyFileDamaged)?;
        if file.version == KEY_FILE_VERSION { Ok(Some(file)) } else { Err(VaultError::KeyFileDamaged) }
    }

    fn write(&self, file: &KeyFile) -> Result<(), VaultError> {
        let text = serde_json::to_vec_pretty(file).map_err(|_| VaultError::KeyFileDamaged)?;
        files::write_atomically(&self.path, &text).map_err(VaultError::Disk)
    }
}

/// Whether this home already holds values sealed by some data key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SealedData {
    /// There are; a missing key is then an error.
    Present,
    /// A new home.
    Absent,
}

fn salt_of(file: &KeyFile) -> Result<[u8; SALT_BYTES], VaultError> {
    let salt = STANDARD.decode(&file.salt).map_err(|_| VaultError::KeyFileDamaged)?;
    salt.try_into().map_err(|_| VaultError::KeyFileDamaged)
}

/// Name of the key file in the home.
const KEY_FILE: &str = "keys.json";
/// Its version.
const KEY_FILE_VERSION: u32 = 1;
/// Bytes of the salt for the passphrase (RFC 9106 §3.1 recommends 16).
const SALT_BYTES: usize = 16;
/// Places of the two wraps.
const BY_ROOT_KEY: &str = "keys/root";
const BY_RECOVERY_CODE: &str = "keys/recovery";
