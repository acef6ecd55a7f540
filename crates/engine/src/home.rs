//! The home: the folder with all state of one installation, and the lock that makes its engine the only one.

use crate::{
    platform,
    store::{files, rotation::RotatingFile},
};
use drawbridge_texts::{Sentence, Tell};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Why a home cannot be used; a sentence for the owner each.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The system names no place for it.
    #[error("no folder for application data")]
    NoPlace,
    /// Making or entering it failed.
    #[error("the home {} cannot be used ({source})", path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another engine has it.
    #[error("an engine runs for {}", .0.display())]
    Running(PathBuf),
}

impl Tell for HomeError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::NoPlace => Sentence::new("home-no-place"),
            Self::Unusable { path, source } => {
                Sentence::new("home-unusable").with("path", path.as_path()).quoting("cause", source)
            }
            Self::Running(path) => Sentence::new("home-running").with("path", path.as_path()),
        }
    }
}

/// Where things lie in a home.
#[derive(Clone, Debug)]
pub struct Home {
    path: PathBuf,
}

/// A home that is ours alone until this is dropped or the process ends, however it ends.
pub(crate) struct LockedHome {
    pub(crate) home: Home,
    _lock: File,
}

impl Home {
    /// The folder given, or the platform's own.
    ///
    /// # Errors
    /// When none is given and the system names none.
    pub fn find(given: Option<&Path>) -> Result<Self, HomeError> {
        let path = match given {
            Some(path) => std::path::absolute(path)
                .map_err(|source| HomeError::Unusable { path: path.to_owned(), source })?,
            None => directories::ProjectDirs::from("org", "Drawbridge", "Drawbridge")
                .ok_or(HomeError::NoPlace)?
                .data_dir()
                .to_owned(),
        };
        Ok(Self { path })
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The control socket. Beyond what a socket's name can hold it lies in the runtime folder.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        let inside = self.path.join("run").join("control.sock");
        if inside.as_os_str().len() <= SOCKET_NAME_BYTES {
            return inside;
        }
        let runtime = directories::BaseDirs::new().and_then(|dirs| dirs.runtime_dir().map(Path::to_owned));
        let hash =
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.path.as_os_str().as_encoded_bytes());
        let short: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        runtime.unwrap_or_else(std::env::temp_dir).join(format!("drawbridge-{short}")).join("control.sock")
    }

    /// The engine's own log in this home, rotated by size; made with its folder where they are missing.
    ///
    /// # Errors
    /// When the folder or the file cannot be made or written.
    pub fn open_log(&self) -> Result<impl io::Write + Send + use<>, HomeError> {
        let unusable = |source| HomeError::Unusable { path: self.path.clone(), source };
        platform::make_private_folder(&self.path).map_err(unusable)?;
        platform::make_private_folder(&self.logs()).map_err(unusable)?;
        RotatingFile::open(&self.logs().join("drawbridge.log"), LOG_BYTES).map_err(unusable)
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.path.join("settings.toml")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("drawbridge.db")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// Folder of the markers without which nothing is open after a start.
    pub(crate) fn markers(&self) -> PathBuf {
        self.path.join("open")
    }

    /// Makes the folders and takes the lock.
    pub(crate) fn lock(self) -> Result<LockedHome, HomeError> {
        let unusable = |source| HomeError::Unusable { path: self.path.clone(), source };
        platform::make_new_files_private();
        platform::make_private_folder(&self.path).map_err(unusable)?;
        for folder in [self.path.join("run"), self.logs(), self.markers()] {
            platform::make_private_folder(&folder).map_err(unusable)?;
        }
        if let Some(folder) = self.control_socket().parent() {
            platform::make_private_folder(folder).map_err(unusable)?;
        }
        let path = self.path.join("run").join("engine.lock");
        let lock =
            OpenOptions::new().create(true).write(true).truncate(false).open(path).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {
                // Ours alone from here on, so nobody is in the middle of writing one of these.
                files::remove_unfinished(&self.path);
                Ok(LockedHome { home: self, _lock: lock })
            }
            Err(TryLockError::WouldBlock) => Err(HomeError::Running(self.path)),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }
}

/// Bytes of the engine's log before it is rotated (chosen: months of warnings; two files are kept).
const LOG_BYTES: u64 = 2 * 1024 * 1024;
/// Longest name of a Unix socket, bytes (108 with its end on Linux, 104 on macOS; the lower one, with room for the end).
const SOCKET_NAME_BYTES: usize = 103;
