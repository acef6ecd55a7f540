//! Unix: private folders, and the control socket that only this user's programs may use.

use super::ListenerOwner;
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::Path,
};
use tokio::net::{UnixListener, UnixStream};

/// A connection on the control socket.
pub(crate) type ControlStream = UnixStream;

/// The control socket.
pub(crate) struct ControlListener(UnixListener);

impl ControlListener {
    /// Waits for a caller.
    pub(crate) async fn accept(&mut self) -> io::Result<ControlStream> {
        self.0.accept().await.map(|(stream, _)| stream)
    }
}

/// Binds the control socket; a file left by an engine that was killed is replaced. The caller holds the home's lock.
pub(crate) fn bind_control(path: &Path) -> io::Result<ControlListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(ControlListener(listener))
}

/// Calls the engine behind a control socket.
pub(crate) async fn connect_control(path: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(path).await?;
    // Passwords go over this: whoever answers must be the same user.
    if is_own_peer(&stream) {
        Ok(stream)
    } else {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user's program answers there"))
    }
}

/// Whether the caller runs as the same user; the folder's mode is not the only lock.
pub(crate) fn is_own_peer(stream: &ControlStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw())
}

/// Connects to a tool's socket, and says whose program listens there.
pub(crate) async fn connect_socket(path: &Path) -> io::Result<(ControlStream, ListenerOwner)> {
    let stream = UnixStream::connect(path).await?;
    let own = rustix::process::geteuid().as_raw();
    let owner = match stream.peer_cred()?.uid() {
        0 => ListenerOwner::Root,
        uid if uid == own => ListenerOwner::Us,
        uid => ListenerOwner::Other(uid),
    };
    Ok((stream, owner))
}

/// Makes a folder that only this user can enter, or checks that one is.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to another user"));
    }
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Raises the limit on open files as far as the system allows; returns it.
pub(crate) fn raise_open_files() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    for wanted in OPEN_FILES.map(|files| limit.maximum.unwrap_or(files).min(files)) {
        let is_enough = limit.current.is_none_or(|current| current >= wanted);
        // Some systems name a maximum and refuse it (macOS beyond `kern.maxfilesperproc`); then fewer are asked for, and
        // what there is in the end is read below.
        let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
        if is_enough || setrlimit(Resource::Nofile, raised).is_ok() {
            break;
        }
    }
    let current = getrlimit(Resource::Nofile).current.unwrap_or(OPEN_FILES[0]);
    usize::try_from(current).unwrap_or(usize::MAX)
}

/// Open files asked for, until the system agrees (chosen: first more than every limit of the data path together).
const OPEN_FILES: [u64; 4] = [36_864, 24_576, 10_240, 4_096];

/// Files this process makes from now on are private to the user.
pub(crate) fn make_new_files_private() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}
