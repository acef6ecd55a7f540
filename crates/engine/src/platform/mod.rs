//! What differs between operating systems, one file per system, the same names in each.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{
    ControlListener, ControlStream, bind_control, connect_control, connect_socket, is_own_peer,
    make_new_files_private, make_private_folder, raise_open_files,
};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::{
    ControlListener, ControlStream, bind_control, connect_control, connect_socket, is_own_peer,
    make_new_files_private, make_private_folder, raise_open_files,
};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::listener_owner;

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::listener_owner;

/// Whose program listens on an address of this computer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(dead_code, reason = "each system gives some of these answers")]
pub(crate) enum ListenerOwner {
    /// The owner's own.
    Us,
    /// The system's.
    Root,
    /// Another user's, by number.
    Other(u32),
    /// No socket listens there (any more), or the tables cannot be read.
    Nobody,
    /// This system's tables are not read yet.
    Unknown,
}
