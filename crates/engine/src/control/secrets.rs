//! Changes to the way the data key is reached: asking the keyring again, making and using the recovery code.

use super::{ControlError, State};
use crate::secrets::DataKey;
use drawbridge_protocol::Secret;
use drawbridge_texts::Tell;
use std::sync::Arc;

impl State {
    /// The data key, or why there is none.
    pub(super) fn key(&self) -> Result<Arc<DataKey>, ControlError> {
        self.key.clone().map_err(ControlError::VaultClosed)
    }

    /// Asks the keyring again; what was open before the engine started opens now.
    pub(super) async fn unlock(&mut self) -> Result<(), ControlError> {
        if self.key.is_ok() {
            return Ok(());
        }
        let sealed = self.sealed_data().await?;
        match self.vault.open(sealed).await {
            Ok(key) => self.reopen(key).await,
            Err(error) => {
                self.key = Err(error.sentence());
                Err(error.into())
            }
        }
    }

    /// A new recovery code, shown once.
    pub(super) fn create_recovery_code(&mut self) -> Result<Secret, ControlError> {
        let code = self.vault.create_recovery_code(&*self.key()?)?;
        self.has_recovery_code = true;
        Ok(code)
    }

    /// Opens sealed data with the recovery code and gives the keyring a new root key.
    pub(super) async fn use_recovery_code(&mut self, code: &Secret) -> Result<(), ControlError> {
        let key = self.vault.recover(code).await?;
        if self.key.is_ok() { Ok(()) } else { self.reopen(key).await }
    }

    async fn reopen(&mut self, key: Arc<DataKey>) -> Result<(), ControlError> {
        self.unlocked(key).await?;
        self.settle_interrupted().await;
        self.apply();
        Ok(())
    }
}
