//! Unix: private folders, and the control socket that only this user's programs may use.

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
    UnixStream::connect(path).await
}

/// Whether the caller runs as the same user; the folder's mode is not the only lock.
pub(crate) fn is_own_peer(stream: &ControlStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw())
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
