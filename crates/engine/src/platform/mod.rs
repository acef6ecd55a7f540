//! What differs between operating systems, one file per system, the same names in each.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{
    ControlListener, ControlStream, bind_control, connect_control, is_own_peer, make_private_folder,
};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::{
    ControlListener, ControlStream, bind_control, connect_control, is_own_peer, make_private_folder,
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
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux tells so far"))]
pub(crate) enum ListenerOwner {
    /// The owner's own.
    Us,
    /// The system's.
    Root,
    /// Another user's, by number.
    Other(u32),
    /// The system does not tell, or not any more.
    Unknown,
}
