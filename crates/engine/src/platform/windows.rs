//! Windows: private folders by the profile's own rights, and the control pipe. Compiled here, run on Windows by CI.

use super::ListenerOwner;
use std::time::Duration;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::Path,
};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions};

/// A connection on the control pipe.
pub(crate) type ControlStream = NamedPipeServer;

/// The control pipe, with the instance that waits for the next caller.
pub(crate) struct ControlListener {
    name: String,
    next: NamedPipeServer,
}

impl ControlListener {
    /// Waits for a caller.
    pub(crate) async fn accept(&mut self) -> io::Result<ControlStream> {
        self.next.connect().await?;
        let next = ServerOptions::new().reject_remote_clients(true).create(&self.name)?;
        Ok(std::mem::replace(&mut self.next, next))
    }
}

/// Makes the pipe. The default rights give writing to this user, administrators and the system only; a pipe of this
/// name that is already there is refused, as it could be another user's.
pub(crate) fn bind_control(path: &Path) -> io::Result<ControlListener> {
    let name = pipe_name(path);
    let next = ServerOptions::new().first_pipe_instance(true).reject_remote_clients(true).create(&name)?;
    Ok(ControlListener { name, next })
}

/// Sockets in the file system are no tools' addresses here; `Target::parse` takes none.
pub(crate) async fn connect_socket(_: &Path) -> io::Result<(ControlStream, ListenerOwner)> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Calls the engine behind a control pipe; waits a moment while another caller is being taken.
pub(crate) async fn connect_control(path: &Path) -> io::Result<NamedPipeClient> {
    let name = pipe_name(path);
    let mut tries = 0;
    loop {
        match ClientOptions::new().open(&name) {
            Err(error) if error.raw_os_error() == Some(ERROR_PIPE_BUSY) && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            other => return other,
        }
    }
}

/// The pipe's name for a home: the same for engine and shells.
fn pipe_name(path: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    format!(r"\\.\pipe\drawbridge-{:016x}", hasher.finish())
}

/// The pipe's rights already decided.
pub(crate) const fn is_own_peer(_stream: &ControlStream) -> bool {
    true
}

/// Makes a folder; under the user's profile its rights are private by themselves.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// `ERROR_PIPE_BUSY`: every instance has a caller (Win32 error codes).
const ERROR_PIPE_BUSY: i32 = 231;
/// Tries while busy, and the pause between them: two seconds in all.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// Sockets are no files here and have no such limit.
pub(crate) const fn raise_open_files() -> usize {
    usize::MAX
}

/// Under the user's profile they are by themselves.
pub(crate) const fn make_new_files_private() {}
