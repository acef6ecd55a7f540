//! Reading and writing `settings.toml`.

use super::{BadSettings, Settings};
use crate::{clock::Timestamp, store::files};
use drawbridge_texts::{Sentence, Tell};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Why the file could not be read at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The disk.
    #[error("settings.toml was not read ({0})")]
    Disk(#[source] io::Error),
}

impl Tell for LoadError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Disk(error) => Sentence::new("settings-unreadable").quoting("cause", error),
        }
    }
}

/// What was found.
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    /// Where an unusable file is now, and what was wrong with it.
    pub(crate) kept_aside: Option<(PathBuf, Sentence)>,
}

/// Reads the file. One that cannot be understood is kept aside and everything is local.
pub(crate) fn load(path: &Path, now: Timestamp) -> Result<Loaded, LoadError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Loaded { settings: Settings::default(), kept_aside: None });
        }
        Err(error) => return Err(LoadError::Disk(error)),
    };
    match parse(&text) {
        Ok(settings) => Ok(Loaded { settings, kept_aside: None }),
        Err(reason) => {
            let aside = files::keep_aside(path, now.0).map_err(LoadError::Disk)?;
            Ok(Loaded { settings: Settings::default(), kept_aside: Some((aside, reason)) })
        }
    }
}

/// Replaces the file.
///
/// # Errors
/// Whatever the disk says; the old file is then untouched.
pub(crate) fn save(path: &Path, settings: &Settings) -> io::Result<()> {
    let body = toml::to_string(settings).map_err(io::Error::other)?;
    files::write_atomically(path, format!("{HEADER}{body}").as_bytes())
}

/// Reads the text of a file.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse(text: &[u8]) -> Result<Settings, Sentence> {
    let text = std::str::from_utf8(text).map_err(|_| Sentence::new("settings-no-text"))?;
    let settings: Settings = toml::from_str(text)
        .map_err(|error| Sentence::new("settings-no-toml").with("cause", error.message()))?;
    settings.check().map_err(|error: BadSettings| error.sentence())?;
    Ok(settings)
}

/// What a reader of the file should know.
const HEADER: &str = "\
# Drawbridge settings. Edit while Drawbridge is stopped; docs/settings.md explains every key.
# Raising a level or changing a target here does nothing until you confirm it: drawbridge level NAME LEVEL

";

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> &'static str {
        "revision = 3\n[[tool]]\nid = \"a\"\nname = \"A\"\ntarget = \"http://127.0.0.1:1\"\nlevel = \"lan\"\n"
    }

    #[test]
    fn saved_settings_read_as_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        let settings = parse(sample().as_bytes()).unwrap();
        save(&path, &settings).unwrap();
        assert_eq!(load(&path, Timestamp(1)).unwrap().settings, settings);
    }

    #[test]
    fn unusable_file_is_kept_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        let twice = format!("{}{}", sample(), sample().trim_start_matches("revision = 3\n"));
        let remote = sample().replace("127.0.0.1", "10.0.0.1");
        for content in ["revision = [", "nonsense = 1", twice.as_str(), remote.as_str(), "\u{0}"] {
            std::fs::write(&path, content).unwrap();
            let loaded = load(&path, Timestamp(1)).unwrap();
            assert!(loaded.settings.tools.is_empty());
            let (aside, reason) = loaded.kept_aside.unwrap();
            assert_eq!(std::fs::read_to_string(aside).unwrap(), content);
            assert!(!crate::testing::said(&reason).is_empty());
        }
    }
}
