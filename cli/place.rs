//! Which installation is meant; shared by the command line and the desktop.

use clap::Args;
use drawbridge_engine::{Home, HomeError, KeyringChoice};
use drawbridge_texts::{Language, Sentence, Texts, Words};
use std::{path::PathBuf, sync::Arc};

/// Which installation is meant: every command and the desktop take it.
#[derive(Args)]
pub(crate) struct Place {
    /// The folder with all state of one installation
    #[arg(long, global = true, env = "DRAWBRIDGE_HOME", value_name = "DIR")]
    home: Option<PathBuf>,
    /// Where the root key lies: `system`, or `passphrase-file=PATH`
    #[arg(long, global = true, env = "DRAWBRIDGE_KEYRING", value_name = "KIND", value_parser = keyring)]
    keyring: Option<KeyringChoice>,
}

impl Place {
    /// The home meant.
    pub(crate) fn home(&self) -> Result<Home, HomeError> {
        Home::find(self.home.as_deref())
    }

    /// The keyring meant.
    pub(crate) fn keyring(&self) -> KeyringChoice {
        self.keyring.clone().unwrap_or(KeyringChoice::System)
    }
}

fn keyring(text: &str) -> Result<KeyringChoice, String> {
    match text.split_once('=') {
        None if text == "system" => Ok(KeyringChoice::System),
        // From wherever the engine is started next time, the same file is meant.
        Some(("passphrase-file", path)) if !path.is_empty() => {
            std::path::absolute(path).map(KeyringChoice::PassphraseFile).map_err(|error| error.to_string())
        }
        _ => {
            // Said while the arguments are read, so by texts of its own.
            let words = Words::new(Arc::new(Texts::new()), Language::of_process());
            Err(words.terminal(&Sentence::new("hint-keyring")))
        }
    }
}
