//! The bell of a desktop: the second one started for a home rings the first, which shows its window.
//!
//! A socket beside the control socket, for programs of the same user; whoever calls has rung, and nothing is said.

use crate::{
    home::{Home, HomeError},
    platform::{self, ControlListener},
};
use drawbridge_texts::{Sentence, Tell};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::PathBuf,
    time::Duration,
};

/// Hung up by the desktop of a home; it is the only one until this is dropped or the process ends.
pub struct Bell {
    listener: ControlListener,
    _lock: File,
}

/// Why there is no bell to hang up or to ring.
#[derive(Debug, thiserror::Error)]
pub enum BellError {
    /// Another desktop has this home; it was rung.
    #[error("another desktop runs for this home and was called")]
    Rung,
    /// Another desktop has this home, and does not answer.
    #[error("another desktop runs for this home and does not answer")]
    Silent(#[source] io::Error),
    /// The home cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
}

impl Tell for BellError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Rung => Sentence::new("desktop-running"),
            Self::Silent(source) => Sentence::new("desktop-silent").quoting("cause", source),
            Self::Home(error) => error.sentence(),
        }
    }
}

impl Bell {
    /// Hangs up the bell of a home, or rings the one that hangs there.
    ///
    /// # Errors
    /// See [`BellError`].
    pub async fn hang(home: &Home) -> Result<Self, BellError> {
        let unusable = |source| HomeError::Unusable { path: home.path().to_owned(), source };
        platform::make_private_folder(home.path()).map_err(unusable)?;
        platform::make_private_folder(&home.path().join("run")).map_err(unusable)?;
        let socket = socket(home);
        if let Some(folder) = socket.parent() {
            platform::make_private_folder(folder).map_err(unusable)?;
        }
        let path = home.path().join("run").join("desktop.lock");
        let lock =
            OpenOptions::new().create(true).write(true).truncate(false).open(path).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {
                let listener = platform::bind_control(&socket).map_err(unusable)?;
                Ok(Self { listener, _lock: lock })
            }
            Err(TryLockError::WouldBlock) => Err(match Self::ring(home).await {
                Ok(()) => BellError::Rung,
                Err(source) => BellError::Silent(source),
            }),
            Err(TryLockError::Error(source)) => Err(unusable(source).into()),
        }
    }

    /// Rings the desktop of a home.
    ///
    /// # Errors
    /// When none answers.
    pub async fn ring(home: &Home) -> io::Result<()> {
        platform::connect_control(&socket(home)).await.map(drop)
    }

    /// Waits until somebody rang.
    pub async fn rung(&mut self) {
        loop {
            match self.listener.accept().await {
                Ok(caller) if platform::is_own_peer(&caller) => return,
                Ok(_) => {}
                // Out of descriptors, most likely; a bell can wait.
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }
}

fn socket(home: &Home) -> PathBuf {
    home.control_socket().with_file_name("desktop.sock")
}

/// Pause after a failed accept.
const RETRY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_second_desktop_rings_the_first_and_a_dead_one_leaves_room() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::find(Some(&folder.path().join("home"))).unwrap();
        let mut first = Bell::hang(&home).await.unwrap();
        let (second, ()) = tokio::join!(Bell::hang(&home), first.rung());
        assert!(matches!(second, Err(BellError::Rung)));
        drop(first);
        assert!(Bell::ring(&home).await.is_err(), "nobody is there any more");
        Bell::hang(&home).await.unwrap();
    }
}
