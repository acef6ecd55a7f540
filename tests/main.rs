//! Black-box tests: the shipped program, driven as a person, a script or a stranger would.
//!
//! They run on Linux, with real parts (JupyterLab, Chromium, gnome-keyring, curl) that `cargo xtask test` installs;
//! a missing part fails a test, never skips it. Every engine has a home and a loopback address of its own.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on says why and fails"
)]

mod support;

mod approvals;
mod changes;
mod control;
mod dependencies;
#[cfg(feature = "gui")]
mod desk;
mod exceptions;
mod faults;
mod first_light;
mod floods;
mod fronted;
mod invites;
mod jupyter;
mod keyring;
mod matrix;
mod pages;
mod passes;
mod passkeys;
mod passwords;
mod programs;
mod promises;
mod second_factor;
mod secrets;
mod upstreams;
mod wants;
