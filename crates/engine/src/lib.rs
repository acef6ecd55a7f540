//! Everything in Drawbridge that decides: which doors are open, who gets in, what reaches a tool.
//!
//! Shells (window, tray, command line) only ask, over [`Client`] or in process through [`Engine`]. The engine knows no
//! shell: it never depends on tauri, clap or anyhow. `ARCHITECTURE.md` opens with the life of a request.

mod bell;
mod certificates;
mod client;
mod clock;
mod control;
mod engine;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod headers;
mod home;
mod identity;
mod injection;
mod link;
mod network;
mod pages;
mod platform;
#[doc(hidden)]
pub mod proxy;
mod random;
mod secrets;
mod settings;
mod store;
#[cfg(test)]
mod testing;
mod tools;

pub use bell::{Bell, BellError};
pub use client::{Client, ClientError, Events};
pub use clock::{Clock, Timestamp};
pub use control::FirstUser;
pub use engine::{Configuration, Engine, StartError};
pub use home::{Home, HomeError};
pub use link::{Changes, Link};
pub use network::interfaces::{BadLanAddress, Lan, check_lan_address};
pub use secrets::KeyringChoice;
