//! What the parsers promise about any bytes at all: one function per parser, which panics where a promise is broken.
//!
//! `fuzz/` drives them with a coverage-guided fuzzer, and the unit tests below replay the inputs it kept. Compiled for
//! tests and for the feature `fuzzing` only; nothing that ships has it. The first lines of [`TARGETS`] read what
//! strangers send, the later ones what lies in the owner's files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken promise is a panic, which is what the fuzzer looks for"
)]

mod connection;
mod control;
mod fields;
mod files;
mod forms;
mod hosts;
mod injection;
mod passkeys;
#[cfg(test)]
mod replay;
mod request;
mod response;
mod sealed;
mod users;
mod wire;

pub use connection::first_bytes;
pub use control::control;
pub use fields::{basic, cookie, forwarding, hop_by_hop};
pub use files::{certificate, key_file, passphrase, root_key, settings};
pub use forms::{door_entry, sign_in_form};
pub use hosts::{authority, path, tool_target};
pub use injection::{aria2_get, aria2_json, aria2_xml, injected_header, injected_query};
pub use passkeys::passkey;
pub use request::request;
pub use response::response;
pub use sealed::{recovery_code, sealed};
pub use users::user_list;

/// Reads bytes and panics where a promise is broken.
pub type Target = fn(&[u8]);

macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        /// Every target with its name, which is also its folder's in `fuzz/corpus` and `fuzz/regressions`.
        pub const TARGETS: &[(&str, Target)] = &[$((stringify!($name), $name)),*];

        /// The kept inputs of each target, as tests of its name.
        #[cfg(test)]
        mod kept {
            $(#[test]
            fn $name() {
                super::replay::replay(stringify!($name), super::$name);
            })*
        }
    };
}

targets![
    authority,
    path,
    cookie,
    forwarding,
    hop_by_hop,
    basic,
    sign_in_form,
    door_entry,
    passkey,
    first_bytes,
    request,
    response,
    aria2_json,
    aria2_get,
    aria2_xml,
    injected_query,
    injected_header,
    tool_target,
    control,
    settings,
    user_list,
    certificate,
    root_key,
    passphrase,
    key_file,
    recovery_code,
    sealed,
];

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(own, _)| *own == name).map(|(_, target)| *target)
}

/// The bytes as text; parsers of text are not asked about anything else.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// No byte that ends a field or a text early for some program.
fn assert_one_line(bytes: &[u8]) {
    assert!(!bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "a line break or NUL got through");
}
